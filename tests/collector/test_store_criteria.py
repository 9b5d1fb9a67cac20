"""What the store says of itself, and the criteria that rest on it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import msgspec
import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension, Policy
from collector.findings import Outcome
from collector.schema.tables import DATABASE
from collector.store_criteria import check_store
from collector.store_facts import Column, Kept, StoreFacts, read_store_facts
from tests.collector.hits import Line, make_policy
from tests.collector.storing import Kept as Store
from tests.collector.storing import opened

POLICY = make_policy(min_group=3)
DAY = 86_400
CLEAN = StoreFacts(
    columns=(
        Column("cells", "statistic", "LowCardinality(String)"),
        Column("cells", "k1", "String"),
        Column("cells", "visitors", "Int64"),
        Column("receipts", "id_hash", "FixedString(32)"),
    ),
    deletes_by_age=("cells",),
    statistics=("pages(page)", "networks(network)"),
    kept=(Kept(750, 10, date(2026, 3, 1), 0),),
    lone_cells=0,
    old_cells=10,
    networks=2,
    fine_networks=0,
    receipts=None,
)


@pytest.fixture(name="store", scope="module")
def store_with_a_lone_visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    now = int(datetime.now(UTC).timestamp())
    with opened(tmp_path_factory.mktemp("store"), POLICY) as store:
        line = Line(POLICY)
        store.count(line.view("ada", now - 100 * DAY), line.view("bob", now))
        yield store


def facts_of(store: Store) -> StoreFacts:
    return read_store_facts(store.reader.query)


def outcomes(
    store: StoreFacts | None, policy: Policy = POLICY, differing: int | None = 0
) -> dict[str, Outcome]:
    return {finding.criterion: finding.outcome for finding in check_store(policy, store, differing)}


def test_store_names_its_columns_and_no_table_that_keeps_no_row(store: Store) -> None:
    columns = facts_of(store).columns

    assert {column.table for column in columns} == {"cells"}
    assert {"k1", "k2", "k3", "visitors"} < {column.name for column in columns}


def test_store_tells_age_and_what_is_overdue(store: Store) -> None:
    kept = {each.keep_days: each for each in facts_of(store).kept}

    assert kept[90].cells == 2
    assert kept[90].overdue == 1  # the network of a hundred days ago
    assert kept[750].overdue == 0
    assert kept[750].oldest < kept[750].oldest.today()


def test_store_counts_cells_of_one_visitor_of_past_days_only(store: Store) -> None:
    facts = facts_of(store)

    assert facts.old_cells > 0
    assert facts.lone_cells == facts.old_cells
    assert facts.networks == 2
    assert facts.fine_networks == 0


def test_facts_travel_as_json(store: Store) -> None:
    facts = facts_of(store)

    assert msgspec.json.decode(msgspec.json.encode(facts), type=StoreFacts) == facts


def test_identifier_that_creeps_into_the_store_is_seen(store: Store) -> None:
    client = store.store._client
    client.command(
        f"CREATE TABLE {DATABASE}.sketches (visitors AggregateFunction(uniq, String),"
        " address String, day Date) ENGINE = MergeTree ORDER BY address TTL day + INTERVAL 1 DAY"
    )
    try:
        facts = facts_of(store)
    finally:
        client.command(f"DROP TABLE {DATABASE}.sketches SYNC")

    found = {f.criterion: f for f in check_store(POLICY, facts, 0)}
    column = found["Only statistics are kept: no column is for an identifier or a single visit"]
    sketch = found["No sketch of visitors is kept, from which one could be recognised"]
    assert (column.outcome, sketch.outcome) == (Outcome.NOT_MET, Outcome.NOT_MET)
    assert "sketches.address" in column.because
    assert "sketches.visitors" in sketch.because
    assert facts.deletes_by_age == ("sketches",)


def test_network_told_whole_is_seen(store: Store) -> None:
    client = store.store._client
    client.command(
        f"INSERT INTO {DATABASE}.cells"
        " (statistic, keep_days, grain, site, period, k1, k2, visitors)"
        " VALUES ('both(page,network)', 90, 'day', 's', now(), '/192.0.2.1', '192.0.2.1/32', 1),"
        " ('both(page,network)', 90, 'day', 's', now(), '192.0.2.1', '(other)', 1)"
    )
    facts = facts_of(store)

    assert facts.fine_networks == 1
    assert "both(page,network)" in facts.statistics


def test_receipts_past_their_time_are_counted(store: Store) -> None:
    client = store.store._client
    client.command(
        f"CREATE TABLE {DATABASE}.receipts (keep_until Date) ENGINE = MergeTree ORDER BY tuple()"
    )
    client.command(
        f"INSERT INTO {DATABASE}.receipts VALUES (today() + 9), (today()), (today() - 9)"
    )
    try:
        receipts = facts_of(store).receipts
    finally:
        client.command(f"DROP TABLE {DATABASE}.receipts SYNC")

    assert receipts is not None
    assert (receipts.rows, receipts.overdue) == (3, 1)


def test_nothing_is_met_that_nothing_checked() -> None:
    assert set(outcomes(None).values()) == {Outcome.HUMAN}


def test_empty_database_meets_nothing() -> None:
    empty = replace(
        CLEAN,
        columns=(),
        deletes_by_age=(),
        statistics=(),
        kept=(),
        old_cells=0,
        networks=0,
    )

    found = outcomes(empty)
    assert found.pop("What is kept is what this policy declares") is Outcome.MET
    assert Outcome.MET not in found.values()


def test_clean_store_meets_all() -> None:
    assert set(outcomes(CLEAN).values()) == {Outcome.MET}


@pytest.mark.parametrize(
    ("criterion", "facts", "outcome"),
    [
        (
            "Counters are deleted when their time is over",
            replace(CLEAN, kept=()),
            Outcome.HUMAN,
        ),
        (
            "Counters are deleted when their time is over",
            replace(CLEAN, kept=(Kept(90, 5, date(2026, 1, 1), 1),)),
            Outcome.NOT_MET,
        ),
        (
            "No count that is kept stands for a single visitor, once its period is over",
            replace(CLEAN, lone_cells=1),
            Outcome.NOT_MET,
        ),
        (
            "No count that is kept stands for a single visitor, once its period is over",
            replace(CLEAN, old_cells=0),
            Outcome.HUMAN,
        ),
        (
            "Only statistics are kept: no column is for an identifier or a single visit",
            replace(CLEAN, columns=(*CLEAN.columns, Column("cells", "visitor", "UInt64"))),
            Outcome.NOT_MET,
        ),
        (
            "What is kept is what this policy declares",
            replace(CLEAN, statistics=("pages(page,country)",)),
            Outcome.NOT_MET,
        ),
        (
            "A place is told no finer than the city",
            replace(CLEAN, fine_networks=1),
            Outcome.NOT_MET,
        ),
        (
            "A place is told no finer than the city",
            replace(CLEAN, networks=0),
            Outcome.HUMAN,
        ),
    ],
)
def test_each_fault_of_a_store_is_said(criterion: str, facts: StoreFacts, outcome: Outcome) -> None:
    found = outcomes(facts)

    assert found[criterion] is outcome
    assert [name for name, of in found.items() if of is not Outcome.MET] == [criterion]


@pytest.mark.parametrize(
    ("differing", "outcome"), [(0, Outcome.MET), (1, Outcome.NOT_MET), (None, Outcome.HUMAN)]
)
def test_counters_must_follow_the_policy_that_is_reported_on(
    differing: int | None, outcome: Outcome
) -> None:
    found = outcomes(CLEAN, differing=differing)

    assert found["What is kept is what this policy declares"] is outcome


def test_place_needs_no_store_where_no_network_is_told() -> None:
    statistics = tuple(each for each in POLICY.statistics if Dimension.NETWORK not in each.by)
    policy = replace(POLICY, statistics=statistics)

    assert outcomes(None, policy)["A place is told no finer than the city"] is Outcome.MET
