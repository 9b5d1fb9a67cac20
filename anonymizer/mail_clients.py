"""Who looked at a message or followed a link in it: a person, a mail service's proxy, a scanner.

A raw hit and its agent come in, a word of a closed list goes out. Such machines are told apart
before the filter of bots: lists of crawlers name the proxies through which people read mail.
"""

import re
from enum import StrEnum

from anonymizer.addresses import coarsen_address
from anonymizer.agents import Agent
from anonymizer.deidentify import DaySalts, Tables
from anonymizer.hits import UNKNOWN, CleanMail, LocalSeconds, Mail, RawHit
from anonymizer.machines import MachineKind
from anonymizer.policy import Policy
from anonymizer.signals import was_unseen
from anonymizer.visitor_key import visitor_key


class MailKind(StrEnum):
    """Who a hit at the e-mail door is of."""

    PERSON = "person"
    APPLE_PRIVACY = "apple_privacy"
    """Apple's Mail Privacy Protection loads every picture, read or not."""
    GMAIL_PROXY = "gmail_proxy"
    """Loads a picture when someone opens the message, and keeps it."""
    GMAIL_PREFETCH = "gmail_prefetch"
    """Loads the pictures of a message that comes in while Gmail is open."""
    YAHOO_PROXY = "yahoo_proxy"
    OTHER_PROXY = "other_proxy"
    """Proxies of other mail services, which load when someone opens the message."""
    PREFETCH = "prefetch"
    """Says itself that nobody looks yet, or looks at a link before the browser does."""
    SCANNER = "scanner"
    """Any other machine; also whoever follows several links of a message at once."""


PROXIES = (
    MailKind.APPLE_PRIVACY,
    MailKind.GMAIL_PROXY,
    MailKind.GMAIL_PREFETCH,
    MailKind.YAHOO_PROXY,
    MailKind.OTHER_PROXY,
)
"""Behind which an open may or may not be a person's."""

LOOKING = (
    MailKind.PERSON,
    MailKind.GMAIL_PROXY,
    MailKind.YAHOO_PROXY,
    MailKind.OTHER_PROXY,
)
"""Who loads a picture when someone opens the message."""

_BY_FAMILY = {
    "Apple Mail": MailKind.APPLE_PRIVACY,
    "Gmail": MailKind.GMAIL_PREFETCH,
    "GoogleImageProxy": MailKind.GMAIL_PROXY,
    "YahooMailProxy": MailKind.YAHOO_PROXY,
}
_OF_MAIL = (MachineKind.MAIL_PROXY, MachineKind.MAIL_PREFETCH)

# Gateways that scan what comes in before it is delivered, as far as they name themselves; most
# call themselves a browser.
_SCANNERS = re.compile(
    r"barracuda|mimecast|proofpoint|ironport|messagelabs|symantec|sophos|trend ?micro|fireeye"
    r"|forcepoint|zscaler|safelinks|cloudmark|vadesecure|spamhaus|hubspot connect",
    re.IGNORECASE,
)

# Office asks for a link itself before it hands it to the browser, whose hit follows.
_OFFICE = re.compile(r"\bms-office\b|\bMicrosoft Office/|\bMicrosoft Outlook ")


def deidentify_mail(
    raw: RawHit,
    mail: Mail,
    agent: Agent,
    local: LocalSeconds,
    policy: Policy,
    salts: DaySalts,
    tables: Tables,
) -> CleanMail:
    """Return what may be known of a hit at the e-mail door; `mail` is the hit's own."""
    network = coarsen_address(raw.raw_address, policy.v4_bits, policy.v6_bits)
    country = None
    if tables.country_of_network is not None and network != UNKNOWN:
        country = tables.country_of_network(network)
    return CleanMail(
        raw.door,
        raw.site,
        raw.time,
        local,
        mail,
        read_mail_kind(raw, mail, agent).value,
        country or UNKNOWN,
        visitor_key(
            salts.today,
            raw.site,
            raw.raw_address,
            raw.raw_agent,
            policy.visitor_address,
            policy.v4_bits,
            policy.v6_bits,
        ),
    )


def read_mail_kind(raw: RawHit, mail: Mail, agent: Agent) -> MailKind:
    """Tell whose hit it is by what it says of itself."""
    if raw.prefetch and was_unseen(raw.prefetch):
        return MailKind.PREFETCH
    if mail.head or _SCANNERS.search(raw.raw_agent):
        return MailKind.SCANNER
    machine = agent.machine
    if machine is None:
        unseen = mail.link and _OFFICE.search(raw.raw_agent)
        return MailKind.PREFETCH if unseen else MailKind.PERSON
    if machine.kind not in _OF_MAIL:
        return MailKind.SCANNER
    return _BY_FAMILY.get(machine.family, MailKind.OTHER_PROXY)
