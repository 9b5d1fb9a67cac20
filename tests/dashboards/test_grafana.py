"""The Grafana dashboards are those of the view list, and every query of them tells its numbers."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import Struct

from anonymizer.policy import Policy, Statistic
from anonymizer.policy_file import read_policy
from clickhouse_http.question import Question
from collector.analysts import Analysts
from collector.asking import engine_at
from collector.audit import AuditLog
from collector.plan import make_plan
from collector.reference import default_policy
from collector.schema.tables import DATABASE, cells_of
from collector.schema.views import column_of, columns_of, measures_of
from collector.store import Store
from dashboards.asking.views import Subject, view_of
from tools import grafana

FOLDER = grafana.FOLDER
SITE = "o'brien.example"
DAY = date(2026, 3, 10)
VISITORS = 40
"""Of each statistic's one cell of a day, and of its one of the month."""

_POLICY = grafana._ANY_SITE.replace("example.org", "example.net")


class _Target(Struct):
    raw: str = msgspec.field(name="rawSql")
    kind: str = msgspec.field(name="queryType")
    format: int
    editor: str = msgspec.field(name="editorType")


class _Panel(Struct):
    id: int
    type: str
    title: str
    targets: list[_Target]


class _Dashboard(Struct):
    uid: str
    title: str
    panels: list[_Panel]
    templating: dict[str, list[dict[str, object]]]


def held() -> dict[str, _Dashboard]:
    return {
        path.stem: msgspec.json.decode(path.read_bytes(), type=_Dashboard)
        for path in sorted(FOLDER.glob("*.json"))
    }


QUERIES = [
    pytest.param(panel, target.raw, id=f"{name} {panel.type} {panel.title}")
    for name, dashboard in held().items()
    for panel in dashboard.panels
    for target in panel.targets
]


def expanded(sql: str, first: datetime, last: datetime, interval: int = 43_200) -> str:
    """Put in what the plugin's macros and Grafana's variables stand for.

    As of grafana-clickhouse-datasource 4.0: pkg/macros, and `:singlequote` of a text.
    """
    since, until = int(first.timestamp()), int(last.timestamp())

    def time_filter(found: re.Match[str]) -> str:
        return f"{found[1]} >= toDateTime({since}) AND {found[1]} <= toDateTime({until})"

    def date_filter(found: re.Match[str]) -> str:
        return f"{found[1]} >= toDate('{first.date()}') AND {found[1]} <= toDate('{last.date()}')"

    sql = re.sub(r"\$__timeFilter\((\w+)\)", time_filter, sql)
    sql = re.sub(r"\$__dateFilter\((\w+)\)", date_filter, sql)
    bucket = rf"toStartOfInterval(toDateTime(\1), INTERVAL {interval} second)"
    sql = re.sub(r"\$__timeInterval\((\w+)\)", bucket, sql)
    sql = sql.replace("$__fromTime", f"toDateTime({since})")
    sql = sql.replace("$__toTime", f"toDateTime({until})")
    sql = sql.replace("${site:singlequote}", "'" + SITE.replace("'", "\\'") + "'")
    assert "$" not in sql
    return sql


@pytest.fixture(scope="module")
def policy() -> Policy:
    return read_policy(_POLICY, default_policy())


@pytest.fixture(scope="module")
def analysts(tmp_path_factory: pytest.TempPathFactory, policy: Policy) -> Iterator[Analysts]:
    """Give the door's own checks on a store in which each statistic counted 40 visitors twice."""
    folder = tmp_path_factory.mktemp("grafana")
    store = Store.embedded(folder / "clickhouse")
    store.apply(policy, make_plan(policy))
    for statistic in policy.statistics:
        store._client.command(_cell_of(statistic))
    views = [statistic.name for statistic in policy.statistics]
    analysts = Analysts(engine_at(folder / "clickhouse"), views, AuditLog(folder / "audit"))
    yield analysts
    store.close()


def _has_month(statistic: Statistic) -> bool:
    """Tell whether its view has a cell of the month; what was delivered is told by the day."""
    return columns_of(statistic)[2:3] == ("month",) and statistic.name != "email"


def _cell_of(statistic: Statistic) -> str:
    """Return what puts a cell of a day, and one of the whole month, into the store."""
    words = ["(delivered)" if d.value == "mail_kind" else f"a {d.value}" for d in statistic.by]
    columns = {column_of(measure) for measure in measures_of(statistic)} | {"visitors"}
    numbers = ", ".join(f"{VISITORS} AS {column}" for column in sorted(columns))
    keys = ", ".join(f"'{word}' AS k{n}" for n, word in enumerate(words, 1))
    grains = [statistic.grain.value]
    if _has_month(statistic):
        grains.append("month")
    selects = " UNION ALL ".join(
        f"SELECT '{cells_of(statistic)}' AS statistic, 100 AS keep_days, '{grain}' AS grain,"
        f" '{SITE.replace(chr(39), chr(92) + chr(39))}' AS site,"
        f" toDateTime('{DAY.replace(day=1) if grain == 'month' else DAY} 00:00:00', 'UTC')"
        f" AS period{', ' if keys else ''}{keys}, {numbers}"
        for grain in grains
    )
    names = ["statistic", "keep_days", "grain", "site", "period"]
    names += [f"k{n}" for n in range(1, len(words) + 1)] + sorted(columns)
    return f"INSERT INTO {DATABASE}.cells ({', '.join(names)}) {selects}"


def ask(analysts: Analysts, sql: str) -> list[dict[str, object]]:
    # The plugin's client gives each query 5 s more than its own timeout (docs/grafana.md: 20 s).
    settings = {"max_execution_time": "25"}
    question = Question(sql=sql, output_format="JSONEachRow", user="grafana", settings=settings)
    rows = analysts.answer(question).rows.body
    return [json.loads(line) for line in rows.splitlines()]


def march() -> tuple[datetime, datetime]:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    return first, first + timedelta(days=31, seconds=-1)


def test_dashboards_are_those_of_the_default_policys_views() -> None:
    assert grafana.main(["--check"]) == 0


def test_drift_of_a_dashboard_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert grafana.main(["--to", str(tmp_path)]) == 0
    assert grafana.main(["--to", str(tmp_path), "--check"]) == 0
    file = tmp_path / "visits.json"
    file.write_text(file.read_text().replace("FROM pages", "FROM cells"))
    (tmp_path / "more.json").write_text("{}")

    assert grafana.main(["--to", str(tmp_path), "--check"]) == 1
    assert capsys.readouterr().err.count("is not what tools.grafana writes") == 2


def test_every_statistic_has_its_chart_and_every_subject_a_dashboard(policy: Policy) -> None:
    asked = " ".join(panel.targets[0].raw for each in held().values() for panel in each.panels)

    for statistic in policy.statistics:
        assert re.search(rf"FROM {statistic.name} WHERE .* ORDER BY time", asked), statistic.name
    subjects = {view_of(each, columns_of).subject for each in policy.statistics}
    assert subjects == {subject for page in grafana._PAGES for subject in page.subjects}
    assert subjects == set(Subject)


def test_statistic_of_a_policys_own_has_its_panels(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        _POLICY + '\n[[statistic]]\nname = "by_tongue"\npurpose = "audience"\n'
        'by = ["page", "language"]\ngrain = "day"\nmin_group = 5\nkeep_days = 30\n'
    )

    assert grafana.main(["--policy", str(policy), "--to", str(tmp_path / "made")]) == 0
    assert (tmp_path / "made" / "visits.json").read_text().count("FROM by_tongue ") == 2
    assert "by_tongue" not in (FOLDER / "visits.json").read_text()


@pytest.mark.parametrize(("panel", "sql"), QUERIES)
def test_query_tells_what_is_in_its_range(
    analysts: Analysts, policy: Policy, panel: _Panel, sql: str
) -> None:
    first, last = march()
    rows = ask(analysts, expanded(sql, first, last))

    assert len(rows) == 1
    if panel.type == "timeseries":
        assert next(iter(rows[0])) == "time"
        # A chart has days alone: what belongs to the month is of none.
        assert str(rows[0]["time"]).startswith(str(DAY))
        assert set(map(str, list(rows[0].values())[1:])) == {str(VISITORS)}
        return
    counted = [int(str(v)) for v in rows[0].values() if re.fullmatch("[0-9]+", str(v))]
    (view,) = (each for each in policy.statistics if f"FROM {each.name} " in sql)
    of_month = 2 if _has_month(view) else 1
    ratios = sum(name in rows[0] for name in ("Bounce rate", "Visit time", "Views per visit"))
    assert counted == [VISITORS * of_month] * (len(counted) - ratios) + [1] * ratios


@pytest.mark.parametrize(("panel", "sql"), [each for each in QUERIES if "IS NULL" in str(each)])
def test_range_that_cuts_the_month_has_its_days_alone(
    analysts: Analysts, panel: _Panel, sql: str
) -> None:
    first, last = march()
    (row,) = ask(analysts, expanded(sql, first, last - timedelta(days=1)))

    assert panel.type == "table"
    assert str(VISITORS) in map(str, row.values())
    assert str(2 * VISITORS) not in map(str, row.values())


def test_range_without_the_day_is_empty(analysts: Analysts) -> None:
    first, last = march()
    of = [each.values for each in QUERIES]
    tables = [str(sql) for panel, sql in of if isinstance(panel, _Panel) and panel.type == "table"]
    assert len(tables) > 50
    for sql in tables[::2]:
        assert ask(analysts, expanded(sql, first, first + timedelta(days=5))) == []
    for sql in tables[1::2]:
        assert ask(analysts, expanded(sql, last, last + timedelta(days=40))) == []


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT displayName(), version(), revision(), timezone()", id="its hello"),
        pytest.param("SELECT version()", id="the plugin's check"),
        pytest.param("SELECT 1", id="its ping"),
    ],
)
def test_door_answers_what_the_plugins_client_asks_first(analysts: Analysts, sql: str) -> None:
    assert analysts.answer(Question(sql=sql, output_format="Native", user="grafana")).rows.body


def test_sites_to_choose_from_are_those_that_were_counted(analysts: Analysts) -> None:
    for dashboard in held().values():
        (site,) = [each for each in dashboard.templating["list"] if each["name"] == "site"]
        assert ask(analysts, str(site["query"])) == [{"site": SITE}]
