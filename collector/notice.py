"""`/privacy` and `/privacy/{version}`: the notice, made from the policy and from nothing else.

The same for everybody: it depends on the reader's language alone and may be cached.
"""

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from anonymizer.policy import Policy, Purpose, Statistic
from collector.change_words import tell_changes
from collector.plain_words import (
    tell_dimension_notes,
    tell_dimensions,
    tell_measures,
    tell_purpose,
)
from collector.policy_archive import PolicyArchive
from collector.schema.views import measures_of
from collector.sender import OPT_OUT_COOKIE
from collector.visitor_pages import Language, VisitorPages

# A changed notice is read within the hour; an archived version may yet be told its successor.
_CACHED = "public, max-age=3600"


class _Purpose(Struct, frozen=True):
    """A purpose with its statistics, as a page shows them."""

    purpose: Purpose
    title: str
    counts: Sequence["_Counts"]


class _Counts(Struct, frozen=True):
    """Statistics that count the same in periods of one length."""

    title: str
    statistics: Sequence[tuple[Statistic, str]]
    """Each with what it is told apart by, in words."""


class _Version(Struct, frozen=True):
    """A line of the list of versions."""

    version: str
    effective: str
    before: str
    """The version it followed; empty for the first."""
    changes: Sequence[tuple[str, bool]]
    """What changed from the one before it, and whether that is major."""


def notice_routes(policy: Policy, archive: PolicyArchive, pages: VisitorPages) -> list[Route]:
    """Return the routes of the notice under `policy`, which `archive` must have kept.

    Raises:
        BadArchive: an archived policy can't be read.
    """
    policies = {version: archive.read(version) for version in archive.versions()}
    history = tuple(policies.values())
    # By path and language: all that a page depends on. One takes some 5 ms to render.
    rendered: dict[tuple[str, str], Response] = {}

    def show(request: Request, shown: Policy) -> Response:
        language = pages.language_of(request)
        known = rendered.get((request.url.path, language.code))
        if known is not None:
            return known
        answer = pages.render(
            request,
            "privacy.html",
            {
                "policy": shown,
                "in_force": policy.version,
                "successor": _successor(shown, policy, history),
                "purposes": [_tell(purpose, shown, language) for purpose in shown.purposes],
                "hides_small": all(map(_hides_small, shown.statistics)),
                "notes": tell_dimension_notes(shown, language),
                "versions": _tell_versions(history, language),
                "cookie": OPT_OUT_COOKIE,
            },
        )
        answer.headers["Cache-Control"] = _CACHED
        rendered[request.url.path, language.code] = answer
        return answer

    async def current(request: Request) -> Response:
        return show(request, policy)

    async def archived(request: Request) -> Response:
        shown = policies.get(request.path_params["version"])
        if shown is None:
            values = {"versions": list(reversed(policies))}
            return pages.render(request, "no_version.html", values, status=404)
        return show(request, shown)

    return [Route("/privacy", current), Route("/privacy/{version}", archived)]


def _successor(shown: Policy, current: Policy, history: Sequence[Policy]) -> Policy | None:
    """Return what replaced a policy; None for the one in force."""
    if shown.version == current.version:
        return None
    later = (after for before, after in pairwise(history) if before.version == shown.version)
    return next(later, current)


def _hides_small(statistic: Statistic) -> bool:
    """Tell whether no single visitor's cell of a statistic is shown, but in totals."""
    counts_visitors = "visitors" in measures_of(statistic)
    return statistic.min_group > 1 or not statistic.dimensions() or not counts_visitors


def _tell(purpose: Purpose, policy: Policy, language: Language) -> _Purpose:
    def title(statistic: Statistic) -> str:
        measures = tell_measures(statistic, language)
        return language.texts["privacy"][f"each_{statistic.grain}"].format(measures=measures)

    counts: dict[str, list[tuple[Statistic, str]]] = {}
    for each in policy.statistics:
        if each.purpose == purpose.id:
            counts.setdefault(title(each), []).append((each, tell_dimensions(each, language)))
    return _Purpose(
        purpose, tell_purpose(purpose, language), [_Counts(*group) for group in counts.items()]
    )


def _tell_versions(history: Sequence[Policy], language: Language) -> list[_Version]:
    """List the versions, the newest first."""
    told = [_Version(policy.version, policy.effective, "", ()) for policy in history[:1]]
    for before, after in pairwise(history):
        changes = tell_changes(before, after, language)
        told.append(_Version(after.version, after.effective, before.version, changes))
    return told[::-1]
