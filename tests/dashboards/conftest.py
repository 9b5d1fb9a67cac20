"""The dashboard over tables of a test's own, its readers, and a real browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from argon2 import PasswordHasher, profiles
from playwright.sync_api import Browser, BrowserContext
from starlette.applications import Starlette
from starlette.requests import Request

from anonymizer.policy import Policy
from collector.annotations import Annotations
from collector.audit import AuditLog
from collector.audit_trail import AuditTrail
from collector.email.campaigns import Campaigns
from collector.schema.views import columns_of
from collector.site_marks import SiteMarks
from dashboards.app import dashboard_routes
from dashboards.asking.answering import Asker
from dashboards.privacy.page import PrivacySources
from people.open_sessions import OpenSessions
from people.people import People
from people.roles import Role
from people.second_factors import SecondFactors
from people.shares import Shares
from people.user_file import UserFile
from people.users import Users
from tests.browsing import Serve
from tests.dashboards.facts import Facts
from tests.dashboards.reader import PASSWORD, Clock, Reader
from tests.dashboards.traffic import TRAFFIC
from tests.dashboards.views import Store, make_policy
from tests.dashboards.windows import OpenWindow, Watched

CHEAPEST_HASHER = PasswordHasher.from_parameters(profiles.CHEAPEST)

EMPTY: dict[str, list[tuple[object, ...]]] = {}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    # Closed with the module: a process has room for one engine, and others want theirs.
    engine = Store(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()


@pytest.fixture
def store(engine: Store, request: pytest.FixtureRequest) -> Store:
    """Give the tables, empty; or with a year of traffic where the test asks for `stored`."""
    # Decided here, for filling them anew for each test takes most of its time.
    engine.hold(TRAFFIC.rows if "stored" in request.fixturenames else EMPTY)
    return engine


@pytest.fixture
def stored(store: Store) -> Store:
    return store


@pytest.fixture
def people(tmp_path: Path) -> People:
    """Make the first user: ``owner``, with PASSWORD."""
    file = UserFile(tmp_path / "logins.sqlite")
    users = Users(file, lambda _: PASSWORD, CHEAPEST_HASHER)
    users.first_run()
    shares = Shares(file, hasher=CHEAPEST_HASHER)
    return People(users, SecondFactors(file), OpenSessions(file), shares)


@pytest.fixture
def trail(tmp_path: Path) -> AuditTrail:
    folder = tmp_path / "audit"
    return AuditTrail(AuditLog(folder), folder)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def facts() -> Facts:
    return Facts()


MakeApp = Callable[[Policy], Starlette]


@pytest.fixture
def make_app(
    store: Store, people: People, trail: AuditTrail, clock: Clock, tmp_path: Path, facts: Facts
) -> MakeApp:
    def make_app(policy: Policy) -> Starlette:
        asker = Asker(store.query, policy, columns_of, lambda _: ())
        marks = marks_in(tmp_path, policy, clock)
        return Starlette(
            routes=dashboard_routes(
                asker,
                policy,
                people,
                trail,
                network_of,
                clock,
                marks=marks,
                encode=store.encode,
                privacy=PrivacySources(store.query, columns_of, facts.told()),
            )
        )

    return make_app


def marks_in(folder: Path, policy: Policy, clock: Clock) -> SiteMarks:
    """Give what is marked on charts, kept in a folder."""
    annotations = Annotations(folder / "annotations.sqlite", policy)
    campaigns = Campaigns(folder / "email.sqlite", policy)
    return SiteMarks(annotations, campaigns, policy, lambda: int(clock().timestamp()))


def network_of(request: Request) -> str:
    """Take the network as the test's reader says it is."""
    return request.headers.get("x-network", "192.0.2.0")


@pytest.fixture
def app(make_app: MakeApp) -> Starlette:
    return make_app(make_policy())


OpenReader = Callable[[Starlette], Reader]


@pytest.fixture
def open_reader() -> Iterator[OpenReader]:
    with ExitStack() as stack:

        def open_reader(app: Starlette) -> Reader:
            reader = Reader(app)
            stack.callback(reader.close)
            return reader

        yield open_reader


LogInAs = Callable[..., Reader]
THEIRS = "a password of theirs"


@pytest.fixture
def log_in_as(people: People, app: Starlette, open_reader: OpenReader) -> LogInAs:
    """Give a way to make the user ``ana`` of a role and sites, and to log her in."""

    def log_in_as(role: Role, *sites: str) -> Reader:
        people.users.add("ana", role, sites, THEIRS)
        reader = open_reader(app)
        assert reader.try_login("ana", THEIRS).status_code == 303
        return reader

    return log_in_as


@pytest.fixture
def stranger(app: Starlette, open_reader: OpenReader) -> Reader:
    """Give a reader who has not logged in."""
    return open_reader(app)


@pytest.fixture
def analyst(stranger: Reader) -> Reader:
    """Give a reader who has logged in."""
    assert stranger.try_login("owner", PASSWORD).status_code == 303
    return stranger


@pytest.fixture
def open_window(chromium: Browser, serve: Serve, app: Starlette) -> Iterator[OpenWindow]:
    contexts: list[BrowserContext] = []
    origin = serve(app)

    def open_window(scripts: bool = True, width: int = 1200, scheme: str = "light") -> Watched:
        context = chromium.new_context(
            java_script_enabled=scripts,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        contexts.append(context)
        window = Watched(context, origin)
        window.log_in()
        return window

    yield open_window
    for context in contexts:
        context.close()
