"""What is kept how long, what goes when, and what waits for the next run."""

from datetime import timedelta

from clickhouse_connect.driver.client import Client
from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy
from collector.retention.job import read_partitions
from collector.retention.last_run import LastRun
from collector.retention.moves import Found, Leaving, count_leaving
from collector.retention.site_days import date_of
from collector.schema.tables import BATCH, DATABASE
from collector.store import failures


class Kept(Struct):
    """The cells of one statistic."""

    keep_days: int
    """As the policy says now, else as it said when they were counted."""
    declared: bool
    """Whether the policy declares it."""
    oldest: str = ""
    """The first day of the oldest period, as an ISO date; empty without cells."""
    next_goes: str = ""
    """The day, at the site, from which that period's cells go at the next run."""
    waiting: int = 0
    """Cells of closed periods that count too few visitors to stay."""
    overdue: int = 0
    """Cells whose time is over."""


class Status(Struct):
    """The whole store's."""

    last_run: int | None
    """Unix second at which the last run ended."""
    statistics: dict[str, Kept]
    """By the name in the policy, those that it declares first."""
    not_folded: dict[SiteId, list[int]] = {}
    """Sites whose small groups the last run could not fold, and of which months."""


def read_status(client: Client, policy: Policy, now: int, last: LastRun | None) -> Status:
    """Read what is kept and what waits.

    Raises:
        StoreFailed: the store can't be read.
    """
    kept = {each.name: Kept(each.keep_days, True) for each in policy.statistics}
    for found in read_partitions(client, policy, now):
        for stored, rule in found.rules.items():
            kept.setdefault(rule.name, Kept(found.partition.keep_days, False))
            _note_oldest(kept[rule.name], client, found, stored)
        for why in (Leaving.FOR_MONTH, Leaving.FOR_OTHER):
            for (stored, _), cells in count_leaving(client, why, found).items():
                kept[found.rules[stored].name].waiting += cells
        for (stored, _), cells in count_leaving(client, Leaving.FOR_GOOD, found).items():
            kept[found.rules[stored].name].overdue += cells
    if last is None:
        return Status(None, kept)
    return Status(last.ended, kept, last.not_folded)


def _note_oldest(kept: Kept, client: Client, found: Found, stored: str) -> None:
    # Partitions come oldest month first, but those of one month were to be kept unequally long.
    with failures("the cells can't be read"):
        ((first,),) = client.query(
            f"SELECT min(toUnixTimestamp(period)) FROM {DATABASE}.cells"
            " WHERE statistic = {name:String} AND statistic != {batch:String}"
            " AND keep_days = {keep_days:UInt16} AND toYYYYMM(period) = {month:UInt32}",
            parameters={
                "name": stored,
                "batch": BATCH,
                "keep_days": found.partition.keep_days,
                "month": found.partition.month,
            },
        ).result_rows
    oldest = date_of(first)
    seconds = found.rules[stored].kept_seconds(found.partition.keep_days)
    goes = oldest + timedelta(seconds=seconds)
    if not kept.oldest or oldest.isoformat() < kept.oldest:
        kept.oldest = oldest.isoformat()
    if not kept.next_goes or goes.isoformat() < kept.next_goes:
        kept.next_goes = goes.isoformat()
