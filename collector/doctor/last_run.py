"""What the doctor found when it last looked at a data directory, kept there."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from collector.doctor.verdicts import Verdict

_MODE = 0o600


class LastRun(Struct, frozen=True):
    """A run of all checks."""

    ended: int
    """Unix seconds."""
    verdicts: tuple[Verdict, ...]


def read_last_run(path: Path) -> LastRun | None:
    """Return the last run; None when there was none or it can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LastRun)
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        return None


def keep_last_run(path: Path, run: LastRun) -> None:
    """Write a run down, for the owner of the directory, who may not be whoever runs the checks.

    Raises:
        OSError: it could not be written.
    """
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    with os.fdopen(file, "wb") as out:
        out.write(msgspec.json.encode(run))
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.fchown(out.fileno(), owner.st_uid, owner.st_gid)
    part.replace(path)
