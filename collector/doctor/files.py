"""The checks that read files as they lie: spool, WAL, the store's parts, logs, modes.

Paths come in, verdicts go out; of what is found they tell the file and the kind.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import msgspec

from collector.data_dir import DataDir
from collector.doctor.blocks import UnknownBlock, unpack
from collector.doctor.patterns import EMAIL, LONGEST, Address, kinds_in_bytes
from collector.doctor.verdicts import Verdict, judge, not_checked

Advance = Callable[[int], None]

_PIECE_BYTES = 1024 * 1024
_PACKED = re.compile(r".*\.(?:bin|cidx|cmrk\d?)")
# Written by the operator, not by hits: a policy names a contact, a login may be an e-mail address,
# a link in a message may lead to an address.
_BY_OPERATOR = frozenset(
    {"policy.toml", "policies", "email.sqlite", "email.sqlite-wal", "email.sqlite-shm"}
)
_MAY_NAME_LOGINS = "logins.sqlite"
_AUDIT = re.compile(r"audit/\d{4}-\d\d-\d\d\.jsonl")


class Scan:
    """A search of files, which may vanish under it."""

    def __init__(self, own: Collection[Address], advance: Advance) -> None:
        """Take `own`, addresses that may stand in files: this machine's."""
        self._own = own
        self._advance = advance
        self.faults: Counter[tuple[str, str]] = Counter()
        self.files = 0
        self.unread: list[str] = []
        """Files that could not be read, or not unpacked."""

    def read(self, path: Path, name: str) -> None:
        """Search one file; of compressed blocks, what they hold."""
        before = b""
        try:
            with path.open("rb") as file:
                self.files += 1
                for piece in _pieces(file, name):
                    self._note(name, before + piece)
                    before = piece[-LONGEST:]
                self._advance(file.tell())
        except (FileNotFoundError, NotADirectoryError):  # merged away
            return
        except (OSError, UnknownBlock):
            self.unread.append(name)

    def _note(self, name: str, content: bytes) -> None:
        for kind in kinds_in_bytes(content, self._own):
            if kind != EMAIL or not name.startswith(_MAY_NAME_LOGINS):
                self.faults[name, kind] += 1


def _pieces(file: BinaryIO, name: str) -> Iterator[bytes]:
    if _PACKED.fullmatch(name.rpartition("/")[2]):
        yield from unpack(file)
        return
    if _AUDIT.fullmatch(name):
        while lines := file.readlines(_PIECE_BYTES):
            yield b"".join(map(_without_login, lines))
        return
    while piece := file.read(_PIECE_BYTES):
        yield piece


def _without_login(line: bytes) -> bytes:
    """Return a line of the audit log without names of users; one that is none as it is."""
    try:
        told = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line
    for field in ("user", "whom"):
        told.pop(field, None)
    return msgspec.json.encode(told) + b"\n"


def files_of(data: DataDir) -> dict[str, Path]:
    """Return the files that hits may have left something in, by their names in the directory."""
    found = {}
    # Unlike a glob, os.walk goes on where a directory vanishes under it.
    for parent, _, names in os.walk(data.path):
        for path in (Path(parent) / each for each in sorted(names)):
            name = path.relative_to(data.path)
            if name.parts[0] not in _BY_OPERATOR and not path.is_symlink() and path.is_file():
                found[str(name)] = path
    return found


def size_of(files: Mapping[str, Path]) -> int:
    """Return how many bytes the files have, less those that are gone already."""
    sizes = 0
    for path in files.values():
        try:
            sizes += path.stat().st_size
        except OSError:
            continue
    return sizes


def check_scan(check: str, scan: Scan, looked_at: str) -> Verdict:
    """Check that a search found nothing and could read everything."""
    faults = [f"{name}: {number} × {kind}" for (name, kind), number in sorted(scan.faults.items())]
    if faults or not scan.unread:
        return judge(check, faults, looked_at)
    return not_checked(check, f"these could not be read or unpacked: {', '.join(scan.unread)}")


def check_modes(data: DataDir) -> Verdict:
    """Check that nobody but the owner gets at a file."""
    check = "nobody but the owner can read the data directory"
    if not _others_may(data.path):
        return judge(check, [], "its mode lets nobody else in")
    open_to_others = list(_reachable(data.path))
    return judge(check, [f"its mode lets others in; {len(open_to_others)} files can be read"], "")


def _reachable(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_symlink() or not _others_may(path):
            continue
        if path.is_dir():
            yield from _reachable(path)
        else:
            yield path


def _others_may(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))
