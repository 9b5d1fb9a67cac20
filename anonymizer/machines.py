"""Which agents are programs and not people, by a list of what such programs call themselves.

A raw agent comes in; a kind and a family go out, both from closed lists, so that
no text of the agent goes on with them.
"""

import re
from collections.abc import Iterable
from enum import StrEnum

from msgspec import Struct
from ua_parser_rs import UserAgentExtractor

OTHER_FAMILY = "other"
"""The family of a machine that the list doesn't name."""

_FAMILY = re.compile(r"[^\W_][\w .!&'/+-]{0,39}")
_COLUMNS = 3
_BOUNDARY = r"(?-u:\b)"  # of ASCII words: Unicode's takes 5 MB more


class MachineKind(StrEnum):
    """What a machine is for."""

    CRAWLER = "crawler"
    """Search engines, advertising, archives, feed readers, scanners."""
    AI_CRAWLER = "ai_crawler"
    """Reads pages to train a model, or for a question that someone asked an assistant."""
    MONITORING = "monitoring"
    HEADLESS = "headless"
    """A browser that a program drives."""
    TOOL = "tool"
    """A command or an HTTP library, such as curl."""
    PREVIEW = "preview"
    """Looks at a link that was pasted into a chat or a post."""
    MAIL_PROXY = "mail_proxy"
    """Loads a picture when a person opens a message: no bot."""
    MAIL_PREFETCH = "mail_prefetch"
    """Loads a message's pictures whether or not anyone opens it."""
    UNKNOWN = "unknown"
    """Names nothing, not even itself."""


_KINDS = frozenset(kind.value for kind in MachineKind)


class Machine(Struct, frozen=True, gc=False):
    """A program, as far as it named itself."""

    kind: MachineKind
    family: str
    """A name of the list, or `OTHER_FAMILY`; never the agent's own text."""


class Machines:
    """The agents of known machines."""

    def __init__(self, rows: Iterable[tuple[MachineKind, str, str]]) -> None:
        """Take rows of (kind, family, pattern); of the patterns that fit, the first counts.

        Patterns are those of Rust's regex crate: 1,600 take 60 ms and 13 MB. Python's `re` would
        need 1 ms for each agent, not 3 µs. Raises ValueError when a pattern is none.
        """
        listed = list(rows)
        self._machines = [Machine(kind, family) for kind, family, _ in listed]
        self._patterns = UserAgentExtractor(
            (pattern.replace(r"\b", _BOUNDARY), str(number), None, None, None, None)
            for number, (_, _, pattern) in enumerate(listed)
        )

    @classmethod
    def from_tsv(cls, text: str) -> "Machines":
        """Read ``machines.tsv``: kind, family and pattern, tab-separated; ``#`` starts a comment.

        Raises ValueError naming the line that doesn't fit.
        """
        rows: list[tuple[MachineKind, str, str]] = []
        for number, line in enumerate(text.splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            columns = line.split("\t")
            if len(columns) != _COLUMNS:
                raise ValueError(f"machines: line {number} has not three columns")
            kind, family, pattern = columns
            if kind not in _KINDS or not _FAMILY.fullmatch(family):
                raise ValueError(f"machines: line {number} has no such kind or family")
            rows.append((MachineKind(kind), family, pattern))
        return cls(rows)

    def find(self, raw_agent: str) -> Machine | None:
        """Return what machine an agent names, or None when it names none of the list."""
        found = self._patterns.extract(raw_agent)
        return self._machines[int(found.family)] if found else None

    def __len__(self) -> int:
        return len(self._machines)
