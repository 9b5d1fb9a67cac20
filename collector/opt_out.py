"""`/opt-out`: what is counted and for what, and one button that turns it off or on.

It needs no script. The refusal is one cookie without an id; a visit here is written nowhere.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from anonymizer.hits import SiteId
from anonymizer.policy import ConsentMode, Policy, Purpose, Site, Statistic
from anonymizer.signals import Signals, refuses_sale, refuses_tracking
from collector.bodies import read_body
from collector.opt_out_cookie import deleting_cookies, read_reach, refusing_cookie
from collector.plain_words import (
    tell_dimension_notes,
    tell_dimensions,
    tell_measures,
    tell_purpose,
)
from collector.receive import BadRequest
from collector.sender import read_sender
from collector.visitor_pages import Language, VisitorPages

PATH = "/opt-out"
_DEPENDS_ON = ("DNT", "Sec-GPC", "Cookie")
_UNCACHED = {
    "Cache-Control": "no-store",
    "Vary": ", ".join((*_DEPENDS_ON, "Accept-Language")),
}
_MAX_FORM_BYTES = 1_000


class Action(StrEnum):
    """What the button does to counting."""

    OFF = "off"
    ON = "on"


class Counts(Struct, frozen=True):
    """Statistics of one purpose that count the same, each in words."""

    title: str
    told_apart_by: Sequence[str]


class Told(Struct, frozen=True):
    """One purpose in the reader's language."""

    title: str
    clause: str
    keep_days: int
    counts: Sequence[Counts]


def opt_out_routes(policy: Policy, pages: VisitorPages) -> list[Route]:
    """Return the route of the page, for GET and POST."""
    return [Route(PATH, _OptOut(policy, pages).answer, methods=["GET", "POST"])]


class _OptOut:
    def __init__(self, policy: Policy, pages: VisitorPages) -> None:
        self._policy = policy
        self._pages = pages
        self._told = {
            language.code: tell_purposes(policy, language) for language in pages.languages
        }

    async def answer(self, request: Request) -> Response:
        return await self._switch(request) if request.method == "POST" else self._show(request)

    async def _switch(self, request: Request) -> Response:
        try:
            action = await _read_action(request)
        except BadRequest as error:
            return JSONResponse(
                {"error": str(error), "field": error.field},
                error.status,
                {**_UNCACHED, "Tk": "N"},
            )
        if not _may_switch(request, action):
            # Says nothing of the state: browsers send no Lax cookie with another site's form.
            return self._pages.render(
                request, "foreign_form.html", {"address": PATH}, status=403, vary=_DEPENDS_ON
            )
        reach = read_reach(request.headers.get("host", ""), self._policy.sites)
        https = _comes_over_https(request)
        cookies = (
            [refusing_cookie(reach, https)]
            if action is Action.OFF
            else deleting_cookies(reach, https)
        )
        language = self._pages.language_of(request)
        answer = RedirectResponse(
            f"{PATH}?{urlencode({'lang': language.code, 'asked': action.value})}",
            status_code=303,
            headers={**_UNCACHED, "Tk": "U"},  # TPE, "Indicating an Interactive Status Change"
        )
        for cookie in cookies:
            answer.headers.append("Set-Cookie", cookie)
        return answer

    def _show(self, request: Request) -> Response:
        language = self._pages.language_of(request)
        reach = read_reach(request.headers.get("host", ""), self._policy.sites)
        signals = self._read_signals(request)
        covered = [site for site in self._policy.sites if reach.covers(site)]
        asked = request.query_params.get("asked")
        return self._pages.render(
            request,
            "opt_out.html",
            {
                "signal": "GPC" if signals.gpc else "DNT" if signals.dnt else "",
                "refused": signals.opted_out,
                "unkept": asked == ("on" if signals.opted_out else "off"),
                "action": f"{PATH}?{urlencode({'lang': language.code})}",
                "unasked": any(map(_counts_unasked, self._policy.sites.values())),
                "covered": covered,
                "uncovered": [site for site in self._policy.sites if site not in covered],
                "sites": self._tell_sites(language),
                "purposes": self._told[language.code],
                "notes": tell_dimension_notes(self._policy, language),
            },
            vary=_DEPENDS_ON,
        )

    def _read_signals(self, request: Request) -> Signals:
        """Read the wishes of this request as those of a hit are read."""
        sender = read_sender(request.scope["headers"], "")
        return Signals(
            dnt=refuses_tracking(sender.dnt),
            gpc=refuses_sale(sender.gpc),
            opted_out=sender.opted_out,
        )

    def _tell_sites(self, language: Language) -> Mapping[SiteId, str]:
        text = language.texts["opt_out"]
        return {
            domain: text["child_directed" if site.child_directed else f"mode_{site.consent}"]
            for domain, site in self._policy.sites.items()
        }


def _counts_unasked(site: Site) -> bool:
    return not site.child_directed and site.consent is not ConsentMode.OPT_IN


def tell_purposes(policy: Policy, language: Language) -> Sequence[Told]:
    """Put the purposes that have statistics into words, in the policy's order."""
    told = []
    for purpose in policy.purposes:
        statistics = [each for each in policy.statistics if each.purpose == purpose.id]
        if statistics:
            told.append(_tell_purpose(purpose, statistics, language))
    return told


def _tell_purpose(purpose: Purpose, statistics: Sequence[Statistic], language: Language) -> Told:
    counts: dict[str, list[str]] = {}
    for statistic in statistics:
        words = [tell_dimensions(statistic, language)] if statistic.dimensions() else []
        counts.setdefault(_tell_counting(statistic, language), []).extend(words)
    return Told(
        tell_purpose(purpose, language),
        purpose.clause,
        max(statistic.keep_days for statistic in statistics),
        [Counts(title, words) for title, words in counts.items()],
    )


def _tell_counting(statistic: Statistic, language: Language) -> str:
    """Say what is counted how often, from how large a group on; not what it is told apart by."""
    told_apart = "some" if statistic.min_group == 1 else "groups"
    kind = told_apart if statistic.dimensions() else "total"
    return language.texts["opt_out"][f"{kind}_each_{statistic.grain}"].format(
        measures=tell_measures(statistic, language), group=statistic.min_group
    )


async def _read_action(request: Request) -> Action:
    body = await read_body(request, _MAX_FORM_BYTES)
    try:
        values = parse_qs(body.decode("ascii"), max_num_fields=10)["action"]
        (value,) = values
        return Action(value)
    except (ValueError, KeyError):
        raise BadRequest("action", "must be off or on, as a form field") from None


def _may_switch(request: Request, action: Action) -> bool:
    """Tell whether a form may do what it asks: only one of this page may switch counting on.

    Browsers name the sender of a form in Sec-Fetch-Site or, over plain http, in Origin. What
    names none is no browser of today; it may refuse, as a refusal harms nobody.
    """
    sent_by = request.headers.getlist("sec-fetch-site")
    if sent_by:
        return sent_by == ["same-origin"]
    origins = request.headers.getlist("origin")
    if origins:
        return len(origins) == 1 and _is_own_origin(origins[0], request)
    return action is Action.OFF


def _comes_over_https(request: Request) -> bool:
    """Tell the scheme that the browser sees; a proxy may have taken the TLS off."""
    origin = request.headers.get("origin", "")
    if _is_own_origin(origin, request):
        return origin.lower().startswith("https://")
    return request.url.scheme == "https"


def _is_own_origin(origin: str, request: Request) -> bool:
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc == request.headers.get("host", "")
