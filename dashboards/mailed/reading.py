"""Read what a mailed report tells of some days of a site."""

from collections.abc import Sequence
from datetime import date, datetime, time

from msgspec import Struct

from anonymizer.policy import Policy, Site
from dashboards.address.periods import DAY, Grain, Period, PeriodName, buckets_of
from dashboards.address.selection import Selection
from dashboards.asking.answering import Asker
from dashboards.asking.unanswerable import NotDeclared
from dashboards.overview.traffic import read_traffic
from dashboards.reports.declared import reports_by_id
from dashboards.reports.reading import read_short_list
from dashboards.reports.refused import read_refused
from dashboards.shown import Card, ListView, TrafficView
from dashboards.words import Words, message

WEEK_DAYS = 7

REPORTS = ("pages", "sources", "campaigns", "countries", "devices", "goals")
"""Those of them that have rows are told, the first ten rows of each."""

ABOUT = (
    message("Groups that are too small to be shown stand together under “Other small groups”."),
    message(
        "A visitor is an address and a browser, seen on one day of this site. Both are hashed"
        " under a key that is destroyed when the day ends, so nobody is recognised the next day:"
        " over several days the same person counts once a day."
    ),
    message("This message loads nothing from anywhere and tells nobody that it was read."),
)


class Bar(Struct, frozen=True):
    """A day of the small chart."""

    day: str
    short: str
    text: str
    height: int
    """Of 100."""


class MailedReport(Struct, frozen=True):
    """A report in words, ready for both its forms."""

    site: str
    title: str
    days: str
    compared: str
    """The days that changes are against; empty where there is nothing to compare with."""
    cards: tuple[Card, ...]
    chart_title: str
    bars: tuple[Bar, ...]
    lists: tuple[ListView, ...]
    notes: tuple[str, ...]
    """What the numbers lack, and how they are made."""
    address: str
    """The same days on the dashboard; empty where it isn't known where that is."""
    ending: str
    """By which policy, and whom to ask."""


def selection_of(site: Site, first: date, last: date, language: str) -> Selection:
    """Return what selects whole days that are over."""
    return Selection(
        site=site,
        period=Period(PeriodName.CUSTOM, first, last),
        now=datetime.combine(last + DAY, time()),
        asked_grain=Grain.DAY,
        language=language,
    )


async def read_mailed(
    asker: Asker, policy: Policy, selection: Selection, words: Words, dashboard: str = ""
) -> MailedReport:
    """Read the report; `dashboard` is the origin under which it can be opened, if any."""
    period = selection.period
    is_week = period.days == WEEK_DAYS
    site = str(selection.site.domain)
    traffic = await read_traffic(asker, selection, words)
    head = traffic if isinstance(traffic, TrafficView) else None
    lists = await _read_lists(asker, policy, selection, words)
    notes = [*(head.notes if head else ()), *await _refused(asker, selection, words)]
    return MailedReport(
        site=site,
        title=words("The week of {site}", site=site)
        if is_week
        else words("The month of {site}", site=site),
        days=words.days(period.first, period.last) if is_week else words.month(period.first),
        compared=head.compared if head else "",
        cards=head.cards if head else (),
        chart_title=head.main.title if head and head.main else "",
        bars=_bars(head, period, words) if head else (),
        lists=tuple(lists),
        notes=tuple(dict.fromkeys((*notes, *map(words, ABOUT)))),
        address=f"{dashboard}{selection.address()}" if dashboard else "",
        ending=words(
            "Counted by the policy {id}, version {version}. Questions, or no more of these"
            " messages: {contact}",
            id=policy.id,
            version=policy.version,
            contact=policy.contact,
        ),
    )


async def _read_lists(
    asker: Asker, policy: Policy, selection: Selection, words: Words
) -> Sequence[ListView]:
    declared = reports_by_id(policy)
    reports = [declared[name] for name in REPORTS if name in declared]
    lists = [await read_short_list(asker, report, selection, words) for report in reports]
    return [each for each in lists if each.rows]


async def _refused(asker: Asker, selection: Selection, words: Words) -> tuple[str, ...]:
    try:
        return ((await read_refused(asker, selection, words)).sentence,)
    except NotDeclared:
        return ()


def _bars(head: TrafficView, period: Period, words: Words) -> tuple[Bar, ...]:
    (card, *_) = head.cards
    if head.main is None:
        return ()
    column = head.main.columns.index(card.title)
    largest = max((point or 0 for point in card.points), default=0) or 1
    return tuple(
        Bar(
            day=day,
            short=words.short_day(start.date()),
            text=cells[column],
            height=max(1, round(100 * (point or 0) / largest)),
        )
        for (day, cells), point, start in zip(
            head.main.table, card.points, buckets_of(period, Grain.DAY), strict=True
        )
    )
