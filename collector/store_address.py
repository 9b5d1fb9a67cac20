"""Where a store is: a directory with the embedded engine, or a ClickHouse server by HTTP.

A server's address is `clickhouse://USER@HOST:PORT/DATABASE?secure=1&timeout=60`. The
password is never part of it: an address stands in command lines, files and messages.
"""

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_connect.driver.httpclient import HttpClient
from msgspec import Struct
from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import ProtocolError

from collector.data_dir import DataDir
from collector.schema.tables import DATABASE
from collector.spool import Spool
from collector.store import StoreFailed, failures, open_engine

PASSWORD_VARIABLE = "DISCREET_STORE_PASSWORD"  # noqa: S105  # a variable's name

_SCHEME = "clickhouse"
_PORT = 8123
_SECURE_PORT = 8443
# It is written into statements as it stands.
_DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

_CONNECT_SECONDS = 5
# A batch of 20,000 rows takes a second or two. What takes longer than this is given up and sent
# again, which counts once.
_ANSWER_SECONDS = 60
_MAX_ANSWER_SECONDS = 600

# `CREATE OR REPLACE` and `serverUUID` are older; what views and batches are made of was tried
# with this one.
_LEAST_VERSION = (25, 8)


class BadAddress(Exception):
    """A store's address or password can't be read; the text names the part, never its value."""


class StoreAddress(Struct, frozen=True):
    """A database on a ClickHouse server, and who asks it."""

    user: str
    host: str
    port: int
    database: str
    secure: bool = False
    answer_seconds: int = _ANSWER_SECONDS
    """How long to wait for an answer."""
    password: str = ""

    def __str__(self) -> str:
        """Return the address as it is written, without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        options = {
            **({"secure": "1"} if self.secure else {}),
            **({"timeout": self.answer_seconds} if self.answer_seconds != _ANSWER_SECONDS else {}),
        }
        query = f"?{urlencode(options)}" if options else ""
        user = quote(self.user, safe="")
        return f"{_SCHEME}://{user}@{host}:{self.port}/{self.database}{query}"

    def __repr__(self) -> str:
        return f"StoreAddress({self})"


StorePlace = Path | StoreAddress
"""A directory for the embedded engine, or a server."""


def read_address(text: str, password: str = "") -> StoreAddress:
    """Read `clickhouse://USER@HOST:PORT/DATABASE?secure=1&timeout=60`.

    Port, database and options may be left out: 8123 (8443 with `secure=1`), `default`, no TLS,
    60 seconds for an answer.

    Raises:
        BadAddress: a part is missing, is unknown or can't be read.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadAddress("the store's address can't be read") from None
    _check_shape(parts)
    secure, answer_seconds = _read_options(parts.query)
    database = parts.path.removeprefix("/") or "default"
    if not _DATABASE.fullmatch(database):
        raise BadAddress("the store's database: must be letters, digits and _")
    if database == DATABASE:
        raise BadAddress(f"the store's database: must not be {DATABASE}, where the counters lie")
    if port == 0:
        raise BadAddress("the store's port: must be from 1 to 65535")
    return StoreAddress(
        user=unquote(parts.username or "default"),
        host=parts.hostname or "",
        port=port or (_SECURE_PORT if secure else _PORT),
        database=database,
        secure=secure,
        answer_seconds=answer_seconds,
        password=password,
    )


def _check_shape(parts: SplitResult) -> None:
    if parts.scheme != _SCHEME or not parts.hostname:
        raise BadAddress(f"the store's address: must begin with {_SCHEME}://USER@HOST")
    if parts.password is not None:
        raise BadAddress(
            f"the store's address: must hold no password; give --store-password-file"
            f" or {PASSWORD_VARIABLE}"
        )
    if parts.fragment:
        raise BadAddress("the store's address: must hold no #")


def _read_options(query: str) -> tuple[bool, int]:
    try:
        options = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        raise BadAddress("the store's address: what follows ? can't be read") from None
    secure = options.pop("secure", "0")
    seconds = options.pop("timeout", str(_ANSWER_SECONDS))
    if options:
        raise BadAddress("the store's address: only secure and timeout may follow ?")
    if secure not in ("0", "1"):
        raise BadAddress("the store's address: secure: must be 0 or 1")
    if not re.fullmatch("[0-9]{1,3}", seconds) or not 1 <= int(seconds) <= _MAX_ANSWER_SECONDS:
        raise BadAddress(f"the store's address: timeout: must be 1 to {_MAX_ANSWER_SECONDS} s")
    return secure == "1", int(seconds)


def read_password(file: Path | None, environment: Mapping[str, str] = os.environ) -> str:
    """Return the password in a file's first line, else the one in the environment, else none.

    Raises:
        BadAddress: the file can't be read.
    """
    if file is None:
        return environment.get(PASSWORD_VARIABLE, "")
    try:
        first, *_ = file.read_text("utf-8").splitlines() or [""]
    except (OSError, UnicodeDecodeError):
        raise BadAddress("--store-password-file: can't be read") from None
    return first


def find_store(data: DataDir, address: str | None, password_file: Path | None) -> StorePlace:
    """Return where a data directory's store is: as told, else as remembered, else inside it.

    Raises:
        BadAddress: the address or the password can't be read.
    """
    if address is None and data.store_address.exists():
        address = data.store_address.read_text("utf-8").strip()
    if address is None:
        return data.store
    return read_address(address, read_password(password_file))


def remember_store(data: DataDir, where: StorePlace) -> None:
    """Note a server's address, without the password, for later commands on the directory.

    Raises:
        BadAddress: hits that another store may hold in part wait in the directory.
    """
    if isinstance(where, Path):
        return
    before = data.store_address.read_text("utf-8").strip() if data.store_address.exists() else None
    if before == str(where):
        return
    spool = Spool(data.spool)
    try:
        if not spool.is_empty():
            raise BadAddress(
                "--store: hits wait for the store used before; start with that one first"
            )
    finally:
        spool.close()
    data.store_address.write_text(f"{where}\n", "utf-8")


def open_client(where: StorePlace) -> Client:
    """Connect to a store; a server is asked for its version and settings at once.

    Raises:
        StoreFailed: it is out of reach, refuses the user, or its version is unfit.
    """
    if isinstance(where, Path):
        return open_engine(where)
    with failures(f"the store on {where.host} port {where.port} can't be used"):
        client = _connect(where)
    if _version(client.server_version or "") < _LEAST_VERSION:
        client.close()
        least = ".".join(map(str, _LEAST_VERSION))
        raise StoreFailed(f"the store's ClickHouse is older than {least}")
    return client


class _LateClient:
    """Stands for a client and connects when it is first asked for something."""

    def __init__(self, where: StoreAddress) -> None:
        self._where = where
        self._client: Client | None = None

    def __getattr__(self, name: str) -> object:
        if self._client is None:
            self._client = open_client(self._where)
        return cast(object, getattr(self._client, name))

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def open_late(where: StorePlace) -> Client:
    """Return a client that connects to a server once it is asked, and a directory at once.

    While the server is out of reach each question raises `StoreFailed`; the next tries anew.

    Raises:
        StoreFailed: the directory can't be opened.
    """
    return open_client(where) if isinstance(where, Path) else cast(Client, _LateClient(where))


def _connect(where: StoreAddress) -> Client:
    # Of a failure that is raised too, they would log lines of their own.
    for name in ("clickhouse_connect", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = clickhouse_connect.get_client(
            interface="https" if where.secure else "http",
            host=where.host,
            port=where.port,
            username=where.user,
            password=where.password,
            database=where.database,
            # A session would make the server refuse what two threads ask at once, and nothing
            # here is kept between two requests.
            autogenerate_session_id=False,
            connect_timeout=min(_CONNECT_SECONDS, where.answer_seconds),
            send_receive_timeout=where.answer_seconds,
            compress="lz4",
            client_name="discreet",
            # Else an answer begins with 200 and may break off.
            settings={"wait_end_of_query": 1},
            show_clickhouse_errors="scrub",  # without the server's address
            dedicated_pool=True,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # What answers there is no ClickHouse.
        raise ClickHouseError from error
    if isinstance(client, HttpClient):
        client.http = cast(PoolManager, _WholeAnswers(client.http))
    return client


class _WholeAnswers:
    """A pool of connections that takes no answer for whole whose headers broke off.

    Python's http.client reads a connection's end as the end of the headers (3.11). What is
    left of an answer then is 200 and no row, which is as good as a lie.
    """

    def __init__(self, pool: PoolManager) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> object:
        return cast(object, getattr(self._pool, name))

    def request(self, method: str, url: str, **how: object) -> BaseHTTPResponse:
        answer = self._pool.request(method, url, **how)  # type: ignore[arg-type]
        headers = answer.headers
        if "Content-Length" not in headers and "Transfer-Encoding" not in headers:
            answer.close()
            raise ProtocolError("an answer's headers broke off")
        return answer


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])
