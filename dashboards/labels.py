"""Readable names for the coarse words that stand in the views' dimensions."""

from functools import cache
from importlib import resources

OTHER = "(other)"
"""Stands for groups too small to be shown on their own; always sorts last."""

_SPECIAL = {
    "": "Not named",
    OTHER: "Other small groups",
    "(unknown)": "Unknown",
    "(direct)": "Direct",
}

_REASONS = {
    "opted_out_dnt": "Do Not Track",
    "opted_out_gpc": "Global Privacy Control",
    "opted_out": "opted out here",
    "opted_out_gpp": "opted out by a consent string",
    "child": "visits of children",
    "unreadable_signal": "consent that can't be read",
    "consent_refused": "consent refused",
    "consent_void": "consent to an older policy",
    "no_consent": "no consent given",
    "prefetch": "loaded ahead, not seen",
    "bot": "bots",
    "referrer_spam": "referrer spam",
    "undeclared_event": "events that the policy does not declare",
    "not_get": "requests other than GET",
    "not_successful": "answered with an error or a redirect",
    "static_file": "files that are no pages",
}

# Names of ISO 639 tags: the 40 that the web uses most; others are shown as their tag.
_LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech",
    "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew",
    "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay",
    "nb": "Norwegian Bokmål", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian",
    "sr": "Serbian", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian",
    "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip


def plain(value: str) -> str:
    """Give a dimension's value as it stands, save for the few that stand for something else."""
    return _SPECIAL.get(value, value)


def country(code: str) -> str:
    """Give a country's English name; a code that ISO 3166-1 does not list stays a code."""
    return _countries().get(code) or plain(code)


def language(tag: str) -> str:
    """Give a language's English name, or its tag."""
    return _LANGUAGES.get(tag) or plain(tag)


def capital(value: str) -> str:
    """Give a class such as ``desktop`` with a capital letter."""
    name = plain(value)
    return name[:1].upper() + name[1:]


def reason(value: str) -> str:
    """Say why hits were refused, to stand within a sentence."""
    return _REASONS.get(value) or value.replace("_", " ")


@cache
def _countries() -> dict[str, str]:
    table = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return dict(rows)
