"""The data directory: what lies where in it, and that one process alone writes there."""

import fcntl
import os
from pathlib import Path


class DataDirInUse(Exception):
    """Another process works on the data directory."""


class DataDir:
    """A data directory, made with mode 0700 where missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock: int | None = None

    @property
    def store(self) -> Path:
        """Hold the embedded engine's files."""
        return self.path / "clickhouse"

    @property
    def store_address(self) -> Path:
        """Hold the address of the ClickHouse server that keeps the store instead, if one does."""
        return self.path / "store"

    @property
    def spool(self) -> Path:
        """Hold hits that the store has not confirmed yet, and how far imports came."""
        return self.path / "spool.sqlite"

    @property
    def logins(self) -> Path:
        """Hold the dashboard's users."""
        return self.path / "logins.sqlite"

    @property
    def keys(self) -> Path:
        """Hold the API's keys, as hashes."""
        return self.path / "keys.sqlite"

    @property
    def email(self) -> Path:
        """Hold e-mail campaigns and where their links lead."""
        return self.path / "email.sqlite"

    @property
    def email_key(self) -> Path:
        """Hold the keys that e-mail's tokens and recipients' references are under."""
        return self.path / "email.key"

    @property
    def recipients(self) -> Path:
        """Hold who unsubscribed or withdrew from being measured, encrypted."""
        return self.path / "recipients.sqlite"

    @property
    def opened(self) -> Path:
        """Hold random numbers of personal tokens that were opened."""
        return self.path / "opened.sqlite"

    @property
    def annotations(self) -> Path:
        """Hold what the operator marked on the sites' charts."""
        return self.path / "annotations.sqlite"

    @property
    def policy(self) -> Path:
        """Hold a copy of the policy that the counters follow."""
        return self.path / "policy.toml"

    @property
    def policies(self) -> Path:
        """Hold every version of the policy that was in force."""
        return self.path / "policies"

    @property
    def tags(self) -> Path:
        """Hold every version of the tag that was handed out, by its hash."""
        return self.path / "tags"

    @property
    def made(self) -> int:
        """Tell the Unix second at which a process first took the directory."""
        return int((self.path / "lock").stat().st_mtime)

    @property
    def retention(self) -> Path:
        """Hold when retention ran last, and what it need not look at again."""
        return self.path / "retention.json"

    @property
    def doctor(self) -> Path:
        """Hold what `discreet doctor` found when it last looked."""
        return self.path / "doctor.json"

    @property
    def reports(self) -> Path:
        """Hold which mailed reports went out, by hashes of who gets them."""
        return self.path / "reports.json"

    @property
    def audit(self) -> Path:
        """Hold what analysts asked by SQL, one file a day."""
        return self.path / "audit"

    @property
    def query_socket(self) -> Path:
        """Be the running server's door for `discreet query`."""
        return self.path / "query.sock"

    def lock(self) -> None:
        """Take the directory for this process until it ends.

        Raises:
            DataDirInUse: another process has it.
        """
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise DataDirInUse(
                f"{self.path} is in use by another discreet process; stop it or give another --data"
            ) from None
        self._lock = lock

    def unlock(self) -> None:
        """Give the directory free again."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
