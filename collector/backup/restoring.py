"""Make a new data directory of a backup, or refuse and leave nothing."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from anonymizer.policy import Policy
from anonymizer.policy_file import PolicyFaults, read_policy
from collector.backup.load import Clock, Loaded, is_empty, load_cells
from collector.backup.manifest import POLICY, BadBackup, Manifest, check_files
from collector.data_dir import DataDir
from collector.plan import TooManyCombinations, make_plan
from collector.policy_archive import BadArchive, PolicyArchive
from collector.reference import default_policy
from collector.retention.job import run_retention
from collector.retention.rules import read_rules
from collector.retention.site_days import SiteDays
from collector.spool import Spool
from collector.store import Store
from collector.store_address import StorePlace, open_client


class StoreInUse(Exception):
    """The store that a backup was to go to holds cells already."""


class Restoring(Struct, frozen=True):
    """A backup that was found whole, file by file."""

    folder: Path
    manifest: Manifest
    policy: Policy
    imported: Sequence[tuple[str, int, bytes]]


def open_backup(folder: Path, manifest: Manifest) -> Restoring:
    """Check every file of a backup against its checksum and read its policy.

    Raises:
        BadBackup: a file is damaged or missing, or the policy can't be read.
    """
    check_files(folder, (*manifest.beside_cells, *manifest.cells))
    try:
        marks = [(each.site, each.position, bytes.fromhex(each.mark)) for each in manifest.imported]
    except ValueError:
        raise BadBackup("an import mark in it can't be read") from None
    return Restoring(folder, manifest, _read_policy(folder, manifest), marks)


def restore(
    backup: Restoring,
    data: DataDir,
    place: StorePlace,
    *,
    now: int,
    current: Policy | None,
    on_file: Callable[[int, int], None],
) -> Loaded:
    """Fill an empty data directory, and the store at `place`, from a backup.

    Raises:
        BadBackup: what the files hold isn't what the manifest says.
        StoreInUse: the store holds cells.
        StoreFailed: the store could not do it.
        SpoolFailed: the import marks could not be written.
    """
    loaded = restore_store(backup, place, now=now, current=current, on_file=on_file)
    manifest = backup.manifest
    for file in manifest.beside_cells:
        target = data.path / file.name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.touch(mode=0o600)
        target.write_bytes((backup.folder / file.name).read_bytes())
    note_marks(backup, data.spool)
    return loaded


def restore_store(
    backup: Restoring,
    place: StorePlace,
    *,
    now: int,
    current: Policy | None,
    on_file: Callable[[int, int], None],
) -> Loaded:
    """Fill the store at `place` from a backup.

    What retention would have folded or dropped by now does not come back as it was. Its rules
    are those of `current`, the policy in force now, or else of the backup's own.

    Raises:
        BadBackup: what the files hold isn't what the manifest says.
        StoreInUse: the store holds cells.
        StoreFailed: the store could not do it.
    """
    manifest = backup.manifest
    policy = current or backup.policy
    clock = Clock(read_rules(policy, manifest.sums), SiteDays(policy, now))
    client = open_client(place)
    try:
        store = Store(client)
        if not store.is_new() and not is_empty(client):
            raise StoreInUse("the store holds cells already; a backup goes to an empty one")
        store.apply(backup.policy, make_plan(backup.policy))
        loaded = load_cells(client, backup.folder, manifest, clock, on_file)
        # What was folded or dropped since the backup was made is folded and dropped again.
        run_retention(client, policy, now, None)
    except TooManyCombinations as error:
        raise BadBackup(str(error)) from None
    finally:
        client.close()
    return loaded


def note_marks(backup: Restoring, spool: Path) -> None:
    """Note in a spool which logs were imported by the time of a backup.

    Raises:
        SpoolFailed: they could not be written.
    """
    with contextlib.closing(Spool(spool)) as noting:
        known = set(noting.all_imported())
        noting.note_imported([mark for mark in backup.imported if mark not in known])


def _read_policy(folder: Path, manifest: Manifest) -> Policy:
    """Return the policy that the cells follow, with the meaning it had then."""
    try:
        archive = PolicyArchive(folder / "policies")
        if manifest.policy_version in archive.versions():
            policy = archive.read(manifest.policy_version)
        else:  # an import alone archives none
            policy = read_policy((folder / POLICY).read_text("utf-8"), default_policy())
    except (BadArchive, OSError, PolicyFaults, UnicodeDecodeError):
        raise BadBackup("the policy in it can't be read") from None
    if policy.id != manifest.policy_id:
        raise BadBackup("the policy in it is another than the manifest names")
    return policy
