"""A real `discreet engine` process on loopback: a ClickHouse server for the tests."""

import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Self

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from tests.running import COMMAND

USER = "collector"
PASSWORD = "päss:word?"


class EngineProcess:
    """One engine process. Leaves no process behind."""

    def __init__(
        self,
        path: Path,
        *,
        user: str = USER,
        password: str = PASSWORD,
        port: int = 0,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.path = path
        self.host = "127.0.0.1"
        self.port = port
        self.user = user
        self.password = password
        self.output = ""
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Start and wait until it listens; once started, its port stays the same."""
        password = self.path.with_name(f"{self.path.name}.password")
        password.write_text(f"{self.password}\n", "utf-8")
        self._process = subprocess.Popen(
            [
                *(*COMMAND, "engine", "--data", str(self.path)),
                *("--host", self.host, "--port", str(self.port)),
                *("--user", self.user, "--password-file", str(password)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self._environment,
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if line.strip().startswith("at "):
                self.port = int(line.rpartition(":")[2])
            if line.startswith("Stop it"):
                return
        raise AssertionError(self.output)

    def client(self, **options: Any) -> Client:  # noqa: ANN401  # a keyword of get_client each
        """Connect by clickhouse-connect as it comes, but for `options`."""
        given = {"username": self.user, "password": self.password, **options}
        return clickhouse_connect.get_client(host=self.host, port=self.port, **given)

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL: no handler runs, nothing is flushed."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Stop its work until `resume`; connections to it wait."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def _end(self, by: signal.Signals) -> int:
        assert self._process is not None
        os.kill(self._process.pid, by)
        os.kill(self._process.pid, signal.SIGCONT)  # a paused process handles no SIGTERM
        rest, _ = self._process.communicate(timeout=30)
        self.output += rest
        code = self._process.returncode
        self._process = None
        return code


def start_engine(path: Path, *, user: str = USER, password: str = PASSWORD) -> EngineProcess:
    """Start an engine on the directory `path`, on a port of the kernel's choice."""
    engine = EngineProcess(path, user=user, password=password)
    engine.start()
    return engine
