"""How long the tag holds a page's main thread: `python -m benchmarks.tag`.

A page with 7,500 elements in Chromium, and one script at a time: `discreet`, the tag as served
under the default policy; `discreet, Intl`, the same in a browser without Temporal, where it asks
Intl for the time zone; Plausible's two from npm; and `floor`, which reads the signal Do Not Track
and one key of storage and sends one request: what any tag costs. From the browser's trace: all runs
of the script, those after the load event too, modules and leaving the page apart. Three figures for
each load:

- `own`: four times the thread's processor time (`tdur`) at full speed. What the script takes of a
  processor of a fourth of the speed, whatever else runs on the machine.
- `slowed`: the same clock under `Emulation.setCPUThrottlingRate` 4. Chromium slows a thread by
  keeping it busy three times as long as it *elapsed*, so this clock also counts, threefold, what
  the thread waited: for the process that knows the cookies, and for other work on the machine.
- `elapsed`: wall time (`dur`) at full speed.

`first` is the first page of a new browser process, `warm` the same page loaded again. The driver
doesn't watch the page: what it has the browser note of each request is no part of a visit. Exit
code 1 when a median of `slowed` of the tag, with Temporal, is over the limit.
"""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import CDPSession, Playwright, sync_playwright
from rich.console import Console
from rich.table import Table
from starlette.responses import HTMLResponse, Response

from tests.browsing import CHROMIUM_FLAGS, serving
from tests.collector.tag_site import API, PLAIN_TAG, TAG, TagSite, document

LIMIT_MS = 5.0
_SLOWER = 4
_ROUNDS = 5
_WARM = 6
_CATEGORIES = "devtools.timeline,disabled-by-default-devtools.timeline"
_RUNS = ("EvaluateScript", "FunctionCall", "v8.compile")
_BODY = "<ul>" + "<li><b>one</b> <i>two</i>" * 2_500 + "</ul>"
_PACKAGES = Path(__file__).parents[1] / "collector" / "tag"
_FLOOR = """
    const x = [location.href, navigator.doNotTrack, localStorage.getItem("x")];
    fetch("/api/event", {method: "POST", keepalive: true, body: JSON.stringify(x)});
"""
# Both count nothing on a page of the machine's own, the second nothing in a browser that is driven.
_PLAUSIBLE = {
    "plausible-tracker": """
        import Plausible from "plausible-tracker";
        const options = {domain: "example.org", apiHost: location.origin, trackLocalhost: true};
        Plausible(options).enableAutoPageviews();
    """,
    "@plausible-analytics/tracker": """
        import { init } from "@plausible-analytics/tracker";
        window.__plausible = true;
        init({domain: "example.org", endpoint: "/api/event", captureOnLocalhost: true});
    """,
}


@dataclass(frozen=True)
class Held:
    """Milliseconds of the main thread in one page load, by its processor clock and by the wall."""

    processor: float
    elapsed: float


class Tab:
    """A page that the driver doesn't watch, and the trace of its browser."""

    def __init__(self, browser: CDPSession, slower: int) -> None:
        self._browser = browser
        context = browser.send("Target.createBrowserContext")["browserContextId"]
        page = {"url": "about:blank", "browserContextId": context}
        target = browser.send("Target.createTarget", page)["targetId"]
        attached = browser.send("Target.attachToTarget", {"targetId": target, "flatten": False})
        self._session = attached["sessionId"]
        self._told: list[str] = []
        self._trace: list[dict[str, object]] = []
        browser.on(
            "Target.receivedMessageFromTarget",
            lambda data: self._told.append(json.loads(data["message"]).get("method", "answer")),
        )
        browser.on("Tracing.dataCollected", lambda data: self._trace.extend(data["value"]))
        browser.on("Tracing.tracingComplete", lambda _: self._told.append("traced"))
        self._send("Page.enable")
        self._send("Emulation.setCPUThrottlingRate", rate=slower)

    def _send(self, method: str, **parameters: object) -> None:
        message = json.dumps({"id": 1, "method": method, "params": parameters})
        self._browser.send(
            "Target.sendMessageToTarget", {"sessionId": self._session, "message": message}
        )
        # Each answer before the next question: of a page that goes on before `Page.enable` is
        # heeded nothing is told.
        self._waits(lambda: "answer" in self._told)
        self._told.remove("answer")

    def _goes(self, address: str) -> None:
        self._told.clear()
        self._send("Page.navigate", url=address)
        self._waits(lambda: "Page.loadEventFired" in self._told)

    def _waits(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not is_done():
            if time.monotonic() > deadline:
                raise TimeoutError("Chromium didn't answer")
            time.sleep(0.02)
            self._browser.send("Browser.getVersion")  # takes in what it told meanwhile

    def trace(self, address: str) -> list[dict[str, object]]:
        """Return the events of one page load."""
        self._goes("about:blank")  # leaving the page before is not part of the load
        self._trace.clear()
        how = {"transferMode": "ReportEvents", "categories": _CATEGORIES}
        self._browser.send("Tracing.start", how)
        self._goes(address)
        loaded = time.monotonic()
        # What the script does after the load event belongs to it.
        self._waits(lambda: time.monotonic() > loaded + 0.3)
        self._browser.send("Tracing.end")
        self._waits(lambda: "traced" in self._told)
        return self._trace


def held(events: Sequence[Mapping[str, object]], script: str) -> Held:
    """Return what a script's runs and functions took of the main thread."""
    runs = list(_outermost([event for event in events if _is_of(script, event)]))
    if not runs:
        raise RuntimeError(f"{script} did not run")
    return Held(
        sum(int(str(run["tdur"])) for run in runs) / 1_000,
        sum(int(str(run["dur"])) for run in runs) / 1_000,
    )


def _outermost(runs: Sequence[Mapping[str, object]]) -> Iterator[Mapping[str, object]]:
    """Yield each run that is not within another."""
    until = 0
    for event in sorted(runs, key=lambda event: int(str(event["ts"]))):
        begin = int(str(event["ts"]))
        if begin >= until:
            until = begin + int(str(event["dur"]))
            yield event


def _is_of(script: str, event: Mapping[str, object]) -> bool:
    timed = "dur" in event and "tdur" in event
    return timed and event["name"] in _RUNS and script in str(event.get("args"))


def bundled(source: str) -> str:
    """Return a script with the packages that it imports, minified as a site's bundler does it."""
    esbuild = _PACKAGES / "node_modules" / ".bin" / "esbuild"
    return subprocess.run(  # noqa: S603  # the project's own bundler
        [esbuild, "--bundle", "--minify", "--format=iife", "--target=es2020"],
        input=source,
        cwd=_PACKAGES,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def put_up(site: TagSite) -> dict[str, str]:
    """Serve a page for each script; return the paths of the scripts by their names."""
    scripts: dict[str, str | bytes] = {
        "floor": f"(() => {{{_FLOOR}}})()",
        "discreet": TAG,
        "discreet, Intl": TAG,
        **{name: bundled(source) for name, source in _PLAUSIBLE.items()},
    }
    paths = {}
    for number, (name, script) in enumerate(scripts.items()):
        paths[name] = f"/s{number}.js"
        site.pages[paths[name]] = Response(script, media_type="text/javascript")
        before = "<script>delete window.Temporal</script>" if name.endswith("Intl") else ""
        head = before + PLAIN_TAG.replace("/tag.js", paths[name])
        site.pages[f"/s{number}"] = HTMLResponse(document(head) + _BODY)
    return paths


def load(playwright: Playwright, site: TagSite, script: str, slower: int) -> list[Held]:
    """Return the times of the first load in a new browser, and of warm ones."""
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium") or playwright.chromium.executable_path,
        args=list(CHROMIUM_FLAGS),
    )
    tab = Tab(browser.new_browser_cdp_session(), slower)
    address = site.origin + script.removesuffix(".js")
    before = len(site.at(API))
    found = [held(tab.trace(address), script) for _ in range(1 + _WARM)]
    site.at(API, before + len(found))  # each has sent its view
    browser.close()
    return found


def _shown(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.1f} ({min(times):.1f}–{max(times):.1f})"


def main() -> int:
    """Measure and print; exit code 1 when it is over the limit."""
    full: dict[str, list[list[Held]]] = {}
    slow: dict[str, list[list[Held]]] = {}
    with ExitStack() as stack:
        playwright = stack.enter_context(sync_playwright())
        site = TagSite(lambda app: stack.enter_context(serving(app)))
        scripts = put_up(site)
        for _ in range(_ROUNDS):  # by turns: what else runs on the machine hits each alike
            for name, script in scripts.items():
                full.setdefault(name, []).append(load(playwright, site, script, 1))
                slow.setdefault(name, []).append(load(playwright, site, script, _SLOWER))
    table = Table("script", "load", "own ms", "slowed ms", "elapsed ms", "own/floor")
    over = False
    for which, part in (("first", slice(1)), ("warm", slice(1, None))):
        floor = statistics.median(one.processor for loads in full["floor"] for one in loads[part])
        for name in scripts:
            fast = [one for loads in full[name] for one in loads[part]]
            own = [_SLOWER * one.processor for one in fast]
            slowed = [one.processor for loads in slow[name] for one in loads[part]]
            over |= name == "discreet" and statistics.median(slowed) > LIMIT_MS
            ratio = f"{statistics.median(own) / _SLOWER / floor:.1f}"
            elapsed = _shown([one.elapsed for one in fast])
            table.add_row(name, which, _shown(own), _shown(slowed), elapsed, ratio)
    console = Console(width=110)
    console.print(table)
    console.print(f"median (least–most); limit {LIMIT_MS} ms of slowed at {_SLOWER}× slowdown")
    return int(over)


if __name__ == "__main__":
    sys.exit(main())
