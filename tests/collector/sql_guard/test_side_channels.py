"""A condition that fails on a value tells nothing of values that a view hides."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clickhouse_http.question import Refusal
from collector.analysts import Analysts
from collector.asking import EmbeddedEngine
from collector.audit import AuditLog
from tests.collector.hits import Line, make_policy
from tests.collector.sql_lists import question
from tests.collector.storing import Kept

DIVISION_BY_ZERO = 153


@pytest.fixture(scope="module")
def analysts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analysts]:
    folder: Path = tmp_path_factory.mktemp("hidden")
    policy = make_policy(min_group=3)
    kept = Kept(folder, policy)
    kept.apply()
    line = Line(policy)
    start = int(datetime(2026, 3, 2, 11, 0, tzinfo=UTC).timestamp())
    kept.count(*(line.view(who, start, "/large") for who in ("ada", "ben", "cleo", "dora")))
    kept.count(line.view("eve", start + 7200, "/hidden"))
    views = [statistic.name for statistic in policy.statistics]
    yield Analysts(EmbeddedEngine(folder / "clickhouse"), views, AuditLog(folder / "audit"))
    kept.close()


@pytest.mark.parametrize(
    ("view", "is_value", "fails"),
    [
        pytest.param("pages", "page = '/large'", True, id="shown page"),
        pytest.param("pages", "page = '/hidden'", False, id="hidden page"),
        pytest.param("pages", "page = '/nowhere'", False, id="page of nobody"),
        pytest.param("traffic", "toHour(hour) = 12", True, id="shown hour"),
        pytest.param("traffic", "toHour(hour) = 14", False, id="hidden hour"),
        pytest.param("traffic", "toHour(hour) = 20", False, id="hour of nobody"),
    ],
)
def test_condition_fails_on_shown_values_alone(
    analysts: Analysts, view: str, is_value: str, fails: bool
) -> None:
    sql = f"SELECT count() FROM {view} WHERE intDiv(1, NOT ifNull({is_value}, 0)) >= 0"

    if fails:
        with pytest.raises(Refusal) as refused:
            analysts.answer(question(sql))
        assert refused.value.code == DIVISION_BY_ZERO
    else:
        analysts.answer(question(sql))
