"""The statements that make a store on a cluster of ClickHouse servers.

Each shard keeps its own cells on every replica; a Distributed table reads all shards.
Inbox and materialized view stand on every node, so a collector writes to whichever it
is given (docs/decisions/0020).
"""

import re

from anonymizer.policy import Policy
from collector.plan import Plan
from collector.schema.ddl import SPREAD, Place, create_store, name, on_cluster
from collector.schema.tables import DATABASE

# By name and not by {uuid}: a node that joins later finds the others' by running the same script.
KEEPER_PATH = f"/clickhouse/tables/{{shard}}/{DATABASE}/cells"
_ENGINE = "ENGINE = SummingMergeTree("
_REPLICATED = f"ENGINE = ReplicatedSummingMergeTree('{KEEPER_PATH}', '{{replica}}', "
_WINDOW = re.compile(r"\bnon_replicated_deduplication_window = \d+")
# Of one sending's retries, all within the minute; the default is as many blocks and an hour.
_REPLICATED_WINDOW = (
    "replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 3600"
)


def create_cluster(policy: Policy, plan: Plan, place: Place, cluster: str) -> tuple[str, ...]:
    """Return the statements that make a new store on every node of a cluster.

    Raises:
        TooManyCombinations: the statistics need more than the counters can tell apart.
    """
    made = [_replicated(each) for each in create_store(policy, plan, place)]
    first_view = next(at for at, each in enumerate(made) if each.startswith("CREATE MATERIALIZED"))
    spread = (
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.{SPREAD} AS {DATABASE}.cells"
        # No sharding key: nothing is ever written through it.
        f" ENGINE = Distributed({name(cluster)}, {DATABASE}, cells)"
    )
    return on_cluster([*made[:first_view], spread, *made[first_view:]], cluster)


def _replicated(statement: str) -> str:
    if f" {DATABASE}.cells (" not in statement or _ENGINE not in statement:
        return statement
    return _WINDOW.sub(_REPLICATED_WINDOW, statement.replace(_ENGINE, _REPLICATED))
