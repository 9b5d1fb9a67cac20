"""Make anonymizer/data/sources.tsv from three lists of search engines, networks and assistants.

Usage: python tools/refresh_sources.py FOLDER

FOLDER holds SearchEngines.yml, Socials.yml and AIAssistants.yml of Matomo's public-domain
searchengine-and-social-list. Needs PyYAML, which the product doesn't.
"""

import argparse
from pathlib import Path
from urllib.parse import unquote

import yaml  # type: ignore[import-untyped]  # not in the environment

OUT = Path(__file__).parent.parent / "anonymizer" / "data" / "sources.tsv"

# Portals and news sites that the list tells from a search by their query, which is never read
# here: as a referrer they are mostly something else.
NOT_ONLY_SEARCH = frozenset(
    {
        "alexa.com",
        "arcor.de",
        "blogs.icerocket.com",
        "cgi2.nintendo.co.jp",
        "charter.net",
        "cnn.com",
        "digg.com",
        "dizionario.it.msn.com",
        "dmoz.org",
        "editors.dmoz.org",
        "enciclopedia.it.msn.com",
        "facebook.com",
        "fastweb.it",
        "flix.de",
        "friendfeed.com",
        "highbeam.com",
        "home.kingsoft.jp",
        "icq.com",
        "infospace.com",
        "kadaza.com",
        "kataweb.it",
        "meinestadt.de",
        "mister-wong.com",
        "mister-wong.de",
        "msnbc.msn.com",
        "neti.ee",
        "netlavis.azione.jp",
        "online.no",
        "optuszoo.com.au",
        "rpmfind.net",
        "fr2.rpmfind.net",
        "skynet.be",
        "so-net.ne.jp",
        "startab.me",
        "talktalk.co.uk",
        "technorati.com",
        "tieba.baidu.com",
        "toppreise.ch",
        "de.toppreise.ch",
        "en.toppreise.ch",
        "fr.toppreise.ch",
        "translate.google.com",
        "weborama.fr",
        "wow.com",
        "zhidao.baidu.com",
        "zoznam.sk",
    }
)

# Webmail and apps, which none of the three lists has.
OWN = (
    ("email", "AOL Mail", "mail.aol.com"),
    ("email", "Fastmail", "app.fastmail.com"),
    ("email", "GMX", ".navigator.gmx.net"),
    ("email", "Gmail", "com.google.android.gm"),
    ("email", "Gmail", "mail.google.com"),
    ("email", "Mail.ru", "e.mail.ru"),
    ("email", "Outlook", "outlook.live.com"),
    ("email", "Outlook", "outlook.office.com"),
    ("email", "Outlook", "outlook.office365.com"),
    ("email", "Proton Mail", "mail.proton.me"),
    ("email", "Web.de", ".navigator.web.de"),
    ("email", "Yahoo Mail", ".mail.yahoo.com"),
    ("social", "Facebook", "com.facebook.katana"),
    ("social", "Instagram", "com.instagram.android"),
    ("social", "LinkedIn", "com.linkedin.android"),
    ("social", "Twitter", "com.twitter.android"),
)


def read_host(host: str, *, below: bool) -> str | None:
    """Return a list's host in the form that `referrers.Sources` takes, or None to leave it out.

    `below` says that a plain host stands for its subdomains too.
    """
    host = host.strip().lower()
    if "/" in host:  # told apart by a path, which is never read
        return None
    if host.startswith("{}."):
        return "." + host.removeprefix("{}.")
    host = host.removeprefix("www.")
    if host.endswith(".{}"):
        return host.removesuffix("{}") + "*"
    if "{}" in host or (host in NOT_ONLY_SEARCH and not below):
        return None
    is_package = host.split(".")[0] in ("com", "org") and host.count(".") >= 2
    return "." + host if below and not is_package else host


def read_lists(folder: Path) -> dict[str, tuple[str, str]]:
    """Return host → (channel, source); the first list to name a host has it."""
    rows = {host: (channel, source) for channel, source, host in OWN}
    for channel, name in (("ai", "AIAssistants.yml"), ("social", "Socials.yml")):
        for source, hosts in yaml.safe_load((folder / name).read_text()).items():
            for host in hosts:
                form = read_host(str(host), below=True)
                if form:
                    rows.setdefault(form, (channel, unquote(str(source))))
    listed = {host.lstrip(".") for host in rows}
    engines = yaml.safe_load((folder / "SearchEngines.yml").read_text())
    for source, entries in engines.items():
        for url in (url for entry in entries for url in entry.get("urls", ())):
            form = read_host(str(url), below=False)
            if form and form.lstrip(".") not in listed:
                rows.setdefault(form, ("search", str(source)))
    return rows


def main() -> None:
    """Read the three lists and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    rows = read_lists(parser.parse_args().folder)
    lines = [
        "# channel, source, host (name; .name and all below it; name.* under any country's ending)",
        "# From github.com/matomo-org/searchengine-and-social-list (public domain), by",
        "# tools/refresh_sources.py; change it there.",
        *sorted(
            (f"{channel}\t{source}\t{host}" for host, (channel, source) in rows.items()),
            key=str.casefold,
        ),
    ]
    OUT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(rows)} hosts in {OUT}")


if __name__ == "__main__":
    main()
