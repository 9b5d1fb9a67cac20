"""Tell the mailer who unsubscribed: signed as Standard Webhooks 1.0 has it, until it is taken.

What waits lies in `recipients.sqlite`, so that neither a crash nor a mailer that is away loses
any; the mailer may be told twice, under the same id.
"""

import asyncio
import base64
import binascii
import contextlib
import hmac
import logging
import ssl
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool

from collector.email.unsubscribe import Message, Refusals, RefusalsFailed

log = logging.getLogger("discreet")

FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 6 * 3600
MAX_TRIES = 23
"""The last of them comes 65 hours after the first."""

_LOOK_SECONDS = 2
_TIMEOUT_SECONDS = 10
_MOST_AT_ONCE = 100
_SECRET = "whsec_"  # noqa: S105  # a secret's beginning, by which it is known
_SECRET_BYTES = range(24, 65)  # Standard Webhooks 1.0, "Signature scheme"


class BadWebhook(ValueError):
    """The address or the key of a webhook can't be used."""


class Webhook(Struct, frozen=True):
    """Where the mailer is told, and the secret it knows the sender by."""

    is_https: bool
    host: str
    port: int | None
    target: str
    """Path and query."""
    key: bytes


def read_webhook(url: str, key_file: Path) -> Webhook:
    """Read the address and the file whose first line is ``whsec_`` and base64 of 24 to 64 bytes.

    Raises:
        BadWebhook: one of them can't be used.
    """
    wanted = "--unsubscribe-webhook: must be an https address; http is for this machine alone"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadWebhook(wanted) from None
    is_https = parts.scheme == "https"
    is_plain = parts.scheme == "http" and host is not None and _is_own(host)
    if not host or not (is_https or is_plain) or not url.isascii() or not url.isprintable():
        raise BadWebhook(wanted)
    if parts.username is not None or parts.password is not None or parts.fragment or " " in url:
        raise BadWebhook("--unsubscribe-webhook: must hold no name, password, blank or #")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Webhook(is_https, host, port, target, _read_key(key_file))


def sign(key: bytes, name: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`: HMAC-SHA256 of id, time and body."""
    signed = f"{name}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def write_body(message: Message) -> bytes:
    """Return what is posted. Its time is the start of the day, for no finer one is kept."""
    day = message.recipient.day.isoformat()
    return msgspec.json.encode(
        {
            "type": "recipient.unsubscribed",
            "timestamp": f"{day}T00:00:00Z",
            "data": {"reference": message.recipient.raw_reference, "date": day},
        }
    )


def wait_seconds(tries: int) -> int:
    """Return how long to wait after so many tries that failed."""
    return min(FIRST_WAIT_SECONDS << (tries - 1), LONGEST_WAIT_SECONDS)


class Telling:
    """Tells the mailer, for as long as the server runs. Use it from the event loop."""

    def __init__(self, webhook: Webhook, refusals: Refusals, now: Callable[[], int]) -> None:
        self._webhook = webhook
        self._refusals = refusals
        self._now = now
        self._task: asyncio.Task[None] | None = None
        self._is_failing = False

    def start(self) -> None:
        """Begin to tell what waits."""
        self._task = asyncio.create_task(self._tell_for_ever())

    async def close(self) -> None:
        """Stop; what waits then is told after the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _tell_for_ever(self) -> None:
        while True:
            try:
                await run_in_threadpool(self._tell_due)
            except RefusalsFailed as error:
                log.warning("%s; the mailer is not told", error)
            await asyncio.sleep(_LOOK_SECONDS)

    def _tell_due(self) -> None:
        for message in self._refusals.due(self._now(), _MOST_AT_ONCE):
            status = post(self._webhook, message, self._now())
            is_taken = 200 <= status < 300
            if not is_taken and not self._is_failing:
                log.warning(
                    "the mailer's webhook didn't take who unsubscribed (%s); what waits is kept",
                    status or "no answer",
                )
            self._is_failing = not is_taken
            self._note(message, is_taken=is_taken)
            if not 200 <= status < 500:
                return  # it is away: one try a round is enough to see it come back

    def _note(self, message: Message, *, is_taken: bool) -> None:
        tries = message.tries + 1
        if is_taken:
            self._refusals.settle(message)
        elif tries < MAX_TRIES:
            self._refusals.put_off(message, self._now() + wait_seconds(tries))
        else:
            log.error("the mailer's webhook never took one who unsubscribed; the export has it")
            self._refusals.settle(message)


def post(webhook: Webhook, message: Message, now: int) -> int:
    """Post a message and return the answer's status; 0 where there was none.

    A redirect is an answer like any other that is not a success: the address is the operator's.
    """
    body = write_body(message)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "discreet",
        "webhook-id": message.id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign(webhook.key, message.id, now, body),
    }
    connection = _connect(webhook)
    try:
        connection.request("POST", webhook.target, body, headers)
        return connection.getresponse().status
    except (OSError, HTTPException, UnicodeError):  # UnicodeError: a host no name can be
        return 0
    finally:
        connection.close()


def _connect(webhook: Webhook) -> HTTPConnection:
    if not webhook.is_https:
        return HTTPConnection(webhook.host, webhook.port, timeout=_TIMEOUT_SECONDS)
    checked = ssl.create_default_context()
    return HTTPSConnection(webhook.host, webhook.port, timeout=_TIMEOUT_SECONDS, context=checked)


def _is_own(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read_key(file: Path) -> bytes:
    try:
        line = file.read_text("ascii").partition("\n")[0].strip()
        key = binascii.a2b_base64(line.removeprefix(_SECRET), strict_mode=True)
    except OSError as error:
        raise BadWebhook(f"{file}: {error.strerror}") from None
    except (UnicodeDecodeError, binascii.Error):
        key, line = b"", ""
    if not line.startswith(_SECRET) or len(key) not in _SECRET_BYTES:
        raise BadWebhook(f"{file}: must hold whsec_ and the base64 of 24 to 64 random bytes")
    return key
