"""Which digits single somebody out, down to the last group; whole texts are in test_scrub."""

import pytest

from anonymizer.digits import is_date, mask_numbers
from anonymizer.masks import MARKS, NUMBER


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("20240131", True),
        ("20240430", True),
        ("20240431", False),
        ("20240229", True),
        ("20220229", False),
        ("20240230", False),
        ("19900101", True),
        ("20991231", True),
        ("2024013", False),
        ("202401311", False),
        ("", False),
    ],
)
def test_date_is_a_day_that_was_or_will_be(digits: str, expected: bool) -> None:
    assert is_date(digits) is expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("98765-432", id="eight digits in groups"),
        pytest.param("0170-1234", id="eight digits with a trunk prefix"),
        pytest.param("030.1234.5678", id="trunk prefix and dots"),
        pytest.param("00.49.30.123456", id="foreign prefix and dots"),
        pytest.param("+49.1999.123456", id="plus, and a year behind it"),
        pytest.param("555-123-456", id="no group longer than three"),
        pytest.param("-".join("1" * 17), id="more groups than are looked into"),
    ],
)
def test_digits_in_groups_are_a_number(text: str) -> None:
    masks: list[str] = []

    assert mask_numbers(text, masks) == MARKS[NUMBER]
    assert masks == [NUMBER]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("98765-43", id="seven digits"),
        pytest.param("05.1234.5678", id="dotted as no phone is"),
        pytest.param("11-22-33-44-55", id="five pairs, the first without a zero"),
        pytest.param("01-23-45-67", id="four pairs"),
        pytest.param("-".join("1" * 16), id="as many groups as are looked into"),
        pytest.param("2024-05-17-1030", id="date with its year first, and a time"),
        pytest.param("17-05-2024-1030", id="date with its day first"),
        pytest.param("05-17-2024-1030", id="date with its month first"),
        pytest.param("2024-05-17-2024-05-18", id="two dates"),
        pytest.param("20240517-20240518-10", id="two dates without separators"),
        pytest.param("+2024.1234.5678", id="plus for a space, then a year"),
    ],
)
def test_digits_of_a_date_or_a_version_are_none(text: str) -> None:
    masks: list[str] = []

    assert mask_numbers(text, masks) == text
    assert masks == []
