"""What an address asks for; there is no other state, so that it can be sent on and gone back to.

`dashboards.address.reading` reads it; `Selection.address` writes it. Methods named ``at_`` return
the address of something beside it, methods named ``with`` another selection.

==========  ====================================================================================
parameter   is
==========  ====================================================================================
site        a site's domain
period      a name of `PeriodName`; ``from`` and ``to`` are the days of a custom one
compare     ``previous`` (where it is not given), ``year`` or ``none``
grain       ``hour``, ``day`` or ``month``; one that does not fit the period is left aside
measure     what the main chart draws, a `Metric` of `figures.HEADLINES`
report      a report's id, shown in full; the overview where it is not given
tab         of the overview: a report shown first in its group; several
page        of the report, from 1
sort        a metric or dimension of the report; with ``-`` before it the largest first
search      what the words of the report's first dimension hold
f           a filter, see `address_filters`; several
lang        the language, a tag of `LANGUAGES`
==========  ====================================================================================
"""

from datetime import datetime
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from anonymizer.policy import Dimension, Site
from dashboards.address.filters import Condition, add_filter, write_filters
from dashboards.address.periods import (
    Compare,
    Grain,
    Period,
    PeriodError,
    PeriodName,
    before,
    custom_period,
    named_period,
    year_before,
)
from dashboards.asking.metrics import Metric

PATH = "/dashboard"
DEFAULT_PERIOD = PeriodName.DAYS_28
MAX_PAGE = 20_000  # at 50 rows a page, a million rows
MAX_SEARCH = 200
MAX_TABS = 20


class SelectionError(ValueError):
    """An address that asks for nothing there is; the message is one sentence, echoing nothing."""


class Sort(Struct, frozen=True):
    """What the rows of a report are ordered by."""

    by: Metric | Dimension
    descending: bool = True

    def write(self) -> str:
        """Return it as the address has it."""
        return f"{'-' if self.descending else ''}{self.by}"


class Selection(Struct, frozen=True, kw_only=True):
    """A readable address."""

    site: Site
    period: Period
    now: datetime
    """The site's wall clock, without a zone."""
    compare: Compare = Compare.PREVIOUS
    asked_grain: Grain | None = None
    measure: Metric = Metric.VISITORS
    report: str = ""
    """The id of the report shown in full; empty on the overview."""
    tabs: tuple[str, ...] = ()
    page: int = 1
    sort: Sort | None = None
    search: str = ""
    filters: tuple[Condition, ...] = ()
    """All of them hold."""
    lang: str = ""
    """The language that the address names; empty where it names none."""
    language: str = "en"
    """The language that is read."""
    path: str = PATH
    """Where it is shown; shared pages have their own."""

    @property
    def grain(self) -> Grain:
        """Return the length of a bar: what was asked for where it fits, else the period's own."""
        fits = self.asked_grain in self.period.grains
        return self.asked_grain if self.asked_grain and fits else self.period.grain

    @property
    def compared(self) -> Period | None:
        """Return the whole days that are compared with; None of none, or from before 2000."""
        compare = {Compare.PREVIOUS: before, Compare.YEAR: year_before}.get(self.compare)
        try:
            return compare(self.period) if compare else None
        except PeriodError:
            return None

    def overview(self) -> str:
        """Return the address of the overview, with the same filters."""
        return self._elsewhere().address()

    def at_site(self, domain: str) -> str:
        """Return the overview of another site, in the same period, without filters."""
        kept = replace(self._elsewhere(), filters=())
        fields = [(name, domain if name == "site" else value) for name, value in kept.fields()]
        return f"{self.path}?{urlencode(fields)}"

    def at_period(self, name: PeriodName) -> str:
        """Return the same report or overview in a named period."""
        return replace(self, period=named_period(name, self.now.date()), page=1).address()

    def at_days(self, first: str, last: str) -> str:
        """Return the overview of the days given."""
        period = custom_period(first, last, self.now.date())
        return replace(self._elsewhere(), period=period).address()

    def at_compare(self, compare: Compare) -> str:
        """Return the same, compared with something else."""
        return replace(self, compare=compare).address()

    def at_grain(self, grain: Grain) -> str:
        """Return the same with bars of another length."""
        return replace(self, asked_grain=grain).address()

    def at_measure(self, measure: Metric) -> str:
        """Return the overview with another measure drawn."""
        return replace(self._elsewhere(), measure=measure).address()

    def at_language(self, tag: str) -> str:
        """Return the same in another language."""
        return replace(self, lang=tag, language=tag).address()

    def at_tab(self, report: str, group: tuple[str, ...]) -> str:
        """Return the overview with a report of a group shown first."""
        others = tuple(tab for tab in self.tabs if tab not in group)
        tabs = others if report == group[0] else (*others, report)
        return replace(self._elsewhere(), tabs=tabs).address()

    def at_report(self, report: str, page: int = 1) -> str:
        """Return a page of a report; of this one with its order and search."""
        kept = self if report == self.report else self._elsewhere()
        return replace(kept, report=report, page=page).address()

    def at_sort(self, sort: Sort | None) -> str:
        """Return this report in another order."""
        return replace(self, sort=sort, page=1).address()

    def with_filter(self, *more: Condition) -> "Selection":
        """Return this with further conditions; values of the same condition join it."""
        filters = self.filters
        for each in more:
            filters = add_filter(filters, each)
        return replace(self, filters=filters, page=1)

    def without_filter(self, *less: Condition) -> "Selection":
        """Return this without some of its conditions."""
        kept = tuple(each for each in self.filters if each not in less)
        return replace(self, filters=kept, page=1)

    def without_filters(self) -> "Selection":
        """Return this without any condition."""
        return self.without_filter(*self.filters)

    def address(self) -> str:
        """Return the address that reads back as this selection."""
        return f"{self.path}?{urlencode(self.fields())}"

    def fields(self, *without: str) -> list[tuple[str, str]]:
        """Return the parameters but some, as hidden fields of a form carry them on."""
        fields = [("site", str(self.site.domain)), ("period", self.period.name.value)]
        if self.period.name is PeriodName.CUSTOM:
            fields += [
                ("from", self.period.first.isoformat()),
                ("to", self.period.last.isoformat()),
            ]
        told: list[tuple[str, str, bool]] = [
            ("compare", self.compare, self.compare is not Compare.PREVIOUS),
            ("grain", self.asked_grain or "", self.asked_grain is not None),
            ("measure", self.measure, self.measure is not Metric.VISITORS),
            *(("f", text, True) for text in write_filters(self.filters)),
            *(("tab", tab, True) for tab in self.tabs),
            ("report", self.report, bool(self.report)),
            ("search", self.search, bool(self.search)),
            ("sort", self.sort.write() if self.sort else "", self.sort is not None),
            ("page", str(self.page), self.page > 1),
            ("lang", self.lang, bool(self.lang)),
        ]
        fields += [(name, str(value)) for name, value, is_told in told if is_told]
        return [(name, value) for name, value in fields if name not in without]

    def _elsewhere(self) -> "Selection":
        return replace(self, report="", page=1, sort=None, search="")
