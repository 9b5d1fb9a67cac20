"""A receipt: what a visitor decided about the purposes of a policy, as proof of it.

The visitor alone knows its id; the store knows the id's hash (docs/decisions/0011).
It holds no address, no agent, nothing of a hit, and no time finer than the hour.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NewType

from msgspec import Struct

from anonymizer.hits import SiteId
from anonymizer.policy import Policy, PurposeId
from collector.policy_archive import PolicyArchive

IdHash = NewType("IdHash", bytes)
"""The 32 bytes that stand for a receipt's id wherever it is stored or looked up."""

SCHEMA = "1"
"""Which fields a receipt has and what they mean; stored with each."""

VALIDITY = timedelta(days=183)  # CNIL advises to ask again after six months

HANDLE_BYTES = 16
"""How much of a hash stands for it where many are in memory."""

ID_BYTES = 32
_ID = re.compile(r"[0-9a-f]{64}")


class Decision(StrEnum):
    """What a visitor decided."""

    GIVEN = "given"
    REFUSED = "refused"


class State(StrEnum):
    """A receipt's state, in the words of ISO/IEC TS 27560."""

    GIVEN = "given"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    """Given under a policy that has changed in a major way since."""


class Receipt(Struct, frozen=True):
    """What the store holds of one decision, but for the hash of its id."""

    site: SiteId
    version: str
    """The policy's."""
    purposes: tuple[PurposeId, ...]
    decision: Decision
    hour: datetime
    """The start of the hour in which it was decided, in UTC."""
    language: str
    """In which the notice was read."""
    jurisdiction: str
    keep_until: date
    withdrawn: datetime | None = None
    """The start of the hour in which it was withdrawn, in UTC."""
    schema: str = SCHEMA


class PolicyVersions(Struct, frozen=True):
    """The policies under which receipts were given, and which of them still hold."""

    current: Policy
    honoured: frozenset[str]
    """The versions whose consent is good under the current policy, its own among them."""
    kept: Mapping[str, Policy]
    """By version; the current one among them."""


def read_versions(archive: PolicyArchive, current: Policy) -> PolicyVersions:
    """Read every version of the policy that was in force, with the current one.

    Raises:
        BadArchive: an archived policy can't be read.
    """
    kept = {version: archive.read(version) for version in archive.versions()}
    good = archive.honoured(current) if current.version in kept else frozenset({current.version})
    return PolicyVersions(current, good, {**kept, current.version: current})


def make_id(random_bytes: bytes) -> str:
    """Write 32 bytes from the kernel as a receipt's id.

    In hexadecimal: a double click selects it whole, and no command takes it for an option.
    """
    return random_bytes.hex()


def is_id(raw_text: str) -> bool:
    """Tell whether a text could be a receipt's id."""
    return _ID.fullmatch(raw_text) is not None


def hash_id(raw_id: str) -> IdHash:
    """Return what stands for an id in the store."""
    return IdHash(sha256(raw_id.encode()).digest())


def start_of_hour(time: int) -> datetime:
    """Return the hour that Unix seconds lie in, in UTC."""
    return datetime.fromtimestamp(time - time % 3600, UTC)


def make_receipt(
    policy: Policy,
    site: SiteId,
    purposes: Iterable[PurposeId],
    decision: Decision,
    language: str,
    time: int,
) -> Receipt:
    """Make a receipt of a decision under `policy`, whose site and purposes these are.

    The order in which purposes were sent is lost. Proof of a consent is kept as long as
    a counter that it permitted may be (GDPR Art. 7(1), 5(1)(e)); a refusal permits none
    and is kept while the visitor is not to be asked again.
    """
    chosen = set(purposes)
    named = [purpose for purpose in policy.purposes if purpose.id in chosen]
    hour = start_of_hour(time)
    until = hour + VALIDITY
    if decision is Decision.GIVEN:
        until += timedelta(days=max((purpose.keep_days for purpose in named), default=0))
    return Receipt(
        site=site,
        version=policy.version,
        purposes=tuple(purpose.id for purpose in named),
        decision=decision,
        hour=hour,
        language=language,
        jurisdiction=policy.sites[site].jurisdiction,
        keep_until=until.date(),
    )


def state_of(receipt: Receipt, versions: PolicyVersions, time: int) -> State:
    """Return a receipt's state at a time, in Unix seconds."""
    if receipt.withdrawn is not None:
        return State.WITHDRAWN
    given = receipt.decision is Decision.GIVEN
    if given and receipt.version not in versions.honoured:
        return State.INVALIDATED
    if start_of_hour(time) >= receipt.hour + VALIDITY:
        return State.EXPIRED
    return State.GIVEN if given else State.REFUSED
