"""Each fault of a policy says at which line what must be, word by word."""

import pytest

from anonymizer.policy import Dimension
from tests.anonymizer.policy_texts import (
    ALONE,
    COVERAGE,
    HEAD,
    OWN,
    PURPOSE,
    SITE,
    faults_of,
    lines_of,
)


def messages_of(text: str) -> list[str]:
    return [fault.message for fault in faults_of(text, PURPOSE + COVERAGE)]


NAME = "must be a snake_case name of at most 40 characters, none of cells, inbox, system, default"
REGION = (
    f'{ALONE}[residency.regions.east]\nstore = "clickhouse://east.example"\n'
    'stored_in = ["China"]\ncountries = ["CN"]\n'
)
TEMPLATES = 'path_templates = ["user"]\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(HEAD + 'extends = "x"\n' + SITE, 'must be "default"', id="extends"),
        pytest.param(
            ALONE.replace('"1"', '"a b"'),
            "must be at most 40 of A-Z, a-z, 0-9, . _ and -",
            id="version",
        ),
        pytest.param(HEAD + "effective = 1\n", "must be a date such as 2026-01-31", id="date"),
        pytest.param(
            HEAD + "languages = []\n",
            'must be language tags such as "en" or "pt-BR", at least one',
            id="languages",
        ),
        pytest.param(HEAD + "min_group = 0\n", "must be a whole number of at least 1", id="whole"),
        pytest.param(
            ALONE.replace('example.org"\ntime', 'a/b"\ntime'),
            "must be a host name in ASCII, with or without :port",
            id="domain",
        ),
        pytest.param(
            ALONE.replace('example.org"\ntime', 'a:65536"\ntime'),
            "must have a port of at most 65535",
            id="port",
        ),
        pytest.param(
            ALONE.replace('"UTC"', '"Mars"'),
            "must be an IANA time zone name such as Europe/Berlin",
            id="zone",
        ),
        pytest.param(
            ALONE.replace('"UTC"', '"localtime"'),
            "must be an IANA time zone name such as Europe/Berlin",
            id="zone of the machine",
        ),
        pytest.param(ALONE.replace('"UTC"', '" "'), "must not be empty", id="zone of nothing"),
        pytest.param(
            HEAD + SITE + 'child_paths = ["/a b"]\n',
            "must be a path that starts with /",
            id="child's path",
        ),
        pytest.param(
            HEAD + SITE + 'child_directed = "yes"\n', "must be true or false", id="switch"
        ),
        pytest.param(HEAD + SITE + TEMPLATES, "must start with a slash", id="template"),
        pytest.param(
            HEAD + SITE + 'consent = "x"\n', 'must be "exempt" or "opt-in" or "opt-out"', id="word"
        ),
        pytest.param(
            ALONE.replace('id = "shop"', 'id = "Shop"'),
            "must be an identifier of at most 40 characters: a-z first, then a-z, 0-9, _ and -",
            id="purpose's id",
        ),
        pytest.param(ALONE.replace('basis = "exempt"\n', ""), "is missing", id="basis"),
        pytest.param(
            HEAD + PURPOSE + "tcf = [25]\n",
            "must be a list of whole numbers from 1 to 24",
            id="TCF purpose above the last",
        ),
        pytest.param(
            HEAD + PURPOSE + "tcf = [0]\n",
            "must be a list of whole numbers from 1 to 24",
            id="TCF purpose 0",
        ),
        pytest.param(
            HEAD + PURPOSE + "tcf = [true]\n",
            "must be a list of whole numbers from 1 to 24",
            id="TCF purpose true",
        ),
        pytest.param(
            HEAD + PURPOSE + "tcf = [9, 1.0]\n",
            "must be a list of whole numbers from 1 to 24",
            id="TCF purpose and a fraction",
        ),
        pytest.param(
            HEAD + PURPOSE + "tcf = 9\n",
            "must be a list of whole numbers from 1 to 24",
            id="TCF purpose alone",
        ),
        pytest.param(
            HEAD + PURPOSE + 'titles = "x"\n', 'must be a table such as {zh = "…"}', id="titles"
        ),
        pytest.param(
            HEAD + PURPOSE + 'titles = {x1 = "x"}\n',
            'must be a language tag such as "zh" or "pt-BR"',
            id="title's language",
        ),
        pytest.param(
            HEAD + PURPOSE + "keep_days = 1101\n",
            "must be a whole number from 1 to 1100",
            id="days",
        ),
        pytest.param(ALONE.replace('"coverage"', '"Own"'), NAME, id="statistic's name"),
        pytest.param(
            OWN.replace('"own"\npurpose = "shop"', '"own"\npurpose = "ads"'),
            "must be the id of a [[purpose]]",
            id="statistic's purpose",
        ),
        pytest.param(
            ALONE.replace(', "reason"', ""), 'must be ["door", "reason"] in coverage', id="coverage"
        ),
        pytest.param(
            ALONE + 'grain = "hour"\n', 'must be "day" in coverage', id="coverage's grain"
        ),
        pytest.param(
            OWN + 'by = ["bot"]\ngrain = "hour"\n',
            'must be "day" for bots: a refused hit tells no hour',
            id="bots' grain",
        ),
        pytest.param(
            OWN + "keep_days = 751\n", "must not exceed its purpose's 750 days", id="more days"
        ),
        pytest.param(
            ALONE + "[network]\nv4_bits = 25\n",
            "must be 24, 16, 8: no finer network is ever kept",
            id="bits of IPv4",
        ),
        pytest.param(
            ALONE + "[network]\nv6_bits = '48'\n",
            "must be 48, 32, 16: no finer network is ever kept",
            id="bits of IPv6",
        ),
        pytest.param(
            ALONE + "[signals]\ntcf_vendor = 65536\n",
            "must be a whole number from 1 to 65535",
            id="vendor",
        ),
        pytest.param(
            ALONE + '[paths.campaign_parameters]\ncampaign = "a b"\n',
            "must be a parameter name of at most 40 characters: A-Z, a-z, 0-9, _ and -",
            id="parameter",
        ),
        pytest.param(
            ALONE + "[residency]\nstored_in = 1\n", "must be a list of strings", id="list"
        ),
        pytest.param(ALONE + '[residency]\nstored_in = [""]\n', "must not be empty", id="of one"),
        pytest.param(
            REGION.replace("[residency.regions.east]", "[residency.regions.East]"),
            "must be named by at most 40 of a-z, 0-9 and -, a-z first",
            id="region",
        ),
        pytest.param(
            REGION.replace("clickhouse://", "https://"),
            "must be clickhouse://USER@HOST:PORT/DATABASE, no password",
            id="store of a region",
        ),
        pytest.param(
            REGION.replace('"CN"', '"cn"'),
            'must be two capital letters such as "CN"',
            id="country of a region",
        ),
        pytest.param(
            REGION.replace('"China"', ""),
            "is missing: visitors are told where their counters lie",
            id="place of a region",
        ),
        pytest.param(
            REGION.replace("countries", "# "),
            "is missing, and so is countries: nothing would be stored there",
            id="region of nothing",
        ),
        pytest.param(
            REGION + 'sites = ["other.example"]\n',
            "must be domains of [[site]] tables of this policy",
            id="site of a region",
        ),
        pytest.param(HEAD + PURPOSE, "is missing: at least one [[site]] is needed", id="site"),
        pytest.param(SITE + PURPOSE, "is missing: a table [policy] is needed", id="head"),
        pytest.param("x = [1,\n2\n", "is not valid TOML: the text ends too early", id="cut"),
        pytest.param("x = {a = 1, a = 2}\n", "gives a key twice", id="inline key twice"),
        pytest.param(ALONE + "[policy]\n", "is given twice", id="table twice"),
        pytest.param("a = " + "[" * 60 + "]" * 60, "nests more than 50 levels deep", id="nested"),
    ],
)
def test_fault_says_what_must_be(text: str, message: str) -> None:
    told = messages_of(text)

    assert message in told


def test_dimensions_are_told_in_a_row() -> None:
    (message,) = messages_of(OWN + 'by = ["visitor"]\n')

    assert message == f"must name dimensions only; known are {', '.join(Dimension)}"


def test_fault_in_a_language_stands_at_its_line() -> None:
    titles = "titles.de = 1\ntitles.x1 = 'x'\n"
    assert lines_of(HEAD + SITE + PURPOSE + titles + COVERAGE) == [
        "line 14: purpose.titles.de: must be a string",
        'line 15: purpose.titles.x1: must be a language tag such as "zh" or "pt-BR"',
    ]


def test_fault_of_the_network_stands_at_its_line() -> None:
    assert lines_of(ALONE + "[network]\nv4_bits = true\nv6_bits = 0\n") == [
        "line 19: network.v4_bits: must be 24, 16, 8: no finer network is ever kept",
        "line 20: network.v6_bits: must be 48, 32, 16: no finer network is ever kept",
    ]


def test_fault_of_the_default_stands_at_its_own_line() -> None:
    extending = HEAD + 'extends = "default"\n' + SITE
    assert lines_of(extending, f"\n{PURPOSE}X = 1\n{COVERAGE}") == [
        (
            "line 7: default.purpose.X: is not a known key here; known are"
            " id, title, titles, clause, basis, keep_days, tcf"
        )
    ]
    assert lines_of(extending, f"{PURPOSE}{COVERAGE}[paths.X]\n")[0].startswith(
        "line 10: default.paths.X: is not a known key here"
    )


def test_event_given_twice_is_told_with_the_first_ones_line() -> None:
    events = '[[event]]\nname = "a"\n[[event]]\n\nname = "b"\n[[event]]\nname = "b"\n'
    assert lines_of(ALONE + events) == [
        "line 24: event.name: must be unique: line 22 gives it already"
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("x = [1,\n2\n\n\n", "line 2: is not valid TOML: the text ends too early",
                     id="lines behind the end"),
        pytest.param("x = [1,\n2 # X\n", "line 2: is not valid TOML: the text ends too early",
                     id="comment at the end"),
        pytest.param('x = """\nX\n', "line 2: is not valid TOML: the text ends too early",
                     id="one letter at the end"),
        pytest.param('x = """\n \n', "line 2: is not valid TOML: the text ends too early",
                     id="a space at the end"),
        pytest.param("a = 1\nb = 2\na = 3\nc = 4\n", "line 3: a: is given twice", id="key"),
        pytest.param("a = 1\na = 3\n", "line 2: a: is given twice", id="at once"),
        pytest.param("\n\nx = " + "[" * 60 + "]" * 60,
                     "line 3: nests more than 50 levels deep", id="nested"),
        pytest.param("k" * 40 + ' = 1\n"' + "k" * 40 + '" = 2\n',
                     f"line 2: {'k' * 40}: is given twice", id="long key"),
    ],
)  # fmt: skip
def test_fault_of_the_text_stands_at_its_line(text: str, fault: str) -> None:
    assert lines_of(text) == [fault]


@pytest.mark.parametrize(
    ("length", "key"), [(40, f'"{" " * 40}"'), (41, "(key)")], ids=["forty", "longer"]
)
def test_key_is_told_up_to_forty_characters(length: int, key: str) -> None:
    (fault,) = lines_of(f'{ALONE}\n["{" " * length}"]\n')

    assert fault.startswith(f"line 19: {key}: is not a known key here")
