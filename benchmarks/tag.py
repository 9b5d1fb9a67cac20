"""How long the tag holds a page's main thread: `python -m benchmarks.tag`.

Chromium at a fourth of its speed (`Emulation.setCPUThrottlingRate`), a page with 5,000 elements,
the tag as served under the default policy. From the browser's trace: the CPU
time of all that is `/tag.js`'s, modules apart. `first` is the first page of a new browser process,
`warm` the same page loaded again, leaving it not counted. `Intl` is a browser without Temporal,
where the tag asks Intl for the time zone. Exit code 1 when a median with Temporal is over the
limit.
"""

import shutil
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack

from playwright.sync_api import CDPSession, Page, Playwright, sync_playwright
from rich.console import Console
from rich.table import Table
from starlette.responses import HTMLResponse

from tests.browsing import CHROMIUM_FLAGS, serving
from tests.collector.tag_site import PLAIN_TAG, TagSite, document

LIMIT_MS = 5.0
_SLOWER = 4
_ROUNDS = 5
_WARM = 2
_CATEGORIES = "devtools.timeline,disabled-by-default-devtools.timeline"
_RUNS = ("EvaluateScript", "FunctionCall", "v8.compile")
_BODY = "<ul>" + "<li><b>one</b> <i>two</i>" * 2_500 + "</ul>"
_TEMPORAL = {"Temporal": "", "Intl": "delete window.Temporal"}


def held(page: Page, session: CDPSession, address: str) -> float:
    """Return the milliseconds of CPU that the tag's scripts and functions took in one page load."""
    events: list[dict[str, object]] = []
    ended: list[bool] = []
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    session.on("Tracing.tracingComplete", lambda _: ended.append(True))
    page.goto("about:blank")  # leaving the page before is not part of the load
    session.send("Tracing.start", {"transferMode": "ReportEvents", "categories": _CATEGORIES})
    page.goto(address)
    page.wait_for_timeout(300)  # what the tag does after the load event belongs to it
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(20)
    return sum(_outermost(events)) / 1_000


def _outermost(events: list[dict[str, object]]) -> Iterator[int]:
    """Yield the microseconds of each run of the tag that is not within another."""
    until = 0
    of_tag = [event for event in events if _is_of_tag(event)]
    for event in sorted(of_tag, key=lambda event: int(str(event["ts"]))):
        begin, length = int(str(event["ts"])), int(str(event.get("dur", 0)))
        if begin >= until:
            until = begin + length
            yield int(str(event.get("tdur", length)))  # of the thread, without waiting for others


def _is_of_tag(event: dict[str, object]) -> bool:
    return event["name"] in _RUNS and "/tag.js" in str(event.get("args"))


def load(playwright: Playwright, address: str, script: str) -> list[float]:
    """Return the times of the first load in a new browser, and of warm ones."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium") or playwright.chromium.executable_path,
        args=list(CHROMIUM_FLAGS),
    )
    context = browser.new_context()
    if script:
        context.add_init_script(script)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})
    found = [held(page, session, address) for _ in range(1 + _WARM)]
    browser.close()
    return found


def main() -> int:
    """Measure and print; exit code 1 when it is over the limit."""
    table = Table("time zone by", "load", "median ms", "least ms", "most ms")
    over = False
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        site = TagSite(lambda app: stack.enter_context(serving(app)))
        site.pages["/a"] = HTMLResponse(document(PLAIN_TAG) + _BODY)
        for name, script in _TEMPORAL.items():
            rounds = [load(playwright, site.origin + "/a", script) for _ in range(_ROUNDS)]
            for which, times in (
                ("first", [one[0] for one in rounds]),
                ("warm", [time for one in rounds for time in one[1:]]),
            ):
                median = statistics.median(times)
                over |= name == "Temporal" and median > LIMIT_MS
                figures = (median, min(times), max(times))
                table.add_row(name, which, *(f"{figure:.1f}" for figure in figures))
    console = Console()
    console.print(table)
    console.print(f"limit {LIMIT_MS} ms at {_SLOWER}× slowdown")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
