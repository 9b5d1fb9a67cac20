"""`discreet backup` and `discreet restore` from outside: what comes back, and how often."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from collector.backup import desk as desk_module
from collector.data_dir import DataDir
from tests.collector.backup.backing import (
    NOW,
    POLICY,
    back_up,
    count_views,
    data_directory,
    restore,
    sums_of,
)
from tests.collector.hits import Line
from tests.collector.storing import encoded
from tests.running import Server, discreet, hit, refusal_of

T = TypeVar("T")

VIEWS = "SELECT sum(views) FROM traffic"
LOG = b"".join(
    b'192.0.2.%d - - [10/Oct/2026:13:55:3%d +0000] "GET /p%d HTTP/1.1" 200 9 "-" "Mozilla/5.0'
    b' (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"\n' % (n, n, n)
    for n in range(1, 10)
)


def test_backup_of_a_running_server_holds_what_it_answered_and_lets_hits_go_on(
    tmp_path: Path,
) -> None:
    with Server(tmp_path) as server:
        for number in range(20):
            assert server.send(hit(f"/p{number}"), agent=f"Firefox/{number}").status_code == 202
        back_up(server.data, tmp_path / "backup")
        assert server.send(hit("/later")).status_code == 202
        server.wait_for(VIEWS, "21\n")
        assert not list(server.data.glob("backup-*"))
    restore(tmp_path / "backup", tmp_path / "again")
    assert discreet("query", "--data", tmp_path / "again", VIEWS).stdout == b"20\n"


def test_backup_that_nobody_comes_for_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "_LEFT_SECONDS", 0)
    data = DataDir(tmp_path / "data")

    async def run_alone(job: Callable[[], T]) -> T:
        return job()

    async def ask() -> None:
        desk = desk_module.BackupDesk(POLICY, data, data.store, run_alone, lambda: NOW)
        folder = data.path / (await desk.answer({"engine": ""})).decode()
        assert folder.exists()
        while await asyncio.to_thread(folder.exists):
            pass

    with data_directory(data.path) as kept:
        count_views(kept, 0)
        asyncio.run(asyncio.wait_for(ask(), 30))


def test_restored_directory_is_served_and_counts_on(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        server.send(hit("/before"))
        server.stop()
        back_up(server.data, tmp_path / "backup")
        server.data.rename(tmp_path / "lost")
        restore(tmp_path / "backup", server.data)
        server.start()
        server.send(hit("/after"))
        pages = "SELECT page, sum(views) FROM pages GROUP BY page ORDER BY page"
        server.wait_for(pages, "/after\t1\n/before\t1\n")
        notice = discreet("policy", "show", server.data / "policies" / "0001-1.json")
        assert notice.returncode == 0


def test_every_sum_of_every_statistic_and_site_comes_back(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 0, 1, 20, 60)
    back_up(tmp_path / "data", tmp_path / "backup")
    assert "left out" not in restore(tmp_path / "backup", tmp_path / "again")
    assert sums_of(tmp_path / "again") == sums_of(tmp_path / "data")


def test_hits_that_wait_in_the_spool_are_in_the_backup_once(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        line = Line(POLICY)
        kept.count(line.view("a", NOW - 9, "/sent"))
        # Sent and never confirmed, as a kill between the two leaves it.
        kept.append(line.view("b", NOW - 8, "/unconfirmed"))
        batch = kept.spool.take(kept.store.batches())
        assert batch is not None
        kept.store.insert(batch.token, batch.rows, batch.done)
        kept.spool.append(encoded(line.view("c", NOW - 7, "/waiting")))
    back_up(tmp_path / "data", tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again")
    pages = "SELECT page, sum(views) FROM pages GROUP BY page ORDER BY page"
    expected = b"/sent\t1\n/unconfirmed\t1\n/waiting\t1\n"
    assert discreet("query", "--data", tmp_path / "again", pages).stdout == expected
    assert discreet("query", "--data", tmp_path / "data", pages).stdout == expected


def test_log_that_was_imported_before_the_backup_is_not_counted_again_after_it(
    tmp_path: Path,
) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(LOG)
    site = ("--site", "example.org", "--data")
    assert discreet("import", log, *site, tmp_path / "data").returncode == 0
    back_up(tmp_path / "data", tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again")
    log.write_bytes(LOG + LOG.replace(b"/p", b"/q"))
    assert discreet("import", log, *site, tmp_path / "again").returncode == 0
    counted = "SELECT sum(views) FROM traffic"
    assert discreet("query", "--data", tmp_path / "again", counted).stdout == b"18\n"


@pytest.mark.parametrize("taken", ["a folder with a file", "a file", "a link to nowhere"])
def test_target_that_holds_something_is_refused_and_left_as_it_was(
    tmp_path: Path, taken: str
) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 0)
    back_up(tmp_path / "data", tmp_path / "backup")
    target = tmp_path / "target"
    if taken == "a folder with a file":
        target.mkdir()
        (target / "mine").write_text("mine")
    elif taken == "a file":
        target.write_text("mine")
    else:
        target.symlink_to(tmp_path / "nowhere")
    for command in (
        ("restore", tmp_path / "backup", "--data", target),
        ("backup", target, "--data", tmp_path / "data"),
    ):
        assert refusal_of(*command) == f"{target}: must be a new or an empty folder"
    assert target.is_symlink() or (target / "mine" if target.is_dir() else target).read_text()


def test_empty_folder_is_a_target(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 0)
    (tmp_path / "backup").mkdir()
    (tmp_path / "again").mkdir()
    back_up(tmp_path / "data", tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again")
    assert sums_of(tmp_path / "again") == sums_of(tmp_path / "data")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        pytest.param(("--data", "nowhere"), "there is no data directory", id="no data"),
        pytest.param(
            ("--data", ".", "--engine-backup", "S3('https://x','k','secret')"),
            "--engine-backup: must be Disk('NAME','PATH') or File('PATH')",
            id="a place with a secret",
        ),
        pytest.param(
            ("--data", ".", "--engine-backup", "Disk('b','../up')"),
            "--engine-backup: must be",
            id="a place above",
        ),
    ],
)
def test_backup_that_cant_be_made_says_why_in_one_line(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    refusal = refusal_of("backup", tmp_path / "backup", *options)
    assert says in refusal
    assert "secret" not in refusal
    assert not (tmp_path / "backup").exists()
