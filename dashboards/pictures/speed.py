"""How fast pages are: percentiles and ratings of web vitals and response times."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import write_share
from dashboards.pictures.asked import (
    answer_by_page,
    answer_of,
    at_word,
    hidden_of,
    notes_of,
    number_of,
    of_event,
    question,
    told,
    total_of,
)
from dashboards.pictures.picture import Picture, ReadPicture
from dashboards.pictures.shares import Part, lay_parts
from dashboards.pictures.steps import (
    Estimate,
    Step,
    count_of,
    percentile,
    read_steps,
    share_by_rating,
)
from dashboards.pictures.vitals import (
    EVENT,
    RATED,
    RATINGS,
    SHARES,
    VITALS,
    Told,
    Vital,
    rating_of,
    write_limits,
    write_percentile,
    write_step,
)
from dashboards.reports.declared import reports_by_id
from dashboards.words import Words

MOST_PAGES = 50


class Figure(Struct, frozen=True):
    """The speed of one page, of all, or one of the other vitals."""

    text: str
    address: str
    count: str
    percentiles: tuple[Told, ...]
    """One for each of SHARES."""
    parts: tuple[Part, ...]
    """Shares by rating, or nothing."""
    described: str
    """The same shares in words."""
    is_shown: bool = False


class Column(Struct, frozen=True):
    """A step of the histogram; `height` in percent of the highest."""

    text: str
    number: str
    share: str
    height: float
    rating: str


class Speed(Struct, frozen=True):
    """What is shown of one vital."""

    title: str
    shares: tuple[str, ...]
    """SHARES in percent."""
    whole: Figure
    columns: tuple[Column, ...]
    others: tuple[Figure, ...]
    """All vitals that are known and have a report, this one among them."""
    pages: tuple[Figure, ...]
    limits: str
    notes: tuple[str, ...]


def reader_of(name: str) -> ReadPicture:
    """Return what reads the picture of one vital, by its property."""

    async def read(asker: Asker, selection: Selection, words: Words) -> Picture | None:
        by_page, values = await answer_by_page(
            asker, selection, of_event(EVENT, name), MOST_PAGES, tells_unplaced=True
        )
        vitals = await _read_vitals(asker, selection, name)
        if name not in vitals:
            return None
        pages = {
            page: steps
            for page, counted in values.items()
            if (steps := read_steps(counted.items()))
        }
        reports = reports_by_id(asker.policy)
        shown = {
            each: steps
            for each, steps in vitals.items()
            if each == name or (each in VITALS and VITALS[each].report in reports)
        }
        drawn = _draw(name, pages, shown, selection, words, by_page)
        return Picture("speed.html", drawn, replaces_list=True)

    return read


async def _read_vitals(
    asker: Asker, selection: Selection, name: str
) -> dict[str, tuple[Step, ...]]:
    """Return the steps of all vitals of all pages; of one alone where filters leave no more."""
    by = (Dimension.PROPERTY, Dimension.VALUE)
    answer = await answer_of(asker, question(selection, (Metric.EVENTS,), by, *of_event(EVENT)))
    if answer is None:
        held = of_event(EVENT, name)
        answer = await answer_of(
            asker, question(selection, (Metric.EVENTS,), (Dimension.VALUE,), *held)
        )
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for row in told(answer):
        found[row.words[0] if len(row.words) > 1 else name].append((row.words[-1], number_of(row)))
    steps = {word: read_steps(counted) for word, counted in found.items()}
    return {word: each for word, each in steps.items() if each}


def _draw(
    name: str,
    pages: Mapping[str, Sequence[Step]],
    vitals: Mapping[str, Sequence[Step]],
    selection: Selection,
    words: Words,
    by_page: Answer | None,
) -> Speed:
    vital = VITALS[name]
    return Speed(
        title=words(vital.title),
        shares=tuple(words.share(share) for share in SHARES),
        whole=_figure(words, words("All pages"), "", vitals[name], vital),
        columns=_columns(words, vitals[name], vital),
        others=tuple(
            _figure(
                words,
                words(each.title),
                selection.at_report(each.report),
                vitals[property_],
                each,
                is_shown=property_ == name,
            )
            for property_, each in VITALS.items()
            if property_ in vitals
        ),
        pages=tuple(
            _figure(words, page, at_word(selection, Dimension.PAGE, page), steps, vital)
            for page, steps in pages.items()
        ),
        limits=write_limits(words, vital),
        notes=tuple(filter(None, (_write_hidden(words, by_page), *notes_of(words, by_page)))),
    )


def _figure(
    words: Words,
    text: str,
    address: str,
    steps: Sequence[Step],
    vital: Vital,
    *,
    is_shown: bool = False,
) -> Figure:
    shares = share_by_rating(steps, vital.limits) if vital.limits else None
    titles = [
        (
            kind,
            round(1_000_000 * share),
            words.pair(words(RATINGS[kind]), write_share(words, share)),
        )
        for kind, share in (
            (
                ("good", shares.good),
                ("middling", shares.middling),
                ("poor", shares.poor),
            )
            if shares
            else ()
        )
    ]
    return Figure(
        text=text,
        address=address,
        count=words.number(count_of(steps)),
        percentiles=tuple(
            write_percentile(words, percentile(steps, share), vital, is_rated=number == RATED)
            for number, share in enumerate(SHARES)
        ),
        parts=lay_parts(titles),
        described=words.listed(title for _, _, title in titles),
        is_shown=is_shown,
    )


def _columns(words: Words, steps: Sequence[Step], vital: Vital) -> tuple[Column, ...]:
    most, count = max(step.number for step in steps), count_of(steps)
    found = []
    for step in steps:
        estimate = Estimate(step.low, step.low, step.high)
        found.append(
            Column(
                text=write_step(words, step, vital),
                number=words.number(step.number),
                share=write_share(words, step.number / count),
                height=round(100 * step.number / most, 2),
                rating=rating_of(estimate, vital.limits) if vital.limits else "",
            )
        )
    return tuple(found)


def _write_hidden(words: Words, by_page: Answer | None) -> str:
    """Say how much of what was measured no page's percentiles are of."""
    hidden = hidden_of(by_page) if by_page else 0
    if by_page is None or not hidden:
        return ""
    return words(
        "{share} of the measurements lie in groups too small to be shown and are in no page’s"
        " percentiles; as extremes are rarer, pages with few views look more even than they are.",
        share=write_share(words, hidden / total_of(by_page)),
    )
