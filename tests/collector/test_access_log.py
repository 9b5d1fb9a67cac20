"""A line of a log is read right, or not at all; nothing in it raises."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.hits import Door, DropReason, RawHit, SiteId
from collector.access_log import NOT_LOGGED, STATIC_ENDINGS, LogReader
from tests.collector.log_lines import SAMPLE, log_line
from tests.running import FIREFOX

BEGIN = b'192.0.2.1 - - [06/May/2024:12:00:00 +0000] "'
PAGE = BEGIN + b'GET /a HTTP/1.1" 200 512'
AGENT = FIREFOX.encode()
NOON = int(datetime(2024, 5, 6, 12, tzinfo=UTC).timestamp())


def read_hit(line: bytes) -> RawHit:
    """Return the page view that a line tells."""
    read = LogReader(SiteId("example.org")).read_line(line)
    assert read is not None
    assert isinstance(read.page, RawHit)
    return read.page


def read_reason(line: bytes) -> DropReason:
    read = LogReader(SiteId("example.org")).read_line(line)
    assert read is not None
    assert isinstance(read.page, DropReason)
    return read.page


def test_combined_line_tells_time_address_page_referrer_and_agent() -> None:
    line = log_line("/a?b=1", address="198.51.100.7", referrer="https://news.example/x?y")

    assert read_hit(line) == RawHit(
        door=Door.LOG,
        site=SiteId("example.org"),
        time=NOON,
        raw_address="198.51.100.7",
        raw_agent=FIREFOX,
        raw_url="/a?b=1",
        raw_referrer="https://news.example/x?y",
    )


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(PAGE + b"\n", id="newline"),
        pytest.param(PAGE + b"\r\n", id="CRLF"),
        pytest.param(PAGE, id="no newline"),
        pytest.param(PAGE[:-3] + b"-\n", id="no size"),
        pytest.param(PAGE + b" 0.004 upstream\n", id="more fields"),
    ],
)
def test_common_line_has_an_agent_that_is_not_logged_and_no_referrer(line: bytes) -> None:
    hit = read_hit(line)

    assert (hit.raw_agent, hit.raw_referrer) == (NOT_LOGGED, "")


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(b"\n", id="newline"),
        pytest.param(b"\r\n", id="CRLF"),
        pytest.param(b"", id="no newline"),
        pytest.param(b' "203.0.113.9, 10.0.0.1" 0.004 "unclosed\n', id="more fields"),
    ],
)
def test_what_follows_the_agent_is_of_no_matter(end: bytes) -> None:
    hit = read_hit(PAGE + b' "https://news.example/" "' + AGENT + b'"' + end)

    assert (hit.raw_agent, hit.raw_referrer) == (FIREFOX, "https://news.example/")


@pytest.mark.parametrize(
    ("logged", "agent"),
    [
        pytest.param(rb"a \"b\" c", 'a "b" c', id="quotes of Apache"),
        pytest.param(rb"a \x22b\x22 c", 'a "b" c', id="quotes of nginx"),
        pytest.param(rb"a\\", "a\\", id="backslash at the end"),
        pytest.param(rb"a\\\"b", 'a\\"b', id="backslash and quote"),
        pytest.param(rb"\xc3\xa9t\xC3\xA9", "été", id="UTF-8 in octets"),
        pytest.param("été".encode(), "été", id="UTF-8 as it is"),
        pytest.param(b"\xe9t\xe9", "�t�", id="Latin-1 as it is"),
        pytest.param(rb"a\tb\x0", "a\tbx0", id="tab and half an octet"),
        pytest.param(b"-", "", id="none"),
        pytest.param(b"", "", id="empty"),
    ],
)
def test_escapes_in_agent_and_referrer_are_undone(logged: bytes, agent: str) -> None:
    hit = read_hit(PAGE + b' "' + logged + b'" "' + logged + b'"\n')

    assert (hit.raw_agent, hit.raw_referrer) == (agent, agent)


def test_page_written_in_octets_is_the_page_that_was_asked_for() -> None:
    assert read_hit(log_line(r"/caf\xC3\xA9?q=\"x\"")).raw_url == '/café?q="x"'


@pytest.mark.parametrize(
    "address", ["2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0", "crawler.example.net"]
)
def test_first_field_is_the_address_as_it_stands(address: str) -> None:
    assert read_hit(log_line(address=address)).raw_address == address


@pytest.mark.parametrize("user", ["jo", "Jo Doe", "a@b.example", r"x \"y\" z", "", "- -"])
def test_user_name_may_be_any(user: str) -> None:
    line = log_line().replace(b" - - [", f" - {user} [".encode())

    assert read_hit(line) == read_hit(log_line())


@pytest.mark.parametrize("request_line", ["GET /a", "GET /a HTTP/1.0", "GET /a HTTP/2.0"])
def test_request_may_be_of_any_version(request_line: str) -> None:
    line = BEGIN + request_line.encode() + b'" 200 512 "-" "x"\n'

    assert read_hit(line).raw_url == "/a"


@pytest.mark.parametrize(
    "when",
    [
        pytest.param(datetime(2024, 5, 6, 12, tzinfo=UTC), id="+0000"),
        pytest.param(datetime(2024, 5, 6, 5, tzinfo=timezone(-timedelta(hours=7))), id="-0700"),
        pytest.param(
            datetime(2024, 5, 6, 17, 45, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            id="+0545",
        ),
        pytest.param(datetime(2024, 5, 7, 2, tzinfo=timezone(timedelta(hours=14))), id="+1400"),
    ],
)
def test_time_is_read_in_the_zone_it_is_written_in(when: datetime) -> None:
    assert read_hit(log_line(time=when)).time == NOON


def test_zone_and_minute_may_change_from_line_to_line() -> None:
    reader = LogReader(SiteId("example.org"))
    times = [
        datetime(2024, 5, 6, 12, 0, 59, tzinfo=UTC),
        datetime(2024, 5, 6, 12, 0, 58, tzinfo=timezone(timedelta(hours=1))),
        datetime(2024, 5, 6, 12, 1, 0, tzinfo=UTC),
        datetime(2023, 5, 6, 12, 1, 0, tzinfo=UTC),
    ]

    read = [reader.read_line(log_line(time=time)) for time in times]

    assert [line and line.time for line in read] == [int(time.timestamp()) for time in times]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        pytest.param(log_line(method="POST"), DropReason.NOT_GET, id="POST"),
        pytest.param(log_line(method="HEAD"), DropReason.NOT_GET, id="HEAD"),
        pytest.param(log_line(method="get"), DropReason.NOT_GET, id="methods are case-sensitive"),
        pytest.param(log_line(method="M-SEARCH"), DropReason.NOT_GET, id="rare method"),
        pytest.param(log_line(status=404), DropReason.NOT_SUCCESSFUL, id="404"),
        pytest.param(log_line(status=301), DropReason.NOT_SUCCESSFUL, id="301"),
        pytest.param(log_line(status=500), DropReason.NOT_SUCCESSFUL, id="500"),
        pytest.param(log_line("/a.css", status=404), DropReason.NOT_SUCCESSFUL, id="404 of a file"),
        pytest.param(log_line("/a.css"), DropReason.STATIC_FILE, id="file"),
        pytest.param(log_line("/A.JPG"), DropReason.STATIC_FILE, id="capitals"),
        pytest.param(log_line("/a.js?v=1"), DropReason.STATIC_FILE, id="file with a query"),
        pytest.param(log_line("/.ico"), DropReason.STATIC_FILE, id="ending alone"),
        pytest.param(
            log_line("/a.tar.gz", status=206), DropReason.STATIC_FILE, id="part of a file"
        ),
    ],
)
def test_line_that_is_no_page_view_tells_why(line: bytes, reason: DropReason) -> None:
    assert read_reason(line) is reason


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(log_line(status=304), id="kept by the browser"),
        pytest.param(log_line(status=206), id="part of a page"),
        pytest.param(log_line("/a.html"), id="html"),
        pytest.param(log_line("/a.php?f=b.css"), id="static ending in the query"),
        pytest.param(log_line("/css"), id="ending without a dot"),
        pytest.param(log_line("/v1.css/"), id="ending in a folder"),
        pytest.param(log_line("/a.cssx"), id="longer ending"),
    ],
)
def test_line_that_looks_like_a_refused_one_is_a_page_view(line: bytes) -> None:
    read_hit(line)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"\n", id="blank"),
        pytest.param(b"", id="nothing"),
        pytest.param(BEGIN + b'-" 408 - "-" "-"\n', id="no request"),
        pytest.param(BEGIN + b'" 400 0 "-" "-"\n', id="empty request"),
        pytest.param(BEGIN + rb'\x16\x03\x01\x00 \x01" 400 0 "-" "-"' + b"\n", id="TLS, escaped"),
        pytest.param(BEGIN + b'\x16\x03\x01\x00 \x01" 400 0 "-" "-"\n', id="TLS, raw"),
        pytest.param(BEGIN + b'GET /a b HTTP/1.1" 200 0 "-" "-"\n', id="space in the path"),
        pytest.param(bytes(range(256)) * 20 + b"\n", id="binary"),
        pytest.param(PAGE + b' "-" "' + AGENT + b"\n", id="unclosed agent"),
        pytest.param(PAGE + b' "-"\n', id="referrer alone"),
        pytest.param(PAGE[:-4] + b"\n", id="cut before the size"),
        pytest.param(b"example.org:443 " + log_line(), id="virtual host first"),
        pytest.param(b"198.51.100.7, " + log_line(), id="list of addresses"),
        pytest.param(log_line().replace(b"06/May", b"32/May"), id="no such day"),
        pytest.param(log_line().replace(b"06/May", b"30/Feb"), id="no such day of February"),
        pytest.param(log_line().replace(b"May", b"Mai"), id="no such month"),
        pytest.param(log_line().replace(b"/2024", b"/0000"), id="year 0"),
        pytest.param(log_line().replace(b"/2024", b"/1969"), id="before the web"),
        pytest.param(log_line().replace(b"/2024", b"/9999"), id="beyond the store's times"),
        pytest.param(log_line().replace(b":12:00", b":24:00"), id="hour 24"),
        pytest.param(log_line().replace(b":00:00 ", b":00:61 "), id="second 61"),
        pytest.param(log_line().replace(b"+0000", b"+2400"), id="zone of a day"),
        pytest.param(log_line().replace(b"+0000", b"-0060"), id="zone of 60 minutes"),
        pytest.param(log_line().replace(b" +0000", b""), id="no zone"),
    ],
)
def test_line_that_cannot_be_read_is_nothing(line: bytes) -> None:
    assert LogReader(SiteId("example.org")).read_line(line) is None


def test_line_after_the_hole_of_a_truncated_log_is_read() -> None:
    assert read_hit(b"\0" * 4096 + log_line()) == read_hit(log_line())


def test_leap_second_is_a_time() -> None:
    line = log_line().replace(b":00:00 ", b":00:60 ")

    assert read_hit(line).time == NOON + 60


_PARTS = st.sampled_from(
    [
        *(b'192.0.2.1 - - [06/May/2024:12:00:00 +0000] "GET /a HTTP/1.1" 200 1 "-" "x"', b"["),
        *(b'192.0.2.1 - - [06/May/2024:12:00:00 +0000] "', b"29/Feb/2023:24:60:60 -9999] ", b'"'),
        *(b"GET /\\x", b"\\", b" ", b"\xff", b"\0", b"\r", b'" 200 - ', "\u2028".encode(), b"-"),
    ]
)


@given(st.one_of(st.binary(), st.lists(st.one_of(_PARTS, st.binary(max_size=3))).map(b"".join)))
def test_no_bytes_make_the_reader_raise(line: bytes) -> None:
    reader = LogReader(SiteId("example.org"))

    reader.read_line(line)
    reader.is_whole(line)


@pytest.mark.parametrize("filler", [b"a", b" ", b"\\", b'"', b"\\x", b"[", b'" "', b"- "])
@pytest.mark.parametrize("begin", [b"", BEGIN, BEGIN + b"GET ", PAGE + b' "'])
def test_line_of_a_megabyte_is_read_or_given_up_at_once(begin: bytes, filler: bytes) -> None:
    # One step back for each byte would be 10^12 steps, and the test would not end.
    line = begin + filler * (2**20 // len(filler))

    LogReader(SiteId("example.org")).read_line(line + b"\n")


@pytest.mark.parametrize(
    "line", [line for line in SAMPLE.read_bytes().splitlines(keepends=True) if b'" "' in line]
)
def test_whole_line_without_its_newline_reads_as_it_does_with_it(line: bytes) -> None:
    for length in range(len(line)):
        reader = LogReader(SiteId("example.org"))
        reader.read_line(log_line())
        if reader.is_whole(line[:length]):
            assert reader.read_line(line[:length]) == reader.read_line(line)


@pytest.mark.parametrize(
    ("before", "line", "whole"),
    [
        pytest.param(log_line(), log_line()[:-1], True, id="combined"),
        pytest.param(log_line(), log_line()[:-2], False, id="combined, cut in its agent"),
        pytest.param(log_line(), PAGE, False, id="combined, cut after its size"),
        pytest.param(b"", PAGE, False, id="first line, so it may be a combined one"),
        pytest.param(PAGE + b"\n", PAGE, True, id="common"),
        pytest.param(PAGE + b"\n", PAGE[:-4], False, id="common, cut before its size"),
        pytest.param(log_line(), b"garbage\n", True, id="unreadable, with its newline"),
        pytest.param(log_line(), b"garbage", False, id="unreadable"),
    ],
)
def test_line_without_newline_is_whole_when_nothing_can_change_it(
    before: bytes, line: bytes, whole: bool
) -> None:
    reader = LogReader(SiteId("example.org"))
    reader.read_line(before)

    assert reader.is_whole(line) is whole


def test_every_static_ending_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs/import.md").read_text()
    documented = text.partition("<!-- static endings -->")[2].partition("<!-- end -->")[0]

    assert documented.split() == sorted(STATIC_ENDINGS)
