"""Print docs/licences.md: every locked package with its licence, and the data with theirs.

Licences are read from the metadata of the installed packages, so that the
environment must hold requirements/test.txt. A package without a stated
licence stops it.
"""

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)

DATA = """\
| data | from | licence |
|---|---|---|
| `anonymizer/data/sources.tsv` | github.com/matomo-org/searchengine-and-social-list | public \
domain (CC0-1.0 in its package.json, Unlicense in its composer.json) |
| `anonymizer/data/spam_hosts.txt` | github.com/matomo-org/referrer-spam-list | public domain |
| `anonymizer/data/machines.tsv` | github.com/monperrus/crawler-user-agents 1.67.0, with rows of \
our own | MIT, Copyright 2017 Martin Monperrus (`machines.LICENSE.txt` beside it) |
| `dashboards/pictures/world.json` | Natural Earth 4.1.0, by the npm package `world-atlas` 2.0.2 \
(`countries-50m.json`) | data: public domain; package: ISC, Copyright 2013-2019 Michael Bostock \
(`world.LICENSE.txt` beside it) |
| time zones and their countries | IANA time zone database, in the package `tzdata` | public \
domain |
| user agent patterns | github.com/ua-parser/uap-core, in the package `ua-parser-builtins` | \
Apache-2.0 |

Packages of npm, locked in `collector/tag/package-lock.json`, `tests/oracles/package-lock.json` and
`tests/dashboards/package-lock.json`.
One is in a script that is handed out: `web-vitals`, in the tag's module `vitals`. All others build
the tag or stand in tests.

| package | version | licence | for |
|---|---|---|---|
| web-vitals | 6.2.3 | Apache-2.0, Copyright Google LLC | the module `vitals` |
| esbuild | 0.28.2 | MIT | builds the tag |
| terser | 5.51.2 | BSD-2-Clause | builds the tag |
| @iabgpp/cmpapi | 3.2.0 | Apache-2.0 | compared with the consent decoders |
| @iabtcf/core | 1.5.6 | Apache-2.0 | compared with the consent decoders |
| @plausible-analytics/tracker | 0.4.6 | MIT | counted in tests |
| plausible-tracker | 0.3.9 | MIT | counted in tests |
| react, react-dom | 19.3.1 | MIT | the example, in tests |
| axe-core | 4.14.1 | MPL-2.0 | looks for barriers in the dashboard, in tests |
| typescript | 5.9.3 | Apache-2.0 | checks the types, in tests |
"""

# Packages whose metadata states none, by the licence text that they carry.
BY_TEXT = {"atheris": "Apache-2.0"}

# Metadata that names its licence in longer words than the table has room for.
SHORT = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


def read_lock(path: Path) -> set[tuple[str, str]]:
    """Return the packages and versions of the lock; one may stand in two, for two Pythons."""
    return set(LOCKED.findall(path.read_text()))


def find_licence(package: str) -> str:
    """Return the licence that the package's own metadata states.

    Raises `LookupError` when it states none.
    """
    if package in BY_TEXT:
        return BY_TEXT[package]
    about = metadata.metadata(package)
    if "License-Expression" in about:
        return about["License-Expression"]
    classified = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ") and not line.endswith("OSI Approved")
    ]
    if classified:
        return " or ".join(SHORT.get(name, name) for name in classified)
    stated = about["License"].strip() if "License" in about else ""
    if not stated or "\n" in stated:
        raise LookupError(package)
    return SHORT.get(stated, stated)


def write_page(run: set[tuple[str, str]], test: set[tuple[str, str]]) -> str:
    """Return docs/licences.md for the two locks."""
    run_names = {name for name, _ in run}
    rows = [
        f"| {name} | {version} | {find_licence(name)} | {'run' if name in run_names else 'test'} |"
        for name, version in sorted(run | test)
    ]
    return "\n".join(
        [
            "# Licences",
            "",
            "Discreet is under Apache-2.0 (`LICENSE`). What it stands on, as the packages' own",
            "metadata states it. Written by `make lock`: change `tools/licences.py`, not this.",
            "",
            "| package | version | licence | for |",
            "|---|---|---|---|",
            *rows,
            "",
            DATA,
        ]
    )


if __name__ == "__main__":
    requirements = ROOT / "requirements"
    page = write_page(read_lock(requirements / "run.txt"), read_lock(requirements / "test.txt"))
    print(page, end="")
