"""`discreet engine`: the embedded engine as a server, by ClickHouse's HTTP protocol."""

import argparse
import ipaddress
import socket
from pathlib import Path

from collector.commands import CommandFailed
from collector.data_dir import DataDir, DataDirInUse
from collector.engine import Engine, engine_app
from collector.serve import AddressInUse, listen, serve
from collector.store import StoreFailed


def run(options: argparse.Namespace) -> None:
    """Serve the engine on `options.data` until told to stop.

    Raises:
        CommandFailed: the address, the directory or the password file can't be used.
    """
    try:
        password = _read_password(options.password_file)
        listening = listen(options.host, options.port)
        if not password and not _is_loopback(listening):
            raise CommandFailed(
                f"--host {options.host} can be reached from other machines;"
                " give --password-file, or listen on 127.0.0.1"
            )
        data = DataDir(options.data)
        data.lock()
        engine = Engine(data.store)
    except (AddressInUse, DataDirInUse, StoreFailed) as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"{options.data}: {error.strerror}") from None
    host, port = listening.getsockname()[:2]

    def say_hello() -> None:
        print(f"The engine on {data.store.resolve()} answers")
        print(f"  at    http://{f'[{host}]' if ':' in host else host}:{port}")
        print(f"  user  {options.user}{'' if password else '  (no password)'}")
        print("Stop it with Ctrl-C.", flush=True)

    serve(engine_app(engine, options.user, password), listening, say_hello)


def _read_password(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise CommandFailed("--password-file: can't be read") from None
    if not lines or not lines[0]:
        raise CommandFailed("--password-file: the first line is empty")
    return lines[0]


def _is_loopback(listening: socket.socket) -> bool:
    return ipaddress.ip_address(listening.getsockname()[0].partition("%")[0]).is_loopback
