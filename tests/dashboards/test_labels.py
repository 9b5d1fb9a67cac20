import pytest

from anonymizer.hits import DIRECT, UNKNOWN, Door, DropReason
from anonymizer.machines import MachineKind
from anonymizer.mail_clients import MailKind
from anonymizer.masks import KINDS
from anonymizer.policy import Dimension
from dashboards.asking.filters import Contains, Is, IsNot
from dashboards.reports import labels
from dashboards.reports.labels import word_called, words_named, write_condition, write_word
from dashboards.words import words_in

ENGLISH, CHINESE = words_in("en"), words_in("zh")
D = Dimension


@pytest.mark.parametrize(
    ("dimension", "word", "name"),
    [
        pytest.param(D.COUNTRY, "DE", "Germany", id="country"),
        pytest.param(D.COUNTRY, "CI", "Côte d’Ivoire", id="beyond ASCII"),
        pytest.param(D.COUNTRY, "XX", "XX", id="no country"),
        pytest.param(D.COUNTRY, UNKNOWN, "Unknown", id="unknown"),
        pytest.param(D.COUNTRY, "(other)", "Other small groups", id="other"),
        pytest.param(D.LANGUAGE, "de", "German", id="language"),
        pytest.param(D.LANGUAGE, "tlh", "Klingon", id="language of few"),
        pytest.param(D.LANGUAGE, "x-none", "x-none", id="no language"),
        pytest.param(D.SOURCE, DIRECT, "Direct", id="direct"),
        pytest.param(D.CAMPAIGN, "", "Not named", id="nothing"),
        pytest.param(D.CHANNEL, "ai", "AI assistants", id="channel"),
        pytest.param(D.REASON, "bot", "Bots", id="reason"),
        pytest.param(D.PAGE, "/(direct)", "/(direct)", id="page like a word"),
        pytest.param(D.PAGE, "DE", "DE", id="page like a country"),
        pytest.param(D.SOURCE, "search", "search", id="source like a channel"),
    ],
)
def test_word_is_written_by_its_name(dimension: Dimension, word: str, name: str) -> None:
    assert write_word(ENGLISH, dimension, word) == name


def test_country_is_named_in_the_language_of_the_reader() -> None:
    assert write_word(CHINESE, D.COUNTRY, "DE") == "德国"


@pytest.mark.parametrize(
    ("dimension", "words"),
    [
        pytest.param(D.REASON, list(DropReason), id="reasons"),
        pytest.param(D.DOOR, list(Door), id="doors"),
        pytest.param(D.BOT_KIND, list(MachineKind), id="machines"),
        pytest.param(D.MAIL_KIND, list(MailKind), id="mail programs"),
        pytest.param(D.MASK, list(KINDS), id="masks"),
        pytest.param(D.SCREEN, ["phone", "tablet", "laptop", "desktop"], id="screens"),
    ],
)
def test_every_word_of_a_closed_list_has_a_name(dimension: Dimension, words: list[str]) -> None:
    for word in words:
        name = write_word(ENGLISH, dimension, word)
        assert name != word
        assert "_" not in name


def test_every_dimension_has_a_title() -> None:
    assert labels.DIMENSIONS.keys() == set(Dimension)


@pytest.mark.parametrize(
    ("dimension", "part", "words"),
    [
        pytest.param(D.COUNTRY, "germ", ("DE",), id="country in small letters"),
        pytest.param(D.CHANNEL, "ASSIST", ("ai",), id="channel in capitals"),
        pytest.param(D.PAGE, "unkn", ("(unknown)",), id="what stands for something else"),
        pytest.param(D.PAGE, "germ", (), id="no name of a page"),
    ],
)
def test_words_are_found_by_a_part_of_their_name(
    dimension: Dimension, part: str, words: tuple[str, ...]
) -> None:
    assert words_named(ENGLISH, dimension, part) == words


@pytest.mark.parametrize(
    ("name", "word"),
    [
        pytest.param("germany", "DE", id="name"),
        pytest.param("DE", "DE", id="word"),
        pytest.param("Atlantis", "Atlantis", id="neither"),
    ],
)
def test_word_is_known_by_what_it_is_called(name: str, word: str) -> None:
    assert word_called(ENGLISH, D.COUNTRY, name) == word


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        pytest.param(Is(D.COUNTRY, ("DE",)), "Country is Germany", id="is"),
        pytest.param(
            Is(D.COUNTRY, ("DE", "FR")), "Country is Germany or France", id="one of several"
        ),
        pytest.param(IsNot(D.PAGE, ("/a",)), "Page is not /a", id="is not"),
        pytest.param(Contains(D.PAGE, ("{x}",)), "Page contains {x}", id="braces"),
    ],
)
def test_filter_is_said_in_words(condition: Is | IsNot | Contains, said: str) -> None:
    assert write_condition(ENGLISH, condition) == said
