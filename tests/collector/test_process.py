"""A serving process keeps its memory to itself."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import Server

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="/proc tells what a process is allowed"
)

GUARDED = """
import ctypes, resource, sys
from pathlib import Path
if sys.argv[1] == "limited":
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (65536, 65536))
from collector.process import Guard, guard_memory
held = guard_memory()
memory = bytearray(8 << 20)
locked = int(Path("/proc/self/status").read_text().partition("VmLck:")[2].split()[0])
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), locked, Guard.NO_SWAP in held, len(memory))
"""


def guarded(limit: str) -> tuple[int, int, bool]:
    answer = subprocess.run(
        [sys.executable, "-c", GUARDED, limit], capture_output=True, text=True, check=True
    ).stdout.split()
    return int(answer[0]), int(answer[1]), answer[2] == "True"


@pytest.mark.parametrize("limit", ["as it is", "limited"])
def test_guarded_memory_is_locked_exactly_when_it_says_so(limit: str) -> None:
    dumpable, locked_kilobytes, says_locked = guarded(limit)

    assert dumpable == 0
    assert (locked_kilobytes > 8192) is says_locked


def test_server_leaves_no_core_dump(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        limits = Path(f"/proc/{server.pid}/limits").read_text()

    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
