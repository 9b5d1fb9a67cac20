"""The trail of what people did: its lines, and what writes and shows them."""

from collections.abc import Callable, Sequence
from datetime import date
from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class Did(StrEnum):
    """What somebody did."""

    LOOKED = "looked at"
    EXPORTED = "exported"
    ASKED = "asked by SQL"
    ASKED_API = "asked by the API"
    LOGGED_IN = "logged in"
    FAILED = "failed to log in"
    LOGGED_OUT = "logged out"
    SHARED = "shared"
    REVOKED = "revoked the share"
    ANNOTATED = "annotated"
    UNANNOTATED = "deleted the annotation"
    ADDED_USER = "added the user"
    CHANGED_USER = "changed role or sites of"
    RENEWED = "gave a new password to"
    GAVE_FACTOR = "gave a second factor to"
    TOOK_FACTOR = "took the second factor from"
    REMOVED_USER = "removed the user"


class Act(Struct, frozen=True, omit_defaults=True):
    """One line."""

    time: float
    """Unix seconds."""
    user: str
    did: Did
    site: str = ""
    report: str = ""
    """Which page, list, views, share or number; of a user the role and the sites."""
    period: str = ""
    """The first and last day asked for: ``2026-03-01/2026-03-28``."""
    whom: str = ""
    """The user it was done to; a name may be an e-mail address."""


class Trail(Protocol):
    """Writes the trail and reads it. Methods block."""

    def note(self, act: Act) -> None:
        """Write a line; raises where it can't be written, so that nothing is shown."""

    def days(self) -> Sequence[date]:
        """Return the days (UTC) that lines are kept of, the newest first."""

    def read(
        self, day: date, is_shown: Callable[[Act], bool], page: int, page_rows: int
    ) -> tuple[Sequence[Act], int]:
        """Return a page of a day's shown lines, the newest first, and how many there are."""
