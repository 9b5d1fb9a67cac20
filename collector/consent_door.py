"""`/api/consent`: what is asked, a decision recorded, its receipt shown, withdrawn, erased.

The receipt's id comes as a bearer token (RFC 6750 section 2.1), never in an address.
Nothing of a request but the decision is kept.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from anonymizer.addresses import coarsen_address
from anonymizer.hits import SiteId
from anonymizer.policy import Policy, Purpose, PurposeId, Site
from anonymizer.signals import refuses_sale, refuses_tracking
from collector.bodies import read_body
from collector.email.consents import PURPOSE as BY_MAIL
from collector.receipt_desk import NothingToWithdraw, ReceiptDesk, TooMany, UnknownReceipt
from collector.receipts import VALIDITY, Decision, make_receipt
from collector.receive import BadRequest
from collector.sender import read_sender
from collector.store import StoreFailed

PATH = "/api/consent"
MAX_BODY_BYTES = 8_000
MAX_PURPOSES = 20

AddressOf = Callable[[Request], str]
"""Returns the address that a request comes from."""

_CORS = {
    # Sites' own pages call; no cookie is read, so any origin may.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "retry-after, tk",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "86400",
}
_UNCHANGED = {"Tk": "N"}
_CHANGED = {"Tk": "U"}  # TPE: an answer to a request that changed what applies to its sender


class _Sent(Struct):
    site: str
    version: str
    purposes: list[str]
    state: Literal["given", "refused"]
    language: str


_decode = msgspec.json.Decoder(_Sent).decode
_FIELD = re.compile(r"`\$\.(?P<field>[a-z]+)|missing required field `(?P<missing>[a-z]+)`")
_WANTED = {
    "purposes": "must be a list of the policy's purposes",
    "state": "must be given or refused",
}


def consent_routes(desk: ReceiptDesk, raw_address_of: AddressOf) -> list[Route]:
    """Return the routes under `/api/consent`."""
    door = _ConsentDoor(desk, raw_address_of)
    return [
        Route(PATH, _answered(door.show), methods=["GET"]),
        Route(PATH, _answered(door.record), methods=["POST"]),
        Route(PATH, _answered(door.erase), methods=["DELETE"]),
        Route(f"{PATH}/withdraw", _answered(door.withdraw), methods=["POST"]),
        *(Route(path, _preflight, methods=["OPTIONS"]) for path in (PATH, f"{PATH}/withdraw")),
    ]


class _ConsentDoor:
    def __init__(self, desk: ReceiptDesk, raw_address_of: AddressOf) -> None:
        self._desk = desk
        self._raw_address_of = raw_address_of

    async def show(self, request: Request) -> Response:
        if "authorization" not in request.headers:
            return _json(200, self._asked(request))
        raw_id = _read_id(request)
        receipt = await self._desk.find(raw_id, self._network(request))
        return _json(200, self._desk.tell(raw_id, receipt))

    async def record(self, request: Request) -> Response:
        sent = await _read_decision(request)
        current, kept = self._desk.versions.current, self._desk.versions.kept
        site = current.sites.get(SiteId(sent.site.lower()))
        if site is None:
            raise BadRequest("site", "is no site of this collector")
        policy = kept.get(sent.version)
        if (
            policy is None
            or sent.version not in self._desk.versions.honoured
            or site.domain not in policy.sites
        ):
            raise BadRequest("version", "must be a version of the policy that is honoured")
        if sent.language not in policy.languages:
            raise BadRequest("language", "must be a language of the policy")
        decision = Decision(sent.state)
        if decision is Decision.GIVEN:
            self._refuse_what_is_refused(request, site)
        receipt = make_receipt(
            policy,
            site.domain,
            _read_purposes(sent, policy),
            decision,
            sent.language,
            self._desk.now(),
        )
        raw_id = await self._desk.record(receipt, self._network(request))
        return _json(201, self._desk.tell(raw_id, receipt), _CHANGED)

    async def withdraw(self, request: Request) -> Response:
        raw_id = _read_id(request)
        receipt = await self._desk.withdraw(raw_id, self._network(request))
        return _json(200, self._desk.tell(raw_id, receipt), _CHANGED)

    async def erase(self, request: Request) -> Response:
        await self._desk.erase(_read_id(request), self._network(request))
        return Response(None, 204, {**_CORS, **_CHANGED})

    def _asked(self, request: Request) -> Mapping[str, object]:
        site = self._desk.versions.current.sites.get(
            SiteId(request.query_params.get("site", "").lower())
        )
        if site is None:
            raise BadRequest("site", "is no site of this collector")
        policy = self._desk.versions.current
        return {
            "version": policy.version,
            "honoured": sorted(self._desk.versions.honoured),
            "purposes": [
                _tell_purpose(purpose) for purpose in policy.purposes if purpose.id != BY_MAIL
            ],
            "mode": site.consent,
            "languages": policy.languages,
            "validity": f"P{VALIDITY.days}D",
            "privacy": "/privacy",
            "opt_out": "/opt-out",
        }

    def _network(self, request: Request) -> str:
        return coarsen_address(self._raw_address_of(request))

    def _refuse_what_is_refused(self, request: Request, site: Site) -> None:
        """Give no receipt of a consent that the gate would not honour in a hit sent alike."""
        sender = read_sender(request.scope["headers"], "")
        if refuses_tracking(sender.dnt) or refuses_sale(sender.gpc) or sender.opted_out:
            # TPE: 409 is the answer to a request that the preference it carries contradicts.
            wanted = "can't be given while DNT, GPC or the opt-out cookie refuses"
            raise BadRequest("state", wanted, status=409)
        if site.child_directed or "/" in site.child_paths:
            raise BadRequest("state", "can't be given on a site for children", status=409)


def _tell_purpose(purpose: Purpose) -> Mapping[str, object]:
    return {
        "id": purpose.id,
        "title": purpose.title,
        "titles": purpose.titles,
        "clause": purpose.clause,
        "basis": purpose.basis,
    }


async def _read_decision(request: Request) -> _Sent:
    body = await read_body(request, MAX_BODY_BYTES)
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        raise _wrong_type(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("body", "must be a JSON object in UTF-8") from None


def _wrong_type(message: str) -> BadRequest:
    """Name the field from msgspec's message, which holds paths and types but no values."""
    found = _FIELD.search(message)
    field = (found["field"] or found["missing"]) if found else None
    if field is None:
        return BadRequest("body", "must be a JSON object")
    return BadRequest(field, _WANTED.get(field, "must be text"))


def _read_purposes(sent: _Sent, policy: Policy) -> list[PurposeId]:
    if len(sent.purposes) > MAX_PURPOSES:
        raise BadRequest("purposes", f"must be {MAX_PURPOSES} at most")
    purposes = [purpose.id for purpose in policy.purposes if purpose.id in sent.purposes]
    if not purposes or len(purposes) < len(set(sent.purposes)):
        raise BadRequest("purposes", "must name purposes of the policy's version, at least one")
    return purposes


def _read_id(request: Request) -> str:
    """Return the bearer token, or what stands in its place: it is then no receipt's id."""
    scheme, _, raw_token = request.headers.get("authorization", "").partition(" ")
    return raw_token if scheme.lower() == "bearer" else ""


def _answered(
    answer: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    async def answer_or_refuse(request: Request) -> Response:
        try:
            return await answer(request)
        except BadRequest as error:
            return _error(error.status, error.field, error.wanted)
        except UnknownReceipt:
            return _error(404, "receipt", "has no such id")
        except NothingToWithdraw:
            return _error(409, "receipt", "must be of a consent that was given")
        except TooMany as error:
            return _error(
                429,
                "server",
                "takes no more of these at the moment",
                {"Retry-After": str(error.wait_seconds)},
            )
        except StoreFailed:
            return _error(503, "server", "can't keep or read receipts at the moment")

    return answer_or_refuse


async def _preflight(_: Request) -> Response:
    return Response(None, 204, {**_CORS, **_PREFLIGHT, **_UNCHANGED})


def _error(
    status: int, field: str, wanted: str, headers: Mapping[str, str] = _UNCHANGED
) -> Response:
    return _json(status, {"error": f"{field}: {wanted}", "field": field}, headers)


def _json(
    status: int, content: Mapping[str, object], headers: Mapping[str, str] = _UNCHANGED
) -> Response:
    return JSONResponse(content, status, {**_CORS, **_UNCHANGED, **headers})
