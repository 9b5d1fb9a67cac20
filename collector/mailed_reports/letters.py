"""A written report → the e-mail that one recipient gets."""

import hashlib
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Protocol

from collector.mailed_reports.reports_file import address_of


class Written(Protocol):
    """A report in words."""

    @property
    def subject(self) -> str:
        """One line."""

    @property
    def text(self) -> str:
        """All of it as plain text."""

    @property
    def html(self) -> str:
        """The same as HTML that loads nothing."""


def write_letter(
    written: Written, sender: str, recipient: str, language: str, name: str, now: int
) -> EmailMessage:
    """Return the message; the same `name` and sender give the same Message-ID.

    It asks for no receipt and tells machines that no person sent it (RFC 3834 section 5).
    """
    letter = EmailMessage(policy=SMTP)
    letter["From"] = sender
    letter["To"] = recipient
    letter["Subject"] = written.subject
    letter["Date"] = format_datetime(datetime.fromtimestamp(now, UTC))
    domain = address_of(sender).partition("@")[2]
    letter["Message-ID"] = f"<{hashlib.sha256(name.encode()).hexdigest()[:40]}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(written.text, cte="base64" if not written.text.isascii() else None)
    letter.add_alternative(
        written.html, subtype="html", cte="base64" if not written.html.isascii() else None
    )
    letter["Content-Language"] = language  # now, for what sets the content drops it
    return letter
