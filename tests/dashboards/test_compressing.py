import pytest

from dashboards.compressing import mask_token, unmask_token
from tests.dashboards.reader import PASSWORD, Reader, form_token

TOKEN = "0123456789abcdef" * 4


def test_page_is_compressed_for_who_takes_it(stranger: Reader) -> None:
    plain = stranger.get("/dashboard/login", {"Accept-Encoding": "identity"})
    packed = stranger.get("/dashboard/login", {"Accept-Encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    token = form_token(plain.text)
    assert plain.text.replace(token, "") == packed.text.replace(form_token(packed.text), "")
    style = stranger.get("/dashboard/static/dashboard.css", {"Accept-Encoding": "gzip"})
    assert int(style.headers["content-length"]) < len(style.content) / 3


def test_token_looks_different_on_each_page_and_is_the_same(stranger: Reader) -> None:
    first, second = (form_token(stranger.get("/dashboard/login").text) for _ in range(2))

    assert first != second
    assert unmask_token(first) == unmask_token(second)
    for token in (first, second):
        form = {"token": token, "name": "owner", "password": "wrong", "next": ""}
        assert stranger.post("/dashboard/login", form).status_code == 401
    forged = first[:-1] + ("0" if first[-1] != "0" else "1")
    form = {"token": forged, "name": "owner", "password": PASSWORD, "next": ""}
    assert stranger.post("/dashboard/login", form).status_code == 403


def test_mask_hides_every_letter() -> None:
    masks = [mask_token(TOKEN) for _ in range(100)]

    assert {unmask_token(mask) for mask in masks} == {TOKEN}
    assert all(len({mask[at] for mask in masks}) > 8 for at in range(len(masks[0])))


@pytest.mark.parametrize("text", ["", "x", "é", TOKEN, TOKEN[:-1], TOKEN * 3, "zz" * 64])
def test_what_is_no_mask_stays_as_it_is(text: str) -> None:
    assert unmask_token(text) == text
