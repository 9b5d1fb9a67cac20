"""Rates of campaigns: how many of those who got a message opened it, as far as can be known.

Rows of the guarded views come in, rates with their denominators go out. Where a proxy loads the
pictures, an open may be a person's or nobody's, so a rate is a range.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from anonymizer.hits import OTHER
from anonymizer.mail_clients import PROXIES, MailKind
from collector.schema.mail_views import DELIVERED

SQL = (
    "SELECT campaign, variant, mail_kind, sum(visitors), sum(opens), sum(clicks), 0 FROM email"
    f" WHERE mail_kind != '{DELIVERED}' GROUP BY campaign, variant, mail_kind"
    f" UNION ALL SELECT campaign, variant, '{DELIVERED}', 0, 0, 0, sum(delivered)"
    " FROM email_delivered GROUP BY campaign, variant"
)
"""What became of campaigns, and what was delivered also of those too small to be shown."""

_PROXIES = frozenset(kind.value for kind in PROXIES)


class Opened(Struct, frozen=True):
    """A row of `SQL`."""

    campaign: str
    variant: str
    mail_kind: str
    visitors: int
    opens: int
    clicks: int
    delivered: int


class Rates(Struct, frozen=True):
    """What is known of one variant of a campaign; counts, and shares of `delivered`."""

    campaign: str
    variant: str
    delivered: int
    persons: int
    """Visitors of each day who opened the message or followed a link in it."""
    proxied: int
    """Opens through proxies, each of which may be a person's."""
    clicks: int
    """Of persons."""
    shown: bool
    """Whether it went to enough recipients for the views to show what they did."""

    @property
    def least_opened(self) -> float | None:
        """Return the share that opened if no proxy stood for a person."""
        return self._share(self.persons)

    @property
    def most_opened(self) -> float | None:
        """Return the share that opened if each open through a proxy was a person's."""
        return self._share(self.persons + self.proxied)

    @property
    def clicked(self) -> float | None:
        """Return how many clicks came on a message delivered."""
        return self._share(self.clicks)

    def _share(self, number: int) -> float | None:
        return min(1.0, number / self.delivered) if self.shown and self.delivered else None


def read_rates(rows: Iterable[Opened], min_group: int, name: str = "") -> list[Rates]:
    """Put together what the views show of a campaign, or of all of them.

    What they show under `OTHER` is of campaigns that are not told apart, and belongs to none.
    """
    found: dict[tuple[str, str], list[Opened]] = defaultdict(list)
    for row in rows:
        if row.campaign != OTHER and name in ("", row.campaign):
            found[row.campaign, row.variant].append(row)
    return [_rates(*names, found[names], min_group) for names in sorted(found)]


def _rates(campaign: str, variant: str, rows: Sequence[Opened], min_group: int) -> Rates:
    persons = [row for row in rows if row.mail_kind == MailKind.PERSON]
    delivered = sum(row.delivered for row in rows)
    return Rates(
        campaign,
        variant,
        delivered,
        persons=sum(row.visitors for row in persons),
        proxied=sum(row.opens for row in rows if row.mail_kind in _PROXIES),
        clicks=sum(row.clicks for row in persons),
        shown=delivered >= min_group,
    )
