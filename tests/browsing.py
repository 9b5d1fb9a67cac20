"""Apps served on loopback, and how Chromium is started to look at them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

Serve = Callable[[ASGIApp], str]
"""Serves an app on a free port for the length of a test; returns its origin."""

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",  # CI runs as root, where Chromium starts only without it
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an app in a thread while the context lasts; the value is its origin."""
    config = uvicorn.Config(
        app, lifespan="off", ws="none", log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # The socket listens before the thread starts, so that early requests wait in its
        # backlog and nobody has to be told when the server is up.
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
