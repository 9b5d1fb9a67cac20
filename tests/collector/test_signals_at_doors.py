"""A visitor's will, sent to a real server by every live door: obeyed, and counted as refused."""

import json
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.anonymizer import tc_strings
from tests.anonymizer.consent_strings import GPP_OPT_OUT, gpp_string, tc_string
from tests.running import FIREFOX, POLICY, Server

SITES = {
    "exempt.example": 'consent = "exempt"',
    "opt-in.example": 'consent = "opt-in"',
    "opt-out.example": 'consent = "opt-out"',
    "kids.example": "child_directed = true",
    "school.example": 'child_paths = ["/kids"]',
}
POLICY_OF_SITES = POLICY.partition("[[site]]")[0] + "".join(
    f'[[site]]\ndomain = "{domain}"\ntimezone = "UTC"\n{line}\n' for domain, line in SITES.items()
)

ALL = tc_string((7, 8, 9, 10))
NONE = tc_string()
INTEREST = tc_string((), (7, 8, 9, 10))


def row(site: str, answer: str, **told: str) -> object:
    words = " ".join(f"{name}={value[-20:]}" for name, value in told.items()) or "nothing told"
    return pytest.param(f"{site}.example", told, answer, id=f"{site}: {words}")


ROWS = [
    row("exempt", "counted"),
    row("exempt", "counted", c="1,audience"),
    row("exempt", "refused consent_refused", c="no"),
    row("exempt", "refused consent_refused", gdpr_consent=NONE),
    row("exempt", "counted", gdpr="1", gdpr_consent=INTEREST),
    row("exempt", "refused consent_refused", cm="denied"),
    row("exempt", "counted", c="0,audience"),
    row("exempt", "refused opted_out_gpp", gpp=GPP_OPT_OUT),
    row("exempt", "refused unreadable_signal", c="?"),
    row("exempt", "refused unreadable_signal", gdpr_consent=ALL[:-2]),
    row("exempt", "refused unreadable_signal", gdpr_consent="C" * 4_000),
    row("exempt", "refused unreadable_signal", gdpr="maybe"),
    row("exempt", "refused child", k="1"),
    row("opt-in", "refused no_consent"),
    row("opt-in", "refused no_consent", gdpr="0"),
    row("opt-in", "counted", c="1,audience"),
    row("opt-in", "counted", gdpr="1", gdpr_consent=ALL),
    row("opt-in", "counted", gpp=gpp_string(ALL)),
    row("opt-in", "counted", cm="granted"),
    row("opt-in", "refused consent_refused", gdpr_consent=INTEREST),
    row("opt-in", "refused consent_void", c="0,audience"),
    row("opt-in", "refused consent_refused", cm="undecided"),
    row("opt-in", "refused consent_refused", c="1,audience", cm="denied"),
    row("opt-in", "refused unreadable_signal", c="1,audience", gpp="DBAB"),
    row("opt-out", "counted"),
    row("opt-out", "refused consent_refused", c="no"),
    row("opt-out", "refused opted_out_gpp", gpp=GPP_OPT_OUT, c="1,audience"),
    row("kids", "refused child"),
    row("kids", "refused child", c="1,audience"),
    row("school", "counted"),
]
REFUSING_HEADERS = [
    pytest.param({"DNT": "1"}, "refused opted_out_dnt", id="DNT"),
    pytest.param({"DNT": "?"}, "refused opted_out_dnt", id="unreadable DNT"),
    pytest.param({"Sec-GPC": "1"}, "refused opted_out_gpc", id="GPC"),
    pytest.param({"Cookie": "discreet_opt_out=1"}, "refused opted_out", id="opt-out cookie"),
    pytest.param({"Sec-Purpose": "prefetch"}, "refused prefetch", id="prefetch"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("signals"), POLICY_OF_SITES) as server:
        yield server


@pytest.fixture(scope="module")
def answers() -> Counter[tuple[str, str, str]]:
    """Collect what the doors answered, by site, door and answer."""
    return Counter()


class Doors:
    def __init__(self, client: httpx.Client, answers: Counter[tuple[str, str, str]]) -> None:
        self._client = client
        self._answers = answers

    def send(
        self, door: str, site: str, told: dict[str, str], headers: dict[str, str], page: str = "/"
    ) -> str:
        if door == "event":
            keys = {"n": "pageview", "u": page, "d": site, **told}
            if "k" in keys:
                keys["k"] = bool(int(keys["k"]))  # type: ignore[assignment]  # JSON's true
            answer = self._client.post("/api/event", content=json.dumps(keys), headers=headers)
        else:
            answer = self._client.get(
                "/pixel.gif", params={"d": site, "u": page, **told}, headers=headers
            )
        assert answer.status_code in (200, 202), answer.text
        said = answer.headers["X-Discreet"]
        self._answers[site, door, said.removeprefix("refused ")] += 1
        return said


@pytest.fixture(scope="module")
def doors(server: Server, answers: Counter[tuple[str, str, str]]) -> Iterator[Doors]:
    with httpx.Client(base_url=server.url, headers={"User-Agent": FIREFOX}) as client:
        yield Doors(client, answers)


@pytest.mark.parametrize("door", ["event", "pixel"])
@pytest.mark.parametrize(("site", "told", "answer"), ROWS)
def test_signal_is_obeyed(
    doors: Doors, door: str, site: str, told: dict[str, str], answer: str
) -> None:
    assert doors.send(door, site, told, {}) == answer


@pytest.mark.parametrize("door", ["event", "pixel"])
@pytest.mark.parametrize("site", ["exempt.example", "opt-in.example", "opt-out.example"])
@pytest.mark.parametrize(("headers", "answer"), REFUSING_HEADERS)
def test_forged_consent_does_not_outweigh_a_refusal(
    doors: Doors, door: str, site: str, headers: dict[str, str], answer: str
) -> None:
    told = {"c": "1,audience,campaigns,operations", "gdpr": "1", "gdpr_consent": ALL}

    assert doors.send(door, site, told, headers) == answer


@pytest.mark.parametrize("headers", [{"DNT": "0"}, {"Sec-GPC": "0"}, {"Cookie": "opt_out=1"}])
@pytest.mark.parametrize("door", ["event", "pixel"])
def test_header_that_refuses_nothing_is_counted(
    doors: Doors, door: str, headers: dict[str, str]
) -> None:
    assert doors.send(door, "exempt.example", {}, headers) == "counted"


@pytest.mark.parametrize("door", ["event", "pixel"])
@pytest.mark.parametrize(
    ("page", "answer"),
    [("/kids/games", "refused child"), ("//KIDS/", "refused child"), ("/kidskin", "counted")],
)
def test_page_for_children_is_refused(doors: Doors, door: str, page: str, answer: str) -> None:
    assert doors.send(door, "school.example", {}, {}, page) == answer


def test_consent_text_of_100_kilobytes_is_a_refusal(doors: Doors) -> None:
    for told in ({"gdpr_consent": "C" * 100_000}, {"gpp": "D" * 100_000}, {"c": "1" * 100_000}):
        said = doors.send("event", "exempt.example", told, {})
        assert said == "refused unreadable_signal"


def test_consent_text_of_10_000_ranges_is_a_refusal(doors: Doors) -> None:
    ranges = [(vendor, vendor + 1) for vendor in range(1, 8_001, 2)]
    restrictions = [tc_strings.restriction(purpose, 0, *ranges) for purpose in (8, 9, 10)]
    core = tc_strings.core(restrictions=restrictions)
    told = {"gdpr_consent": f"{core}.{tc_strings.disclosed()}.{tc_strings.publisher((8, 9))}"}

    assert sum(map(len, restrictions)) > 10_000 * 33
    said = doors.send("event", "exempt.example", told, {})
    assert said == "refused unreadable_signal"


def test_every_refusal_stands_in_coverage_and_no_text_on_the_disk(
    server: Server, answers: Counter[tuple[str, str, str]]
) -> None:
    """Runs last: counts what the tests before it sent."""
    server.stop()
    rows = server.query(
        "SELECT site, door, reason, sum(hits) FROM coverage GROUP BY site, door, reason"
    )
    counted = Counter(
        {
            (site, door, reason): int(hits)
            for site, door, reason, hits in map(str.split, rows.splitlines())
        }
    )
    views = server.query("SELECT sum(views) FROM traffic")
    stored = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())

    assert answers
    assert counted == answers
    assert int(views) == sum(n for (_, _, said), n in answers.items() if said == "counted")
    for text in (ALL, NONE, INTEREST, GPP_OPT_OUT):
        assert text.encode() not in stored
