"""Processes that choose what leaves: they choose the same, and die alone."""

import os
import signal

import msgspec
import pytest

from anonymizer.hits import LocalSeconds, SiteId
from collector.retention.choosers import Choosers
from collector.retention.choosing import Asked, Chosen
from collector.retention.complementing import Declared
from tests.collector.hits import SITE
from tests.collector.retention.cellar import POLICY, at

DECLARED = Declared(POLICY.statistics, ())
FIRST = LocalSeconds(at("2026-03-01"))
MANY = 1_000_000  # cells, as it is told


def lines(*visitors: int) -> bytes:
    """Return a day of pages as the engine writes it, each with so many visitors."""
    words = [f"/{number}" for number in range(len(visitors))]
    none, nothing = [""] * len(words), [0] * len(words)
    measures = (visitors, nothing, visitors, nothing, nothing, nothing)
    place = (SITE, "pages(page)", "day", at("2026-03-10"), 750)
    return msgspec.json.encode((*place, (words, none, none), measures)) + b"\n"


ASKED = Asked({SiteId(SITE): True}, FIRST)


def test_process_chooses_what_is_chosen_here() -> None:
    with Choosers(DECLARED, processes=2) as beside, Choosers(DECLARED, processes=1) as here:
        chosen = [
            each.choose(ASKED, lines(1, 2, 9, 9), MANY).result(timeout=60)
            for each in (beside, here)
        ]

    assert chosen[0].folded
    assert msgspec.json.encode(chosen[0]) == msgspec.json.encode(chosen[1])
    assert chosen[0].folded[0].small == [(750, "pages(page)", 2)]


def test_process_that_dies_takes_one_choice_with_it() -> None:
    with Choosers(DECLARED, processes=2) as choosers:
        for each in choosers._all:
            process = each.started()
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            process.wait()

        for _ in choosers._all:
            with pytest.raises((EOFError, OSError)):
                choosers.choose(ASKED, lines(1), MANY).result(timeout=60)
        again: Chosen = choosers.choose(ASKED, lines(1), MANY).result(timeout=60)

    assert again.folded
    assert not again.faults
