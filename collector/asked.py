"""What a policy's statistics ask of rows that tell no view: of one event, of goals, of masks.

The plan comes in; the fields that such a row tells, and the bits in which its visitor may be
new, go out. What no statistic asks for is in neither (law 4).
"""

from collections.abc import Mapping

from msgspec import Struct

from anonymizer.policy import Dimension, Statistic
from collector.counted import Tells
from collector.plan import Plan, combination_of, is_engagement, tells_of

# These stand in columns of other names, and hold for the whole row.
_NAMING = frozenset(
    {
        *(Dimension.EVENT, Dimension.PROPERTY, Dimension.MASK),
        *(Dimension.GOAL, Dimension.FUNNEL, Dimension.STEP),
    }
)


class Asked(Struct, frozen=True):
    """What is asked of one kind of row."""

    told: tuple[Dimension, ...]
    """What the row tells besides what it is of."""
    combinations: tuple[tuple[int, tuple[Dimension, ...]], ...]
    """The bits in which its visitor may be new, and what tells each of them."""
    seconds: bool = False
    """Whether the seconds that the visitor was engaged are counted."""

    def fields(self, words: Mapping[Dimension, str]) -> dict[str, str]:
        """Return the row's fields for what it tells."""
        return {dimension.value: words[dimension] for dimension in self.told}


class Asking:
    """Compiles what is asked, once for each kind of row and set of purposes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._found: dict[tuple[Tells, int, str, str], Asked | None] = {}

    def of(self, tells: Tells, purposes: int, event: str = "", name: str = "") -> Asked | None:
        """Return what is asked of rows of this kind, of one event or its property; None: nothing.

        `purposes` are the bits of those that the hit serves.
        """
        kind = (tells, purposes, event, name)
        if kind not in self._found:
            self._found[kind] = self._compile(*kind)
        return self._found[kind]

    def _compile(self, tells: Tells, purposes: int, event: str, name: str) -> Asked | None:
        asking = [
            each
            for each in self._plan.of_subjects
            if tells_of(combination_of(each)) is tells
            and purposes >> self._plan.purpose_bit(each.purpose) & 1
            and each.event in ("", event)
            and each.property in ("", name)
        ]
        if not asking:
            return None
        bits = {self._plan.combination_bit(each): combination_of(each) for each in asking}
        return Asked(_told(asking), tuple(sorted(bits.items())), any(map(is_engagement, asking)))


def _told(asking: list[Statistic]) -> tuple[Dimension, ...]:
    return tuple(sorted({d for each in asking for d in each.by} - _NAMING))
