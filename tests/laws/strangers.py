"""What else comes to a server: refusals, broken requests, guessers, forms, questions.

Yields requests for `tests.laws.crowd`, with something identifying in each.
"""

import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from tests.laws.canaries import Canaries
from tests.laws.crowd import Crowd, Request
from tests.running import hit

_BIG = 40_000


def refused(crowd: Crowd, put: Canaries) -> Iterator[Request]:
    """Yield a hit for each refusal, by both doors."""
    signals: dict[str, Mapping[str, str]] = {
        "DNT": {"DNT": f"1{put.word('DNT')}"},
        "broken DNT": {"DNT": put.word("broken DNT")},
        "GPC": {"Sec-GPC": "1"},
        "prefetch": {"Sec-Purpose": f"prefetch;{put.word('purpose')}"},
        "opt-out": {"Cookie": f"discreet_opt_out={put.word('opt-out cookie')}"},
        "bot": {"User-Agent": f"Googlebot/2.1 ({put.email('bot agent')})"},
        "unheard bot": {"User-Agent": f"{put.word('unheard bot')}bot/1.0 {put.email('its agent')}"},
        "nameless": {"User-Agent": ""},
    }
    for name, headers in signals.items():
        page = f"/{put.word(f'page of {name}')}/{put.email(f'path of {name}')}"
        both = {**crowd.headers(), **headers}
        yield Request("POST", "/api/event", headers=both, body=_json(hit(page)))
        yield Request("GET", f"/pixel.gif?d=example.org&u={page}", headers=both)
    told: dict[str, dict[str, object]] = {
        "own consent": {"c": put.word("own consent")},
        "TC string": {"gdpr": 1, "gdpr_consent": put.token("TC string")},
        "GPP string": {"gpp": f"DBAA~{put.token('GPP string')}"},
        "consent mode": {"cm": put.word("consent mode")},
        "child": {"k": True},
        "event name": {"n": put.word("event name")},
        "e-mail as event": {"n": put.email("e-mail as event")},
    }
    for name, more in told.items():
        page = f"/{put.hex(f'page of {name}')}"
        body = _json({**hit(page), **more})
        yield Request("POST", "/api/event", headers=crowd.headers(), body=body)
        query = urlencode({"d": "example.org", "u": page, **more})
        yield Request("GET", f"/pixel.gif?{query}", headers=crowd.headers())


def broken(crowd: Crowd, put: Canaries) -> Iterator[Request]:
    """Yield requests that can't be read."""
    for body in (
        b'{"n": "' + put.word("broken JSON").encode(),
        _json(put.word("JSON text")),
        _json({"n": [put.word("wrong type")], "u": {"x": put.word("map")}, "d": 3}),
        _json(hit(d=put.word("unknown site") + ".example")),
        _json(hit(u=f"data:text/html,{put.word('no page')}")),
        _json(hit(f"/{put.word('long URL') * 500}")),
        _json(hit(n=put.word("long name") * 50)),
        _json([hit(f"/{put.word('page beside a broken hit')}"), {"n": 3}]),
        _json(hit(w=put.word("width"))),
        _json([hit(f"/{put.word('hit of too many')}")] * 101),
        b'{"n":"\xff' + put.word("bad UTF-8").encode() + b'"}',
        b"[" * 1_000 + put.word("deep JSON").encode(),
        put.word("body of 800 kB").encode() * _BIG,
        b"\x1f\x8b" + put.word("packed body").encode(),
    ):
        yield Request("POST", "/api/event", headers=crowd.headers(), body=body)
    for query in (
        f"d={put.word('site of a pixel')}.example&u=/p",
        f"d=example.org&u=%ff{put.word('bad escape')}",
        f"d=example.org&u=javascript:{put.word('bad page')}",
        f"u=/{put.word('page without a site')}",
        "&".join(f"{put.word('one of many')}=1" for _ in range(60)),
    ):
        yield Request("GET", f"/pixel.gif?{query}", headers=crowd.headers())
    referer = f"https://example.org/p?x={put.word('Referer')}#{put.word('its fragment')}"
    headers = {**crowd.headers(), "Referer": referer}
    yield Request("GET", "/pixel.gif?d=example.org", headers=headers)
    for method, path in (
        ("GET", f"/{put.word('path that is none')}"),
        ("PUT", f"/api/event?{put.word('query of a wrong method')}"),
        ("POST", f"/pixel.gif?{put.word('query of a posted pixel')}"),
        ("GET", f"/tag.js?{put.word('query of the tag')}"),
        ("GET", f"/.well-known/{put.word('well-known')}"),
        ("OPTIONS", f"/api/event?{put.word('preflight')}"),
        ("TRACE", f"/{put.word('trace')}"),
    ):
        yield Request(method, path, headers=crowd.headers(), body=put.word("unasked body").encode())


def visitors_of_pages(crowd: Crowd, put: Canaries) -> Iterator[Request]:
    """Yield requests to what visitors see: notice, opt-out, consent, rights."""
    for path in ("/privacy", "/opt-out", "/rights", "/.well-known/gpc.json", "/api/consent"):
        query = f"lang={put.word('lang')}&asked={put.word('asked')}&{put.word('name')}=1"
        yield Request("GET", f"{path}?{query}", headers=crowd.headers())
    yield Request("GET", f"/privacy/{put.word('version of the notice')}", headers=crowd.headers())
    form = {**crowd.headers(), "Content-Type": "application/x-www-form-urlencoded"}
    for path, fields in (
        ("/opt-out", {"action": "off", put.word("field"): put.email("field of opt-out")}),
        ("/opt-out", {"action": put.word("action of opt-out")}),
        ("/rights", {"action": "find", "receipt": put.word("receipt that is none")}),
        ("/rights", {"action": "erase", "receipt": put.hex("half an id") + put.hex("its rest")}),
        ("/rights", {"action": put.word("action of rights"), "receipt": put.word("receipt")}),
        ("/dashboard/login", {"name": put.email("login"), "password": put.word("password")}),
    ):
        headers = {**form, "Origin": f"https://{put.word('origin')}.example"}
        yield Request("POST", path, headers=headers, body=urlencode(fields).encode())
    given = {"site": "example.org", "version": "1", "purposes": [], "state": "refused"}
    for body in (
        {**given, "language": "en", put.word("key of a receipt"): put.email("value of it")},
        {**given, "language": put.word("language of a receipt")},
        {**given, "site": put.word("site of a receipt")},
        {**given, "version": put.word("version of a receipt")},
        {**given, "purposes": [put.word("purpose of a receipt")]},
        {**given, "state": put.word("state of a receipt")},
    ):
        yield Request("POST", "/api/consent", headers=crowd.headers(), body=_json(body))
    for method, path in (
        ("GET", "/api/consent"),
        ("DELETE", "/api/consent"),
        ("POST", "/api/consent/withdraw"),
    ):
        yield Request(method, path, headers=crowd.headers())  # with a bearer token that is no id


def no_http(put: Canaries) -> Iterator[bytes]:
    """Yield what is no request, or half of one."""
    for text in (
        f"{put.word('no HTTP')} {put.email('no path')} x\r\n\r\n",
        f"GET / HTTP/1.1\r\n{put.word('bad header')}\r\n\r\n",
        f"POST /api/event HTTP/1.1\r\nContent-Length: {put.word('bad length')}\r\n\r\n",
        f"POST /api/event HTTP/1.1\r\nContent-Length: 999\r\n\r\n{put.word('half a body')}",
        f"GET /{put.word('long line') * 5_000} HTTP/1.1\r\n\r\n",
    ):
        yield text.encode()


def questions(put: Canaries) -> Iterator[str]:
    """Yield what an analyst may ask with something identifying in it."""
    yield f"SELECT count() FROM pages WHERE page = '{put.word('value asked for')}'"
    yield f"SELECT {put.word('column asked for')} FROM pages"
    yield f"SELECT toInt64('{put.word('value that is no number')}')"
    yield f"SELECT * FROM {quote(put.email('table asked for'))}"


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
