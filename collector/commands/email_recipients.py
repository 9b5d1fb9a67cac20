"""What the commands about recipients have in common: files of references, the file of refusals."""

import sys
from collections.abc import Sequence
from pathlib import Path

from collector.commands import CommandFailed
from collector.data_dir import DataDir
from collector.email.tokens import BadReference, check_reference
from collector.email.unsubscribe import Refusals, RefusalsFailed

MAX_LINES = 5_000_000


def data_of(folder: Path) -> DataDir:
    """Return a command's data directory.

    Raises:
        CommandFailed: there is none, or no policy was served on it: what is noted in a folder
            taken for it would be lost.
    """
    if not folder.is_dir():
        raise CommandFailed(f"{folder}: there is no data directory")
    data = DataDir(folder)
    if not data.policy.exists():
        raise CommandFailed(f"{data.policy}: there is no policy yet; serve one first")
    return data


def refusals_of(data: DataDir) -> Refusals:
    """Return who unsubscribed or withdrew.

    Raises:
        CommandFailed: the file can't be used.
    """
    try:
        return Refusals(data.recipients, data.email_key)
    except RefusalsFailed as error:
        raise CommandFailed(str(error)) from None


def read_lines(file: Path) -> Sequence[str]:
    """Return a file's lines without the blanks around them; ``-`` is standard input.

    Raises:
        CommandFailed: it can't be read or is too long.
    """
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8-sig")
    except OSError as error:
        raise CommandFailed(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{file}: is no UTF-8 text") from None
    lines = [line.strip() for line in text.splitlines()]
    if len(lines) > MAX_LINES:
        raise CommandFailed(f"{file}: has more than {MAX_LINES:,} lines")
    return lines


def read_references(reference: str | None, file: Path | None) -> Sequence[str]:
    """Return the one reference, or those of a file, one a line.

    Raises:
        CommandFailed: neither or both are given, or one can't be taken: its line is told.
    """
    if (reference is None) == (file is None):
        raise CommandFailed("--reference: give one, or a file of them by --references")
    if file is None:
        return [_check(reference or "", "")]
    raw_references = [
        _check(line, f"line {number}: ") for number, line in enumerate(read_lines(file), 1) if line
    ]
    return list(dict.fromkeys(raw_references))


def _check(raw_text: str, where: str) -> str:
    try:
        return check_reference(raw_text)
    except BadReference as error:
        raise CommandFailed(f"{where}{error}") from None
