"""`discreet user`: add, list, change and remove who may see the dashboard."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from collector.commands import CommandFailed, read_password, read_policy_of_sites
from collector.commands.local_trail import note_local
from collector.data_dir import DataDir
from people.people import People
from people.roles import Role, write_access
from people.trail import Did
from people.user_file import UsersFailed
from people.users import BadUser, User, Users

_MAX_CODE = 100


def run(options: argparse.Namespace) -> None:
    """Do with the users of a data directory what `options.action` says.

    Raises:
        CommandFailed: there is no data, or the user can't be made, changed or found.
        PolicyFaults: the policy that names the sites has faults.
    """
    if not options.data.is_dir():
        raise CommandFailed(f"{options.data}: there is no data directory")
    data = DataDir(options.data)
    try:
        _ACTIONS[options.action](data, People.open(data.logins), options)
    except (BadUser, UsersFailed) as error:
        raise CommandFailed(str(error)) from None
    except UnicodeEncodeError:  # an argument that is no UTF-8
        raise CommandFailed("name: is that of no user") from None


def _add(data: DataDir, people: People, options: argparse.Namespace) -> None:
    sites = _known_sites(options)
    given = read_password(options.password_file)
    password = given or people.users.new_password()
    role = Role(options.role)
    people.users.add(options.name, role, sites, password)
    report = write_access(role, sites)
    note_local(data, Did.ADDED_USER, report=report, whom=options.name)
    print(f"added {options.name}")
    _tell_password(given, password)


def _list(_: DataDir, people: People, __: argparse.Namespace) -> None:
    table = Table()
    for column in ("name", "role", "sites", "second factor", "last login"):
        table.add_column(column, overflow="fold")
    for user in people.users.all():
        person = user.person
        table.add_row(
            Text(person.name),
            person.role,
            Text(" ".join(sorted(person.sites)) or "every site"),
            "yes" if user.has_second_factor else "no",
            user.last_login.isoformat() if user.last_login else "-",
        )
    Console(highlight=False).print(table)


def _role(data: DataDir, people: People, options: argparse.Namespace) -> None:
    if options.all_sites and options.site:
        raise CommandFailed("--site: can't be given with --all-sites")
    if not (options.role or options.site or options.all_sites):
        raise CommandFailed("--role: must be given, or --site, or --all-sites")
    person = _find(people.users, options.name).person
    role = Role(options.role) if options.role else person.role
    kept = frozenset[str]() if options.all_sites else person.sites
    sites = _known_sites(options) or kept
    people.users.set_role(options.name, role, sites)
    note_local(data, Did.CHANGED_USER, report=write_access(role, sites), whom=options.name)
    print(f"changed {options.name}")


def _password(data: DataDir, people: People, options: argparse.Namespace) -> None:
    given = read_password(options.password_file)
    password = given or people.users.new_password()
    people.users.set_password(options.name, password)
    note_local(data, Did.RENEWED, whom=options.name)
    print(f"changed {options.name}")
    _tell_password(given, password)


def _totp(data: DataDir, people: People, options: argparse.Namespace) -> None:
    if options.off:
        people.second_factors.drop(options.name)
        note_local(data, Did.TOOK_FACTOR, whom=options.name)
        print(f"{options.name} logs in by password alone")
        return
    offered = people.second_factors.offer(options.name)
    print(f"for the authenticator  {offered.uri}")
    print(f"or typed in            {offered.raw_secret}")
    print("the code that it shows now: ", end="", flush=True)
    raw_code = sys.stdin.readline(_MAX_CODE)
    if not people.second_factors.enrol(options.name, offered, raw_code, int(time.time())):
        print()
        raise CommandFailed("code: is not the one of this moment; nothing was changed")
    note_local(data, Did.GAVE_FACTOR, whom=options.name)
    print("\nin force. recovery codes, good for one login each (shown this once):")
    for code in offered.raw_recovery_codes:
        print(f"  {code}")


def _remove(data: DataDir, people: People, options: argparse.Namespace) -> None:
    people.users.remove(options.name)
    note_local(data, Did.REMOVED_USER, whom=options.name)
    print(f"removed {options.name}")


_ACTIONS: dict[str, Callable[[DataDir, People, argparse.Namespace], None]] = {
    "add": _add,
    "list": _list,
    "role": _role,
    "password": _password,
    "totp": _totp,
    "remove": _remove,
}


def _find(users: Users, name: str) -> User:
    user = users.find(name)
    if user is None:
        raise CommandFailed("name: is that of no user")
    return user


def _known_sites(options: argparse.Namespace) -> Sequence[str]:
    """Return the sites that were given, each of which the policy has."""
    if not options.site:
        return ()
    if not read_policy_of_sites(options).sites.keys() >= set(options.site):
        raise CommandFailed("--site: is the domain of no site of the policy")
    return tuple(options.site)


def _tell_password(given: str, password: str) -> None:
    if not given:
        print(f"password {password}   (shown this once)")
