"""What docs/analysts.md says of the views holds on real data, and its queries answer."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.running import FIREFOX, POLICY, Server, discreet, hit

PAGE = (Path(__file__).parents[2] / "docs" / "analysts.md").read_text("utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/126.0.0.0 Safari/537.36"
)
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
VISITORS = 40

# The group sizes of the default are what the sums must survive.
SHIPPED_SIZES = POLICY.replace("min_group = 1\n", "")


def log_of(visitors: int, noon: datetime) -> bytes:
    """Write a combined log: each visitor sees one to three pages around noon."""
    lines = []

    def add(
        address: str, minutes: int, request: str, status: int, referrer: str, agent: str
    ) -> None:
        when = (noon + timedelta(minutes=minutes)).strftime("%d/%b/%Y:%H:%M:%S +0000")
        lines.append(f'{address} - - [{when}] "{request}" {status} 9 "{referrer}" "{agent}"')

    for number in range(visitors):
        address = f"192.0.2.{number}" if number % 3 else f"198.51.100.{number}"
        agent = CHROME if number % 2 else FIREFOX
        landing = "/?utm_campaign=spring&utm_source=list" if number % 5 == 0 else "/"
        referrer = "https://www.google.com/" if number % 4 == 1 else "-"
        pages = [landing, "/pricing", f"/docs/{number}"][: 1 + number % 3]
        for step, page in enumerate(pages):
            add(address, number + step * 2, f"GET {page} HTTP/1.1", 200, referrer, agent)
    add("192.0.2.250", 0, "GET / HTTP/1.1", 200, "-", BOT)
    add("192.0.2.250", 1, "GET /logo.png HTTP/1.1", 200, "-", FIREFOX)
    add("192.0.2.250", 2, "GET /gone HTTP/1.1", 404, "-", FIREFOX)
    return "\n".join((*sorted(lines, key=lambda line: line[line.index("[") :]), "")).encode()


def filled(folder: Path, policy: str) -> Server:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    noon = yesterday.replace(hour=12, minute=0, second=0)
    (folder / "import.toml").write_text(policy)
    answer = discreet(
        *("import", "-", "--site", "example.org", "--policy", folder / "import.toml"),
        *("--data", folder / "data"),
        stdin=log_of(VISITORS, noon),
    )
    assert answer.returncode == 0, answer.stderr
    return Server(folder, policy)


@pytest.fixture(scope="module", params=["shipped", "one"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Serve an imported log and a live visit, under the shipped group sizes and under 1."""
    policy = SHIPPED_SIZES if request.param == "shipped" else POLICY
    with filled(tmp_path_factory.mktemp("data"), policy) as running:
        running.send(hit("/"), hit("/pricing"))
        running.send(hit("/"), Sec_GPC="1")
        running.wait_for("SELECT sum(hits) FROM coverage WHERE door = 'event'", "3\n")
        yield running


def sums(server: Server, measure: str, view: str, where: str = "1") -> str:
    day = "toDate(hour)" if view == "traffic" else "day"
    return server.query(
        f"SELECT {day} AS on_day, sum({measure}) FROM {view} WHERE {where}"
        " GROUP BY on_day ORDER BY on_day"
    )


def test_there_are_ten_queries() -> None:
    assert len(QUERIES) == 10


@pytest.mark.parametrize("number", range(1, 11))
def test_query_answers_with_rows(server: Server, number: int) -> None:
    assert server.query(QUERIES[number - 1]).strip()


@pytest.mark.parametrize(
    ("measure", "views"),
    [
        pytest.param("views", ("pages", "sources", "channels", "countries", "devices"), id="views"),
        pytest.param(
            "visits",
            ("entry_pages", "exit_pages", "sources", "channels", "countries", "devices"),
            id="visits",
        ),
        pytest.param("bounces", ("entry_pages", "sources", "countries", "devices"), id="bounces"),
        pytest.param("seconds", ("entry_pages", "sources", "countries", "devices"), id="seconds"),
        pytest.param("visitors", ("devices", "networks"), id="visitors"),
    ],
)
def test_sums_agree_with_traffic(server: Server, measure: str, views: tuple[str, ...]) -> None:
    expected = sums(server, measure, "traffic")

    assert expected.strip()
    assert {view: sums(server, measure, view) for view in views} == dict.fromkeys(views, expected)


def test_views_agree_with_counted_hits(server: Server) -> None:
    counted = sums(server, "hits", "coverage", "reason = 'counted'")

    assert counted == sums(server, "views", "traffic")


def test_visits_are_the_steps_from_entry_where_no_group_is_hidden(server: Server) -> None:
    hidden = server.query("SELECT count() FROM transitions WHERE page = '(other)'") != "0\n"
    agree = sums(server, "views", "transitions", "previous_page = '(entry)'") == sums(
        server, "visits", "traffic"
    )

    assert agree is not hidden


def test_list_holds_at_least_the_visitors_of_the_day(server: Server) -> None:
    pages = int(server.query("SELECT sum(visitors) FROM pages"))

    assert pages > int(server.query("SELECT sum(visitors) FROM traffic"))


def test_small_groups_stand_together_in_every_dimension(tmp_path: Path) -> None:
    with filled(tmp_path, SHIPPED_SIZES) as running:
        rows = running.query("SELECT DISTINCT previous_page, page FROM transitions ORDER BY 1, 2")
    cells = [line.split("\t") for line in rows.splitlines()]

    assert ["(other)", "(other)"] in cells
    assert [row for row in cells if row.count("(other)") == 1] == []
