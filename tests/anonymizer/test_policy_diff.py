"""Every kind of change of a policy, in both directions: loosening is major, tightening is not."""

from collections.abc import Callable
from itertools import combinations, product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields, replace

from anonymizer.hits import SiteId
from anonymizer.policy import (
    Basis,
    ConsentMode,
    Dimension,
    Event,
    Funnel,
    Goal,
    Grain,
    Policy,
    Property,
    Purpose,
    PurposeId,
    Site,
    Statistic,
    VisitorAddress,
)
from anonymizer.policy_diff import Change, Part, compare
from anonymizer.policy_sections import KEYS
from anonymizer.policy_weighing import (
    EVENT_FIELDS,
    FUNNEL_FIELDS,
    GOAL_FIELDS,
    POLICY_FIELDS,
    PROPERTY_FIELDS,
    PURPOSE_FIELDS,
    SITE_FIELDS,
    STATISTIC_FIELDS,
    Clause,
)

SITE = Site(SiteId("example.org"), ZoneInfo("Europe/Berlin"), ConsentMode.EXEMPT)
OTHER = replace(SITE, domain=SiteId("b.example"))
PURPOSE = Purpose(
    PurposeId("audience"), "How the site is used", "3.2", Basis.CONSENT, 365, (8, 9), {"zh": "用途"}
)
STATISTIC = Statistic("pages", PURPOSE.id, (Dimension.PAGE, Dimension.COUNTRY), Grain.DAY, 5, 365)
PLAN = Property("plan", values=("free", "paid"))
SIGNUP = Event("signup", (PLAN,))
POLICY = Policy(
    id="example",
    version="1",
    effective="",
    controller="Example Ltd",
    contact="privacy@example.org",
    languages=("en",),
    sites={SITE.domain: SITE},
    purposes=(PURPOSE,),
    statistics=(STATISTIC,),
    campaign_parameters={Dimension.CAMPAIGN: "utm_campaign"},
    visitor_address=VisitorAddress.TRUNCATED,
    events={SIGNUP.name: SIGNUP},
)

Kind = type[Policy | Site | Purpose | Statistic | Event | Property | Goal | Funnel]


def with_policy(**values: object) -> Policy:
    return replace(POLICY, **values)


def with_site(**values: object) -> Policy:
    return replace(POLICY, sites={SITE.domain: replace(SITE, **values)})


def with_purpose(**values: object) -> Policy:
    return replace(POLICY, purposes=(replace(PURPOSE, **values),))


def with_statistic(**values: object) -> Policy:
    return replace(POLICY, statistics=(replace(STATISTIC, **values),))


def with_property(**values: object) -> Policy:
    of = replace(Property("plan"), **values)
    return replace(POLICY, events={SIGNUP.name: replace(SIGNUP, properties=(of,))})


def with_event(**values: object) -> Policy:
    return replace(POLICY, events={SIGNUP.name: replace(SIGNUP, **values)})


def with_goal(**values: object) -> Policy:
    return replace(POLICY, goals={"g": replace(Goal("g"), **values)})


def with_funnel(**values: object) -> Policy:
    return replace(POLICY, funnels={"f": replace(Funnel("f", ("/a", "/b")), **values)})


# Where, field, one value, another, the clause when the one becomes the other, and back.
ROWS: tuple[tuple[Callable[..., Policy], str, object, object, str, str], ...] = (
    (with_policy, "id", "example", "other", "", ""),
    (with_policy, "version", "1", "2", "", ""),
    (with_policy, "effective", "", "2026-01-01", "", ""),
    (with_policy, "controller", "Example Ltd", "Other Ltd", "9.2", "9.2"),
    (with_policy, "contact", "a@example.org", "b@example.org", "9.5", "9.5"),
    (with_policy, "languages", ("en",), ("en", "zh"), "", ""),
    (with_policy, "campaign_parameters", {}, {Dimension.CAMPAIGN: "c"}, "9.1", ""),
    (
        with_policy,
        "campaign_parameters",
        {Dimension.CAMPAIGN: "c"},
        {Dimension.CAMPAIGN: "user"},
        "9.1",
        "9.1",
    ),
    (
        with_policy,
        "visitor_address",
        VisitorAddress.TRUNCATED,
        VisitorAddress.FULL,
        "9.1",
        "",
    ),
    (with_policy, "v4_bits", 16, 24, "9.1", ""),
    (with_policy, "v6_bits", 32, 48, "9.1", ""),
    (with_policy, "tcf_vendor", None, 7, "9.4", "9.4"),
    (with_policy, "tcf_vendor", 8, 7, "9.4", "9.4"),
    (with_policy, "address", "", "1 Example Street", "", "9.5"),
    (with_policy, "address", "1 Example Street", "2 Example Street", "9.5", "9.5"),
    (with_policy, "representative", "", "Ada, Paris", "", "9.5"),
    (with_policy, "representative", "Ada, Paris", "Bob, Paris", "9.5", "9.5"),
    (with_policy, "protection_officer", "", "Ada", "", "9.5"),
    (with_policy, "protection_officer", "Ada", "Bob", "9.5", "9.5"),
    (with_policy, "authority", "", "CNIL", "", "9.5"),
    (with_policy, "authority", "CNIL", "ICO", "9.5", "9.5"),
    (with_policy, "high_risk", False, True, "9.6", ""),
    (with_policy, "stored_in", (), ("Germany",), "8", "8"),
    (with_policy, "stored_in", ("Germany",), ("Germany", "France"), "8", ""),
    (with_policy, "stored_in", ("Germany",), ("France",), "8", "8"),
    (with_policy, "recipients", (), ("Institute",), "9.3", ""),
    (with_policy, "recipients", ("Institute",), ("Agency",), "9.3", "9.3"),
    (with_site, "zone", ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai"), "", ""),
    (with_site, "consent", ConsentMode.OPT_IN, ConsentMode.EXEMPT, "9.4", ""),
    (with_site, "consent", ConsentMode.OPT_IN, ConsentMode.OPT_OUT, "9.4", ""),
    (with_site, "consent", ConsentMode.EXEMPT, ConsentMode.OPT_OUT, "9.4", ""),
    (with_site, "jurisdiction", "", "DE", "", "9.4"),
    (with_site, "jurisdiction", "DE", "US", "9.4", "9.4"),
    (with_site, "child_directed", True, False, "9.1", ""),
    (with_site, "child_paths", ("/kids",), (), "9.1", ""),
    (with_site, "child_paths", ("/kids",), ("/kids/games",), "9.1", ""),
    (with_site, "child_paths", ("/kids",), ("/kidsy",), "9.1", "9.1"),
    (with_site, "child_paths", ("/kids",), ("/KIDS/",), "", ""),
    (with_site, "child_paths", ("/kids/",), ("/kids",), "", ""),
    (with_site, "child_paths", ("/k/MAX",), ("/k/MA",), "9.1", "9.1"),
    (with_site, "lower_case_paths", True, False, "9.1", ""),
    (with_site, "path_templates", ("/u/:id",), (), "9.1", ""),
    (with_site, "path_templates", ("/u/*",), ("/u/:id/a", "/u/*"), "9.1", "9.1"),
    (with_site, "hash_routing", False, True, "9.1", ""),
    (with_purpose, "title", "Usage", "Advertising", "9.1", "9.1"),
    (with_purpose, "titles", {}, {"zh": "用途"}, "", "9.1"),
    (with_purpose, "titles", {"zh": "用途"}, {"zh": "广告"}, "9.1", "9.1"),
    (with_purpose, "clause", "3.2", "4.1", "9.1", "9.1"),
    (with_purpose, "basis", Basis.CONSENT, Basis.EXEMPT, "9.4", ""),
    (with_purpose, "keep_days", 365, 366, "9.1", ""),
    (with_purpose, "tcf", (8, 9), (9,), "9.4", ""),
    (with_purpose, "tcf", (), (9,), "9.4", ""),
    (with_purpose, "tcf", (8,), (9,), "9.4", "9.4"),
    (with_policy, "max_values", 100, 101, "9.1", ""),
    (with_policy, "tag_modules", (), ("links",), "", ""),
    (with_event, "interactive", False, True, "", ""),
    (with_property, "values", ("free",), ("free", "paid"), "9.1", ""),
    (with_property, "values", ("free",), ("paid",), "9.1", "9.1"),
    (with_property, "steps", (10,), (10, 100), "9.1", ""),
    (with_property, "steps", (10,), (20,), "9.1", "9.1"),
    (with_property, "reached", (50,), (25, 50), "9.1", ""),
    (with_property, "reached", (50,), (75,), "9.1", "9.1"),
    (with_property, "grid", (), (10, 10), "9.1", ""),
    (with_property, "grid", (10, 10), (20, 5), "9.1", "9.1"),
    (with_property, "grid", (10, 10), (20, 10), "9.1", ""),
    (with_property, "text", False, True, "9.1", ""),
    (with_property, "max_values", 100, 101, "9.1", ""),
    (with_goal, "event", "signup", "order", "9.1", "9.1"),
    (with_goal, "property", "", "plan", "9.1", "9.1"),
    (with_goal, "value", "free", "paid", "9.1", "9.1"),
    (with_goal, "page", "/a", "/b", "9.1", "9.1"),
    (with_goal, "site", "example.org", "", "9.1", ""),
    (with_goal, "site", "example.org", "b.example", "9.1", "9.1"),
    (with_funnel, "steps", ("/a", "/b"), ("/a", "/b", "/c"), "9.1", ""),
    (with_funnel, "steps", ("/a", "/b"), ("/b", "/a"), "9.1", "9.1"),
    (with_funnel, "site", "example.org", "", "9.1", ""),
    (with_statistic, "purpose", PurposeId("audience"), PurposeId("other"), "9.1", "9.1"),
    (with_statistic, "event", "", "signup", "9.1", "9.1"),
    (with_statistic, "event", "signup", "order", "9.1", "9.1"),
    (with_statistic, "property", "", "plan", "9.1", "9.1"),
    (with_statistic, "by", (Dimension.PAGE,), (Dimension.PAGE, Dimension.COUNTRY), "9.1", ""),
    (with_statistic, "by", (Dimension.PAGE,), (Dimension.COUNTRY,), "9.1", "9.1"),
    (
        with_statistic,
        "by",
        (Dimension.PAGE, Dimension.COUNTRY),
        (Dimension.COUNTRY, Dimension.PAGE),
        "",
        "",
    ),
    (with_statistic, "grain", Grain.DAY, Grain.HOUR, "9.1", ""),
    (with_statistic, "min_group", 5, 4, "9.1", ""),
    (with_statistic, "keep_days", 90, 91, "9.1", ""),
)
# Changed only by another table coming or going.
NAMING = {
    (Site, "domain"),
    (Purpose, "id"),
    (Statistic, "name"),
    (Event, "name"),
    (Property, "name"),
    (Goal, "name"),
    (Funnel, "name"),
}
TABLES = {
    *("sites", "purposes", "statistics", "events", "properties", "regions", "goals", "funnels"),
}
KINDS: dict[Callable[..., Policy], Kind] = {
    with_policy: Policy,
    with_site: Site,
    with_purpose: Purpose,
    with_statistic: Statistic,
    with_event: Event,
    with_property: Property,
    with_goal: Goal,
    with_funnel: Funnel,
}


def only(changes: tuple[Change, ...]) -> Change:
    (change,) = changes
    return change


@pytest.mark.parametrize(
    ("make", "field", "one", "other", "forth", "back"),
    ROWS,
    ids=[f"{KINDS[make].__name__}.{field}-{n}" for n, (make, field, *_) in enumerate(ROWS)],
)
def test_change_is_weighed_in_both_directions(
    make: Callable[..., Policy], field: str, one: object, other: object, forth: str, back: str
) -> None:
    before, after = make(**{field: one}), make(**{field: other})

    assert (only(compare(before, after)).clause or "") == forth
    assert (only(compare(after, before)).clause or "") == back


@pytest.mark.parametrize(
    ("kind", "weighed"),
    [
        (Policy, {*POLICY_FIELDS, *TABLES} - {"properties"}),
        (Goal, set(GOAL_FIELDS)),
        (Funnel, set(FUNNEL_FIELDS)),
        (Event, {*EVENT_FIELDS, "properties"}),
        (Property, set(PROPERTY_FIELDS)),
        (Site, set(SITE_FIELDS)),
        (Purpose, set(PURPOSE_FIELDS)),
        (Statistic, set(STATISTIC_FIELDS)),
    ],
    ids=lambda of: of.__name__ if isinstance(of, type) else "",
)
def test_every_field_is_weighed_and_has_a_row_above(kind: Kind, weighed: set[str]) -> None:
    declared = {field.name for field in fields(kind)}
    tried = {field for make, field, *_ in ROWS if KINDS[make] is kind}

    assert weighed == declared
    assert {name for name in declared if (kind, name) not in NAMING} - TABLES == tried


@pytest.mark.parametrize(
    ("weighed", "table"),
    [
        (SITE_FIELDS, "site"),
        (PURPOSE_FIELDS, "purpose"),
        (STATISTIC_FIELDS, "statistic"),
        ({**EVENT_FIELDS, "properties": ("property", None)}, "event"),
        (PROPERTY_FIELDS, "event.property"),
        (GOAL_FIELDS, "goal"),
        ({**FUNNEL_FIELDS, "within": ("within", None)}, "funnel"),
    ],
    ids=["site", "purpose", "statistic", "event", "property", "goal", "funnel"],
)
def test_change_names_the_key_of_the_file(
    weighed: dict[str, tuple[str, object]], table: str
) -> None:
    assert {key for key, _ in weighed.values()} == set(KEYS[table])


def test_change_of_the_policy_names_the_key_of_the_file() -> None:
    keys = {key for key, _ in POLICY_FIELDS.values()}
    elsewhere = {
        f"{table}.{key}"
        for table in ("signals", "residency", "network", "paths", "limits", "tag")
        for key in KEYS[table]
    } - {"residency.regions"}
    # These two say how the file is read; what they do shows in every statistic.
    assert keys == (set(KEYS["policy"]) - {"extends", "min_group"}) | elsewhere  # fmt: skip


@pytest.mark.parametrize(
    ("after", "part", "name", "clause"),
    [
        pytest.param(
            with_policy(purposes=(PURPOSE, replace(PURPOSE, id=PurposeId("ads")))),
            Part.PURPOSE,
            "ads",
            "9.1",
            id="purpose",
        ),
        pytest.param(
            with_policy(statistics=(STATISTIC, replace(STATISTIC, name="more"))),
            Part.STATISTIC,
            "more",
            "9.1",
            id="statistic",
        ),
        pytest.param(
            with_policy(goals={"g": Goal("g", page="/a")}), Part.GOAL, "g", "9.1", id="goal"
        ),
        pytest.param(
            with_policy(funnels={"f": Funnel("f", ("/a", "/b"))}),
            Part.FUNNEL,
            "f",
            "9.1",
            id="funnel",
        ),
        pytest.param(
            with_policy(sites={SITE.domain: SITE, OTHER.domain: OTHER}),
            Part.SITE,
            "b.example",
            "",
            id="site, whose visitors were never asked",
        ),
    ],
)
def test_table_that_comes_is_weighed_and_one_that_goes_is_not_major(
    after: Policy, part: Part, name: str, clause: str
) -> None:
    came, went = only(compare(POLICY, after)), only(compare(after, POLICY))

    assert (came.part, came.name, came.key, came.old) == (part, name, "", "")
    assert came.clause == (clause or None)
    assert (went.part, went.name, went.new, went.major) == (part, name, "", False)


def test_change_tells_part_name_key_and_both_values() -> None:
    after = replace(with_site(jurisdiction="US"), controller="Other Ltd", tcf_vendor=7)

    assert compare(POLICY, after) == (
        Change(Part.POLICY, "", "controller", "Example Ltd", "Other Ltd", Clause.OWNER),
        Change(Part.POLICY, "", "signals.tcf_vendor", "", "7", Clause.RIGHTS),
        Change(Part.SITE, "example.org", "jurisdiction", "", "US"),
    )


def test_table_that_goes_is_told_with_its_values() -> None:
    one_site = with_policy(sites={SITE.domain: SITE})
    two_sites = with_policy(sites={SITE.domain: SITE, OTHER.domain: OTHER})
    values = (
        "timezone = Europe/Berlin, consent = exempt, child_directed = false,"
        " lower_case_paths = false, hash_routing = false"
    )

    assert compare(two_sites, one_site) == (Change(Part.SITE, "b.example", "", values, ""),)


@pytest.mark.parametrize(
    ("make", "field", "value", "words"),
    [
        (with_site, "hash_routing", True, "true"),
        (with_site, "child_paths", ("/a", "/b"), "[/a, /b]"),
        (with_policy, "stored_in", ("France",), "[France]"),
        (with_purpose, "titles", {"zh": "用途", "de": "Nutzung"}, "zh = 用途, de = Nutzung"),
        (with_policy, "v4_bits", 16, "16"),
        (with_site, "zone", ZoneInfo("Asia/Tokyo"), "Asia/Tokyo"),
    ],
    ids=["switch", "list", "list of one", "table", "number", "zone"],
)
def test_value_is_told_as_the_file_writes_it(
    make: Callable[..., Policy], field: str, value: object, words: str
) -> None:
    assert only(compare(POLICY, make(**{field: value}))).new == words
    assert only(compare(make(**{field: value}), POLICY)).old == words


def test_event_that_comes_is_major_with_each_of_its_properties() -> None:
    without = with_policy(events={})

    assert [(str(each), each.part) for each in compare(without, POLICY)] == [
        ("event signup: none → interactive = true (major, imoa 9.1)", Part.EVENT),
        (
            (
                "event.property signup: plan: none → values = [free, paid], text = false,"
                " max_values = 200 (major, imoa 9.1)"
            ),
            Part.PROPERTY,
        ),
    ]
    assert not any(change.major for change in compare(POLICY, without))


def test_words_of_a_closed_list_in_place_of_a_free_text_are_not_major() -> None:
    free, closed = with_property(text=True), with_property(values=("a",))

    assert not any(change.major for change in compare(free, closed))
    assert [change.key for change in compare(closed, free) if change.major] == ["text"]


def test_table_that_is_renamed_goes_and_comes() -> None:
    renamed = with_statistic(name="readers")

    assert [(change.name, change.major) for change in compare(POLICY, renamed)] == [
        ("pages", False),
        ("readers", True),
    ]


def test_order_of_tables_is_no_change() -> None:
    more = replace(STATISTIC, name="more")
    one = with_policy(statistics=(STATISTIC, more), sites={"a": SITE, "b": OTHER})
    two = with_policy(statistics=(more, STATISTIC), sites={"b": OTHER, "a": SITE})

    assert compare(one, two) == ()


def test_zone_that_was_loaded_twice_is_no_change() -> None:
    again = with_site(zone=ZoneInfo.no_cache("Europe/Berlin"))

    assert again.sites[SITE.domain].zone != SITE.zone
    assert compare(POLICY, again) == ()


def test_children_stay_uncounted_where_the_whole_site_is_for_them() -> None:
    before = with_site(child_paths=("/kids",))
    after = with_site(child_directed=True)

    assert [change.major for change in compare(before, after)] == [False, False]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            only(compare(with_statistic(min_group=5), with_statistic(min_group=3))),
            "statistic pages: min_group: 5 → 3 (major, imoa 9.1)",
        ),
        (
            only(compare(with_policy(recipients=("A", "B")), with_policy(recipients=()))),
            "policy: residency.recipients: [A, B] → none (not major)",
        ),
        (
            only(compare(POLICY, with_policy(statistics=()))),
            (
                "statistic pages: purpose = audience, by = [page, country], grain = day,"
                " min_group = 5, keep_days = 365 → none (not major)"
            ),
        ),
    ],
    ids=["lowered", "emptied", "gone"],
)
def test_change_is_told_in_the_words_of_the_file(change: Change, text: str) -> None:
    assert str(change) == text


WORDS = st.sampled_from(["", "a", "b", "a, b"])
NAMES = st.sampled_from(["a", "b", "c"])
ZONES = st.sampled_from([ZoneInfo("UTC"), ZoneInfo.no_cache("UTC"), ZoneInfo("Asia/Tokyo")])
SITES = st.builds(Site, domain=NAMES.map(SiteId), zone=ZONES, jurisdiction=WORDS)
PURPOSES = st.builds(
    Purpose,
    id=NAMES.map(PurposeId),
    title=WORDS,
    clause=WORDS,
    tcf=st.lists(st.integers(1, 3), max_size=2).map(tuple),
    titles=st.dictionaries(NAMES, WORDS, max_size=2),
)
STATISTICS = st.builds(
    Statistic,
    name=NAMES,
    purpose=NAMES.map(PurposeId),
    by=st.lists(st.sampled_from(Dimension), unique=True, max_size=3).map(tuple),
)
EVENTS = st.builds(
    Event,
    name=NAMES,
    properties=st.lists(
        st.builds(Property, name=NAMES, text=st.booleans()),
        max_size=2,
        unique_by=lambda of: of.name,
    ).map(tuple),
)
POLICIES = st.builds(
    Policy,
    id=WORDS,
    version=NAMES,
    effective=WORDS,
    controller=WORDS,
    contact=WORDS,
    languages=st.lists(NAMES, max_size=2).map(tuple),
    sites=st.lists(SITES, max_size=2, unique_by=lambda site: site.domain).map(
        lambda sites: {site.domain: site for site in sites}
    ),
    purposes=st.lists(PURPOSES, max_size=2, unique_by=lambda purpose: purpose.id).map(tuple),
    statistics=st.lists(STATISTICS, max_size=2, unique_by=lambda each: each.name).map(tuple),
    campaign_parameters=st.dictionaries(st.sampled_from(Dimension), NAMES, max_size=2),
    stored_in=st.lists(NAMES, max_size=2).map(tuple),
    recipients=st.lists(NAMES, max_size=2).map(tuple),
    events=st.lists(EVENTS, max_size=2).map(lambda events: {each.name: each for each in events}),
)


def meaning(policy: Policy) -> object:
    """Return all that a policy says, without the order of its tables."""

    def plain(table: Struct) -> dict[str, object]:
        values = {field.name: getattr(table, field.name) for field in fields(table)}
        return {key: str(value) if key == "zone" else value for key, value in values.items()}

    return {
        **plain(policy),
        "sites": {name: plain(site) for name, site in policy.sites.items()},
        "purposes": {purpose.id: plain(purpose) for purpose in policy.purposes},
        "statistics": {statistic.name: plain(statistic) for statistic in policy.statistics},
        "events": {
            name: {of.name: plain(of) for of in event.properties}
            for name, event in policy.events.items()
        },
    }


@given(POLICIES)
def test_policy_does_not_differ_from_itself(policy: Policy) -> None:
    assert compare(policy, policy) == ()


@given(POLICIES, POLICIES)
def test_there_is_a_change_exactly_where_meanings_differ(one: Policy, two: Policy) -> None:
    assert bool(compare(one, two)) is (meaning(one) != meaning(two))


@pytest.mark.parametrize(
    "policies",
    [
        [with_policy(address=told) for told in ("", "a", "b")],
        [with_policy(stored_in=told) for told in ((), ("DE",), ("DE", "FR"), ("FR",))],
        [with_site(consent=mode) for mode in ConsentMode],
        [
            with_site(child_directed=whole, child_paths=paths)
            for whole in (False, True)
            for paths in ((), ("/kids",), ("/kids/games",), ("/",))
        ],
        [
            with_site(path_templates=paths)
            for paths in ((), ("/:a",), ("/:a", "/b/:c"), ("/b/:c",), ("/b/:c", "/:a"))
        ],
        [with_purpose(titles=told) for told in ({}, {"zh": "a"}, {"zh": "b"}, {"fr": "a"})],
        [with_purpose(tcf=numbers) for numbers in ((), (8,), (9,), (8, 9))],
        [with_statistic(by=by) for n in range(3) for by in combinations(Dimension, n)][:40],
        [with_statistic(min_group=size) for size in (1, 2, 3)],
    ],
    ids=["address", "places", "consent", "children", "templates", "titles", "tcf", "by", "group"],
)
def test_steps_that_are_not_major_do_not_add_up_to_a_major_one(policies: list[Policy]) -> None:
    def goes_on(one: Policy, two: Policy) -> bool:
        return not any(change.major for change in compare(one, two))

    good = {
        (a, b)
        for a, b in product(range(len(policies)), repeat=2)
        if goes_on(policies[a], policies[b])
    }
    summed = {(a, c) for a, b in good for d, c in good if b == d}

    assert len(good) < len(policies) ** 2
    assert summed <= good
