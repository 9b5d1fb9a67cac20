"""A question's answer → the bytes of a file: CSV, JSON, Parquet or Arrow.

Columns have the names of dimensions and metrics, as the API has them; words stand as the views
have them, rates and shares are of 0 to 1, times in seconds.
"""

import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum

import msgspec
from anyio import to_thread
from msgspec import Struct

from dashboards.api.v1 import tell_v1
from dashboards.asking.answering import Answer
from dashboards.asking.metrics import Metric, Number, is_ratio
from dashboards.asking.question import TIME, Question

Values = Sequence[str | int | float | None]
Encode = Callable[[Sequence[tuple[str, str, Values]], str], Awaitable[bytes]]
"""Has ClickHouse write columns, of a name, a type of its own and values, in one of its formats."""


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    ARROW = "arrow"


MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.file",
}

_ENGINE_FORMATS = {Format.PARQUET: "Parquet", Format.ARROW: "Arrow"}

# What Excel, Calc and Sheets take for the beginning of a formula, in the wide forms of Chinese
# and Japanese keyboards as well; with what they skip before it.
_FORMULA = tuple("=+-@＝＋－＠")  # noqa: RUF001  # they are meant
_SKIPPED = ("\t", "\r", "\n")


class Column(Struct, frozen=True):
    """A column of the file."""

    name: str
    type: str
    """ClickHouse's."""
    values: Values


async def write_file(question: Question, answer: Answer, form: Format, encode: Encode) -> bytes:
    """Write all rows of an answer as a file."""
    if form is Format.JSON:
        return await to_thread.run_sync(_write_json, question, answer)
    columns = await to_thread.run_sync(columns_of, question, answer)
    if form is Format.CSV:
        return await to_thread.run_sync(write_csv, columns)
    return await encode(
        [(each.name, each.type, each.values) for each in columns], _ENGINE_FORMATS[form]
    )


def columns_of(question: Question, answer: Answer) -> list[Column]:
    """Return the time where rows are told apart by it, dimensions, and metrics."""
    rows = answer.rows
    columns = []
    if question.grain is not None:
        columns.append(Column(TIME, "String", tuple(row.time for row in rows)))
    columns += [
        Column(dimension, "String", tuple(row.words[n] for row in rows))
        for n, dimension in enumerate(question.dimensions)
    ]
    columns += [
        Column(metric, _type(metric), tuple(row.metrics[n] for row in rows))
        for n, metric in enumerate(question.metrics)
    ]
    return columns


def write_csv(columns: list[Column]) -> bytes:
    """Write RFC 4180's CSV in UTF-8 with a byte order mark, without which Excel takes it for ANSI.

    A text that a spreadsheet would take for a formula gets an apostrophe before it, which
    spreadsheets read as "this is text" (OWASP, CSV Injection); every text is quoted.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(each.name for each in columns)
    told = [
        tuple(map(_unformulaic, each.values)) if each.type == "String" else each.values
        for each in columns
    ]
    writer.writerows(zip(*told, strict=True))
    return file.getvalue().encode("utf-8-sig")


def _unformulaic(word: str | Number) -> str:
    text = str(word)
    is_formula = text.startswith(_SKIPPED) or text.lstrip().startswith(_FORMULA)
    return f"'{text}" if is_formula else text


def _write_json(question: Question, answer: Answer) -> bytes:
    return msgspec.json.encode(tell_v1(question, answer))


def _type(metric: Metric) -> str:
    return "Nullable(Float64)" if is_ratio(metric) else "Int64"
