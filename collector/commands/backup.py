"""`discreet backup`: what a collector keeps, into a folder, whether the server runs or not."""

import argparse
import contextlib
import shutil
import time
from pathlib import Path

from anonymizer.policy_file import PolicyFaults
from collector.backup.dump import take_snapshot
from collector.backup.engine import BadPlace, read_place
from collector.backup.folder import TargetInUse, check_target, in_place_when_whole, move_whole
from collector.backup.making import make_backup
from collector.backup.manifest import read_manifest
from collector.commands import CommandFailed, read_policy_file
from collector.commands.progress import show_progress
from collector.commands.store_place import store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.query_socket import NoServer, Refused, ask
from collector.regions import HOME, spool_of
from collector.spool import Spool, SpoolFailed, drain
from collector.store import Store, StoreFailed
from collector.store_address import BadAddress, StorePlace, open_client

_CANT_BACK_UP = (
    BadAddress,
    BadPlace,
    DataDirInUse,
    Refused,
    SpoolFailed,
    StoreFailed,
    TargetInUse,
)


def run(options: argparse.Namespace) -> None:
    """Back up `options.data` to the new folder `options.to`.

    Raises:
        CommandFailed: there is no data, or the folder can't be written.
    """
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    if options.with_logins and options.region:
        raise CommandFailed("--with-logins: goes with the collector's own, without --region")
    data = DataDir(options.data)
    try:
        engine = read_place(options.engine_backup) if options.engine_backup else ""
        check_target(options.to)
        try:
            _ask_server(data, options, engine)
        except NoServer:
            place = store_of(options, data)
            _back_up_directory(data, place, options, engine)
    except _CANT_BACK_UP as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"{options.to}: {error.strerror}") from None
    manifest = read_manifest(options.to)
    files = len(manifest.cells) + len(manifest.beside_cells)
    print(f"backed up to {options.to}: {files} files, version {manifest.policy_version}")
    if not (manifest.logins or options.region):
        print("without users, shared links and API keys; --with-logins takes them along")


def _ask_server(data: DataDir, options: argparse.Namespace, engine: str) -> None:
    to: Path = options.to
    values = {"engine": engine, "region": options.region or HOME}
    if options.with_logins:
        values["logins"] = "yes"
    with show_progress("the server reads its store"):
        name = ask(data.query_socket, "backup", values).decode()
    made = data.path / name
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    copied = 0
    try:
        with show_progress("copying") as show:

            def on_bytes(count: int) -> None:
                nonlocal copied
                copied += count
                show(copied, size)

            move_whole(made, to, on_bytes)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _back_up_directory(
    data: DataDir, place: StorePlace, options: argparse.Namespace, engine: str
) -> None:
    region, to = options.region or HOME, options.to
    data.lock()
    try:
        policy, _ = read_policy_file(data.policy)
    except PolicyFaults:
        raise CommandFailed(f"{data.policy}: has faults; serve a policy first") from None
    with (
        contextlib.closing(Spool(spool_of(data, region))) as spool,
        contextlib.closing(open_client(place)) as client,
    ):
        store = Store(client)
        if store.is_new():
            raise CommandFailed(f"{data.path}: holds no counters yet")
        drain(spool, store)
        take_snapshot(client)
        with in_place_when_whole(to) as folder, show_progress("backing up") as show:
            make_backup(
                client,
                spool.all_imported(),
                data,
                policy,
                folder,
                made=int(time.time()),
                region=region,
                engine=engine,
                with_logins=options.with_logins,
                on_rows=show,
            )
