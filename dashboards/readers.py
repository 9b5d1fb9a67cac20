"""Who asks for a page, what they may see, and in which language; and the guard before each page."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from anonymizer.policy import Policy
from dashboards.address.selection import PATH, SelectionError
from dashboards.asking.unanswerable import Unanswerable
from dashboards.logins.forms import FormError, read_place
from dashboards.logins.logging_in import LOGIN, LoggingIn
from dashboards.pages import go_to, show_fault, words_of
from dashboards.words import Words, message
from people.roles import Person, Right

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is logged in, and what they may see."""

    person: Person
    token: str
    """What their forms carry."""
    policy: Policy
    """The policy with their sites alone; it has one at least."""
    words: Words
    path: str = PATH
    """Where their pages are; those of a shared link are below it."""

    @property
    def is_guest(self) -> bool:
        """Tell whether they hold a shared link and have no login."""
        return self.path != PATH


Page = Callable[[Request, Reader], Awaitable[Response]]

_LACKING = {
    Right.AUDIT: message("Your role does not see the audit trail."),
    Right.EXPORTS: message("Your role does not export reports."),
    Right.SQL: message("Your role does not ask by SQL."),
    Right.ANNOTATIONS: message("Your role writes no annotations."),
    Right.SHARES: message("Your role shares no links."),
    Right.PEOPLE: message("Your role does not see who has access."),
}


class Readers:
    """Knows the readers of one policy's sites."""

    def __init__(self, policy: Policy, logging_in: LoggingIn) -> None:
        self._policy = policy
        self._logging_in = logging_in

    def guard(self, page: Page, right: Right | None = None) -> Endpoint:
        """Return an endpoint that shows `page` to who is logged in and has the right.

        Others are sent to the login. Addresses that ask for nothing there is, questions that
        nothing answers and forms that are not ours are told in one sentence.
        """

        async def answer(request: Request) -> Response:
            reader = await self._reader_of(request)
            if reader is None:
                return go_to(f"{LOGIN}?{urlencode({'next': _place_of(request)})}")
            if not reader.policy.sites:
                sentence = message("The policy has no site that you may see.")
                return show_fault(reader.words, 403, sentence)
            if right is not None and not reader.person.may(right):
                return show_fault(reader.words, 403, _LACKING[right])
            return await ask_page(page, request, reader)

        return answer

    async def _reader_of(self, request: Request) -> Reader | None:
        found = await self._logging_in.reader_of(request)
        if found is None:
            return None
        person, token = found
        sites = {site: held for site, held in self._policy.sites.items() if person.sees(site)}
        policy = msgspec.structs.replace(self._policy, sites=sites)
        return Reader(person, token, policy, words_of(request))


async def ask_page(page: Page, request: Request, reader: Reader) -> Response:
    """Return a page, or one sentence where the request asks for nothing that there is."""
    try:
        return await page(request, reader)
    except SelectionError as error:
        return show_fault(reader.words, 400, str(error), reader.path)
    except FormError as error:
        return show_fault(reader.words, error.status, str(error), reader.path)
    except Unanswerable:
        sentence = message("This can't be asked: no policy could answer it.")
        return show_fault(reader.words, 400, sentence, reader.path)


def _place_of(request: Request) -> str:
    return read_place(f"{request.url.path}?{request.url.query}".rstrip("?"))
