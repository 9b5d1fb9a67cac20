"""One message handed to a mail server: taken, put off, given up; with what encryption."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from collector.mailed_reports.letters import write_letter
from collector.mailed_reports.settings import Smtp, Tls
from collector.mailed_reports.smtp import GivenUp, NotTaken, PutOff, send
from tests.collector.mailed_reports.smtp_server import (
    HOST,
    PASSWORD,
    USER,
    MailServer,
    make_certificate,
)

TO = "ana@example.org"


class Report(Struct, frozen=True):
    subject: str = "Example: 2–8 Mar 2026 统计"
    text: str = "Visitors: 12\n访客：12\n.\n"
    html: str = "<p>Visitors: <b>12</b> 访客</p>"


LETTER = write_letter(Report(), "Statistics <stats@example.org>", TO, "zh", "one", 1_772_500_000)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture(scope="module")
def plain() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def settings(server: MailServer, tls: Tls = Tls.NONE, authority: Path | None = None) -> Smtp:
    return Smtp(HOST, server.port, tls, "Statistics <stats@example.org>", authority=authority)


def with_login(smtp: Smtp, password: str = PASSWORD) -> Smtp:
    return replace(smtp, user=USER, password=password)


def test_message_arrives_as_it_was_written(plain: MailServer) -> None:
    plain.taken.clear()
    send(LETTER, TO, settings(plain))

    (taken,) = plain.taken
    text, html = taken.get_body(("plain",)), taken.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == Report().text
    assert html.get_content().strip() == Report().html
    assert taken["Subject"] == Report().subject
    assert taken["From"] == "Statistics <stats@example.org>"
    assert taken["Auto-Submitted"] == "auto-generated"
    assert taken["Date"].datetime.timestamp() == 1_772_500_000
    # Nothing asks its reader's program to answer.
    asking = {"disposition-notification-to", "return-receipt-to", "x-confirm-reading-to"}
    assert asking.isdisjoint(name.lower() for name in taken)


def test_message_goes_encrypted_after_login(certificate: Path) -> None:
    with MailServer(certificate=certificate, asks_login=True) as server:
        send(LETTER, TO, with_login(settings(server, Tls.STARTTLS, certificate)))

        assert len(server.taken) == 1


def test_message_goes_encrypted_from_the_first_byte(certificate: Path) -> None:
    with MailServer(certificate=certificate, is_tls=True) as server:
        send(LETTER, TO, settings(server, Tls.TLS, certificate))

        assert len(server.taken) == 1


@pytest.mark.parametrize(
    ("tls", "is_tls"), [(Tls.STARTTLS, False), (Tls.TLS, True)], ids=["starttls", "tls"]
)
def test_certificate_of_nobody_known_is_not_trusted(
    certificate: Path, tls: Tls, is_tls: bool
) -> None:
    with MailServer(certificate=certificate, is_tls=is_tls) as server:
        with pytest.raises(PutOff, match="its certificate can't be trusted"):
            send(LETTER, TO, settings(server, tls))

        assert server.taken == []


def test_certificate_of_another_host_is_not_trusted(tmp_path: Path) -> None:
    other = make_certificate(tmp_path / "other.pem", "127.0.0.9")
    with MailServer(certificate=other) as server:
        with pytest.raises(PutOff, match="its certificate can't be trusted"):
            send(LETTER, TO, settings(server, Tls.STARTTLS, other))

        assert server.taken == []


def test_nothing_goes_in_the_clear_where_encryption_is_asked_for(plain: MailServer) -> None:
    plain.taken.clear()
    for tls in (Tls.STARTTLS, Tls.TLS):
        for smtp in (settings(plain, tls), with_login(settings(plain, tls))):
            with pytest.raises(PutOff):
                send(LETTER, TO, smtp)
    assert plain.taken == []


def test_server_that_asks_for_encryption_gets_no_message_without(certificate: Path) -> None:
    with MailServer(certificate=certificate) as server:
        with pytest.raises(GivenUp, match=r"it refused the sender \(530\)"):
            send(LETTER, TO, settings(server))

        assert server.taken == []


def test_wrong_password_is_given_up(certificate: Path) -> None:
    with MailServer(certificate=certificate, asks_login=True) as server:
        smtp = with_login(settings(server, Tls.STARTTLS, certificate), "guessed")
        with pytest.raises(GivenUp, match=r"it refused the user or password \(535\)") as raised:
            send(LETTER, TO, smtp)

        assert "guessed" not in f"{raised.value}{smtp!r}"
        assert server.taken == []


def test_server_without_login_is_not_sent_a_password(plain: MailServer) -> None:
    with pytest.raises(PutOff, match="does not offer the encryption or login"):
        send(LETTER, TO, with_login(settings(plain)))


@pytest.mark.parametrize(
    ("where", "answer", "kind", "told"),
    [
        pytest.param(TO, "451 later", PutOff, "the recipient (451)", id="4xx to RCPT"),
        pytest.param(TO, "550 no <b>such</b>", GivenUp, "the recipient (550)", id="5xx to RCPT"),
        pytest.param("DATA", "452 full", PutOff, "the message (452)", id="4xx to DATA"),
        pytest.param("DATA", "554 spam", GivenUp, "the message (554)", id="5xx to DATA"),
        pytest.param("DATA", "gone", PutOff, "broke off", id="gone after DATA"),
    ],
)
def test_refusal_tells_step_and_code_alone(
    where: str, answer: str, kind: type[NotTaken], told: str
) -> None:
    with MailServer() as server:
        server.answers[where] = answer
        with pytest.raises(kind) as raised:
            send(LETTER, TO, settings(server))

    assert told in str(raised.value)
    assert TO not in str(raised.value)
    assert answer.partition(" ")[2] not in str(raised.value) or answer == "gone"


def test_server_that_is_away_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        smtp = Smtp(HOST, taken.getsockname()[1], Tls.NONE, "stats@example.org")
        with pytest.raises(PutOff, match="out of reach"):
            send(LETTER, TO, smtp)
