"""What stands beside a site's numbers: annotations by hand, and when e-mail campaigns began."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from anonymizer.policy import Policy
from collector.annotations import Annotation, Annotations, AnnotationsFailed, local_moment
from collector.email.campaigns import Campaigns
from collector.email.registry import RegistryFailed

log = logging.getLogger("discreet")


class SiteMarks:
    """Annotations as the dashboard shows, makes and deletes them. Methods block.

    What makes and deletes raises AnnotationsFailed where the file can't be written.
    """

    def __init__(
        self,
        annotations: Annotations,
        campaigns: Campaigns,
        policy: Policy,
        now: Callable[[], int],
    ) -> None:
        self._annotations = annotations
        self._campaigns = campaigns
        self._zones = {str(domain): site.zone for domain, site in policy.sites.items()}
        self._now = now
        self._unread: set[str] = set()

    def of_site(
        self, site: str, first: date, last: date
    ) -> tuple[Sequence[Annotation], Sequence[str]]:
        """Return those of a site's days, both included, in order of time; and what can't be read.

        That is ``annotations``, ``campaigns``, both or none. The log says so once, until it can
        be read again.
        """
        readers: dict[str, Callable[[], Sequence[Annotation]]] = {
            "annotations": lambda: self._annotations.of_site(site, first, last),
            "campaigns": lambda: self._begun(site),
        }
        marks: list[Annotation] = []
        unread: list[str] = []
        for kind, read in readers.items():
            try:
                marks += read()
            except (AnnotationsFailed, RegistryFailed) as error:
                if kind not in self._unread:
                    log.warning("%s; charts are shown without %s", error, kind)
                self._unread.add(kind)
                unread.append(kind)
            else:
                self._unread.discard(kind)
        kept = [mark for mark in marks if first <= mark.moment.date() <= last]
        return sorted(kept, key=lambda mark: (mark.moment, mark.number)), unread

    def add(self, site: str, at: str, text: str) -> Annotation:
        """Keep an annotation and return it; raises BadAnnotation for one that can't be."""
        return self._annotations.add(site, at, text, datetime.fromtimestamp(self._now(), UTC))

    def delete(self, site: str, number: int) -> None:
        """Delete an annotation; raises BadAnnotation where there is none of that number."""
        self._annotations.delete(site, number)

    def _begun(self, site: str) -> list[Annotation]:
        """Return a mark for each campaign: when the first variant of it was registered."""
        begun: dict[str, int] = {}
        for listed in self._campaigns.all():
            if str(listed.campaign.site) == site:
                name = listed.campaign.name
                begun[name] = min(listed.added, begun.get(name, listed.added))
        return [
            Annotation(0, site, local_moment(added, self._zones[site]), name, is_campaign=True)
            for name, added in begun.items()
        ]
