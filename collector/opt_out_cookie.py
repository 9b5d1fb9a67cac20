"""The refusal as a cookie: where it is set, whom it reaches, and how it is taken back.

A Host header and the policy's sites come in, Set-Cookie lines go out. The cookie holds
no id; its value is the same for everyone.
"""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from anonymizer.hits import SiteId
from collector.sender import OPT_OUT_COOKIE

MAX_AGE_SECONDS = 400 * 86_400  # the longest that browsers keep one (RFC 6265bis section 5.5)

_HOST = re.compile(r"(?P<name>[a-z0-9_.-]{1,255}|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PORT = re.compile(r":[0-9]+\Z")
# A host whose last label is a number is an IPv4 address to a browser (WHATWG URL section 3.5).
_CAN_BE_SHARED = re.compile(r"[a-z0-9.-]+\.(?![0-9]+\Z)[a-z0-9-]+")


class Reach(Struct, frozen=True):
    """How far a cookie goes that one host of the collector sets."""

    host: str
    """Without port; empty when the Host header is none."""
    domains: tuple[str, ...]
    """The policy's domains that the host is or lies under, the shortest first."""

    def covers(self, site: SiteId) -> bool:
        """Tell whether pages of `site` see the cookie, so that its tag sends nothing."""
        domain = _PORT.sub("", site)
        widest = self.domains[:1]
        return domain == self.host or any(_lies_under(domain, of) for of in widest)


def read_reach(host_header: str, sites: Iterable[SiteId]) -> Reach:
    """Read how far the cookie goes from the host that a request was sent to.

    No domain is used but those that the policy names, so that no public suffix is tried, and
    none that browsers take for an address or a single label.
    """
    found = _HOST.fullmatch(host_header.lower())
    host = found["name"].rstrip(".") if found else ""
    named = {_PORT.sub("", site) for site in sites}
    shared = {domain for domain in named if _CAN_BE_SHARED.fullmatch(domain)}
    return Reach(host, tuple(sorted((d for d in shared if _lies_under(host, d)), key=len)))


def refusing_cookie(reach: Reach, https: bool) -> str:
    """Return the Set-Cookie line that refuses as widely as the host can."""
    scopes = _scopes(reach.domains[:1], https)
    return f"{OPT_OUT_COOKIE}=1; Max-Age={MAX_AGE_SECONDS}{scopes[-1]}"


def deleting_cookies(reach: Reach, https: bool) -> Sequence[str]:
    """Return the Set-Cookie lines that take the refusal back, wherever it may have been set."""
    return [f"{OPT_OUT_COOKIE}=; Max-Age=0{scope}" for scope in _scopes(reach.domains, https)]


def _scopes(domains: Sequence[str], https: bool) -> list[str]:
    # For the host alone: pixels on sites that it is no part of carry it with None, which browsers
    # take together with Secure.
    host_only = "; Path=/; SameSite=None; Secure" if https else "; Path=/; SameSite=Lax"
    # For a site too. Not Secure: the tag on a page over http would not see the refusal.
    return [host_only, *(f"; Domain={domain}; Path=/; SameSite=Lax" for domain in domains)]


def _lies_under(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
