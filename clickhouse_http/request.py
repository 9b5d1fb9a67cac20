"""A request's address, headers and body → the question, and who asks it."""

import base64
import binascii
import re
import uuid
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.datastructures import Headers

from clickhouse_http.blocks import read_blocks
from clickhouse_http.encodings import decode
from clickhouse_http.errors import bad_arguments, too_large
from clickhouse_http.multipart import Part, read_parts
from clickhouse_http.question import DEFAULT_FORMAT, ExternalTable, Question, Refusal
from clickhouse_http.statement import Statement, read_statement

MAX_PARAMETERS = 1000

# What the protocol itself reads, or, since each question is on its own, has no use for.
_NO_SETTING = re.compile(
    "query|user|password|database|default_format|query_id|quota_key|role"
    "|session_id|session_timeout|session_check|close_session"
    "|compress|decompress|enable_http_compression|http_zlib_compression_level"
    "|wait_end_of_query|buffer_size|stacktrace|client_protocol_version"
    "|send_progress_in_http_headers|http_headers_progress_interval_ms|param_.*|",
    re.DOTALL,
)
_QUERY_ID = re.compile(r"[ -~]{1,128}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,127}")

Parameters = Mapping[str, str]


class Login(Struct, frozen=True):
    """Who says to ask."""

    user: str
    password: str
    given: bool
    """Whether the request told any of it."""


class Limits(Struct, frozen=True):
    """How much is read of one request, in bytes."""

    body: int
    sql: int


def read_parameters(query_string: bytes, limits: Limits) -> dict[str, str]:
    """Read an address's parameters; of a name that comes twice the last counts.

    Raises:
        Refusal: they are too long, too many, no UTF-8, or hold two queries.
    """
    if len(query_string) > 3 * limits.sql + 2**13:  # each byte of SQL may be written as %XX
        raise too_large(f"The query is longer than {limits.sql} bytes")
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:  # of which UnicodeDecodeError is one
        raise bad_arguments("The address's parameters can't be read") from None
    if sum(name == "query" for name, _ in pairs) > 1:
        raise bad_arguments("There are two queries")
    return dict(pairs)


def read_login(headers: Headers, parameters: Parameters) -> Login:
    """Read name and password from whichever of the protocol's three places has them.

    Raises:
        Refusal: two places have them, or they can't be read.
    """
    found = []
    if "authorization" in headers:
        found.append(_basic(headers["authorization"]))
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        user = headers.get("x-clickhouse-user", "default")
        found.append((user, headers.get("x-clickhouse-key", "")))
    if "user" in parameters or "password" in parameters:
        found.append((parameters.get("user", "default"), parameters.get("password", "")))
    if len(found) > 1:
        raise _unreadable_login("it is not allowed to log in by two ways at once")
    user, password = found[0] if found else ("default", "")
    return Login(user or "default", password, given=bool(found))


def _basic(value: str) -> tuple[str, str]:
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        raise _unreadable_login("only the scheme Basic is known")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise _unreadable_login("the Authorization header can't be read") from None
    user, _, password = text.partition(":")
    return user, password


def _unreadable_login(why: str) -> Refusal:
    return Refusal(516, "AUTHENTICATION_FAILED", f"Invalid authentication: {why}")


def read_question(
    method: str, parameters: Parameters, headers: Headers, body: bytes, login: Login, limits: Limits
) -> Question:
    """Read the question of a request.

    Raises:
        Refusal: it can't be read, or it is too large.
    """
    body = decode(body, headers.get("content-encoding", ""), limits.body)
    content_type = headers.get("content-type", "")
    is_form = content_type.lower().startswith("multipart/form-data")
    if not is_form and is_on(parameters, "decompress"):  # ClickHouse reads forms as they are
        body = read_blocks(body, limits.body)
    parts = read_parts(body, content_type) if is_form else []
    fields = {part.name: _text(part.data) for part in parts if not part.is_file}
    external = _external_tables(parts, parameters)
    given = [parameters.get("query", "").encode(), fields.get("query", "").encode()]
    if not is_form:
        given.append(body)
    statement = read_statement(b"\n".join(filter(None, given)), limits.sql)
    return Question(
        sql=_text(statement.sql),
        data=statement.data,
        input_format=statement.input_format,
        insert_settings=_text(statement.insert_settings),
        parameters=_values({**fields, **parameters}),
        settings=_settings(parameters, external),
        output_format=_output_format(parameters, headers, statement),
        gives_table=statement.gives_table,
        database=headers.get("x-clickhouse-database") or parameters.get("database", ""),
        user=login.user,
        query_id=_query_id(parameters, headers),
        is_get=method in ("GET", "HEAD"),
        external=external,
    )


def is_on(parameters: Parameters, name: str) -> bool:
    """Tell whether a parameter that is off by itself was switched on."""
    return parameters.get(name, "0") not in ("", "0", "false")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_arguments("The query is no UTF-8 text") from None


def _values(parameters: Parameters) -> dict[str, str]:
    prefix = "param_"
    values = {
        name.removeprefix(prefix): value
        for name, value in parameters.items()
        if name.startswith(prefix)
    }
    if not all(_NAME.fullmatch(name) for name in values):
        raise bad_arguments("A query parameter's name is none")
    return values


def _settings(parameters: Parameters, external: Sequence[ExternalTable]) -> dict[str, str]:
    of_tables = {
        f"{table.name}_{what}" for table in external for what in ("format", "structure", "types")
    }
    settings = {
        name: value
        for name, value in parameters.items()
        if name not in of_tables and not _NO_SETTING.fullmatch(name)
    }
    if not all(_SETTING.fullmatch(name) for name in settings):
        raise Refusal(115, "UNKNOWN_SETTING", "A parameter's name is no setting's")
    return settings


def _output_format(parameters: Parameters, headers: Headers, statement: Statement) -> str:
    asked = headers.get("x-clickhouse-format") or parameters.get("default_format")
    name = statement.output_format or asked or DEFAULT_FORMAT
    if not _NAME.fullmatch(name):
        raise Refusal(73, "UNKNOWN_FORMAT", "The format's name is none")
    return name


def _query_id(parameters: Parameters, headers: Headers) -> str:
    given = parameters.get("query_id") or headers.get("x-clickhouse-query-id") or ""
    if given and not _QUERY_ID.fullmatch(given):
        raise bad_arguments("The query_id holds more than 128 or other than printable characters")
    return given or str(uuid.uuid4())


def _external_tables(parts: Sequence[Part], parameters: Parameters) -> tuple[ExternalTable, ...]:
    return tuple(_external_table(part, parameters) for part in parts if part.is_file)


def _external_table(part: Part, parameters: Parameters) -> ExternalTable:
    structure = parameters.get(f"{part.name}_structure", "")
    types = parameters.get(f"{part.name}_types", "")
    if not _NAME.fullmatch(part.name) or bool(structure) == bool(types):
        raise bad_arguments("A table that came along has no name, or no structure, or two")
    if types:
        columns = (f"_{n} {one}" for n, one in enumerate(_split_types(types), 1))
        structure = ", ".join(columns)
    of_format = parameters.get(f"{part.name}_format", DEFAULT_FORMAT)
    if not _NAME.fullmatch(of_format):
        raise Refusal(73, "UNKNOWN_FORMAT", "The format's name is none")
    return ExternalTable(part.name, part.data, of_format, structure)


def _split_types(types: str) -> list[str]:
    # A comma in brackets belongs to a type, as in Map(String, UInt8).
    found, depth, begin = [], 0, 0
    for at, mark in enumerate(types):
        depth += (mark == "(") - (mark == ")")
        if mark == "," and depth == 0:
            found.append(types[begin:at].strip())
            begin = at + 1
    return [*found, types[begin:].strip()]
