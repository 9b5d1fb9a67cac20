"""What stands beside a site's numbers: annotations by hand, and when e-mail campaigns began."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from anonymizer.policy import Policy
from collector.annotations import Annotation, Annotations, AnnotationsFailed, local_moment
from collector.email.campaigns import Campaigns
from collector.email.registry import RegistryFailed


class SiteMarks:
    """Annotations as the dashboard shows, makes and deletes them. Methods block.

    They raise AnnotationsFailed where a file can't be read or written.
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

    def of_site(self, site: str, first: date, last: date) -> Sequence[Annotation]:
        """Return those of a site's days, both included, in order of time."""
        marks = [*self._annotations.of_site(site, first, last), *self._begun(site)]
        kept = [mark for mark in marks if first <= mark.moment.date() <= last]
        return sorted(kept, key=lambda mark: (mark.moment, mark.number))

    def add(self, site: str, at: str, text: str) -> None:
        """Keep an annotation; raises BadAnnotation for one that can't be."""
        self._annotations.add(site, at, text, datetime.fromtimestamp(self._now(), UTC))

    def delete(self, site: str, number: int) -> None:
        """Delete an annotation; raises BadAnnotation where there is none of that number."""
        self._annotations.delete(site, number)

    def _begun(self, site: str) -> list[Annotation]:
        """Return a mark for each campaign: when the first variant of it was registered."""
        begun: dict[str, int] = {}
        try:
            campaigns = self._campaigns.all()
        except RegistryFailed as error:
            raise AnnotationsFailed(str(error)) from None
        for listed in campaigns:
            if str(listed.campaign.site) == site:
                name = listed.campaign.name
                begun[name] = min(listed.added, begun.get(name, listed.added))
        return [
            Annotation(0, site, local_moment(added, self._zones[site]), name, is_campaign=True)
            for name, added in begun.items()
        ]
