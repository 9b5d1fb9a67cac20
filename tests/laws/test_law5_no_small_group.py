"""Law 5: no small group stays. Here the part that holds at any moment: none is shown.

A view folds every cell that counts fewer visitors than its statistic's `min_group`
into `(other)`, and its totals are those of the cells. That small cells also leave
the store within 48 hours is in test_law5_at_rest.
"""

import random
from collections.abc import Iterator

import pytest

from anonymizer.hits import OTHER, Campaign, Door
from anonymizer.machines import Machine, MachineKind
from anonymizer.policy import Statistic
from anonymizer.policy_file import read_policy
from collector.counted import CountedHit
from collector.plan import is_coverage, is_funnels, is_goals, is_mail
from collector.reference import default_policy
from collector.schema.tables import DATABASE, cells_of
from collector.schema.views import MONTH, column_of, columns_of, measures_of
from collector.subjects import count_machine
from tests.collector.hits import POLICY_TEXT, SITE, Line
from tests.collector.storing import Kept

# The shipped sizes: 1, 3, 5 and 20.
POLICY = read_policy(
    POLICY_TEXT.format(zone="Europe/Berlin", min_group=1).replace("min_group = 1\n", ""),
    default_policy(),
)
START = 1_774_900_000  # two days before a month's end
GUARDED = [each for each in POLICY.statistics if each.min_group > 1]


def crowd(line: Line, seed: int) -> list[list[CountedHit]]:
    """Let visitors come for five days; few pages, sources and countries are common."""
    chance = random.Random(seed)
    time = START
    views: list[list[CountedHit]] = []

    def rare(words: int) -> int:
        return min(int(chance.expovariate(0.5)), words)

    for _ in range(600):
        time += chance.randrange(1_500)
        line.memory.forget_before(SITE, line.local(time))
        campaign = f"c{rare(6)}" if chance.random() < 0.5 else ""
        views.append(
            line.view(
                f"visitor {chance.randrange(60)}",
                time,
                f"/{rare(9)}",
                source=f"source {rare(9)}",
                country=("DE", "FR", "AT", "CH", "LI")[rare(4)],
                campaign=Campaign(campaign, campaign),
                event=("signup", "search", "")[rare(2)],
                properties=((f"property {rare(1)}", f"value {rare(9)}"),),
                masks=("email", "number", "uuid")[: rare(3)],
            )
        )
        event = chance.choice(list(POLICY.events.values()))
        views.append(
            line.view(
                f"visitor {chance.randrange(60)}",
                time,
                f"/{rare(3)}",
                event=event.name,
                interactive=event.interactive,
                engaged_ms=chance.randrange(9_000),
                properties=tuple((of.name, f"value {rare(2)}") for of in event.properties),
            )
        )
        machine = Machine(MachineKind.CRAWLER, f"bot {rare(9)}")
        asked = line.plan.of_machines
        views.append([count_machine(SITE, Door.LOG, machine, line.local(time), asked)])
    return views


@pytest.fixture(scope="module", params=[1, 2, 3])
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kept]:
    kept = Kept(tmp_path_factory.mktemp("law5"), POLICY)
    kept.apply()
    kept.count(*crowd(Line(POLICY), request.param))
    yield kept
    kept.close()


def keys_of(statistic: Statistic) -> list[str]:
    return [f"k{number}" for number in range(1, len(statistic.by) + 1)]


def names_of(statistic: Statistic) -> list[str]:
    names = [name for name in columns_of(statistic) if name != MONTH]
    return names[2 : 2 + len(statistic.by)]


def test_every_statistic_of_more_than_one_dimension_is_guarded() -> None:
    assert {each.min_group for each in GUARDED} == {3, 5, 20}
    assert [each.name for each in POLICY.statistics if each not in GUARDED] == [
        *("traffic", "email_delivered", "bots", "coverage")
    ]


def test_no_view_shows_a_small_group_by_its_name(kept: Kept) -> None:
    hidden = 0
    for each in GUARDED:
        first = names_of(each)[0]
        small = f"SELECT count() FROM {each.name} WHERE {first} != '{OTHER}'"
        assert kept.value(f"{small} AND visitors < {each.min_group}") == "0", each.name
        hidden += int(kept.value(f"SELECT count() FROM {each.name} WHERE {first} = '{OTHER}'"))
    assert hidden > 20


def test_other_stands_in_all_dimensions_of_a_row_or_in_none(kept: Kept) -> None:
    for each in GUARDED:
        others = " + ".join(f"({name} = '{OTHER}')" for name in names_of(each))
        odd = f"SELECT count() FROM {each.name} WHERE {others} NOT IN (0, {len(each.by)})"
        assert kept.value(odd) == "0", each.name


def test_there_is_one_other_row_a_day(kept: Kept) -> None:
    for each in GUARDED:
        first = names_of(each)[0]
        answer = kept.value(
            f"SELECT max(rows) FROM (SELECT count() AS rows FROM {each.name}"
            f" WHERE {first} = '{OTHER}' GROUP BY site, {each.grain}, {MONTH})"
        )
        assert answer in ("0", "1"), each.name


def test_folding_leaves_the_totals_of_every_day_unchanged(kept: Kept) -> None:
    for each in POLICY.statistics:
        measures = measures_of(each)
        sums = ", ".join(f"sum({measure})" for measure in measures)
        # What is too small of one event belongs to its month alone.
        day, of = (MONTH, "toStartOfMonth(period)") if each.event else (each.grain, "period")
        shown = kept.value(
            f"SELECT site, toDate({day}) AS d, {sums} FROM {each.name}"
            " GROUP BY site, d ORDER BY site, d"
        )
        stored_sums = ", ".join(f"sum({column_of(measure)})" for measure in measures)
        stored = kept.value(
            f"SELECT site, toDate({of}) AS d, {stored_sums} FROM {DATABASE}.cells"
            f" WHERE statistic = '{cells_of(each)}' GROUP BY site, d ORDER BY site, d"
        )
        assert shown == stored, each.name
        # No mail comes here: tests/collector/email/test_mail_counting.py.
        assert (
            shown
            or is_mail(each)
            or is_goals(each)  # none is declared
            or is_funnels(each)
            or each.name in ("referrers", "campaign_contents", "campaign_terms")
        )


def test_group_of_the_size_itself_is_shown_and_one_less_is_not(kept: Kept) -> None:
    for each in GUARDED:
        if is_coverage(each):
            continue
        keys = ", ".join(("site", "period", *keys_of(each)))
        names = ", ".join(("site", str(each.grain), *names_of(each)))
        large = kept.value(
            f"SELECT {keys.replace('period', 'toDate(period)')} FROM {DATABASE}.cells"
            f" WHERE statistic = '{cells_of(each)}' GROUP BY {keys}"
            f" HAVING sum(visitors) >= {each.min_group} ORDER BY ALL"
        )
        first = names_of(each)[0]
        shown = kept.value(
            f"SELECT {names} FROM {each.name} WHERE {first} != '{OTHER}' ORDER BY ALL"
        )
        assert shown == large, each.name


def test_what_is_small_of_one_event_waits_until_its_month_is_over(kept: Kept) -> None:
    """All there is of it may be a cell that another view hides."""
    of_event = next(each for each in POLICY.statistics if each.name == "missing_pages")
    for when in ("now()", "toDateTime('2026-01-10 00:00:00', 'UTC')"):
        kept.store._client.command(
            f"INSERT INTO {DATABASE}.cells SELECT {{name:String}}, 750, 'day', 'late.example',"
            f" toStartOfDay({when}, 'UTC'), word, '', '', size, 0, 0, 0, 0, size"
            " FROM values('word String, size Int64', ('/large', 7), ('/small', 2))",
            parameters={"name": cells_of(of_event)},
        )

    shown = kept.value(
        "SELECT toStartOfMonth(now()) = month, day IS NULL, page, events FROM missing_pages"
        " WHERE site = 'late.example' ORDER BY ALL"
    )

    assert shown.splitlines() == ["0\t0\t/large\t7", "0\t1\t(other)\t2", "1\t0\t/large\t7"]
