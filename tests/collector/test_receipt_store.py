"""Receipts in ClickHouse: kept, and gone when they are to be gone."""

import inspect
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from msgspec.structs import replace

from collector.receipt_store import TABLE, ReceiptStore
from collector.receipts import Decision, IdHash
from collector.store import StoreFailed
from tests.collector.receiving import HOUR, files_with, receipt

_chance = Random(27560)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("receipts") / "clickhouse"


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[ReceiptStore]:
    store = ReceiptStore.embedded(folder)
    yield store
    store.close()


@pytest.fixture(scope="module")
def client(folder: Path, store: ReceiptStore) -> Iterator[Client]:  # noqa: ARG001  # opened first
    """Give a connection of the test's own."""
    client = clickhouse_connect.get_client(interface="chdb", path=str(folder))
    yield client
    client.close()


def a_hash() -> IdHash:
    return IdHash(_chance.randbytes(32))


def forms(id_hash: IdHash) -> tuple[bytes, ...]:
    # Eight bytes are enough to be its own, and are found where a block cuts it in two.
    return (id_hash[:8], id_hash[-8:], id_hash.hex().encode(), id_hash.hex().upper().encode())


def gone_within(seconds: float, folder: Path, id_hash: IdHash) -> list[str]:
    """Search until nothing is found; return what still is after that time."""
    deadline = time.monotonic() + seconds
    while (found := files_with(folder, *forms(id_hash))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("decision", Decision)
def test_receipt_comes_back_as_it_was_kept(store: ReceiptStore, decision: Decision) -> None:
    id_hash = a_hash()

    store.insert([(id_hash, receipt(decision)), (a_hash(), receipt())])

    assert store.find(id_hash) == receipt(decision)


def test_withdrawal_is_noted_beside_the_consent(store: ReceiptStore) -> None:
    id_hash, hour = a_hash(), HOUR + timedelta(hours=3)
    store.insert([(id_hash, receipt())])

    store.note_withdrawal(id_hash, receipt(), hour)

    assert store.find(id_hash) == replace(receipt(), withdrawn=hour)


def test_hash_that_nobody_has_finds_nothing(store: ReceiptStore) -> None:
    assert store.find(a_hash()) is None


def test_every_zero_and_quote_of_a_hash_survives(store: ReceiptStore) -> None:
    """FixedString pads with zeros, and SQL has quotes."""
    hashes = [IdHash(bytes(32)), IdHash(b"'" * 32), IdHash(b"\\" * 31 + b"\0")]
    store.insert([(each, receipt()) for each in hashes])

    assert all(store.find(each) == receipt() for each in hashes)
    for each in hashes:
        store.erase(each)
    assert [store.find(each) for each in hashes] == [None] * 3


def test_no_method_takes_an_id() -> None:
    """By its hash a row is found without comparing any secret (docs/decisions/0011)."""
    parameters = {
        parameter.name: parameter.annotation
        for _, method in inspect.getmembers(ReceiptStore, inspect.isfunction)
        for parameter in inspect.signature(method).parameters.values()
    }

    assert not [name for name in parameters if name.startswith("raw_")]
    assert parameters["id_hash"] is IdHash


def test_erased_receipt_leaves_no_byte_in_the_directory_within_ten_seconds(
    store: ReceiptStore, folder: Path
) -> None:
    """Searched for in every file: columns of hashes are not compressed."""
    neighbours = [a_hash() for _ in range(40)]
    erased = a_hash()
    for each in (*neighbours[:20], erased, *neighbours[20:]):
        store.insert([(each, receipt())])
    store.note_withdrawal(erased, receipt(), HOUR)
    assert files_with(folder, *forms(erased))

    store.erase(erased)

    assert store.find(erased) is None
    assert gone_within(10, folder, erased) == []
    # The search sees what is there, and nobody else's receipt went along.
    assert files_with(folder, *forms(neighbours[3]))
    assert all(store.find(each) == receipt() for each in neighbours)


def test_only_receipt_of_a_partition_can_be_erased(store: ReceiptStore, folder: Path) -> None:
    alone, keep_until = a_hash(), date(2031, 1, 15)
    store.insert([(alone, replace(receipt(), keep_until=keep_until))])
    assert files_with(folder, *forms(alone))

    store.erase(alone)

    assert gone_within(10, folder, alone) == []


def test_erasing_what_is_not_there_changes_nothing(store: ReceiptStore) -> None:
    kept = a_hash()
    store.insert([(kept, receipt())])

    store.erase(a_hash())

    assert store.find(kept) == receipt()


def test_insert_during_an_erasure_is_not_lost(store: ReceiptStore, folder: Path) -> None:
    victims = [a_hash() for _ in range(15)]
    store.insert([(each, receipt()) for each in victims])
    added: list[IdHash] = []
    erasing = threading.Event()
    erasing.set()

    def add_while_erasing() -> None:
        other = ReceiptStore.embedded(folder)
        try:
            while erasing.is_set():
                group = [a_hash() for _ in range(3)]
                other.insert([(each, receipt()) for each in group])
                added.extend(group)
        finally:
            other.close()

    adding = threading.Thread(target=add_while_erasing)
    adding.start()
    try:
        for each in victims:
            store.erase(each)
    finally:
        erasing.clear()
        adding.join()

    assert len(added) > 15
    assert [each for each in added if store.find(each) != receipt()] == []
    assert [each for each in victims if store.find(each) is not None] == []


def test_two_that_erase_at_once_both_succeed(store: ReceiptStore, folder: Path) -> None:
    victims = [a_hash() for _ in range(20)]
    store.insert([(each, receipt()) for each in victims])

    def erase_the_odd() -> None:
        other = ReceiptStore.embedded(folder)
        try:
            for each in victims[1::2]:
                other.erase(each)
        finally:
            other.close()

    erasing = threading.Thread(target=erase_the_odd)
    erasing.start()
    try:
        for each in victims[::2]:
            store.erase(each)
    finally:
        erasing.join()

    assert [each for each in victims if store.find(each) is not None] == []


def test_withdrawal_that_outlived_its_receipt_is_no_receipt(store: ReceiptStore) -> None:
    id_hash = a_hash()
    store.note_withdrawal(id_hash, receipt(), HOUR)

    assert store.find(id_hash) is None


def test_receipts_whose_month_is_over_are_dropped_and_no_other(
    store: ReceiptStore, folder: Path
) -> None:
    over, last_day, later = a_hash(), a_hash(), a_hash()
    store.insert(
        [
            (over, replace(receipt(), keep_until=date(2026, 9, 30))),
            (last_day, replace(receipt(), keep_until=date(2026, 10, 1))),
            (later, replace(receipt(), keep_until=date(2026, 11, 1))),
        ]
    )

    store.drop_ended(date(2026, 10, 31))

    assert store.find(over) is None
    assert store.find(last_day) is not None
    assert store.find(later) is not None
    assert gone_within(10, folder, over) == []
    store.drop_ended(date(2027, 1, 1))
    assert store.find(last_day) is None


def test_merging_leaves_one_file_a_partition_and_loses_nothing(
    store: ReceiptStore, client: Client
) -> None:
    hashes = [a_hash() for _ in range(4)]
    for each in hashes:
        store.insert([(each, replace(receipt(), keep_until=date(2033, 5, 5)))])

    store.merge()

    parts = client.query(
        "SELECT partition_id, count() FROM system.parts"
        " WHERE active AND table = 'receipts' GROUP BY partition_id"
    ).result_rows
    assert ("203305", 1) in parts
    assert {count for _, count in parts} == {1}
    assert all(store.find(each) for each in hashes)


def test_table_is_synced_to_disk_and_keeps_no_log_of_inserts(client: Client) -> None:
    ((created,),) = client.query(f"SHOW CREATE TABLE {TABLE}").result_rows

    for setting in (
        "fsync_after_insert = 1",
        "fsync_part_directory = 1",
        "min_rows_to_fsync_after_merge = 1",
        "non_replicated_deduplication_window = 0",
    ):
        assert setting in created


def test_stored_columns_are_the_known_ones(client: Client) -> None:
    """Nothing here can hold an address, an agent, a time within the hour or a part of a hit."""
    columns = client.query(f"DESCRIBE TABLE {TABLE}").result_rows

    assert [f"{name} {kind}" for name, kind, *_ in columns] == [
        "id_hash FixedString(32)",
        "state Enum8('given' = 1, 'refused' = 2, 'withdrawn' = 3)",
        "hour DateTime('UTC')",
        "keep_until Date",
        "site LowCardinality(String)",
        "version LowCardinality(String)",
        "purposes Array(LowCardinality(String))",
        "language LowCardinality(String)",
        "jurisdiction LowCardinality(String)",
        "schema LowCardinality(String)",
    ]


def test_failure_names_no_value(store: ReceiptStore, client: Client) -> None:
    id_hash = a_hash()
    client.command(f"RENAME TABLE {TABLE} TO {TABLE}_away")
    try:
        with pytest.raises(StoreFailed) as failed:
            store.insert([(id_hash, receipt())])
        with pytest.raises(StoreFailed):
            store.find(id_hash)
        with pytest.raises(StoreFailed):
            store.erase(id_hash)
    finally:
        client.command(f"RENAME TABLE {TABLE}_away TO {TABLE}")

    assert str(failed.value) == "receipts could not be added (ClickHouse error 60)"
    store.insert([(id_hash, receipt())])
    assert store.find(id_hash) == receipt()


def test_hours_are_utc_whatever_the_machine_s_zone(
    store: ReceiptStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    time.tzset()
    try:
        id_hash = a_hash()
        hour = datetime(2026, 7, 1, 3, tzinfo=UTC)
        store.insert([(id_hash, receipt(hour=hour))])
        found = store.find(id_hash)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert found is not None
    assert found.hour == hour
    assert client.query(
        f"SELECT toUnixTimestamp(hour) FROM {TABLE} WHERE id_hash = unhex({{hash:String}})",
        parameters={"hash": id_hash.hex()},
    ).result_rows == [(int(hour.timestamp()),)]
