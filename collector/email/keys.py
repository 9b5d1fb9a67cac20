"""The secret file `email.key`: the newest key and the one before it.

Tokens in messages that were sent and references at rest open under either. Each use of a key has
a subkey of its own, so that what was made for one use is nothing for another.
"""

import contextlib
import logging
import os
import re
import secrets
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

log = logging.getLogger("discreet")

KEY_BYTES = 32
HANDLE_BYTES = 16
SEAL_BYTES = 16  # RFC 5297 section 2.6: the synthetic IV goes before the ciphertext

_KEPT = 2
_LINE = re.compile(r"(?P<number>\d{1,3}) (?P<secret>[0-9a-f]{64})")


class KeyFailed(Exception):
    """The file of keys is damaged or can't be used."""


class Key(Struct, frozen=True):
    """One key, under the number that tokens name it by."""

    number: int
    """0 to 255."""
    secret: bytes
    """32 bytes."""


class EmailKeys:
    """Keys at work, the newest first."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.numbers: Sequence[int] = tuple(key.number for key in keys)
        self._secrets = {key.number: key.secret for key in keys}
        self._ciphers: dict[tuple[int, bytes], AESSIV] = {}

    @property
    def newest(self) -> int:
        """Tell the number of the key that new things are made under."""
        return self.numbers[0]

    def seal(self, number: int, use: bytes, content: bytes) -> bytes:
        """Encrypt and authenticate (AES-SIV, RFC 5297); what is alike is sealed alike.

        `use` is at most 16 bytes.
        """
        return self._cipher(number, use).encrypt(content, [use])

    def open(self, number: int, use: bytes, sealed: bytes) -> bytes | None:
        """Return what was sealed for this use; None where it was not."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see _cipher

        try:
            return self._cipher(number, use).decrypt(sealed, [use])
        except (InvalidTag, ValueError):
            return None

    def handle(self, number: int, raw_reference: str) -> bytes:
        """Return 16 bytes that stand for a reference in memory and, encrypted, in tokens."""
        key = self._subkey(number, b"recipient")
        return blake2b(raw_reference.encode(), key=key, digest_size=HANDLE_BYTES).digest()

    def _cipher(self, number: int, use: bytes) -> "AESSIV":
        # Imported when first used: 8 MB that a collector without e-mail has no use for.
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415

        cipher = self._ciphers.get((number, use))
        if cipher is None:
            cipher = self._ciphers[number, use] = AESSIV(self._subkey(number, use))
        return cipher

    def _subkey(self, number: int, use: bytes) -> bytes:
        return blake2b(b"discreet e-mail 1", key=self._secrets[number], person=use).digest()


class KeyFile:
    """The file at `path`, read again when another process has written it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._keys: EmailKeys | None = None

    @property
    def keys(self) -> EmailKeys | None:
        """Return the keys as the file has them now; None where there is none."""
        try:
            found = self._path.stat()
        except OSError:
            stamp = None
        else:
            stamp = (found.st_ino, found.st_mtime_ns)
        if stamp != self._stamp:
            try:
                self._keys = read_keys(self._path)
            except KeyFailed:
                log.warning("the file of e-mail keys can't be read; no token is one until it can")
                self._keys = None
            self._stamp = stamp
        return self._keys


def make_keys(path: Path) -> EmailKeys:
    """Return the keys of the file, which is made with mode 0600 where missing.

    Raises:
        KeyFailed: it can't be made or is damaged.
    """
    # Linked into place whole: of two processes that make it at once one finds the other's.
    if not path.exists():
        _write(path, [Key(1, secrets.token_bytes(KEY_BYTES))], is_new=True)
    keys = read_keys(path)
    if keys is None:
        raise KeyFailed(f"{path}: can't be read")
    return keys


def read_keys(path: Path) -> EmailKeys | None:
    """Return the keys of the file; None where there is no file.

    Raises:
        KeyFailed: it can't be read or is damaged.
    """
    keys = _read(path)
    return EmailKeys(keys) if keys else None


def add_key(path: Path) -> None:
    """Put a new key before the newest and forget the one that was before that.

    Raises:
        KeyFailed: the file can't be read or written.
    """
    keys = _read(path)
    new = Key((keys[0].number + 1) % 256 if keys else 1, secrets.token_bytes(KEY_BYTES))
    _write(path, [new, *keys][:_KEPT], is_new=False)


def _read(path: Path) -> Sequence[Key]:
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError):
        raise KeyFailed(f"{path}: can't be read") from None
    found = [_LINE.fullmatch(line) for line in lines]
    keys = [Key(int(line["number"]), bytes.fromhex(line["secret"])) for line in found if line]
    numbers = {key.number for key in keys}
    if not 1 <= len(keys) == len(lines) == len(numbers) <= _KEPT or max(numbers) > 255:
        raise KeyFailed(f"{path}: is no file of keys; put it back from a copy")
    return keys


def _write(path: Path, keys: Sequence[Key], *, is_new: bool) -> None:
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    text = "".join(f"{key.number} {key.secret.hex()}\n" for key in keys)
    try:
        with os.fdopen(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            with contextlib.suppress(FileExistsError):
                os.link(scratch, path)
        else:
            scratch.replace(path)
        _keep_name(path.parent)
    except OSError as error:
        raise KeyFailed(f"{path}: {error.strerror}") from None
    finally:
        scratch.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
