"""CNIL's criteria for audience measurement without consent, as far as the store answers them.

Sources as in `policy_criteria`. Without a store nothing here is met.
"""

from anonymizer.policy import Dimension, Policy
from collector.findings import Finding, Level, Outcome
from collector.schema.tables import MEASURES, cells_of
from collector.store_facts import StoreFacts

_COUNTING = frozenset(
    {"statistic", "keep_days", "grain", "site", "period", "k1", "k2", "k3", *MEASURES}
)


def check_store(
    policy: Policy, store: StoreFacts | None, differing: int | None
) -> tuple[Finding, ...]:
    """Check what is kept against a policy.

    `differing` counts the changes between `policy` and the one that the counters follow; None
    when that is not known.
    """
    return (
        _follows(policy, store, differing),
        _no_identifier(store),
        _no_states(store),
        _lone_cells(store),
        _kept(store),
        _place(policy, store),
    )


def _follows(policy: Policy, store: StoreFacts | None, differing: int | None) -> Finding:
    criterion = "What is kept is what this policy declares"
    if store is None:
        return _without_store(Level.MUST, criterion)
    if differing is None:
        why = "the data directory has no policy that counters follow"
        return Finding(Level.MUST, criterion, Outcome.HUMAN, why)
    if differing:
        why = f"the counters follow another policy, which differs in {differing} points"
        return Finding(Level.MUST, criterion, Outcome.NOT_MET, why)
    declared = {cells_of(statistic) for statistic in policy.statistics}
    left = [name for name in store.statistics if name not in declared]
    if left:
        why = f"the store holds cells that the policy doesn't declare: {', '.join(left)}"
        return Finding(Level.MUST, criterion, Outcome.NOT_MET, why)
    why = (
        "the policy that the counters follow was compared field by field, and the names of all"
        f" {len(store.statistics)} statistics in the store with those it declares"
    )
    return Finding(Level.MUST, criterion, Outcome.MET, why)


def _no_identifier(store: StoreFacts | None) -> Finding:
    criterion = "Only statistics are kept: no column is for an identifier or a single visit"
    if store is None:
        return _without_store(Level.MUST, criterion)
    odd = [
        f"{each.table}.{each.name}"
        for each in store.columns
        if each.table != "receipts" and not (each.table == "cells" and each.name in _COUNTING)
    ]
    if odd or not store.columns:
        why = f"the store has columns that are none of a counter: {', '.join(odd) or 'no table'}"
        return Finding(Level.MUST, criterion, Outcome.NOT_MET, why)
    why = (
        f"all {len(store.columns)} columns on disk were read: cells are statistic, site, period,"
        " up to three words and sums. Receipts of consent are kept apart, under a hash of an id"
        " that the visitor alone has"
    )
    return Finding(Level.MUST, criterion, Outcome.MET, why)


def _no_states(store: StoreFacts | None) -> Finding:
    criterion = "No sketch of visitors is kept, from which one could be recognised"
    if store is None:
        return _without_store(Level.MUST, criterion)
    states = [f"{each.table}.{each.name}" for each in store.columns if "Aggregate" in each.type]
    if states or not store.columns:
        why = f"columns hold aggregate states: {', '.join(states) or 'no table'}"
        return Finding(Level.MUST, criterion, Outcome.NOT_MET, why)
    why = f"no type of {len(store.columns)} columns is an aggregate state"
    return Finding(Level.MUST, criterion, Outcome.MET, why)


def _lone_cells(store: StoreFacts | None) -> Finding:
    criterion = "No count that is kept stands for a single visitor, once its period is over"
    if store is None:
        return _without_store(Level.MUST, criterion)
    if store.lone_cells:
        why = f"{store.lone_cells} of {store.old_cells} cells of past days count one visitor"
        return Finding(Level.MUST, criterion, Outcome.NOT_MET, why)
    if not store.old_cells:
        why = "the store holds no cell of a day that is long enough past"
        return Finding(Level.MUST, criterion, Outcome.HUMAN, why)
    why = f"none of {store.old_cells} cells of past days counts one visitor"
    return Finding(Level.MUST, criterion, Outcome.MET, why)


def _kept(store: StoreFacts | None) -> Finding:
    criterion = "Counters are deleted when their time is over"
    if store is None:
        return _without_store(Level.SHOULD, criterion)
    late = sum(each.overdue for each in store.kept)
    if late:
        why = f"{late} cells are kept for longer than their keep_days"
        return Finding(Level.SHOULD, criterion, Outcome.NOT_MET, why)
    if not store.kept:
        why = "the store holds no cell"
        return Finding(Level.SHOULD, criterion, Outcome.HUMAN, why)
    why = "no cell is overdue; the server drops those that are every night"
    return Finding(Level.SHOULD, criterion, Outcome.MET, why)


def _place(policy: Policy, store: StoreFacts | None) -> Finding:
    criterion = "A place is told no finer than the city"
    used = sorted(
        {Dimension.COUNTRY, Dimension.NETWORK} & {d for each in policy.statistics for d in each.by}
    )
    if not used:
        why = "no statistic of the policy tells a country or a network"
        return Finding(Level.SHOULD, criterion, Outcome.MET, why)
    if Dimension.NETWORK not in used:
        why = "the policy tells places by country alone; no finer word for a place exists"
        return Finding(Level.SHOULD, criterion, Outcome.MET, why)
    if store is None:
        return _without_store(Level.SHOULD, criterion)
    if store.fine_networks:
        why = f"{store.fine_networks} cells hold a network finer than /24 or /48"
        return Finding(Level.SHOULD, criterion, Outcome.NOT_MET, why)
    if not store.networks:
        why = "the policy tells networks, but the store holds none yet"
        return Finding(Level.SHOULD, criterion, Outcome.HUMAN, why)
    why = f"places are countries and networks: all {store.networks} in the store are wide enough"
    return Finding(Level.SHOULD, criterion, Outcome.MET, why)


def _without_store(level: Level, criterion: str) -> Finding:
    why = "only the store can tell; give --data"
    return Finding(level, criterion, Outcome.HUMAN, why)
