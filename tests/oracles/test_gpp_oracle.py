"""Our reading of GPP strings against that of IAB's own library.

Needs node and `npm ci` in this folder.
"""

import json
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from anonymizer.bits import Unreadable
from anonymizer.gpp import Gpp, read_gpp
from anonymizer.tcf import TcString

_HERE = Path(__file__).parent
_STRINGS = 3000
_SEED = 20261122
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LETTER_OF = {(False, False): "-", (True, False): "c", (False, True): "i", (True, True): "b"}

pytestmark = pytest.mark.skipif(
    shutil.which("node") is None or not (_HERE / "node_modules/@iabgpp/cmpapi").is_dir(),
    reason="no node, or no `npm ci` in tests/oracles",
)


class Told(Struct, frozen=True):
    """What the library reads in a text."""

    text: str
    error: bool = False
    opted_out: bool = False
    child: bool = False
    tc: dict[str, str] | None = None
    """Vendor id, or ``site`` → a letter a purpose: c consent, i interest, b both, - none."""


def _ask(*arguments: str, lines: str = "") -> list[Told]:
    answer = subprocess.run(
        ["node", "gpp.mjs", *arguments],
        cwd=_HERE,
        input=lines.encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    return msgspec.json.Decoder(Told).decode_lines(answer.stdout)


@pytest.fixture(scope="module")
def written() -> list[Told]:
    return _ask("write", str(_SEED), str(_STRINGS))


def _letters(tc: TcString, vendor: int | None) -> str:
    permissions = (tc.permission(purpose, vendor) for purpose in range(1, 25))
    return "".join(_LETTER_OF[each.consent, each.interest] for each in permissions)


def _permissions(gpp: Gpp, told: Told) -> dict[str, str] | None:
    if gpp.tc is None:
        return None
    return {
        who: _letters(gpp.tc, None if who == "site" else int(who))
        for who in told.tc or {"site": ""}
    }


def test_library_and_we_read_the_same(written: list[Told]) -> None:
    assert len(written) == _STRINGS
    for told in written:
        assert not told.error
        gpp = read_gpp(told.text)
        assert (told.opted_out, told.child) == (gpp.opted_out, gpp.child), told.text
        assert told.tc == _permissions(gpp, told), told.text


def test_strings_hold_a_share_of_everything(written: list[Told]) -> None:
    for what, least in (
        (sum(told.opted_out for told in written), 500),
        (sum(not told.opted_out for told in written), 500),
        (sum(told.child for told in written), 500),
        (sum(told.tc is not None and "c" in str(told.tc) for told in written), 500),
        (len({told.text for told in written}), _STRINGS - 100),
        (max(told.text.count("~") for told in written), 23),
    ):
        assert what >= least


def test_core_of_usnat_2_reads_the_same_as_version_1(written: list[Told]) -> None:
    # So was it written before version 2 had its name.
    alone = [told.text for told in written if told.text.startswith("DBABLA~C")]
    assert len(alone) > 10
    for text in alone:
        assert read_gpp(text.replace("~C", "~B")) == read_gpp(text)


def _flips(text: str) -> set[str]:
    """Return `text` with each bit of each of its bytes, and of its base64 letters, turned."""
    found = set()
    for at, character in enumerate(text):
        turned = [chr(ord(character) ^ 1 << bit) for bit in range(7)]
        if character in _LETTERS:
            turned += [_LETTERS[_LETTERS.index(character) ^ 1 << bit] for bit in range(6)]
        found |= {text[:at] + each + text[at + 1 :] for each in turned}
    return found


def _holds_no_more(ours: str, theirs: str) -> bool:
    return all(our in ("-", their) or their == "b" for our, their in zip(ours, theirs, strict=True))


def _refuses_no_less(gpp: Gpp, told: Told) -> bool:
    ours = _permissions(gpp, told)
    return (
        not told.error
        and gpp.opted_out >= told.opted_out
        and gpp.child >= told.child
        and (ours is None) == (told.tc is None)
        and all(
            _holds_no_more(ours[who], letters) for who, letters in (told.tc or {}).items() if ours
        )
    )


def test_damaged_string_is_never_read_as_less_refusing(written: list[Told]) -> None:
    short = [told for told in written if len(told.text) < 150]
    whole = [
        *[told for told in short if told.opted_out][:3],
        *[told for told in short if told.child][:3],
        *[told for told in short if told.tc][:3],
        *[told for told in short if told.text.startswith("DBABTA")][:1],
    ]
    damaged = {told.text[:length] for told in whole for length in range(len(told.text))}
    for told in whole:
        damaged |= _flips(told.text)
    read = 0
    for told in _ask("read", lines="\n".join(json.dumps(text) for text in sorted(damaged))):
        try:
            gpp = read_gpp(told.text)
        except Unreadable:
            continue
        read += 1
        assert _refuses_no_less(gpp, told), told
    assert read > 500
