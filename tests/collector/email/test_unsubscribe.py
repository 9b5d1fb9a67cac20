"""Who unsubscribed and who withdrew, at rest and in memory."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

import pytest

from collector.email import unsubscribe
from collector.email.keys import KeyFile, add_key
from collector.email.refused_recipients import RefusedRecipients
from collector.email.unsubscribe import Refusals, RefusalsFailed, Unsubscribed

DAY = date(2026, 11, 22)


class Files:
    """The two files of one collector."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "recipients.sqlite"
        self.key = folder / "email.key"
        self.refusals = Refusals(self.path, self.key)
        self.keys = KeyFile(self.key)
        self.refused = RefusedRecipients(self.path, self.keys)

    def refuses(self, reference: str) -> bool:
        """Tell whether tokens of a recipient are inert, whichever key they are under."""
        keys = self.keys.keys
        assert keys is not None
        (told,) = {self.refused.has(keys.handle(number, reference)) for number in keys.numbers}
        return told


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    files = Files(tmp_path)
    yield files
    files.refused.close()


def test_unsubscribing_is_news_once(files: Files) -> None:
    assert [files.refusals.unsubscribe("r-1", DAY) for _ in range(3)] == [True, False, False]
    assert files.refusals.unsubscribe("r-2", DAY)


def test_withdrawing_is_no_unsubscribing(files: Files) -> None:
    assert files.refusals.withdraw(["r-1", "r-2"], DAY) == 2
    assert files.refusals.unsubscribed(DAY) == []
    assert files.refusals.unsubscribe("r-1", DAY)
    assert files.refusals.unsubscribed(DAY) == [Unsubscribed("r-1", DAY)]
    assert files.refusals.withdraw(["r-1", "r-3"], DAY) == 1
    assert files.refusals.references() == {"r-1", "r-2", "r-3"}


def test_who_unsubscribed_before_the_day_is_left_out(files: Files) -> None:
    for number in (3, 1, 2):
        files.refusals.unsubscribe(f"r-{number}", DAY + timedelta(days=number))
    found = files.refusals.unsubscribed(DAY + timedelta(days=2))
    assert [each.raw_reference for each in found] == ["r-2", "r-3"]


def test_refusal_of_any_process_holds_at_once(files: Files) -> None:
    files.refusals.unsubscribe("r-1", DAY)
    assert files.refuses("r-1")
    assert not files.refuses("r-2")
    Refusals(files.path, files.key).withdraw(["r-2"], DAY)
    assert files.refuses("r-2")
    assert not files.refuses("r-3")


def test_refusal_outlives_two_changes_of_key(files: Files) -> None:
    files.refusals.unsubscribe("r-1", DAY, due=0)
    for _ in range(2):
        files.refusals.change_key()
        assert files.refuses("r-1")
        assert not files.refuses("r-2")
        assert not files.refusals.unsubscribe("r-1", DAY)
    assert files.refusals.unsubscribed(DAY) == [Unsubscribed("r-1", DAY)]
    assert [message.recipient.raw_reference for message in files.refusals.due(0, 9)] == ["r-1"]


def test_refusal_outlives_keys_changed_at_once(files: Files) -> None:
    for _ in range(20):
        files.refusals.unsubscribe("r-1", DAY)
        with ThreadPoolExecutor(3) as threads:
            changes = [threads.submit(files.refusals.change_key) for _ in range(3)]
        for change in changes:
            change.result()
        assert files.refusals.references() == {"r-1"}


def test_many_refusals_outlive_a_change_of_key(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsubscribe, "_SEALED_AT_ONCE", 3)
    references = {f"r-{number}" for number in range(10)}
    files.refusals.withdraw(references, DAY)
    for _ in range(3):
        files.refusals.change_key()
    assert files.refusals.references() == references


def test_long_list_is_read_in_turns_and_refuses_all_until_it_is_read(files: Files) -> None:
    files.refusals.withdraw((f"r-{number}" for number in range(500)), DAY)
    refused = RefusedRecipients(files.path, files.keys)
    keys = files.keys.keys
    assert keys is not None
    stranger = keys.handle(keys.newest, "stranger")
    assert not refused.has(stranger)  # the list was there before

    files.refusals.withdraw((f"s-{number}" for number in range(500)), DAY)
    assert [refused.has(stranger) for _ in range(4)] == [True, True, False, False]
    assert all(refused.has(keys.handle(keys.newest, name)) for name in ("r-0", "r-499", "s-499"))
    refused.close()


def test_all_are_refused_while_the_key_is_another(files: Files) -> None:
    files.refusals.unsubscribe("r-1", DAY)
    for _ in range(2):
        add_key(files.key)  # without what `change_key` does before
    assert files.refuses("r-2")
    with pytest.raises(RefusalsFailed, match=r"under a key that email\.key lacks"):
        files.refusals.unsubscribed(DAY)


def test_all_are_refused_while_the_file_is_unreadable(files: Files) -> None:
    files.refusals.unsubscribe("r-1", DAY)
    assert not files.refuses("r-2")
    files.refused._database.execute("ALTER TABLE refused RENAME TO lost")
    Refusals(files.path, files.key)  # makes an empty one
    files.refused._database.execute("DROP TABLE refused")
    assert files.refuses("r-2")


def test_rows_of_short_and_long_references_are_as_long(files: Files) -> None:
    for reference in ("1", "x" * 64):
        files.refusals.unsubscribe(reference, DAY)
    lengths = files.refused._database.execute("SELECT length(sealed) FROM refused").fetchall()
    assert len(set(lengths)) == 1


def test_mailer_is_to_be_told_once_of_each(files: Files) -> None:
    files.refusals.unsubscribe("r-1", DAY, due=100)
    files.refusals.unsubscribe("r-1", DAY, due=100)
    files.refusals.unsubscribe("r-2", DAY)
    assert files.refusals.due(99, 9) == []
    (message,) = files.refusals.due(100, 9)
    assert message.recipient == Unsubscribed("r-1", DAY)
    files.refusals.put_off(message, 200)
    assert files.refusals.due(199, 9) == []
    (again,) = files.refusals.due(200, 9)
    assert (again.id, again.tries) == (message.id, 1)
    files.refusals.settle(again)
    assert files.refusals.due(10**9, 9) == []
