"""Make a backup: cells, policies, import marks and e-mail campaigns of one place.

What visitors may have erased stays out: consent receipts. So do sessions, and what lets people in
unless it is asked for. So does the spool: whoever calls has sent its rows on before.
"""

from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

from clickhouse_connect.driver.client import Client

from anonymizer.policy import Policy
from collector.annotations import AnnotationsFailed, copy_annotations
from collector.api_keys import KeysFailed, copy_keys
from collector.backup.dump import SNAPSHOT, drop_snapshot, dump_cells, sum_cells
from collector.backup.engine import back_up_by_engine
from collector.backup.manifest import (
    ANNOTATIONS,
    EMAIL,
    KEYS,
    LOGINS,
    MANIFEST,
    POLICIES,
    POLICY,
    BackupFile,
    ImportMark,
    Manifest,
    sha256_of,
    write_manifest,
)
from collector.data_dir import DataDir
from collector.email.registry import RegistryFailed, copy_registry
from collector.email.unsubscribe import RefusalsFailed, copy_recipients
from collector.store import StoreFailed
from people.user_file import UsersFailed, copy_users


def make_backup(
    client: Client,
    imported: Iterable[tuple[str, int, bytes]],
    data: DataDir,
    policy: Policy,
    folder: Path,
    *,
    made: int,
    region: str = "",
    engine: str = "",
    with_logins: bool = False,
    on_rows: Callable[[int, int], None] = lambda _done, _total: None,
) -> Manifest:
    """Fill `folder` from the snapshot that was taken, and drop that; the manifest comes last.

    With `engine`, such as ``Disk('backups','one')``, ClickHouse puts the cells there itself.
    `imported` is what `Spool.all_imported` said when the snapshot was taken.

    Raises:
        BadPlace: `engine` can't be read.
        StoreFailed: the store or another file can't be read.
        OSError: the folder can't be written.
    """
    cells: tuple[BackupFile, ...] = ()
    try:
        sums = sum_cells(client, SNAPSHOT)
        if engine:
            back_up_by_engine(client, engine)
        else:
            cells = dump_cells(client, folder, on_rows)
        if sum_cells(client, SNAPSHOT) != sums:
            raise StoreFailed("another collector backed this store up meanwhile; try again")
    finally:
        drop_snapshot(client)
    manifest = Manifest(
        kind="discreet backup",
        format=1,
        release=version("discreet"),
        made=made,
        policy_id=policy.id,
        policy_version=policy.version,
        region=region,
        engine=engine,
        cells=cells,
        policies=_copy_policies(data, folder),
        sums=sums,
        imported=tuple(ImportMark(site, position, mark.hex()) for site, position, mark in imported),
        email=() if region else (*_copy_email(data, folder), *_copy_recipients(data, folder)),
        annotations=() if region else _copy_annotations(data, folder),
        logins=_copy_logins(data, folder) if with_logins and not region else (),
    )
    (folder / MANIFEST).write_bytes(write_manifest(manifest))
    return manifest


def _copy_recipients(data: DataDir, folder: Path) -> tuple[BackupFile, ...]:
    try:
        copies = copy_recipients(data.recipients, data.email_key, folder)
    except RefusalsFailed as error:
        raise StoreFailed(str(error)) from None
    return tuple(BackupFile(copy.name, sha256_of(copy)) for copy in copies)


def _copy_annotations(data: DataDir, folder: Path) -> tuple[BackupFile, ...]:
    if not data.annotations.exists():
        return ()
    try:
        copy_annotations(data.annotations, folder / ANNOTATIONS)
    except AnnotationsFailed as error:
        raise StoreFailed(str(error)) from None
    return (BackupFile(ANNOTATIONS, sha256_of(folder / ANNOTATIONS)),)


def _copy_logins(data: DataDir, folder: Path) -> tuple[BackupFile, ...]:
    copies = []
    try:
        if data.logins.exists():
            copy_users(data.logins, folder / LOGINS)
            copies.append(LOGINS)
        if data.keys.exists():
            copy_keys(data.keys, folder / KEYS)
            copies.append(KEYS)
    except (KeysFailed, UsersFailed) as error:
        raise StoreFailed(str(error)) from None
    return tuple(BackupFile(name, sha256_of(folder / name)) for name in copies)


def _copy_email(data: DataDir, folder: Path) -> tuple[BackupFile, ...]:
    if not data.email.exists():
        return ()
    try:
        copy_registry(data.email, folder / EMAIL)
    except RegistryFailed as error:
        raise StoreFailed(str(error)) from None
    return (BackupFile(EMAIL, sha256_of(folder / EMAIL)),)


def _copy_policies(data: DataDir, folder: Path) -> tuple[BackupFile, ...]:
    archived = [path for path in data.policies.glob("[0-9]*") if path.is_file()]
    files = []
    for source in (data.policy, *sorted(archived)):
        name = POLICY if source == data.policy else f"{POLICIES}/{source.name}"
        target = folder / name
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.write_bytes(source.read_bytes())
        files.append(BackupFile(name, sha256_of(target)))
    return tuple(files)
