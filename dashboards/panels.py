"""The lists of the dashboard: which view each reads, how its rows are named, what it counts."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from anonymizer.policy import Dimension, Grain, Policy
from dashboards import labels, queries
from dashboards.figures import Measure
from dashboards.queries import Breakdown, Query, Rows

Fetch = Callable[[Query, Rows], Awaitable[Breakdown]]

VISIT_MEASURES = (
    Measure.VISITORS,
    Measure.VISITS,
    Measure.VIEWS,
    Measure.BOUNCE_RATE,
    Measure.VISIT_TIME,
)


@dataclass(frozen=True, slots=True)
class Panel:
    """One list. `columns[0]` is the measure its rows are ordered by and barred with."""

    id: str
    title: str
    heading: str
    statistic: str
    by: tuple[Dimension, ...]
    """The dimensions that its query reads."""
    fetch: Fetch
    columns: tuple[Measure, ...]
    """The measures that its view holds, all of them shown in the full list."""
    brief: tuple[Measure, ...]
    """The measures shown beside the first ten."""
    name: Callable[[str], str] = labels.plain


BY_VISITORS = (Measure.VISITORS, Measure.BOUNCE_RATE)

PAGES = Panel(
    "pages", "Top pages", "Page", "pages", (Dimension.PAGE,), queries.pages,
    (Measure.VISITORS, Measure.VIEWS), (Measure.VISITORS, Measure.VIEWS),
)  # fmt: skip
ENTRY_PAGES = Panel(
    "entry_pages", "Entry pages", "Page", "entry_pages",
    (Dimension.ENTRY_PAGE,), queries.entry_pages,
    (Measure.VISITS, Measure.VISITORS, *VISIT_MEASURES[2:]), (Measure.VISITS, Measure.BOUNCE_RATE),
)  # fmt: skip
EXIT_PAGES = Panel(
    "exit_pages", "Exit pages", "Page", "exit_pages", (Dimension.EXIT_PAGE,), queries.exit_pages,
    (Measure.VISITS, Measure.VISITORS), (Measure.VISITS,),
)  # fmt: skip
SOURCES = Panel(
    "sources",
    "Sources",
    "Source",
    "sources",
    (Dimension.SOURCE,),
    queries.sources,
    VISIT_MEASURES,
    BY_VISITORS,
)
CHANNELS = Panel(
    "channels", "Channels", "Channel", "channels", (Dimension.CHANNEL,), queries.channels,
    VISIT_MEASURES, BY_VISITORS, labels.capital,
)  # fmt: skip
REFERRERS = Panel(
    "referrers",
    "Referrers",
    "Site",
    "referrers",
    (Dimension.REFERRER,),
    queries.referrers,
    VISIT_MEASURES,
    BY_VISITORS,
)
CAMPAIGNS = Panel(
    "campaigns", "Campaigns", "Campaign", "campaigns",
    (Dimension.CAMPAIGN, Dimension.CAMPAIGN_SOURCE, Dimension.CAMPAIGN_MEDIUM),
    queries.campaigns,
    VISIT_MEASURES, VISIT_MEASURES,
)  # fmt: skip
COUNTRIES = Panel(
    "countries", "Countries", "Country", "countries", (Dimension.COUNTRY,), queries.countries,
    VISIT_MEASURES, BY_VISITORS, labels.country,
)  # fmt: skip
LANGUAGES = Panel(
    "languages", "Languages", "Language", "languages", (Dimension.LANGUAGE,), queries.languages,
    VISIT_MEASURES, BY_VISITORS, labels.language,
)  # fmt: skip
DEVICES = Panel(
    "devices", "Devices", "Device", "devices", (Dimension.DEVICE,), queries.devices,
    VISIT_MEASURES, BY_VISITORS, labels.capital,
)  # fmt: skip
BROWSERS = Panel(
    "browsers",
    "Browsers",
    "Browser",
    "devices",
    (Dimension.BROWSER,),
    queries.browsers,
    VISIT_MEASURES,
    BY_VISITORS,
)
SYSTEMS = Panel(
    "systems",
    "Systems",
    "System",
    "devices",
    (Dimension.OS,),
    queries.systems,
    VISIT_MEASURES,
    BY_VISITORS,
)
SCREENS = Panel(
    "screens", "Screens", "Screen", "screens", (Dimension.SCREEN,), queries.screens,
    VISIT_MEASURES, BY_VISITORS, labels.capital,
)  # fmt: skip

GROUPS: tuple[tuple[str, tuple[Panel, ...]], ...] = (
    ("Pages", (PAGES, ENTRY_PAGES, EXIT_PAGES)),
    ("Sources", (SOURCES, CHANNELS, REFERRERS)),
    ("Places", (COUNTRIES, LANGUAGES)),
    ("Devices", (DEVICES, BROWSERS, SYSTEMS, SCREENS)),
    ("Campaigns", (CAMPAIGNS,)),
)
"""Panels as they share a card of the page, one tab each."""


def declared_groups(policy: Policy) -> list[tuple[str, list[Panel]]]:
    """List the groups of panels whose statistic the policy declares; no other has a view.

    A statistic that the policy has redeclared by other dimensions, or by hour, has a view
    without the columns that the panel reads, and is left out too.
    """
    declared = {s.name: s.by for s in policy.statistics if s.grain is Grain.DAY}
    shown = (
        (title, [p for p in panels if set(p.by) <= set(declared.get(p.statistic, ()))])
        for title, panels in GROUPS
    )
    return [(title, panels) for title, panels in shown if panels]
