"""Which changes of a policy are major: every field of it, weighed once.

Old and new value go in, the clause of imoa's policy that makes the change a major one comes
out, or None. A field that is missing here fails a test.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from anonymizer.policy import (
    Basis,
    ConsentMode,
    Event,
    Funnel,
    Goal,
    Grain,
    Policy,
    Property,
    Purpose,
    Region,
    Site,
    Statistic,
    VisitorAddress,
)


class Clause(StrEnum):
    """The clause of imoa's policy that makes a change a major one."""

    CROSS_BORDER = "8"
    PROCESSING = "9.1"
    """Purposes, kinds of information, the way it is used."""
    OWNER = "9.2"
    RECIPIENTS = "9.3"
    RIGHTS = "9.4"
    """What a visitor may decide, and how."""
    CONTACT = "9.5"
    RISK = "9.6"


Table = TypeVar(
    "Table",
    bound=Policy | Site | Purpose | Statistic | Event | Property | Region | Goal | Funnel,
)

Weigh = Callable[[Table, Table], Clause | None]


def _never(_old: Table, _new: Table) -> None:
    return None


def _if(clause: Clause, loosens: Callable[[Table, Table], bool]) -> Weigh[Table]:
    return lambda old, new: clause if loosens(old, new) else None


def _always(clause: Clause) -> Callable[[object, object], Clause]:
    return lambda _old, _new: clause


def _retold(clause: Clause, told: Callable[[Table], str]) -> Weigh[Table]:
    # Telling what was left open before makes nothing untrue that visitors were told.
    return _if(clause, lambda old, _new: bool(told(old)))


def _more(old: Sequence[object], new: Sequence[object]) -> bool:
    return not set(new) <= set(old)


def _all_within(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    # As `signals` compares them: whole segments, in either case.
    ends = [f"{start.rstrip('/')}/".lower() for start in new]
    return all(f"{start.rstrip('/')}/".lower().startswith(tuple(ends)) for start in old)


def _within(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    left = iter(old)
    return all(step in left for step in new)


def _is_finer(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    if not old:
        return bool(new)
    return any(after > before for before, after in zip(old, new, strict=False))


_FREEDOM = (ConsentMode.OPT_IN, ConsentMode.EXEMPT, ConsentMode.OPT_OUT)
"""From the mode that counts the fewest of those who said nothing to the one that counts all."""

POLICY_FIELDS: Mapping[str, tuple[str, Weigh[Policy]]] = {
    "id": ("id", _never),
    "version": ("version", _never),
    "effective": ("effective", _never),
    "controller": ("controller", _always(Clause.OWNER)),
    "contact": ("contact", _always(Clause.CONTACT)),
    "languages": ("languages", _never),
    "campaign_parameters": (
        "paths.campaign_parameters",
        _if(
            Clause.PROCESSING,
            lambda old, new: not new.campaign_parameters.items() <= old.campaign_parameters.items(),
        ),
    ),
    "visitor_address": (
        "network.visitor_address",
        _if(Clause.PROCESSING, lambda _, new: new.visitor_address is VisitorAddress.FULL),
    ),
    "v4_bits": (
        "network.v4_bits",
        _if(Clause.PROCESSING, lambda old, new: new.v4_bits > old.v4_bits),
    ),
    "v6_bits": (
        "network.v6_bits",
        _if(Clause.PROCESSING, lambda old, new: new.v6_bits > old.v6_bits),
    ),
    # Decides which consent strings count, in either direction.
    "tcf_vendor": ("signals.tcf_vendor", _always(Clause.RIGHTS)),
    "address": ("address", _retold(Clause.CONTACT, lambda old: old.address)),
    "representative": ("representative", _retold(Clause.CONTACT, lambda old: old.representative)),
    "protection_officer": (
        "protection_officer",
        _retold(Clause.CONTACT, lambda old: old.protection_officer),
    ),
    "authority": ("authority", _retold(Clause.CONTACT, lambda old: old.authority)),
    "high_risk": ("high_risk", _if(Clause.RISK, lambda _, new: new.high_risk)),
    # No country told may be any country.
    "stored_in": (
        "residency.stored_in",
        _if(
            Clause.CROSS_BORDER,
            lambda old, new: not new.stored_in or _more(old.stored_in, new.stored_in),
        ),
    ),
    "recipients": (
        "residency.recipients",
        _if(Clause.RECIPIENTS, lambda old, new: _more(old.recipients, new.recipients)),
    ),
    "max_values": (
        "limits.max_values",
        _if(Clause.PROCESSING, lambda old, new: new.max_values > old.max_values),
    ),
    # What a module tells counts where the policy declares its event, and nowhere else.
    "tag_modules": ("tag.modules", _never),
}
"""Field → its key in the file, and what weighs a change of it. Tables are in `compare`."""

REGION_FIELDS: Mapping[str, tuple[str, Weigh[Region]]] = {
    "name": ("name", _never),  # told apart by it
    # No program sees in which country an address lies.
    "store": ("store", _always(Clause.CROSS_BORDER)),
    "stored_in": (
        "stored_in",
        _if(Clause.CROSS_BORDER, lambda old, new: _more(old.stored_in, new.stored_in)),
    ),
    # Who comes is stored here now, and who goes elsewhere.
    "sites": ("sites", _always(Clause.CROSS_BORDER)),
    "countries": ("countries", _always(Clause.CROSS_BORDER)),
}

EVENT_FIELDS: Mapping[str, tuple[str, Weigh[Event]]] = {
    "name": ("name", _never),  # told apart by it
    # What a visit's end and its bounce follow from; nothing more is known by it.
    "interactive": ("interactive", _never),
}

PROPERTY_FIELDS: Mapping[str, tuple[str, Weigh[Property]]] = {
    "name": ("name", _never),  # told apart by it
    "values": (
        "values",
        _if(Clause.PROCESSING, lambda old, new: not old.text and _more(old.values, new.values)),
    ),
    "steps": (
        "steps",
        _if(Clause.PROCESSING, lambda old, new: not old.text and _more(old.steps, new.steps)),
    ),
    "reached": (
        "reached",
        _if(Clause.PROCESSING, lambda old, new: not old.text and _more(old.reached, new.reached)),
    ),
    "grid": (
        "grid",
        _if(
            Clause.PROCESSING,
            lambda old, new: not old.text and _is_finer(old.grid, new.grid),
        ),
    ),
    "text": ("text", _if(Clause.PROCESSING, lambda _, new: new.text)),
    "max_values": (
        "max_values",
        _if(Clause.PROCESSING, lambda old, new: new.max_values > old.max_values),
    ),
}

GOAL_FIELDS: Mapping[str, tuple[str, Weigh[Goal]]] = {
    "name": ("name", _never),  # told apart by it
    # Another page or event is another thing that is known of visitors.
    "event": ("event", _always(Clause.PROCESSING)),
    "property": ("property", _always(Clause.PROCESSING)),
    "value": ("value", _always(Clause.PROCESSING)),
    "page": ("page", _always(Clause.PROCESSING)),
    "site": ("site", _if(Clause.PROCESSING, lambda old, _: bool(old.site))),
}

FUNNEL_FIELDS: Mapping[str, tuple[str, Weigh[Funnel]]] = {
    "name": ("name", _never),  # told apart by it
    "steps": (
        "steps",
        _if(Clause.PROCESSING, lambda old, new: not _within(old.steps, new.steps)),
    ),
    "site": ("site", _if(Clause.PROCESSING, lambda old, _: bool(old.site))),
}

SITE_FIELDS: Mapping[str, tuple[str, Weigh[Site]]] = {
    "domain": ("domain", _never),  # told apart by it, so never seen changed
    "zone": ("timezone", _never),
    "consent": (
        "consent",
        _if(
            Clause.RIGHTS,
            lambda old, new: _FREEDOM.index(new.consent) > _FREEDOM.index(old.consent),
        ),
    ),
    "jurisdiction": ("jurisdiction", _retold(Clause.RIGHTS, lambda old: old.jurisdiction)),
    "child_directed": (
        "child_directed",
        _if(Clause.PROCESSING, lambda _, new: not new.child_directed),
    ),
    "child_paths": (
        "child_paths",
        _if(
            Clause.PROCESSING,
            lambda old, new: (
                not new.child_directed and not _all_within(old.child_paths, new.child_paths)
            ),
        ),
    ),
    # What tells pages apart more finely tells more of the visitor.
    "lower_case_paths": (
        "lower_case_paths",
        _if(Clause.PROCESSING, lambda _, new: not new.lower_case_paths),
    ),
    # The first that fits stands, so that only one added at the end can't make others finer.
    "path_templates": (
        "path_templates",
        _if(
            Clause.PROCESSING,
            lambda old, new: new.path_templates[: len(old.path_templates)] != old.path_templates,
        ),
    ),
    "hash_routing": ("hash_routing", _if(Clause.PROCESSING, lambda _, new: new.hash_routing)),
}

PURPOSE_FIELDS: Mapping[str, tuple[str, Weigh[Purpose]]] = {
    "id": ("id", _never),  # told apart by it
    # The title is the purpose as visitors were told it: no program sees whether another
    # wording means another purpose. The same holds for the clause. A translation that goes
    # could come back with other words.
    "title": ("title", _always(Clause.PROCESSING)),
    "titles": (
        "titles",
        _if(
            Clause.PROCESSING,
            lambda old, new: any(
                new.titles.get(language) != title for language, title in old.titles.items()
            ),
        ),
    ),
    "clause": ("clause", _always(Clause.PROCESSING)),
    "basis": ("basis", _if(Clause.RIGHTS, lambda _, new: new.basis is Basis.EXEMPT)),
    "keep_days": (
        "keep_days",
        _if(Clause.PROCESSING, lambda old, new: new.keep_days > old.keep_days),
    ),
    # A consent string must permit all of them; none can be permitted.
    "tcf": (
        "tcf",
        _if(
            Clause.RIGHTS,
            lambda old, new: bool(new.tcf) and not (old.tcf and set(old.tcf) <= set(new.tcf)),
        ),
    ),
}

STATISTIC_FIELDS: Mapping[str, tuple[str, Weigh[Statistic]]] = {
    "name": ("name", _never),  # told apart by it
    "purpose": ("purpose", _always(Clause.PROCESSING)),
    # Another event or property is another thing that is known of visitors.
    "event": ("event", _always(Clause.PROCESSING)),
    "property": ("property", _always(Clause.PROCESSING)),
    "by": ("by", _if(Clause.PROCESSING, lambda old, new: _more(old.by, new.by))),
    "grain": ("grain", _if(Clause.PROCESSING, lambda _, new: new.grain is Grain.HOUR)),
    "min_group": (
        "min_group",
        _if(Clause.PROCESSING, lambda old, new: new.min_group < old.min_group),
    ),
    "keep_days": (
        "keep_days",
        _if(Clause.PROCESSING, lambda old, new: new.keep_days > old.keep_days),
    ),
}
