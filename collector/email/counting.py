"""Count what became of e-mail: opens, clicks, deliveries, unsubscriptions.

A clean hit of the e-mail door comes in, rows go out; the visitor key ends here. Which column of
the cells holds which measure stands in `collector.schema.mail_views`. None of it is a visit or a
view: those are counted by the page that a link leads to.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from anonymizer.hits import CleanMail, Door, LocalSeconds, SiteId, VisitorKey
from anonymizer.mail_clients import MailKind
from anonymizer.policy import Dimension, PurposeId
from collector.clock import DAY_SECONDS, day_of, hour_start
from collector.counted import COUNTED, CountedHit, Tells
from collector.email.registry import Campaign
from collector.plan import Plan, Served, tells_of
from collector.schema.mail_views import UNSUBSCRIBED

BURST_SECONDS = 2
"""Who follows two links of a message within less than this is no person."""

MAX_DELIVERED = 10**8
"""What may be told of one delivery."""

_FIELDS = {
    Dimension.CAMPAIGN: "campaign",
    Dimension.VARIANT: "property",
    Dimension.MAIL_KIND: "subject",
    Dimension.LINK: "value",
}
"""The fields of a row in which words of e-mail stand, as `schema.into_cells` reads them."""

_Code = tuple[str, str]


class _Recent(Struct, gc=False):
    """What was lately counted as a person's."""

    time: int
    code: _Code
    link: str
    row: CountedHit


class _Reader:
    """A visitor of one day, as far as e-mail goes."""

    __slots__ = ("counts", "recent", "scanned")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        """How many opens and clicks count in a cell, by hash of its words."""
        self.recent: list[_Recent] = []
        self.scanned: set[_Code] = set()
        """Campaigns whose links were followed too fast for a person."""


class MailCounter:
    """Counts e-mail under one plan. Give it one per stream of time, as the visit memory."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._combinations = [
            (bit, combination)
            for bit, combination in enumerate(plan.combinations)
            if tells_of(combination) is Tells.MAIL
        ]
        self._served: dict[frozenset[PurposeId], Served] = {}
        self._days: dict[tuple[SiteId, int], dict[VisitorKey, _Reader]] = {}

    def count(self, hit: CleanMail, purposes: frozenset[PurposeId]) -> list[CountedHit]:
        """Return what a hit adds, and what it takes back when it tells that a machine was here."""
        served = self._served.get(purposes)
        if served is None:
            served = self._served[purposes] = self._plan.served(purposes)
        readers = self._days.setdefault((hit.site, day_of(hit.local)), {})
        reader = readers.get(hit.visitor)
        if reader is None:
            reader = readers[hit.visitor] = _Reader()
        code = (hit.mail.campaign, hit.mail.variant)
        kind = hit.kind
        taken_back: list[CountedHit] = []
        if kind == MailKind.PERSON:
            if code not in reader.scanned and self._is_burst(hit, reader, code):
                reader.scanned.add(code)
                taken_back = self._take_back(reader, code, served)
            if code in reader.scanned:
                kind = MailKind.SCANNER
        row = self._row(hit, kind, served)
        row = replace(row, firsts=self._firsts(reader, row))
        if kind == MailKind.PERSON:
            reader.recent.append(_Recent(hit.time, code, hit.mail.link, row))
        return [row, *taken_back]

    def forget_before(self, site: SiteId, local: LocalSeconds) -> None:
        """Forget the site's days that are over at this local time."""
        today = day_of(local)
        for key in [key for key in self._days if key[0] == site and key[1] < today]:
            del self._days[key]

    def forget_all(self) -> None:
        """Forget everyone."""
        self._days.clear()

    def __len__(self) -> int:
        """Return how many days are in memory."""
        return len(self._days)

    def _is_burst(self, hit: CleanMail, reader: _Reader, code: _Code) -> bool:
        if reader.recent:
            since = hit.time - BURST_SECONDS
            reader.recent = [each for each in reader.recent if each.time > since]
        link = hit.mail.link
        return bool(link) and any(
            each.code == code and each.link not in ("", link) for each in reader.recent
        )

    def _take_back(self, reader: _Reader, code: _Code, served: Served) -> list[CountedHit]:
        """Move what was just counted as a person's, the opening of the message with it."""
        rows: list[CountedHit] = []
        for each in reader.recent:
            if each.code != code:
                continue
            counted = each.row
            back = replace(
                counted,
                hits=0,
                views=-counted.views,
                number=-counted.number,
                bounces=-counted.bounces,
            )
            rows.append(replace(back, firsts=self._lasts(reader, back)))
            asked = Dimension.MAIL_KIND in served.of_mail
            kind = MailKind.SCANNER.value if asked else ""
            forth = replace(counted, hits=0, subject=kind, value="", bounces=0)
            rows.append(replace(forth, firsts=self._firsts(reader, forth)))
        reader.recent = [each for each in reader.recent if each.code != code]
        return rows

    def _row(self, hit: CleanMail, kind: str, served: Served) -> CountedHit:
        mail = hit.mail
        words = {
            Dimension.CAMPAIGN: mail.campaign,
            Dimension.VARIANT: mail.variant,
            Dimension.MAIL_KIND: str(kind),
            Dimension.LINK: mail.link if kind == MailKind.PERSON else "",
        }
        row = CountedHit(
            hit.site,
            hit.door.value,
            COUNTED,
            1,
            served.bits,
            hour_start(hit.local),
            tells=Tells.MAIL.value,
            views=int(not mail.link),
            bounces=int(mail.first),
            number=int(bool(mail.link)),
        )
        return replace(row, **_told(words, served))

    def _firsts(self, reader: _Reader, row: CountedHit) -> int:
        firsts = 0
        for bit, mark in self._marks(row):
            before = reader.counts.get(mark, 0)
            reader.counts[mark] = before + 1
            if not before:
                firsts |= 1 << bit
        return firsts

    def _lasts(self, reader: _Reader, row: CountedHit) -> int:
        lasts = 0
        for bit, mark in self._marks(row):
            reader.counts[mark] -= 1
            if not reader.counts[mark]:
                lasts |= 1 << bit
        return lasts

    def _marks(self, row: CountedHit) -> list[tuple[int, int]]:
        """Return the cells that a row is counted in, as bit and hash of their words."""
        marks = []
        for bit, combination in self._combinations:
            words = [getattr(row, _FIELDS[dimension]) for dimension in combination]
            if row.value or Dimension.LINK not in combination:
                marks.append((bit, hash((bit, *words))))
        return marks


def count_delivered(
    plan: Plan, campaign: Campaign, delivered: int, local: LocalSeconds
) -> CountedHit:
    """Return what a delivery adds; it is of no visitor and no hit.

    Raises:
        ValueError: the number is none that can be.
    """
    if not 1 <= delivered <= MAX_DELIVERED:
        raise ValueError(f"delivered: must be 1 to {MAX_DELIVERED}")
    row = _of_campaign(plan, campaign, local)
    return replace(row, tells=Tells.DELIVERED.value, number=delivered)


def count_unsubscribed(plan: Plan, campaign: Campaign, local: LocalSeconds) -> CountedHit:
    """Return what a recipient's unsubscribing adds, once for each recipient and campaign.

    Recipients who unsubscribe are a group of their own: they come by the mail service, which
    tells nothing of who opened what.
    """
    row = _of_campaign(plan, campaign, local)
    firsts = 0
    for bit, combination in enumerate(plan.combinations):
        if Dimension.MAIL_KIND in combination:
            firsts |= 1 << bit
    return replace(row, tells=Tells.MAIL.value, seconds=1, subject=UNSUBSCRIBED, firsts=firsts)


def _of_campaign(plan: Plan, campaign: Campaign, local: LocalSeconds) -> CountedHit:
    return CountedHit(
        campaign.site,
        Door.EMAIL.value,
        COUNTED,
        0,
        plan.serves(frozenset(plan.purposes)),
        local - local % DAY_SECONDS,
        campaign=campaign.name,
        property=campaign.variant,
    )


def _told(words: Mapping[Dimension, str], served: Served) -> dict[str, str]:
    # What no statistic of e-mail asks for is not on disk either (law 4).
    return {_FIELDS[of]: word for of, word in words.items() if of in served.of_mail}
