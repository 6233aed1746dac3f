"""What was read of an endpoint before it was changed is not acted on afterwards: changes while an attempt connects, while it waits for its answer, at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
import pytest

from services.api.identity import Role
from services.api.webhooks.recovering import recover
from services.runtime.settings import Settings
from services.store import webhooks
from tests.api.accounts import account
from tests.api.receivers import Delivering, Receiver, allow_loopback, delivering, endpoint, listening
from tests.api.support import BEGAN_MS, TOKEN, Api, event, put, until
from tests.api.test_webhook_process import process

BASE = "/v1/webhooks/endpoints"
TRIES = 12
CUT = {"scope": {"divisions": ["63"]}}


@pytest.fixture
def api_settings(database_url: str) -> Settings:
    """Receivers of tests speak plain http on ports of their own."""
    return Settings(
        database_url=database_url, kafka_bootstrap="127.0.0.1:9", token=TOKEN, deadline_s=5, webhook_http=True, webhook_ports=frozenset()
    )  # fmt: skip


@pytest.fixture
async def old(writer: asyncpg.Connection) -> AsyncIterator[Receiver]:
    await allow_loopback(writer)
    async with listening() as made:
        yield made


@pytest.fixture
async def new(writer: asyncpg.Connection) -> AsyncIterator[Receiver]:
    async with listening() as made:
        yield made


@pytest.fixture
async def run(database_url: str, writer: asyncpg.Connection) -> AsyncIterator[Delivering]:
    async with delivering(database_url) as made:
        yield made


@dataclass(slots=True)
class Gate:
    """Every connection stands, and is not given to be written to before the gate is opened."""

    standing: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    connect = aiohttp.TCPConnector.connect

    async def slow(*given: Any) -> Any:
        connection = await connect(*given)
        made.standing += 1
        try:
            await made.open.wait()
        except asyncio.CancelledError:
            connection.close()
            raise
        return connection

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", slow)
    return made


async def change_account(api: Api, name: str, body: dict[str, Any]) -> None:
    answer = await api.client.patch(f"/v1/accounts/{name}", json=body, headers={"if-match": "*"})
    assert answer.status_code == 200, answer.text


async def message_states(conn: asyncpg.Connection) -> list[str]:
    rows = await conn.fetch("SELECT state FROM webhook_message WHERE type <> 'endpoint.ping' ORDER BY seq")
    return [row["state"] for row in rows]


async def test_a_ping_that_connects_while_the_url_is_changed_goes_to_the_new_one(
    api: Api, run: Delivering, old: Receiver, new: Receiver, gate: Gate
) -> None:
    made = (await api.client.post(BASE, json={"url": old.url()})).json()
    at = f"{BASE}/{made['id']}"
    await api.client.post(f"{at}/enable")
    await run.until(lambda: gate.standing)
    assert (await api.client.patch(at, json={"url": new.url()})).status_code == 200
    assert (await api.client.post(f"{at}/enable")).status_code == 202
    gate.open.set()
    await run.until(lambda: len(new.received) == 2)
    await run.quiet()
    assert old.received == []
    assert (await api.client.get(at)).json()["state"] == "active"


async def test_a_change_waits_for_a_request_that_is_being_written_and_no_longer(
    api: Api, run: Delivering, old: Receiver, new: Receiver
) -> None:
    """The receiver has the request and does not answer: the change is made all the same, at once."""
    made = (await api.client.post(BASE, json={"url": old.url()})).json()
    at = f"{BASE}/{made['id']}"
    old.reply = lambda _: "hang"
    await api.client.post(f"{at}/enable")
    await run.until(lambda: old.received)
    async with asyncio.timeout(3):
        assert (await api.client.patch(at, json={"url": new.url()})).status_code == 200
        await api.client.post(f"{at}/enable")
    await run.until(lambda: new.received)
    assert len(old.received) == 1


@pytest.mark.parametrize("what", ["paused", "deleted", "rotated", "network", "account off", "scope cut"])
async def test_nothing_is_written_that_does_not_stand_any_more(
    api: Api, run: Delivering, old: Receiver, writer: asyncpg.Connection, gate: Gate, what: str
) -> None:
    """An event's connection stands; something changes; then it would be written."""
    owner = await account(writer, "partner", Role.PARTNER, divisions=["64"])
    key = await endpoint(writer, old.url(), account=owner)
    await put(writer, [event("alr_1")])
    await run.until(lambda: gate.standing)
    at = f"{BASE}/whe_1"
    if what == "paused":
        assert (await api.client.post(f"{at}/disable")).status_code == 200
    elif what == "deleted":
        assert (await api.client.delete(at)).status_code == 204
    elif what == "rotated":
        assert (await api.client.post(f"{at}/secret/rotate")).status_code == 200
    elif what == "network":
        assert (await api.client.delete("/v1/webhooks/networks/127.0.0.0/8")).status_code == 204
    else:
        await change_account(api, owner, {"active": False} if what == "account off" else CUT)
    gate.open.set()
    await run.turn(20)
    await run.quiet()
    if what == "rotated":
        (one,) = old.received
        assert len(one.headers["webhook-signature"].split()) == 2, "signed with the new secret, too"
        return
    assert old.received == []
    states = {"deleted": [], "scope cut": ["withheld"]}
    assert await message_states(writer) == states.get(what, ["waiting"])
    assert key


async def test_what_the_old_address_answers_says_nothing_of_the_new_one(
    api: Api, run: Delivering, old: Receiver, new: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, old.url())
    answered = asyncio.Event()

    async def slow(_: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        await answered.wait()
        client.write(b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n")
        client.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    at, url = f"{BASE}/whe_1", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await writer.execute("UPDATE webhook_endpoint SET url = $1, version = version + 1", url)
    await put(writer, [event("alr_1")])
    await run.until(lambda: run.deliverer.flying)
    await run.turn(5)
    await api.client.patch(at, json={"url": new.url()})
    await api.client.post(f"{at}/enable")
    await run.until(lambda: new.received)
    await run.turn(5)
    answered.set()
    await run.until(lambda: len(new.received) == 2)
    await run.quiet()
    server.close()
    told = (await api.client.get(at)).json()
    assert (told["state"], told["failures"], told["failing_since"]) == ("active", 0, None)
    assert await message_states(writer) == ["delivered"]


async def test_what_was_left_out_stays_left_out_however_fast_one_is(
    api: Api, run: Delivering, old: Receiver, writer: asyncpg.Connection
) -> None:
    """Paused, skipped and enabled between two looks of the deliverer, which knows nothing of the pause."""
    await endpoint(writer, old.url())
    await run.turn(3)
    await api.client.post(f"{BASE}/whe_1/disable")
    await put(writer, [event("alr_left_out")])
    await api.client.post(f"{BASE}/whe_1/enable", json={"begin": "now"})
    await run.until(lambda: old.received)
    await put(writer, [event("alr_after")])
    await run.until(lambda: len(old.received) == 2)
    await run.quiet()
    assert [one.data.get("alert") for one in old.received] == [None, "alr_after"]


async def test_messages_are_made_by_the_filters_of_that_moment(
    api: Api, run: Delivering, old: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, old.url())
    await run.turn(3)
    await api.client.patch(f"{BASE}/whe_1", json={"filters": {"classes": ["hazmat"]}})
    await put(writer, [event("alr_coach"), event("alr_hazmat", vehicle_class="hazmat")])
    await run.until(lambda: old.received)
    await run.quiet()
    assert [one.data["alert"] for one in old.received] == ["alr_hazmat"]


async def test_a_recovery_goes_by_the_scope_of_its_moment(
    api: Api, run: Delivering, old: Receiver, writer: asyncpg.Connection
) -> None:
    owner = await account(writer, "partner", Role.PARTNER, divisions=["64"])
    await put(writer, [event("alr_1")])
    await endpoint(writer, old.url(), account=owner)
    await run.turn(3)
    asked = {"endpoint": "whe_1", "since_ms": BEGAN_MS, "until_ms": BEGAN_MS + 60_000, "delivered": False}
    await webhooks.add_recovery(writer, "job_1", owner, asked, run.now_ms())
    await change_account(api, owner, CUT)
    for _ in range(3):
        await recover(run.deliverer, run.now_ms())
        await run.turn(3)
    await run.quiet()
    assert (old.received, await message_states(writer)) == ([], [])
    assert await writer.fetchval("SELECT state FROM job") == "done"


async def test_twelve_changes_of_url_through_the_real_process(
    api: Api, database_url: str, old: Receiver, new: Receiver, writer: asyncpg.Connection
) -> None:
    """Changed and enabled at once, as fast as the api answers; every ping goes to the address of that moment, and none hangs in pending."""
    await endpoint(writer, old.url())
    seen: Callable[[], set[str]] = lambda: {one.id for one in (*old.received, *new.received)}  # noqa: E731
    async with process(database_url):
        await put(writer, [event("alr_warm")])
        await until(lambda: old.received)
        for number in range(TRIES):
            here, there = (new, old) if number % 2 == 0 else (old, new)
            await api.client.patch(f"{BASE}/whe_1", json={"url": here.url(f"/{number}")})
            asked = await api.client.post(f"{BASE}/whe_1/enable")
            name = asked.json()["delivery"]
            await until(lambda name=name: name in seen())  # type: ignore[misc]
            async with asyncio.timeout(10):
                while (await api.client.get(f"{BASE}/whe_1")).json()["state"] != "active":  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            assert [one.path for one in here.received if one.id == name] == [f"/{number}"]
            assert name not in {one.id for one in there.received}
