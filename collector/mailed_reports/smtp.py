"""Hand one message to the SMTP server of the settings. Blocks."""

import contextlib
import smtplib
import ssl
from email.message import EmailMessage

from collector.mailed_reports.reports_file import address_of
from collector.mailed_reports.settings import Smtp, Tls

TIMEOUT_SECONDS = 10
"""For each step of the conversation."""


class NotTaken(Exception):
    """The server didn't take a message; the text says why and repeats nothing of what it said."""


class PutOff(NotTaken):
    """It may take it later: it is away, answered 4xx, or broke off."""


class GivenUp(NotTaken):
    """It answered 5xx: the same again would be refused again (RFC 5321 section 4.2.1)."""


def send(letter: EmailMessage, recipient: str, smtp: Smtp) -> None:
    """Send a message to one recipient.

    Nothing is said to a server that does not encrypt as the settings ask, or whose certificate
    is not its own.

    Raises:
        PutOff: it is not out now.
        GivenUp: it won't be.
    """
    try:
        connection = _connect(smtp)
        try:
            if smtp.tls is Tls.STARTTLS:
                connection.starttls(context=_trusted(smtp))
            if smtp.user:
                connection.login(smtp.user, smtp.password)
            connection.send_message(letter, address_of(smtp.sender), [recipient])
        finally:
            _hang_up(connection)
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal("the recipient", *(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(_STEPS.get(type(error), "the connection"), error.smtp_code) from None
    except smtplib.SMTPServerDisconnected:
        raise PutOff("it broke off") from None
    except smtplib.SMTPException:
        raise PutOff("it does not offer the encryption or login that is asked for") from None
    except ssl.SSLCertVerificationError:
        raise PutOff("its certificate can't be trusted") from None
    except (OSError, UnicodeError):  # UnicodeError: a host no name can be
        raise PutOff("it is out of reach") from None


def _hang_up(connection: smtplib.SMTP) -> None:
    # What it says to QUIT changes nothing of what it took before.
    with contextlib.suppress(smtplib.SMTPException, OSError):
        connection.quit()
    connection.close()


_STEPS: dict[type[smtplib.SMTPResponseException], str] = {
    smtplib.SMTPHeloError: "the greeting",
    smtplib.SMTPAuthenticationError: "the user or password",
    smtplib.SMTPSenderRefused: "the sender",
    smtplib.SMTPDataError: "the message",
}


def _refusal(step: str, *codes: int) -> NotTaken:
    code = next(iter(codes), 0)
    kind = GivenUp if 500 <= code < 600 else PutOff
    return kind(f"it refused {step} ({code})")


def _connect(smtp: Smtp) -> smtplib.SMTP:
    if smtp.tls is Tls.TLS:
        return smtplib.SMTP_SSL(
            smtp.host, smtp.port, timeout=TIMEOUT_SECONDS, context=_trusted(smtp)
        )
    return smtplib.SMTP(smtp.host, smtp.port, timeout=TIMEOUT_SECONDS)


def _trusted(smtp: Smtp) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if smtp.authority is not None:
        context.load_verify_locations(smtp.authority)
    return context
