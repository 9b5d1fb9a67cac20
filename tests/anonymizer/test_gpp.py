from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.bits import Unreadable
from anonymizer.gpp import read_gpp
from anonymizer.gpp_sections import LAYOUTS
from anonymizer.tcf import MAX_CHARACTERS, read_tc_string

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

# Written by @iabgpp/cmpapi 3.2.0: the site itself may use purposes 1 to 7 on consent.
_TC = "CQiCO8AQiCO8A9u0fgENuUFoH____0N9_TLIAUOpMFrRvAAAAAAA.IAAA.f___4LuFAAAA"


class _Section(NamedTuple):
    """Where a section's fields lie after its version, in bits from the section's start."""

    id: int
    version: int
    ends: int
    opt_outs: range
    child: range
    covered: int
    sub_section: str = "GPC"


# Told by the reference library's own encoder, field by field; not taken from LAYOUTS.
_SECTIONS = [
    pytest.param(_Section(7, 1, 60, range(18, 24), range(48, 52), 54), id="usnat 1"),
    pytest.param(_Section(7, 1, 70, range(18, 24), range(56, 62), 64), id="usnat 1, longer"),
    pytest.param(_Section(7, 2, 70, range(18, 24), range(56, 62), 64), id="usnat 2"),
    pytest.param(_Section(8, 1, 46, range(12, 16), range(34, 38), 40), id="usca"),
    pytest.param(_Section(9, 1, 40, range(12, 16), range(32, 34), 34, ""), id="usva"),
    pytest.param(_Section(10, 1, 38, range(12, 16), range(30, 32), 32), id="usco"),
    pytest.param(_Section(11, 1, 42, range(14, 18), range(34, 36), 36, ""), id="usut"),
    pytest.param(_Section(12, 1, 44, range(12, 16), range(32, 38), 38), id="usct"),
    pytest.param(_Section(13, 1, 46, range(12, 16), range(32, 38), 40, ""), id="usfl"),
    pytest.param(_Section(14, 1, 46, range(12, 16), range(32, 38), 40), id="usmt"),
    pytest.param(_Section(15, 1, 52, range(12, 16), range(38, 44), 46), id="usor"),
    pytest.param(_Section(16, 1, 42, range(12, 16), range(32, 34), 36), id="ustx"),
    pytest.param(_Section(17, 1, 52, range(12, 16), range(34, 44), 46), id="usde"),
    pytest.param(_Section(18, 1, 42, range(14, 18), range(34, 36), 36), id="usia"),
    pytest.param(_Section(19, 1, 42, range(12, 16), range(32, 34), 36), id="usne"),
    pytest.param(_Section(20, 1, 46, range(12, 16), range(32, 38), 40), id="usnh"),
    pytest.param(_Section(21, 1, 54, range(12, 16), range(36, 46), 48), id="usnj"),
    pytest.param(_Section(22, 1, 42, range(12, 16), range(32, 34), 36), id="ustn"),
    pytest.param(_Section(23, 1, 42, range(12, 16), range(32, 34), 36), id="usmn"),
    pytest.param(_Section(24, 1, 22, range(16, 20), range(0), 6), id="usmd"),
    pytest.param(_Section(25, 1, 24, range(16, 20), range(20, 22), 6, "sensitive"), id="usin"),
    pytest.param(_Section(26, 1, 24, range(16, 20), range(20, 22), 6, "sensitive"), id="usky"),
    pytest.param(_Section(27, 1, 24, range(16, 20), range(20, 22), 6, "sensitive"), id="usri"),
]  # fmt: skip


def _base64(bits: str) -> str:
    bits += "0" * (-len(bits) % 6)
    return "".join(_LETTERS[int(bits[at : at + 6], 2)] for at in range(0, len(bits), 6))


def _fibonacci(number: int) -> str:
    places = [place for place in (21, 13, 8, 5, 3, 2, 1) if place <= number]
    code = ""
    for place in places:
        code = ("1" if place <= number else "0") + code
        number -= place if place <= number else 0
    return code + "1"


def _header(*sections: int) -> str:
    steps = [after - before for before, after in zip((0, *sections), sections, strict=False)]
    singles = "".join("0" + _fibonacci(step) for step in steps)
    return _base64(f"{3:06b}{1:06b}{len(sections):012b}{singles}")


def _core(section: _Section, values: dict[int, int]) -> str:
    """Write a core that says nothing but the `values` of the fields at these bits."""
    values = {section.covered: 2, **values}
    fields = (f"{values.get(at, 0):02b}" for at in range(6, section.ends, 2))
    return _base64(f"{section.version:06b}{''.join(fields)}")


def _alone(section: _Section, values: dict[int, int]) -> str:
    return f"{_header(section.id)}~{_core(section, values)}"


@pytest.mark.parametrize(
    ("text", "opted_out", "child"),
    [
        pytest.param("DBABLA~BFQVAAAAAQA.YA", True, False, id="usnat 1, all opt-outs and GPC"),
        pytest.param("DBABLA~BFQVAAAAAQA", True, False, id="usnat 1, all opt-outs"),
        pytest.param("DBABLA~BAAAAAAAAABY.QA", False, False, id="usnat 1 with version 2's core"),
        pytest.param("DBABLA~CAAAAAAAAABY.QA", False, False, id="usnat 2"),
        pytest.param("DBABLA~CAAAAAAAAABY.YA", True, False, id="usnat 2 with GPC alone"),
        pytest.param("DBABLA~CAAAAAAAAABY.Y", True, False, id="GPC in one character"),
        pytest.param("DBABL~CAAAAAAAAABY.Q", False, False, id="padded to 6 bits"),
        pytest.param("DBABBg~BoJaVQFE", False, False, id="usca"),
        pytest.param("DBABTA~1YYN", True, False, id="uspv1 opted out"),
        pytest.param("DBABTA~1NYY", True, False, id="uspv1 opted out without notice"),
        pytest.param("DBABTA~1YNN", False, False, id="uspv1 not opted out"),
        pytest.param("DBABTA~1YNY", False, False, id="uspv1 with the limited agreement"),
        pytest.param("DBABTA~1---", False, False, id="uspv1 not applicable"),
        pytest.param("DBAA", False, False, id="no section"),
        pytest.param("DBABzw~1YNN~CAAAAAAAAABY", False, False, id="group of ids"),
        pytest.param("DBABzw~1YYN~CAAAAAAAAABY", True, False, id="opt-out in the first of two"),
        pytest.param("DBABzw~1YNN~CAAAAAAAAABY.YA", True, False, id="in the second of two"),
    ],
)
def test_string_tells_opt_out_and_child(text: str, opted_out: bool, child: bool) -> None:
    gpp = read_gpp(text)
    assert (gpp.opted_out, gpp.child, gpp.tc) == (opted_out, child, None)


def test_child_of_one_section_is_a_child_of_the_string() -> None:
    child, adult = "BAAAABCA", "CAAAAAAAAABY"
    california, both = (
        _header(8),
        _base64(f"{3:06b}{1:06b}{2:012b}0{_fibonacci(7)}0{_fibonacci(1)}"),
    )
    assert read_gpp(f"{california}~{child}").child
    assert not read_gpp(f"{_header(7)}~{adult}").child
    assert read_gpp(f"{both}~{adult}~{child}").child
    assert read_gpp(f"{both}~CAAAAAAAAECA~BAAAAACA").child


def test_string_may_be_as_long_as_a_header_line() -> None:
    longest = f"DBABM~{_TC}".ljust(MAX_CHARACTERS, "A")
    assert read_gpp(longest).tc == read_tc_string(_TC)
    with pytest.raises(Unreadable, match=r"^GPP: too long$"):
        read_gpp(longest + "A")


@pytest.mark.parametrize("header", ["DBABM", "DBABMA"])
def test_tc_string_is_read_as_on_its_own(header: str) -> None:
    gpp = read_gpp(f"{header}~{_TC}")
    assert gpp.tc == read_tc_string(_TC)
    assert gpp.tc.permission(1, None).consent
    assert not gpp.opted_out
    assert not gpp.child


@pytest.mark.parametrize("header", ["DBACNY", "DBACNYA"])
@pytest.mark.parametrize(("us_privacy", "opted_out"), [("1YNN", False), ("1YYN", True)])
def test_opt_out_stands_beside_a_consent(header: str, us_privacy: str, opted_out: bool) -> None:
    gpp = read_gpp(f"{header}~{_TC}~{us_privacy}")
    assert gpp.tc is not None
    assert gpp.opted_out == opted_out


@pytest.mark.parametrize("section", _SECTIONS)
def test_each_opt_out_field_opts_out(section: _Section) -> None:
    for at in section.opt_outs[::2]:
        assert read_gpp(_alone(section, {at: 1})).opted_out
        assert not read_gpp(_alone(section, {at: 2})).opted_out


@pytest.mark.parametrize("section", _SECTIONS)
def test_each_known_child_field_tells_a_child(section: _Section) -> None:
    for at in section.child[::2]:
        assert read_gpp(_alone(section, {at: 1})).child
        assert read_gpp(_alone(section, {at: 2})).child


@pytest.mark.parametrize("value", [1, 2])
@pytest.mark.parametrize("section", _SECTIONS)
def test_other_fields_tell_neither(section: _Section, value: int) -> None:
    own = {*section.opt_outs, *section.child}
    others = {at: value for at in range(6, section.ends, 2) if at not in own}
    gpp = read_gpp(_alone(section, others))
    assert (gpp.opted_out, gpp.child) == (False, False)


@pytest.mark.parametrize("section", _SECTIONS)
def test_value_without_meaning_is_unreadable(section: _Section) -> None:
    for at in range(6, section.ends, 2):
        with pytest.raises(Unreadable, match=r"^GPP: a value that has no meaning$"):
            read_gpp(_alone(section, {at: 3}))
    with pytest.raises(Unreadable, match=r"^GPP: a value that has no meaning$"):
        read_gpp(_alone(section, {section.covered: 0}))


@pytest.mark.parametrize("section", _SECTIONS)
def test_other_version_is_unreadable(section: _Section) -> None:
    text = _alone(section, {})
    header, core = text.split("~")
    known = {layout.version for layout in LAYOUTS[section.id]}
    for version in set(range(64)) - known:
        with pytest.raises(Unreadable, match=r"^GPP: a section whose layout is unknown$"):
            read_gpp(f"{header}~{_LETTERS[version]}{core[1:]}")


@pytest.mark.parametrize("section", _SECTIONS)
def test_core_that_is_cut_or_grows_is_unreadable(section: _Section) -> None:
    text = _alone(section, {})
    header, core = text.split("~")
    for length in range(len(core)):
        with pytest.raises(Unreadable):
            read_gpp(f"{header}~{core[:length]}")
    for more in ("AA", "AAA", "A" * 8000):
        with pytest.raises(Unreadable):
            read_gpp(f"{header}~{core}{more}")


@pytest.mark.parametrize("section", _SECTIONS)
def test_gpc_is_read_where_it_may_stand(section: _Section) -> None:
    text = _alone(section, {})
    if section.sub_section == "GPC":
        assert read_gpp(f"{text}.YA").opted_out
        assert not read_gpp(f"{text}.QA").opted_out
    else:
        with pytest.raises(Unreadable):
            read_gpp(f"{text}.YA")


@pytest.mark.parametrize("section", _SECTIONS)
def test_sensitive_data_are_read_where_they_may_stand(section: _Section) -> None:
    text = _alone(section, {})
    if section.sub_section == "sensitive":
        assert read_gpp(f"{text}.{_base64('0110' * 4)}") == read_gpp(text)
        with pytest.raises(Unreadable, match=r"^GPP: a value that has no meaning$"):
            read_gpp(f"{text}.{_base64('0011' + '0' * 12)}")
    else:
        with pytest.raises(Unreadable):
            read_gpp(f"{text}.{_base64('0110' * 4)}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "ends within a field", id="empty"),
        pytest.param("D", "ends within a field", id="cut in the header"),
        pytest.param("DBA", "ends within a field", id="cut before the count"),
        pytest.param(_TC, "GPP: header too long", id="TC string alone"),
        pytest.param("1YNN", "GPP: not a GPP string of version 1", id="US Privacy string alone"),
        pytest.param("EBABLA~CAAAAAAAAABY", "GPP: not a GPP string of version 1", id="type 4"),
        pytest.param("DCABLA~CAAAAAAAAABY", "GPP: not a GPP string of version 1", id="version 2"),
        pytest.param(
            "DBABLB~CAAAAAAAAABY",
            "goes on after its last field",
            id="header with padding that isn't zero",
        ),
        pytest.param(
            "DBABLAA~CAAAAAAAAABY",
            "GPP: more padding than is ever written",
            id="header with more padding",
        ),
        pytest.param(
            "DBABLA" + "A" * 8000 + "~CAAAAAAAAABY",
            "GPP: header too long",
            id="header with 8,000 zeros",
        ),
        pytest.param(
            "DBABLA", "GPP: its header counts other sections than follow", id="section missing"
        ),
        pytest.param("DBABLA~", "ends within a field", id="empty section"),
        pytest.param(
            "DBABLA~CAAAAAAAAABY~",
            "GPP: its header counts other sections than follow",
            id="empty section more",
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY~CAAAAAAAAABY",
            "GPP: its header counts other sections than follow",
            id="section twice",
        ),
        pytest.param(
            "DBAA~CAAAAAAAAABY",
            "GPP: its header counts other sections than follow",
            id="section that the header leaves out",
        ),
        pytest.param(
            "DBAA~",
            "GPP: its header counts other sections than follow",
            id="empty section that the header leaves out",
        ),
        pytest.param("~CAAAAAAAAABY", "ends within a field", id="no header"),
        pytest.param(f"{_header(1)}~{_TC}", "GPP: a section that is too long", id="TCF version 1"),
        pytest.param(
            f"{_header(3)}~CAAAAAAAAABY",
            "GPP: a section whose layout is unknown",
            id="header as a section",
        ),
        pytest.param(
            f"{_header(4)}~CAAAAAAAAABY",
            "GPP: a section whose layout is unknown",
            id="signal integrity",
        ),
        pytest.param(f"{_header(5)}~{_TC}", "GPP: a section that is too long", id="Canada"),
        pytest.param(
            "DBABjw~CAAAAAAAAABY~1YNN",
            "GPP: a section whose layout is unknown",
            id="Canada and uspv1",
        ),
        pytest.param(
            f"{_header(28)}~CAAAAAAAAABY",
            "GPP: a section that is unknown",
            id="section that is yet to come",
        ),
        pytest.param(
            _base64(f"{0xC1001:024b}0{'0' * 80}11"),
            "GPP: a section that is unknown",
            id="ids above the last",
        ),
        pytest.param(
            _base64(f"{0xC1001:024b}1011{'0' * 70}11"),
            "GPP: a section that is unknown",
            id="group of 10¹⁵ ids",
        ),
        pytest.param("DB__" + "_" * 15, "GPP: a section that is unknown", id="4,095 ranges"),
        pytest.param(
            "DBABLA~CAAAAAAAAABZ",
            "goes on after its last field",
            id="core with padding that isn't zero",
        ),
        pytest.param(
            "DBABLA~BFQVAAAAAQB.YA",
            "goes on after its last field",
            id="core of version 1 with such padding",
        ),
        pytest.param(
            "DBABLA~BFQVAAAAAQAA",
            "GPP: a value that has no meaning",
            id="core of version 1 padded to 24 bits",
        ),
        pytest.param("DBABLA~CAAAAAAAAABY.", "ends within a field", id="empty sub-section"),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.AA",
            "GPP: a sub-section that is unknown",
            id="sub-section of type 0",
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.gA",
            "GPP: a sub-section that is unknown",
            id="sub-section of type 2",
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.4A",
            "GPP: a sub-section that is unknown",
            id="sub-section of type 3",
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.QB",
            "goes on after its last field",
            id="GPC with padding that isn't zero",
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.QAA",
            "GPP: more padding than is ever written",
            id="GPC with more padding",
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.QA.QA", "a character outside web-safe base64", id="GPC twice"
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.QA.",
            "a character outside web-safe base64",
            id="empty sub-section more",
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY." + "Q" * 8000,
            "GPP: a sub-section that is unknown",
            id="8,000 characters of GPC",
        ),
        pytest.param("DBABLA~CAAAAAAAAAB+", "a character outside web-safe base64", id="plus"),
        pytest.param(
            "DBABLA~CAAAAAAAAAB=", "a character outside web-safe base64", id="padding character"
        ),
        pytest.param("DBABLA~CAAAAAAAAABY ", "GPP: a section that is too long", id="space"),
        pytest.param("DBABLA~CAAAAAAAAABY\n", "GPP: a section that is too long", id="line feed"),
        pytest.param(
            "DBABLA~CAAAAAAAAAB４", "a character outside web-safe base64", id="full-width digit"
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.QAAAAAAAAAAA",
            "GPP: more padding than is ever written",
            id="GPC as long as the longest core",
        ),
        pytest.param(
            "DBABLA~CAAAAAAAAABY.QAAAAAAAAAAAA",
            "GPP: a sub-section that is unknown",
            id="GPC longer than any core",
        ),
        pytest.param(
            f"{_header(25)}~BgAA.{_base64('0110' * 4 + '11')}",
            "goes on after its last field",
            id="sensitive data with padding that isn't zero",
        ),
        pytest.param(
            f"{_header(*range(1, 28))}A" + "~1YNN" * 27,
            "GPP: a section whose layout is unknown",
            id="longest header",
        ),
        pytest.param(
            f"{_header(*range(1, 28))}AA" + "~1YNN" * 27, "GPP: header too long", id="longer header"
        ),
        pytest.param(
            "DBABTA~2YNN", "GPP: not a US Privacy string of version 1", id="uspv1 of version 2"
        ),
        pytest.param(
            "DBABTA~1YN", "GPP: not a US Privacy string of version 1", id="uspv1 too short"
        ),
        pytest.param(
            "DBABTA~1YNNN", "GPP: not a US Privacy string of version 1", id="uspv1 too long"
        ),
        pytest.param(
            "DBABTA~1ynn", "GPP: not a US Privacy string of version 1", id="uspv1 in lower case"
        ),
        pytest.param(
            "DBABTA~1YXN",
            "GPP: not a US Privacy string of version 1",
            id="uspv1 with another letter",
        ),
        pytest.param(
            "DBABTA~1YNN\n",
            "GPP: not a US Privacy string of version 1",
            id="uspv1 with a line feed",
        ),
        pytest.param(
            "DBABTA~1YNN.YA", "GPP: not a US Privacy string of version 1", id="uspv1 with GPC"
        ),
        pytest.param(
            "DBABTA~１YNN",
            "GPP: not a US Privacy string of version 1",
            id="uspv1 with a full-width digit",
        ),
        pytest.param(
            f"DBABM~{_TC[:-1]}!", "a character outside web-safe base64", id="TC string unreadable"
        ),
        pytest.param(
            f"DBACNY~{_TC}~1YY",
            "GPP: not a US Privacy string of version 1",
            id="TC string readable, the rest not",
        ),
        pytest.param(
            "DBABzw~1YYN~CAAAAAAAAAB",
            "GPP: a section whose layout is unknown",
            id="opt-out, then a section unreadable",
        ),
        pytest.param(
            f"{_header(24)}~YBADm~BgAA",
            "GPP: its header counts other sections than follow",
            id="Maryland as IAB's draft of 2025 has it",
        ),
        pytest.param("DBABLA~CAAAAAAAAABY" * 1000, "GPP: too long", id="19,000 characters"),
    ],
)
def test_text_is_unreadable_for_a_reason_of_its_own(text: str, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_gpp(text)
    assert str(caught.value) == reason


@pytest.mark.parametrize("length", [8193, 1_000_000])
def test_too_long_text_is_unreadable(length: int) -> None:
    with pytest.raises(Unreadable, match=r"^GPP: too long$"):
        read_gpp("DBABLA~".ljust(length, "!"))


@pytest.mark.parametrize(
    "text", ["DBABLA~canary", "canary", "DBABTA~canary", "DBABM~canary", "DBABLA~C.canary"]
)
def test_error_echoes_nothing_of_the_text(text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_gpp(text)
    assert "canary" not in str(caught.value)


@given(st.text() | st.text(f"{_LETTERS}~.1YN"))
def test_arbitrary_text_raises_nothing_but_unreadable(text: str) -> None:
    try:
        read_gpp(text)
    except Unreadable:
        return
    assert text.startswith("DB")


@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.text(_LETTERS + ".", min_size=1, max_size=16),
    st.sampled_from(["", ".YA", ".QA"]),
)
def test_arbitrary_section_raises_nothing_but_unreadable(section: int, core: str, end: str) -> None:
    try:
        gpp = read_gpp(f"{_header(section)}~{core}{end}")
    except Unreadable:
        return
    assert gpp.opted_out or end != ".YA"
