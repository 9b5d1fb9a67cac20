"""An event's properties: declared ones become one of few words, nothing else goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.events import (
    MAX_ADDRESS_CHARACTERS,
    MAX_TEXT_VALUE_CHARACTERS,
    MOST_IN_A_CELL,
    read_activity,
    read_properties,
    step_of,
)
from anonymizer.hits import OTHER, Scalar
from anonymizer.policy import Event, Property

SIGNUP = Event(
    "signup",
    (
        Property("plan", values=("free", "pro", "2", "true")),
        Property("member", values=("false", "no")),
        Property("amount", steps=(10, 100, 1000)),
        Property("query", text=True),
    ),
)
MAP = Event(
    "map",
    (Property("depth", reached=(25, 50, 75, 100)), Property("touched", grid=(4, 3))),
)
CANARY = "kanarienvogel"


def read(**properties: Scalar) -> tuple[tuple[str, str], ...]:
    return read_properties(SIGNUP, tuple(properties.items()))[0]


@pytest.mark.parametrize(
    ("value", "word"),
    [
        pytest.param("pro", "pro", id="declared"),
        pytest.param("Pro", OTHER, id="another case"),
        pytest.param("enterprise", OTHER, id="not declared"),
        pytest.param("", OTHER, id="empty"),
        pytest.param(2, "2", id="number as JSON writes it"),
        pytest.param(2.0, OTHER, id="number written otherwise"),
        pytest.param(True, "true", id="switch as JSON writes it"),
        pytest.param(False, OTHER, id="the other switch"),
    ],
)
def test_value_is_a_declared_one_or_other(value: Scalar, word: str) -> None:
    assert read(plan=value) == (("plan", word),)


def test_switch_that_is_off_is_the_word_false() -> None:
    assert read(member=False) == (("member", "false"),)
    assert read(member=True) == (("member", OTHER),)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        pytest.param(9.99, "<10", id="below the first"),
        pytest.param(-3, "<10", id="negative"),
        pytest.param(10, "10–99", id="on a bound"),
        pytest.param(99, "10–99", id="last of a step"),
        pytest.param(99.99, "10–99", id="between two steps"),
        pytest.param(100, "100–999", id="on the next bound"),
        pytest.param(10**30, "≥1000", id="enormous"),
        pytest.param(10**400, "≥1000", id="beyond every fraction"),
        pytest.param("99", "10–99", id="text of a number"),
        pytest.param("-1.5", "<10", id="text of a fraction"),
    ],
)  # fmt: skip
def test_number_is_the_step_it_lies_in(value: Scalar, word: str) -> None:
    assert read(amount=value) == (("amount", word),)


@pytest.mark.parametrize(
    ("steps", "number", "word"),
    [
        ((3,), 3, "≥3"),
        ((3,), 2, "<3"),
        ((1, 2, 5), 1, "1"),
        ((1, 2, 5), 4, "2–4"),
        ((0,), -1, "<0"),
    ],
)
def test_step_of_one_number_is_that_number(steps: tuple[int, ...], number: int, word: str) -> None:
    assert step_of(number, steps) == word


@pytest.mark.parametrize(
    "value",
    [
        *(True, False, "", " ", "ten", "1e3", "0x10", "1" * 16, "nan", "inf", "12 "),
        pytest.param("١٢", id="Arabic digits"),
        *(float("inf"), float("-inf"), float("nan")),
    ],
    ids=repr,
)
def test_what_is_no_number_is_left_out_of_steps(value: Scalar) -> None:
    assert read(amount=value) == ()


@pytest.mark.parametrize("value", [3, 4.5, True])
def test_what_is_no_text_is_left_out_of_text(value: Scalar) -> None:
    assert read(query=value) == ()


@pytest.mark.parametrize(
    ("value", "word", "kinds"),
    [
        pytest.param("red shoes", "red shoes", (), id="innocent"),
        pytest.param(" red \n shoes ", "red shoes", (), id="white space"),
        pytest.param("ask ada@mail.example now", "ask :email now", ("email",), id="e-mail"),
        pytest.param("call 0176 12345678", "call :number", ("number",), id="phone"),
        pytest.param("x" * 30 + " " + "word " * 30, ..., None, id="long"),
        pytest.param("\x00\u200b", None, (), id="nothing left"),
    ],
)
def test_text_is_scrubbed_and_short(value: str, word: object, kinds: object) -> None:
    properties, masks = read_properties(SIGNUP, (("query", value),))

    if word is None:
        assert properties == ()
    elif word is not ...:
        assert properties == (("query", word),)
    assert all(len(text) <= MAX_TEXT_VALUE_CHARACTERS for _, text in properties)
    assert kinds is None or masks == kinds


def test_properties_come_in_the_order_of_their_declaration() -> None:
    assert [name for name, _ in read(query="a", amount=1, plan="pro")] == [
        *("plan", "amount", "query")
    ]


NAMES = st.sampled_from(["plan", "amount", "query"]) | st.text(max_size=20)
VALUES = st.text(max_size=80) | st.integers() | st.floats() | st.booleans() | st.just(CANARY)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=10))
def test_only_declared_names_and_words_come_out(given_: list[tuple[str, Scalar]]) -> None:
    properties, _ = read_properties(SIGNUP, tuple(given_))

    words = dict(properties)
    assert words.keys() <= {"plan", "amount", "query"}
    assert words.get("plan", OTHER) in {"free", "pro", "2", "true", OTHER}
    assert words.get("amount", "<10") in {"<10", "10–99", "100–999", "≥1000"}
    assert len(words.get("query", "")) <= MAX_ADDRESS_CHARACTERS


@given(st.lists(st.tuples(st.text(max_size=20).filter(lambda name: name != "plan"), VALUES)))
def test_undeclared_properties_change_nothing(given_: list[tuple[str, Scalar]]) -> None:
    only = Event("only", SIGNUP.properties[:1])

    assert read_properties(only, (*given_, ("plan", "pro"))) == ((("plan", "pro"),), ())


@pytest.mark.parametrize(
    ("value", "word"),
    [
        pytest.param("https://a.example/b/c.pdf?token=x", "a.example/b/c.pdf", id="query"),
        pytest.param("a.example/b?x=1#top", "a.example/b", id="without a scheme"),
        pytest.param("//a.example/b#top", "a.example/b", id="fragment"),
        pytest.param("/b/report.pdf?ada", "/b/report.pdf", id="path"),
        pytest.param("report.pdf?ada", "report.pdf", id="file"),
        pytest.param("  https://a.example/b?x \n", "a.example/b", id="spaces around"),
        pytest.param("https://a.example/b?to=a b", "a.example/b", id="space in the query"),
        pytest.param("HTTPS://a.example/B", "a.example/B", id="scheme in capitals"),
        pytest.param("https://a.example/u/ada@mail.example", ":email", id="identifier in the path"),
        pytest.param("what is this?", "what is this?", id="question"),
        pytest.param("C# or F#?", "C# or F#?", id="languages"),
        pytest.param("really?", "really?", id="one word"),
        pytest.param("either/or, which?", "either/or, which?", id="slash in a question"),
    ],
)
def test_address_loses_its_query_and_a_question_does_not(value: str, word: str) -> None:
    assert read(query=value) == (("query", word),)


def test_address_may_be_longer_than_other_texts() -> None:
    folder = "https://a.example/" + "some-folder/" * 8 + "report.pdf"

    assert read(query=folder) == (("query", folder.removeprefix("https://")),)
    assert len(read(query="a.example/" + "b/" * 400)[0][1]) <= MAX_ADDRESS_CHARACTERS
    assert len(read(query="some folder " * 20)[0][1]) <= MAX_TEXT_VALUE_CHARACTERS


@pytest.mark.parametrize(
    ("value", "reached"),
    [
        pytest.param(0, [], id="none"),
        pytest.param(24.9, [], id="below the first"),
        pytest.param(25, ["25"], id="the first"),
        pytest.param(80, ["25", "50", "75"], id="each that it passed"),
        pytest.param("100", ["25", "50", "75", "100"], id="text of a number"),
        pytest.param(10**9, ["25", "50", "75", "100"], id="enormous"),
        pytest.param(10**400, ["25", "50", "75", "100"], id="beyond every fraction"),
        pytest.param(-1, [], id="negative"),
        pytest.param(True, [], id="switch"),
        pytest.param(float("nan"), [], id="not a number"),
        pytest.param(CANARY, [], id="text"),
    ],
)
def test_number_reaches_every_bound_up_to_it(value: Scalar, reached: list[str]) -> None:
    bounds, cells = read_activity(MAP, (("depth", value),))

    assert bounds == tuple(("depth", bound) for bound in reached)
    assert cells == ()


@pytest.mark.parametrize(
    ("value", "cells"),
    [
        pytest.param("3.2*12 0.1", {"3.2": 12, "0.1": 1}, id="two cells"),
        pytest.param("0.0 0.0*2", {"0.0": 3}, id="one cell twice"),
        pytest.param("03.01", {"3.1": 1}, id="zeros before"),
        pytest.param("1.1*99 1.1*99", {"1.1": MOST_IN_A_CELL}, id="too often"),
        pytest.param("1.1*9999", {"1.1": MOST_IN_A_CELL}, id="far too often"),
        pytest.param("4.0 0.3 1.1", {"1.1": 1}, id="beyond the edges"),
        pytest.param("1.1*0 -1.1 1.1*-4 1.1*99999", {}, id="no number"),
        pytest.param(f"{CANARY} 1,1 1.1.1 2.2", {"2.2": 1}, id="faulty pieces"),
        pytest.param("١.١", {}, id="Arabic digits"),
        pytest.param("0.0*99 " + " " * 145 + "1.1*10", {"0.0": 99}, id="cell that is cut"),
        pytest.param("0.0*99 " + " " * 140 + "1.1*10", {"0.0": 99, "1.1": 10}, id="last in time"),
        pytest.param("", {}, id="empty"),
        pytest.param(1.1, {}, id="number"),
        pytest.param(True, {}, id="switch"),
    ],
)
def test_grid_is_read_cell_by_cell(value: Scalar, cells: dict[str, int]) -> None:
    bounds, found = read_activity(MAP, (("touched", value),))

    assert found == tuple(("touched", cell, number) for cell, number in cells.items())
    assert bounds == ()
    assert read_properties(MAP, (("touched", value), ("depth", 50))) == ((), ())


@given(st.text(max_size=200) | st.from_regex(r"([0-9]\.[0-9]\*[0-9]{1,3} ){0,40}", fullmatch=True))
def test_grid_never_has_more_than_its_cells_however_it_is_written(value: str) -> None:
    _, cells = read_activity(MAP, (("touched", value),))

    assert len(cells) == len({cell for _, cell, _ in cells}) <= 12
    assert all(1 <= number <= MOST_IN_A_CELL for _, _, number in cells)
