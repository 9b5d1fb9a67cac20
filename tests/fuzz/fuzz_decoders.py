"""Feed a decoder what atheris makes up, guided by the lines that it reaches.

    python -m tests.fuzz.fuzz_decoders read_tc_string CORPUS -runs=20000 -seed=1

What follows the decoder's name goes to libFuzzer. CORPUS is a folder that gets
the seeds below and then all that reached a new line. The status is not 0 when a
decoder raised anything but `Unreadable`, or permitted what no string can.
"""

import random
import re
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]

with atheris.instrument_imports(include=["anonymizer"]):
    from anonymizer import gpp, tcf
    from anonymizer.bits import Unreadable

from tests.anonymizer.tc_strings import (
    bit_field,
    core,
    disclosed,
    publisher,
    ranges,
    restriction,
    tc_string,
)

TC_STRINGS = [
    f"{core()}.{disclosed()}.{publisher(custom=3)}",
    tc_string(vendor_consents=ranges((3,), (9, 20)), vendor_interests=bit_field({2}, 60)),
    tc_string(restrictions=[restriction(8, 1, (12,)), restriction(2, 0, (3,), (9, 14))]),
]
SEEDS = {
    "read_tc_string": TC_STRINGS,
    "read_gpp": [
        *(f"DBABMA~{text}" for text in TC_STRINGS),
        "DBABLA~BFQVAAAAAQA.YA",  # usnat with its GPC sub-section
        f"DBACNY~{TC_STRINGS[0]}~1YNN",
    ],
}


def try_tc_string(text: str) -> None:
    """Read a TC string and ask it everything; raises what must not be raised."""
    try:
        string = tcf.read_tc_string(text)
    except Unreadable:
        return
    for vendor in (None, -1, 0, 1, 12, 65535, 65536):
        for purpose in range(-1, 66):
            permission = string.permission(purpose, vendor)
            possible = 1 <= purpose <= 24 and (vendor is None or 1 <= vendor <= 65535)
            assert possible or not (permission.consent or permission.interest)
            assert not (permission.interest and purpose in {1, 3, 4, 5, 6})


def try_gpp(text: str) -> None:
    """Read a GPP string; raises what must not be raised."""
    try:
        gpp.read_gpp(text)
    except Unreadable:
        return


DECODERS: dict[str, Callable[[str], None]] = {
    "read_tc_string": try_tc_string,
    "read_gpp": try_gpp,
}

PART = re.compile(r"[A-Za-z0-9_-]+")


def flip(bits: bytes, chosen: random.Random) -> bytes:
    """Flip one or two bits."""
    flipped = bytearray(bits)
    for _ in range(chosen.randint(1, 2)):
        flipped[chosen.randrange(len(bits))] ^= 1 << chosen.randrange(8)
    return bytes(flipped)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Change the text, or the bits that one of its parts stands for."""
    chosen = random.Random(seed)
    parts = list(PART.finditer(data.decode("latin-1")))
    if not parts or chosen.random() < 0.3:
        return bytes(atheris.Mutate(data, max_size))
    part = chosen.choice(parts)
    letters = part.group().encode()
    bits = urlsafe_b64decode(letters + b"A" * (-len(letters) % 4))
    if chosen.random() < 0.3:
        bits = atheris.Mutate(bits, len(bits) + 8)
    elif bits:
        bits = flip(bits, chosen)
    changed = urlsafe_b64encode(bits).rstrip(b"=")
    return (data[: part.start()] + changed + data[part.end() :])[:max_size]


def main(decoder: str, corpus: str, *options: str) -> None:
    """Write the seeds and fuzz; libFuzzer ends the process."""
    for number, seed in enumerate(SEEDS[decoder]):
        (Path(corpus) / f"seed-{number}").write_text(seed)
    attempt = DECODERS[decoder]

    def attempt_bytes(data: bytes) -> None:
        attempt(data.decode("latin-1"))

    # After one change one text in ten is readable, after libFuzzer's five one in forty-five.
    once = "-mutate_depth=1"
    atheris.Setup([decoder, corpus, once, *options], attempt_bytes, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
