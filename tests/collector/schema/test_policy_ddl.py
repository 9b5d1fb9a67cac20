"""`discreet policy ddl`, run as a command."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.engine_process import start_engine
from tests.running import POLICY, Server, discreet, hit, refusal_of

CANARY = "kanarienvogel"
MORE = POLICY.replace('version = "1"', 'version = "2"') + (
    '[[statistic]]\nname = "readers"\npurpose = "audience"\nby = ["page"]\n'
)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return written(tmp_path, "policy.toml", POLICY)


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def printed(*arguments: str | Path) -> str:
    answer = discreet("policy", "ddl", *arguments)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == b""
    return answer.stdout.decode()


_RUN = """\
import sys
from chdb.session import Session
session = Session(sys.argv[1])
session.query(sys.stdin.read())
session.query("INSERT INTO discreet.cells (statistic, keep_days, grain, site, period, k1, visitors,"
    " views) SELECT 'pages(page)', 750, 'day', 'example.org', '2026-03-10 00:00:00', '/a', 2, 3")
print(session.query("SELECT page, visitors, views FROM pages", "TSV"), end="")
"""


def test_script_runs_as_it_is_printed_and_its_views_answer(policy: Path, tmp_path: Path) -> None:
    script = printed(policy)

    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(tmp_path / "clickhouse")],
        input=script.encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert (done.stdout, done.stderr) == (b"/a\t2\t3\n", b"")


@pytest.mark.parametrize(
    ("options", "first", "last"),
    [
        pytest.param(
            [],
            "CREATE DATABASE IF NOT EXISTS discreet;",
            "CREATE OR REPLACE VIEW coverage AS",
            id="plain",
        ),
        pytest.param(
            ["--database", "statistics"],
            "CREATE DATABASE IF NOT EXISTS discreet;",
            "CREATE OR REPLACE VIEW statistics.coverage AS",
            id="database",
        ),
        pytest.param(
            ["--roles"],
            "CREATE USER IF NOT EXISTS discreet_views IDENTIFIED WITH sha256_hash BY",
            "-- CREATE USER bob IDENTIFIED WITH sha256_password BY '…' DEFAULT ROLE"
            " `discreet_analyst_example.org` DEFAULT DATABASE `default_example.org`",
            id="roles",
        ),
        pytest.param(
            ["--cluster", "main"],
            "CREATE DATABASE IF NOT EXISTS discreet ON CLUSTER main;",
            "CREATE OR REPLACE VIEW default.coverage ON CLUSTER main AS",
            id="cluster",
        ),
        pytest.param(
            ["--cluster", "main", "--roles", "--database", "statistics"],
            "CREATE USER IF NOT EXISTS discreet_views ON CLUSTER main IDENTIFIED",
            "-- CREATE USER bob IDENTIFIED",
            id="all together",
        ),
    ],
)
def test_options_combine(policy: Path, options: list[str], first: str, last: str) -> None:
    script = printed(policy, *options).splitlines()

    assert script[0].startswith(first)
    assert script[-1].startswith(last)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(["--plan"], "--plan needs --data or --store, one of them", id="plan of what"),
        pytest.param(
            ["--plan", "--data", "d", "--store", "clickhouse://h"],
            "--plan needs --data or --store, one of them",
            id="two stores",
        ),
        pytest.param(["--data", "d"], "--data and --store go with --plan", id="data alone"),
        pytest.param(
            ["--plan", "--data", "d", "--roles"],
            "--plan shows what a start does: --roles, --cluster and --database don't go with it",
            id="plan with roles",
        ),
        pytest.param(
            ["--store-password-file", "f"],
            "--store-password-file goes with --plan",
            id="password for nothing",
        ),
        pytest.param(
            ["--cluster", f"{CANARY}'; DROP"],
            "--cluster: must be a cluster's name: letters, digits, _, - and .",
            id="cluster",
        ),
        pytest.param(
            ["--database", f"{CANARY}`.t"],
            "--database: must be letters, digits and _, and none of"
            " discreet, information_schema, system",
            id="database",
        ),
        pytest.param(
            ["--database", "discreet"],
            "--database: must be letters, digits and _, and none of"
            " discreet, information_schema, system",
            id="the store's own database",
        ),
        pytest.param(
            ["--plan", "--data", "nowhere"], "nowhere: there is no data directory", id="no data"
        ),
        pytest.param(
            ["--plan", "--store", f"clickhouse://ada:{CANARY}@127.0.0.1"],
            "the store's address: must hold no password; give --store-password-file"
            " or DISCREET_STORE_PASSWORD",
            id="password in the address",
        ),
        pytest.param(
            ["--plan", "--store", "clickhouse://ada@127.0.0.1:9"],
            "the store on 127.0.0.1 port 9 can't be used",
            id="no server",
        ),
    ],
)
def test_wrong_options_are_told_in_one_line(policy: Path, options: list[str], told: str) -> None:
    assert refusal_of("policy", "ddl", policy, *options) == told


def test_faulty_policy_is_told_by_line(tmp_path: Path) -> None:
    answer = discreet("policy", "ddl", written(tmp_path, "p.toml", POLICY + "colour = 1\n"))

    assert answer.returncode == 2
    assert "line 12: site.colour" in answer.stderr.decode()


def files(folder: Path) -> dict[str, bytes]:
    """Return what tells a change of tables or views: the engine's own definitions."""
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*.sql"))}


def test_plan_tells_of_a_running_and_of_a_stopped_store_and_changes_nothing(
    tmp_path: Path,
) -> None:
    more = written(tmp_path, "more.toml", MORE)
    with Server(tmp_path) as server:
        server.send(hit("/a"))
        server.wait_for("SELECT sum(views) FROM pages", "1\n")
        options = (more, "--plan", "--data", server.data)
        running = printed(*options).splitlines()
        before = files(server.data)
        assert server.stop() == 0
        stopped = printed(*options).splitlines()
        after = files(server.data)
        same = printed(server.policy, "--plan", "--data", server.data).splitlines()

    assert before == after
    assert running[1] == "(The server is running, so its counters are not told.)"
    assert [running[0], *running[2:]] == stopped
    assert stopped[0] == f"The store in {server.data}, brought to version 2 of test:"
    assert stopped[1] == (
        "+ readers: by [page], grain day, min_group 1, keep_days 750, purpose audience"
    )
    assert any(line.startswith("ALTER TABLE discreet.into_cells MODIFY QUERY") for line in stopped)
    assert any(line.startswith("CREATE OR REPLACE VIEW readers ") for line in stopped)
    assert stopped[-1] == "Nothing was changed."
    assert same[1:] == ["No statistic changes.", "", "Nothing was changed."]


def test_plan_of_a_store_on_a_server_is_told_alike(tmp_path: Path) -> None:
    old = written(tmp_path, "old.toml", POLICY)
    more = written(tmp_path, "more.toml", MORE)
    with start_engine(tmp_path / "clickhouse") as engine:
        client = engine.client()
        for statement in filter(str.strip, printed(old).split(";\n")):
            client.command(statement)
        client.close()
        secret = written(tmp_path, "password", engine.password)
        address = f"clickhouse://{engine.user}@{engine.host}:{engine.port}"
        options = ("--plan", "--store", address, "--store-password-file", secret)
        told = printed(more, *options).splitlines()
        (remembering := tmp_path / "data").mkdir()
        written(remembering, "store", f"{address}/default\n")
        by_data = printed(
            more, "--plan", "--data", remembering, "--store-password-file", secret
        ).splitlines()

    assert by_data == told
    assert told[0].startswith(f"The store at {address}/default, brought to version 2")
    assert "+ readers: by [page], grain day, min_group 1, keep_days 750, purpose audience" in told
    assert any(line.startswith("CREATE OR REPLACE VIEW readers ") for line in told)
    assert told[-1] == "Nothing was changed."
    assert engine.password not in "\n".join(told)


def test_plan_of_a_folder_without_a_store_makes_none(policy: Path, tmp_path: Path) -> None:
    (empty := tmp_path / "empty").mkdir()

    answer = discreet("policy", "ddl", policy, "--plan", "--data", empty)

    assert answer.stderr.decode() == f"discreet: {empty}: there is no store in it\n"
    assert not (empty / "clickhouse").exists()
