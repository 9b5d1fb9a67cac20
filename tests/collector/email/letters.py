"""Messages as newsletter tools write them, and how they are rewritten in tests."""

from collections.abc import Iterable, Mapping
from html.parser import HTMLParser

from anonymizer.hits import SiteId
from collector.email.registry import Campaign
from collector.email.render import Addresses, Rendered, render_html

ADDRESSES = Addresses("https://stats.example.org", Campaign("spring", "", SiteId("example.org")))
PIXEL = (
    '\n<img src="https://stats.example.org/e/spring/open.gif" width="1" height="1" alt=""'
    ' style="display:block;width:1px;height:1px;border:0">\n'
)

# Nested tables and Outlook's buttons, as MJML compiles them.
TABLES = """\
<!doctype html>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml">
<head>
<title>Spring <a href="https://example.org/in-title">no link</a></title>
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<!--[if mso]><xml><o:OfficeDocumentSettings/></xml><![endif]-->
<style type="text/css">a[href^="https://example.org/css"] > b { color: red; }</style>
</head>
<body style="word-spacing:normal;background-color:#f4f4f4;">
<div style="display:none;">What grows in M\u00e4rz &zwnj;&nbsp;</div>
<!--[if mso | IE]><table align="center"><tr><td width="600"><![endif]-->
<table role="presentation" width='100%' cellpadding=0><tr><td data-x='a > "b"'>
<a class="logo" href="https://example.org/?from=a&amp;copy=2#top" target=_blank>
  <img src="https://example.org/logo.png" alt="Garden" width=120></a>
<!--[if mso]>
<v:roundrect xmlns:v="urn:schemas-microsoft-com:vml" href="https://example.org/buy" arcsize="8%"
  style="height:40px;v-text-anchor:middle;width:200px;" fillcolor="#3a7">
<w:anchorlock/><center style="color:#fff;">Buy</center></v:roundrect>
<![endif]-->
<!--[if !mso]><!-- -->
<a href=https://example.org/buy style="display:inline-block">Buy</a><!--<![endif]-->
<!-- <a href="https://example.org/in-comment">gone</a> -->
</td></tr></table>
<!--[if mso | IE]></td></tr></table><![endif]-->
<p><a href="mailto:us@example.org">Write</a> <a href='tel:+4930123'>Call</a>
<a href="#top">Up</a> <a href="https://elsewhere.example/\u00e4?q=1">Elsewhere</a>
<a data-no-track href="https://example.org/private">Private</a>
<a href="https://example.org/u/1">Un<b>sub</b>scribe</a></p>
</body>
</html>
"""

# A grid of cells, an image map and templates of a mailer, as Foundation for Emails has them.
GRID = """\
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html><head><base href="https://example.org/shop/"><link rel="stylesheet" href="css/app.css">
</head><BODY><center><table class="body"><tbody><tr><th class="small-12 columns first">
<map name="m"><area shape="rect" coords="0,0,9,9" HREF="seeds?kind=peas" alt="Peas"></map>
<A HREF = "/beans"  title='Beans'>Beans</A>
<a href="{{ profile_url }}">Profile</a> <a href="https://example.org/r/*|UNIQID|*">Refer</a>
<a href="https://example.org/hi/[[name]]">Hi</a> <a href="https://example.org/?u=%recipient%">U</a>
<a href="*|UNSUB|*">Leave</a> <a href="https://example.org/list?lang=de">Abbestellen</a>
<a data-unsubscribe href="https://example.org/bye">Bye</a>
<a href="javascript:alert(1)">Script</a> <a href=" data:text/html,hi">Data</a>
</th></tr></tbody></table></center></BODY></html>
"""


class Numbers:
    """Numbers links as the registry does, from 1 in the order in which they come."""

    def __init__(self, only: Iterable[str] | None = None) -> None:
        self.urls: dict[str, str] = {}
        self._only = None if only is None else set(only)

    def __call__(self, urls: Iterable[str]) -> Mapping[str, str]:
        known = [url for url in urls if self._only is None or url in self._only]
        return {url: self.urls.setdefault(url, str(len(self.urls) + 1)) for url in known}


def render(text: str, numbers: Numbers | None = None) -> Rendered:
    return render_html(text, ADDRESSES, numbers or Numbers())


def outcomes(rendered: Rendered) -> dict[str, str]:
    """Return each link as written with its target, or why it was left."""
    return {link.raw_value: link.target or str(link.why) for link in rendered.links}


class Hrefs(HTMLParser):
    """The links and pictures that the standard library sees in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.pictures: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag in ("a", "area") and "href" in found:
            self.hrefs.append(found["href"] or "")
        if tag == "img":
            self.pictures.append(found.get("src") or "")


def without_pixel(rendered: str, text: str) -> str:
    """Return what was rendered from `text` without the pixel."""
    return rendered.replace(PIXEL.replace("\n", "\r\n") if "\r\n" in text else PIXEL, "")
