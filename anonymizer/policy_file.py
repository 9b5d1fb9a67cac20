"""The text of ``policy.toml`` → a `Policy`, or every fault in it by line.

A key that is not known is a fault, so that nothing is believed to be in force
that is not. docs/policy.md describes each key.
"""

from collections.abc import Iterable

from msgspec import Struct, structs

from anonymizer.hits import SiteId
from anonymizer.policy import (
    DEFAULT_MAX_VALUES,
    Basis,
    Dimension,
    Event,
    Policy,
    Purpose,
    PurposeId,
    Site,
    Statistic,
)
from anonymizer.policy_events import read_event, read_max_values
from anonymizer.policy_faults import Fault, PolicyFaults
from anonymizer.policy_goals import read_funnels, read_goals
from anonymizer.policy_residency import Residency, read_residency
from anonymizer.policy_sections import (
    DEFAULT_CAMPAIGN_PARAMETERS,
    KEYS,
    Network,
    read_campaign_parameters,
    read_head,
    read_network,
    read_purpose,
    read_tcf_vendor,
)
from anonymizer.policy_sites import read_site
from anonymizer.policy_statistics import COVERAGE, counts_refusals, read_statistic
from anonymizer.policy_tables import Source, Table
from anonymizer.policy_tag import read_tag_modules
from anonymizer.policy_toml import read_toml

__all__ = ["Fault", "PolicyFaults", "read_policy"]


class _Declared(Struct, frozen=True):
    """What a policy and the shipped default both may declare."""

    purposes: tuple[Purpose, ...]
    statistics: tuple[Statistic, ...]
    campaign_parameters: dict[Dimension, str]


def read_policy(text: str, default_text: str) -> Policy:
    """Read a policy from TOML, on top of the default when it says ``extends = "default"``.

    `default_text` holds purposes, events, statistics and paths only, and is read only when
    extended.
    Raises `PolicyFaults` with every fault of `text`, ordered by line; when the default itself
    is faulty, with the default's faults, their keys headed ``default``.
    """
    document = read_toml(text)
    source = Source(document.lines)
    root = Table(source, (), document.values)
    root.refuse_unknown([key for key in KEYS if "." not in key])
    head_table = _read_required_table(root, "policy")
    head = read_head(head_table) if head_table is not None else None
    # Without a readable [policy], reading on as an extension finds the file's own faults only.
    extends = head is None or head.extends
    default = _read_default(default_text) if extends else None
    events = _read_events(root, default)
    declared = _read_declared(root, default, events)
    sites = _read_sites(root)
    network = root.read_table("network")
    of_network = read_network(network) if network else Network()
    signals = root.read_table("signals")
    tcf_vendor = read_tcf_vendor(signals) if signals else None
    residency_table = root.read_table("residency")
    residency = read_residency(residency_table, sites) if residency_table else Residency()
    goals = read_goals(root, events, sites)
    funnels = read_funnels(root, goals, sites)
    limits = root.read_table("limits")
    max_values = read_max_values(limits) if limits else DEFAULT_MAX_VALUES
    tag = root.read_table("tag")
    tag_modules = read_tag_modules(tag) if tag else ()
    if source.faults or head is None:
        raise PolicyFaults(source.faults)
    return Policy(
        id=head.id,
        version=head.version,
        effective=head.effective,
        controller=head.controller,
        contact=head.contact,
        languages=head.languages,
        sites=sites,
        purposes=declared.purposes,
        statistics=_with_min_group(declared.statistics, head.min_group),
        campaign_parameters=declared.campaign_parameters,
        visitor_address=of_network.visitor_address,
        v4_bits=of_network.v4_bits,
        v6_bits=of_network.v6_bits,
        tcf_vendor=tcf_vendor,
        address=head.address,
        representative=head.representative,
        protection_officer=head.protection_officer,
        authority=head.authority,
        high_risk=head.high_risk,
        stored_in=residency.stored_in,
        recipients=residency.recipients,
        regions=residency.regions,
        events=events,
        max_values=max_values,
        tag_modules=tag_modules,
        goals=goals,
        funnels=funnels,
    )


def _read_default(text: str) -> Table:
    """Read the default, its faults told apart from the file's own by their keys."""
    try:
        return _read_sound_default(text)
    except PolicyFaults as error:
        raise PolicyFaults(
            Fault(fault.line, f"default.{fault.key}".rstrip("."), fault.message)
            for fault in error.faults
        ) from None


def _read_sound_default(text: str) -> Table:
    """Parse the default and check it as it stands, so that nothing faulty is inherited."""
    document = read_toml(text)
    source = Source(document.lines)
    root = Table(source, (), document.values)
    root.refuse_unknown(("purpose", "event", "statistic", "paths"))
    _read_declared(root, None, _read_events(root, None))
    if source.faults:
        raise PolicyFaults(source.faults)
    return root


def _read_declared(root: Table, default: Table | None, events: dict[str, Event]) -> _Declared:
    purpose_tables = _on_top_of_default(root, "purpose", "id", default)
    purposes = {purpose.id: purpose for purpose in map(read_purpose, purpose_tables)}
    statistic_tables = _on_top_of_default(root, "statistic", "name", default)
    statistics = tuple(read_statistic(table, purposes, events) for table in statistic_tables)
    if not any(table.values.get("name") == COVERAGE for table in statistic_tables):
        message = f"the statistic {COVERAGE} is missing"
        root.source.faults.append(Fault(1, "statistic", message))
    refusals = [t for t, s in zip(statistic_tables, statistics, strict=True) if counts_refusals(s)]
    _check_refusals(refusals, purpose_tables, purposes)
    parameters = next(
        (read for read in map(_read_parameters, (root, default)) if read is not None),
        dict(DEFAULT_CAMPAIGN_PARAMETERS),
    )
    return _Declared(tuple(purposes.values()), statistics, parameters)


def _on_top_of_default(root: Table, kind: str, key: str, default: Table | None) -> list[Table]:
    """List the default's tables in its order, each under the file's of the same `key`.

    The file's other tables follow. Notes a table whose `key` repeats an earlier one's.
    """
    defaults = {
        table.values[key]: table.values for table in (default.read_tables(kind) if default else ())
    }
    layered = {name: Table(root.source, (kind,), {}, keys) for name, keys in defaults.items()}
    added: list[Table] = []
    lines: dict[str, int] = {}
    for table in root.read_tables(kind):
        name = table.values.get(key)
        if not isinstance(name, str):
            added.append(table)
            continue
        on_top = Table(table.source, table.path, table.given, defaults.get(name))
        if name in lines:
            table.refuse(key, f"must be unique: line {lines[name]} gives it already")
            added.append(on_top)
        elif name in layered:
            layered[name] = on_top
        else:
            added.append(on_top)
        lines.setdefault(name, table.line(key))
    return [*layered.values(), *added]


def _check_refusals(
    statistic_tables: list[Table],
    purpose_tables: list[Table],
    purposes: dict[PurposeId, Purpose],
) -> None:
    """Hold that refused hits are counted (law 3), whoever refuses."""
    refused = set()
    for of in statistic_tables:
        served = of.values.get("purpose")
        purpose = purposes.get(PurposeId(served)) if isinstance(served, str) else None
        if purpose is None or purpose.basis is Basis.EXEMPT:
            continue
        if "purpose" in of.given:
            of.refuse("purpose", "must have the basis exempt: refusals are counted for it")
            continue
        for table in purpose_tables:
            if table.values.get("id") == served and served not in refused:
                refused.add(served)
                table.refuse("basis", "must be exempt: refusals are counted for this purpose")


def _read_parameters(root: Table | None) -> dict[Dimension, str] | None:
    paths = root.read_table("paths") if root else None
    return read_campaign_parameters(paths) if paths else None


def _read_sites(root: Table) -> dict[SiteId, Site]:
    tables = root.read_tables("site")
    if "site" not in root or root.values["site"] == []:
        root.refuse("site", "is missing: at least one [[site]] is needed")
    sites: dict[SiteId, Site] = {}
    lines: dict[SiteId, int] = {}
    for table in tables:
        site = read_site(table)
        if site.domain in sites and site.domain:
            table.refuse("domain", f"must be unique: line {lines[site.domain]} gives it already")
        sites[site.domain] = site
        lines.setdefault(site.domain, table.line("domain"))
    return sites


def _read_events(root: Table, default: Table | None) -> dict[str, Event]:
    """Read the default's events, each one replaced whole by the file's of the same name."""
    events = _read_events(default, None) if default else {}
    lines: dict[str, int] = {}
    for table in root.read_tables("event"):
        event = read_event(table)
        if event.name in lines:
            table.refuse("name", f"must be unique: line {lines[event.name]} gives it already")
        elif event.name:
            lines[event.name] = table.line("name")
            events[event.name] = event
    return events


def _read_required_table(root: Table, key: str) -> Table | None:
    if key not in root:
        root.refuse(key, f"is missing: a table [{key}] is needed")
    return root.read_table(key)


def _with_min_group(
    statistics: Iterable[Statistic], min_group: int | None
) -> tuple[Statistic, ...]:
    if min_group is None:
        return tuple(statistics)
    return tuple(structs.replace(statistic, min_group=min_group) for statistic in statistics)
