"""What a hit costs, against a bare endpoint of the same server: `python -m benchmarks.ingest`.

Two servers take the same requests by turns: Discreet's `POST /api/event`, kept
on disk and counted in ClickHouse, and an ASGI function that reads the body and
answers 204. Each is pinned to one core; the load comes from the other. A cost
is the CPU time of the whole process, every thread and the embedded engine
included, over the requests it answered.

With `--without-line` each request after the first 10,000 leaves what one of those left, and nothing
of it is read: what remains is the server, the answer, the spool and the engine.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import uvloop
from rich.console import Console
from rich.table import Table

LIMIT = 2.5
_CONNECTIONS = 64
_ROOT = Path(__file__).parent.parent

POLICY = """\
[policy]
id = "bench"
version = "1"
controller = "Bench"
contact = "bench@example.org"
extends = "default"

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"
"""

BARE_LIFESPAN = """\
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
"""
"""How an ASGI app begins that does nothing but answer."""

_BARE = (
    BARE_LIFESPAN
    + """\
    more = True
    while more:
        more = (await receive()).get("more_body")
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})
"""
)

RUN_BARE = """\
import sys, uvicorn
sys.path.insert(0, sys.argv[1])
from bare import app
uvicorn.run(app, port=int(sys.argv[2]), loop="uvloop", http="httptools", access_log=False,
            proxy_headers=False, server_header=False, ws="none", log_level="warning")
"""

_RUN_WITHOUT_LINE = """\
import itertools, sys
from collector import cli, doors
from collector.pipeline import Pipeline
take, left = Pipeline.take_live, []
def take_live(self, raw_hits):
    left.append(take(self, raw_hits))
    if len(left) == 10_000:
        again = itertools.cycle(left)
        doors.read_sender = doors.receive_events = lambda *_: ()
        Pipeline.take_live = lambda *_: next(again)
    return left[-1]
Pipeline.take_live = take_live
sys.exit(cli.main())
"""


def requests(visitors: int, pages: int, seed: int = 1) -> list[bytes]:
    """Return whole HTTP requests of visitors who look at pages, popular ones more often."""
    draw = random.Random(seed)  # noqa: S311  # a load, not a secret
    made = []
    for number in range(visitors):
        agent = (
            f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            f" Chrome/{90 + number % 40}.0.{number}.0 Safari/537.36"
        )
        width = draw.choice([390, 768, 1440, 1920])
        zone = draw.choice(["Europe/Berlin", "America/New_York", "Asia/Tokyo"])
        referrer = draw.choice(["", "https://www.google.com/", "https://news.example.net/x"])
        for _ in range(5):
            page = int(draw.paretovariate(1.0)) % pages
            tagged = "?utm_source=news" if number % 4 == 0 else ""
            body = json.dumps(
                {
                    "n": "pageview",
                    "u": f"https://example.org/section-{page % 20}/article-{page}{tagged}",
                    "d": "example.org",
                    "r": referrer,
                    "w": width,
                    "tz": zone,
                }
            ).encode()
            made.append(
                b"POST /api/event HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: "
                + agent.encode()
                + b"\r\nAccept: */*\r\nAccept-Language: de-DE,de;q=0.9,en;q=0.8\r\n"
                b"Content-Type: text/plain\r\nOrigin: https://example.org\r\n"
                b"Content-Length: %d\r\n\r\n" % len(body) + body
            )
    draw.shuffle(made)
    return made


async def load(port: int, made: Sequence[bytes], total: int) -> list[float]:
    """Send `total` requests over keep-alive connections; return each one's seconds."""
    waits: list[float] = []
    turn = iter(range(total))

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in turn:
            began = time.perf_counter()
            writer.write(made[number % len(made)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith((b"HTTP/1.1 202", b"HTTP/1.1 204")):
                raise SystemExit(f"the server answered {head[:60]!r}")
            length = re.search(rb"content-length: (\d+)", head)
            if length and int(length[1]):
                await reader.readexactly(int(length[1]))
            waits.append(time.perf_counter() - began)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(_CONNECTIONS)))
    return waits


def cpu_seconds(pid: int) -> float:
    """Return the CPU time a process and its threads have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def anonymous_megabytes(pid: int) -> float:
    """Return the process's anonymous resident memory."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


@contextmanager
def running(command: Sequence[str], port: int, core: int) -> Iterator[int]:
    """Run a server pinned to a core; yield its process id once it takes connections."""
    process = subprocess.Popen(  # noqa: S603  # the benchmark's own commands
        command, stdout=subprocess.DEVNULL, cwd=_ROOT
    )
    os.sched_setaffinity(process.pid, {core})  # before it has made a thread
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                asyncio.run(_connect(port))
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit("a server did not start") from None
                time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


async def _connect(port: int) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


def main() -> int:
    """Measure by turns and print the ratio; exit code 1 when it is over the limit."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=60_000, help="per turn")
    options.add_argument("--turns", type=int, default=5)
    options.add_argument("--visitors", type=int, default=2_000)
    options.add_argument("--pages", type=int, default=500)
    options.add_argument("--without-line", action="store_true", help="replay what was counted")
    asked = options.parse_args()
    console = Console()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    made = requests(asked.visitors, asked.pages)
    results: dict[str, list[tuple[float, float, float]]] = {"bare": [], "event": []}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare.py").write_text(_BARE)
        (Path(folder) / "policy.toml").write_text(POLICY)
        ports = {"bare": 18_991, "event": 18_992}
        serve = [
            sys.executable,
            *(("-c", _RUN_WITHOUT_LINE) if asked.without_line else ("-m", "collector.cli")),
            *("serve", "--port", str(ports["event"])),
            *("--policy", f"{folder}/policy.toml", "--data", f"{folder}/data"),
        ]
        bare = [sys.executable, "-c", RUN_BARE, folder, str(ports["bare"])]
        with (
            running(bare, ports["bare"], cores[0]) as bare_pid,
            running(serve, ports["event"], cores[0]) as event_pid,
        ):
            idle = anonymous_megabytes(event_pid)
            pids = {"bare": bare_pid, "event": event_pid}
            for name in pids:
                uvloop.run(load(ports[name], made, len(made)))
            for _turn in range(asked.turns):
                for name, pid in pids.items():
                    before, began = cpu_seconds(pid), time.perf_counter()
                    waits = uvloop.run(load(ports[name], made, asked.requests))
                    took = time.perf_counter() - began
                    time.sleep(2.5)  # the last batch goes into the store, and is part of the cost
                    micros = (cpu_seconds(pid) - before) / asked.requests * 1e6
                    waits.sort()
                    results[name].append(
                        (micros, asked.requests / took, waits[int(len(waits) * 0.99)] * 1e3)
                    )
            loaded = anonymous_megabytes(event_pid)
    table = Table("endpoint", "µs CPU a request", "min–max", "requests/s", "p99 ms")
    for name, rows in results.items():
        micros = [row[0] for row in rows]
        table.add_row(
            name,
            f"{statistics.median(micros):.1f}",
            f"{min(micros):.1f}–{max(micros):.1f}",
            f"{statistics.median(row[1] for row in rows):,.0f}",
            f"{statistics.median(row[2] for row in rows):.1f}",
        )
    console.print(table)
    ratios = [
        event[0] / bare[0] for event, bare in zip(results["event"], results["bare"], strict=True)
    ]
    ratio = statistics.median(ratios)
    console.print(
        f"ratio {ratio:.2f} (turn by turn {min(ratios):.2f}–{max(ratios):.2f}; limit {LIMIT})"
        f"\nanonymous memory: {idle:.0f} MB before the first hit, {loaded:.0f} MB after the load"
    )
    return int(ratio > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
