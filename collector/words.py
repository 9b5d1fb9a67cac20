"""The words that a clean hit is told apart by, lined up with their dimensions."""

from anonymizer.hits import CleanHit
from anonymizer.policy import Dimension

OF_VISIT = (
    Dimension.ENTRY_PAGE,
    Dimension.SOURCE,
    Dimension.CHANNEL,
    Dimension.REFERRER,
    Dimension.CAMPAIGN,
    Dimension.CAMPAIGN_SOURCE,
    Dimension.CAMPAIGN_MEDIUM,
    Dimension.CAMPAIGN_CONTENT,
    Dimension.CAMPAIGN_TERM,
)
"""What a visit has from the hit that it began with."""

OF_HIT = (Dimension.COUNTRY, Dimension.LANGUAGE, Dimension.SCREEN)
"""What may differ from hit to hit, though it seldom does."""

OF_KEY = (Dimension.DEVICE, Dimension.BROWSER, Dimension.OS, Dimension.NETWORK)
"""What follows from the visitor key."""


def words_of_visit(
    opening: CleanHit,
) -> tuple[str, str, str, str, str, str, str, str, str]:
    """Return the words of `OF_VISIT`."""
    campaign = opening.campaign
    return (
        opening.page,
        opening.source,
        opening.channel,
        opening.referrer,
        campaign.name,
        campaign.source,
        campaign.medium,
        campaign.content,
        campaign.term,
    )


def words_of_hit(hit: CleanHit) -> tuple[str, str, str]:
    """Return the words of `OF_HIT`."""
    return (hit.country, hit.language, hit.screen)


def words_of_key(hit: CleanHit) -> tuple[str, str, str, str]:
    """Return the words of `OF_KEY`."""
    return (hit.device, hit.browser, hit.os, hit.network)


def words_in_visit(hit: CleanHit, opening: CleanHit | None) -> dict[Dimension, str]:
    """Return the words of a hit in the visit that `opening` began; None when none is open."""
    words = words_of_all(opening or hit, hit, hit)
    words[Dimension.PAGE] = hit.page
    return words


def words_of_all(opening: CleanHit, hit: CleanHit, keyed: CleanHit) -> dict[Dimension, str]:
    """Return the words of `OF_VISIT`, `OF_HIT` and `OF_KEY`, each from a hit of its own."""
    words = dict(zip(OF_VISIT, words_of_visit(opening), strict=True))
    words |= dict(zip(OF_HIT, words_of_hit(hit), strict=True))
    return words | dict(zip(OF_KEY, words_of_key(keyed), strict=True))
