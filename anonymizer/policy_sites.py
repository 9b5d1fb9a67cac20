"""The rules of a ``[[site]]``: its domain, its clock, how its paths are read, what it asks."""

import re
from zoneinfo import ZoneInfo

from anonymizer.hits import SiteId
from anonymizer.paths import BadTemplate, read_template
from anonymizer.policy import ConsentMode, Site
from anonymizer.policy_sections import KEYS
from anonymizer.policy_tables import Table

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"  # RFC 1123, 2.1
_DOMAIN = re.compile(
    rf"(?=[^:]{{1,253}}(:|\Z)){_LABEL}(\.{_LABEL})*(:(?P<port>[1-9][0-9]{{0,4}}))?",
    re.ASCII | re.IGNORECASE,
)
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9][A-Za-z0-9_+-]*)*")
# Not IANA names: the machine's own zone, and the trees that count leap seconds or repeat the rest.
_NO_ZONES = re.compile(r"(localtime|posixrules|Factory|posix/.*|right/.*)")
_PATH_START = re.compile(r"/[^\s?#]*")


def read_site(table: Table) -> Site:
    """Read one ``[[site]]``."""
    table.refuse_unknown(KEYS["site"])
    domain = table.read_text("domain", _DOMAIN, "a host name in ASCII, with or without :port")
    port = _DOMAIN.fullmatch(domain)
    if port is not None and int(port["port"] or 1) > 65535:
        table.refuse("domain", "must have a port of at most 65535")
    return Site(
        domain=SiteId(domain.lower()),
        zone=_read_zone(table, "timezone"),
        consent=table.read_word("consent", ConsentMode, default=ConsentMode.EXEMPT),
        jurisdiction=table.read_optional("jurisdiction"),
        child_directed=table.read_switch("child_directed"),
        child_paths=table.read_texts("child_paths", _PATH_START, "a path that starts with /"),
        lower_case_paths=table.read_switch("lower_case_paths"),
        path_templates=_read_templates(table),
        hash_routing=table.read_switch("hash_routing"),
    )


def _read_templates(table: Table) -> tuple[str, ...]:
    templates = table.read_texts("path_templates")
    for template in templates:
        try:
            read_template(template)
        except BadTemplate as error:
            table.refuse("path_templates", str(error))
            return ()
    return templates


def _read_zone(table: Table, key: str) -> ZoneInfo:
    wanted = "an IANA time zone name such as Europe/Berlin"
    name = table.read_text(key, _ZONE_NAME, wanted)
    if name:
        try:
            if not _NO_ZONES.fullmatch(name):
                return ZoneInfo(name)
        except (ValueError, OSError, LookupError):  # a folder of zones is an OSError
            pass
        table.refuse(key, f"must be {wanted}")
    return ZoneInfo("UTC")
