"""The mailer's webhook: signed, repeated until it is taken, and never led elsewhere."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from msgspec import Struct

from collector.email.unsubscribe import Refusals
from collector.email.webhook import (
    LONGEST_WAIT_SECONDS,
    MAX_TRIES,
    BadWebhook,
    Telling,
    Webhook,
    read_webhook,
    sign,
    wait_seconds,
)

DAY = date(2026, 11, 22)
SECRET = bytes(range(32))


class Received(Struct):
    path: str
    name: str
    timestamp: int
    signature: str
    body: bytes


class Mailer:
    """A mailer's server on loopback, which answers as it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.received: list[Received] = []
        mailer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                mailer.received.append(
                    Received(
                        self.path,
                        self.headers["webhook-id"],
                        int(self.headers["webhook-timestamp"]),
                        self.headers["webhook-signature"],
                        body,
                    )
                )
                self.send_response(mailer.status)
                if 300 <= mailer.status < 400:
                    self.send_header("Location", f"{mailer.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Line:
    """Somebody who unsubscribed, and what tells the mailer, at a time of the test's own."""

    def __init__(self, folder: Path, webhook: Webhook) -> None:
        self.time = 1_800_000_000
        self.path, self.key = folder / "recipients.sqlite", folder / "email.key"
        self.refusals = Refusals(self.path, self.key)
        self._telling = Telling(webhook, self.refusals, lambda: self.time)

    def add(self, reference: str) -> None:
        self.refusals.unsubscribe(reference, DAY, due=self.time)

    def tell(self, after: int = 0) -> None:
        """Do what is due after some seconds."""
        self.time += after
        self._telling._tell_due()

    def waits(self) -> int:
        return len(self.refusals.due(10**11, 1000))


@pytest.fixture
def mailer() -> Iterator[Mailer]:
    mailer = Mailer()
    yield mailer
    mailer.close()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "webhook.key"
    path.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    return path


@pytest.fixture
def line(tmp_path: Path, mailer: Mailer, key_file: Path) -> Line:
    return Line(tmp_path, read_webhook(f"{mailer.url}/hook?list=1", key_file))


def test_mailer_is_told_who_and_when(line: Line, mailer: Mailer) -> None:
    line.add("r-1")
    line.tell()
    (received,) = mailer.received
    assert received.path == "/hook?list=1"
    assert json.loads(received.body) == {
        "type": "recipient.unsubscribed",
        "timestamp": "2026-11-22T00:00:00Z",
        "data": {"reference": "r-1", "date": "2026-11-22"},
    }
    assert received.timestamp == line.time
    line.tell(after=10**6)
    assert len(mailer.received) == 1


def test_signature_is_what_the_standard_says(line: Line, mailer: Mailer) -> None:
    line.add("r-1")
    line.tell()
    (received,) = mailer.received
    signed = b".".join((received.name.encode(), str(received.timestamp).encode(), received.body))
    expected = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert received.signature == f"v1,{expected}"
    assert "." not in received.name


def test_example_of_the_standard_is_signed_as_its_libraries_do() -> None:
    # The vector that the libraries of Standard Webhooks and Svix are tested with.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [500, 503, 400, 404, 410, 429])
def test_refused_message_comes_again_under_its_id(line: Line, mailer: Mailer, status: int) -> None:
    mailer.status = status
    line.add("r-1")
    line.tell()
    line.tell(after=4)
    assert len(mailer.received) == 1
    line.tell(after=1)
    mailer.status = 204
    line.tell(after=10)
    assert line.waits() == 0
    assert len(mailer.received) == 3
    assert len({each.name for each in mailer.received}) == 1
    assert len({each.timestamp for each in mailer.received}) == 3
    assert len({each.body for each in mailer.received}) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_not_followed(line: Line, mailer: Mailer, status: int) -> None:
    mailer.status = status
    line.add("r-1")
    line.tell()
    assert [each.path for each in mailer.received] == ["/hook?list=1"]
    assert line.waits() == 1


def test_one_bad_message_holds_up_no_other(line: Line, mailer: Mailer) -> None:
    mailer.status = 400
    line.add("r-1")
    line.add("r-2")
    line.tell()
    assert len(mailer.received) == 2


@pytest.mark.parametrize(
    ("status", "told"), [(404, "(404)"), (302, "(302)"), (503, "(503)")], ids=str
)
def test_operator_is_told_once_that_the_mailer_takes_nothing(
    line: Line, mailer: Mailer, caplog: pytest.LogCaptureFixture, status: int, told: str
) -> None:
    mailer.status = status
    line.add("r-1")
    for _ in range(3):
        line.tell(60)
    assert len(mailer.received) == 3
    (record,) = caplog.records
    assert told in record.getMessage()
    assert "r-1" not in record.getMessage()


def test_mailer_that_is_away_is_asked_once_a_round(line: Line, mailer: Mailer) -> None:
    mailer.status = 503
    line.add("r-1")
    line.add("r-2")
    line.tell()
    assert len(mailer.received) == 1
    assert line.waits() == 2


def test_host_that_no_name_can_be_loses_nothing(tmp_path: Path, key_file: Path) -> None:
    line = Line(tmp_path, read_webhook(f"https://{'a' * 64}.example/hook", key_file))
    line.add("r-1")
    line.tell()
    assert line.waits() == 1


def test_nobody_listening_loses_nothing(tmp_path: Path, key_file: Path) -> None:
    gone = Mailer()
    gone.close()
    line = Line(tmp_path, read_webhook(gone.url, key_file))
    line.add("r-1")
    line.tell()
    assert line.waits() == 1


def test_message_outlives_a_kill(line: Line, mailer: Mailer) -> None:
    kill = (
        "import os,signal,sys;from pathlib import Path;from datetime import date;"
        "from collector.email.unsubscribe import Refusals;"
        "Refusals(Path(sys.argv[1]),Path(sys.argv[2]))"
        ".unsubscribe('r-1',date(2026,11,22),due=0);os.kill(os.getpid(),signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", kill, line.path, line.key], check=False)
    line.tell()
    assert len(mailer.received) == 1


def test_tries_end(line: Line, mailer: Mailer) -> None:
    mailer.status = 400
    line.add("r-1")
    for _ in range(MAX_TRIES + 5):
        line.tell(after=LONGEST_WAIT_SECONDS)
    assert len(mailer.received) == MAX_TRIES
    assert line.waits() == 0
    assert [each.raw_reference for each in line.refusals.unsubscribed(DAY)] == ["r-1"]


def test_waits_double_up_to_a_bound() -> None:
    waits = [wait_seconds(tries) for tries in range(1, MAX_TRIES)]
    assert waits[:4] == [5, 10, 20, 40]
    assert waits[-1] == LONGEST_WAIT_SECONDS
    assert 48 * 3600 < sum(waits) < 72 * 3600


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://mailer.example/hook", id="not encrypted"),
        pytest.param("http://10.0.0.5/hook", id="not encrypted, in the network"),
        pytest.param("ftp://mailer.example/hook", id="no http"),
        pytest.param("mailer.example/hook", id="no scheme"),
        pytest.param("https:///hook", id="no host"),
        pytest.param("https://me:secret@mailer.example/", id="password"),
        pytest.param("https://mailer.example/#here", id="fragment"),
        pytest.param("https://mailer.example:99999/", id="port"),
        pytest.param("https://mailer.example/a\r\nX: y", id="two lines"),
        pytest.param("https://mailer.example/a b", id="blank"),
        pytest.param("https://[::1", id="no URL"),
    ],
)
def test_address_that_cant_be_is_refused(key_file: Path, url: str) -> None:
    with pytest.raises(BadWebhook) as refused:
        read_webhook(url, key_file)
    assert url not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["https://mailer.example/hook", "https://10.0.0.5:8443", "http://localhost:9/h"]
)
def test_address_that_can_be_is_taken(key_file: Path, url: str) -> None:
    assert read_webhook(url, key_file).key == SECRET


@pytest.mark.parametrize(
    "text",
    [
        "",
        "secret",
        base64.b64encode(SECRET).decode(),
        "whsec_???",
        f"whsec_{base64.b64encode(b'short').decode()}",
        f"whsec_{base64.b64encode(b'x' * 65).decode()}",
    ],
    ids=["empty", "no base64", "no prefix", "prefix alone", "short", "long"],
)
def test_key_that_cant_be_is_refused_and_not_repeated(key_file: Path, text: str) -> None:
    key_file.write_text(text)
    with pytest.raises(BadWebhook) as refused:
        read_webhook("https://mailer.example/", key_file)
    assert not text or text not in str(refused.value)
