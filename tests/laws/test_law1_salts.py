"""Law 1, of what makes visitors known for a day: salts and visitor keys.

Neither is ever on disk. A salt is gone from memory once its day has ended: another process reads
the whole memory of one that counts. What this can't show: that freed memory is wiped of visitor
keys and of what was received; it isn't, and holds them until it is used again. Without the salt
a key tells nothing, and no other copy of it exists.
"""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from anonymizer.hits import Door, RawHit
from anonymizer.visitor_key import keyed_hash, visitor_key
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_agents, load_tables
from collector.salts import SALT_BYTES
from collector.spool import drain
from tests.collector.hits import SITE, make_policy
from tests.collector.storing import Kept, encoded
from tests.laws.canaries import files_under, joined
from tests.running import FIREFOX

START = 1_773_140_400


class FillAndRemember:
    """Salts like the kernel's, remembered so that they can be looked for."""

    def __init__(self) -> None:
        self._chance = random.Random(4)
        self.salts: list[bytes] = []

    def __call__(self, buffer: bytearray) -> None:
        buffer[:] = self._chance.randbytes(len(buffer))
        self.salts.append(bytes(buffer))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    kept = Kept(tmp_path_factory.mktemp("salts"), make_policy())
    kept.apply()
    yield kept
    kept.close()


def test_no_visitor_key_and_no_salt_is_on_disk(kept: Kept) -> None:
    fill = FillAndRemember()
    policy = kept.policy
    pipeline = Pipeline(policy, make_plan(policy), load_agents(), load_tables(), fill)
    raw_hits = [
        RawHit(
            door=Door.EVENT,
            site=SITE,
            time=START + number * 3_600,
            raw_address=f"198.51.100.{number}",
            raw_agent=f"{FIREFOX} {number % 3}",
            raw_url=f"/page-{number % 5}",
        )
        for number in range(60)
    ]
    for raw in raw_hits:
        kept.spool.append(encoded(pipeline.take([raw])))
    waiting = files_under(kept.folder)
    drain(kept.spool, kept.store)
    stored = files_under(kept.folder)

    secrets = set(fill.salts)
    for salt in fill.salts:
        secrets.update(
            visitor_key(
                keyed_hash(salt), SITE, raw.raw_address, raw.raw_agent, policy.visitor_address
            )
            for raw in raw_hits
        )
    assert len(fill.salts) == 3
    assert len(secrets) == 3 + 3 * 60
    assert kept.value("SELECT sum(views) FROM traffic") == "60"
    for when, things in (("waiting", waiting), ("stored", stored)):
        content = joined(things.values())
        assert b"page-4" in content, when
        for secret in secrets:
            assert secret not in content, when
            assert secret.hex().encode() not in content, when
            assert secret[:8] not in content, when


# Counts hits on two days and stops at each line that it is sent. Each salt comes in two halves
# that are joined byte by byte where the product wants it: no other copy of it is made.
_COUNTING = """\
import sys
from anonymizer.hits import Door, RawHit
from collector.pipeline import Pipeline
from collector.plan import make_plan
from collector.reference import load_agents, load_tables
from collector.salts import new_salt
from tests.collector.hits import SITE, make_policy
from tests.laws.test_law1_salts import START
from tests.running import FIREFOX

halves = [tuple(map(bytes.fromhex, line.split())) for line in iter(sys.stdin.readline, "\\n")]

def fill(buffer):
    masked, mask = halves.pop(0)
    for position in range(len(buffer)):
        buffer[position] = masked[position] ^ mask[position]

policy = make_policy()
pipeline = Pipeline(policy, make_plan(policy), load_agents(), load_tables(), fill)

def count(time):
    for number in range(200):
        address = f"198.51.100.{number}"
        pipeline.take([RawHit(Door.EVENT, SITE, time + number, address, FIREFOX, "/page")])

def stop():
    print(flush=True)
    sys.stdin.readline()

fresh = new_salt(fill)  # nothing has used freed memory again yet
stop()
del fresh
count(START)
stop()
count(START + 86_400)
stop()
pipeline.forget_ended_days(START + 86_400)
stop()
"""


def memory_of(pid: int) -> bytes:
    """Return all that a process can write to."""
    pieces = []
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            span, mode, *_ = line.split()
            if mode.startswith("rw"):
                first, last = (int(number, 16) for number in span.split("-"))
                memory.seek(first)
                pieces.append(memory.read(last - first))
    return b"\n".join(pieces)


def test_salt_is_gone_from_memory_once_its_day_is_forgotten() -> None:
    chance = random.Random(6)
    salts = [chance.randbytes(SALT_BYTES) for _ in range(3)]
    masks = [chance.randbytes(SALT_BYTES) for _ in range(3)]
    with subprocess.Popen(
        [sys.executable, "-c", _COUNTING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as counting:
        assert counting.stdin is not None
        assert counting.stdout is not None
        for salt, mask in zip(salts, masks, strict=True):
            masked = bytes(one ^ other for one, other in zip(salt, mask, strict=True))
            counting.stdin.write(f"{masked.hex()} {mask.hex()}\n".encode())
        counting.stdin.write(b"\n")
        counting.stdin.flush()
        seen = []
        for _ in range(4):
            counting.stdout.readline()
            memory = memory_of(counting.pid)
            # Half a salt is as good as none to a guesser, but it is no longer destroyed.
            seen.append([max(memory.count(half) for half in halves(salt)) for salt in salts])
            counting.stdin.write(b"\n")
            counting.stdin.flush()

    made, first_day, both_days, second_day = [1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1]
    assert seen == [made, first_day, both_days, second_day]


def halves(salt: bytes) -> tuple[bytes, bytes]:
    return salt[: len(salt) // 2], salt[len(salt) // 2 :]
