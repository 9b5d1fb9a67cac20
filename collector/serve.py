"""Run the server on one address until it is told to stop."""

import gc
import signal
import socket
import sys
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from collector.logs import write_without_values


class AddressInUse(Exception):
    """The address can't be listened on."""


class _Server(uvicorn.Server):
    """Uvicorn, saying when it listens."""

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_listening()


def listen(host: str, port: int) -> socket.socket:
    """Bind the address, so that a wrong one is known before anything is opened.

    Raises:
        AddressInUse: another program listens there, or the address is none of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        raise AddressInUse(f"can't listen on {host} port {port}: {error.strerror}") from None
    return listening


def serve(app: ASGIApp, listening: socket.socket, on_listening: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first.

    The access log stays off: it would print addresses. Forwarded headers are not
    believed, so the address is the peer's own.
    """
    write_without_values()
    # What start-up made lives as long as the process: the collector need not look at it again,
    # and hits leave little for it to find.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    # Uvicorn raises the signal again once it has drained; then this ends the process with code 0.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    _Server(config, on_listening).run(sockets=[listening])
