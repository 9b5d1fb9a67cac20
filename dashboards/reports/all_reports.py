"""The catalogue of reports, in the order of the navigation."""

from collections.abc import Mapping

from anonymizer.policy import Dimension
from dashboards.asking.filters import Is, IsNot
from dashboards.asking.metrics import Metric
from dashboards.reports.event_reports import EVENT_GROUPS, TAG_EVENTS
from dashboards.reports.report import Report, ReportGroup, report_by
from dashboards.words import message

_VISITS = (Metric.VISITORS, Metric.VISITS, Metric.VIEWS, Metric.BOUNCE_RATE, Metric.VISIT_DURATION)
_ENTRIES = (Metric.VISITS, Metric.VISITORS, *_VISITS[2:])
_STEPS = (Metric.VISITS, Metric.VISITORS)
_VIEWS = (Metric.VISITORS, Metric.VIEWS)
_MOVES = (Metric.VIEWS, Metric.VISITORS)
_GOALS = (Metric.VISITORS, Metric.CONVERSIONS, Metric.CONVERSION_RATE)
_EVENTS = (Metric.EVENTS, Metric.VISITORS)
_MAIL = (
    Metric.VISITORS,
    Metric.OPENS,
    Metric.CLICKS,
    Metric.UNIQUE_OPENS,
    Metric.UNSUBSCRIBED,
    Metric.DELIVERED,
)
_LINKS = (Metric.CLICKS, Metric.VISITORS)
_MASKED = (Metric.MASKED, Metric.VISITORS)
_HITS = (Metric.HITS,)

_OF_THE_TAG = (Is(Dimension.EVENT, TAG_EVENTS),)
_OF_THE_SITE = (IsNot(Dimension.EVENT, TAG_EVENTS),)
_OF_AI = (Is(Dimension.BOT_KIND, ("ai_crawler",)),)
_PAGE, _EVENT, _CAMPAIGN = message("Page"), message("Event"), message("Campaign")
_MACHINE = message("Machine")


def _of_visits(id_: str, title: str, headings: Mapping[Dimension, str]) -> Report:
    return report_by(id_, title, headings, _VISITS, (Metric.VISITORS, Metric.BOUNCE_RATE))


_OF_PAGES = (
    report_by("pages", message("Top pages"), {Dimension.PAGE: _PAGE}, _VIEWS, _VIEWS),
    report_by(
        "entry_pages",
        message("Entry pages"),
        {Dimension.ENTRY_PAGE: _PAGE},
        _ENTRIES,
        (Metric.VISITS, Metric.BOUNCE_RATE),
    ),
    report_by("exit_pages", message("Exit pages"), {Dimension.EXIT_PAGE: _PAGE}, _STEPS),
    report_by(
        "transitions",
        message("From page to page"),
        {Dimension.PREVIOUS_PAGE: message("From page"), Dimension.PAGE: message("To page")},
        _MOVES,
    ),
)
_OF_SOURCES = (
    _of_visits("sources", message("Sources"), {Dimension.SOURCE: message("Source")}),
    _of_visits("channels", message("Channels"), {Dimension.CHANNEL: message("Channel")}),
    _of_visits("referrers", message("Referrers"), {Dimension.REFERRER: message("Site")}),
)
_OF_PLACES = (
    _of_visits("countries", message("Countries"), {Dimension.COUNTRY: message("Country")}),
    _of_visits("languages", message("Languages"), {Dimension.LANGUAGE: message("Language")}),
)
_OF_DEVICES = (
    _of_visits("devices", message("Devices"), {Dimension.DEVICE: message("Device")}),
    _of_visits("browsers", message("Browsers"), {Dimension.BROWSER: message("Browser")}),
    _of_visits("systems", message("Systems"), {Dimension.OS: message("System")}),
    _of_visits("screens", message("Screens"), {Dimension.SCREEN: message("Screen")}),
    _of_visits("networks", message("Networks"), {Dimension.NETWORK: message("Network")}),
)
_OF_CAMPAIGNS = (
    _of_visits(
        "campaigns",
        message("Campaigns"),
        {
            Dimension.CAMPAIGN: _CAMPAIGN,
            Dimension.CAMPAIGN_SOURCE: message("Source"),
            Dimension.CAMPAIGN_MEDIUM: message("Medium"),
        },
    ),
    _of_visits(
        "campaign_contents",
        message("Contents of campaigns"),
        {Dimension.CAMPAIGN_CONTENT: message("Content")},
    ),
    _of_visits(
        "campaign_terms", message("Terms of campaigns"), {Dimension.CAMPAIGN_TERM: message("Term")}
    ),
)
_OF_GOALS = (
    report_by(
        "goals",
        message("Goals"),
        {Dimension.GOAL: message("Goal")},
        _GOALS,
        (Metric.VISITORS, Metric.CONVERSION_RATE),
        is_only_of="goals",
    ),
    report_by(
        "funnels",
        message("Funnels"),
        {Dimension.FUNNEL: message("Funnel"), Dimension.STEP: message("Step")},
        _STEPS,
        is_only_of="funnels",
    ),
    report_by(
        "events", message("Events"), {Dimension.EVENT: _EVENT}, _EVENTS, _EVENTS, among=_OF_THE_SITE
    ),
    report_by(
        "event_properties",
        message("Properties of events"),
        {
            Dimension.EVENT: _EVENT,
            Dimension.PROPERTY: message("Property"),
            Dimension.VALUE: message("Value"),
        },
        _EVENTS,
        _EVENTS,
        among=_OF_THE_SITE,
    ),
    report_by(
        "tag_events",
        message("Events of the tag’s modules"),
        {Dimension.EVENT: _EVENT},
        _EVENTS,
        _EVENTS,
        among=_OF_THE_TAG,
    ),
)
_OF_MAIL = (
    report_by(
        "email",
        message("E-mail campaigns"),
        {
            Dimension.CAMPAIGN: _CAMPAIGN,
            Dimension.VARIANT: message("Variant"),
            Dimension.MAIL_KIND: message("Opened by"),
        },
        _MAIL,
        (Metric.OPENS, Metric.CLICKS),
    ),
    report_by(
        "email_links",
        message("Links in e-mail"),
        {Dimension.CAMPAIGN: _CAMPAIGN, Dimension.LINK: message("Link")},
        _LINKS,
    ),
)
_OF_COUNTING = (
    report_by(
        "coverage",
        message("Counted and refused"),
        {Dimension.REASON: message("Reason"), Dimension.DOOR: message("Door")},
        _HITS,
    ),
    report_by(
        "bots",
        message("Bots"),
        {Dimension.BOT_KIND: message("Kind"), Dimension.BOT: _MACHINE},
        _HITS,
    ),
    report_by("ai_crawlers", message("AI crawlers"), {Dimension.BOT: _MACHINE}, _HITS, held=_OF_AI),
    report_by(
        "scrubbed", message("What was masked"), {Dimension.MASK: message("Looked like")}, _MASKED
    ),
)

ALL_REPORTS = (
    ReportGroup("pages", message("Pages"), _OF_PAGES, is_on_overview=True),
    ReportGroup("sources", message("Sources"), _OF_SOURCES, is_on_overview=True),
    ReportGroup("places", message("Places"), _OF_PLACES, is_on_overview=True),
    ReportGroup("devices", message("Devices"), _OF_DEVICES, is_on_overview=True),
    ReportGroup("campaigns", message("Campaigns"), _OF_CAMPAIGNS, is_on_overview=True),
    ReportGroup("goals", message("Goals and events"), _OF_GOALS, is_on_overview=True),
    *EVENT_GROUPS,
    ReportGroup("email", message("E-mail"), _OF_MAIL),
    ReportGroup("counting", message("Counting itself"), _OF_COUNTING),
)
