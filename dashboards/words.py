"""What readers see, in their language: sentences, numbers, dates and names.

English sentences are the keys; `catalogues/LANGUAGE.po` holds the others. Numbers, dates and names
of countries and languages are CLDR's, by Babel.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from importlib import resources
from io import BytesIO

from babel import Locale, dates, numbers
from babel.lists import format_list
from babel.messages.pofile import read_po
from starlette.requests import Request

LANGUAGES = {"en": "English", "zh": "中文"}
"""What readers can choose, by ISO 639 tag, each named in itself."""

COOKIE = "language"
PARAMETER = "lang"

_LOCALES = {"en": "en", "zh": "zh_CN"}


def language_of(request: Request) -> str:
    """Tell a reader's language: by the address, else by their choice, else by their browser.

    Accept-Language (RFC 9110 section 12.5.4) is read in its order, its weights left aside:
    browsers write the one wanted most first.
    """
    return next((tag for tag in _wanted(request) if tag in LANGUAGES), "en")


def _wanted(request: Request) -> Iterator[str]:
    yield request.query_params.get(PARAMETER, "")
    yield request.cookies.get(COOKIE, "")
    for part in request.headers.get("accept-language", "")[:200].split(","):
        yield part.split(";")[0].strip().split("-")[0].lower()


def message(text: str) -> str:
    """Mark a sentence that is written where no reader is known yet; returns it as it is."""
    return text


_PAIR = message("{name}: {value}")
_BETWEEN = message("; ")


class Words:
    """Writes for one language."""

    def __init__(self, language: str) -> None:
        """Take a language of `LANGUAGES`."""
        self.language = language
        self._locale = Locale.parse(_LOCALES[language])
        self._sentences = {} if language == "en" else _read_sentences(language)

    def __call__(self, text: str, /, **values: object) -> str:
        """Return a sentence, with the values put in where it has ``{name}``."""
        found = self._sentences.get(text) or text
        return found.format(**values) if values else found

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Return the sentence for one thing or for several; ``{count}`` is the number written."""
        text = one if number == 1 else many
        return self(text, count=self.number(number), **values)

    def pair(self, name: str, value: str) -> str:
        """Write what something is and how much of it there is."""
        return self(_PAIR, name=name, value=value)

    def listed(self, texts: Iterable[str]) -> str:
        """Write texts that hold commas of their own after each other."""
        return self(_BETWEEN).join(texts)

    def number(self, number: float) -> str:
        """Write a whole number with its thousands set apart."""
        return numbers.format_decimal(round(number), locale=self._locale)

    def decimal(self, number: float, digits: int = 1) -> str:
        """Write a number with that many digits at most after the point."""
        return numbers.format_decimal(
            round(number, digits), format=f"#,##0.{'#' * digits}", locale=self._locale
        )

    def compact(self, number: float) -> str:
        """Write a number for an axis, such as ``12K`` or ``1.2万``."""
        return numbers.format_compact_decimal(number, fraction_digits=1, locale=self._locale)

    def share(self, share: float, digits: int = 0) -> str:
        """Write a share of 0 to 1 in percent."""
        pattern = f"#,##0.{'#' * digits}%" if digits else "#,##0%"
        return numbers.format_percent(share, format=pattern, locale=self._locale)

    def day(self, day: date) -> str:
        """Write a day with its weekday, such as ``Sun, Nov 22, 2026``."""
        return str(dates.format_skeleton("yMMMEd", day, locale=self._locale))

    def short_day(self, day: date) -> str:
        """Write a day without its year, such as ``Nov 22``."""
        return str(dates.format_skeleton("MMMd", day, locale=self._locale))

    def days(self, first: date, last: date) -> str:
        """Write a range of days as short as it can be read."""
        if first == last:
            return self.day(first)
        return str(dates.format_interval(first, last, "yMMMd", locale=self._locale))

    def month(self, month: date) -> str:
        """Write a month with its year, such as ``November 2026``."""
        return str(dates.format_skeleton("yMMMM", month, locale=self._locale))

    def short_month(self, month: date) -> str:
        """Write a month for an axis, such as ``Nov 2026``."""
        return str(dates.format_skeleton("yMMM", month, locale=self._locale))

    def moment(self, moment: datetime) -> str:
        """Write a day and the time to the minute, on the clock that `moment` is of."""
        return f"{self.day(moment.date())} {moment:%H:%M}"

    def country(self, code: str) -> str | None:
        """Return the name of a country by its ISO 3166-1 code; None of what is none."""
        return self._locale.territories.get(code)

    def language_name(self, tag: str) -> str | None:
        """Return the name of a language by its ISO 639 tag; None of what is none."""
        return self._locale.languages.get(tag)

    def countries(self) -> list[str]:
        """Return the ISO 3166-1 codes that have a name."""
        codes = map(str, self._locale.territories)
        return [code for code in codes if len(code) == 2 and code.isalpha()]

    def tags(self) -> list[str]:
        """Return the ISO 639 tags that have a name."""
        return list(map(str, self._locale.languages))

    def together(self, texts: Sequence[str]) -> str:
        """Write several things that go together."""
        return format_list(texts, locale=self._locale)

    def either(self, texts: Sequence[str]) -> str:
        """Write several things of which any will do."""
        return format_list(texts, style="or", locale=self._locale)


@cache
def words_in(language: str) -> Words:
    """Return the words of a language of `LANGUAGES`; its catalogue is read once."""
    return Words(language)


def _read_sentences(language: str) -> dict[str, str]:
    path = resources.files("dashboards").joinpath("catalogues", f"{language}.po")
    catalogue = read_po(BytesIO(path.read_bytes()), locale=_LOCALES[language])
    return {
        str(each.id): str(each.string)
        for each in catalogue
        if each.id and each.string and not each.fuzzy
    }
