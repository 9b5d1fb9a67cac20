"""All checks on one data directory, in order, whether the server runs or not."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from anonymizer.policy import Policy
from anonymizer.policy_file import PolicyFaults, read_policy
from collector.data_dir import DataDir, DataDirInUse
from collector.doctor import files, process, store_checks
from collector.doctor.dictionary import (
    Match,
    addresses_in,
    guess_addresses,
    guess_agents,
)
from collector.doctor.patterns import Address
from collector.doctor.store_checks import Tell, Words
from collector.doctor.telling import KIND, Layout, Process, tell
from collector.doctor.verdicts import Verdict, judge, not_checked
from collector.policy_archive import BadArchive, ChangedWithoutVersion, PolicyArchive
from collector.query_socket import NoServer, Refused, ask
from collector.reader import Reader
from collector.reference import default_policy
from collector.schema.tables import cells_of
from collector.store import StoreFailed
from collector.store_address import StoreAddress, StorePlace, open_client

MOST_GUESSES = 1_000_000
"""Addresses tried when the operator gives none: a minute on one core."""

_MOST_PAIRED = 100
_IN_A_NETWORK = 256
_STORE = "what the store keeps"
_GUESSES = "no stored value is a hash of an address or an agent in the dictionary"
_FILES = "spool, WAL and the store's files hold no address, e-mail address or agent"
_OPEN = "files and logs that the server has open hold none either"
_LOGS = "the logs given by --log hold none either"
_ELSEWHERE = "what went to journald, a container's log, a proxy's log or a backup"
_ARCHIVED = "the policy that counters follow is archived"
_NO_SERVER = "no server runs"


class Dictionary(Struct, frozen=True):
    """What the operator gives to be guessed with."""

    addresses: Sequence[Address] = ()
    agents: Sequence[str] = ()


class Progress(Protocol):
    """Shows how far a long check is."""

    def begin(self, what: str, total: int) -> Callable[[int], None]:
        """Return what is told of each step."""
        ...


def examine(
    data: DataDir,
    dictionary: Dictionary,
    logs: Mapping[str, Path],
    progress: Progress,
    store: StorePlace | None = None,
) -> Iterator[Verdict]:
    """Yield the verdict on each check; nothing in the data directory is changed.

    `logs` are files to be searched too, by the names to tell them by. The store is in the
    directory unless told otherwise; of a server's databases only Discreet's own are looked at.
    """
    place = store or data.store
    own = process.own_addresses()
    server: Process | None = None
    reader: Reader | None = None
    policy = _policy_of(data)
    try:
        try:
            server = msgspec.json.decode(
                ask(data.query_socket, KIND, {"read": "process"}), type=Process
            )
            telling: Tell = lambda values: ask(data.query_socket, KIND, values)  # noqa: E731
        except NoServer:
            data.lock()
            if isinstance(place, Path) and not place.exists():
                raise StoreFailed("there is no store yet") from None
            reader = Reader(open_client(place))
            of_reader = reader.query
            telling = lambda values: tell(of_reader, values)  # noqa: E731
        layout = store_checks.read_layout(telling, is_shared=isinstance(place, StoreAddress))
        yield from _examine_store(telling, layout, policy, dictionary, own, progress)
    except (DataDirInUse, Refused, StoreFailed) as error:
        yield not_checked(_STORE, str(error))
    finally:
        if reader is not None:
            reader.close()
        data.unlock()
    yield _search(_FILES, files.files_of(data), own, progress)
    if logs:
        yield _search(_LOGS, logs, own, progress)
    yield from _examine_server(server, data, own, progress)
    yield files.check_modes(data)
    yield _check_archive(data, policy)
    yield not_checked(_ELSEWHERE, "the doctor can't see it; --log searches a file of it")


def _examine_store(
    telling: Tell,
    layout: Layout,
    policy: Policy | None,
    dictionary: Dictionary,
    own: Collection[Address],
    progress: Progress,
) -> Iterator[Verdict]:
    names = None if policy is None else frozenset(each.name for each in policy.statistics)
    yield store_checks.check_tables(layout, names)
    yield store_checks.check_columns(layout)
    rows = sum(table.rows for table in layout.tables if table.keeps_rows)
    words = store_checks.read_words(telling, layout, progress.begin("reading values", rows))
    yield store_checks.check_words(words)
    yield _check_guesses(words, dictionary, own, progress)
    if policy is None:
        yield not_checked("no small group is kept of a past period", "there is no readable policy")
    else:
        least = {cells_of(each): each.min_group for each in policy.statistics}
        yield store_checks.check_small_groups(telling, least)


def _check_guesses(
    words: Words, dictionary: Dictionary, own: Collection[Address], progress: Progress
) -> Verdict:
    addresses = dictionary.addresses
    if not addresses:
        addresses = [*own, *addresses_in(sorted(words.networks), MOST_GUESSES)]
    advance = progress.begin("guessing", len(addresses) + len(dictionary.agents))
    matches: dict[Match, int] = {}
    tried = 0
    for source in (
        guess_addresses(words.suspects, addresses),
        guess_agents(words.suspects, dictionary.agents, addresses[:_MOST_PAIRED]),
    ):
        for match in source:
            if match is None:
                tried += 1
                advance(1)
            else:
                matches[match] = matches.get(match, 0) + 1
    if not tried:
        return not_checked(_GUESSES, "there is nothing to guess with; give --addresses, --agents")
    faults = [f"{count} × {match.what} in {match.where}" for match, count in matches.items()]
    tried_what = f"{tried - len(dictionary.agents)} addresses and {len(dictionary.agents)} agents"
    of = "given"
    if not dictionary.addresses:
        whole = min(len(words.networks), MOST_GUESSES // _IN_A_NETWORK)
        of = f"this machine's and those of {whole} of {len(words.networks)} networks in the store"
    left = f"; {words.wide_networks} IPv6 networks are too wide" if words.wide_networks else ""
    if words.suspects.are_too_many and not faults:
        return not_checked(_GUESSES, "the store holds more values than fit into memory")
    return judge(
        _GUESSES,
        faults,
        f"{words.suspects.count} values against {tried_what}, the addresses {of}{left}",
    )


def _search(
    check: str, found: Mapping[str, Path], own: Collection[Address], progress: Progress
) -> Verdict:
    size = files.size_of(found)
    scan = files.Scan(own, progress.begin("searching files", size))
    for name, path in found.items():
        scan.read(path, name)
    looked_at = f"{scan.files} files, {size:,} bytes, compressed blocks unpacked"
    return files.check_scan(check, scan, looked_at)


def _examine_server(
    server: Process | None, data: DataDir, own: Collection[Address], progress: Progress
) -> Iterator[Verdict]:
    if server is None:
        for check in (
            _OPEN,
            process.CORE,
            process.READERS,
            process.SWAP,
            process.ACCESS_LOG,
        ):
            yield not_checked(check, _NO_SERVER)
        return
    yield _check_open_files(server, data, own, progress)
    yield from process.check_process(server)


def _check_open_files(
    server: Process, data: DataDir, own: Collection[Address], progress: Progress
) -> Verdict:
    if not process.is_visible(server):
        return not_checked(_OPEN, "the process is not to be seen from here")
    found = process.open_files(server.pid)
    if found is None:
        return not_checked(_OPEN, "the process is closed to this user, as it should be; ask root")
    inside = f"open {data.path.resolve()}/"
    apart = {
        name: path
        for name, path in found.items()
        if not name.startswith(inside) or name.endswith(" (deleted)")
    }
    verdict = _search(_OPEN, apart, own, progress)
    if process.output_goes_elsewhere(server.pid):
        return msgspec.structs.replace(
            verdict, because=f"{verdict.because}; its output goes to a pipe, which can't be read"
        )
    return verdict


def _policy_of(data: DataDir) -> Policy | None:
    try:
        return read_policy(data.policy.read_text("utf-8"), default_policy())
    except (OSError, UnicodeDecodeError, PolicyFaults):
        return None


def _check_archive(data: DataDir, policy: Policy | None) -> Verdict:
    if policy is None:
        return not_checked(_ARCHIVED, "there is no readable policy")
    archive = PolicyArchive(data.policies)
    try:
        archive.check(policy)
    except (BadArchive, ChangedWithoutVersion):
        return judge(_ARCHIVED, ["its version is archived with another meaning, or damaged"], "")
    kept = policy.version in archive.versions()
    faults = [] if kept else ["its version is not in the archive"]
    return judge(_ARCHIVED, faults, f"version {policy.version} is among {len(archive.versions())}")
