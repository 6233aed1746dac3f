"""The guard: over eighty hostile URLs are refused before anything is sent, by their form or by what they stand for; each range at both its ends."""

import socket
import ssl
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from services.api.webhooks import addresses
from services.api.webhooks.addresses import (
    FORBIDDEN,
    NEVER,
    REASONS,
    Policy,
    Refused,
    allowable,
    check_addresses,
    check_url,
    networks_of,
)
from services.api.webhooks.deciding import Fault
from services.api.webhooks.sender import Sender, Sent
from tests.api.hostile import BY_NAME, URLS, WHOLE

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
OPEN = Policy(ports=frozenset(), http=True)


def test_there_are_enough_of_them() -> None:
    assert len(set(URLS)) >= 100


def host_of(url: str) -> str:
    return url.removeprefix("https://").removesuffix("/")


@pytest.mark.parametrize("url", [url for url in URLS if host_of(url) not in BY_NAME])
def test_a_hostile_url_is_refused_by_its_form(url: str) -> None:
    policy = Policy() if url in WHOLE else OPEN
    with pytest.raises(Refused) as refused:
        check_url(url, policy)
    assert refused.value.reason in REASONS


@pytest.mark.parametrize("url", URLS)
async def test_an_attempt_at_a_hostile_url_makes_no_connection(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await attempt(url, monkeypatch)
    assert sent.answer.fault is Fault.BLOCKED, sent


async def attempt(url: str, monkeypatch: pytest.MonkeyPatch, policy: Policy = OPEN) -> Sent:
    """An attempt in which making a socket is a failure of the test."""

    def never(*_: object) -> socket.socket:
        raise AssertionError("a socket was made")

    sender = Sender(5, TLS)
    sender.allow(Policy() if url in WHOLE else policy)
    with monkeypatch.context() as patch:
        patch.setattr("services.api.webhooks.sender.socket.socket", never)
        try:
            sent = await sender.send(url, {}, b"{}")
            assert sent is not None
            return sent
        finally:
            await sender.close()


@pytest.mark.parametrize(
    "answers", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["64:ff9b::7f00:1"], ["fe80::1%2"], []]
)
async def test_a_name_is_as_bad_as_its_worst_address(
    answers: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(host: str, port: int, *_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6 if ":" in text else socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port))
            for text in answers
        ]

    monkeypatch.setattr("services.api.webhooks.sender.socket.getaddrinfo", lookup)
    sent = await attempt("https://rebound.example/", monkeypatch)
    assert sent.answer.fault is Fault.BLOCKED, sent


@pytest.mark.parametrize("network", FORBIDDEN, ids=str)
def test_every_range_is_shut_from_its_first_to_its_last_address(network: addresses.Network) -> None:
    for address in (network[0], network[-1], network[network.num_addresses // 2]):
        assert not OPEN.allows(address)
        with pytest.raises(Refused):
            check_addresses([str(address)], OPEN)
    opened = Policy(networks=(network,), ports=frozenset(), http=True)
    kept = any(closed.version == network.version and closed.overlaps(network) for closed in NEVER)
    assert opened.allows(network[-1]) is not kept


@pytest.mark.parametrize(
    "text",
    ["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "172.15.255.255",
     "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2001:4860:4860::8888",
     "2400:3200::1", "2003::1"],
)  # fmt: skip
def test_what_lies_beside_a_range_is_open(text: str) -> None:
    assert Policy().allows(ip_address(text))


@pytest.mark.parametrize(
    "url",
    ["https://receiver.example/", "https://receiver.example:8443/a?b=c", "https://8.8.8.8/", "https://[2400:3200::1]/x", "https://a-b.example.cn",
     "https://xn--fiqs8s.example/", "https://receiver.example./"],
)  # fmt: skip
def test_an_honest_url_is_accepted(url: str) -> None:
    assert check_url(url, Policy()).geturl()


def test_plain_http_and_other_ports_are_settings() -> None:
    for url, reason in (("http://receiver.example/", "scheme"), ("https://receiver.example:9000/", "port")):
        with pytest.raises(Refused) as refused:
            check_url(url, Policy())
        assert refused.value.reason == reason
    assert check_url("http://receiver.example:9000/", OPEN)


def test_the_allow_list_opens_exactly_what_it_says() -> None:
    policy = Policy(networks_of(["10.64.0.0/16", "fd00:1::/32"]))
    for text in ("10.64.0.0", "10.64.255.255", "fd00:1::5"):
        assert policy.allows(ip_address(text))
    for text in (
        "10.63.255.255",
        "10.65.0.0",
        "fd00:2::1",
        "127.0.0.1",
        "::ffff:10.64.0.1",
        "64:ff9b::a40:1",
    ):
        assert not policy.allows(ip_address(text)), text


@pytest.mark.parametrize(
    "text", ["0.0.0.0/0", "::/0", "169.254.169.254/32", "10.64.0.1/16", "x", "", "224.0.0.0/8", "fe80::/64"]
)
def test_what_can_never_be_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        allowable(text)


def test_a_network_has_one_form() -> None:
    assert str(allowable("10.64.0.0/255.255.0.0")) == "10.64.0.0/16"
    assert str(allowable("FD00:0001::/32")) == "fd00:1::/32"
    assert str(allowable("127.0.0.1")) == "127.0.0.1/32"
