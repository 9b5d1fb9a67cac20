"""Logins of programs, which send name and password with every request.

A check by argon2 takes 64 MiB and some 100 ms, so one that passed is remembered for
a few minutes, by a keyed hash and in memory alone, until the user is changed.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from anyio import CapacityLimiter, to_thread

from dashboards.logins.throttle import Throttle
from people.users import MAX_NAME, MAX_PASSWORD, User, Users

REMEMBERED = timedelta(minutes=5)
MAX_REMEMBERED = 100

_KEY_BYTES = 32


class DoorLogins:
    """Checks names and passwords; failures of a name make it wait, as on the dashboard."""

    def __init__(self, users: Users, now: Callable[[], datetime]) -> None:
        self._users = users
        self._now = now
        self._throttle = Throttle()
        self._one_at_a_time = CapacityLimiter(1)
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._passed: dict[bytes, datetime] = {}
        self._checking: dict[bytes, asyncio.Task[bool]] = {}

    async def log_in(self, name: str, password: str) -> User | None:
        """Return the user of that name and password."""
        if len(name) > MAX_NAME or len(password) > MAX_PASSWORD:
            return None
        user = await to_thread.run_sync(self._users.find, name)
        known = self._hash(user.generation if user else 0, name, password)
        if self._passed.get(known, self._now()) > self._now():
            return user
        # A program that asks much at once tries its password once.
        checking = self._checking.get(known)
        if checking is None:
            checking = asyncio.create_task(self._check(name, password, known))
            checking.add_done_callback(lambda _: self._checking.pop(known, None))
            self._checking[known] = checking
        return user if await asyncio.shield(checking) else None

    async def _check(self, name: str, password: str, known: bytes) -> bool:
        if self._throttle.wait_seconds(name, self._now()):
            return False
        # Counted before the check and forgiven after it, so that tries sent at once all count.
        self._throttle.failed(name, self._now())
        check = self._users.check
        if not await to_thread.run_sync(check, name, password, limiter=self._one_at_a_time):
            return False
        self._throttle.passed(name)
        self._passed.pop(known, None)
        self._passed[known] = self._now() + REMEMBERED
        if len(self._passed) > MAX_REMEMBERED:
            del self._passed[next(iter(self._passed))]
        return True

    def _hash(self, generation: int, name: str, password: str) -> bytes:
        said = f"{generation}:{len(name)}:{name}{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(said, key=self._key).digest()
