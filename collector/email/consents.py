"""Whose consent to being measured one by one stands, known by hash and in memory alone.

Only a receipt that stands permits; so what can't be read permits nothing.
"""

from bisect import bisect_left

from anonymizer.policy import Basis, Policy, PurposeId
from collector.receipts import HANDLE_BYTES, IdHash

PURPOSE = PurposeId("email_recipients")
"""What a policy must declare, on the basis of consent, before a recipient can be measured."""

STALE_SECONDS = 600
"""For how long a list of consents holds while it can't be read anew."""


def declares_purpose(policy: Policy) -> bool:
    """Tell whether a policy asks for consent to measuring recipients one by one."""
    return any(each.id == PURPOSE and each.basis is Basis.CONSENT for each in policy.purposes)


def holds(octets: bytes, receipt: bytes) -> bool:
    """Tell whether a receipt is among those that `ReceiptStore.standing` returned."""
    count = len(octets) // HANDLE_BYTES

    def at(index: int) -> bytes:
        return octets[index * HANDLE_BYTES : (index + 1) * HANDLE_BYTES]

    index = bisect_left(range(count), receipt, key=at)
    return index < count and at(index) == receipt


class Consents:
    """A list of receipts, as of a minute, less those that ended since."""

    def __init__(self) -> None:
        self._octets = b""
        self._until = 0
        self._ended: set[bytes] = set()  # 16 bytes each; a receipt ends once

    def put(self, octets: bytes, now: int) -> None:
        """Take the list that `ReceiptStore.standing` returned at a time, in Unix seconds."""
        self._octets = octets
        self._until = now + STALE_SECONDS

    def end(self, id_hash: IdHash) -> None:
        """Note that a receipt stands no longer; any thread may."""
        self._ended.add(id_hash[:HANDLE_BYTES])

    def stands(self, receipt: bytes, now: int) -> bool:
        """Tell whether a receipt permits measuring its holder."""
        return now < self._until and receipt not in self._ended and holds(self._octets, receipt)
