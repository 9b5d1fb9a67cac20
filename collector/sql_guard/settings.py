"""What an analyst may set, and the limits that stand over it.

A setting either changes how an answer is written or how a query reads, or makes a
limit stricter. Everything else is refused, whoever sends it.
"""

import os
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from clickhouse_http.question import Refusal
from collector.sql_guard.nodes import Node, is_node

MAX_SECONDS = 30
MAX_QUERY_BYTES = 262_144

LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "max_execution_time": MAX_SECONDS,
        "max_memory_usage": 1_000_000_000,
        "max_result_rows": 1_000_000,
        "max_result_bytes": 256_000_000,
        # Half the cores: the dashboard and hits go on beside a query that takes all it may.
        "max_threads": max(1, (os.cpu_count() or 1) // 2),
    }
)
"""What may be made smaller, never larger; 0 would mean no limit."""

_FIXED = {
    # An analyst's own would count the cells behind a view, in its error's text.
    "max_rows_to_read": 1_000_000_000,
    "max_query_size": 4 * MAX_QUERY_BYTES,  # written anew, and with stand-ins, it is longer
    "max_ast_depth": 500,
    "max_ast_elements": 20_000,
    "max_expanded_ast_elements": 100_000,
    "max_parser_depth": 500,
    "max_subquery_depth": 30,
    "function_range_max_elements_in_block": 50_000_000,
    # Nothing of a query goes to the disk.
    "max_bytes_ratio_before_external_group_by": 0,
    "max_bytes_ratio_before_external_sort": 0,
    "allow_ddl": 0,
    "allow_hyperscan": 0,
    "allow_introspection_functions": 0,
    # Rows read tell how many cells are behind a view.
    "output_format_write_statistics": 0,
}

# Of the sizes left out, 1 has 20,000 rows written for 10 s and longer, which no limit ends.
_FREE = re.compile(
    r"output_format_(?!write_statistics|image|schema"
    r"|orc_compression_block_size|parquet_row_group_size)[a-z0-9_]+"
    r"|format_(csv_delimiter|csv_null_representation|tsv_null_representation)"
    r"|format_custom_[a-z_]+|bool_(true|false)_representation|date_time_output_format"
    r"|date_time_64_output_format_cut_trailing_zeros_align_to_groups_of_thousands"
    r"|join_use_nulls|group_by_use_nulls|transform_null_in|cast_keep_nullable|data_type_default_nullable"
    r"|aggregate_functions_null_for_empty|any_join_distinct_right_table_keys"
    r"|join_default_strictness|joined_subquery_requires_alias|extremes|totals_mode"
    r"|union_default_mode|except_default_mode|intersect_default_mode"
    r"|prefer_column_name_to_alias|enable_positional_arguments|session_timezone"
    r"|enable_extended_results_for_datetime_functions|allow_nonconst_timezone_arguments"
    r"|use_variant_as_common_type|allow_suspicious_types_in_group_by"
    r"|allow_suspicious_types_in_order_by|decimal_check_overflow|limit|offset"
)
# Clients send these with each query; they change nothing here.
_IGNORED = frozenset(
    {
        *("readonly", "date_time_input_format", "cast_string_to_dynamic_use_inference"),
        *("cancel_http_readonly_queries_on_client_close", "log_comment", "load_balancing"),
        *("http_receive_timeout", "http_send_timeout", "send_timeout", "receive_timeout"),
        *("http_response_buffer_size", "http_write_exception_in_output_format"),
        *("allow_experimental_analyzer", "enable_analyzer", "max_block_size", "priority"),
        *(
            "max_query_size",
            "result_overflow_mode",
            "timeout_overflow_mode",
            "use_uncompressed_cache",
        ),
    }
)
_VALUE = re.compile(r"[^\x00-\x1f\x7f]{0,100}|[\t\n]")


def is_settable(name: str) -> bool:
    """Tell whether a client may send a setting, and whether it then has an effect or none."""
    return name in LIMITS or name in _IGNORED or _FREE.fullmatch(name) is not None


def check_settings(asked: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return of the settings that were asked for those that have an effect.

    Raises:
        Refusal: one is none of the harmless ones, or loosens a limit.
    """
    kept = {}
    for name, value in asked:
        if not is_settable(name):
            raise _refused("This setting may not be changed here")
        if name in LIMITS:
            kept[name] = _stricter(name, value)
        elif name not in _IGNORED:
            if not _VALUE.fullmatch(value):
                raise _refused("A setting's value is too long")
            kept[name] = value
    return kept


def settings_in(query: Node) -> list[tuple[str, str]]:
    """Read a SETTINGS clause.

    Raises:
        Refusal: a value is no plain one.
    """
    changes = query.get("changes")
    found = []
    for change in changes if isinstance(changes, list) else []:
        value = change.get("value") if is_node(change) else None
        plain = value.get("value") if is_node(value) else None
        if not isinstance(plain, str | int | float):
            raise _refused("A setting's value is a number or a text")
        found.append((str(change["name"]), str(plain)))
    return found


def whole_settings(kept: Mapping[str, str], comment: str) -> dict[str, str]:
    """Return all settings that a checked query runs under, `readonly` last.

    `comment` is how a query that runs is found again, to end it.
    """
    limits = {name: str(value) for name, value in {**LIMITS, **_FIXED}.items()}
    return {**limits, **kept, "log_comment": comment, "readonly": "1"}


def _stricter(name: str, value: str) -> str:
    try:
        asked = float(value)
    except ValueError:
        raise _refused("A limit is a number") from None
    if not 1 <= asked <= LIMITS[name]:  # of a fraction the engine may make 0, which is no limit
        raise _refused(f"The limit {name} can be set from 1 to {LIMITS[name]}")
    return str(int(asked))


def _refused(message: str) -> Refusal:
    return Refusal(164, "READONLY", message)
