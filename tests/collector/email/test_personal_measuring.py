"""Recipients measured one by one: with consent that stands, once a message, and never after."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import httpx
import pytest

from tests.collector.email.mailing import (
    CAMPAIGN,
    POLICY,
    add_campaign,
    ask_email,
    email,
    give_consent,
    make_tokens,
    make_unsubscribing,
    one_click,
    open_message,
)
from tests.running import FIREFOX, Server, discreet
from tests.running import POLICY as SITE_POLICY

COUNTED = "SELECT sum(opens), sum(unique_opens), sum(clicks) FROM email WHERE campaign = '{}'"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("recipients"), POLICY) as server:
        yield server


_numbers = count(1)


class Message:
    """A message of a campaign of its own, to one recipient, whose consent stands."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.number = next(_numbers)
        self.campaign = f"campaign-{self.number}"
        self.reference = f"recipient-{self.number}"
        add_campaign(server.data, self.campaign)
        self.raw_receipt = give_consent(server)
        self.token = self.token_of(self.reference)

    def token_of(self, reference: str, raw_receipt: str = "") -> str:
        receipts = {reference: raw_receipt or self.raw_receipt}
        return make_tokens(self.server.data, receipts, self.campaign)[reference]

    def open(self, token: str = "", campaign: str = "") -> str:
        """Open it, and return what became of that."""
        answer = open_message(self.server, token or self.token, campaign or self.campaign)
        return answer.headers["x-discreet"]

    def counts(self, opens: int, unique_opens: int, clicks: int = 0) -> None:
        self.server.wait_for(COUNTED.format(self.campaign), f"{opens}\t{unique_opens}\t{clicks}\n")


@pytest.fixture
def message(server: Server) -> Message:
    return Message(server)


def test_recipient_who_opens_often_is_one(message: Message) -> None:
    for _ in range(3):
        assert message.open() == "counted"
    message.counts(3, 1)


def test_recipients_who_open_once_are_many(message: Message, server: Server) -> None:
    message.open()
    message.open(message.token_of("another", give_consent(server)))
    message.counts(2, 2)


def test_open_without_token_is_nobodys(message: Message, server: Server) -> None:
    httpx.get(f"{server.url}/e/{message.campaign}/open.gif")
    message.open()
    message.counts(2, 1)


def withdraw_by_api(message: Message) -> None:
    bearer = {"Authorization": f"Bearer {message.raw_receipt}"}
    url = f"{message.server.url}/api/consent/withdraw"
    assert httpx.post(url, headers=bearer).status_code == 200


def withdraw_by_page(message: Message) -> None:
    form = {"action": "withdraw", "receipt": message.raw_receipt}
    assert httpx.post(f"{message.server.url}/rights", data=form).status_code == 200


def erase_by_page(message: Message) -> None:
    form = {"action": "erase", "receipt": message.raw_receipt}
    assert httpx.post(f"{message.server.url}/rights", data=form).status_code == 200


def erase_by_operator(message: Message) -> None:
    answer = discreet("rights", "erase", message.raw_receipt, "--data", message.server.data)
    assert answer.returncode == 0, answer.stderr


def withdraw_by_operator(message: Message) -> None:
    told = email(message.server.data, "withdraw", "--reference", message.reference)
    assert told == "1 withdrawn, 1 of them new\n"


def unsubscribe(message: Message) -> None:
    path = make_unsubscribing(message.server.data, message.reference, message.campaign)
    assert one_click(message.server, path).status_code == 200


ENDS = (
    withdraw_by_api,
    withdraw_by_page,
    erase_by_page,
    erase_by_operator,
    withdraw_by_operator,
    unsubscribe,
)


@pytest.mark.parametrize("end", ENDS, ids=[end.__name__ for end in ENDS])
def test_message_sent_before_counts_no_more(
    message: Message, server: Server, end: Callable[[Message], None]
) -> None:
    other = Message(server)
    link = email(
        server.data, "link", "add", "https://example.org/a", "--campaign", message.campaign
    )
    assert link.startswith("link 1 ")
    assert message.open() == "counted"
    before = open_message(server, message.token, message.campaign)
    end(message)
    after = open_message(server, message.token, message.campaign)
    assert after.headers["x-discreet"] == "refused opted_out"
    assert (after.status_code, after.content) == (before.status_code, before.content)
    followed = httpx.get(f"{server.url}/e/{message.campaign}/1", params={"t": message.token})
    assert followed.status_code == 302
    assert followed.headers["location"].startswith("https://example.org/a?")
    assert other.open() == "counted"
    other.counts(1, 1)
    message.counts(2, 1)


def test_refused_open_is_never_on_disk(message: Message, server: Server) -> None:
    log = server.data / "opened.sqlite-wal"
    before = log.read_bytes()
    answer = httpx.get(
        f"{server.url}/e/{message.campaign}/open.gif",
        params={"t": message.token},
        headers={"User-Agent": FIREFOX, "DNT": "1"},
    )
    assert answer.headers["x-discreet"] == "refused opted_out_dnt"
    assert log.read_bytes() == before
    assert message.open() == "counted"
    assert log.read_bytes() != before
    message.counts(1, 1)


def test_who_unsubscribed_gets_no_new_token(message: Message, server: Server) -> None:
    unsubscribe(message)
    line = f"{message.reference},{give_consent(server)}\n"
    answer = ask_email(
        server.data, "token", "--campaign", message.campaign, "--recipients", "-", stdin=line
    )
    assert answer.returncode == 1
    assert answer.stderr == "discreet: line 1: is of a recipient who unsubscribed or withdrew\n"
    assert answer.stdout == "reference,token\n"


def test_token_counts_in_its_own_campaign_alone(message: Message, server: Server) -> None:
    other = Message(server)
    assert message.open(campaign=other.campaign) == "refused opted_out"
    assert message.open() == "counted"
    other.open()
    other.counts(1, 1)
    message.counts(1, 1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"), id="forged"),
        pytest.param(lambda token: token[:50], id="cut off"),
        pytest.param(lambda _: "x", id="short"),
        pytest.param(lambda _: "A" * 5000, id="endless"),
    ],
)
def test_wrong_token_counts_nothing(message: Message, change: Callable[[str], str]) -> None:
    assert message.open(change(message.token)) == "refused opted_out"
    assert message.open() == "counted"
    message.counts(1, 1)


def test_lines_without_consent_are_told_by_number_alone(server: Server) -> None:
    add_campaign(server.data)
    good, other_purpose = give_consent(server), give_consent(server, "audience")
    withdrawn = give_consent(server)
    bearer = {"Authorization": f"Bearer {withdrawn}"}
    httpx.post(f"{server.url}/api/consent/withdraw", headers=bearer)
    again = give_consent(server)
    lines = [
        f"canary-good,{good}",
        f"canary-purpose,{other_purpose}",
        f"canary-withdrawn,{withdrawn}",
        f"canary-unknown,{'0' * 64}",
        "canary-none",
        f"canary@mail.example,{again}",
        f"canary-good,{again}",
        f"canary-twice,{good}",
        "",
        f"canary-tab\t{again}",
    ]
    answer = ask_email(
        server.data,
        *("token", "--campaign", CAMPAIGN, "--recipients", "-"),
        stdin="\n".join(lines),
    )
    assert answer.returncode == 1
    rows = list(csv.reader(io.StringIO(answer.stdout)))
    assert [row[0] for row in rows] == ["reference", "canary-good", "canary-tab"]
    told = answer.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in told] == [
        f"line {number}" for number in (2, 3, 4, 5, 6, 7, 8)
    ]
    assert "canary" not in answer.stderr
    assert good not in answer.stderr


def test_banner_of_a_site_does_not_ask_for_it(server: Server) -> None:
    asked = httpx.get(f"{server.url}/api/consent", params={"site": "example.org"}).json()
    names = [purpose["id"] for purpose in asked["purposes"]]
    assert "audience" in names
    assert "email_recipients" not in names


def test_policy_without_the_purpose_has_no_personal_tokens(tmp_path: Path) -> None:
    exempt = POLICY.replace('basis = "consent"', 'basis = "exempt"')
    for policy in (SITE_POLICY, exempt):
        data = tmp_path / str(len(policy))
        data.mkdir()
        (data / "policy.toml").write_text(policy)
        add_campaign(data)
        (tmp_path / "lines").write_text(f"r-1,{'0' * 64}\n")
        answer = ask_email(
            data, "token", "--campaign", CAMPAIGN, "--recipients", tmp_path / "lines"
        )
        assert answer.returncode == 2
        assert 'declares no purpose "email_recipients" on the basis of consent' in answer.stderr
        assert not (data / "opened.sqlite").exists()


def test_recipient_is_one_across_a_kill(message: Message, server: Server) -> None:
    late = message.token_of("late", give_consent(server))
    message.open()
    server.kill()
    # The consents are in the store, so that a stopped collector makes tokens as well.
    answer = discreet(
        *("email", "token", "--campaign", message.campaign, "--recipients", "-"),
        *("--data", server.data),
        stdin=f"stopped,{message.raw_receipt}\n".encode(),
    )
    assert answer.returncode == 0, answer.stderr
    server.start()
    _wait_until_counted(message)
    assert message.open(late) == "counted"
    server.wait_for(
        f"SELECT sum(unique_opens) FROM email WHERE campaign = '{message.campaign}'", "2\n"
    )


def _wait_until_counted(message: Message) -> None:
    """Open it until its consent is known again, which takes a moment after a start."""
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    while message.open() != "counted":
        assert datetime.now(UTC) < deadline
