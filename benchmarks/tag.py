"""How long the tag holds a page's main thread: `python -m benchmarks.tag`.

A page with 7,500 elements and the tag as served under the default policy, in
Chromium. From the browser's trace: all runs of `/tag.js`, those after the load event too,
modules and leaving the page apart. Three figures for each load:

- `own`: four times the thread's processor time (`tdur`) at full speed. What the tag takes of a
  processor of a fourth of the speed, whatever else runs on the machine.
- `slowed`: the same clock under `Emulation.setCPUThrottlingRate` 4. Chromium slows a thread by
  keeping it busy three times as long as it *elapsed*, so this clock also counts, threefold, what
  the thread waited: for the process that knows the cookies, and for other work on the machine.
- `elapsed`: wall time (`dur`) at full speed.

`first` is the first page of a new browser process, `warm` the same page loaded again. `Intl` is a
browser without Temporal, where the tag asks Intl for the time zone. Exit code 1 when a median of
`slowed` with Temporal is over the limit.
"""

import shutil
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page, Playwright, sync_playwright
from rich.console import Console
from rich.table import Table
from starlette.responses import HTMLResponse

from tests.browsing import CHROMIUM_FLAGS, serving
from tests.collector.tag_site import PLAIN_TAG, TagSite, document

LIMIT_MS = 5.0
_SLOWER = 4
_ROUNDS = 5
_WARM = 6
_CATEGORIES = "devtools.timeline,disabled-by-default-devtools.timeline"
_RUNS = ("EvaluateScript", "FunctionCall", "v8.compile")
_BODY = "<ul>" + "<li><b>one</b> <i>two</i>" * 2_500 + "</ul>"
_TEMPORAL = {"Temporal": "", "Intl": "delete window.Temporal"}


@dataclass(frozen=True)
class Held:
    """Milliseconds of the main thread in one page load, by its processor clock and by the wall."""

    processor: float
    elapsed: float


def held(page: Page, session: CDPSession, address: str) -> Held:
    """Return what the tag's scripts and functions took of the main thread in one page load."""
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
    runs = list(_outermost(events))
    return Held(
        sum(int(str(run["tdur"])) for run in runs) / 1_000,
        sum(int(str(run["dur"])) for run in runs) / 1_000,
    )


def _outermost(events: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Yield each run of the tag that is not within another."""
    until = 0
    of_tag = [event for event in events if _is_of_tag(event)]
    for event in sorted(of_tag, key=lambda event: int(str(event["ts"]))):
        begin = int(str(event["ts"]))
        if begin >= until:
            until = begin + int(str(event["dur"]))
            yield event


def _is_of_tag(event: dict[str, object]) -> bool:
    timed = "dur" in event and "tdur" in event
    return timed and event["name"] in _RUNS and "/tag.js" in str(event.get("args"))


def load(playwright: Playwright, address: str, script: str, slower: int) -> list[Held]:
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
    session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    found = [held(page, session, address) for _ in range(1 + _WARM)]
    browser.close()
    return found


def _shown(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.1f} ({min(times):.1f}–{max(times):.1f})"


def main() -> int:
    """Measure and print; exit code 1 when it is over the limit."""
    table = Table("time zone by", "load", "own ms", "slowed ms", "elapsed ms")
    over = False
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        site = TagSite(lambda app: stack.enter_context(serving(app)))
        site.pages["/a"] = HTMLResponse(document(PLAIN_TAG) + _BODY)
        for name, script in _TEMPORAL.items():
            pairs = [
                (load(playwright, site.origin + "/a", script, 1), slowed)
                for slowed in (
                    load(playwright, site.origin + "/a", script, _SLOWER) for _ in range(_ROUNDS)
                )
            ]
            for which, part in (("first", slice(1)), ("warm", slice(1, None))):
                full = [one for pair in pairs for one in pair[0][part]]
                own = [_SLOWER * one.processor for one in full]
                slowed = [one.processor for pair in pairs for one in pair[1][part]]
                elapsed = [one.elapsed for one in full]
                over |= name == "Temporal" and statistics.median(slowed) > LIMIT_MS
                table.add_row(name, which, _shown(own), _shown(slowed), _shown(elapsed))
    console = Console()
    console.print(table)
    console.print(f"median (least–most); limit {LIMIT_MS} ms of slowed at {_SLOWER}× slowdown")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
