"""Output formats that write rows and do nothing else."""

from clickhouse_http.question import Refusal

_TEXT = ("TabSeparated", "TSV", "CSV", "CustomSeparated", "TabSeparatedRaw", "TSVRaw", "Raw")
_EACH_ROW = ("JSONCompactEachRow", "JSONCompactStringsEachRow")
_PRETTY = ("Pretty", "PrettyCompact", "PrettySpace")

OUTPUT_FORMATS = frozenset(
    {
        *(f"{name}{end}" for name in _TEXT for end in ("", "WithNames", "WithNamesAndTypes")),
        *(f"{name}{end}" for name in _EACH_ROW for end in ("", "WithNames", "WithNamesAndTypes")),
        *(
            f"{name}{escapes}{block}"
            for name in _PRETTY
            for escapes in ("", "NoEscapes")
            for block in ("", "MonoBlock")
        ),
        *("PrettyJSONEachRow", "PrettyJSONLines", "PrettyNDJSON"),
        *("JSON", "JSONStrings", "JSONColumns", "JSONColumnsWithMetadata", "JSONCompact"),
        *("JSONCompactColumns", "JSONCompactStrings", "JSONEachRow", "JSONLines", "JSONL"),
        *("NDJSON", "JSONStringsEachRow", "JSONObjectEachRow"),
        *("Native", "RowBinary", "RowBinaryWithNames", "RowBinaryWithNamesAndTypes"),
        *("Arrow", "ArrowStream", "Parquet", "ORC", "Avro", "BSONEachRow", "MsgPack", "Npy"),
        *("Values", "SQLInsert", "Vertical", "XML", "Markdown", "MD", "TSKV", "LineAsString"),
        *("RawBLOB", "Null", "ODBCDriver2", "Prometheus", "Hash"),
    }
)
"""Left out: those that read a schema or a template (Protobuf, Template), ask a registry
(AvroConfluent), tell of rows read (…WithProgress) or are another protocol's (MySQLWire)."""

_IN_SMALL_LETTERS = {name.lower(): name for name in OUTPUT_FORMATS}


def check_format(name: str) -> str:
    """Return the format as the engine writes it.

    Raises:
        Refusal: it is none of the formats that may be asked for.
    """
    found = _IN_SMALL_LETTERS.get(name.lower())
    if found is None:
        raise Refusal(73, "UNKNOWN_FORMAT", "This output format is not answered")
    return found
