"""The checks that look at the running server's process, from outside and by what it tells.

Linux's ``/proc`` is read (proc(5)). What it doesn't show is told as not checked.
"""

import os
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from collector.doctor.patterns import Address
from collector.doctor.telling import Process, start_of
from collector.doctor.verdicts import Verdict, judge, not_checked

CORE = "the process leaves no core dump"
READERS = "the process's memory is closed to other processes of its user"
SWAP = "the process's memory is not written to swap"
ACCESS_LOG = "the access log is off"

_PROC = Path("/proc")
_FLAGS_WORD = 3  # of fdinfo, proc(5): pos: N flags: OCTAL
# mlockall with MCL_ONFAULT counts what is mapped, and a little may be unmappable.
_NEARLY_ALL = 0.9


def check_process(told: Process) -> Iterator[Verdict]:
    """Check what keeps memory in the process."""
    core = [] if told.core_bytes == 0 else ["its limit for core dumps is not 0"]
    yield judge(CORE, core, "the limit is 0")
    if told.dumpable < 0:
        yield not_checked(READERS, "this system doesn't tell")
    else:
        readers = ["it can be read and traced by them"] if told.dumpable else []
        yield judge(READERS, readers, "it is not dumpable, as prctl(2) has it")
    yield _check_swap(told)
    log = ["its web server prints every address"] if told.access_log else []
    yield judge(ACCESS_LOG, log, "the web server's log of requests has no handler")


def is_visible(told: Process) -> bool:
    """Tell whether the process that answers is the one of this number here: not so from outside
    a container."""
    return bool(told.started) and start_of(told.pid) == told.started


def open_files(pid: int) -> dict[str, Path] | None:
    """Return the regular files that a process may write to, also without a name; None when closed.

    Output that goes to a pipe or a terminal is none of them.
    """
    folder = _PROC / str(pid)
    found = {}
    try:
        for link in (folder / "fd").iterdir():
            try:
                flags = (folder / "fdinfo" / link.name).read_text("ascii").split()[_FLAGS_WORD]
                if link.is_file() and int(flags, 8) & os.O_ACCMODE != os.O_RDONLY:
                    found[f"open {link.readlink()}"] = link
            except FileNotFoundError:
                continue
    except OSError:
        return None
    return found


def output_goes_elsewhere(pid: int) -> bool:
    """Tell whether the process prints into a pipe or socket, which keeps nothing to be read."""
    try:
        targets = [str((_PROC / str(pid) / "fd" / each).readlink()) for each in ("1", "2")]
    except OSError:
        return True
    return any(target.startswith(("pipe:", "socket:")) for target in targets)


def own_addresses() -> frozenset[Address]:
    """Return this machine's own addresses, as far as Linux tells them."""
    found: set[Address] = set()
    for line in _lines("net/if_inet6"):
        found.add(ip_address(bytes.fromhex(line.split()[0])))
    lines = _lines("net/fib_trie")
    for number, line in enumerate(lines[1:]):
        if line.strip().startswith("/32 host LOCAL"):
            found.add(ip_address(lines[number].split()[-1]))
    return frozenset(address for address in found if not address.is_loopback)


def _check_swap(told: Process) -> Verdict:
    areas = [line.split()[0] for line in _lines("swaps")[1:]]
    if not areas and (_PROC / "swaps").exists():
        return judge(SWAP, [], "the machine has no swap")
    if not is_visible(told):
        return not_checked(SWAP, "the process is not to be seen from here")
    status = dict(line.partition(":")[::2] for line in _lines(f"{told.pid}/status"))
    locked, used = (int(status.get(name, "0 kB").split()[0]) for name in ("VmLck", "VmSize"))
    if used and locked >= used * _NEARLY_ALL:
        return judge(SWAP, [], "its memory is locked")
    if all(area.startswith("/dev/zram") for area in areas):
        return judge(SWAP, [], "the machine swaps into its own memory (zram)")
    because = "the machine has swap, and whether that is encrypted can't be known here"
    return not_checked(SWAP, f"{because}; LimitMEMLOCK=infinity locks the memory")


def _lines(name: str) -> list[str]:
    try:
        return (_PROC / name).read_text("ascii", "replace").splitlines()
    except OSError:
        return []
