"""Values that must not be found again, in whatever form.

Each has a core of random characters. The search looks for any 8 bytes of the core that begin at
its 1st, 5th, 9th ... byte and go on for three more, so that 14 in a row are always found, and
for the first 8 bytes of its digests. It reads a file as it is and decoded (`tests.laws.readings`)
instead of looking for each value in each encoding: that costs the same for one value and for
100,000.
"""

import base64
import hashlib
import hmac
import os
import random
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv6Address, ip_address
from itertools import pairwise
from pathlib import Path

from collector.doctor.blocks import unpack
from tests.laws.readings import readings

WINDOW = 8
_STEP = 4
_FOUND_WHOLE = WINDOW + _STEP - 1
_MOST_TOLD = 20
_PACKED = (".bin", ".cidx", ".cmrk", ".cmrk2", ".cmrk3", ".cmrk4")
_SMALL = string.ascii_lowercase
_NUMBER = re.compile(rb"(?<!\d)\d{9,10}(?!\d)")  # an IPv4 address as a number


class Canaries:
    """Names each place where something identifying was put, with a value of its own."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._by_place: dict[str, str] = {}
        self._windows: dict[int, str] = {}
        self._wholes: dict[int, bytes] = {}
        self._numbers: dict[bytes, str] = {}
        self.count = 0

    def put(self, place: str, around: str = "{}") -> str:
        """Return the value of a place, with the text around it; the same one each time."""
        if place not in self._by_place:
            self._by_place[place] = self.word(place)
        return around.replace("{}", self._by_place[place])

    def add(self, place: str, value: str, core: str | None = None) -> str:
        """Take a value as it is; what of it is random is the core, else all of it.

        Of an address that is its end: the beginning of it is the network that may be kept.
        """
        self.count += 1
        if core is None:
            core = value[-WINDOW:] if _is_address(value) else value
        assert len(core) >= WINDOW, f"{place} is too short to be searched for"
        self._watch(place, core.encode())
        for name, digest in digests(value.encode()):
            self._windows.setdefault(_number(digest), f"{place} as {name}")
        return value

    def word(self, place: str) -> str:
        """Return a new word of small letters: for places of which nothing may be kept."""
        return self.add(place, "".join(self._chance.choices(_SMALL, k=20)))

    def hex(self, place: str) -> str:
        """Return a new hash as people write them, such as a session's id."""
        return self.add(place, self._chance.randbytes(16).hex())

    def token(self, place: str) -> str:
        """Return 32 new bytes in base64url, such as a token to reset a password.

        Of those that the scrubber must know: without separators and with four digits. Of all
        tokens it misses some, as `tests.laws.test_law1_limits` counts.
        """
        while True:
            octets = self._chance.randbytes(32)
            text = base64.urlsafe_b64encode(octets).decode().rstrip("=")
            if text.isalnum() and sum(map(str.isdigit, text)) >= 4:
                self._watch(place, octets)
                return self.add(place, text)

    def uuid(self, place: str) -> str:
        """Return a new UUID."""
        octets = self._chance.randbytes(16)
        self._watch(place, octets)
        digits = octets.hex()
        cuts = (0, 8, 12, 16, 20, 32)
        return self.add(place, "-".join(digits[a:b] for a, b in pairwise(cuts)))

    def number(self, place: str) -> str:
        """Return a new number as a phone's or a customer's."""
        return self.add(place, "".join(self._chance.choices("123456789", k=14)))

    def email(self, place: str) -> str:
        """Return a new e-mail address."""
        name = "".join(self._chance.choices(_SMALL, k=16))
        return self.add(place, f"{name}@mail.example", name)

    def jwt(self, place: str) -> str:
        """Return a new JSON web token; its head is everybody's."""
        head = base64.urlsafe_b64encode(b'{"alg":"HS256"}').decode().rstrip("=")
        body = base64.urlsafe_b64encode(b'{"sub":"' + self._chance.randbytes(15).hex().encode())
        core = body.decode().rstrip("=")[12:]
        return self.add(place, f"{head}.{body.decode().rstrip('=')}.{core[::-1]}", core)

    def address(self, place: str, first: int | None = None) -> str:
        """Return a new IPv4 address; the last two octets tell it from what its /24 leaves.

        None ends as another's /24 does, forwards or backwards.
        """
        chance = self._chance
        octets = (
            first or chance.randrange(11, 99),
            chance.randrange(100, 150),
            chance.randrange(150, 200),
            chance.choice([last for last in range(200, 250) if last % 10 != 1]),
        )
        text = ".".join(map(str, octets))
        self._watch_address(place, text)
        return self.add(place, text)

    def wide_address(self, place: str) -> str:
        """Return a new IPv6 address under 2001:db8::/32; what follows its /48 is random."""
        groups = [f"{self._chance.randrange(0x1000, 0x10000):x}" for _ in range(6)]
        text = ":".join(("2001:db8", *groups))
        self._watch_address(place, text)
        return self.add(place, text, text[15:])

    def found_in(self, things: Mapping[str, bytes]) -> list[str]:
        """Return where a value stands in one of its forms: `place as form in thing`."""
        found: list[str] = []
        for name, content in things.items():
            for form, text in readings(content):
                found += (f"{place} as {form} in {name}" for place in self.places_in(text))
                if len(found) >= _MOST_TOLD:
                    return found[:_MOST_TOLD]
        return found

    def places_in(self, text: bytes) -> set[str]:
        """Return the places whose values stand in a text as they are."""
        hits: set[int] = set()
        for shift in range(min(WINDOW, len(text))):
            end = shift + (len(text) - shift) // WINDOW * WINDOW
            hits |= self._windows.keys() & memoryview(text)[shift:end].cast("Q")
        # 8 digits of a hash meet by chance, 11 don't.
        found = {self._windows[hit] for hit in hits if self._wholes.get(hit, b"") in text}
        numbers = self._numbers.keys() & _NUMBER.findall(text)
        return found | {f"{self._numbers[number]} as a number" for number in numbers}

    def _watch(self, place: str, core: bytes) -> None:
        for text in {core, core.lower()}:
            for start in range(0, len(text) - WINDOW + 1, _STEP):
                window = _number(text[start:])
                self._windows.setdefault(window, place)
                self._wholes.setdefault(window, text[start : start + _FOUND_WHOLE])

    def _watch_address(self, place: str, text: str) -> None:
        address = ip_address(text)
        if isinstance(address, IPv6Address):
            self._watch(place, address.packed[-WINDOW:])
        else:
            self._watch(place, b"\0\0\xff\xff" + address.packed)
            self._numbers[str(int(address)).encode()] = place
        for name, digest in digests(address.packed):
            self._windows.setdefault(_number(digest), f"{place} as {name} of its bytes")


def files_under(folder: Path) -> dict[str, bytes]:
    """Return the names and contents of every file, as one thing each; packed ones unpacked too."""
    found: dict[str, bytes] = {}
    for parent, _, names in os.walk(folder):
        for path in (Path(parent) / name for name in sorted(names)):
            name = str(path.relative_to(folder))
            try:
                if path.is_file() and not path.is_symlink():
                    found[name] = path.name.encode() + b"\n" + path.read_bytes()
                if name in found and path.name.endswith(_PACKED):
                    with path.open("rb") as file:
                        found[f"{name} unpacked"] = b"".join(unpack(file))
            except (FileNotFoundError, NotADirectoryError):  # merged away while they are read
                continue
    return found


def open_files_of(pid: int) -> dict[str, bytes]:
    """Return what a process has open for writing, also where it has no name any more."""
    found = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
            flags = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().split()[3]
            if link.is_file() and int(flags, 8) & os.O_ACCMODE != os.O_RDONLY:
                found[f"open {target}"] = link.read_bytes()
        except FileNotFoundError:
            continue
    return found


def joined(texts: Iterable[str | bytes]) -> bytes:
    """Return texts as one thing to search."""
    return b"\n".join(text.encode() if isinstance(text, str) else text for text in texts)


def digests(value: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a value's digests, also those under an empty salt, each with its name."""
    for name in ("md5", "sha1", "sha256", "blake2b"):
        yield name, hashlib.new(name, value, usedforsecurity=False).digest()
    yield "blake2b of 16", hashlib.blake2b(value, digest_size=16).digest()
    yield "sha256 under no key", hmac.digest(b"", value, "sha256")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _number(octets: bytes) -> int:
    (number,) = memoryview(octets[:WINDOW]).cast("Q")
    return int(number)
