"""`/dashboard/privacy`: what shows a data protection officer that the policy is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from anyio import to_thread
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboards.address.reading import read_selection
from dashboards.address.selection import PATH, Selection
from dashboards.asking.answering import Asker, Query
from dashboards.asking.views import ColumnsOf
from dashboards.framing import frame_of, report_links
from dashboards.notes import Notes
from dashboards.pages import keep_language, show
from dashboards.privacy.facts import PrivacyFacts
from dashboards.privacy.left_out import read_masked, read_refusals
from dashboards.privacy.promises import (
    group_size_of,
    tell_waiting,
    view_checks,
    view_purposes,
    view_retention,
    view_statistics,
)
from dashboards.privacy.withheld import read_withheld
from dashboards.readers import Reader, Readers
from people.trail import Did

PRIVACY = f"{PATH}/privacy"
STATISTICS = f"{PRIVACY}/statistics"


@dataclass(frozen=True, slots=True)
class PrivacySources:
    """What the privacy page reads beside the answers to questions."""

    query: Query
    columns_of: ColumnsOf
    facts: PrivacyFacts


def privacy_routes(
    readers: Readers,
    asker: Asker,
    sources: PrivacySources,
    notes: Notes,
    now: Callable[[], datetime],
) -> list[BaseRoute]:
    """Return the routes of the page and of its table of statistics; `now` carries a zone."""
    page = _PrivacyPage(asker, sources, notes, now)
    return [
        Route(PRIVACY, readers.guard(page.show), methods=["GET"]),
        Route(STATISTICS, readers.guard(page.show_statistics), methods=["GET"]),
    ]


class _PrivacyPage:
    def __init__(
        self, asker: Asker, sources: PrivacySources, notes: Notes, now: Callable[[], datetime]
    ) -> None:
        self._asker = asker
        self._sources = sources
        self._facts = sources.facts
        self._notes = notes
        self._now = now

    async def show(self, request: Request, reader: Reader) -> Response:
        selection = await self._select(request, reader, PRIVACY, "privacy")
        words, policy, site = reader.words, reader.policy, str(selection.site.domain)
        zone = selection.site.zone
        checks = await to_thread.run_sync(self._facts.last_checks)
        receipts = await self._facts.count_receipts(site)
        page = show(
            words,
            "privacy.html",
            {
                **_frame(reader, selection),
                "policy": policy,
                "effective": words.day(date.fromisoformat(policy.effective))
                if policy.effective
                else "",
                "policy_hash": self._facts.policy_hash,
                "refused": await read_refusals(self._asker, selection, words),
                "masked": await read_masked(self._asker, selection, words),
                "retention": view_retention(
                    words, self._facts.last_retention(site), self._now(), zone
                ),
                "purposes": view_purposes(words, policy, receipts),
                "step": words.number(group_size_of(policy)),
                "checks": view_checks(words, checks, zone, sees_all=_sees_all(reader)),
                "statistics_address": replace(selection, path=STATISTICS).address(),
            },
        )
        return keep_language(request, page)

    async def show_statistics(self, request: Request, reader: Reader) -> Response:
        selection = await self._select(request, reader, STATISTICS, "withheld groups")
        words, policy, site = reader.words, reader.policy, str(selection.site.domain)
        kept = self._facts.kept(site) if _sees_all(reader) else {}
        withheld = await read_withheld(
            self._sources.query,
            site,
            selection.period,
            policy.statistics,
            self._sources.columns_of,
        )
        page = show(
            words,
            "privacy_statistics.html",
            {
                **_frame(reader, selection),
                "groups": view_statistics(words, policy, withheld, kept, selection.now.date()),
                "tells_oldest": bool(kept),
                "waiting": tell_waiting(words, kept.values()) if kept else "",
                "privacy_address": replace(selection, path=PRIVACY).address(),
            },
        )
        return keep_language(request, page)

    async def _select(self, request: Request, reader: Reader, path: str, report: str) -> Selection:
        selection = read_selection(
            request.query_params.multi_items(),
            reader.policy,
            {},
            self._now(),
            words=reader.words,
            path=path,
        )
        await self._notes.note(
            reader.person.name,
            Did.LOOKED,
            site=str(selection.site.domain),
            report=report,
            period=f"{selection.period.first}/{selection.period.last}",
        )
        return selection


def _sees_all(reader: Reader) -> bool:
    """Tell whether a reader may know what is of all sites together."""
    return not reader.person.sites


def _frame(reader: Reader, selection: Selection) -> dict[str, object]:
    """Return what the frame shows; reports and filters are not of this page."""
    reports = replace(selection.without_filters(), path=PATH)
    return {
        **frame_of(reader, selection.without_filters()),
        "home": reports.address(),
        "navigation": report_links(reader.policy, reader.words, reports),
        "comparisons": (),
    }
