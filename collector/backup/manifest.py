"""What a backup says of itself: the one file that makes a folder a backup.

Holds checksums of the other files and the sums of every measure by statistic and site, so
that a restore can be held against them. A checksum is no signature: whoever may write to a
backup can forge one.
"""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

MANIFEST = "manifest.json"
CELLS = "cells"
POLICIES = "policies"
POLICY = "policy.toml"
EMAIL = "email.sqlite"
ANNOTATIONS = "annotations.sqlite"
LOGINS = "logins.sqlite"
KEYS = "keys.sqlite"

_CELL_FILE = re.compile(r"cells/[0-9]{1,5}-[0-9]{6}-[0-9]{1,6}\.native\.gz")
_POLICY_FILE = re.compile(
    r"policy\.toml|policies/[0-9]{4,}-[A-Za-z0-9][A-Za-z0-9._-]{0,39}\.(json|toml)"
)
_EMAIL_FILE = re.compile(r"email\.(sqlite|key)|recipients\.sqlite")
_ANNOTATIONS_FILE = re.compile(r"annotations\.sqlite")
_LOGINS_FILE = re.compile(r"(logins|keys)\.sqlite")
_PIECE_BYTES = 1024 * 1024

Measures = tuple[int, int, int, int, int, int]
"""Sums, in the order of `collector.schema.tables.MEASURES`."""

Sums = dict[str, dict[str, Measures]]
"""By statistic, as its cells name it, and by site."""


class BadBackup(Exception):
    """A folder is no backup, or a damaged one; the text says what of it in one line."""


class BackupFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the backup."""

    name: str
    """Its path within the backup."""
    sha256: str


class ImportMark(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a log was imported, as the spool remembers it."""

    site: str
    position: int
    mark: str
    """In hex."""


class Manifest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Everything that a restore needs to know before it reads another file."""

    kind: Literal["discreet backup"]
    format: Literal[1]
    release: str
    """The version of Discreet that made it."""
    made: int
    """Unix seconds."""
    policy_id: str
    policy_version: str
    region: str
    """The region of `[residency]` whose counters these are; empty for those of no region."""
    engine: str
    """Where ClickHouse itself put the cells, such as ``Disk('backups','one')``; else empty."""
    cells: tuple[BackupFile, ...]
    policies: tuple[BackupFile, ...]
    sums: Sums
    imported: tuple[ImportMark, ...]
    email: tuple[BackupFile, ...] = ()
    """Campaigns, links and who unsubscribed; none in backups of release 0.1 and of regions."""
    annotations: tuple[BackupFile, ...] = ()
    """What was marked on charts; none in older backups and in those of regions."""
    logins: tuple[BackupFile, ...] = ()
    """Users, shared links and keys of the API, where they were asked for."""

    @property
    def beside_cells(self) -> tuple[BackupFile, ...]:
        """Return every file but those of cells."""
        return (*self.policies, *self.email, *self.annotations, *self.logins)


class _Sealed(Struct, frozen=True, forbid_unknown_fields=True):
    manifest: Manifest
    sha256: str
    """Of the manifest alone, as msgspec writes it."""


def write_manifest(manifest: Manifest) -> bytes:
    """Return the manifest file's content."""
    sealed = _Sealed(manifest, _digest(manifest))
    return msgspec.json.format(msgspec.json.encode(sealed), indent=1) + b"\n"


def read_manifest(folder: Path) -> Manifest:
    """Read a backup's manifest.

    Raises:
        BadBackup: there is none, or it isn't as it was written.
    """
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError:
        raise BadBackup(f"is no backup of Discreet: it has no {MANIFEST}") from None
    try:
        sealed = msgspec.json.decode(content, type=_Sealed)
    except (UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        raise BadBackup(f"{MANIFEST} is damaged, or of another version of Discreet") from None
    manifest = sealed.manifest
    if sealed.sha256 != _digest(manifest):
        raise BadBackup(f"{MANIFEST} is not as it was written")
    _check_names(manifest.cells, _CELL_FILE)
    _check_names(manifest.policies, _POLICY_FILE)
    _check_names(manifest.email, _EMAIL_FILE)
    _check_names(manifest.annotations, _ANNOTATIONS_FILE)
    _check_names(manifest.logins, _LOGINS_FILE)
    return manifest


def check_files(folder: Path, files: Iterable[BackupFile]) -> None:
    """Hold files of a backup against their checksums.

    Raises:
        BadBackup: one is missing or isn't as it was written.
    """
    for file in files:
        try:
            digest = sha256_of(folder / file.name)
        except OSError:
            raise BadBackup(f"{file.name} is missing or can't be read") from None
        if digest != file.sha256:
            raise BadBackup(f"{file.name} is not as it was written")


def sha256_of(path: Path) -> str:
    """Return the checksum of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _digest(manifest: Manifest) -> str:
    return hashlib.sha256(msgspec.json.encode(manifest)).hexdigest()


def _check_names(files: Iterable[BackupFile], wanted: re.Pattern[str]) -> None:
    names = [file.name for file in files]
    if not all(map(wanted.fullmatch, names)) or len(set(names)) != len(names):
        raise BadBackup(f"{MANIFEST} names a file that no backup holds")
