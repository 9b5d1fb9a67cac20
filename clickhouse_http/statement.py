"""Where a statement ends, what format it names, and where an INSERT's rows begin.

Reads tokens only; whether the statement is one at all is the engine's to say.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from clickhouse_http.errors import bad_syntax, not_implemented, too_large

# What is not closed reaches to the end, so that each byte is looked at once.
_TOKEN = re.compile(
    rb"""(?P<gap>\s+ | (?:--|//|\#[ !])[^\n]* | /\*.*?(?:\*/|\Z))
       | (?P<quoted>'[^'\\]*(?:\\(?:.|\Z)[^'\\]*)*(?:'|\Z)
         | "[^"\\]*(?:\\(?:.|\Z)[^"\\]*)*(?:"|\Z)
         | `[^`\\]*(?:\\(?:.|\Z)[^`\\]*)*(?:`|\Z)
         | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
       | (?P<word>[A-Za-z_][\w$]*)
       | (?P<mark>.)""",
    re.DOTALL | re.VERBOSE,
)
# After an INSERT's last word the blanks up to its line's end are no part of the rows.
_LINE_END = re.compile(rb"[ \t\f]*(?:\r?\n)?")
_GIVES_NO_TABLE = re.compile(
    "ALTER|ATTACH|BACKUP|COMMIT|CREATE|DELETE|DETACH|DROP|EXCHANGE|GRANT|MOVE|OPTIMIZE|RENAME|"
    "REPLACE|RESTORE|REVOKE|ROLLBACK|SET|SYSTEM|TRUNCATE|UNDROP|UPDATE|USE"
)


class Statement(Struct, frozen=True):
    """The one statement of a request."""

    sql: bytes
    """All of it; of an INSERT with rows what precedes its SETTINGS, FORMAT or VALUES."""

    data: bytes = b""
    input_format: str = ""
    """The format of `data`; empty where none was named, so that no rows are to come."""

    insert_settings: bytes = b""
    """The SETTINGS clause of an INSERT with rows, its first word included."""

    output_format: str = ""
    """The format that the statement names for its answer."""

    gives_table: bool = False


class _Token(Struct, frozen=True):
    text: bytes
    start: int
    end: int
    kind: str
    depth: int

    @property
    def word(self) -> str:
        return self.text.decode().upper() if self.kind == "word" else ""


def read_statement(text: bytes, max_sql_bytes: int) -> Statement:
    """Read the statement that `text` holds, and the rows behind an INSERT.

    Raises:
        Refusal: there is none, more than one, or it is longer than `max_sql_bytes`.
    """
    tokens = _tokens(text, max_sql_bytes)
    first = next(tokens, None)
    while first and first.text == b"(":
        first = next(tokens, None)
    if first is None:
        raise bad_syntax("Empty query")
    if first.word == "INSERT":
        return _insert(text, tokens)
    rest = [first, *tokens]
    end = next((n for n, token in enumerate(rest) if token.text == b";"), len(rest))
    if any(token.text != b";" for token in rest[end:]):
        raise bad_syntax("Multi-statements are not allowed")
    sql = text[: rest[end].start] if end < len(rest) else text
    return Statement(
        sql,
        output_format=_last_format(rest[:end]),
        gives_table=not _GIVES_NO_TABLE.fullmatch(first.word),
    )


def _insert(text: bytes, tokens: Iterator[_Token]) -> Statement:
    before = ""
    selects = False
    settings: int | None = None
    for token in tokens:
        word = token.word
        # A table may have any name; so may what comes behind a dot or in brackets.
        named = before in ("INTO", "TABLE", "FUNCTION", ".") or token.depth > 0
        before = word or token.text.decode("latin-1")
        if named and word not in ("TABLE", "FUNCTION"):
            continue
        if word == "VALUES" and not selects:
            return _with_rows(text, settings, token, token, "Values")
        if word in ("SELECT", "WITH", "WATCH"):
            selects = True
        elif word == "SETTINGS":
            settings = token.start
        elif word == "FORMAT":
            name = next(tokens, None)
            if name is None or not name.word:
                continue
            if selects:
                if _is_clause_end(text, name.end):
                    return Statement(text)
                raise not_implemented("A SELECT over rows of the request, input(), is not served")
            return _with_rows(text, settings, token, name, name.text.decode())
        elif token.text == b";" and next(tokens, None) is not None:
            raise bad_syntax("Multi-statements are not allowed")
    return Statement(text)


def _with_rows(
    text: bytes, settings: int | None, clause: _Token, last: _Token, of_format: str
) -> Statement:
    begin = _LINE_END.match(text, last.end)
    data = text[begin.end() if begin else last.end :]
    end = clause.start if settings is None else settings
    return Statement(text[:end], data, of_format, text[end : clause.start])


def _is_clause_end(text: bytes, end: int) -> bool:
    return not text[end:].strip(b" \t\r\n;")


def _last_format(tokens: list[_Token]) -> str:
    outside = [token for token in tokens if token.depth == 0]
    for n in range(len(outside) - 2, -1, -1):
        if outside[n].word != "FORMAT" or outside[n + 1].kind != "word":
            continue
        if n + 2 == len(outside) or outside[n + 2].word == "SETTINGS":
            return outside[n + 1].text.decode()
    return ""


def _tokens(text: bytes, max_sql_bytes: int) -> Iterator[_Token]:
    depth = 0
    # No further, for a token of any length is read in one step that nothing interrupts.
    for found in _TOKEN.finditer(text, 0, max_sql_bytes + 1):
        if found.end() > max_sql_bytes:
            raise too_large(f"The query is longer than {max_sql_bytes} bytes")
        if found.lastgroup == "gap":
            continue
        mark = found[0]
        depth -= mark in (b")", b"]", b"}")
        kind = "quoted" if found["quoted"] is not None else found.lastgroup or ""
        yield _Token(mark, found.start(), found.end(), kind, depth)
        depth += mark in (b"(", b"[", b"{")
