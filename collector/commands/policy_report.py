"""`discreet policy report`: the record of processing, and CNIL's criteria checked.

Both are made from the policy and, with a data directory, from the store as it is.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from anonymizer.policy import Policy
from anonymizer.policy_diff import compare
from anonymizer.policy_file import PolicyFaults
from anonymizer.policy_tag import TAG_MODULES
from collector.commands import CommandFailed, read_policy_file
from collector.commands.store_place import store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.findings import Finding, Level
from collector.policy_criteria import check_policy
from collector.query_socket import NoServer, Refused, ask
from collector.reader import Reader
from collector.record import make_record
from collector.store import StoreFailed
from collector.store_address import StorePlace, open_client
from collector.store_criteria import check_store
from collector.store_facts import KIND, StoreFacts, read_store_facts
from collector.tag_scripts import compile_tag, read_modules


class _Section(Struct, frozen=True):
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def run(options: argparse.Namespace) -> None:
    """Print the report on `options.policy`.

    Raises:
        CommandFailed: a file or the data directory can't be used.
        PolicyFaults: the policy has faults.
    """
    policy, _ = read_policy_file(options.policy)
    store, differing = None, None
    if options.data is not None:
        if not options.data.is_dir():
            raise CommandFailed(f"{options.data}: there is no data directory")
        data = DataDir(options.data)
        store = _ask_store(data, store_of(options, data))
        differing = _differing(policy, data.policy)
    tag = b"".join((compile_tag(policy), read_modules(TAG_MODULES) or b"")).decode()
    findings = (*check_policy(policy, tag), *check_store(policy, store, differing))
    sections = (
        _Section(
            f"Record of processing activities (GDPR Art. 30(1)): {policy.id} {policy.version}",
            ("Art. 30(1)", "subject", "record"),
            [(entry.letter, entry.subject, entry.says) for entry in make_record(policy, store)],
        ),
        _Section(
            "Audience measurement without consent: CNIL's criteria",
            ("CNIL", "criterion", "outcome", "because"),
            [_row(finding) for level in Level for finding in findings if finding.level is level],
        ),
    )
    show = _print_markdown if options.format == "markdown" else _print_text
    for section in sections:
        show(section)


def _row(finding: Finding) -> tuple[str, ...]:
    return (finding.level, finding.criterion, finding.outcome, finding.because)


def _ask_store(data: DataDir, place: StorePlace) -> StoreFacts:
    try:
        try:
            return msgspec.json.decode(ask(data.query_socket, KIND, {}), type=StoreFacts)
        except NoServer:
            data.lock()
            if isinstance(place, Path) and not place.exists():
                raise CommandFailed(f"{data.path}: there is no store in it") from None
            return read_store_facts(Reader(open_client(place)).query)
    except (DataDirInUse, Refused, StoreFailed) as error:
        raise CommandFailed(str(error)) from None


def _differing(policy: Policy, followed: Path) -> int | None:
    if not followed.exists():
        return None
    try:
        return len(compare(read_policy_file(followed)[0], policy))
    except PolicyFaults:
        return None


def _print_text(section: _Section) -> None:
    table = Table(title=section.title, title_justify="left", title_style="bold", show_lines=True)
    for column in section.columns:
        table.add_column(column, overflow="fold")
    for row in section.rows:
        table.add_row(*map(Text, row))
    Console(highlight=False).print(table)


def _print_markdown(section: _Section) -> None:
    print(f"## {section.title}\n")
    for row in (section.columns, ("---",) * len(section.columns), *section.rows):
        print(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |")
    print()
