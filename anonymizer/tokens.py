"""Hashes, keys and random ids, told apart from the words of a slug.

Text comes in; long hex becomes ``:hex`` (32 digits of it ``:uuid``) and what looks drawn at
random ``:token``.
"""

import re

from anonymizer.digits import is_date
from anonymizer.masks import HEX, MARKS, TOKEN, UUID

MIN_TOKEN_CHARACTERS = 16
"""A shorter token stays: model numbers and video ids look the same."""

LONG_TOKEN_CHARACTERS = 22
"""From here on one odd word is enough: 128 bits in base64url, as in short UUIDs and nanoids."""

_PIECE = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{16,}+")
_WORD = re.compile(r"[A-Za-z0-9]+")
_LETTERS = r"(?:[A-Z]?[a-z]++|[A-Z]++)"


# Letters in a case that people write, with one number in, before or behind them: 120x120, 256gb,
# RTX4090, release2024.
def _mixed(most_digits: int) -> str:
    return (
        rf"(?:(?:[A-Z]?[a-z]{{1,11}}+|[A-Z]{{1,12}}+)\d{{1,{most_digits}}}+(?:[a-z]{{0,4}}+|[A-Z]{{0,4}}+)"
        rf"|\d{{1,{most_digits}}}+(?:[A-Z]?[a-z]{{1,6}}+|[A-Z]{{1,6}}+)\d{{0,4}}+"
        r"|[a-z]++\d{1,4}+|[a-z]++(?:19|20)\d\d[a-z]*+)"
    )


_MIXED_WORD = re.compile(rf"{_mixed(7)}\Z")
# Five letters of such words hardly stand between two separators of a random token.
_SLUG_WORDS = re.compile(
    rf"(?<![A-Za-z0-9]){_LETTERS}(?:[-_]+{_LETTERS}(?![A-Za-z0-9]))*+(?![A-Za-z0-9])"
)
_MIN_SLUG_LETTERS = 5
# So many beside a token four times as long may be the token's own: 1 in 150 has such.
_MAX_CHANCE_LETTERS = 8
# The words of nearly all slugs, told in one go. Of hex they hold what _SCATTERED_DIGITS doesn't.
_ORDINARY_WORD = rf"(?:{_LETTERS}|\d++|{_mixed(4)})(?![A-Za-z0-9])"
_ORDINARY = re.compile(rf"(?:[-_]++|{_ORDINARY_WORD})*+\Z")
_UNUSUAL_WORD = re.compile(rf"(?<![A-Za-z0-9])(?!{_ORDINARY_WORD})[A-Za-z0-9]++")
_CAMEL_CASE = re.compile(r"[a-z]{0,20}+(?:[A-Z][a-z]++)+[A-Z]{0,5}+\Z")
# With a one-letter word or an abbreviation: AVeryLongTitle, PHPAndMySQLTutorial.
_LOOSE_CAMEL_CASE = re.compile(r"[a-z]{0,20}+(?:[A-Z]{1,5}[a-z]++)+[A-Z]{0,5}+\Z")
_WITH_DATE = re.compile(r"[A-Za-z]{0,12}+(\d{8})(?:T\d{4,6}Z?|[A-Za-z]{0,12}+)\Z")
_HEX = re.compile(r"[0-9A-Fa-f]{16,}\Z")
# So that facade and accede, and a year behind them, stay words.
_SCATTERED_DIGITS = re.compile(r"[A-Fa-f]*+\d(?:\d{4}|\d*+[A-Fa-f]++\d)")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def mask_tokens(text: str, masks: list[str]) -> str:
    """Return `text` with hex and random words masked, and append their kinds to `masks`.

    A slug's words stay beside a masked one, as in ``reset-password-:token``, unless they may be
    the token's own.
    """
    if len(text) < MIN_TOKEN_CHARACTERS:
        return text
    return _PIECE.sub(lambda piece: _mask_piece(piece[0], masks), text)


def _mask_piece(piece: str, masks: list[str]) -> str:
    """Judge what stands between the slug's words, as base64url has separators of its own."""
    if _ORDINARY.match(piece):
        return piece
    parts = _split_at_slug(piece)
    tokens = [index for index in range(0, len(parts), 2) if _is_token(parts[index])]
    if not tokens:
        return _mask_hex_words(piece, masks)
    slug_letters = sum(map(_count_letters, parts[1::2]))
    if slug_letters <= _MAX_CHANCE_LETTERS and slug_letters * 4 <= len(piece):
        parts, tokens = [piece], [0]
    for index in range(0, len(parts), 2):
        chunk = parts[index]
        # Beside a token, less tells that a chunk is more of it.
        if index in tokens or any(map(_is_odd, _UNUSUAL_WORD.findall(chunk))):
            masks.append(TOKEN)
            parts[index] = chunk.replace(chunk.strip("-_"), MARKS[TOKEN])
    return "".join(parts)


def _split_at_slug(piece: str) -> list[str]:
    """Return chunk, slug's words, chunk and so on, chunk last; joined they are the piece."""
    parts: list[str] = []
    start = 0
    for words in _SLUG_WORDS.finditer(piece):
        if _count_letters(words[0]) >= _MIN_SLUG_LETTERS:
            parts += piece[start : words.start()], words[0]
            start = words.end()
    return [*parts, piece[start:]]


def _is_token(chunk: str) -> bool:
    length = len(chunk.strip("-_"))
    if length < MIN_TOKEN_CHARACTERS:
        return False
    unusual = _UNUSUAL_WORD.findall(chunk)
    if length >= LONG_TOKEN_CHARACTERS:
        return any(map(_is_odd, unusual))
    odd = [word for word in unusual if _is_odd(word)]
    if not odd or any(map(_is_dense, odd)):
        return bool(odd)
    return _is_dense(chunk) and all(len(word) < 3 or word in odd for word in _WORD.findall(chunk))


def _is_dense(text: str) -> bool:
    """Tell whether case or digits change about every third character, as in what is random."""
    return len(text) >= MIN_TOKEN_CHARACTERS and len(_PART.findall(text)) * 3 >= len(text)


def _count_letters(words: str) -> int:
    return sum(map(str.isalpha, words))


def _is_odd(word: str) -> bool:
    """Tell whether a word, already known as unusual, is written as people don't."""
    if word.isdigit() or _is_hex(word):
        return False
    if word.isalpha():
        return not (
            _CAMEL_CASE.match(word) or (_LOOSE_CAMEL_CASE.match(word) and not _is_dense(word))
        )
    if _MIXED_WORD.match(word):
        return False
    dated = _WITH_DATE.match(word)
    return not (dated and is_date(dated[1]))


def _is_hex(word: str) -> bool:
    return bool(_HEX.match(word) and not word.isdigit() and _SCATTERED_DIGITS.match(word))


def _mask_hex_words(text: str, masks: list[str]) -> str:
    def mask(word: re.Match[str]) -> str:
        if not _is_hex(word[0]):
            return word[0]
        kind = UUID if len(word[0]) == 32 else HEX
        masks.append(kind)
        return MARKS[kind]

    return _WORD.sub(mask, text)
