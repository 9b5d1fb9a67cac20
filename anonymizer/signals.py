"""What a hit says about its visitor's wishes, read from its headers.

A `RawHit` and its agent come in; four booleans go out. A malformed value never
weighs less than a well-formed refusal.
"""

from msgspec import Struct

from anonymizer.agents import Agent
from anonymizer.hits import RawHit

# Sec-Purpose: prefetch, prefetch;prerender (Fetch); Purpose and X-Purpose: prefetch, preview,
# instant (Safari, older Chrome); X-Moz: prefetch (older Firefox).
_UNSEEN_LOADS = ("prefetch", "prerender", "preview", "instant")


class Signals(Struct, frozen=True, gc=False):
    """What the gate needs to know of one hit."""

    dnt: bool
    gpc: bool
    prefetch: bool
    bot: bool


def read_signals(raw: RawHit, agent: Agent) -> Signals:
    """Read the refusals and the machine marks of `raw`; header lines may be absent."""
    return Signals(
        bool(raw.dnt) and _refuses_tracking(raw.dnt),
        bool(raw.gpc) and _refuses_sale(raw.gpc),
        bool(raw.prefetch) and _was_unseen(raw.prefetch),
        agent.bot,
    )


def _refuses_tracking(lines: tuple[str, ...]) -> bool:
    # W3C TPE section 5: only the first character counts. Its grammar allows no comma in an
    # extension, so a comma means lines that a proxy joined.
    return any(member.strip().startswith("1") for line in lines for member in line.split(","))


def _refuses_sale(lines: tuple[str, ...]) -> bool:
    # GPC: any line that is exactly "1" counts, and no other value does. The specification is
    # silent on lines joined by a proxy ("0,1"); each member is read as the line it was.
    return any(member.strip() == "1" for line in lines for member in line.split(","))


def _was_unseen(lines: tuple[str, ...]) -> bool:
    return any(word in line.lower() for line in lines for word in _UNSEEN_LOADS)
