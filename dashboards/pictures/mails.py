"""What became of e-mail: delivered, opened by persons or through proxies, clicked."""

from collections import defaultdict

from msgspec import Struct

from anonymizer.policy import Dimension
from dashboards.asking.answering import Answer, Asker
from dashboards.asking.metrics import Metric
from dashboards.figures import NOTHING, write_share
from dashboards.labels import write_word
from dashboards.pictures.asked import answer_of, notes_of, number_of, question, told
from dashboards.pictures.picture import Picture
from dashboards.pictures.shares import Part, lay_parts
from dashboards.selection import Selection
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
    ordered = sorted(found.items(), key=lambda each: (-_delivered(each[1]), each[0]))
    left = len(ordered) - MOST_CAMPAIGNS
    drawn = Mails(
        mails=tuple(draw_mail(words, names, kinds) for names, kinds in ordered[:MOST_CAMPAIGNS]),
        more=words.count("{count} more", "{count} more", left) if left > 0 else "",
        notes=notes_of(words, answer),
    )
    return Picture("mails.html", drawn)


_Kinds = dict[str, tuple[int, ...]]


def _by_variant(answer: Answer | None) -> dict[tuple[str, str], _Kinds]:
    found: dict[tuple[str, str], _Kinds] = defaultdict(dict)
    for row in told(answer):
        campaign, variant, kind = row.words
        found[campaign, variant][kind] = tuple(number_of(row, at) for at in range(len(_METRICS)))
    return found


def _delivered(kinds: _Kinds) -> int:
    return sum(numbers[_DELIVERED] for numbers in kinds.values())


def draw_mail(words: Words, names: tuple[str, str], kinds: _Kinds) -> Mail:
    """Draw one variant of a campaign; `kinds` are its numbers by who opened it.

    Persons are counted once a day, opens through proxies each time, for nobody can tell these
    apart: the share that opened lies between persons alone and both together.
    """
    delivered = _delivered(kinds)
    persons, clicks = (kinds.get(PERSON, (0,) * len(_METRICS))[at] for at in (_VISITORS, _CLICKS))
    proxied = sum(kinds[kind][_OPENS] for kind in PROXIES if kind in kinds)
    by_persons = words("By persons: {count}", count=words.number(persons))
    by_proxies = words("Through proxies: {count}", count=words.number(proxied))
    told_opens = f"{by_persons}; {by_proxies}"
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
    return f"{told_number} ({_share(words, number, delivered)})" if delivered else told_number
