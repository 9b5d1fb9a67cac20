"""What was counted in a period, bar by bar, and what that is compared with."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from dashboards.address.periods import DAY, Grain, Period, PeriodName, has_like_of_last
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.metrics import Number
from dashboards.asking.question import Question


class Course(Struct, frozen=True):
    """What was counted in a period: in all, and by the start of each bar."""

    period: Period
    grain: Grain
    total: dict[str, int]
    by_time: dict[datetime, dict[str, int]]
    answer: Answer
    until: str = ""
    """The hour of the last day up to which `total` and `against` go; empty of the whole day."""
    days: Period | None = None
    """Those of `total`, where it lacks the day that stands for one that goes on."""
    against: dict[str, int] | None = None
    """What `total` is compared with, where that is not all of a period: it lacks today's end."""


async def read_course(asker: Asker, question: Question) -> Course:
    """Ask for the bars of a question by time, and for all of it."""
    answer = await asker.answer(replace(question, tells_unplaced=False))
    by_time = {
        datetime.fromisoformat(row.time): sums_of(question, row.metrics) for row in answer.rows
    }
    if answer.statistic.min_group > 1 and question.grain is not Grain.MONTH:
        # What was too small for its day belongs to its month alone, and to no bar.
        answer = await asker.answer(replace(question, grain=None))
    grain = question.grain or Grain.DAY
    return Course(question.period, grain, sums_of(question, answer.totals), by_time, answer)


async def read_before(
    asker: Asker, question: Question, selection: Selection, now: Course
) -> Course | None:
    """Read what `now` is compared with: as many days, of the last one the hours over today.

    Otherwise each morning would read as a loss, and so would each hour that goes on. Where hours
    are not counted, and before the first is over, today is left out, and the day that stands for
    it; a single day is then compared with nothing.
    """
    period = selection.compared
    if period is None:
        return None
    is_open = selection.period.is_open(selection.now)
    is_by_hour = selection.now.hour > 0 and asker.declares(_hours_of_last(question, period))
    if is_open and not is_by_hour and period.days == 1:
        return None
    course = await read_course(asker, replace(question, period=period, tells_unplaced=False))
    if not is_open:
        return course
    has_like = has_like_of_last(selection.period, period)
    if not is_by_hour:
        return await _without_today(asker, question, course, has_like=has_like)
    if not has_like:
        return course

    async def but_later(of: Course) -> dict[str, int]:
        total = dict(of.total)
        for row in (await asker.answer(_hours_of_last(question, of.period))).rows:
            if datetime.fromisoformat(row.time).hour >= selection.now.hour:
                for name, number in sums_of(question, row.metrics).items():
                    total[name] -= number
        return total

    return replace(
        course,
        total=await but_later(course),
        against=await but_later(now),
        until=f"{selection.now.hour:02}:00",
    )


def _hours_of_last(question: Question, period: Period) -> Question:
    last = Period(PeriodName.CUSTOM, period.last, period.last)
    return replace(question, period=last, grain=Grain.HOUR, tells_unplaced=False)


async def _without_today(
    asker: Asker, question: Question, before: Course, *, has_like: bool
) -> Course:
    """Take the day that goes on from what is compared, and the one that stands for it."""

    async def total_of(period: Period) -> dict[str, int]:
        asked = replace(question, period=period, grain=None, tells_unplaced=False)
        return sums_of(asked, (await asker.answer(asked)).totals)

    against = await total_of(_but_last(question.period))
    if not has_like:
        return replace(before, against=against)
    period = _but_last(before.period)
    return replace(before, total=await total_of(period), days=period, against=against)


def _but_last(period: Period) -> Period:
    return Period(PeriodName.CUSTOM, period.first, period.last - DAY)


def sums_of(question: Question, numbers: Sequence[Number]) -> dict[str, int]:
    """Return the numbers of a row or of all by the names of their metrics."""
    return {
        metric.value: int(number or 0)
        for metric, number in zip(question.metrics, numbers, strict=True)
    }
