"""How far benchmarks/store.py's store is filled: a note beside it, and what it tells."""

from pathlib import Path

import msgspec
from msgspec import Struct

from collector.retention.last_run import LastRun

_NOTE = "filled.json"


class WrongFolder(Exception):
    """The folder holds another crowd's store."""


class Filled(Struct):
    """How far a store is filled, and what that took, in processor seconds of all that worked."""

    hits: int
    """All of the year."""
    days: int = 0
    """Loaded, of the year's."""
    folded: int = 0
    """Months that retention has folded."""
    last: LastRun | None = None
    is_whole: bool = False
    """Whether nothing is left to do."""
    making: float = 0.0
    counting: float = 0.0
    keeping: float = 0.0
    hits_alone: int = 0
    """Of days on which no retention ran beside; to them belong the three above."""
    beside: float = 0.0
    """All that was done on the other days, retention with it."""
    hits_beside: int = 0
    folding: float = 0.0
    """Retention with no loading beside, and the last merges."""
    clock: float = 0.0
    megabytes: float = 0.0
    """Of memory, at most."""
    megabytes_beside: float = 0.0
    """Of a process that retention had beside, at most."""

    def told(self) -> str:
        """Return what filling took; retention beside loading is what the days took more by it."""
        alone = self.making + self.counting + self.keeping
        folding = self.folding + self.beside - alone / max(1, self.hits_alone) * self.hits_beside
        loaded = self.hits_alone + self.hits_beside
        return (
            f"{loaded:,} hits of {self.hits:,}, the first {self.folded} months folded:"
            f" {alone + self.beside + self.folding:,.0f} s of processors,"
            f" {self.clock:,.0f} s by the clock, {self.megabytes:,.0f} MB of memory at most,"
            f" {self.megabytes_beside:,.0f} MB of a process beside\n"
            f"a hit takes {_micro(self.counting, self.hits_alone)} into the counters and"
            f" {_micro(self.keeping, self.hits_alone)} into raw events, by {self.hits_alone:,}"
            " hits with no retention beside\n"
            f"retention takes {folding:,.0f} s so far; where it ran beside loading, what loading"
            " takes is subtracted"
        )


def _micro(seconds: float, hits: int) -> str:
    return f"{seconds / max(1, hits) * 1e6:.1f} µs"


def read_filled(folder: Path, hits: int) -> Filled:
    """Return how far the store in `folder` is filled with `hits` hits.

    Raises:
        WrongFolder: it holds another number of hits, or a store of unknown origin.
    """
    note = folder / _NOTE
    try:
        filled = msgspec.json.decode(note.read_bytes(), type=Filled)
    except FileNotFoundError:
        if (folder / "clickhouse").exists():
            raise WrongFolder(f"{folder}: a store without {note.name}; give another") from None
        return Filled(hits)
    except msgspec.MsgspecError:
        raise WrongFolder(f"{note}: not a note of this benchmark; give another") from None
    if filled.hits != hits:
        raise WrongFolder(
            f"--hits {hits}: {folder} is being filled with {filled.hits}; give that number or"
            " another --data"
        )
    return filled


def keep_filled(folder: Path, filled: Filled) -> None:
    """Write the note, whole or not at all."""
    part = folder / f".{_NOTE}.part"
    part.write_bytes(msgspec.json.encode(filled))
    part.replace(folder / _NOTE)
