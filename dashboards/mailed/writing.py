"""Write a mailed report as one message."""

from datetime import date

from msgspec import Struct

from anonymizer.policy import Policy, Site
from dashboards.asking.answering import Asker
from dashboards.mailed.plain import write_plain
from dashboards.mailed.reading import MailedReport, read_mailed, selection_of
from dashboards.pages import render
from dashboards.words import Words, words_in


class WrittenReport(Struct, frozen=True):
    """A message but for who sends it to whom."""

    subject: str
    text: str
    html: str


async def write_report(
    asker: Asker,
    policy: Policy,
    site: Site,
    first: date,
    last: date,
    language: str,
    dashboard: str = "",
) -> WrittenReport:
    """Read and write the report of some whole days of a site, in a language of `LANGUAGES`."""
    words = words_in(language)
    selection = selection_of(site, first, last, language)
    return write(await read_mailed(asker, policy, selection, words, dashboard), words)


def write(report: MailedReport, words: Words) -> WrittenReport:
    """Write a report that was read."""
    subject = words("{title}: {days}", title=report.title, days=report.days)
    html = render(words, "mail/report.html", {"report": report, "subject": subject})
    return WrittenReport(subject, write_plain(report, words), html)
