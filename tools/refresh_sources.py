"""Make anonymizer/data/sources.tsv and spam_hosts.txt from Matomo's public-domain lists.

Usage: python tools/refresh_sources.py FOLDER

FOLDER holds SearchEngines.yml, Socials.yml and AIAssistants.yml of searchengine-and-social-list,
and the spammers.txt of referrer-spam-list as referrer-spam.txt. Needs PyYAML, which the product
doesn't.
"""

import argparse
from pathlib import Path
from urllib.parse import unquote

import yaml  # type: ignore[import-untyped]  # not in the environment

DATA = Path(__file__).parent.parent / "anonymizer" / "data"

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

# Webmail, apps and assistants, which none of the three lists has.
OWN = (
    ("ai", "Character.AI", ".character.ai"),
    ("ai", "ChatGPT", "com.openai.chatgpt"),
    ("ai", "Claude", "com.anthropic.claude"),
    ("ai", "Copilot", ".m365.cloud.microsoft"),
    ("ai", "Doubao", ".doubao.com"),
    ("ai", "Gemini", "com.google.android.apps.bard"),
    ("ai", "Google AI Studio", ".aistudio.google.com"),
    ("ai", "Kimi", ".kimi.com"),
    ("ai", "Kimi", ".kimi.moonshot.cn"),
    ("ai", "Lumo", ".lumo.proton.me"),
    ("ai", "Perplexity", "ai.perplexity.app.android"),
    ("ai", "Phind", ".phind.com"),
    ("ai", "Pi", ".pi.ai"),
    ("ai", "Poe", ".poe.com"),
    ("ai", "Yuanbao", ".yuanbao.tencent.com"),
    ("ai", "Z.ai", ".chat.z.ai"),
    ("email", "126 Mail", ".mail.126.com"),
    ("email", "163 Mail", ".mail.163.com"),
    ("email", "AOL Mail", "mail.aol.com"),
    ("email", "Comcast", ".email.comcast.net"),
    ("email", "Daum Mail", ".mail.daum.net"),
    ("email", "Fastmail", "app.fastmail.com"),
    ("email", "GMX", ".navigator.gmx.net"),
    ("email", "Gmail", "com.google.android.gm"),
    ("email", "Gmail", "inbox.google.com"),
    ("email", "Gmail", "mail.google.com"),
    ("email", "HEY", "app.hey.com"),
    ("email", "Infomaniak", "mail.infomaniak.com"),
    ("email", "K-9 Mail", "com.fsck.k9"),
    ("email", "La Poste", "webmail.laposte.net"),
    ("email", "Libero", ".mail.libero.it"),
    ("email", "Mail.com", ".navigator.mail.com"),
    ("email", "Mail.ru", "e.mail.ru"),
    ("email", "Mail.ru", "ru.mail.mailapp"),
    ("email", "Naver Mail", ".mail.naver.com"),
    ("email", "Onet", "poczta.onet.pl"),
    ("email", "Orange", ".mail.orange.fr"),
    ("email", "Orange", ".messagerie.orange.fr"),
    ("email", "Outlook", ".mail.live.com"),
    ("email", "Outlook", "com.microsoft.office.outlook"),
    ("email", "Outlook", "outlook.cloud.microsoft"),
    ("email", "Outlook", "outlook.live.com"),
    ("email", "Outlook", "outlook.office.com"),
    ("email", "Outlook", "outlook.office365.com"),
    ("email", "Proton Mail", "ch.protonmail.android"),
    ("email", "Proton Mail", "mail.proton.me"),
    ("email", "Proton Mail", "mail.protonmail.com"),
    ("email", "QQ Mail", ".exmail.qq.com"),
    ("email", "QQ Mail", ".mail.qq.com"),
    ("email", "Rambler Mail", "mail.rambler.ru"),
    ("email", "Rediffmail", ".mail.rediff.com"),
    ("email", "Seznam Email", "email.seznam.cz"),
    ("email", "Sina Mail", ".mail.sina.com.cn"),
    ("email", "T-Online", "email.t-online.de"),
    ("email", "Tuta", "app.tuta.com"),
    ("email", "Tuta", "mail.tutanota.com"),
    ("email", "WP Poczta", "poczta.wp.pl"),
    ("email", "Web.de", ".navigator.web.de"),
    ("email", "Yahoo Mail", ".mail.yahoo.com"),
    ("email", "Yahoo Mail", ".mail.yahoo.co.jp"),
    ("email", "Yahoo Mail", "com.yahoo.mobile.client.android.mail"),
    ("email", "Yandex Mail", "mail.yandex.*"),
    ("email", "Zoho Mail", "mail.zoho.*"),
    ("social", "Facebook", "com.facebook.katana"),
    ("social", "Instagram", "com.instagram.android"),
    ("social", "LinkedIn", "com.linkedin.android"),
    ("social", "Reddit", "com.reddit.frontpage"),
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


def read_spam(path: Path, sources: dict[str, tuple[str, str]]) -> list[str]:
    """Return the list's names but for those at or above a source, or below another name."""
    names = {line.strip().lower().removeprefix("www.") for line in path.read_text().splitlines()}
    names = {name for name in names if "." in name and name.isascii()}
    for host in sources:
        plain = host.strip(".*")
        names -= {plain, *_above(plain)}
    return sorted(name for name in names if not names & set(_above(name)))


def _above(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[first:]) for first in range(1, len(labels))]


def write(name: str, lines: list[str]) -> None:
    """Write a data file, with its comments first."""
    (DATA / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{sum(not line.startswith('#') for line in lines)} lines in {DATA / name}")


def main() -> None:
    """Read the lists and write the two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    rows = read_lists(folder)
    write(
        "sources.tsv",
        [
            "# channel, source, host (name; .name: all below it too; name.*: any country's ending)",
            "# From github.com/matomo-org/searchengine-and-social-list (public domain), by",
            "# tools/refresh_sources.py; change it there.",
            *sorted(
                (f"{channel}\t{source}\t{host}" for host, (channel, source) in rows.items()),
                key=str.casefold,
            ),
        ],
    )
    write(
        "spam_hosts.txt",
        [
            "# Hosts that send hits only to be looked up among the referrers; each with all below.",
            "# From github.com/matomo-org/referrer-spam-list (public domain), by",
            "# tools/refresh_sources.py; change it there.",
            *read_spam(folder / "referrer-spam.txt", rows),
        ],
    )


if __name__ == "__main__":
    main()
