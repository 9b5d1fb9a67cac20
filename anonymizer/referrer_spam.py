"""Whether a hit was sent only to have its referrer looked up.

A raw referrer comes in, yes or no goes out.
"""

from anonymizer.recent import Recent
from anonymizer.referrers import Sources, SpamHosts, read_referrer

_RECENT = 4096


class SpamReferrers:
    """The referrers that a list of hosts names."""

    def __init__(self, hosts: SpamHosts, sources: Sources) -> None:
        """Take the list, and the sources by which referrers are read."""
        self._hosts = hosts
        self._sources = sources
        self._recent: Recent[bool] = Recent(_RECENT)

    def names(self, raw_referrer: str) -> bool:
        """Tell whether a referrer's host is listed."""
        known = self._recent.get(raw_referrer)
        if known is None:
            host = read_referrer(raw_referrer, (), self._sources)
            known = self._recent.keep(raw_referrer, self._hosts.is_spam(host))
        return known
