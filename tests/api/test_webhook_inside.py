"""Nothing inside is a receiver or is told of: names that stand for inner addresses, texts of faults, hosts that a request made up."""

import socket
import time

import asyncpg
import pytest

from services.api.webhooks import names
from services.api.webhooks.addresses import Policy, Refused, check_found, networks_of
from services.api.webhooks.deciding import Fault
from services.api.webhooks.sender import SAID, Sender
from tests.api.receivers import TLS, allow_loopback
from tests.api.support import Api, event, put

BASE = "/v1/webhooks/endpoints"
OWN = networks_of(("127.0.0.0/8", "::1/128"))
GOOD = "https://receiver.example.com/hook"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names and their addresses; every other name is unknown."""
    made = {
        "inner.example.com": ["10.1.2.3"],
        "both.example.com": ["93.184.216.34", "192.168.1.1"],
        "localhost": ["127.0.0.1"],
    }

    async def addresses(host: str) -> list[str]:
        return made.get(host, [])

    monkeypatch.setattr(names, "addresses", addresses)
    return made


INSIDE = ("https://localhost/", "https://inner.example.com/", "https://both.example.com/", "https://kafka/", "https://db.internal/",
          "https://a.local/", "https://x.localhost./")  # fmt: skip


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("url", INSIDE)
async def test_a_name_inside_is_refused_when_an_endpoint_is_made_or_changed(api: Api, url: str) -> None:
    made = (await api.client.post(BASE, json={"url": GOOD})).json()
    for answer in (
        await api.client.post(BASE, json={"url": url}),
        await api.client.patch(f"{BASE}/{made['id']}", json={"url": url}),
    ):
        assert answer.status_code == 400, answer.text
        (fault,) = answer.json()["errors"]
        assert fault["pointer"] == "#/body/url"
        assert not any(text in answer.text for text in ("10.1.2.3", "192.168.1.1", "127.0.0.1"))
    assert (await api.client.get(f"{BASE}/{made['id']}")).json()["url"] == GOOD


async def test_localhost_is_refused_by_what_it_stands_for(api: Api) -> None:
    assert await names.addresses("localhost")
    assert (await api.client.post(BASE, json={"url": "https://localhost/"})).status_code == 400


async def test_a_network_on_the_allow_list_opens_its_names(
    api: Api, writer: asyncpg.Connection, known: dict[str, list[str]]
) -> None:
    await allow_loopback(writer)
    known["dispatch.internal"] = ["127.0.0.5"]
    assert (await api.client.post(BASE, json={"url": "https://dispatch.internal/"})).status_code == 201


async def test_a_name_that_is_asked_for_too_long_counts_as_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "LONGEST_S", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(0.3))
    assert await names.addresses("slow.example.com") == []


@pytest.mark.parametrize("host", ["receiver.example.com", "93.184.216.34"])
def test_a_name_outside_that_is_not_known_yet_may_be_used(host: str) -> None:
    check_found(host, [], Policy())
    with pytest.raises(Refused):
        check_found(host, ["10.0.0.1"], Policy())


@pytest.mark.parametrize(
    ("url", "fault"), [("http://127.0.0.1:9/", Fault.CONNECTION), ("http://localhost:9/", Fault.CONNECTION), ("https://127.0.0.1:9/", Fault.BLOCKED)]
)  # fmt: skip
async def test_texts_of_faults_tell_no_address(url: str, fault: Fault) -> None:
    open_ = Policy(networks=() if fault is Fault.BLOCKED else OWN, ports=frozenset(), http=True)
    sender = Sender(5, TLS)
    sender.allow(open_)
    try:
        sent = await sender.send(url, {}, b"{}")
    finally:
        await sender.close()
    assert sent is not None
    assert sent.error == f"{fault}: {SAID[fault]}"


async def test_a_next_page_is_told_without_the_host_of_the_request(
    api: Api, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("alr_1"), event("alr_2")])
    answer = await api.get("/v1/alerts", headers={"host": "attacker.example"}, limit=1)
    assert answer.headers["link"].startswith("</v1/alerts?limit=1&cursor=")
    assert "attacker" not in answer.headers["link"]
