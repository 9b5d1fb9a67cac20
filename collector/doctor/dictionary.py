"""A guesser's attack: is a stored value a hash of an address or an agent that can be guessed?

Values go in as suspects; a dictionary is hashed word by word and held against them. A hash under
a key that the guesser doesn't know is not found this way.
"""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b, blake2s, md5, sha1, sha224, sha256, sha384, sha512
from ipaddress import IPv4Network, ip_address

from msgspec import Struct

from collector.doctor.patterns import Address

MIN_BYTES, MAX_BYTES = 8, 64
"""Shorter values meet by chance: of 4 bytes one in 4,000 for each million of guesses."""

MAX_SUSPECTS = 2_000_000
"""About 270 MB."""

_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){8,64}")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{11,88}={0,2}")
_MOST_DIGITS = 20  # of 64 bits

_Hash = Callable[[bytes], bytes]
_HASHES: tuple[tuple[str, _Hash], ...] = (
    ("md5", lambda word: md5(word, usedforsecurity=False).digest()),
    ("sha1", lambda word: sha1(word, usedforsecurity=False).digest()),
    ("sha224", lambda word: sha224(word).digest()),
    ("sha256", lambda word: sha256(word).digest()),
    ("sha384", lambda word: sha384(word).digest()),
    ("sha512", lambda word: sha512(word).digest()),
    ("blake2b", lambda word: blake2b(word).digest()),
    ("blake2b of 32 bytes", lambda word: blake2b(word, digest_size=32).digest()),
    ("blake2b of 16 bytes", lambda word: blake2b(word, digest_size=16).digest()),
    ("blake2b of 8 bytes", lambda word: blake2b(word, digest_size=8).digest()),
    ("blake2s", lambda word: blake2s(word).digest()),
)
_BETWEEN = (b"", b" ", b"|", b":", b"\0")


class Match(Struct, frozen=True):
    """A stored value that was guessed."""

    where: str
    what: str
    """Such as ``sha256 of an address``."""


class Suspects:
    """Stored values of 8 to 64 bytes, as they are and decoded, by their first 8 bytes."""

    def __init__(self) -> None:
        self._by_start: dict[bytes, list[tuple[bytes, str]]] = {}
        self.count = 0

    @property
    def are_too_many(self) -> bool:
        """Tell whether values were left out."""
        return self.count >= MAX_SUSPECTS

    def add(self, value: bytes, where: str) -> None:
        """Take a value, and what it decodes to."""
        for form in _forms(value):
            if MIN_BYTES <= len(form) <= MAX_BYTES and not self.are_too_many:
                self._by_start.setdefault(form[:MIN_BYTES], []).append((form, where))
                self.count += 1

    def equal(self, word: bytes) -> Iterator[str]:
        """Yield where `word` is stored as it is."""
        for value, where in self._by_start.get(word[:MIN_BYTES], ()):
            if value == word:
                yield where

    def hashed(self, digest: bytes) -> Iterator[str]:
        """Yield where `digest` is stored, whole, cut or with something behind it."""
        for value, where in self._by_start.get(digest[:MIN_BYTES], ()):
            if digest.startswith(value) or value.startswith(digest):
                yield where


def _forms(value: bytes) -> Iterator[bytes]:
    yield value
    if _HEX.fullmatch(value):
        yield bytes.fromhex(value.decode())
    if _BASE64.fullmatch(value):
        text = value.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
        if len(text) % 4 != 1:
            yield b64decode(text + b"=" * (-len(text) % 4))
    if value.isdigit() and 10 <= len(value) <= _MOST_DIGITS:
        number = int(value).to_bytes(9, "big")
        yield number[1:]
        yield number[:0:-1]


def guess_addresses(suspects: Suspects, addresses: Iterable[Address]) -> Iterator[Match | None]:
    """Yield a match for each stored value that is made of an address, None for each address."""
    for address in addresses:
        text = str(address).encode()
        number = b"%d" % int(address)
        for word, form in (
            (text, "an address"),
            (address.packed, "an address in bytes"),
            (number, "an address as a number"),
        ):
            yield from _guess(suspects, word, form)
        yield None


def guess_agents(
    suspects: Suspects, agents: Iterable[str], addresses: Iterable[Address] = ()
) -> Iterator[Match | None]:
    """Yield a match for each stored value that is made of an agent, None for each agent.

    Of `addresses`, which should be few, each is tried before and behind each agent too.
    """
    texts = [str(address).encode() for address in addresses]
    for agent in agents:
        raw_agent = agent.encode("utf-8", "surrogatepass")
        yield from _guess(suspects, raw_agent, "an agent")
        for text in texts:
            for between in _BETWEEN:
                for pair in (text + between + raw_agent, raw_agent + between + text):
                    yield from _guess(suspects, pair, "an address with an agent")
        yield None


def _guess(suspects: Suspects, word: bytes, form: str) -> Iterator[Match]:
    if len(word) >= MIN_BYTES:
        yield from (Match(where, form) for where in suspects.equal(word))
    for name, make in _HASHES:
        yield from (Match(where, f"{name} of {form}") for where in suspects.hashed(make(word)))


def read_addresses(lines: Iterable[str]) -> list[Address]:
    """Read one address a line; raises ValueError that names the line and echoes nothing."""
    found: list[Address] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                found.append(ip_address(line.strip()))
            except ValueError:
                raise ValueError(f"line {number} is no IP address") from None
    return found


def addresses_in(networks: Iterable[IPv4Network], most: int) -> Iterator[Address]:
    """Yield every address of the networks, in turn, `most` of them at the most."""
    left = most
    for network in networks:
        if left < network.num_addresses:
            return
        left -= network.num_addresses
        yield from network
