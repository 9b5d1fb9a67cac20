"""`discreet tag`: the elements that a site's pages carry, ready to paste."""

import argparse
import re
from collections.abc import Iterator

from anonymizer.hits import SiteId
from anonymizer.policy import ConsentMode, Policy, Site
from collector.commands import CommandFailed, read_policy_file
from collector.tag_scripts import compile_tag, hash_of, integrity_of, keys_read

EXAMPLE_URL = "https://stats.example.org"
_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_WHOLE = "no-referrer-when-downgrade"

Block = tuple[str, list[str]]
"""What it is for, and the lines to paste."""


def run(options: argparse.Namespace) -> None:
    """Print the elements for each site of the policy, or for one.

    Raises:
        CommandFailed: the file can't be read, or an option names nothing that fits.
        PolicyFaults: the policy has faults.
    """
    policy, _ = read_policy_file(options.policy)
    url = options.url.rstrip("/")
    if not _ORIGIN.fullmatch(url):
        raise CommandFailed(f"--url: must be like {EXAMPLE_URL}, without a path")
    for site in _sites(policy, options.site):
        for purpose, lines in (_opt_in_blocks if site.consent is ConsentMode.OPT_IN else _blocks)(
            policy, site, url
        ):
            print(f"<!-- {site.domain}: {purpose} -->", *lines, "", sep="\n")


def _sites(policy: Policy, name: str | None) -> list[Site]:
    if name is None:
        return list(policy.sites.values())
    site = policy.sites.get(SiteId(name.lower()))
    if site is None:
        raise CommandFailed(f"--site: must be one of the policy's: {', '.join(policy.sites)}")
    return [site]


def _blocks(policy: Policy, site: Site, url: str) -> Iterator[Block]:
    yield "in the head of every page", [_tag(site, f"{url}/tag.js")]
    yield "the same, this version of the script alone", [_pinned(policy, site, url)]
    yield "the same, with a banner that asks for consent", _asking(site, url)
    yield "in the body, for browsers without JavaScript", [_pixel(site, url)]
    yield "or in the site's own scripts, by npm", _module(policy, site, url)


def _opt_in_blocks(policy: Policy, site: Site, url: str) -> Iterator[Block]:
    """Yield no pixel: nobody can consent without JavaScript."""
    yield "in the head of every page", _asking(site, url)
    yield (
        "the same, this version of the script alone",
        [_pinned(policy, site, url, "data-consent"), _banner(site, url)],
    )
    yield "or in the site's own scripts, by npm", [*_module(policy, site, url), _banner(site, url)]


def _tag(site: Site, address: str, *more: str) -> str:
    attributes = (*more, *(["data-hash"] if site.hash_routing else []))
    said = "".join(f" {attribute}" for attribute in attributes)
    return f'<script defer src="{address}" data-site="{site.domain}"{said}></script>'


def _pinned(policy: Policy, site: Site, url: str, *more: str) -> str:
    script = compile_tag(policy)
    integrity = f'integrity="{integrity_of(script)}" crossorigin="anonymous"'
    return _tag(site, f"{url}/tag/{hash_of(script)}.js", *more, integrity)


def _asking(site: Site, url: str) -> list[str]:
    return [_tag(site, f"{url}/tag.js", "data-consent"), _banner(site, url)]


def _banner(site: Site, url: str) -> str:
    return f'<script defer src="{url}/consent.js" data-site="{site.domain}"></script>'


def _pixel(site: Site, url: str) -> str:
    # The server reads the page from the Referer header, so that has to be whole.
    image = f'<img src="{url}/pixel.gif?d={site.domain}" alt="" referrerpolicy="{_WHOLE}">'
    return f"<noscript>{image}</noscript>"


def _module(policy: Policy, site: Site, url: str) -> list[str]:
    said = [
        f'site: "{site.domain}"',
        f'server: "{url}"',
        *(["consent: true"] if site.consent is ConsentMode.OPT_IN else []),
        *(["hash: true"] if site.hash_routing else []),
        *([f"modules: {_listed(policy.tag_modules)}"] if policy.tag_modules else []),
        f"reads: {_listed(keys_read(policy))}",
    ]
    return ['import { init } from "discreet-tag";', f"init({{ {', '.join(said)} }});"]


def _listed(words: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{word}"' for word in words)
    return f"[{quoted}]"
