"""What was read lately is remembered, within a bound."""

import pytest

from anonymizer.recent import Recent


@pytest.mark.parametrize("size", [2, 3, 5, 8, 100])
def test_memory_is_bounded_and_holds_half_of_it_at_least(size: int) -> None:
    recent: Recent[int] = Recent(size)
    for number in range(3 * size):
        recent.keep(str(number), number)
        assert len(recent) <= size
        latest = range(max(0, number - size // 2 + 1), number + 1)
        assert [recent.get(str(n)) for n in latest] == list(latest)


def test_value_is_that_of_its_text() -> None:
    recent: Recent[str] = Recent(4)
    assert recent.get("a") is None
    assert recent.keep("a", "first") == "first"
    assert recent.keep("b", "second") == "second"
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == ("first", "second", None)


def test_what_is_asked_for_stays() -> None:
    recent: Recent[int] = Recent(4)
    recent.keep("often", 0)
    for number in range(20):
        recent.keep(str(number), number)
        assert recent.get("often") == 0
