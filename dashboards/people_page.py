"""`/dashboard/people`: who may see the numbers, added, changed and removed by owners."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboards.address.selection import PATH, SelectionError
from dashboards.logins.forms import read_own_form
from dashboards.logins.throttle import WINDOW, Throttle
from dashboards.notes import Notes
from dashboards.pages import go_to, show, show_fault
from dashboards.readers import Reader, Readers
from dashboards.words import PARAMETER, Words, message
from people.people import People
from people.roles import Right, Role, write_access
from people.trail import Did
from people.users import BadUser, LastOwner, UnknownUser, User

PEOPLE = f"{PATH}/people"
MAX_CHANGES = 30
"""Of one owner within WINDOW: who took over a session can't do all at once."""

ROLES = {
    Role.OWNER: message("owner"),
    Role.ANALYST: message("analyst"),
    Role.VIEWER: message("viewer"),
    Role.AUDITOR: message("auditor"),
}
_MAY = {
    Role.VIEWER: message("viewer: reports"),
    Role.ANALYST: message("analyst: also exports, SQL, annotations"),
    Role.AUDITOR: message("auditor: reports and the audit trail"),
    Role.OWNER: message("owner: everything, of every site"),
}
_SITE = "site:"
"""How fields begin that tick a site."""

_FAULTS = {
    "name": message(
        "The name must be 1 to 100 letters, digits, dots, hyphens, underscores, + and @, and no"
        " other user’s."
    ),
    "role": message("Choose a role."),
    "sites": message("Tick either every site or single ones."),
    "site": message("An owner sees every site."),
}
_LAST_OWNER = message("This is the last owner: make another one first.")
_GONE = message("There is no such user any more.")
_TOO_MANY = message("Too many changes at once. Please wait a few minutes.")


class _ShownUser(Struct, frozen=True):
    name: str
    role: str
    sites: str
    second_factor: str
    last_login: str
    address: str
    """Where the user is changed."""


class _Access(Struct, frozen=True):
    """What a form for a user shows: role and sites."""

    name: str
    role: str
    has_all: bool
    sites: tuple[tuple[str, bool], ...]
    """Domains, and whether each is ticked."""
    has_second_factor: bool = False


class _Given(Struct, frozen=True):
    """A password that is shown this once."""

    name: str
    password: str


def people_page_routes(
    readers: Readers, people: People, notes: Notes, now: Callable[[], datetime]
) -> list[BaseRoute]:
    """Return the routes of the page and its forms; `now` carries a zone."""
    page = _PeoplePage(people, notes, now)
    changes: dict[str, _Change] = {
        "": page.add,
        "/access": page.set_access,
        "/password": page.renew,
        "/factor": page.take_factor,
        "/remove": page.remove,
    }
    return [
        Route(PEOPLE, readers.guard(page.show, Right.PEOPLE), methods=["GET"]),
        *(
            Route(
                f"{PEOPLE}{path}",
                readers.guard(page.guarded(change), Right.PEOPLE),
                methods=["POST"],
            )
            for path, change in changes.items()
        ),
    ]


_Change = Callable[[Reader, Mapping[str, str]], Awaitable[Response]]


class _PeoplePage:
    def __init__(self, people: People, notes: Notes, now: Callable[[], datetime]) -> None:
        self._users = people.users
        self._factors = people.second_factors
        self._notes = notes
        self._now = now
        self._changes = Throttle(MAX_CHANGES, WINDOW)
        # One at a time: hashing a password takes 64 MiB.
        self._hashing = CapacityLimiter(1)

    async def show(self, request: Request, reader: Reader) -> Response:
        asked = request.query_params.multi_items()
        if not {name for name, _ in asked} <= {"user", PARAMETER} or len(asked) > 2:
            raise SelectionError(
                message("The address has a parameter that the dashboard does not know.")
            )
        await self._notes.note(reader.person.name, Did.LOOKED, report="people")
        name = dict(asked).get("user")
        if name is None:
            return await self._show(reader, 200)
        found = await to_thread.run_sync(self._users.find, name)
        if found is None:
            return show_fault(reader.words, 404, _GONE)
        return await self._show(reader, 200, chosen=_access_of(found, reader))

    def guarded(self, change: _Change) -> Callable[[Request, Reader], Awaitable[Response]]:
        """Return what reads a form of the reader's own and makes its change, not too often."""

        async def answer(request: Request, reader: Reader) -> Response:
            users = await to_thread.run_sync(self._users.all)
            held = {site for user in users for site in user.person.sites}
            sites = len(held | {str(domain) for domain in reader.policy.sites})
            form = await read_own_form(request, reader.token, sites)
            now, name = self._now(), reader.person.name
            if wait := self._changes.wait_seconds(name, now):
                refused = show_fault(reader.words, 429, _TOO_MANY)
                refused.headers["Retry-After"] = str(wait)
                return refused
            self._changes.failed(name, now)
            try:
                return await change(reader, form)
            except UnknownUser:
                return show_fault(reader.words, 404, _GONE)

        return answer

    async def add(self, reader: Reader, form: Mapping[str, str]) -> Response:
        name, password = form.get("name", ""), self._users.new_password()
        try:
            role, sites = _read_access(form, reader.policy.sites)
            await to_thread.run_sync(
                self._users.add, name, role, sites, password, limiter=self._hashing
            )
        except BadUser as error:
            return await self._show(reader, 400, form=form, fault=_sentence(error))
        await self._note(reader, Did.ADDED_USER, name, write_access(role, sites))
        return await self._show(reader, 200, given=_Given(name, password))

    async def set_access(self, reader: Reader, form: Mapping[str, str]) -> Response:
        user = await self._find(form)
        held = user.person.sites | {str(domain) for domain in reader.policy.sites}
        try:
            role, sites = _read_access(form, held)
            await to_thread.run_sync(self._users.set_role, user.person.name, role, sites)
        except UnknownUser:
            raise
        except BadUser as error:
            return await self._show_fault(reader, user, error, form)
        report = write_access(role, sites)
        await self._note(reader, Did.CHANGED_USER, user.person.name, report)
        return go_to(PEOPLE)

    async def renew(self, reader: Reader, form: Mapping[str, str]) -> Response:
        user = await self._find(form)
        name, password = user.person.name, self._users.new_password()
        await to_thread.run_sync(self._users.set_password, name, password, limiter=self._hashing)
        await self._note(reader, Did.RENEWED, name)
        return await self._show(reader, 200, given=_Given(name, password))

    async def take_factor(self, reader: Reader, form: Mapping[str, str]) -> Response:
        user = await self._find(form)
        await to_thread.run_sync(self._factors.drop, user.person.name)
        await self._note(reader, Did.TOOK_FACTOR, user.person.name)
        return go_to(_address_of(user))

    async def remove(self, reader: Reader, form: Mapping[str, str]) -> Response:
        user = await self._find(form)
        try:
            await to_thread.run_sync(self._users.remove, user.person.name)
        except LastOwner as error:
            return await self._show_fault(reader, user, error)
        await self._note(reader, Did.REMOVED_USER, user.person.name)
        return go_to(PEOPLE)

    async def _find(self, form: Mapping[str, str]) -> User:
        found = await to_thread.run_sync(self._users.find, form.get("name", ""))
        if found is None:
            raise UnknownUser
        return found

    async def _note(self, reader: Reader, did: Did, whom: str, report: str = "") -> None:
        await self._notes.note(reader.person.name, did, report=report, whom=whom)

    async def _show_fault(
        self, reader: Reader, user: User, error: BadUser, form: Mapping[str, str] | None = None
    ) -> Response:
        chosen = _access_of(user, reader, form)
        return await self._show(reader, 400, chosen=chosen, fault=_sentence(error))

    async def _show(
        self,
        reader: Reader,
        status: int,
        *,
        chosen: _Access | None = None,
        form: Mapping[str, str] | None = None,
        fault: str = "",
        given: _Given | None = None,
    ) -> Response:
        users = await to_thread.run_sync(self._users.all)
        words = reader.words
        sites = [str(domain) for domain in reader.policy.sites]
        values = {
            "users": [_write_user(words, user) for user in users],
            "chosen": chosen,
            "new": _read_back(form or {"role": Role.VIEWER, "all": "yes"}, sites),
            "roles": [(role.value, words(text)) for role, text in _MAY.items()],
            "given": given,
            "fault": words(fault) if fault else "",
            "page_address": PEOPLE,
            "token": reader.token,
            "name": reader.person.name,
        }
        return show(words, "people.html", values, status)


def _read_access(form: Mapping[str, str], allowed: Collection[str]) -> tuple[Role, Collection[str]]:
    """Read role and sites; no sites means every one, which has to be ticked.

    Raises:
        BadUser: there is no such role or site, or none is ticked.
    """
    if form.get("role") not in set(Role):
        raise BadUser("role: is none")
    role = Role(form["role"])
    sites = {name.removeprefix(_SITE) for name in form if name.startswith(_SITE)}
    if role is not Role.OWNER and bool(form.get("all")) is bool(sites):
        raise BadUser("sites: must be every one, or some")
    if not sites <= set(map(str, allowed)):
        raise BadUser("sites: must be of the policy")
    return role, sites


def _read_back(form: Mapping[str, str], sites: Collection[str]) -> _Access:
    """Return what was written into a form, to be shown again."""
    return _Access(
        form.get("name", ""),
        form.get("role", ""),
        bool(form.get("all")),
        tuple((site, f"{_SITE}{site}" in form) for site in sites),
    )


def _access_of(user: User, reader: Reader, form: Mapping[str, str] | None = None) -> _Access:
    """Return what a user may see, or what a form says instead."""
    person = user.person
    sites = [str(domain) for domain in reader.policy.sites]
    sites += sorted(person.sites.difference(sites))  # those that left the policy
    written = form or {
        "role": person.role,
        **({} if person.sites else {"all": "yes"}),
        **{f"{_SITE}{site}": "yes" for site in person.sites},
    }
    shown = _read_back(written, sites)
    return _Access(person.name, shown.role, shown.has_all, shown.sites, user.has_second_factor)


def _sentence(error: BadUser) -> str:
    if isinstance(error, LastOwner):
        return _LAST_OWNER
    return _FAULTS.get(str(error).partition(":")[0], _FAULTS["name"])


def _address_of(user: User) -> str:
    return f"{PEOPLE}?{urlencode({'user': user.person.name})}"


def _write_user(words: Words, user: User) -> _ShownUser:
    person = user.person
    return _ShownUser(
        name=person.name,
        role=words(ROLES[person.role]),
        sites=", ".join(sorted(person.sites)) or words("every site"),
        second_factor=words("yes") if user.has_second_factor else words("no"),
        last_login=words.day(user.last_login) if user.last_login else words("never, or not known"),
        address=_address_of(user),
    )
