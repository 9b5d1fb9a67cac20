"""The dashboard over tables of a test's own, its readers, and a real browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from argon2 import PasswordHasher, profiles
from starlette.applications import Starlette

from anonymizer.policy import Policy
from dashboards.app import dashboard_routes
from dashboards.logins import Logins
from tests.dashboards.reader import PASSWORD, Clock, Reader
from tests.dashboards.traffic import TRAFFIC
from tests.dashboards.views import Store, make_policy

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


@pytest.fixture(scope="session")
def logins(tmp_path_factory: pytest.TempPathFactory) -> Logins:
    """Make the first login: ``owner``, with PASSWORD."""
    logins = Logins(
        tmp_path_factory.mktemp("logins") / "logins.db", lambda _: PASSWORD, CHEAPEST_HASHER
    )
    logins.first_run()
    return logins


@pytest.fixture
def clock() -> Clock:
    return Clock()


MakeApp = Callable[[Policy], Starlette]


@pytest.fixture
def make_app(store: Store, logins: Logins, clock: Clock) -> MakeApp:
    return lambda policy: Starlette(routes=dashboard_routes(store.query, policy, logins, clock))


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


@pytest.fixture
def stranger(app: Starlette, open_reader: OpenReader) -> Reader:
    """Give a reader who has not logged in."""
    return open_reader(app)


@pytest.fixture
def analyst(stranger: Reader) -> Reader:
    """Give a reader who has logged in."""
    assert stranger.try_login("owner", PASSWORD).status_code == 303
    return stranger
