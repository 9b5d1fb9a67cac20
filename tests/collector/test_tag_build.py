"""The built files are what their sources make, and the npm package is what sites import."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from starlette.responses import HTMLResponse

from tests.collector.tag_site import TagSite, Visitor, document

ROOT = Path(__file__).parents[2]
TAG = ROOT / "collector" / "tag"
LOCK = (TAG / "package-lock.json").read_text("utf-8")
PACKAGE = json.loads((TAG / "package.json").read_text("utf-8"))


def run(*command: str | Path) -> None:
    """Run a tool of the package to its end."""
    assert (TAG / "node_modules" / "esbuild").exists(), "run: tools/setup.sh test"
    done = subprocess.run(command, cwd=TAG, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_built_files_are_what_the_sources_make(tmp_path: Path) -> None:
    run("node", "build.mjs", "--out", tmp_path)

    assert contents(TAG / "built") == contents(tmp_path)


def test_build_tools_are_pinned_by_hash_and_are_those_installed() -> None:
    packages = json.loads(LOCK)["packages"]
    installed = {
        name: json.loads((TAG / "node_modules" / name / "package.json").read_text())["version"]
        for name in PACKAGE["devDependencies"]
    }

    assert installed == PACKAGE["devDependencies"]
    assert all(about["integrity"].startswith("sha512-") for name, about in packages.items() if name)
    assert re.findall(r".*(?:://|\bresolved\b).*", LOCK) == []


def test_package_names_files_that_are_there() -> None:
    named = [*PACKAGE["files"], PACKAGE["types"], *PACKAGE["exports"]["."].values()]

    assert [name for name in named if not (TAG / name).exists()] == []
    assert PACKAGE["version"] in (ROOT / "pyproject.toml").read_text("utf-8")
    assert "dependencies" not in PACKAGE


def test_wheel_carries_the_built_files_and_no_tool() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")

    assert '"*.js"' in project
    assert 'exclude = ["*.node_modules*"]' in project
    assert "**/node_modules" in (ROOT / ".dockerignore").read_text("utf-8").splitlines()


def test_types_take_what_the_readme_shows_and_refuse_the_rest() -> None:
    options = "--noEmit --strict --target es2022 --module nodenext --lib es2022,dom"
    run(TAG / "node_modules" / ".bin" / "tsc", *options.split(), "examples/typed.ts")


@pytest.fixture(scope="module")
def react(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the example with React, as a bundler makes it."""
    bundle = tmp_path_factory.mktemp("react") / "site.js"
    environment = '--define:process.env.NODE_ENV="production"'
    options = f"--bundle --jsx=automatic --format=iife --minify {environment} --outfile={bundle}"
    run(TAG / "node_modules" / ".bin" / "esbuild", "examples/react.jsx", *options.split())
    return bundle.read_bytes()


def test_example_with_react_tells_views_and_events(
    visitor: Visitor, site: TagSite, react: bytes
) -> None:
    script = site.script("/site.js", react.decode())
    site.pages["/"] = HTMLResponse(document(script))
    visitor.goes("/")
    visitor.page.click("text=Prices")
    visitor.page.click("text=Sign up")
    visitor.does("history.back()")
    visitor.page.wait_for_selector("h1:text('Home')")

    assert [
        (hit["n"], str(hit["u"]).removeprefix(site.origin), hit.get("p"))
        for hit in visitor.hits()
        if hit["n"] != "engagement"
    ] == [
        ("pageview", "/", None),
        ("pageview", "/prices", None),
        ("signup", "/prices", {"plan": "free"}),
        ("pageview", "/", None),
    ]
    assert {"w", "tz"} <= visitor.hits()[0].keys()
    assert f"{site.origin}/tag/links.js" in visitor.asked
    assert visitor.noise == []


def test_example_of_plain_html_tells_views_and_events(visitor: Visitor, site: TagSite) -> None:
    site.pages["/"] = HTMLResponse((TAG / "examples" / "plain.html").read_text("utf-8"))
    visitor.goes("/")
    visitor.page.click("text=Prices")
    visitor.page.click("text=Sign up")
    visitor.page.click("text=Order")

    assert [(hit["n"], hit.get("p")) for hit in visitor.hits() if hit["n"] != "engagement"] == [
        ("pageview", None),
        ("pageview", None),
        ("signup", '{"plan": "free"}'),
        ("order", {"plan": "paid"}),
    ]
    assert visitor.noise == []


MODULE = """
import {consent, init, track} from "/package/index.js";
track("early");
if (CONSENT !== undefined) consent(CONSENT);
init({site: "example.org", server: location.origin, ...OPTIONS});
init({site: "example.org", server: location.origin});
track("late");
"""


@pytest.mark.parametrize(
    ("options", "consent", "told"),
    [
        pytest.param("{}", "undefined", ["pageview", "early", "late"], id="plain"),
        pytest.param("{consent: true}", "undefined", [], id="waiting"),
        pytest.param(
            "{consent: true}",
            "{version: '1', purposes: ['audience']}",
            ["pageview", "early", "late"],
            id="permitted before init",
        ),
        pytest.param("{}", "false", [], id="refused before init"),
        pytest.param("{exclude: /a$/}", "undefined", [], id="excluded"),
        pytest.param(
            "{beforeSend: hit => hit.n !== 'early' && hit}",
            "undefined",
            ["pageview", "late"],
            id="dropped by a function",
        ),
        pytest.param("{reads: ['tz']}", "undefined", ["pageview", "early", "late"], id="one read"),
    ],
)
def test_module_does_what_the_tag_does(
    visitor: Visitor, site: TagSite, options: str, consent: str, told: list[str]
) -> None:
    for name in ("core.js", "index.js"):
        site.script(f"/package/{name}", (TAG / name).read_text("utf-8"))
    own = MODULE.replace("OPTIONS", options).replace("CONSENT", consent)
    script = site.script("/own.js", own).replace("defer", 'type="module"')
    site.pages["/a"] = HTMLResponse(document(script))
    visitor.goes("/a")

    assert [hit["n"] for hit in visitor.hits()] == told
    assert all(("w" in hit) is ("reads" not in options) for hit in visitor.hits())
    assert visitor.noise == []


def test_module_does_nothing_without_a_window() -> None:
    calls = "init({site: 'a', server: 'https://b.example'}); track('x'); consent(false)"
    run(
        "node",
        "--input-type=module",
        "--eval",
        f"import {{consent, init, track}} from {json.dumps(os.fspath(TAG / 'index.js'))}; {calls}",
    )
