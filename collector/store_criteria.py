"""CNIL's criteria for audience measurement without consent, as far as the store answers them.

Sources as in `policy_criteria`. Without a store nothing here is met.
"""

from collections.abc import Callable

from anonymizer.policy import Dimension, Policy
from collector.findings import Finding, Level, Outcome
from collector.schema.tables import MEASURES, cells_of
from collector.store_facts import StoreFacts

_COUNTING = frozenset(
    {"statistic", "keep_days", "grain", "site", "period", "k1", "k2", "k3", *MEASURES}
)


_Judged = tuple[Outcome, str]
"""With the reason."""


def check_store(
    policy: Policy, store: StoreFacts | None, differing: int | None
) -> tuple[Finding, ...]:
    """Check what is kept against a policy.

    `differing` counts the changes between `policy` and the one that the counters follow; None
    when that is not known.
    """

    def find(level: Level, criterion: str, check: Callable[[StoreFacts], _Judged]) -> Finding:
        outcome, why = _judge(check, store)
        return Finding(level, criterion, outcome, why)

    return (
        find(
            Level.MUST,
            "What is kept is what this policy declares",
            lambda store: _follows(policy, store, differing),
        ),
        find(
            Level.MUST,
            "Only statistics are kept: no column is for an identifier or a single visit",
            _no_identifier,
        ),
        find(
            Level.MUST,
            "No sketch of visitors is kept, from which one could be recognised",
            _no_states,
        ),
        find(
            Level.MUST,
            "No count that is kept stands for a single visitor, once its period is over",
            _lone_cells,
        ),
        find(Level.SHOULD, "Counters are deleted when their time is over", _kept),
        Finding(Level.SHOULD, "A place is told no finer than the city", *_place(policy, store)),
    )


def _judge(check: Callable[[StoreFacts], _Judged], store: StoreFacts | None) -> _Judged:
    if store is None:
        return Outcome.HUMAN, "only the store can tell; give --data"
    return check(store)


def _follows(policy: Policy, store: StoreFacts, differing: int | None) -> _Judged:
    if differing is None:
        return Outcome.HUMAN, "the data directory has no policy that counters follow"
    if differing:
        why = f"the counters follow another policy, which differs in {differing} points"
        return Outcome.NOT_MET, why
    declared = {cells_of(statistic) for statistic in policy.statistics}
    left = [name for name in store.statistics if name not in declared]
    if left:
        why = f"the store holds cells that the policy doesn't declare: {', '.join(left)}"
        return Outcome.NOT_MET, why
    return Outcome.MET, (
        "the policy that the counters follow was compared field by field, and the names of all"
        f" {len(store.statistics)} statistics in the store with those it declares"
    )


def _no_identifier(store: StoreFacts) -> _Judged:
    odd = [
        f"{each.table}.{each.name}"
        for each in store.columns
        if each.table != "receipts" and not (each.table == "cells" and each.name in _COUNTING)
    ]
    if odd or not store.columns:
        why = f"the store has columns that are none of a counter: {', '.join(odd) or 'no table'}"
        return Outcome.NOT_MET, why
    return Outcome.MET, (
        f"all {len(store.columns)} columns on disk were read: cells are statistic, site, period,"
        " up to three words and sums. Receipts of consent are kept apart, under a hash of an id"
        " that the visitor alone has"
    )


def _no_states(store: StoreFacts) -> _Judged:
    states = [f"{each.table}.{each.name}" for each in store.columns if "Aggregate" in each.type]
    if states or not store.columns:
        why = f"columns hold aggregate states: {', '.join(states) or 'no table'}"
        return Outcome.NOT_MET, why
    return Outcome.MET, f"no type of {len(store.columns)} columns is an aggregate state"


def _lone_cells(store: StoreFacts) -> _Judged:
    if store.lone_cells:
        why = f"{store.lone_cells} of {store.old_cells} cells of past days count one visitor"
        return Outcome.NOT_MET, why
    if not store.old_cells:
        return Outcome.HUMAN, "the store holds no cell of a day that is long enough past"
    return Outcome.MET, f"none of {store.old_cells} cells of past days counts one visitor"


def _kept(store: StoreFacts) -> _Judged:
    late = sum(each.overdue for each in store.kept)
    if late:
        return Outcome.NOT_MET, f"{late} cells are kept for longer than their keep_days"
    if not store.kept:
        return Outcome.HUMAN, "the store holds no cell"
    return Outcome.MET, "no cell is overdue; the server drops those that are every night"


def _place(policy: Policy, store: StoreFacts | None) -> _Judged:
    used = {dimension for each in policy.statistics for dimension in each.by}
    if Dimension.NETWORK in used:
        return _judge(_networks, store)
    if Dimension.COUNTRY in used:
        why = "the policy tells places by country alone; no finer word for a place exists"
        return Outcome.MET, why
    return Outcome.MET, "no statistic of the policy tells a country or a network"


def _networks(store: StoreFacts) -> _Judged:
    if store.fine_networks:
        why = f"{store.fine_networks} cells hold a network finer than /24 or /48"
        return Outcome.NOT_MET, why
    if not store.networks:
        return Outcome.HUMAN, "the policy tells networks, but the store holds none yet"
    why = f"places are countries and networks: all {store.networks} in the store are wide enough"
    return Outcome.MET, why
