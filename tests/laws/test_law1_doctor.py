"""Law 1, as an operator checks it: `discreet doctor --privacy` finds what these plant, each of it.

The doctor's own checks are the proof for a live directory: tables, values, a guesser's attack on
every stored value, files, groups, modes. A check that finds nothing shows nothing, so each meets
what it is there for.
"""

import base64
import shutil
import sqlite3
from collections.abc import Callable
from hashlib import blake2b, md5, sha1, sha256, sha512
from ipaddress import ip_address
from pathlib import Path

import pytest

from collector.data_dir import DataDir
from collector.doctor.examination import Dictionary, examine
from collector.doctor.verdicts import Outcome, Verdict
from collector.store import Store
from tests.running import FIREFOX, POLICY, Server, discreet, hit

ADDRESS = "198.51.100.77"
BYTES = ip_address(ADDRESS).packed
DICTIONARY = Dictionary([ip_address("203.0.113.9"), ip_address(ADDRESS)], ["curl/8.5.0", FIREFOX])
OLD = "toDateTime('2020-03-10 00:00:00', 'UTC')"

TABLES = "only tables that Discreet makes"
COLUMNS = "no column for an identifier or for a sketch of visitors"
VALUES = "no stored value looks like an identifier"
GUESSES = "no stored value is a hash of an address or an agent in the dictionary"
GROUPS = "no small group is kept of a past period"
FILES = "spool, WAL and the store's files hold no address, e-mail address or agent"
LOGS = "the logs given by --log hold none either"
MODES = "nobody but the owner can read the data directory"
ARCHIVE = "the policy that counters follow is archived"


class Silent:
    """Shows no progress."""

    def begin(self, what: str, total: int) -> Callable[[int], None]:  # noqa: ARG002  # the protocol
        return lambda _: None


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory that a server has counted into, by the shipped group sizes."""
    policy = POLICY.replace("min_group = 1\n", "")
    with Server(tmp_path_factory.mktemp("doctor"), policy) as server:
        for number in range(30):
            agent = f"{FIREFOX} {number}"
            server.send(hit(f"/user/ada{number}@mail.example"), agent=agent).raise_for_status()
        server.wait_for("SELECT sum(views) FROM traffic", "30\n")
        server.stop()
    return server.data


@pytest.fixture
def data(stopped: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(stopped, tmp_path / "data", symlinks=True))


def verdicts_on(
    data: Path, logs: Path | None = None, dictionary: Dictionary = DICTIONARY
) -> dict[str, Verdict]:
    given = {} if logs is None else {str(logs): logs}
    found = list(examine(DataDir(data), dictionary, given, Silent()))
    assert len({verdict.check for verdict in found}) == len(found)
    return {verdict.check: verdict for verdict in found}


def failing(verdicts: dict[str, Verdict]) -> set[str]:
    return {
        verdict.check for verdict in verdicts.values() if verdict.outcome is Outcome.DOES_NOT_HOLD
    }


def plant(data: Path, *statements: str) -> None:
    """Do something to the store that Discreet never does."""
    store = Store.embedded(data / "clickhouse")
    try:
        for statement in statements:
            store._client.command(statement)
    finally:
        store.close()


def cell(statistic: str, k1: str, visitors: int = 100, period: str = "now('UTC')") -> str:
    return (
        "INSERT INTO discreet.cells"
        " (statistic, keep_days, grain, site, period, k1, visitors, views)"
        f" VALUES ('{statistic}', 750, 'day', 'example.org', {period}, '{k1}', {visitors}, 100)"
    )


def test_directory_that_was_counted_into_holds(data: Path) -> None:
    verdicts = verdicts_on(data)

    assert failing(verdicts) == set()
    assert {TABLES, COLUMNS, VALUES, GUESSES, FILES, MODES, ARCHIVE, GROUPS} <= {
        check for check, verdict in verdicts.items() if verdict.outcome is Outcome.HOLDS
    }


def test_e_mail_address_in_a_cell_is_found_in_the_values_and_in_the_files(data: Path) -> None:
    # What is written twice is packed: the address stands in no file as it is.
    plant(data, cell("pages(page)", "/mail.example/people/ada@mail.example"))

    verdicts = verdicts_on(data)

    assert failing(verdicts) == {VALUES, FILES}
    assert "discreet.cells.k1" in verdicts[VALUES].because
    assert "data.bin" in verdicts[FILES].because
    assert "ada" not in verdicts[VALUES].because + verdicts[FILES].because


GUESSABLE = {
    "whole String": f"unhex('{sha256(ADDRESS.encode()).hexdigest()}')",
    "fixed FixedString(20)": f"unhex('{sha1(ADDRESS.encode()).hexdigest()}')",
    "in_hex String": f"'{md5(ADDRESS.encode()).hexdigest()}'",
    "cut String": f"'{sha256(ADDRESS.encode()).hexdigest()[:16]}'",
    "in_base64 LowCardinality(String)": (
        f"'{base64.b64encode(sha512(FIREFOX.encode()).digest()[:48]).decode()}'"
    ),
    "of_64_bits UInt64": str(int.from_bytes(sha256(BYTES).digest()[:8], "big")),
    "as_number UInt32": str(int.from_bytes(BYTES, "big")),
    "listed Array(String)": f"['x', '{sha256(BYTES).hexdigest()}']",
    "paired String": (
        f"unhex('{blake2b((ADDRESS + FIREFOX).encode(), digest_size=16).hexdigest()}')"
    ),
    "as_it_is String": "'curl/8.5.0'",
    "none String": f"'{sha256(b'198.51.100.78').hexdigest()}'",
}


def test_every_value_that_can_be_guessed_is_found_and_no_other(data: Path) -> None:
    plant(
        data,
        f"CREATE TABLE discreet.people ({', '.join(GUESSABLE)}) ENGINE = MergeTree ORDER BY whole",
        f"INSERT INTO discreet.people SELECT {', '.join(GUESSABLE.values())}",
    )

    verdicts = verdicts_on(data)

    assert {TABLES, COLUMNS, GUESSES} <= failing(verdicts)
    told = verdicts[GUESSES].because
    found = {column for column in GUESSABLE if f"discreet.people.{column.split()[0]}" in told}
    assert found == GUESSABLE.keys() - {"none String"}
    assert ADDRESS not in told


def test_addresses_of_the_networks_in_the_store_are_guessed_without_a_dictionary(
    data: Path,
) -> None:
    neighbour = sha256(b"127.0.0.200").hexdigest()
    plant(data, cell("sources(source)", f"{neighbour[:8]} {neighbour[8:16]}"))
    assert GUESSES not in failing(verdicts_on(data, dictionary=Dictionary()))

    plant(data, cell("sources(source)", neighbour))
    assert GUESSES in failing(verdicts_on(data, dictionary=Dictionary()))


ODD_COLUMNS = (
    *("s AggregateFunction(uniq, String)", "h AggregateFunction(uniqHLL12, UInt64)"),
    *("l SimpleAggregateFunction(max, UInt64)", "u UUID", "a IPv4", "n Nullable(IPv6)"),
    *("visitor_id UInt64", "ip String", "more UInt64"),
)


def test_every_column_for_an_identifier_or_a_sketch_is_found(data: Path) -> None:
    added = ", ".join(f"ADD COLUMN {column}" for column in ODD_COLUMNS)
    plant(data, f"ALTER TABLE discreet.receipts {added}")

    verdicts = verdicts_on(data)

    assert failing(verdicts) == {COLUMNS}
    told = verdicts[COLUMNS].because.split("; ")
    assert [fault.split()[0].rpartition(".")[2] for fault in told] == [
        column.split()[0] for column in ODD_COLUMNS
    ]
    reasons = ("aggregate state", "of a type for identifiers", "named for an identifier")
    assert [sum(reason in fault for fault in told) for reason in reasons] == [3, 3, 2]


def test_small_group_of_a_past_period_is_found(data: Path) -> None:
    plant(
        data,
        cell("pages(page)", "/rare", visitors=1, period=OLD),
        cell("pages(page)", "/common", visitors=100, period=OLD),
    )

    verdicts = verdicts_on(data)

    assert failing(verdicts) == {GROUPS}
    assert verdicts[GROUPS].because.startswith("1 of 2 cells")


def test_address_that_waits_in_the_spool_is_found(data: Path) -> None:
    with sqlite3.connect(data / "spool.sqlite") as spool:
        spool.execute("INSERT INTO groups (hits, rows) VALUES (1, ?)", (ADDRESS.encode(),))
    spool.close()

    assert failing(verdicts_on(data)) == {FILES}


def test_log_is_searched(data: Path, tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_text("Discreet counts example.org\ndashboard  http://127.0.0.1:8000/dashboard\n")
    assert failing(verdicts_on(data, log)) == set()

    with log.open("a") as written:
        written.write(f'INFO: {ADDRESS}:4711 - "GET / HTTP/1.1" 200 OK\n')
    assert failing(verdicts_on(data, log)) == {LOGS}


def test_directory_that_others_may_read_is_found(data: Path) -> None:
    data.chmod(0o755)

    assert failing(verdicts_on(data)) == {MODES}


def test_policy_that_is_not_archived_is_found(data: Path) -> None:
    shutil.rmtree(data / "policies")

    assert failing(verdicts_on(data)) == {ARCHIVE}


def test_running_server_holds(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        for number in range(20):
            server.send(hit(f"/page-{number}"), agent=f"{FIREFOX} {number}").raise_for_status()
        server.wait_for("SELECT sum(views) FROM traffic", "20\n")
        answer = discreet("doctor", "--privacy", "--data", server.data)

    told = answer.stdout.decode()
    assert answer.returncode == 0, told
    # What went elsewhere can't be known; whether memory is kept from swap depends on the machine.
    assert told.count("│ holds") >= 12, told
    assert "does not hold" not in told
