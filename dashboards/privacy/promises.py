"""What the policy promises and what is known of its being kept, written for the privacy page."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from anonymizer.policy import Basis, Policy, Purpose, Statistic
from dashboards.overview.figures import write_share
from dashboards.privacy.facts import Checks, Kept, Receipts
from dashboards.privacy.withheld import Withheld
from dashboards.reports.labels import DIMENSIONS
from dashboards.words import Words, message

MAX_PAUSE = timedelta(hours=26)
"""Retention runs each night: one that is longer ago was missed."""

_BASES = {
    Basis.EXEMPT: message("exempt from consent"),
    Basis.CONSENT: message("consent"),
}
_OUTCOMES = {
    "holds": (message("holds"), "good"),
    "does not hold": (message("does not hold"), "bad"),
    "not checked": (message("not checked"), "fair"),
}
CHECKS = (
    message("what the store keeps"),
    message("only tables that Discreet makes"),
    message("no column for an identifier or for a sketch of visitors"),
    message("no stored value looks like an identifier"),
    message("no stored value is a hash of an address or an agent in the dictionary"),
    message("no small group is kept of a past period"),
    message("spool, WAL and the store's files hold no address, e-mail address or agent"),
    message("the logs given by --log hold none either"),
    message("files and logs that the server has open hold none either"),
    message("the process leaves no core dump"),
    message("the process's memory is closed to other processes of its user"),
    message("the process's memory is not written to swap"),
    message("the access log is off"),
    message("nobody but the owner can read the data directory"),
    message("the policy that counters follow is archived"),
    message("what went to journald, a container's log, a proxy's log or a backup"),
)
"""The doctor's checks, in its order."""


class Told(Struct, frozen=True):
    """A text and how good it is: ``good``, ``fair``, ``bad``, or empty."""

    text: str
    state: str = ""


class PurposeRow(Struct, frozen=True):
    """A purpose, and the answers of visitors who were asked for it."""

    title: str
    id: str
    basis: str
    clause: str
    keep_days: str
    receipts: tuple[str, ...]
    """Given, refused, withdrawn."""


class CheckRow(Struct, frozen=True):
    """What one check came to."""

    check: str
    outcome: Told
    because: str
    """Empty for who may not see what is of all sites."""


class ChecksView(Struct, frozen=True):
    """The last run of the checks on the data directory."""

    told: Told
    when: str
    rows: tuple[CheckRow, ...]


class StatisticRow(Struct, frozen=True):
    """What is kept of a statistic and what of it is withheld."""

    name: str
    by: str
    min_group: str
    keep_days: str
    kept_from: str
    """The first day whose cells may still be there."""
    oldest: str
    """The first day of which cells are there; empty where that is not told."""
    counted: str
    hidden: str
    dayless: str


class PurposeStatistics(Struct, frozen=True):
    """The statistics of a purpose."""

    title: str
    rows: tuple[StatisticRow, ...]


def group_size_of(policy: Policy) -> int:
    """Return the largest group size of a policy, for what no statistic counts."""
    return max((each.min_group for each in policy.statistics), default=1)


def write_few(words: Words, number: int, size: int) -> str:
    """Write a number of people who are in no statistic: in steps of the group size."""
    if number < size > 1:
        return words("< {number}", number=words.number(size))
    return words.number(number - number % size)


def view_purposes(
    words: Words, policy: Policy, receipts: Sequence[Receipts]
) -> tuple[PurposeRow, ...]:
    """Return the purposes of a policy; the first row is of all receipts, whatever they name."""
    size = group_size_of(policy)
    by_purpose = {each.purpose: each for each in receipts}

    def numbers(purpose: str) -> tuple[str, ...]:
        found = by_purpose.get(purpose)
        counts = (found.given, found.refused, found.withdrawn) if found else (0, 0, 0)
        return tuple(write_few(words, count, size) for count in counts)

    return (
        PurposeRow(words("All"), "", "", "", "", numbers("")),
        *(
            PurposeRow(
                _title_of(words, purpose),
                purpose.id,
                words(_BASES[purpose.basis]),
                purpose.clause,
                words.count("{count} day", "{count} days", purpose.keep_days),
                numbers(purpose.id),
            )
            for purpose in policy.purposes
        ),
    )


def view_retention(words: Words, ended: int | None, now: datetime, zone: ZoneInfo) -> Told:
    """Tell when retention last ran."""
    if ended is None:
        return Told(words("has not run yet"), "fair")
    moment = datetime.fromtimestamp(ended, UTC)
    when = words.moment(moment.astimezone(zone))
    return Told(when, "good" if now - moment <= MAX_PAUSE else "bad")


def view_checks(
    words: Words, checks: Checks | None, zone: ZoneInfo, *, sees_all: bool
) -> ChecksView | None:
    """Return the last run; None before the first. Reasons tell of all sites together."""
    if checks is None:
        return None
    rows = tuple(
        CheckRow(
            words(each.check), _tell_outcome(words, each.outcome), each.because if sees_all else ""
        )
        for each in checks.verdicts
    )
    states = [row.outcome.state for row in rows]
    bad, unknown = states.count("bad"), states.count("fair")
    if bad:
        told = words.count("{count} check does not hold", "{count} checks do not hold", bad)
    else:
        told = words.count("{count} check holds", "{count} checks hold", states.count("good"))
    if unknown:
        told = words.together([told, words("{number} not checked", number=words.number(unknown))])
    moment = datetime.fromtimestamp(checks.ended, zone)
    return ChecksView(Told(told, "bad" if bad else "good"), words.moment(moment), rows)


def view_statistics(
    words: Words,
    policy: Policy,
    withheld: Mapping[str, Withheld],
    kept: Mapping[str, Kept],
    today: date,
) -> tuple[PurposeStatistics, ...]:
    """Return the statistics of each purpose; `kept` is empty for who may not see all sites."""
    return tuple(
        PurposeStatistics(
            _title_of(words, purpose),
            tuple(
                _row(words, each, withheld.get(each.name), kept.get(each.name), today)
                for each in policy.statistics
                if each.purpose == purpose.id
            ),
        )
        for purpose in policy.purposes
    )


def tell_waiting(words: Words, kept: Iterable[Kept]) -> str:
    """Tell what of all sites the next run of retention takes."""
    found = list(kept)
    return words(
        "Cells that the next run takes: {overdue} whose time is over, {waiting} of groups"
        " too small.",
        overdue=words.number(sum(each.overdue for each in found)),
        waiting=words.number(sum(each.waiting for each in found)),
    )


def _row(
    words: Words,
    statistic: Statistic,
    withheld: Withheld | None,
    kept: Kept | None,
    today: date,
) -> StatisticRow:
    def part(number: int, whole: int) -> str:
        told = {"number": words.number(number), "share": write_share(words, number / whole)}
        return words("{number} ({share})", **told)

    counted = withheld.counted if withheld else 0
    return StatisticRow(
        name=statistic.name,
        by=words.together([words(DIMENSIONS[each]) for each in statistic.by]),
        min_group=words.number(statistic.min_group),
        keep_days=words.number(statistic.keep_days),
        kept_from=_day(words, today - timedelta(days=statistic.keep_days)),
        oldest=_day(words, date.fromisoformat(kept.oldest)) if kept and kept.oldest else "",
        counted=words.number(counted) if withheld else "",
        hidden=part(withheld.hidden, counted) if withheld and counted else "",
        dayless=part(withheld.dayless, counted) if withheld and counted else "",
    )


def _day(words: Words, day: date) -> str:
    return words.days(day, day)


def _tell_outcome(words: Words, outcome: str) -> Told:
    text, state = _OUTCOMES[outcome]
    return Told(words(text), state)


def _title_of(words: Words, purpose: Purpose) -> str:
    return purpose.titles.get(words.language, purpose.title)
