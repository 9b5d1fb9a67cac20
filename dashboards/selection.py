"""What an address asks for: site, period, measure, list and page of it; there is no other state."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from anonymizer.policy import Policy, Site
from dashboards.figures import Measure
from dashboards.periods import Period, PeriodError, PeriodName, custom_period, named_period

PATH = "/dashboard"
DEFAULT_PERIOD = PeriodName.DAYS_28
MAX_PAGE = 20_000  # at 50 rows a page, a million rows
PARAMETERS = frozenset({"site", "period", "from", "to", "measure", "panel", "page"})

_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
_Choice = TypeVar("_Choice", bound=StrEnum)


class SelectionError(ValueError):
    """An address that asks for nothing there is; the message is one sentence, echoing nothing."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A readable address. `now` is the site's wall clock, without a zone."""

    site: Site
    period: Period
    measure: Measure
    panel: str
    """The id of the list shown in full; empty on the overview."""
    page: int
    now: datetime

    def overview(self) -> str:
        """Return the address of the overview."""
        return replace(self, panel="", page=1).address()

    def at_site(self, domain: str) -> str:
        """Return the overview of another site, in the same period."""
        return f"{PATH}?{urlencode({**self._parameters(), 'site': domain})}"

    def at_period(self, name: PeriodName) -> str:
        """Return the same list or overview in a named period."""
        return replace(self, period=named_period(name, self.now.date()), page=1).address()

    def at_measure(self, measure: Measure) -> str:
        """Return the overview with another measure drawn."""
        return replace(self, measure=measure, panel="", page=1).address()

    def at_panel(self, panel: str, page: int = 1) -> str:
        """Return a page of a full list."""
        return replace(self, panel=panel, page=page).address()

    def at_days(self, first: str, last: str) -> str:
        """Return the overview of the days given."""
        period = custom_period(first, last, self.now.date())
        return replace(self, period=period, panel="", page=1).address()

    def address(self) -> str:
        """Return the address that reads back as this selection."""
        parameters = self._parameters()
        if self.panel:
            parameters["panel"] = self.panel
        if self.page > 1:
            parameters["page"] = str(self.page)
        return f"{PATH}?{urlencode(parameters)}"

    def _parameters(self) -> dict[str, str]:
        parameters = {"site": str(self.site.domain), "period": self.period.name.value}
        if self.period.name is PeriodName.CUSTOM:
            parameters["from"] = self.period.first.isoformat()
            parameters["to"] = self.period.last.isoformat()
        if self.measure is not Measure.VISITORS:
            parameters["measure"] = self.measure.value
        return parameters


def read_selection(
    parameters: Sequence[tuple[str, str]], policy: Policy, panels: frozenset[str], now: datetime
) -> Selection:
    """Read the parameters of an address; `now` carries a zone.

    Raises SelectionError for a parameter that is unknown, repeated or out of bounds.
    """
    values = dict(parameters)
    if len(values) != len(parameters):
        raise SelectionError("The address gives a parameter twice.")
    if not values.keys() <= PARAMETERS:
        raise SelectionError("The address has a parameter that the dashboard does not know.")
    site = _read_site(values.get("site"), policy)
    local_now = now.astimezone(site.zone).replace(tzinfo=None)
    panel = values.get("panel", "")
    if "panel" in values and panel not in panels:
        raise SelectionError("There is no such list.")
    page = values.get("page", "1")
    if not _PAGE_NUMBER.fullmatch(page) or int(page) > MAX_PAGE or ("page" in values and not panel):
        raise SelectionError("There is no such page of the list.")
    return Selection(
        site=site,
        period=_read_period(values, local_now),
        measure=_read_choice(Measure, values.get("measure", Measure.VISITORS), "measure"),
        panel=panel,
        page=int(page),
        now=local_now,
    )


def _read_site(domain: str | None, policy: Policy) -> Site:
    sites = list(policy.sites.values())
    if domain is None:
        return sites[0]
    for site in sites:
        if site.domain == domain:
            return site
    raise SelectionError("The policy has no such site.")


def _read_period(values: Mapping[str, str], now: datetime) -> Period:
    has_days = "from" in values or "to" in values
    default = PeriodName.CUSTOM if has_days else DEFAULT_PERIOD
    name = _read_choice(PeriodName, values.get("period", default), "period")
    if has_days and name is not PeriodName.CUSTOM:
        raise SelectionError("Only a custom period takes a first and a last day.")
    try:
        if name is PeriodName.CUSTOM:
            return custom_period(values.get("from", ""), values.get("to", ""), now.date())
        return named_period(name, now.date())
    except PeriodError as error:
        raise SelectionError(str(error)) from None


def _read_choice(choices: type[_Choice], value: str, what: str) -> _Choice:
    try:
        return choices(value)
    except ValueError:
        raise SelectionError(f"There is no such {what}.") from None
