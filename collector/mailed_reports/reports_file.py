"""Read the file of mailed reports, noting every fault with its line."""

import os
import re
import ssl
from collections.abc import Collection, Mapping, Sequence
from email.headerregistry import Address
from pathlib import Path

from anonymizer.policy import Policy, Site
from anonymizer.policy_faults import Fault, PolicyFaults
from anonymizer.policy_tables import Source, Table
from anonymizer.policy_toml import read_toml
from collector.mailed_reports.settings import Every, Mailing, Scheduled, Smtp, Tls

PASSWORD_VARIABLE = "DISCREET_SMTP_PASSWORD"  # noqa: S105  # a variable's name

HOURS = range(3, 24)
"""Before three, visits of the day before may still be open (docs/decisions/0013)."""
DEFAULT_HOUR = 7
MAX_RECIPIENTS = 50
MAX_REPORTS = 200

_PORTS = {Tls.STARTTLS: 587, Tls.TLS: 465, Tls.NONE: 25}
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9A-Fa-f:.]{2,45}")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
# RFC 5321 section 4.1.2 without quoted local parts; section 4.5.3.1 bounds both parts.
_ADDRESS = re.compile(
    rf"(?=[^@]{{1,64}}@.{{1,253}}\Z){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*"
)
# One mailbox (RFC 5322 section 3.4): with several, or a group, a letter had no one sender. What
# looks like an encoded word (RFC 2047) would be read as one.
_SENDER = re.compile(
    r"""(?!.*=\?)((?P<name>"[^"\\<>]*"\ *|[^"\\<>@,;:()\[\]]*)<(?P<named>[^<>]*)>|(?P<bare>.*))"""
)
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def is_address(text: str) -> bool:
    """Tell whether a text is a bare e-mail address in ASCII."""
    return _ADDRESS.fullmatch(text) is not None


def address_of(sender: str) -> str:
    """Return the bare address of a From, such as ``Reports <a@example.org>``."""
    return _parts_of(sender)[1]


def _parts_of(sender: str) -> tuple[str, str]:
    """Return the name and the address of a From; neither where it is not one address."""
    found = _SENDER.fullmatch(sender.strip())
    if found is None:
        return "", ""
    address = found["named"] if found["bare"] is None else found["bare"]
    return ((found["name"] or "").strip().strip('"'), address) if is_address(address) else ("", "")


def read_reports(
    text: str,
    policy: Policy,
    languages: Collection[str],
    folder: Path,
    environment: Mapping[str, str] = os.environ,
) -> Mailing:
    """Read a file's text; `folder` is where it lies, for the files that it names.

    Raises:
        PolicyFaults: it has faults; all of them are told, each with its line, none with a value.
    """
    document = read_toml(text)
    source = Source(document.lines)
    root = Table(source, (), document.values)
    root.refuse_unknown(("dashboard", "smtp", "report"))
    dashboard = ""
    if "dashboard" in root:
        wanted = "where readers open the dashboard, such as https://stats.example.org"
        dashboard = root.read_text("dashboard", _ORIGIN, wanted)
    smtp = _read_smtp(root, folder, environment)
    tables = root.read_tables("report")
    read = [_read_report(table, policy, languages) for table in tables[:MAX_REPORTS]]
    scheduled = tuple(each for each in read if each is not None)
    if len(tables) > MAX_REPORTS:
        root.refuse("report", f"must be given at most {MAX_REPORTS} times")
    _refuse_twice(source, scheduled)
    if source.faults or smtp is None:
        raise PolicyFaults(source.faults)
    return Mailing(smtp, scheduled, dashboard)


def _read_smtp(root: Table, folder: Path, environment: Mapping[str, str]) -> Smtp | None:
    table = root.read_table("smtp")
    if table is None:
        if "smtp" not in root:
            root.refuse("smtp", "is missing: one table, headed [smtp]")
        return None
    known = ("host", "port", "tls", "from", "user", "password_file", "authority_file")
    if "password" in table.given:
        told = f"must not stand here: give password_file, or {PASSWORD_VARIABLE} in the environment"
        table.refuse("password", told)
    table.refuse_unknown((*known, "password"))
    host = table.read_text("host", _HOST, "a host name or an address")
    tls = table.read_word("tls", Tls, Tls.STARTTLS)
    user = table.read_optional("user")
    password = _read_password(table, folder, environment) if user else ""
    if "password_file" in table and "user" not in table:
        table.refuse("password_file", "must not stand without user")
    if user and not user.isascii():
        table.refuse("user", "must be ASCII")
    if user and tls is Tls.NONE and host not in _LOOPBACK:
        table.refuse("tls", "must not be none where a password is sent, but to this machine")
    return Smtp(
        host=host,
        port=table.read_whole("port", _PORTS[tls], 65_535),
        tls=tls,
        sender=_read_sender(table),
        user=user,
        password=password,
        authority=_read_authority(table, folder),
    )


def _read_sender(table: Table) -> str:
    sender = table.read_text("from")
    name, address = _parts_of(sender)
    if not address:
        if sender:
            table.refuse("from", "must be an address, such as Reports <reports@example.org>")
        return ""
    # Quoted where the name has what would else end it.
    return str(Address(name, addr_spec=address))


def _read_password(table: Table, folder: Path, environment: Mapping[str, str]) -> str:
    if "password_file" not in table:
        password = environment.get(PASSWORD_VARIABLE, "")
        if not password:
            table.refuse("user", f"needs password_file, or {PASSWORD_VARIABLE} in the environment")
        return _checked(table, "user", password)
    name = table.read_text("password_file")
    if not name:
        return ""
    try:
        password, *_ = (folder / name).read_text("utf-8").splitlines() or [""]
    except (OSError, UnicodeDecodeError, ValueError):  # ValueError: a path no file can have
        table.refuse("password_file", "can't be read")
        return ""
    if not password:
        table.refuse("password_file", "must have the password in its first line")
    return _checked(table, "password_file", password)


def _checked(table: Table, key: str, password: str) -> str:
    # What smtplib's AUTH takes; it would raise in the middle of the conversation.
    if not password.isascii():
        table.refuse(key, "must have a password in ASCII")
    return password


def _read_authority(table: Table, folder: Path) -> Path | None:
    name = table.read_optional("authority_file")
    if not name:
        return None
    path = folder / name
    try:
        ssl.create_default_context(cafile=path)
    except ssl.SSLError:
        table.refuse("authority_file", "must hold a certificate in PEM")
    except (OSError, ValueError):  # ValueError: a path no file can have
        table.refuse("authority_file", "can't be read")
    return path


def _read_report(table: Table, policy: Policy, languages: Collection[str]) -> Scheduled | None:
    table.refuse_unknown(("site", "to", "period", "language", "hour"))
    domain = table.read_text("site")
    site = _site_of(policy, domain)
    if domain and site is None:
        table.refuse("site", "must be a site of the policy")
    to = table.read_texts("to", _ADDRESS, "a list of addresses in ASCII, such as ana@example.org")
    if "to" not in table:
        table.refuse("to", "is missing")
    elif table.values["to"] == []:
        table.refuse("to", "must name one address at least")
    if len(to) > MAX_RECIPIENTS:
        table.refuse("to", f"must name at most {MAX_RECIPIENTS} addresses")
    every = table.read_word("period", Every)
    language = table.read_optional("language") or "en"
    if language not in languages:
        table.refuse("language", "must be " + " or ".join(f'"{each}"' for each in languages))
    hour = table.values.get("hour", DEFAULT_HOUR)
    if not isinstance(hour, int) or isinstance(hour, bool) or hour not in HOURS:
        table.refuse("hour", f"must be a whole number from {HOURS[0]} to {HOURS[-1]}")
        hour = DEFAULT_HOUR
    if site is None:
        return None
    return Scheduled(table.source.lines.of(table.path), site, to, every, language, hour)


def _site_of(policy: Policy, domain: str) -> Site | None:
    return next((site for site in policy.sites.values() if site.domain == domain), None)


def _refuse_twice(source: Source, reports: Sequence[Scheduled]) -> None:
    seen: set[tuple[str, Every, str]] = set()
    for report in reports:
        for recipient in report.to:
            key = (str(report.site.domain), report.every, recipient.lower())
            if key in seen:
                told = "must not name an address twice for one site and period"
                source.faults.append(Fault(report.line, "report.to", told))
            seen.add(key)
