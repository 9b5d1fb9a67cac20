"""What `discreet email render` did, as tables: of one message link by link, of several in sums."""

import unicodedata
from collections import Counter
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.email.render import Link
from collector.email.render_links import Why
from collector.email.render_message import RenderedMessage

_MAX_ROWS = 200
_MAX_CHARACTERS = 200
_WARNED = frozenset({Why.RUNS, Why.RELATIVE, Why.PERSON, Why.UNFIT, Why.PLACEHOLDER})


class Report:
    """Collects what became of messages; of several it keeps sums alone."""

    def __init__(self, name: str) -> None:
        """Take the name of the message when there is but one."""
        self._name = name
        self._messages = 0
        self._pages = 0
        self._pixels = 0
        self._replaced: Counter[tuple[str, str]] = Counter()
        self._in_messages: Counter[tuple[str, str]] = Counter()
        self._left: Counter[Why] = Counter()
        self._notes: Counter[str] = Counter()
        self._rows: list[tuple[str, Link]] = []

    def add(self, message: RenderedMessage) -> None:
        """Add a message."""
        self._messages += 1
        links = list(_links_of(message))
        replaced = Counter((each.number, each.target) for _, each in links if each.why is None)
        self._replaced.update(replaced)
        self._in_messages.update(replaced.keys())
        self._left.update(each.why for _, each in links if each.why is not None)
        rendered = [part.rendered for part in message.parts if part.rendered is not None]
        self._pages += any(part.kind == "text/html" and part.rendered for part in message.parts)
        self._pixels += any(each.has_new_pixel for each in rendered)
        self._notes.update(message.notes)
        self._notes.update(note for each in rendered for note in each.notes)
        self._notes.update(
            f"part {part.path}, {part.kind}: {part.note}; left as it is"
            for part in message.parts
            if part.note
        )
        if self._name:
            self._rows = links

    def print(self, console: Console) -> None:
        """Print what was done."""
        if self._name:
            self._print_links(console)
        else:
            self._print_sums(console)
        for note, messages in self._notes.items():
            of = "" if self._name else f" ({messages} messages)"
            console.print(Text(f"note: {note}{of}", "yellow"))

    def _print_links(self, console: Console) -> None:
        table = Table(title=Text(_shown(self._name)), title_justify="left")
        for column in ("line", "link", "what became of it"):
            table.add_column(column, overflow="fold")
        for place, link in self._rows[:_MAX_ROWS]:
            table.add_row(f"{place}{link.line}", Text(_shown(link.raw_value)), _outcome(link))
        if self._rows:
            console.print(table)
        if len(self._rows) > _MAX_ROWS:
            console.print(f"and {len(self._rows) - _MAX_ROWS} more")
        pixel = "added" if self._pixels else "there already" if self._pages else "not added"
        console.print(
            f"{self._replaced.total()} links replaced, {self._left.total()} left; pixel {pixel}"
        )

    def _print_sums(self, console: Console) -> None:
        table = Table("link", "leads to", "messages")
        for (number, target), messages in list(self._in_messages.items())[:_MAX_ROWS]:
            table.add_row(number, Text(_shown(target)), str(messages))
        console.print(table)
        if self._left:
            table = Table("links left, each", "links")
            for why, links in self._left.most_common():
                table.add_row(Text(why, _style(why)), str(links))
            console.print(table)
        console.print(
            f"{self._messages} messages: {self._replaced.total()} links replaced,"
            f" {self._left.total()} left; {self._pixels} pixels added"
        )
        alone = sum(messages == 1 for messages in self._in_messages.values())
        if alone:
            note = f"note: {alone} links stand in one message alone; if that is one recipient's, "
            note += "its clicks tell of that person. Mark such links data-no-track"
            console.print(Text(note, "yellow"))


def _links_of(message: RenderedMessage) -> Iterator[tuple[str, Link]]:
    for part in message.parts:
        if part.rendered is not None:
            place = f"part {part.path}, " if part.path else ""
            yield from ((place, link) for link in part.rendered.links)


def _outcome(link: Link) -> Text:
    if link.why is None:
        return Text(f"link {link.number}", "green")
    return Text(f"left: {link.why}", _style(link.why))


def _style(why: Why) -> str:
    return "bold red" if why is Why.RUNS else "yellow" if why in _WARNED else ""


def _shown(text: str) -> str:
    """Return a message's text as a terminal may show it."""
    short = text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
    return "".join("�" if unicodedata.category(each)[0] == "C" else each for each in short)
