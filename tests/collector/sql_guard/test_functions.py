"""Each function of the engine stands in a list, and the lists agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.client import Client

from collector.sql_guard.formats import OUTPUT_FORMATS
from collector.sql_guard.functions import ROWS_OUT_OF_NOTHING, may_be_used, names_in
from collector.sql_guard.settings import LIMITS, is_settable, whole_settings
from collector.store import open_engine
from tests.collector.sql_lists import read_refused_functions

ALLOWED = names_in("functions") | names_in("aggregates")
REFUSED = read_refused_functions()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = open_engine(Path(tmp_path_factory.mktemp("functions")))
    yield client
    client.close()


def names(engine: Client, sql: str) -> set[str]:
    return {str(name) for (name,) in engine.query(sql).result_rows}


def test_every_function_of_the_engine_was_looked_at(engine: Client) -> None:
    found = {name.lower() for name in names(engine, "SELECT name FROM system.functions")}

    assert found - ALLOWED - REFUSED == set()


def test_no_function_is_in_two_lists() -> None:
    assert set() == ALLOWED & REFUSED
    assert names_in("functions") & names_in("aggregates") == set()


def test_aggregates_are_the_engines(engine: Client) -> None:
    found = names(engine, "SELECT lower(name) FROM system.functions WHERE is_aggregate")

    assert names_in("aggregates") <= found
    assert names_in("functions") & found == set()


def test_rows_are_made_of_nothing_by_functions_of_the_engine(engine: Client) -> None:
    found = names(engine, "SELECT lower(name) FROM system.table_functions")

    assert found - {"generateseries"} >= ROWS_OUT_OF_NOTHING - {"generateseries"}


def test_formats_are_output_formats_of_the_engine(engine: Client) -> None:
    assert names(engine, "SELECT name FROM system.formats WHERE is_output") >= OUTPUT_FORMATS


def test_limits_are_settings_of_the_engine(engine: Client) -> None:
    found = names(engine, "SELECT name FROM system.settings WHERE NOT is_obsolete")

    assert set(whole_settings({}, "x")) <= found


@pytest.mark.parametrize(
    "prefix",
    [
        "allow_", "enable_url", "format_schema", "format_template", "http_", "user_", "s3_",
        "input_", "max_bytes_before", "max_concurrent", "dialect", "readonly_", "insert_",
        "additional_",
        "query_cache", "use_query_cache", "file_", "output_format_schema",
        "filesystem_cache",
        "output_format_image", "output_format_write", "log_queries", "send_logs", "workload",
    ],
)  # fmt: skip
def test_settings_that_reach_further_can_not_be_set(engine: Client, prefix: str) -> None:
    found = names(engine, f"SELECT name FROM system.settings WHERE startsWith(name, '{prefix}')")
    harmless = {
        *("http_receive_timeout", "http_send_timeout", "http_response_buffer_size"),
        *("http_write_exception_in_output_format", "allow_experimental_analyzer"),
        *("allow_nonconst_timezone_arguments", "allow_suspicious_types_in_group_by"),
        "allow_suspicious_types_in_order_by",
    }

    assert {name for name in found if is_settable(name)} <= harmless


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("sum", True, id="aggregate"),
        pytest.param("SUM", True, id="in capitals"),
        pytest.param("sumIf", True, id="combinator"),
        pytest.param("quantilesArrayIfOrNull", True, id="three combinators"),
        pytest.param("arrayMap", True, id="function"),
        pytest.param("lengthIf", False, id="combinator of no aggregate"),
        pytest.param("dictGetOrNull", False, id="ends like a combinator"),
        pytest.param("flameGraphIf", False, id="combinator of a refused aggregate"),
        pytest.param("file", False, id="refused"),
        pytest.param("FILE", False, id="refused in capitals"),
        pytest.param("If", True, id="if"),
        pytest.param("", False, id="nothing"),
        pytest.param("sum" + "If" * 50, False, id="many combinators"),
    ],
)
def test_name_decides(name: str, expected: bool) -> None:
    assert may_be_used(name) is expected


def test_readonly_comes_last_and_no_limit_is_missing() -> None:
    settings = whole_settings({"max_threads": "1"}, "comment")

    assert list(settings)[-1] == "readonly"
    assert set(LIMITS) <= set(settings)
