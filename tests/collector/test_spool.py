"""The spool: what was answered stays until the store has it, whatever fails between."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.schema.into_cells import Meaning
from collector.spool import MAX_BATCH_HITS, MAX_GROUP_HITS, Batch, Spool, SpoolFailed

NOTHING: dict[str, int] = {}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    spool = Spool(path)
    yield spool
    spool.close()


def fill_disk(spool: Spool) -> None:
    """Let SQLite's file grow no more: what a full disk is to it (SQLITE_FULL)."""
    spool._database.execute("PRAGMA max_page_count = 1").fetchall()


def free_disk(spool: Spool) -> None:
    spool._database.execute("PRAGMA max_page_count = 100000").fetchall()


BIG = [b"x" * 100_000]


def test_new_spool_has_nothing_to_send(spool: Spool) -> None:
    assert spool.is_empty()
    assert spool.take(NOTHING) is None


def test_rows_come_out_in_the_order_in_which_they_came_in(spool: Spool) -> None:
    spool.append([b"a", b"b"])
    spool.append([])
    spool.append(iter([b"c"]))

    batch = spool.take(NOTHING)

    assert batch is not None
    assert batch.rows == b"abc"


def test_batch_stays_the_same_until_it_is_confirmed(spool: Spool) -> None:
    spool.append([b"a"])
    first = spool.take(NOTHING)
    spool.append([b"b"])
    again = spool.take(NOTHING)

    assert first is not None
    assert again is not None
    assert (first.rows, again.rows) == (b"a", b"a")

    spool.confirm(again)
    anew = spool.take(NOTHING)
    assert anew is not None
    assert anew.rows == b"a"
    spool.confirm(anew)
    after = spool.take(NOTHING)
    assert after is not None
    assert after.rows == b"b"


def test_confirmed_batch_is_gone(spool: Spool) -> None:
    spool.append([b"a"])
    batch = spool.take(NOTHING)
    assert batch is not None

    spool.confirm(batch)

    assert spool.is_empty()
    assert spool.take(NOTHING) is None


def test_batch_that_was_never_sent_is_for_every_partition(spool: Spool) -> None:
    spool.append([b"a"])

    batch = spool.take({"(750,202603)": 4})

    assert batch is not None
    assert batch.done == ()


def test_batch_that_was_sent_before_leaves_out_the_partitions_that_took_it_in(
    spool: Spool,
) -> None:
    spool.append([b"a"])
    first = spool.take({"(90,202603)": 7, "(750,202603)": 4})

    again = spool.take({"(90,202603)": 7, "(750,202603)": 5, "(750,202604)": 1})

    assert first is not None
    assert again is not None
    assert again.done == ("(750,202603)", "(750,202604)")


def test_batch_whose_sending_failed_goes_under_its_token_until_that_is_answered_then_anew(
    spool: Spool,
) -> None:
    """A sending that seemed lost may arrive late; under one token only one of them counts."""
    spool.append([b"a"])
    first = spool.take(NOTHING)
    again = spool.take(NOTHING)
    once_more = spool.take(NOTHING)
    assert first is not None
    assert again is not None
    assert once_more is not None
    assert (first.is_repeat, again.is_repeat, once_more.is_repeat) == (False, True, True)
    assert first.token == again.token == once_more.token

    spool.confirm(once_more)
    anew = spool.take(NOTHING)

    assert anew is not None
    assert not anew.is_repeat
    assert anew.token != first.token
    spool.confirm(anew)
    assert spool.is_empty()


def test_old_name_of_a_batch_confirms_nothing(spool: Spool) -> None:
    spool.append([b"a"])
    first = spool.take(NOTHING)
    again = spool.take(NOTHING)
    assert first is not None
    assert again is not None
    spool.confirm(again)

    spool.confirm(first)

    assert not spool.is_empty()


def test_each_spool_has_an_id_of_its_own_for_good(path: Path) -> None:
    ids = []
    for of in (path, path, path.with_name("other.sqlite")):
        spool = Spool(of)
        ids.append(spool.collector)
        spool.close()

    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_rows_counted_under_two_policies_go_in_two_batches_each_with_its_meaning(
    spool: Spool, path: Path
) -> None:
    before, after = (Meaning(name, ("site",), f"SELECT '{name}'") for name in ("before", "after"))
    spool.append([b"untold"])
    spool.count_under(before)
    spool.append([b"a"])
    spool.append([b"b"])
    spool.close()
    spool = Spool(path)
    spool.count_under(after)
    spool.append([b"c"])

    found = []
    while (batch := spool.take(NOTHING)) is not None:
        found.append((batch.rows, batch.meaning))
        spool.confirm(batch)
    spool.close()

    assert found == [(b"untold", None), (b"ab", before), (b"c", after)]


OF_RELEASE_0_1 = """
CREATE TABLE groups (id INTEGER PRIMARY KEY, hits INTEGER NOT NULL, rows BLOB NOT NULL);
CREATE TABLE batch (token TEXT NOT NULL, last_group INTEGER NOT NULL, before TEXT NOT NULL);
CREATE TABLE imported (site TEXT NOT NULL, position INTEGER NOT NULL, mark BLOB NOT NULL);
INSERT INTO groups (hits, rows) VALUES (1, x'61');
INSERT INTO batch VALUES ('sent', 1, '{"(90,202603)": 7}');
INSERT INTO groups (hits, rows) VALUES (1, x'62');
"""


def test_spool_of_release_0_1_goes_on_with_its_batch(path: Path) -> None:
    old = sqlite3.connect(path)
    old.executescript(OF_RELEASE_0_1)
    old.close()

    spool = Spool(path)
    batch = spool.take({"(90,202603)": 8})

    assert batch is not None
    assert (batch.token, batch.done, batch.is_repeat) == ("sent", ("(90,202603)",), True)
    assert batch.meaning is None
    spool.close()


def test_what_was_appended_and_taken_is_there_after_a_kill(path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from collector.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1]))\n"
        "spool.append([b'a']); spool.take({'p': 1}); spool.append([b'b'])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, path], check=False).returncode == -9

    spool = Spool(path)
    batch = spool.take({"p": 2})
    spool.close()

    assert batch is not None
    assert (batch.rows, batch.done) == (b"a", ("p",))


def test_batches_are_limited_and_hold_whole_groups(spool: Spool) -> None:
    groups = 3 * MAX_BATCH_HITS // 8_000
    for number in range(groups):
        spool.append([b"%d" % number] * 8_000)

    sizes = []
    while (batch := spool.take(NOTHING)) is not None:
        sizes.append(len(batch.rows))
        spool.confirm(batch)

    assert sizes == [16_000, 16_000, 16_000, 8_000]
    assert max(sizes) <= MAX_BATCH_HITS


def test_group_larger_than_a_batch_goes_alone(spool: Spool) -> None:
    spool.append([b"a"])
    spool.append([b"b"] * (MAX_BATCH_HITS + 1))
    spool.append([b"c"])

    sizes = []
    while (batch := spool.take(NOTHING)) is not None:
        sizes.append(len(batch.rows))
        spool.confirm(batch)

    assert sizes == [1, MAX_BATCH_HITS + 1, 1]


def test_import_keeps_rows_and_mark_in_one_step(spool: Spool) -> None:
    spool.append_import([b"a"] * (MAX_GROUP_HITS + 1), "example.org", 4_096, b"mark")

    assert spool.imported("example.org") == {(4_096, b"mark")}
    assert spool.imported("other.example") == set()
    batch = spool.take(NOTHING)
    assert batch is not None
    assert len(batch.rows) == MAX_GROUP_HITS + 1


def test_marks_outlive_the_rows(spool: Spool) -> None:
    spool.append_import([b"a"], "example.org", 1, b"mark")
    batch = spool.take(NOTHING)
    assert batch is not None
    spool.confirm(batch)

    assert spool.imported("example.org") == {(1, b"mark")}


def test_full_disk_refuses_a_group_whole_and_the_next_one_works_when_it_is_freed(
    spool: Spool,
) -> None:
    spool.append([b"before"])
    fill_disk(spool)
    with pytest.raises(SpoolFailed, match="can't be written"):
        spool.append(BIG)

    free_disk(spool)
    spool.append([b"after"])

    batch = spool.take(NOTHING)
    assert batch is not None
    assert batch.rows == b"beforeafter"


def test_full_disk_leaves_neither_rows_nor_mark_of_an_import(spool: Spool) -> None:
    fill_disk(spool)
    with pytest.raises(SpoolFailed):
        spool.append_import(BIG, "example.org", 1, b"mark")
    assert spool.imported("example.org") == set()
    assert spool.is_empty()

    free_disk(spool)
    spool.append_import([b"a"], "example.org", 1, b"mark")
    assert spool.imported("example.org") == {(1, b"mark")}


def test_import_whose_mark_can_not_be_written_leaves_no_rows(spool: Spool) -> None:
    """The rows went in before the mark failed, and no error of SQLite took them back."""
    spool._database.execute(
        "CREATE TRIGGER no_mark BEFORE INSERT ON imported BEGIN SELECT RAISE(FAIL, 'no'); END"
    )
    with pytest.raises(SpoolFailed):
        spool.append_import([b"a"], "example.org", 1, b"mark")
    assert spool.is_empty()

    spool.append([b"after"])
    batch = spool.take(NOTHING)
    assert batch is not None
    assert batch.rows == b"after"


STEPS: dict[str, Callable[[Spool, Batch], object]] = {
    "append": lambda spool, _: spool.append([b"b"]),
    "import": lambda spool, _: spool.append_import([b"b"], "example.org", 1, b"mark"),
    "take": lambda spool, _: spool.take(NOTHING),
    "confirm": lambda spool, batch: spool.confirm(batch),
}


@pytest.mark.parametrize("step", STEPS)
def test_spool_that_another_holds_fails_as_a_spool_and_loses_nothing(path: Path, step: str) -> None:
    """Another program's lock stands for any error of SQLite on any of the writing steps."""
    spool = Spool(path)
    spool._database.execute("PRAGMA busy_timeout = 0").fetchall()
    spool.append([b"a"])
    batch = spool.take(NOTHING)
    assert batch is not None
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(SpoolFailed):
        STEPS[step](spool, batch)

    other.execute("ROLLBACK")
    other.close()
    found = spool.take(NOTHING)
    assert found is not None
    assert found.rows == b"a"
    while found is not None:
        spool.confirm(found)
        found = spool.take(NOTHING)
    assert spool.is_empty()
    spool.close()


def test_error_holds_nothing_of_the_rows(spool: Spool) -> None:
    fill_disk(spool)
    with pytest.raises(SpoolFailed) as failed:
        spool.append([b"kanarienvogel" * 100_000])

    assert "kanarienvogel" not in f"{failed.value!r} {failed.value.__cause__!r}"


def test_sent_rows_leave_no_bytes_behind(path: Path) -> None:
    spool = Spool(path)
    spool.append([b"kanarienvogel"] * 1_000)
    waiting = path.read_bytes() + path.with_name(path.name + "-wal").read_bytes()
    assert b"kanarienvogel" in waiting
    batch = spool.take(NOTHING)
    assert batch is not None

    spool.confirm(batch)

    left = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"kanarienvogel" not in left
    spool.close()


def test_every_commit_reaches_the_disk_before_it_returns(spool: Spool) -> None:
    """WAL with synchronous FULL (2): fsync at each commit, as sqlite.org/pragma.html has it."""
    pragmas = {
        name: spool._database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "secure_delete")
    }

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
