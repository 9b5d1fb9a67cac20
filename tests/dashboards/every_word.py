"""A site whose numbers have every word that a page writes, and whose own names are all Chinese.

What is in English on its pages, read in Chinese, is then a sentence that was not translated.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from argon2 import PasswordHasher, profiles
from msgspec import Struct
from starlette.applications import Starlette

from anonymizer.events import step_of
from anonymizer.policy import Dimension, Grain, Property, Statistic
from anonymizer.policy_file import read_policy
from collector.audit import AuditLog
from collector.audit_trail import AuditTrail
from collector.doctor.last_run import LastRun
from collector.doctor.verdicts import judge, not_checked
from collector.encoding import Columns
from collector.live import LiveVisitors
from collector.receipt_store import Counted as CountedReceipts
from collector.reference import default_policy
from collector.schema.views import columns_of, measures_of
from dashboards.app import dashboard_routes
from dashboards.asking.answering import Asker
from dashboards.privacy.page import PrivacySources
from dashboards.privacy.promises import CHECKS
from dashboards.reports import labels
from people.open_sessions import OpenSessions
from people.people import People
from people.second_factors import SecondFactors
from people.shares import Shares
from people.user_file import UserFile
from people.users import Users
from tests.collector.storing import opened
from tests.dashboards.cells import Counted, Row
from tests.dashboards.conftest import marks_in, network_of
from tests.dashboards.facts import Facts
from tests.dashboards.reader import NOW, PASSWORD, Clock

SITE = "example.org"
POLICY_TEXT = """\
[policy]
id = "政策"
version = "1"
controller = "例子公司"
contact = "privacy@example.org"
extends = "default"

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"

[[site]]
domain = "empty.example"
timezone = "UTC"

[[goal]]
name = "下单"
page = "/下单/完成"

[[funnel]]
name = "购买"
steps = ["/购物车", "/下单/完成"]
"""
POLICY = read_policy(POLICY_TEXT, default_policy())

FIRST_DAY = date(2025, 10, 16)
DAYS = (NOW.date() - FIRST_DAY).days + 1
MANY = 30
"""Visitors of a cell: more than any group size."""

_OWN = {
    Dimension.PAGE: ("/", "/购物车", "/下单/完成"),
    Dimension.PREVIOUS_PAGE: ("(entry)", "/", "/购物车"),
    Dimension.CAMPAIGN: ("春季", ""),
    Dimension.COUNTRY: ("CN", "DE", "CI", "(unknown)"),
    Dimension.LANGUAGE: ("zh", "de", "(unknown)"),
    Dimension.SOURCE: ("(direct)", "百度", "(not logged)"),
    Dimension.GOAL: ("下单",),
    Dimension.FUNNEL: ("购买",),
    Dimension.STEP: ("1 /购物车", "2 /下单/完成"),
    Dimension.EVENT: ("注册", *POLICY.events),
    Dimension.LINK: ("1", "2"),
    Dimension.NETWORK: ("192.0.2.0/24",),
}


class Site(Struct):
    """The dashboard of the site, its users, and what answers questions about it."""

    app: Starlette
    people: People
    asker: Asker


@contextmanager
def every_word(folder: Path, facts: Facts) -> Iterator[Site]:
    """Open the dashboard of the site, with its first user."""
    with opened(folder, POLICY) as kept:

        async def encode(columns: Columns, form: str) -> bytes:
            return kept.reader.encode(columns, form)

        counted = Counted(kept)
        for statistic in POLICY.statistics:
            counted.insert(statistic, list(_rows(statistic)))
        users = UserFile(folder / "logins.sqlite")
        hasher = PasswordHasher.from_parameters(profiles.CHEAPEST)
        people = People(
            Users(users, lambda _: PASSWORD, hasher),
            SecondFactors(users),
            OpenSessions(users),
            Shares(users, hasher=hasher),
        )
        people.users.first_run()
        clock = Clock()
        marks = marks_in(folder, POLICY, clock)
        marks.add(SITE, "2025-11-01T10:00", "新首页上线")
        asker = Asker(counted.query, POLICY, columns_of, lambda _: ())
        routes = dashboard_routes(
            asker,
            POLICY,
            people,
            AuditTrail(AuditLog(folder / "audit"), folder / "audit"),
            network_of,
            clock,
            marks=marks,
            encode=encode,
            privacy=PrivacySources(counted.query, columns_of, facts.told()),
        )
        yield Site(Starlette(routes=routes), people, asker)


def known_facts() -> Facts:
    """Return what a server that has run for a while knows of itself."""
    facts = Facts()
    facts.last_retention = int(NOW.timestamp()) - 3600
    facts.live = LiveVisitors(20, 39)
    facts.receipts = [CountedReceipts("", 90, 30, 20), CountedReceipts("audience", 60, 20, 0)]
    verdicts = (
        judge(CHECKS[0], ["broken"], ""),
        *(not_checked(each, "why") for each in CHECKS[1:]),
    )
    facts.checks = LastRun(int(NOW.timestamp()) - 7200, verdicts)
    return facts


def _rows(statistic: Statistic) -> Iterator[Row]:
    groups = _groups(statistic)
    for number in range(DAYS):
        start = datetime.combine(FIRST_DAY + timedelta(days=number), time(), UTC)
        for hour in range(8, 15) if statistic.grain is Grain.HOUR else (0,):
            for at, words in enumerate(groups):
                many = MANY + number % 7 + 5 * at
                yield start + timedelta(hours=hour), words, _sums(statistic, many)


def _groups(statistic: Statistic) -> Sequence[tuple[str, ...]]:
    if Dimension.PROPERTY in statistic.by:
        return _OF_PROPERTIES
    lists = [_words_of(statistic, dimension) for dimension in statistic.by]
    longest = max(map(len, lists), default=1)
    return [tuple(each[at % len(each)] for each in lists) for at in range(longest)]


def _sums(statistic: Statistic, many: int) -> dict[str, int]:
    measured = {"seconds": 40 * many, "bounces": many // 3}
    return {each: measured.get(each, many) for each in measures_of(statistic)}


def _words_of(statistic: Statistic, dimension: Dimension) -> Sequence[str]:
    if dimension is Dimension.VALUE:
        declared = POLICY.events[statistic.event].properties
        return next(_values_of(each) for each in declared if each.name == statistic.property)
    if dimension in (Dimension.ENTRY_PAGE, Dimension.EXIT_PAGE):
        return _OWN[Dimension.PAGE]
    return _OWN.get(dimension) or tuple(labels._NAMES.get(dimension, ())) or ("甲", "乙", "")


def _values_of(declared: Property) -> Sequence[str]:
    if declared.steps:
        bounds = (declared.steps[0] - 1, *declared.steps)
        return [step_of(bound, declared.steps) for bound in bounds]
    if declared.grid:
        return ("0.0", "3.7", "10.12")
    if declared.reached:
        return tuple(map(str, declared.reached))
    return declared.values or ("甲", "乙")


_OF_PROPERTIES = [
    (name, declared.name, value)
    for name, event in POLICY.events.items()
    for declared in event.properties
    for value in _values_of(declared)
]
