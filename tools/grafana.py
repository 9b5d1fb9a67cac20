"""Write Grafana dashboards from the views of a policy: `python -m tools.grafana`.

Without arguments from the default policy into dashboards/grafana; `--check` fails on drift. Made
for Grafana 11 (schemaVersion 39) and its official ClickHouse data source,
grafana-clickhouse-datasource 4: queries as `rawSql`, `editorType` sql, `queryType` table or
timeseries with `format` 1 or 0; macros `$__dateFilter`, `$__timeFilter`, `$__timeInterval`,
`$__fromTime`, `$__toTime`; the variable `site` in single quotes.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
from collector.reference import default_policy
from collector.schema.views import columns_of
from dashboards.asking.views import Subject, View, view_of

FOLDER = Path(__file__).parents[1] / "dashboards" / "grafana"
PLUGIN = "grafana-clickhouse-datasource"
PLUGIN_VERSION = "4.0.0"
GRAFANA_VERSION = "11.0.0"
SCHEMA_VERSION = 39

MAX_ROWS = 100
_WIDTH = 24

_ANY_SITE = """\
[policy]
id = "grafana"
version = "1"
controller = "none"
contact = "none"
extends = "default"

[[site]]
domain = "example.org"
timezone = "UTC"
"""

Json = Mapping[str, object]
_Sized = tuple[Json, int, int]
"""A panel, its width and its height."""


class _Page(Struct, frozen=True):
    """One dashboard."""

    id: str
    title: str
    subjects: tuple[Subject, ...]


_PAGES = (
    _Page("visits", "Visits", (Subject.VISITS,)),
    _Page("events", "Events", (Subject.EVENTS,)),
    _Page("goals", "Goals and funnels", (Subject.GOALS, Subject.FUNNELS)),
    _Page("email", "E-mail", (Subject.MAIL,)),
    _Page("privacy", "Refused and scrubbed", (Subject.REFUSALS, Subject.MACHINES, Subject.MASKS)),
)

_COUNTS = (
    *("visitors", "visits", "views", "events", "conversions", "hits", "masked"),
    *("delivered", "opens", "clicks", "unique_opens", "unsubscribed"),
)
_OF_VISITS = {
    "Bounce rate": ("if(sum(visits) > 0, sum(bounces) / sum(visits), NULL)", "percentunit"),
    "Visit time": ("if(sum(visits) > 0, sum(seconds) / sum(visits), NULL)", "s"),
    "Views per visit": ("if(sum(visits) > 0, sum(views) / sum(visits), NULL)", "none"),
}
"""Ratios by title: their SQL and their unit."""

# A range of the dashboard that reaches today has the month that goes on as far as it came.
_WHOLE_MONTHS = (
    "month >= toDate($__fromTime, 'UTC')"
    " AND (addMonths(month, 1) <= toDate($__toTime, 'UTC') + 1"
    " OR toDate($__toTime, 'UTC') >= today())"
)
_SITE = "site = ${site:singlequote}"
_NO_DAY = (
    "Groups too small for their day belong to their month alone: they are in tables, where the"
    " month lies whole in the range, and in no chart."
)


def dashboards_of(policy: Policy) -> dict[str, Json]:
    """Return the dashboards by the name of their file; those without a view are left out."""
    views = [view_of(statistic, columns_of) for statistic in policy.statistics]
    told = {
        page: [view for subject in page.subjects for view in views if view.subject is subject]
        for page in _PAGES
    }
    sites = _sites_query(views)
    return {
        f"{page.id}.json": _dashboard(page, list(_panels(of_page)), sites)
        for page, of_page in told.items()
        if of_page
    }


def write(dashboard: Json) -> str:
    """Write a dashboard as its file holds it."""
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _dashboard(page: _Page, panels: Sequence[_Sized], sites: str) -> Json:
    return {
        "__requires": [
            {"type": "grafana", "id": "grafana", "name": "Grafana", "version": GRAFANA_VERSION},
            {
                "type": "datasource",
                "id": PLUGIN,
                "name": "ClickHouse",
                "version": PLUGIN_VERSION,
            },
        ],
        "uid": f"discreet-{page.id}",
        "title": f"Discreet: {page.title}",
        "tags": ["discreet"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        # Days and hours are those of the site's wall clock; read as UTC they stay as they are.
        "timezone": "utc",
        # Sites east of Greenwich are up to 14 hours ahead.
        "time": {"from": "now-28d/d", "to": "now+14h"},
        "links": [
            {
                "type": "dashboards",
                "title": "Discreet",
                "tags": ["discreet"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": [_source_variable(), _site_variable(sites)]},
        "annotations": {"list": []},
        "panels": _laid_out(panels),
    }


def _source_variable() -> Json:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": PLUGIN}


def _site_variable(sites: str) -> Json:
    return {
        "name": "site",
        "label": "Site",
        "type": "query",
        "datasource": _source(),
        "query": sites,
        "definition": sites,
        "refresh": 1,
        "sort": 1,
        "multi": False,
        "includeAll": False,
    }


def _sites_query(views: Sequence[View]) -> str:
    # The refusals tell of every site that anything came in for.
    told = min(views, key=lambda view: view.subject is not Subject.REFUSALS).statistic.name
    return f"SELECT DISTINCT site FROM {told} ORDER BY site"


def _panels(views: Sequence[View]) -> Iterator[_Sized]:
    for view in views:
        title = _title(view.statistic.name)
        if not view.statistic.by:
            for name, (sql, unit) in _figures(view):
                yield _stat(view, name, sql, unit), 4, 4
            yield _chart(view, title), _WIDTH, 9
            continue
        yield _chart(view, title), 10, 9
        yield _table(view, title), 14, 9


def _figures(view: View) -> Iterator[tuple[str, tuple[str, str]]]:
    for measure in _counts_of(view):
        yield _title(measure), (f"sum({measure})", "none")
    yield from _ratios_of(view)


def _counts_of(view: View) -> list[str]:
    return [measure for measure in _COUNTS if measure in view.measures]


def _ratios_of(view: View) -> Iterator[tuple[str, tuple[str, str]]]:
    if view.measures >= {"visits", "views", "bounces", "seconds"}:
        yield from _OF_VISITS.items()
    elif "seconds" in view.measures:
        yield "Seconds", ("sum(seconds)", "s")


def _stat(view: View, name: str, sql: str, unit: str) -> Json:
    query = f'SELECT {sql} AS "{name}" FROM {view.statistic.name} WHERE {_within(view)}'
    panel = _panel("stat", name, query, is_table=True)
    options = {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
    defaults = {"unit": unit, "noValue": "–"}
    return {**panel, "options": options, "fieldConfig": {"defaults": defaults, "overrides": []}}


def _chart(view: View, title: str) -> Json:
    period = view.period
    time = f"$__timeInterval({period})" if view.is_by_hour else f"toDateTime({period}, 'UTC')"
    names = [*_counts_of(view)[:3]] or ["seconds"]
    sums = ", ".join(f'sum({measure}) AS "{_title(measure)}"' for measure in names)
    query = (
        f"SELECT {time} AS time, {sums} FROM {view.statistic.name}"
        f" WHERE {_SITE} AND {_in_range(view)} GROUP BY time ORDER BY time"
    )
    by = "by hour" if view.is_by_hour else "by day"
    panel = _panel("timeseries", f"{title}, {by}", query, is_table=False)
    custom = {"drawStyle": "line", "fillOpacity": 10, "showPoints": "never"}
    return {
        **panel,
        "description": _NO_DAY if view.tells_month else "",
        "fieldConfig": {"defaults": {"custom": custom, "unit": "none"}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}},
    }


def _table(view: View, title: str) -> Json:
    words = list(view.columns.values())
    ratios = list(_ratios_of(view))
    sums = [f'sum({measure}) AS "{_title(measure)}"' for measure in _counts_of(view)]
    sums += [f'{sql} AS "{name}"' for name, (sql, _) in ratios]
    first = (_counts_of(view) or ["seconds"])[0]
    order = [*(f"{word} = '(other)'" for word in words), f"sum({first}) DESC", *words]
    keys = [f'{word} AS "{_title(word)}"' for word in words]
    query = (
        f"SELECT {', '.join([*keys, *sums])} FROM {view.statistic.name} WHERE {_within(view)}"
        f" GROUP BY {', '.join(words)} ORDER BY {', '.join(order)} LIMIT {MAX_ROWS}"
    )
    overrides = [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "unit", "value": unit}],
        }
        for name, (_, unit) in ratios
        if unit != "none"
    ]
    return {
        **_panel("table", title, query, is_table=True),
        "description": _NO_DAY if view.tells_month else "",
        "fieldConfig": {"defaults": {"custom": {"filterable": True}}, "overrides": overrides},
        "options": {"showHeader": True},
    }


def _within(view: View) -> str:
    """Return SQL that holds for all that a range has, months that lie whole in it too."""
    in_range = _in_range(view)
    if view.tells_month:
        return f"{_SITE} AND ({in_range} OR ({view.period} IS NULL AND {_WHOLE_MONTHS}))"
    return f"{_SITE} AND {in_range}"


def _in_range(view: View) -> str:
    return f"$__timeFilter({view.period})" if view.is_by_hour else f"$__dateFilter({view.period})"


def _panel(kind: str, title: str, query: str, *, is_table: bool) -> dict[str, object]:
    return {
        "type": kind,
        "title": title,
        "datasource": _source(),
        "targets": [
            {
                "refId": "A",
                "datasource": _source(),
                "editorType": "sql",
                "queryType": "table" if is_table else "timeseries",
                "format": 1 if is_table else 0,
                "pluginVersion": PLUGIN_VERSION,
                "rawSql": query,
            }
        ],
    }


def _source() -> Json:
    return {"type": PLUGIN, "uid": "${datasource}"}


def _laid_out(panels: Sequence[_Sized]) -> list[Json]:
    """Place panels from left to right, row by row."""
    laid_out: list[Json] = []
    x = y = tallest = 0
    for number, (panel, width, height) in enumerate(panels, 1):
        if x + width > _WIDTH:
            x, y, tallest = 0, y + tallest, 0
        place = {"x": x, "y": y, "w": width, "h": height}
        laid_out.append({"id": number, **panel, "gridPos": place})
        x, tallest = x + width, max(tallest, height)
    return laid_out


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with `--check` tell which ones are not as they would be written."""
    root = argparse.ArgumentParser(prog="python -m tools.grafana", description=__doc__)
    root.add_argument("--policy", type=Path, help="a policy file (default: the default policy)")
    root.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER", help="where to write")
    root.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    options = root.parse_args(arguments)
    text = options.policy.read_text("utf-8") if options.policy else _ANY_SITE
    made = dashboards_of(read_policy(text, default_policy()))
    files = {options.to / name: write(dashboard) for name, dashboard in made.items()}
    if options.check:
        stale = [
            path
            for path, text in files.items()
            if not path.exists() or path.read_text("utf-8") != text
        ]
        stale += [path for path in options.to.glob("*.json") if path not in files]
        for path in stale:
            print(f"{path}: is not what tools.grafana writes", file=sys.stderr)
        return 1 if stale else 0
    options.to.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
