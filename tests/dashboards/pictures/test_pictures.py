"""Each report's picture over days that were counted, beside numbers worked out apart."""

import re
from bisect import bisect_right
from typing import TypeVar

import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension
from dashboards.address.filters import Condition
from dashboards.asking.answering import Answer, Row
from dashboards.asking.filters import Contains, Is, IsNot
from dashboards.pictures.by_page import Clicks, Leaving
from dashboards.pictures.countries import Map
from dashboards.pictures.depth import Depth
from dashboards.pictures.engaged import Engaged
from dashboards.pictures.funnels import Funnels, draw_funnel
from dashboards.pictures.gallery import PICTURES
from dashboards.pictures.mails import Mails
from dashboards.pictures.pointers import Pointers, draw_grid
from dashboards.pictures.speed import Speed
from dashboards.pictures.transitions import ENTRY, Flow
from dashboards.pictures.vitals import SHARES, VITALS, write_amount
from dashboards.reports.all_reports import ALL_REPORTS
from tests.dashboards.pictures.days import DAYS, HOSTILE, SECRET, STEPS, Asked, Days, exact
from tests.dashboards.pictures.reading import EN, POLICY, draw, read

Drawn = TypeVar("Drawn")


def drawn_as(asked: Asked, report: str, kind: type[Drawn], *filters: Condition) -> Drawn:
    drawn = draw(asked, report, *filters).drawn
    assert isinstance(drawn, kind)
    return drawn


def count(text: str) -> int:
    return int(text.replace(",", ""))


def test_every_picture_is_of_a_report() -> None:
    ids = {report.id for group in ALL_REPORTS for report in group.reports}

    assert PICTURES.keys() <= ids


def test_map_counts_visitors_by_country(asked: Asked) -> None:
    drawn = drawn_as(asked, "countries", Map)

    titles = [country.title for country in drawn.countries]
    numbers = [count(found[1]) for title in titles if (found := re.search(r": ([\d,]+) ", title))]
    assert {title.partition(":")[0] for title in titles} == {
        "Germany",
        "United States",
        "China",
        "Malta",
        "French Guiana",
    }
    assert sum(numbers) == DAYS * 240
    assert numbers == sorted(numbers, reverse=True)


@pytest.mark.parametrize("name", VITALS)
def test_percentiles_are_those_of_what_was_measured(asked: Asked, days: Days, name: str) -> None:
    vital = VITALS[name]
    drawn = drawn_as(asked, vital.report, Speed)

    for told, share in zip(drawn.whole.percentiles, SHARES, strict=True):
        value = exact(days.measured[name], share)
        # Some of it lies in groups too small to be told, so that it may be the step beside.
        assert abs(amount_of(told.text) - value) <= width_of_steps(value, STEPS[name])
    assert (drawn.whole.percentiles[1].rating != "") is (vital.limits is not None)
    measured = len(days.measured[name])
    assert 0.9 * measured <= count(drawn.whole.count) <= measured


def test_speed_of_a_page_that_is_filtered_by_is_its_own(asked: Asked) -> None:
    """The statistic of all vitals tells no page, so that this vital's own is asked."""
    everywhere = drawn_as(asked, "web_vitals_lcp", Speed)
    drawn = drawn_as(asked, "web_vitals_lcp", Speed, Is(Dimension.PAGE, ("/pricing",)))

    (page,) = drawn.pages
    assert page.text == "/pricing"
    assert drawn.whole.count == page.count
    assert page.count == next(each.count for each in everywhere.pages if each.text == "/pricing")
    assert [each.text for each in drawn.others] == [drawn.title]


def test_vital_without_a_report_is_not_linked_to(asked: Asked) -> None:
    """The statistic of all properties tells of it all the same."""
    kept = tuple(each for each in POLICY.statistics if each.name != "web_vitals_fcp")

    drawn = drawn_as(asked.under(replace(POLICY, statistics=kept)), "web_vitals_lcp", Speed)

    titles = [each.text for each in drawn.others]
    assert drawn.title in titles
    assert EN(VITALS["fcp"].title) not in titles


@pytest.mark.parametrize("report", PICTURES)
def test_filter_that_no_statistic_knows_leaves_no_picture(asked: Asked, report: str) -> None:
    assert read(asked, report, Is(Dimension.LANGUAGE, ("de",))) is None


def amount_of(text: str) -> float:
    """Read what `write_amount` wrote."""
    number = float(text.removeprefix("over ").partition(" ")[0].replace(",", ""))
    return number if text.endswith(" ms") else 1000 * number


def width_of_steps(value: float, steps: tuple[int, ...]) -> float:
    """Return how wide the step of a value and the one after it are together."""
    at = bisect_right(steps, value)
    return steps[min(at + 1, len(steps) - 1)] - (steps[at - 1] if at else 0)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 ms"), (999, "999 ms"), (1000, "1 s"), (2460, "2.46 s"), (10_000, "10 s")],
)
def test_milliseconds_are_written_short(amount: int, text: str) -> None:
    assert write_amount(EN, amount, VITALS["lcp"]) == text


@pytest.mark.parametrize(("amount", "text"), [(100, "0.1"), (250, "0.25"), (5, "0.005")])
def test_layout_shift_is_written_in_whole_ones(amount: int, text: str) -> None:
    assert write_amount(EN, amount, VITALS["cls"]) == text


def test_flow_goes_through_the_page_with_the_most_views(asked: Asked) -> None:
    drawn = drawn_as(asked, "transitions", Flow)

    assert drawn.page == "/"
    assert [way.text for way in drawn.before] == ["Came to the site here"]
    after = {way.text: count(way.number) for way in drawn.after}
    assert after.keys() == {"/pricing", "Left the site"}
    assert sum(after.values()) == count(drawn.before[0].number)
    assert {choice.text for choice in drawn.choices} >= {"/", "/pricing", HOSTILE}
    assert len(drawn.bands.right) == 2


def test_flow_goes_through_the_page_that_is_chosen(asked: Asked) -> None:
    drawn = drawn_as(asked, "transitions", Flow, Is(Dimension.PAGE, (HOSTILE,)))

    assert drawn.page == HOSTILE
    assert [way.text for way in drawn.before] == ["/docs/"]
    assert "%3Cscript%3E" in next(each.address for each in drawn.choices if each.text == HOSTILE)


@pytest.mark.parametrize("report", ["transitions", "pointer_pressed"])
@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        pytest.param(Is(Dimension.PAGE, ("/signup", "/docs/")), "/docs/", id="one of two"),
        pytest.param(Contains(Dimension.PAGE, ("sign",)), "/signup", id="with a part"),
        pytest.param(IsNot(Dimension.PAGE, ("/",)), "/pricing", id="not the largest"),
    ],
)
def test_picture_of_one_page_is_of_one_that_the_filter_leaves(
    asked: Asked, report: str, wanted: Condition, page: str
) -> None:
    drawn = draw(asked, report, wanted).drawn

    assert isinstance(drawn, Flow | Pointers)
    assert drawn.page == page


@pytest.mark.parametrize(
    ("beside", "page"),
    [
        pytest.param((), "/", id="alone"),
        pytest.param((Is(Dimension.PAGE, ("/docs/",)),), "/docs/", id="beside a page"),
    ],
)
def test_beginning_of_visits_is_no_page(
    asked: Asked, beside: tuple[Condition, ...], page: str
) -> None:
    entry = Is(Dimension.PREVIOUS_PAGE, (ENTRY,))

    assert drawn_as(asked, "transitions", Flow, entry, *beside).page == page


def test_depth_is_a_share_of_views_that_falls(asked: Asked) -> None:
    drawn = drawn_as(asked, "scroll_depth", Depth)

    assert drawn.depths == ("25%", "50%", "75%", "100%")
    for page in (drawn.whole, *drawn.pages):
        shares = [reached.share for reached in page.reached]
        assert shares == sorted(shares, reverse=True)
        assert 70 <= shares[0] <= 90


def test_grid_holds_each_cell_once(asked: Asked) -> None:
    drawn = drawn_as(asked, "pointer_pressed", Pointers)

    pressed, moved = drawn.grids
    assert [(cell.column, cell.row) for cell in pressed.cells] == [(1, 1)]
    assert {(cell.column, cell.row) for cell in moved.cells} == {
        (column, row) for column in range(3) for row in range(2)
    }
    assert (moved.columns, moved.rows) == (20, 20)
    assert moved.cells[0].shade == 5


@pytest.mark.parametrize(
    ("size", "frame"),
    [
        pytest.param((4, 12), (4, 12), id="coarser than the default's"),
        pytest.param((40, 10), (40, 10), id="more columns"),
        pytest.param((1, 1), (3, 2), id="made coarser since"),
        pytest.param((), (3, 2), id="no grid any more"),
    ],
)
def test_frame_of_a_grid_is_the_policys(size: tuple[int, ...], frame: tuple[int, int]) -> None:
    """The frame stands for the whole page, wherever on it something happened."""
    pointer_moved = next(each for each in POLICY.statistics if each.name == "pointer_moved")
    rows = (Row("", ("2.1",), (9,)), Row("", ("0.0",), (5,)))
    answer = Answer(pointer_moved, rows, 2, (14,), (), None)

    grid = draw_grid(EN, "Pointers", answer, size)

    assert grid is not None
    assert (grid.columns, grid.rows) == frame


def test_clicks_are_counted_by_page_and_element(asked: Asked, days: Days) -> None:
    drawn = drawn_as(asked, "clicks", Clicks)

    told = {
        (page.page, element.text): count(element.number)
        for page in drawn.pages
        for element in page.elements
    }
    wanted = {key: number for key, number in days.clicked.items() if key[0] != SECRET}
    assert told == wanted
    assert {max(each.width for each in page.elements) for page in drawn.pages} == {100}


def test_ways_to_leave_make_up_the_whole(asked: Asked) -> None:
    drawn = drawn_as(asked, "leaving", Leaving)

    assert len(drawn.ways) == 6
    for left in (drawn.whole, *drawn.pages):
        assert sum(part.width for part in left.parts) == pytest.approx(100, abs=0.01)


def test_time_engaged_is_an_average_of_visitors(asked: Asked) -> None:
    drawn = drawn_as(asked, "engagement", Engaged)

    assert re.fullmatch(r"0:[23]\d", drawn.average)
    assert max(page.width for page in drawn.pages) == 100


def test_funnel_narrows_step_by_step(asked: Asked) -> None:
    drawn = drawn_as(asked, "funnels", Funnels)

    (funnel,) = drawn.funnels
    visits = [count(step.visits) for step in funnel.steps]
    assert [step.text for step in funnel.steps] == ["/pricing", "/signup", "Sign-up"]
    assert visits == sorted(visits, reverse=True)
    assert count(funnel.steps[1].lost) == visits[0] - visits[1]


@pytest.mark.parametrize(
    "visits",
    [
        pytest.param([100, 40, 0], id="last hidden"),
        pytest.param([0, 40, 20], id="first hidden"),
        pytest.param([100, 0, 20], id="middle hidden"),
        pytest.param([10, 12], id="more than before"),
    ],
)
def test_step_that_is_not_told_leaves_the_funnel_whole(visits: list[int]) -> None:
    funnel = draw_funnel(EN, "Buying", [(str(at), number) for at, number in enumerate(visits)])

    assert [step.visits == "–" for step in funnel.steps] == [number == 0 for number in visits]
    assert all(0 <= step.width <= step.width_before <= 100 for step in funnel.steps)


@pytest.mark.parametrize(
    ("visits", "went_on", "summary"),
    [
        pytest.param([100, 40, 20], ["", "40%", "50%"], "20% of 100 visits", id="all told"),
        pytest.param([0, 40, 20], ["", "", "50%"], "– of – visits", id="first hidden"),
        pytest.param([100, 0, 20], ["", "", ""], "20% of 100 visits", id="middle hidden"),
    ],
)
def test_share_that_went_on_is_told_of_a_step_that_is_told(
    visits: list[int], went_on: list[str], summary: str
) -> None:
    funnel = draw_funnel(EN, "Buying", [(str(at), number) for at, number in enumerate(visits)])

    assert [step.went_on for step in funnel.steps] == went_on
    assert [bool(step.lost) for step in funnel.steps] == [bool(share) for share in went_on]
    assert summary in funnel.summary


def test_opens_by_persons_and_proxies_stand_apart(asked: Asked) -> None:
    drawn = drawn_as(asked, "email", Mails)

    (mail,) = drawn.mails
    assert mail.name == "spring"
    assert [stage.text for stage in mail.stages] == ["200", "30% to 50%", "10%"]
    assert [(part.kind, part.width) for part in mail.stages[1].parts] == [
        ("persons", 30),
        ("proxies", 20),
    ]
    assert [(kind.text, kind.opens) for kind in mail.kinds] == [
        ("Persons", "60"),
        ("Apple Mail Privacy Protection", "40"),
    ]
