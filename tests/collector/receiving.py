"""Policies, receipts and a search of files, for tests of consent and its proof."""

import contextlib
import os
from datetime import UTC, date, datetime
from pathlib import Path

from anonymizer.hits import SiteId
from anonymizer.policy import Policy, PurposeId
from anonymizer.policy_file import read_policy
from collector.receipts import Decision, PolicyVersions, Receipt
from collector.reference import default_policy

SITE = SiteId("example.org")
CHILDREN = SiteId("kids.example")
AUDIENCE = PurposeId("audience")
CAMPAIGNS = PurposeId("campaigns")
NOON = int(datetime(2026, 3, 10, 12, 34, 56, tzinfo=UTC).timestamp())
HOUR = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = 86_400

POLICY = """\
[policy]
id = "test"
version = "{version}"
controller = "Example"
contact = "privacy@example.org"
address = "1 Example Street"
authority = "the authority"
languages = ["en", "zh"]
extends = "default"

[residency]
stored_in = ["DE"]
recipients = ["an auditor"]

[[site]]
domain = "example.org"
timezone = "Europe/Berlin"
consent = "opt-in"
jurisdiction = "DE"

[[site]]
domain = "kids.example"
timezone = "Europe/Berlin"
child_directed = true
"""


def make_policy(version: str = "3") -> Policy:
    return read_policy(POLICY.format(version=version), default_policy())


def make_versions(honoured: frozenset[str] = frozenset({"2", "3"})) -> PolicyVersions:
    """Return version 3 in force, with 1 and 2 before it."""
    kept = {version: make_policy(version) for version in ("1", "2", "3")}
    return PolicyVersions(kept["3"], honoured, kept)


def receipt(
    decision: Decision = Decision.GIVEN,
    hour: datetime = HOUR,
    keep_until: date = date(2028, 9, 29),
    withdrawn: datetime | None = None,
    version: str = "3",
) -> Receipt:
    return Receipt(
        site=SITE,
        version=version,
        purposes=(AUDIENCE, CAMPAIGNS),
        decision=decision,
        hour=hour,
        language="en",
        jurisdiction="DE",
        keep_until=keep_until,
        withdrawn=withdrawn,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Return the names and contents of every file of an engine that works on them meanwhile."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = Path(base, name)
            with contextlib.suppress(OSError):  # merged away, or a socket
                found[str(path.relative_to(folder))] = name.encode() + b"\n" + path.read_bytes()
    return found


def files_with(folder: Path, *needles: bytes) -> list[str]:
    """Return the files that hold one of these bytes."""
    return [
        name
        for name, content in files_of(folder).items()
        if any(needle in content for needle in needles)
    ]
