"""Logging in, by password and then by code, and out again; and who a request is asked by."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboards.address.selection import PATH
from dashboards.logins.forms import FormError, read_form, read_place
from dashboards.logins.sessions import Session, Sessions
from dashboards.logins.throttle import WINDOW, Throttle
from dashboards.notes import Notes
from dashboards.pages import go_to, keep_language, show, show_fault, words_of
from dashboards.words import message
from people.people import People
from people.roles import Person
from people.trail import Did
from people.users import MAX_NAME, User

LOGIN = f"{PATH}/login"
CODE = f"{LOGIN}/code"
LOGOUT = f"{PATH}/logout"

MAX_NETWORK_FAILURES = 30
"""Of one network within WINDOW, over all names."""
CODE_WINDOW = timedelta(hours=1)
"""Three codes of a million are valid at a time: five tries an hour find one in seven years."""

_Form = Mapping[str, str]


class LoggingIn:
    """Lets readers in and out."""

    def __init__(
        self,
        people: People,
        notes: Notes,
        network_of: Callable[[Request], str],
        now: Callable[[], datetime],
    ) -> None:
        self._people = people
        self._notes = notes
        self._network_of = network_of
        self._now = now
        self._sessions = Sessions(people.users.session_secret(), people.sessions)
        self._names = Throttle()
        self._networks = Throttle(MAX_NETWORK_FAILURES, WINDOW)
        self._codes = Throttle(window=CODE_WINDOW)
        # One at a time: a check takes 64 MiB.
        self._checks = CapacityLimiter(1)

    def routes(self) -> list[BaseRoute]:
        """Return the routes of login and logout."""
        return [
            Route(LOGIN, self._login_form, methods=["GET"]),
            Route(LOGIN, _with_form(self._log_in), methods=["POST"]),
            Route(CODE, self._code_form, methods=["GET"]),
            Route(CODE, _with_form(self._check_code), methods=["POST"]),
            Route(LOGOUT, _with_form(self._log_out), methods=["POST"]),
        ]

    async def reader_of(self, request: Request) -> tuple[Person, str] | None:
        """Return who asks and the token of their forms; None when nobody is logged in."""
        session = await self._sessions.read(request, self._now())
        if session is None or session.user is None or not session.is_whole:
            return None
        return session.user.person, self._sessions.form_token(session)

    async def _login_form(self, request: Request) -> Response:
        place = read_place(request.query_params.get("next", ""))
        if await self.reader_of(request):
            return go_to(place)
        return await self._show_login(request, 200, place, "")

    async def _log_in(self, request: Request, form: _Form) -> Response:
        now = self._now()
        place = read_place(form.get("next", ""))
        session = await self._sessions.read(request, now)
        if not self._sessions.is_own_form(session, form.get("token", "")):
            return await self._show_login(
                request, 403, place, message("This form had expired. Please try again.")
            )
        name, network = form.get("name", "")[:MAX_NAME], self._network_of(request)
        wait = max(self._names.wait_seconds(name, now), self._networks.wait_seconds(network, now))
        if wait:
            answer = await self._show_login(request, 429, place, _told_to_wait(request, wait))
            answer.headers["Retry-After"] = str(wait)
            return answer
        # Counted before the check and forgiven after it, so that tries sent at once all count.
        self._names.failed(name, now)
        self._networks.failed(network, now)
        user = await self._check(name, form.get("password", ""))
        if user is None:
            return await self._show_login(
                request, 401, place, message("Name and password do not match.")
            )
        self._names.passed(name)
        self._networks.took_back(network)
        if not user.has_second_factor:
            return await self._let_in(request, user, place)
        return await self._begin(
            request, user, f"{CODE}?{urlencode({'next': place})}", is_whole=False
        )

    async def _check(self, name: str, password: str) -> User | None:
        """Return the user of a name where the password is right; note a wrong one of a user."""
        users = self._people.users
        user = await to_thread.run_sync(users.find, name)
        if await to_thread.run_sync(users.check, name, password, limiter=self._checks):
            return user
        # A name that nobody has is not noted: it may be a password in the wrong field.
        if user is not None:
            await self._notes.note(name, Did.FAILED)
        return None

    async def _code_form(self, request: Request) -> Response:
        session = await self._sessions.read(request, self._now())
        place = read_place(request.query_params.get("next", ""))
        if session is None or session.user is None or session.is_whole:
            return go_to(f"{LOGIN}?{urlencode({'next': place})}")
        return self._show_code(request, session, 200, place, "")

    async def _check_code(self, request: Request, form: _Form) -> Response:
        now = self._now()
        place = read_place(form.get("next", ""))
        session = await self._sessions.read(request, now)
        if session is None or session.user is None or session.is_whole:
            return go_to(f"{LOGIN}?{urlencode({'next': place})}")
        if not self._sessions.is_own_form(session, form.get("token", "")):
            return self._show_code(
                request, session, 403, place, message("This form had expired. Please try again.")
            )
        name = session.user.person.name
        wait = self._codes.wait_seconds(name, now)
        if wait:
            answer = self._show_code(request, session, 429, place, _told_to_wait(request, wait))
            answer.headers["Retry-After"] = str(wait)
            return answer
        self._codes.failed(name, now)
        accept, code = self._people.second_factors.accept, form.get("code", "")
        if not await to_thread.run_sync(accept, name, code, int(now.timestamp())):
            await self._notes.note(name, Did.FAILED)
            return self._show_code(
                request, session, 401, place, message("This code is not valid, or was used.")
            )
        self._codes.passed(name)
        await self._sessions.end(session)
        return await self._let_in(request, session.user, place)

    async def _log_out(self, request: Request, form: _Form) -> Response:
        session = await self._sessions.read(request, self._now())
        if session is None or not self._sessions.is_own_form(session, form.get("token", "")):
            return show_fault(
                words_of(request),
                403,
                message("This form had expired; go back and reload the page."),
            )
        await self._sessions.end(session)
        if session.user is not None:
            await self._notes.note(session.user.person.name, Did.LOGGED_OUT)
        answer = go_to(LOGIN)
        self._sessions.take_back(answer, request)
        return answer

    async def _let_in(self, request: Request, user: User, place: str) -> Response:
        await self._notes.note(user.person.name, Did.LOGGED_IN)
        return await self._begin(request, user, place, is_whole=True)

    async def _begin(self, request: Request, user: User, place: str, *, is_whole: bool) -> Response:
        session = await self._sessions.begin(user, self._now(), is_whole=is_whole)
        if session is None:
            return await self._show_login(request, 401, PATH, message("Please log in again."))
        answer = go_to(place)
        self._sessions.write(answer, session, request)
        return answer

    async def _show_login(
        self, request: Request, status: int, place: str, sentence: str
    ) -> Response:
        # An earlier form, open in another tab, stays good: its session is gone on with.
        session = await self._sessions.read(request, self._now())
        if session is None or session.user is not None:
            session = self._sessions.begin_nameless(self._now())
        token = self._sessions.form_token(session)
        values = {"token": token, "place": place, "fault": words_of(request)(sentence)}
        answer = show(words_of(request), "login.html", values, status)
        self._sessions.write(answer, session, request)
        return keep_language(request, answer)

    def _show_code(
        self, request: Request, session: Session, status: int, place: str, sentence: str
    ) -> Response:
        token = self._sessions.form_token(session)
        values = {"token": token, "place": place, "fault": words_of(request)(sentence)}
        return show(words_of(request), "code.html", values, status)


def _with_form(
    take: Callable[[Request, _Form], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that reads the posted form, or says what is wrong with it."""

    async def answer(request: Request) -> Response:
        try:
            form = await read_form(request)
        except FormError as error:
            return show_fault(words_of(request), error.status, str(error))
        return await take(request, form)

    return answer


def _told_to_wait(request: Request, seconds: int) -> str:
    return words_of(request).count(
        "Too many failed logins. Please wait {count} minute.",
        "Too many failed logins. Please wait {count} minutes.",
        -(-seconds // 60),
    )
