"""`/dashboard/people`: who may see the numbers, for owners; nothing is changed there."""

from anyio import to_thread
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboards.address.selection import PATH
from dashboards.notes import Notes
from dashboards.pages import show
from dashboards.readers import Reader, Readers
from dashboards.words import Words, message
from people.roles import Right, Role
from people.trail import Did
from people.users import User, Users

PEOPLE = f"{PATH}/people"

_ROLES = {
    Role.OWNER: message("owner"),
    Role.ANALYST: message("analyst"),
    Role.VIEWER: message("viewer"),
    Role.AUDITOR: message("auditor"),
}


class _ShownUser(Struct, frozen=True):
    name: str
    role: str
    sites: str
    second_factor: str
    last_login: str


def people_page_routes(readers: Readers, users: Users, notes: Notes) -> list[BaseRoute]:
    """Return the route of the page."""

    async def page(_: Request, reader: Reader) -> Response:
        await notes.note(reader.person.name, Did.LOOKED, report="people")
        found = await to_thread.run_sync(users.all)
        values = {
            "users": [_write_user(reader.words, user) for user in found],
            "token": reader.token,
            "name": reader.person.name,
        }
        return show(reader.words, "people.html", values)

    return [Route(PEOPLE, readers.guard(page, Right.PEOPLE), methods=["GET"])]


def _write_user(words: Words, user: User) -> _ShownUser:
    person = user.person
    return _ShownUser(
        name=person.name,
        role=words(_ROLES[person.role]),
        sites=", ".join(sorted(person.sites)) or words("every site"),
        second_factor=words("yes") if user.has_second_factor else words("no"),
        last_login=words.day(user.last_login) if user.last_login else words("never, or not known"),
    )
