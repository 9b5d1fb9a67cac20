"""`discreet share`: links made on a directory and opened on the server that runs on it."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from collector.cli import main
from tests.collector.audit_lines import changes_in, unwritable_audit
from tests.running import POLICY, Server, hit

PASSWORD = "open sesame"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("shares"), POLICY) as server:
        server.send(hit())
        server.wait_for("SELECT sum(views) FROM pages", "1\n")
        yield server


def run(data: Path, *arguments: str) -> int | str | None:
    """Run the command in this process and return its exit code."""
    try:
        return main(["share", *arguments, "--data", str(data)])
    except SystemExit as ended:
        return ended.code


def add(server: Server, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Make a link and return its path."""
    assert run(server.data, "add", *arguments, "--site", "example.org", "--url", server.url) == 0
    told = capsys.readouterr().out
    found = re.fullmatch(rf"shared as .*\n{server.url}(/shared/[\w-]{{43}})\n", told)
    assert found
    return found[1]


def test_link_opens_at_once_and_is_void_at_once(
    server: Server, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    link = add(server, capsys, "press", "--embed", "https://www.example.org")

    shown = httpx.get(server.url + link)
    assert shown.status_code == 200
    assert shown.headers["referrer-policy"] == "no-referrer"
    framed = httpx.get(f"{server.url}{link}/embed")
    assert "frame-ancestors https://www.example.org;" in framed.headers["content-security-policy"]
    assert run(server.data, "list") == 0
    listed = capsys.readouterr().out
    assert "https://www.example.org" in listed
    assert link.rpartition("/")[2] not in listed
    assert run(server.data, "revoke", "press") == 0
    assert capsys.readouterr().out == "revoked press\n"
    assert httpx.get(server.url + link).status_code == 404
    assert changes_in(server.data) == [
        ("(local)", "shared", "example.org", "press", ""),
        ("(local)", "revoked the share", "example.org", "press", ""),
    ]


def test_change_that_cannot_be_noted_is_told(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    with unwritable_audit(server.data):
        assert run(server.data, "add", "unnoted", "--site", "example.org") == 2

    told = capsys.readouterr()
    assert told.err == "discreet: it is done, but can't be written into the audit trail\n"
    assert told.out == ""  # so that nobody has the link


def test_password_of_a_file_is_asked_for(
    server: Server, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    link = add(server, capsys, "board", "--password-file", str(file), "--exports")

    with httpx.Client(base_url=server.url) as client:
        assert "asks for a password" in client.get(link).text
        assert client.post(link, data={"password": "guess"}).status_code == 401
        assert client.post(link, data={"password": PASSWORD}).status_code == 303
        assert "asks for a password" not in client.get(link).text
        exported = client.get(f"{link}/export?report=pages&format=json")
        assert (exported.status_code, "/" in exported.text) == (200, True)


def test_file_of_users_that_cant_be_read_is_told_as_out_of_service(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    link = add(server, capsys, "readers")
    file, aside = server.data / "logins.sqlite", server.data / "aside"
    file.rename(aside)
    file.write_bytes(b"no database" * 100)
    try:
        answer = httpx.get(server.url + link)
    finally:
        aside.replace(file)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert "can't be looked up at the moment" in answer.text
    assert httpx.get(server.url + link).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("add", "a", "--site", "kanari.example"), "--site: is the domain", id="site"),
        pytest.param(("add", "a"), "required: --site", id="no site"),
        pytest.param(("add", "<kanari>", "--site", "example.org"), "name: must be", id="name"),
        pytest.param(
            ("add", "a", "--site", "example.org", "--expires", "kanari"), "--expires: ", id="no day"
        ),
        pytest.param(
            ("add", "a", "--site", "example.org", "--expires", "2020-01-01"),
            "expires: must be a day to come",
            id="over",
        ),
        pytest.param(
            ("add", "a", "--site", "example.org", "--embed", "kanari"),
            "--embed: must be a scheme",
            id="origin",
        ),
        pytest.param(
            ("add", "a", "--site", "example.org", "--url", "kanari"), "--url: must be", id="address"
        ),
        *(
            pytest.param(
                ("add", "a", "--site", "example.org", "--url", url), "--url: must be", id=url
            )
            for url in ("http://[", "https://a.example/?", "https://a b", "https://a.example/\n")
        ),
        pytest.param(("revoke", "nobody"), "name: is that of no share", id="revoked twice"),
        pytest.param(("revoke", "\udcff"), "name: is that of no share", id="no UTF-8"),
    ],
)
def test_bad_input_is_told_in_a_line(
    server: Server, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    assert run(server.data, *arguments) == 2

    out, errors = capsys.readouterr()
    assert told in errors.splitlines()[-1]
    assert "kanari" not in errors.splitlines()[-1]
    assert out == ""


def test_shares_of_no_directory_are_told_of(tmp_path: Path) -> None:
    assert run(tmp_path / "gone", "list") == 2
    assert not (tmp_path / "gone").exists()
