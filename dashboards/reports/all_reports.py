"""The catalogue of reports, in the order of the navigation."""

from msgspec.structs import replace

from anonymizer.policy import Dimension
from dashboards.asking.filters import Is, IsNot
from dashboards.asking.metrics import Metric
from dashboards.reports.event_reports import EVENT_GROUPS, TAG_EVENTS
from dashboards.reports.report import Report, ReportGroup
from dashboards.words import message

_VISITS = (Metric.VISITORS, Metric.VISITS, Metric.VIEWS, Metric.BOUNCE_RATE, Metric.VISIT_DURATION)
_BRIEF = (Metric.VISITORS, Metric.BOUNCE_RATE)
_EVENTS = (Metric.EVENTS, Metric.VISITORS)
_PAGE, _VALUE = message("Page"), message("Value")
_OF_THE_SITE = (IsNot(Dimension.EVENT, TAG_EVENTS),)


def _of_visits(id_: str, title: str, heading: str, dimension: Dimension) -> Report:
    return Report(
        id=id_,
        title=title,
        dimensions=(dimension,),
        headings=(heading,),
        metrics=_VISITS,
        brief=_BRIEF,
    )


PAGES = Report(
    id="pages",
    title=message("Top pages"),
    dimensions=(Dimension.PAGE,),
    headings=(_PAGE,),
    metrics=(Metric.VISITORS, Metric.VIEWS),
    brief=(Metric.VISITORS, Metric.VIEWS),
)
ENTRY_PAGES = Report(
    id="entry_pages",
    title=message("Entry pages"),
    dimensions=(Dimension.ENTRY_PAGE,),
    headings=(_PAGE,),
    metrics=(
        Metric.VISITS,
        Metric.VISITORS,
        Metric.VIEWS,
        Metric.BOUNCE_RATE,
        Metric.VISIT_DURATION,
    ),
    brief=(Metric.VISITS, Metric.BOUNCE_RATE),
)
EXIT_PAGES = Report(
    id="exit_pages",
    title=message("Exit pages"),
    dimensions=(Dimension.EXIT_PAGE,),
    headings=(_PAGE,),
    metrics=(Metric.VISITS, Metric.VISITORS),
    brief=(Metric.VISITS,),
)
TRANSITIONS = Report(
    id="transitions",
    title=message("From page to page"),
    dimensions=(Dimension.PREVIOUS_PAGE, Dimension.PAGE),
    headings=(message("From page"), message("To page")),
    metrics=(Metric.VIEWS, Metric.VISITORS),
    brief=(Metric.VIEWS,),
)
CAMPAIGNS = Report(
    id="campaigns",
    title=message("Campaigns"),
    dimensions=(Dimension.CAMPAIGN, Dimension.CAMPAIGN_SOURCE, Dimension.CAMPAIGN_MEDIUM),
    headings=(message("Campaign"), message("Source"), message("Medium")),
    metrics=_VISITS,
    brief=_BRIEF,
)
GOALS = Report(
    id="goals",
    title=message("Goals"),
    dimensions=(Dimension.GOAL,),
    headings=(message("Goal"),),
    metrics=(Metric.VISITORS, Metric.CONVERSIONS, Metric.CONVERSION_RATE),
    brief=(Metric.VISITORS, Metric.CONVERSION_RATE),
    is_only_of="goals",
)
FUNNELS = Report(
    id="funnels",
    title=message("Funnels"),
    dimensions=(Dimension.FUNNEL, Dimension.STEP),
    headings=(message("Funnel"), message("Step")),
    metrics=(Metric.VISITS, Metric.VISITORS),
    brief=(Metric.VISITS,),
    is_only_of="funnels",
)
EVENTS = Report(
    id="events",
    title=message("Events"),
    dimensions=(Dimension.EVENT,),
    headings=(message("Event"),),
    metrics=_EVENTS,
    brief=_EVENTS,
    among=_OF_THE_SITE,
)
EVENTS_OF_THE_TAG = replace(
    EVENTS,
    id="tag_events",
    title=message("Events of the tag’s modules"),
    among=(Is(Dimension.EVENT, TAG_EVENTS),),
)
PROPERTIES = Report(
    id="event_properties",
    title=message("Properties of events"),
    dimensions=(Dimension.EVENT, Dimension.PROPERTY, Dimension.VALUE),
    headings=(message("Event"), message("Property"), _VALUE),
    metrics=_EVENTS,
    brief=_EVENTS,
    among=_OF_THE_SITE,
)
EMAIL = Report(
    id="email",
    title=message("E-mail campaigns"),
    dimensions=(Dimension.CAMPAIGN, Dimension.VARIANT, Dimension.MAIL_KIND),
    headings=(message("Campaign"), message("Variant"), message("Opened by")),
    metrics=(
        Metric.VISITORS,
        Metric.OPENS,
        Metric.CLICKS,
        Metric.UNIQUE_OPENS,
        Metric.UNSUBSCRIBED,
        Metric.DELIVERED,
    ),
    brief=(Metric.OPENS, Metric.CLICKS),
)
EMAIL_LINKS = Report(
    id="email_links",
    title=message("Links in e-mail"),
    dimensions=(Dimension.CAMPAIGN, Dimension.LINK),
    headings=(message("Campaign"), message("Link")),
    metrics=(Metric.CLICKS, Metric.VISITORS),
    brief=(Metric.CLICKS,),
)
BOTS = Report(
    id="bots",
    title=message("Bots"),
    dimensions=(Dimension.BOT_KIND, Dimension.BOT),
    headings=(message("Kind"), message("Machine")),
    metrics=(Metric.HITS,),
    brief=(Metric.HITS,),
)
AI_CRAWLERS = Report(
    id="ai_crawlers",
    title=message("AI crawlers"),
    dimensions=(Dimension.BOT,),
    headings=(message("Machine"),),
    metrics=(Metric.HITS,),
    brief=(Metric.HITS,),
    held=(Is(Dimension.BOT_KIND, ("ai_crawler",)),),
)
SCRUBBED = Report(
    id="scrubbed",
    title=message("What was masked"),
    dimensions=(Dimension.MASK,),
    headings=(message("Looked like"),),
    metrics=(Metric.MASKED, Metric.VISITORS),
    brief=(Metric.MASKED,),
)
COVERAGE = Report(
    id="coverage",
    title=message("Counted and refused"),
    dimensions=(Dimension.REASON, Dimension.DOOR),
    headings=(message("Reason"), message("Door")),
    metrics=(Metric.HITS,),
    brief=(Metric.HITS,),
)

ALL_REPORTS = (
    ReportGroup(
        "pages",
        message("Pages"),
        (PAGES, ENTRY_PAGES, EXIT_PAGES, TRANSITIONS),
        is_on_overview=True,
    ),
    ReportGroup(
        "sources",
        message("Sources"),
        (
            _of_visits("sources", message("Sources"), message("Source"), Dimension.SOURCE),
            _of_visits("channels", message("Channels"), message("Channel"), Dimension.CHANNEL),
            _of_visits("referrers", message("Referrers"), message("Site"), Dimension.REFERRER),
        ),
        is_on_overview=True,
    ),
    ReportGroup(
        "places",
        message("Places"),
        (
            _of_visits("countries", message("Countries"), message("Country"), Dimension.COUNTRY),
            _of_visits("languages", message("Languages"), message("Language"), Dimension.LANGUAGE),
        ),
        is_on_overview=True,
    ),
    ReportGroup(
        "devices",
        message("Devices"),
        (
            _of_visits("devices", message("Devices"), message("Device"), Dimension.DEVICE),
            _of_visits("browsers", message("Browsers"), message("Browser"), Dimension.BROWSER),
            _of_visits("systems", message("Systems"), message("System"), Dimension.OS),
            _of_visits("screens", message("Screens"), message("Screen"), Dimension.SCREEN),
            _of_visits("networks", message("Networks"), message("Network"), Dimension.NETWORK),
        ),
        is_on_overview=True,
    ),
    ReportGroup(
        "campaigns",
        message("Campaigns"),
        (
            CAMPAIGNS,
            _of_visits(
                "campaign_contents",
                message("Contents of campaigns"),
                message("Content"),
                Dimension.CAMPAIGN_CONTENT,
            ),
            _of_visits(
                "campaign_terms",
                message("Terms of campaigns"),
                message("Term"),
                Dimension.CAMPAIGN_TERM,
            ),
        ),
        is_on_overview=True,
    ),
    ReportGroup(
        "goals",
        message("Goals and events"),
        (GOALS, FUNNELS, EVENTS, PROPERTIES, EVENTS_OF_THE_TAG),
        is_on_overview=True,
    ),
    *EVENT_GROUPS,
    ReportGroup("email", message("E-mail"), (EMAIL, EMAIL_LINKS)),
    ReportGroup("counting", message("Counting itself"), (COVERAGE, BOTS, AI_CRAWLERS, SCRUBBED)),
)
