"""Bound how often something may happen: by truncated network and in total, in memory.

Knows networks only (/24 and /48), each for the length of one window.
"""

from collections import Counter


class Throttle:
    """Counts within windows of fixed length. Time is always told, in Unix seconds."""

    def __init__(self, per_network: int, in_total: int, window_seconds: int = 60) -> None:
        self._per_network = per_network
        self._in_total = in_total
        self._window_seconds = window_seconds
        self._window = 0
        self._networks: Counter[str] = Counter()  # never more of them than `in_total`
        self._counted = 0

    def take(self, network: str, time: int) -> int:
        """Count one and return 0, or count nothing and return how many seconds to wait."""
        self.forget_ended(time)
        if self._counted >= self._in_total or self._networks[network] >= self._per_network:
            return self._window_seconds - time % self._window_seconds
        self._counted += 1
        self._networks[network] += 1
        return 0

    def give_back(self, network: str) -> None:
        """Count one less of this window: it was none of those to be bounded."""
        if self._networks[network]:
            self._counted -= 1
            self._networks[network] -= 1

    def forget_ended(self, time: int) -> None:
        """Forget the networks of a window that is over."""
        window = time // self._window_seconds
        if window != self._window:
            self._window, self._counted = window, 0
            self._networks.clear()
