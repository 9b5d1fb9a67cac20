"""What a check came to."""

from enum import StrEnum

from msgspec import Struct


class Outcome(StrEnum):
    """What became of a check."""

    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    NOT_CHECKED = "not checked"


class Verdict(Struct, frozen=True):
    """One check and what it came to; no value that was found is in it."""

    check: str
    outcome: Outcome
    because: str
    """What was looked at when it holds; else why it doesn't, or why it wasn't checked."""


def judge(check: str, faults: list[str], looked_at: str) -> Verdict:
    """Return that a check holds when it has no faults."""
    if faults:
        return Verdict(check, Outcome.DOES_NOT_HOLD, "; ".join(faults))
    return Verdict(check, Outcome.HOLDS, looked_at)


def not_checked(check: str, because: str) -> Verdict:
    """Return that a check could not be made."""
    return Verdict(check, Outcome.NOT_CHECKED, because)
