"""Rows for the tables of `views`, drawn by a fixed seed, and sums of them made in plain Python."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tests.dashboards.views import VIEWS, VISIT_SUMS

SITE = "example.org"
LAST_DAY = date(2025, 11, 4)
"""On which the tests are."""

WORDS: dict[str, Sequence[tuple[str, ...]]] = {
    "pages": [*((f"/page-{n}",) for n in range(60)), ("(other)",)],
    "entry_pages": [("/",), ("/a",), ("(other)",)],
    "exit_pages": [("/",), ("/b",)],
    "sources": [("Google",), ("(direct)",), ("(other)",)],
    "channels": [("search",), ("direct",)],
    "referrers": [("news.example",), ("forum.example",)],
    "campaigns": [("sale", "letter", "email"), ("sale", "forum", "post"), ("", "letter", "email")],
    "countries": [("DE",), ("CI",), ("(unknown)",)],
    "languages": [("de",), ("tlh",)],
    "screens": [("small",), ("large",)],
    "devices": [
        ("desktop", "Firefox 145", "Linux"),
        ("desktop", "Chrome 142", "Windows 10"),
        ("mobile", "Chrome 142", "Android 15"),
        ("(other)", "(other)", "(other)"),
    ],
}
"""What the dimensions of each view hold."""

REASONS = ("counted", "opted_out_gpc", "opted_out_dnt", "bot", "prefetch")

Row = tuple[Any, ...]


class Traffic:
    """A year of rows in every table."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.rows: dict[str, list[Row]] = defaultdict(list)
        day = date(2024, 10, 1)
        while day <= LAST_DAY:
            self._add_day(day)
            day += timedelta(days=1)

    def hours(self, start: datetime, end: datetime) -> list[int]:
        """Sum the traffic of the wall-clock hours from `start` up to `end`."""
        return sums(
            row[2:] for row in self.rows["traffic"] if start <= row[1].replace(tzinfo=None) < end
        )

    def groups(
        self, table: str, first: date, last: date, key: Callable[[Row], Any]
    ) -> dict[Any, list[int]]:
        """Sum the rows of some days by what `key` makes of a row's dimensions."""
        width = 2 if table == "coverage" else len(VIEWS[table][0])
        at = 2 if table == "coverage" else 3
        groups: dict[Any, list[Row]] = defaultdict(list)
        for row in self.rows[table]:
            if row[1] is None:
                is_within = first <= row[2] and min(month_end(row[2]), LAST_DAY) <= last
            else:
                is_within = first <= row[1] <= last
            if row[0] == SITE and is_within:
                groups[key(row[at : at + width])].append(row[at + width :])
        return {name: sums(rows) for name, rows in groups.items()}

    def dayless(self, table: str, months: Sequence[date], measure: str) -> int:
        """Sum what belongs to no single day of some months."""
        at = 3 + len(VIEWS[table][0]) + VIEWS[table][1].index(measure)
        return sum(row[at] for row in self.rows[table] if row[1] is None and row[2] in months)

    def _add_day(self, day: date) -> None:
        for hour in range(24):
            if day == LAST_DAY and hour > 15:
                break
            moment = datetime.combine(day, time(hour), UTC)
            self.rows["traffic"].append((SITE, moment, *self._measures(VISIT_SUMS, 40)))
        for table, (_, measures) in VIEWS.items():
            for words in WORDS[table]:
                if self._random.random() < 0.7:
                    month = day.replace(day=1)
                    sums = self._measures(measures, 60)
                    self.rows[table].append((SITE, day, month, *words, *sums))
                    if day == month:
                        self.rows[table].append((SITE, None, month, *words, *sums))
        for reason in REASONS:
            door = self._random.choice(("event", "pixel"))
            self.rows["coverage"].append((SITE, day, door, reason, self._random.randrange(90)))

    def _measures(self, names: Sequence[str], most: int) -> list[int]:
        visitors = self._random.randrange(1, most)
        visits = visitors + self._random.randrange(10)
        whole = {
            "visitors": visitors,
            "visits": visits,
            "views": visits * 2 + self._random.randrange(10),
            "bounces": visits // 3,
            "seconds": visits * self._random.randrange(200),
        }
        return [whole[name] for name in names]


def month_end(month: date) -> date:
    """Return the last day of a month that is told by its first."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def sums(rows: Iterable[Sequence[int]]) -> list[int]:
    """Add up rows column by column."""
    return [sum(column) for column in zip(*rows, strict=True)]


TRAFFIC = Traffic()
