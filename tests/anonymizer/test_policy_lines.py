"""The line scanner against generated TOML whose writer knows each line."""

import json
import re
import tomllib
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.policy_lines import MAX_NESTING, Lines, NestingError, Path, find_lines

NAMES = st.text(alphabet="ab0-_ .#=[]{}\"'\\é\t", max_size=4)
COMMENTS = st.sampled_from(["", " # no = [key] here", "# '''", ' # """', "\t"])
ONE_LINE_VALUES = st.sampled_from(
    [
        "1",
        "0xf",
        "true",
        "1.5e3",
        "-inf",
        "1979-05-27 07:32:00.5Z",
        "1979-05-27",
        '""',
        "''",
        '"# [a] = 1 , ]}"',
        r'"\"\\ \u00e9"',
        r"'\'",
        '""""""',
        "''''''",
        '""""a" ""b"""""',
        "''''a'' ]'''''",
        '"""a\\""" = 1 """',
    ]
)
LONG_VALUES = st.sampled_from(
    [
        '"""\n[not.a.header]\nkey = 1\n"""',
        "'''\n[[x]]\n'' # \\\n'''''",
        '"""a \\\n   b\n\n"""""',
    ]
)


class Writer:
    """Writes TOML and notes at which line each path begins."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def names(self, most: int) -> list[str]:
        return self.draw(st.lists(NAMES, unique=True, max_size=most))

    def key(self, name: str) -> str:
        styles = [json.dumps(name, ensure_ascii=self.draw(st.booleans()))]
        if re.fullmatch("[A-Za-z0-9_-]+", name):
            styles.append(name)
        if "'" not in name:
            styles.append(f"'{name}'")
        return self.draw(st.sampled_from(styles))

    def gap(self) -> None:
        for comment in self.draw(st.lists(COMMENTS, max_size=2)):
            self.text += comment + "\n"

    def key_values(self, table: Path, names: list[str], depth: int, end: str = "\n") -> None:
        for name in names:
            dotted = self.draw(st.lists(NAMES, max_size=2))
            path = table
            for part in [name, *dotted]:
                path = (*path, part)
                self.lines[path] = self.line
            dot = self.draw(st.sampled_from([".", " . "]))
            self.text += dot.join(map(self.key, [name, *dotted]))
            self.text += self.draw(st.sampled_from(["=", " = "]))
            self.value(path, depth)
            if end == "\n":
                self.text += self.draw(COMMENTS) + "\n"
                self.gap()
            elif name != names[-1]:
                self.text += end

    def value(self, path: Path, depth: int) -> None:
        kind = self.draw(st.sampled_from(["short", "long"] + ["array", "table"] * (depth > 0)))
        if kind == "array":
            self.text += "["
            self.gap()
            for index in range(count := self.draw(st.integers(0, 3))):
                self.lines[*path, index] = self.line
                self.value((*path, index), depth - 1)
                self.gap()
                self.text += "," if index < count - 1 or self.draw(st.booleans()) else ""
                self.gap()
            self.text += "]"
        elif kind == "table":
            self.text += "{ "
            self.key_values(path, self.names(2), depth - 1, end=" , ")
            self.text += " }"
        else:
            self.text += self.draw(ONE_LINE_VALUES if kind == "short" else LONG_VALUES)

    def table(self, shown: list[str], table: Path, depth: int) -> None:
        """Write what stands under a header, then the headers below it."""
        names = self.names(6)
        self.key_values(table, names[:2], 2)
        for name in names[2:] if depth else []:
            below = [*shown, self.key(name)]
            path = (*table, name)
            self.gap()
            kind = self.draw(st.sampled_from(["plain", "array", "implied", "implied first"]))
            if kind == "array":
                for index in range(self.draw(st.integers(1, 3))):
                    self.lines.setdefault(path, self.line)
                    self.lines[*path, index] = self.line
                    self.text += f"[[ {'.'.join(below)} ]]{self.draw(COMMENTS)}\n"
                    self.table(below, (*path, index), depth - 1)
            else:
                if kind != "plain":
                    self.lines[path] = self.line
                    self.lines[*path, "in"] = self.line
                    self.text += f"[{' . '.join([*below, 'in'])}]\n"
                    self.key_values((*path, "in"), self.names(2), 1)
                if kind != "implied":
                    self.lines[path] = self.line
                    self.text += f"[{'.'.join(below)}]\n"
                    if kind == "plain":
                        self.table(below, path, depth - 1)


@st.composite
def written_toml(draw: st.DrawFn) -> tuple[str, dict[Path, int]]:
    writer = Writer(draw)
    writer.gap()
    writer.table([], (), 2)
    return writer.text, writer.lines


def paths_of(value: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in cast(dict[str, object], value).items():
            yield from paths_of(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(cast(list[object], value)):
            yield from paths_of(item, (*path, index))


@given(written_toml())
def test_every_path_is_found_at_the_line_it_was_written(
    written: tuple[str, dict[Path, int]],
) -> None:
    text, lines = written
    found = find_lines(text).found

    assert found == lines
    assert set(found) == set(paths_of(tomllib.loads(text)))


@given(written_toml())
def test_crlf_moves_no_line(written: tuple[str, dict[Path, int]]) -> None:
    text, lines = written

    assert find_lines(text.replace("\n", "\r\n")).found == lines


@given(written_toml(), st.data())
def test_a_cut_text_ends_in_lines_or_in_a_value_error(
    written: tuple[str, dict[Path, int]], data: st.DataObject
) -> None:
    text, _ = written
    cut = text[: data.draw(st.integers(0, len(text)))]

    try:
        lines = find_lines(cut)
    except ValueError:
        return
    assert isinstance(lines, Lines)


def test_a_missing_key_stands_at_the_nearest_table_around_it() -> None:
    lines = find_lines("a = 1\n\n[[site]]\nx = 1\n[[site]]\n\n[paths.deep]\n")

    assert lines.of(("site", 1, "domain")) == 5
    assert lines.of(("paths", "deep", "x")) == 7
    assert lines.of(("policy", "id")) == 1


@pytest.mark.parametrize("opening", ["[", "[\n", "{a="], ids=["array", "lines", "inline_table"])
def test_nesting_ends_at_its_limit_with_the_statements_line(opening: str) -> None:
    closing = "}" if "{" in opening else "]"
    allowed = MAX_NESTING - 1
    find_lines(f"x=1\ny={opening * allowed}1{closing * allowed}")

    with pytest.raises(NestingError, match=r"^nested too deeply$"):
        find_lines(f"x=1\ny={opening * MAX_NESTING}1{closing * MAX_NESTING}")
    with pytest.raises(NestingError) as raised:
        find_lines(f"x=1\ny={opening * 10_000}")
    assert raised.value.line == 2
