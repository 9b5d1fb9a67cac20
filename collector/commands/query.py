"""`discreet query`: ask the guarded views, whether the server runs or not."""

import argparse
import sys
from pathlib import Path

from anonymizer.policy_faults import PolicyFaults
from anonymizer.policy_file import read_policy
from clickhouse_http.question import Question, Refusal
from collector.analysts import Analysts
from collector.asking import engine_at
from collector.audit import LOCAL_USER, AuditFailed, AuditLog
from collector.commands import CommandFailed
from collector.commands.store_place import store_of
from collector.data_dir import DataDir, DataDirInUse
from collector.query_socket import NoServer, Refused, ask
from collector.reference import default_policy
from collector.regions import HOME, spool_of
from collector.spool import Spool, SpoolFailed, drain
from collector.sql_door import told
from collector.store import Store, StoreFailed
from collector.store_address import StorePlace, open_client


def run(options: argparse.Namespace) -> None:
    """Print the answer to one query.

    Raises:
        CommandFailed: there is no data, or the query was refused.
    """
    sys.stdout.buffer.write(ask_views(options, options.sql, options.format))
    sys.stdout.buffer.flush()


def ask_views(options: argparse.Namespace, sql: str, output_format: str) -> bytes:
    """Return the answer to one query of the guarded views, of a server or of a directory.

    Raises:
        CommandFailed: there is no data, or the query was refused.
    """
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    try:
        values = {"sql": sql, "format": output_format, "region": options.region or HOME}
        return ask(data.query_socket, "query", values)
    except Refused as refused:
        raise CommandFailed(str(refused)) from None
    except NoServer:
        spool = spool_of(data, options.region or HOME)
        place = store_of(options, data)
        return _ask_directory(data, spool, place, sql, output_format)


def _ask_directory(
    data: DataDir, spool: Path, place: StorePlace, sql: str, output_format: str
) -> bytes:
    try:
        data.lock()
        store = Store(open_client(place))
        if not store.is_new():
            drain(Spool(spool), store)
        policy = read_policy(data.policy.read_text("utf-8"), default_policy())
        views = [statistic.name for statistic in policy.statistics]
        analysts = Analysts(engine_at(place), views, AuditLog(data.audit))
        question = Question(sql=sql, output_format=output_format, user=LOCAL_USER)
        return analysts.answer(question).rows.body
    except Refusal as refusal:
        raise CommandFailed(told(refusal)) from None
    except (OSError, UnicodeDecodeError, PolicyFaults):
        raise CommandFailed(f"{data.policy}: the policy of the store can't be read") from None
    except (AuditFailed, DataDirInUse, SpoolFailed, StoreFailed) as error:
        raise CommandFailed(str(error)) from None
