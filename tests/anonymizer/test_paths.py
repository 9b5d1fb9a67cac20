import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.paths import (
    CUT,
    MAX_PAGE_CHARACTERS,
    BadTemplate,
    PathRules,
    Template,
    coarsen_path,
    read_template,
)
from anonymizer.scrub import scrub

NO_RULES = PathRules()
# A template that no path below matches: it keeps every path off the short way.
UNMATCHED = PathRules(templates=("/no/such/path/as/this",))


def page(path: str, rules: PathRules = NO_RULES) -> str:
    return coarsen_path(path, rules)[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/", "/", id="root"),
        pytest.param("///", "/", id="slashes only"),
        pytest.param("/a/b/", "/a/b", id="trailing slash"),
        pytest.param("//a//b//", "/a/b", id="doubled slashes"),
        pytest.param("/a/index.html", "/a/index.html", id="index file"),
        pytest.param("/%7Euser/%61bc", "/~user/abc", id="unreserved decoded"),
        pytest.param("/a%2fb", "/a%2Fb", id="slash stays escaped, in upper case"),
        pytest.param("/a%20b", "/a%20b", id="space stays escaped"),
        pytest.param("/a%", "/a%25", id="lone percent"),
        pytest.param("/100%25", "/100%25", id="escaped percent"),
        pytest.param("/a%2541", "/a%2541", id="twice escaped letter"),
        pytest.param("/caf%c3%a9", "/café", id="UTF-8 decoded"),
        pytest.param("/%E6%97%A5%E6%9C%AC", "/日本", id="Japanese"),
        pytest.param("/a%FFb", "/a%FFb", id="no UTF-8"),
        pytest.param("/a%80b", "/a%80b", id="rest of a letter"),
        pytest.param("/Xbox/MAX/", "/Xbox/MAX", id="capitals at both ends"),
        pytest.param("/a%e2%80%aeb", "/a%E2%80%AEb", id="direction mark stays escaped"),
        pytest.param("/a%00b", "/a%00b", id="NUL stays escaped"),
        pytest.param("/%ED%B0%A0", "/%ED%B0%A0", id="escaped surrogate"),
    ],
)
def test_page_is_written_in_one_way(path: str, expected: str) -> None:
    assert page(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/About/Us", "/about/us", id="plain"),
        pytest.param("/CAF%C3%89/%C3%96L", "/café/öl", id="accents"),
        pytest.param("/A%2FB", "/a%2Fb", id="percent form stays in upper case"),
        pytest.param("/Bücher-12345678-Neu", "/bücher-:number-neu", id="scrubbed"),
        pytest.param("/x7%E2%84%AAq9zpl2mwv4rty", "/:token", id="Kelvin sign turns into a k"),
        pytest.param("/dGhpcyBpcyBhIHRva2VuMTIz", "/:token", id="judged before its case is lost"),
    ],
)
def test_case_is_lowered_where_the_server_ignores_it(path: str, expected: str) -> None:
    assert page(path, PathRules(lower_case=True)) == expected


@pytest.mark.parametrize(
    ("templates", "path", "expected"),
    [
        pytest.param(("/user/:id",), "/user/jane", "/user/:id", id="one segment"),
        pytest.param(("/user/:id",), "/user/jane/", "/user/:id", id="trailing slash"),
        pytest.param(("/user/:id/",), "/user/jane", "/user/:id", id="slash of the template"),
        pytest.param(("/user/:id",), "/user/jane/orders", "/user/jane/orders", id="whole paths"),
        pytest.param(("/user/:id",), "/user", "/user", id="segment missing"),
        pytest.param(("/user/:id",), "/users/jane", "/users/jane", id="other literal"),
        pytest.param(("/user/:id/*",), "/user/jane", "/user/:id", id="star for nothing"),
        pytest.param(
            ("/user/:id/*",), "/user/jane/a/b", "/user/:id/a/b", id="star leaves the rest"
        ),
        pytest.param(
            ("/user/:id/*",), "/user/jane/j@mail.example", "/user/:id/:email", id="star is scrubbed"
        ),
        pytest.param(("/:lang/about",), "/de/about", "/:lang/about", id="first segment"),
        pytest.param(("/u/:a/:b",), "/u/x/y", "/u/:a/:b", id="two names"),
        pytest.param(("/u/me", "/u/:id"), "/u/me", "/u/me", id="first match wins"),
        pytest.param(("/u/:id", "/u/me"), "/u/me", "/u/:id", id="first match wins, turned"),
        pytest.param(("/:a/x", "/b/:c"), "/b/x", "/:a/x", id="name before literal"),
        pytest.param(("/b/:c", "/:a/x"), "/b/x", "/b/:c", id="literal before name"),
        pytest.param(("/*", "/u/:id"), "/u/me", "/u/me", id="star for all"),
        pytest.param(("/",), "/a", "/a", id="root is the root alone"),
        pytest.param(
            ("/doc/20240517123456/*",),
            "/doc/20240517123456/a",
            "/doc/20240517123456/a",
            id="literal is kept from the scrubber",
        ),
        pytest.param(
            ("/doc/20240517123456/*",),
            "/doc/20240517123457/a",
            "/doc/:number/a",
            id="another is not",
        ),
        pytest.param(("/café/:id",), "/caf%C3%A9/7", "/café/:id", id="literal with an accent"),
        pytest.param(("/a b/:id",), "/a%20b/7", "/a%20b/:id", id="literal with a space"),
        pytest.param(("/u/:id",), "/u/" + "x" * 900, "/u/:id", id="name for a long segment"),
    ],
)
def test_template_shapes_the_page(templates: tuple[str, ...], path: str, expected: str) -> None:
    assert page(path, PathRules(templates=templates)) == expected


def test_template_ignores_case_where_the_server_does() -> None:
    rules = PathRules(lower_case=True, templates=("/User/:id/*",))
    assert page("/USER/Jane/Orders", rules) == "/user/:id/orders"
    assert page("/USER/Jane", PathRules(templates=("/User/:id",))) == "/USER/Jane"


def test_segment_that_a_template_names_is_no_mask() -> None:
    rules = PathRules(templates=("/user/:id/*",))
    assert coarsen_path("/user/j@mail.example/12345678", rules) == (
        "/user/:id/:number",
        ("number",),
    )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("user/:id", id="no slash"),
        pytest.param("/a//b", id="empty segment"),
        pytest.param("/a/../b", id="dots"),
        pytest.param("/a/./b", id="dot"),
        pytest.param("/a/*/b", id="star within"),
        pytest.param("/a/b*", id="star on a word"),
        pytest.param("/:", id="no name"),
        pytest.param("/:Id", id="name in upper case"),
        pytest.param("/a?b", id="query"),
        pytest.param("/a#b", id="fragment"),
        pytest.param("/" + "a" * MAX_PAGE_CHARACTERS, id="long"),
        pytest.param("/" + " a" * 80, id="long when written"),
        pytest.param("/\ud800", id="broken text"),
    ],
)
def test_bad_template_is_refused(text: str) -> None:
    with pytest.raises(BadTemplate, match=r"\Am(?:ust|ay) "):
        read_template(text)


@pytest.mark.parametrize(
    ("text", "segments", "is_open"),
    [
        pytest.param("/", (), False, id="root"),
        pytest.param("/*", (), True, id="everything"),
        pytest.param("/user/:id", ("user", ":id"), False, id="whole"),
        pytest.param("/user/:id/*", ("user", ":id"), True, id="open"),
        pytest.param("/user/:id/", ("user", ":id"), False, id="slash at its end"),
        pytest.param("/Xbox/a b/MAX", ("Xbox", "a\udc20b", "MAX"), False, id="capitals, a space"),
        pytest.param("/caf%C3%A9/café", ("café", "café"), False, id="two spellings of a letter"),
    ],
)
def test_template_is_read_in_one_spelling(
    text: str, segments: tuple[str, ...], is_open: bool
) -> None:
    assert read_template(text) == Template(segments, is_open)
    lower = tuple(segment.lower() for segment in segments)
    assert read_template(text, lower_case=True) == Template(lower, is_open)


def test_template_may_fill_a_page() -> None:
    longest = "/ab/" + "c" * (MAX_PAGE_CHARACTERS - 4)
    assert len(read_template(longest).segments) == 2
    with pytest.raises(BadTemplate, match=r"^must not be longer than 300 characters$"):
        read_template(longest + "c")


def test_template_of_a_segment_is_none_for_the_root() -> None:
    assert page("/", PathRules(templates=("/:page",))) == "/"


def test_template_that_does_not_fit_leaves_the_path_to_the_next() -> None:
    rules = PathRules(templates=("/a/b/c", "/a/b", "/a/:word"))
    assert page("/a/7", rules) == "/a/:word"
    assert page("/a/b", rules) == "/a/b"


def test_page_behind_a_template_is_cut_where_any_page_is() -> None:
    rules = PathRules(templates=("/a/b/c/*",))
    path = "/a/b/c/" + "d" * (MAX_PAGE_CHARACTERS - 7)
    assert page(path, rules) == path
    assert page(path + "d", rules) == "/a/b/c" + CUT


def test_masks_are_told_by_segment() -> None:
    assert coarsen_path("/john%2540mail.example/a/12345678", NO_RULES) == (
        "/:email/a/:number",
        ("email", "number"),
    )


def test_cut_leaves_room_for_its_mark() -> None:
    assert page("/ab" + "/a" * 148 + "/bb") == "/ab" + "/a" * 147 + CUT


def test_long_page_is_cut_at_a_segment() -> None:
    cut = page("/abc" * 200)
    assert cut == "/abc" * ((MAX_PAGE_CHARACTERS - len(CUT)) // 4) + CUT
    assert page("/" + "ab-" * 400 + "/tail") == CUT
    assert page("/a/" + "ab-" * 400) == "/a" + CUT
    assert page("/a" * 2000) == "/a" * 149 + CUT


def test_segment_that_cannot_fit_is_not_looked_at() -> None:
    assert page("/a/" + "1" * MAX_PAGE_CHARACTERS) == "/a/:number"
    assert page("/a/" + "1" * (MAX_PAGE_CHARACTERS + 1)) == "/a" + CUT


def test_path_is_looked_at_for_four_pages() -> None:
    email = "/" + "a" * 287 + "@mail.example"
    assert page(email * 4) == "/:email" * 4
    assert page(email * 9) == "/:email" * 4 + CUT


def test_page_at_the_bound_stays_whole() -> None:
    path = "/" + "x" * (MAX_PAGE_CHARACTERS - 1)
    assert page(path) == path
    assert page(path + "y") == CUT
    japanese = "/" + "%E6%97%A5" * (MAX_PAGE_CHARACTERS - 1)
    assert page(japanese) == "/" + "日" * (MAX_PAGE_CHARACTERS - 1)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/john%2540mail.example", "/:email", id="e-mail, twice"),
        pytest.param("/john%25252540mail.example", "/:email", id="e-mail, four times"),
        pytest.param("/%2531%2532%2533%2534%2535%2536%2537%2538", "/:number", id="number, twice"),
        pytest.param("/%31%32%33%34%35%36%37%38", "/:number", id="number, once"),
        pytest.param("/tel%3A%2B49%20170%201234567", "/tel%3A:number", id="phone with escapes"),
        pytest.param("/12%2F34567890", "/12%2F:number", id="digits of an escape"),
        pytest.param("/50%2525-off", "/50%2525-off", id="percent sign stays"),
    ],
)
def test_escapes_hide_no_identifier(path: str, expected: str) -> None:
    assert page(path) == expected


PLAIN_TEXT = st.text(alphabet="abefz0149/-._", max_size=60)


@given(PLAIN_TEXT)
def test_short_way_gives_what_the_long_way_gives(text: str) -> None:
    assert coarsen_path("/" + text, NO_RULES) == coarsen_path("/" + text, UNMATCHED)


@given(st.text(alphabet="abfzABZ0149-._", min_size=1, max_size=40).filter(lambda t: t.strip(".")))
def test_segment_passed_by_is_one_that_the_scrubber_leaves(text: str) -> None:
    masks: list[str] = []
    assert page("/" + text) == "/" + scrub(text, masks)
    assert coarsen_path("/" + text, NO_RULES)[1] == tuple(masks)
