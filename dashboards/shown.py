"""What pages show, ready for their templates: every text is written in the reader's language.

The overview's template gets `overview: Overview`, a report's `report: ReportView`, both besides
what `framing.frame_of` gives. A list is drawn by the macro ``list_table`` of lists.html; the points
of cards and rows are for the macro ``sparkline(points)`` of chart.html; `ChartView` holds the
arguments of its macro ``chart_figure``.
"""

from typing import TYPE_CHECKING

from msgspec import Struct

from anonymizer.policy import Dimension

if TYPE_CHECKING:
    from dashboards.asking.metrics import Metric
    from dashboards.overview.charts import Chart
    from dashboards.pictures.picture import Picture

Points = tuple[int | float | None, ...]
"""Numbers in order of time; None for what is yet to come or stands on nothing."""


class Change(Struct, frozen=True):
    """How a figure moved against the period before."""

    text: str
    direction: str
    """``up``, ``down`` or ``same``."""
    welcome: bool
    before: str


class Link(Struct, frozen=True):
    """Somewhere to go."""

    title: str
    address: str
    is_shown: bool = False
    """Whether it is where the reader is."""


class Card(Struct, frozen=True):
    """A headline figure with its small chart."""

    metric: "Metric"
    title: str
    text: str
    change: Change | None
    points: Points
    address: str
    """Draws this figure in the main chart."""
    is_shown: bool


class Word(Struct, frozen=True):
    """A word of a row."""

    text: str
    address: str
    """Filters by it; empty where nothing can."""
    raw: str
    """As the view has it."""


class ListRow(Struct, frozen=True):
    """A row of a list."""

    words: tuple[Word, ...]
    """One for each of the list's headings."""
    cells: tuple[str, ...]
    """One for each column."""
    bar: float
    """The width of its bar in percent."""
    is_other: bool = False
    """Whether it stands for groups too small to be shown."""
    points: Points = ()
    """Of the first column, over the period; empty where rows have none."""
    change: Change | None = None
    """Of the first column."""
    rank: int = 0
    """Its place in the whole list, from 1."""


class Column(Struct, frozen=True):
    """A column of a list."""

    title: str
    address: str
    """Sorts by it; empty where the list is not sorted."""
    order: str = "none"
    """The value of ``aria-sort``: ``ascending``, ``descending`` or ``none``."""


class Undeclared(Struct, frozen=True):
    """Why something can't be shown."""

    sentence: str
    lines: str
    """What the policy would have to say so that it is counted from then on; empty of no such."""


class ListView(Struct, frozen=True):
    """A list, whole or in part."""

    id: str
    title: str
    headings: tuple[Column, ...]
    columns: tuple[Column, ...]
    rows: tuple[ListRow, ...] = ()
    groups: int = 0
    """How many rows there are in all."""
    totals: tuple[str, ...] = ()
    """One for each column; of all rows, those that are not shown, too."""
    notes: tuple[str, ...] = ()
    """What the numbers lack or count twice."""
    lacks_days: bool = False
    """Whether something is left out that belongs to no single day."""
    undeclared: Undeclared | None = None
    address: str = ""
    """The report in full; where it can't be shown, without the filters; empty of none."""
    has_points: bool = False
    has_changes: bool = False
    has_ranks: bool = False
    has_totals: bool = False


class GroupView(Struct, frozen=True):
    """Reports that share a place on the overview; one of them is shown."""

    id: str
    title: str
    tabs: tuple[Link, ...]
    """One for each of its reports; the address is the overview with this one shown."""
    shown: ListView


class ChartView(Struct, frozen=True):
    """The main chart and the same numbers as a table."""

    chart: "Chart"
    title: str
    columns: tuple[str, ...]
    table: tuple[tuple[str, tuple[str, ...]], ...]
    grains: tuple[tuple[str, str, bool], ...]
    """Title, address, whether shown."""
    compared: str
    """The days that the chart compares with; empty of none."""


class TrafficView(Struct, frozen=True):
    """The head of the overview."""

    cards: tuple[Card, ...]
    main: ChartView | None
    compared: str
    """The days that changes are against; empty when there are none."""
    leaves_out_today: bool = False
    """Whether changes are of the days before today alone."""
    leaves_out_rest: bool = False
    """Whether changes are of today's hours that are over, not of the one that goes on."""
    notes: tuple[str, ...] = ()
    is_nothing: bool = False
    """Nothing was counted."""


class RefusedView(Struct, frozen=True):
    """What was refused, in a sentence and by reason."""

    sentence: str
    shown: ListView | None


class Overview(Struct, frozen=True):
    """A site's overview; what the policy does not declare is None or left out."""

    traffic: TrafficView | None
    undeclared: Undeclared | None
    """Why there are no figures under these filters."""
    groups: tuple[GroupView, ...]
    refused: RefusedView | None
    is_empty: bool = False
    """No hit ever came in."""
    is_uncounted: bool = False
    """Hits came in, and none was ever counted."""
    latest: str = ""
    """The latest days with visits, where these days have none."""


class Paging(Struct, frozen=True):
    """Where in a report's list the reader is."""

    page: int
    pages: int
    before: str
    after: str
    """Addresses; empty of none."""


class ReportView(Struct, frozen=True):
    """A report's own page."""

    list: ListView
    paging: Paging
    search: str
    notes: tuple[str, ...]
    compared: str
    """Which days changes are against, in a sentence; empty when rows have none."""
    picture: "Picture | None" = None
    rows: str = ""
    """Where the rows are, which a picture stands for; empty where they are here."""


class Chip(Struct, frozen=True):
    """A filter in words, and where it is taken away."""

    text: str
    remove: str


class FilterBar(Struct, frozen=True):
    """The filters of a page and the form for one more."""

    chips: tuple[Chip, ...]
    remove_all: str
    fields: tuple[tuple[str, str], ...]
    """Hidden fields of the form."""
    dimensions: tuple[tuple[Dimension, str], ...]
    operations: tuple[tuple[str, str], ...]
    """Values and titles of the form's choices; its fields are ``dimension``, ``op``, ``value``."""


class ReportLinks(Struct, frozen=True):
    """Reports of one group, for the navigation."""

    title: str
    links: tuple[Link, ...]
