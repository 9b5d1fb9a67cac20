"""`discreet policy show`: a policy with all that it inherits, as tables."""

import argparse

from rich.console import Console
from rich.table import Table

from anonymizer.policy import Policy, Property, Statistic
from collector.commands import read_policy_or_archived


def run(options: argparse.Namespace) -> None:
    """Print what a policy declares.

    Raises:
        CommandFailed: the file can't be read or has faults.
    """
    policy = read_policy_or_archived(options.file)
    console = Console(highlight=False)
    tables = [_head(policy), _sites(policy), _purposes(policy), _statistics(policy)]
    if policy.events:
        tables.append(_events(policy))
    if policy.goals:
        tables.append(_goals(policy))
    if policy.funnels:
        tables.append(_funnels(policy))
    for table in tables:
        console.print(table)


def _head(policy: Policy) -> Table:
    table = _table(f"policy {policy.id}", "key", "value")
    for key, value in (
        ("version", policy.version),
        ("effective", policy.effective),
        ("controller", policy.controller),
        ("address", policy.address),
        ("contact", policy.contact),
        ("representative", policy.representative),
        ("protection_officer", policy.protection_officer),
        ("authority", policy.authority),
        ("high_risk", "true" if policy.high_risk else "false"),
        ("languages", ", ".join(policy.languages)),
        ("network.visitor_address", policy.visitor_address),
        ("network.v4_bits", str(policy.v4_bits)),
        ("network.v6_bits", str(policy.v6_bits)),
        ("signals.tcf_vendor", str(policy.tcf_vendor or "")),
        ("residency.stored_in", ", ".join(policy.stored_in)),
        ("residency.recipients", ", ".join(policy.recipients)),
        *(
            (f"residency.regions.{name}", ", ".join((*of.sites, *of.countries, *of.stored_in)))
            for name, of in policy.regions.items()
        ),
        ("paths.campaign_parameters", ", ".join(policy.campaign_parameters.values())),
        ("limits.max_values", str(policy.max_values)),
        ("tag.modules", ", ".join(policy.tag_modules)),
    ):
        table.add_row(key, value or "-")
    return table


def _sites(policy: Policy) -> Table:
    table = _table("sites", "domain", "timezone", "consent", "jurisdiction", "more")
    for site in policy.sites.values():
        more = [
            *(["child_directed"] if site.child_directed else []),
            *(["lower_case_paths"] if site.lower_case_paths else []),
            *(["hash_routing"] if site.hash_routing else []),
            *(f"child_path {start}" for start in site.child_paths),
            *(f"path_template {template}" for template in site.path_templates),
        ]
        table.add_row(
            site.domain, site.zone.key, site.consent, site.jurisdiction or "-", "\n".join(more)
        )
    return table


def _purposes(policy: Policy) -> Table:
    table = _table("purposes", "id", "basis", "keep_days", "tcf", "title", "clause")
    for purpose in policy.purposes:
        titles = [purpose.title, *(f"{tag}: {title}" for tag, title in purpose.titles.items())]
        table.add_row(
            purpose.id,
            purpose.basis,
            str(purpose.keep_days),
            ", ".join(map(str, purpose.tcf)) or "none",
            "\n".join(titles),
            purpose.clause,
        )
    return table


def _statistics(policy: Policy) -> Table:
    table = _table("statistics", "name", "purpose", "by", "grain", "min_group", "keep_days")
    for statistic in policy.statistics:
        table.add_row(
            statistic.name,
            statistic.purpose,
            _held(statistic) + (", ".join(statistic.by) or "-"),
            statistic.grain,
            str(statistic.min_group),
            str(statistic.keep_days),
        )
    return table


def _events(policy: Policy) -> Table:
    table = _table("events", "name", "property", "values, steps, reached, grid or text")
    for event in policy.events.values():
        table.add_row(event.name, "", "" if event.interactive else "not interactive")
        for of in event.properties:
            table.add_row("", of.name, _read(of))
    return table


def _read(of: Property) -> str:
    if of.text:
        return f"text, {of.max_values} a day"
    if of.grid:
        return " × ".join(map(str, of.grid))
    return ", ".join(map(str, of.values or of.steps or of.reached))


def _held(statistic: Statistic) -> str:
    of = ": ".join(filter(None, (statistic.event, statistic.property)))
    return f"{of} by " if of else ""


def _goals(policy: Policy) -> Table:
    table = _table("goals", "name", "reached by", "site")
    for goal in policy.goals.values():
        by = goal.page or f"event {goal.event}"
        of = f", {goal.property} = {goal.value}" if goal.property else ""
        table.add_row(goal.name, by + of, goal.site or "all")
    return table


def _funnels(policy: Policy) -> Table:
    table = _table("funnels", "name", "steps", "site")
    for funnel in policy.funnels.values():
        table.add_row(funnel.name, "\n".join(funnel.steps), funnel.site or "all")
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
