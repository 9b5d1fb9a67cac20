import pytest

from anonymizer.paths import PathRules, coarsen_path
from anonymizer.scrub import MAX_TEXT_CHARACTERS, cut_at_space, scrub, scrub_text

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N"


def scrubbed(text: str) -> tuple[str, list[str]]:
    masks: list[str] = []
    return scrub(text, masks), masks


@pytest.mark.parametrize(
    ("segment", "expected"),
    [
        pytest.param("john@mail.example", ":email", id="e-mail"),
        pytest.param("john%40mail.example", ":email", id="escaped e-mail"),
        pytest.param("john%2540mail.example", ":email", id="twice escaped e-mail"),
        pytest.param("to:john.q+x@mail.example;x", ":email", id="e-mail within"),
        pytest.param("%6Aohn@mail.example", ":email", id="e-mail with escapes"),
        pytest.param("j%C3%B6hn@m%C3%A4il.example", ":email", id="e-mail with umlauts"),
        pytest.param("john%EF%BC%A0mail.example", ":email", id="e-mail with a full-width at"),
        pytest.param("a%20john@mail.example%20b", "a%20:email%20b", id="e-mail between spaces"),
        pytest.param("12345678", ":number", id="number"),
        pytest.param("4917012345678.html", ":number.html", id="number with ending"),
        pytest.param("order-12345678-thanks", "order-:number-thanks", id="number in a slug"),
        pytest.param("order12345678thanks", ":number", id="number in a word"),
        pytest.param("12345678%2Fa", ":number%2Fa", id="number before an escape"),
        pytest.param("a%2F12345678", "a%2F:number", id="number after an escape"),
        pytest.param("%EF%BC%91" * 8, ":number", id="full-width digits"),
        pytest.param("%D9%A1" * 8, ":number", id="Arabic digits"),
        pytest.param("%E5%8F%B712345678%E5%8F%B7", "号:number号", id="number among ideographs"),
        pytest.param("20241317", ":number", id="no month"),
        pytest.param("20230229", ":number", id="no leap day"),
        pytest.param("19891231", ":number", id="before 1990"),
        pytest.param("21000101", ":number", id="after 2099"),
        pytest.param("20240517103000", ":number", id="date with time, run together"),
        pytest.param("+49-170-1234567", ":number", id="phone"),
        pytest.param("%2B49%20170%201234567", ":number", id="escaped phone"),
        pytest.param("(0170)1234567", ":number", id="phone with a trunk prefix"),
        pytest.param("%28030%29%20123-45-67", ":number", id="phone in escaped brackets"),
        pytest.param("555-123-4567", ":number", id="North American phone"),
        pytest.param("1.555.123.4567", ":number", id="phone with dots"),
        pytest.param("+33.1.23.45.67.89", ":number", id="French phone from abroad"),
        pytest.param("01-23-45-67-89", ":number", id="French phone"),
        pytest.param("98765-43210", ":number", id="Indian phone"),
        pytest.param("call-0800-123-4500-now", "call-:number-now", id="phone in a slug"),
        pytest.param("0170+1234567", ":number", id="phone as a search writes it"),
        pytest.param("2024-05-17-98765-43210", ":number", id="phone behind a date"),
        pytest.param("4111-1111-1111-1111", ":number", id="card"),
        pytest.param("0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4", ":uuid", id="UUID"),
        pytest.param("0B0B3C1E7F1F4A558D512F54D1B2A3C4", ":uuid", id="UUID without hyphens"),
        pytest.param("0b0b3c1e_7f1f_4a55_8d51_2f54d1b2a3c4", ":uuid", id="UUID with underscores"),
        pytest.param(
            "user-0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4-profile",
            "user-:uuid-profile",
            id="UUID in a slug",
        ),
        pytest.param(
            "user0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4x", ":uuid", id="UUID with letters on it"
        ),
        pytest.param("{0b0b3c1e-7f1f-4a55-8d51-2f54d1b2a3c4}", "{:uuid}", id="UUID in braces"),
        pytest.param("d41d8cd98f00b204", ":hex", id="hex of 16"),
        pytest.param("da39a3ee5e6b4b0d3255bfef95601890afd80709", ":hex", id="SHA-1"),
        pytest.param("report-d41d8cd98f00b204-final", "report-:hex-final", id="hex in a slug"),
        pytest.param("a;sid=1A530637289A03B07199A44E8D5314", "a;sid=:hex", id="session"),
        pytest.param("dGhpcyBpcyBhIHRva2VuMTIz", ":token", id="base64url"),
        pytest.param("V1StGXR8_Z5jdHi6B-myTq", ":token", id="nanoid"),
        pytest.param("01ARZ3NDEKTSV4RRFFQ69G5FAV", ":token", id="ULID"),
        pytest.param("x7Kq9ZpL2mWv4RtY", ":token", id="16 random characters"),
        pytest.param("kzj3abm2xpq8szwy", ":token", id="16 random characters in lower case"),
        pytest.param("a:number12345678", "a::number", id="number behind a mask's word"),
        pytest.param("HLFFV-6h8s2eIQtgFR-53NiyV0IqkD9WXTzScW-DiZS", ":token", id="wordlike start"),
        pytest.param(
            "reset-password-x7Kq9ZpL2mWv4RtY", "reset-password-:token", id="token in a slug"
        ),
        pytest.param(
            "x7Kq9ZpL2mWv4RtY-reset-password-d41d8cd98f00b204",
            ":token-reset-password-:hex",
            id="token and hex",
        ),
        pytest.param(JWT, ":jwt", id="JWT"),
        pytest.param(f"verify-{JWT}", ":jwt", id="JWT with a word before it"),
        pytest.param("192.0.2.77", ":address", id="v4 address"),
        pytest.param("from-192.0.2.77.html", "from-:address.html", id="v4 address within"),
        pytest.param("2001:db8::77", ":address", id="v6 address"),
        pytest.param("febf:ffff::fffa", ":address", id="v6 address without a digit"),
        pytest.param("2001:db8:1:2:3:4:5:6", ":address", id="whole v6 address"),
        pytest.param("::ffff:192.0.2.77", ":address", id="mapped address"),
        pytest.param("fe80::1%25eth0", ":address", id="v6 address with a zone"),
        pytest.param("2001%3Adb8%3A%3A77", ":address", id="escaped v6 address"),
        pytest.param("00:1A:2B:3C:4D:5E", ":address", id="MAC address"),
    ],
)
def test_identifier_is_masked_by_its_kind(segment: str, expected: str) -> None:
    assert coarsen_path(f"/a/{segment}/b", PathRules())[0] == f"/a/{expected}/b"
    assert coarsen_path(f"/{segment}", PathRules())[0] == f"/{expected}"


@pytest.mark.parametrize(
    "text",
    [
        "@john",
        "@angular",
        "react@18.2.0",
        "react@18.2.0-alpha.1",
        "pkg@latest",
        "logo@2x.png",
        "2024-05-17",
        "17-05-2024",
        "05-17-2024",
        "2024-05-17-10-30-45",
        "20240517",
        "20240517T103000Z",
        "xdotool-2.20110530.html",
        "xdotool-2.20101014.3063.tar.gz",
        "fastest_sites-20110317.py",
        "IMG_20240517_123456.jpg",
        "IMG20240517",
        "20240517T103000Z-20240518T103000Z",
        "backup20240517-v2-x86-v3-b12",
        "World_War_I_(1914-1918)",
        "1999-2000-2001",
        "10000-20000-eur",
        "order-1234567",
        "v1.2.3",
        "v1.2.3.4.5",
        "10.4.1.300",
        "chrome-120.0.6099.109",
        "10-0-19041-1234",
        "978-3-16-148410-0",
        "how-to-use-internationalization-today",
        "internationalization2024guide",
        "iphone-15-pro-max-256gb",
        "airbus-A320neo-vs-boeing-737max8-in-2024",
        "win10-vs-win11-rtx4090-i7-13700k",
        "the-100-best-films-of-1999-and-2000",
        "echo-dot-4th-gen-B08N5WRWNV",
        "samsung-UE55AU7172UXXH",
        "dQw4w9WgXcQ",
        "deadbeef",
        "facade-decade-accede-effaced-cafe",
        "facadedecadeaccede2024",
        "McDonald-facadedecade2024",
        "AVeryLongCamelCaseTitleOfSomePage",
        "HowToUseItInAnAppOfOurs",
        "PHPAndMySQLTutorialForBeginners",
        "XMLHttpRequestHTTPServer",
        "PostgreSQL-vs-MySQL-vs-MongoDB-2024",
        "mp3tomp4converter",
        "h264vsh265compare",
        "12:30:45",
        "::",
        "Talk:Main_Page",
        "std::vector::push_back",
        "iso-8601-vs-rfc-3339-vs-rfc-2822",
        "日本の2024年版おすすめ100選ガイドブック",
        # Of a real site's log, where an earlier scrubber masked them.
        "apple-touch-icon-120x120-precomposed.png",
        "ui-bg_highlight-soft_25_327E04_1x100.png",
        "ui-icons_eeeeee_256x240.png",
        "ahhh___rage_face_by_samusmmx-d5g5zap.png",
        "Kyocera-KPC650-EVDO-in-FreeBSD.html",
        "logstash-monitorama-2013",
    ],
)
def test_innocent_text_stays(text: str) -> None:
    assert scrubbed(text) == (text, [])


def test_every_mask_is_told() -> None:
    assert scrubbed("a@b.example c@d.example 12345678 198.51.100.7 order-87654321") == (
        ":email :email :number :address order-:number",
        ["email", "email", "address", "number", "number"],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("running shoes", "running shoes", id="plain"),
        pytest.param("  running\t\n shoes ", "running shoes", id="white space folded"),
        pytest.param("run\x00ning\x1b[31m", "running[31m", id="control characters dropped"),
        pytest.param("\u202erunning\u200b", "running", id="format characters dropped"),
        pytest.param("a\ud800b", "ab", id="lone surrogate dropped"),
        pytest.param("跑鞋 2024 年", "跑鞋 2024 年", id="Chinese"),
        pytest.param("mail john@mail.example, please", "mail :email please", id="e-mail"),
        pytest.param("john%40mail.example", ":email", id="escaped e-mail"),
        pytest.param("john@\x00mail.example", ":email", id="e-mail with a control character"),
        pytest.param("call 0170 1234567 now", "call :number now", id="phone"),
        pytest.param("1234\x005678", ":number", id="number with a control character"),
        pytest.param("open on 2024-05-17 10:30", "open on 2024-05-17 10:30", id="date"),
        pytest.param("3 000 000 users", "3 000 000 users", id="thousands"),
        pytest.param(f"token {JWT}", "token :jwt", id="JWT"),
        pytest.param("", "", id="empty"),
        pytest.param(" \n", "", id="blank"),
    ],
)
def test_free_text_is_scrubbed_on_one_line(text: str, expected: str) -> None:
    assert scrub_text(text, 100)[0] == expected


def test_free_text_is_capped_after_it_was_scrubbed() -> None:
    assert scrub_text("order 12345678", 10) == ("order :num", ("number",))
    assert scrub_text("running shoes", 8) == ("running", ())
    assert scrub_text("ab " * 500, MAX_TEXT_CHARACTERS)[0] == ("ab " * 333).rstrip()


@pytest.mark.parametrize(
    ("most", "expected"), [(5, "ab cd"), (4, "ab"), (3, ""), (2, ""), (1, ""), (6, "ab cd")]
)
def test_text_is_cut_before_the_word_that_goes_beyond(most: int, expected: str) -> None:
    assert cut_at_space("ab cd", most) == expected


def test_identifier_at_the_end_of_what_is_read_is_dropped_whole() -> None:
    words = "a@b.example " * 100
    text = words[: MAX_TEXT_CHARACTERS - 4] + " 12345678"
    assert "123" not in scrub_text(text, MAX_TEXT_CHARACTERS)[0]
    assert scrub_text("1" * (MAX_TEXT_CHARACTERS + 1), 100) == ("", ())
