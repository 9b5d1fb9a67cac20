"""The file of mailed reports: what it sets, and each of its faults with the line."""

import re
from pathlib import Path

import pytest

from anonymizer.policy_faults import PolicyFaults
from collector.mailed_reports.letters import write_letter
from collector.mailed_reports.reports_file import read_reports
from collector.mailed_reports.settings import Every, Mailing, Tls
from tests.collector.hits import make_policy
from tests.collector.mailed_reports.smtp_server import make_certificate
from tests.collector.mailed_reports.test_sending import Report

POLICY = make_policy()
SITE = str(next(iter(POLICY.sites)))
SMTP = """\
[smtp]
host = "mail.example.org"
from = "Statistics <stats@example.org>"
"""
LOGIN = 'user = "stats"\n'
REPORT = f"""\
[[report]]
site = "{SITE}"
to = ["ana@example.org"]
period = "week"
"""
SECRET = "hunter2 of theirs"


def read(text: str, folder: Path = Path(), **environment: str) -> Mailing:
    return read_reports(text, POLICY, ("en", "zh"), folder, environment)


def faults_of(text: str, folder: Path = Path(), **environment: str) -> list[str]:
    with pytest.raises(PolicyFaults) as raised:
        read(text, folder, **environment)
    return [str(fault) for fault in raised.value.faults]


def test_what_is_left_out_has_defaults() -> None:
    mailing = read(SMTP + REPORT)

    assert (mailing.smtp.port, mailing.smtp.tls) == (587, Tls.STARTTLS)
    assert (mailing.smtp.user, mailing.smtp.password) == ("", "")
    (report,) = mailing.scheduled
    assert (report.every, report.language, report.hour) == (Every.WEEK, "en", 7)
    assert (report.site.domain, report.to, report.line) == (SITE, ("ana@example.org",), 4)


def test_all_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\nnot this\n")
    make_certificate(tmp_path / "ca.pem")
    more = 'port = 2465\ntls = "tls"\npassword_file = "password"\nauthority_file = "ca.pem"\n'
    report = REPORT.replace("week", "month") + 'language = "zh"\nhour = 9\n'
    mailing = read(SMTP + LOGIN + more + report + REPORT, tmp_path)

    assert (mailing.smtp.port, mailing.smtp.tls) == (2465, Tls.TLS)
    assert (mailing.smtp.user, mailing.smtp.password) == ("stats", SECRET)
    assert mailing.smtp.authority == tmp_path / "ca.pem"
    assert [each.every for each in mailing.scheduled] == [Every.MONTH, Every.WEEK]
    assert (mailing.scheduled[0].language, mailing.scheduled[0].hour) == ("zh", 9)
    assert SECRET not in repr(mailing)


def test_password_may_come_by_the_environment() -> None:
    assert read(SMTP + LOGIN, DISCREET_SMTP_PASSWORD=SECRET).smtp.password == SECRET
    # Nobody asks for it: it is not sent.
    assert read(SMTP, DISCREET_SMTP_PASSWORD=SECRET).smtp.password == ""


def report(**keys: str) -> str:
    kept = {"site": f'"{SITE}"', "to": '["ana@example.org"]', "period": '"week"', **keys}
    return SMTP + "[[report]]\n" + "".join(f"{key} = {value}\n" for key, value in kept.items())


def smtp(**keys: str) -> str:
    kept = {"host": '"mail.example.org"', "from": '"stats@example.org"', **keys}
    return "[smtp]\n" + "".join(f"{key} = {value}\n" for key, value in kept.items())


ADDRESSES = "must be a list of addresses in ASCII, such as ana@example.org"


ORIGIN = "must be where readers open the dashboard, such as https://stats.example.org"
SENDER = "smtp.from: must be an address, such as Reports <reports@example.org>"
NO_SENDERS = (
    "a@example.org, b@example.org",
    "A <a@example.org>, B <b@example.org>",
    "all: a@example.org;",
    "A <a@example.org> more",
    "a..b@example.org",
    "a@example..org",
    "a@example.org.",
    "=?utf-8?q?=0d=0aBcc?= <a@example.org>",
)
FAULTS = {
    "empty": ("", "line 1: the file is empty"),
    "no TOML": ("[smtp\n", "line 1: is not valid TOML at column 6"),
    "no server": (REPORT, "line 1: smtp: is missing: one table, headed [smtp]"),
    "unknown table": (
        SMTP + "[mail]\n",
        "line 4: mail: is not a known key here; known are dashboard, smtp, report",
    ),
    "no origin": (
        'dashboard = "stats.example.org"\n' + SMTP,
        f"line 1: dashboard: {ORIGIN}",
    ),
    "host": (smtp(host='"a b"'), "line 2: smtp.host: must be a host name or an address"),
    "port": (smtp(port="0"), "line 4: smtp.port: must be a whole number from 1 to 65535"),
    "encryption": (smtp(tls='"ssl"'), 'line 4: smtp.tls: must be "starttls" or "tls" or "none"'),
    "sender": (smtp(**{"from": '"Ana <ana>"'}), f"line 3: {SENDER}"),
    **{no: (smtp(**{"from": f"'{no}'"}), f"line 3: {SENDER}") for no in NO_SENDERS},
    "sender of two lines": (
        smtp(**{"from": r'"a@example.org\nBcc: all@example.org"'}),
        "line 3: smtp.from: must be one line without control characters",
    ),
    "no password": (
        smtp(user='"stats"'),
        "line 4: smtp.user: needs password_file, or DISCREET_SMTP_PASSWORD in the environment",
    ),
    "no password file": (
        smtp(user='"stats"', password_file='"nowhere"'),
        "line 5: smtp.password_file: can't be read",
    ),
    "password of nobody": (
        smtp(password_file='"nowhere"'),
        "line 4: smtp.password_file: must not stand without user",
    ),
    "no authority file": (
        smtp(authority_file='"nowhere"'),
        "line 4: smtp.authority_file: can't be read",
    ),
    "no certificate": (
        smtp(authority_file=f'"{__file__}"'),
        "line 4: smtp.authority_file: must hold a certificate in PEM",
    ),
    "another site": (
        report(site='"third.example"'),
        "line 5: report.site: must be a site of the policy",
    ),
    "nobody": (report(to="[]"), "line 6: report.to: must name one address at least"),
    "no address": (report(to='["ana"]'), f"line 6: report.to: {ADDRESSES}"),
    "a name": (report(to='["Ana <ana@example.org>"]'), f"line 6: report.to: {ADDRESSES}"),
    "á": (report(to='["ána@example.org"]'), f"line 6: report.to: {ADDRESSES}"),
    "two dots": (report(to='["a@b..org"]'), f"line 6: report.to: {ADDRESSES}"),
    "no list": (report(to='"ana@example.org"'), "line 6: report.to: must be a list of strings"),
    "period": (report(period='"day"'), 'line 7: report.period: must be "week" or "month"'),
    "language": (report(language='"de"'), 'line 8: report.language: must be "en" or "zh"'),
    **{
        f"hour {no}": (
            report(hour=no),
            "line 8: report.hour: must be a whole number from 3 to 23",
        )
        for no in ("2", "24", "7.5", "true", '"7"')
    },
}


@pytest.mark.parametrize(("text", "fault"), FAULTS.values(), ids=FAULTS)
def test_fault_is_told_with_its_line(text: str, fault: str) -> None:
    assert faults_of(text) == [fault]


@pytest.mark.parametrize(
    ("told", "sender"),
    [
        pytest.param("stats@example.org", "stats@example.org", id="address"),
        pytest.param("<stats@example.org>", "stats@example.org", id="in brackets"),
        pytest.param("Büro <stats@example.org>", "Büro <stats@example.org>", id="name"),
        pytest.param("Dr. Ana <a@example.org>", '"Dr. Ana" <a@example.org>', id="name with a dot"),
        pytest.param('"A, B: C" <a@example.org>', '"A, B: C" <a@example.org>', id="quoted"),
    ],
)
def test_sender_is_one_address_with_or_without_a_name(told: str, sender: str) -> None:
    found = read(smtp(**{"from": f"'{told}'"})).smtp.sender

    assert found == sender
    letter = write_letter(Report(), found, "ana@example.org", "en", "a name", 0)
    (address,) = letter["From"].addresses
    assert (str(address), letter["From"].defects) == (sender, ())
    assert letter["Message-ID"].endswith(f"@{address.domain}>")


def test_password_must_not_stand_in_the_file() -> None:
    for more in (f'password = "{SECRET}"', f'user = "stats"\npassword = "{SECRET}"'):
        (told, *_) = faults_of(f"{SMTP}{more}\n", DISCREET_SMTP_PASSWORD="x")
        assert "smtp.password: must not stand here: give password_file, or " in told
        assert SECRET not in told


def test_password_goes_to_another_machine_encrypted_alone() -> None:
    login = {"user": '"stats"', "tls": '"none"'}
    (told,) = faults_of(smtp(**login), DISCREET_SMTP_PASSWORD=SECRET)
    assert told.startswith("line 5: smtp.tls: must not be none where a password is sent")
    here = smtp(**login, host='"127.0.0.1"')
    assert read(here, DISCREET_SMTP_PASSWORD=SECRET).smtp.user == "stats"


def test_address_stands_once_for_a_site_and_period() -> None:
    again = REPORT.replace("ana@", "ANA@")
    told = "line 8: report.to: must not name an address twice for one site and period"
    assert faults_of(SMTP + REPORT + again) == [told]
    assert len(read(SMTP + REPORT + again.replace("week", "month")).scheduled) == 2


def test_every_fault_is_told() -> None:
    text = smtp(port='"25"') + "[[report]]\nto = [7]\nhour = 1\n[[report]]\n"
    told = faults_of(text)
    keys = ["smtp.port", "report.site", "report.site", "report.to", "report.to"]
    assert sorted(line.split(": ")[1] for line in told) == sorted(
        [*keys, "report.period", "report.period", "report.hour"]
    )


def test_example_of_the_docs_is_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "dashboard.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(dashboard = .*?)```", page, re.DOTALL)
    (tmp_path / "smtp-password").write_text(SECRET)
    make_certificate(tmp_path / "ca.pem")

    mailing = read(example, tmp_path)
    assert mailing.dashboard == "https://stats.example.org"
    assert mailing.scheduled[0].to == ("ana@example.org", "bo@example.org")
