"""The whole collector on a ClickHouse server: every command, and several collectors on one."""

import contextlib
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from collector.query_socket import Refused
from collector.store_address import (
    PASSWORD_VARIABLE,
    BadAddress,
    StoreAddress,
    read_address,
    read_password,
)
from tests.engine_process import EngineProcess, start_engine
from tests.running import FIREFOX, Server, discreet, hit, refusal_of

# Of this minute: a small group of a past day would be a finding of the doctor's.
NOW = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
LINE = f'192.0.2.7 - - [{NOW}] "GET /from-log HTTP/1.1" 200 9 "-" "{FIREFOX}"\n'.encode()
PAGES = "SELECT page, sum(views) FROM pages GROUP BY page ORDER BY page"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineProcess]:
    """Give an engine of the test's own, with a database for views and one of somebody else's."""
    with start_engine(tmp_path / "engine") as engine:
        monkeypatch.setenv(PASSWORD_VARIABLE, engine.password)
        client = engine.client()
        client.command("CREATE DATABASE views")
        client.command("CREATE VIEW views.of_somebody AS SELECT 1 AS one")
        client.close()
        yield engine


def address(engine: EngineProcess) -> str:
    return f"clickhouse://{engine.user}@{engine.host}:{engine.port}/views?timeout=5"


def test_server_and_every_command_work_on_a_clickhouse_server(
    engine: EngineProcess, tmp_path: Path
) -> None:
    server = Server(tmp_path, options=["--store", address(engine)])
    with server:
        assert server.send(hit("/live")).status_code == 202
        server.wait_for(PAGES, "/live\t1\n", 10)
        receipt = httpx.post(
            f"{server.url}/api/consent",
            json={"d": "example.org", "consent": True},
            headers={"Origin": "https://example.org"},
        )
        assert server.stop() == 0

    log = tmp_path / "access.log"
    log.write_bytes(LINE)
    data = ("--data", server.data)
    # The address was remembered, the password was not.
    assert (server.data / "store").read_text() == f"{address(engine)}\n"
    assert not (server.data / "clickhouse").exists()
    imported = discreet("import", log, "--site", "example.org", *data)
    assert imported.returncode == 0, imported.stderr
    assert server.query(PAGES) == "/from-log\t1\n/live\t1\n"
    client = engine.client(database="views")
    assert client.command("SELECT one FROM of_somebody") == 1
    client.command("DROP VIEW of_somebody")  # the doctor would name it
    client.close()
    for command in (
        ("policy", "report", "--policy", server.policy, *data),
        ("doctor", "--privacy", *data),
        ("retention", "status", *data),
    ):
        answer = discreet(*command)
        assert answer.returncode == 0, answer.stdout.decode() + answer.stderr.decode()
    raw_id = receipt.json().get("receipt") if receipt.status_code == 200 else "0" * 64
    found = discreet("rights", "find", raw_id, *data)
    assert (found.returncode == 0) == (receipt.status_code == 200), found.stderr


def test_hits_are_taken_while_the_server_is_away_from_the_start_and_count_later(
    engine: EngineProcess, tmp_path: Path
) -> None:
    engine.stop()
    with Server(tmp_path, options=["--store", address(engine)]) as server:
        for number in range(5):
            assert server.send(hit(f"/{number}")).status_code == 202
        page = httpx.get(f"{server.url}/rights")
        assert page.status_code == 200
        engine.start()
        deadline = time.monotonic() + 60
        found = ""
        while found != "5\t5\n" and time.monotonic() < deadline:
            with contextlib.suppress(Refused):
                found = server.query("SELECT sum(views), uniqExact(page) FROM pages")
            time.sleep(0.05)
        assert found == "5\t5\n"
        server.stop()
    assert engine.password not in server.output


def test_dashboard_says_that_the_store_is_away(engine: EngineProcess, tmp_path: Path) -> None:
    with Server(tmp_path, options=["--store", address(engine)]) as server:
        name, password = _login_of(server)
        with httpx.Client(base_url=server.url, follow_redirects=True) as client:
            form = client.get("/dashboard/login").text
            token = re.search('name="token" value="([^"]*)"', form)
            assert token
            told = {"token": token[1], "name": name, "password": password, "next": "/dashboard"}
            client.post("/dashboard/login", data=told)
            # The policy is applied beside the start.
            deadline = time.monotonic() + 60
            while client.get("/dashboard").status_code == 503 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert client.get("/dashboard").status_code == 200
            engine.kill()
            answer = client.get("/dashboard?site=example.org")
        assert answer.status_code == 503
        assert "can't be asked at the moment" in answer.text
        assert server.send(hit()).status_code == 202
        engine.start()


def _login_of(server: Server) -> tuple[str, str]:
    line = next(line for line in server.output.splitlines() if "login" in line)
    words = line.split()
    return words[1], words[3]


def test_store_is_not_changed_while_hits_wait_for_another(
    engine: EngineProcess, tmp_path: Path
) -> None:
    with Server(tmp_path, options=["--store", address(engine)]) as server:
        engine.stop()
        assert server.send(hit()).status_code == 202
        server.kill()
    refusal = refusal_of(
        *("serve", "--policy", server.policy, "--data", server.data, "--port", "0"),
        *("--store", "clickhouse://somebody@127.0.0.1:9/else"),
    )
    assert refusal == "--store: hits wait for the store used before; start with that one first"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "clickhouse://ada@db.example:9000/stats",
            StoreAddress("ada", "db.example", 9000, "stats"),
            id="whole",
        ),
        pytest.param(
            "clickhouse://db.example",
            StoreAddress("default", "db.example", 8123, "default"),
            id="host",
        ),
        pytest.param(
            "clickhouse://a%40b@[2001:db8::1]/x?secure=1",
            StoreAddress("a@b", "2001:db8::1", 8443, "x", secure=True),
            id="TLS, IPv6, @ in the user",
        ),
        pytest.param(
            "clickhouse://h/x?timeout=9",
            StoreAddress("default", "h", 8123, "x", False, 9),
            id="timeout",
        ),
    ],
)
def test_address_is_read_and_written_the_same(text: str, expected: StoreAddress) -> None:
    found = read_address(text, "kanarienvogel")

    assert read_address(str(found)) == expected
    assert found.password == "kanarienvogel"
    assert "kanarienvogel" not in f"{found} {found!r}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must begin with clickhouse://USER@HOST"),
        ("kanarienvogel", "must begin with"),
        ("http://kanarienvogel", "must begin with"),
        ("clickhouse://", "must begin with"),
        ("clickhouse://ada:kanarienvogel@h/x", "must hold no password"),
        ("clickhouse://h:kanarienvogel/x", "can't be read"),
        ("clickhouse://h:0/x", "port: must be from 1"),
        ("clickhouse://h:65536/x", "can't be read"),
        ("clickhouse://h/x;kanarienvogel", "must be letters, digits and _"),
        ("clickhouse://h/kanarien`vogel", "must be letters, digits and _"),
        ("clickhouse://h/x/kanarienvogel", "must be letters, digits and _"),
        ("clickhouse://h/discreet", "must not be discreet, where the counters lie"),
        ("clickhouse://h/x?kanarienvogel=1", "only secure and timeout"),
        ("clickhouse://h/x?secure=kanarienvogel", "secure: must be 0 or 1"),
        ("clickhouse://h/x?timeout=0", "timeout: must be 1 to 600"),
        ("clickhouse://h/x?timeout=601", "timeout: must be 1 to 600"),
        ("clickhouse://h/x?timeout=kanarienvogel", "timeout: must be 1 to 600"),
        ("clickhouse://h/x#kanarienvogel", "must hold no #"),
        ("clickhouse://[kanarienvogel/x", "can't be read"),
    ],
)
def test_bad_address_is_refused_and_not_repeated(text: str, said: str) -> None:
    with pytest.raises(BadAddress, match=said) as bad:
        read_address(text)
    assert "kanarienvogel" not in str(bad.value)


def test_password_is_a_files_first_line_or_the_environments(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("first: line \nsecond\n", "utf-8")

    assert read_password(file, {PASSWORD_VARIABLE: "other"}) == "first: line "
    assert read_password(None, {PASSWORD_VARIABLE: "other"}) == "other"
    assert read_password(None, {}) == ""
    with pytest.raises(BadAddress, match="--store-password-file: can't be read"):
        read_password(tmp_path / "missing", {})


@pytest.mark.parametrize("command", ["serve", "import", "query", "rights", "doctor"])
def test_bad_address_is_one_line_on_the_command_line(command: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(Server(tmp_path).policy.read_text())
    (tmp_path / "data").mkdir()
    log = tmp_path / "access.log"
    log.write_bytes(LINE)
    arguments: dict[str, tuple[str | Path, ...]] = {
        "serve": ("--policy", policy, "--port", "0"),
        "import": (log, "--site", "example.org"),
        "query": ("SELECT 1",),
        "rights": ("find", "0" * 64),
        "doctor": ("--privacy",),
    }
    answer = discreet(
        command, *arguments[command], "--data", tmp_path / "data", "--store", "http://kanarienvogel"
    )
    assert answer.returncode == 2
    *_, last = answer.stderr.splitlines()
    assert last == b"discreet: the store's address: must begin with clickhouse://USER@HOST"
