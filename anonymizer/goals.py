"""Which goals a hit reaches, and which pages of a funnel.

A clean hit comes in with its page as it is counted; names of goals and patterns of pages go out,
as the policy writes them.
"""

from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from anonymizer.hits import CleanHit, SiteId
from anonymizer.paths import CUT, BadTemplate, Template, read_template
from anonymizer.policy import Policy

ANY = "*"
REST = "**"

# A page matches anew when it was not seen among the last: 1 µs a pattern.
_PAGES_KEPT = 4096


class _OfEvent(Struct, frozen=True):
    property: str
    value: str
    name: str


class _OfSite(Struct, frozen=True):
    """What can be reached on one site."""

    pages: tuple[tuple[Template, str], ...]
    events: dict[str, tuple[_OfEvent, ...]]


def read_pattern(text: str, *, lower_case: bool = False) -> Template:
    """Read a page's pattern; raises `BadTemplate`.

    ``*`` matches any one segment, a final ``**`` what follows, were it nothing. A ``:word``, as
    a site's templates leave it in pages, matches any one segment too.
    """
    segments = text.rstrip("/").split("/")
    if any(ANY in segment and segment not in (ANY, REST) for segment in segments):
        raise BadTemplate("may hold * and ** as whole segments only")
    if REST in segments[:-1]:
        raise BadTemplate("may hold ** as its last segment only")
    words = {ANY: ":any", REST: "*"}
    template = "/".join(words.get(segment, segment) for segment in segments)
    return read_template(template or "/", lower_case=lower_case)


class Goals:
    """What hits reach under one policy."""

    def __init__(self, policy: Policy) -> None:
        self._sites = {
            domain: _OfSite(
                tuple(
                    (read_pattern(pattern, lower_case=site.lower_case_paths), name)
                    for pattern, name in _pages(policy, domain)
                ),
                _events(policy, domain),
            )
            for domain, site in policy.sites.items()
        }
        self._of_page = lru_cache(_PAGES_KEPT)(self._match)

    def mark(self, hit: CleanHit) -> CleanHit:
        """Return the hit with what it reaches, in the policy's order."""
        goals = self._of_event(hit) if hit.event else self._of_page(hit.site, hit.page)
        return replace(hit, goals=goals) if goals else hit

    def _of_event(self, hit: CleanHit) -> tuple[str, ...]:
        return tuple(
            of.name
            for of in self._sites[hit.site].events.get(hit.event, ())
            if not of.property or (of.property, of.value) in hit.properties
        )

    def _match(self, site: SiteId, page: str) -> tuple[str, ...]:
        pages = self._sites[site].pages
        return tuple(name for template, name in pages if _fits(page, template)) if pages else ()


def _pages(policy: Policy, site: SiteId) -> list[tuple[str, str]]:
    """List each pattern with the word under which it is reached: its goal, or itself in a step."""
    of_goals = [
        (goal.page, goal.name)
        for goal in policy.goals.values()
        if goal.page and goal.site in ("", site)
    ]
    steps = {
        step: step
        for funnel in policy.funnels.values()
        if funnel.site in ("", site)
        for step in funnel.steps
        if step not in policy.goals
    }
    return [*of_goals, *steps.items()]


def _events(policy: Policy, site: SiteId) -> dict[str, tuple[_OfEvent, ...]]:
    found: dict[str, tuple[_OfEvent, ...]] = {}
    for goal in policy.goals.values():
        if goal.event and goal.site in ("", site):
            of = _OfEvent(goal.property, goal.value, goal.name)
            found[goal.event] = (*found.get(goal.event, ()), of)
    return found


def _fits(page: str, template: Template) -> bool:
    segments = page[1:].split("/") if page != "/" else []
    if page.endswith(CUT) and not template.is_open:
        return False  # how a page went on that was too long is not known
    wanted = template.written
    if len(segments) < len(wanted) or (len(segments) > len(wanted) and not template.is_open):
        return False
    return all(
        want[0] == ":" or want == segment for want, segment in zip(wanted, segments, strict=False)
    )
