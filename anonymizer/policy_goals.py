"""The rules of a ``[[goal]]`` and a ``[[funnel]]``: what visitors are hoped to come to, and how."""

from collections.abc import Collection, Mapping

from anonymizer.events import read_text, step_of
from anonymizer.goals import read_pattern
from anonymizer.hits import SiteId
from anonymizer.paths import BadTemplate
from anonymizer.policy import Event, Funnel, Goal, Property
from anonymizer.policy_events import NAME, NAME_WANTED
from anonymizer.policy_sections import KEYS
from anonymizer.policy_tables import Table

MOST_STEPS = 8  # a step's number is one digit, so that views sort by it
FEWEST_STEPS = 2

_WITHIN = "visit"


def read_goals(
    root: Table, events: Mapping[str, Event], sites: Collection[SiteId]
) -> dict[str, Goal]:
    """Read every ``[[goal]]`` of a policy with these events and sites."""
    goals: dict[str, Goal] = {}
    lines: dict[str, int] = {}
    for table in root.read_tables("goal"):
        goal = _read_goal(table, events, sites)
        if _is_new(table, goal.name, lines):
            goals[goal.name] = goal
    return goals


def read_funnels(
    root: Table, goals: Mapping[str, Goal], sites: Collection[SiteId]
) -> dict[str, Funnel]:
    """Read every ``[[funnel]]`` of a policy with these goals and sites."""
    funnels: dict[str, Funnel] = {}
    lines: dict[str, int] = {}
    for table in root.read_tables("funnel"):
        funnel = _read_funnel(table, goals, sites)
        if _is_new(table, funnel.name, lines):
            funnels[funnel.name] = funnel
    return funnels


def _is_new(table: Table, name: str, lines: dict[str, int]) -> bool:
    if not name:
        return False
    if name in lines:
        table.refuse("name", f"must be unique: line {lines[name]} gives it already")
        return False
    lines[name] = table.line("name")
    return True


def _read_goal(table: Table, events: Mapping[str, Event], sites: Collection[SiteId]) -> Goal:
    table.refuse_unknown(KEYS["goal"])
    name = table.read_text("name", NAME, NAME_WANTED)
    site = _read_site(table, sites)
    if "event" in table and "page" in table:
        table.refuse("page", "must not stand beside event: a goal is one of them")
    elif "event" not in table and "page" not in table:
        table.refuse("name", "must have one of event and page, and has none")
    if "event" not in table:
        for key in ("property", "value"):
            if key in table:
                table.refuse(key, "must stand beside event only")
        return Goal(name, page=_read_page(table) if "page" in table else "", site=site)
    event = table.read_text("event")
    if event and event not in events:
        table.refuse("event", "must be the name of an [[event]]")
    of, value = _read_property(table, events.get(event))
    return Goal(name, event, of, value, site=site)


def _read_site(table: Table, sites: Collection[SiteId]) -> SiteId:
    site = SiteId(table.read_optional("site").lower())
    if site and site not in sites:
        table.refuse("site", "must be the domain of a [[site]]")
    return site


def _read_page(table: Table) -> str:
    page = table.read_text("page")
    if page:
        try:
            read_pattern(page)
        except BadTemplate as error:
            table.refuse("page", str(error))
    return page


def _read_property(table: Table, event: Event | None) -> tuple[str, str]:
    for key, other in (("property", "value"), ("value", "property")):
        if key in table and other not in table:
            table.refuse(key, f"must stand beside {other}")
    name, value = table.read_optional("property"), table.read_optional("value")
    if event is None or not name:
        return name, value
    declared = next((of for of in event.properties if of.name == name), None)
    if declared is None:
        table.refuse("property", "must be a property of the event")
    elif not (declared.values or declared.steps or declared.text):
        table.refuse("property", "must be a property with values, steps or text")
    elif value and not _may_count(declared, value):
        table.refuse("value", "must be a word that the property counts as")
    return name, value


def _may_count(declared: Property, value: str) -> bool:
    if declared.steps:
        lowest = declared.steps[0] - 1
        return value in {step_of(number, declared.steps) for number in (lowest, *declared.steps)}
    if declared.values:
        return value in declared.values
    return read_text(value) == (value, ())


def _read_funnel(table: Table, goals: Mapping[str, Goal], sites: Collection[SiteId]) -> Funnel:
    table.refuse_unknown(KEYS["funnel"])
    if table.values.get("within", _WITHIN) != _WITHIN:
        table.refuse("within", f'must be "{_WITHIN}"')
    name = table.read_text("name", NAME, NAME_WANTED)
    site = _read_site(table, sites)
    steps = _read_steps(table, goals)
    places = {goals[step].site for step in steps if step in goals} | {site}
    if len(places - {SiteId("")}) > 1:
        table.refuse("steps", "must all be on one site: a visit is")
    return Funnel(name, steps, site)


def _read_steps(table: Table, goals: Mapping[str, Goal]) -> tuple[str, ...]:
    if "steps" not in table:
        table.refuse("steps", "is missing")
        return ()
    given = table.read_strings("steps")
    if given is not None and not FEWEST_STEPS <= len(given) <= MOST_STEPS:
        table.refuse("steps", f"must be {FEWEST_STEPS} to {MOST_STEPS} steps")
        return ()
    steps = table.read_texts("steps") if given is not None else ()
    for step in steps:
        if not step.startswith("/"):
            if step not in goals:
                wanted = "the name of a [[goal]] or a page that starts with a slash"
                table.refuse("steps", f"must each be {wanted}")
                return ()
            continue
        try:
            read_pattern(step)
        except BadTemplate as error:
            table.refuse("steps", str(error))
            return ()
    return steps
