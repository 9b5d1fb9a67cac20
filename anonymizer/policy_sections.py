"""The tables of a policy file, one reader each; statistics have a module of their own."""

import re
from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from anonymizer.addresses import V4_BITS, V6_BITS
from anonymizer.policy import (
    Basis,
    Dimension,
    Purpose,
    PurposeId,
    VisitorAddress,
)
from anonymizer.policy_tables import Table

KEYS: Mapping[str, tuple[str, ...]] = {
    "policy": (
        "id",
        "version",
        "controller",
        "contact",
        "effective",
        "languages",
        "extends",
        "min_group",
        "address",
        "representative",
        "protection_officer",
        "authority",
        "high_risk",
    ),
    "site": (
        "domain",
        "timezone",
        "consent",
        "jurisdiction",
        "child_directed",
        "child_paths",
        "lower_case_paths",
        "path_templates",
        "hash_routing",
    ),
    "purpose": ("id", "title", "titles", "clause", "basis", "keep_days", "tcf"),
    "statistic": (
        "name",
        "purpose",
        "event",
        "property",
        "by",
        "grain",
        "min_group",
        "keep_days",
    ),
    "signals": ("tcf_vendor",),
    "residency": ("stored_in", "recipients", "regions"),
    "residency.regions": ("store", "stored_in", "sites", "countries"),
    "network": ("visitor_address", "v4_bits", "v6_bits"),
    "paths": ("campaign_parameters",),
    "event": ("name", "interactive", "property"),
    "event.property": ("name", "values", "steps", "reached", "grid", "text", "max_values"),
    "limits": ("max_values",),
    "tag": ("modules",),
    "goal": ("name", "event", "property", "value", "page", "site"),
    "funnel": ("name", "steps", "within", "site"),
}
"""Every table a policy file may hold, and every key of each."""

DEFAULT_KEEP_DAYS = 750  # within CNIL's 25 months for audience measurement (2020-091, par. 52)
MAX_KEEP_DAYS = 1100
DEFAULT_CAMPAIGN_PARAMETERS: Mapping[Dimension, str] = {
    Dimension.CAMPAIGN: "utm_campaign",
    Dimension.CAMPAIGN_SOURCE: "utm_source",
    Dimension.CAMPAIGN_MEDIUM: "utm_medium",
    Dimension.CAMPAIGN_CONTENT: "utm_content",
    Dimension.CAMPAIGN_TERM: "utm_term",
}

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")  # RFC 5646, without private use
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_MAX_TCF_PURPOSE = 24  # the bits a consent string has for them (TCF 2, core string)
_MAX_TCF_VENDOR = 65535
_PURPOSE_ID = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,40}")


class Head(Struct, frozen=True):
    """The ``[policy]`` table."""

    id: str
    version: str
    controller: str
    contact: str
    effective: str
    languages: tuple[str, ...]
    extends: bool
    min_group: int | None
    address: str
    representative: str
    protection_officer: str
    authority: str
    high_risk: bool


class Network(Struct, frozen=True):
    """The ``[network]`` table."""

    visitor_address: VisitorAddress = VisitorAddress.FULL
    v4_bits: int = V4_BITS
    v6_bits: int = V6_BITS


def read_head(table: Table) -> Head:
    """Read ``[policy]``."""
    table.refuse_unknown(KEYS["policy"])
    extends = "extends" in table
    if extends and table.values["extends"] != "default":
        table.refuse("extends", 'must be "default"')
    return Head(
        id=table.read_text("id"),
        version=table.read_text("version", _VERSION, "at most 40 of A-Z, a-z, 0-9, . _ and -"),
        controller=table.read_text("controller"),
        contact=table.read_text("contact"),
        effective=_read_date(table, "effective"),
        languages=_read_languages(table),
        extends=extends,
        min_group=table.read_whole("min_group", 1) if "min_group" in table else None,
        address=table.read_optional("address"),
        representative=table.read_optional("representative"),
        protection_officer=table.read_optional("protection_officer"),
        authority=table.read_optional("authority"),
        high_risk=table.read_switch("high_risk"),
    )


def read_purpose(table: Table) -> Purpose:
    """Read one ``[[purpose]]``."""
    table.refuse_unknown(KEYS["purpose"])
    wanted = "an identifier of at most 40 characters: a-z first, then a-z, 0-9, _ and -"
    return Purpose(
        id=PurposeId(table.read_text("id", _PURPOSE_ID, wanted)),
        title=table.read_text("title"),
        clause=table.read_text("clause"),
        basis=table.read_word("basis", Basis),
        keep_days=table.read_whole("keep_days", DEFAULT_KEEP_DAYS, MAX_KEEP_DAYS),
        tcf=_read_tcf(table),
        titles=_read_titles(table),
    )


def read_tcf_vendor(table: Table) -> int | None:
    """Read ``[signals]``."""
    table.refuse_unknown(KEYS["signals"])
    if "tcf_vendor" not in table:
        return None
    return table.read_whole("tcf_vendor", 1, _MAX_TCF_VENDOR)


def read_network(table: Table) -> Network:
    """Read ``[network]``."""
    table.refuse_unknown(KEYS["network"])
    return Network(
        table.read_word("visitor_address", VisitorAddress, default=VisitorAddress.FULL),
        _read_bits(table, "v4_bits", (V4_BITS, 16, 8)),
        _read_bits(table, "v6_bits", (V6_BITS, 32, 16)),
    )


def read_campaign_parameters(table: Table) -> dict[Dimension, str] | None:
    """Read ``[paths]``; None when it leaves them to the default.

    Its parameters stand in place of the default ones, not beside them.
    """
    table.refuse_unknown(KEYS["paths"])
    if "campaign_parameters" not in table:
        return None
    names = table.read_table("campaign_parameters")
    if names is None:
        return {}
    names.refuse_unknown(tuple(DEFAULT_CAMPAIGN_PARAMETERS))
    wanted = "a parameter name of at most 40 characters: A-Z, a-z, 0-9, _ and -"
    return {
        dimension: names.read_text(dimension, _PARAMETER, wanted)
        for dimension in DEFAULT_CAMPAIGN_PARAMETERS
        if dimension in names
    }


def _read_bits(table: Table, key: str, wider: tuple[int, ...]) -> int:
    value = table.values.get(key, wider[0])
    if isinstance(value, int) and value in wider:
        return value
    table.refuse(key, f"must be {', '.join(map(str, wider))}: no finer network is ever kept")
    return wider[0]


def _read_tcf(table: Table) -> tuple[int, ...]:
    value = table.values.get("tcf", [9])
    if isinstance(value, list) and all(
        isinstance(item, int) and not isinstance(item, bool) and 1 <= item <= _MAX_TCF_PURPOSE
        for item in value
    ):
        return tuple(value)
    table.refuse("tcf", f"must be a list of whole numbers from 1 to {_MAX_TCF_PURPOSE}")
    return ()


def _read_titles(table: Table) -> dict[str, str]:
    titles = Table(table.source, (*table.path, "titles"), {})
    value = table.values.get("titles", {})
    if isinstance(value, dict):
        titles = Table(table.source, (*table.path, "titles"), value)
    else:
        table.refuse("titles", 'must be a table such as {zh = "…"}')
    for language in titles.given:
        if not _LANGUAGE.fullmatch(language):
            titles.refuse(language, 'must be a language tag such as "zh" or "pt-BR"')
    return {language: titles.read_text(language) for language in titles.given}


def _read_date(table: Table, key: str) -> str:
    value = table.values.get(key, "")
    if key not in table or type(value) is date:  # a datetime is a date too, but not here
        return str(value)
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    table.refuse(key, "must be a date such as 2026-01-31")
    return ""


def _read_languages(table: Table) -> tuple[str, ...]:
    languages = table.read_strings("languages")
    if languages is None:
        return ("en",)
    if not languages or not all(map(_LANGUAGE.fullmatch, languages)):
        table.refuse("languages", 'must be language tags such as "en" or "pt-BR", at least one')
    return tuple(languages)
