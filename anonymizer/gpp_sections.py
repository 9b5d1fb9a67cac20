"""The layouts of the GPP sections of the United States: which field lies where.

Field lists: IAB Tech Lab's specification of each section, as its reference
library (@iabgpp/cmpapi 3.2.0) writes them. After a version of 6 bits every
field of a core is a whole number of 2 bits.
"""

from enum import Enum, auto

from msgspec import Struct


class Field(Enum):
    """What a 2-bit field of a core speaks of."""

    NOTICE = auto()
    """1 given, 2 not given, 0 not applicable."""
    OPT_OUT = auto()
    """Of sale, sharing or targeted advertising: 1 opted out, 2 did not, 0 not applicable."""
    SENSITIVE = auto()
    """One category of sensitive data, none of which is held here: 0, 1 or 2."""
    CHILD = auto()
    """Consent for a known child: 1 none, 2 given, 0 when no child is known of."""
    CONSENT = auto()
    """To processing beside the told purposes: 1 none, 2 given, 0 not applicable."""
    COVERED = auto()
    """Whether IAB's Multi-State Privacy Agreement covers it: 1 yes, 2 no; 0 has no meaning."""
    MODE = auto()
    """Under that agreement: 0, 1 or 2."""


class SubSection(Enum):
    """What may follow a core after a dot."""

    GPC = auto()
    """A type of 2 bits, always 1, and whether Sec-GPC was sent."""
    SENSITIVE = auto()
    """Eight categories of sensitive data, without a type."""


class Layout(Struct, frozen=True, gc=False):
    """How one version of a section is written."""

    version: int
    core: tuple[Field, ...]
    sub_section: SubSection | None


_NOTICE = (Field.NOTICE,)
_OPT_OUT = (Field.OPT_OUT,)
_SENSITIVE = (Field.SENSITIVE,)
_CHILD = (Field.CHILD,)
_CONSENT = (Field.CONSENT,)
_COVERED = (Field.COVERED,)
_MODE = (Field.MODE,)


def _national(version: int, sensitive: int, child: int) -> Layout:
    core = _NOTICE * 6 + _OPT_OUT * 3 + _SENSITIVE * sensitive + _CHILD * child
    return Layout(version, core + _CONSENT + _COVERED + _MODE * 2, SubSection.GPC)


def _state(
    sensitive: int,
    child: int,
    *,
    notices: int = 3,
    consent: bool = True,
    sub_section: SubSection | None = SubSection.GPC,
) -> Layout:
    core = _NOTICE * notices + _OPT_OUT * 2 + _SENSITIVE * sensitive + _CHILD * child
    return Layout(1, core + _CONSENT * consent + _COVERED + _MODE * 2, sub_section)


def _state_since_2025(child: int, sub_section: SubSection) -> Layout:
    # The library's form. IAB's drafts of October 2025 put a section header before
    # it, whose first 6 bits are the section id, so that its version reads as 24 to 27.
    core = _COVERED + _MODE + _NOTICE * 3 + _OPT_OUT * 2 + _CHILD * child + _CONSENT
    return Layout(1, core, sub_section)


# Canada (5) is left out: the library itself tries two encodings on it, one after the other.
LAYOUTS: dict[int, tuple[Layout, ...]] = {
    # Before version 2 had its name, its longer core was written as version 1.
    7: (_national(1, 12, 2), _national(1, 16, 3), _national(2, 16, 3)),
    8: (_state(9, 2),),  # California
    9: (_state(8, 1, consent=False, sub_section=None),),  # Virginia
    10: (_state(7, 1, consent=False),),  # Colorado
    11: (_state(8, 1, notices=4, consent=False, sub_section=None),),  # Utah
    12: (_state(8, 3, consent=False),),  # Connecticut
    13: (_state(8, 3, sub_section=None),),  # Florida
    14: (_state(8, 3),),  # Montana
    15: (_state(11, 3),),  # Oregon
    16: (_state(8, 1),),  # Texas
    17: (_state(9, 5),),  # Delaware
    18: (_state(8, 1, notices=4, consent=False),),  # Iowa
    19: (_state(8, 1),),  # Nebraska
    20: (_state(8, 3),),  # New Hampshire
    21: (_state(10, 5),),  # New Jersey
    22: (_state(8, 1),),  # Tennessee
    23: (_state(8, 1),),  # Minnesota
    24: (_state_since_2025(0, SubSection.GPC),),  # Maryland
    25: (_state_since_2025(1, SubSection.SENSITIVE),),  # Indiana
    26: (_state_since_2025(1, SubSection.SENSITIVE),),  # Kentucky
    27: (_state_since_2025(1, SubSection.SENSITIVE),),  # Rhode Island
}
"""Section id → its layouts, of which a core's version and length fit one at most."""
