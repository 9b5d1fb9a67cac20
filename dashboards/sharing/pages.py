"""`/shared/TOKEN`: the overview and reports of one site, read only, for whoever holds the link.

The link is the login: no user, no session. A link with a password gives a cookie for it, of this
link's path alone. In a frame there is none, since browsers keep no cookies of a page within
another's: a link that may be framed has no password.
"""

import contextlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import urlencode

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from anonymizer.policy import Policy
from dashboards.address.selection import PATH
from dashboards.logins.forms import FormError, read_form
from dashboards.logins.throttle import WINDOW, Throttle
from dashboards.pages import PAGE_HEADERS, go_to, show, show_fault, words_of
from dashboards.readers import Endpoint, Page, Reader, ask_page
from dashboards.sharing.answers import KEPT_AT_MOST, SharedAnswers
from dashboards.words import message
from people.people import People
from people.shares import OpenShare, Share
from people.user_file import UsersFailed

SHARED = "/shared"
LIFETIME = timedelta(hours=12)
"""How long a password need not be given again."""
MAX_NETWORK_FAILURES = 30
"""Wrong passwords of one network within WINDOW, over all links."""

_PLACE = re.compile(r"[A-Za-z0-9._~%=&+:*|-]{0,2000}")
_GONE = message("This link is not valid, or no longer.")
_FRAMED_WITH_PASSWORD = message(
    "A link with a password can't be shown in a frame: browsers keep no cookie there."
)
_NOT_FRAMED = message("This link is not shared for being shown in a frame.")
_NO_EXPORTS = message("This link does not export reports.")
_TOO_MANY = message("This link was asked for too many pages. Please wait a minute.")
_TOO_MANY_FILES = message("This link was asked for too many files. Please wait a minute.")


class SharedPages:
    """Shows pages to the holders of links."""

    def __init__(
        self,
        policy: Policy,
        people: People,
        network_of: Callable[[Request], str],
        now: Callable[[], datetime],
    ) -> None:
        self._policy = policy
        self._shares = people.shares
        self._secret = people.users.session_secret()
        self._network_of = network_of
        self._now = now
        self._answers = SharedAnswers()
        self._links = Throttle()
        self._networks = Throttle(MAX_NETWORK_FAILURES, WINDOW)
        # One at a time: a check takes 64 MiB.
        self._checks = CapacityLimiter(1)

    def routes(self, page: Page, export: Page) -> list[BaseRoute]:
        """Return the routes; `page` shows the overview and reports, `export` their files."""
        below = f"{SHARED}/{{token}}"
        return [
            Route(below, self._guard(page), methods=["GET"]),
            Route(below, self._check_password, methods=["POST"]),
            Route(f"{below}/embed", self._frame(page), methods=["GET"]),
            Route(f"{below}/export", self._guard_export(export), methods=["GET"]),
        ]

    def _guard(self, page: Page) -> Endpoint:
        async def answer(request: Request) -> Response:
            opened = await self._open(request)
            if opened is None:
                return _refuse(request, 404, _GONE)
            if request.query_params.get("embed") == "1":
                return go_to(_address(request, "/embed", without="embed"))
            if not self._is_let_in(request, opened):
                return _ask_password(request, 200, str(request.url.query), "")
            return await self._show(request, opened, page, _path(request))

        return answer

    def _frame(self, page: Page) -> Endpoint:
        async def answer(request: Request) -> Response:
            opened = await self._open(request)
            if opened is None:
                return _refuse(request, 404, _GONE)
            share = opened.share
            if share.has_password:
                return _refuse(request, 403, _FRAMED_WITH_PASSWORD)
            if not share.origins:
                return _refuse(request, 403, _NOT_FRAMED)
            shown = await self._show(request, opened, page, f"{_path(request)}/embed")
            policy = PAGE_HEADERS["Content-Security-Policy"]
            shown.headers["Content-Security-Policy"] = policy.replace(
                "frame-ancestors 'none'", f"frame-ancestors {' '.join(share.origins)}"
            )
            return shown

        return answer

    def _guard_export(self, export: Page) -> Endpoint:
        async def answer(request: Request) -> Response:
            opened = await self._open(request)
            if opened is None:
                return _refuse(request, 404, _GONE)
            if not opened.share.may_export:
                return _refuse(request, 403, _NO_EXPORTS)
            if not self._is_let_in(request, opened):
                return _ask_password(request, 200, "", "")
            now, share = self._now(), opened.share
            if wait := self._answers.wait_seconds_for_file(share.name, now):
                return _refuse(request, 429, _TOO_MANY_FILES, wait)
            answer = await ask_page(export, request, self._reader(request, opened, _path(request)))
            if answer.status_code == 200:
                await self._looked(share, now)
            return answer

        return answer

    async def _show(self, request: Request, opened: OpenShare, page: Page, path: str) -> Response:
        now, share = self._now(), opened.share
        reader = self._reader(request, opened, path)
        key = (share.name, str(share.made), path, str(request.url.query), reader.words.language)
        kept = self._answers.find(key, now)
        wait = 0 if kept is not None else self._answers.wait_seconds(share.name, now)
        if wait:
            kept = self._answers.find(key, now, KEPT_AT_MOST)
            if kept is None:
                return _refuse(request, 429, _TOO_MANY, wait)
        if kept is None:
            answer = await ask_page(page, request, reader)
            if answer.status_code != 200:
                return answer
            await self._looked(share, now)
            self._answers.keep(key, answer, now)
            kept = bytes(answer.body)
        # Anew, without cookies: what chooses the language stands in the address.
        return HTMLResponse(kept, headers=PAGE_HEADERS)

    async def _looked(self, share: Share, now: datetime) -> None:
        # The numbers stand without the day of the last look, and the trail has it.
        with contextlib.suppress(UsersFailed):
            await to_thread.run_sync(self._shares.looked, share, int(now.timestamp()))

    async def _open(self, request: Request) -> OpenShare | None:
        """Return the share of an address, while its site is in the policy."""
        now = int(self._now().timestamp())
        opened = await to_thread.run_sync(self._shares.find, request.path_params["token"], now)
        return opened if opened and opened.share.site in self._policy.sites else None

    def _reader(self, request: Request, opened: OpenShare, path: str) -> Reader:
        sites = {
            domain: site
            for domain, site in self._policy.sites.items()
            if domain == opened.share.site
        }
        policy = msgspec.structs.replace(self._policy, sites=sites)
        guest = opened.guest(may_export=not path.endswith("/embed"))
        return Reader(guest, "", policy, words_of(request), path)

    def _is_let_in(self, request: Request, opened: OpenShare) -> bool:
        if not opened.share.has_password:
            return True
        proof = request.cookies.get(_cookie_of(request), "")
        return self._shares.is_proof(opened, self._secret, proof, int(self._now().timestamp()))

    async def _check_password(self, request: Request) -> Response:
        now, opened = self._now(), await self._open(request)
        if opened is None:
            return _refuse(request, 404, _GONE)
        try:
            form = await read_form(request)
        except FormError as error:
            return _refuse(request, error.status, str(error))
        query = form.get("next", "")
        query = query if _PLACE.fullmatch(query) else ""
        if not opened.share.has_password:
            return go_to(_at(request, query))
        link, network = opened.share.name, self._network_of(request)
        wait = max(self._links.wait_seconds(link, now), self._networks.wait_seconds(network, now))
        if wait:
            sentence = message("Too many wrong passwords. Please wait a few minutes.")
            answer = _ask_password(request, 429, query, sentence)
            answer.headers["Retry-After"] = str(wait)
            return answer
        # Counted before the check and forgiven after it, so that tries sent at once all count.
        self._links.failed(link, now)
        self._networks.failed(network, now)
        password = form.get("password", "")
        check = self._shares.is_password
        if not await to_thread.run_sync(check, opened, password, limiter=self._checks):
            return _ask_password(request, 401, query, message("This is not the password."))
        self._links.passed(link)
        self._networks.took_back(network)
        ends = int((now + LIFETIME).timestamp())
        answer = go_to(_at(request, query))
        answer.set_cookie(
            _cookie_of(request),
            self._shares.proof_of(opened, self._secret, ends),
            max_age=int(LIFETIME.total_seconds()),
            path=_path(request),
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return answer


def _refuse(request: Request, status: int, sentence: str, wait: int = 0) -> Response:
    home = PATH if status == 404 else _path(request)
    answer = show_fault(words_of(request), status, sentence, home)
    if wait:
        answer.headers["Retry-After"] = str(wait)
    return answer


def _ask_password(request: Request, status: int, query: str, sentence: str) -> Response:
    words = words_of(request)
    values = {
        "page_address": _path(request),
        "place": query,
        "fault": words(sentence) if sentence else "",
    }
    return show(words, "share_password.html", values, status)


def _path(request: Request) -> str:
    return f"{SHARED}/{request.path_params['token']}"


def _at(request: Request, query: str) -> str:
    return f"{_path(request)}?{query}".rstrip("?")


def _address(request: Request, below: str, *, without: str) -> str:
    kept = [each for each in request.query_params.multi_items() if each[0] != without]
    return f"{_path(request)}{below}?{urlencode(kept)}".rstrip("?")


def _cookie_of(request: Request) -> str:
    """Name the cookie after the link, so that a browser may hold several."""
    token = request.path_params["token"]
    name = f"discreet_share_{sha256(token.encode(errors='surrogatepass')).hexdigest()[:12]}"
    return f"__Secure-{name}" if request.url.scheme == "https" else name
