"""`discreet restore`: a backup into a new data directory, verified before it is one."""

import argparse
import time
from pathlib import Path

from anonymizer.policy import Policy
from collector.backup.engine import BadPlace
from collector.backup.folder import TargetInUse, check_target, in_place_when_whole
from collector.backup.load import Loaded
from collector.backup.manifest import BadBackup, Manifest, read_manifest
from collector.backup.restoring import (
    Restoring,
    StoreInUse,
    note_marks,
    open_backup,
    restore,
    restore_store,
)
from collector.commands import CommandFailed, read_policy_file
from collector.commands.progress import show_progress
from collector.commands.store_place import policy_of, store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.regions import HOME, spool_of
from collector.spool import SpoolFailed
from collector.store import StoreFailed
from collector.store_address import BadAddress, remember_store

_CANT_RESTORE = (
    BadAddress,
    BadPlace,
    DataDirInUse,
    SpoolFailed,
    StoreFailed,
    StoreInUse,
    TargetInUse,
)


def run(options: argparse.Namespace) -> None:
    """Restore the backup `options.backup` to the new data directory `options.data`.

    Raises:
        CommandFailed: the backup is damaged or none, or there is data already.
        PolicyFaults: the policy given has faults.
    """
    current = read_policy_file(options.policy)[0] if options.policy is not None else None
    try:
        manifest = read_manifest(options.backup)
        _check_region(manifest.region, options.region or HOME)
        if manifest.region:
            loaded = _restore_region(options, manifest, current)
        else:
            check_target(options.data)
            loaded = _restore(options, manifest, current)
    except BadBackup as error:
        raise CommandFailed(f"{options.backup}: {error}") from None
    except _CANT_RESTORE as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"{options.data}: {error.strerror}") from None
    made = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(manifest.made))
    print(f"restored to {options.data}: {loaded.cells} cells of {made}")
    if not (manifest.logins or manifest.region):
        print("it holds no users, shared links and API keys; the next start prints a new login")
    if loaded.ended:
        print(f"left out {loaded.ended} cells whose time is over")


def _check_region(of_backup: str, asked: str) -> None:
    if of_backup and of_backup != asked:
        way = f"give --region {of_backup} and its collector's data directory"
        raise BadBackup(f"is of the region {of_backup}: {way}")
    if asked and not of_backup:
        raise BadBackup("is of no region; restore it without --region")


def _restore_region(
    options: argparse.Namespace, manifest: Manifest, current: Policy | None
) -> Loaded:
    """Fill the empty store of a region; the collector's data directory stays as it is."""
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    data.lock()
    backup = _open(options.backup, manifest, current or policy_of(data))
    place = store_of(options, data)
    with show_progress("restoring") as show:
        loaded = restore_store(
            backup, place, now=int(time.time()), current=current or policy_of(data), on_file=show
        )
    note_marks(backup, spool_of(data, manifest.region))
    return loaded


def _open(folder: Path, manifest: Manifest, current: Policy | None) -> Restoring:
    with show_progress("verifying"):
        backup = open_backup(folder, manifest)
    if current is not None and current.id != backup.policy.id:
        raise CommandFailed(f"{folder}: is of another policy than the one in force")
    return backup


def _restore(options: argparse.Namespace, manifest: Manifest, current: Policy | None) -> Loaded:
    to = options.data
    backup = _open(options.backup, manifest, current)
    to.parent.mkdir(parents=True, exist_ok=True)
    with in_place_when_whole(to) as part, show_progress("restoring") as show:
        data = DataDir(part)
        place = store_of(options, data)
        remember_store(data, place)
        return restore(backup, data, place, now=int(time.time()), current=current, on_file=show)
