import pytest

from anonymizer.hits import DIRECT, UNKNOWN, DropReason
from dashboards import labels


@pytest.mark.parametrize(
    ("code", "name"),
    [
        pytest.param("DE", "Germany", id="Germany"),
        pytest.param("CI", "Côte d’Ivoire", id="beyond ASCII"),
        pytest.param("XX", "XX", id="no country"),
        pytest.param(UNKNOWN, "Unknown", id="unknown"),
        pytest.param("(other)", "Other small groups", id="other"),
    ],
)
def test_country_is_named_in_english(code: str, name: str) -> None:
    assert labels.country(code) == name


def test_words_in_brackets_are_readable() -> None:
    assert labels.plain(DIRECT) == "Direct"
    assert labels.plain(UNKNOWN) == "Unknown"
    assert labels.plain("") == "Not named"


def test_page_that_looks_like_a_word_stays_itself() -> None:
    assert labels.plain("/(direct)") == "/(direct)"


@pytest.mark.parametrize("reason", list(DropReason), ids=str)
def test_every_drop_reason_has_words(reason: DropReason) -> None:
    assert reason.value in labels._REASONS
    assert "_" not in labels.reason(reason)


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        pytest.param("de", "German", id="known"),
        pytest.param("tlh", "tlh", id="unlisted"),
        pytest.param(UNKNOWN, "Unknown", id="untold"),
    ],
)
def test_language_is_named_in_english(tag: str, name: str) -> None:
    assert labels.language(tag) == name
