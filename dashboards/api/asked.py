"""What both shapes of a question have in common: which site, whose key, what day it is there."""

from collections.abc import Awaitable, Callable, Collection
from datetime import date, datetime

from msgspec import Struct
from starlette.requests import Request

from anonymizer.policy import Policy, Site
from dashboards.address.periods import Period
from dashboards.api.door import refused
from dashboards.notes import Notes
from people.trail import Did, Trail

SitesOf = Callable[[Request], Collection[str]]
"""Tells the sites that a request's key is for; none for a key that is for every site."""

Note = Callable[[Request, Site, Period], Awaitable[None]]
"""Writes down whose key asks about which days of a site; what it raises leaves it unanswered."""


class Sites(Struct, frozen=True):
    """The sites of the policy and who may ask about which."""

    policy: Policy
    sites_of: SitesOf
    now: Callable[[], datetime]
    """Carries a zone."""
    note: Note

    def find(self, request: Request, field: str, domain: str) -> tuple[Site, date]:
        """Return a site that a request may ask about, and the day it is there.

        Raises:
            ApiRefused: the key isn't for this site, or there is none of that name.
        """
        allowed = self.sites_of(request)
        if allowed and domain not in allowed:
            raise refused(403, field, "must be a site that the key is for")
        for site in self.policy.sites.values():
            if site.domain == domain:
                return site, self.now().astimezone(site.zone).date()
        raise refused(404, field, "must be a site of the policy")


def notes_of_questions(
    trail: Trail, name_of: Callable[[Request], str], now: Callable[[], datetime]
) -> Note:
    """Return what writes a question of the API into the trail, under the name of its key."""
    notes = Notes(trail, now)

    async def note(request: Request, site: Site, period: Period) -> None:
        await notes.note(
            name_of(request),
            Did.ASKED_API,
            site=str(site.domain),
            report="api",
            period=f"{period.first}/{period.last}",
        )

    return note
