"""CNIL's criteria that a policy alone answers: each fault beside its innocent look-alike."""

import pytest
from msgspec.structs import replace

from anonymizer.policy import Dimension, Grain, Policy, PurposeId, Statistic
from collector.findings import Finding, Outcome
from collector.policy_criteria import MAX_KEEP_DAYS, check_policy
from collector.tag_scripts import compile_tag
from tests.collector.hits import make_policy

POLICY = make_policy(min_group=3)
TAG = compile_tag(POLICY).decode()
GROUPS = "No count that is shown stands for a single visitor"
KEEPING = "The policy keeps counters 25 months at most"
TRACKER = "A tracker lives 13 months at most"
OBJECTION = "Who objects is not counted, and nothing of them is kept"
ACROSS = "Follow a visitor from site to site"


def found(policy: Policy = POLICY, tag: str = TAG) -> dict[str, Finding]:
    return {finding.criterion: finding for finding in check_policy(policy, tag)}


def with_statistics(**values: int) -> Policy:
    """Change every statistic of visitors that is told apart, and no total."""

    def change(each: Statistic) -> Statistic:
        no_visitors = {Dimension.REASON, Dimension.BOT}.intersection(each.by)
        return replace(each, **values) if each.by and not no_visitors else each

    return replace(POLICY, statistics=tuple(map(change, POLICY.statistics)))


def test_machines_counted_one_by_one_are_no_visitors() -> None:
    machines = Statistic(
        "bots", PurposeId("audience"), (Dimension.BOT_KIND, Dimension.BOT), Grain.DAY, 1, 30
    )
    policy = replace(POLICY, statistics=(*POLICY.statistics, machines))

    assert found(policy)[GROUPS].outcome is Outcome.MET


def test_what_no_program_can_judge_needs_a_human() -> None:
    humans = [name for name, of in found().items() if of.outcome is Outcome.HUMAN]

    assert humans == [
        "The purpose is the audience of the site itself, no more",
        "It is done for the publisher's own account alone",
        "Cross it with other data or hand it on",
        "Visitors are told",
        "An objection holds on all devices",
        "The need is looked at again from time to time",
        "Each publisher's counters are kept apart",
    ]


def test_every_finding_says_why() -> None:
    assert all(finding.because for finding in found().values())


@pytest.mark.parametrize(
    ("policy", "outcome", "names"),
    [
        pytest.param(POLICY, Outcome.MET, "3 visitors", id="groups of three"),
        pytest.param(with_statistics(min_group=1), Outcome.NOT_MET, "pages", id="pages of one"),
        pytest.param(
            replace(
                POLICY,
                statistics=tuple(
                    each if each.by else replace(each, min_group=1) for each in POLICY.statistics
                ),
            ),
            Outcome.HUMAN,
            "traffic",
            id="totals of one",
        ),
    ],
)
def test_group_sizes_are_read_from_the_policy(policy: Policy, outcome: Outcome, names: str) -> None:
    assert found(policy)[GROUPS].outcome is outcome
    assert names in found(policy)[GROUPS].because


@pytest.mark.parametrize(
    ("days", "outcome"), [(MAX_KEEP_DAYS, Outcome.MET), (MAX_KEEP_DAYS + 1, Outcome.NOT_MET)]
)
def test_twenty_five_months_are_counted_in_days(days: int, outcome: Outcome) -> None:
    assert found(with_statistics(keep_days=days))[KEEPING].outcome is outcome


@pytest.mark.parametrize(
    ("tag", "outcome"),
    [
        pytest.param(TAG, Outcome.MET, id="as shipped"),
        pytest.param("if (/refused/.test(document.cookie)) {}", Outcome.MET, id="reads"),
        pytest.param('document.cookie == ""', Outcome.MET, id="compares"),
        pytest.param('document.cookie = "a=b"', Outcome.NOT_MET, id="sets"),
        pytest.param('document.cookie="a=b"', Outcome.NOT_MET, id="sets, minified"),
        pytest.param("localStorage.a = 1", Outcome.NOT_MET, id="local storage"),
        pytest.param("window.sessionStorage", Outcome.NOT_MET, id="session storage"),
        pytest.param("indexedDB.open('a')", Outcome.NOT_MET, id="database"),
        pytest.param("caches.open('a')", Outcome.NOT_MET, id="cache"),
    ],
)
def test_tag_that_sets_a_tracker_is_seen(tag: str, outcome: Outcome) -> None:
    assert found(tag=tag)[TRACKER].outcome is outcome


def test_keys_of_two_sites_were_compared() -> None:
    assert found()[ACROSS].outcome is Outcome.MET
    assert "all 3 differ" in found()[ACROSS].because


def test_gate_was_asked() -> None:
    assert found()[OBJECTION].outcome is Outcome.MET
    assert "2 sites" in found()[OBJECTION].because


def test_who_is_given_counters_is_named_for_the_human() -> None:
    policy = replace(POLICY, recipients=("Institute",))

    assert "Institute" in found(policy)["Cross it with other data or hand it on"].because
