"""Law 6: one door out. Dashboard, API, SQL and export all read the same guarded views."""

import re
from datetime import date
from pathlib import Path

import pytest

from anonymizer.policy import Statistic
from collector.schema.tables import DATABASE
from collector.schema.views import SHOWN_MEASURES, columns_of
from dashboards.address.periods import Grain, Period, PeriodName
from dashboards.asking.filters import Contains, IsNot, Or
from dashboards.asking.metrics import Metric
from dashboards.asking.question import Question
from dashboards.asking.selecting import select_rows, select_sums
from dashboards.asking.views import view_of
from tests.collector.hits import make_policy

ROOT = Path(__file__).parent.parent.parent
QUERIES = sorted((ROOT / "dashboards").rglob("*.sql"))
# A statistic of the policy: dashboards/asking/selecting.py; one of several:
# dashboards/privacy/withheld.py.
NAMED_BY_ITS_LIST = "{view:Identifier}"
ONE_OF_SEVERAL = "{view_$number:Identifier}"
STATISTICS = {statistic.name: statistic for statistic in make_policy().statistics}

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'[^']*'")
_SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+([^\s,();]+)", re.IGNORECASE)
_WORD = re.compile(r"[a-z_][a-z0-9_]*")
_BOUND = re.compile(r"\{[a-z0-9_]+:[A-Za-z0-9(), 'UTC]+\}")
_OF_SQL = frozenset(
    re.findall(
        r"\w+",
        "select as from where and or not between group by having order asc desc limit offset count"
        " sum over has is null position arrayexists part time groups tostring todate month"
        " tostartofmonth todatetime countif sumif",
    )
)
_PARAMETER = re.compile(r"\{[a-z]+:[A-Za-z0-9(), 'UTC]+\}")


def words_of(sql: str) -> str:
    """Return what ClickHouse reads of a query besides texts and comments."""
    return _TEXT.sub("''", _COMMENT.sub(" ", sql))


def sources_of(sql: str) -> list[str]:
    return _SOURCE.findall(words_of(sql))


def test_there_are_queries_to_look_at() -> None:
    assert [path.stem for path in QUERIES] == ["rows", "sums", "withheld"]


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_dashboards_query_reads_one_guarded_view(path: Path) -> None:
    (source,) = sources_of(path.read_text())

    assert source in {NAMED_BY_ITS_LIST, ONE_OF_SEVERAL}


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_dashboards_query_names_no_table_behind_the_views(path: Path) -> None:
    words = words_of(path.read_text()).lower()

    for behind in (f"{DATABASE}.", "cells", "inbox", "system.", "`", '"', ";", "settings", "into"):
        assert behind not in words, behind
    # A table function is a name with arguments in the place of a source.
    assert not re.search(r"\b(?:from|join)\s+\w+\s*\(", words)


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: path.stem)
def test_dashboards_query_gets_its_values_as_parameters(path: Path) -> None:
    sql = path.read_text()

    assert _PARAMETER.search(sql)
    assert not re.search(r"\{(?!(?:[a-z]+|view_\$number):)|%\(|%s", sql)


def test_no_other_code_of_the_dashboard_holds_sql() -> None:
    for path in sorted((ROOT / "dashboards").rglob("*.py")):
        text = path.read_text()
        assert not re.search(r"\bSELECT\b[^\n]*\b(?:FROM|\()", text), path.name
        assert DATABASE + "." not in text.replace('"discreet.', ""), path.name


@pytest.mark.parametrize("statistic", STATISTICS.values(), ids=lambda statistic: statistic.name)
def test_question_reads_the_view_of_a_statistic_and_its_columns(statistic: Statistic) -> None:
    """What a question's SQL names is the view's own; all else of it is bound."""
    policy = make_policy()
    words = ("'; DROP TABLE pages; --", "discreet.cells")
    view = view_of(statistic, columns_of)
    question = Question(
        site=next(iter(policy.sites.values())),
        period=Period(PeriodName.CUSTOM, date(2026, 2, 9), date(2026, 3, 9)),
        today=date(2026, 3, 9),
        metrics=tuple(Metric(measure) for measure in sorted(view.measures)),
        dimensions=statistic.by,
        filters=tuple(Or((IsNot(of, words), Contains(of, words))) for of in statistic.by),
        grain=Grain.DAY,
    )
    for select in (select_rows(question, view), select_sums(question, view)):
        assert sources_of(select.sql) == [NAMED_BY_ITS_LIST]
        assert select.parameters["view"] == statistic.name
        named = set(_WORD.findall(words_of(_BOUND.sub("", select.sql)).lower()))
        sums = [f"{of}_{measure}" for of in ("total", "lacking") for measure in view.measures]
        known = {*columns_of(statistic), *sums}
        keys = {f"key_{number}" for number in range(len(statistic.by))}
        assert named <= {*known, *keys, *_OF_SQL}


def test_analysts_are_answered_by_the_guard_alone() -> None:
    """What runs a query of theirs is reached through `Analysts`, which checks each one."""
    for path in sorted((ROOT / "collector").rglob("*.py")):
        text = path.read_text()
        if re.search(r"\bengine_at\(|\bEmbeddedEngine\(|\bServerEngine\(", text):
            assert path.name == "asking.py" or "Analysts(engine_at(" in text, path.name


def test_no_view_names_a_column_that_tells_more_than_its_statistic() -> None:
    for statistic in STATISTICS.values():
        dimensions = {str(dimension) for dimension in statistic.by} | {"page"}
        columns = set(columns_of(statistic))
        assert columns - set(SHOWN_MEASURES) - {"site", str(statistic.grain)} <= dimensions


@pytest.mark.parametrize(
    ("sql", "sources"),
    [
        pytest.param("SELECT 1 FROM pages", ["pages"], id="view"),
        pytest.param("SELECT 1 from discreet.cells", ["discreet.cells"], id="table"),
        pytest.param("SELECT 1 FROM pages JOIN cells USING (site)", ["pages", "cells"], id="join"),
        pytest.param("SELECT 'FROM cells' -- FROM cells\nFROM pages", ["pages"], id="no source"),
    ],
)
def test_sources_are_found(sql: str, sources: list[str]) -> None:
    assert sources_of(sql) == sources
