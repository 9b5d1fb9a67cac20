"""Which tokens were opened: once each, across crashes and processes, and no file tells whose."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from collector.email.tokens import Token, hash_campaign
from collector.email.unique_opens import OpensFailed, UniqueOpens
from collector.receipts import VALIDITY

DAY = date(2026, 11, 22)

_OPEN_AND_DIE = """\
import os, signal, sys
from pathlib import Path
from collector.email.tokens import Token
from collector.email.unique_opens import UniqueOpens
opens = UniqueOpens(Path(sys.argv[1]))
print(opens.first([Token(b"campaign", b"number 1", opens.life, b"", b"")])[0], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "opened.sqlite"


@pytest.fixture
def opens(path: Path) -> Iterator[UniqueOpens]:
    opens = UniqueOpens(path)
    yield opens
    opens.close()


def token(opens: UniqueOpens, number: int = 1, campaign: str = "spring") -> Token:
    return Token(hash_campaign(campaign), number.to_bytes(8), opens.life, b"", b"")


def test_token_is_first_once(opens: UniqueOpens) -> None:
    assert [opens.first([token(opens)])[0] for _ in range(3)] == [True, False, False]


def test_token_twice_at_once_is_first_once(opens: UniqueOpens) -> None:
    assert opens.first([token(opens), token(opens)]) == [True, False]


def test_other_token_is_first_too(opens: UniqueOpens) -> None:
    assert opens.first([token(opens)]) == [True]
    assert opens.first([token(opens, 2), token(opens, campaign="autumn")]) == [True, True]


def test_token_that_was_taken_back_is_first_again(opens: UniqueOpens) -> None:
    opens.first([token(opens), token(opens, 2)])
    opens.take_back(token(opens))
    assert opens.first([token(opens), token(opens, 2)]) == [True, False]


def test_kill_right_after_the_answer_leaves_token_opened(path: Path) -> None:
    for expected in ("True", "False"):
        run = subprocess.run(
            [sys.executable, "-c", _OPEN_AND_DIE, path], capture_output=True, check=False, text=True
        )
        assert run.returncode == -signal.SIGKILL
        assert run.stdout.strip() == expected


def test_token_of_lost_file_is_never_first(opens: UniqueOpens, tmp_path: Path) -> None:
    restored = UniqueOpens(tmp_path / "restored.sqlite")
    assert restored.first([token(opens), token(restored)]) == [False, True]
    restored.close()


def test_other_process_finds_what_was_opened(opens: UniqueOpens, path: Path) -> None:
    opens.first([token(opens)])
    other = UniqueOpens(path)
    assert other.first([token(other), token(other, 2)]) == [False, True]
    other.close()
    assert opens.first([token(opens, 2)]) == [False]


def test_numbers_go_when_the_last_consent_has_ended(opens: UniqueOpens) -> None:
    spring, autumn = hash_campaign("spring"), hash_campaign("autumn")
    opens.note_made(spring, DAY)
    opens.note_made(autumn, DAY + timedelta(days=10))
    opens.note_made(autumn, DAY)
    opens.first([token(opens), token(opens, campaign="autumn")])
    opens.drop_ended(DAY + VALIDITY + timedelta(days=1))
    assert opens.first([token(opens)]) == [False]  # may still come
    opens.drop_ended(DAY + VALIDITY + timedelta(days=2))
    assert opens.first([token(opens), token(opens, campaign="autumn")]) == [True, False]


def test_order_of_opens_is_not_in_the_table(opens: UniqueOpens) -> None:
    numbers = [9, 2, 7, 4]
    opens.first([token(opens, number) for number in numbers])
    rows = opens._database.execute("SELECT number FROM opened").fetchall()
    assert [int.from_bytes(number) for (number,) in rows] == sorted(numbers)
    columns = opens._database.execute("SELECT name FROM pragma_table_info('opened')").fetchall()
    assert columns == [("campaign",), ("number",)]


def test_file_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "opened.sqlite"
    path.write_bytes(b"no database" * 500)
    with pytest.raises(OpensFailed):
        UniqueOpens(path)


def test_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        opens = UniqueOpens(tmp_path / "opened.sqlite")
        opens.first([token(opens)])
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        opens.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}, modes
