"""The record of processing activities that GDPR Art. 30(1) asks of a controller.

Made from the policy and, where there is one, from what the store says of itself. What
neither tells is marked as open, for a human to fill in.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from anonymizer.policy import Basis, Policy, VisitorAddress
from collector.plan import is_mail
from collector.receipts import VALIDITY
from collector.store_facts import StoreFacts

OPEN = "to be filled in"


class Entry(Struct, frozen=True):
    """One line of the record."""

    letter: str
    """Of Art. 30(1)."""
    subject: str
    says: str


def make_record(policy: Policy, store: StoreFacts | None) -> tuple[Entry, ...]:
    """Write the record of the processing that a policy declares."""
    return (
        *_parties(policy),
        *_purposes(policy),
        *_categories(policy),
        *_recipients(policy),
        *_time_limits(policy, store),
        *_measures(policy, store),
    )


def _parties(policy: Policy) -> Iterator[Entry]:
    yield Entry("a", "controller", _join(policy.controller, policy.address, policy.contact))
    yield Entry("a", "joint controller", f"{OPEN}: the policy has no key for one")
    yield Entry("a", "representative", policy.representative or "none told in the policy")
    yield Entry(
        "a", "data protection officer", policy.protection_officer or "none told in the policy"
    )


def _purposes(policy: Policy) -> Iterator[Entry]:
    for purpose in policy.purposes:
        ground = "consent" if purpose.basis is Basis.CONSENT else "without consent"
        yield Entry("b", purpose.id, f"{purpose.title} ({ground}; {purpose.clause})")


def _categories(policy: Policy) -> Iterator[Entry]:
    address = (
        "internet address"
        if policy.visitor_address is VisitorAddress.FULL
        else "truncated internet address"
    )
    mail = "; recipients of e-mail campaigns" if any(map(is_mail, policy.statistics)) else ""
    yield Entry("c", "data subjects", f"visitors of {', '.join(policy.sites)}{mail}; analysts")
    yield Entry(
        "c",
        "visitors, in memory until the request is answered",
        "internet address, user agent, page, referrer, headers",
    )
    yield Entry(
        "c",
        "visitors, in memory until the end of the site's day",
        f"a keyed hash of site, {address} and user agent; what was counted under it",
    )
    told = sorted({dimension.value for each in policy.statistics for dimension in each.by})
    yield Entry(
        "c", "visitors, stored", f"sums over visitors in counters, told apart by {_all(told)}"
    )
    yield Entry(
        "c",
        "visitors who answered on consent, stored",
        "receipts: hash of an id, site, version, purposes, answer, hour, language, jurisdiction",
    )
    yield Entry("c", "analysts, stored", "name and password hash")


def _recipients(policy: Policy) -> Iterator[Entry]:
    yield Entry("d", "categories of recipients", _all(policy.recipients) or "none told")
    yield Entry("e", "places of storage", _all(policy.stored_in) or f"{OPEN}: none told")
    for region in policy.regions.values():
        of_countries = [f"visitors from {country}" for country in region.countries]
        whose = _all((*region.sites, *of_countries))
        yield Entry("e", f"places of storage, {region.name}", f"{_all(region.stored_in)}: {whose}")
    yield Entry(
        "e",
        "transfers to third countries, with safeguards",
        f"{OPEN}: the policy tells places, not which of them are third countries",
    )


def _time_limits(policy: Policy, store: StoreFacts | None) -> Iterator[Entry]:
    by_days: dict[int, list[str]] = {}
    for statistic in policy.statistics:
        by_days.setdefault(statistic.keep_days, []).append(statistic.name)
    for days, names in sorted(by_days.items()):
        yield Entry("f", f"{days} days, by the policy", _all(names))
    years = f"{VALIDITY.days} days, after a yes as long again as what it permitted may be kept"
    yield Entry("f", "receipts, by the code", years)
    if store is None:
        yield Entry("f", "by the store", f"{OPEN}: not asked, give --data")
        return
    for kept in store.kept:
        says = f"{kept.cells} cells, the oldest of {kept.oldest}, {kept.overdue} overdue"
        yield Entry("f", f"{kept.keep_days} days, in the store", says)
    yield Entry("f", "counters", "the server drops every night what is over its time")
    if store.receipts is not None:
        says = f"{store.receipts.rows} rows, {store.receipts.overdue} overdue"
        yield Entry("f", "receipts, in the store", says)


def _measures(policy: Policy, store: StoreFacts | None) -> Iterator[Entry]:
    yield Entry("g", "pseudonymisation", "a salt for each site and day, in memory alone")
    sizes = sorted({each.min_group for each in policy.statistics})
    yield Entry("g", "smallest groups shown", f"{_all(map(str, sizes))} visitors, by statistic")
    if store is not None:
        tables = sorted({column.table for column in store.columns})
        yield Entry("g", "tables on disk, as read", _all(tables))
    yield Entry("g", "around it", f"{OPEN}: TLS, disks, backups, who may log in to the machine")


def _join(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _all(names: Iterable[str]) -> str:
    return ", ".join(names)
