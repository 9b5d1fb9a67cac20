"""Read the lists of a page: words and numbers of their rows, as a reader sees them."""

import re
from html import unescape
from typing import NamedTuple

_CELL = re.compile(r"<(th|td)((?: [^>]*)?)>(.*?)</\1>", re.DOTALL)


class ShownRow(NamedTuple):
    """A row of a list."""

    words: tuple[str, ...]
    numbers: tuple[str, ...]
    change: str
    links: tuple[str, ...]


def text_of(html: str) -> str:
    """Take tags away, and white space beside them."""
    bare = re.sub(r"<title>.*?</title>|<[^>]+>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(bare).split())


def rows_of(page: str, report: str) -> list[ShownRow]:
    """Return the rows of a report's list."""
    return [_row(row) for row in _parts(page, report, "tbody")]


def totals_of(page: str, report: str) -> tuple[str, ...]:
    """Return the line below a report's list."""
    (line,) = _parts(page, report, "tfoot")
    return _row(line).numbers


def _parts(page: str, report: str, part: str) -> list[str]:
    table = re.search(rf'<table class="rows" data-list="{report}">(.*?)</table>', page, re.DOTALL)
    body = re.search(rf"<{part}>(.*?)</{part}>", table[1] if table else "", re.DOTALL)
    return re.findall(r"<tr.*?</tr>", body[1] if body else "", re.DOTALL)


def _row(row: str) -> ShownRow:
    words, numbers, links = [], [], []
    change = ""
    for kind, attributes, inside in _CELL.findall(row):
        if 'class="course"' in attributes:
            continue
        if 'class="number"' not in attributes:
            shown = re.sub(r'<span class="rank">.*?</span>', "", inside)
            if kind == "th" or 'class="word"' in attributes:
                words.append(text_of(shown))
                links += [unescape(link) for link in re.findall(r'href="([^"]*)"', inside)]
        elif 'class="change' in inside:
            change = text_of(inside)
        elif inside.strip():
            numbers.append(text_of(inside))
    return ShownRow(tuple(words), tuple(numbers), change, tuple(links))
