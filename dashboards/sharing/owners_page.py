"""`/dashboard/shares`: links that show one site, made and revoked by owners."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime

from anyio import CapacityLimiter, to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboards.address.selection import PATH
from dashboards.logins.forms import read_own_form
from dashboards.notes import Notes
from dashboards.pages import go_to, origin_of, show, show_fault, show_no_host
from dashboards.readers import Reader, Readers
from dashboards.sharing.pages import SHARED
from dashboards.words import Words, message
from people.roles import Right
from people.shares import MIN_PASSWORD, BadShare, Share, Shares
from people.trail import Did

SHARES = f"{PATH}/shares"

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FAULTS = {
    "name": message(
        "The name must be 1 to 40 letters, digits, dots, hyphens and underscores, and no other"
        " link’s."
    ),
    "site": message("The policy has no such site."),
    "expires": message("The day from which the link is void must be one to come."),
    "password": message("The password must have {least} characters at least."),
    "origin": message(
        "Sites that may show the link in a frame are written as https://www.example.org, ten at"
        " most; a link with a password can’t be shown in a frame."
    ),
}


class _ShownShare(Struct, frozen=True):
    name: str
    told: tuple[str, ...]
    """Its site, what it asks for, what it allows, until when, and when it was last used."""


def shares_page_routes(
    readers: Readers, shares: Shares, notes: Notes, now: Callable[[], datetime]
) -> list[BaseRoute]:
    """Return the routes of the page and its two forms; `now` carries a zone."""
    page = _SharesPage(shares, notes, now)
    guard = readers.guard
    return [
        Route(SHARES, guard(page.show, Right.SHARES), methods=["GET"]),
        Route(SHARES, guard(page.add, Right.SHARES), methods=["POST"]),
        Route(f"{SHARES}/revoke", guard(page.revoke, Right.SHARES), methods=["POST"]),
    ]


class _SharesPage:
    def __init__(self, shares: Shares, notes: Notes, now: Callable[[], datetime]) -> None:
        self._shares = shares
        self._notes = notes
        self._now = now
        # One at a time: hashing a password takes 64 MiB.
        self._hashing = CapacityLimiter(1)

    async def show(self, _: Request, reader: Reader) -> Response:
        return await self._show(reader, 200)

    async def add(self, request: Request, reader: Reader) -> Response:
        origin = origin_of(request)
        if not origin:
            return show_no_host(reader.words)
        form = await read_own_form(request, reader.token)
        try:
            token = await self._make(form, reader)
        except BadShare as error:
            field = str(error).partition(":")[0]
            fault = reader.words(_FAULTS.get(field, _FAULTS["name"]), least=MIN_PASSWORD)
            return await self._show(reader, 400, form=form, fault=fault)
        name, site = form.get("name", ""), form.get("site", "")
        await self._notes.note(reader.person.name, Did.SHARED, site=site, report=name)
        link = f"{origin}{SHARED}/{token}"
        frame = ""
        if form.get("origins", "").split():
            told = reader.words("Visits of {site}", site=site)
            frame = (
                f'<iframe src="{link}?embed=1" title="{told}" width="100%" height="900"></iframe>'
            )
        made = {"link": link, "frame": frame, "made": name, "made_site": site}
        return await self._show(reader, 200, made=made)

    async def revoke(self, request: Request, reader: Reader) -> Response:
        form = await read_own_form(request, reader.token)
        try:
            share = await to_thread.run_sync(self._shares.revoke, form.get("name", ""))
        except BadShare:
            return show_fault(reader.words, 404, message("There is no such link any more."))
        await self._notes.note(reader.person.name, Did.REVOKED, site=share.site, report=share.name)
        return go_to(SHARES)

    async def _make(self, form: Mapping[str, str], reader: Reader) -> str:
        if form.get("site", "") not in reader.policy.sites:
            raise BadShare("site: is no site of the policy")
        expires = _read_expiry(form.get("expires", ""))

        def add() -> str:
            return self._shares.add(
                form.get("name", ""),
                form["site"],
                int(self._now().timestamp()),
                password=form.get("password", ""),
                expires=expires,
                origins=set(form.get("origins", "").split()),
                may_export=bool(form.get("exports")),
            )

        return await to_thread.run_sync(add, limiter=self._hashing)

    async def _show(
        self,
        reader: Reader,
        status: int,
        *,
        form: Mapping[str, str] | None = None,
        fault: str = "",
        made: Mapping[str, str] | None = None,
    ) -> Response:
        now = int(self._now().timestamp())
        found = await to_thread.run_sync(self._shares.all)
        empty = dict.fromkeys(("name", "site", "expires", "origins", "exports"), "")
        values = {
            "shares": [_write_share(reader.words, share, now) for share in found],
            "sites": [str(domain) for domain in reader.policy.sites],
            "form": empty | dict(form or {}),
            "fault": fault,
            "page_address": SHARES,
            "token": reader.token,
            **(made or dict.fromkeys(("link", "frame", "made", "made_site"), "")),
            "name": reader.person.name,
        }
        return show(reader.words, "shares.html", values, status)


def _read_expiry(text: str) -> int | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise BadShare("expires: must be a day") from None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _write_share(words: Words, share: Share, now: int) -> _ShownShare:
    told = [share.site]
    told += [words("asks for a password")] if share.has_password else []
    told += [words("gives exports")] if share.may_export else []
    told += [words("may be framed by {origin}", origin=origin) for origin in share.origins]
    if share.expires is not None:
        day = words.day(datetime.fromtimestamp(share.expires, UTC).date())
        if share.is_over(now):
            told.append(words("void since {day}", day=day))
        else:
            told.append(words("void from {day} on", day=day))
    if share.last_looked:
        told.append(words("last looked at on {day}", day=words.day(share.last_looked)))
    else:
        told.append(words("never looked at"))
    return _ShownShare(share.name, tuple(told))
