from datetime import UTC, datetime, timedelta

from dashboards.logins.throttle import MAX_FAILURES, MAX_NAMES, WINDOW, Throttle

NOW = datetime(2025, 11, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def failing(name: str, times: int, start: datetime = NOW) -> Throttle:
    throttle = Throttle()
    for number in range(times):
        throttle.failed(name, start + number * SECOND)
    return throttle


def test_name_waits_after_its_last_allowed_failure() -> None:
    now = NOW + MAX_FAILURES * SECOND

    assert failing("owner", MAX_FAILURES - 1).wait_seconds("owner", now) == 0
    assert failing("owner", MAX_FAILURES).wait_seconds("owner", now) == 300 - MAX_FAILURES


def test_other_name_need_not_wait() -> None:
    assert failing("owner", MAX_FAILURES).wait_seconds("other", NOW) == 0


def test_wait_ends_when_the_oldest_failure_is_past() -> None:
    throttle = failing("owner", MAX_FAILURES)

    assert throttle.wait_seconds("owner", NOW + WINDOW - SECOND) == 1
    assert throttle.wait_seconds("owner", NOW + WINDOW) == 0


def test_failures_far_apart_never_wait() -> None:
    throttle = Throttle()
    for number in range(20):
        now = NOW + number * timedelta(minutes=2)
        assert throttle.wait_seconds("owner", now) == 0
        throttle.failed("owner", now)


def test_login_that_passed_starts_afresh() -> None:
    throttle = failing("owner", MAX_FAILURES)

    throttle.passed("owner")

    assert throttle.wait_seconds("owner", NOW) == 0


def test_memory_is_bounded_by_names() -> None:
    throttle = failing("owner", MAX_FAILURES)
    for number in range(MAX_NAMES):
        throttle.failed(f"name {number}", NOW + MAX_FAILURES * SECOND)

    assert len(throttle._failures) == MAX_NAMES
    assert "owner" not in throttle._failures
