"""Which e-mail addresses may stand in files: logins, where they belong, and no other."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.audit import AuditLog, Entry
from collector.data_dir import DataDir
from collector.doctor.files import Scan, files_of
from collector.doctor.patterns import ADDRESS, EMAIL
from people.trail import Act, Did

MAIL = "ada@mail.example"
ENTRY = Entry(
    time=1_773_140_400,
    user="owner",
    views=("pages",),
    query="SELECT page FROM pages",
    milliseconds=3,
    rows=1,
    bytes=9,
)
DAY = "audit/2026-03-10.jsonl"


def faults_in(folder: Path) -> dict[tuple[str, str], int]:
    scan = Scan((), lambda _: None)
    for name, path in files_of(DataDir(folder)).items():
        scan.read(path, name)
    assert scan.unread == []
    return dict(scan.faults)


@pytest.mark.parametrize(
    ("entry", "kinds"),
    [
        pytest.param(replace(ENTRY, user=MAIL), [], id="login"),
        pytest.param(replace(ENTRY, user=f'"\\{MAIL}'), [], id="quoted-login"),
        pytest.param(Act(ENTRY.time, "owner", Did.ADDED_USER, whom=MAIL), [], id="user"),
        pytest.param(Act(ENTRY.time, "owner", Did.SHARED, report=MAIL), [EMAIL], id="share"),
        pytest.param(replace(ENTRY, query=f"SELECT '{MAIL}'"), [EMAIL], id="query"),
        pytest.param(replace(ENTRY, views=(MAIL,)), [EMAIL], id="view"),
        pytest.param(replace(ENTRY, user=MAIL, query="198.51.100.7"), [ADDRESS], id="address"),
    ],
)
def test_login_alone_may_be_an_e_mail_address_in_the_audit_log(
    tmp_path: Path, entry: Entry | Act, kinds: list[str]
) -> None:
    log = AuditLog(tmp_path / "audit")
    for written in (ENTRY, entry, ENTRY):
        log.write(written)

    assert faults_in(tmp_path) == dict.fromkeys([(DAY, kind) for kind in kinds], 1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(DAY, f"user {MAIL}\n", id="no-json"),
        pytest.param(DAY, f'{{"user": "owner", "query": "{MAIL}', id="torn-line"),
        pytest.param(DAY, f'{{"client": {{"user": "{MAIL}"}}}}\n', id="field-further-in"),
        pytest.param(DAY, f'["user", "{MAIL}"]\n', id="list"),
        pytest.param("audit/notes.jsonl", f'{{"user": "{MAIL}"}}\n', id="no-file-of-the-log"),
        pytest.param("spool.jsonl", f'{{"user": "{MAIL}"}}\n', id="other-file"),
    ],
)
def test_e_mail_address_anywhere_else_is_found(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)

    assert faults_in(tmp_path) == {(name, EMAIL): 1}


def test_link_of_a_message_may_lead_to_an_address(tmp_path: Path) -> None:
    for name in ("email.sqlite", "email.sqlite-wal", "emails.sqlite"):
        (tmp_path / name).write_text("http://198.51.100.7/offers")

    assert faults_in(tmp_path) == {("emails.sqlite", ADDRESS): 1}
