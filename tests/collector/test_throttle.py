"""The bound on how often something may happen."""

from collector.throttle import Throttle

HERE, THERE = "192.0.2.0/24", "2001:db8::/48"


def test_network_waits_for_the_rest_of_the_window_and_others_do_not() -> None:
    throttle = Throttle(per_network=3, in_total=100)

    assert [throttle.take(HERE, 120 + second) for second in range(5)] == [0, 0, 0, 57, 56]
    assert throttle.take(THERE, 124) == 0
    assert throttle.take(HERE, 180) == 0


def test_total_bounds_all_networks_together() -> None:
    throttle = Throttle(per_network=3, in_total=5)

    taken = [throttle.take(f"192.0.{number}.0/24", 60) for number in range(8)]

    assert taken == [0] * 5 + [60] * 3
    assert throttle.take("192.0.9.0/24", 120) == 0


def test_networks_remembered_are_bounded_and_forgotten_with_the_window() -> None:
    throttle = Throttle(per_network=3, in_total=50)
    for number in range(10_000):
        throttle.take(f"network {number}", 60)
    assert len(throttle._networks) == 50

    throttle.forget_ended(119)
    assert len(throttle._networks) == 50
    throttle.forget_ended(120)
    assert len(throttle._networks) == 0


def test_what_is_given_back_may_be_taken_again() -> None:
    throttle = Throttle(per_network=1, in_total=1)
    for _ in range(10):
        assert throttle.take(HERE, 60) == 0
        throttle.give_back(HERE)

    assert throttle.take(HERE, 60) == 0
    assert throttle.take(HERE, 60) == 60


def test_giving_back_after_the_window_gives_nothing_more() -> None:
    throttle = Throttle(per_network=1, in_total=1)
    throttle.take(HERE, 60)
    throttle.forget_ended(120)
    throttle.give_back(HERE)

    assert throttle.take(HERE, 120) == 0
    assert throttle.take(HERE, 120) == 60


def test_clock_that_goes_back_begins_a_window() -> None:
    throttle = Throttle(per_network=1, in_total=10)
    assert throttle.take(HERE, 600) == 0

    assert throttle.take(HERE, 60) == 0
    assert throttle.take(HERE, 60) == 60
