"""`/api/v2/query`: a question in the shape of Plausible's Stats API v2."""

from datetime import datetime, time

from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from dashboards.address.periods import Grain, Period, buckets_of
from dashboards.api.asked import Sites
from dashboards.api.door import Handler, answered, read_json, to_json
from dashboards.api.v2_types import (
    AnswerV2,
    AskedV2,
    DiscreetV2,
    MetaV2,
    QueryV2,
    ResultV2,
    UnplacedV2,
)
from dashboards.api.v2_words import understand
from dashboards.asking.answering import Answer, Asker, Row
from dashboards.asking.metrics import Metric, Number
from dashboards.asking.question import Question
from dashboards.asking.unanswerable import Unanswerable

_PERCENT = frozenset({Metric.BOUNCE_RATE, Metric.SHARE, Metric.CONVERSION_RATE})


def query_v2(asker: Asker, sites: Sites) -> Handler:
    """Return what answers a POST to `/api/v2/query`."""

    async def answer(request: Request) -> Response:
        sent = await read_json(request, QueryV2)
        site, today = sites.find(request, "site_id", sent.site_id)
        understood = understand(sent, today)
        question = Question(
            site=site,
            today=today,
            limit=sent.pagination.limit,
            offset=sent.pagination.offset,
            **asdict(understood),
        )
        if sent.include.time_labels and question.grain is None:
            raise Unanswerable("include", "must not ask for time_labels without a time")
        await sites.note(request, site, question.period)
        return to_json(200, _tell(sent, question, await asker.answer(question)))

    # Plausible's clients know 400 for whatever can't be answered.
    return answered(answer, status_of_undeclared=400)


def _tell(sent: QueryV2, question: Question, found: Answer) -> AnswerV2:
    rows = found.rows if sent.dimensions else (Row("", (), found.totals),)
    unplaced = found.unplaced
    include = sent.include
    return AnswerV2(
        results=tuple(_result(sent, question, row) for row in rows),
        meta=MetaV2(
            discreet=DiscreetV2(
                statistic=found.statistic.name,
                min_group=found.statistic.min_group,
                counted_per=tuple(map(str, found.counted_per)),
                unplaced=None
                if unplaced is None
                else UnplacedV2(tuple(map(str, unplaced.months)), unplaced.sums),
            ),
            imports_included=False if include.imports else None,
            time_labels=_labels(question.period, question.grain) if include.time_labels else None,
            total_rows=(found.groups if sent.dimensions else 1) if include.total_rows else None,
        ),
        query=AskedV2(
            site_id=sent.site_id,
            metrics=sent.metrics,
            date_range=_written(question),
            dimensions=sent.dimensions,
            filters=sent.filters,
            order_by=sent.order_by,
            include=include,
            pagination=sent.pagination,
        ),
    )


def _result(sent: QueryV2, question: Question, row: Row) -> ResultV2:
    words = iter(row.words)
    return ResultV2(
        metrics=tuple(
            _number(metric, value)
            for metric, value in zip(question.metrics, row.metrics, strict=True)
        ),
        dimensions=tuple(
            _moment(row.time) if name.partition(":")[0] == "time" else next(words)
            for name in sent.dimensions
        ),
    )


def _number(metric: Metric, value: Number) -> Number:
    """Write rates in percent and times in whole seconds; nothing stands behind it, 0."""
    if value is None:
        return 0
    if metric in _PERCENT:
        return round(value * 100, 2)
    if metric is Metric.VISIT_DURATION:
        return round(value)
    return round(value, 2) if isinstance(value, float) else value


def _moment(told: str) -> str:
    return f"{told}:00" if " " in told else told


def _labels(period: Period, grain: Grain | None) -> tuple[str, ...]:
    form = "%Y-%m-%d %H:00:00" if grain is Grain.HOUR else "%Y-%m-%d"
    return tuple(f"{start:{form}}" for start in buckets_of(period, grain or Grain.DAY))


def _written(question: Question) -> tuple[str, str]:
    """Write the days as the first and the last second of them, with the site's offset."""
    zone = question.site.zone
    first = datetime.combine(question.period.first, time(), zone)
    last = datetime.combine(question.period.last, time(23, 59, 59), zone)
    return (first.isoformat(), last.isoformat())
