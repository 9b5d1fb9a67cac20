"""What the guarded views show of small groups, before and after retention ran."""

from datetime import UTC, datetime

import pytest

from collector.schema.views import columns_of
from tests.collector.retention.cellar import POLICY, Cellar
from tests.collector.storing import aligned

CLOSED = "2026-03-20T03:00:00"


def names(view: str) -> tuple[str, ...]:
    return columns_of(next(each for each in POLICY.statistics if each.name == view))


def test_views_tell_the_month_where_groups_have_a_size(cellar: Cellar) -> None:
    rows = [
        (view, *names(view)[:3])
        for view in ("traffic", "pages", "visits", "networks", "coverage", "bots")
    ]

    assert (
        aligned(rows)
        == """\
traffic   site  hour  visitors
pages     site  day   month
visits    site  hour  month
networks  site  day   month
coverage  site  day   door
bots      site  day   bot_kind"""
    )
    for view, *_ in rows:
        stored = cellar.kept.value(f"DESCRIBE {view}").splitlines()
        assert tuple(line.split("\t")[0] for line in stored) == names(view)


def test_small_group_of_an_open_day_stands_under_other_of_its_day(cellar: Cellar) -> None:
    for page, visitors in (("/a", 3), ("/b", 2), ("/c", 1)):
        cellar.put("pages", "2026-03-10", page, visitors, views=visitors)

    assert (
        cellar.kept.table("SELECT * EXCEPT site FROM pages ORDER BY page")
        == """\
day         month       page     visitors  views
2026-03-10  2026-03-01  (other)  3         3
2026-03-10  2026-03-01  /a       3         3"""
    )


def test_small_group_of_a_closed_day_has_its_month_and_no_day(cellar: Cellar) -> None:
    for day in ("10", "11", "12"):
        cellar.put("pages", f"2026-03-{day}", "/rare", 1, views=2)
        cellar.put("pages", f"2026-03-{day}", f"/rarest-{day}", 1, views=1)
    cellar.run(CLOSED)

    assert (
        cellar.kept.table("SELECT * EXCEPT site FROM pages ORDER BY page")
        == """\
day  month       page     visitors  views
\\N   2026-03-01  (other)  3         3
\\N   2026-03-01  /rare    3         6"""
    )


def test_month_that_goes_on_is_told_under_other_until_it_is_over(cellar: Cellar) -> None:
    this_month = datetime.now(UTC).strftime("%Y-%m-01")
    for month in (this_month, "2026-03-01"):
        cellar.put("pages", month, "/rare", 9, views=9, grain="month")

    shown = cellar.kept.value("SELECT month, page, views FROM pages ORDER BY month")
    assert shown == f"2026-03-01\t/rare\t9\n{this_month}\t(other)\t9"


def test_range_of_days_takes_single_days_and_a_month_can_be_asked_for_whole(
    cellar: Cellar,
) -> None:
    cellar.put("pages", "2026-03-10", "/a", 9, views=9)
    cellar.put("pages", "2026-03-10", "/b", 2, views=2)
    cellar.put("pages", "2026-02-10", "/b", 2, views=2)
    cellar.run(CLOSED)
    days = "day BETWEEN '2026-03-01' AND '2026-03-31'"
    month = "day IS NULL AND month = '2026-03-01'"

    sums = [
        cellar.kept.value(f"SELECT sum(views) FROM pages WHERE {where}")
        for where in (days, f"{days} OR ({month})", "1")
    ]

    shown = int(sums[0])
    assert shown in (0, 9)  # the second rule may hide a group that is large
    assert sums[1:] == ["11", "13"]


def test_totals_of_hours_that_are_small_have_a_month_alone(cellar: Cellar) -> None:
    for hour, visitors in (("09", 7), ("10", 1), ("11", 2)):
        cellar.put("visits", f"2026-03-10T{hour}:00", "", visitors, views=visitors)

    def shown() -> str:
        return cellar.kept.table(
            "SELECT hour, month, visitors, views FROM visits ORDER BY visitors"
        )

    before = shown()

    assert before.splitlines()[1].split() == ["\\N", "2026-03-01", "3", "3"]
    assert before.splitlines()[2].split() == ["2026-03-10", "09:00:00", "2026-03-01", "7", "7"]
    cellar.run(CLOSED)
    assert cellar.kept.value("SELECT sum(visitors), sum(views) FROM visits") == "10\t10"


@pytest.mark.parametrize("view", ["pages", "steps", "visits", "networks"])
def test_whole_view_adds_up_before_and_after_runs(cellar: Cellar, view: str) -> None:
    keys = "" if view == "visits" else "/a /b" if view == "steps" else "/a"
    for day in range(1, 20):
        cellar.put(view, f"2026-03-{day:02}", keys, 1 + day % 5, views=day)
    sums = f"SELECT sum(visitors), sum(views) FROM {view}"
    before = cellar.kept.value(sums)

    cellar.run("2026-03-12T03:00:00")
    between = cellar.kept.value(sums)
    cellar.run("2026-04-02T03:00:00")

    assert before == between == cellar.kept.value(sums) == "59\t190"


def test_machines_keep_a_plain_day(cellar: Cellar) -> None:
    cellar.put("bots", "2026-03-10", "crawler Googlebot", hits=9)
    cellar.put("bots", "2026-03-10", "crawler Rarebot", hits=2)
    cellar.run("2026-04-02T03:00:00")

    assert (
        cellar.kept.table("SELECT * EXCEPT site FROM bots ORDER BY bot")
        == """\
day         bot_kind  bot        hits
2026-03-10  (other)   (other)    2
2026-03-10  crawler   Googlebot  9"""
    )


def test_month_prunes_what_is_read(cellar: Cellar) -> None:
    for month in range(1, 10):
        cellar.put("pages", f"2026-{month:02}-10", "/a", 9)

    plan = cellar.kept.value(
        "EXPLAIN indexes = 1 SELECT sum(views) FROM pages WHERE month = '2026-03-01'"
        " AND (day BETWEEN '2026-03-01' AND '2026-03-31' OR day IS NULL)"
    )

    assert "Parts: 1/9" in plan
