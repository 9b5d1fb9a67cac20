"""Read IAB Global Privacy Platform strings.

What the sections of a string say together comes out: an opt-out, a known
child, a TC string. Whatever can't be read whole is `Unreadable`, because what
is left unread could be a refusal.
"""

import re

from msgspec import Struct

from anonymizer.bits import Bits, Unreadable
from anonymizer.gpp_sections import LAYOUTS, Field, SubSection
from anonymizer.tcf import MAX_CHARACTERS, TcString, read_tc_string

_LONGEST_HEADER = 19  # ids 1 to 27, each on its own: 105 bits
_EU_TCF = 2
_US_PRIVACY = 6
_US_PRIVACY_TEXT = re.compile(r"1[YN-]([YN-])[YN-]")


class Gpp(Struct, frozen=True, gc=False):
    """What all sections of a GPP string say together."""

    opted_out: bool
    """Of sale, sharing or targeted advertising, in any section, or by its GPC sub-section."""
    child: bool
    """Whether any section knows of a child, consent or not."""
    tc: TcString | None
    """The section of IAB Europe."""


def read_gpp(text: str) -> Gpp:
    """Read a GPP string as IAB's "Global Privacy Platform String" 1.0 writes it.

    Raises Unreadable, also for any section whose layout is unknown here. A string
    with no section says nothing: opted_out and child are False and tc is None.
    """
    if len(text) > MAX_CHARACTERS:
        raise Unreadable("GPP: too long")
    header, *contents = text.split("~")
    sections = _read_header(header)
    if len(sections) != len(contents):
        raise Unreadable("GPP: its header counts other sections than follow")
    opted_out = child = False
    tc = None
    for section, content in zip(sections, contents, strict=True):
        if section == _EU_TCF:
            tc = read_tc_string(content)
        elif section == _US_PRIVACY:
            opted_out |= _read_us_privacy(content)
        else:
            opted_out_here, child_here = _read_us_section(section, content)
            opted_out |= opted_out_here
            child |= child_here
    return Gpp(opted_out, child, tc)


def _read_header(header: str) -> list[int]:
    if len(header) > _LONGEST_HEADER:
        raise Unreadable("GPP: header too long")
    bits = Bits(header)
    if bits.take(6) != 3 or bits.take(6) != 1:
        raise Unreadable("GPP: not a GPP string of version 1")
    sections: list[int] = []
    last = 0
    for _ in range(bits.take(12)):
        is_group = bits.flag()
        first = last + _take_fibonacci(bits)
        last = first + _take_fibonacci(bits) if is_group else first
        if last > max(LAYOUTS):  # before a group of 10¹⁷ ids is laid out
            raise Unreadable("GPP: a section that is unknown")
        sections.extend(range(first, last + 1))
    _end(bits, header)
    return sections


def _take_fibonacci(bits: Bits) -> int:
    """Return a number in Fibonacci coding, which ends with the first two ones in a row."""
    number, place, next_place = 0, 1, 2
    was_one = False
    while True:
        is_one = bits.flag()
        if is_one and was_one:
            return number
        if is_one:
            number += place
        was_one = is_one
        place, next_place = next_place, place + next_place


def _lengths(bits: int) -> tuple[int, int]:
    """Return in how many characters so many bits are written.

    The specification fills up to 6 bits, the reference library to 8 and then to 6.
    """
    return -(-bits // 6), -(-(bits + -bits % 8) // 6)


def _end(bits: Bits, segment: str) -> None:
    if len(segment) not in _lengths(6 * len(segment) - bits.left):
        raise Unreadable("GPP: more padding than is ever written")
    bits.end()


def _read_us_privacy(content: str) -> bool:
    told = _US_PRIVACY_TEXT.fullmatch(content)
    if told is None:
        raise Unreadable("GPP: not a US Privacy string of version 1")
    return told[1] == "Y"


class _Core(Struct, frozen=True, gc=False):
    """A layout as masks over its whole core: usnat reads in 11 µs, field by field in 27."""

    width: int
    lower: int
    """The lower bit of every field."""
    opt_outs: int
    """The lower bit of those fields: 1 is an opt-out, 2 is none."""
    child: int
    covered: int
    sub_section: SubSection | None


def _mask(fields: tuple[Field, ...], wanted: Field | None, bits: int) -> int:
    mask = 0
    for field in fields:
        mask = mask << 2 | (bits if wanted in {field, None} else 0)
    return mask


_CORES = {
    (section, layout.version, length): _Core(
        width=2 * len(layout.core),
        lower=_mask(layout.core, None, 0b01),
        opt_outs=_mask(layout.core, Field.OPT_OUT, 0b01),
        child=_mask(layout.core, Field.CHILD, 0b11),
        covered=_mask(layout.core, Field.COVERED, 0b11),
        sub_section=layout.sub_section,
    )
    for section, layouts in LAYOUTS.items()
    for layout in layouts
    for length in _lengths(6 + 2 * len(layout.core))
}
_LONGEST_CORE = max(length for _, _, length in _CORES)


def _read_us_section(section: int, content: str) -> tuple[bool, bool]:
    """Return whether it holds an opt-out, and whether it knows of a child."""
    segment, dot, rest = content.partition(".")
    if len(segment) > _LONGEST_CORE:
        raise Unreadable("GPP: a section that is too long")
    bits = Bits(segment)
    core = _CORES.get((section, bits.take(6), len(segment)))
    if core is None:
        raise Unreadable("GPP: a section whose layout is unknown")
    told = bits.take(core.width)
    bits.end()
    if told & told >> 1 & core.lower or not told & core.covered:  # a 3; a 0 there
        raise Unreadable("GPP: a value that has no meaning")
    gpc = dot != "" and _read_sub_section(core.sub_section, rest)
    return gpc or told & core.opt_outs != 0, told & core.child != 0


def _read_sub_section(kind: SubSection | None, segment: str) -> bool:
    """Return whether it says that Sec-GPC was sent; `segment` is all that follows the core."""
    if kind is None or len(segment) > _LONGEST_CORE:
        raise Unreadable("GPP: a sub-section that is unknown")
    bits = Bits(segment)
    gpc = False
    if kind is SubSection.GPC:
        if bits.take(2) != 1:
            raise Unreadable("GPP: a sub-section that is unknown")
        gpc = bits.flag()
    elif any(bits.take(2) == 3 for _ in range(8)):
        raise Unreadable("GPP: a value that has no meaning")
    _end(bits, segment)
    return gpc
