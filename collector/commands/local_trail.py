"""What the command line changed, written into the audit trail that the dashboard shows."""

import time

from collector.audit import LOCAL_USER, AuditFailed, AuditLog
from collector.commands import CommandFailed
from collector.data_dir import DataDir
from people.trail import Act, Did


def note_local(
    data: DataDir, did: Did, *, site: str = "", report: str = "", whom: str = ""
) -> None:
    """Write a line, as done by `LOCAL_USER`; the server may run and write beside it.

    Raises:
        CommandFailed: it could not be written.
    """
    act = Act(time.time(), LOCAL_USER, did, site, report, whom=whom)
    try:
        AuditLog(data.audit).write(act)
    except (AuditFailed, OSError):
        raise CommandFailed("it is done, but can't be written into the audit trail") from None
