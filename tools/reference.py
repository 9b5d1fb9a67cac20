"""Write docs/reference from the code: `make reference`; `--check` fails on drift.

The default policy, the closed list of refusals and the command line's own
arguments come in; four pages go out. Nothing in them is written by hand but
the meaning of each refusal.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from anonymizer.hits import OTHER, Door, DropReason
from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
from collector.cli import parser
from collector.counted import COUNTED
from collector.reference import default_policy
from collector.schema.views import columns_of
from tools.gate_page import gate_page

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
_BY = "Written by `make reference`: change the code, not this page."
_ANY_SITE = """\
[policy]
id = "reference"
version = "1"
controller = "none"
contact = "none"
extends = "default"

[[site]]
domain = "example.org"
timezone = "UTC"
"""

_LIVE = (Door.EVENT, Door.PIXEL)
_LOG = (Door.LOG,)
MEANINGS: dict[DropReason, tuple[tuple[Door, ...], str]] = {
    DropReason.OPTED_OUT_DNT: (_LIVE, "The header `DNT` is there and does not begin with `0`."),
    DropReason.OPTED_OUT_GPC: (_LIVE, "The header `Sec-GPC` is `1`."),
    DropReason.OPTED_OUT: (_LIVE, "The opt-out cookie came with the hit."),
    DropReason.OPTED_OUT_GPP: (
        _LIVE,
        "An IAB GPP string holds an opt-out of sale, sharing or targeting, or its GPC bit.",
    ),
    DropReason.CHILD: (
        tuple(Door),
        "The site, the page or an IAB GPP string says that a child is visiting.",
    ),
    DropReason.UNREADABLE_SIGNAL: (_LIVE, "A consent signal can't be read."),
    DropReason.CONSENT_REFUSED: (_LIVE, "A consent signal permits none of the purposes."),
    DropReason.CONSENT_VOID: (
        _LIVE,
        "Consent is needed, and was given to a policy that changed in a major way since.",
    ),
    DropReason.NO_CONSENT: (
        tuple(Door),
        "Consent is needed, by the site's mode or the purposes' basis, and none was told.",
    ),
    DropReason.PREFETCH: (
        _LIVE,
        "`Sec-Purpose`, `Purpose`, `X-Purpose` or `X-Moz` says that the page was loaded ahead.",
    ),
    DropReason.BOT: (tuple(Door), "The user agent is a machine's, or there is none."),
    DropReason.REFERRER_SPAM: (
        tuple(Door),
        "The referrer's host is known to be sent only so that someone looks it up.",
    ),
    DropReason.UNDECLARED_EVENT: (
        (Door.EVENT,),
        "The event is neither `pageview` nor an `[[event]]` of the policy.",
    ),
    DropReason.NOT_GET: (_LOG, "The line's method is not `GET`."),
    DropReason.NOT_SUCCESSFUL: (_LOG, "The line's status is neither 2xx nor 304."),
    DropReason.STATIC_FILE: (_LOG, "The line's path ends like a file that is no page."),
}
"""Where each refusal occurs, and why."""


def views_page() -> str:
    """Return the page of the default policy's views and purposes."""
    policy = read_policy(_ANY_SITE, default_policy())
    return "\n".join((*_views(policy), "", *_purposes(policy), ""))


def _views(policy: Policy) -> Iterator[str]:
    yield "# Views of the default policy"
    yield ""
    yield _BY
    yield ""
    yield f"A cell of fewer visitors than *group* stands under `{OTHER}`, or in its month without a"
    yield "day. *days* is `keep_days`: what is older is deleted every night."
    yield ""
    yield "| view | columns | grain | group | days | purpose |"
    yield "|---|---|---|---|---|---|"
    for statistic in policy.statistics:
        columns = ", ".join(f"`{column}`" for column in columns_of(statistic))
        yield (
            f"| `{statistic.name}` | {columns} | {statistic.grain} | {statistic.min_group}"
            f" | {statistic.keep_days} | {statistic.purpose} |"
        )


def _purposes(policy: Policy) -> Iterator[str]:
    yield "## Purposes"
    yield ""
    yield "| purpose | title | clause | basis | days |"
    yield "|---|---|---|---|---|"
    for purpose in policy.purposes:
        yield (
            f"| `{purpose.id}` | {purpose.title} | {purpose.clause} | {purpose.basis}"
            f" | {purpose.keep_days} |"
        )


def reasons_page() -> str:
    """Return the page of what stands in `coverage.reason`."""
    doors = ", ".join(Door)
    lines = [
        "# Reasons",
        "",
        _BY,
        "",
        "The values of `reason` in the view `coverage`. A refused hit leaves +1 there under site,",
        "day, door and reason, and nothing else.",
        "",
        "| reason | doors | meaning |",
        "|---|---|---|",
        f"| `{COUNTED}` | {doors} | The hit was counted. |",
    ]
    for reason in DropReason:
        of_reason, meaning = MEANINGS[reason]
        lines.append(f"| `{reason}` | {', '.join(of_reason)} | {meaning} |")
    return "\n".join((*lines, ""))


def cli_page() -> str:
    """Return the page of every command with its arguments."""
    lines = [
        "# Command line",
        "",
        _BY,
        "",
        "Exit code 0: done. 2: bad input, with one line that says what is wrong. 130: Ctrl-C.",
        "",
    ]
    return "\n".join((*lines, *_command("discreet", "", parser())))


def commands(
    name: str, about: str, parser: argparse.ArgumentParser
) -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Yield a command and all below it: name, one line about it, parser."""
    yield name, about, parser
    for action in _actions(parser):
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # argparse names it nowhere else
            told = {choice.dest: choice.help or "" for choice in action._get_subactions()}  # noqa: SLF001  # the same
            for word, below in action.choices.items():
                yield from commands(f"{name} {word}", told.get(word, ""), below)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    # Not format_help: how it breaks lines differs between versions of Python.
    return parser._actions  # noqa: SLF001  # argparse has no public list of them


def _command(name: str, about: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    for command, line, below in commands(name, about, parser):
        actions = [
            action
            for action in _actions(below)
            if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction)  # noqa: SLF001  # the same
        ]
        if not actions:
            continue
        yield f"## {command}"
        yield ""
        yield _sentence(line or below.description or "")
        yield ""
        yield "| argument | meaning | default |"
        yield "|---|---|---|"
        for action in actions:
            yield _argument(action)
        yield ""


def _argument(action: argparse.Action) -> str:
    takes = f" {action.metavar or action.dest.upper()}" if action.nargs != 0 else ""
    word = f"{action.option_strings[-1]}{takes}" if action.option_strings else action.dest
    default = "required" if action.required else "none"
    if action.default not in (None, argparse.SUPPRESS):
        default = f"`{action.default}`"
    meaning = (action.help or "").partition(" (default:")[0]
    return f"| `{word}` | {_sentence(meaning)} | {default} |"


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}." if text else ""


PAGES = {
    "views.md": views_page,
    "reasons.md": reasons_page,
    "gate.md": lambda: gate_page(_BY),
    "cli.md": cli_page,
}


def stale(folder: Path) -> list[str]:
    """Name the pages in `folder` that are missing or say something else than the code."""
    return [
        name
        for name, page in PAGES.items()
        if not (folder / name).is_file() or (folder / name).read_text("utf-8") != page()
    ]


def main() -> int:
    """Write the pages, or with `--check` say which have drifted."""
    options = argparse.ArgumentParser(description="Write docs/reference from the code.")
    options.add_argument("--check", action="store_true", help="write nothing; fail on drift")
    if options.parse_args().check:
        drifted = stale(FOLDER)
        for name in drifted:
            print(f"docs/reference/{name} has drifted: python tools/reference.py", file=sys.stderr)
        return 1 if drifted else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
