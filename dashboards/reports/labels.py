"""Readable names for the coarse words that stand in the views' dimensions, and for these."""

from collections.abc import Iterable, Iterator

from anonymizer.policy import Dimension
from dashboards.address.filters import Condition, operation_of
from dashboards.words import Words, message

OTHER = "(other)"
"""Stands for groups too small to be shown on their own; sorts last where no order is asked for."""

DIMENSIONS = {
    Dimension.PAGE: message("Page"),
    Dimension.PREVIOUS_PAGE: message("Page before"),
    Dimension.ENTRY_PAGE: message("Entry page"),
    Dimension.EXIT_PAGE: message("Exit page"),
    Dimension.SOURCE: message("Source"),
    Dimension.CHANNEL: message("Channel"),
    Dimension.REFERRER: message("Referrer"),
    Dimension.CAMPAIGN: message("Campaign"),
    Dimension.CAMPAIGN_SOURCE: message("Campaign source"),
    Dimension.CAMPAIGN_MEDIUM: message("Campaign medium"),
    Dimension.CAMPAIGN_CONTENT: message("Campaign content"),
    Dimension.CAMPAIGN_TERM: message("Campaign term"),
    Dimension.COUNTRY: message("Country"),
    Dimension.LANGUAGE: message("Language"),
    Dimension.SCREEN: message("Screen"),
    Dimension.DEVICE: message("Device"),
    Dimension.BROWSER: message("Browser"),
    Dimension.OS: message("System"),
    Dimension.NETWORK: message("Network"),
    Dimension.DOOR: message("Door"),
    Dimension.REASON: message("Reason"),
    Dimension.EVENT: message("Event"),
    Dimension.PROPERTY: message("Property"),
    Dimension.VALUE: message("Value"),
    Dimension.BOT_KIND: message("Kind of machine"),
    Dimension.BOT: message("Machine"),
    Dimension.MASK: message("What was masked"),
    Dimension.GOAL: message("Goal"),
    Dimension.FUNNEL: message("Funnel"),
    Dimension.STEP: message("Step"),
    Dimension.VARIANT: message("Variant"),
    Dimension.MAIL_KIND: message("Opened by"),
    Dimension.LINK: message("Link"),
}

_SPECIAL = {
    "": message("Not named"),
    OTHER: message("Other small groups"),
    "(unknown)": message("Unknown"),
    "(direct)": message("Direct"),
    "(entry)": message("Came to the site here"),
    "(not logged)": message("Not logged"),
}

REASONS = {
    "counted": message("counted"),
    "opted_out_dnt": message("Do Not Track"),
    "opted_out_gpc": message("Global Privacy Control"),
    "opted_out": message("opted out here"),
    "opted_out_gpp": message("opted out by a consent string"),
    "child": message("visits of children"),
    "unreadable_signal": message("consent that can't be read"),
    "consent_refused": message("consent refused"),
    "consent_void": message("consent to an older policy"),
    "no_consent": message("no consent given"),
    "prefetch": message("loaded ahead, not seen"),
    "bot": message("bots"),
    "referrer_spam": message("referrer spam"),
    "undeclared_event": message("events that the policy does not declare"),
    "not_get": message("requests other than GET"),
    "not_successful": message("answered with an error or a redirect"),
    "static_file": message("files that are no pages"),
}
"""Why hits were refused, to stand within a sentence."""

_NAMES = {
    Dimension.REASON: REASONS,
    Dimension.DOOR: {
        "event": message("The tag"),
        "pixel": message("The pixel"),
        "log": message("Access logs"),
        "email": message("E-mail"),
    },
    Dimension.CHANNEL: {
        "direct": message("Direct"),
        "search": message("Search engines"),
        "social": message("Social networks"),
        "email": message("E-mail"),
        "referral": message("Other sites"),
        "campaign": message("Campaigns"),
        "paid": message("Advertising"),
        "ai": message("AI assistants"),
    },
    Dimension.DEVICE: {
        "desktop": message("Desktop"),
        "mobile": message("Mobile"),
        "tablet": message("Tablet"),
    },
    Dimension.SCREEN: {
        "phone": message("Phone"),
        "tablet": message("Tablet"),
        "laptop": message("Laptop"),
        "desktop": message("Desktop"),
    },
    Dimension.BOT_KIND: {
        "crawler": message("Crawler"),
        "ai_crawler": message("AI crawler"),
        "monitoring": message("Monitoring"),
        "headless": message("Headless browser"),
        "tool": message("Tool"),
        "preview": message("Link preview"),
        "mail_proxy": message("Mail proxy"),
        "mail_prefetch": message("Mail prefetch"),
        "unknown": message("Unknown"),
    },
    Dimension.MAIL_KIND: {
        "person": message("Persons"),
        "apple_privacy": message("Apple Mail Privacy Protection"),
        "gmail_proxy": message("Gmail’s proxy"),
        "gmail_prefetch": message("Gmail, loaded ahead"),
        "yahoo_proxy": message("Yahoo’s proxy"),
        "other_proxy": message("Other proxies"),
        "prefetch": message("Loaded ahead"),
        "scanner": message("Scanners"),
        "(delivered)": message("Delivered"),
        "(unsubscribed)": message("Unsubscribed"),
    },
    Dimension.MASK: {
        "email": message("E-mail addresses"),
        "address": message("Network addresses"),
        "jwt": message("JSON Web Tokens"),
        "uuid": message("UUIDs"),
        "hex": message("Hexadecimal identifiers"),
        "token": message("Tokens"),
        "number": message("Long numbers"),
    },
}

CODED = frozenset({Dimension.COUNTRY, Dimension.LANGUAGE, *_NAMES})
"""Dimensions whose words readers know by their names alone."""

WAYS = {
    "link": message("By a link on the site"),
    "outbound": message("By a link to another site"),
    "back": message("Back"),
    "reload": message("Loaded again"),
    "close": message("Closed"),
    "hidden": message("Put aside"),
}
"""How a page can be left, in the order of the picture."""

OPERATIONS = {
    "is": message("is"),
    "is_not": message("is not"),
    "contains": message("contains"),
}

_JOINED = {
    "is": message("{dimension} is {value}"),
    "is_not": message("{dimension} is not {value}"),
    "contains": message("{dimension} contains {value}"),
}


def write_word(words: Words, dimension: Dimension, word: str) -> str:
    """Write a dimension's word as readers know it; what has no name stays as it stands."""
    if word in _SPECIAL:
        return words(_SPECIAL[word])
    name: str | None = None
    if dimension is Dimension.COUNTRY:
        name = words.country(word)
    elif dimension is Dimension.LANGUAGE:
        name = words.language_name(word)
    elif word in _NAMES.get(dimension, {}):
        name = words(_NAMES[dimension][word])
        name = name[:1].upper() + name[1:]
    return name or word


def words_named(words: Words, dimension: Dimension, part: str) -> tuple[str, ...]:
    """Return the words of a dimension whose names hold a part, whatever its case."""
    wanted = part.casefold()
    return tuple(word for word, name in _named(words, dimension) if wanted in name.casefold())


def word_called(words: Words, dimension: Dimension, name: str) -> str:
    """Return the word that a reader calls by its name, such as ``DE`` by ``Germany``."""
    wanted = name.casefold()
    return next(
        (word for word, called in _named(words, dimension) if called.casefold() == wanted), name
    )


def write_condition(words: Words, condition: Condition) -> str:
    """Write a filter as a reader would say it."""
    values = [write_word(words, condition.dimension, value) for value in condition.values]
    return words(
        _JOINED[operation_of(condition)],
        dimension=words(DIMENSIONS[condition.dimension]),
        value=words.either(values),
    )


def _named(words: Words, dimension: Dimension) -> Iterator[tuple[str, str]]:
    codes: Iterable[str] = _NAMES.get(dimension, ())
    if dimension is Dimension.COUNTRY:
        codes = words.countries()
    elif dimension is Dimension.LANGUAGE:
        codes = words.tags()
    for code in (*codes, *(word for word in _SPECIAL if word and word != OTHER)):
        yield code, write_word(words, dimension, code)
