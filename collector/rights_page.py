"""`/rights`: what a person may ask for, and a form for the holder of a receipt.

It needs no script. The receipt's id is posted, never put in an address.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import parse_qs, urlencode

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anonymizer.addresses import coarsen_address
from anonymizer.policy import Policy
from collector.bodies import read_body
from collector.consent_door import AddressOf
from collector.plain_words import tell_purpose
from collector.receipt_desk import NothingToWithdraw, ReceiptDesk, TooMany, UnknownReceipt
from collector.receipts import Receipt, state_of
from collector.receive import BadRequest
from collector.store import StoreFailed
from collector.visitor_pages import Language, VisitorPages

PATH = "/rights"
_MAX_FORM_BYTES = 2_000


class Action(StrEnum):
    """What its buttons do with a receipt."""

    FIND = "find"
    EXPORT = "export"
    WITHDRAW = "withdraw"
    ERASE = "erase"


class _BadForm(Exception):
    """The form can't be read."""


class _Shown(Struct, frozen=True):
    """A receipt in the reader's language."""

    state: str
    site: str
    version: str
    hour: str
    withdrawn: str
    kept_until: str
    purposes: Sequence[str]


# What went wrong → the key of the text that says so, and the status.
_TOLD: Mapping[type[Exception], tuple[str, int]] = {
    _BadForm: ("bad_form", 400),
    UnknownReceipt: ("unknown", 404),
    NothingToWithdraw: ("nothing_to_withdraw", 409),
    TooMany: ("too_many", 429),
    StoreFailed: ("failed", 503),
}


def rights_routes(
    desk: ReceiptDesk, policy: Policy, pages: VisitorPages, raw_address_of: AddressOf
) -> list[Route]:
    """Return the route of the page, for GET and POST."""
    page = _RightsPage(desk, policy, pages, raw_address_of)
    return [Route(PATH, page.show, methods=["GET"]), Route(PATH, page.answer, methods=["POST"])]


class _RightsPage:
    def __init__(
        self, desk: ReceiptDesk, policy: Policy, pages: VisitorPages, raw_address_of: AddressOf
    ) -> None:
        self._desk = desk
        self._policy = policy
        self._pages = pages
        self._raw_address_of = raw_address_of

    async def show(self, request: Request) -> Response:
        return self._render(request)

    async def answer(self, request: Request) -> Response:
        network = coarsen_address(self._raw_address_of(request))
        try:
            action, raw_id = await _read_form(request)
            if action is Action.ERASE:
                await self._desk.erase(raw_id, network)
                return _changed(self._render(request, told="erased"))
            if action is Action.WITHDRAW:
                receipt = await self._desk.withdraw(raw_id, network)
                return _changed(self._render(request, told="withdrawn", receipt=receipt))
            receipt = await self._desk.find(raw_id, network)
        except tuple(_TOLD) as error:
            told, status = _TOLD[type(error)]
            answer = self._render(request, told=told, status=status)
            if isinstance(error, TooMany):
                answer.headers["Retry-After"] = str(error.wait_seconds)
            return answer
        if action is Action.EXPORT:
            return _download(self._desk.tell(raw_id, receipt))
        return self._render(request, told="found", receipt=receipt)

    def _render(
        self,
        request: Request,
        *,
        told: str = "",
        receipt: Receipt | None = None,
        status: int = 200,
    ) -> Response:
        language = self._pages.language_of(request)
        return self._pages.render(
            request,
            "rights.html",
            {
                "action": f"{PATH}?{urlencode({'lang': language.code})}",
                "told": told,
                "went_wrong": status != 200,
                "receipt": None if receipt is None else self._tell(receipt, language),
                "contact": self._policy.contact,
                "authority": self._policy.authority,
            },
            status=status,
        )

    def _tell(self, receipt: Receipt, language: Language) -> _Shown:
        text = language.texts["rights"]
        policy = self._desk.versions.kept.get(receipt.version, self._policy)
        titles = {purpose.id: tell_purpose(purpose, language) for purpose in policy.purposes}
        state = state_of(receipt, self._desk.versions, self._desk.now())
        return _Shown(
            state=text[f"state_{state}"],
            site=receipt.site,
            version=receipt.version,
            hour=f"{receipt.hour:%Y-%m-%d %H:00} UTC",
            withdrawn=f"{receipt.withdrawn:%Y-%m-%d %H:00} UTC" if receipt.withdrawn else "",
            kept_until=receipt.keep_until.isoformat(),
            purposes=[titles.get(purpose, purpose) for purpose in receipt.purposes],
        )


async def _read_form(request: Request) -> tuple[Action, str]:
    try:
        body = await read_body(request, _MAX_FORM_BYTES)
        values = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=10)
        (action,), (raw_id,) = values["action"], values["receipt"]
        return Action(action), raw_id.strip()
    except (BadRequest, ValueError, KeyError):
        raise _BadForm from None


def _changed(answer: Response) -> Response:
    answer.headers["Tk"] = "U"  # TPE: an answer to what changed the sender's tracking status
    return answer


def _download(receipt: dict[str, object]) -> Response:
    return Response(
        msgspec.json.format(msgspec.json.encode(receipt)) + b"\n",
        media_type="application/json",
        headers={
            "Content-Disposition": 'attachment; filename="consent-receipt.json"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Tk": "N",
        },
    )
