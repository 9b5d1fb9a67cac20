"""What a check of a criterion found, and why."""

from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """How CNIL puts a criterion."""

    MUST = "must"
    MUST_NOT = "must not"
    SHOULD = "should"


class Outcome(StrEnum):
    """What a check found."""

    MET = "met"
    NOT_MET = "not met"
    HUMAN = "needs a human"


class Finding(Struct, frozen=True):
    """One criterion and what became of it."""

    level: Level
    criterion: str
    outcome: Outcome
    because: str
    """What was looked at when it is met; else why it is not."""
