"""What a client asks over ClickHouse's HTTP protocol, and what it can be answered."""

from collections.abc import Mapping

from msgspec import Struct, field

DEFAULT_FORMAT = "TabSeparated"


class ExternalTable(Struct, frozen=True):
    """A table that came along with the question, for this question only."""

    name: str
    data: bytes
    format: str = DEFAULT_FORMAT
    structure: str = ""
    """As in ``id UInt32, name String``; the columns are `_1`, `_2` … where only types were told."""


class Question(Struct, frozen=True):
    """One request. Nothing of it is checked but that it could be read."""

    sql: str
    """The statement; of an INSERT with rows what precedes its SETTINGS, FORMAT or VALUES."""

    data: bytes = b""
    """An INSERT's rows."""

    input_format: str = ""
    """The format of `data`; empty for a statement that takes no rows from the request."""

    insert_settings: str = ""
    """The SETTINGS clause of an INSERT with rows, its first word included."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    """Values for ``{name:Type}``, each as `param_name` had it."""

    settings: Mapping[str, str] = field(default_factory=dict)
    output_format: str = DEFAULT_FORMAT
    """The format that the statement names, else the one the request asks for."""

    gives_table: bool = True
    """Whether the statement looks like one that is answered by a table, as SELECT is."""

    database: str = ""
    user: str = ""
    query_id: str = ""
    is_get: bool = False
    """Whether GET or HEAD asked: ClickHouse then answers under ``readonly=2``."""

    external: tuple[ExternalTable, ...] = ()


class Answer(Struct, frozen=True):
    """What a statement gave."""

    body: bytes = b""
    output_format: str = ""
    """The format of `body`; empty for a statement that gives no table."""

    timezone: str = ""
    summary: Mapping[str, str] = field(default_factory=dict)
    """What is known of `read_rows`, `read_bytes`, `written_rows`, `elapsed_ns` and the like."""


class Refusal(Exception):
    """An error in ClickHouse's words: its code, that code's name, and why."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message
