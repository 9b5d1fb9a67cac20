"""Which report has which picture."""

from dashboards.pictures import pointers, speed
from dashboards.pictures.by_page import read_clicks, read_leaving
from dashboards.pictures.countries import read_countries
from dashboards.pictures.depth import read_depth
from dashboards.pictures.engaged import read_engaged
from dashboards.pictures.funnels import read_funnels
from dashboards.pictures.mails import read_mails
from dashboards.pictures.picture import ReadPicture
from dashboards.pictures.transitions import read_transitions
from dashboards.pictures.vitals import VITALS

PICTURES: dict[str, ReadPicture] = {
    "transitions": read_transitions,
    "countries": read_countries,
    "pointer_pressed": pointers.reader_of("pressed"),
    "pointer_moved": pointers.reader_of("moved"),
    "scroll_depth": read_depth,
    "clicks": read_clicks,
    "leaving": read_leaving,
    "engagement": read_engaged,
    "funnels": read_funnels,
    "email": read_mails,
    **{vital.report: speed.reader_of(name) for name, vital in VITALS.items()},
}
"""By the report's id."""
