"""Reference data: what is shipped, and the country file that an operator may add."""

from pathlib import Path

import pytest

from collector.reference import BadReference, load_tables
from tests.collector.country_file import write_country_file
from tests.running import POLICY, Server, hit, refusal_of


@pytest.mark.parametrize(
    ("network", "country"),
    [
        pytest.param("192.0.2.0/24", "FR", id="network in the file"),
        pytest.param("198.51.100.0/24", "JP", id="another"),
        pytest.param("203.0.113.0/24", None, id="network that the file lacks"),
        pytest.param("2001:db8:1::/48", None, id="IPv6 in a file of IPv4"),
        pytest.param("(unknown)", None, id="no address at all"),
    ],
)
def test_country_file_is_asked_with_the_network(
    tmp_path: Path, network: str, country: str | None
) -> None:
    write_country_file(tmp_path / "countries.mmdb", {"192.0.2.0/24": "FR", "198.51.100.0/24": "JP"})

    lookup = load_tables(tmp_path / "countries.mmdb").country_of_network

    assert lookup is not None
    assert lookup(network) == country


def test_without_a_country_file_nothing_is_looked_up_by_address() -> None:
    assert load_tables().country_of_network is None


@pytest.mark.parametrize(
    "content", [None, b"", b"no database" * 100], ids=["none", "empty", "text"]
)
def test_country_file_that_cant_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "countries.mmdb"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(BadReference, match=r"countries\.mmdb"):
        load_tables(path)


def test_hit_without_a_time_zone_has_the_country_of_its_network(tmp_path: Path) -> None:
    countries = tmp_path / "countries.mmdb"
    write_country_file(countries, {"127.0.0.0/24": "FR"})

    with Server(tmp_path, POLICY, ["--countries", str(countries)]) as server:
        server.send(hit("/a"))
        server.send(hit("/b", tz="Asia/Tokyo"), agent="Mozilla/5.0 Firefox/130.0")

        server.wait_for("SELECT country, views FROM countries ORDER BY country", "FR\t1\nJP\t1\n")


def test_bad_country_file_stops_the_start_in_one_line(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)

    refusal = refusal_of(
        *("serve", "--policy", policy, "--data", tmp_path / "data", "--port", "0"),
        *("--countries", tmp_path / "absent.mmdb"),
    )

    assert "absent.mmdb" in refusal
