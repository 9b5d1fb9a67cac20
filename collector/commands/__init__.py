"""What the command line does, one module a command."""

import argparse
from pathlib import Path

from anonymizer.policy import Policy
from anonymizer.policy_file import PolicyFaults, read_policy
from collector.data_dir import DataDir
from collector.policy_archive import BadArchive, read_archived
from collector.reference import default_policy


class CommandFailed(Exception):
    """A command can't be carried out; the text says why in one line and what to do."""


def read_policy_file(path: Path) -> tuple[Policy, str]:
    """Return the policy and the text it was read from.

    Raises:
        CommandFailed: there is no readable file.
        PolicyFaults: the policy has faults.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{path}: is no UTF-8 text") from None
    return read_policy(text, default_policy()), text


def read_policy_of_sites(options: argparse.Namespace) -> Policy:
    """Return the policy that names the sites: `options.policy`, else the one last served.

    Raises:
        CommandFailed: there is none, or no readable file.
        PolicyFaults: the policy has faults; `options.policy` is what they are told of.
    """
    path = options.policy or DataDir(options.data).policy
    if options.policy is None and not path.is_file():
        raise CommandFailed("--site: no policy was served from --data yet; give --policy")
    options.policy = path
    return read_policy_file(path)[0]


def read_password(path: Path | None) -> str:
    """Return the first line of a password's file; nothing where none is given.

    Raises:
        CommandFailed: there is no readable file, or no password in it.
    """
    if path is None:
        return ""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{path}: is no UTF-8 text") from None
    if not lines or not lines[0]:
        raise CommandFailed(f"{path}: its first line holds no password")
    return lines[0]


def read_policy_or_archived(path: Path) -> Policy:
    """Return a policy from its TOML file, or from the ``.json`` in which Discreet archived it.

    Raises:
        CommandFailed: there is no readable file, or the policy has faults, all of which it lists.
    """
    try:
        return read_archived(path) if path.suffix == ".json" else read_policy_file(path)[0]
    except BadArchive as error:
        raise CommandFailed(str(error)) from None
    except PolicyFaults as faults:
        listed = "".join(f"\n  {fault}" for fault in faults.faults)
        raise CommandFailed(f"{path}: the policy has faults:{listed}") from None
