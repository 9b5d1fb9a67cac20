"""A TCP proxy on loopback that breaks what passes it, for tests of broken connections."""

import contextlib
import socket
import threading
from typing import Self

_PIECE = 65_536


class Proxy:
    """Passes connections on to a port. What it breaks may be changed while it runs."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.cut_answers_after: int | None = None
        """Bytes of each connection's answers that come through before it is cut."""
        self.cut_questions_after: int | None = None
        """Bytes of each connection's questions that come through before it is cut."""
        self.replace = (b"", b"")
        """What stands in place of what, in the first piece of a question."""
        self.says: bytes | None = None
        """What is answered to anything, in the server's stead."""
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Shut down first: closing alone does not wake a thread that waits in accept.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut_all()
        self._thread.join(10)

    def mend(self) -> None:
        """Break nothing any more; connections that are broken end."""
        self.cut_answers_after = self.cut_questions_after = self.says = None
        self.replace = (b"", b"")
        self.cut_all()

    def cut_all(self) -> None:
        """Cut every connection, so that the next question comes on a new one."""
        for each in list(self._open):
            _cut(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        far = socket.socket()
        self._open |= {near, far}
        with contextlib.suppress(OSError):
            far.connect(("127.0.0.1", self._upstream))
            answers = threading.Thread(target=self._pass_answers, args=(far, near), daemon=True)
            answers.start()
            self._pass_questions(near, far)
        for each in (near, far):
            _cut(each)
            self._open.discard(each)

    def _pass_questions(self, near: socket.socket, far: socket.socket) -> None:
        passed = 0
        while piece := near.recv(_PIECE):
            if self.says is not None:
                near.sendall(self.says)
                return
            piece = piece.replace(*self.replace, 1) if self.replace[0] else piece
            limit = self.cut_questions_after
            far.sendall(piece if limit is None else piece[: max(limit - passed, 0)])
            passed += len(piece)
            if limit is not None and passed >= limit:
                return

    def _pass_answers(self, far: socket.socket, near: socket.socket) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while piece := far.recv(_PIECE):
                limit = self.cut_answers_after
                near.sendall(piece if limit is None else piece[: max(limit - passed, 0)])
                passed += len(piece)
                if limit is not None and passed >= limit:
                    break
        _cut(near)


def _cut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
