"""Users, roles and rights of a ClickHouse server, tried on the embedded engine.

That engine can't be told them in SQL, but reads ``users.xml``. So what the statements say is
written there: grants word by word, settings with their constraints, row policies as filters.
Its one user is ``default``, who is given the rights of the role that is tried. Only
CHANGEABLE_IN_READONLY is left out, which the engine does not take.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

_USER = re.compile(r"CREATE USER IF NOT EXISTS (\w+) ")
_GRANT = re.compile(r"(GRANT .*) TO ([\w, ]+)", re.DOTALL)
_PROFILE = re.compile(r"CREATE SETTINGS PROFILE OR REPLACE \w+ SETTINGS (.*)")
_SETTING = re.compile(
    r"(\w+) = (?:'(\w+)'|(\d+))(?: MIN (\d+))?(?: MAX (\d+))?(?: (CONST|CHANGEABLE_IN_READONLY))?"
)
_ROWS = re.compile(
    r"CREATE ROW POLICY OR REPLACE \w+ ON discreet\.cells FOR SELECT USING (.*?) TO (.*)"
)
_ACCESS = re.compile(
    r"(CREATE (USER|ROLE|ROW POLICY|SETTINGS PROFILE|QUOTA)|GRANT|REVOKE)\b",
)
_ANYWHERE = "<networks><ip>::/0</ip></networks>"

_WORKER = """\
import json, sys
import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError
client = clickhouse_connect.get_client(
    interface="chdb", path=sys.argv[1], chdb_options={"config-file": sys.argv[2]}
)
def answer(sql):
    try:
        if sql.startswith(("SELECT", "WITH", "SHOW", "DESCRIBE")):
            return client.raw_query(sql, fmt="TSV").decode("utf-8", "replace")
        client.command(sql)
        return ""
    except ClickHouseError as error:
        return f"!{error.code}"
    finally:
        # What a failed query had written stands in front of the next answer (chDB 26.9).
        try:
            client.raw_query("SELECT 1")
        except ClickHouseError:
            pass
json.dump([answer(sql) for sql in json.load(sys.stdin)], sys.stdout)
"""


class OnServer:
    """A store made by statements, and questions to it under the rights of a role."""

    def __init__(self, folder: Path, statements: Sequence[str]) -> None:
        self.path = folder / "clickhouse"
        self._folder = folder
        self._statements = statements
        made = [each for each in statements if not _ACCESS.match(each)]
        faults = [
            (sql, answer)
            for sql, answer in zip(made, self.ask_as_administrator(made), strict=True)
            if answer.startswith("!")
        ]
        assert faults == []

    def ask_as_administrator(self, queries: Sequence[str]) -> list[str]:
        """Return each query's answer as TSV, or ``!`` and the error's code."""
        return self._ask(self.configure("", "<access_management>1</access_management>"), queries)

    def ask(self, role: str, queries: Sequence[str]) -> list[str]:
        """Return each query's answer to a user who has this role and no other."""
        return self._ask(self.configure(role, self._grants(role)), queries)

    def configure(self, role: str, rights: str = "") -> Path:
        """Write the engine's configuration for a role; return its file."""
        limits = self._limits() if role.startswith("discreet_analyst") else ""
        users = [_user("default", _ANYWHERE, rights or self._grants(role), self._rows("default"))]
        for statement in self._statements:
            if found := _USER.match(statement):
                grants, rows = self._grants(found[1]), self._rows(found[1])
                users.append(_user(found[1], "<networks/>", grants, rows))
        file = self._folder / f"users_{role or 'administrator'}.xml"
        file.write_text(
            f"<clickhouse><profiles><default>{limits}</default></profiles>"
            f"<users>{''.join(users)}</users><quotas><default/></quotas></clickhouse>"
        )
        config = file.with_name(f"config_{file.name}")
        config.write_text(f"<clickhouse><users_config>{file}</users_config></clickhouse>")
        return config

    def _ask(self, config: Path, queries: Sequence[str]) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", _WORKER, str(self.path), str(config)],
            input=json.dumps(queries).encode(),
            capture_output=True,
            timeout=120,
            check=False,
            cwd=self._folder,
        )
        assert done.returncode == 0, done.stderr.decode()
        answers: list[str] = json.loads(done.stdout)
        return answers

    def _grants(self, to: str) -> str:
        granted = [
            found[1]
            for statement in self._statements
            if (found := _GRANT.fullmatch(statement)) and to in found[2].split(", ")
        ]
        queries = "".join(f"<query>{escape(each)}</query>" for each in granted)
        return f"<grants>{queries}</grants>" if granted else ""

    def _rows(self, user: str) -> str:
        for statement in self._statements:
            found = _ROWS.fullmatch(statement)
            if found is None:
                continue
            to, _, besides = found[2].partition("ALL EXCEPT ")
            if user in (to.split(", ") if to else ()) or (
                besides and user not in besides.split(", ")
            ):
                return (
                    "<databases><discreet><cells>"
                    f"<filter>{escape(found[1])}</filter></cells></discreet></databases>"
                )
        return ""

    def _limits(self) -> str:
        (settings,) = [found[1] for each in self._statements if (found := _PROFILE.match(each))]
        values, constraints = [], []
        for name, word, number, least, most, kind in _SETTING.findall(settings):
            values.append(f"<{name}>{word or number}</{name}>")
            bounds = (f"<min>{least}</min>" if least else "") + (
                f"<max>{most}</max>" if most else ""
            )
            bounds += "<readonly/>" if kind == "CONST" else ""
            constraints.append(f"<{name}>{bounds}</{name}>")
        assert len(values) == settings.count(" = ")
        return f"{''.join(values)}<constraints>{''.join(constraints)}</constraints>"


def _user(name: str, networks: str, rights: str, rows: str) -> str:
    return (
        f"<{name}><no_password/>{networks}<profile>default</profile><quota>default</quota>"
        f"{rights}{rows}</{name}>"
    )
