"""Values that must not be found again, in every form in which they might be."""

import base64
import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

_DIGESTS = ("md5", "sha1", "sha256", "sha512", "blake2b", "blake2s")


class Canaries:
    """Names each place where something identifying was put, with a value of its own."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.values: dict[str, bytes] = {}

    def put(self, place: str, around: str = "{}") -> str:
        """Return the value of a place, with the text around it; the same one each time."""
        word = self.values.setdefault(
            place, "".join(self._chance.choices("abcdefghijklmnopqrstuvwxyz", k=20)).encode()
        )
        return around.replace("{}", word.decode())

    def add(self, place: str, value: str) -> str:
        """Take a value as it is."""
        self.values[place] = value.encode()
        return value

    def found_in(self, things: Mapping[str, bytes]) -> list[str]:
        """Return where a value stands in one of its forms: `place as form in thing`."""
        needles = [
            (place, form, needle)
            for place, value in self.values.items()
            for form, needle in forms(value)
        ]
        return [
            f"{place} as {form} in {name}"
            for name, content in things.items()
            for place, form, needle in needles
            if needle in content
        ]


def forms(value: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield a value's encodings and digests, each with its name."""
    yield "itself", value
    yield "capitals", value.upper()
    yield "backwards", value[::-1]
    yield "UTF-16", value.decode().encode("utf-16-le")
    yield "percent forms", "".join(f"%{octet:02X}" for octet in value).encode()
    yield "small percent forms", "".join(f"%{octet:02x}" for octet in value).encode()
    if (quoted := quote(value, safe="").encode()) != value:
        yield "quoted", quoted
    yield from _texts("", value)
    for name in _DIGESTS:
        yield name, (digest := hashlib.new(name, value).digest())
        yield from _texts(f"{name} in ", digest)
    yield "blake2b of 16", (short := hashlib.blake2b(value, digest_size=16).digest())
    yield from _texts("blake2b of 16 in ", short)


def _texts(of: str, octets: bytes) -> Iterator[tuple[str, bytes]]:
    yield f"{of}hex", octets.hex().encode()
    yield f"{of}capital hex", octets.hex().upper().encode()
    # Within a longer text base64 depends on where the value begins; its ends then differ.
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + octets)
        cut = whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]
        yield f"{of}base64 at {shift}", cut
        yield f"{of}base64url at {shift}", cut.replace(b"+", b"-").replace(b"/", b"_")


def files_under(folder: Path) -> dict[str, bytes]:
    """Return the names and contents of every file, as one thing each."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = path.name.encode() + b"\n" + path.read_bytes()
    return found


def open_files_of(pid: int) -> dict[str, bytes]:
    """Return what a process has open for writing, also where it has no name any more."""
    found = {}
    for link in Path(f"/proc/{pid}/fd").iterdir():
        target = str(link.readlink())
        if target.startswith(("/proc/", "/sys/")) or not link.is_file():
            continue
        found[f"open {target}"] = link.read_bytes()
    return found


def joined(texts: Iterable[str | bytes]) -> bytes:
    """Return texts as one thing to search."""
    return b"\n".join(text.encode() if isinstance(text, str) else text for text in texts)
