import pytest

from anonymizer.campaigns import MAX_CAMPAIGN_CHARACTERS, PAID_CLICK_PARAMETERS, read_query
from anonymizer.hits import Campaign
from anonymizer.policy import Dimension

PARAMETERS = {
    Dimension.CAMPAIGN: "utm_campaign",
    Dimension.CAMPAIGN_SOURCE: "utm_source",
    Dimension.CAMPAIGN_MEDIUM: "utm_medium",
    Dimension.CAMPAIGN_CONTENT: "utm_content",
    Dimension.CAMPAIGN_TERM: "utm_term",
}


def campaign(query: str) -> Campaign:
    return read_query(query, PARAMETERS)[0]


def is_paid(query: str) -> bool:
    return read_query(query, PARAMETERS)[1]


def test_declared_parameters_make_the_campaign() -> None:
    query = "utm_source=News&utm_medium=email&utm_campaign=spring&utm_content=top&utm_term=shoes"
    assert campaign(f"id=7&{query}&token=abc") == Campaign(
        name="spring", source="News", medium="email", content="top", term="shoes"
    )


def test_undeclared_parameter_is_not_read() -> None:
    read, _ = read_query("utm_source=a&src=b&utm_term=c", {Dimension.CAMPAIGN_SOURCE: "src"})
    assert read == Campaign(source="b")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("summer_sale-2024.v2", "summer_sale-2024.v2", id="plain"),
        pytest.param("spring", "spring", id="word"),
        pytest.param("2024-05-17", "2024-05-17", id="date"),
        pytest.param("Summer+Sale", "Summer Sale", id="plus is a space"),
        pytest.param("a%2Bb", "a+b", id="escaped plus"),
        pytest.param("Fr%C3%BChling", "Frühling", id="umlaut"),
        pytest.param("%E0%A4%B9%E0%A4%BF%E0%A4%A8%E0%A5%8D%E0%A4%A6%E0%A5%80", "हिन्दी", id="marks"),
        pytest.param("<b>x</b>", "bxb", id="markup"),
        pytest.param("a%0Ab%00c", "a bc", id="control characters"),
        pytest.param("%FF", "", id="no UTF-8"),
        pytest.param("%", "", id="lone percent"),
        pytest.param("a" * 100, "a" * MAX_CAMPAIGN_CHARACTERS, id="long"),
        pytest.param("a" * 59 + "+b", "a" * 59, id="cut before a space"),
        pytest.param("a-" * 2000, "", id="very long"),
        pytest.param("%E8%B7%91" * 60, "跑" * 60, id="as long as Chinese may be"),
        pytest.param("a=b", "ab", id="equals sign"),
        pytest.param("john%40mail.example", ":email", id="e-mail"),
        pytest.param("john%2540mail.example", ":email", id="twice escaped e-mail"),
        pytest.param("john@mail.example", ":email", id="plain e-mail"),
        pytest.param("for+john%40mail.example", "for :email", id="e-mail within"),
        pytest.param("0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4", ":uuid", id="UUID"),
        pytest.param("spring-12345678", "spring-:number", id="number"),
        pytest.param("1234/5678", ":number", id="number in two parts"),
        pytest.param("1234567", "1234567", id="short number"),
        pytest.param("+49+170+1234567", ":number", id="phone"),
        pytest.param("d41d8cd98f00b204", ":hex", id="hex"),
        pytest.param("dGhpcyBpcyBhIHRva2VuMTIz", ":token", id="token"),
        pytest.param("192.0.2.77", ":address", id="address"),
        pytest.param("", "", id="empty"),
    ],
)
def test_campaign_value_keeps_words_and_masks_identifiers(value: str, expected: str) -> None:
    assert campaign(f"utm_campaign={value}").name == expected


def test_first_of_a_repeated_parameter_counts() -> None:
    assert campaign("utm_source=&utm_source=a&utm_source=b").source == "a"


def test_name_may_be_escaped() -> None:
    assert campaign("utm%5Fsource=news").source == "news"


@pytest.mark.parametrize("name", sorted(PAID_CLICK_PARAMETERS))
def test_click_id_of_an_advertisement_tells_a_paid_click(name: str) -> None:
    assert is_paid(f"a=b&{name}=EAIaIQobChMI")


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("fbclid=IwAR2", id="any link out of Facebook"),
        pytest.param("igshid=a", id="shared from Instagram"),
        pytest.param("ysclid=a", id="Yandex's results"),
        pytest.param("srsltid=a", id="Google's free listings"),
        pytest.param("gclid", id="name alone"),
        pytest.param("gclid=", id="no id"),
        pytest.param("utm_source=gclid", id="as a value"),
        pytest.param("notgclid=a", id="longer name"),
    ],
)
def test_other_parameters_tell_no_paid_click(query: str) -> None:
    assert not is_paid(query)
