"""De-identification as a whole, for tests of what must hold of it."""

from collections.abc import Iterator

from msgspec.structs import asdict

from anonymizer.deidentify import DaySalts, Tables, deidentify
from anonymizer.hits import CleanHit, LocalSeconds, RawHit
from anonymizer.visitor_key import keyed_hash
from collector.reference import load_agents, load_tables
from tests.collector.hits import SITE, make_policy

POLICY = make_policy()
AGENTS = load_agents()
TABLES = load_tables()
SALT, OTHER_SALT = bytes(range(32)), bytes(range(1, 33))
LEAST_PIECE = 6


def clean(raw: RawHit, salt: bytes = SALT, before: bytes | None = None) -> CleanHit:
    """De-identify a hit without what earlier ones left in memory."""
    tables = Tables(TABLES.sources, TABLES.zones, TABLES.country_of_network)
    salts = DaySalts(keyed_hash(salt), None if before is None else keyed_hash(before))
    agent = AGENTS.read_agent(raw.raw_agent)
    site = POLICY.sites[SITE]
    return deidentify(raw, agent, LocalSeconds(raw.time), site, POLICY, salts, tables)


def told(hit: CleanHit) -> dict[str, object]:
    """Return what goes on of a hit: all but its keys and its moment."""
    gone = {"visitor", "visitor_before", "time", "local"}
    campaign = {f"campaign {name}": value for name, value in asdict(hit.campaign).items()}
    own = {name: value for name, value in asdict(hit).items() if name not in gone | {"campaign"}}
    return own | campaign


def words(hit: CleanHit) -> str:
    return "\n".join(str(value) for value in told(hit).values())


def pieces_of(identifier: str) -> Iterator[str]:
    """Yield what of an identifier may not be left: every 6 characters that are its own."""
    core = identifier.partition("@")[0]
    core = core.removeprefix("eyJhbGciOiJIUzI1NiJ9.").removesuffix(".c2ln")
    for start in range(len(core) - LEAST_PIECE + 1):
        yield core[start : start + LEAST_PIECE].lower()
