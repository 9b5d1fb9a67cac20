"""Residency with two real engines: the collector's own and a `discreet engine` process."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.engine_process import EngineProcess, start_engine
from tests.laws.canaries import Canaries, files_under
from tests.running import FIREFOX, POLICY, Server, discreet, hit, refusal_of

REGIONS = """
[[site]]
domain = "example.cn"
timezone = "Asia/Shanghai"

[residency]
stored_in = ["Germany"]

[residency.regions.cn]
store = "clickhouse://collector@127.0.0.1:{port}/default"
stored_in = ["China"]
sites = ["example.cn"]
countries = ["CN", "HK"]
"""
PAGES = "SELECT site, page, sum(views) FROM pages GROUP BY site, page ORDER BY site, page"
COVERAGE = (
    "SELECT site, reason, sum(hits) FROM coverage GROUP BY site, reason ORDER BY site, reason"
)
MIN_GROUP_ONE = '\n[[statistic]]\nname = "pages"\nmin_group = 1\n'


def of_cn(page: str, **more: object) -> dict[str, object]:
    """Return a page view of the region's own site."""
    return {"n": "pageview", "u": f"https://example.cn{page}", "d": "example.cn", **more}


class Two:
    """A collector and the engine of its region."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine: EngineProcess = start_engine(folder / "cn")
        password = folder / "password"
        password.write_text(f"{self.engine.password}\n", "utf-8")
        self.options = ("--region-password-file", f"cn={password}")
        policy = POLICY + REGIONS.format(port=self.engine.port) + MIN_GROUP_ONE
        self.server = Server(folder, policy, self.options)
        self.server.start()

    def send(self, *hits: dict[str, object], agent: str = FIREFOX, **headers: str) -> None:
        answer = self.server.send(*hits, agent=agent, **headers)
        assert answer.status_code == 202, answer.text

    def ask_cn(self, sql: str) -> str:
        options = ("--data", self.server.data, "--region", "cn", *self.options)
        asked = discreet("query", *options, sql)
        assert asked.returncode == 0, asked.stderr.decode()
        return asked.stdout.decode()

    def wait_for_cn(self, sql: str, expected: str) -> None:
        """Ask the region until it answers as expected; a store that came back is tried in 4 s."""
        options = ("--data", self.server.data, "--region", "cn", *self.options)
        for _ in range(20):
            # Until the collector has come back to it, a new store has no views, and says so by 2.
            asked = discreet("query", *options, sql)
            if asked.stdout.decode() == expected:
                return
        assert asked.stdout.decode() == expected, asked.stderr.decode()

    def close(self) -> None:
        if self.server._process is not None:
            self.server.kill()
        if self.engine._process is not None:
            self.engine.kill()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    two = Two(tmp_path)
    yield two
    two.close()


def test_hits_go_to_the_region_of_their_site_or_country_and_nowhere_else(two: Two) -> None:
    chance = Canaries(seed=5)
    pages = {where: f"/{chance.word(where)}" for where in ("home", "site", "country")}
    two.send(hit(pages["home"], tz="Europe/Berlin"), agent="Firefox/1")
    two.send(of_cn(pages["site"], tz="Europe/Berlin"), agent="Firefox/2")
    two.send(hit(pages["country"], tz="Asia/Hong_Kong"), agent="Firefox/3")
    two.server.wait_for(PAGES, f"example.org\t{pages['home']}\t1\n")
    in_cn = f"example.cn\t{pages['site']}\t1\nexample.org\t{pages['country']}\t1\n"
    two.wait_for_cn(PAGES, in_cn)

    running = (
        chance.found_in(files_under(two.server.data)),
        chance.found_in(files_under(two.engine.path)),
    )
    two.server.stop()
    two.engine.stop()
    at_home = chance.found_in(
        {**files_under(two.server.data), "output": two.server.output.encode()}
    )
    elsewhere = chance.found_in(
        {**files_under(two.engine.path), "output": two.engine.output.encode()}
    )
    for home, cn in (running, [at_home, elsewhere]):
        assert {found.split(" as ")[0] for found in home} == {"home"}
        assert {found.split(" as ")[0] for found in cn} == {"site", "country"}


def test_refusal_is_counted_in_the_region_of_its_site(two: Two) -> None:
    two.send(of_cn("/a", tz="Asia/Shanghai"), Sec_GPC="1")
    two.send(hit("/a", tz="Asia/Shanghai"), Sec_GPC="1")
    two.server.wait_for(COVERAGE, "example.org\topted_out_gpc\t1\n")
    two.wait_for_cn(COVERAGE, "example.cn\topted_out_gpc\t1\n")


def test_request_with_hits_of_two_regions_counts_in_both(two: Two) -> None:
    two.send(hit("/home"), of_cn("/cn"), hit("/hk", tz="Asia/Hong_Kong"))
    two.server.wait_for(PAGES, "example.org\t/home\t1\n")
    two.wait_for_cn(PAGES, "example.cn\t/cn\t1\nexample.org\t/hk\t1\n")


def test_outage_of_one_region_is_not_seen_in_the_other_and_loses_nothing(two: Two) -> None:
    two.engine.kill()
    for number in range(3):
        two.send(of_cn("/waits"), agent=f"Firefox/{number}")
        two.send(hit("/goes-on"), agent=f"Firefox/{number}")
    two.server.wait_for(PAGES, "example.org\t/goes-on\t3\n")
    refusal_of("query", "--data", two.server.data, "--region", "cn", *two.options, PAGES)
    two.server.kill()
    two.server.start()  # while the region is away
    two.send(of_cn("/waits"), agent="Firefox/9")
    two.send(hit("/goes-on"), agent="Firefox/9")
    two.server.wait_for(PAGES, "example.org\t/goes-on\t4\n")
    two.engine.start()
    two.wait_for_cn(PAGES, "example.cn\t/waits\t4\n")


def test_region_that_takes_questions_and_never_answers_holds_no_start_up(two: Two) -> None:
    two.server.stop()
    two.engine.pause()
    began = time.monotonic()
    two.server.start()
    assert time.monotonic() - began < 30  # of the minute that an answer may take
    two.send(of_cn("/waits"))
    two.send(hit("/goes-on"))
    two.server.wait_for(PAGES, "example.org\t/goes-on\t1\n")
    two.engine.resume()
    two.wait_for_cn(PAGES, "example.cn\t/waits\t1\n")


def test_every_answered_hit_counts_once_in_its_region_however_often_both_are_killed(
    two: Two,
) -> None:
    sent = 0
    for lap in range(3):
        for number in range(10):
            agent = f"Firefox/{lap}{number}"
            two.send(hit("/both"), of_cn("/both"), agent=agent)
            two.send(of_cn("/both"), agent=agent)
            sent += 1
        if lap % 2:
            two.engine.kill()
            two.engine.start()
        two.server.kill()
        two.server.start()
    two.server.wait_for(PAGES, f"example.org\t/both\t{sent}\n")
    two.wait_for_cn(PAGES, f"example.cn\t/both\t{2 * sent}\n")


def test_dashboard_of_a_site_asks_the_sites_region(two: Two) -> None:
    two.send(of_cn("/only-in-china"))
    two.wait_for_cn(PAGES, "example.cn\t/only-in-china\t1\n")
    login = re.search(r"login\s+(\S+)\s+password (\S+)", two.server.output)
    assert login
    with httpx.Client(base_url=two.server.url, follow_redirects=True) as client:
        form = client.get("/dashboard/login").text
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
        fields |= {"name": login[1], "password": login[2]}
        client.post("/dashboard/login", data=fields)
        page = client.get("/dashboard", params={"site": "example.cn"}).text
        assert "/only-in-china" in page
        assert "/only-in-china" not in client.get("/dashboard", params={"site": "example.org"}).text
        two.engine.kill()
        assert client.get("/dashboard", params={"site": "example.cn"}).status_code == 503
        assert client.get("/dashboard", params={"site": "example.org"}).status_code == 200


def test_notice_and_record_tell_where_each_regions_counters_lie(two: Two) -> None:
    notice = httpx.get(f"{two.server.url}/privacy", headers={"Accept-Language": "en"}).text
    assert "They are stored in: Germany." in notice
    assert "Those of example.cn are stored apart, in: China." in notice
    assert "Those of visitors from CN, HK" in notice
    assert f":{two.engine.port}" not in notice
    chinese = httpx.get(f"{two.server.url}/privacy", headers={"Accept-Language": "zh"}).text
    assert "单独存放于：China" in chinese
    report = discreet("policy", "report", "--policy", two.server.policy).stdout.decode()
    assert "China" in report


def test_imported_log_of_a_regions_site_is_counted_there_once(two: Two) -> None:
    line = b'192.0.2.1 - - [10/Nov/2026:13:55:36 +0000] "GET /log HTTP/1.1" 200 9 "-" "%s"\n'
    log = two.folder / "access.log"
    log.write_bytes(line % FIREFOX.encode())
    two.server.stop()
    options = ("--site", "example.cn", "--data", two.server.data, *two.options)
    for _ in range(2):
        imported = discreet("import", log, *options)
        assert imported.returncode == 0, imported.stderr.decode()
    assert two.ask_cn(PAGES) == "example.cn\t/log\t1\n"
    assert two.server.query(PAGES) == ""


def test_region_is_backed_up_and_restored_by_itself(two: Two) -> None:
    two.send(hit("/home"), of_cn("/cn"))
    two.wait_for_cn(PAGES, "example.cn\t/cn\t1\n")
    data = ("--data", two.server.data, *two.options)
    for options in ((), ("--region", "cn")):
        to = two.folder / f"backup{len(options)}"
        made = discreet("backup", to, *data, *options)
        assert made.returncode == 0, made.stderr.decode()
    two.server.stop()
    again = ("restore", two.folder / "backup2", *data, "--region", "cn")
    assert "the store holds cells already" in refusal_of(*again)
    two.engine.stop()
    shutil.rmtree(two.engine.path)
    two.engine.start()
    restored = discreet(*again)
    assert restored.returncode == 0, restored.stderr.decode()
    assert two.ask_cn(PAGES) == "example.cn\t/cn\t1\n"
    wrong = discreet("restore", two.folder / "backup2", "--data", two.folder / "new")
    assert b"is of the region cn: give --region cn" in wrong.stderr
    wrong = discreet("restore", two.folder / "backup0", *data, "--region", "cn")
    assert b"is of no region" in wrong.stderr
    alone = discreet("restore", two.folder / "backup0", "--data", two.folder / "new")
    assert alone.returncode == 0, alone.stderr.decode()
    asked = discreet("query", "--data", two.folder / "new", PAGES)
    assert asked.stdout == b"example.org\t/home\t1\n"


@pytest.mark.parametrize("change", ["it goes", "its store moves"])
def test_region_for_which_hits_wait_is_not_left(two: Two, change: str) -> None:
    two.engine.kill()
    two.send(of_cn("/waits"))
    two.server.stop()
    before = two.server.policy.read_text()
    if change == "it goes":
        after = before[: before.index("[residency.regions.cn]")]
    else:
        after = before.replace("127.0.0.1:", "localhost:")
    two.server.policy.write_text(after.replace('version = "1"', 'version = "2"'))
    serve = ("serve", "--policy", two.server.policy, "--data", two.server.data, "--port", "0")
    assert refusal_of(*serve, *two.options).startswith("region cn: hits wait for ")
    two.server.policy.write_text(before)
    two.engine.start()
    two.server.start()
    two.wait_for_cn(PAGES, "example.cn\t/waits\t1\n")
