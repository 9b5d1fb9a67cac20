"""Where each key of a TOML text stands.

Text that tomllib has accepted comes in; the line of every table, key and array
item goes out. It reads no values and judges nothing: tomllib has done both,
but tells no positions.
"""

import re
import tomllib
from bisect import bisect_left

from msgspec import Struct

Path = tuple[str | int, ...]
"""Keys and, within arrays, indexes from 0: ``("site", 1, "domain")``."""

MAX_NESTING = 50  # brackets within brackets; a policy needs three

_BLANK = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
_EQUALS = re.compile(r"[ \t]*=[ \t]*")
_OPEN = re.compile(r"\[\[?[ \t]*")
_CLOSE = re.compile(r"[ \t]*\]{0,2}")
# TOML 1.0, "String": up to two quotes may stand right before the three that close.
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}'
    r"|'''(?:[^']|'{1,2}(?!'))*'{3,5}"
    r'|"(?:[^"\\]|\\.)*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")  # numbers, dates (which may hold a space), booleans


class Lines(Struct, frozen=True):
    """The lines of one text, counted from 1."""

    found: dict[Path, int]
    last: Path
    """The header or key that the text's last statement writes."""

    def of(self, path: Path) -> int:
        """Return the line of a path, of the nearest table around it, or 1."""
        for length in range(len(path), 0, -1):
            line = self.found.get(path[:length])
            if line is not None:
                return line
        return 1


class NestingError(ValueError):
    """Brackets stand more than `MAX_NESTING` deep in the statement at `line`."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__("nested too deeply")


def find_lines(text: str) -> Lines:
    """Find the line of every table, key and array item of a TOML 1.0 text.

    Raises NestingError, or ValueError where the text is cut short or is not TOML.
    """
    scan = _Scan(text.replace("\r\n", "\n"))
    last = scan.statements()
    return Lines(found=scan.found, last=last)


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.statement_line = 1
        self.depth = 0
        self.found: dict[Path, int] = {}
        self.table_counts: dict[Path, int] = {}
        self.newlines = [hit.start() for hit in re.finditer("\n", text)]

    def statements(self) -> Path:
        table: Path = ()
        last: Path = ()
        while True:
            self.take(_BLANK)
            if self.at == len(self.text):
                return last
            self.statement_line = self.line()
            if self.text[self.at] == "[":
                last = table = self.header()
            else:
                last = self.key_value(table)

    def header(self) -> Path:
        line = self.line()
        is_array = self.take(_OPEN).startswith("[[")
        *outer, name = self.key()
        self.take(_CLOSE)
        path: Path = ()
        for part in outer:
            path = (*path, part)
            self.found.setdefault(path, line)
            if path in self.table_counts:
                path = (*path, self.table_counts[path] - 1)
        path = (*path, name)
        if is_array:
            self.found.setdefault(path, line)
            count = self.table_counts.get(path, 0)
            self.table_counts[path] = count + 1
            path = (*path, count)
        self.found[path] = line
        return path

    def key_value(self, table: Path) -> Path:
        line = self.line()
        *outer, name = self.key()
        path = table
        for part in outer:
            path = (*path, part)
            self.found.setdefault(path, line)
        path = (*path, name)
        self.found[path] = line
        self.take(_EQUALS)
        self.value(path)
        return path

    def key(self) -> list[str]:
        parts = [_key_name(self.take(_KEY_PART))]
        while (dot := _DOT.match(self.text, self.at)) is not None:
            self.at = dot.end()
            parts.append(_key_name(self.take(_KEY_PART)))
        return parts

    def value(self, path: Path) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise NestingError(self.statement_line)
        match self.text[self.at : self.at + 1]:
            case "[":
                self.array(path)
            case "{":
                self.inline_table(path)
            case '"' | "'":
                self.take(_STRING)
            case _:
                self.take(_PLAIN)
        self.depth -= 1

    def array(self, path: Path) -> None:
        index = 0
        while self.next_item("]"):
            item = (*path, index)
            self.found[item] = self.line()
            self.value(item)
            index += 1

    def inline_table(self, path: Path) -> None:
        while self.next_item("}"):
            self.key_value(path)

    def next_item(self, closing: str) -> bool:
        """Step over an opening bracket or a comma; tell whether an item follows."""
        self.take(_BLANK)
        if not self.text.startswith(closing, self.at):
            self.at += 1
            self.take(_BLANK)
        if self.text.startswith(closing, self.at):
            self.at += 1
            return False
        return True

    def line(self) -> int:
        return bisect_left(self.newlines, self.at) + 1

    def take(self, pattern: re.Pattern[str]) -> str:
        hit = pattern.match(self.text, self.at)
        if hit is None:
            raise ValueError("cut short, or not TOML")
        self.at = hit.end()
        return hit.group()


def _key_name(part: str) -> str:
    if part[0] == '"':
        (name,) = tomllib.loads(f"{part} = 0")  # TOML's own escapes
        return name
    return part.strip("'")
