"""Users, shared links and keys in backups: where asked for, and never an open session."""

import stat
import time
from pathlib import Path

import pytest

from collector.api_keys import ApiKeys, KeyScope
from collector.backup.manifest import BadBackup, read_manifest
from collector.data_dir import DataDir
from people.people import People
from people.roles import Person, Role
from tests.collector.backup.backing import POLICY, back_up, count_views, data_directory, restore
from tests.running import POLICY as SERVED
from tests.running import Server, discreet, hit

SITE = str(next(iter(POLICY.sites)))
NOW = int(time.time())
PASSWORD = "a password of theirs"


class Kept:
    """A directory with a user, who is logged in, a link and a key."""

    def __init__(self, folder: Path) -> None:
        self.data = DataDir(folder)
        people = People.open(self.data.logins)
        people.users.add("ana", Role.VIEWER, [SITE], PASSWORD)
        self.secret = people.users.session_secret()
        ana = people.users.find("ana")
        assert ana
        assert people.sessions.begin("nonce", ana, NOW, NOW + 3600, is_whole=True)
        self.link = people.shares.add("press", SITE, NOW)
        self.key = ApiKeys(self.data.keys).add("grafana", {KeyScope.QUERY}, NOW)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    with data_directory(tmp_path / "data") as directory:
        count_views(directory, 1)
    return Kept(tmp_path / "data")


def test_logins_come_back_where_they_were_asked_for(kept: Kept, tmp_path: Path) -> None:
    back_up(kept.data.path, tmp_path / "backup", "--with-logins")
    told = restore(tmp_path / "backup", tmp_path / "restored")

    data = DataDir(tmp_path / "restored")
    people = People.open(data.logins)
    assert people.users.check("ana", PASSWORD)
    found = people.users.find("ana")
    assert found
    assert found.person == Person("ana", Role.VIEWER, frozenset({SITE}))
    opened = people.shares.find(kept.link, NOW)
    assert opened
    assert opened.share.site == SITE
    assert ApiKeys(data.keys).check(kept.key, KeyScope.QUERY, NOW)
    assert "no users" not in told
    # Who holds a cookie of before, or the copy, is let in by neither.
    assert people.sessions.find("nonce", NOW) is None
    assert people.users.session_secret() != kept.secret
    copy = (tmp_path / "backup" / "logins.sqlite").read_bytes()
    assert kept.secret.encode() not in copy
    for path in (tmp_path / "backup" / "logins.sqlite", tmp_path / "backup" / "keys.sqlite"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(data.logins.stat().st_mode) == 0o600


def test_logins_stay_out_unless_they_are_asked_for(kept: Kept, tmp_path: Path) -> None:
    done = discreet("backup", tmp_path / "backup", "--data", kept.data.path)
    assert b"without users, shared links and API keys; --with-logins" in done.stdout
    told = restore(tmp_path / "backup", tmp_path / "restored")

    assert not {"logins.sqlite", "keys.sqlite"} & {p.name for p in tmp_path.glob("backup/*")}
    assert "the next start prints a new login" in told
    assert not DataDir(tmp_path / "restored").logins.exists()


def test_changed_logins_are_no_backup(kept: Kept, tmp_path: Path) -> None:
    back_up(kept.data.path, tmp_path / "backup", "--with-logins")
    People.open(tmp_path / "backup" / "logins.sqlite").users.add("eve", Role.OWNER, (), PASSWORD)

    refused = discreet("restore", tmp_path / "backup", "--data", tmp_path / "restored")

    assert refused.returncode == 2
    assert b"logins.sqlite is not as it was written" in refused.stderr
    assert not (tmp_path / "restored").exists()


def test_names_of_other_files_are_no_logins(kept: Kept, tmp_path: Path) -> None:
    back_up(kept.data.path, tmp_path / "backup", "--with-logins")
    manifest = read_manifest(tmp_path / "backup")
    assert [file.name for file in manifest.logins] == ["logins.sqlite", "keys.sqlite"]
    path = tmp_path / "backup" / "manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"logins.sqlite"', b'"../../etc/passwd"'))

    with pytest.raises(BadBackup):
        read_manifest(tmp_path / "backup")


def test_region_has_no_logins(kept: Kept, tmp_path: Path) -> None:
    options = ("--with-logins", "--region", "cn", "--data", kept.data.path)

    refused = discreet("backup", tmp_path / "backup", *options)

    assert refused.returncode == 2
    assert refused.stderr.startswith(b"discreet: --with-logins: ")


def test_running_server_gives_its_logins(tmp_path: Path) -> None:
    with Server(tmp_path, SERVED) as server:
        server.send(hit())
        server.wait_for("SELECT sum(views) FROM pages", "1\n")
        People.open(DataDir(server.data).logins).users.add("bob", Role.VIEWER, (), PASSWORD)
        back_up(server.data, tmp_path / "backup", "--with-logins")

    restore(tmp_path / "backup", tmp_path / "restored")
    assert People.open(DataDir(tmp_path / "restored").logins).users.check("bob", PASSWORD)
