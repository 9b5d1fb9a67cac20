"""The reports of single events, in the order of the navigation."""

from msgspec.structs import replace

from anonymizer.policy import DEPTH, ENGAGEMENT, Dimension
from dashboards.asking.filters import Is
from dashboards.asking.metrics import Metric
from dashboards.reports.labels import WAYS
from dashboards.reports.report import Report, ReportGroup
from dashboards.words import message

_EVENTS = (Metric.EVENTS, Metric.VISITORS)
_PAGE = message("Page")


def _of_event(id_: str, title: str, event: str, property_: str, **headings: str) -> Report:
    """Return a report of an event's property; `headings` are by the name of their dimension."""
    of_property = (Is(Dimension.PROPERTY, (property_,)),) if property_ else ()
    return Report(
        id=id_,
        title=title,
        dimensions=tuple(Dimension(name) for name in headings),
        headings=tuple(headings.values()),
        metrics=_EVENTS,
        brief=_EVENTS,
        held=(Is(Dimension.EVENT, (event,)), *of_property),
    )


def _of_vitals(id_: str, title: str, property_: str) -> Report:
    return _of_event(id_, title, "Web Vitals", property_, page=_PAGE, value=message("At most"))


TIME_ENGAGED = Report(
    id="engagement",
    title=message("Time engaged"),
    dimensions=(Dimension.PAGE,),
    headings=(_PAGE,),
    metrics=(Metric.SECONDS, Metric.VISITORS),
    brief=(Metric.SECONDS, Metric.VISITORS),
    held=(Is(Dimension.EVENT, (ENGAGEMENT,)),),
)
EVENT_GROUPS = (
    ReportGroup(
        "content",
        message("Content"),
        (
            _of_event(
                "outbound_links",
                message("Outbound links"),
                "Outbound Link: Click",
                "url",
                value=message("Link"),
            ),
            _of_event(
                "downloads", message("Downloads"), "File Download", "url", value=message("File")
            ),
            _of_event(
                "searches", message("Searches"), "Site Search", "query", value=message("Query")
            ),
            _of_event(
                "products",
                message("Products"),
                "Product View",
                "product",
                value=message("Product"),
            ),
            _of_event(
                "product_categories",
                message("Kinds of products"),
                "Product View",
                "category",
                value=message("Category"),
            ),
            _of_event("phone_clicks", message("Phone clicks"), "Phone Click", "", page=_PAGE),
            _of_event("forms", message("Forms sent"), "Form: Submission", "", page=_PAGE),
            _of_event(
                "forms_abandoned", message("Forms abandoned"), "Form: Abandoned", "", page=_PAGE
            ),
            _of_event(
                "abandoned_fields",
                message("Fields where forms end"),
                "Form: Abandoned",
                "field",
                page=_PAGE,
                value=message("Field"),
            ),
        ),
    ),
    ReportGroup(
        "behaviour",
        message("On the page"),
        (
            TIME_ENGAGED,
            _of_event(
                "scroll_depth",
                message("Scroll depth"),
                ENGAGEMENT,
                DEPTH,
                page=_PAGE,
                value=message("Percent"),
            ),
            _of_event(
                "clicks",
                message("Clicks on elements"),
                "Click",
                "element",
                page=_PAGE,
                value=message("Element"),
            ),
            _of_event(
                "pointer_pressed",
                message("Where pages are pressed"),
                "Pointer",
                "pressed",
                page=_PAGE,
                value=message("Cell"),
            ),
            _of_event(
                "pointer_moved",
                message("Where pointers move"),
                "Pointer",
                "moved",
                page=_PAGE,
                value=message("Cell"),
            ),
            replace(
                _of_event(
                    "leaving",
                    message("How pages are left"),
                    "Page Left",
                    "how",
                    page=_PAGE,
                    value=message("Way"),
                ),
                named=WAYS,
            ),
        ),
    ),
    ReportGroup(
        "speed",
        message("Speed"),
        (
            _of_vitals("response_times", message("Response times"), "response"),
            _of_vitals("web_vitals_lcp", message("Largest contentful paint"), "lcp"),
            _of_vitals("web_vitals_inp", message("Interaction to next paint"), "inp"),
            _of_vitals("web_vitals_cls", message("Cumulative layout shift"), "cls"),
            _of_vitals("web_vitals_fcp", message("First contentful paint"), "fcp"),
            _of_vitals("web_vitals_ttfb", message("Time to first byte"), "ttfb"),
        ),
    ),
    ReportGroup(
        "faults",
        message("Faults"),
        (
            _of_event("missing_pages", message("Pages not found"), "404", "", page=_PAGE),
            _of_event(
                "failed_downloads",
                message("Failed downloads"),
                "Failed Download",
                "url",
                value=message("File"),
            ),
            _of_event(
                "failed_resources",
                message("Failed resources"),
                "Failed Resource",
                "url",
                value=message("Resource"),
            ),
        ),
    ),
)
"""What visitors did on pages, and how pages did."""

TAG_EVENTS = tuple(
    dict.fromkeys(
        held.values[0]
        for group in EVENT_GROUPS
        for report in group.reports
        for held in report.held
        if held.dimension is Dimension.EVENT
    )
)
"""The events of these: the tag and its modules send them, beside a site's own."""
