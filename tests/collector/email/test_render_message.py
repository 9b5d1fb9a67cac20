"""Whole e-mails rewritten: parts in their own encodings, everything else byte by byte."""

import email
import re
from email.message import EmailMessage
from email.policy import SMTP, default
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.email.render_links import Why
from collector.email.render_message import (
    RenderedMessage,
    render_message,
    render_page,
    render_text,
)
from collector.email.render_parts import UnreadablePart
from tests.collector.email.letters import (
    ADDRESSES,
    PIXEL,
    TABLES,
    Numbers,
    render,
)

OURS = "https://stats.example.org/e/spring/"
PICTURE = bytes(range(256)) * 8
TEXT = "Offers: https://example.org/buy.\n\nTo unsubscribe:\nhttps://example.org/u/1\n"


def rendered(raw: bytes, *, with_text: bool = False) -> RenderedMessage:
    return render_message(raw, ADDRESSES, Numbers(), with_text=with_text)


def letter(encoding: str = "quoted-printable", charset: str = "utf-8") -> EmailMessage:
    """Return a text and a page with its picture, and a page attached."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = "news@example.org", "Ada <ada@example.net>"
    message["Subject"] = "März im Garten"
    message.set_content(TEXT)
    message.add_alternative(
        TABLES.replace("\u00e4?q", "b?q"), subtype="html", cte=encoding, charset=charset
    )
    _, page = message.iter_parts()
    assert isinstance(page, EmailMessage)
    page.add_related(PICTURE, "image", "png", cid="<logo>")
    message.add_attachment(TABLES, subtype="html", filename="page.html")
    message.add_attachment(letter_within())
    return message


def letter_within() -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "Re: you wrote"
    message.set_content('<a href="https://example.org/old">old</a>', subtype="html")
    return message


def contents(raw: bytes) -> list[tuple[str, bytes]]:
    """Return each part's kind and content as the standard library reads them."""
    message = email.message_from_bytes(raw, policy=default)
    return [
        (part.get_content_type(), cast(bytes, part.get_payload(decode=True)))
        for part in message.walk()
        if not part.is_multipart()
    ]


@pytest.mark.parametrize(
    ("encoding", "charset"),
    [
        pytest.param("quoted-printable", "utf-8", id="quoted-printable"),
        pytest.param("base64", "utf-8", id="base64"),
        pytest.param("8bit", "utf-8", id="8bit"),
        pytest.param("quoted-printable", "iso-8859-1", id="latin 1"),
        pytest.param("base64", "utf-16", id="utf-16"),
    ],
)
def test_page_is_rewritten_in_its_own_encoding(encoding: str, charset: str) -> None:
    raw = letter(encoding, charset).as_bytes()
    before, after = contents(raw), contents(rendered(raw).raw)

    kind, page = before[1]
    assert kind == "text/html"
    expected = render(page.decode(charset), Numbers()).text.encode(charset)
    assert after == [before[0], (kind, expected), *before[2:]]
    assert OURS in expected.decode(charset)


def test_what_is_not_rewritten_keeps_every_byte() -> None:
    raw = letter().as_bytes()
    after = rendered(raw).raw

    # The page is the one part between the second boundary line's headers and the picture.
    start = raw.index(b"<!doctype html>")
    end = raw.index(b"\r\n--", start)
    assert after.startswith(raw[:start])
    assert after.endswith(raw[end:])
    assert max(map(len, after[start : -len(raw[end:])].splitlines())) <= 76


def test_attachments_and_attached_messages_stay() -> None:
    raw = letter().as_bytes()
    told = {part.path: part.note for part in rendered(raw).parts}

    assert told == {"1.1": "", "1.2.1": "", "2": "is an attachment"}
    assert b"https://example.org/old" in rendered(raw).raw


def test_text_parts_are_left_and_told_unless_wanted() -> None:
    raw = letter().as_bytes()
    left, wanted = rendered(raw), rendered(raw, with_text=True)

    assert contents(left.raw)[0] == contents(raw)[0]
    assert left.parts[0].rendered is not None
    assert [link.why for link in left.parts[0].rendered.links] == [
        Why.PLAIN_TEXT,
        Why.UNSUBSCRIBES,
    ]
    (_, text), *_ = contents(wanted.raw)
    assert text.decode() == TEXT.replace("https://example.org/buy", f"{OURS}1").replace(
        "\n", "\r\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("See https://x.org/a.", "See @1.", id="full stop"),
        pytest.param("(https://x.org/a)", "(@1)", id="brackets around"),
        pytest.param("https://x.org/a_(b)!", "@1!", id="brackets within"),
        pytest.param("<https://x.org/a>", "<@1>", id="angles"),
        pytest.param("[1]: https://x.org/?a=1&amp;b=2\r\n", "[1]: @1\r\n", id="no entities"),
        pytest.param(
            "Leave: https://x.org/unsubscribe", "Leave: https://x.org/unsubscribe", id="unsubscribe"
        ),
        pytest.param("Abmelden:\nhttps://x.org/u", "Abmelden:\nhttps://x.org/u", id="told before"),
        pytest.param("https://x.org/{{id}}", "https://x.org/{{id}}", id="placeholder"),
        pytest.param("me@x.org x.org", "me@x.org x.org", id="none"),
    ],
)
def test_links_in_plain_text(text: str, expected: str) -> None:
    found = render_text(text, ADDRESSES, Numbers(), replaces=True)

    assert found.text == expected.replace("@1", f"{OURS}1")


def test_target_of_the_unsubscribe_header_is_left() -> None:
    raw = (
        b"List-Unsubscribe: <mailto:u@x.org>,\r\n <https://x.org/l/1>\r\n"
        b"Content-Type: text/html\r\n\r\n"
        b'<a href="https://x.org/l/1">Bye</a><a href="https://x.org/l/2">Hi</a>'
    )

    assert b'"https://x.org/l/1"' in rendered(raw).raw
    assert f'"{OURS}1"'.encode() in rendered(raw).raw


def test_signature_is_told_to_be_void() -> None:
    raw = b"DKIM-Signature: v=1; bh=x\r\nContent-Type: text/html\r\n\r\n<p>Hi"

    assert rendered(raw).notes == ["dkim-signature: void now; sign after rendering, not before"]
    assert rendered(raw).raw.startswith(raw)
    assert rendered(rendered(raw).raw).notes == []  # nothing was changed any more


@pytest.mark.parametrize(
    ("headers", "note"),
    [
        pytest.param(
            'Content-Type: multipart/signed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html',
            "is under a signature or encrypted",
            id="signed",
        ),
        pytest.param(
            "Content-Type: text/html\r\nContent-Transfer-Encoding: x-uuencode",
            "its transfer encoding isn't known",
            id="uuencoded",
        ),
        pytest.param(
            "Content-Type: text/html; charset=utf-16be",
            "its charset can't be read",
            id="broken utf-16",
        ),
        pytest.param(
            "Content-Type: text/html; charset=iso-2022-jp\r\n\r\n\x1b(B",
            "its charset can't be read",
            id="superfluous escape",
        ),
        pytest.param(
            "Content-Type: text/x-amp-html", "is of a kind that is left as it is", id="amp"
        ),
    ],
)
def test_part_that_cannot_be_rewritten_is_left_and_told(headers: str, note: str) -> None:
    raw = f"{headers}\r\n\r\n<a href='https://x.org/a'>a</a>".encode()

    assert rendered(raw).raw == raw
    assert [part.note for part in rendered(raw).parts] == [note]
    assert rendered(raw).notes == ["no HTML part was rewritten, so there is no pixel"]


@pytest.mark.parametrize(
    ("charset", "content"),
    [
        pytest.param("x-unknown", b"\xff\xe4", id="unknown"),
        pytest.param("us-ascii", b"\xc3\xa4", id="wrong"),
        pytest.param("utf-8", b"\xff", id="broken"),
        pytest.param("iso-2022-jp", b"\x1b$B$O$k\x1b(B", id="japanese"),
        pytest.param("gb2312", b"\xb4\xba\xcc\xec", id="chinese"),
    ],
)
def test_charset_is_kept_byte_by_byte(charset: str, content: bytes) -> None:
    head = f"Content-Type: text/html; charset={charset}\n\n".encode()
    raw = head + content + b"<a href='https://x.org/a'>" + content

    expected = head + content + f"<a href='{OURS}1'>".encode() + content + PIXEL.encode()
    assert rendered(raw).raw == expected


def test_line_that_mail_servers_cut_is_told() -> None:
    raw = b"Content-Type: text/html\r\n\r\n" + b"x" * 990 + b"<a href=http://x.org>a</a>"
    short = raw.replace(b"x" * 990, b"x" * 900)

    assert "998 bytes" in rendered(raw.replace(b"x" * 990, b"x" * 970)).notes[0]
    assert rendered(short).notes == []


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no headers at all", id="text"),
        pytest.param(b"Content-Type: multipart/mixed; boundary=b\n\n--b", id="cut off"),
        pytest.param(b"Content-Type: multipart/mixed\n\n--b\n\n--b--", id="no boundary"),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n--b--\n", id="hollow"
        ),
        pytest.param(
            b"Content-Type: multipart/mixed; boundary=b\n\n--bb\nContent-Type: text/html\n\n<a>",
            id="another boundary",
        ),
    ],
)
def test_broken_message_stays_as_it_is(raw: bytes) -> None:
    assert rendered(raw).raw == raw


def test_unclosed_multipart_is_rewritten_to_its_end() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>Hi"

    assert rendered(raw).raw == raw + PIXEL.encode()


@given(
    st.lists(
        st.sampled_from(
            [b"=", b" ", b"\t", b"\r\n", b"\n", b"\r", b"\xc3\xa4", b"\xff", b".", b"x" * 70, b"a"]
        ),
        max_size=40,
    ).map(b"".join),
    st.sampled_from(["quoted-printable", "base64", "8bit"]),
)
def test_content_survives_its_transfer_encoding(content: bytes, encoding: str) -> None:
    message = EmailMessage()
    message.set_content(content, "text", "html", cte="base64" if encoding == "8bit" else encoding)
    raw = message.as_bytes()
    if encoding == "8bit":
        raw = b"Content-Type: text/html\n\n" + content
    ((_, before),) = contents(raw)
    ((_, after),) = contents(rendered(raw).raw)

    expected = render(before.decode(errors="surrogateescape")).text
    assert after == expected.encode(errors="surrogateescape")


@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                [
                    b"--b\r\n",
                    b"--b--\r\n",
                    b"--c\n",
                    b"Content-Type: multipart/alternative; boundary=c\r\n\r\n",
                    b"Content-Type: text/html\r\n",
                    b"Content-Transfer-Encoding: base64\r\n",
                    b"\r\n",
                    b"\n",
                    b"<a href='https://x.org/'>",
                ]
            ),
            st.binary(max_size=5),
        ),
        max_size=30,
    ).map(b"".join)
)
def test_any_bytes_are_taken(content: bytes) -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + content
    once = rendered(raw)

    if all(part.rendered is None for part in once.parts):
        assert once.raw == raw


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("<p>Hi".encode("utf-16"), id="byte order mark"),
        pytest.param("<p>Hi".encode("utf-16-le"), id="none"),
    ],
)
def test_page_in_utf_16_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadablePart):
        render_page(raw, ADDRESSES, Numbers())


def test_page_keeps_bytes_that_are_no_utf_8() -> None:
    raw = b"\xef\xbb\xbf\xe4 <a href='https://x.org/'>\xff</a>\r\n</body>"

    pixel = PIXEL.replace("\n", "\r\n")
    expected = raw.replace(b"https://x.org/", f"{OURS}1".encode())
    expected = expected.replace(b"</body>", f"{pixel}</body>".encode())
    assert render_page(raw, ADDRESSES, Numbers()).raw == expected
    assert re.search(rb"\xff</a>", expected)
