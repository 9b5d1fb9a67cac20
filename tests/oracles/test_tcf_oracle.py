"""TC strings are read as IAB's own library reads them, or refused.

`tcf.mjs` writes and judges them with @iabtcf/core; a permission of ours that the
library's reading does not give would be a visitor's refusal lost.
"""

import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct, json

from anonymizer.bits import Unreadable
from anonymizer.tcf import TcString, read_tc_string
from tests.anonymizer.tc_strings import (
    VENDOR,
    core,
    disclosed,
    number,
    pack,
    publisher,
    ranges,
    restriction,
    tc_string,
    unpack,
)

HERE = Path(__file__).parent
SEED = 20261122
COUNT = 3000


class Verdict(Struct, frozen=True):
    """What the library's reading of a string comes to, by the rules that tcf.mjs tells."""

    valid: bool
    permits: dict[str, tuple[list[int], list[int]]]
    """Vendor, or `site` → purposes permitted by consent, and by legitimate interest."""


class Judged(Struct, frozen=True):
    """A string, the vendors asked about, and a verdict, or None where the library throws."""

    text: str
    vendors: list[int]
    verdict: Verdict | None = None


REFUSED = Verdict(valid=False, permits={})


def run_oracle(*arguments: str, asked: Iterable[Judged] = ()) -> list[Judged]:
    """Return what tcf.mjs answers."""
    assert (HERE / "node_modules" / "@iabtcf").exists(), "run: tools/setup.sh test"
    done = subprocess.run(
        ["node", HERE / "tcf.mjs", *arguments],
        input=b"".join(json.encode(one) + b"\n" for one in asked),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.decode(line, type=Judged) for line in done.stdout.splitlines()]


def read(text: str) -> TcString | None:
    """Return the string as we read it; None where it is unreadable, whatever else raises."""
    try:
        return read_tc_string(text)
    except Unreadable:
        return None


def our_verdict(string: TcString | None, vendors: Iterable[int]) -> Verdict:
    """Return what our reading of a string comes to."""
    if string is None:
        return REFUSED
    permits = {}
    for vendor in (None, *vendors):
        answers = [(purpose, string.permission(purpose, vendor)) for purpose in range(1, 25)]
        permits["site" if vendor is None else str(vendor)] = (
            [purpose for purpose, answer in answers if answer.consent],
            [purpose for purpose, answer in answers if answer.interest],
        )
    return Verdict(valid=True, permits=permits)


def oracle_verdict(judged: Judged) -> Verdict:
    """Return the library's verdict, where one that it can't read and one not valid are alike."""
    return judged.verdict if judged.verdict is not None and judged.verdict.valid else REFUSED


def opened(ours: Verdict, theirs: Verdict) -> set[tuple[str, int, int]]:
    """Return what we permit and the library does not: vendor, basis, purpose."""

    def flat(verdict: Verdict) -> set[tuple[str, int, int]]:
        return {
            (vendor, basis, purpose)
            for vendor, bases in verdict.permits.items()
            for basis, purposes in enumerate(bases)
            for purpose in purposes
        }

    return flat(ours) - flat(theirs)


@pytest.fixture(scope="module")
def written() -> list[Judged]:
    """Give strings that the library wrote, the same on every run."""
    return run_oracle("write", str(SEED), str(COUNT))


def test_strings_of_the_library_are_of_every_kind(written: list[Judged]) -> None:
    valid = [oracle_verdict(one).permits for one in written if oracle_verdict(one).valid]
    types = {tuple(unpack(part)[:3] for part in one.text.split(".")) for one in written}

    assert len({one.text for one in written}) == COUNT
    assert len(valid) > COUNT / 2
    assert len(types) >= 12
    for basis in (0, 1):
        assert sum(bool(permits["site"][basis]) for permits in valid) > 500
        assert sum(any(bases[basis] for bases in permits.values()) for permits in valid) > 1000


def test_every_string_of_the_library_is_read_as_it_reads_it(written: list[Judged]) -> None:
    different = [
        one.text
        for one in written
        if our_verdict(read(one.text), one.vendors) != oracle_verdict(one)
    ]

    assert different == []


def test_no_string_of_the_library_permits_us_more(written: list[Judged]) -> None:
    more = [
        one.text
        for one in written
        if opened(our_verdict(read(one.text), one.vendors), oracle_verdict(one))
    ]

    assert more == []


def damaged(text: str) -> Iterator[str]:
    """Give every truncation of a string, and every flip of one bit of its letters or fields."""
    for end in range(len(text)):
        yield text[:end]
    for at, letter in enumerate(text):
        for bit in range(8):
            yield text[:at] + chr(ord(letter) ^ 1 << bit) + text[at + 1 :]
        if letter != ".":
            for bit in range(6):
                flipped = pack(number(int(unpack(letter), 2) ^ 1 << bit, 6))
                yield text[:at] + flipped + text[at + 1 :]


def restricts_many(string: TcString) -> bool:
    """Tell whether a restriction runs over more than 3,000 vendors.

    The library keeps them in a tree that it fills in order, one of 65,535 in minutes.
    """
    return any(
        last - first > 3000
        for found in string.restrictions.values()
        for first, last in zip(found[::2], found[1::2], strict=True)
    )


WITH_RANGES = core(
    vendor_consents=ranges((3,), (9, 20)), vendor_interests=ranges((VENDOR, 13), last=13)
)
WITH_RESTRICTIONS = core(
    restrictions=[restriction(8, 1, (VENDOR,)), restriction(2, 0, (3,), (9, 14))]
)
OURS = [
    f"{core()}.{disclosed()}.{publisher(custom=2)}",
    f"{WITH_RANGES}.{disclosed(ranges((1, 40)))}",
    f"{WITH_RESTRICTIONS}.{publisher()}.{disclosed()}",
]


def test_truncated_and_flipped_strings_are_refused_or_read_as_the_library_reads_them(
    written: list[Judged],
) -> None:
    theirs = [one for one in written if oracle_verdict(one).valid and len(one.text) < 150]
    whole = [*(Judged(text, [VENDOR, 3]) for text in OURS), *theirs[:5]]
    asked, skipped = [], 0
    for one in whole:
        for text in dict.fromkeys(damaged(one.text)):
            string = read(text)
            if string is None:
                continue
            if restricts_many(string):
                skipped += 1
                continue
            asked.append(Judged(text, [*one.vendors, 13]))

    judged = run_oracle("judge", asked=asked)
    different = [
        one.text
        for one in judged
        if our_verdict(read(one.text), one.vendors) != oracle_verdict(one)
    ]

    assert len(whole) == 8
    assert len(judged) == len(asked) > 2000
    assert skipped < 200
    assert different == []


STRICTER = {
    "bits after the last field": f"{core()}B.{disclosed()}",
    "vendor above MaxVendorId": tc_string(vendor_consents=ranges((VENDOR,), last=3)),
    "range of one vendor": tc_string(vendor_consents=ranges((VENDOR, VENDOR))),
    "range that descends": tc_string(vendor_consents=ranges((VENDOR,), (9, 3))),
    "restriction of vendor 0": tc_string(restrictions=[restriction(8, 0, (0,))]),
    "restriction of purpose 25": tc_string(restrictions=[restriction(25, 0, (3,))]),
    "restriction of purpose 0 and nobody": tc_string(restrictions=[restriction(0, 0)]),
    "undefined restriction of nobody": tc_string(restrictions=[restriction(8, 3)]),
    "more than 24 × 3 restrictions": tc_string(restrictions=[restriction(8, 0)] * 73),
    "language of no letters": tc_string(language="E["),
    "country of no letters": tc_string(country="[E"),
    "longer than 8,192 characters": f"{core()}.{disclosed()}".ljust(8193, "A"),
}
"""Every known difference, each on the strict side: the library reads it, we refuse the hit."""

REFUSED_BY_BOTH = {
    "manager 1": tc_string(manager=1),
    "vendor 0": tc_string(vendor_consents=ranges((0,))),
    "undefined restriction": tc_string(restrictions=[restriction(8, 3, (3,))]),
    "restriction of purpose 0": tc_string(restrictions=[restriction(0, 0, (3,))]),
    "bit field cut short": f"{core()}.{pack('001' + number(60, 16) + '0' * 40)}",
    "disclosed vendors without a field": f"{core()}.{pack('001')}",
    "publisher segment without a field": f"{core()}.{disclosed()}.{pack('011')}",
    "empty segment": f"{core()}.{disclosed()}.",
    "unknown segment": f"{core()}.{disclosed()}.{pack('111' + '0' * 60)}",
}


@pytest.fixture(scope="module")
def readable() -> dict[str, bool]:
    """Give each string of the two tables and whether the library reads it as valid."""
    texts = [*STRICTER.values(), *REFUSED_BY_BOTH.values()]
    asked = [Judged(text, [VENDOR]) for text in texts]
    return {one.text: oracle_verdict(one).valid for one in run_oracle("judge", asked=asked)}


@pytest.mark.parametrize("text", STRICTER.values(), ids=STRICTER)
def test_known_difference_is_on_the_strict_side(readable: dict[str, bool], text: str) -> None:
    assert readable[text]
    assert read(text) is None


@pytest.mark.parametrize("text", REFUSED_BY_BOTH.values(), ids=REFUSED_BY_BOTH)
def test_what_the_library_refuses_is_refused(readable: dict[str, bool], text: str) -> None:
    assert not readable[text]
    assert read(text) is None
