"""One table of a policy file, read key by key.

Every fault is noted with the line of its key and reading goes on with a
stand-in, so that one pass finds them all. `policy_file` hands no value out
once a fault is noted.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar, cast

from anonymizer.policy_faults import Fault, key_of
from anonymizer.policy_lines import Lines, Path

MAX_TEXT_LENGTH = 500  # a title or a clause is a line in a privacy notice, not a page

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Word = TypeVar("Word", bound=StrEnum)


class Source:
    """A text that tables are read from: its lines, and the faults found so far."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.faults: list[Fault] = []

    def refuse(self, path: Path, message: str) -> None:
        self.faults.append(Fault(self.lines.of(path), key_of(path), message))


class Table:
    """A table's keys, on top of those it inherits."""

    def __init__(
        self,
        source: Source,
        path: Path,
        given: Mapping[str, object],
        inherited: Mapping[str, object] | None = None,
    ) -> None:
        self.source = source
        self.path = path
        self.given = given
        self.values = {**(inherited or {}), **given}

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def refuse(self, key: str, message: str) -> None:
        """Note a fault at a key, or at the table's header when the key is not given."""
        self.source.refuse((*self.path, key), message)

    def refuse_unknown(self, known: Sequence[str]) -> None:
        for key in self.given:
            if key not in known:
                self.refuse(key, f"is not a known key here; known are {', '.join(known)}")

    def line(self, key: str) -> int:
        return self.source.lines.of((*self.path, key))

    def read_text(self, key: str, pattern: re.Pattern[str] | None = None, wanted: str = "") -> str:
        """Read a required one-line string, matched whole by `pattern` when there is one.

        Returns an empty string after a fault.
        """
        if key not in self.values:
            self.refuse(key, "is missing")
            return ""
        value = self.values[key]
        if not isinstance(value, str):
            self.refuse(key, "must be a string")
        elif not value.strip():
            self.refuse(key, "must not be empty")
        elif _CONTROL.search(value):
            self.refuse(key, "must be one line without control characters")
        elif len(value) > MAX_TEXT_LENGTH:
            self.refuse(key, f"must not be longer than {MAX_TEXT_LENGTH} characters")
        elif pattern is not None and not pattern.fullmatch(value):
            self.refuse(key, f"must be {wanted}")
        else:
            return value
        return ""

    def read_optional(self, key: str) -> str:
        """Read a one-line string; empty when it is missing or faulty."""
        return self.read_text(key) if key in self else ""

    def read_word(self, key: str, words: type[Word], default: Word | None = None) -> Word:
        """Read one of a closed list of words; required when there is no default."""
        if key not in self.values:
            if default is None:
                self.refuse(key, "is missing")
            return default or next(iter(words))
        value = self.values[key]
        if isinstance(value, str) and value in tuple(words):
            return words(value)
        self.refuse(key, "must be " + " or ".join(f'"{word}"' for word in words))
        return next(iter(words))

    def read_switch(self, key: str) -> bool:
        """Read true or false; false when it is missing."""
        value = self.values.get(key, False)
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value is True

    def read_whole(self, key: str, default: int, highest: int | None = None) -> int:
        """Read a whole number from 1 up to `highest`."""
        if key not in self.values:
            return default
        value = self.values[key]
        # TOML's true is an int to Python.
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if is_whole and 1 <= cast(int, value) <= (highest or cast(int, value)):
            return cast(int, value)
        bounds = f"from 1 to {highest}" if highest else "of at least 1"
        self.refuse(key, f"must be a whole number {bounds}")
        return default

    def read_strings(self, key: str) -> list[str] | None:
        """Read a list of strings; None when it is missing or faulty."""
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return cast(list[str], value)
        self.refuse(key, "must be a list of strings")
        return None

    def read_texts(
        self, key: str, pattern: re.Pattern[str] | None = None, wanted: str = ""
    ) -> tuple[str, ...]:
        """Read a list of one-line strings, each as `read_text` has it; empty when missing."""
        items = self.read_strings(key) or []
        found = []
        for item in items:
            text = Table(self.source, self.path, {key: item}).read_text(key, pattern, wanted)
            if not text:
                return ()
            found.append(text)
        return tuple(found)

    def read_table(self, key: str) -> "Table | None":
        """Read a table within; None when it is missing or faulty."""
        if key not in self.values:
            return None
        value = self.values[key]
        if isinstance(value, dict):
            return Table(self.source, (*self.path, key), cast(dict[str, object], value))
        self.refuse(key, f"must be one table, headed [{key}]")
        return None

    def read_tables(self, key: str) -> list["Table"]:
        """Read an array of tables; empty when it is missing or faulty."""
        value = self.values.get(key, [])
        if not isinstance(value, list):
            header = key_of((*self.path, key))
            self.refuse(key, f"must be an array of tables, each headed [[{header}]]")
            return []
        tables = []
        for index, item in enumerate(cast(list[object], value)):
            path = (*self.path, key, index)
            if isinstance(item, dict):
                tables.append(Table(self.source, path, cast(dict[str, object], item)))
            else:
                self.source.refuse(path, f"must be a table, headed [[{key_of(path)}]]")
        return tables
