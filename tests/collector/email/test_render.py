"""HTML messages rewritten: which links, where the pixel, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.email.render import BadOrigin, read_origin
from collector.email.render_links import Why
from tests.collector.email.letters import (
    ADDRESSES,
    GRID,
    PIXEL,
    TABLES,
    Hrefs,
    Numbers,
    outcomes,
    render,
    without_pixel,
)

OURS = "https://stats.example.org/e/spring/"


def link(attributes: str, content: str = "x") -> str:
    return f"<p><a {attributes}>{content}</a></p>"


def outcome(text: str) -> str:
    (found,) = outcomes(render(text)).values()
    return found


def test_tables_keep_all_but_their_links() -> None:
    rendered = render(TABLES)

    assert outcomes(rendered) == {
        "https://example.org/?from=a&amp;copy=2#top": "https://example.org/?from=a&copy=2#top",
        "https://example.org/buy": "https://example.org/buy",
        "mailto:us@example.org": Why.OTHER_SCHEME,
        "tel:+4930123": Why.OTHER_SCHEME,
        "#top": Why.WITHIN,
        "https://elsewhere.example/ä?q=1": "https://elsewhere.example/%C3%A4?q=1",
        "https://example.org/private": Why.NO_TRACK,
        "https://example.org/u/1": Why.UNSUBSCRIBES,
    }
    expected = TABLES.replace("</body>", f"{PIXEL}</body>")
    for written, number in (
        ("https://example.org/?from=a&amp;copy=2#top", 1),
        ("https://example.org/buy", 2),
        ("https://elsewhere.example/ä?q=1", 3),
    ):
        expected = re.sub(f'(href="?){re.escape(written)}', rf"\g<1>{OURS}{number}", expected)
    assert rendered.text == expected


def test_outlooks_button_leads_where_the_other_one_does() -> None:
    text = render(TABLES).text

    assert f'<v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="{OURS}2" arcsize' in text
    assert f'<a href={OURS}2 style="display:inline-block">Buy</a>' in text


def test_grid_keeps_what_its_mailer_fills_in() -> None:
    assert outcomes(render(GRID)) == {
        "seeds?kind=peas": "https://example.org/shop/seeds?kind=peas",
        "/beans": "https://example.org/beans",
        "{{ profile_url }}": Why.PLACEHOLDER,
        "https://example.org/r/*|UNIQID|*": Why.PLACEHOLDER,
        "https://example.org/hi/[[name]]": Why.PLACEHOLDER,
        "https://example.org/?u=%recipient%": Why.PLACEHOLDER,
        "*|UNSUB|*": Why.UNSUBSCRIBES,
        "https://example.org/list?lang=de": Why.UNSUBSCRIBES,
        "https://example.org/bye": Why.UNSUBSCRIBES,
        "javascript:alert(1)": Why.RUNS,
        " data:text/html,hi": Why.RUNS,
    }


@pytest.mark.parametrize(
    "letter", [pytest.param(TABLES, id="tables"), pytest.param(GRID, id="grid")]
)
def test_standard_library_reads_the_same_page_but_for_links(letter: str) -> None:
    before, after = Hrefs(letter), Hrefs(render(letter).text)

    assert after.pictures == [*before.pictures, ADDRESSES.pixel]
    assert len(after.hrefs) == len(before.hrefs)
    assert any(href.startswith(OURS) for href in after.hrefs)
    assert all(
        new == old or re.fullmatch(rf"{OURS}\d+", new)
        for old, new in zip(before.hrefs, after.hrefs, strict=True)
    )


@pytest.mark.parametrize(
    ("attributes", "target"),
    [
        pytest.param('href="https://x.org/a"', "https://x.org/a", id="double quotes"),
        pytest.param("href='https://x.org/a'", "https://x.org/a", id="single quotes"),
        pytest.param("href=https://x.org/a/", "https://x.org/a/", id="no quotes"),
        pytest.param('HREF\n=\n"https://x.org/a"', "https://x.org/a", id="spread over lines"),
        pytest.param('href="https://x.org/a"title=b', "https://x.org/a", id="no space after"),
        pytest.param('a="> href=no" href="https://x.org/a"', "https://x.org/a", id="sign quoted"),
        pytest.param('href="https://x.org/a" href="mailto:b"', "https://x.org/a", id="repeated"),
        pytest.param('href="https://x.org/?a&amp;b"', "https://x.org/?a&b", id="entity"),
        pytest.param('href="https://x.org/?a&b&lt=1"', "https://x.org/?a&b&lt=1", id="no entity"),
        pytest.param('href="https&#58;//x.org/&#x61;"', "https://x.org/a", id="numeric entities"),
        pytest.param('href=" https://x.org/\n a "', "https://x.org/%20a", id="broken line"),
        pytest.param('href="HTTPS://X.ORG"', "https://x.org/", id="capitals"),
        pytest.param('href="https://bücher.example/"', "https://xn--bcher-kva.example/", id="idn"),
        pytest.param('href="https://x.org/%7Bname%7D"', "https://x.org/%7Bname%7D", id="encoded"),
        pytest.param('href="https://x.org/?a[]=1&a[b]=2"', "https://x.org/?a[]=1&a[b]=2", id="php"),
        pytest.param(
            'href="https://x.org/@1.5,2.5"', "https://x.org/@1.5,2.5", id="place on a map"
        ),
        pytest.param('xlink:href="https://x.org/a"', "https://x.org/a", id="in a drawing"),
    ],
)
def test_link_is_replaced(attributes: str, target: str) -> None:
    text = link(attributes)
    rendered = render(text)

    (found,) = rendered.links
    assert found.target == target
    assert rendered.text == text.replace(found.raw_value, f"{OURS}1", 1) + PIXEL


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        pytest.param('href="java\nscript:alert(1)"', Why.RUNS, id="script over lines"),
        pytest.param('href="&#106;avascript:alert(1)"', Why.RUNS, id="script in entities"),
        pytest.param('href="DATA:text/html,x"', Why.RUNS, id="data in capitals"),
        pytest.param('href="vbscript:x"', Why.RUNS, id="another script"),
        pytest.param('href="sms:+4930"', Why.OTHER_SCHEME, id="sms"),
        pytest.param('href="MAILTO:a@x.org"', Why.OTHER_SCHEME, id="mail"),
        pytest.param("href", Why.NOTHING, id="no value"),
        pytest.param('href=""', Why.NOTHING, id="empty"),
        pytest.param('href="page.html"', Why.RELATIVE, id="relative"),
        pytest.param('href="//x.org/a"', Why.RELATIVE, id="without scheme"),
        pytest.param('href="https://good@evil.example/"', Why.UNFIT, id="user info"),
        pytest.param('href="https:x.org"', Why.UNFIT, id="no slashes"),
        pytest.param(f'href="https://x.org/{"a" * 2000}"', Why.UNFIT, id="too long"),
        pytest.param('href="https://x.org/?m=a@b.example"', Why.PERSON, id="address"),
        pytest.param('href="https://x.org/a%40b.example"', Why.PERSON, id="address encoded"),
        pytest.param('href="https://stats.example.org/e/winter/1"', Why.COUNTED, id="ours"),
        pytest.param('href="https://x.org/%%name%%"', Why.PLACEHOLDER, id="double percent"),
        pytest.param('href="https://x.org/%address%"', Why.PLACEHOLDER, id="percent, begins hex"),
        pytest.param('href="https://x.org/{id}"', Why.PLACEHOLDER, id="single braces"),
        pytest.param('href="https://x.org/${id}"', Why.PLACEHOLDER, id="dollar"),
        pytest.param('href="https://x.org/?e=$email$"', Why.PLACEHOLDER, id="two dollars"),
        pytest.param('href="<%= url %>"', Why.PLACEHOLDER, id="erb"),
        pytest.param('href="[PROFILE]"', Why.PLACEHOLDER, id="brackets alone"),
        pytest.param('href="https://x.org/{% if a %}b{% endif %}"', Why.PLACEHOLDER, id="block"),
        pytest.param('href="https://x.org/Unsubscribe?a"', Why.UNSUBSCRIBES, id="unsubscribe"),
        pytest.param('href="https://x.org/a" title="Opt-Out"', Why.UNSUBSCRIBES, id="in title"),
        pytest.param('href="https://x.org/%E9%80%80%E8%AE%A2"', Why.UNSUBSCRIBES, id="chinese"),
        pytest.param('DATA-NO-TRACK href="https://x.org/a"', Why.NO_TRACK, id="not to be tracked"),
    ],
)
def test_link_is_left(attributes: str, why: Why) -> None:
    text = link(attributes)

    assert outcome(text) == why
    assert render(text).text == text + PIXEL


@pytest.mark.parametrize(
    ("content", "is_left"),
    [
        pytest.param("Unsubscribe", True, id="word"),
        pytest.param("<b>Un</b>subscribe", True, id="split by a tag"),
        pytest.param("opt&nbsp;out", True, id="entity between"),
        pytest.param("un&shy;sub&shy;scribe", True, id="soft hyphens"),
        pytest.param('<img src="a.png" alt="Newsletter abmelden">', True, id="picture"),
        pytest.param("Se d\u00e9sabonner", True, id="french"),
        pytest.param("\u9000\u8ba2", True, id="in chinese"),
        pytest.param("Subscribe", False, id="the opposite"),
        pytest.param("Stop. Outside it grows", False, id="words that touch"),
        pytest.param("Out of options", False, id="other order"),
    ],
)
def test_content_tells_whether_a_link_unsubscribes(content: str, is_left: bool) -> None:
    found = outcome(link('href="https://x.org/a"', content))

    assert found == (Why.UNSUBSCRIBES if is_left else "https://x.org/a")


@pytest.mark.parametrize(
    ("bases", "target"),
    [
        pytest.param('<base href="https://a.example/b/c">', "https://a.example/b/d", id="one"),
        pytest.param(
            '<base target=_top><base href="https://a.example/"><base href="https://b.example/">',
            "https://a.example/d",
            id="first with an address",
        ),
        pytest.param('<base href="/b/">', Why.RELATIVE, id="relative itself"),
        pytest.param('<base href="javascript:b">', Why.RELATIVE, id="script"),
        pytest.param("<!-- <base href='https://a.example/'> -->", Why.RELATIVE, id="comment"),
    ],
)
def test_relative_link_is_of_the_base(bases: str, target: str) -> None:
    assert outcome(f"{bases}{link('href=d')}") == target


@pytest.mark.parametrize(
    ("value", "target"),
    [
        pytest.param("go/https://x.org/?a#b", "https://a.example/b/go/https://x.org/?a#b", id="//"),
        pytest.param("../d?u=c:\\e#\\f", "https://a.example/d?u=c:\\e#\\f", id="dots"),
        pytest.param("/d", "https://a.example/d", id="root"),
        pytest.param("?d", "https://a.example/b/c?d", id="query"),
        pytest.param("//x.org", "https://x.org/", id="host"),
        pytest.param("\\\\x.org\\d", "https://x.org/d", id="host by backslashes"),
        pytest.param("///x.org/d", "https://x.org/d", id="host by three slashes"),
    ],
)
def test_relative_link_leads_where_browsers_go(value: str, target: str) -> None:
    base = '<base href="https://a.example/b/c?q#f">'
    assert outcome(base + link(f'href="{value}"')) == target


def test_word_after_a_link_says_nothing_of_it() -> None:
    text = link('href="https://x.org/a"') + "Unsubscribe " + link('href="https://x.org/b"')

    assert outcomes(render(text)) == {
        "https://x.org/a": "https://x.org/a",
        "https://x.org/b": "https://x.org/b",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("<p>Hi</p></body></html>", "<p>Hi</p>@</body></html>", id="at its end"),
        pytest.param("<p>Hi</p>", "<p>Hi</p>@", id="no body tag"),
        pytest.param("", "@", id="empty"),
        pytest.param("<p>Hi</BODY >x", "<p>Hi@</BODY >x", id="text after it"),
        pytest.param("a</body>b</body>", "a</body>b@</body>", id="two of them"),
        pytest.param("a<!-- </body> --></body>", "a<!-- </body> -->@</body>", id="in a comment"),
        pytest.param(
            "<!--[if mso]></body><![endif]-->",
            "<!--[if mso]></body><![endif]-->@",
            id="for outlook",
        ),
        pytest.param("<title></body></title>a", "<title></body></title>a@", id="in the title"),
        pytest.param('<p a="</body>">b', '<p a="</body>">b@', id="in a value"),
    ],
)
def test_pixel_stands_before_the_end_of_the_body(text: str, expected: str) -> None:
    assert render(text).text == expected.replace("@", PIXEL)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<script>'<a href=\"https://x.org/a\">'</script>", id="script"),
        pytest.param("<STYLE><a href='https://x.org/a'></sTyle >", id="style"),
        pytest.param("<textarea><a href='https://x.org/a'></textarea>", id="form"),
        pytest.param("<!-- <a href='https://x.org/a'> -->", id="comment"),
        pytest.param("<!doctype <a href='https://x.org/a'", id="doctype"),
        pytest.param("< a href='https://x.org/a'>", id="no tag"),
        pytest.param("<ab href='https://x.org/a'>", id="another tag"),
        pytest.param('<link href="https://x.org/a"><img src="https://x.org/b">', id="no link"),
        pytest.param("<a href='https://x.org/a", id="cut off"),
    ],
)
def test_what_is_no_link_stays(text: str) -> None:
    assert render(text).links == []
    assert render(text).text == text + PIXEL


@pytest.mark.parametrize(
    ("text", "within"),
    [
        pytest.param("<p>Hi<!-- bye", "a comment", id="comment"),
        pytest.param("<title>Hi", "<title>", id="title"),
        pytest.param("<p title='Hi>", "a tag", id="tag"),
        pytest.param("<p title='Hi'>a<p><!-- b -->", "", id="whole"),
    ],
)
def test_message_that_ends_within_something_is_told(text: str, within: str) -> None:
    expected = [f"the message ends within {within}: nothing after it is shown"] if within else []

    assert list(render(text).notes) == expected


def test_message_that_gmail_cuts_is_told() -> None:
    assert "Gmail cuts" in render("x" * 102_000).notes[0]
    assert "Gmail cuts" in render("漢" * 34_000).notes[0]
    assert render("x" * 101_000).notes == []
    assert render("漢" * 33_000).notes == []


def test_rendered_message_is_not_rendered_again() -> None:
    once = render(TABLES)
    twice = render(once.text)

    assert twice.text == once.text
    assert not twice.has_new_pixel


def test_unregistered_links_stay_when_only_registered_ones_are_wanted() -> None:
    text = link("href=https://x.org/a") + link("href=https://x.org/b")
    rendered = render(text, Numbers(only=["https://x.org/b"]))

    assert outcomes(rendered) == {
        "https://x.org/a": Why.NOT_REGISTERED,
        "https://x.org/b": "https://x.org/b",
    }
    assert "https://x.org/a>" in rendered.text


def test_links_are_told_by_their_lines() -> None:
    rendered = render("\n<a href=https://x.org/a>\n\n<a href=#b>")

    assert [found.line for found in rendered.links] == [2, 4]


def test_two_recipients_of_a_campaign_get_the_same_addresses() -> None:
    """The message of each differs in what is said to them, never in where it leads."""
    numbers = Numbers()
    one = render(TABLES.replace("What grows", "Dear Ada, what grows"), numbers)
    other = render(TABLES.replace("What grows", "Dear Bertha, what grows"), numbers)

    ours = re.compile(r"https://stats\.example\.org/[^\s\"'>]*")
    assert len(ours.findall(one.text)) == 5  # four links and the pixel
    assert ours.findall(one.text) == ours.findall(other.text)


@pytest.mark.parametrize(
    ("raw_url", "origin"),
    [
        pytest.param("https://stats.example.org", "https://stats.example.org", id="host"),
        pytest.param("https://Stats.example.org/", "https://stats.example.org", id="slash"),
        pytest.param("http://127.0.0.1:8000", "http://127.0.0.1:8000", id="port"),
        pytest.param("https://x.org/stats/", "https://x.org/stats", id="path"),
    ],
)
def test_origin_is_read(raw_url: str, origin: str) -> None:
    assert read_origin(raw_url) == origin


@pytest.mark.parametrize(
    "raw_url",
    [
        pytest.param("stats.example.org", id="no scheme"),
        pytest.param("https://x.org/?a=b", id="query"),
        pytest.param("https://x.org/#a", id="fragment"),
        pytest.param("https://x.org/'onload", id="quote"),
        pytest.param("javascript:alert(1)", id="script"),
        pytest.param("https://me@x.org", id="user"),
    ],
)
def test_origin_that_would_break_a_message_is_refused(raw_url: str) -> None:
    with pytest.raises(BadOrigin):
        read_origin(raw_url)


PIECES = st.sampled_from(
    [
        *("<a ", "</a>", "<A\n", "<area ", "<v:rect ", "href=", "HREF = ", '"', "'", ">", "/>"),
        *("https://x.org/a", "https://x.org/?b&amp;c", "//x.org", "#d", "javascript:e", "{{f}}"),
        *("<!--", "-->", "<!--[if mso]>", "<![endif]-->", "<!-->", "--!>", "<!", "<?", "</", "<"),
        *("<title>", "</title>", "<script>", "</script >", "<style>", "</body>", "<base "),
        *("unsubscribe", " ", "\n", "\r\n", "\x00", "é", "\udcff", "&", "=", "/", "data-no-track "),
    ]
)


@given(st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=60).map("".join))
def test_nothing_but_links_and_pixel_ever_changes(text: str) -> None:
    rendered = render(text)

    after = without_pixel(rendered.text, text)
    for found in rendered.links:
        if found.why is None:
            ours = f"{OURS}{found.number}"
            head, _, tail = after.partition(ours)
            after = f"{head}{found.raw_value}{tail}"
    assert after == text


@given(st.lists(PIECES, max_size=40).map("".join))
def test_rendering_twice_changes_nothing_more(text: str) -> None:
    once = render(text).text

    assert render(once).text == once


@pytest.mark.parametrize(
    "piece",
    [
        pytest.param("<a href='https://x.org/&amp;'>y</a>\n", id="links"),
        pytest.param("<!--[if mso]>", id="open conditions"),
        pytest.param("<a href='", id="open quotes"),
        pytest.param("<a x ", id="open tag"),
        pytest.param("<title></", id="open titles"),
    ],
)
def test_message_of_5_megabytes_is_read_once(piece: str) -> None:
    text = piece * (5_000_000 // len(piece))
    rendered = render(text)

    if not rendered.links:
        assert rendered.text == text + PIXEL
    else:
        assert len(rendered.links) == text.count("<a ")
