"""A change of the policy on a running data directory: told, kept, and asked for anew."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.running import POLICY, Server, discreet, hit, refusal_of

ASKING = POLICY + 'consent = "opt-in"\n'


def version(number: int, text: str = ASKING) -> str:
    return text.replace('version = "1"', f'version = "{number}"')


@pytest.fixture(name="server")
def server_under_the_first_version(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, ASKING) as server:
        yield server


def restart(server: Server, policy: str) -> None:
    assert server.stop() == 0
    server.policy.write_text(policy)
    server.start()


def told(server: Server, consent: str) -> str:
    """Send a hit with a consent and return what became of it."""
    return server.send(hit(c=consent)).headers["X-Discreet"]


def test_policy_that_changed_under_its_version_stops_the_start_with_every_change(
    server: Server,
) -> None:
    server.stop()
    changed = ASKING.replace("privacy@", "data@").replace("min_group = 1", "min_group = 2")
    server.policy.write_text(changed)

    answer = discreet("serve", "--policy", server.policy, "--data", server.data, "--port", "0")

    assert answer.returncode == 2
    lines = answer.stderr.decode().splitlines()
    assert "give [policy] version a new value" in lines[0]
    assert lines[1] == "  policy: contact: privacy@example.org → data@example.org (major, imoa 9.5)"
    assert "  statistic pages: min_group: 1 → 2 (not major)" in lines
    assert (server.data / "policy.toml").read_text() == ASKING


def test_import_under_a_policy_that_changed_stops_likewise(server: Server) -> None:
    server.stop()
    server.policy.write_text(ASKING.replace("privacy@", "data@"))
    options = ("--site", "example.org", "--policy", server.policy, "--data", server.data)

    answer = discreet("import", "-", *options)

    assert answer.returncode == 2
    assert b"contact: privacy@example.org" in answer.stderr


def test_import_without_a_policy_of_its_own_takes_no_version_from_a_later_start(
    tmp_path: Path,
) -> None:
    line = b'192.0.2.7 - - [17/May/2026:23:30:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
    options = ("--site", "example.org", "--data", tmp_path / "data")
    assert discreet("import", "-", *options, stdin=line).returncode == 0

    with Server(tmp_path, POLICY) as server:
        assert httpx.get(f"{server.url}/privacy").status_code == 200


def test_damaged_archive_stops_the_start_and_names_the_file(server: Server) -> None:
    server.stop()
    (server.data / "policies" / "0001-1.json").write_text("{")

    serve = ("serve", "--policy", server.policy, "--data", server.data, "--port", "0")
    assert "0001-1.json" in refusal_of(*serve)


def test_notice_of_the_version_before_is_still_read_after_a_change(server: Server) -> None:
    assert "in force" in httpx.get(f"{server.url}/privacy/1?lang=en").text

    restart(server, version(2).replace('"Example"', '"Successor"'))

    now = httpx.get(f"{server.url}/privacy?lang=en").text
    before = httpx.get(f"{server.url}/privacy/1?lang=en")
    assert "Successor counts how its sites are used" in now
    assert before.status_code == 200
    assert "Example counts how its sites are used" in before.text
    assert "This version is not in force" in before.text
    assert httpx.get(f"{server.url}/privacy/3").status_code == 404


def test_consent_goes_on_over_a_small_change_and_is_void_after_a_major_one(
    server: Server,
) -> None:
    assert told(server, "1,audience") == "counted"
    assert told(server, "2,audience") == "refused consent_void"

    restart(server, version(2).replace("min_group = 1", "min_group = 2"))
    assert told(server, "1,audience") == "counted"
    assert told(server, "2,audience") == "counted"

    restart(server, version(3).replace('"Example"', '"Successor"'))
    assert told(server, "1,audience") == "refused consent_void"
    assert told(server, "2,audience") == "refused consent_void"
    assert told(server, "3,audience") == "counted"
