"""A question about one site, and what must hold of it whatever the policy declares."""

from collections.abc import Iterable
from datetime import date
from functools import cached_property

from msgspec import Struct

from anonymizer.policy import FUNNEL_DIMENSIONS, MAX_DIMENSIONS, Dimension, Site
from dashboards.address.periods import Grain, Period
from dashboards.asking.filters import Filter, check_filters, dimensions_of
from dashboards.asking.metrics import OF_ALL_VISITORS, Metric, measures_for
from dashboards.asking.unanswerable import Unanswerable
from dashboards.asking.views import Subject, subjects_of

TIME = "time"
"""What rows are ordered by where they are told apart by time."""

_SUBJECT_OF_METRIC = {
    Metric.EVENTS: Subject.EVENTS,
    Metric.CONVERSIONS: Subject.GOALS,
    Metric.CONVERSION_RATE: Subject.GOALS,
    Metric.MASKED: Subject.MASKS,
    **dict.fromkeys(
        (
            Metric.DELIVERED,
            Metric.OPENS,
            Metric.CLICKS,
            Metric.UNIQUE_OPENS,
            Metric.UNSUBSCRIBED,
        ),
        Subject.MAIL,
    ),
}


class Order(Struct, frozen=True):
    """What rows are ordered by: a metric or a dimension of the question, or the time."""

    by: Metric | Dimension | None
    """None for the time."""
    descending: bool = False


class Question(Struct, frozen=True, dict=True):
    """What is asked. Rows are told apart by the time, in steps of `grain`, then `dimensions`."""

    site: Site
    period: Period
    today: date
    """On the site's wall clock."""
    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...] = ()
    filters: tuple[Filter, ...] = ()
    """All of them hold."""
    grain: Grain | None = None
    order: tuple[Order, ...] = ()
    limit: int = 100
    offset: int = 0
    tells_unplaced: bool = True
    """Whether to add up what rows lack; it takes a question of its own."""

    @cached_property
    def used(self) -> frozenset[Dimension]:
        """Return every dimension that a statistic must know to answer."""
        return dimensions_of(self.filters).union(self.dimensions)

    @cached_property
    def measures(self) -> frozenset[str]:
        """Return every measure that a statistic must count to answer."""
        return frozenset(measure for metric in self.metrics for measure in measures_for(metric))

    @cached_property
    def subject(self) -> Subject:
        """Return what it is about; a checked question is about one thing."""
        return next(iter(_subjects(self)), Subject.VISITS)


def check_question(question: Question) -> None:
    """Hold a question to what any policy could answer.

    Raises:
        Unanswerable: something is named twice, missing or too much, or can't go together.
    """
    check_filters(question.filters)
    if not question.metrics:
        raise Unanswerable("metrics", "must be one at least")
    _check_once("metrics", question.metrics)
    _check_once("dimensions", question.dimensions)
    used = question.used
    if len(used - {Dimension.EVENT, Dimension.PROPERTY}) > MAX_DIMENSIONS:
        wanted = f"must be at most {MAX_DIMENSIONS}, those of filters included"
        raise Unanswerable("dimensions", f"{wanted}: a statistic is told apart by no more")
    if len(_subjects(question)) > 1:
        raise Unanswerable("dimensions", "must go with the metrics and filters: no row tells both")
    if used & FUNNEL_DIMENSIONS and not used >= FUNNEL_DIMENSIONS:
        raise Unanswerable("dimensions", "must name funnel and step beside each other")
    if Metric.CONVERSION_RATE in question.metrics and Dimension.GOAL not in used:
        raise Unanswerable("metrics", "must not name conversion_rate without the dimension goal")
    is_by_time = question.grain is not None
    for order in question.order:
        if is_by_time and order.by in OF_ALL_VISITORS:
            raise Unanswerable("order", "must not be by a share where rows are told apart by time")
        is_asked = order.by in question.metrics or order.by in question.dimensions
        if not is_asked and (order.by is not None or not is_by_time):
            raise Unanswerable("order", "must name what is among metrics and dimensions")


def _check_once(field: str, names: tuple[object, ...]) -> None:
    if len(set(names)) < len(names):
        raise Unanswerable(field, "must name each once")


def _subjects(question: Question) -> frozenset[Subject]:
    of_metrics: Iterable[Subject] = (
        _SUBJECT_OF_METRIC[metric] for metric in question.metrics if metric in _SUBJECT_OF_METRIC
    )
    found = subjects_of(question.used).union(of_metrics)
    # Machines are hits too, and those that are told without them are all that came in.
    return found or (
        frozenset({Subject.REFUSALS}) if Metric.HITS in question.metrics else frozenset()
    )
