"""The doors of e-mail, as plain ASGI: `GET /e/CAMPAIGN/open.gif` and `GET /e/CAMPAIGN/LINK`.

What a message shows and where its links lead doesn't hang on counting: whoever is refused, and
whose hit can't be kept, gets the picture and the page alike. Where a link leads is what was
registered, and nothing that a request says.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from msgspec.structs import replace
from starlette.types import Receive, Scope, Send

from anonymizer.agents import Agents
from anonymizer.hits import Door, Mail, RawHit, SiteId
from anonymizer.mail_clients import LOOKING, read_mail_kind
from anonymizer.policy import Site
from collector.counted import COUNTED
from collector.doors import PIXEL
from collector.email.recipients import Recipients
from collector.email.registry import Campaign, Registry, Target
from collector.email.tokens import Token
from collector.intake import Intake
from collector.receive import BadRequest
from collector.sender import read_sender

log = logging.getLogger("discreet")

PREFIX = "/e/"
PICTURE = "open.gif"

REDIRECT_WITHIN_SECONDS = 0.01
"""How long a redirect waits for the disk; its row is written all the same."""

_Header = tuple[bytes, bytes]
_ANSWERED: tuple[_Header, ...] = (
    (b"cache-control", b"no-store"),
    (b"tk", b"N"),
    # The page that follows need not learn in whose webmail the link stood; it has the campaign.
    (b"referrer-policy", b"no-referrer"),
)


class MailDoors:
    """Answers everything below `PREFIX`. Use it from the event loop."""

    def __init__(
        self,
        intake: Intake,
        registry: Registry,
        sites: Mapping[SiteId, Site],
        now: Callable[[], int],
        agents: Agents,
        recipients: Recipients | None = None,
    ) -> None:
        """Take `recipients`, who know tokens; without them no request with a token is counted."""
        self._intake = intake
        self._registered = registry
        self._sites = sites
        self._now = now
        self._agents = agents
        self._recipients = recipients
        self._counting: set[asyncio.Task[list[_Header]]] = set()

    async def close(self) -> None:
        """Close the registry once what was answered is on disk."""
        await asyncio.gather(*self._counting)
        self._registered.close()

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer a request for a picture, or for a link."""
        code, slash, last = scope["path"][len(PREFIX) :].partition("/")
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            await _answer(send, 405, b"", [(b"allow", b"GET, HEAD")])
        elif last == PICTURE:
            await self._show(scope, send, self._registered.lookup(code))
        else:
            target = self._registered.target(code, last) if slash else None
            await self._lead(scope, send, target)

    async def _show(self, scope: Scope, send: Send, campaign: Campaign | None) -> None:
        if campaign is None:
            await _answer(send, 404, b"", [])
            return
        told = await self._count(scope, campaign, "", "/")
        await _answer(send, 200, PIXEL, [(b"content-type", b"image/gif"), *told])

    async def _lead(self, scope: Scope, send: Send, target: Target | None) -> None:
        if target is None:
            await _answer(send, 404, b"", [])
            return
        page = _page_of(target.url, target.campaign.site)
        counting = asyncio.create_task(self._count(scope, target.campaign, target.number, page))
        self._counting.add(counting)  # the loop itself keeps no task alive
        counting.add_done_callback(self._counting.discard)
        # Nothing is told of the hit: whether it is known yet hangs on the disk.
        await asyncio.wait({counting}, timeout=REDIRECT_WITHIN_SECONDS)
        await _answer(send, 302, b"", [(b"location", target.url.encode("ascii"))])

    async def _count(self, scope: Scope, campaign: Campaign, link: str, page: str) -> list[_Header]:
        """Return what to tell of a hit once it is on disk; nothing when it can't be kept."""
        if campaign.site not in self._sites:  # the policy no longer has it
            return []
        try:
            raw, token = self._receive(scope, campaign, link, page)
            first = token is not None and self._may_be_first(raw)
            outcome = await (self._take_first(raw, token) if first and token else self._take(raw))
        except Exception as error:  # noqa: BLE001  # the one handler of these doors
            # What can't be kept is logged where it happens; else the text may hold what was sent.
            if not isinstance(error, BadRequest):
                log.error("a request failed: %s", type(error).__name__)  # noqa: TRY400
            return []
        return [(b"x-discreet", outcome)]

    def _receive(
        self, scope: Scope, campaign: Campaign, link: str, page: str
    ) -> tuple[RawHit, Token | None]:
        client = scope.get("client")
        sender = read_sender(scope["headers"], client[0] if client else "")
        raw_token = _token_of(scope["query_string"])
        token = None
        if raw_token is not None and self._recipients is not None:
            token = self._recipients.read_token(raw_token, campaign.code)
        is_head = scope["method"] == "HEAD"
        raw = RawHit(
            door=Door.EMAIL,
            site=campaign.site,
            time=self._now(),
            raw_address=sender.raw_address,
            raw_agent=sender.raw_agent,
            raw_url=page,
            dnt=sender.dnt,
            gpc=sender.gpc,
            prefetch=sender.prefetch,
            # Whose token is good no more is counted no more, not even in a campaign's sum.
            opted_out=sender.opted_out or (raw_token is not None and token is None),
            mail=Mail(campaign.name, campaign.variant, link, is_head, token is not None),
        )
        return raw, token

    def _may_be_first(self, raw: RawHit) -> bool:
        """Tell whether someone opens a message; machines take no recipient's first open."""
        mail = raw.mail
        if mail is None or mail.link:
            return False
        kind = read_mail_kind(raw, mail, self._agents.read_agent(raw.raw_agent))
        # What is refused is never written, not even to be taken back: a log keeps both for a while.
        return kind in LOOKING and self._intake.admits_mail(raw, mail)

    async def _take(self, raw: RawHit) -> bytes:
        return await self._intake.take(lambda: [raw])

    async def _take_first(self, raw: RawHit, token: Token) -> bytes:
        if self._recipients is None or raw.mail is None:
            return await self._take(raw)
        first = await self._recipients.first_open(token)
        outcome = b""
        try:
            outcome = await self._take(replace(raw, mail=replace(raw.mail, first=first)))
        finally:
            if first and outcome != COUNTED.encode():
                await self._recipients.take_back(token)
        return outcome


def _page_of(url: str, site: SiteId) -> str:
    """Return the page of the site that a link leads to, for pages may be for children."""
    parts = urlsplit(url)
    return (parts.path or "/") if parts.netloc in (site, f"www.{site}") else "/"


def _token_of(query: bytes) -> str | None:
    for pair in query.split(b"&"):
        if pair.startswith(b"t="):
            return pair[2:].decode("latin-1")
    return None


async def _answer(send: Send, status: int, body: bytes, headers: Sequence[_Header]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [length, *_ANSWERED, *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})
