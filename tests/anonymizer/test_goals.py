"""Which hits reach which goals: each beside the look-alike that doesn't."""

import pytest
from msgspec.structs import replace

from anonymizer.goals import Goals, read_pattern
from anonymizer.hits import Campaign, CleanHit, Door, LocalSeconds, SiteId, VisitorKey
from anonymizer.paths import MAX_PAGE_CHARACTERS, PathRules, coarsen_path
from anonymizer.policy import Funnel, Goal, Policy
from tests.collector.hits import SITE, make_policy

OTHER_SITE = SiteId("other.example")
HIT = CleanHit(
    door=Door.EVENT,
    site=SITE,
    time=0,
    local=LocalSeconds(0),
    page="/",
    source="",
    channel="",
    referrer="",
    campaign=Campaign(),
    country="",
    language="",
    screen="",
    device="",
    browser="",
    os="",
    network="",
    visitor=VisitorKey(b""),
)
BASE = make_policy()


def with_goals(*goals: Goal, funnels: tuple[Funnel, ...] = ()) -> Policy:
    return replace(
        BASE,
        goals={goal.name: goal for goal in goals},
        funnels={funnel.name: funnel for funnel in funnels},
    )


def reached(
    policy: Policy,
    page: str = "/",
    *,
    site: SiteId = SITE,
    event: str = "",
    properties: tuple[tuple[str, str], ...] = (),
) -> tuple[str, ...]:
    hit = replace(HIT, page=page, site=site, event=event, properties=properties)
    return Goals(policy).mark(hit).goals


@pytest.mark.parametrize(
    ("pattern", "fitting", "others"),
    [
        ("/", ["/"], ["/a"]),
        ("/thanks", ["/thanks"], ["/", "/thanks/again", "/thank", "/Thanks", "/a/thanks"]),
        ("/thanks/", ["/thanks"], ["/thanks/again"]),
        (
            "/order/*/done",
            ["/order/7/done", "/order/:number/done"],
            ["/order/done", "/order/7/8/done", "/order/7/done/x", "/order/7"],
        ),
        ("/u/:id/done", ["/u/:id/done", "/u/ada/done"], ["/u/done"]),
        ("/docs/**", ["/docs", "/docs/a", "/docs/a/b"], ["/", "/docsy", "/a/docs"]),
        ("/**", ["/", "/a", "/a/b"], []),
        ("/*", ["/a", "/:id"], ["/", "/a/b"]),
        ("/a/*/**", ["/a/b", "/a/b/c", "/a/…"], ["/a"]),
        ("/(other)", ["/(other)"], ["(other)"]),
        ("/%C3%BC", ["/ü"], ["/u"]),
        ("/ü", ["/ü"], ["/%C3%BC"]),
        ("/a%2Fb", ["/a%2Fb"], ["/a/b"]),
        ("/a/*", ["/a/b"], ["/a/…", "/a/b/…"]),
        ("/a/**", ["/a/…", "/a/b/…"], ["/b/…", "/…"]),
    ],
)
def test_page_fits_a_pattern(pattern: str, fitting: list[str], others: list[str]) -> None:
    policy = with_goals(Goal("g", page=pattern))

    assert [page for page in (*fitting, *others) if reached(policy, page)] == fitting


def test_page_fits_as_it_is_counted() -> None:
    page, _ = coarsen_path("/order/123456789012/done/", PathRules())
    long, _ = coarsen_path("/docs" + "/word" * MAX_PAGE_CHARACTERS, PathRules())

    assert reached(with_goals(Goal("g", page="/order/*/done")), page) == ("g",)
    assert reached(with_goals(Goal("g", page="/docs/**")), long) == ("g",)
    assert reached(with_goals(Goal("g", page="/*/*")), long) == ()


def test_site_whose_server_ignores_case_has_its_patterns_in_lower_case() -> None:
    policy = with_goals(Goal("g", page="/Thanks"))
    lower = replace(policy.sites[SITE], lower_case_paths=True)

    assert reached(policy, "/thanks") == ()
    assert reached(replace(policy, sites={SITE: lower}), "/thanks") == ("g",)


def test_event_on_a_goals_page_does_not_reach_it() -> None:
    policy = with_goals(Goal("g", page="/thanks"))

    assert reached(policy, "/thanks", event="click") == ()
    assert reached(policy, "/thanks") == ("g",)


def test_event_reaches_its_goals_and_those_of_its_value() -> None:
    policy = with_goals(
        Goal("any", "signup"), Goal("pro", "signup", "plan", "pro"), Goal("else", "search")
    )

    assert reached(policy, event="signup") == ("any",)
    assert reached(policy, event="signup", properties=(("plan", "pro"),)) == ("any", "pro")
    assert reached(policy, event="signup", properties=(("plan", "free"),)) == ("any",)
    assert reached(policy, event="signup", properties=(("price", "pro"),)) == ("any",)
    assert reached(policy) == ()


def test_goal_of_a_site_is_reached_there_alone() -> None:
    policy = with_goals(Goal("g", page="/a", site=SITE), Goal("e", "signup", site=OTHER_SITE))

    assert reached(policy, "/a") == ("g",)
    assert reached(policy, "/a", site=OTHER_SITE) == ()
    assert reached(policy, event="signup") == ()
    assert reached(policy, event="signup", site=OTHER_SITE) == ("e",)


def test_page_of_a_step_is_reached_under_its_pattern_once() -> None:
    steps = ("/cart/*", "bought")
    policy = with_goals(
        Goal("bought", page="/cart/done"),
        funnels=(Funnel("f", steps), Funnel("g", (*steps, "/cart/*")), Funnel("h", ("/b", "/c"))),
    )

    assert reached(policy, "/cart/1") == ("/cart/*",)
    assert reached(policy, "/cart/done") == ("bought", "/cart/*")


def test_hit_that_reaches_nothing_stays_as_it_is() -> None:
    goals = Goals(with_goals(Goal("g", page="/a")))

    assert goals.mark(HIT) is HIT
    assert goals.mark(replace(HIT, page="/a")) == replace(HIT, page="/a", goals=("g",))


def test_pattern_is_read_like_the_templates_of_a_site() -> None:
    assert read_pattern("/A/*/b/**", lower_case=True).written == ("a", ":any", "b")
