"""The door for analysts' SQL as its clients see it: a real server, real clients."""

import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import clickhouse_connect
import httpx
import pytest
import sqlalchemy
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.collector.sql_lists import PARAMETERS, read_friendly, read_hostile
from tests.running import Server, discreet, hit

CANARIES = ("kanarienvogel", "canary@example.org", "203.0.113.77")


class Analyst:
    """A server with three views counted, and the owner's name and password."""

    def __init__(self, server: Server) -> None:
        self.server = server
        found = re.search(r"login +(\S+) +password (\S+)", server.output)
        assert found
        self.name, self.password = found[1], found[2]
        self.url = f"{server.url}/clickhouse/"
        self.address = urlsplit(server.url)
        self.http = httpx.Client(auth=(self.name, self.password), timeout=60)

    def post(
        self,
        sql: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        return self.http.post(self.url, content=sql, params=params, headers=headers)

    def audit(self) -> bytes:
        return b"".join(path.read_bytes() for path in (self.server.data / "audit").iterdir())

    def client(self) -> Client:
        return clickhouse_connect.get_client(
            host=self.address.hostname,
            port=self.address.port,
            username=self.name,
            password=self.password,
            interface="http",
            proxy_path="clickhouse",
        )


@pytest.fixture(scope="module")
def analyst(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analyst]:
    with Server(tmp_path_factory.mktemp("door")) as server:
        server.send(hit("/a"))
        server.send(hit("/b"), agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0")
        server.send(hit("/a"))
        server.wait_for("SELECT sum(views) FROM pages", "3\n")
        analyst = Analyst(server)
        yield analyst
        analyst.http.close()


@pytest.fixture(scope="module")
def client(analyst: Analyst) -> Iterator[Client]:
    client = analyst.client()
    yield client
    client.close()


def test_every_hostile_query_is_refused_over_http(analyst: Analyst) -> None:
    before = analyst.server.query("SELECT page, sum(views) FROM pages GROUP BY page ORDER BY page")

    for entry in read_hostile():
        if entry.kind not in {"limit", "shadow"}:
            answer = analyst.post(entry.sql)
            assert answer.status_code >= 400, entry.sql
            assert "X-ClickHouse-Exception-Code" in answer.headers, entry.sql

    after = analyst.server.query("SELECT page, sum(views) FROM pages GROUP BY page ORDER BY page")
    assert after == before == "/a\t2\n/b\t1\n"


def test_every_friendly_query_is_answered_over_http(analyst: Analyst) -> None:
    parameters = {f"param_{name}": value for name, value in PARAMETERS.items()}
    for entry in read_friendly():
        answer = analyst.post(entry.sql, params=parameters)
        assert answer.status_code == 200, (entry.sql, answer.text)


def test_clickhouse_connect_gets_rows_and_frames(client: Client) -> None:
    sql = "SELECT page, sum(views) AS views FROM pages GROUP BY page ORDER BY page"

    assert client.query(sql).result_rows == [("/a", 2), ("/b", 1)]
    frame = client.query_df(sql)
    assert frame.to_dict("list") == {"page": ["/a", "/b"], "views": [2, 1]}


def test_clickhouse_connect_binds_parameters(client: Client) -> None:
    sql = (
        "SELECT sum(views) FROM pages"
        " WHERE page IN {pages:Array(String)} AND page != {other:String}"
    )
    parameters = {"pages": ["/a", "it's", "b\\"], "other": "tab\t' OR 1"}

    assert client.query(sql, parameters=parameters).result_rows == [(2,)]


def test_clickhouse_connect_streams_and_commands(client: Client) -> None:
    assert client.command("SELECT count() FROM pages") == 2
    with client.query_rows_stream("SELECT number FROM numbers(100000)") as rows:
        assert sum(row[0] for row in rows) == 4_999_950_000
    assert client.raw_query("SELECT 1 AS a", fmt="JSONEachRow") == b'{"a":1}\n'


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        pytest.param("SELECT * FROM discreet.cells", 497, id="table"),
        pytest.param("SELECT no_such_column FROM pages", 47, id="column"),
        pytest.param("SELECT * FROM numbers(100000000000)", 158, id="limit"),
    ],
)
def test_clickhouse_connect_tells_clickhouses_codes(client: Client, sql: str, code: int) -> None:
    with pytest.raises(DatabaseError) as failed:
        client.query(sql)

    assert failed.value.code == code


def test_clickhouse_connect_can_not_write(client: Client) -> None:
    with pytest.raises(DatabaseError):
        client.insert("pages", [["x"]], column_names=["page"])
    with pytest.raises(DatabaseError):
        client.command("DROP VIEW pages")


def test_sqlalchemy_reflects_the_views_and_asks_them(analyst: Analyst) -> None:
    url = (
        f"clickhousedb://{analyst.name}:{analyst.password}@{analyst.address.netloc}/default"
        "?interface=http&proxy_path=clickhouse"
    )
    engine = sqlalchemy.create_engine(url)
    inspector = sqlalchemy.inspect(engine)

    assert inspector.get_schema_names() == ["default"]
    assert "pages" in inspector.get_table_names()
    assert "pages" in inspector.get_view_names()
    assert inspector.has_table("pages")
    assert not inspector.has_table("cells", schema="discreet")
    assert [column["name"] for column in inspector.get_columns("pages")][:3] == [
        *("site", "day", "page"),
    ]
    table = sqlalchemy.Table("pages", sqlalchemy.MetaData(), autoload_with=engine)
    asked = (
        sqlalchemy.select(table.c.page, sqlalchemy.func.sum(table.c.views))
        .where(table.c.page == "/a")
        .group_by(table.c.page)
    )
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(asked)] == [("/a", 2)]
    engine.dispose()


def test_curl_asks(analyst: Analyst) -> None:
    sql = "SELECT page, views FROM pages ORDER BY page FORMAT CSVWithNames"
    asked = subprocess.run(
        ["curl", "-s", "-u", f"{analyst.name}:{analyst.password}", analyst.url, "-d", sql],
        capture_output=True,
        timeout=30,
        check=True,
    )

    assert asked.stdout == b'"page","views"\n"/a",2\n"/b",1\n'


@pytest.mark.parametrize("path", ["/clickhouse", "/clickhouse/"])
def test_door_is_there_with_and_without_the_stroke(analyst: Analyst, path: str) -> None:
    answer = httpx.get(
        f"{analyst.server.url}{path}",
        params={"query": "SELECT 1"},
        auth=(analyst.name, analyst.password),
    )

    assert (answer.status_code, answer.text) == (200, "1\n")


def test_ping_needs_no_login(analyst: Analyst) -> None:
    assert httpx.get(f"{analyst.url}ping").text == "Ok.\n"


@pytest.mark.parametrize(
    ("login", "code"),
    [
        pytest.param(("owner", "wrong"), "516", id="wrong password"),
        pytest.param(("nobody", "wrong"), "516", id="unknown name"),
        pytest.param(None, "194", id="no login"),
    ],
)
def test_query_without_login_is_refused(
    analyst: Analyst, login: tuple[str, str] | None, code: str
) -> None:
    answer = httpx.post(analyst.url, content="SELECT 1", auth=login)

    assert answer.status_code in {401, 403}
    assert answer.headers["X-ClickHouse-Exception-Code"] == code


def test_dashboards_session_opens_no_door(analyst: Analyst) -> None:
    answer = httpx.post(analyst.url, content="SELECT 1", cookies={"discreet_session": "x"})

    assert answer.status_code == 401


def test_dashboard_and_hits_do_not_wait_for_analysts(analyst: Analyst) -> None:
    slow = "SELECT count() FROM numbers(1000000) AS a, numbers(1000000) AS b"

    # Longer from try to try: on a busy machine two seconds may be over before an answer is.
    for seconds in (2, 4, 8, 16):
        with ThreadPoolExecutor(4) as threads:
            limited = f"{slow} SETTINGS max_execution_time = {seconds}"
            running = [threads.submit(analyst.post, limited) for _ in range(2)]
            time.sleep(0.5)
            analyst.server.send({"n": "x", "u": "https://example.org/", "d": "nowhere.example"})
            page = httpx.get(f"{analyst.server.url}/dashboard/login")
            beside = not any(future.done() for future in running)
            ended = [future.result() for future in running]
        codes = [answer.headers["X-ClickHouse-Exception-Code"] for answer in ended]
        assert page.status_code == 200
        assert codes == ["159", "159"]
        if beside:
            break

    assert beside


def test_command_goes_through_the_same_guard(analyst: Analyst) -> None:
    refused = discreet("query", "--data", analyst.server.data, "SELECT * FROM discreet.cells")
    answered = discreet("query", "--data", analyst.server.data, "SELECT sum(views) FROM pages")

    assert refused.returncode == 2
    assert b"Code: 497" in refused.stderr
    assert answered.stdout == b"3\n"


def test_audit_log_holds_no_literal_alias_comment_parameter_or_header(analyst: Analyst) -> None:
    word, mail, address = CANARIES
    queries = (
        f"SELECT '{word}', {len(word)} AS {word} FROM pages AS t_{word} -- {mail}",
        f"SELECT page AS `{mail}` FROM pages WHERE page = '{mail}' AND '{address}' != ''",
        f"WITH {word} AS (SELECT 1 AS x) SELECT * FROM {word} /* {address} */",
        f"SELECT arrayMap({word} -> {word} + 1, [1]), map('{mail}', 1)",
        f"SELECT sum(views) OVER {word} FROM pages WINDOW {word} AS (ORDER BY day)",
        f"SELECT COLUMNS('{word}|page') FROM pages",
        f"SELECT * EXCEPT ({word}) FROM pages",
        f"SELECT * REPLACE (1 AS views) FROM (SELECT 1 AS views, '{word}' AS {word})",
        f"SELECT 1 SETTINGS session_timezone = '{word}'",
        f"SELECT {word} FROM pages",
        f"SELECT {word}(1)",
        f"SELECT * FROM {word}",
        f"SELECT * FROM {word}.{word}",
        f"SELECT 1 FORMAT {word}",
        f"{word} '{mail}'",
        f"SELECT {{{word}:String}}, {{x:String}}",
        f"SELECT * FROM (VALUES ('{mail}')) AS q({word})",
        f"SHOW TABLES LIKE '{word}'",
        f"DESCRIBE TABLE (SELECT 1 AS {word})",
        f"EXISTS {word}",
        f"SELECT CAST(1 AS Enum8('{word}' = 1))",
        f"SELECT day FROM pages ORDER BY day WITH FILL INTERPOLATE (page AS '{word}')",
    )
    answered = 0
    for sql in queries:
        answer = analyst.post(
            sql,
            params={
                "param_x": mail,
                f"param_{word}": address,
                "log_comment": word,
                "query_id": word,
            },
            headers={"User-Agent": word, "Referer": mail, "X-Forwarded-For": address},
        )
        answered += answer.status_code == 200
    httpx.post(analyst.url, content="SELECT 1", auth=(word, mail))

    log = analyst.audit()
    assert len(log.splitlines()) >= len(queries)
    assert answered >= 10
    for canary in CANARIES:
        for written in (canary, canary.encode().hex(), canary.upper()):
            assert written.encode() not in log, written


def test_audit_log_tells_who_asked_which_views_and_how_it_ended(analyst: Analyst) -> None:
    analyst.post("SELECT page FROM pages WHERE page IN (SELECT page FROM entry_pages)")
    analyst.post("SELECT * FROM discreet.cells")

    asked, refused = map(json.loads, analyst.audit().splitlines()[-2:])
    assert asked["user"] == refused["user"] == analyst.name
    assert asked["views"] == ["entry_pages", "pages"]
    assert asked["rows"] == 2
    assert asked["query"] == ("SELECT page FROM pages WHERE page IN (SELECT page FROM entry_pages)")
    assert "refused" not in asked
    assert abs(asked["time"] - time.time()) < 60
    assert refused["refused"] == "497 ACCESS_DENIED"
    assert refused["query"] == ""


def test_audit_log_is_its_owners_alone(analyst: Analyst) -> None:
    folder = analyst.server.data / "audit"

    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())


def test_stop_does_not_wait_for_a_query(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        analyst = Analyst(server)
        with ThreadPoolExecutor(1) as threads:
            threads.submit(analyst.post, "SELECT count() FROM numbers(900000000), numbers(900)")
            time.sleep(1)
            started = time.monotonic()
            assert server.stop() == 0
        analyst.http.close()

    assert time.monotonic() - started < 20
