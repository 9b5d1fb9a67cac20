"""What a run moves, and what it leaves as it is."""

from collections.abc import Collection, Mapping, Sequence

import pytest
from clickhouse_connect.driver.client import Client
from msgspec.structs import replace

from anonymizer.hits import LocalSeconds, SiteId
from anonymizer.policy import Dimension, Goal, Grain, PurposeId, Statistic
from collector.backup.dump import SNAPSHOT, take_snapshot
from collector.retention import choosing, folding
from collector.retention.complementing import Declared, Folded, fold_site
from collector.retention.held import hold_cells
from collector.retention.job import run_retention
from collector.retention.moves import STAGING, Partition, put_staged, stage_rows
from collector.retention.site_cells import SiteCells
from collector.retention.status import read_status
from collector.schema.tables import DATABASE
from collector.store import StoreFailed
from tests.collector.hits import SITE, make_policy
from tests.collector.retention.cellar import POLICY, Cellar, at, policy_of

DAY_AFTER = "2026-03-12T03:00:00"
NEXT_MONTH = "2026-04-02T03:00:00"


def test_small_cells_of_a_closed_day_move_to_the_month_and_large_ones_stay(
    cellar: Cellar,
) -> None:
    cellar.put("pages", "2026-03-10", "/small", 2, views=7)
    cellar.put("pages", "2026-03-11", "/small", 1, views=1)
    cellar.put("pages", "2026-03-10", "/tiny", 1, views=1)
    cellar.put("pages", "2026-03-10", "/large", 3, views=9)
    before = cellar.sums()

    report = cellar.run(DAY_AFTER)

    assert (
        cellar.cells()
        == """\
name   grain  period            keys    visitors  views
pages  day    2026-03-10 00:00  /large  3         9
pages  month  2026-03-01 00:00  /small  3         8
pages  month  2026-03-01 00:00  /tiny   1         1"""
    )
    assert cellar.sums() == before
    assert report.statistics["pages"].to_month == 3


def test_large_cell_that_would_tell_of_a_small_one_moves_too(cellar: Cellar) -> None:
    """All of a day are chosen from while what is small stands there still."""
    cellar.put("traffic", "2026-03-10T09:00", "", 12, views=15)
    for page, visitors in (("/a", 9), ("/b", 5), ("/c", 1)):
        cellar.put("pages", "2026-03-10", page, visitors, views=visitors)

    cellar.run(DAY_AFTER)

    days = f"SELECT k1, visitors FROM {DATABASE}.cells WHERE grain = 'day'"
    assert cellar.kept.value(days) == "/a\t9"


@pytest.mark.parametrize(
    ("times", "left"),
    [
        pytest.param(1, "", id="once: others are chosen anew"),
        pytest.param(99, "/late", id="at every step: it waits for the next run"),
    ],
)
def test_small_cells_leave_as_they_were_when_others_were_chosen(
    cellar: Cellar, times: int, left: str
) -> None:
    cellar.put("pages", "2026-03-10", "/a", 1)
    cellar.put("networks", "2026-03-10", "192.0.2.0/24", 1)
    late = [1] * times

    def step(_done: int, _of: int) -> None:
        if late:
            late.pop()
            cellar.put("pages", "2026-03-10", "/late", 0, views=1)

    cellar.run(DAY_AFTER, step=step)

    days = (
        "SELECT arrayStringConcat(arraySort(groupUniqArray(k1)), ' ')"
        f" FROM {DATABASE}.cells WHERE grain = 'day' AND views + visitors > 0"
    )
    assert cellar.kept.value(days) == left
    cellar.run(DAY_AFTER)
    assert cellar.kept.value(days) == ""


@pytest.mark.parametrize(
    ("now", "grain"),
    [
        # Midnight in Berlin is 23:00 UTC.
        pytest.param("2026-03-10T22:59:00", "day", id="the day goes on"),
        pytest.param("2026-03-11T00:59:59", "day", id="less than two hours after"),
        pytest.param("2026-03-11T01:00:00", "month", id="two hours after"),
    ],
)
def test_day_is_closed_two_hours_after_its_end_at_the_site(
    cellar: Cellar, now: str, grain: str
) -> None:
    cellar.put("pages", "2026-03-10", "/small", 1)

    cellar.run(now)

    assert cellar.kept.value(f"SELECT grain FROM {DATABASE}.cells WHERE k1 = '/small'") == grain


def test_each_site_has_its_own_midnight(cellar: Cellar) -> None:
    for site in ("example.org", "other.example", "gone.example"):
        cellar.put("pages", "2026-03-10", "/small", 1, site=site)

    cellar.run("2026-03-10T12:30:00")  # 14 hours ahead it is past two

    grains = cellar.kept.value(
        f"SELECT site, grain FROM {DATABASE}.cells WHERE k1 != '' ORDER BY site"
    )
    assert grains == "example.org\tday\ngone.example\tday\nother.example\tmonth"


def test_site_that_the_policy_no_longer_names_is_folded_once_its_day_is_over_anywhere(
    cellar: Cellar,
) -> None:
    cellar.put("pages", "2026-03-10", "/small", 1, site="gone.example")
    cellar.run("2026-03-11T13:59:00")
    assert "day" in cellar.cells()

    cellar.run("2026-03-11T14:00:00")

    assert "day" not in cellar.cells()


def test_what_is_small_in_a_closed_month_moves_to_other_and_what_is_not_stays(
    cellar: Cellar,
) -> None:
    for day in range(1, 9):
        cellar.put("traffic", f"2026-03-0{day}T09:00", "", 20, views=20)
    cellar.put("pages", "2026-03-10", "/b", 2, views=2)
    cellar.put("pages", "2026-03-11", "/c", 1, views=5)
    cellar.put("pages", "2026-03-10", "/d", 2, views=2)
    cellar.put("pages", "2026-03-30", "/d", 2, views=2)
    before = cellar.sums()
    cellar.run("2026-03-31T12:00:00")
    assert cellar.kept.value(f"SELECT count() FROM {DATABASE}.cells WHERE k1 = '(other)'") == "0"

    report = cellar.run(NEXT_MONTH)

    pages = f"SELECT grain, k1, visitors, views FROM {DATABASE}.cells WHERE k1 != ''"
    assert cellar.kept.value(f"{pages} ORDER BY ALL").splitlines() == [
        "month\t(other)\t3\t7",
        "month\t/d\t4\t4",
    ]
    assert cellar.sums() == before
    assert report.statistics["pages"].to_other == 2


def test_hours_with_a_group_size_are_folded_like_days(cellar: Cellar) -> None:
    for hour, visitors in (("09", 4), ("10", 5), ("11", 1)):
        cellar.put("visits", f"2026-03-10T{hour}:00", "", visitors)

    cellar.run(NEXT_MONTH)

    assert (
        cellar.cells()
        == """\
name    grain  period            keys  visitors  views
visits  hour   2026-03-10 10:00        5         0
visits  month  2026-03-01 00:00        5         0"""
    )


def test_small_cells_of_a_grain_that_the_policy_gave_up_are_folded_beside_others(
    cellar: Cellar,
) -> None:
    by_day = replace(
        POLICY,
        statistics=tuple(
            replace(each, grain=Grain.DAY) if each.name == "visits" else each
            for each in POLICY.statistics
        ),
    )
    cellar.put("visits", "2026-03-10T09:00", "", 4, views=4)
    cellar.put("visits", "2026-03-10", "", 3, views=3, grain="day")
    cellar.put("visits", "2026-03-11T09:00", "", 9, views=9)
    before = cellar.sums()

    report = cellar.run(DAY_AFTER, by_day)

    left = f"SELECT grain, visitors FROM {DATABASE}.cells WHERE visitors > 0 ORDER BY ALL"
    assert cellar.kept.value(left) == "hour\t9\nmonth\t7"
    assert cellar.sums() == before
    assert report.statistics["visits"].to_month == 2


def test_statistics_that_count_hits_and_totals_of_one_are_left(cellar: Cellar) -> None:
    cellar.put("coverage", "2026-03-10", "event bot", hits=1)
    cellar.put("bots", "2026-03-10", "crawler Googlebot", hits=1)
    cellar.put("traffic", "2026-03-10T09:00", "", 1, views=1)
    before = cellar.cells()

    cellar.run(NEXT_MONTH)

    assert cellar.cells() == before


@pytest.mark.parametrize(
    ("by", "least"),
    [
        pytest.param((Dimension.COUNTRY,), 3, id="one dimension"),
        pytest.param((Dimension.COUNTRY, Dimension.PAGE), 5, id="two"),
        pytest.param((Dimension.NETWORK,), 20, id="a network"),
    ],
)
def test_statistic_that_is_no_longer_declared_is_held_to_the_shipped_size(
    cellar: Cellar, by: tuple[Dimension, ...], least: int
) -> None:
    gone = Statistic("gone", PurposeId("audience"), by, Grain.DAY, 1, 750)
    keys = " ".join("x" for _ in by)
    cellar.put("gone", "2026-03-10", keys, least - 1, statistic=gone)
    cellar.put("gone", "2026-03-11", keys, least, statistic=gone)

    cellar.run("2026-03-12T03:00:00")

    grains = cellar.kept.value(f"SELECT visitors, grain FROM {DATABASE}.cells WHERE k1 = 'x'")
    assert sorted(grains.splitlines()) == [f"{least - 1}\tmonth", f"{least}\tday"]


def test_size_that_the_policy_raised_holds_for_what_was_folded_before(cellar: Cellar) -> None:
    for page, visitors in (("/three", 3), ("/eight", 8), ("/nine", 9)):
        cellar.put("pages", "2026-03-10", page, visitors)
        cellar.put("pages", "2026-03-11", page, 1)
    cellar.run(NEXT_MONTH)
    before = cellar.sums()
    raised = replace(
        POLICY,
        statistics=tuple(
            replace(each, min_group=5) if each.name == "pages" else each
            for each in POLICY.statistics
        ),
    )

    cellar.run(NEXT_MONTH, raised)

    assert cellar.sums() == before
    assert (
        cellar.cells()
        == """\
name   grain  period            keys     visitors  views
pages  day    2026-03-10 00:00  /nine    9         0
pages  month  2026-03-01 00:00  (other)  6         0
pages  month  2026-03-01 00:00  /eight   8         0"""
    )


def test_late_hits_are_folded_by_the_next_run_also_the_same_ones_again(cellar: Cellar) -> None:
    cellar.put("pages", "2026-03-10", "/a", 2, views=2, bounces=1)
    cellar.run(DAY_AFTER)
    for night in ("13", "14", "15"):
        # A visit that went on past midnight takes its bounce back; an import brings the like.
        cellar.put("pages", "2026-03-10", "/a", 0, views=1, bounces=-1)
        cellar.run(f"2026-03-{night}T03:00:00")

    assert (
        cellar.cells()
        == """\
name   grain  period            keys  visitors  views
pages  month  2026-03-01 00:00  /a    2         5"""
    )
    assert cellar.kept.value(f"SELECT sum(bounces) FROM {DATABASE}.cells") == "-2"


def test_late_hit_of_a_large_cell_stays_with_it(cellar: Cellar) -> None:
    cellar.put("pages", "2026-03-10", "/a", 5, views=5)
    cellar.run(DAY_AFTER)

    cellar.put("pages", "2026-03-10", "/a", 1, views=1)
    cellar.run(DAY_AFTER)

    assert cellar.kept.value(f"SELECT grain, visitors FROM {DATABASE}.cells WHERE k1 = '/a'") == (
        "day\t6"
    )


def test_cells_kept_unequally_long_are_folded_apart(cellar: Cellar) -> None:
    for keep_days in (750, 365):
        cellar.put("pages", "2026-03-10", "/a", 2, keep_days=keep_days)

    cellar.run(DAY_AFTER)

    labels = cellar.kept.value(
        f"SELECT keep_days, grain, visitors FROM {DATABASE}.cells WHERE k1 = '/a' ORDER BY ALL"
    )
    assert labels == "365\tmonth\t2\n750\tmonth\t2"


def test_goals_by_pattern_funnels_and_mail_are_folded_like_others(cellar: Cellar) -> None:
    default = make_policy(min_group=3)
    wanted = {"goals", "goals_by_page", "funnels", "email", "email_links", "email_delivered"}
    policy = replace(
        POLICY,
        statistics=(*POLICY.statistics, *(of for of in default.statistics if of.name in wanted)),
        goals={"done": Goal("done", page="/order/*/done")},
    )
    of = {each.name: each for each in policy.statistics}
    assert wanted <= set(of)
    for name, keys, visitors in (
        ("goals", "done", 9),
        ("goals", "other", 1),
        ("goals_by_page", "done /order/1/done", 1),
        ("funnels", "shop 1 /basket", 2),
        ("email", "spring a person", 2),
        ("email", "spring b person", 9),
        ("email_links", "spring 1", 2),
        ("email_delivered", "spring a", 0),
    ):
        cellar.put(name, "2026-03-10", keys, visitors, statistic=of[name], hits=3)
    before = cellar.sums()

    cellar.run(DAY_AFTER, policy)

    days = f"SELECT statistic, k1, k2 FROM {DATABASE}.cells WHERE grain = 'day' ORDER BY ALL"
    assert cellar.kept.value(days) == "email_delivered(campaign,variant)\tspring\ta"
    assert cellar.sums() == before
    cellar.run(NEXT_MONTH, policy)
    assert cellar.sums() == before


def test_second_run_finds_nothing_to_do(cellar: Cellar) -> None:
    cellar.put("pages", "2026-03-10", "/a", 1)
    cellar.put("pages", "2026-03-10", "/b", 4)
    cellar.run(NEXT_MONTH)
    cells, parts = cellar.cells(), part_names(cellar)

    report = cellar.run(NEXT_MONTH)

    assert report.unsettled == 0
    assert (cellar.cells(), part_names(cellar)) == (cells, parts)


def test_hit_that_comes_in_at_any_step_is_folded_by_the_next_run(cellar: Cellar) -> None:
    cellar.put("pages", "2026-03-10", "/a", 1)
    steps: list[int] = []
    cellar.run(NEXT_MONTH, step=lambda _done, _of: steps.append(1))
    for late in range(len(steps)):
        cellar.clear()
        cellar.put("pages", "2026-03-10", "/a", 1)
        to_come = [None] * late

        def step(_done: int, _of: int, to_come: list[None] = to_come) -> None:
            if to_come:
                to_come.pop()
            else:
                cellar.put("pages", "2026-03-11", "/late", 1)
                to_come.extend([None] * 100)

        cellar.run(NEXT_MONTH, step=step)
        cellar.run(NEXT_MONTH)

        assert "day" not in cellar.cells(), f"at step {late}"
        assert cellar.kept.value(f"SELECT sum(visitors) FROM {DATABASE}.cells") == "2"


def test_batch_counts_stay(cellar: Cellar) -> None:
    for _ in range(3):
        cellar.put("pages", "2026-03-10", "/a", 1)
    before = cellar.kept.store.batches(cellar.kept.spool.collector)
    counted = f"SELECT sum(hits) FROM {DATABASE}.cells WHERE statistic = '(batch)'"

    cellar.run(DAY_AFTER)

    assert cellar.kept.value(counted) == "3"
    assert cellar.kept.store.batches(cellar.kept.spool.collector) == before


def test_partition_is_one_part_without_empty_rows_after_a_run(cellar: Cellar) -> None:
    for day in ("08", "09", "10"):
        cellar.put("pages", f"2026-03-{day}", "/a", 1)

    cellar.run(DAY_AFTER)

    assert len(part_names(cellar).splitlines()) == 1
    rows = f"SELECT count(), countIf(visitors = 0 AND hits = 0) FROM {DATABASE}.cells"
    assert cellar.kept.value(rows) == "2\t0"


def test_moves_that_do_not_add_up_are_put_nowhere(cellar: Cellar) -> None:
    cellar.put("pages", "2026-03-10", "/a", 2)
    before = cellar.cells()
    client = cellar.kept.store._client
    client.command(f"CREATE TABLE {STAGING} AS {DATABASE}.cells ENGINE = Memory")
    row = ["pages(page)", 750, "day", SITE, at("2026-03-10"), "/a", "", "", -2, 0, 0, 0, 0, 0]
    stage_rows(client, [row])

    with pytest.raises(StoreFailed, match="would change 1 sums; the cells are as they were"):
        put_staged(client, Partition(202603, 750), keeps_sums=True)

    assert cellar.cells() == before


def test_moves_that_a_server_forgot_end_the_run(cellar: Cellar) -> None:
    client = cellar.kept.store._client
    client.command(f"CREATE TABLE IF NOT EXISTS {STAGING} AS {DATABASE}.cells ENGINE = Memory")
    out = ["pages(page)", 750, "day", SITE, at("2026-03-10"), "/a", "", "", -2, 0, 0, 0, 0, 0]
    stage_rows(client, [out, [*out[:8], 2, 0, 0, 0, 0, 0]])
    client.command(f"TRUNCATE TABLE {STAGING}")  # as a start anew leaves it

    with pytest.raises(StoreFailed, match="the store forgot what was to be moved"):
        put_staged(client, Partition(202603, 750), keeps_sums=True)


def test_moves_never_leave_their_partition(cellar: Cellar) -> None:
    client = cellar.kept.store._client
    client.command(f"CREATE TABLE IF NOT EXISTS {STAGING} AS {DATABASE}.cells ENGINE = Memory")
    out = ["pages(page)", 750, "day", SITE, at("2026-03-10"), "/a", "", "", -2, 0, 0, 0, 0, 0]
    elsewhere = [*out[:4], at("2026-04-10"), "/a", "", "", 2, 0, 0, 0, 0, 0]
    stage_rows(client, [out, elsewhere])

    with pytest.raises(StoreFailed):
        put_staged(client, Partition(202603, 750), keeps_sums=True)


def test_store_that_others_share_is_left_to_the_run_that_holds_it(cellar: Cellar) -> None:
    cellar.put("pages", "2026-03-10", "/a", 2)
    client = cellar.kept.store._client
    client.command(f"DROP TABLE IF EXISTS {STAGING} SYNC")
    client.command(f"CREATE TABLE {STAGING} AS {DATABASE}.cells ENGINE = Memory")
    made = int(
        cellar.kept.value(
            "SELECT toUnixTimestamp(metadata_modification_time) FROM system.tables"
            f" WHERE database = '{DATABASE}' AND name = 'moves'"
        )
    )

    with pytest.raises(StoreFailed, match="another collector runs retention"):
        run_retention(client, POLICY, made + 60, None, shared=True)
    assert "day" in cellar.cells()

    run_retention(client, POLICY, made + 7 * 3_600, None, shared=True)  # it was killed
    assert "day" not in cellar.cells()


def test_snapshot_that_a_killed_backup_left_goes_and_one_that_is_read_stays(cellar: Cellar) -> None:
    cellar.put("pages", "2026-03-10", "/a", 9)
    take_snapshot(cellar.kept.store._client)
    named = f"FROM system.tables WHERE database = '{DATABASE}' AND name = '{SNAPSHOT}'"
    made = int(cellar.kept.value(f"SELECT toUnixTimestamp(metadata_modification_time) {named}"))

    run_retention(cellar.kept.store._client, POLICY, made + 60, None)
    assert cellar.kept.value(f"SELECT count() {named}") == "1"

    run_retention(cellar.kept.store._client, POLICY, made + 7 * 3_600, None)
    assert cellar.kept.value(f"SELECT count() {named}") == "0"


def test_month_of_a_site_goes_on_while_its_last_day_is_open(cellar: Cellar) -> None:
    cellar.put("pages", "2026-03-31", "/a", 1)
    cellar.put("pages", "2026-03-31", "/a", 1, site="other.example")

    cellar.run("2026-04-01T00:00:00")  # 02:00 in Berlin, 14:00 in Kiritimati

    assert (
        cellar.cells("site = 'example.org'").endswith(
            "month  2026-03-01 00:00  (other)  1         0"
        )
        is True
    )


def part_names(cellar: Cellar) -> str:
    return cellar.kept.value(
        "SELECT name FROM system.parts WHERE active AND rows > 0 AND table = 'cells' ORDER BY name"
    )


def test_policy_text_reads() -> None:
    assert policy_of() == POLICY


def test_month_keeps_its_keys_where_the_rest_is_known_by_a_single_one(cellar: Cellar) -> None:
    """Of many pages, one is seen by day: the others must not leave one by one, night by night."""
    for day in range(10, 16):
        cellar.put("traffic", f"2026-03-{day}T09:00", "", 400, views=400)
        cellar.put_views("pages", f"2026-03-{day}", {"/always": 40})
    for day, page, views in ((10, "/seen", 5), (11, "/seen", 1), (12, "/rare", 1)):
        cellar.put_views("pages", f"2026-03-{day}", {page: views})
    for day in (13, 14):
        cellar.put_views("pages", f"2026-03-{day}", {f"/{number}": 2 for number in range(120)})
    before = cellar.sums()

    cellar.run(NEXT_MONTH)

    rows = f"SELECT k1, visitors FROM {DATABASE}.cells WHERE grain = 'month' AND k1 != ''"
    first = cellar.kept.value(f"{rows} ORDER BY k1").splitlines()
    assert len(first) == 120
    assert first[0] == "(other)\t6"
    assert cellar.sums() == before
    cellar.last = None
    cellar.run(NEXT_MONTH)
    assert cellar.kept.value(f"{rows} ORDER BY k1").splitlines() == first


def test_site_at_fault_keeps_no_other_from_being_folded(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fold(cells: SiteCells, declared: Declared, first: LocalSeconds, *, is_over: bool) -> Folded:
        if cells.site == SITE:
            raise ValueError("/secret")
        return fold_site(cells, declared, first, is_over=is_over)

    for site in (SITE, "other.example"):
        cellar.put("pages", "2026-03-10", "/small", 1, site=site)
        cellar.put("pages", "2026-03-01", "/rare", 1, site=site, grain="month")
    grains = f"SELECT site, k1, grain FROM {DATABASE}.cells WHERE k1 != '' ORDER BY ALL"
    with monkeypatch.context() as patched:
        patched.setattr(choosing, "fold_site", fold)
        report = cellar.run(NEXT_MONTH)

    left = [f"{SITE}\t/rare\tmonth", f"{SITE}\t/small\tday"]
    assert cellar.kept.value(grains).splitlines() == [*left, "other.example\t(other)\tmonth"]
    assert report.not_folded == {SITE: [202603]}
    assert cellar.last is not None
    assert not cellar.last.settled
    client = cellar.kept.store._client
    assert read_status(client, POLICY, at(NEXT_MONTH), cellar.last).not_folded == {SITE: [202603]}
    assert "ValueError" in caplog.text
    assert "/secret" not in caplog.text

    again = cellar.run(NEXT_MONTH)

    assert "day" not in cellar.kept.value(grains)
    assert (again.not_folded, cellar.last.not_folded) == ({}, {})


def test_site_whose_cells_can_not_be_read_keeps_no_other_from_being_folded(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(
        client: Client,
        slot: int,
        partitions: Sequence[Partition],
        names: Collection[str],
        closed: Mapping[SiteId, int],
    ) -> bytes:
        if SITE in closed:
            raise StoreFailed("the cells can't be read (ClickHouse error 241)")
        return hold_cells(client, slot, partitions, names, closed)

    for site in (SITE, "other.example"):
        cellar.put("pages", "2026-03-10", "/small", 1, site=site)
    with monkeypatch.context() as patched:
        patched.setattr(folding, "hold_cells", hold)
        report = cellar.run(NEXT_MONTH)

    grains = f"SELECT site, grain FROM {DATABASE}.cells WHERE k1 != '' ORDER BY ALL"
    assert cellar.kept.value(grains).splitlines() == [f"{SITE}\tday", "other.example\tmonth"]
    assert report.not_folded == {SITE: [202603]}


def test_much_of_one_site_leaves_statistic_by_statistic(
    cellar: Cellar, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, keys in (("pages", "/a"), ("pages", "/b"), ("steps", "/a /b"), ("steps", "/b /a")):
        cellar.put(name, "2026-03-10", keys, 1, views=1)
        cellar.put(name, "2026-03-11", keys, 1, views=1)
    before = cellar.sums()
    with monkeypatch.context() as patched:
        patched.setattr(folding, "MAX_STAGED_CELLS", 5)
        cellar.run(DAY_AFTER)
        assert "day" not in cellar.cells()
        cellar.run(NEXT_MONTH)

    assert cellar.sums() == before
    months = f"SELECT k1, visitors FROM {DATABASE}.cells WHERE k1 != '' ORDER BY ALL"
    assert cellar.kept.value(months).splitlines() == ["(other)\t4", "(other)\t4"]
