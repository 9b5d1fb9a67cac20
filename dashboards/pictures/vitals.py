"""What is measured of a page's speed, how it is rated, and how it is written."""

from msgspec import Struct

from dashboards.overview.figures import NOTHING
from dashboards.pictures.steps import Estimate, Limits, Step
from dashboards.words import Words, message

EVENT = "Web Vitals"
SHARES = (0.5, 0.75, 0.95)
RATED = 1
"""Which of SHARES is rated: web-vitals rates the 75th percentile of a page's views."""


class Vital(Struct, frozen=True):
    """What is measured of a page's view."""

    report: str
    title: str
    is_time: bool = True
    """In milliseconds; else in thousandths."""
    limits: Limits | None = None
    """Those of https://web.dev/articles/vitals; None of what it does not rate."""


VITALS = {
    "lcp": Vital("web_vitals_lcp", message("Largest contentful paint"), True, Limits(2500, 4000)),
    "inp": Vital("web_vitals_inp", message("Interaction to next paint"), True, Limits(200, 500)),
    "cls": Vital("web_vitals_cls", message("Cumulative layout shift"), False, Limits(100, 250)),
    "fcp": Vital("web_vitals_fcp", message("First contentful paint"), True, Limits(1800, 3000)),
    "ttfb": Vital("web_vitals_ttfb", message("Time to first byte"), True, Limits(800, 1800)),
    "response": Vital("response_times", message("Response times")),
}
"""By the property of the event that holds it."""

RATINGS = {
    "good": message("Good"),
    "middling": message("Needs work"),
    "poor": message("Poor"),
}


class Told(Struct, frozen=True):
    """A percentile in writing."""

    text: str
    range: str
    """Between which bounds it lies for certain."""
    rating: str
    """``good``, ``middling``, ``poor``, or empty of what is not rated."""
    rated: str
    """The same in the reader's language."""


def write_percentile(words: Words, found: Estimate | None, vital: Vital, *, is_rated: bool) -> Told:
    """Write a percentile with the range that it lies in, and its rating where it is rated."""
    if found is None:
        return Told(NOTHING, words("Too few were measured."), "", "")
    rating = rating_of(found, vital.limits) if is_rated and vital.limits else ""
    rated = words(RATINGS[rating]) if rating else ""
    low = write_amount(words, found.low, vital)
    if found.high is None:
        text = words("over {bound}", bound=low)
        return Told(text, words("{bound} or more", bound=low), rating, rated)
    high = write_amount(words, found.high, vital)
    between = words("between {low} and {high}", low=low, high=high)
    return Told(write_amount(words, found.value, vital), between, rating, rated)


def rating_of(found: Estimate, limits: Limits) -> str:
    """Rate a percentile by the step that it lies in, which is known for certain."""
    if found.low >= limits.poor:
        return "poor"
    return "good" if found.low < limits.good else "middling"


def write_amount(words: Words, amount: float, vital: Vital) -> str:
    """Write milliseconds, seconds from one on, or what is in thousandths."""
    if not vital.is_time:
        return words.decimal(amount / 1000, 2 if amount >= 10 else 3)
    if amount < 1000:
        return words("{number} ms", number=words.number(amount))
    return words("{number} s", number=words.decimal(amount / 1000, 2 if amount < 10_000 else 1))


def write_step(words: Words, step: Step, vital: Vital) -> str:
    """Write the range of a step."""
    low = write_amount(words, step.low, vital)
    if step.high is None:
        return words("{bound} or more", bound=low)
    high = write_amount(words, step.high, vital)
    if step.low <= 0:
        return words("under {bound}", bound=high)
    return words("{low} to {high}", low=low, high=high)


def write_limits(words: Words, vital: Vital) -> str:
    """Say what counts as good and as poor; nothing of what is not rated."""
    if vital.limits is None:
        return ""
    return words(
        "Good below {good}, poor from {poor} on, by the 75th percentile of views.",
        good=write_amount(words, vital.limits.good, vital),
        poor=write_amount(words, vital.limits.poor, vital),
    )
