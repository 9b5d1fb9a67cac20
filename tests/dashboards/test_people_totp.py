"""Codes by time, held to the vectors of RFC 6238, appendix B, and RFC 4226, appendix D."""

import base64
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from people.totp import STEP_SECONDS, code_at, enrolment_uri, find_step, in_letters

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_code_is_that_of_rfc_6238(second: int, code: str) -> None:
    assert code_at(SECRET, second // STEP_SECONDS, digits=8) == code


@pytest.mark.parametrize(("counter", "code"), [(0, "755224"), (1, "287082"), (9, "520489")])
def test_code_is_that_of_rfc_4226(counter: int, code: str) -> None:
    assert code_at(SECRET, counter) == code


@pytest.mark.parametrize(
    ("second", "found"),
    [
        pytest.param(1000 * 30, 1000, id="first second"),
        pytest.param(1000 * 30 + 29, 1000, id="last second"),
        pytest.param(999 * 30, 1000, id="phone a step ahead"),
        pytest.param(1001 * 30 + 29, 1000, id="phone a step behind"),
        pytest.param(998 * 30 + 29, None, id="two steps ahead"),
        pytest.param(1002 * 30, None, id="expired"),
    ],
)
def test_code_is_valid_one_step_either_way(second: int, found: int | None) -> None:
    assert find_step(SECRET, code_at(SECRET, 1000), second) == found


@pytest.mark.parametrize("code", ["", "0", "é", "٠٠٠٠٠٠", "0" * 500])
def test_what_is_no_code_is_of_no_step(code: str) -> None:
    assert find_step(SECRET, code, 59) is None


def test_uri_gives_back_name_and_secret() -> None:
    parts = urlsplit(enrolment_uri(SECRET, "ana+1@example.org"))
    values = parse_qs(parts.query)

    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Discreet:ana+1@example.org"
    assert base64.b32decode(values["secret"][0]) == SECRET
    assert values["secret"] == [in_letters(SECRET)]
    assert values["issuer"] == ["Discreet"]
