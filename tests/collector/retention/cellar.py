"""A real store whose cells a test puts in by hand, and the retention run on it."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from anonymizer.policy import Policy, Statistic
from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from collector.retention.job import Report, Step, run_retention
from collector.retention.last_run import LastRun
from collector.schema.tables import BATCH, DATABASE, MEASURES, cells_of
from tests.collector.hits import SITE
from tests.collector.storing import Kept

POLICY_TEXT = """\
[policy]
id = "test"
version = "1"
controller = "Example"
contact = "privacy@example.org"

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"

[[site]]
domain = "other.example"
timezone = "Pacific/Kiritimati"

[[purpose]]
id = "audience"
title = "Audience"
clause = "imoa 3.1.b"
basis = "exempt"
keep_days = 750

[[statistic]]
name = "traffic"
purpose = "audience"
by = []
grain = "hour"
min_group = 1

[[statistic]]
name = "pages"
purpose = "audience"
by = ["page"]
min_group = 3

[[statistic]]
name = "steps"
purpose = "audience"
by = ["previous_page", "page"]
min_group = 3

[[statistic]]
name = "visits"
purpose = "audience"
by = []
grain = "hour"
min_group = 5

[[statistic]]
name = "networks"
purpose = "audience"
by = ["network"]
min_group = 3
keep_days = 40

[[statistic]]
name = "coverage"
purpose = "audience"
by = ["door", "reason"]
min_group = 1

[[statistic]]
name = "bots"
purpose = "audience"
by = ["bot_kind", "bot"]
min_group = 3
"""


def policy_of(text: str = POLICY_TEXT) -> Policy:
    """Read a policy."""
    return read_policy(text, default_policy())


POLICY = policy_of()


def at(moment: str) -> int:
    """Return the Unix second of an ISO time in UTC."""
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())


class Cellar:
    """An open store under one policy."""

    def __init__(self, folder: Path, policy: Policy = POLICY) -> None:
        self.kept = Kept(folder, policy)
        self.kept.apply()
        self.policy = policy
        self.last: LastRun | None = None

    def clear(self) -> None:
        """Leave no cell, and forget the runs."""
        self.kept.clear()
        self.last = None

    def put(
        self,
        name: str,
        period: str,
        keys: str = "",
        visitors: int = 0,
        *,
        site: str = SITE,
        grain: str = "",
        keep_days: int = 0,
        statistic: Statistic | None = None,
        **measures: int,
    ) -> None:
        """Add to one cell, as a batch of hits does."""
        found = statistic or next(each for each in self.policy.statistics if each.name == name)
        words = [*keys.split(), "", "", ""][:3]
        numbers = [{"visitors": visitors, **measures}.get(measure, 0) for measure in MEASURES]
        label = keep_days or found.keep_days
        head = [cells_of(found), label, grain or found.grain.value, site, at(period)]
        self._insert(period, label, [(*head, *words, *numbers)])

    def put_views(self, name: str, period: str, views: Mapping[str, int]) -> None:
        """Add to the cells of many words at once, as many visitors as views to each."""
        found = next(each for each in self.policy.statistics if each.name == name)
        head = (cells_of(found), found.keep_days, found.grain.value, SITE, at(period))
        rows = [(*head, word, "", "", of, 0, of, 0, 0, 0) for word, of in views.items()]
        self._insert(period, found.keep_days, rows)

    def _insert(self, period: str, label: int, rows: Sequence[tuple[object, ...]]) -> None:
        batch = (BATCH, label, "month", "", at(f"{period[:7]}-01"), "", "", "", 0, 0, 0, 0, 0, 1)
        values = ", ".join(map(repr, (*rows, batch)))
        self.kept.store._client.command(
            f"INSERT INTO {DATABASE}.cells VALUES {values}",
            settings={"insert_deduplication_token": secrets.token_hex(8)},
        )

    def run(self, now: str, policy: Policy | None = None, step: Step | None = None) -> Report:
        """Run retention at a time in UTC, with what the last run left to know."""
        report, self.last = run_retention(
            self.kept.store._client,
            policy or self.policy,
            at(now),
            self.last,
            step=step or (lambda _done, _of: None),
        )
        return report

    def cells(self, where: str = "1") -> str:
        """Return what lies on disk, as it lies there, but for batch counts."""
        return self.kept.table(
            "SELECT splitByChar('(', toString(statistic))[1] AS name, grain,"
            " formatDateTime(period, '%F %H:%i') AS period,"
            " arrayStringConcat(arrayFilter(k -> k != '', [k1, k2, k3]), ' ') AS keys,"
            f" visitors, views FROM {DATABASE}.cells WHERE statistic != '{BATCH}' AND {where}"
            " ORDER BY ALL"
        )

    def sums(self) -> str:
        """Return the sum of every measure by statistic and site."""
        sums = ", ".join(f"sum({measure})" for measure in MEASURES)
        return self.kept.value(
            f"SELECT statistic, site, {sums} FROM {DATABASE}.cells GROUP BY statistic, site"
            " ORDER BY statistic, site"
        )

    def close(self) -> None:
        """Close the store."""
        self.kept.close()
