"""What the privacy page is told by whoever runs the server, besides what the views hold.

The types are shapes alone: the composer hands over what it has.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


class LiveVisitors(Protocol):
    """Who is on a site now, between two bounds."""

    @property
    def least(self) -> int:
        """Return the lower bound."""

    @property
    def most(self) -> int:
        """Return the upper bound, the same where the number may be told."""


LiveOf = Callable[[str], LiveVisitors | None]
"""Tells of a site by its domain; None where visitors are not counted."""


class Kept(Protocol):
    """What is kept of one statistic, of all sites together."""

    @property
    def oldest(self) -> str:
        """Return the first day of the oldest period, as an ISO date; empty of none."""

    @property
    def waiting(self) -> int:
        """Return how many cells of closed periods the next run takes for their group size."""

    @property
    def overdue(self) -> int:
        """Return how many cells the next run takes for their time is over."""


class Receipts(Protocol):
    """How many receipts of a site name a purpose; the empty name stands for all."""

    @property
    def purpose(self) -> str:
        """Return the purpose's id."""

    @property
    def given(self) -> int:
        """Return how many are of a consent."""

    @property
    def refused(self) -> int:
        """Return how many are of a refusal."""

    @property
    def withdrawn(self) -> int:
        """Return how many of the consents were withdrawn."""


class Verdict(Protocol):
    """What one check came to."""

    @property
    def check(self) -> str:
        """Return what is to hold."""

    @property
    def outcome(self) -> str:
        """Return ``holds``, ``does not hold`` or ``not checked``."""

    @property
    def because(self) -> str:
        """Return what was looked at, or what was found."""


class Checks(Protocol):
    """The last run of all checks."""

    @property
    def ended(self) -> int:
        """Return its Unix second."""

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """Return what each check came to."""


@dataclass(frozen=True, slots=True)
class PrivacyFacts:
    """What is known of a running server. Sites are told by their domains."""

    policy_hash: str
    """SHA-256 of the policy's file, in hexadecimal."""
    last_retention: Callable[[str], int | None]
    """Returns the Unix second at which retention last ran where a site's cells are."""
    kept: Callable[[str], Mapping[str, Kept]]
    """Returns what is kept there, by statistic; empty until it was read."""
    count_receipts: Callable[[str], Awaitable[Sequence[Receipts]]]
    """Counts a site's receipts up to the day before."""
    last_checks: Callable[[], Checks | None]
    """Returns the last run of the checks on the data directory; may block."""
    live_of: LiveOf
