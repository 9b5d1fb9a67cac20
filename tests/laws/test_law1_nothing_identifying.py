"""Law 1: nothing identifying reaches a disk, a log, a metric or an error.

More than 10,000 hits come in by every door, each with values of its own wherever it has room for
one; the store goes away, the process is killed, a log is imported. At each stage files (unpacked
too), output, answers, pages and open files are searched for all of the values.

What this can't show: a value that is kept in pieces of less than 14 characters, under a key, or
in a code of its own; what a system writes beside Discreet (swap, journald, a proxy). A path's
words are kept: a name in a path that no template takes out stays (`NAMED_PAGE`).
"""

import base64
import contextlib
import re
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from itertools import chain
from pathlib import Path

import httpx
import pytest

from collector.query_socket import Refused
from tests.laws import strangers
from tests.laws.canaries import Canaries, digests, files_under, joined, open_files_of
from tests.laws.crowd import KEPT_PAGE, NAMED_PAGE, PROXY, Crowd
from tests.running import POLICY, Server, discreet

STAGES = (
    "while it runs",
    "while the store is out of reach",
    "after it was killed in an outage",
    "after it was killed at work",
    "after an import",
    "in what it answered",
    "in pages and queries",
    "after it was stopped",
)
_LOGIN = re.compile(r"login\s+(\S+)\s+password (\S+)")


class Aftermath:
    """What was left at each stage, and what was looked for in it."""

    def __init__(self) -> None:
        self.canaries = Canaries(seed=1)
        self.crowd = Crowd(self.canaries)
        self.left: dict[str, dict[str, bytes]] = {}
        self.counted = ""
        self.pages = ""


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("law1")
    (folder / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "tmp"))
        aftermath = Aftermath()
        live_through(Server(folder, POLICY, ("--trusted-proxy", PROXY)), folder, aftermath)
        yield aftermath


def live_through(server: Server, folder: Path, after: Aftermath) -> None:
    canaries, crowd, left = after.canaries, after.crowd, after.left
    with server:
        everything = chain(
            crowd.visits(60, 80),
            crowd.visits(200, 1),
            crowd.pixels(200),
            strangers.refused(crowd, canaries),
            strangers.broken(crowd, canaries),
            strangers.visitors_of_pages(crowd, canaries),
        )
        crowd.send(port_of(server), everything)
        crowd.send_bytes(port_of(server), strangers.no_http(canaries))
        left["while it runs"] = files_under(folder) | open_files_of(server.pid)

        with store_out_of_reach(server):
            began = time.monotonic()
            while time.monotonic() - began < 2.5:  # the store is asked every second
                crowd.send(port_of(server), crowd.visits(5, 80))
            crowd.send(port_of(server), strangers.broken(crowd, canaries))
            left["while the store is out of reach"] = files_under(folder) | open_files_of(
                server.pid
            )
            server.kill()
        left["after it was killed in an outage"] = files_under(folder)

        server.start()
        crowd.send(port_of(server), crowd.visits(30, 80))
        server.kill()
        left["after it was killed at work"] = files_under(folder)

        log = crowd.log_lines(600).encode()
        answer = discreet("import", "-", "--site", "example.org", "--data", server.data, stdin=log)
        assert answer.returncode == 0, answer.stderr
        left["after an import"] = files_under(folder) | {
            "its output": answer.stdout + answer.stderr
        }

        server.start()
        crowd.send(port_of(server), strangers.visitors_of_pages(crowd, canaries))
        left["in pages and queries"] = dict(shown_by(server))
        after.counted = server.query("SELECT sum(hits) FROM coverage WHERE reason = 'counted'")
        after.pages = server.query("SELECT DISTINCT page FROM pages ORDER BY page")
        for question in strangers.questions(canaries):
            with contextlib.suppress(Refused):
                server.query(question)
        server.stop()
    left["in what it answered"] = {"answers": joined(crowd.answers)}
    left["after it was stopped"] = files_under(folder) | {
        "output": server.output.encode(),
    }


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


class store_out_of_reach:  # noqa: N801  # reads as a state of affairs
    """The cells' directory is away; a file in its place keeps the engine from making another."""

    def __init__(self, server: Server) -> None:
        self._there = (server.data / "clickhouse" / "data" / "discreet" / "cells").resolve()
        self._away = self._there.with_name("away")

    def __enter__(self) -> None:
        self._there.rename(self._away)
        self._there.touch()

    def __exit__(self, *_: object) -> None:
        self._there.unlink()
        self._away.rename(self._there)


def shown_by(server: Server) -> Iterator[tuple[str, bytes]]:
    """Yield what an analyst gets to see: each view, and the dashboard."""
    for view in server.query("SHOW TABLES").split():
        yield f"view {view}", server.query(f"SELECT * FROM {view}").encode()
    found = _LOGIN.search(server.output)
    assert found
    with httpx.Client(base_url=server.url, follow_redirects=True) as client:
        form = client.get("/dashboard/login").text
        token = form.partition('name="token" value="')[2].partition('"')[0]
        fields = {"token": token, "name": found[1], "password": found[2]}
        page = client.post("/dashboard/login", data=fields)
        assert KEPT_PAGE in page.text
        yield "dashboard", page.content


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_that_identifies_is_found(aftermath: Aftermath, stage: str) -> None:
    found = aftermath.canaries.found_in(aftermath.left[stage])

    assert found == []


def test_every_hit_that_carried_something_was_counted(aftermath: Aftermath) -> None:
    assert aftermath.crowd.counted >= 10_000
    assert aftermath.canaries.count >= 100_000
    assert aftermath.counted == f"{aftermath.crowd.counted}\n"


def test_hits_were_on_their_way_when_the_store_was_out_of_reach(aftermath: Aftermath) -> None:
    left = aftermath.left["after it was killed in an outage"]
    waiting = left["data/spool.sqlite"] + left["data/spool.sqlite-wal"]
    was_tried = b"can't be read" in aftermath.left["after it was stopped"]["output"]
    is_waiting = KEPT_PAGE.encode() in waiting

    assert was_tried
    assert is_waiting


def test_what_may_be_kept_is_found_where_it_is_kept(aftermath: Aftermath) -> None:
    kept = Canaries(seed=2)
    kept.add("page", KEPT_PAGE)
    kept.add("page with a name", NAMED_PAGE)

    found = joined(kept.found_in(aftermath.left["after it was stopped"]))

    assert b"page as itself in data/clickhouse/" in found
    assert b"unpacked" in found
    assert NAMED_PAGE in aftermath.pages
    kinds = (":email", ":hex", ":uuid", ":token", ":number", ":jwt", ":address")
    masked = {page.split("/")[2] for page in aftermath.pages.split() if page.endswith("/edit")}
    assert masked <= set(kinds)
    assert len(masked) > 4


Hide = Callable[[bytes], bytes]


def hashed(name: str, write: Hide) -> Hide:
    """Return what hides a value as a digest, written in some way."""
    return lambda value: write(dict(digests(value))[name])


WRITTEN: dict[str, Hide] = {
    "": lambda digest: b"x" + digest + b"x",
    " in hex": lambda digest: digest.hex().encode(),
    " in hex, cut": lambda digest: b"x " + digest.hex()[:16].encode(),
    " in base64": base64.b64encode,
}
HIDINGS: dict[str, Hide] = {
    "itself": lambda value: b"x" + value + b"x",
    "a part": lambda value: b"x" + value[3:-3] + b"x",
    "capitals": bytes.upper,
    "itself backwards": lambda value: value[::-1],
    "UTF-16": lambda value: value.decode().encode("utf-16-be"),
    "percent forms": lambda value: "".join(f"%{octet:02x}" for octet in value).encode(),
    "hex": lambda value: b"f" + value.hex().encode(),
    "capital hex": lambda value: value.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64, one over": lambda value: b"abc" + base64.b64encode(b"a" + value + b"zz"),
    "base64, two over": lambda value: base64.b64encode(b"ab" + value + b"z"),
    "base64url": lambda value: b"-_" + base64.urlsafe_b64encode(b"ab\xff" + value),
} | {
    f"{name}{way}": hashed(name, write)
    for name in dict(digests(b""))
    for way, write in WRITTEN.items()
}


@pytest.mark.parametrize("hiding", HIDINGS)
def test_search_finds_a_value_that_is_hidden_as(hiding: str) -> None:
    canaries = Canaries(seed=3)
    kinds = (
        *(canaries.word, canaries.hex, canaries.token, canaries.uuid, canaries.number),
        *(canaries.email, canaries.jwt, canaries.address, canaries.wide_address),
    )
    for make in kinds:
        value = make("it").encode()
        # Of an address and of what follows a token's common head, the last part is the core.
        if hiding != "a part" or make in kinds[:4]:
            assert canaries.found_in({"file": HIDINGS[hiding](value)}), make.__name__
    assert not canaries.found_in({"file": HIDINGS[hiding](b"/nothing-of-the-kind/4711")})


def test_search_does_not_take_a_network_for_an_address() -> None:
    canaries = Canaries(seed=5)
    address, wide = canaries.address("v4"), canaries.wide_address("v6")

    networks = (address.rpartition(".")[0] + ".0/24", ":".join(wide.split(":")[:3]) + "::/48")

    assert canaries.found_in({"file": joined(networks)}) == []
    assert canaries.found_in({"file": str(int(ip_address(address))).encode()})
