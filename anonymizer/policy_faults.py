"""What is wrong with a policy file, said by line and key and without its values."""

import re
from collections.abc import Iterable
from operator import attrgetter

from msgspec import Struct

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Fault(Struct, frozen=True):
    """One fault of a policy file."""

    line: int
    key: str
    """The key's path, such as ``site.timezone``; empty when the whole file is at fault."""
    message: str

    def __str__(self) -> str:
        """Render as ``line 12: site.timezone: must be a string``."""
        return ": ".join(filter(None, (f"line {self.line}", self.key, self.message)))


class PolicyFaults(Exception):
    """Every fault of a policy file, ordered by line."""

    faults: tuple[Fault, ...]

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=attrgetter("line")))
        super().__init__("\n".join(map(str, self.faults)))


def key_of(path: Iterable[str | int]) -> str:
    """Name a path for a reader: indexes left out, unprintable or long keys not repeated."""
    return ".".join(_shown(part) for part in path if isinstance(part, str))


def _shown(part: str) -> str:
    if _BARE_KEY.fullmatch(part):
        return part
    return f'"{part}"' if part.isprintable() and len(part) <= 40 else "(key)"
