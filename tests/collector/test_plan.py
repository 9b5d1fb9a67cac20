"""A policy compiled into bits."""

import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension, Grain, Statistic
from collector.plan import (
    MAX_COMBINATIONS,
    TooManyCombinations,
    combination_of,
    counts_visits,
    is_coverage,
    is_delivered,
    is_exit,
    is_machines,
    make_plan,
)
from tests.collector.hits import make_policy

POLICY = make_policy()


def statistic(*by: Dimension, name: str = "any") -> Statistic:
    purpose = POLICY.purposes[0].id
    return Statistic(name, purpose, by, Grain.DAY, min_group=1, keep_days=30)


def test_same_policy_gives_the_same_bits() -> None:
    assert make_plan(POLICY) == make_plan(make_policy())


def test_every_statistic_of_visitors_has_a_bit_below_64() -> None:
    plan = make_plan(POLICY)

    for each in POLICY.statistics:
        if not any(of(each) for of in (is_coverage, is_delivered, is_exit, is_machines)):
            assert 0 <= plan.combination_bit(each) < MAX_COMBINATIONS


def test_statistic_added_at_the_end_leaves_the_other_bits_as_they_were() -> None:
    before = make_plan(POLICY)
    more = statistic(Dimension.LANGUAGE, Dimension.SCREEN)

    after = make_plan(replace(POLICY, statistics=(*POLICY.statistics, more)))

    assert after.combinations[: len(before.combinations)] == before.combinations
    assert after.combination_bit(more) == len(before.combinations)


@pytest.mark.parametrize(
    ("by", "combination"),
    [
        pytest.param((), (), id="nothing"),
        pytest.param((Dimension.DEVICE, Dimension.OS), (), id="what the key tells anyway"),
        pytest.param((Dimension.NETWORK,), (), id="network"),
        pytest.param((Dimension.PAGE, Dimension.DEVICE), (Dimension.PAGE,), id="page and device"),
        pytest.param(
            (Dimension.SOURCE, Dimension.PAGE), (Dimension.PAGE, Dimension.SOURCE), id="any order"
        ),
        pytest.param((Dimension.COUNTRY,), (Dimension.COUNTRY,), id="country may vary"),
    ],
)
def test_combination_holds_what_can_vary_for_one_visitor(
    by: tuple[Dimension, ...], combination: tuple[Dimension, ...]
) -> None:
    assert combination_of(statistic(*by)) == combination


def test_statistics_of_one_combination_share_a_bit() -> None:
    one = statistic(Dimension.PAGE, Dimension.DEVICE)
    other = statistic(Dimension.PAGE)
    plan = make_plan(replace(POLICY, statistics=(one, other)))

    assert plan.combination_bit(one) == plan.combination_bit(other)
    assert len(plan.combinations) == 1


def test_more_combinations_than_bits_are_refused() -> None:
    varying = (
        *(Dimension.PAGE, Dimension.SOURCE, Dimension.CHANNEL, Dimension.REFERRER),
        *(Dimension.CAMPAIGN, Dimension.COUNTRY, Dimension.LANGUAGE, Dimension.SCREEN),
    )
    threes = [statistic(a, b, c) for a in varying for b in varying for c in varying if a < b < c]
    twos = [statistic(a, b) for a in varying for b in varying if a < b]
    fitting = tuple((*threes, *twos)[:MAX_COMBINATIONS])

    assert len(make_plan(replace(POLICY, statistics=fitting)).combinations) == MAX_COMBINATIONS
    one_more = (*fitting, (*threes, *twos)[MAX_COMBINATIONS])
    with pytest.raises(TooManyCombinations, match="65"):
        make_plan(replace(POLICY, statistics=one_more))


def test_purposes_become_the_bits_of_their_place_in_the_policy() -> None:
    plan = make_plan(POLICY)
    ids = [purpose.id for purpose in POLICY.purposes]

    assert [plan.purpose_bit(purpose) for purpose in ids] == list(range(len(ids)))
    assert plan.serves(frozenset()) == 0
    assert plan.serves(frozenset(ids)) == (1 << len(ids)) - 1
    assert plan.serves(frozenset({ids[1]})) == 2


@pytest.mark.parametrize(
    ("by", "counts"),
    [
        pytest.param((), True, id="totals"),
        pytest.param((Dimension.ENTRY_PAGE,), True, id="entry page, one a visit"),
        pytest.param((Dimension.SOURCE, Dimension.COUNTRY), True, id="source and country"),
        pytest.param((Dimension.PAGE,), False, id="page, many a visit"),
        pytest.param((Dimension.PAGE, Dimension.PREVIOUS_PAGE), False, id="transition"),
        pytest.param((Dimension.DOOR, Dimension.REASON), False, id="coverage"),
        pytest.param((Dimension.EXIT_PAGE,), False, id="exit page, counted on its own"),
        pytest.param((Dimension.EVENT, Dimension.SOURCE), False, id="events by source"),
        pytest.param((Dimension.MASK,), False, id="masks"),
        pytest.param((Dimension.BOT,), False, id="machines"),
    ],
)
def test_visits_count_where_a_visit_has_one_value(by: tuple[Dimension, ...], counts: bool) -> None:
    assert counts_visits(statistic(*by)) is counts
