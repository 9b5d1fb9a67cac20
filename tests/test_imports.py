"""The import contracts of pyproject.toml, held by the code and able to catch a breach."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# The least tree that has a module on each side of every contract.
MODULES = {
    "anonymizer/__init__.py": "",
    "anonymizer/addresses.py": "from socket import inet_pton\n",
    "anonymizer/gate.py": "import re\nfrom anonymizer import policy\n",
    "anonymizer/hits.py": "",
    "anonymizer/policy.py": "from anonymizer import hits\n",
    "clickhouse_http/__init__.py": "",
    "clickhouse_http/app.py": "import starlette\n",
    "collector/__init__.py": "",
    "collector/app.py": "from collector import store\nfrom dashboards import pages\n",
    "collector/cli.py": "from collector import app\n",
    "collector/store.py": "import chdb\nimport logging\nfrom anonymizer import hits\n",
    "dashboards/__init__.py": "",
    "dashboards/pages.py": "import starlette\nfrom anonymizer import policy\n",
    "dashboards/logins/sessions.py": "from people import users\n",
    "people/__init__.py": "",
    "people/users.py": "import sqlite3\n",
}


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "from importlinter.cli import lint_imports as lint; raise SystemExit(lint(no_cache=1))"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, source in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    return tmp_path


def test_code_keeps_every_contract() -> None:
    answer = lint_imports(ROOT)
    assert answer.returncode == 0, answer.stdout


def test_a_tree_with_the_allowed_imports_keeps_every_contract(tree: Path) -> None:
    answer = lint_imports(tree)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("module", "statement", "found"),
    [
        pytest.param("anonymizer.gate", "import chdb", "chdb", id="anonymizer-to-engine"),
        pytest.param("anonymizer.gate", "import logging", "logging", id="anonymizer-to-log"),
        pytest.param("anonymizer.gate", "import os", "os", id="anonymizer-to-system"),
        pytest.param("anonymizer.gate", "import socket", "socket", id="anonymizer-to-network"),
        pytest.param("anonymizer.gate", "import time", "time", id="anonymizer-to-clock"),
        pytest.param(
            "anonymizer.gate", "import collector.store", "collector.store", id="anonymizer-to-user"
        ),
        pytest.param(
            "collector.store", "import dashboards.pages", "dashboards.pages", id="store-to-pages"
        ),
        pytest.param(
            "collector.cli", "import dashboards.pages", "dashboards.pages", id="command-to-pages"
        ),
        pytest.param(
            "clickhouse_http.app",
            "import collector.store",
            "collector.store",
            id="protocol-to-user",
        ),
        pytest.param(
            "dashboards.pages", "import collector.store", "collector.store", id="pages-to-store"
        ),
        pytest.param(
            "dashboards.pages", "import anonymizer.hits", "anonymizer.hits", id="pages-to-raw-hits"
        ),
        pytest.param(
            "people.users", "import collector.store", "collector.store", id="users-to-store"
        ),
        pytest.param(
            "anonymizer.gate", "import people.users", "people.users", id="anonymizer-to-users"
        ),
    ],
)
def test_forbidden_import_breaks_a_contract(
    tree: Path, module: str, statement: str, found: str
) -> None:
    with (tree / f"{module.replace('.', '/')}.py").open("a") as file:
        file.write(statement + "\n")
    answer = lint_imports(tree)
    assert answer.returncode == 1
    assert f"{module} -> {found} (l." in answer.stdout


def test_image_is_built_from_every_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    let_in = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{package.rstrip('*')}" for package in packages} <= set(let_in)
