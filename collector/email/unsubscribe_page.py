"""`/unsubscribe/TOKEN`: a page with one button, and RFC 8058's one click without a page.

GET changes nothing, for mail scanners follow links. POST answers alike whatever the token is;
no cookie, no redirect. Nothing of a request is kept but that its recipient unsubscribed.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anonymizer.addresses import coarsen_address
from anonymizer.signals import refuses_sale, refuses_tracking
from clickhouse_http.multipart import read_parts
from clickhouse_http.question import Refusal
from collector.bodies import read_body
from collector.email.recipients import Recipients
from collector.email.unsubscribe import RefusalsFailed
from collector.receive import BadRequest
from collector.sender import read_sender
from collector.throttle import Throttle
from collector.visitor_pages import VisitorPages

PATH = "/unsubscribe/{token}"
FIELD = "List-Unsubscribe"
ONE_CLICK = "One-Click"
MAX_BODY_BYTES = 10_000

# A minute's worth of tokens that are none. A right one is taken however many wrong ones came.
MAX_WRONG_PER_NETWORK = 60
MAX_WRONG = 3_000

_TEMPLATE = "unsubscribe.html"
_FORM = "application/x-www-form-urlencoded"
_HEADERS = {
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Robots-Tag": "noindex, nofollow",
}

Count = Callable[[bytes], Awaitable[None]]
"""Counts that one more recipient unsubscribed, by `tokens.hash_campaign` of what told him so."""


def unsubscribe_routes(
    recipients: Recipients,
    pages: VisitorPages,
    count: Count,
    raw_address_of: Callable[[Request], str],
    now: Callable[[], int],
) -> list[Route]:
    """Return the route of the page, for GET and POST."""
    page = _UnsubscribePage(recipients, pages, count, raw_address_of, now)
    # With a slash at its end too, which Starlette would redirect: RFC 8058 section 3.1 forbids it.
    return [
        Route(path, answer, methods=[method])
        for path in (PATH, f"{PATH}/")
        for method, answer in (("GET", page.show), ("POST", page.unsubscribe))
    ]


class _UnsubscribePage:
    def __init__(
        self,
        recipients: Recipients,
        pages: VisitorPages,
        count: Count,
        raw_address_of: Callable[[Request], str],
        now: Callable[[], int],
    ) -> None:
        self._recipients = recipients
        self._pages = pages
        self._count = count
        self._raw_address_of = raw_address_of
        self._now = now
        self._wrong = Throttle(MAX_WRONG_PER_NETWORK, MAX_WRONG)

    async def show(self, request: Request) -> Response:
        return self._render(request, "")

    async def unsubscribe(self, request: Request) -> Response:
        if not await _asks_for_it(request):
            return self._render(request, "bad_form", 400)
        found = self._recipients.read_unsubscribing(request.path_params["token"])
        if found is None:
            network = coarsen_address(self._raw_address_of(request))
            if wait_seconds := self._wrong.take(network, self._now()):
                answer = self._render(request, "too_many", 429)
                answer.headers["Retry-After"] = str(wait_seconds)
                return answer
            return self._render(request, "done")
        try:
            is_news = await self._recipients.unsubscribe(found.raw_reference)
        except RefusalsFailed:
            answer = self._render(request, "failed", 503)
            answer.headers["Retry-After"] = "60"
            return answer
        if is_news and not _refuses_counting(request):
            await self._count(found.campaign)
        return self._render(request, "done")

    def _render(self, request: Request, told: str, status: int = 200) -> Response:
        language = self._pages.language_of(request)
        token = quote(request.path_params["token"], safe="")
        answer = self._pages.render(
            request,
            _TEMPLATE,
            {
                "told": told,
                "went_wrong": status != 200,
                "action": f"{PATH.format(token=token)}?{urlencode({'lang': language.code})}",
                "field": FIELD,
                "value": ONE_CLICK,
                "contact": self._pages.contact,
            },
            status=status,
        )
        answer.headers.update(_HEADERS)
        return answer


async def _asks_for_it(request: Request) -> bool:
    """Tell whether a body is RFC 8058's, section 3.2, in either of the two forms it may have."""
    content_type = request.headers.get("content-type", _FORM)
    try:
        body = await read_body(request, MAX_BODY_BYTES)
        if content_type.lower().startswith("multipart/"):
            parts = read_parts(body, content_type)
            fields = [(part.name, part.data.decode("ascii")) for part in parts]
        else:
            fields = parse_qsl(body.decode("ascii"), max_num_fields=10)
    except (BadRequest, ValueError, Refusal):
        return False
    return (FIELD, ONE_CLICK) in [(name, value.strip()) for name, value in fields]


def _refuses_counting(request: Request) -> bool:
    sender = read_sender(request.scope["headers"], "")
    return refuses_tracking(sender.dnt) or refuses_sale(sender.gpc) or sender.opted_out
