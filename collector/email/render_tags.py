"""Where in an HTML message tags and their attributes stand.

Text comes in; positions in it go out. The text is read as the WHATWG HTML standard's tokenizer
does (section 13.2.5), faults included, and once from front to back. Nothing is built of it, so
that whoever replaces a span leaves every other character as it was.

The content of Outlook's conditional comments (``<!--[if mso]> … <![endif]-->``) is read like the
rest, since Outlook shows it.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

_SPACE = r"[\t\n\f\r ]"
_MARKUP = re.compile(r"<(?:!--|[!?/]?[A-Za-z]|[!?/])")
_NAME = re.compile(r"[^\t\n\f\r />]+")
# One attribute, or what stands between two. An unclosed quote reaches to the end of the text.
_ATTRIBUTE = re.compile(
    rf"(?:{_SPACE}|/)+"
    r"|(?P<name>[^\t\n\f\r />][^\t\n\f\r />=]*+)"
    rf"(?:{_SPACE}*+={_SPACE}*+"
    r'(?:"(?P<double>[^"]*+)(?:"|\Z)|\'(?P<single>[^\']*+)(?:\'|\Z)'
    r"|(?P<bare>[^\t\n\f\r >\"'][^\t\n\f\r >]*+))?)?"
)
_COMMENT_END = re.compile(r"--!?>")
_CONDITION = re.compile(r"\[if[^\]>]*\]>", re.IGNORECASE)

# Elements whose content is text (13.2.5.2 and 13.2.5.4), with scripting off as in mail.
_RAW_TEXT = {
    name: re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE)
    for name in ("iframe", "noembed", "noframes", "script", "style", "textarea", "title", "xmp")
}
_PLAIN_TEXT = "plaintext"


class Span(Struct, frozen=True):
    """A stretch of the text: `text[start:end]`."""

    start: int
    end: int


class Tag(Struct, frozen=True):
    """A start tag or an end tag."""

    name: str
    """In lower case; an end tag's begins with a slash."""
    span: Span
    attributes: Mapping[str, Span]
    """Where values stand, without quotes, by the attribute's name in lower case.

    Of a repeated attribute the first counts. One without a value has an empty span.
    """
    in_condition: bool
    """It stands in a conditional comment, so that Outlook alone may show it."""


class Unfinished(Struct, frozen=True):
    """What a message ends within, so that nothing after it would be shown."""

    what: str


def read_tags(text: str) -> Iterator[Tag | Unfinished]:
    """Yield every tag of a message in order; last, what it ends within, if it does."""
    yield from _read_tags(text, 0, len(text), in_condition=False)


def _read_tags(
    text: str, position: int, end: int, *, in_condition: bool
) -> Iterator[Tag | Unfinished]:
    while markup := _MARKUP.search(text, position, end):
        start, position = markup.span()
        kind = text[start:position]
        if kind == "<!--" and in_condition:
            continue  # a comment holds no others
        if kind == "<!--":
            content = position
            position, is_ended = _end_of_comment(text, position, end)
            condition = _CONDITION.match(text, content, position)
            if condition is not None:
                within = _read_tags(text, condition.end(), position, in_condition=True)
                yield from (each for each in within if isinstance(each, Tag))
            if not is_ended:
                yield Unfinished("a comment")
        elif kind[1] in "!?" or not kind[-1].isalpha():
            position = text.find(">", start, end) + 1 or end
        else:
            tag, position = _read_tag(text, start, end, in_condition=in_condition)
            if tag is None:
                yield Unfinished("a tag")
                return
            yield tag
            if tag.name == _PLAIN_TEXT:
                yield Unfinished(f"<{tag.name}>")
                return
            closing = _RAW_TEXT.get(tag.name)
            if closing is not None:
                closed = closing.search(text, position, end)
                if closed is None:
                    yield Unfinished(f"<{tag.name}>")
                    return
                position = closed.start()


def _end_of_comment(text: str, position: int, end: int) -> tuple[int, bool]:
    """Return where the comment whose content begins at `position` is over, and if it is at all."""
    for at_once in (">", "->"):  # 13.2.5.43: <!--> and <!---> are comments already
        if text.startswith(at_once, position, end):
            return position + len(at_once), True
    found = _COMMENT_END.search(text, position, end)
    return (end, False) if found is None else (found.end(), True)


def _read_tag(text: str, start: int, end: int, *, in_condition: bool) -> tuple[Tag | None, int]:
    name = _NAME.match(text, start + 1 + (text[start + 1] == "/"), end)
    attributes: dict[str, Span] = {}
    position = end if name is None else name.end()
    while position < end and text[position] != ">":
        found = _ATTRIBUTE.match(text, position, end)
        if found is None:  # every character but > begins one
            break
        position = found.end()
        group = found.lastgroup
        if group is not None:
            key = found["name"].lower()
            if key not in attributes:
                span = found.span(group)
                attributes[key] = Span(position, position) if group == "name" else Span(*span)
    if name is None or position >= end:
        return None, end
    slash = "/" if text[start + 1] == "/" else ""
    tag = Tag(slash + name[0].lower(), Span(start, position + 1), attributes, in_condition)
    return tag, position + 1
