"""What the command line does, one module a command."""

from pathlib import Path

from anonymizer.policy import Policy
from anonymizer.policy_file import read_policy
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
