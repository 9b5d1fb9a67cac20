"""Bits come in the order they were written, and nothing is read past them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.bits import Bits, Unreadable
from tests.anonymizer.tc_strings import Entry, entries, number, pack

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_each_letter_is_six_bits_in_the_order_of_the_alphabet() -> None:
    bits = Bits(_LETTERS)

    assert [bits.take(6) for _ in _LETTERS] == list(range(64))
    assert bits.left == 0


@given(st.lists(st.integers(0, 2**20 - 1), max_size=40))
def test_fields_come_back_as_written(values: list[int]) -> None:
    bits = Bits(pack("".join(number(value, 20) for value in values)))

    assert [bits.take(20) for _ in values] == values
    bits.end()


def test_zeros_in_front_are_kept() -> None:
    bits = Bits("AAB")

    assert (bits.take(12), bits.left, bits.take(5), bits.flag()) == (0, 6, 0, True)


def test_field_of_no_bits_is_zero() -> None:
    assert Bits("").take(0) == 0


@pytest.mark.parametrize(("segment", "width"), [("", 1), ("A", 7), ("____", 25), ("_", 10**9)])
def test_field_past_the_end_is_unreadable(segment: str, width: int) -> None:
    with pytest.raises(Unreadable, match=r"^ends within a field$"):
        Bits(segment).take(width)


@pytest.mark.parametrize("segment", ["AA==", "A A", "A+A", "A/A", "A.A", "Aé", "A\0", "A\n", "Ａ"])
def test_character_outside_web_safe_base64_is_unreadable(segment: str) -> None:
    with pytest.raises(Unreadable, match=r"^a character outside web-safe base64$"):
        Bits(segment)


@pytest.mark.parametrize("padding", ["", "A", "A" * 40])
def test_zeros_may_follow_the_last_field(padding: str) -> None:
    bits = Bits("g" + padding)
    bits.take(2)

    bits.end()


@pytest.mark.parametrize("rest", ["B", "gA", "AAAAB"])
def test_a_one_after_the_last_field_is_unreadable(rest: str) -> None:
    bits = Bits("A" + rest)
    bits.take(6)

    with pytest.raises(Unreadable, match=r"^goes on after its last field$"):
        bits.end()


LISTS = [
    pytest.param([], [], id="none"),
    pytest.param([(1,)], [1, 1], id="one-id"),
    pytest.param([(3, 9)], [3, 9], id="range"),
    pytest.param([(3,), (5, 9), (65535,)], [3, 3, 5, 9, 65535, 65535], id="mixed"),
    pytest.param([(5, 9), (2,), (7, 8)], [5, 9, 2, 2, 7, 8], id="out-of-order-and-overlapping"),
]


@pytest.mark.parametrize(("listed", "expected"), LISTS)
def test_ranges_come_as_first_and_last(listed: list[Entry], expected: list[int]) -> None:
    bits = Bits(pack(entries(listed) + "101"))

    assert list(bits.ranges(bits.take(12), 65535)) == expected
    assert bits.take(3) == 0b101


BAD_LISTS = [
    pytest.param([(0,)], "an id out of range", id="zero"),
    pytest.param([(0, 5)], "an id out of range", id="from-zero"),
    pytest.param([(41,)], "an id out of range", id="above-the-last"),
    pytest.param([(39, 41)], "an id out of range", id="reaching-above-the-last"),
    pytest.param([(9, 3)], "a range that does not ascend", id="descending"),
    pytest.param([(9, 9)], "a range that does not ascend", id="two-ids-for-one"),
]


@pytest.mark.parametrize(("listed", "reason"), BAD_LISTS)
def test_range_that_no_writer_makes_is_unreadable(listed: list[Entry], reason: str) -> None:
    bits = Bits(pack(entries([(7,), *listed])))

    with pytest.raises(Unreadable, match=f"^{reason}$"):
        bits.ranges(bits.take(12), 40)


def test_ids_up_to_the_last_are_read() -> None:
    bits = Bits(pack(entries([(1,), (39, 40), (40,)])))

    assert list(bits.ranges(bits.take(12), 40)) == [1, 1, 39, 40, 40, 40]


@pytest.mark.parametrize("missing", range(1, 34))
def test_range_cut_short_is_unreadable(missing: int) -> None:
    written = entries([(2,), (3,), (4, 60000)])
    bits = Bits(pack(written[: -missing - 6]))

    with pytest.raises(Unreadable):
        bits.ranges(bits.take(12), 65535)


def test_ranges_may_end_with_the_segment() -> None:
    written = entries([(vendor,) for vendor in range(1, 7)])
    bits = Bits(pack(written))

    assert bits.left == len(written)
    assert list(bits.ranges(bits.take(12), 6))[::2] == [1, 2, 3, 4, 5, 6]
    assert bits.left == 0


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        pytest.param(60, "a range that does not ascend", id="within the second range"),
        pytest.param(66, "ends within a range", id="after the second"),
        pytest.param(72, "ends within a range", id="within the first id of the third"),
        pytest.param(78, "ends within a range", id="later within it"),
        pytest.param(90, "a range that does not ascend", id="within the second id of the third"),
    ],
)
def test_ranges_of_two_ids_each_are_not_read_past_the_end(kept: int, reason: str) -> None:
    bits = Bits(pack(entries([(1, 2), (3, 4), (5, 6)])[: 12 + kept]))

    with pytest.raises(Unreadable, match=f"^{reason}$"):
        bits.ranges(bits.take(12), 65535)


def test_range_that_ends_before_its_second_id_is_unreadable() -> None:
    written = entries([(1,), (2,), (3,), (4,), (5,), (6, 9)])
    bits = Bits(pack(written[:-16]))

    assert bits.left == len(written) - 16
    with pytest.raises(Unreadable, match=r"^a range that does not ascend$"):
        bits.ranges(bits.take(12), 65535)


def test_count_that_the_segment_cannot_hold_is_refused_before_reading() -> None:
    with pytest.raises(Unreadable, match=r"^ends within a range$"):
        Bits("____").ranges(10**12, 65535)
