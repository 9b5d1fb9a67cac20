"""`discreet policy diff`: what changed between two policies, and whether that is major."""

import argparse
import sys

import msgspec

from anonymizer.policy_diff import Change, compare
from collector.commands import read_policy_or_archived


def run(options: argparse.Namespace) -> None:
    """Print each change; the last line says whether consent must be asked anew.

    Raises:
        CommandFailed: a file can't be read or has faults.
    """
    changes = compare(read_policy_or_archived(options.old), read_policy_or_archived(options.new))
    if options.json:
        sys.stdout.write(f"{_as_json(changes)}\n")
        return
    for change in changes:
        print(change)
    print(_verdict(changes))


def _verdict(changes: tuple[Change, ...]) -> str:
    major = sum(change.major for change in changes)
    if not changes:
        return "Nothing changed in meaning: consent goes on."
    if not major:
        return f"No major change among {len(changes)}: consent goes on."
    return f"{major} of {len(changes)} changes major: consent must be asked anew."


def _as_json(changes: tuple[Change, ...]) -> str:
    told = {
        "ask_anew": any(change.major for change in changes),
        "changes": [{**msgspec.to_builtins(change), "major": change.major} for change in changes],
    }
    return msgspec.json.format(msgspec.json.encode(told)).decode()
