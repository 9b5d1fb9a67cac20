"""Where a statement ends, where an INSERT's rows begin, and what format is named."""

import pytest

from clickhouse_http.question import Refusal
from clickhouse_http.statement import read_statement

LIMIT = 1000


@pytest.mark.parametrize(
    ("text", "sql", "data", "named"),
    [
        pytest.param(b"INSERT INTO t FORMAT CSV\n1,2\n", b"INSERT INTO t ", b"1,2\n", "CSV",
                     id="line-end"),
        pytest.param(b"INSERT INTO t FORMAT CSV\r\n1\n", b"INSERT INTO t ", b"1\n", "CSV",
                     id="crlf"),
        pytest.param(b"INSERT INTO t FORMAT Native\n\n\x00;\xff", b"INSERT INTO t ",
                     b"\n\x00;\xff", "Native", id="one-line-end-only"),
        pytest.param(b"insert into t format CSV 1,2", b"insert into t ", b"1,2", "CSV",
                     id="same-line"),
        pytest.param(b"INSERT INTO t VALUES (1), (2)", b"INSERT INTO t ", b"(1), (2)", "Values",
                     id="values"),
        pytest.param(b"INSERT INTO t VALUES ('a;b')", b"INSERT INTO t ", b"('a;b')", "Values",
                     id="semicolon-in-rows"),
        pytest.param(b"INSERT INTO t (format, `values`) FORMAT TSV\nx",
                     b"INSERT INTO t (format, `values`) ", b"x", "TSV",
                     id="columns-with-such-names"),
        pytest.param(b"INSERT INTO format FORMAT TSV\nx", b"INSERT INTO format ", b"x", "TSV",
                     id="table-named-format"),
        pytest.param(b"INSERT INTO db.values FORMAT TSV\nx", b"INSERT INTO db.values ", b"x", "TSV",
                     id="table-named-values"),
        pytest.param(b"INSERT INTO TABLE t SETTINGS a = 1 FORMAT TSV\nx",
                     b"INSERT INTO TABLE t ", b"x", "TSV", id="settings"),
        pytest.param(b"/* FORMAT x */ INSERT INTO t -- FORMAT y\nFORMAT TSV\nx",
                     b"/* FORMAT x */ INSERT INTO t -- FORMAT y\n", b"x", "TSV", id="remarks"),
        pytest.param(b"INSERT INTO t SELECT 1 FORMAT Null;", b"INSERT INTO t SELECT 1 FORMAT Null;",
                     b"", "", id="select-with-format"),
        pytest.param(b"INSERT INTO t SELECT 1", b"INSERT INTO t SELECT 1", b"", "", id="select"),
        pytest.param(b"INSERT INTO t FORMAT CSV", b"INSERT INTO t ", b"", "CSV", id="no-rows"),
    ],
)  # fmt: skip
def test_rows_begin_behind_the_insert(text: bytes, sql: bytes, data: bytes, named: str) -> None:
    statement = read_statement(text, LIMIT)
    assert (statement.sql, statement.data, statement.input_format) == (sql, data, named)
    assert not statement.gives_table


@pytest.mark.parametrize(
    ("text", "sql", "settings"),
    [
        pytest.param(b"INSERT INTO t (a) SETTINGS b = 'FORMAT x' VALUES (1)",
                     b"INSERT INTO t (a) ", b"SETTINGS b = 'FORMAT x' ", id="clause"),
        pytest.param(b"INSERT INTO settings FORMAT TSV\nx", b"INSERT INTO settings ", b"",
                     id="table-named-settings"),
        pytest.param(b"INSERT INTO t (settings) FORMAT TSV\nx", b"INSERT INTO t (settings) ", b"",
                     id="column-named-settings"),
        pytest.param(b"INSERT INTO t SELECT 1 SETTINGS a = 1",
                     b"INSERT INTO t SELECT 1 SETTINGS a = 1", b"", id="of-a-select"),
    ],
)  # fmt: skip
def test_settings_of_an_insert_stand_apart(text: bytes, sql: bytes, settings: bytes) -> None:
    statement = read_statement(text, LIMIT)
    assert (statement.sql, statement.insert_settings) == (sql, settings)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        pytest.param(b"SELECT 1", "", id="none"),
        pytest.param(b"SELECT 1 FORMAT JSON", "JSON", id="last"),
        pytest.param(b"(SELECT 1) UNION ALL (SELECT 2) format JSON;", "JSON", id="semicolon"),
        pytest.param(b"SELECT 1 FORMAT JSON SETTINGS a = 1", "JSON", id="before-settings"),
        pytest.param(b"SELECT format FROM t", "", id="column"),
        pytest.param(b"SELECT 1 AS format FROM t", "", id="alias"),
        pytest.param(b"SELECT 'x FORMAT JSON'", "", id="in-text"),
        pytest.param(b"SELECT 1 -- FORMAT JSON", "", id="in-remark"),
        pytest.param(b"SELECT * FROM (SELECT 1 FORMAT JSON)", "", id="in-brackets"),
        pytest.param(b"SELECT $a$ FORMAT JSON $a$", "", id="in-heredoc"),
    ],
)
def test_format_of_the_answer_is_the_outermost_one(text: bytes, named: str) -> None:
    statement = read_statement(text, LIMIT)
    assert statement.output_format == named
    assert statement.gives_table
    assert statement.data == b""


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1;",
        b"SELECT 1; ; ;",
        b"SELECT 1; -- SELECT 2",
        b"SELECT ';' /* ; */",
        b'SELECT 1 AS "a;b"',
        b"SELECT 'it''s; \\'; '",
        b"SELECT $$;$$, $x$;$y$;$x$",
    ],
)
def test_semicolon_alone_makes_no_second_statement(text: bytes) -> None:
    assert read_statement(text, LIMIT).gives_table


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1; SELECT 2",
        b"SELECT 1;;SELECT 2",
        b"SELECT '\\\\'; SELECT 2 --'",
        b"SELECT 1; DROP TABLE t",
        b"INSERT INTO t SELECT 1; DROP TABLE t",
    ],
)
def test_second_statement_is_refused(text: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_statement(text, LIMIT)
    assert refused.value.code == 62


def test_rows_for_a_select_are_refused() -> None:
    with pytest.raises(Refusal) as refused:
        read_statement(b"INSERT INTO t SELECT a FROM input('a UInt8') FORMAT TSV\n1\n", LIMIT)
    assert refused.value.code == 48


@pytest.mark.parametrize("text", [b"", b"  \n", b"-- x", b"/* x", b"(((", b"#! x"])
def test_nothing_is_no_statement(text: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_statement(text, LIMIT)
    assert refused.value.code == 62


@pytest.mark.parametrize("text", [b"CREATE TABLE t (a UInt8)", b"set a = 1", b"/**/USE x"])
def test_definition_gives_no_table(text: bytes) -> None:
    assert not read_statement(text, LIMIT).gives_table


def test_bound_is_on_the_statement_and_not_on_the_rows() -> None:
    rows = b"1\n" * LIMIT
    assert read_statement(b"INSERT INTO t FORMAT CSV\n" + rows, LIMIT).data == rows
    with pytest.raises(Refusal) as refused:
        read_statement(b"SELECT " + b"1," * LIMIT + b"1", LIMIT)
    assert refused.value.code == 229


@pytest.mark.parametrize("mark", [b"/*", b"'\\", b"$a$b$c$d", b"`\\", b"'", b'"\\"'])
def test_a_megabyte_of_what_is_not_closed_is_read_at_once(mark: bytes) -> None:
    # Twice as much takes twice as long; read anew from each mark it would be hours.
    read_statement(b"SELECT " + mark * (2**20 // len(mark)), 2**21)


@pytest.mark.parametrize(
    "tail", [b" " * LIMIT, b"/*" + b"x" * LIMIT, b"'" + b"x" * LIMIT], ids=["gap", "remark", "text"]
)
def test_token_that_reaches_beyond_the_limit_is_too_long(tail: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        read_statement(b"SELECT 1 " + tail, LIMIT)

    assert refused.value.code == 229
