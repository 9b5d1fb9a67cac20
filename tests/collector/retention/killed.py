"""Run retention on a directory and end without warning: `killed.py FOLDER NUMBER DELAY`.

Prints a JSON line of the sums that it finds and those with a few late hits that it puts in.
NUMBER is the step at which it kills itself; DELAY the seconds after which it does, whatever it is
at. With 0 and 0 it puts nothing in and comes to its end.
"""

import json
import os
import signal
import sys
import threading
from pathlib import Path

from tests.collector.retention.cellar import Cellar

NOW = "2026-04-15T03:00:00"


def main(folder: Path, number: int, delay: float) -> None:
    """Put in, tell, run, and be killed."""
    cellar = Cellar(folder)
    found = cellar.sums()
    if number or delay:
        cellar.put("pages", f"2026-03-{10 + number % 15}", f"/{number}", 2, views=3, bounces=-1)
        cellar.put("steps", "2026-03-10", f"/a /{number % 40}", 1, views=1)
        # Large enough to stay, but part of a page that is not.
        cellar.put("steps", f"2026-03-{10 + number % 15}", f"/b /{number}", 5, views=5)
        cellar.put("visits", f"2026-03-11T{number % 24:02}:00", "", 1, seconds=5)
        cellar.put("pages", f"2026-02-{1 + number % 28:02}", "/a", 1, views=1, visits=-1)
        cellar.put("networks", f"2026-03-{2 + number % 3:02}", "192.0.2.0/24", 9)
    _tell({"found": found, "put": cellar.sums()})
    steps = 0

    def step(_done: int, _of: int) -> None:
        nonlocal steps
        steps += 1
        if steps == number:
            os.kill(os.getpid(), signal.SIGKILL)

    if delay:
        threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
    cellar.run(NOW, step=step)
    _tell({"cells": cellar.cells()})
    cellar.close()


def _tell(what: dict[str, str]) -> None:
    sys.stdout.write(f"{json.dumps(what)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
