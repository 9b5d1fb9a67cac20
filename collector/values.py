"""How many values of a dimension are told apart on a site's day: those that came first.

Clean hits pass through; a value beyond the bound becomes `OTHER`. The coarse words that came are
held in memory and forgotten with their day.
"""

from msgspec.structs import replace

from anonymizer.hits import DIRECT, OTHER, UNKNOWN, Campaign, CleanHit, LocalSeconds, SiteId
from anonymizer.policy import Policy
from collector.clock import DAY_SECONDS, day_of

_NO_CAMPAIGN = Campaign()
# A page before, an entry and an exit are pages of other hits, and bounded with them.
_FIELDS = ("page", "referrer", "source", "language", "browser", "os", "network")
_CAMPAIGN_FIELDS = ("name", "source", "medium", "content", "term")


class _Words(set[str]):
    """The words of one dimension, and for how many more there is room."""

    def __init__(self, room: int) -> None:
        super().__init__(("", DIRECT, UNKNOWN))  # what was not told takes no room
        self._room = room

    def admit(self, word: str) -> bool:
        """Tell whether a word is told apart, which takes room when it is new."""
        if word in self:
            return True
        if not self._room:
            return False
        self._room -= 1
        self.add(word)
        return True


class _Day:
    __slots__ = ("campaign", "fields", "texts")

    def __init__(self, room: int) -> None:
        self.fields = tuple(_Words(room) for _ in _FIELDS)
        self.campaign = tuple(_Words(room) for _ in _CAMPAIGN_FIELDS)
        self.texts: dict[tuple[str, str], _Words] = {}


class DayValues:
    """The values of every site's days. Give it one per stream of time, as the visit memory."""

    def __init__(self, policy: Policy) -> None:
        self._room = policy.max_values
        self._room_for_texts = {
            (event.name, of.name): of.max_values
            for event in policy.events.values()
            for of in event.properties
            if of.text
        }
        self._days: dict[tuple[SiteId, int], _Day] = {}

    def bound(self, hit: CleanHit) -> CleanHit:
        """Return the hit, with `OTHER` for each value that its day has no more room for."""
        day = self._days.get((hit.site, hit.local // DAY_SECONDS))
        if day is None:
            day = self._days[hit.site, day_of(hit.local)] = _Day(self._room)
        pages, referrers, sources, languages, browsers, systems, networks = day.fields
        if not (
            hit.page in pages
            and hit.referrer in referrers
            and hit.source in sources
            and hit.language in languages
            and hit.browser in browsers
            and hit.os in systems
            and hit.network in networks
        ):
            hit = _bound_fields(hit, day)
        if hit.campaign != _NO_CAMPAIGN:
            hit = _bound_campaign(hit, day)
        return self._bound_texts(hit, day) if hit.properties else hit

    def forget_before(self, site: SiteId, local: LocalSeconds) -> None:
        """Forget the site's days that are over at this local time."""
        today = day_of(local)
        for key in [key for key in self._days if key[0] == site and key[1] < today]:
            del self._days[key]

    def __len__(self) -> int:
        """Return how many days are in memory."""
        return len(self._days)

    def _bound_texts(self, hit: CleanHit, day: _Day) -> CleanHit:
        bounded = []
        for name, word in hit.properties:
            room = self._room_for_texts.get((hit.event, name))
            if room is None:
                bounded.append((name, word))
                continue
            words = day.texts.get((hit.event, name))
            if words is None:
                words = day.texts[hit.event, name] = _Words(room)
            bounded.append((name, word if words.admit(word) else OTHER))
        return replace(hit, properties=tuple(bounded))


def _bound_fields(hit: CleanHit, day: _Day) -> CleanHit:
    over = {}
    for field, words in zip(_FIELDS, day.fields, strict=True):
        word = getattr(hit, field)
        if field == "source" and word not in (hit.referrer, hit.campaign.source):
            words.add(word)  # of the list of sources, which is bounded by itself
        elif not words.admit(word):
            over[field] = OTHER
    return replace(hit, **over) if over else hit


def _bound_campaign(hit: CleanHit, day: _Day) -> CleanHit:
    campaign = hit.campaign
    over = {
        field: OTHER
        for field, words in zip(_CAMPAIGN_FIELDS, day.campaign, strict=True)
        if not words.admit(getattr(campaign, field))
    }
    return replace(hit, campaign=replace(campaign, **over)) if over else hit
