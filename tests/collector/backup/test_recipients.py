"""Recipients in backups: links to unsubscribe go on, and no open of before counts as first."""

from datetime import date
from pathlib import Path

from collector.data_dir import DataDir
from collector.email.keys import make_keys
from collector.email.tokens import Token, make_unsubscribing, read_unsubscribing
from collector.email.unique_opens import UniqueOpens
from collector.email.unsubscribe import Refusals
from tests.collector.backup.backing import back_up, count_views, data_directory, restore

DAY = date(2026, 11, 22)


def test_who_unsubscribed_stays_so_after_a_restore(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1)
    before, after = DataDir(tmp_path / "data"), DataDir(tmp_path / "restored")
    refusals = Refusals(before.recipients, before.email_key)
    refusals.unsubscribe("r-1", DAY)
    refusals.withdraw(["r-2"], DAY)
    token = make_unsubscribing(make_keys(before.email_key), "spring", "r-3")
    opens = UniqueOpens(before.opened)
    sent = Token(b"campaign", b"number 1", opens.life, b"", b"")
    opens.first([sent])
    opens.close()

    back_up(before.path, tmp_path / "backup")
    after.path.rmdir()
    restore(tmp_path / "backup", after.path)

    restored = Refusals(after.recipients, after.email_key)
    assert restored.references() == {"r-1", "r-2"}
    assert [each.raw_reference for each in restored.unsubscribed(DAY)] == ["r-1"]
    assert read_unsubscribing(make_keys(after.email_key), token) is not None
    assert after.email_key.stat().st_mode & 0o777 == 0o600
    assert after.recipients.stat().st_mode & 0o777 == 0o600
    opens = UniqueOpens(after.opened)
    assert opens.first([sent]) == [False]  # it may have counted already, after the backup
    opens.close()


def test_backup_without_a_key_of_email_holds_no_recipients(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1)
    back_up(tmp_path / "data", tmp_path / "backup")
    names = {path.name for path in (tmp_path / "backup").rglob("*")}
    assert not {"email.key", "recipients.sqlite", "opened.sqlite"} & names
