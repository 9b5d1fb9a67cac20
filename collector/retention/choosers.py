"""Processes beside the server that choose what leaves, as many as there are processors, or none."""

import contextlib
import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import msgspec

from collector.retention.choosing import Asked, Chosen, choose_for, receive, send
from collector.retention.complementing import Declared

_MOST = 2  # each holds the cells of one large site
_WORTH_IT = 20_000  # cells: 0.3 s of choosing, as long as a process takes to start


class Choosers:
    """Chooses here what is little, or all on a single processor; else beside."""

    def __init__(self, declared: Declared, *, processes: int | None = None) -> None:
        self._declared = declared
        count = min(_MOST, _processors()) if processes is None else processes
        self._threads = ThreadPoolExecutor(max(1, count), thread_name_prefix="choosing")
        self._idle: SimpleQueue[_Chooser] = SimpleQueue()
        self._all = [_Chooser(declared) for _ in range(count)] if count > 1 else []
        for each in self._all:
            self._idle.put(each)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in self._all:
            each.kill()
        self._threads.shutdown()
        for each in self._all:
            each.close()

    def choose(self, asked: Asked, lines: bytes, cells: int) -> Future[Chosen]:
        """Return what will be chosen of `lines`, which hold so many cells.

        The future raises EOFError or OSError when a process died, and MsgspecError when `lines`
        can't be read. Where no process can be started it is chosen here.
        """
        if self._all and cells >= _WORTH_IT:
            return self._threads.submit(self._ask, asked, lines)
        chosen: Future[Chosen] = Future()
        try:
            chosen.set_result(choose_for(self._declared, asked, lines))
        except Exception as error:  # noqa: BLE001  # as a thread's future does
            chosen.set_exception(error)
        return chosen

    def _ask(self, asked: Asked, lines: bytes) -> Chosen:
        chooser = self._idle.get()
        try:
            process = chooser.started()
            if process is None:
                return choose_for(self._declared, asked, lines)
            return chooser.ask(process, asked, lines)
        finally:
            self._idle.put(chooser)


class _Chooser:
    """One process, started when it is first asked, and anew after it died."""

    def __init__(self, declared: Declared) -> None:
        self._declared = msgspec.msgpack.encode(declared)
        self._process: subprocess.Popen[bytes] | None = None

    def started(self) -> subprocess.Popen[bytes] | None:
        """Return the process, started where it isn't; None when that can't be done."""
        with contextlib.suppress(OSError):
            self._process = self._process or self._start()
        return self._process

    def ask(self, process: subprocess.Popen[bytes], asked: Asked, lines: bytes) -> Chosen:
        try:
            send(process.stdin, msgspec.msgpack.encode(asked))
            send(process.stdin, lines)
            return msgspec.msgpack.decode(receive(process.stdout), type=Chosen)
        except (EOFError, OSError, msgspec.MsgspecError):
            self.kill()
            self.close()
            raise

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Let go of a process that was killed."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "collector.retention.choosing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # What Python says of an error may repeat what is in a cell.
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # Ctrl-C is for the server, which ends it
        )
        send(process.stdin, self._declared)
        return process


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
