"""System tables as clients may see them: what they need to connect and to list columns.

A query that names one gets a subquery in its place, which shows the guarded views
and constants. The real tables tell of cells, parts, paths and other queries.
"""

from collections.abc import Collection, Mapping

from collector.sql_guard.nodes import Node, every, is_node, kind_of, parts_of

_ZERO = "toUUID('00000000-0000-0000-0000-000000000000') AS uuid"

_NOTHING_OF_TABLES = (
    "'' AS create_table_query, '' AS engine_full, '' AS as_select, '' AS partition_key,"
    " '' AS sorting_key, '' AS primary_key, '' AS sampling_key, '' AS storage_policy,"
    " '' AS metadata_path, emptyArrayString() AS data_paths,"
    " emptyArrayString() AS dependencies_database, emptyArrayString() AS dependencies_table,"
    " toDateTime(0, 'UTC') AS metadata_modification_time,"
    " CAST(NULL, 'Nullable(UInt64)') AS total_rows, CAST(NULL, 'Nullable(UInt64)') AS total_bytes"
)


def catalogue_queries(
    home: str, views: Collection[str], settable: Collection[str]
) -> Mapping[str, str]:
    """Return for each system table that is shown the query that stands in for it.

    `home` and the names come from the policy and from the engine; they hold no quote.
    """
    ours = f"database = '{home}' AND {{}} IN ({_listed(views)})"
    return {
        "tables": (
            "SELECT database, name, name AS table, 'View' AS engine, 0 AS is_temporary,"
            f" '' AS comment, 0 AS has_own_data, {_ZERO}, {_NOTHING_OF_TABLES}"
            f" FROM system.tables WHERE {ours.format('name')}"
        ),
        "columns": (
            "SELECT database, table, name, name AS column, type, position, '' AS default_kind,"
            " '' AS default_expression, toUInt64(0) AS data_compressed_bytes,"
            " toUInt64(0) AS data_uncompressed_bytes, toUInt64(0) AS marks_bytes, '' AS comment,"
            " 0 AS is_in_partition_key, 0 AS is_in_sorting_key, 0 AS is_in_primary_key,"
            " 0 AS is_in_sampling_key, '' AS compression_codec, character_octet_length,"
            " numeric_precision, numeric_precision_radix, numeric_scale, datetime_precision"
            f" FROM system.columns WHERE {ours.format('table')}"
        ),
        "databases": (
            f"SELECT '{home}' AS name, name AS database, 'Atomic' AS engine, '' AS data_path,"
            f" '' AS metadata_path, {_ZERO}, '' AS engine_full, '' AS comment, 0 AS is_external"
        ),
        "settings": (
            "SELECT name, default AS value, 0 AS changed, description, min, max,"
            f" name NOT IN ({_listed(settable)}) AS readonly, type, default, alias_for,"
            " is_obsolete, tier FROM system.settings"
        ),
        "functions": (
            "SELECT name, is_aggregate, case_insensitive, alias_to, '' AS create_query,"
            " origin, description, syntax, categories FROM system.functions"
            " WHERE origin = 'System'"
        ),
        "data_type_families": (
            "SELECT name, case_insensitive, alias_to FROM system.data_type_families"
        ),
    }


def put_catalogue(tree: Node, stand_ins: Mapping[str, Node]) -> None:
    """Put the stand-ins in the place of the system tables that a tree names.

    Columns that are written with a table's full name follow it. The tree is changed.
    """
    called: dict[str, str] = {}
    for node in list(every(tree)):
        table = node.get("database_and_table_name") if kind_of(node) == "TableExpression" else None
        if not is_node(table):
            continue
        database, name = ["", *parts_of(table)][-2:]
        if database != "system" or name not in stand_ins:
            continue
        called[name] = str(table.get("alias") or name)
        del node["database_and_table_name"]
        node["subquery"] = {
            "type": "Subquery",
            "alias": called[name],
            "children": [stand_ins[name]],
        }
    for node in every(tree):
        parts = parts_of(node) if kind_of(node) == "Identifier" else []
        if len(parts) == 3 and parts[0] == "system" and parts[1] in called:
            parts = [called[parts[1]], parts[2]]
            node["name_parts"], node["name"] = parts, ".".join(parts)


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names)) or "''"
