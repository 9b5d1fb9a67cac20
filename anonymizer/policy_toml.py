"""TOML text → its tables and their lines, or one clear fault.

The limits stand before the parser, because a policy may come from an editor,
a template or a stranger.
"""

import re
import tomllib
from typing import cast

from msgspec import Struct

from anonymizer.policy_faults import Fault, PolicyFaults, key_of
from anonymizer.policy_lines import MAX_NESTING, Lines, NestingError, find_lines

MAX_BYTES = 1_000_000
MAX_LINE_LENGTH = 2_000  # int() refuses more than 4300 digits without telling the line
# tomllib takes time quadratic in the parts of a dotted key: 1 MB of keys of 990 parts
# took 13 s, of 100 parts 3 s.
MAX_LINE_DOTS = 100

_POSITION = re.compile(r"\(at line ([0-9]+), column ([0-9]+)\)\Z")
_TWICE = ("Cannot overwrite", "Cannot declare", "Cannot redefine", "Cannot mutate", "Duplicate")


class Document(Struct, frozen=True):
    """A parsed TOML text."""

    values: dict[str, object]
    lines: Lines


def read_toml(text: str) -> Document:
    """Parse a TOML 1.0 text of at most `MAX_BYTES`.

    Raises `PolicyFaults` with exactly one fault.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")  # editors on Windows write both
    _check_size(text)
    try:
        values = cast(dict[str, object], tomllib.loads(text))
        lines = find_lines(text)
    except (RecursionError, NestingError):
        raise PolicyFaults([_nesting_fault(text)]) from None
    except ValueError as error:
        raise PolicyFaults([_syntax_fault(text, str(error))]) from None
    if not values:
        raise PolicyFaults([Fault(1, "", "the file is empty")])
    return Document(values, lines)


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise PolicyFaults([Fault(line, "", "is not UTF-8 text")]) from None
    if size > MAX_BYTES:
        raise PolicyFaults([Fault(1, "", f"the file is larger than {MAX_BYTES:,} bytes")])
    for number, line_text in enumerate(text.split("\n"), start=1):
        if len(line_text) > MAX_LINE_LENGTH:
            message = f"the line is longer than {MAX_LINE_LENGTH:,} characters"
            raise PolicyFaults([Fault(number, "", message)])
        if line_text.count(".") > MAX_LINE_DOTS:
            message = f"the line holds more than {MAX_LINE_DOTS} dots"
            raise PolicyFaults([Fault(number, "", message)])


def _nesting_fault(text: str) -> Fault:
    line = 1
    try:
        find_lines(text)
    except NestingError as error:
        line = error.line
    except ValueError:
        pass
    return Fault(line, "", f"nests more than {MAX_NESTING} levels deep")


def _syntax_fault(text: str, reason: str) -> Fault:
    """Say where and how the text breaks, without the pieces of it that tomllib quotes."""
    position = _POSITION.search(reason)
    if position is None:
        last_line = text.rstrip("\n").count("\n") + 1
        return Fault(last_line, "", "is not valid TOML: the text ends too early")
    line, column = int(position[1]), int(position[2])
    if not reason.startswith(_TWICE):
        return Fault(line, "", f"is not valid TOML at column {column}")
    # tomllib points behind the repeated statement, which is whole up to there.
    starts = [0, *(hit.end() for hit in re.finditer("\n", text))]
    try:
        lines = find_lines(text[: starts[line - 1] + column - 1])
    except ValueError:
        return Fault(line, "", "gives a key twice")
    return Fault(lines.of(lines.last), key_of(lines.last), "is given twice")
