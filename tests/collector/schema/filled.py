"""Fill a store as benchmarks/store.py does, with a small crowd: `filled.py FOLDER`.

Prints what stands in the counters and in the raw events once all is done.
"""

import sys
from pathlib import Path

from benchmarks.crowd import Crowd, Shape
from benchmarks.filled import read_filled
from benchmarks.filling import fill
from collector.store import open_engine

HITS = 1_400
_SHAPE = Shape(
    sites=3, pages=40, days=14, networks=50, profiles=20, referrers=10, first_day="2025-01-20"
)
_CELLS = (
    "SELECT statistic, site, grain, period, k1, k2, k3, sum(visitors) AS a, sum(visits) AS b,"
    " sum(views) AS c, sum(bounces) AS d, sum(seconds) AS e, sum(hits) AS f FROM discreet.cells"
    " GROUP BY ALL HAVING (a, b, c, d, e, f) != (0, 0, 0, 0, 0, 0) ORDER BY ALL"
)
_RAW = (
    "SELECT toStartOfHour(timestamp) AS hour, site_id, user_id, session_id, pathname, count()"
    " FROM raw.events GROUP BY ALL ORDER BY ALL"
)


def main(folder: Path) -> None:
    """Fill, and tell."""
    fill(folder, Crowd(_SHAPE), read_filled(folder, HITS))
    client = open_engine(folder / "clickhouse")
    for sql in (_CELLS, _RAW):
        sys.stdout.write(client.raw_query(sql, fmt="TSV").decode())
    client.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
