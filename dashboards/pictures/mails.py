"""What became of e-mail: delivered, opened by persons or through proxies, clicked."""

from collections import defaultdict

from msgspec import Struct
from msgspec.structs import replace

from anonymizer.policy import Dimension
from dashboards.address.periods import EARLIEST, Period, PeriodName
from dashboards.address.selection import Selection
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.metrics import Metric
from dashboards.overview.figures import NOTHING, write_share
from dashboards.pictures.asked import answer_of, notes_of, number_of, question, told
from dashboards.pictures.picture import Picture
from dashboards.pictures.shares import Part, lay_parts
from dashboards.reports.labels import write_word
from dashboards.words import Words

MOST_CAMPAIGNS = 20

PERSON = "person"
PROXIES = ("apple_privacy", "gmail_proxy", "gmail_prefetch", "yahoo_proxy", "other_proxy")
"""Behind which an open may be a person's or nobody's."""
MACHINES = ("prefetch", "scanner")

_METRICS = (
    Metric.VISITORS,
    Metric.DELIVERED,
    Metric.OPENS,
    Metric.CLICKS,
    Metric.UNSUBSCRIBED,
)
_VISITORS, _DELIVERED, _OPENS, _CLICKS, _UNSUBSCRIBED = range(len(_METRICS))


class Stage(Struct, frozen=True):
    """A bar of a campaign: what share of the messages got so far."""

    title: str
    text: str
    parts: tuple[Part, ...]
    described: str


class Kind(Struct, frozen=True):
    """Opens of one kind of reader."""

    text: str
    opens: str
    clicks: str


class Mail(Struct, frozen=True):
    """A variant of a campaign."""

    name: str
    delivered: str
    stages: tuple[Stage, ...]
    kinds: tuple[Kind, ...]
    unsubscribed: str


class Mails(Struct, frozen=True):
    """Campaigns, the largest first."""

    mails: tuple[Mail, ...]
    more: str
    notes: tuple[str, ...]


async def read_mails(asker: Asker, selection: Selection, words: Words) -> Picture | None:
    """Ask what became of each variant of each campaign, by who opened it."""
    answer = await answer_of(
        asker,
        question(
            selection,
            _METRICS,
            (Dimension.CAMPAIGN, Dimension.VARIANT, Dimension.MAIL_KIND),
            limit=2000,
        ),
    )
    found = _by_variant(answer)
    if not found:
        return None
    delivered = await _count_delivered(asker, selection, found)
    ordered = sorted(found.items(), key=lambda each: (-delivered[each[0]], each[0]))
    left = len(ordered) - MOST_CAMPAIGNS
    drawn = Mails(
        mails=tuple(
            draw_mail(words, names, kinds, delivered[names])
            for names, kinds in ordered[:MOST_CAMPAIGNS]
        ),
        more=words.count("{count} more", "{count} more", left) if left > 0 else "",
        notes=notes_of(words, answer),
    )
    return Picture("mails.html", drawn)


_Names = tuple[str, str]
"""Of a campaign and its variant."""
_Kinds = dict[str, tuple[int, ...]]


def _by_variant(answer: Answer | None) -> dict[_Names, _Kinds]:
    found: dict[_Names, _Kinds] = defaultdict(dict)
    for row in told(answer):
        campaign, variant, kind = row.words
        found[campaign, variant][kind] = tuple(number_of(row, at) for at in range(len(_METRICS)))
    return found


async def _count_delivered(
    asker: Asker, selection: Selection, found: dict[_Names, _Kinds]
) -> dict[_Names, int]:
    """Return how many messages of each variant were delivered up to the last day.

    What is opened in some days may have been delivered long before them.
    """
    delivered = {
        names: sum(numbers[_DELIVERED] for numbers in kinds.values())
        for names, kinds in found.items()
    }
    asked = question(
        replace(selection, period=Period(PeriodName.CUSTOM, EARLIEST, selection.period.last)),
        (Metric.DELIVERED,),
        (Dimension.CAMPAIGN, Dimension.VARIANT),
        limit=2000,
    )
    for row in told(await answer_of(asker, asked)):
        campaign, variant = row.words
        if (campaign, variant) in delivered:
            delivered[campaign, variant] = max(number_of(row), delivered[campaign, variant])
    return delivered


def draw_mail(words: Words, names: _Names, kinds: _Kinds, delivered: int) -> Mail:
    """Draw one variant of a campaign; `kinds` are its numbers by who opened it.

    Persons are counted once a day, opens through proxies each time, for nobody can tell these
    apart: the share that opened lies between persons alone and both together.
    """
    persons, clicks = (kinds.get(PERSON, (0,) * len(_METRICS))[at] for at in (_VISITORS, _CLICKS))
    proxied = sum(kinds[kind][_OPENS] for kind in PROXIES if kind in kinds)
    by_persons = words("By persons: {count}", count=words.number(persons))
    by_proxies = words("Through proxies: {count}", count=words.number(proxied))
    told_opens = words.listed((by_persons, by_proxies))
    stages = (
        Stage(
            words("Delivered"),
            words.number(delivered) if delivered else NOTHING,
            lay_parts([("delivered", delivered, words.number(delivered))]),
            "",
        ),
        Stage(
            words("Opened"),
            _range(words, persons, proxied, delivered),
            lay_parts(
                [("persons", persons, by_persons), ("proxies", proxied, by_proxies)],
                delivered or None,
            ),
            told_opens,
        ),
        Stage(
            words("Clicked"),
            _share(words, clicks, delivered),
            lay_parts(
                [("clicked", clicks, words.count("{count} click", "{count} clicks", clicks))],
                delivered or max(persons + proxied, clicks, 1),
            ),
            words.count("{count} click", "{count} clicks", clicks),
        ),
    )
    return Mail(
        name=" · ".join(filter(None, names)),
        delivered=words.number(delivered) if delivered else NOTHING,
        stages=stages,
        kinds=tuple(
            Kind(
                write_word(words, Dimension.MAIL_KIND, kind),
                words.number(kinds[kind][_OPENS]),
                words.number(kinds[kind][_CLICKS]),
            )
            for kind in (PERSON, *PROXIES, *MACHINES)
            if kind in kinds
        ),
        unsubscribed=_unsubscribed(words, kinds, delivered),
    )


def _range(words: Words, persons: int, proxied: int, delivered: int) -> str:
    if not delivered or not proxied:
        return _share(words, persons + proxied, delivered)
    return words(
        "{least} to {most}",
        least=write_share(words, min(1.0, persons / delivered)),
        most=write_share(words, min(1.0, (persons + proxied) / delivered)),
    )


def _share(words: Words, number: int, delivered: int) -> str:
    if not delivered:
        return words.number(number)
    return write_share(words, min(1.0, number / delivered))


def _unsubscribed(words: Words, kinds: _Kinds, delivered: int) -> str:
    number = sum(numbers[_UNSUBSCRIBED] for numbers in kinds.values())
    if not number:
        return ""
    told_number = words("{count} unsubscribed", count=words.number(number))
    if not delivered:
        return told_number
    return words("{number} ({share})", number=told_number, share=_share(words, number, delivered))
