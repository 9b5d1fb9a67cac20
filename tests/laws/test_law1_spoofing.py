"""Law 1, of what a client may claim: an address or an agent that it sends is not believed.

Neither headers from a peer that is no trusted proxy, nor fields of a body or a query.
"""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from tests.running import FIREFOX, Server, hit

CLAIMED = "203.0.113.9"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
PEER = "127.0.9.1"
PROXY = "127.0.8.1"

HEADERS: dict[str, dict[str, str]] = {
    name: {name: value}
    for name, value in {
        "X-Forwarded-For": CLAIMED,
        "Forwarded": f"for={CLAIMED}",
        "X-Real-IP": CLAIMED,
        "X-Client-IP": CLAIMED,
        "Client-IP": CLAIMED,
        "True-Client-IP": CLAIMED,
        "CF-Connecting-IP": CLAIMED,
        "Fly-Client-IP": CLAIMED,
        "X-Cluster-Client-IP": CLAIMED,
        "X-Forwarded": f"for={CLAIMED}",
        "X-ProxyUser-Ip": CLAIMED,
        "Via": f"1.1 {CLAIMED}",
        "X-Original-User-Agent": SAFARI,
        "X-Device-User-Agent": SAFARI,
        "X-Forwarded-User-Agent": SAFARI,
        "Sec-CH-UA": '"Safari";v="17"',
        "Sec-CH-UA-Platform": '"iOS"',
        "Sec-CH-UA-Mobile": "?1",
    }.items()
}
FIELDS: dict[str, object] = {
    **dict.fromkeys(("ip", "address", "client_ip", "remote_addr", "uip"), CLAIMED),
    **dict.fromkeys(("ua", "user_agent", "userAgent", "agent"), SAFARI),
    "headers": {"User-Agent": SAFARI, "X-Forwarded-For": CLAIMED},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("spoofing"), options=("--trusted-proxy", PROXY)) as server:
        yield server


def client(server: Server, source: str) -> httpx.Client:
    transport = httpx.HTTPTransport(local_address=source)
    return httpx.Client(
        transport=transport, base_url=server.url, headers={"User-Agent": FIREFOX}, timeout=10
    )


def visitors(server: Server) -> dict[str, str]:
    """Return what the store tells of visitors: their networks, devices and number."""
    return {
        "networks": server.query(
            "SELECT network, sum(visitors) FROM networks GROUP BY 1 ORDER BY 1"
        ),
        "devices": server.query("SELECT DISTINCT device, browser, os FROM devices ORDER BY ALL"),
        "traffic": server.query("SELECT sum(visitors) FROM traffic"),
    }


def test_claims_of_a_client_change_nothing_that_is_told_of_it(server: Server) -> None:
    with client(server, PEER) as honest:
        honest.post("/api/event", json=hit("/a")).raise_for_status()
    server.wait_for("SELECT sum(views) FROM traffic", "1\n")
    before = visitors(server)
    sent = 0

    with client(server, PEER) as claiming:
        everything: dict[str, str] = {k: v for each in HEADERS.values() for k, v in each.items()}
        for headers in (*HEADERS.values(), everything):
            for _ in range(2):
                claiming.post("/api/event", json=hit("/a"), headers=headers).raise_for_status()
            claiming.get("/pixel.gif?d=example.org&u=/a", headers=headers).raise_for_status()
            sent += 3
        claiming.post("/api/event", json=hit("/a", **FIELDS)).raise_for_status()
        texts = {name: value for name, value in FIELDS.items() if isinstance(value, str)}
        query: Mapping[str, str] = {"d": "example.org", "u": "/a", **texts}
        claiming.get("/pixel.gif", params=query).raise_for_status()
        claiming.post("/api/event", params=texts, json=hit("/a")).raise_for_status()
        sent += 3

    server.wait_for("SELECT sum(views) FROM traffic", f"{1 + sent}\n")
    assert visitors(server) == before
    assert before["networks"] == "127.0.9.0/24\t1\n"
    assert "Firefox" in before["devices"]


BY_THE_PROXY: dict[str, tuple[dict[str, str], str]] = {
    "one hop": ({"X-Forwarded-For": "198.51.100.7"}, "198.51.100.0/24"),
    "a claim before it": ({"X-Forwarded-For": f"{CLAIMED}, 198.51.101.7"}, "198.51.101.0/24"),
    "a proxy behind a proxy": (
        {"X-Forwarded-For": f"{CLAIMED}, 198.51.102.7, {PROXY}"},
        "198.51.102.0/24",
    ),
    "Forwarded": (
        {"Forwarded": f"for={CLAIMED}, for=198.51.103.7;proto=https"},
        "198.51.103.0/24",
    ),
    "other headers beside it": (
        {"X-Forwarded-For": "198.51.104.7", "X-Real-IP": CLAIMED, "Client-IP": CLAIMED},
        "198.51.104.0/24",
    ),
    "two that disagree": (
        {"X-Forwarded-For": "198.51.105.7", "Forwarded": f"for={CLAIMED}"},
        "127.0.8.0/24",
    ),
}


def test_trusted_proxy_tells_its_own_peer_and_no_more(server: Server) -> None:
    before = int(server.query("SELECT sum(views) FROM traffic"))
    with client(server, PROXY) as proxy:
        for headers, _ in BY_THE_PROXY.values():
            proxy.post("/api/event", json=hit("/b"), headers=headers).raise_for_status()

    server.wait_for("SELECT sum(views) FROM traffic", f"{before + len(BY_THE_PROXY)}\n")
    networks = server.query("SELECT DISTINCT network FROM networks").split()
    assert {network for _, network in BY_THE_PROXY.values()} <= set(networks)
    assert "203.0.113.0/24" not in networks
