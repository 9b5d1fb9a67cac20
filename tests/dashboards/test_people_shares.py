"""Shares of a file: what opens them, what ends them, and what of them is on the disk."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from people.people import People
from people.roles import Right
from people.shares import MAX_SHARES, BadShare
from tests.dashboards.conftest import CHEAPEST_HASHER

NOW = 1_800_000_000
SITE = "example.org"
PASSWORD = "open sesame"


def test_link_opens_its_share_and_no_other_text_does(people: People) -> None:
    token = people.shares.add("press", SITE, NOW, origins=["https://www.example.org"])

    opened = people.shares.find(token, NOW)
    assert opened is not None
    assert (opened.share.name, opened.share.site) == ("press", SITE)
    assert opened.share.origins == ("https://www.example.org",)
    for other in ("", token[:-1], token + "A", token.swapcase(), "press", "A" * 43, "é" * 43):
        assert people.shares.find(other, NOW) is None


@pytest.mark.parametrize(
    ("expires", "at", "is_open"),
    [
        pytest.param(None, NOW * 2, True, id="no end"),
        pytest.param(NOW + 10, NOW + 9, True, id="last second"),
        pytest.param(NOW + 10, NOW + 10, False, id="over"),
    ],
)
def test_link_is_void_from_its_end_on(
    people: People, expires: int | None, at: int, is_open: bool
) -> None:
    token = people.shares.add("press", SITE, NOW, expires=expires)

    assert (people.shares.find(token, at) is not None) is is_open
    assert people.shares.all()[0].is_over(at) is not is_open


def test_revoked_link_opens_nothing_though_its_name_is_used_again(people: People) -> None:
    token = people.shares.add("press", SITE, NOW)
    assert people.shares.revoke("press").site == SITE

    again = people.shares.add("press", SITE, NOW)
    assert people.shares.find(token, NOW) is None
    assert people.shares.find(again, NOW) is not None
    with pytest.raises(BadShare, match="name: is that of no share"):
        people.shares.revoke("gone")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        pytest.param({"name": ""}, "name", id="no name"),
        pytest.param({"name": "two words"}, "name", id="space"),
        pytest.param({"name": "<b>"}, "name", id="markup"),
        pytest.param({"name": "PRESS"}, "name", id="taken in other letters"),
        pytest.param({"expires": NOW}, "expires", id="over already"),
        pytest.param({"password": "short"}, "password", id="short password"),
        pytest.param({"password": "x" * 1001}, "password", id="long password"),
        pytest.param({"origins": ["example.org"]}, "origin", id="no scheme"),
        pytest.param({"origins": ["https://example.org/"]}, "origin", id="path"),
        pytest.param({"origins": ["https://*.example.org"]}, "origin", id="wildcard"),
        pytest.param({"origins": ["https://a.example; script-src *"]}, "origin", id="directive"),
        pytest.param({"origins": ["https://a.example\nX: y"]}, "origin", id="line"),
        pytest.param({"origins": ["javascript:alert(1)"]}, "origin", id="script"),
        pytest.param({"origins": [f"https://{n}.example" for n in range(11)]}, "origin", id="many"),
        pytest.param(
            {"origins": ["https://a.example"], "password": PASSWORD}, "origin", id="password too"
        ),
    ],
)
def test_share_that_cannot_be_is_refused_without_an_echo(
    people: People, wrong: dict[str, object], field: str
) -> None:
    people.shares.add("press", SITE, NOW)
    given = {"name": "board", **wrong}

    with pytest.raises(BadShare, match=f"^{field}: ") as refused:
        people.shares.add(str(given.pop("name")), SITE, NOW, **given)  # type: ignore[arg-type]
    assert "script" not in str(refused.value)
    assert len(people.shares.all()) == 1


@pytest.mark.parametrize(
    "origin", ["https://www.example.org", "http://localhost:8080", "https://a-b.c.example"]
)
def test_origin_as_browsers_write_it_is_taken(people: People, origin: str) -> None:
    people.shares.add("press", SITE, NOW, origins=[origin])


def test_password_is_the_shares_own(people: People) -> None:
    opened = people.shares.find(people.shares.add("a", SITE, NOW, password=PASSWORD), NOW)
    assert opened is not None

    assert people.shares.is_password(opened, PASSWORD)
    assert not people.shares.is_password(opened, PASSWORD + " ")
    assert not people.shares.is_password(opened, "")


def test_proof_holds_until_its_end_for_its_share_alone(people: People) -> None:
    one, other = (
        people.shares.find(people.shares.add(name, SITE, NOW, password=PASSWORD), NOW)
        for name in ("one", "other")
    )
    assert one is not None
    assert other is not None
    proof = people.shares.proof_of(one, "secret", NOW + 10)

    assert people.shares.is_proof(one, "secret", proof, NOW + 9)
    assert not people.shares.is_proof(one, "secret", proof, NOW + 10)
    assert not people.shares.is_proof(other, "secret", proof, NOW)
    assert not people.shares.is_proof(one, "another", proof, NOW)
    assert not people.shares.is_proof(one, "secret", f"{NOW + 99}.{proof.partition('.')[2]}", NOW)
    for text in ("", ".", "9" * 13 + ".", f"{NOW + 9}", f"{NOW + 9}.\ud800", "-1.x"):
        assert not people.shares.is_proof(one, "secret", text, NOW)


def test_guest_sees_one_site_and_exports_only_where_the_share_says_so(people: People) -> None:
    for may_export in (False, True):
        token = people.shares.add(f"s{may_export}", SITE, NOW, may_export=may_export)
        opened = people.shares.find(token, NOW)
        assert opened is not None
        guest = opened.guest(may_export=True)
        assert guest.sees(SITE)
        assert not guest.sees("example.net")
        assert not guest.sees("")
        rights = {right for right in Right if guest.may(right)}
        assert rights == ({Right.EXPORTS} if may_export else set())
        assert not opened.guest(may_export=False).may(Right.EXPORTS)


def test_last_look_is_kept_by_day(people: People) -> None:
    people.shares.add("press", SITE, NOW)
    (share,) = people.shares.all()
    assert share.last_looked is None

    people.shares.looked(share, NOW)
    assert people.shares.all()[0].last_looked == datetime.fromtimestamp(NOW, UTC).date()


def test_file_holds_neither_link_nor_password(people: People, tmp_path: Path) -> None:
    token = people.shares.add("press", SITE, NOW, password=PASSWORD)

    held = (tmp_path / "logins.sqlite").read_bytes()
    assert token.encode() not in held
    assert PASSWORD.encode() not in held
    with closing(sqlite3.connect(tmp_path / "logins.sqlite")) as database:
        ((kept,),) = database.execute("SELECT password_hash FROM shares").fetchall()
    assert CHEAPEST_HASHER.verify(kept, PASSWORD)


def test_shares_are_a_thousand_at_most(people: People, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "logins.sqlite")) as database, database:
        database.executemany(
            "INSERT INTO shares (hash, name, site, made, expires, origins, may_export,"
            " password_hash) VALUES (?, ?, 'a', 1, 0, '', 0, '')",
            [(str(n).encode(), f"s{n}") for n in range(MAX_SHARES)],
        )

    with pytest.raises(BadShare, match="revoke some first"):
        people.shares.add("press", SITE, NOW)
