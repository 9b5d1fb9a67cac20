"""Digit runs that single a person out, told apart from dates, years, sizes and versions.

Text comes in; phone, customer, card and order numbers become ``:number``.
"""

import re
from calendar import monthrange

from anonymizer.masks import MARKS, NUMBER

MIN_NUMBER_DIGITS = 8
"""A number of fewer digits stays: too many of them are counts, pages and prices."""

_ENOUGH = re.compile(r"(?:\D*+\d){8}")
# `paths` writes an octet that stays a percent form as U+DC00 + octet.
_SEPARATOR = r"[-._ +()\udc20\udc28\udc29\udc2b]"
# Starts at a word's start and gives nothing back, so that no digit is read twice.
_SEQUENCE = re.compile(
    rf"(?P<prefix>[+(\udc2b\udc28]{{0,3}}+)(?<![A-Za-z0-9])[A-Za-z]*+"
    rf"(?P<sequence>\d++(?:{_SEPARATOR}{{1,3}}+\d++)*+)[A-Za-z0-9]*+"
)
_RUN = re.compile(r"\d+")
_LONG_RUN = re.compile(r"\d{8,}")
_DATE = re.compile(r"(?:199\d|20\d\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\Z", re.ASCII)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d\Z", re.ASCII)
# More are neither a phone nor a date; they are not looked into, whose cost they would raise.
_MAX_GROUPS = 16
_PLUS = ("+", "\udc2b")
# North America writes 555.123.4567; a version is seldom of this shape.
_DOTTED_PHONES = ([3, 3, 4], [1, 3, 3, 4])


def mask_numbers(text: str, masks: list[str]) -> str:
    """Return `text` with each identifying number masked, and append their kinds to `masks`.

    A number is a run of `MIN_NUMBER_DIGITS` that is no date (YYYYMMDD, 1990 to 2099), or as many
    digits written in groups as phones are. It goes with the letters written onto it.
    """
    if not _ENOUGH.match(text):
        return text

    def judge(match: re.Match[str]) -> str:
        if not _identifies(match):
            return match[0]
        masks.append(NUMBER)
        return MARKS[NUMBER]

    return _SEQUENCE.sub(judge, text)


def is_date(digits: str) -> bool:
    """Tell whether 8 digits are a day from 1990 to 2099 as YYYYMMDD."""
    if len(digits) != 8 or not _DATE.match(digits):
        return False
    return int(digits[6:]) <= monthrange(int(digits[:4]), int(digits[4:6]))[1]


def _identifies(match: re.Match[str]) -> bool:
    if not all(map(is_date, _LONG_RUN.findall(match[0]))):
        return True
    sequence = match["sequence"]
    groups = _RUN.findall(sequence)
    if len(groups) == 1:
        return False
    if len(groups) > _MAX_GROUPS:
        return True
    rest = _drop_dates(groups)
    if sum(map(len, rest)) < MIN_NUMBER_DIGITS:
        return False
    # A prefix as in 0170, 00 49 or +49 tells a phone whatever follows; a plus may be a space too.
    if rest[0].startswith("00") or (rest[0][0] == "0" and len(rest[0]) > 2):
        return True
    if match["prefix"].startswith(_PLUS) and not _YEAR.match(groups[0]):
        return True
    if sum(map(len, filter(_counts, rest))) < MIN_NUMBER_DIGITS:
        return False
    return _is_phone_shaped(rest, dotted="." in sequence)


def _is_phone_shaped(groups: list[str], *, dotted: bool) -> bool:
    lengths = [len(group) for group in groups]
    if max(lengths) == 2:
        return len(groups) == 5 and groups[0][0] == "0"  # France: 01 23 45 67 89
    if dotted:
        return lengths in _DOTTED_PHONES
    return 1 not in lengths[1:]  # as in 10-0-19041-1234, a version


def _counts(group: str) -> bool:
    """Tell whether a group may be part of a number: 1914-1918 and 10000-20000 are ranges."""
    return not (_YEAR.match(group) or group.endswith("00"))


def _drop_dates(groups: list[str]) -> list[str]:
    kept: list[str] = []
    index = 0
    while index < len(groups):
        if _is_date_of(groups[index : index + 3]):
            index += 3
            continue
        if not is_date(groups[index]):
            kept.append(groups[index])
        index += 1
    return kept


def _is_date_of(groups: list[str]) -> bool:
    """Tell whether three groups are a date with its year first, or last."""
    lengths = [len(group) for group in groups]
    if lengths == [4, 2, 2]:
        return is_date("".join(groups))
    if lengths == [2, 2, 4]:
        first, second, year = groups
        return is_date(year + second + first) or is_date(year + first + second)
    return False
