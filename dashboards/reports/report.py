"""What a report is: a list of words with their numbers."""

from collections.abc import Mapping

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.asking.filters import Is, IsNot
from dashboards.asking.metrics import Metric
from dashboards.asking.views import Subject, subjects_of


class Report(Struct, frozen=True, kw_only=True):
    """One list. Its first metric is what rows are ordered by and barred with."""

    id: str
    title: str
    dimensions: tuple[Dimension, ...]
    """The first is what the rows are about, the others tell them further apart."""
    headings: tuple[str, ...]
    """One for each dimension."""
    metrics: tuple[Metric, ...]
    """Shown in the report's own page."""
    brief: tuple[Metric, ...]
    """Shown on the overview."""
    held: tuple[Is, ...] = ()
    """What its rows are of: an event, a property of it."""
    among: tuple[Is | IsNot, ...] = ()
    """Which words it lists as long as no filter names their dimension."""
    named: dict[str, str] = {}
    """The names of its last dimension's words, where they are of a list of their own."""
    is_only_of: str = ""
    """``goals`` or ``funnels``: it is there where the policy has any."""

    @property
    def subject(self) -> Subject:
        """Return what its rows are about."""
        used = {*self.dimensions, *(each.dimension for each in self.held)}
        found = subjects_of(used)
        if Metric.HITS in self.metrics and not found:
            return Subject.REFUSALS
        mail = {Metric.OPENS, Metric.CLICKS, Metric.DELIVERED}.intersection(self.metrics)
        return next(iter(found), Subject.MAIL if mail else Subject.VISITS)


def report_by(
    id_: str,
    title: str,
    headings: Mapping[Dimension, str],
    metrics: tuple[Metric, ...],
    brief: tuple[Metric, ...] = (),
    *,
    held: tuple[Is, ...] = (),
    among: tuple[Is | IsNot, ...] = (),
    named: Mapping[str, str] | None = None,
    is_only_of: str = "",
) -> Report:
    """Return a report by the dimensions that `headings` head, in their order.

    The overview shows the first metric where `brief` names none.
    """
    return Report(
        id=id_,
        title=title,
        dimensions=tuple(headings),
        headings=tuple(headings.values()),
        metrics=metrics,
        brief=brief or metrics[:1],
        held=held,
        among=among,
        named={**(named or {})},
        is_only_of=is_only_of,
    )


class ReportGroup(Struct, frozen=True):
    """Reports that belong together."""

    id: str
    title: str
    reports: tuple[Report, ...]
    is_on_overview: bool = False
