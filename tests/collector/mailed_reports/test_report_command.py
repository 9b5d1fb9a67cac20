"""`discreet report` and `serve --reports` as their user meets them: processes and a mail server."""

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collector.mailed_reports.due import last_whole
from collector.mailed_reports.settings import Every
from tests.collector.log_lines import log_line
from tests.collector.mailed_reports.smtp_server import HOST, MailServer
from tests.running import Server, discreet, refusal_of

SITE = ("--site", "example.org")
ANA, BO = "ana@example.org", "bo@example.org"
TODAY = datetime.now(ZoneInfo("Europe/Berlin")).date()
WEEK = last_whole(Every.WEEK, TODAY)


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """Import twelve views of last week, by three visitors on two days, and one of the week before.

    Nobody serves them yet.
    """
    folder = tmp_path_factory.mktemp("report")
    server = Server(folder)
    noon = datetime(WEEK.first.year, WEEK.first.month, WEEK.first.day, 12, tzinfo=UTC)
    lines = [log_line("/a", noon - timedelta(days=7))] + [
        log_line(f"/{page}", noon + timedelta(days=day), address=f"192.0.2.{who}")
        for day in (0, 6)
        for page in "ab"
        for who in (1, 2, 3)
    ]
    log = folder / "access.log"
    log.write_bytes(b"".join(lines))
    options = ("--policy", server.policy, "--data", server.data)
    done = discreet("import", log, *SITE, *options)
    assert done.returncode == 0, done.stderr
    return server


@pytest.fixture
def settings(server: Server, mail: MailServer) -> Path:
    mail.taken.clear()
    mail.answers.clear()
    path = server.data.parent / "reports.toml"
    path.write_text(
        f'[smtp]\nhost = "{HOST}"\nport = {mail.port}\ntls = "none"\nfrom = "stats@example.org"\n'
        f'[[report]]\nsite = "example.org"\nto = ["{ANA}"]\nperiod = "week"\nhour = 3\n'
    )
    return path


def wait_for(happens: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not happens() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert happens()


def report(server: Server, *options: str | Path) -> str:
    done = discreet("report", *SITE, "--data", server.data, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def exported(server: Server) -> list[list[str]]:
    """Return who exported what of which days, as the audit trail has it."""
    lines = "".join(path.read_text() for path in sorted((server.data / "audit").iterdir()))
    acts = [json.loads(line) for line in lines.splitlines()]
    return [
        [act["user"], act["site"], act["report"], act["period"]]
        for act in acts
        if act.get("did") == "exported"
    ]


def test_report_is_written_beside_no_server_and_by_one(server: Server, tmp_path: Path) -> None:
    alone = report(server, "--to", "-")
    assert re.search(r"^ +6 .* Visitors\n +6 .* Visits\n +12 .* Views$", alone, re.MULTILINE)
    assert re.search(r"^ +6 +6 +/a\n +6 +6 +/b$", alone, re.MULTILINE)
    with server:
        assert report(server, "--to", "-") == alone
        report(server, "--to", tmp_path / "week.html")
        report(server, "--to", tmp_path / "month.txt", "--period", "month")
        server.stop()
    assert (tmp_path / "week.html").read_text().startswith("<!doctype html>")
    month = (tmp_path / "month.txt").read_text()
    assert f"The month of example.org\n{last_whole(Every.MONTH, TODAY).first:%B %Y}\n" in month
    assert exported(server)[0] == ["(local)", "example.org", "report", str(WEEK)]
    assert len(exported(server)) == 4


def test_report_is_mailed_on_command(server: Server, mail: MailServer, settings: Path) -> None:
    said = report(server, "--mail", ANA, "--mail", BO, "--reports", settings, "--lang", "zh")

    assert said == f"sent {WEEK} to 2 addresses\n"
    assert [letter["To"] for letter in mail.taken] == [ANA, BO]
    assert {letter["Content-Language"] for letter in mail.taken} == {"zh"}


def test_mail_that_is_refused_is_told(server: Server, mail: MailServer, settings: Path) -> None:
    mail.answers[ANA] = "550 nobody"
    refusal = refusal_of(
        "report", *SITE, "--data", server.data, "--mail", ANA, BO, "--reports", settings
    )

    assert refusal == "--mail: address 1: the mail server: it refused the recipient (550)"
    assert [letter["To"] for letter in mail.taken] == [BO]


def test_schedule_sends_once_over_restarts(
    server: Server, mail: MailServer, settings: Path
) -> None:
    marks = server.data / "reports.json"
    scheduled = Server(server.data.parent, options=("--reports", str(settings)))
    with scheduled:
        wait_for(marks.exists)
        scheduled.stop()
    assert mail.taken == []

    # As if the server had been down since the week before.
    (key, mark), *_ = json.loads(marks.read_text()).items()
    mark["days"] = {"first": "2024-01-01", "last": "2024-01-07"}
    marks.write_text(json.dumps({key: mark}))
    for _ in range(2):
        with scheduled:
            wait_for(lambda: json.loads(marks.read_text())[key]["days"]["first"] > "2024-01-01")
            wait_for(lambda: json.loads(marks.read_text())[key].get("is_out", False))
            scheduled.kill()
    (letter,) = mail.taken
    assert letter["To"] == ANA
    body = letter.get_body(("plain",))
    assert body is not None
    assert "/a" in body.get_content()
    # Until three on Mondays that is the week before the last.
    days = "/".join(json.loads(marks.read_text())[key]["days"].values())
    assert ["(schedule)", "example.org", "mailed report", days] in exported(server)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param((), "give --to FILE, --mail ADDRESS, or both", id="nowhere"),
        pytest.param(("--to", "a.pdf"), "--to: must end in .html or .txt, or be -", id="suffix"),
        pytest.param(
            ("--mail", ANA),
            "--mail: needs --reports, whose [smtp] says by which server",
            id="no server",
        ),
        pytest.param(
            ("--mail", "ana", "--reports", "x"),
            "--mail: must be addresses in ASCII, such as ana@example.org",
            id="no address",
        ),
        pytest.param(
            ("--mail", ANA, "--reports", "/nowhere"),
            "/nowhere: No such file or directory",
            id="no file",
        ),
        pytest.param(("--to", "-", "--lang", "de"), "--lang: must be en or zh", id="language"),
        pytest.param(
            ("--to", "-", "--site", "nowhere.example"),
            "--site: the policy has no such site",
            id="site",
        ),
        pytest.param(
            ("--to", "-", "--data", "/nowhere"),
            "/nowhere: there is no data directory",
            id="no data",
        ),
    ],
)
def test_what_cannot_be_is_told_in_a_line(
    server: Server, options: tuple[str, ...], told: str
) -> None:
    assert refusal_of("report", *SITE, "--data", server.data, *options) == told


def test_faulty_file_stops_the_start_with_every_line(server: Server, settings: Path) -> None:
    settings.write_text('[smtp]\nhost = "a b"\n[[report]]\nsite = "x"\n')
    options = ("--policy", server.policy, "--data", server.data, "--reports", settings)
    done = discreet("serve", *options)

    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        f"discreet: {settings}: has faults:",
        "  line 1: smtp.from: is missing",
        "  line 2: smtp.host: must be a host name or an address",
        "  line 3: report.to: is missing",
        "  line 3: report.period: is missing",
        "  line 4: report.site: must be a site of the policy",
    ]
