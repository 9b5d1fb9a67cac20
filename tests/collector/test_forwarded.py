"""The client's address behind proxies: what they say counts, what a client writes doesn't."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.forwarded import BadNetwork, TrustedProxies
from tests.running import POLICY, Server, hit, refusal_of

PROXIES = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "2001:db8:ffff::/48"])
PROXY = "10.0.0.1"
CLIENT = "198.51.100.7"


def listed(*lines: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", line.encode()) for line in lines]


def forwarded(*lines: str) -> list[tuple[bytes, bytes]]:
    return [(b"forwarded", line.encode()) for line in lines]


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        pytest.param(listed(CLIENT), CLIENT, id="one hop"),
        pytest.param(listed(f"1.2.3.4, {CLIENT}"), CLIENT, id="client wrote one before"),
        pytest.param(listed("1.2.3.4", CLIENT), CLIENT, id="client wrote a line before"),
        pytest.param(listed(f"{CLIENT}, 10.0.0.9"), CLIENT, id="two trusted proxies"),
        pytest.param(listed(f"1.2.3.4, {CLIENT}, 10.0.0.9"), CLIENT, id="both"),
        pytest.param(listed("10.0.0.8, 10.0.0.9"), "10.0.0.8", id="nothing but proxies"),
        pytest.param(listed(f"{CLIENT}:4711"), CLIENT, id="v4 with port"),
        pytest.param(listed("[2001:db8::9]:443"), "2001:db8::9", id="v6 with port"),
        pytest.param(listed("2001:db8::9"), "2001:db8::9", id="v6"),
        pytest.param(listed("fe80::1%eth0"), "fe80::1", id="zone id"),
        pytest.param(listed(f"::ffff:{CLIENT}"), CLIENT, id="v4-mapped"),
        pytest.param(listed(f"{CLIENT}, ::ffff:10.0.0.9"), CLIENT, id="mapped proxy"),
        pytest.param(listed(f"{CLIENT}, unknown"), PROXY, id="unknown hop"),
        pytest.param(listed(f"{CLIENT}, "), PROXY, id="empty hop"),
        pytest.param(listed(f"{CLIENT}, 10.0.0.9, ' OR 1"), PROXY, id="garbage hop"),
        pytest.param(listed(f"garbage, {CLIENT}"), CLIENT, id="garbage left of the client"),
        pytest.param([], PROXY, id="no header"),
        pytest.param(forwarded(f"for={CLIENT}"), CLIENT, id="Forwarded"),
        pytest.param(forwarded(f'for="{CLIENT}:4711"'), CLIENT, id="Forwarded, quoted with port"),
        pytest.param(
            forwarded('For="[2001:db8::9]:1";proto=https'), "2001:db8::9", id="Forwarded v6"
        ),
        pytest.param(forwarded(f"for=1.2.3.4, for={CLIENT};by=10.0.0.1"), CLIENT, id="from right"),
        pytest.param(forwarded(f"for={CLIENT}, for=_hidden"), PROXY, id="obfuscated hop"),
        pytest.param(forwarded("proto=https"), PROXY, id="without for"),
        pytest.param(
            [*forwarded(f"for={CLIENT}"), *listed(CLIENT)], CLIENT, id="both headers agree"
        ),
        pytest.param(
            [*forwarded("for=1.2.3.4"), *listed(CLIENT)], PROXY, id="a client's Forwarded beside"
        ),
    ],
)
def test_address_is_the_first_from_the_right_that_is_no_trusted_proxy(
    headers: list[tuple[bytes, bytes]], address: str
) -> None:
    assert PROXIES.client(PROXY, headers) == address


@pytest.mark.parametrize("peer", [CLIENT, "192.0.2.2", "2001:db8:fffe::1", "unix:", ""])
@pytest.mark.parametrize("headers", [listed("1.2.3.4"), forwarded("for=1.2.3.4")])
def test_peer_that_is_not_trusted_is_not_believed(
    peer: str, headers: list[tuple[bytes, bytes]]
) -> None:
    assert PROXIES.client(peer, headers) == peer


@pytest.mark.parametrize("peer", [PROXY, CLIENT])
def test_without_trusted_proxies_no_header_counts(peer: str) -> None:
    assert TrustedProxies().client(peer, listed("1.2.3.4")) == peer


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8:ffff::7", "::ffff:10.1.2.3"])
def test_proxy_is_known_by_address_network_and_in_v6_form(peer: str) -> None:
    assert PROXIES.client(peer, listed(CLIENT)) == CLIENT


@pytest.mark.parametrize("network", ["", "10.0.0.0/33", "10.0.0.1/8", "proxy.example", "*"])
def test_network_that_is_none_is_refused_without_echo(network: str) -> None:
    with pytest.raises(BadNetwork, match="--trusted-proxy") as refused:
        TrustedProxies([network])

    assert "proxy.example" not in str(refused.value)


@given(st.text(max_size=200), st.lists(st.binary(max_size=80), max_size=5))
def test_client_before_a_trusted_proxy_can_write_what_it_likes(
    text: str, lines: list[bytes]
) -> None:
    written = [(b"x-forwarded-for", line) for line in (*lines, text.encode())]

    assert PROXIES.client(PROXY, [*written, *listed(CLIENT)]) == CLIENT


@given(
    st.lists(st.binary(max_size=80), max_size=5),
    st.sampled_from([b"forwarded", b"x-forwarded-for"]),
)
def test_arbitrary_headers_are_read(lines: list[bytes], name: bytes) -> None:
    assert PROXIES.client(PROXY, [(name, line) for line in lines])


def test_server_believes_the_proxy_it_was_told_to_trust(tmp_path: Path) -> None:
    """Two visitors behind one proxy are two; without the option they are one."""
    counted = {}
    for name, options in (("trusting", ["--trusted-proxy", "127.0.0.1"]), ("plain", [])):
        folder = tmp_path / name
        folder.mkdir()
        with Server(folder, options=options) as server:
            for address in ("198.51.100.7", "203.0.113.9"):
                server.send(hit(), X_Forwarded_For=f"1.2.3.4, {address}")
            server.stop()
            counted[name] = server.query("SELECT sum(visitors) FROM traffic").strip()
            networks = server.query("SELECT network FROM networks ORDER BY network").split()
        assert "1.2.3.0/24" not in networks

    assert counted == {"trusting": "2", "plain": "1"}


def test_bad_network_is_told_in_one_line(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY)
    refusal = refusal_of(
        *("serve", "--policy", policy, "--data", tmp_path / "data", "--trusted-proxy", "10.0.0.1/8")
    )

    assert "--trusted-proxy" in refusal


@pytest.mark.parametrize(
    ("peer", "headers", "is_https"),
    [
        pytest.param(PROXY, [(b"x-forwarded-proto", b"https")], True, id="proxy says so"),
        pytest.param(PROXY, [(b"x-forwarded-proto", b" HTTPS ")], True, id="case and blanks"),
        pytest.param(PROXY, forwarded('for=1.2.3.4;proto="https"'), True, id="RFC 7239"),
        pytest.param(PROXY, forwarded("proto=https, for=1.2.3.4;proto=http"), False, id="last"),
        pytest.param(PROXY, [(b"x-forwarded-proto", b"https,http")], False, id="client's own"),
        pytest.param(
            PROXY,
            [(b"x-forwarded-proto", b"https"), *forwarded("proto=http")],
            False,
            id="both disagree",
        ),
        pytest.param(
            PROXY, [(b"x-forwarded-proto", b"https"), *forwarded("for=1.2.3.4")], True, id="one"
        ),
        pytest.param(PROXY, [(b"x-forwarded-proto", b"")], False, id="empty"),
        pytest.param(PROXY, [], False, id="silent"),
        pytest.param(CLIENT, [(b"x-forwarded-proto", b"https")], False, id="no proxy"),
        pytest.param("", [(b"x-forwarded-proto", b"https")], False, id="no peer"),
    ],
)
def test_https_is_what_a_trusted_proxy_says(
    peer: str, headers: list[tuple[bytes, bytes]], is_https: bool
) -> None:
    assert PROXIES.is_https(peer, headers) is is_https
