"""A run beside a collector that goes on inserting: nothing is lost, nothing counted twice."""

import threading
from pathlib import Path

from collector.retention.job import run_retention
from collector.schema.tables import DATABASE
from collector.spool import Spool, drain
from collector.store import Store
from collector.store_address import open_client
from tests.collector.hits import Line, make_policy
from tests.collector.retention.cellar import at
from tests.collector.storing import Kept, encoded

POLICY = make_policy(min_group=3)
BATCHES = 40
NOON = at("2026-03-10T11:00:00")
SUMS = (
    "SELECT statistic, sum(visitors), sum(visits), sum(views), sum(bounces), sum(seconds),"
    f" sum(hits) FROM {DATABASE}.cells WHERE statistic != '(batch)' GROUP BY statistic ORDER BY 1"
)


def test_hits_that_come_in_during_runs_are_counted_once(tmp_path: Path) -> None:
    line = Line(POLICY)
    batches = [
        encoded(
            *(
                line.view(f"visitor {number}", NOON + 60 * number, f"/{page}")
                for page in (number % 3, number)
            )
        )
        for number in range(BATCHES)
    ]
    for folder in ("once", "beside"):
        (tmp_path / folder).mkdir()
    once = Kept(tmp_path / "once", POLICY)
    once.apply()
    for rows in batches:
        once.spool.append(rows)
    drain(once.spool, once.store)
    expected = once.value(SUMS)
    once.close()
    kept = Kept(tmp_path / "beside", POLICY)
    kept.apply()
    moved = runs = 0
    client = open_client(tmp_path / "beside" / "clickhouse")
    inserting = threading.Thread(target=_insert, args=(kept.spool, kept.store, batches))
    inserting.start()
    while inserting.is_alive():
        report, _ = run_retention(client, POLICY, at("2026-03-12T03:00:00"), None)
        moved += sum(each.to_month for each in report.statistics.values())
        runs += 1
    inserting.join()

    run_retention(client, POLICY, at("2026-03-12T03:00:00"), None)
    client.close()

    assert runs > 1
    assert moved > BATCHES
    assert kept.value(SUMS) == expected
    counted = f"SELECT sum(hits) FROM {DATABASE}.cells WHERE statistic = '(batch)'"
    assert kept.value(f"{counted} AND keep_days = 750") == str(BATCHES)
    small = "grain != 'month' AND k1 != '' AND visitors < 3 AND visitors > 0"
    assert kept.value(f"SELECT count() FROM {DATABASE}.cells WHERE {small}") == "0"
    kept.close()


def _insert(spool: Spool, store: Store, batches: list[list[bytes]]) -> None:
    for rows in batches:
        spool.append(rows)
        drain(spool, store)
