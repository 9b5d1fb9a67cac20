"""The Content-Type of an answer by its ClickHouse format."""

_TEXT = "text/plain; charset=UTF-8"
_TSV = "text/tab-separated-values; charset=UTF-8"
_OCTETS = "application/octet-stream"

_TYPES = {
    "XML": "application/xml; charset=UTF-8",
    "Markdown": "text/markdown; charset=UTF-8",
    "JSON": "application/json; charset=UTF-8",
    "JSONStrings": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONCompactStrings": "application/json; charset=UTF-8",
    "JSONColumns": "application/json; charset=UTF-8",
    "JSONCompactColumns": "application/json; charset=UTF-8",
    "JSONColumnsWithMetadata": "application/json; charset=UTF-8",
    "JSONObjectEachRow": "application/json; charset=UTF-8",
    "JSONLines": "application/x-ndjson; charset=UTF-8",
    "NDJSON": "application/x-ndjson; charset=UTF-8",
}
_BINARY = ("Native", "RowBinary", "MsgPack", "Arrow", "Parquet", "ORC", "Avro", "Npy", "BSON")


def content_type(name: str) -> str:
    """Return the media type of a format; of one that is not known here, bytes."""
    if name in _TYPES:
        return _TYPES[name]
    if name.startswith("JSON"):
        return "application/x-ndjson; charset=UTF-8"
    if name.startswith(("TabSeparated", "TSV")):
        return _TSV
    if name.startswith("CSV"):
        header = "present" if "WithNames" in name else "absent"
        return f"text/csv; charset=UTF-8; header={header}"
    if name.startswith(("Pretty", "Vertical", "Values", "SQLInsert")):
        return _TEXT
    if name.startswith(_BINARY):
        return _OCTETS
    return _OCTETS
