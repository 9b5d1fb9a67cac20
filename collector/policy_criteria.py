"""CNIL's criteria for audience measurement without consent, as far as a policy answers them.

Page of 4 July 2025 (cnil.fr/fr/node/167364) and guidelines 2020-091, art. 5. What a program
can't see needs a human; nothing is called met that nothing looked at.
"""

import re
from collections.abc import Iterable
from itertools import combinations

from anonymizer.gate import PAGE_VIEW, Gate
from anonymizer.hits import DropReason, LocalSeconds, SiteId
from anonymizer.policy import Basis, Policy, Purpose, Statistic
from anonymizer.signals import Signals
from anonymizer.visitor_key import visitor_key
from collector.findings import Finding, Level, Outcome
from collector.plan import COVERAGE_DIMENSIONS, is_coverage, is_delivered, is_machines
from collector.salts import fill_from_kernel
from collector.visits import VisitMemory

MAX_KEEP_DAYS = 758  # the shortest 25 months: from a February to the March after next
_AUDIENCE_TCF = frozenset({8, 9})  # measure content performance, understand audiences
_ANOTHER_SITE = SiteId("another.invalid")  # so that a single site has one to differ from
_SETS_A_TRACKER = re.compile(
    r"\.cookie\s*=[^=]|\.setItem\b|\b(?:local|session)Storage\b|\bindexedDB\b|\bcaches\b"
)


def check_policy(policy: Policy, tag: str) -> tuple[Finding, ...]:
    """Check a policy, the gate and the keys made under it, and the text of `tag.js`."""
    return (
        _purpose(policy),
        _own_account(policy),
        _groups(policy),
        _no_crossing(policy),
        _no_tracking_across_sites(policy),
        _informed(policy),
        _objection(policy),
        _devices(),
        _tracker(tag),
        _keep_days(policy),
        _review(policy),
        _publishers(policy),
    )


def _purpose(policy: Policy) -> Finding:
    titles = "; ".join(f"“{each.title}”" for each in _exempt(policy))
    why = f"a program can't judge what purposes mean. Those without consent are: {titles}"
    other = [each.id for each in _exempt(policy) if set(each.tcf) - _AUDIENCE_TCF]
    if other:
        why += f". Tied to IAB purposes other than 8 and 9: {', '.join(other)}"
    return Finding(
        Level.MUST, "The purpose is the audience of the site itself, no more", Outcome.HUMAN, why
    )


def _own_account(policy: Policy) -> Finding:
    why = (
        f"the policy gives counters to others: {', '.join(policy.recipients)}"
        if policy.recipients
        else "the policy names no recipient, but who has a login or a copy is not told there"
    )
    return Finding(
        Level.MUST, "It is done for the publisher's own account alone", Outcome.HUMAN, why
    )


def _groups(policy: Policy) -> Finding:
    criterion = "No count that is shown stands for a single visitor"
    counting = [
        each
        for each in policy.statistics
        if not (is_coverage(each) or is_machines(each) or is_delivered(each))
    ]
    lone = _names(each for each in counting if each.by and each.min_group < 2)
    if lone:
        why = f"these are shown for one visitor: {lone}"
        return Finding(Level.MUST, criterion, Outcome.NOT_MET, why)
    told = [each.min_group for each in counting if each.by]
    least = f"what is told apart is shown from {min(told)} visitors on" if told else ""
    totals = _names(each for each in counting if each.min_group < 2)
    if totals or not told:
        why = f"{least or 'nothing is told apart'}; totals of one visitor are shown: {totals}"
        return Finding(Level.MUST, criterion, Outcome.HUMAN, why)
    return Finding(Level.MUST, criterion, Outcome.MET, f"in the policy: {least}")


def _no_crossing(policy: Policy) -> Finding:
    why = "what else is done with exported counters can't be seen from here"
    if policy.recipients:
        why += f"; the policy gives them to {', '.join(policy.recipients)}"
    return Finding(Level.MUST_NOT, "Cross it with other data or hand it on", Outcome.HUMAN, why)


def _no_tracking_across_sites(policy: Policy) -> Finding:
    criterion = "Follow a visitor from site to site"
    memory = VisitMemory(fill_from_kernel)
    noon = LocalSeconds(12 * 3600)
    keys = {
        site: visitor_key(
            memory.salts(site, noon).today, site, "192.0.2.1", "", policy.visitor_address
        )
        for site in (*policy.sites, _ANOTHER_SITE)
    }
    shared = [pair for pair in combinations(keys.values(), 2) if pair[0] == pair[1]]
    if shared:
        why = "one visitor has the same key on two sites"
        return Finding(Level.MUST_NOT, criterion, Outcome.NOT_MET, why)
    why = (
        "one visitor's keys were made for each site of the policy and for one more:"
        f" all {len(keys)} differ"
    )
    return Finding(Level.MUST_NOT, criterion, Outcome.MET, why)


def _informed(policy: Policy) -> Finding:
    why = (
        f"/privacy and /opt-out are served in {', '.join(policy.languages)} as far as they are"
        " translated; whether each site links to them can't be seen from here"
    )
    return Finding(Level.SHOULD, "Visitors are told", Outcome.HUMAN, why)


def _objection(policy: Policy) -> Finding:
    criterion = "Who objects is not counted, and nothing of them is kept"
    gate = Gate(policy)
    refusals = (Signals(dnt=True), Signals(gpc=True), Signals(opted_out=True))
    counted = [
        site.domain
        for site in policy.sites.values()
        for signals in refusals
        if not isinstance(gate.judge(PAGE_VIEW, signals, site), DropReason)
    ]
    if counted:
        why = f"refusals are counted as visits on {', '.join(counted)}"
        return Finding(Level.SHOULD, criterion, Outcome.NOT_MET, why)
    why = (
        f"the gate was asked for each of the policy's {len(policy.sites)} sites: Do Not Track,"
        " Global Privacy Control and the opt-out each refuse. A refusal adds 1 to coverage,"
        f" told apart by {' and '.join(COVERAGE_DIMENSIONS)} alone"
    )
    return Finding(Level.SHOULD, criterion, Outcome.MET, why)


def _devices() -> Finding:
    why = "a browser's signal and the opt-out hold for that browser; no one is known by name"
    return Finding(Level.SHOULD, "An objection holds on all devices", Outcome.HUMAN, why)


def _tracker(tag: str) -> Finding:
    criterion = "A tracker lives 13 months at most"
    if _SETS_A_TRACKER.search(tag):
        why = "the tag sets a cookie or uses storage"
        return Finding(Level.SHOULD, criterion, Outcome.NOT_MET, why)
    why = "the tag's text was searched: it sets no cookie and uses no storage, so there is none"
    return Finding(Level.SHOULD, criterion, Outcome.MET, why)


def _keep_days(policy: Policy) -> Finding:
    criterion = "The policy keeps counters 25 months at most"
    long = _names(each for each in policy.statistics if each.keep_days > MAX_KEEP_DAYS)
    if long:
        why = f"kept longer than {MAX_KEEP_DAYS} days: {long}"
        return Finding(Level.SHOULD, criterion, Outcome.NOT_MET, why)
    longest = max((each.keep_days for each in policy.statistics), default=0)
    why = f"the longest keep_days of {len(policy.statistics)} statistics is {longest}"
    return Finding(Level.SHOULD, criterion, Outcome.MET, why)


def _review(policy: Policy) -> Finding:
    since = f"in force since {policy.effective}" if policy.effective else "without a date"
    why = (
        f"the policy is version {policy.version}, {since};"
        " when it was last thought over isn't told in it"
    )
    return Finding(
        Level.SHOULD, "The need is looked at again from time to time", Outcome.HUMAN, why
    )


def _publishers(policy: Policy) -> Finding:
    sites = ", ".join(policy.sites)
    why = f"a program can't see whether these sites have one publisher: {sites}"
    if len(policy.sites) == 1:
        why = f"a program can't see whether others' counters share this machine with {sites}"
    return Finding(Level.SHOULD, "Each publisher's counters are kept apart", Outcome.HUMAN, why)


def _exempt(policy: Policy) -> list[Purpose]:
    return [purpose for purpose in policy.purposes if purpose.basis is Basis.EXEMPT]


def _names(statistics: Iterable[Statistic]) -> str:
    return ", ".join(statistic.name for statistic in statistics)
