"""A real `discreet serve` process on loopback, for tests from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from collector.query_socket import ask

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

POLICY = """\
[policy]
id = "test"
version = "1"
controller = "Example"
contact = "privacy@example.org"
extends = "default"
min_group = 1

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"
"""


# As out of the run lock: without the packages that the tests alone have (docs/decisions/0007).
_START = """\
import sys
sys.modules.update(dict.fromkeys(("numpy", "pandas", "scipy", "sqlalchemy")))
from collector.cli import main
sys.exit(main())
"""
COMMAND = (sys.executable, "-c", _START)
"""Starts `discreet`; its arguments follow."""


def discreet(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command line to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )


def refusal_of(*arguments: str | Path, stdin: bytes = b"") -> str:
    """Run a command that can't be done, and return the one line that says why."""
    done = discreet(*arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("discreet: ")
    return line.removeprefix("discreet: ")


_TELL_CELLS = """\
import sys
import clickhouse_connect
client = clickhouse_connect.get_client(interface="chdb", path=sys.argv[1])
sys.stdout.buffer.write(client.raw_query("SELECT * FROM discreet.cells", fmt="TSV"))
"""


def stored_cells(data: Path) -> bytes:
    """Return all that a stopped data directory's store holds, behind the views, as TSV."""
    return subprocess.run(
        [sys.executable, "-c", _TELL_CELLS, str(data / "clickhouse")],
        capture_output=True,
        timeout=60,
        check=True,
    ).stdout


_LEAST_LOOKS = 20


class Server:
    """One collector process. Leaves no process behind."""

    def __init__(self, folder: Path, policy: str = POLICY, options: Sequence[str] = ()) -> None:
        self.data = folder / "data"
        self.policy = folder / "policy.toml"
        self.policy.write_text(policy)
        self._options = options
        self.output = ""
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start on a free port and wait until it listens."""
        self._process = subprocess.Popen(
            [
                *(*COMMAND, "serve"),
                *("--policy", str(self.policy), "--data", str(self.data), "--port", "0"),
                *self._options,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            if line.startswith("Stop it"):
                break
        self.output += "".join(lines)
        found = re.search(r"(http://\S+)/dashboard", "".join(lines))
        assert found, self.output
        self.url = found[1]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL: no handler runs, nothing is flushed."""
        self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> int:
        assert self._process is not None
        assert self._process.stdout is not None
        os.kill(self._process.pid, by)
        rest, _ = self._process.communicate(timeout=30)
        self.output += rest
        code = self._process.returncode
        self._process = None
        return code

    def send(
        self, *hits: Mapping[str, object], agent: str = FIREFOX, **headers: str
    ) -> httpx.Response:
        """Post hits to the event API, as an object when there is one."""
        body = json.dumps(hits[0] if len(hits) == 1 else hits)
        return httpx.post(
            f"{self.url}/api/event",
            content=body,
            headers={
                "User-Agent": agent,
                "Content-Type": "text/plain",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    def query(self, sql: str) -> str:
        """Ask the views; TSV comes back. Goes by the socket while the server runs."""
        if self._process is not None:
            return ask(self.data / "query.sock", "query", {"sql": sql, "format": "TSV"}).decode()
        answer = discreet("query", "--data", self.data, sql)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.decode()

    def wait_for(self, sql: str, expected: str, seconds: float = 3.0) -> None:
        """Ask until the answer is the expected one; what was answered is in the views in 3 s.

        On a machine so busy that 3 s are a few looks, it has twenty.
        """
        deadline = time.monotonic() + seconds
        looks = 1
        while (answer := self.query(sql)) != expected:
            if looks >= _LEAST_LOOKS and time.monotonic() > deadline:
                break
            looks += 1
            # Asked without a pause, the server has less of the processor to count with.
            time.sleep(0.05)
        assert answer == expected


def hit(page: str = "/a", **more: object) -> dict[str, object]:
    """Return a page view of the test's site."""
    return {"n": "pageview", "u": f"https://example.org{page}", "d": "example.org", **more}
