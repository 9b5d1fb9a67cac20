"""The docs name all there is, link to what exists, and boast of nothing."""

import re
from itertools import chain
from pathlib import Path

import pytest
from starlette.routing import Route

from anonymizer.hits import DropReason
from anonymizer.policy import Policy, Statistic
from anonymizer.policy_file import read_policy
from collector.annotations import Annotations
from collector.audit import AuditLog
from collector.audit_trail import AuditTrail
from collector.cli import parser
from collector.email.campaigns import Campaigns
from collector.reference import default_policy
from collector.schema.views import columns_of
from collector.scripts import SCRIPTS
from collector.site_marks import SiteMarks
from dashboards.app import dashboard_routes
from dashboards.asking.answering import Asker
from dashboards.privacy.page import PrivacySources
from people.people import People
from tests.dashboards.facts import Facts
from tools.reference import commands

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))

# Words that claim what only a test or a limit beside them could carry, and words that praise.
BANNED = re.compile(
    r"\b(secure(?!=)(ly)?|robust|anonym(ous|ously|i[sz]ed)|(gdpr|law)-compliant|compliant|compliance"
    r"|blazing(ly)?|seamless(ly)?|effortless(ly)?|powerful|cutting-edge|state-of-the-art"
    r"|military-grade|enterprise-grade|world-class|bulletproof|unhackable|guaranteed?"
    r"|lightning-fast|privacy-first|hassle-free|battle-tested)\b",
    re.IGNORECASE,
)


def policy_of(text: str) -> Policy:
    return read_policy(text, default_policy())


def toml_of(path: Path) -> str:
    return "".join(re.findall(r"```toml\n(.*?)```", path.read_text("utf-8"), re.DOTALL))


def statistics() -> tuple[Statistic, ...]:
    return policy_of(toml_of(ROOT / "README.md")).statistics


def modules() -> list[str]:
    files = chain.from_iterable(
        (ROOT / package).rglob("*.py")
        for package in ("anonymizer", "collector", "dashboards", "people")
    )
    return sorted(
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for file in files
    )


def without_code(text: str) -> str:
    """Blank fenced, indented and inline code."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^ {4}.*$", "", text, flags=re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(path: Path) -> set[str]:
    """Return the fragments that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]


def dead_links(path: Path) -> list[str]:
    dead = []
    for link in links(path):
        place, _, fragment = link.partition("#")
        target = path.parent / place if place else path
        if not target.exists() or (fragment and fragment not in anchors(target)):
            dead.append(link)
    return dead


def doors(folder: Path) -> set[str]:
    """Return every path that the running server answers, the demo site's below /demo aside."""

    async def nothing(*_: object) -> list[tuple[object, ...]]:
        return []

    async def no_bytes(*_: object) -> bytes:
        return b""

    composer = (ROOT / "collector" / "app.py").read_text("utf-8")
    folders = ("collector", "collector/email", "dashboards/api")
    files = chain.from_iterable((ROOT / folder).glob("*.py") for folder in folders)
    modules = "".join(path.read_text("utf-8") for path in files)
    hot = re.findall(r'"(/[\w/.-]+)": doors\.', composer)
    plain = re.findall(r'(?:Route\(|^PATH = )"(/[\w/.{}-]*)"', modules, re.MULTILINE)
    # Written as PATH and what follows; answered by whatever is below a prefix.
    below_path = {"/api/consent/withdraw", "/e/{campaign}/open.gif", "/e/{campaign}/{link}"}
    assert hot
    assert plain
    policy = policy_of(toml_of(ROOT / "README.md"))
    annotations = Annotations(folder / "annotations.sqlite", policy)
    campaigns = Campaigns(folder / "email.sqlite", policy)
    routes = dashboard_routes(
        Asker(nothing, policy, columns_of, lambda _: ()),
        policy,
        People.open(folder / "logins.sqlite"),
        AuditTrail(AuditLog(folder), folder),
        lambda _: pytest.fail("no request"),
        lambda: pytest.fail("no clock"),
        marks=SiteMarks(annotations, campaigns, policy, lambda: 0),
        encode=no_bytes,
        privacy=PrivacySources(nothing, columns_of, Facts().told()),
    )
    below = {route.path for route in routes if isinstance(route, Route)}
    assert len(below) == len({route.path for route in routes if isinstance(route, Route)})
    return {*hot, *plain, *below_path, *SCRIPTS, *below, "/demo"}


@pytest.mark.parametrize("module", modules())
def test_architecture_names_every_module(module: str) -> None:
    assert f"`{module}`" in (DOCS / "architecture.md").read_text("utf-8")


def test_architecture_names_no_module_that_is_gone() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    named = re.findall(r"`((?:anonymizer|collector|dashboards|people)(?:\.[a-z_]+)*)`", text)

    assert set(named) <= set(modules())


@pytest.mark.parametrize("command", [name for name, _, _ in commands("discreet", "", parser())])
def test_every_command_is_described(command: str) -> None:
    reference = (DOCS / "reference" / "cli.md").read_text("utf-8")

    # `discreet policy` alone does nothing; its commands have headings.
    assert re.search(rf"^## {command}( \w+)?$", reference, re.MULTILINE)


@pytest.mark.parametrize("reason", DropReason)
def test_every_refusal_has_a_row(reason: DropReason) -> None:
    assert f"\n| `{reason}` |" in (DOCS / "reference" / "reasons.md").read_text("utf-8")


@pytest.mark.parametrize("statistic", statistics(), ids=lambda statistic: statistic.name)
def test_every_view_is_described_with_its_columns(statistic: Statistic) -> None:
    columns = ", ".join(f"`{column}`" for column in columns_of(statistic))

    assert f"\n| `{statistic.name}` | {columns} | " in (DOCS / "analysts.md").read_text("utf-8")


@pytest.mark.parametrize(
    "column", sorted({column for statistic in statistics() for column in columns_of(statistic)})
)
def test_every_column_has_a_meaning(column: str) -> None:
    text = (DOCS / "analysts.md").read_text("utf-8")
    table = text.partition("## Columns")[2].partition("\n## ")[0]
    first_cells = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)

    assert any(f"`{column}`" in cell for cell in first_cells)


def test_every_door_has_a_row(tmp_path: Path) -> None:
    text = (DOCS / "operations.md").read_text("utf-8")
    table = text.partition("## Addresses")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    named = {path for cell in cells for path in re.findall(r"`[A-Z]+ (/[^`?]*)[^`]*`", cell)}

    assert named == doors(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_dead_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A, b\n[a](#a-b) [b](#gone) [c](gone.md) [d](https://example.org/gone)\n")

    assert dead_links(page) == ["#gone", "gone.md"]


def test_policy_of_the_readme_is_read_without_faults() -> None:
    assert list(policy_of(toml_of(ROOT / "README.md")).sites) == ["example.org"]


def test_readme_begins_with_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")

    assert re.findall(r"^ {4}(make \w+)", text, re.MULTILINE)[:2] == ["make run", "make test"]


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "licences.md"],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_docs_claim_and_boast_of_nothing(page: Path) -> None:
    found = BANNED.search(without_code(page.read_text("utf-8")))

    assert found is None


@pytest.mark.parametrize(
    ("text", "boasts"),
    [
        pytest.param("A secure collector.", True, id="claim"),
        pytest.param("GDPR compliant", True, id="law"),
        pytest.param("Seamlessly integrates", True, id="praise"),
        pytest.param("deleted with `secure_delete`", False, id="name"),
        pytest.param("clickhouse://USER@HOST?secure=1", False, id="part of an address"),
        pytest.param("    proxy_cookie_flags x secure;", False, id="code"),
        pytest.param("the cookie's flag `Secure`", False, id="flag"),
    ],
)
def test_boast_is_told_from_a_name(text: str, boasts: bool) -> None:
    assert bool(BANNED.search(without_code(text))) is boasts


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.stem)
def test_decision_is_short_and_tells_price_and_end(decision: Path) -> None:
    text = decision.read_text("utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)

    assert text.startswith(f"# {decision.name[:4]} ")
    assert len(text.splitlines()) <= 40
    assert [h for h in headings if h in {"Context", "Decision", "Price", "Revisit when"}] == [
        "Context",
        "Decision",
        "Price",
        "Revisit when",
    ]


def test_every_decision_that_code_refers_to_exists() -> None:
    files = chain.from_iterable(
        (ROOT / folder).rglob("*.py") for folder in ("anonymizer", "collector", "dashboards")
    )
    named = {
        number
        for file in files
        for number in re.findall(r"docs/decisions/(\d{4})", file.read_text("utf-8"))
    }

    assert named
    assert named <= {decision.name[:4] for decision in DECISIONS}


def test_each_version_of_the_changelog_begins_with_privacy() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    first = [re.findall(r"^### (.*)$", version, re.MULTILINE)[:1] for version in versions]

    assert [headings for headings in first if headings] == [["Privacy"]] * len(
        [headings for headings in first if headings]
    )
    assert any(first)
