"""Which statistics of a policy are sums of which others, over the same rows.

A statistic of one event is taken for one that is told apart by the event too, always by the same
word; a goal that is an event, or a page, for that event or page.
"""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from msgspec import Struct

from anonymizer.mail_clients import MailKind
from anonymizer.policy import Dimension, Goal, Grain, Statistic
from collector.counted import Tells
from collector.plan import counts_visits, is_exit, tells_of
from collector.retention.cells import is_guarded

OPTIONAL = frozenset(
    {
        Dimension.REFERRER,
        Dimension.CAMPAIGN,
        Dimension.CAMPAIGN_SOURCE,
        Dimension.CAMPAIGN_MEDIUM,
        Dimension.CAMPAIGN_CONTENT,
        Dimension.CAMPAIGN_TERM,
    }
)
"""A hit without these has no cell in a statistic that is told apart by them."""

Keys = tuple[str, ...]
_Source = int | str
"""Where a word stands among the keys, or the word itself."""


class Parent(Struct, frozen=True):
    """A coarser guarded statistic, and where its keys come from."""

    name: str
    take: tuple[_Source, ...]
    """For each of its keys, where it stands among the finer one's keys, or which word it is."""
    only: tuple[tuple[int, str], ...] = ()
    """Which words the finer one's keys must hold, and where; else it has no such cell."""

    @property
    def at(self) -> tuple[int, ...]:
        """Return where its keys stand among the finer one's, as far as they do."""
        return tuple(each for each in self.take if isinstance(each, int))

    def has_part(self, keys: Keys) -> bool:
        """Tell whether a cell of these keys is part of one of its cells."""
        return all(keys[at] == word for at, word in self.only)

    def part(self, keys: Keys) -> Keys:
        """Return the keys of its cell of which a cell of these keys is part."""
        return tuple([each if isinstance(each, str) else keys[each] for each in self.take])


class Line(Struct, frozen=True):
    """What is to be known of a guarded statistic to hide its cells."""

    name: str
    min_group: int
    dimensions: int
    grain: Grain
    parents: tuple[Parent, ...]
    """Statistics of which all of this one's cells are the parts, in the policy's order."""
    peers: tuple[Parent, ...]
    """Those of which some are, or that count the very same under other keys."""
    shared: tuple[int, ...]
    """Where keys stand, if it has no parent, by which a crossed statistic tells apart too."""
    shared_only: tuple[tuple[int, str], ...]
    """Which words keys must hold, and where, for that statistic to count them too."""
    told_together: bool
    """Whether that statistic tells what keys of the same shared words count together."""
    across: bool
    """Whether its keys beyond the first parent's are told apart by another statistic too."""
    own_words: bool
    """Whether each of the first parent's keys has words of its own, as an event has properties."""
    visits: bool
    """Whether it counts visits, bounces and seconds too."""
    adds_up: bool
    """Whether its cells of a period add up to the site's traffic."""
    told_by_key: bool
    """Whether other statistics tell what some of its keys count in a month, were all hidden."""

    def is_shared(self, keys: Keys) -> bool:
        """Tell whether a crossed statistic counts what a cell of these keys does."""
        return bool(self.shared) and all(keys[at] == word for at, word in self.shared_only)


class _Told(Struct, frozen=True):
    """By what a statistic, or one goal of it, is told apart."""

    statistic: Statistic
    words: dict[Dimension, _Source]
    """Each dimension's place among the keys, or the one word that it holds."""
    keys: tuple[Dimension | str, ...]
    """For each key the dimension, or the one word."""
    only: tuple[tuple[int, str], ...] = ()
    """For one goal: where the keys hold its name."""

    @property
    def tells(self) -> Tells:
        return tells_of(tuple(self.words))

    def has_fewer_words(self, other: "_Told") -> bool:
        """Tell whether it is told apart by less than another, and not by the same."""
        return len(self.words) < len(other.words)

    def is_akin(self, other: "_Told") -> bool:
        """Tell whether both count the same rows, or some of the same events."""
        if self.statistic.grain is not other.statistic.grain:
            return False
        if any(
            isinstance(word, str)
            and isinstance(theirs := other.words.get(of), str)
            and word != theirs
            for of, word in self.words.items()
        ):
            return False
        if Dimension.EVENT in self.words and Dimension.EVENT in other.words:
            return True
        return self.tells is other.tells and is_exit(self.statistic) == is_exit(other.statistic)

    def of(self, finer: "_Told") -> Parent | None:
        """Return how its cells are found of which a finer one's are parts; None if they aren't."""
        only = list(finer.only)
        for of, word in self.words.items():
            theirs = finer.words.get(of)
            if theirs is None:
                return None
            if isinstance(word, str) and isinstance(theirs, int):
                only.append((theirs, word))
        take = tuple(finer.words[of] if isinstance(of, Dimension) else str(of) for of in self.keys)
        return Parent(self.statistic.name, take, tuple(only))


def lines_of(statistics: Sequence[Statistic], goals: Collection[Goal] = ()) -> dict[str, Line]:
    """Return the guarded statistics by name, coarse ones before finer ones."""
    return _lines_of(tuple(statistics), tuple(goals))


# 9 ms for the shipped policy, and asked for by each site: as long as all else of a small one.
@lru_cache(maxsize=2)
def _lines_of(statistics: Sequence[Statistic], goals: Collection[Goal]) -> dict[str, Line]:
    told = [_told(each) for each in statistics if is_guarded(each)]
    told.sort(key=lambda each: len(each.words))
    of_goals = [
        each
        for goal in goals
        for of in told
        if Dimension.GOAL in of.words
        for each in _told_of_goal(of.statistic, goal)
    ]
    return {each.statistic.name: _line(each, told, of_goals) for each in told}


def fixed_words(statistic: Statistic) -> dict[Dimension, str]:
    """Return what all rows that a statistic counts have in common."""
    words = {Dimension.EVENT: statistic.event, Dimension.PROPERTY: statistic.property}
    if Dimension.LINK in statistic.by and Dimension.MAIL_KIND not in statistic.by:
        words[Dimension.MAIL_KIND] = MailKind.PERSON.value  # links of no other are counted
    return {of: word for of, word in words.items() if word}


def _told(statistic: Statistic) -> _Told:
    by = statistic.by
    words: dict[Dimension, _Source] = {of: at for at, of in enumerate(by)}
    words.update(fixed_words(statistic))
    return _Told(statistic, words, by)


def _told_of_goal(statistic: Statistic, goal: Goal) -> Iterator[_Told]:
    """Yield by what else one goal's cells are told apart, where that is one word."""
    words: dict[Dimension, _Source] = {
        of: at for at, of in enumerate(statistic.by) if of is not Dimension.GOAL
    }
    if goal.event:
        words[Dimension.EVENT] = goal.event
        if goal.property:
            words |= {Dimension.PROPERTY: goal.property, Dimension.VALUE: goal.value}
    elif goal.page and not set("*:") & set(goal.page):
        words[Dimension.PAGE] = goal.page.rstrip("/") or "/"
    else:
        return
    keys = tuple(goal.name if of is Dimension.GOAL else of for of in statistic.by)
    yield _Told(statistic, words, keys, ((statistic.by.index(Dimension.GOAL), goal.name),))


def _line(told: _Told, guarded: Sequence[_Told], of_goals: Sequence[_Told]) -> Line:
    statistic = told.statistic
    akin = [each for each in guarded if each is not told and each.is_akin(told)]
    if Dimension.GOAL not in told.words:
        akin += [each for each in of_goals if each.is_akin(told)]
    coarser = [(each, parent) for each in akin if each.keys and (parent := each.of(told))]
    parents = [parent for each, parent in coarser if not parent.only and each.has_fewer_words(told)]
    # Where its cells are parts of others as well, an event's total says no more than those.
    parents = [each for each in parents if each.at] or parents
    others = [each for each in akin if told.of(each) is None]
    shared = () if parents else _shared(told, others)
    return Line(
        statistic.name,
        statistic.min_group,
        len(told.keys),
        statistic.grain,
        tuple(parents),
        tuple(_peers(told, [each for _, each in coarser], parents, guarded, of_goals)),
        shared,
        _shared_only(told, others) if shared else (),
        bool(shared) and told.tells is Tells.MAIL,
        bool(parents) and _is_across(told, parents[0], others),
        {Dimension.EVENT, Dimension.PROPERTY} <= set(statistic.by),
        counts_visits(statistic),
        told.tells is Tells.VIEW and not OPTIONAL & set(told.words),
        any(_is_total(told, each) for each in akin)
        or (set(told.words) == {Dimension.GOAL} and bool(of_goals)),
    )


def _peers(
    told: _Told,
    coarser: Sequence[Parent],
    parents: Sequence[Parent],
    guarded: Sequence[_Told],
    of_goals: Sequence[_Told],
) -> Iterator[Parent]:
    yield from (each for each in coarser if each not in parents)
    for goal in of_goals:
        if goal.statistic != told.statistic:
            continue
        for each in guarded:
            of = Dimension.GOAL not in each.words and each.keys and each.is_akin(goal)
            if of and (found := each.of(goal)):
                yield found


def _shared(told: _Told, others: Sequence[_Told]) -> tuple[int, ...]:
    return tuple(
        at for at, of in enumerate(told.keys) if any(of in other.words for other in others)
    )


def _shared_only(told: _Told, others: Sequence[_Told]) -> tuple[tuple[int, str], ...]:
    if len(others) > 1:
        return ()
    words = others[0].words
    return tuple(
        (at, word)
        for at, of in enumerate(told.statistic.by)
        if isinstance(word := words.get(of), str)
    )


def _is_across(told: _Told, parent: Parent, others: Sequence[_Told]) -> bool:
    beyond = {of for at, of in enumerate(told.keys) if at not in parent.at}
    return any(beyond & set(other.words) for other in others)


def _is_total(told: _Told, finer: _Told) -> bool:
    """Tell whether one cell is all of a statistic of one event."""
    fixed = fixed_words(finer.statistic)
    return bool(fixed) and set(told.words) <= set(fixed)
