"""`discreet user`, and what its users may do at a running server's doors."""

import base64
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from collector.cli import main
from people.totp import code_at
from tests.collector.audit_lines import changes_in
from tests.running import COMMAND, POLICY, Server, discreet, hit

TWO_SITES = POLICY + '\n[[site]]\ndomain = "example.net"\ntimezone = "Europe/Berlin"\n'


def user(data: Path, *arguments: str | Path) -> CompletedProcess[bytes]:
    return discreet("user", *arguments, "--data", data)


def here(data: Path, *arguments: str | Path) -> int | str | None:
    """Run the command in this process, which is faster, and return its exit code."""
    try:
        return main(["user", *map(str, arguments), "--data", str(data)])
    except SystemExit as ended:
        return ended.code


def add(data: Path, *arguments: str) -> str:
    """Add a user and return the password that is printed."""
    answer = user(data, "add", *arguments)
    assert answer.returncode == 0, answer.stderr
    found = re.search(r"^password (\S{20}) ", answer.stdout.decode(), re.MULTILINE)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # Two servers would need two engines; that the proxy is believed harms no other test.
    options = ("--trusted-proxy", "127.0.0.1")
    with Server(tmp_path_factory.mktemp("users"), TWO_SITES, options) as server:
        server.send(hit())
        server.wait_for("SELECT sum(views) FROM pages", "1\n")
        yield server


def enrol(data: Path, name: str, give: Callable[[str], str] = lambda code: code) -> str:
    """Give a user a second factor, as a person with a phone does; return what is printed."""
    command = [*COMMAND, "user", "totp", name, "--data", str(data)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as running:
        assert running.stdout
        assert running.stdin
        uri, letters = running.stdout.readline(), running.stdout.readline()
        secret = base64.b32decode(parse_qs(urlsplit(uri.split()[-1]).query)["secret"][0])
        running.stdin.write(give(code_at(secret, int(time.time()) // 30)) + "\n")
        running.stdin.close()
        return uri + letters + running.stdout.read()


def ask(server: Server, name: str, password: str) -> httpx.Response:
    return httpx.post(
        f"{server.url}/clickhouse/", content="SELECT sum(views) FROM pages", auth=(name, password)
    )


def log_in(
    client: httpx.Client, name: str, password: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    page = client.get("/dashboard/login", headers=headers).text
    token = page.partition('name="token" value="')[2].partition('"')[0]
    form = {"token": token, "name": name, "password": password}
    return client.post("/dashboard/login", data=form, headers=headers)


def test_first_login_is_an_owner_who_may_do_all(server: Server) -> None:
    found = re.search(r"login +(\S+) +password (\S+)", server.output)
    assert found

    assert ask(server, found[1], found[2]).text == "1\n"
    with httpx.Client(base_url=server.url) as client:
        assert log_in(client, found[1], found[2]).status_code == 303
        assert client.get("/dashboard/audit").status_code == 200
        assert "asked by SQL" in client.get("/dashboard/audit").text


@pytest.mark.parametrize(
    ("name", "options", "why"),
    [
        pytest.param("a1", ("--role", "analyst"), "", id="analyst"),
        pytest.param("v1", ("--role", "viewer"), "This user's role has no SQL", id="viewer"),
        pytest.param("d1", ("--role", "auditor"), "This user's role has no SQL", id="auditor"),
        pytest.param(
            "a2",
            ("--role", "analyst", "--site", "example.org"),
            "This user sees some sites only, and SQL shows every site",
            id="with a site",
        ),
    ],
)
def test_sql_is_for_who_sees_every_site_and_has_the_right(
    server: Server, name: str, options: tuple[str, ...], why: str
) -> None:
    password = add(server.data, name, *options)

    answer = ask(server, name, password)
    if why:
        assert answer.status_code == 403
        assert answer.headers["x-clickhouse-exception-code"] == "497"
        assert why in answer.text
    else:
        assert answer.text == "1\n"
    # A wrong password is told nothing of the rights.
    assert "516" in ask(server, name, "wrong").headers["x-clickhouse-exception-code"]


def test_program_is_let_in_no_more_after_a_change(server: Server) -> None:
    password = add(server.data, "grafana", "--role", "analyst")
    assert ask(server, "grafana", password).text == "1\n"

    assert user(server.data, "role", "grafana", "--role", "viewer").returncode == 0
    assert ask(server, "grafana", password).status_code == 403
    assert user(server.data, "role", "grafana", "--role", "analyst").returncode == 0
    assert ask(server, "grafana", password).text == "1\n"
    assert user(server.data, "password", "grafana").returncode == 0
    assert ask(server, "grafana", password).headers["x-clickhouse-exception-code"] == "516"


def test_second_factor_shuts_the_programs_door_and_asks_for_a_code(server: Server) -> None:
    password = add(server.data, "tina", "--role", "analyst")
    told = enrol(server.data, "tina")
    uri = re.search(r"otpauth://\S+", told)
    recovery = re.findall(r"^  ([a-z2-7]{4}(?:-[a-z2-7]{4}){3})$", told, re.MULTILINE)
    assert uri
    assert len(recovery) == 8
    secret = base64.b32decode(parse_qs(urlsplit(uri[0]).query)["secret"][0])

    refused = ask(server, "tina", password)
    assert refused.status_code == 403
    assert "second factor" in refused.text
    with httpx.Client(base_url=server.url) as client:
        sent = log_in(client, "tina", password)
        assert urlsplit(sent.headers["location"]).path == "/dashboard/login/code"
        assert client.get("/dashboard").status_code == 303
        page = client.get("/dashboard/login/code").text
        token = page.partition('name="token" value="')[2].partition('"')[0]
        form = {"token": token, "code": code_at(secret, int(time.time()) // 30 + 1)}
        assert client.post("/dashboard/login/code", data=form).status_code == 303
        assert client.get("/dashboard").status_code == 200
        assert user(server.data, "totp", "tina", "--off").returncode == 0
        assert client.get("/dashboard").status_code == 303
    assert ask(server, "tina", password).text == "1\n"


def test_second_factor_without_its_code_is_not_in_force(server: Server) -> None:
    add(server.data, "tom", "--role", "viewer")

    assert "recovery" not in enrol(server.data, "tom", lambda code: code[::-1] + "0")
    table = user(server.data, "list").stdout.decode()
    assert re.search(r"tom +│ viewer +│ every site +│ no ", table)


def test_removed_user_is_out_in_the_middle_of_their_work(server: Server) -> None:
    password = add(server.data, "rita", "--role", "viewer", "--site", "example.net")
    with httpx.Client(base_url=server.url) as client:
        assert log_in(client, "rita", password).status_code == 303
        shown = client.get("/dashboard")
        assert shown.status_code == 200
        assert "example.org" not in shown.text

        assert user(server.data, "remove", "rita").stdout == b"removed rita\n"
        sent = client.get("/dashboard?period=7d")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/dashboard/login?next=%2Fdashboard%3Fperiod%3D7d"


@pytest.mark.parametrize(
    ("headers", "is_https"),
    [
        pytest.param({"X-Forwarded-Proto": "https"}, True, id="proxy"),
        pytest.param({"Forwarded": "for=192.0.2.9;proto=https"}, True, id="RFC 7239"),
        pytest.param({"X-Forwarded-Proto": "https, http"}, False, id="client wrote https"),
        pytest.param({"X-Forwarded-Proto": "http"}, False, id="plain"),
        pytest.param({}, False, id="silent"),
    ],
)
def test_cookie_is_for_https_alone_where_the_proxy_says_so(
    server: Server, headers: dict[str, str], is_https: bool
) -> None:
    cookie = httpx.get(f"{server.url}/dashboard/login", headers=headers).headers["set-cookie"]

    assert cookie.startswith("__Host-discreet_session=" if is_https else "discreet_session=")
    assert ("Secure" in cookie) is is_https


def test_list_shows_roles_and_last_days_and_no_secret(server: Server) -> None:
    password = add(server.data, "lisa", "--role", "auditor", "--site", "example.org")
    with httpx.Client(base_url=server.url) as client:
        log_in(client, "lisa", password)
    told = user(server.data, "list").stdout.decode()

    (row,) = [line for line in told.splitlines() if "lisa" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells[:4] == ["lisa", "auditor", "example.org", "no"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", cells[4])
    assert password not in told
    assert "argon2" not in told


def test_audit_names_no_password_and_no_address(server: Server) -> None:
    password = add(server.data, "nora", "--role", "viewer")
    client = {"X-Forwarded-For": "198.51.100.77", "User-Agent": "Kanarienvogel/1"}
    with httpx.Client(base_url=server.url, headers=client) as browser:
        log_in(browser, "nora", password)
        browser.get("/dashboard")
    lines = b"".join(path.read_bytes() for path in (server.data / "audit").iterdir())

    assert b'"user":"nora"' in lines
    for raw in (password.encode(), b"198.51.100", b"Kanarienvogel"):
        assert raw not in lines
        assert raw not in (server.data / "logins.sqlite").read_bytes()


def test_changes_of_users_are_noted(server: Server) -> None:
    name = "vera@example.org"
    add(server.data, name, "--role", "viewer", "--site", "example.org", "--site", "example.net")
    assert here(server.data, "role", name, "--role", "analyst", "--all-sites") == 0
    assert here(server.data, "password", name) == 0
    enrol(server.data, name)
    assert here(server.data, "totp", name, "--off") == 0
    assert here(server.data, "remove", name) == 0
    assert here(server.data, "remove", name) == 2

    told = [(by, did, of) for by, did, _, of, whom in changes_in(server.data) if whom == name]
    assert told == [
        ("(local)", "added the user", "viewer: example.net, example.org"),
        ("(local)", "changed role or sites of", "analyst"),
        ("(local)", "gave a new password to", ""),
        ("(local)", "gave a second factor to", ""),
        ("(local)", "took the second factor from", ""),
        ("(local)", "removed the user", ""),
    ]


def test_page_that_cannot_be_noted_is_answered_503(server: Server) -> None:
    password = add(server.data, "otto", "--role", "viewer")
    folder, aside = server.data / "audit", server.data / "audit-aside"
    with httpx.Client(base_url=server.url) as client:
        assert log_in(client, "otto", password).status_code == 303
        folder.rename(aside)
        try:
            refused = client.get("/dashboard")
        finally:
            aside.rename(folder)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "60"
        assert "example.org" not in refused.text
        assert client.get("/dashboard").status_code == 200


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory of a server that never ran, with the user ``ana``."""
    data = tmp_path_factory.mktemp("data")
    (data / "policy.toml").write_text(TWO_SITES)
    assert discreet("user", "add", "ana", "--role", "viewer", "--data", data).returncode == 0
    return data


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(("add", "ana", "--role", "viewer"), "name: is that of a user", id="taken"),
        pytest.param(("add", "Ana", "--role", "viewer"), "name: is that of a user", id="case"),
        pytest.param(("add", "<kanari>", "--role", "viewer"), "name: must be", id="name"),
        pytest.param(("add", "b", "--role", "kanari"), "--role: invalid choice", id="role"),
        pytest.param(("add", "b"), "required: --role", id="no role"),
        pytest.param(
            ("add", "b", "--role", "viewer", "--site", "kanari.example"),
            "--site: is the domain of no site of the policy",
            id="site",
        ),
        pytest.param(
            ("add", "b", "--role", "owner", "--site", "example.org"),
            "site: an owner sees every site",
            id="owner's site",
        ),
        pytest.param(("role", "b", "--role", "viewer"), "name: is that of no user", id="nobody"),
        *(
            pytest.param((action, "\udcff"), "name: is that of no user", id=f"{action} no UTF-8")
            for action in ("remove", "totp", "password")
        ),
        pytest.param(("role", "ana"), "--role: must be given", id="no change"),
        pytest.param(
            ("role", "ana", "--site", "example.org", "--all-sites"), "--all-sites", id="both"
        ),
        pytest.param(("password", "b"), "name: is that of no user", id="nobody's password"),
        pytest.param(("totp", "b"), "name: is that of no user", id="nobody's factor"),
        pytest.param(("totp", "b", "--off"), "name: is that of no user", id="nobody's end"),
        pytest.param(("remove", "b"), "name: is that of no user", id="removed twice"),
    ],
)
def test_bad_input_is_told_in_a_line(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    code = here(data, *arguments)

    out, errors = capsys.readouterr()
    assert code == 2
    assert told in errors.splitlines()[-1]
    assert "<kanari>" not in errors.splitlines()[-1]
    assert out == ""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"too short\n", "password: must be 12 to 1000", id="short"),
        pytest.param(b"\n", "holds no password", id="empty line"),
        pytest.param(b"", "holds no password", id="empty"),
        pytest.param(b"\xff" * 20, "is no UTF-8 text", id="bytes"),
        pytest.param(None, "No such file", id="missing"),
    ],
)
def test_password_file_that_holds_none_is_refused(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: bytes | None,
    told: str,
) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)

    assert here(data, "password", "ana", "--password-file", file) == 2
    assert told in capsys.readouterr().err


def test_password_of_a_file_is_not_printed(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "password"
    file.write_text("correct horse battery\n")

    assert here(data, "password", "ana", "--password-file", file) == 0
    assert capsys.readouterr().out == "changed ana\n"


def test_site_is_asked_of_the_policy_that_is_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(TWO_SITES)
    data = tmp_path / "data"
    data.mkdir()
    arguments = ("add", "ana", "--role", "viewer", "--site", "example.net")

    assert here(data, *arguments) == 2
    assert "give --policy" in capsys.readouterr().err
    assert here(data, *arguments, "--policy", policy) == 0
    assert stat.S_IMODE((data / "logins.sqlite").stat().st_mode) == 0o600


def test_faulty_policy_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.toml").write_text("[policy]\n")

    assert here(tmp_path, "add", "ana", "--role", "viewer", "--site", "a.example") == 2
    assert "policy.toml: the policy has faults:" in capsys.readouterr().err


def test_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert here(tmp_path / "gone", "list") == 2
    assert not (tmp_path / "gone").exists()
