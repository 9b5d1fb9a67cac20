"""`discreet retention` on a real server, and on the directory that it left."""

from pathlib import Path

import pytest

from anonymizer.hits import SiteId
from collector.retention.last_run import LastRun, keep_last_run
from tests.running import FIREFOX, POLICY, Server, discreet, hit, refusal_of

GUARDED = POLICY.replace("min_group = 1", "min_group = 3")
LOG_LINE = (
    '192.0.2.{n} - - [10/Mar/2026:11:00:{n:02} +0000] "GET /rare-{n} HTTP/1.1" 200 9 "-"'
    ' "{agent}"\n'
)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder whose data directory holds a day long past."""
    folder = tmp_path_factory.mktemp("retention")
    (folder / "policy.toml").write_text(GUARDED)
    log = "".join(LOG_LINE.format(n=n, agent=FIREFOX) for n in range(1, 9))
    done = discreet(
        *("import", "-", "--site", "example.org", "--data", folder / "data"),
        *("--policy", folder / "policy.toml"),
        stdin=log.encode(),
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_run_and_status_with_and_without_a_server(imported: Path) -> None:
    data = imported / "data"
    waiting = discreet("retention", "status", "--data", data)
    run = discreet("retention", "run", "--data", data)
    again = discreet("retention", "run", "--data", data)
    with Server(imported, GUARDED) as server:
        assert server.send(hit("/now")).status_code == 202
        server.wait_for("SELECT sum(views) FROM traffic", "9\n")
        live_run = discreet("retention", "run", "--data", data)
        live = discreet("retention", "status", "--data", data)
        shown = server.query("SELECT sum(views), countIf(day IS NULL) > 0 FROM pages")
        server.stop()

    for answer in (waiting, run, again, live_run, live):
        assert answer.returncode == 0, answer.stderr
    assert rows(waiting.stdout)["pages"][-2:] == ["8", "0"]
    assert "last run: none yet" in waiting.stdout.decode()
    assert rows(run.stdout)["pages"][1] == "8"
    assert b"no cell had to move or to go" in again.stdout
    assert b"last run: 20" in live.stdout
    assert shown == "9\t1\n"


def rows(table: bytes) -> dict[str, list[str]]:
    """Return a printed table's lines as words, by the first of them."""
    return {words[0]: words for words in map(str.split, table.decode().splitlines()) if words}


@pytest.mark.parametrize("action", ["run", "status"])
def test_directory_without_data_is_one_line_and_code_2(tmp_path: Path, action: str) -> None:
    missing = refusal_of("retention", action, "--data", tmp_path / "none")
    empty = refusal_of("retention", action, "--data", tmp_path)

    assert missing.endswith("there is no data directory")
    assert empty.endswith("nothing was counted here yet")


def test_status_names_the_sites_that_could_not_be_folded(imported: Path) -> None:
    notes = imported / "data" / "retention.json"
    keep_last_run(notes, LastRun(1, not_folded={SiteId("example.org"): [202603, 202611]}))

    answer = discreet("retention", "status", "--data", imported / "data")

    assert b"NOT FOLDED: small groups of example.org in 2026-03, 2026-11;" in answer.stdout
