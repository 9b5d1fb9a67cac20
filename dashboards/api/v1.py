"""`/api/v1/query`: a question by JSON."""

from datetime import date

from msgspec.structs import asdict, replace
from starlette.requests import Request
from starlette.responses import Response

from anonymizer.policy import Dimension
from dashboards.address.periods import (
    Period,
    PeriodError,
    PeriodName,
    custom_period,
    days_before,
    named_period,
    year_before,
)
from dashboards.address.selection import DEFAULT_PERIOD
from dashboards.api.asked import Sites
from dashboards.api.door import Handler, answered, read_json, to_json
from dashboards.api.v1_types import (
    AnswerV1,
    MetaV1,
    PartV1,
    QueryV1,
    RowV1,
    Sorting,
    UnplacedV1,
)
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.metrics import Metric, Number
from dashboards.asking.question import TIME, Order, Question
from dashboards.asking.unanswerable import Unanswerable


def query_v1(asker: Asker, sites: Sites) -> Handler:
    """Return what answers a POST to `/api/v1/query`."""

    async def answer(request: Request) -> Response:
        sent = await read_json(request, QueryV1)
        site, today = sites.find(request, "site", sent.site)
        question = Question(
            site=site,
            period=_read_period(sent, today),
            today=today,
            metrics=sent.metrics,
            dimensions=sent.dimensions,
            filters=sent.filters,
            grain=sent.grain,
            order=tuple(_read_order(each) for each in sent.order),
            limit=sent.limit,
            offset=sent.offset,
        )
        await sites.note(request, site, question.period)
        found = await asker.answer(question)
        compared = None
        if sent.compare is not None:
            earlier = replace(question, period=_compared(sent.compare, question.period))
            compared = _part(earlier, await asker.answer(earlier))
        return to_json(200, tell_v1(question, found, compared))

    return answered(answer, status_of_undeclared=422)


def tell_v1(question: Question, found: Answer, compared: PartV1 | None = None) -> AnswerV1:
    """Write an answer as it is told by JSON."""
    return AnswerV1(
        **asdict(_part(question, found)), meta=_meta(question, found), compared=compared
    )


def _read_period(sent: QueryV1, today: date) -> Period:
    has_days = sent.first is not None or sent.last is not None
    if has_days and sent.period not in (None, PeriodName.CUSTOM):
        raise Unanswerable("period", "must not stand beside days, or be custom")
    try:
        if has_days or sent.period is PeriodName.CUSTOM:
            return custom_period(sent.first or "", sent.last or "", today)
        return named_period(sent.period or DEFAULT_PERIOD, today)
    except PeriodError as error:
        raise Unanswerable("from", f"{error}") from None


def _read_order(sent: Sorting) -> Order:
    if sent.by == TIME:
        return Order(None, sent.descending)
    for names in (Metric, Dimension):
        if sent.by in set(names):
            return Order(names(sent.by), sent.descending)
    raise Unanswerable("order", "must name a metric, a dimension or time")


def _compared(how: str, period: Period) -> Period:
    try:
        return days_before(period) if how == "previous" else year_before(period)
    except PeriodError as error:
        raise Unanswerable("compare", f"{error}") from None


def _part(question: Question, answer: Answer) -> PartV1:
    unplaced = answer.unplaced
    return PartV1(
        first=question.period.first.isoformat(),
        last=question.period.last.isoformat(),
        rows=tuple(
            RowV1(
                time=row.time or None,
                dimensions=dict(zip(map(str, question.dimensions), row.words, strict=True)),
                metrics=_metrics(question, row.metrics),
            )
            for row in answer.rows
        ),
        groups=answer.groups,
        totals=_metrics(question, answer.totals),
        unplaced=None
        if unplaced is None
        else UnplacedV1(tuple(map(str, unplaced.months)), unplaced.sums),
    )


def _metrics(question: Question, values: tuple[Number, ...]) -> dict[str, Number]:
    return dict(zip(map(str, question.metrics), values, strict=True))


def _meta(question: Question, answer: Answer) -> MetaV1:
    return MetaV1(
        site=str(question.site.domain),
        statistic=answer.statistic.name,
        min_group=answer.statistic.min_group,
        counted_per=tuple(map(str, answer.counted_per)),
        goes_on=question.period.last >= question.today,
    )
