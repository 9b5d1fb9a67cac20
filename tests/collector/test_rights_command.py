"""`discreet rights` and the running server's consent door, as separate processes."""

import json
import re
import socket
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest

from collector.receipts import hash_id
from tests.collector.receiving import files_of, files_with
from tests.laws.canaries import Canaries, open_files_of
from tests.running import FIREFOX, POLICY, Server, discreet

ADDRESS = "127.0.0.78"  # a loopback address that nothing else here uses
NO_ID = "0" * 64
PATH = "/api/consent"
OPT_IN = POLICY + 'consent = "opt-in"\njurisdiction = "DE"\n'


def decision(version: str = "1") -> dict[str, object]:
    return {
        "site": "example.org",
        "version": version,
        "purposes": ["audience"],
        "state": "given",
        "language": "en",
    }


def give(server: Server, version: str = "1") -> str:
    answer = httpx.post(server.url + PATH, json=decision(version))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["receipt_id"])


def show(server: Server, raw_id: str) -> httpx.Response:
    return httpx.get(server.url + PATH, headers={"Authorization": f"Bearer {raw_id}"})


def rights(action: str, raw_id: str, data: Path, stdin: str = "") -> CompletedProcess[bytes]:
    return discreet("rights", action, raw_id, "--data", data, stdin=stdin.encode())


def gone_within(seconds: float, folder: Path, raw_id: str) -> list[str]:
    needles = (hash_id(raw_id)[:8], hash_id(raw_id).hex().encode(), raw_id.encode())
    deadline = time.monotonic() + seconds
    while (found := files_with(folder, *needles)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("rights"), OPT_IN) as server:
        yield server


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, OPT_IN) as server:
        yield server


def test_running_server_finds_exports_and_erases(server: Server) -> None:
    raw_id = give(server)
    shown = show(server, raw_id).json()

    found = rights("find", raw_id, server.data)
    exported = rights("export", "-", server.data, stdin=f"{raw_id}\n")

    assert found.returncode == 0
    lines = dict(
        re.split(r"\s{1,}", line, maxsplit=1) for line in found.stdout.decode().split("\n")[:5]
    )
    assert lines == {
        "state": "given",
        "site": "example.org",
        "policy": "1",
        "purposes": "audience",
        "given": shown["event"][0]["event_time"],
    }
    assert json.loads(exported.stdout) == shown

    erased = rights("erase", raw_id, server.data)

    assert (erased.returncode, erased.stdout) == (0, b"erased\n")
    assert show(server, raw_id).status_code == 404
    assert gone_within(10, server.data, raw_id) == []


def test_stopped_data_directory_is_asked_itself(fresh: Server) -> None:
    raw_id, kept = give(fresh), give(fresh)
    shown = show(fresh, raw_id).json()
    fresh.stop()

    assert json.loads(rights("export", raw_id, fresh.data).stdout) == shown
    assert rights("erase", raw_id, fresh.data).stdout == b"erased\n"
    assert rights("find", raw_id, fresh.data).returncode == 2
    assert rights("find", kept, fresh.data).returncode == 0

    fresh.start()
    assert show(fresh, raw_id).status_code == 404
    assert show(fresh, kept).json()["state"] == "given"
    assert gone_within(10, fresh.data, raw_id) == []


@pytest.mark.parametrize("action", ["find", "export", "erase"])
@pytest.mark.parametrize(
    "raw_id", [pytest.param(NO_ID, id="never given"), pytest.param("canary", id="malformed")]
)
def test_unknown_receipt_is_one_line_and_exit_code_two(
    server: Server, action: str, raw_id: str
) -> None:
    answer = rights(action, raw_id, server.data)

    assert (answer.returncode, answer.stdout) == (2, b"")
    assert answer.stderr.startswith(b"discreet: receipt: ")
    assert answer.stderr.count(b"\n") == 1
    assert raw_id.encode() not in answer.stderr


def test_missing_data_directory_is_said_so(tmp_path: Path) -> None:
    answer = rights("find", NO_ID, tmp_path / "nowhere")

    assert answer.returncode == 2
    assert b"there is no data directory" in answer.stderr
    assert not (tmp_path / "nowhere").exists()


def test_receipt_that_was_answered_survives_kill_9(fresh: Server) -> None:
    """Each kill comes as soon as the answer was read."""
    given: list[str] = []
    for _ in range(3):
        given.append(give(fresh))
        fresh.kill()
        fresh.start()

    assert [show(fresh, raw_id).json().get("state") for raw_id in given] == ["given"] * 3


def test_withdrawal_and_erasure_that_were_answered_survive_kill_9(fresh: Server) -> None:
    withdrawn, erased = give(fresh), give(fresh)
    headers = {"Authorization": f"Bearer {withdrawn}"}
    assert httpx.post(f"{fresh.url}{PATH}/withdraw", headers=headers).status_code == 200
    headers = {"Authorization": f"Bearer {erased}"}
    assert httpx.delete(fresh.url + PATH, headers=headers).status_code == 204
    fresh.kill()
    fresh.start()

    assert show(fresh, withdrawn).json()["state"] == "withdrawn"
    assert show(fresh, erased).status_code == 404
    assert gone_within(10, fresh.data, erased) == []


def test_consent_given_before_a_major_change_is_void(fresh: Server) -> None:
    raw_id = give(fresh)
    fresh.stop()
    changed = OPT_IN.replace('version = "1"', 'version = "2"')
    fresh.policy.write_text(changed.replace("privacy@example.org", "other@example.org"))
    fresh.start()

    told = show(fresh, raw_id).json()

    assert (told["state"], told["policy_version"]) == ("invalidated", "1")
    parties = told["party_identification"]
    assert parties[0]["party_contact"] == "privacy@example.org"  # as it was told then
    assert httpx.post(fresh.url + PATH, json=decision("1")).status_code == 400
    assert show(fresh, give(fresh, "2")).json()["state"] == "given"


def test_neither_id_nor_address_nor_agent_is_anywhere_on_disk(tmp_path: Path) -> None:
    canaries = Canaries(seed=3)
    canaries.add("address", ADDRESS)
    canaries.add("address as a number", str(int.from_bytes(socket.inet_aton(ADDRESS), "big")))
    headers = {
        "User-Agent": canaries.put("agent", FIREFOX + " {}"),
        "Accept-Language": canaries.put("language", "de-{}"),
        "Cookie": canaries.put("cookie", "id={}"),
        "Referer": canaries.put("referrer", "https://example.org/{}"),
    }
    ids = []
    with Server(tmp_path, OPT_IN) as server:
        with httpx.Client(
            transport=httpx.HTTPTransport(local_address=ADDRESS),
            base_url=server.url,
            headers=headers,
        ) as client:
            for number in range(12):
                sent = {**decision(), canaries.put("key"): canaries.put("value")}
                raw_id = client.post(PATH, json=sent).json()["receipt_id"]
                ids.append(raw_id)
                bearer = {"Authorization": f"Bearer {raw_id}"}
                assert client.get(PATH, headers=bearer).status_code == 200
                if number % 3 == 0:
                    client.post(f"{PATH}/withdraw", headers=bearer)
                client.post("/rights", data={"action": "find", "receipt": raw_id})
            client.post(PATH, json={**decision(), "site": canaries.put("site")})
            client.get(PATH, headers={"Authorization": canaries.put("bearer", "Bearer {}")})
        things = files_of(server.data) | open_files_of(server.pid)
        server.stop()
        things |= {f"stopped {name}": content for name, content in files_of(tmp_path).items()}
        things["output"] = server.output.encode()

    assert canaries.found_in(things) == []
    found = [
        f"{what} of {raw_id} in {name}"
        for raw_id in ids
        for what, needle in (("id", raw_id.encode()), ("bytes", bytes.fromhex(raw_id)[:8]))
        for name, content in things.items()
        if needle in content
    ]
    assert found == []
    # The search sees what is there: the hash is.
    assert [name for name in things if sha256(ids[0].encode()).digest()[:8] in things[name]]


def test_analysts_cannot_read_receipts(server: Server) -> None:
    for sql in ("SELECT * FROM discreet.receipts", "SELECT * FROM receipts"):
        answer = discreet("query", "--data", server.data, sql)
        assert (answer.returncode, answer.stdout) == (2, b"")
