"""What the last run left to know for the next: when it ended, and which partitions are settled."""

from pathlib import Path

import msgspec
from msgspec import Struct

from anonymizer.hits import SiteId


class LastRun(Struct, frozen=True):
    """The last run that came to its end."""

    ended: int
    """Unix seconds."""
    settled: dict[str, str] = {}
    """Partition → a hash of its parts and of what it was settled by."""
    not_folded: dict[SiteId, list[int]] = {}
    """Site → months in which its small groups could not be folded."""


def read_last_run(path: Path) -> LastRun | None:
    """Return the last run; None when there was none or it can't be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LastRun)
    except (OSError, UnicodeDecodeError, RecursionError, msgspec.MsgspecError):
        return None  # then every partition is looked at again


def keep_last_run(path: Path, run: LastRun) -> None:
    """Write a run down.

    Raises:
        OSError: it could not be written.
    """
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(msgspec.json.encode(run))
    part.replace(path)
