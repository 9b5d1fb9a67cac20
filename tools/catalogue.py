"""Bring dashboards/catalogues up to date with what readers are told: `python -m tools.catalogue`.

Sentences are found where they are written: the first text of `_("…")`, `words("…")`,
`reader.words("…")` and `message("…")`, and both of `.count("one", "many", n)`, in Python and in the
templates. What is translated stays; a sentence that has changed gets the translation of the most
similar one, marked fuzzy, which is not used until the mark is taken away. `--check` fails when a
catalogue lacks a sentence, holds one of no use, or puts other values into it than the English does.
"""

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment, nodes

ROOT = Path(__file__).parents[1]
CATALOGUES = ROOT / "dashboards" / "catalogues"
LOCALES = {"zh": "zh_CN"}
FOLDERS = ("dashboards", "people", "collector/mailed_reports")
"""Where sentences for readers of the dashboard and of mailed reports are written."""

WIDTH = 100

_SINGLE = frozenset({"_", "words", "message"})
_PLURAL = "count"
_PLACE = re.compile(r"\{[a-z_]+\}")
_HEADER = """\
# What the dashboard says. The keys are its English sentences; `python -m tools.catalogue` keeps
# them, translations alone are written by hand.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Language: {locale}\\n"

"""


def sentences() -> dict[str, Sequence[str]]:
    """Return every sentence with the files that it is written in, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            for text in _sentences_of(path):
                if name not in found[text]:
                    found[text].append(name)
    return {**found}


def read_catalogue(language: str) -> Catalog:
    """Read the translations into a language of `LOCALES`; none where there is no file."""
    path = CATALOGUES / f"{language}.po"
    text = path.read_bytes() if path.exists() else b""
    return read_po(BytesIO(text), locale=LOCALES[language])


def write(catalogue: Catalog, language: str, found: Mapping[str, Sequence[str]]) -> str:
    """Return a catalogue as its file holds it, with every sentence in it."""
    template = Catalog()
    for text, files in found.items():
        template.add(text, locations=[(name, 0) for name in files])
    catalogue.update(template, update_creation_date=False)
    file = BytesIO()
    write_po(file, catalogue, width=WIDTH, omit_header=True, include_lineno=False)
    return _HEADER.format(locale=LOCALES[language]) + file.getvalue().decode()


def faults_of(catalogue: Catalog, found: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Say what a catalogue lacks, or has too much."""
    told = {str(each.id): each for each in catalogue if each.id}
    for text in found:
        each = told.get(text)
        if each is None or not each.string:
            yield f"not translated: {text}"
        elif each.fuzzy:
            yield f"fuzzy: {text}"
        elif set(_PLACE.findall(text)) != set(_PLACE.findall(str(each.string))):
            yield f"other values than in English: {text}"
    for key in (*told, *map(str, catalogue.obsolete)):
        if key not in found:
            yield f"of no use: {key}"


def _sentences_of(path: Path) -> Iterator[str]:
    if path.suffix == ".py":
        yield from _of_python(path.read_text("utf-8"))
    elif path.suffix in {".html", ".txt"} and "templates" in path.parts:
        yield from _of_template(path.read_text("utf-8"))


def _of_python(text: str) -> Iterator[str]:
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = str(getattr(call.func, "id", "") or getattr(call.func, "attr", ""))
        yield from _told(name, [getattr(each, "value", None) for each in call.args])


def _of_template(text: str) -> Iterator[str]:
    for call in Environment(autoescape=True).parse(text).find_all(nodes.Call):
        name = str(getattr(call.node, "name", "") or getattr(call.node, "attr", ""))
        yield from _told(name, [getattr(each, "value", None) for each in call.args])


def _told(called: str, texts: Sequence[object]) -> Iterator[str]:
    match texts:
        case [str(one), str(many), *_] if called == _PLURAL:
            yield from (one, many)
        case [str(text), *_] if called in _SINGLE:
            yield text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="fail instead of writing")
    is_check = parser.parse_args(arguments).check
    found = sentences()
    faults = []
    for language in LOCALES:
        if not is_check:
            text = write(read_catalogue(language), language, found)
            (CATALOGUES / f"{language}.po").write_text(text, "utf-8")
        faults += [f"{language}: {each}" for each in faults_of(read_catalogue(language), found)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
