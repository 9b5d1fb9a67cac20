"""A mail server on loopback that does what a test tells it, and a certificate for it."""

import asyncio
import ssl
import threading
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self, TypeVar

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
USER, PASSWORD = "stats", "a password of theirs"

T = TypeVar("T")


class MailServer:
    """Takes messages into `taken` unless `answers` says what else; works in a thread of its own."""

    def __init__(
        self,
        *,
        certificate: Path | None = None,
        is_tls: bool = False,
        asks_login: bool = False,
        port: int = 0,
    ) -> None:
        self.taken: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        """By recipient, or under ``DATA``: what is answered; ``gone`` breaks off after taking."""
        self.port = port
        self._context = _context(certificate) if certificate else None
        self._is_tls = is_tls
        self._asks_login = asks_login
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._run(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _: list[str]
    ) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        answer = self.answers.get("DATA", "250 OK")
        if answer == "gone" or answer.startswith("2"):
            content = envelope.content
            assert isinstance(content, bytes)
            letter = message_from_bytes(content, EmailMessage, policy=policy.default)
            assert envelope.rcpt_tos == [letter["To"]]
            self.taken.append(letter)
        if answer == "gone":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return answer

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(
            self._converse, HOST, self.port, ssl=self._context if self._is_tls else None
        )

    def _converse(self) -> SMTP:
        return SMTP(
            self,
            hostname="mail.test",
            tls_context=None if self._is_tls else self._context,
            require_starttls=self._context is not None and not self._is_tls,
            authenticator=_check if self._asks_login else None,
            auth_required=self._asks_login,
            loop=self._loop,
        )

    async def _stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)


def _check(
    _server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: object
) -> AuthResult:
    right = (USER.encode(), PASSWORD.encode())
    is_right = isinstance(given, LoginPassword) and (given.login, given.password) == right
    return AuthResult(success=is_right, handled=False)


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def make_certificate(path: Path, address: str = HOST) -> Path:
    """Write a key and a certificate that signs itself, for an IP address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
