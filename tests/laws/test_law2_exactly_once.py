"""Law 2: an accepted hit is never lost and never counted twice.

What these tests can't show: a power cut. A killed process leaves what it wrote in
the kernel's hands, so that fsync is asked for is seen (test_spool), that a disk
obeys is not. Nor can a hit be told apart that was sent, kept and never answered:
it counts once, but its sender may send it again.
"""

import contextlib
import http.client
import itertools
import json
import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from anonymizer.policy import PurposeId
from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from collector.schema.tables import DATABASE, create_tables
from collector.spool import Spool, drain, send
from collector.store import StoreFailed
from collector.store_address import PASSWORD_VARIABLE
from tests.collector.hits import Line, make_policy
from tests.collector.storing import Kept, encoded, opened, parts
from tests.engine_process import EngineProcess, start_engine
from tests.running import FIREFOX, Server, hit

CLIENTS = 4
VISITORS = 100
POLICY = make_policy()
NOON = int(datetime(2026, 3, 10, 11, 0, tzinfo=UTC).timestamp())
NEXT_MONTH = NOON + 31 * 86_400


class Load:
    """Clients that post hits, each on a page of its own, until their server is gone."""

    def __init__(self, url: str, names: Iterator[int]) -> None:
        self._address = url.removeprefix("http://")
        self._names = names
        self.sent: set[str] = set()
        self.answered: set[str] = set()
        self._is_over = False
        self._threads = [threading.Thread(target=self._post_until_gone) for _ in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Post no more."""
        self._is_over = True
        self.join()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)

    def _post_until_gone(self) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=10)
        with contextlib.suppress(OSError, http.client.HTTPException):
            while not self._is_over:
                pages = [f"/page-{next(self._names)}" for _ in range(3)]
                self.sent.update(pages)
                body = json.dumps([hit(page) for page in pages])
                # No visitor may send more than 600 hits a minute.
                agent = f"{FIREFOX} {next(self._names) % VISITORS}"
                headers = {"User-Agent": agent, "Content-Type": "text/plain"}
                connection.request("POST", "/api/event", body, headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 202
                self.answered.update(pages)
        connection.close()


Moment = Callable[[Server, Load], bool]
"""Whether the moment to kill has come."""


def answers(count: int) -> Moment:
    return lambda _, load: len(load.answered) >= count


def on_the_way(server: Server, load: Load) -> bool:
    """Tell whether a part is being written: its batch is with the store and not in place."""
    return bool(load.answered) and any(store_files(server, "tmp_insert_*"))


def in_place(server: Server, load: Load) -> bool:
    """Tell whether a first part since the start is in place, its batch just confirmed or not."""
    return bool(load.answered) and any(
        changed(each) > server_started(server) for each in store_files(server, "*_*_*_*")
    )


def changed(path: Path) -> float:
    # A part that was being written may have got its name since it was listed.
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def store_files(server: Server, pattern: str) -> Iterator[Path]:
    # A directory may be renamed while it is listed.
    with contextlib.suppress(OSError):
        yield from (server.data / "clickhouse" / "store").glob(f"*/*/{pattern}")


def server_started(server: Server) -> float:
    return (server.data / "query.sock").stat().st_mtime


MOMENTS: tuple[tuple[str, Moment], ...] = (
    ("after the first answer", answers(1)),
    ("after 100 answers", answers(100)),
    ("a part is written", on_the_way),
    ("after 1000 answers", answers(1_000)),
    ("a part is in place", in_place),
    ("a part is written, again", on_the_way),
    ("after 2000 answers", answers(2_000)),
    ("a part is in place, again", in_place),
)


def test_every_answered_hit_counts_once_however_often_the_server_is_killed(tmp_path: Path) -> None:
    server = Server(tmp_path)
    names = itertools.count(1)
    sent: set[str] = set()
    answered: set[str] = set()
    for what, has_come in MOMENTS:
        with server:
            load = Load(server.url, names)
            load.start()
            deadline = time.monotonic() + 20
            while not has_come(server, load):
                assert time.monotonic() < deadline, what
            server.kill()
        load.join()
        assert load.answered, what
        sent |= load.sent
        answered |= load.answered

    with server:
        counted = Counter(
            {
                page: int(views)
                for page, views in (
                    row.split("\t")
                    for row in server.query(
                        "SELECT page, sum(views) FROM pages GROUP BY page"
                    ).splitlines()
                )
            }
        )
        assert [page for page in answered if counted[page] != 1] == []
        assert [page for page, views in counted.items() if views != 1] == []
        assert set(counted) <= sent

        # Every statistic saw the same hits: no partition was left out or took one twice.
        views = f"{len(counted)}\n"
        for sql in (
            "SELECT sum(views) FROM traffic",
            "SELECT sum(views) FROM networks",
            "SELECT sum(views) FROM devices",
            "SELECT sum(hits) FROM coverage WHERE reason = 'counted'",
        ):
            assert server.query(sql) == views, sql
        visits = server.query("SELECT sum(visits) FROM traffic")
        for view in ("entry_pages", "exit_pages", "networks"):
            assert server.query(f"SELECT sum(visits) FROM {view}") == visits, view
        assert int(visits) <= len(MOMENTS) * VISITORS


ROUNDS: tuple[frozenset[str], ...] = (
    frozenset({"one"}),
    frozenset({"engine"}),
    frozenset({"one", "two"}),
    frozenset({"engine", "two"}),
    frozenset(),
)
"""Who is killed while both collectors are under load."""


def wait_for_answers(loads: Iterable[Load], counts: Iterable[int]) -> None:
    deadline = time.monotonic() + 30
    for load, count in zip(loads, counts, strict=True):
        while len(load.answered) < count:
            assert time.monotonic() < deadline


def kill_under_load(
    engine: EngineProcess, collectors: Mapping[str, Server], loads: Mapping[str, Load], round_: int
) -> None:
    """Kill who is to be killed at a moment of chance, and start them again."""
    for load in loads.values():
        load.start()
    chance = random.Random(round_)
    wait_for_answers(loads.values(), [chance.randrange(50, 1_500)] * len(loads))
    killed = ROUNDS[round_]
    if "engine" in killed:
        engine.kill()
        # The collectors go on answering while it is away.
        wait_for_answers(loads.values(), [len(load.answered) + 100 for load in loads.values()])
    for name in killed & collectors.keys():
        collectors[name].kill()
    if "engine" in killed:
        engine.start()
    for load in loads.values():
        load.stop()
    for name in killed & collectors.keys():
        collectors[name].start()


def test_two_collectors_on_one_server_count_each_answered_hit_once_whoever_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = itertools.count(1)
    sent: set[str] = set()
    answered: set[str] = set()
    with start_engine(tmp_path / "engine") as engine, contextlib.ExitStack() as running:
        monkeypatch.setenv(PASSWORD_VARIABLE, engine.password)
        address = f"clickhouse://{engine.user}@{engine.host}:{engine.port}/default?timeout=5"
        collectors = {}
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            server = Server(tmp_path / name, options=["--store", address])
            collectors[name] = running.enter_context(server)
        for round_ in range(len(ROUNDS)):
            loads = {name: Load(server.url, names) for name, server in collectors.items()}
            kill_under_load(engine, collectors, loads, round_)
            for load in loads.values():
                sent |= load.sent
                answered |= load.answered
        for server in collectors.values():
            assert server.stop() == 0
            server.query("SELECT 1")  # sends what waits
        ask = collectors["one"].query
        rows = ask("SELECT page, sum(views) FROM pages GROUP BY page").splitlines()
        coverage = ask("SELECT sum(hits) FROM coverage WHERE reason = 'counted'")
        networks = ask("SELECT sum(views) FROM networks")

    counted = {page: int(views) for page, views in (row.split("\t") for row in rows)}
    assert [page for page in answered if counted.get(page) != 1] == []
    assert [page for page, views in counted.items() if views != 1] == []
    assert set(counted) <= sent
    assert coverage == networks == f"{len(counted)}\n"


def send_without_confirming(folder: Path, line: Line) -> None:
    """Keep two months' hits and stop as a kill between insert and confirm does."""
    with opened(folder, POLICY) as kept:
        kept.count(line.view("ada", NOON, "/before"))
        kept.append(
            line.view("ada", NOON + 30, "/a"),
            line.view("bob", NEXT_MONTH, "/b"),
        )
        batch = kept.spool.take(kept.store.batches())
        assert batch is not None
        send(batch, kept.store)


EXPECTED = """\
month       views  visits  networks  hits
2026-03-01  2      1       2         2
2026-04-01  1      1       1         1"""

NUMBERS = """
SELECT month, t.views AS views, t.visits AS visits, n.views AS networks, c.hits AS hits
FROM (SELECT toStartOfMonth(toDate(hour)) AS month, sum(views) AS views, sum(visits) AS visits
      FROM traffic GROUP BY month) AS t
JOIN (SELECT toStartOfMonth(day) AS month, sum(views) AS views
      FROM networks GROUP BY month) AS n USING month
JOIN (SELECT toStartOfMonth(day) AS month, sum(hits) AS hits
      FROM coverage GROUP BY month) AS c USING month
ORDER BY month"""


def test_batch_in_the_store_that_was_not_confirmed_counts_once(tmp_path: Path) -> None:
    send_without_confirming(tmp_path, Line(POLICY))

    for _ in range(2):
        with opened(tmp_path, POLICY) as kept:
            assert kept.table(NUMBERS) == EXPECTED
            assert kept.spool.is_empty()


def test_batch_that_was_taken_and_never_sent_counts_once(tmp_path: Path) -> None:
    line = Line(POLICY)
    with opened(tmp_path, POLICY) as kept:
        kept.count(line.view("ada", NOON, "/before"))
        kept.append(line.view("ada", NOON + 30, "/a"), line.view("bob", NEXT_MONTH, "/b"))
        kept.spool.take(kept.store.batches())

    with opened(tmp_path, POLICY) as kept:
        assert kept.table(NUMBERS) == EXPECTED


@pytest.mark.parametrize(
    "missing",
    [
        pytest.param(("750-202603", "750-202604", "90-202603", "90-202604"), id="all"),
        pytest.param(("750-202604", "90-202603", "90-202604"), id="all but the first"),
        pytest.param(("90-202603", "90-202604"), id="one time to keep"),
        pytest.param(("750-202604", "90-202604"), id="one month"),
        pytest.param(("90-202604",), id="the last alone"),
        pytest.param(("750-202603",), id="the first alone"),
    ],
)
def test_part_that_only_the_engines_log_of_tokens_knows_is_sent_again(
    tmp_path: Path, missing: tuple[str, ...]
) -> None:
    """The engine notes a partition's token, then renames its part into place.

    A kill between the two leaves the note without the part (strace of an insert:
    write to deduplication_log, rename, for one partition after the other).
    """
    send_without_confirming(tmp_path, Line(POLICY))
    for partition in missing:
        newest = max(
            (part for part in parts(tmp_path) if part.name.startswith(f"{partition}_")),
            key=lambda part: int(part.name.split("_")[1]),
        )
        shutil.rmtree(newest)
    noted = next((tmp_path / "clickhouse" / "store").glob("*/*/deduplication_logs/*"))
    assert all(partition in noted.read_text() for partition in missing)

    for _ in range(2):
        with opened(tmp_path, POLICY) as kept:
            assert kept.table(NUMBERS) == EXPECTED


def test_batch_that_is_killed_again_and_again_on_its_way_counts_once(tmp_path: Path) -> None:
    send_without_confirming(tmp_path, Line(POLICY))
    for partition in ("90-202604", "750-202604", "90-202603"):
        newest = max(
            (part for part in parts(tmp_path) if part.name.startswith(f"{partition}_")),
            key=lambda part: int(part.name.split("_")[1]),
        )
        shutil.rmtree(newest)
        kept = Kept(tmp_path, POLICY)
        batch = kept.spool.take(kept.store.batches())
        assert batch is not None
        send(batch, kept.store)
        kept.close()

    with opened(tmp_path, POLICY) as kept:
        assert kept.table(NUMBERS) == EXPECTED


def test_outage_of_the_store_loses_nothing_and_counts_nothing_twice(tmp_path: Path) -> None:
    line = Line(POLICY)
    with opened(tmp_path, POLICY) as kept:
        kept.count(line.view("ada", NOON, "/before"))
        kept.append(line.view("ada", NOON + 30, "/a"))
        kept.store._client.command(f"DROP TABLE {DATABASE}.inbox SYNC")
        for _ in range(3):
            with pytest.raises(StoreFailed):
                drain(kept.spool, kept.store)
        kept.append(line.view("bob", NEXT_MONTH, "/b"))
        for statement in create_tables():
            kept.store._client.command(statement)

        # The first batch under its old token, and anew; then the second.
        assert drain(kept.spool, kept.store) == 3
        assert kept.table(NUMBERS) == EXPECTED
        assert drain(kept.spool, kept.store) == 0


TWO_PURPOSES = """\
[policy]
id = "test"
version = "1"
controller = "Example"
contact = "privacy@example.org"
min_group = 1

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"
"""
PURPOSE = '[[purpose]]\nid = "{0}"\ntitle = "{0}"\nclause = "1"\nbasis = "exempt"\n'
STATISTICS = """
[[statistic]]
name = "pages"
purpose = "first"
by = ["page"]
[[statistic]]
name = "networks"
purpose = "second"
by = ["network"]
[[statistic]]
name = "coverage"
purpose = "first"
by = ["door", "reason"]
"""


def test_hits_that_wait_while_the_policy_changes_count_under_the_one_they_came_under(
    tmp_path: Path,
) -> None:
    """A bit that meant one purpose then means another now."""
    before = TWO_PURPOSES + PURPOSE.format("first") + PURPOSE.format("second") + STATISTICS
    after = TWO_PURPOSES + PURPOSE.format("second") + PURPOSE.format("first") + STATISTICS
    server = Server(tmp_path, before)
    server.start()
    server.stop()
    line = Line(read_policy(before, default_policy()))
    spool = Spool(server.data / "spool.sqlite")
    spool.append(encoded(line.view("ada", NOON, purposes=frozenset({PurposeId("second")}))))
    spool.close()
    server.policy.write_text(after)

    with server:
        assert server.query("SELECT sum(views) FROM networks") == "1\n"
        assert server.query("SELECT sum(views) FROM pages") == "0\n"
