"""`--reports`: the file of mailed reports, with all its faults."""

from collections.abc import Collection
from pathlib import Path

from anonymizer.policy import Policy
from anonymizer.policy_faults import PolicyFaults
from collector.commands import CommandFailed
from collector.mailed_reports.reports_file import read_reports
from collector.mailed_reports.settings import Mailing


def read_mailing(path: Path, policy: Policy, languages: Collection[str]) -> Mailing:
    """Read a file of mailed reports.

    Raises:
        CommandFailed: there is no readable file, or it has faults, all of which it lists.
    """
    try:
        return read_reports(path.read_text("utf-8"), policy, languages, path.parent)
    except OSError as error:
        raise CommandFailed(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandFailed(f"{path}: is no UTF-8 text") from None
    except PolicyFaults as faults:
        listed = "".join(f"\n  {fault}" for fault in faults.faults)
        raise CommandFailed(f"{path}: has faults:{listed}") from None
