"""Which statistic of the default policy answers what, and what is said where none does."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations

import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension, Policy
from anonymizer.policy_file import read_policy
from collector.proposals import Proposals
from collector.reference import default_policy
from collector.schema.views import columns_of
from dashboards.address.periods import Grain, Period, PeriodName
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.filters import And, Filter, Is, IsNot, Not, Or
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Order, Question
from dashboards.asking.unanswerable import NotDeclared, Unanswerable
from tests.collector.hits import POLICY_TEXT

TEXT = POLICY_TEXT.format(zone="Europe/Berlin", min_group=1)
POLICY = read_policy(TEXT, default_policy())
DAY = date(2026, 3, 9)
M, D = Metric, Dimension


async def nothing(sql: str, _: Mapping[str, object]) -> Sequence[Sequence[int]]:
    """Answer each SELECT of sums by a row of noughts and each of rows by none."""
    is_sums = "GROUP BY" not in sql
    return [[0] * (sql.count(" AS total_"))] if is_sums else []


def question(
    metrics: Sequence[Metric], by: Sequence[Dimension] = (), *filters: Filter, **more: object
) -> Question:
    asked = Question(
        site=next(iter(POLICY.sites.values())),
        period=Period(PeriodName.CUSTOM, DAY, DAY),
        today=DAY,
        metrics=tuple(metrics),
        dimensions=tuple(by),
        filters=filters,
    )
    return replace(asked, **more)


def answer(asked: Question, text: str = TEXT, policy: Policy = POLICY) -> Answer:
    return asyncio.run(Asker(nothing, policy, columns_of, Proposals(text).faults_of).answer(asked))


def event(name: str) -> Filter:
    return Is(D.EVENT, (name,))


def named(name: str) -> Filter:
    return Is(D.PROPERTY, (name,))


@pytest.mark.parametrize(
    ("asked", "statistic"),
    [
        pytest.param(question([M.VISITORS, M.VIEWS_PER_VISIT]), "traffic", id="in all"),
        pytest.param(question([M.VISITS], grain=Grain.HOUR), "traffic", id="by hour"),
        pytest.param(question([M.VIEWS], [D.PAGE]), "pages", id="pages"),
        pytest.param(question([M.VISITS], [D.ENTRY_PAGE]), "entry_pages", id="entry pages"),
        pytest.param(
            question([M.VIEWS], [D.PAGE], Is(D.COUNTRY, ("DE",))), "pages_by_country", id="crossed"
        ),
        pytest.param(
            question([M.VIEWS], [], Is(D.PAGE, ("/",)), Is(D.SOURCE, ("x",))),
            "pages_by_source",
            id="filters alone",
        ),
        pytest.param(
            question([M.VISITORS], [D.PAGE], Or((Is(D.SOURCE, ("x",)), Not(Is(D.PAGE, ("/",)))))),
            "pages_by_source",
            id="within or and not",
        ),
        pytest.param(question([M.VISITORS], [D.BROWSER]), "devices", id="part of a subject"),
        pytest.param(question([M.VISITS], [D.CAMPAIGN_MEDIUM]), "campaigns", id="medium"),
        pytest.param(question([M.VISITS], [D.CAMPAIGN]), "campaigns", id="campaign"),
        pytest.param(question([M.EVENTS]), "events", id="events in all"),
        pytest.param(question([M.EVENTS], [D.EVENT]), "events", id="events"),
        pytest.param(question([M.EVENTS], [], event("404")), "events", id="one event"),
        pytest.param(
            question([M.EVENTS], [D.PAGE], event("404")), "missing_pages", id="held to an event"
        ),
        pytest.param(
            question([M.SECONDS], [D.PAGE], event("engagement")), "engagement", id="seconds engaged"
        ),
        pytest.param(
            question([M.EVENTS], [D.VALUE], event("Site Search"), named("query")),
            "searches",
            id="held to a property",
        ),
        pytest.param(
            question([M.EVENTS], [D.VALUE], And((event("Site Search"), named("query")))),
            "searches",
            id="held within and",
        ),
        pytest.param(
            question([M.EVENTS], [D.VALUE], IsNot(D.EVENT, ("Site Search",)), named("query")),
            "event_properties",
            id="other events",
        ),
        pytest.param(
            question([M.EVENTS], [D.VALUE], event("Site Search"), event("404"), named("query")),
            "event_properties",
            id="two events at once",
        ),
        pytest.param(
            question([M.EVENTS], [D.EVENT, D.PROPERTY, D.VALUE], event("Site Search")),
            "event_properties",
            id="event asked as well",
        ),
        pytest.param(question([M.CONVERSIONS]), "goals", id="conversions"),
        pytest.param(
            question([M.CONVERSION_RATE], [D.GOAL, D.COUNTRY]), "goals_by_country", id="rate"
        ),
        pytest.param(question([M.VISITS], [D.FUNNEL, D.STEP]), "funnels", id="funnel"),
        pytest.param(question([M.OPENS, M.DELIVERED], [D.CAMPAIGN]), "email", id="e-mail"),
        pytest.param(question([M.CLICKS], [D.CAMPAIGN]), "email", id="clicks of all"),
        pytest.param(question([M.CLICKS], [D.LINK]), "email_links", id="links"),
        pytest.param(question([M.DELIVERED], [D.VARIANT]), "email_delivered", id="delivered"),
        pytest.param(question([M.HITS]), "coverage", id="hits"),
        pytest.param(question([M.HITS], [D.BOT]), "bots", id="bots"),
        pytest.param(question([M.MASKED]), "scrubbed", id="masks"),
    ],
)
def test_question_is_answered_by(asked: Question, statistic: str) -> None:
    assert answer(asked).statistic.name == statistic


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        pytest.param(
            question([M.VISITORS], [D.PAGE, D.LANGUAGE]),
            ['name = "page_by_language"', 'purpose = "audience"', 'by = ["page", "language"]'],
            id="crossed",
        ),
        pytest.param(
            question([M.VISITORS], [D.CAMPAIGN], Is(D.LANGUAGE, ("de",))),
            ['purpose = "campaigns"', 'by = ["campaign", "language"]'],
            id="of promotion",
        ),
        pytest.param(
            question([M.VISITORS], [D.PAGE, D.NETWORK]),
            ['purpose = "operations"', 'by = ["page", "network"]'],
            id="of operations",
        ),
        pytest.param(
            question([M.VIEWS], [D.PAGE], grain=Grain.HOUR),
            ['name = "page"', 'by = ["page"]', 'grain = "hour"'],
            id="by hour",
        ),
        pytest.param(
            question([M.EVENTS], [D.COUNTRY], event("File Download")),
            ['name = "file_download_by_country"', 'event = "File Download"', 'by = ["country"]'],
            id="held to an event",
        ),
        pytest.param(
            question([M.EVENTS], [D.PAGE]), ['by = ["event", "page"]'], id="of whatever event"
        ),
        pytest.param(
            question([M.EVENTS], [D.PAGE], IsNot(D.EVENT, ("404",))),
            ['by = ["page", "event"]'],
            id="of all events but one",
        ),
        pytest.param(
            question([M.EVENTS], [D.COUNTRY, D.VALUE], event("File Download"), named("url")),
            ['event = "File Download"', 'property = "url"', 'by = ["country", "value"]'],
            id="held to a property",
        ),
    ],
)
def test_undeclared_question_names_the_lines_that_would_answer(
    asked: Question, lines: Sequence[str]
) -> None:
    with pytest.raises(NotDeclared) as refused:
        answer(asked)

    assert set(lines) <= set(refused.value.lines.splitlines())


def test_every_pair_of_dimensions_is_answered_declarable_or_refused() -> None:
    """Lines that are proposed are a policy's, and answer the question that they are for."""
    pairs = list(combinations(Dimension, 2))
    singles = [(dimension,) for dimension in Dimension]
    outcomes = dict.fromkeys(("answered", "declared", "refused"), 0)
    for by in (*singles, *random.Random(3).sample(pairs, 90)):
        metric = M.HITS if {D.DOOR, D.REASON, D.BOT, D.BOT_KIND} & set(by) else M.VISITORS
        asked = question([metric], by)
        try:
            answer(asked)
            outcomes["answered"] += 1
        except Unanswerable:
            outcomes["refused"] += 1
        except NotDeclared as refused:
            text = f"{TEXT}\n{refused.lines}"
            declared = read_policy(text, default_policy())
            assert answer(asked, text, declared).statistic == declared.statistics[-1], by
            outcomes["declared"] += 1
    assert min(outcomes.values()) >= 15, outcomes


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        pytest.param(question([]), "metrics", id="no metric"),
        pytest.param(question([M.VISITS, M.VISITS]), "metrics", id="metric twice"),
        pytest.param(question([M.VISITS], [D.PAGE, D.PAGE]), "dimensions", id="dimension twice"),
        pytest.param(
            question([M.VISITORS], [D.PAGE, D.SOURCE, D.OS], Is(D.COUNTRY, ("DE",))),
            "dimensions",
            id="four dimensions",
        ),
        pytest.param(question([M.VISITS], [D.PAGE]), "metrics", id="visits by page"),
        pytest.param(question([M.OPENS], [D.COUNTRY]), "metrics", id="opens by country"),
        pytest.param(question([M.VISITS], [D.DOOR]), "dimensions", id="refused visits"),
        pytest.param(question([M.VISITS], [D.EXIT_PAGE, D.OS]), "dimensions", id="exit beside"),
        pytest.param(question([M.VISITORS], [D.GOAL, D.EVENT]), "dimensions", id="goals by event"),
        pytest.param(question([M.EVENTS, M.CONVERSIONS]), "dimensions", id="two subjects"),
        pytest.param(question([M.VISITS], [D.FUNNEL]), "dimensions", id="funnel without step"),
        pytest.param(question([M.CONVERSION_RATE], [D.PAGE]), "metrics", id="rate without goal"),
        pytest.param(
            question([M.VISITS], order=(Order(M.VIEWS),)), "order", id="order by no metric"
        ),
        pytest.param(question([M.VISITS], order=(Order(None),)), "order", id="order by no time"),
        pytest.param(
            question([M.CONVERSION_RATE], [], Or((Is(D.GOAL, ("Order",)), Is(D.COUNTRY, ("DE",))))),
            "filters",
            id="rate of a goal or else",
        ),
    ],
)
def test_question_that_nothing_could_answer_is_refused(asked: Question, field: str) -> None:
    with pytest.raises(Unanswerable) as refused:
        answer(asked)

    assert refused.value.field == field


def nested(depth: int) -> Filter:
    inner: Filter = Is(D.PAGE, ("/",))
    for _ in range(depth):
        inner = Not(inner)
    return inner


@pytest.mark.parametrize(
    ("filters", "is_fine"),
    [
        pytest.param([nested(4)], True, id="nested"),
        pytest.param([nested(5)], False, id="nested too deep"),
        pytest.param([Is(D.PAGE, ("/",))] * 50, True, id="many"),
        pytest.param([Is(D.PAGE, ("/",))] * 51, False, id="too many"),
        pytest.param([Is(D.PAGE, tuple(map(str, range(501))))], False, id="too many words"),
        pytest.param([Is(D.PAGE, ("a\0b",))], False, id="character that ends texts"),
    ],
)
def test_filters_are_held_to_bounds(filters: list[Filter], is_fine: bool) -> None:
    asked = question([M.VIEWS], [], *filters)
    if is_fine:
        assert answer(asked).statistic.name == "pages"
    else:
        with pytest.raises(Unanswerable, match=r"^filters: "):
            answer(asked)


@pytest.mark.parametrize(
    ("gone", "asked"),
    [
        pytest.param("traffic", question([M.VISITS]), id="part of the visits"),
        pytest.param("sources", question([M.VISITS], [D.SOURCE]), id="part of a source's"),
    ],
)
def test_statistic_of_a_part_never_stands_for_the_whole(gone: str, asked: Question) -> None:
    """Visits without a campaign are in no row of campaigns, and those without a goal in none."""
    parts = ("referrers", "campaigns", "campaigns_by_source", "goals", "goals_by_source", "email")
    kept = tuple(each for each in POLICY.statistics if each.name in parts)
    assert len(kept) == len(parts)
    assert gone not in parts

    with pytest.raises(NotDeclared):
        answer(asked, policy=replace(POLICY, statistics=kept))


def test_visitors_are_said_to_count_once_per_word() -> None:
    by_page = answer(question([M.VISITORS], [], Is(D.PAGE, ("/", "/a"))))
    by_browser = answer(question([M.VISITORS], [D.BROWSER]))

    assert by_page.counted_per == (D.PAGE,)
    assert by_browser.counted_per == ()
