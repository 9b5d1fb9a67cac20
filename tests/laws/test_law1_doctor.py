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
DICTIONARY = Dictionary([ip_address("203.0.113.9"), ip_address(ADDRESS)], ["curl/8", FIREFOX])
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
    plant(data, cell("pages(page)", "/user/ada@mail.example"))

    verdicts = verdicts_on(data)

    assert failing(verdicts) == {VALUES, FILES}
    assert "discreet.cells.k1" in verdicts[VALUES].because
    assert "data.bin" in verdicts[FILES].because
    assert "ada" not in verdicts[VALUES].because + verdicts[FILES].because


@pytest.mark.parametrize(
    ("column", "value"),
    [
        pytest.param("sha String", f"unhex('{sha256(ADDRESS.encode()).hexdigest()}')", id="sha256"),
        pytest.param(
            "sha FixedString(20)", f"unhex('{sha1(ADDRESS.encode()).hexdigest()}')", id="sha1"
        ),
        pytest.param("md String", f"'{md5(ADDRESS.encode()).hexdigest()}'", id="md5 in hex"),
        pytest.param("cut String", f"'{sha256(ADDRESS.encode()).hexdigest()[:16]}'", id="cut"),
        pytest.param(
            "text LowCardinality(String)",
            f"'{base64.b64encode(sha512(FIREFOX.encode()).digest()[:48]).decode()}'",
            id="agent's sha512 in base64",
        ),
        pytest.param(
            "number UInt64",
            str(int.from_bytes(sha256(ip_address(ADDRESS).packed).digest()[:8], "big")),
            id="64 bits as a number",
        ),
        pytest.param("number UInt32", str(int(ip_address(ADDRESS))), id="address as a number"),
        pytest.param(
            "pair String",
            f"unhex('{blake2b((ADDRESS + FIREFOX).encode(), digest_size=16).hexdigest()}')",
            id="address and agent",
        ),
    ],
)
def test_value_that_can_be_guessed_is_found(data: Path, column: str, value: str) -> None:
    plant(
        data,
        f"CREATE TABLE discreet.people ({column}) ENGINE = MergeTree ORDER BY tuple()",
        f"INSERT INTO discreet.people SELECT {value}",
    )

    verdicts = verdicts_on(data)

    assert {TABLES, COLUMNS, GUESSES} <= failing(verdicts)
    assert "in discreet.people" in verdicts[GUESSES].because
    assert ADDRESS not in verdicts[GUESSES].because


def test_addresses_of_the_networks_in_the_store_are_guessed_without_a_dictionary(
    data: Path,
) -> None:
    neighbour = sha256(b"127.0.0.200").hexdigest()
    plant(data, cell("sources(source)", f"{neighbour[:8]} {neighbour[8:16]}"))
    assert GUESSES not in failing(verdicts_on(data, dictionary=Dictionary()))

    plant(data, cell("sources(source)", neighbour))
    assert GUESSES in failing(verdicts_on(data, dictionary=Dictionary()))


@pytest.mark.parametrize(
    "column",
    [
        "visitors AggregateFunction(uniq, String)",
        "visitors AggregateFunction(uniqHLL12, UInt64)",
        "last SimpleAggregateFunction(max, UInt64)",
        "of UUID",
        "of IPv4",
        "of Nullable(IPv6)",
        "visitor_id UInt64",
        "ip String",
    ],
)
def test_column_for_an_identifier_or_a_sketch_is_found(data: Path, column: str) -> None:
    plant(data, f"ALTER TABLE discreet.receipts ADD COLUMN {column}")

    verdicts = verdicts_on(data)

    assert COLUMNS in failing(verdicts)
    assert TABLES not in failing(verdicts)
    assert f"receipts.{column.partition(' ')[0]} " in verdicts[COLUMNS].because


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


@pytest.mark.parametrize(
    ("line", "fails"),
    [
        pytest.param(f'INFO: {ADDRESS}:4711 - "GET / HTTP/1.1" 200 OK', True, id="address"),
        pytest.param("INFO: [2001:db8::4:711]:80 - GET /", True, id="IPv6"),
        pytest.param("WARNING no account ada@mail.example", True, id="e-mail"),
        pytest.param(f"ERROR {FIREFOX}", True, id="agent"),
        pytest.param("WARNING the store can't be read; next try in 2 s", False, id="own words"),
        pytest.param("dashboard  http://127.0.0.1:8000/dashboard", False, id="loopback"),
        pytest.param("network 198.51.100.0/24 and 2001:db8:1::/48", False, id="networks"),
    ],
)
def test_log_is_searched(data: Path, tmp_path: Path, line: str, *, fails: bool) -> None:
    log = tmp_path / "server.log"
    log.write_text(f"Discreet counts example.org\n{line}\n")

    assert failing(verdicts_on(data, log)) == ({LOGS} if fails else set())


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
