"""The guarded views as a question meets them: what each counts, of what, and in which columns."""

from collections.abc import Callable, Iterable
from enum import Enum, auto

from msgspec import Struct

from anonymizer.policy import (
    FUNNEL_DIMENSIONS,
    MACHINE_DIMENSIONS,
    MAIL_DIMENSIONS,
    PROPERTY_DIMENSIONS,
    Dimension,
    Grain,
    Statistic,
)

ColumnsOf = Callable[[Statistic], tuple[str, ...]]
"""Returns the columns of a statistic's view: site, hour or day, perhaps month, words, measures."""

_MONTH = "month"


class Subject(Enum):
    """What the rows of a view are about; no question is about two."""

    VISITS = auto()
    EVENTS = auto()
    GOALS = auto()
    FUNNELS = auto()
    MAIL = auto()
    MASKS = auto()
    MACHINES = auto()
    REFUSALS = auto()


_TOLD_BY = {
    Subject.EVENTS: PROPERTY_DIMENSIONS,
    Subject.GOALS: frozenset({Dimension.GOAL}),
    Subject.FUNNELS: FUNNEL_DIMENSIONS,
    Subject.MAIL: MAIL_DIMENSIONS,
    Subject.MASKS: frozenset({Dimension.MASK}),
    Subject.MACHINES: MACHINE_DIMENSIONS,
    Subject.REFUSALS: frozenset({Dimension.DOOR, Dimension.REASON}),
}


class View(Struct, frozen=True):
    """A statistic's guarded view."""

    statistic: Statistic
    subject: Subject
    columns: dict[Dimension, str]
    measures: frozenset[str]
    tells_month: bool
    """Whether it holds rows that belong to a month and to no single day of it."""

    @property
    def tells(self) -> frozenset[Dimension]:
        """Return all that its rows are told apart by or held to."""
        return frozenset(self.statistic.dimensions())

    @property
    def period(self) -> str:
        """Return the column of the hour or the day."""
        return self.statistic.grain.value

    @property
    def is_by_hour(self) -> bool:
        """Tell whether its periods are hours."""
        return self.statistic.grain is Grain.HOUR


def view_of(statistic: Statistic, columns_of: ColumnsOf) -> View:
    """Return the view that a statistic has, or would have."""
    columns = columns_of(statistic)
    tells_month = columns[2:3] == (_MONTH,)
    first = 3 if tells_month else 2
    last = first + len(statistic.by)
    return View(
        statistic=statistic,
        subject=_subject_of(statistic),
        columns=dict(zip(statistic.by, columns[first:last], strict=True)),
        measures=frozenset(columns[last:]),
        tells_month=tells_month,
    )


def subjects_of(dimensions: Iterable[Dimension]) -> frozenset[Subject]:
    """Return the subjects that dimensions belong to alone; none for those of visits."""
    asked = frozenset(dimensions)
    return frozenset(subject for subject, told_by in _TOLD_BY.items() if asked & told_by)


TOLD_OF_SUBJECTS = frozenset[Dimension]().union(*_TOLD_BY.values())
"""Dimensions of anything but visits."""


def _subject_of(statistic: Statistic) -> Subject:
    return next(iter(subjects_of(statistic.dimensions())), Subject.VISITS)
