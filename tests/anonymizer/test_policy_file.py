"""Reading policy.toml: each fault by line and key, its innocent look-alike, what is inherited."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.hits import SiteId
from anonymizer.policy import (
    Basis,
    ConsentMode,
    Dimension,
    Grain,
    Policy,
    Statistic,
    VisitorAddress,
)
from anonymizer.policy_file import Fault, PolicyFaults, read_policy
from anonymizer.policy_sections import DEFAULT_CAMPAIGN_PARAMETERS, KEYS
from tests.anonymizer import policy_texts
from tests.anonymizer.policy_texts import MINIMAL

DEFAULT = (Path(__file__).parents[2] / "anonymizer" / "default_policy.toml").read_text("utf-8")

FIRST = MINIMAL.count("\n") + 1
"""The line at which a row's own text begins."""

PURPOSE = '[[purpose]]\nid = "shop"\ntitle = "t"\nclause = "c"\nbasis = "exempt"\n'
ALONE = (
    MINIMAL.replace('extends = "default"\n', "\n")
    + PURPOSE
    + '[[statistic]]\nname = "coverage"\npurpose = "shop"\nby = ["door", "reason"]\n'
)
"""A policy that inherits nothing."""


def read(text: str) -> Policy:
    return read_policy(text, DEFAULT)


def faults_of(text: str, default: str = DEFAULT) -> tuple[Fault, ...]:
    return policy_texts.faults_of(text, default)


def statistic(keys: str, text: str = MINIMAL) -> Statistic:
    return read(f"{text}[[statistic]]\n{keys}").statistics[-1]


def named(policy: Policy, name: str) -> Statistic:
    return next(s for s in policy.statistics if s.name == name)


def by(*words: str, name: str = "own") -> str:
    dimensions = ", ".join(f'"{word}"' for word in words)
    return f'[[statistic]]\nname = "{name}"\npurpose = "audience"\nby = [{dimensions}]\n'


def changed(line: int, new: str) -> str:
    lines = MINIMAL.splitlines()
    lines[line - 1] = new
    return "\n".join(lines) + "\n"


def row(name: str, text: str, line: int, key: str, message: str) -> object:
    return pytest.param(text, line, key, message, id=name)


HEAD_FAULTS = [
    row("id_missing", changed(2, ""), 1, "policy.id", "is missing"),
    row("id_empty", changed(2, 'id = " "'), 2, "policy.id", "must not be empty"),
    row("version_number", changed(3, "version = 1"), 3, "policy.version", "must be a string"),
    row("controller_list", changed(4, 'controller = ["x"]'), 4, "policy.controller", "a string"),
    row("contact_lines", changed(5, 'contact = """a\nb"""'), 5, "policy.contact", "one line"),
    row("contact_nul", changed(5, r'contact = "a\u0000b"'), 5, "policy.contact", "control"),
    row("id_long", changed(2, f'id = "{"a" * 501}"'), 2, "policy.id", "longer than 500"),
    row("extends_other", changed(6, 'extends = "base"'), 6, "policy.extends", '"default"'),
    row("extends_true", changed(6, "extends = true"), 6, "policy.extends", '"default"'),
    row("effective_day", changed(7, 'effective = "2026-02-30"'), 7, "policy.effective", "a date"),
    row("effective_week", changed(7, 'effective = "2026-W01-1"'), 7, "policy.effective", "a date"),
    row("effective_time", changed(7, "effective = 2026-01-01T00:00:00"), 7, "policy.effective", ""),
    row("languages_text", changed(7, 'languages = "en"'), 7, "policy.languages", "list of strings"),
    row("languages_none", changed(7, "languages = []"), 7, "policy.languages", "at least one"),
    row("languages_odd", changed(7, 'languages = ["e n"]'), 7, "policy.languages", "tags"),
    row("min_group_zero", changed(7, "min_group = 0"), 7, "policy.min_group", "at least 1"),
    row("min_group_true", changed(7, "min_group = true"), 7, "policy.min_group", "whole number"),
    row("min_group_float", changed(7, "min_group = 3.0"), 7, "policy.min_group", "whole number"),
    row("unknown_key", changed(7, "colour = 1"), 7, "policy.colour", "not a known key"),
    row("policy_array", MINIMAL.replace("[policy]", "[[policy]]"), 1, "policy", "[policy]"),
    row("policy_missing", MINIMAL[MINIMAL.index("[[site]]") :], 1, "policy", "is missing"),
]
SITE_FAULTS = [
    row("sites_missing", MINIMAL[: MINIMAL.index("[[site]]")], 1, "site", "[[site]]"),
    row("site_table", MINIMAL.replace("[[site]]", "[site]"), 8, "site", "[[site]]"),
    row("site_number", "site = [\n1]\n" + MINIMAL[: MINIMAL.index("[[site]]")], 2, "site", "[["),
    row("domain_missing", changed(9, ""), 8, "site.domain", "is missing"),
    row("domain_url", changed(9, 'domain = "https://example.org"'), 9, "site.domain", "host name"),
    row("domain_path", changed(9, 'domain = "example.org/a"'), 9, "site.domain", "host name"),
    row("domain_dot", changed(9, 'domain = "example.org."'), 9, "site.domain", "host name"),
    row("domain_hyphen", changed(9, 'domain = "-a.org"'), 9, "site.domain", "host name"),
    row("domain_label", changed(9, f'domain = "{"a" * 64}.org"'), 9, "site.domain", "host name"),
    row("domain_long", changed(9, f'domain = "{"abcd." * 60}org"'), 9, "site.domain", "host name"),
    row("domain_idn", changed(9, 'domain = "bücher.example"'), 9, "site.domain", "ASCII"),
    row("domain_kelvin", changed(9, 'domain = "\u212a.example"'), 9, "site.domain", "ASCII"),
    row("port_high", changed(9, 'domain = "a.org:65536"'), 9, "site.domain", "65535"),
    row("port_empty", changed(9, 'domain = "a.org:"'), 9, "site.domain", "host name"),
    row(
        "domain_twice",
        MINIMAL + '[[site]]\ndomain = "EXAMPLE.org"\ntimezone = "UTC"\n',
        FIRST + 1,
        "site.domain",
        "line 9",
    ),
    row("timezone_missing", changed(10, ""), 8, "site.timezone", "is missing"),
    row("timezone_unknown", changed(10, 'timezone = "Europe/Atlantis"'), 10, "site.timezone", ""),
    row("timezone_folder", changed(10, 'timezone = "Europe"'), 10, "site.timezone", "IANA"),
    row("timezone_climb", changed(10, 'timezone = "../UTC"'), 10, "site.timezone", "IANA"),
    row("timezone_local", changed(10, 'timezone = "localtime"'), 10, "site.timezone", "IANA"),
    row("timezone_leap", changed(10, 'timezone = "right/UTC"'), 10, "site.timezone", "IANA"),
    row("consent_other", MINIMAL + 'consent = "optin"\n', FIRST, "site.consent", '"opt-in"'),
    row("consent_false", MINIMAL + "consent = false\n", FIRST, "site.consent", '"opt-in"'),
    row("site_unknown_key", MINIMAL + "timezoned = 1\n", FIRST, "site.timezoned", "known are"),
]  # fmt: skip
PURPOSE_FAULTS = [
    row("purpose_id", MINIMAL + PURPOSE.replace("shop", "Shop"), FIRST + 1, "purpose.id", "ident"),
    row("title_missing", MINIMAL + PURPOSE.replace("title", "# "), FIRST, "purpose.title", "miss"),
    row("clause_empty", MINIMAL + PURPOSE.replace('"c"', '""'), FIRST + 3, "purpose.clause", ""),
    row("basis_missing", MINIMAL + PURPOSE.replace("basis", "# "), FIRST, "purpose.basis", "miss"),
    row("basis_other", MINIMAL + PURPOSE.replace("exempt", "contract"), FIRST + 4,
        "purpose.basis", '"consent"'),
    row("purpose_keep_zero", MINIMAL + PURPOSE + "keep_days = 0", FIRST + 5, "purpose.keep_days",
        "from 1 to 1100"),
    row("purpose_keep_long", MINIMAL + PURPOSE + "keep_days = 1101", FIRST + 5,
        "purpose.keep_days", "from 1 to 1100"),
    row("purpose_twice", MINIMAL + PURPOSE + PURPOSE, FIRST + 6, "purpose.id",
        f"line {FIRST + 1}"),
    row("purpose_unknown_key", MINIMAL + PURPOSE + "law = 6", FIRST + 5, "purpose.law", "known"),
    row("coverage_by_consent", MINIMAL + '[[purpose]]\nid = "accountability"\nbasis = "consent"\n',
        FIRST + 2, "purpose.basis", "refusals"),
]  # fmt: skip
STATISTIC_FAULTS = [
    row("name_missing", MINIMAL + by().replace("name", "# "), FIRST, "statistic.name", "missing"),
    row("name_capital", MINIMAL + by(name="Own"), FIRST + 1, "statistic.name", "snake_case"),
    row("name_hyphen", MINIMAL + by(name="o-n"), FIRST + 1, "statistic.name", "snake_case"),
    row("name_digit", MINIMAL + by(name="1n"), FIRST + 1, "statistic.name", "snake_case"),
    row("name_long", MINIMAL + by(name="a" * 41), FIRST + 1, "statistic.name", "40"),
    row("name_quote", MINIMAL + by(name="a`"), FIRST + 1, "statistic.name", "snake_case"),
    *(row(f"name_{n}", MINIMAL + by(name=n), FIRST + 1, "statistic.name", "none of")
      for n in ("cells", "inbox", "system", "default")),
    row("name_twice", MINIMAL + by() + by(), FIRST + 5, "statistic.name", f"line {FIRST + 1}"),
    row("purpose_missing", MINIMAL + '[[statistic]]\nname = "own"\n', FIRST,
        "statistic.purpose", "is missing"),
    row("purpose_unknown", MINIMAL + by().replace("audience", "ads"), FIRST + 2,
        "statistic.purpose", "[[purpose]]"),
    row("by_text", MINIMAL + '[[statistic]]\nname = "own"\npurpose = "audience"\nby = "page"\n',
        FIRST + 3, "statistic.by", "list of strings"),
    row("by_numbers", MINIMAL + '[[statistic]]\nname = "own"\npurpose = "audience"\nby = [1]\n',
        FIRST + 3, "statistic.by", "list of strings"),
    row("by_unknown", MINIMAL + by("page", "visitor"), FIRST + 3, "statistic.by", "known are page"),
    row("by_four", MINIMAL + by("page", "source", "country", "device"), FIRST + 3,
        "statistic.by", "at most 3"),
    row("by_twice", MINIMAL + by("page", "page"), FIRST + 3, "statistic.by", "once"),
    row("door_elsewhere", MINIMAL + by("door"), FIRST + 3, "statistic.by", "coverage alone"),
    row("door_reason_elsewhere", MINIMAL + by("door", "reason"), FIRST + 3, "statistic.by",
        "coverage alone"),
    row("reason_and_country", MINIMAL + by("country", "reason"), FIRST + 3, "statistic.by",
        "coverage alone"),
    row("previous_alone", MINIMAL + by("previous_page"), FIRST + 3, "statistic.by", "page beside"),
    row("entry_and_page", MINIMAL + by("entry_page", "page"), FIRST + 3, "statistic.by", "entry"),
    row("exit_and_country", MINIMAL + by("exit_page", "country"), FIRST + 3, "statistic.by",
        "exit_page alone"),
    row("exit_and_page", MINIMAL + by("page", "exit_page"), FIRST + 3, "statistic.by", "alone"),
    row("entry_and_exit", MINIMAL + by("entry_page", "exit_page"), FIRST + 3, "statistic.by",
        "exit_page alone"),
    row("coverage_order", MINIMAL + by("reason", "door", name="coverage"), FIRST + 3,
        "statistic.by", '["door", "reason"]'),
    row("coverage_more", MINIMAL + by("door", "reason", "country", name="coverage"), FIRST + 3,
        "statistic.by", '["door", "reason"]'),
    row("coverage_total", MINIMAL + by(name="coverage"), FIRST + 3, "statistic.by", '"reason"'),
    row("coverage_hour", MINIMAL + '[[statistic]]\nname = "coverage"\ngrain = "hour"\n',
        FIRST + 2, "statistic.grain", '"day"'),
    row("coverage_missing", ALONE.replace('"coverage"', '"totals"').replace('"door", "reason"', ""),
        1, "statistic", "coverage is missing"),
    row("coverage_consent", ALONE.replace('"exempt"', '"consent"'), 18, "statistic.purpose",
        "refusals"),
    row("grain_other", MINIMAL + by() + 'grain = "week"\n', FIRST + 4, "statistic.grain", '"day"'),
    row("group_zero", MINIMAL + by() + "min_group = 0\n", FIRST + 4, "statistic.min_group", "1"),
    row("group_text", MINIMAL + by() + 'min_group = "5"\n', FIRST + 4, "statistic.min_group", "1"),
    row("keep_zero", MINIMAL + by() + "keep_days = 0\n", FIRST + 4, "statistic.keep_days", "1"),
    row("keep_beyond_purpose", MINIMAL + by() + "keep_days = 751\n", FIRST + 4,
        "statistic.keep_days", "750"),
    row("statistic_unknown_key", MINIMAL + by() + "sql = 1\n", FIRST + 4, "statistic.sql", "known"),
    row("nothing_inherited", ALONE + by(), 22, "statistic.purpose", "[[purpose]]"),
]  # fmt: skip
OTHER_FAULTS = [
    row("address_other", MINIMAL + '[network]\nvisitor_address = "none"\n', FIRST + 1,
        "network.visitor_address", '"truncated"'),
    row("network_key", MINIMAL + "[network]\nmask = 24\n", FIRST + 1, "network.mask", "known"),
    row("network_array", MINIMAL + "[[network]]\n", FIRST, "network", "[network]"),
    row("paths_key", MINIMAL + "[paths]\nkeep = 1\n", FIRST + 1, "paths.keep", "known"),
    row("parameters_list", MINIMAL + "[paths]\ncampaign_parameters = []\n", FIRST + 1,
        "paths.campaign_parameters", "table"),
    row("parameters_dimension", MINIMAL + '[paths.campaign_parameters]\npage = "p"\n', FIRST + 1,
        "paths.campaign_parameters.page", "known"),
    row("parameter_odd", MINIMAL + '[paths]\ncampaign_parameters = {campaign = "a=b"}\n',
        FIRST + 1, "paths.campaign_parameters.campaign", "parameter name"),
    row("parameter_long", MINIMAL + f'[paths]\ncampaign_parameters.campaign = "{"a" * 41}"\n',
        FIRST + 1, "paths.campaign_parameters.campaign", "40"),
    row("unknown_table", MINIMAL + "[sites]\n", FIRST, "sites", "known"),
    row("unknown_array", MINIMAL + "\n[[gaol]]\n[[gaol]]\n", FIRST + 1, "gaol", "known"),
    row("unknown_at_root", "debug = true\n" + MINIMAL, 1, "debug", "known"),
    row("quoted_key", MINIMAL + '"time zone" = 1\n', FIRST, 'site."time zone"', "known"),
    row("control_key", MINIMAL + r'"\u001b[31m" = 1' + "\n", FIRST, "site.(key)", "known"),
    row("long_key", MINIMAL + "k" * 41 + " = 1\n", FIRST, "site.(key)", "known"),
]  # fmt: skip
TEXT_FAULTS = [
    row("empty", "", 1, "", "the file is empty"),
    row("comments", "# nothing\n\n", 1, "", "the file is empty"),
    row("not_toml", '{\n  "policy": 1\n}\n', 1, "", "is not valid TOML"),
    row("syntax", changed(4, "controller = "), 4, "", "is not valid TOML at column 14"),
    row("syntax_cr", changed(4, 'controller = "a"\rx = 1'), 4, "", "is not valid TOML"),
    row("unclosed", MINIMAL + "x = [1,\n2\n\n", FIRST + 1, "", "ends too early"),
    row("nul", MINIMAL + "\0", FIRST, "", "is not valid TOML"),
    row("surrogate", MINIMAL + "# \udc80", FIRST, "", "is not UTF-8"),
    row("key_twice", MINIMAL + 'domain = """\nb.org\n"""\n', FIRST, "site.domain", "given twice"),
    row("table_twice", MINIMAL + "[policy]\n", FIRST, "policy", "is given twice"),
    row("table_and_array", MINIMAL + "\n[site]\n", FIRST + 1, "site", "is given twice"),
    row("inline_twice", MINIMAL + "x = {a = 1, a = 2}\n", FIRST, "", "gives a key twice"),
    row("too_large", MINIMAL + "#\n" * 500_000, 1, "", "larger than 1,000,000 bytes"),
    row("too_large_utf8", MINIMAL + "# é\n" * 200_000, 1, "", "larger than"),
    row("long_line", MINIMAL + "# " + "x" * 2_000, FIRST, "", "longer than 2,000"),
    row("long_number", MINIMAL + "x = " + "9" * 5_000, FIRST, "", "longer than 2,000"),
    row("many_dots", MINIMAL + "x" + ".x" * 500 + " = 1", FIRST, "", "more than 100 dots"),
    row("deep_array", MINIMAL + "x = " + "[\n" * 100_000, FIRST, "", "levels deep"),
    row("deep_closed", MINIMAL + "x = " + "[" * 60 + "]" * 60, FIRST, "", "levels deep"),
    row("deep_tables", MINIMAL + "x = " + "{a=" * 600, FIRST, "", "levels deep"),
]


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    HEAD_FAULTS + SITE_FAULTS + PURPOSE_FAULTS + STATISTIC_FAULTS + OTHER_FAULTS + TEXT_FAULTS,
)
def test_one_fault_is_told_by_line_and_key(text: str, line: int, key: str, message: str) -> None:
    (fault,) = faults_of(text)

    assert (fault.line, fault.key) == (line, key)
    assert message in fault.message


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(changed(7, "effective = 2026-01-31"), id="effective_as_date"),
        pytest.param(changed(7, 'languages = ["fr", "pt-BR"]'), id="languages"),
        pytest.param(changed(9, 'domain = "localhost:8000"'), id="domain_with_port"),
        pytest.param(changed(9, 'domain = "127.0.0.1:65535"'), id="domain_address"),
        pytest.param(changed(9, 'domain = "xn--bcher-kva.example"'), id="domain_punycode"),
        pytest.param(changed(9, f'domain = "{"a" * 63}.org"'), id="domain_longest_label"),
        pytest.param(changed(10, 'timezone = "America/Argentina/Ushuaia"'), id="zone_in_folder"),
        pytest.param(changed(10, 'timezone = "Etc/GMT+12"'), id="zone_with_sign"),
        pytest.param(changed(4, f'controller = "{"é" * 500}"'), id="longest_text"),
        pytest.param(MINIMAL + by(name="a" * 40), id="longest_name"),
        pytest.param(MINIMAL + by(name="cells_by_day"), id="name_near_reserved"),
        pytest.param(MINIMAL + by("page", "source", "country"), id="three_dimensions"),
        pytest.param(MINIMAL + by("entry_page", "country"), id="entry_and_country"),
        pytest.param(MINIMAL + by("previous_page", "page", "device"), id="transition_by_device"),
        pytest.param(MINIMAL + by() + "keep_days = 750\n", id="keep_as_long_as_purpose"),
        pytest.param(MINIMAL + PURPOSE + "keep_days = 1100\n", id="longest_keep"),
        pytest.param(MINIMAL + "# " + "." * 100 + "\n", id="dots_in_a_comment"),
        pytest.param(MINIMAL + "# " + "x" * 1_998 + "\n", id="longest_line"),
        pytest.param("\ufeff" + MINIMAL, id="byte_order_mark"),
        pytest.param(MINIMAL.replace("\n", "\r\n"), id="crlf"),
        pytest.param(ALONE, id="nothing_inherited"),
        pytest.param(
            'site = [\n {domain = "a.org", timezone = "UTC"},\n]\n'
            'policy = {id = "a", version = "1", controller = "b", contact = "c",'
            ' extends = "default"}\n',
            id="inline_tables",
        ),
    ],
)
def test_a_look_alike_of_a_fault_is_read(text: str) -> None:
    assert read(text).sites


def test_ten_faults_are_told_at_once_in_order_of_lines() -> None:
    text = """\
[policy]
id = "example"
version = 2
contact = "privacy@example.org"
extends = "default"
colour = "red"

[[site]]
domain = "not a host"
consent = "maybe"

[[purpose]]
id = "shop"
title = "Shop"
clause = "7"
basis = "exempt"
keep_days = 5000

[[statistic]]
name = "buyers"
purpose = "shopping"
by = ["page", "page"]

[goals]
"""
    faults = faults_of(text)

    assert [(fault.line, fault.key) for fault in faults] == [
        (1, "policy.controller"),
        (3, "policy.version"),
        (6, "policy.colour"),
        (8, "site.timezone"),
        (9, "site.domain"),
        (10, "site.consent"),
        (17, "purpose.keep_days"),
        (21, "statistic.purpose"),
        (22, "statistic.by"),
        (24, "goals"),
    ]
    assert str(faults[3]) == "line 8: site.timezone: is missing"


def test_crlf_and_byte_order_mark_move_no_line() -> None:
    text = "\ufeff" + changed(9, "domain = 1").replace("\n", "\r\n")

    assert [fault.line for fault in faults_of(text)] == [9]


def test_a_policy_of_head_and_site_is_complete() -> None:
    policy = read(MINIMAL)

    assert (policy.id, policy.version, policy.effective) == ("example", "1", "")
    assert (policy.controller, policy.contact) == ("Example Ltd", "privacy@example.org")
    assert policy.languages == ("en",)
    assert policy.visitor_address is VisitorAddress.FULL
    assert policy.campaign_parameters == DEFAULT_CAMPAIGN_PARAMETERS
    (site,) = policy.sites.values()
    assert site.domain == "example.org"
    assert site.zone == ZoneInfo("Europe/Berlin")
    assert site.consent is ConsentMode.EXEMPT
    assert {s.purpose for s in policy.statistics} <= {p.id for p in policy.purposes}


def test_every_key_given_is_the_key_read() -> None:
    policy = read(
        changed(7, 'effective = "2026-01-31"\nlanguages = ["de", "en"]\n')
        + 'consent = "opt-in"\n[[site]]\ndomain = "Shop.Example:8080"\ntimezone = "UTC"\n'
        + '[network]\nvisitor_address = "truncated"\n'
        + '[paths.campaign_parameters]\ncampaign = "c"\ncampaign_term = "k"\n'
    )

    assert policy.effective == "2026-01-31"
    assert policy.languages == ("de", "en")
    assert policy.sites[SiteId("example.org")].consent is ConsentMode.OPT_IN
    assert policy.sites[SiteId("shop.example:8080")].domain == "shop.example:8080"
    assert policy.visitor_address is VisitorAddress.TRUNCATED
    assert policy.campaign_parameters == {
        Dimension.CAMPAIGN: "c",
        Dimension.CAMPAIGN_TERM: "k",
    }


def test_a_policy_that_extends_nothing_holds_its_own_only() -> None:
    policy = read_policy(ALONE, "not even TOML")

    assert [p.id for p in policy.purposes] == ["shop"]
    assert [s.name for s in policy.statistics] == ["coverage"]
    assert policy.purposes[0].keep_days == 750


@pytest.mark.parametrize(
    ("dimensions", "min_group"),
    [
        pytest.param([], 1, id="total"),
        pytest.param(["page"], 3, id="one"),
        pytest.param(["page", "source"], 5, id="two"),
        pytest.param(["device", "browser", "os"], 5, id="three"),
        pytest.param(["network"], 20, id="network"),
        pytest.param(["page", "network"], 20, id="network_crossed"),
    ],
)
def test_group_size_follows_the_shape_when_none_is_given(
    dimensions: list[str], min_group: int
) -> None:
    assert read(MINIMAL + by(*dimensions)).statistics[-1].min_group == min_group


def test_a_new_statistic_has_day_grain_and_its_purposes_days() -> None:
    new = statistic('name = "own"\npurpose = "operations"\n')

    assert (new.by, new.grain, new.min_group, new.keep_days) == ((), Grain.DAY, 1, 90)


def test_an_override_changes_given_keys_in_place_and_inherits_the_rest() -> None:
    before = read(MINIMAL).statistics
    after = read(MINIMAL + '[[statistic]]\nname = "devices"\nmin_group = 7\n').statistics

    assert [s.name for s in after] == [s.name for s in before]
    assert [s for s in after if s.name != "devices"] == [s for s in before if s.name != "devices"]
    devices = next(s for s in after if s.name == "devices")
    assert devices.min_group == 7
    assert devices.by == (Dimension.DEVICE, Dimension.BROWSER, Dimension.OS)


@pytest.mark.parametrize(
    ("keys", "min_group"),
    [
        pytest.param('by = ["page", "network"]', 20, id="finer_is_raised"),
        pytest.param("by = []", 3, id="coarser_keeps_the_inherited"),
        pytest.param('by = ["page", "network"]\nmin_group = 2', 2, id="a_given_one_stands"),
        pytest.param('grain = "hour"', 3, id="other_keys_leave_it"),
    ],
)
def test_overridden_dimensions_never_shrink_the_group(keys: str, min_group: int) -> None:
    policy = read(f'{MINIMAL}[[statistic]]\nname = "pages"\n{keys}\n')

    assert named(policy, "pages").min_group == min_group


def test_a_policys_group_size_overrides_every_statistics() -> None:
    policy = read(changed(7, "min_group = 2") + by() + "min_group = 50\n")

    assert {s.min_group for s in policy.statistics} == {2}


def test_an_overridden_purpose_shortens_what_its_statistics_keep() -> None:
    default = DEFAULT.replace('by = ["page"]\n', 'by = ["page"]\nkeep_days = 400\n')
    text = MINIMAL + '[[purpose]]\nid = "audience"\nbasis = "consent"\nkeep_days = 30\n'
    policy = read_policy(text, default)

    audience = next(p for p in policy.purposes if p.id == "audience")
    assert (audience.basis, audience.keep_days) == (Basis.CONSENT, 30)
    assert audience.title == read(MINIMAL).purposes[0].title
    assert {s.keep_days for s in policy.statistics if s.purpose == "audience"} == {30}
    assert named(read_policy(MINIMAL, default), "pages").keep_days == 400


def test_paths_of_the_default_are_inherited_unless_given() -> None:
    default = DEFAULT.replace("utm_campaign", "mtm_campaign")

    inherited = read_policy(MINIMAL, default).campaign_parameters
    assert inherited[Dimension.CAMPAIGN] == "mtm_campaign"
    assert read_policy(MINIMAL + "[paths]\n", default).campaign_parameters == inherited
    none = read_policy(MINIMAL + "[paths]\ncampaign_parameters = {}\n", default)
    assert none.campaign_parameters == {}


@pytest.mark.parametrize(
    ("extra", "key"),
    [
        pytest.param('[policy]\nid = "a"\n', "default.policy", id="a_head"),
        pytest.param('[[site]]\ndomain = "a.org"\n', "default.site", id="a_site"),
        pytest.param(by("visitor"), "default.statistic.by", id="a_faulty_statistic"),
        pytest.param("[[", "default", id="a_syntax_fault"),
    ],
)
def test_a_faulty_default_is_told_as_the_defaults_fault(extra: str, key: str) -> None:
    assert {fault.key for fault in faults_of(MINIMAL, DEFAULT + extra)} == {key}


SENTINEL = "sentinel-7391 value"


@pytest.mark.parametrize("value", [f'"{SENTINEL}"', f'["{SENTINEL}"]', f'{{a = "{SENTINEL}"}}'])
def test_no_fault_repeats_a_value(value: str) -> None:
    sections = []
    arrays = {"site", "purpose", "statistic", "event", "event.property"}
    for table, keys in KEYS.items():
        header = f"[[{table}]]" if table in arrays else f"[{table}]"
        # These are tables, given by headers of their own.
        given_ = (f"{key} = {value}" for key in keys if key not in {"property", "regions"})
        sections.append("\n".join([header, *given_]))
    faults = faults_of("\n".join(sections))

    assert len(faults) > 15
    assert not any("sentinel" in str(fault) for fault in faults)


@given(st.text(max_size=200))
def test_any_text_ends_in_a_policy_or_in_faults(text: str) -> None:
    candidate = MINIMAL + text
    try:
        assert read(candidate).sites
    except PolicyFaults as error:
        faults = error.faults
    else:
        return

    assert faults
    assert all(1 <= fault.line <= candidate.count("\n") + 1 for fault in faults)


@given(st.text(max_size=200))
def test_any_text_without_tables_is_faulty(text: str) -> None:
    assert faults_of(text)
