"""Plausible's names of metrics, dimensions and days → those here.

Source: https://plausible.io/docs/stats-api
"""

from anonymizer.policy import Dimension
from dashboards.address.periods import MAX_DAYS, Grain
from dashboards.asking.metrics import Metric

PROPERTY = "event:props:"
TIME = "time"

DIMENSIONS = {
    "event:page": Dimension.PAGE,
    "event:goal": Dimension.GOAL,
    "event:name": Dimension.EVENT,
    "visit:entry_page": Dimension.ENTRY_PAGE,
    "visit:exit_page": Dimension.EXIT_PAGE,
    "visit:source": Dimension.SOURCE,
    "visit:referrer": Dimension.REFERRER,
    "visit:channel": Dimension.CHANNEL,
    "visit:utm_campaign": Dimension.CAMPAIGN,
    "visit:utm_source": Dimension.CAMPAIGN_SOURCE,
    "visit:utm_medium": Dimension.CAMPAIGN_MEDIUM,
    "visit:utm_content": Dimension.CAMPAIGN_CONTENT,
    "visit:utm_term": Dimension.CAMPAIGN_TERM,
    "visit:device": Dimension.DEVICE,
    "visit:screen": Dimension.DEVICE,  # Plausible's older name of it
    "visit:browser": Dimension.BROWSER,
    "visit:os": Dimension.OS,
    "visit:country": Dimension.COUNTRY,
}
GRAINS = {"time:hour": Grain.HOUR, "time:day": Grain.DAY, "time:month": Grain.MONTH}
METRICS = {
    "visitors": Metric.VISITORS,
    "visits": Metric.VISITS,
    "pageviews": Metric.VIEWS,
    "views_per_visit": Metric.VIEWS_PER_VISIT,
    "bounce_rate": Metric.BOUNCE_RATE,
    "visit_duration": Metric.VISIT_DURATION,
    "percentage": Metric.SHARE,
    "conversion_rate": Metric.CONVERSION_RATE,
}
DAYS = {"day": 1, "7d": 7, "28d": 28, "30d": 30, "91d": 91, "all": MAX_DAYS}
MONTHS = {"month": 0, "6mo": 5, "12mo": 11}
YEAR = "year"
MODIFIERS = {"case_sensitive": True}
OPERATORS = ("is", "is_not", "contains", "contains_not")
EVENTS = "events"
