"""Keep what is in the process's memory there: no core dump, no other reader, no swap."""

import ctypes
import resource
from enum import StrEnum
from pathlib import Path

# Linux: sys/prctl.h and sys/mman.h.
_PR_SET_DUMPABLE = 4
_CAP_IPC_LOCK = 14  # linux/capability.h
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


class Guard(StrEnum):
    """A way by which memory could leave the process, closed."""

    NO_CORE_DUMP = "no core dump"
    NO_OTHER_READER = "not readable by other processes of the same user"
    NO_SWAP = "not written to swap"


def guard_memory() -> frozenset[Guard]:
    """Close what the system lets this process close, and return what that was.

    Swap needs CAP_IPC_LOCK or an unlimited RLIMIT_MEMLOCK (``LimitMEMLOCK=infinity`` under
    systemd): under a finite limit a locked process dies of its next allocation beyond it.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    held = {Guard.NO_CORE_DUMP}
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
            held.add(Guard.NO_OTHER_READER)
        # On fault: pages are locked as they are used, so that nothing is loaded for it.
        if _may_lock_all() and libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0:
            held.add(Guard.NO_SWAP)
    except (OSError, AttributeError, StopIteration):  # another system than Linux
        pass
    return frozenset(held)


def _may_lock_all() -> bool:
    if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY:
        return True
    status = Path("/proc/self/status").read_text("ascii", "replace")
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> _CAP_IPC_LOCK & 1)
