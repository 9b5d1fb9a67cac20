"""`discreet serve`: take hits and show the dashboard until told to stop."""

import argparse
from pathlib import Path

from anonymizer.policy import Policy
from collector.api_keys import KeysFailed
from collector.app import REPORT_LANGUAGES, App
from collector.commands import CommandFailed, read_policy_file
from collector.commands.reports_place import read_mailing
from collector.commands.store_place import region_stores, store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.email.registry import RegistryFailed
from collector.email.unique_opens import OpensFailed
from collector.email.unsubscribe import RefusalsFailed
from collector.email.webhook import BadWebhook, Webhook, read_webhook
from collector.forwarded import BadNetwork, TrustedProxies
from collector.mailed_reports.sent import MarksFailed
from collector.plan import TooManyCombinations
from collector.policy_archive import BadArchive, ChangedWithoutVersion
from collector.process import guard_memory
from collector.reference import BadReference, load_tables
from collector.serve import AddressInUse, listen, serve
from collector.spool import SpoolFailed
from collector.store import StoreFailed
from collector.store_address import BadAddress, remember_store
from people.user_file import UsersFailed

CANT_START = (
    AddressInUse,
    BadAddress,
    BadNetwork,
    BadArchive,
    BadReference,
    BadWebhook,
    ChangedWithoutVersion,
    DataDirInUse,
    KeysFailed,
    MarksFailed,
    OpensFailed,
    RefusalsFailed,
    RegistryFailed,
    SpoolFailed,
    StoreFailed,
    TooManyCombinations,
    UsersFailed,
)


def run(options: argparse.Namespace) -> None:
    """Serve the sites of `options.policy` on `options.data`.

    Raises:
        CommandFailed: the address, the data directory or a file can't be used.
        PolicyFaults: the policy has faults.
    """
    policy, text = read_policy_file(options.policy)
    run_server(policy, text, options, demo=False)


def run_server(policy: Policy, text: str, options: argparse.Namespace, *, demo: bool) -> None:
    """Serve a policy; the demo site too when asked.

    Raises:
        CommandFailed: the address, the data directory or a file can't be used.
    """
    guard_memory()  # it holds addresses and salts
    mailing = read_mailing(options.reports, policy, REPORT_LANGUAGES) if options.reports else None
    try:
        tables = load_tables(options.countries)
        proxies = TrustedProxies(options.trusted_proxy) if options.trusted_proxy else None
        listening = listen(options.host, options.port)
        data = DataDir(options.data)
        data.lock()
        store = store_of(options, data)
        remember_store(data, store)
        regions = region_stores(policy, options, data)
        app = App(
            policy,
            text,
            data,
            tables,
            store=store,
            regions=regions,
            proxies=proxies,
            demo=demo,
            webhook=_read_webhook(options),
            mailing=mailing,
        )
    except CANT_START as error:
        raise CommandFailed(str(error)) from None
    except OSError as error:
        raise CommandFailed(f"{options.data}: {error.strerror}") from None
    login = app.people.users.first_run()
    address = f"http://{_in_url(options.host)}:{listening.getsockname()[1]}"

    def say_hello() -> None:
        print(f"Discreet counts {_sites(policy)} into {Path(options.data).resolve()}")
        if demo:
            print(f"  demo site  {address}/demo")
        print(f"  dashboard  {address}/dashboard")
        if login is not None:
            name, password = login
            print(f"  login      {name}  password {password}   (shown this once)")
        if not demo:
            domain = next(iter(policy.sites))
            print(
                f'  tag        <script defer src="{address}/tag.js" data-site="{domain}"></script>'
            )
        print("Stop it with Ctrl-C.", flush=True)

    serve(app, listening, say_hello)


def _read_webhook(options: argparse.Namespace) -> Webhook | None:
    url, key_file = options.unsubscribe_webhook, options.unsubscribe_webhook_key_file
    if (url is None) != (key_file is None):
        raise BadWebhook("--unsubscribe-webhook: needs --unsubscribe-webhook-key-file, and it that")
    return None if url is None else read_webhook(url, key_file)


def _sites(policy: Policy) -> str:
    return ", ".join(policy.sites)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
