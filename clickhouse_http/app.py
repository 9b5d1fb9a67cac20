"""ClickHouse's HTTP protocol as an ASGI app, at the root or under a prefix.

As https://clickhouse.com/docs/interfaces/http documents it, but for sessions and streamed
answers (docs/decisions/0016).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from clickhouse_http.blocks import write_blocks
from clickhouse_http.encodings import choose_encoding, encode
from clickhouse_http.errors import error_body, http_status, not_logged_in, too_large
from clickhouse_http.formats import content_type
from clickhouse_http.question import Answer, Question, Refusal
from clickhouse_http.request import (
    Limits,
    Login,
    Parameters,
    is_on,
    read_login,
    read_parameters,
    read_question,
)

AnswerIt = Callable[[Question], Awaitable[Answer]]
"""Answers a question; raises `Refusal` where it does not."""

LogIn = Callable[[str, str], Awaitable[bool]]
"""Tells whether a user's name and password fit."""

MAX_BODY_BYTES = 256 * 2**20
MAX_SQL_BYTES = 2**20
MAX_ANSWER_BYTES = 2**30

_AT_ONCE_BYTES = 2**16  # larger answers are compressed in a thread
_READ_AT_ONCE = 2  # bodies, of which each can grow a thousandfold once read

_T = TypeVar("_T")
Fields = dict[str, str]


class _HungUp(Exception):
    """The client went away before its request was whole."""


class ClickHouseHttp:
    """The protocol's paths: the question itself at the root, `/ping`, `/replicas_status`.

    Mounted, the prefix is the mount's; as a route of its own it is `prefix`.
    """

    def __init__(
        self,
        answer: AnswerIt,
        log_in: LogIn,
        *,
        prefix: str = "",
        server_name: str = "discreet",
        max_body_bytes: int = MAX_BODY_BYTES,
        max_sql_bytes: int = MAX_SQL_BYTES,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._answer = answer
        self._log_in = log_in
        self._prefix = prefix
        self._name = {"X-ClickHouse-Server-Display-Name": server_name}
        self._limits = Limits(body=max_body_bytes, sql=max_sql_bytes)
        self._max_answer_bytes = max_answer_bytes
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            status, fields, body = await self._respond(scope, receive)
        except Refusal as refusal:
            status, fields, body = _error(refusal)
        except _HungUp:
            return
        await _send(send, status, {**self._name, **fields}, body)

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[int, Fields, bytes]:
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix(self._prefix)
        method = scope["method"]
        if method == "OPTIONS":
            return 204, {}, b""
        readable = method in ("GET", "HEAD")
        if path in ("/ping", "/replicas_status") and readable:
            return 200, {"Content-Type": "text/plain; charset=UTF-8"}, b"Ok.\n"
        if path not in ("", "/") or not (readable or method == "POST"):
            return 404, {"Content-Type": "text/plain; charset=UTF-8"}, b"There is no such handle\n"
        if readable and not scope["query_string"]:
            return 200, {"Content-Type": "text/html; charset=UTF-8"}, b"Ok.\n"
        headers = Headers(scope=scope)
        parameters = read_parameters(scope["query_string"], self._limits)
        login = read_login(headers, parameters)
        if not await self._log_in(login.user, login.password):
            if not login.given:
                raise Refusal(194, "REQUIRED_PASSWORD", "A name and a password are asked for")
            raise not_logged_in(login.user)
        status, fields, body = await self._asked(method, parameters, headers, receive, login)
        # ClickHouse writes errors in blocks too, once it knows who asks. Its Java client takes
        # 401 and 403 for plain text.
        if is_on(parameters, "compress") and status not in (401, 403):
            body = await _aside(len(body), partial(write_blocks, body))
        if status == 200 and body:
            encoding = _encoding(parameters, headers)
            if encoding:
                body = await _aside(len(body), partial(encode, body, encoding))
                fields = {**fields, "Content-Encoding": encoding, "Vary": "Accept-Encoding"}
        return status, fields, body

    async def _asked(
        self,
        method: str,
        parameters: Parameters,
        headers: Headers,
        receive: Receive,
        login: Login,
    ) -> tuple[int, Fields, bytes]:
        query_id = {}
        try:
            body = await self._body(headers, receive)
            async with self._reading:
                question = await asyncio.to_thread(
                    read_question, method, parameters, headers, body, login, self._limits
                )
            query_id = {"X-ClickHouse-Query-Id": question.query_id}
            answer = await self._bounded_answer(question)
        except Refusal as refusal:
            status, fields, text = _error(refusal)
            return status, {**fields, **query_id}, text
        return 200, _fields(question, answer), answer.body

    async def _bounded_answer(self, question: Question) -> Answer:
        answer = await self._answer(question)
        if len(answer.body) > self._max_answer_bytes:
            raise Refusal(
                396,
                "TOO_MANY_ROWS_OR_BYTES",
                f"Limit for result exceeded, max bytes: {self._max_answer_bytes}",
            )
        return answer

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        told = headers.get("content-length", "0")
        if told.isascii() and told.isdigit() and int(told[:20]) > self._limits.body:
            raise too_large(f"The body is larger than {self._limits.body} bytes")
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _HungUp
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._limits.body:
                raise too_large(f"The body is larger than {self._limits.body} bytes")
            if not message.get("more_body", False):
                return b"".join(parts)


def _encoding(parameters: Parameters, headers: Headers) -> str:
    if parameters.get("enable_http_compression", "1") in ("0", "false"):
        return ""
    return choose_encoding(headers.get("accept-encoding", ""))


async def _aside(size: int, work: Callable[[], _T]) -> _T:
    return work() if size <= _AT_ONCE_BYTES else await asyncio.to_thread(work)


def _fields(question: Question, answer: Answer) -> Fields:
    fields = {
        "Content-Type": "text/plain; charset=UTF-8",
        "X-ClickHouse-Query-Id": question.query_id,
        "X-ClickHouse-Summary": json.dumps(dict(answer.summary), separators=(",", ":")),
    }
    if answer.output_format:
        fields["Content-Type"] = content_type(answer.output_format)
        fields["X-ClickHouse-Format"] = answer.output_format
    if answer.timezone:
        fields["X-ClickHouse-Timezone"] = answer.timezone
    return fields


def _error(refusal: Refusal) -> tuple[int, Fields, bytes]:
    status = http_status(refusal.code)
    fields = {
        "Content-Type": "text/plain; charset=UTF-8",
        "X-ClickHouse-Exception-Code": str(refusal.code),
    }
    if status == 401:
        fields["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
    return status, fields, error_body(refusal)


async def _send(send: Send, status: int, fields: Fields, body: bytes) -> None:
    raw = [
        (name.lower().encode(), value.encode("latin-1", "replace"))
        for name, value in fields.items()
    ]
    if status != 204:
        raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
