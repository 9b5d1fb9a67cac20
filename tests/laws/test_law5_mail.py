"""Law 5 for e-mail: clicks are told by variant and kind, and again by link.

The links of a campaign add up to what persons of all its variants clicked.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest

from anonymizer.mail_clients import MailKind
from anonymizer.policy import Statistic
from collector.clock import DAY_SECONDS
from collector.retention.cells import Keys, Spot, Table
from collector.retention.complement import choose_hidden
from tests.laws.answerable import Place, narrowed
from tests.laws.small_sites import Cells, Choose, keep
from tests.laws.test_law5_no_small_group import POLICY

EMAIL, LINKS = (
    next(each for each in POLICY.statistics if each.name == name)
    for name in ("email", "email_links")
)
VARIANTS = {"one": ("",), "two": ("a", "b"), "three": ("a", "b", "c")}
SEEDS = range(40)


def mailed(seed: int) -> Cells:
    """Return what the readers of three campaigns leave in a week."""
    chance = random.Random(seed)
    cells: dict[Place, list[int]] = defaultdict(lambda: [0] * 6)
    for day in range(7):
        at = day * DAY_SECONDS
        for campaign, variants in VARIANTS.items():
            for _ in range(chance.randrange(0, 40) // (day + 1)):
                kind = chance.choice((*[MailKind.PERSON] * 3, MailKind.SCANNER))
                reader = cells["email", at, (campaign, chance.choice(variants), kind.value)]
                reader[0] += 1
                for _ in range(chance.randrange(3)):
                    reader[5] += 1
                    if kind is MailKind.PERSON:
                        number = str(min(int(chance.expovariate(0.8)), 3))
                        link = cells["email_links", at, (campaign, number)]
                        link[0] += 1
                        link[5] += 1
    return {place: tuple(numbers) for place, numbers in cells.items()}


def told(choose: Choose) -> tuple[int, int]:
    """Return how many clicks of hidden cells were looked at, and how many are told."""
    looked_at = solved = 0
    for seed in SEEDS:
        truth = mailed(seed)
        kept = keep(truth, choose, [EMAIL, LINKS], month_is_over=True)
        count, found = narrowed([EMAIL, LINKS], truth, kept, rows_shown=True)
        looked_at += count
        solved += sum(each.measure == "hits" and not is_all(each.place, truth) for each in found)
    return looked_at, solved


def is_all(place: Place, truth: Cells) -> bool:
    """Tell whether a cell is all that was clicked of its campaign on that day."""
    name, day, keys = place
    if name == "email" and keys[2] != MailKind.PERSON:
        return False
    clicks = sum(
        numbers[5]
        for (of, at, words), numbers in truth.items()
        if (of, at, words[0]) == ("email_links", day, keys[0])
    )
    return truth[place][5] == clicks


def apart(
    table: Table, statistics: Sequence[Statistic], *, month_is_over: bool
) -> Mapping[Spot, Sequence[Keys]]:
    hidden: dict[Spot, list[Keys]] = {}
    for each in statistics:
        own = {spot: cells for spot, cells in table.items() if spot[0] == each.name}
        hidden |= choose_hidden(own, [each], month_is_over=month_is_over)
    return hidden


def test_no_hidden_clicks_of_mail_can_be_told() -> None:
    looked_at, solved = told(choose_hidden)

    assert looked_at > 500
    assert solved == 0


def test_same_audit_finds_clicks_when_links_and_kinds_are_taken_by_themselves() -> None:
    _, solved = told(apart)

    assert solved > 3


@pytest.mark.parametrize("statistic", [EMAIL, LINKS], ids=lambda each: each.name)
def test_large_groups_of_mail_keep_their_day(statistic: Statistic) -> None:
    """The look-alike: not all is hidden because something is."""
    truth = mailed(1)
    kept = keep(truth, choose_hidden, [EMAIL, LINKS], month_is_over=True)

    assert any(name == statistic.name and day is not None for name, day, _ in kept)
