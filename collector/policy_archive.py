"""Every version of the policy that was ever in force here, as visitors were told it.

Two files a version in the data directory's ``policies/``: the text as it was written, for
people, and the policy it meant, resolved (``.json``), for Discreet: a default that a later
release ships doesn't change what an old version said.
"""

import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from anonymizer.policy import Policy
from anonymizer.policy_diff import Change, compare

_NAME = re.compile(r"(?P<number>[0-9]{4,})-(?P<version>[A-Za-z0-9][A-Za-z0-9._-]*)\.json")


class ChangedWithoutVersion(Exception):
    """A version of the policy that was in force before now means something else."""

    def __init__(self, version: str, changes: Sequence[Change]) -> None:
        self.changes = changes
        listed = "\n".join(f"  {change}" for change in changes)
        super().__init__(
            f"the policy's version {version} was in force before with another meaning"
            " (what it extends may have changed with a release of Discreet);"
            f" give [policy] version a new value, or another --data:\n{listed}"
        )


class BadArchive(Exception):
    """An archived policy can't be read; the text names the file."""


class PolicyArchive:
    """The archive in the folder `path`, which is made when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def versions(self) -> tuple[str, ...]:
        """Return the versions kept, in the order in which each was first kept."""
        return tuple(self._files())

    def read(self, version: str) -> Policy:
        """Return an archived policy.

        Raises:
            BadArchive: its file is damaged.
            KeyError: no such version was kept.
        """
        return read_archived(self._files()[version])

    def check(self, policy: Policy) -> None:
        """Refuse a policy that isn't what its version was when it was kept.

        Raises:
            BadArchive: the file kept for that version is damaged.
            ChangedWithoutVersion: the version was kept with another meaning.
        """
        if policy.version in self._files():
            changes = compare(self.read(policy.version), policy)
            if changes:
                raise ChangedWithoutVersion(policy.version, changes)

    def keep(self, policy: Policy, text: str) -> None:
        """Keep a policy and the text it was read from, on disk when this returns.

        A version that was kept before gets the new text, with its comments.

        Raises:
            BadArchive: the file kept for that version is damaged.
            ChangedWithoutVersion: the version was kept with another meaning.
        """
        self.check(policy)
        self._path.mkdir(mode=0o700, exist_ok=True)
        files = self._files()
        meaning = files.get(policy.version)
        if meaning is None:
            last = max((_number(file) for file in files.values()), default=0)
            meaning = self._path / f"{last + 1:04}-{policy.version}.json"
        # The text first: a version is kept once its meaning is.
        _write_whole(meaning.with_name(f"{meaning.stem}.toml"), text.encode())
        _write_whole(meaning, _encode(policy))

    def honoured(self, current: Policy) -> frozenset[str]:
        """Return the versions whose consent is good under `current`, its own among them.

        From each of them to it, no step from version to version was major. A version kept after
        the current one, to which the operator has gone back, is a step like any other.

        Raises:
            BadArchive: an archived policy can't be read.
        """
        policies = [self.read(version) for version in self.versions()]
        at = self.versions().index(current.version)
        good = {current.version}
        for way in (policies[at::-1], policies[at:]):
            for nearer, farther in pairwise(way):
                if any(change.major for change in compare(farther, nearer)):
                    break
                good.add(farther.version)
        return frozenset(good)

    def _files(self) -> dict[str, Path]:
        found = [file for file in self._path.glob("*.json") if _NAME.fullmatch(file.name)]
        return {_version(file): file for file in sorted(found, key=_number)}


def read_archived(path: Path) -> Policy:
    """Read one archived policy's ``.json``.

    Raises:
        BadArchive: it can't be read.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Policy, dec_hook=_read_zone)
    except OSError as error:
        raise BadArchive(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, msgspec.MsgspecError):
        raise BadArchive(f"{path}: is no policy that Discreet archived") from None


def _number(file: Path) -> int:
    return int(file.name.partition("-")[0])


def _version(file: Path) -> str:
    return file.stem.partition("-")[2]


def _encode(policy: Policy) -> bytes:
    return msgspec.json.format(msgspec.json.encode(policy, enc_hook=_write_zone), indent=1) + b"\n"


def _write_zone(value: object) -> str:
    if isinstance(value, ZoneInfo):
        return value.key
    raise NotImplementedError


def _read_zone(_kind: type, value: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (LookupError, OSError, ValueError):
        raise ValueError("must be a time zone") from None


def _write_whole(path: Path, content: bytes) -> None:
    """Put a file in place so that a crash leaves the one before or this one, never a part."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
