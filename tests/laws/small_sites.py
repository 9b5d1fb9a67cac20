"""Random small sites as tables of cells, and the nightly job that hides small ones."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

from msgspec import Struct

from anonymizer.hits import OTHER
from anonymizer.policy import Dimension, Goal, Grain, Statistic
from collector.clock import DAY_SECONDS
from collector.counted import Tells
from collector.plan import is_exit, tells_of
from collector.retention.cells import Keys, Numbers, Spot
from collector.retention.links import OPTIONAL, fixed_words
from collector.words import OF_KEY
from tests.laws.answerable import Place, measures_in

Cells = dict[Place, Numbers]
Choose = Callable[..., Mapping[Spot, Sequence[Keys]]]

_MAX_ROUNDS = 60
_TELLING = (Dimension.EVENT, Dimension.PROPERTY, Dimension.GOAL)


class Size(Struct, frozen=True):
    """How large a site is: visitors a day from, to, and how many words there are at most."""

    days: int
    visitors: tuple[int, int]
    pages: int
    sources: int
    countries: int


def visit(
    statistics: Sequence[Statistic], size: Size, seed: int, goals: Sequence[Goal] = ()
) -> Cells:
    """Return what a site's visitors leave in one month, by the statistics' own periods."""
    chance = Random(seed)
    cells: dict[Place, list[int]] = defaultdict(lambda: [0] * 6)

    def rare(words: int) -> int:
        return min(int(chance.expovariate(0.6)), words - 1)

    for day in range(size.days):
        for _ in range(chance.randint(*size.visitors)):
            seen: set[tuple[object, ...]] = set()
            words = {
                Dimension.DEVICE: ("desktop", "mobile", "tablet")[rare(3)],
                Dimension.BROWSER: f"browser {rare(2)}",
                Dimension.OS: "Linux",
                Dimension.COUNTRY: f"country {rare(size.countries)}",
                Dimension.SCREEN: f"screen {rare(3)}",
            }
            hour = chance.randrange(20)
            for number in range(1 + (chance.random() < 0.2)):
                start = day * DAY_SECONDS + (hour + number) * 3600
                words[Dimension.SOURCE] = f"source {rare(size.sources)}"
                pages = [f"/{rare(size.pages)}" for _ in range(1 + rare(4))]
                words[Dimension.ENTRY_PAGE], words[Dimension.EXIT_PAGE] = pages[0], pages[-1]
                words[Dimension.CAMPAIGN] = f"campaign {rare(3)}" if chance.random() < 0.3 else ""
                seconds = 0 if len(pages) == 1 else chance.randrange(1, 200)
                for at, page in enumerate(pages):
                    words[Dimension.PAGE] = page
                    bounces = int(at == 0 and len(pages) == 1)
                    adds = (int(at == 0), 1, bounces, 0 if at else seconds, 0)
                    _add(cells, statistics, words, start, adds, seen)
                    for goal in goals:
                        if goal.page == page:
                            told = words | {Dimension.GOAL: goal.name}
                            _add_row(cells, statistics, told, day, seen)
            for _ in range(rare(3)):
                words[Dimension.PAGE] = f"/{rare(size.pages)}"
                words[Dimension.EVENT] = event = f"event {rare(3)}"
                properties = _properties(event, rare)
                for told in _rows_of_event(words, event, properties, goals):
                    _add_row(cells, statistics, told, day, seen)
                del words[Dimension.EVENT]
    return {place: tuple(numbers) for place, numbers in cells.items()}


def _add(
    cells: dict[Place, list[int]],
    statistics: Sequence[Statistic],
    words: Mapping[Dimension, str],
    start: int,
    adds: Numbers,
    seen: set[tuple[object, ...]],
) -> None:
    marks = []
    for each in statistics:
        keys = tuple(words.get(dimension, "") for dimension in each.by)
        told = [key for key, of in zip(keys, each.by, strict=True) if of in OPTIONAL]
        if tells_of(each.dimensions()) is not Tells.VIEW or (told and not any(told)):
            continue
        if is_exit(each) and not adds[0]:
            continue
        day = start - start % DAY_SECONDS
        numbers = cells[each.name, day if each.grain is Grain.DAY else start, keys]
        measures = measures_in(each)
        varying = tuple(of for of in each.by if of not in OF_KEY)
        mark = (varying, *(words.get(of, "") for of in varying))
        numbers[0] += mark not in seen
        marks.append(mark)
        for at, measure in enumerate(("visits", "views", "bounces", "seconds"), 1):
            numbers[at] += adds[at - 1] if measure in measures else 0
    seen.update(marks)


def _properties(event: str, rare: Callable[[int], int]) -> list[tuple[str, str]]:
    """Return an event's properties; a depth counts under each step that it reached."""
    if event == "event 1":
        return [("depth", str(step)) for step in (25, 50, 75)[: 1 + rare(3)]]
    return [("link", f"value {rare(3)}"), *([("kind", f"kind {rare(2)}")] if rare(2) else [])]


def _rows_of_event(
    words: Mapping[Dimension, str],
    event: str,
    properties: Sequence[tuple[str, str]],
    goals: Sequence[Goal],
) -> Iterator[dict[Dimension, str]]:
    """Yield the words of an event, of each property, and of each goal that it reaches."""
    yield dict(words)
    for name, value in properties:
        yield {**words, Dimension.PROPERTY: name, Dimension.VALUE: value}
    for goal in goals:
        wanted = (goal.property, goal.value)
        if goal.event == event and (not goal.property or wanted in properties):
            yield {**words, Dimension.GOAL: goal.name}


def _add_row(
    cells: dict[Place, list[int]],
    statistics: Sequence[Statistic],
    words: Mapping[Dimension, str],
    day: int,
    seen: set[tuple[object, ...]],
) -> None:
    """Add a row of an event, a property or a goal to what counts such rows."""
    tells = tells_of(tuple(of for of in words if of in _TELLING))
    for each in statistics:
        held = {of: words.get(of) for of in fixed_words(each)}
        if tells_of(each.dimensions()) is not tells or held != fixed_words(each):
            continue
        keys = tuple(words[of] for of in each.by)
        numbers = cells[each.name, day * DAY_SECONDS, keys]
        numbers[0] += (each.name, keys) not in seen
        numbers[5] += 1
        seen.add((each.name, keys))


def table_of(cells: Cells) -> dict[Spot, dict[Keys, Numbers]]:
    """Return the cells by where they stand, in the order in which they come."""
    table: dict[Spot, dict[Keys, Numbers]] = defaultdict(dict)
    for (name, at, keys), numbers in cells.items():
        table[name, at][keys] = numbers
    return dict(table)


def move(cells: Cells, hidden: Mapping[Spot, Sequence[Keys]]) -> Cells:
    """Return the cells with those that were chosen added to coarser ones."""
    moved = dict(cells)
    for (name, at), of_spot in hidden.items():
        for keys in of_spot:
            numbers = moved.pop((name, at, keys))
            place = name, None, keys if at is not None else (OTHER,) * len(keys)
            before = moved.get(place, (0,) * 6)
            moved[place] = tuple(map(sum, zip(before, numbers, strict=True)))
    return moved


def settle(
    cells: Cells, choose: Choose, statistics: Sequence[Statistic], *, month_is_over: bool
) -> Cells:
    """Ask and move until nothing is asked for."""
    for _ in range(_MAX_ROUNDS):
        hidden = choose(table_of(cells), statistics, month_is_over=month_is_over)
        if not hidden:
            return cells
        cells = move(cells, hidden)
    raise AssertionError("no fixed point")


def keep(
    truth: Cells, choose: Choose, statistics: Sequence[Statistic], *, month_is_over: bool
) -> Cells:
    """Return what stays after the job of every night, and of the month's end."""
    kept: Cells = {}
    for day in sorted({at - at % DAY_SECONDS for _, at, _ in truth if at is not None}):
        kept |= {
            place: numbers
            for place, numbers in truth.items()
            if place[1] is not None and place[1] - place[1] % DAY_SECONDS == day
        }
        kept = settle(kept, choose, statistics, month_is_over=False)
    return settle(kept, choose, statistics, month_is_over=True) if month_is_over else kept


def by_day(table: Cells) -> Cells:
    """Return the table with hours added up to days."""
    days: Cells = {}
    for (name, at, keys), numbers in table.items():
        place = name, at if at is None else at - at % DAY_SECONDS, keys
        days[place] = tuple(map(sum, zip(days.get(place, (0,) * 6), numbers, strict=True)))
    return days
