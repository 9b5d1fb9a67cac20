"""A change of the policy in a visitor's language, for the list of versions in `/privacy`."""

from collections.abc import Sequence

from anonymizer.policy import Dimension, Policy
from anonymizer.policy_diff import Change, Part, compare
from collector.plain_words import tell_dimensions, tell_purpose
from collector.visitor_pages import Language

_TOLD_ELSEWHERE = ("version", "effective")
_CLOSED = frozenset(
    {
        "child_directed",
        "consent",
        "grain",
        "hash_routing",
        "high_risk",
        "interactive",
        "lower_case_paths",
        "text",
        "network.visitor_address",
    }
)
"""Keys whose values are words of a closed list."""


def tell_changes(old: Policy, new: Policy, language: Language) -> list[tuple[str, bool]]:
    """List what changed between two policies, in words, each with whether it is major.

    What changed alike in several tables stands in one line; version and date are left out.
    """
    lines = []
    alike: dict[tuple[object, ...], list[Change]] = {}
    for change in compare(old, new):
        if change.key in _TOLD_ELSEWHERE:
            continue
        kind = (change.part, change.key, change.old, change.new, change.clause)
        alike.setdefault(kind if change.key else (change,), []).append(change)
    for changes in alike.values():
        subjects = [
            _subject(change, new if change.new or change.key else old, language)
            for change in changes
        ]
        lines.append((_tell(changes[0], subjects, old, new, language), changes[0].major))
    return lines


def text_key(key: str) -> str:
    """Return the key of the texts that names a key of the policy file."""
    # Some are tables too, and `values` is a method of what a template sees.
    if key in ("purpose", "event", "site"):
        return f"{key}_key"
    return "closed_words" if key == "values" else key.replace(".", "_")


def _tell(
    change: Change, subjects: Sequence[str], old: Policy, new: Policy, language: Language
) -> str:
    texts = language.texts["changes"]
    subject = texts["separator"].join(subjects)
    if not change.key:
        return texts["came" if change.new else "went"].format(subject=subject)
    return texts["changed"].format(
        subject=subject,
        key=texts[text_key(change.key)],
        old=_value(change.key, change.old, old, language),
        new=_value(change.key, change.new, new, language),
    )


def _subject(change: Change, policy: Policy, language: Language) -> str:
    texts = language.texts["changes"]
    if change.part is Part.PURPOSE:
        return texts["purpose"].format(name=_title(change.name, policy, language))
    if change.part is Part.STATISTIC:
        statistic = next(each for each in policy.statistics if each.name == change.name)
        if not statistic.dimensions():
            return texts["statistic_total"]
        return texts["statistic"].format(name=tell_dimensions(statistic, language))
    return texts[change.part.replace(".", "_")].format(name=change.name)


def _value(key: str, value: str, policy: Policy, language: Language) -> str:
    texts = language.texts["changes"]
    if not value:
        return texts["none"]
    if key == "store":
        return texts["other_server"]  # its address is nothing that visitors need
    if key == "keep_days":
        return texts["days"].format(days=value)
    if key == "purpose":
        return _title(value, policy, language)
    if key == "by":
        words = language.texts["dimensions"]
        separator = language.texts["statistics"]["separator"]
        return separator.join(words[Dimension(word)] for word in value.strip("[]").split(", "))
    if key == "basis":
        return texts[f"basis_{value}"]
    return texts[value] if key in _CLOSED else value.strip("[]")


def _title(purpose_id: str, policy: Policy, language: Language) -> str:
    purpose = next(each for each in policy.purposes if each.id == purpose_id)
    return tell_purpose(purpose, language)
