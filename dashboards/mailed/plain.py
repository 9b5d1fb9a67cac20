"""A mailed report as plain text, with the content that its HTML has."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from dashboards.mailed.reading import MailedReport
from dashboards.shown import Change, ListView
from dashboards.words import Words

_WIDE = frozenset({"W", "F"})  # Unicode Standard Annex #11, two columns of a terminal each


def write_plain(report: MailedReport, words: Words) -> str:
    """Write the report: numbers first, so that names of any length stand in line."""
    parts = [
        [report.title, report.days],
        _write_cards(report, words),
        _write_bars(report),
        *(_write_list(each) for each in report.lists),
        *([note] for note in report.notes),
        *([[report.address]] if report.address else ()),
        [report.ending],
    ]
    return "\n\n".join("\n".join(map(_plain, part)) for part in parts if part) + "\n"


def _write_cards(report: MailedReport, words: Words) -> list[str]:
    rows = [(card.text, _tell(card.change, words), card.title) for card in report.cards]
    told = words("Changes are against {days}.", days=report.compared) if report.compared else ""
    return [*_columns(rows), *([told] if told else ())]


def _tell(change: Change | None, words: Words) -> str:
    return (
        words("{change} from {before}", change=change.text, before=change.before) if change else ""
    )


def _write_bars(report: MailedReport) -> list[str]:
    if not report.bars:
        return []
    return [report.chart_title, *_columns([(bar.text, bar.day) for bar in report.bars])]


def _write_list(shown: ListView) -> list[str]:
    head = (
        *(column.title for column in shown.columns),
        _join(each.title for each in shown.headings),
    )
    rows = [(*row.cells, _join(word.text for word in row.words)) for row in shown.rows]
    return [shown.title, *_columns([head, *rows]), *shown.notes]


def _join(texts: Iterable[str]) -> str:
    return " · ".join(texts)


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Put all but the last of each row's texts under each other, to the right."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        *numbers, name = row
        padded = (
            " " * (width - _width(text)) + text
            for text, width in zip(numbers, widths, strict=False)
        )
        yield "  ".join(["", *padded, name]).rstrip()


def _width(text: str) -> int:
    return sum(1 + (unicodedata.east_asian_width(each) in _WIDE) for each in text)


def _plain(line: str) -> str:
    # What a name holds besides, a terminal might obey.
    return "".join(each if each.isprintable() or _is_blank(each) else "�" for each in line)


def _is_blank(character: str) -> bool:
    return unicodedata.category(character) == "Zs"
