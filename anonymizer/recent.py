"""A bounded memory of what was read lately; it knows raw texts by hash alone."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Keeps what was read of the last texts, without the texts.

    CPython's str hash is SipHash under a key of the process: 64 bits, and nobody
    outside can make two texts meet. It changes with the process unless
    PYTHONHASHSEED is set.
    """

    __slots__ = ("_half", "_newer", "_older")

    def __init__(self, size: int) -> None:
        """Keep at most `size` values; at least 2."""
        self._half = max(1, size // 2)
        self._newer: dict[int, T] = {}
        self._older: dict[int, T] = {}

    def get(self, raw_text: str) -> T | None:
        """Return what was kept for a text."""
        key = hash(raw_text)
        found = self._newer.get(key)
        if found is None:
            found = self._older.get(key)
            if found is not None:
                self._put(key, found)
        return found

    def keep(self, raw_text: str, value: T) -> T:
        """Keep a value for a text, in place of those not asked for lately, and return it."""
        self._put(hash(raw_text), value)
        return value

    def _put(self, key: int, value: T) -> None:
        if len(self._newer) >= self._half:
            self._older, self._newer = self._newer, {}
        self._newer[key] = value

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)
