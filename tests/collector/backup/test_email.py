"""Campaigns of e-mail in backups: messages that were sent lead on after a restore."""

import stat
from pathlib import Path

from collector.backup.manifest import Manifest, read_manifest, write_manifest
from collector.data_dir import DataDir
from collector.email.campaigns import Campaigns
from collector.email.registry import Registry
from tests.collector.backup.backing import (
    NOW,
    POLICY,
    back_up,
    count_views,
    data_directory,
    restore,
)
from tests.running import refusal_of

SITE = next(iter(POLICY.sites))


def test_links_lead_on_after_a_restore(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1)
    campaigns = Campaigns(DataDir(tmp_path / "data").email, POLICY)
    spring = campaigns.add("spring", "", SITE, NOW)
    campaigns.number(spring, ["https://elsewhere.example/a"])

    back_up(tmp_path / "data", tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "restored")

    path = DataDir(tmp_path / "restored").email
    known = Registry(path, POLICY)
    target = known.target("spring", "1")
    known.close()
    assert target is not None
    assert target.url == "https://elsewhere.example/a"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_damaged_campaigns_are_found_before_anything_is_restored(tmp_path: Path) -> None:
    with data_directory(tmp_path / "data") as kept:
        count_views(kept, 1)
    Campaigns(DataDir(tmp_path / "data").email, POLICY).add("spring", "", SITE, NOW)
    back_up(tmp_path / "data", tmp_path / "backup")
    with (tmp_path / "backup" / "email.sqlite").open("ab") as file:
        file.write(b"\0")

    refusal = refusal_of("restore", tmp_path / "backup", "--data", tmp_path / "restored")

    assert "email.sqlite is not as it was written" in refusal
    assert not (tmp_path / "restored").exists()


def test_manifest_without_campaigns_is_written_as_it_always_was(tmp_path: Path) -> None:
    """A checksum is of the manifest's own bytes, so that an older backup must read the same."""
    manifest = Manifest("discreet backup", 1, "0.1.0", NOW, "test", "1", "", "", (), (), {}, ())
    written = write_manifest(manifest)
    (tmp_path / "manifest.json").write_bytes(written)

    assert b"email" not in written
    assert read_manifest(tmp_path) == manifest
