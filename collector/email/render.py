"""Rewrite an HTML message: the pixel goes in, links go by way of Discreet.

A message's text comes in; the same text goes out but for the links' values and the pixel, with a
report of what was done. Every recipient of a campaign gets the same addresses.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import can_ada
from msgspec import Struct

from collector.email.registry import Campaign
from collector.email.render_links import (
    Place,
    Surroundings,
    Why,
    judge_link,
    unescape_value,
)
from collector.email.render_tags import Span, Tag, Unfinished, read_tags
from collector.email.targets import BadTarget, read_target

GMAIL_CUTS_BYTES = 102_000
"""What is longer Gmail shows the beginning of alone, without a pixel that stands at its end."""

Number = Callable[[Iterable[str]], Mapping[str, str]]
"""Returns the numbers of links by URL; those that have none are left out."""

_MOST_WORDS = 4_000
"""Characters of a link's content that are looked at."""
_HREFS = ("href", "xlink:href")
# It stands as it is in attributes, quoted or not, and in plain text.
_ORIGIN = re.compile(r"https?://[A-Za-z0-9._~:/\[\]-]+")


class BadOrigin(ValueError):
    """A collector's address that messages can't use; the text says what is wanted."""


class Addresses(Struct, frozen=True):
    """The addresses of a campaign as they stand in messages."""

    origin: str
    """As `read_origin` returns it."""
    campaign: Campaign

    @property
    def counted(self) -> str:
        """Tell how all addresses begin that count."""
        return f"{self.origin}/e/"

    @property
    def pixel(self) -> str:
        """Tell the address of the pixel."""
        return f"{self.counted}{self.campaign.code}/open.gif"

    def link(self, number: str) -> str:
        """Return the address of a link."""
        return f"{self.counted}{self.campaign.code}/{number}"


class Link(Struct, frozen=True):
    """What became of one link."""

    line: int
    """On which line of the text it stands, from 1."""
    raw_value: str
    """As written."""
    target: str
    """Where it leads, if it was replaced."""
    number: str
    why: Why | None
    """Why it was left alone; None when it was replaced."""


class Rendered(Struct, frozen=True):
    """A message's text after rewriting."""

    text: str
    links: Sequence[Link]
    has_new_pixel: bool
    notes: Sequence[str]
    """What the sender should know."""


class Found(Struct, frozen=True):
    """A link where it stands."""

    span: Span
    place: Place


def read_origin(raw_url: str) -> str:
    """Return the address at which recipients reach Discreet, without the slash at its end.

    Raises:
        BadOrigin: it is no http(s) URL of a host, or has a query or a fragment.
    """
    try:
        url = read_target(raw_url).rstrip("/")
    except BadTarget as error:
        raise BadOrigin(error.wanted) from None
    if not _ORIGIN.fullmatch(url):
        raise BadOrigin("must be a host such as https://stats.example.org, with a path at most")
    return url


def render_html(
    text: str, addresses: Addresses, number: Number, unsubscribing: Collection[str] = ()
) -> Rendered:
    """Rewrite an HTML text. `unsubscribing` are targets of the header `List-Unsubscribe`."""
    found: list[Found] = []
    base, pixel_at, notes = _find(text, found)
    around = Surroundings(addresses.counted, base, unsubscribing)
    links, edits = replace_links(text, found, around, addresses, number)
    has_new_pixel = addresses.pixel not in text
    if has_new_pixel:
        edits.append((Span(pixel_at, pixel_at), _write_pixel(text, addresses)))
        # In front of </body> there may be a conditional comment with links, after it too.
        edits.sort(key=lambda edit: edit[0].start)
    rewritten = splice(text, edits)
    if len(rewritten.encode("utf-8", "replace")) > GMAIL_CUTS_BYTES:
        notes.append("Gmail cuts messages of more than 102 kB, and the pixel with the rest")
    return Rendered(rewritten, links, has_new_pixel, notes)


def replace_links(
    text: str,
    found: Sequence[Found],
    around: Surroundings,
    addresses: Addresses,
    number: Number,
) -> tuple[list[Link], list[tuple[Span, str]]]:
    """Judge and number links; return what became of each, and what to replace."""
    judged = [judge_link(each.place, around) for each in found]
    numbers = number(url for url, why in judged if why is None)
    links: list[Link] = []
    edits: list[tuple[Span, str]] = []
    line, counted_to = 1, 0
    for each, (url, why) in zip(found, judged, strict=True):
        line += text.count("\n", counted_to, each.span.start)
        counted_to = each.span.start
        raw_value = text[each.span.start : each.span.end]
        if why is None and url in numbers:
            edits.append((each.span, addresses.link(numbers[url])))
            links.append(Link(line, raw_value, url, numbers[url], None))
        else:
            links.append(Link(line, raw_value, "", "", why or Why.NOT_REGISTERED))
    return links, edits


def splice(text: str, edits: Sequence[tuple[Span, str]]) -> str:
    """Return the text with each span replaced; spans are in order and apart from each other."""
    pieces: list[str] = []
    done = 0
    for span, replacement in edits:
        pieces += (text[done : span.start], replacement)
        done = span.end
    pieces.append(text[done:])
    return "".join(pieces)


def _find(text: str, found: list[Found]) -> tuple[str, int, list[str]]:
    """Note every link in `found`; return the base, where the pixel goes, and notes."""
    base: str | None = None
    pixel_at = len(text)
    notes: list[str] = []
    tags: list[Tag] = []
    for tag in read_tags(text):
        if isinstance(tag, Unfinished):
            notes.append(f"the message ends within {tag.what}: nothing after it is shown")
        elif tag.name == "/body" and not tag.in_condition:
            pixel_at = tag.span.start
        elif tag.name == "base" and base is None and "href" in tag.attributes:
            base = _read_base(_value(text, tag, "href"))
        elif _may_link(tag.name):
            tags.append(tag)
    found.extend(_read_links(text, tags))
    return base or "", pixel_at, notes


def _may_link(name: str) -> bool:
    return name in ("a", "/a", "area") or name.startswith(("v:", "/v:"))


def _read_links(text: str, tags: Sequence[Tag]) -> Iterator[Found]:
    for index, tag in enumerate(tags):
        href = _href_of(tag)
        if href is None:
            continue
        words = [
            _value(text, tag, name)
            for name in ("title", "aria-label", "alt")
            if name in tag.attributes
        ]
        if tag.name != "area":
            end = _end_of_content(tags, index, len(text))
            words.append(text[tag.span.end : min(end, tag.span.end + _MOST_WORDS)])
        place = Place(
            unescape_value(_value(text, tag, href)),
            " ".join(words),
            is_untracked="data-no-track" in tag.attributes,
            is_unsubscribing="data-unsubscribe" in tag.attributes,
        )
        yield Found(tag.attributes[href], place)


def _href_of(tag: Tag) -> str | None:
    if tag.name.startswith("/"):
        return None
    return next((name for name in _HREFS if name in tag.attributes), None)


def _end_of_content(tags: Sequence[Tag], index: int, end: int) -> int:
    """Return where a link's content is over: at its end tag, or where the next link begins."""
    closing = f"/{tags[index].name}"
    for later in range(index + 1, len(tags)):
        if tags[later].name == closing or _href_of(tags[later]) is not None:
            return tags[later].span.start
    return end


def _value(text: str, tag: Tag, name: str) -> str:
    span = tag.attributes[name]
    return text[span.start : span.end]


def _read_base(raw_value: str) -> str:
    try:
        url = can_ada.parse(unescape_value(raw_value).strip())
    except (ValueError, TypeError):
        return ""
    return str(url.href) if url.protocol in ("http:", "https:") else ""


def _write_pixel(text: str, addresses: Addresses) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    return (
        f'{end}<img src="{addresses.pixel}" width="1" height="1" alt=""'
        f' style="display:block;width:1px;height:1px;border:0">{end}'
    )
