"""A collector whose policy asks for consent to measuring recipients, and what a mailer does."""

import csv
import io
import sys
from datetime import date
from pathlib import Path

import httpx
import pytest
from msgspec import Struct

from collector.cli import main
from collector.data_dir import DataDir
from collector.email import tokens
from collector.email.keys import make_keys
from collector.email.unsubscribe import Refusals
from tests.running import FIREFOX, Server
from tests.running import POLICY as SITE_POLICY

POLICY = (
    SITE_POLICY
    + """
[[purpose]]
id = "email_recipients"
title = "Which messages a recipient opens"
clause = "imoa 3.2.b.ii; ferronex IV"
basis = "consent"
keep_days = 750
"""
)
ORIGIN = "https://stats.example.org"
CAMPAIGN = "spring"


class Ended(Struct):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def ask_email(data: Path, *arguments: str | Path, stdin: str = "") -> Ended:
    """Run `discreet email …` to whatever end, in this process: it opens no engine of its own."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        code = main(["email", *map(str, arguments), "--data", str(data)])
    for text in (out, err):
        text.seek(0)
    return Ended(code, out.read(), err.read())


def email(data: Path, *arguments: str | Path, stdin: str = "") -> str:
    """Run `discreet email …` and return what it prints."""
    ended = ask_email(data, *arguments, stdin=stdin)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def add_campaign(data: Path, name: str = CAMPAIGN) -> None:
    email(data, "campaign", "add", name, "--site", "example.org")


def give_consent(server: Server, *purposes: str) -> str:
    """Give consent as a recipient, and return the receipt's id."""
    answer = httpx.post(
        f"{server.url}/api/consent",
        json={
            "site": "example.org",
            "version": "1",
            "purposes": purposes or ["email_recipients"],
            "state": "given",
            "language": "en",
        },
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["receipt_id"])


def make_tokens(data: Path, receipts: dict[str, str], name: str = CAMPAIGN) -> dict[str, str]:
    """Return personal tokens by reference, of receipts by reference."""
    lines = "".join(f"{reference},{raw_id}\n" for reference, raw_id in receipts.items())
    told = email(data, "token", "--campaign", name, "--recipients", "-", stdin=lines)
    rows = list(csv.DictReader(io.StringIO(told)))
    assert len(rows) == len(receipts)
    return {row["reference"]: row["token"] for row in rows}


def make_unsubscribing(data: Path, reference: str, name: str = CAMPAIGN) -> str:
    """Return the path in a recipient's `List-Unsubscribe`, as `discreet email headers` makes it."""
    keys = make_keys(DataDir(data).email_key)
    return f"/unsubscribe/{tokens.make_unsubscribing(keys, name, reference)}"


def unsubscribed(data: Path) -> list[str]:
    """Return the references of all who unsubscribed, in order."""
    directory = DataDir(data)
    refusals = Refusals(directory.recipients, directory.email_key)
    return [each.raw_reference for each in refusals.unsubscribed(date.min)]


def open_message(server: Server, token: str, name: str = CAMPAIGN) -> httpx.Response:
    """Load the picture of a message, as a person's mail program does."""
    answer = httpx.get(
        f"{server.url}/e/{name}/open.gif", params={"t": token}, headers={"User-Agent": FIREFOX}
    )
    assert answer.status_code == 200
    return answer


def one_click(server: Server, path: str) -> httpx.Response:
    """Unsubscribe as a mail service does for its user (RFC 8058)."""
    return httpx.post(server.url + path, data={"List-Unsubscribe": "One-Click"})
