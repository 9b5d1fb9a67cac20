"""Check a query and write it anew: what is checked is the tree of the very text that runs."""

from collections.abc import Callable, Collection

import msgspec
from msgspec import Struct

from clickhouse_http.question import Question, Refusal
from collector.sql_guard.calls import check_calls, put_own_answers
from collector.sql_guard.catalogue import catalogue_queries, put_catalogue
from collector.sql_guard.formats import check_format
from collector.sql_guard.functions import may_be_used
from collector.sql_guard.masking import masked
from collector.sql_guard.names import Tables
from collector.sql_guard.nodes import Node, check_kinds, denied, kind_of
from collector.sql_guard.parameters import put_parameters
from collector.sql_guard.settings import (
    MAX_QUERY_BYTES,
    check_settings,
    is_settable,
    settings_in,
)
from collector.sql_guard.statements import (
    name_asked_for,
    not_answered,
    select_for_show,
    source_of_describe,
    source_of_exists,
    take_format,
    take_settings,
)

Ask = Callable[[str], bytes]
"""Runs a query of the guard's own and returns its one value, or its one row as JSON."""

_NO_TREE = 36  # BAD_ARGUMENTS, which parseQueryToJSON raises for statements it has no JSON for
_BACKSLASH = "\\"
_CATALOGUE = ("system", "tables", "columns", "databases", "settings", "functions", "name", "type")

_read_tree = msgspec.json.Decoder(Node).decode
_read_row = msgspec.json.Decoder(tuple[str, str, str]).decode


class Checked(Struct, frozen=True):
    """A query that may run, and what of it may be written down."""

    sql: str
    output_format: str
    settings: dict[str, str]
    views: tuple[str, ...]
    shape: str
    """The query without literals, aliases and unknown names."""


class Guard:
    """Checks queries for the guarded views of one policy, which stand in the database `home`.

    `columns` are the names of all the views' columns, `settings` and `functions` those that the
    engine has.
    """

    def __init__(
        self,
        ask: Ask,
        home: str,
        views: Collection[str],
        columns: Collection[str],
        settings: Collection[str],
        functions: Collection[str],
    ) -> None:
        self._ask = ask
        self._home = home
        self._views = frozenset(views)
        self._not_answered = frozenset(name.lower() for name in functions if not may_be_used(name))
        self._known = self._views | frozenset(columns) | {home, *_CATALOGUE}
        queries = catalogue_queries(home, self._views, list(filter(is_settable, settings)))
        # Written and read again, as they come out of the query that they are put into.
        self._stand_ins = {
            name: self._rewritten(self._parsed(sql), self._parsed("SELECT 1"))[1]
            for name, sql in queries.items()
        }

    def check(self, question: Question) -> Checked:
        """Check a question and write its query anew.

        Raises:
            Refusal: it asks for more than it may, or can't be read.
        """
        _check_request(question, self._home)
        try:
            return self._checked(question)
        except RecursionError:
            raise Refusal(167, "TOO_DEEP_AST", "The query is nested too deeply") from None

    def _checked(self, question: Question) -> Checked:
        describes, tree = self._select_for(question.sql)
        clauses = take_settings(tree)
        asked = [pair for clause in clauses for pair in settings_in(clause)]
        settings = check_settings([*question.settings.items(), *asked])
        output_format = check_format(take_format(tree) or question.output_format)
        check_kinds(tree)
        put_parameters(tree, question.parameters)
        put_own_answers(tree, question.user)
        shape = masked(tree, self._known)
        put_catalogue(tree, self._stand_ins)
        sql, final, shown = self._rewritten(tree, shape)
        views = self._check(final)
        if describes:
            sql, shown = f"DESCRIBE TABLE ({sql})", f"DESCRIBE TABLE ({shown})"
        return Checked(sql, output_format, settings, views, shown)

    def _check(self, tree: Node) -> tuple[str, ...]:
        check_kinds(tree)
        check_calls(tree, self._not_answered)
        tables = Tables(self._home, self._views, tuple(self._stand_ins.values()))
        tables.check_all(tree)
        self._check_given(tables.given - self._views)
        return tuple(sorted(tables.asked))

    def _check_given(self, names: Collection[str]) -> None:
        """Refuse names of WITH that a table has too, whatever the engine would take them for."""
        if names:
            listed = ", ".join(map(_quoted, sorted(names)))
            found = self._ask(
                "SELECT toString(count()) FROM system.tables"
                f" WHERE database = {_quoted(self._home)} AND name IN ({listed})"
            )
            if found != b"0":
                raise denied("A name in WITH is a table's that is no guarded view")

    def _select_for(self, sql: str) -> tuple[bool, Node]:
        """Return the tree of the SELECT that answers a statement, and whether DESCRIBE asks."""
        try:
            tree = self._parsed(sql)
        except Refusal as refusal:
            if refusal.code != _NO_TREE:
                raise
            return self._select_for_other(sql)
        if kind_of(tree) == "ShowTablesQuery":
            check_kinds(tree)
            shown = self._parsed(select_for_show(tree, self._home))
            return False, shown | {key: tree[key] for key in ("format_ast",) if key in tree}
        if kind_of(tree) != "SelectWithUnionQuery":
            raise not_answered()
        return False, tree

    def _select_for_other(self, sql: str) -> tuple[bool, Node]:
        written = self._ask(f"SELECT formatQuerySingleLine({_quoted(sql)})").decode()
        describe = source_of_describe(written)
        if describe is not None:
            return True, self._parsed(describe)
        exists = source_of_exists(written)
        if exists is None:
            raise not_answered()
        kind, source = exists
        tree = self._parsed(source)
        *database, name = name_asked_for(tree)
        if kind == "DATABASE":
            found = not database and name == self._home
        else:
            found = database in ([], [self._home]) and name in self._views
        answer = self._parsed(f"SELECT toUInt8({int(found)}) AS result")
        return False, answer | {key: tree[key] for key in ("format_ast",) if key in tree}

    def _parsed(self, sql: str) -> Node:
        return _read_tree(self._ask(f"SELECT parseQueryToJSON({_quoted(sql)})"))

    def _rewritten(self, tree: Node, shape: Node) -> tuple[str, Node, str]:
        """Write two trees as text; return the first one's text also read again."""
        row = self._ask(
            f"SELECT formatQueryFromJSON({_quoted(_json(tree))}) AS sql, parseQueryToJSON(sql),"
            f" formatQueryFromJSON({_quoted(_json(shape))}) FORMAT JSONCompactEachRow"
        )
        sql, read_again, shown = _read_row(row)
        return sql, _read_tree(read_again), shown


def _check_request(question: Question, home: str) -> None:
    if question.external:
        raise denied("Tables that come with the query are not answered")
    if question.data:
        raise not_answered()
    if question.database not in {"", home}:
        raise Refusal(81, "UNKNOWN_DATABASE", "There is no such database")
    if len(question.sql.encode()) > MAX_QUERY_BYTES:
        raise Refusal(62, "SYNTAX_ERROR", f"The query is longer than {MAX_QUERY_BYTES} bytes")
    if "\0" in question.sql:
        raise Refusal(62, "SYNTAX_ERROR", "The query can't be read")


def _json(tree: Node) -> str:
    return msgspec.json.encode(tree).decode()


def _quoted(text: str) -> str:
    return "'" + text.replace(_BACKSLASH, _BACKSLASH * 2).replace("'", _BACKSLASH + "'") + "'"
