"""Law 1, of recipients: no reference, receipt's id or token reaches a disk, a log or an answer.

References come in by every command and door that takes or hands out one, and by their errors; the
mailer's webhook is away; the process is killed. What is left is searched for all of them, as they
are, encoded and hashed. A campaign's name, which is everybody's, must be found.

What this can't show: a value under a key, and that is how references of those who unsubscribed
are kept. Without `email.key` nobody reads them; the last test shows that with it they are read.
"""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import httpx
import pytest

from collector.data_dir import DataDir
from collector.email.keys import make_keys
from collector.email.tokens import Token, read_personal
from collector.email.unsubscribe import Refusals
from tests.collector.email.mailing import (
    POLICY,
    add_campaign,
    ask_email,
    email,
    give_consent,
    make_tokens,
    make_unsubscribing,
    one_click,
    open_message,
    unsubscribed,
)
from tests.laws.canaries import Canaries, files_under, joined, open_files_of
from tests.running import FIREFOX, Server

CAMPAIGN = "springtime-in-the-garden"
# Nothing listens on the port of "discard" here; what waits for the mailer stays on disk.
MAILER = "http://127.0.0.1:9/hook"
STAGES = ("while it runs", "after it was killed", "after it was stopped", "in what it said")


class Aftermath:
    """What was left at each stage, and what was looked for in it."""

    def __init__(self) -> None:
        self.canaries = Canaries(seed=6)
        self.receipts = Canaries(seed=7)
        """Receipts' ids: ClickHouse has their hashes (docs/decisions/0011), nothing else any."""
        self.left: dict[str, dict[str, bytes]] = {}
        self.told: list[str | bytes] = []
        self.people: list[str] = []
        self.read: list[Token] = []
        """What the tokens say that were made: two for each of `people`, the first opened."""
        self.unsubscribed: list[str] = []
        self.data = Path()


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    folder = tmp_path_factory.mktemp("law1-email")
    (folder / "tmp").mkdir()
    key = tmp_path_factory.mktemp("key") / "webhook.key"
    key.write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
    options = ("--unsubscribe-webhook", MAILER, "--unsubscribe-webhook-key-file", str(key))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder / "tmp"))
        after = Aftermath()
        server = Server(folder, POLICY, options)
        live_through(server, folder, after)
        after.left["in what it said"] = {"output": joined([*after.told, server.output])}
        yield after


def live_through(server: Server, folder: Path, after: Aftermath) -> None:
    left, data, references = after.left, server.data, reference_of(after)
    after.data = data
    with server:
        add_campaign(data, CAMPAIGN)
        people = [next(references) for _ in range(12)]
        receipts = {person: give_consent(server) for person in people}
        for person, raw_receipt in receipts.items():
            after.receipts.add(f"receipt of {person}", raw_receipt)
        tokens, others = (make_tokens(data, receipts, CAMPAIGN) for _ in range(2))
        after.people = people
        keys = make_keys(DataDir(data).email_key)
        for token in (*tokens.values(), *others.values()):
            after.canaries.add(f"token {len(after.read)}", token[1:])
            read = read_personal(keys, token)
            assert read is not None
            after.read.append(read)
        for person in people:
            open_and_follow(server, after, tokens[person])
        email(data, "withdraw", "--reference", people[0])
        for person in people[1:6]:
            unsubscribe(server, after, person)
        break_things(server, after, references)
        for person in people:
            open_and_follow(server, after, tokens[person])
        server.wait_for(f"SELECT sum(opens) FROM email WHERE campaign = '{CAMPAIGN}'", "18\n")
        left["while it runs"] = files_under(folder) | open_files_of(server.pid)

        unsubscribe(server, after, people[6])
        server.kill()
        left["after it was killed"] = files_under(folder)

        email(data, "new-key")
        server.start()
        open_and_follow(server, after, tokens[people[7]])
        unsubscribe(server, after, people[8])
        server.stop()
        left["after it was stopped"] = files_under(folder)
    after.unsubscribed = [*people[1:7], people[8]]


def reference_of(after: Aftermath) -> Iterator[str]:
    """Give references such as mailers have: of letters, hashes, tokens and UUIDs."""
    kinds = (after.canaries.word, after.canaries.hex, after.canaries.token, after.canaries.uuid)
    number = 0
    while True:
        yield kinds[number % len(kinds)](f"reference {number}")
        number += 1


def open_and_follow(server: Server, after: Aftermath, token: str) -> None:
    answers = [open_message(server, token, CAMPAIGN)]
    for path in (f"/e/{CAMPAIGN}/1", f"/e/{CAMPAIGN}/none", "/e/none/open.gif", f"/{token}"):
        answer = httpx.get(server.url + path, params={"t": token}, headers={"User-Agent": FIREFOX})
        answers += [answer]
    after.told += [str(answer.headers) + answer.text for answer in answers]


def unsubscribe(server: Server, after: Aftermath, reference: str) -> None:
    path = make_unsubscribing(server.data, reference, CAMPAIGN)
    token = path.rpartition("/")[2]
    after.canaries.add(f"unsubscribe token of {reference}", token[1:])
    for answer in (
        httpx.get(server.url + path),
        one_click(server, path),
        one_click(server, path),
        one_click(server, path[:-1] + "?"),
        httpx.post(server.url + path, content=b"\xff" + token.encode()),
    ):
        assert reference not in str(answer.headers) + answer.text
        # The page's own form has the address that was asked for, and nothing else has it.
        after.told.append(str(answer.headers) + answer.text.replace(f'action="{path}', ""))


def break_things(server: Server, after: Aftermath, references: Iterator[str]) -> None:
    """Ask for what can't be done, and for what fails half way."""
    data = server.data
    refused = [
        *(f"{next(references)},{'0' * 64}", f"{next(references)}", f"{next(references)},x,y"),
        f"{after.canaries.email('address as a reference')},{'1' * 64}",
    ]
    files = data.parent / "lists"
    files.mkdir()
    (files / "many").write_text("\n".join(refused))
    ended = [
        ask_email(data, "token", "--campaign", CAMPAIGN, "--recipients", files / "many"),
        ask_email(data, "withdraw", "--references", files / "many"),
        ask_email(data, "withdraw", "--reference", refused[3]),
        ask_email(
            data,
            *("headers", "--campaign", CAMPAIGN, "--reference", refused[2]),
            *("--url", "https://stats.example.org"),
        ),
    ]
    assert {each.returncode for each in ended} == {1, 2}
    (files / "many").unlink()
    files.rmdir()
    after.told += [each.stdout + each.stderr for each in ended]
    # The file of recipients is away for one who unsubscribes.
    directory = DataDir(data)
    away = directory.recipients.with_name("away")
    path = make_unsubscribing(data, next(references), CAMPAIGN)
    directory.recipients.rename(away)
    directory.recipients.mkdir()
    answer = one_click(server, path)
    directory.recipients.rmdir()
    away.rename(directory.recipients)
    assert answer.status_code == 503
    after.told.append(str(answer.headers) + answer.text.replace(f'action="{path}', ""))


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_of_a_recipient_is_left(aftermath: Aftermath, stage: str) -> None:
    assert aftermath.left[stage]
    assert aftermath.canaries.found_in(aftermath.left[stage]) == []


@pytest.mark.parametrize("stage", STAGES)
def test_receipt_is_left_in_clickhouse_by_hash_alone(aftermath: Aftermath, stage: str) -> None:
    for name, content in aftermath.left[stage].items():
        found = aftermath.receipts.found_in({name: content})
        if name.startswith("data/clickhouse/"):
            found = [each for each in found if " as sha256 " not in each]
        assert found == []


@pytest.mark.parametrize("stage", STAGES[:3])
def test_name_of_the_campaign_is_found(aftermath: Aftermath, stage: str) -> None:
    kept = aftermath.left[stage]
    assert any(CAMPAIGN.encode() in content for content in kept.values())
    assert {"data/email.key", "data/opened.sqlite", "data/recipients.sqlite"} <= kept.keys()


def test_reference_in_a_file_would_be_found(aftermath: Aftermath) -> None:
    reference = aftermath.unsubscribed[0]
    for form in (reference.encode(), reference.encode().hex().encode()):
        assert aftermath.canaries.found_in({"file": b"before " + form + b" after"})


def test_opened_numbers_lead_to_nobody_even_with_the_key(aftermath: Aftermath) -> None:
    """Whoever has disk and key and every reference finds no number by trying them."""
    opened = aftermath.left["after it was stopped"]["data/opened.sqlite"]
    keys = make_keys(DataDir(aftermath.data).email_key)
    numbers = [token.number for token in aftermath.read]
    assert len(set(numbers)) == len(numbers) == 24  # two for each, though nothing else differs
    assert sum(number in opened for number in numbers) == 12
    for token in aftermath.read:
        assert token.recipient not in opened
        assert token.receipt not in opened
    for reference, number in product(aftermath.people, keys.numbers):
        assert keys.handle(number, reference) not in opened
        sealed = keys.seal(number, b"at rest", reference.encode())
        assert sealed[:8] not in opened


def test_who_unsubscribed_is_read_with_the_key_alone(aftermath: Aftermath, tmp_path: Path) -> None:
    assert sorted(unsubscribed(aftermath.data)) == sorted(aftermath.unsubscribed)
    directory = DataDir(aftermath.data)
    assert len(Refusals(directory.recipients, directory.email_key).due(10**11, 99)) == 7
    copied = tmp_path / "recipients.sqlite"
    copied.write_bytes(directory.recipients.read_bytes())
    with pytest.raises(Exception, match=r"under a key that email\.key lacks"):
        Refusals(copied, tmp_path / "email.key").references()
