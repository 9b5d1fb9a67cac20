"""What `policy ddl --plan` says of a change."""

from datetime import date

import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension, Grain, Policy, PurposeId, Statistic
from collector.plan import make_plan
from collector.schema.ddl_found import Counters, Found
from collector.schema.ddl_plan import CantMigrate, describe, migration, upgrade_cells
from collector.schema.into_cells import meaning_of
from collector.schema.tables import cells_of
from tests.collector.hits import make_policy

POLICY = make_policy(min_group=3)
PAGES = next(each for each in POLICY.statistics if each.name == "pages")
COVERAGE = next(each for each in POLICY.statistics if each.name == "coverage")


def policy_of(*statistics: Statistic) -> Policy:
    return replace(POLICY, statistics=(*statistics, COVERAGE))


def found_of(policy: Policy, *counters: Counters) -> Found:
    return Found(
        statistics=policy.statistics,
        counters=counters,
        views=tuple(statistic.name for statistic in policy.statistics),
        into_cells=meaning_of(policy, make_plan(policy)).select,
        unsummed=(),
        replicated=False,
    )


def counted(statistic: Statistic) -> Counters:
    return Counters(
        cells_of(statistic),
        statistic.grain.value,
        statistic.keep_days,
        5_000,
        date(2026, 1, 3),
        date(2026, 3, 10),
    )


HELD = "5,000 counters from 2026-01-03 to 2026-03-10"


@pytest.mark.parametrize(
    ("changed", "lines"),
    [
        pytest.param(
            replace(PAGES, by=(Dimension.PAGE, Dimension.SOURCE)),
            [
                "~ pages: by [page] → [page, source]",
                "    goes on from nothing, under other cells; of before nothing can be had",
                f"    {HELD} stay out of sight until their days end, the last on 2028-03-29",
            ],
            id="dimensions",
        ),
        pytest.param(
            replace(PAGES, grain=Grain.HOUR),
            [
                "~ pages: grain day → hour",
                "    its view shows what is counted by hour from the next start on",
                f"    {HELD} stay out of sight until their days end, the last on 2028-03-29",
            ],
            id="grain",
        ),
        pytest.param(
            replace(PAGES, min_group=5),
            [
                "~ pages: min_group 3 → 5",
                "    its view hides smaller groups at once, the next nightly run folds them away",
            ],
            id="larger groups",
        ),
        pytest.param(
            replace(PAGES, min_group=2),
            ["~ pages: min_group 3 → 2", "    what was put together already stays so"],
            id="smaller groups",
        ),
        pytest.param(
            replace(PAGES, min_group=1),
            [
                "~ pages: min_group 3 → 1",
                "    what was put together already stays out of sight until its days end",
            ],
            id="no groups",
        ),
        pytest.param(
            replace(PAGES, keep_days=90),
            ["~ pages: keep_days 750 → 90", "    older counters go with the next nightly run"],
            id="shorter",
        ),
        pytest.param(
            replace(PAGES, keep_days=800),
            [
                "~ pages: keep_days 750 → 800",
                "    what was counted until now keeps its 750 days",
            ],
            id="longer",
        ),
        pytest.param(
            replace(PAGES, purpose=PurposeId("campaigns")),
            [
                "~ pages: purpose audience → campaigns",
                "    hits count by what they permit for the new purpose; its counters stay",
            ],
            id="purpose",
        ),
        pytest.param(PAGES, ["No statistic changes."], id="nothing"),
    ],
)
def test_altered_statistic_is_told_with_what_becomes_of_its_counters(
    changed: Statistic, lines: list[str]
) -> None:
    found = found_of(policy_of(PAGES), counted(PAGES))

    assert list(describe(found, policy_of(changed))) == lines


def test_added_statistic_has_nothing_of_before() -> None:
    assert describe(found_of(policy_of()), policy_of(PAGES)) == (
        "+ pages: by [page], grain day, min_group 3, keep_days 750, purpose audience",
        "    counts from the next start on; of before nothing can be had",
    )


def test_statistic_that_comes_back_shows_what_is_left_of_it() -> None:
    found = found_of(policy_of(), counted(PAGES))

    assert describe(found, policy_of(PAGES))[-1] == f"    {HELD}, of an earlier policy, show again"


def test_removed_statistic_loses_its_view_and_keeps_its_counters() -> None:
    found = found_of(policy_of(PAGES), counted(PAGES))

    assert describe(found, policy_of()) == (
        "- pages: by [page], grain day, min_group 3, keep_days 750, purpose audience",
        "    its view goes",
        f"    {HELD} stay out of sight until their days end, the last on 2028-03-29",
    )
    assert "DROP VIEW IF EXISTS `pages` SYNC" in statements(found, policy_of())


def statements(found: Found, policy: Policy) -> tuple[str, ...]:
    return migration(found, policy, make_plan(policy))


def test_policy_that_changes_nothing_runs_no_statement() -> None:
    assert statements(found_of(policy_of(PAGES)), policy_of(PAGES)) == ()


def test_group_size_alone_makes_one_view_anew_and_leaves_the_counting() -> None:
    larger = policy_of(replace(PAGES, min_group=9))

    view, comment = statements(found_of(policy_of(PAGES)), larger)

    assert view.startswith("CREATE OR REPLACE VIEW pages ")
    assert comment.startswith("ALTER TABLE discreet.into_cells MODIFY COMMENT '[{")


def test_no_statement_of_a_migration_deletes_a_counter() -> None:
    found = found_of(POLICY, *map(counted, POLICY.statistics))

    for statement in statements(found, policy_of()):
        assert not statement.startswith(("TRUNCATE", "DELETE"))
        assert "DROP PARTITION" not in statement
        assert statement.startswith("DROP VIEW ") or "DROP" not in statement


def test_new_store_is_made_whole() -> None:
    nothing = Found((), (), (), "", (), replicated=False)

    made = statements(nothing, policy_of(PAGES))

    assert made[0] == "CREATE DATABASE IF NOT EXISTS discreet"
    assert sum("MATERIALIZED VIEW" in each for each in made) == 1
    assert sum(each.startswith("CREATE OR REPLACE VIEW") for each in made) == 2


def test_replicated_cells_that_lack_a_measure_are_left_to_the_operator() -> None:
    found = replace(found_of(POLICY), unsummed=("hits",), replicated=True)

    with pytest.raises(CantMigrate, match=r"lacks hits: see docs/clickhouse-server\.md"):
        upgrade_cells(found)
