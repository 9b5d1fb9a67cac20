"""Which reports go to whom and when, and by which server."""

from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from anonymizer.policy import Site


class Every(StrEnum):
    """The stretch of days that a report is of, and how often it goes out."""

    WEEK = "week"
    """Monday to Sunday."""
    MONTH = "month"


class Tls(StrEnum):
    """How the connection to the server is encrypted."""

    STARTTLS = "starttls"
    """Asked for in the clear, before anything else is said (RFC 3207)."""
    TLS = "tls"
    """From the first byte on (RFC 8314 section 3)."""
    NONE = "none"


class Smtp(Struct, frozen=True):
    """A server that takes messages, and who says so."""

    host: str
    port: int
    tls: Tls
    sender: str
    """What stands in From: an address, with a name or without."""
    user: str = ""
    password: str = ""
    authority: Path | None = None
    """Certificates that are trusted beside the system's."""

    def __repr__(self) -> str:
        return f"Smtp({self.host}:{self.port})"


class Scheduled(Struct, frozen=True):
    """One ``[[report]]``."""

    line: int
    site: Site
    to: tuple[str, ...]
    every: Every
    language: str
    hour: int
    """On the site's wall clock; of Mondays, or of the first day of a month."""


class Mailing(Struct, frozen=True):
    """All that a file of reports says."""

    smtp: Smtp
    scheduled: tuple[Scheduled, ...] = ()
    dashboard: str = ""
    """The origin under which readers open the dashboard, such as ``https://stats.example.org``."""
