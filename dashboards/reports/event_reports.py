"""The reports of single events, in the order of the navigation."""

from collections.abc import Mapping

from anonymizer.policy import DEPTH, ENGAGEMENT, Dimension
from dashboards.asking.filters import Is
from dashboards.asking.metrics import Metric
from dashboards.reports.labels import WAYS
from dashboards.reports.report import Report, ReportGroup, report_by
from dashboards.words import message

_EVENTS = (Metric.EVENTS, Metric.VISITORS)
_SECONDS = (Metric.SECONDS, Metric.VISITORS)
_BY_PAGE = {Dimension.PAGE: message("Page")}


def _event(id_: str, title: str, event: str) -> Report:
    held = (Is(Dimension.EVENT, (event,)),)
    return report_by(id_, title, _BY_PAGE, _EVENTS, _EVENTS, held=held)


def _values(id_: str, title: str, event: str, property_: str, value: str) -> Report:
    """Return a report of what an event's property says; `value` is the heading."""
    return _property(id_, title, event, property_, {Dimension.VALUE: value})


def _by_page(
    id_: str,
    title: str,
    event: str,
    property_: str,
    value: str,
    named: Mapping[str, str] | None = None,
) -> Report:
    """Return the same for each page."""
    headings = {**_BY_PAGE, Dimension.VALUE: value}
    return _property(id_, title, event, property_, headings, named)


def _vital(id_: str, title: str, property_: str) -> Report:
    return _by_page(id_, title, "Web Vitals", property_, message("At most"))


def _property(
    id_: str,
    title: str,
    event: str,
    property_: str,
    headings: Mapping[Dimension, str],
    named: Mapping[str, str] | None = None,
) -> Report:
    held = (Is(Dimension.EVENT, (event,)), Is(Dimension.PROPERTY, (property_,)))
    return report_by(id_, title, headings, _EVENTS, _EVENTS, held=held, named=named)


_CONTENT = (
    _values(
        "outbound_links",
        message("Outbound links"),
        "Outbound Link: Click",
        "url",
        message("Link"),
    ),
    _values("downloads", message("Downloads"), "File Download", "url", message("File")),
    _values("searches", message("Searches"), "Site Search", "query", message("Query")),
    _values("products", message("Products"), "Product View", "product", message("Product")),
    _values(
        "product_categories",
        message("Kinds of products"),
        "Product View",
        "category",
        message("Category"),
    ),
    _event("phone_clicks", message("Phone clicks"), "Phone Click"),
    _event("forms", message("Forms sent"), "Form: Submission"),
    _event("forms_abandoned", message("Forms abandoned"), "Form: Abandoned"),
    _by_page(
        "abandoned_fields",
        message("Fields where forms end"),
        "Form: Abandoned",
        "field",
        message("Field"),
    ),
)
_BEHAVIOUR = (
    report_by(
        "engagement",
        message("Time engaged"),
        _BY_PAGE,
        _SECONDS,
        _SECONDS,
        held=(Is(Dimension.EVENT, (ENGAGEMENT,)),),
    ),
    _by_page("scroll_depth", message("Scroll depth"), ENGAGEMENT, DEPTH, message("Percent")),
    _by_page("clicks", message("Clicks on elements"), "Click", "element", message("Element")),
    _by_page(
        "pointer_pressed", message("Where pages are pressed"), "Pointer", "pressed", message("Cell")
    ),
    _by_page("pointer_moved", message("Where pointers move"), "Pointer", "moved", message("Cell")),
    _by_page("leaving", message("How pages are left"), "Page Left", "how", message("Way"), WAYS),
)
_SPEED = (
    _vital("response_times", message("Response times"), "response"),
    _vital("web_vitals_lcp", message("Largest contentful paint"), "lcp"),
    _vital("web_vitals_inp", message("Interaction to next paint"), "inp"),
    _vital("web_vitals_cls", message("Cumulative layout shift"), "cls"),
    _vital("web_vitals_fcp", message("First contentful paint"), "fcp"),
    _vital("web_vitals_ttfb", message("Time to first byte"), "ttfb"),
)
_FAULTS = (
    _event("missing_pages", message("Pages not found"), "404"),
    _values(
        "failed_downloads", message("Failed downloads"), "Failed Download", "url", message("File")
    ),
    _values(
        "failed_resources",
        message("Failed resources"),
        "Failed Resource",
        "url",
        message("Resource"),
    ),
)

EVENT_GROUPS = (
    ReportGroup("content", message("Content"), _CONTENT),
    ReportGroup("behaviour", message("On the page"), _BEHAVIOUR),
    ReportGroup("speed", message("Speed"), _SPEED),
    ReportGroup("faults", message("Faults"), _FAULTS),
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
