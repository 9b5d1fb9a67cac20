"""What becomes of the months of some sites, also as a process of its own that is asked for it.

That process has no store and reads no file: it is sent cells, and sends back which leave.
"""

import contextlib
import gc
import os
import sys
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from anonymizer.hits import LocalSeconds, SiteId
from collector.retention.complementing import Declared, Folded, fold_site
from collector.retention.site_cells import read_site_cells

_LENGTH_BYTES = 8
_NICENESS = 10
# Linux, proc(5): where memory runs out it goes before the server that asks it.
_GOES_FIRST = "500"


class Asked(Struct, frozen=True):
    """Of which sites is asked; their cells come apart from it."""

    is_over: dict[SiteId, bool]
    """Whether each site's month is over."""
    first: LocalSeconds
    """The local second in which the month begins."""


class Chosen(Struct, frozen=True):
    """What becomes of the sites that were asked of."""

    folded: list[Folded]
    faults: dict[SiteId, str]
    """Sites for which nothing could be chosen, and the kind of error."""


def choose_for(declared: Declared, asked: Asked, lines: bytes) -> Chosen:
    """Choose for each site by itself: none goes on to the others.

    Raises:
        msgspec.MsgspecError: `lines` can't be read.
    """
    chosen = Chosen([], {})
    found = read_site_cells(lines, asked.is_over, declared.statistics)
    for site, is_over in asked.is_over.items():
        try:
            folded = fold_site(found.pop(site), declared, asked.first, is_over=is_over)
        except Exception as error:  # noqa: BLE001  # one site's fault would be all others' too
            # Others' texts may repeat what is in a cell.
            chosen.faults[site] = type(error).__name__
        else:
            chosen.folded.append(folded)
    return chosen


def send(to: IO[bytes] | None, message: bytes) -> None:
    """Write a message whole.

    Raises:
        OSError: the other end is gone.
    """
    if to is None:
        raise BrokenPipeError
    to.write(len(message).to_bytes(_LENGTH_BYTES, "big"))
    to.write(message)
    to.flush()


def receive(of: IO[bytes] | None) -> bytes:
    """Read a message whole.

    Raises:
        EOFError: the other end is gone.
    """
    if of is None:
        raise EOFError
    return _exactly(of, int.from_bytes(_exactly(of, _LENGTH_BYTES), "big"))


def _exactly(of: IO[bytes], count: int) -> bytes:
    read = of.read(count)
    if len(read) < count:
        raise EOFError
    return read


def main() -> None:
    """Answer what stdin asks until it ends."""
    os.nice(_NICENESS)
    gc.disable()  # there are no cycles, and looking for them took 6 % of the time
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_GOES_FIRST)
    asks, answers = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(EOFError, BrokenPipeError):
        declared = msgspec.msgpack.decode(receive(asks), type=Declared)
        while True:
            asked = msgspec.msgpack.decode(receive(asks), type=Asked)
            send(answers, msgspec.msgpack.encode(choose_for(declared, asked, receive(asks))))


if __name__ == "__main__":
    main()
