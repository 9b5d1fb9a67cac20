"""How fast a link leads on while ClickHouse is down: `python -m benchmarks.email_clicks`.

A real server whose store is a port at which nobody listens; requests at a fixed rate, whether or
not the ones before are answered (open loop), over keep-alive connections on loopback. A request's
time counts from when it was due, so that waiting for a free connection counts too. By turns with
it a server takes the same load that does nothing but redirect: what it takes is the machine's own.
Exit code 1 when the best turn's 99th percentile is over the limit.
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

from anonymizer.policy_file import read_policy
from benchmarks.ingest import BARE_LIFESPAN, POLICY, RUN_BARE, running
from collector.email.campaigns import Campaigns
from collector.email.targets import read_target
from collector.reference import default_policy

LIMIT_MS = 20.0
_CONNECTIONS = 64
_PORT = 18_993
_BARE_PORT = 18_994
_LINKS = 20

_BARE = (
    BARE_LIFESPAN
    + """\
    headers = [(b"location", b"https://example.org/"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 302, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
"""
)


def requests(readers: int) -> list[bytes]:
    """Return whole HTTP requests of readers, who open a message and follow a link or two."""
    made = []
    for number in range(readers):
        agent = (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            f" Chrome/{90 + number % 40}.0.{number}.0 Safari/537.36"
        )
        made.append(
            f"GET /e/spring/{1 + number % _LINKS} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"User-Agent: {agent}\r\nAccept: */*\r\nAccept-Language: de\r\n\r\n".encode()
        )
    return made


class Load:
    """Requests at a fixed rate; `waits` has the seconds that each took."""

    def __init__(self, port: int, made: list[bytes], rate: float) -> None:
        self._port = port
        self._made = made
        self._rate = rate
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        self.waits: list[float] = []

    async def run(self, seconds: float) -> None:
        """Send for so many seconds, and wait for what is on its way."""
        self._free = asyncio.Queue()
        for _ in range(_CONNECTIONS):
            self._free.put_nowait(await asyncio.open_connection("127.0.0.1", self._port))
        began = time.perf_counter()
        sent: list[asyncio.Task[None]] = []
        for number in range(int(seconds * self._rate)):
            due = began + number / self._rate
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            sent.append(asyncio.create_task(self._send(number, due)))
        await asyncio.gather(*sent)
        while not self._free.empty():
            _, writer = self._free.get_nowait()
            writer.close()

    async def _send(self, number: int, due: float) -> None:
        connection = await self._free.get()
        reader, writer = connection
        writer.write(self._made[number % len(self._made)])
        head = await reader.readuntil(b"\r\n\r\n")
        self.waits.append(time.perf_counter() - due)
        if not head.startswith(b"HTTP/1.1 302"):
            raise SystemExit(f"the server answered {head[:60]!r}")
        self._free.put_nowait(connection)


def main() -> int:
    """Measure and print; exit code 1 when it is over the limit."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rate", type=float, default=500.0, help="requests a second")
    options.add_argument("--seconds", type=float, default=20.0, help="per turn")
    options.add_argument("--turns", type=int, default=3)
    options.add_argument("--readers", type=int, default=5_000)
    asked = options.parse_args()
    console = Console()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    made = requests(asked.readers)
    table = Table("turn", "server", "median ms", "p99 ms", "slowest ms", "answered")
    found: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir(mode=0o700)
        (Path(folder) / "policy.toml").write_text(POLICY)
        campaigns = Campaigns(data / "email.sqlite", read_policy(POLICY, default_policy()))
        campaign = campaigns.add("spring", "", "example.org", int(time.time()))
        urls = [read_target(f"https://example.org/{number}") for number in range(_LINKS)]
        campaigns.number(campaign, urls)
        serve = [
            *(sys.executable, "-m", "collector.cli", "serve", "--port", str(_PORT)),
            *("--policy", f"{folder}/policy.toml", "--data", str(data)),
            *("--store", "clickhouse://127.0.0.1:1"),
        ]
        (Path(folder) / "bare.py").write_text(_BARE)
        bare = [sys.executable, "-c", RUN_BARE, folder, str(_BARE_PORT)]
        with running(serve, _PORT, cores[0]), running(bare, _BARE_PORT, cores[0]):
            uvloop.run(Load(_PORT, made, asked.rate).run(5))
            for turn in range(1, asked.turns + 1):
                for name, port in (("redirects alone", _BARE_PORT), ("Discreet", _PORT)):
                    load = Load(port, made, asked.rate)
                    uvloop.run(load.run(asked.seconds))
                    waits = [wait * 1e3 for wait in sorted(load.waits)]
                    p99 = waits[int(len(waits) * 0.99)]
                    if port == _PORT:
                        found.append(p99)
                    middle = statistics.median(waits)
                    numbers = (f"{number:.1f}" for number in (middle, p99, waits[-1]))
                    table.add_row(str(turn), name, *numbers, f"{len(waits):,}")
    console.print(table)
    best = min(found)
    console.print(f"p99 {best:.1f} ms at {asked.rate:.0f} a second (limit {LIMIT_MS})")
    return int(best > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
