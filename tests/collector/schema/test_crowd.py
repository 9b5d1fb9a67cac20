"""The benchmarks' crowd: its rows are the store's, and its sums agree as real hits' do."""

from collections.abc import Iterator

import pytest

from benchmarks.crowd import Crowd, Shape
from tests.collector.storing import Kept

SHAPE = Shape(sites=4, pages=50, days=3, networks=100, profiles=40, referrers=20)
HITS = 6_001


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    crowd = Crowd(SHAPE)
    kept = Kept(tmp_path_factory.mktemp("crowd"), crowd.policy)
    kept.apply()
    for number, (_, rows) in enumerate(crowd.batches(HITS, 1_000)):
        kept.store.insert(str(number), rows)
    yield kept
    kept.close()


def cells(kept: Kept, measure: str, statistic: str) -> int:
    return int(
        kept.value(
            f"SELECT sum({measure}) FROM discreet.cells"
            f" WHERE splitByChar('(', statistic)[1] = '{statistic}'"
        )
    )


def test_crowd_counts_as_many_hits_as_were_asked(kept: Kept) -> None:
    assert sum(hits for hits, _ in Crowd(SHAPE).batches(HITS)) == HITS
    assert cells(kept, "hits", "coverage") == HITS
    assert kept.value("SELECT uniqExact(toDate(hour)), uniqExact(site) FROM traffic") == "3\t4"


@pytest.mark.parametrize(
    ("measure", "statistics"),
    [
        ("views", ("pages", "sources", "channels", "countries", "devices", "networks", "screens")),
        ("visits", ("entry_pages", "exit_pages", "sources", "countries", "devices", "networks")),
        ("bounces", ("entry_pages", "sources", "countries", "devices")),
        ("seconds", ("entry_pages", "sources", "countries", "devices")),
        ("visitors", ("devices", "networks", "countries", "entry_pages", "exit_pages")),
    ],
)
def test_sums_agree_with_traffic(kept: Kept, measure: str, statistics: tuple[str, ...]) -> None:
    wanted = cells(kept, measure, "traffic")

    assert wanted > 0
    assert {each: cells(kept, measure, each) for each in statistics} == dict.fromkeys(
        statistics, wanted
    )


def test_no_sum_is_below_none_and_some_visits_are_bounces(kept: Kept) -> None:
    below = kept.value(
        "SELECT count() FROM (SELECT 1 FROM discreet.cells GROUP BY statistic, site, k1, k2, k3"
        " HAVING sum(visits) < 0 OR sum(visitors) < 0 OR sum(bounces) < 0)"
    )

    assert below == "0"
    visits, bounces = cells(kept, "visits", "traffic"), cells(kept, "bounces", "traffic")
    assert 0.2 * visits < bounces < 0.5 * visits


def test_refused_hits_leave_their_number_alone(kept: Kept) -> None:
    refused = int(kept.value("SELECT sum(hits) FROM coverage WHERE reason != 'counted'"))
    bots = int(kept.value("SELECT sum(hits) FROM coverage WHERE reason = 'bot'"))

    assert refused == pytest.approx(0.1 * HITS, rel=0.2)
    assert cells(kept, "hits", "bots") == bots > 0


def test_same_seed_gives_the_same_rows_and_another_gives_others() -> None:
    rows, same, other = (
        b"".join(rows for _, rows in Crowd(shape).day(1, 500))
        for shape in (SHAPE, SHAPE, Shape(sites=4, pages=50, networks=100, seed=8))
    )

    assert rows == same != other


def test_few_pages_have_most_of_the_views(kept: Kept) -> None:
    top = int(
        kept.value(
            "SELECT sum(v) FROM (SELECT sum(views) AS v FROM discreet.cells"
            " WHERE statistic = 'pages(page)' GROUP BY k1 ORDER BY v DESC LIMIT 5)"
        )
    )

    assert top > 0.4 * cells(kept, "views", "pages")
