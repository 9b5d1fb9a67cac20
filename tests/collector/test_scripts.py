"""How the scripts are handed out, and what the tag becomes under a policy."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from playwright.sync_api import BrowserContext
from starlette.applications import Starlette
from starlette.responses import HTMLResponse

from anonymizer.policy import Dimension, Policy, Region
from anonymizer.policy_file import read_policy
from anonymizer.policy_tag import TAG_MODULES
from collector.cli import main
from collector.reference import default_policy
from collector.scripts import SCRIPTS, read_script, script_routes
from collector.tag_scripts import compile_tag, hash_of, integrity_of, keep_version, read_modules
from tests.browsing import Serve
from tests.collector.tag_site import PLAIN_TAG, TagSite, Visitor, document
from tests.running import POLICY

DEFAULT = read_policy(POLICY, default_policy())
TAG = compile_tag(DEFAULT)
OLD = b"// an old version\n"
ROOT = Path(__file__).parents[2] / "collector" / "tag"


def served(serve: Serve, versions: Mapping[str, bytes] | None = None) -> str:
    return serve(Starlette(routes=script_routes(TAG, versions or {})))


def get(address: str) -> httpx.Response:
    return httpx.get(address, trust_env=False)


@pytest.mark.parametrize("path", ["/tag.js", "/tag.js?v=2", "/tag/links,vitals.js", *SCRIPTS])
def test_script_is_handed_out_to_every_site(serve: Serve, path: str) -> None:
    origin = served(serve)
    answer = get(origin + path)
    contents = {
        "/tag.js": TAG,
        "/tag.js?v=2": TAG,
        "/tag/links,vitals.js": read_modules(["links", "vitals"]),
    }

    assert answer.content == (contents[path] if path in contents else read_script(path))
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["tk"] == "N"
    assert not {"etag", "last-modified", "set-cookie", "vary"} & answer.headers.keys()
    assert httpx.post(origin + path, trust_env=False).status_code == 405


def test_version_stays_for_good_under_its_hash(serve: Serve, tmp_path: Path) -> None:
    keep_version(tmp_path / "tags", OLD)
    origin = served(serve, keep_version(tmp_path / "tags", TAG))
    named = get(f"{origin}/tag.js").headers["content-location"]

    assert named == f"/tag/{hash_of(TAG)}.js"
    for script in (TAG, OLD):
        answer = get(f"{origin}/tag/{hash_of(script)}.js")
        assert answer.content == script
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert not {"etag", "last-modified", "set-cookie", "vary"} & answer.headers.keys()


def test_version_that_was_changed_on_disk_is_left_out(tmp_path: Path) -> None:
    keep_version(tmp_path, OLD)
    (tmp_path / f"{hash_of(OLD)}.js").write_bytes(b"alert(1)")

    assert list(keep_version(tmp_path, TAG)) == [hash_of(TAG)]


@pytest.mark.parametrize(
    "name",
    ["unknown", "links,unknown", "links,links", "links,", "..%2Fcore.min", "0" * 32, "%00", ""],
)
def test_nothing_else_is_there(serve: Serve, name: str) -> None:
    answer = get(f"{served(serve)}/tag/{name}.js")

    assert answer.status_code == 404
    assert "max-age" not in answer.headers.get("cache-control", "")


def without(policy: Policy, *dimensions: Dimension) -> Policy:
    kept = (one for one in policy.statistics if not set(dimensions) & set(one.by))
    return replace(policy, statistics=tuple(kept))


CN = Region(name="cn", store="", stored_in=("China",), countries=("CN",))
WATCHED = """
window.asked = [];
const width = outerWidth;
Object.defineProperty(window, 'outerWidth', {get: () => (asked.push('w'), width)});
for (const name of ['Intl', 'Temporal']) {
  const tells = window[name];
  if (tells) Object.defineProperty(window, name, {get: () => (asked.push('tz'), tells)});
}
const send = fetch;
window.fetch = (...call) => { window.read ??= [...asked]; return send(...call) };
"""


@pytest.mark.parametrize(
    ("policy", "keys"),
    [
        pytest.param(DEFAULT, {"w", "tz"}, id="default"),
        pytest.param(without(DEFAULT, Dimension.SCREEN), {"tz"}, id="no screen"),
        pytest.param(without(DEFAULT, Dimension.COUNTRY), {"w"}, id="no country"),
        pytest.param(without(DEFAULT, Dimension.SCREEN, Dimension.COUNTRY), set(), id="neither"),
        pytest.param(
            replace(without(DEFAULT, Dimension.COUNTRY), regions={"cn": CN}),
            {"w", "tz"},
            id="a region by countries",
        ),
    ],
)
def test_tag_reads_what_the_policy_needs_and_nothing_else(
    visitor: Visitor, context: BrowserContext, site: TagSite, policy: Policy, keys: set[str]
) -> None:
    context.add_init_script(WATCHED)
    own = site.script("/compiled.js", compile_tag(policy).decode())
    site.pages["/a"] = HTMLResponse(document(own.replace("></", ' data-site="example.org"></')))
    visitor.goes("/a")
    (hit,) = visitor.hits()

    assert keys == {"w", "tz"} & hit.keys()
    assert set(visitor.page.evaluate("read")) == keys


@pytest.mark.parametrize(
    ("attribute", "asked"),
    [
        ("", ["/tag/phone,links.js"]),
        (' data-modules="search"', ["/tag/search.js"]),
        (' data-modules=""', []),
    ],
    ids=["the policy's", "the page's", "none"],
)
def test_modules_of_the_policy_hold_where_a_page_names_none(
    visitor: Visitor, site: TagSite, attribute: str, asked: list[str]
) -> None:
    policy = replace(DEFAULT, tag_modules=("phone", "links"))
    own = site.script("/compiled.js", compile_tag(policy).decode())
    said = f'{attribute} data-site="example.org"></'
    site.pages["/a"] = HTMLResponse(document(own.replace("></", said)))
    visitor.goes("/a")

    assert visitor.paths() == ["/a"]
    assert [url for url in visitor.asked if "/tag/" in url] == [
        site.origin + path for path in asked
    ]
    assert visitor.noise == []


def test_every_module_of_the_policy_is_a_file() -> None:
    assert {path.stem for path in (ROOT / "modules").glob("*.js")} == set(TAG_MODULES)


class Elements(HTMLParser):
    """The elements of a page, by name, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def printed(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: str, more: str) -> str:
    file = tmp_path / "policy.toml"
    file.write_text(POLICY + more)
    assert main(["tag", "--policy", str(file), *arguments]) == 0
    return capsys.readouterr().out


OPT_IN = '[[site]]\ndomain = "b.example"\ntimezone = "UTC"\nconsent = "opt-in"\n'


def test_command_prints_every_site_and_every_way(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = printed(capsys, tmp_path, "--url", "https://s.example/", more=OPT_IN)
    scripts = [attributes for tag, attributes in Elements(out).found if tag == "script"]
    own = [one for one in scripts if one["data-site"] == "example.org"]
    waiting = [one for one in scripts if one["data-site"] == "b.example"]

    assert "https://s.example/tag.js" in {one["src"] for one in own}
    assert {one["integrity"] for one in scripts if "integrity" in one} == {integrity_of(TAG)}
    assert all("data-consent" in one for one in waiting if "/consent.js" not in str(one["src"]))
    assert out.count("<noscript>") == 1  # nobody can consent without JavaScript
    assert 'reads: ["w", "tz"]' in out


@pytest.mark.parametrize("more", ["", "hash_routing = true\n"], ids=["paths", "hash"])
def test_command_says_what_the_site_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, more: str
) -> None:
    out = printed(capsys, tmp_path, "--site", "example.org", more=more)

    assert ("data-hash" in out) is bool(more)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--site", "hush.example"], "--site: must be one of the policy's: example.org"),
        (["--url", "stats.example.org"], "--url: must be like https://"),
        (["--url", 'https://a"><script>'], "--url: must be like https://"),
        (["--url", "https://a.example/path"], "without a path"),
        (["--url", "https://hush@a.example"], "--url"),
    ],
    ids=["site", "scheme", "markup", "path", "password"],
)
def test_command_names_the_option_that_does_not_fit(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], says: str
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)

    assert main(["tag", "--policy", str(file), *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1
    assert "hush" not in error


@pytest.mark.parametrize("forged", [False, True], ids=["as printed", "another content"])
def test_pinned_tag_runs_only_with_the_content_that_its_hash_names(
    visitor: Visitor, site: TagSite, serve: Serve, forged: bool, tmp_path: Path
) -> None:
    stats = served(serve, keep_version(tmp_path, TAG))
    pinned = f"{stats}/tag/{hash_of(TAG)}.js"
    integrity = integrity_of(OLD if forged else TAG)
    said = f'src="{pinned}" integrity="{integrity}" crossorigin="anonymous" data-api="{site.origin}'
    tag = PLAIN_TAG.replace('src="/tag.js"', f'{said}/api/event"')
    site.pages["/a"] = HTMLResponse(document(tag))
    visitor.goes("/a")

    assert visitor.paths() == ([] if forged else ["/a"])


@pytest.mark.parametrize(
    "loaded", [["/consent.js", "/tag.js"], ["/tag.js", "/consent.js"]], ids=["first", "last"]
)
def test_function_is_there_whichever_script_comes_first(
    visitor: Visitor, site: TagSite, loaded: list[str]
) -> None:
    script = {
        "/consent.js": site.script("/choice.js", read_script("/opt-out.js").decode()),
        "/tag.js": PLAIN_TAG,
    }
    first, last = loaded
    scripts = script[first] + site.script("/call.js", "discreet('early')") + script[last]
    site.pages["/a"] = HTMLResponse(document(scripts))
    visitor.goes("/a")

    assert [hit["n"] for hit in visitor.hits()] == ["pageview", "early"]
    assert visitor.noise == []


def test_no_script_holds_an_address_of_another_server() -> None:
    modules = read_modules(TAG_MODULES) or b""

    assert re.findall(rb"https?://[\w.]+", TAG + modules) == []
