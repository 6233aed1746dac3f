"""`webhook-number` counts an endpoint's deliveries; test events are outside of it; a throttled endpoint rests as long as it asked."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import jsonschema
import pytest

from services.api.identity import Role
from services.api.labels import EVENT_TYPES, codes
from services.api.webhooks import event_types, payload, signing, testing
from services.api.webhooks.recovering import recover
from services.store import webhooks
from services.store.scope import EVERYTHING
from tests.api.accounts import account, signed_in
from tests.api.receivers import (
    Delivering,
    Received,
    Receiver,
    allow_loopback,
    delivering,
    endpoint,
    listening,
)
from tests.api.support import BEGAN_MS, Api, event, put

PATH = "/v1/webhooks/endpoints/whe_1"


@pytest.fixture
async def receiver(writer: asyncpg.Connection) -> AsyncIterator[Receiver]:
    await allow_loopback(writer)
    async with listening() as made:
        yield made


@pytest.fixture
async def run(database_url: str, writer: asyncpg.Connection) -> AsyncIterator[Delivering]:
    async with delivering(database_url) as made:
        yield made


def numbers(receiver: Receiver) -> list[tuple[int, str]]:
    return sorted((int(one.headers["webhook-number"]), one.data["alert"]) for one in receiver.received)


async def test_each_endpoint_is_counted_by_itself_whatever_it_may_not_see(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    partner = await account(writer, "narrow", Role.PARTNER, divisions=["64"])
    await endpoint(writer, receiver.url(), account=partner)
    async with listening() as other:
        await endpoint(writer, other.url(), "whe_2")
        for n in range(12):
            await put(writer, [event(f"alr_{n}", division="630100" if n % 3 else "640100")])
            await run.turn()
        await run.until(lambda: len(receiver.received) == 4 and len(other.received) == 12)
        await run.quiet()
        assert numbers(receiver) == [(n + 1, f"alr_{3 * n}") for n in range(4)]
        assert numbers(other) == [(n + 1, f"alr_{n}") for n in range(12)]


async def test_retries_redeliveries_and_recoveries_keep_the_number(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda _: 500 if len(receiver.received) == 1 else 200
    await put(writer, [event("alr_1"), event("alr_2")])
    await run.until(lambda: len(receiver.received) == 2)
    run.pass_(10)
    await run.until(lambda: len(receiver.received) == 3)
    await run.quiet()
    assert await webhooks.redeliver(writer, EVERYTHING, receiver.received[0].id, run.now_ms())
    run.pass_(2)
    await run.until(lambda: len(receiver.received) == 4)
    await run.quiet()
    asked = {
        "endpoint": "whe_1",
        "since_ms": BEGAN_MS - 10_000,
        "until_ms": BEGAN_MS + 10_000,
        "delivered": True,
    }
    await webhooks.add_recovery(writer, "job_1", "system", asked, run.now_ms())
    await recover(run.deliverer, run.now_ms())
    run.pass_(2)
    await run.until(lambda: len(receiver.received) == 6)
    await run.quiet()
    assert len({(one.id, one.headers["webhook-number"]) for one in receiver.received}) == 2
    await put(writer, [event("alr_3")])
    await run.until(lambda: len(receiver.received) == 7)
    assert receiver.received[-1].headers["webhook-number"] == "3", (
        "nothing was used up by what was sent again"
    )


async def test_messages_recovered_that_never_were_go_on_counting(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("alr_before")])
    await endpoint(writer, receiver.url())
    await put(writer, [event("alr_1")])
    await run.until(lambda: receiver.received)
    await run.quiet()
    asked = {"endpoint": "whe_1", "since_ms": 0, "until_ms": BEGAN_MS + 10_000, "delivered": False}
    await webhooks.add_recovery(writer, "job_1", "system", asked, run.now_ms())
    await recover(run.deliverer, run.now_ms())
    await run.until(lambda: len(receiver.received) == 2)
    await run.quiet()
    assert numbers(receiver) == [(1, "alr_1"), (2, "alr_before")]


async def sent_tests(receiver: Receiver) -> list[Received]:
    return [one for one in receiver.received if json.loads(one.body).get("test") is True]


async def test_a_test_event_of_every_type_goes_signed_to_that_endpoint_alone_and_is_no_event(
    api: Api, run: Delivering, receiver: Receiver, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "MOST_TESTS", 100)
    key = await endpoint(writer, receiver.url(), types=["alert.opened"], filters={"rules": ["fatigue"]})
    async with listening() as other:
        await endpoint(writer, other.url(), "whe_2")
        for kind in codes(EVENT_TYPES):
            answer = await client_of(api).post(f"{PATH}/test", json={"type": kind})
            assert answer.status_code == 202, answer.text
            delivery = answer.json()["delivery"]
            await run.until(lambda delivery=delivery: any(one.id == delivery for one in receiver.received))  # type: ignore[misc]
        await put(writer, [event("alr_1", rule="fatigue", kind="continuous")])
        await run.until(lambda: other.received)
        await run.quiet()
        assert [one.data["alert"] for one in other.received] == ["alr_1"]
    tests = await sent_tests(receiver)
    assert [json.loads(one.body)["type"] for one in tests] == list(codes(EVENT_TYPES))
    for one in tests:
        assert signing.verify(key, one.headers, one.body, run.now_ms() // 1000)
        assert "webhook-number" not in one.headers
        body = json.loads(one.body)
        jsonschema.Draft202012Validator(event_types.schema(body["type"])).validate(body)
        assert (body["data"]["test"], body["data"]["seq"], body["data"]["vehicle"]["plate"]) == (
            True,
            0,
            "测A00000",
        )
    (real,) = [one for one in receiver.received if one not in tests]
    assert (real.headers["webhook-number"], real.data["seq"]) == ("1", 1), "no number and no seq was used up"
    assert [item["alert"] for item in (await api.get("/v1/events")).json()["items"]] == ["alr_1"]
    listed = (await api.get(f"{PATH}/deliveries")).json()["items"]
    assert {(item["test"], item["number"]) for item in listed} == {(True, None), (False, 1)}


@pytest.mark.parametrize("state", ["pending", "paused", "disabled"])
async def test_a_test_event_goes_to_an_endpoint_in_any_state_and_leaves_it_so(
    api: Api, run: Delivering, receiver: Receiver, writer: asyncpg.Connection, state: str
) -> None:
    await endpoint(writer, receiver.url(), state=state)
    assert (await client_of(api).post(f"{PATH}/test")).status_code == 202
    await run.until(lambda: receiver.received)
    await run.quiet()
    assert json.loads(receiver.received[0].body)["type"] == "alert.opened"
    assert (await api.get(PATH)).json()["state"] == state


async def test_a_failing_test_is_tried_once_and_says_nothing_of_health(
    api: Api, run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda _: 410
    delivery = (await client_of(api).post(f"{PATH}/test", json={})).json()["delivery"]
    await run.until(lambda: receiver.received)
    await run.quiet()
    run.pass_(86_400)
    await run.turn(10)
    assert len(receiver.received) == 1
    assert (await api.get(f"/v1/webhooks/deliveries/{delivery}")).json()["status"] == "exhausted"
    assert ((await api.get(PATH)).json()["state"], (await api.get(PATH)).json()["failures"]) == ("active", 0)


async def test_test_events_are_limited_for_each_endpoint_and_belong_to_its_owner(
    api: Api, writer: asyncpg.Connection
) -> None:
    for login in ("own", "other"):
        await account(writer, login, Role.PARTNER)
    own, other = await signed_in(api, "own"), await signed_in(api, "other")
    await endpoint(writer, "https://receiver.example/", account="acc_own")
    assert (await other.post(f"{PATH}/test", json={})).status_code == 404
    assert (await own.post(f"{PATH}/test", json={"type": "alert.nothing"})).status_code == 400
    answers = [await own.post(f"{PATH}/test", json={}) for _ in range(testing.MOST_TESTS + 1)]
    assert [one.status_code for one in answers] == [202] * testing.MOST_TESTS + [429]
    told: dict[str, Any] = answers[-1].json()
    assert 1 <= int(answers[-1].headers["retry-after"]) == told["retry_after_s"] <= 60
    await writer.execute("UPDATE webhook_message SET created_at = created_at - interval '61 s'")
    assert (await own.post(f"{PATH}/test", json={})).status_code == 202


async def test_a_throttled_endpoint_rests_as_long_as_it_asked_however_often(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda _: (429, {"retry-after": "7"})
    await put(writer, [event(f"alr_{n}") for n in range(40)])
    for _ in range(12):
        before = len(receiver.received)
        await run.until(lambda before=before: len(receiver.received) > before)  # type: ignore[misc]
        await run.quiet()
        row = await writer.fetchrow("SELECT failures, resume_at FROM webhook_endpoint")
        assert row is not None
        rest_s = row["resume_at"].timestamp() - run.now_ms() / 1000
        assert 5 < rest_s <= 7, (row["failures"], rest_s)
        run.pass_(7.1)
    assert row is not None
    assert row["failures"] >= 12
    receiver.reply = lambda _: 200
    await run.until(lambda: len({one.id for one in receiver.received}) == 40)
    await run.quiet()
    assert await writer.fetchval("SELECT count(*) FROM webhook_message WHERE state = 'delivered'") == 40, (
        "all go at once"
    )


async def test_a_rest_asked_for_by_one_answer_is_not_ended_by_another_s_success(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda one: (429, {"retry-after": "600"}) if one.data["alert"] == "alr_0" else 200
    await put(writer, [event(f"alr_{n}") for n in range(3)])
    await run.until(lambda: len(receiver.received) == 3)
    await run.quiet()
    await put(writer, [event("alr_later")])
    run.pass_(500)
    await run.turn(10)
    assert len(receiver.received) == 3
    run.pass_(101)
    await run.until(lambda: any(one.data["alert"] == "alr_later" for one in receiver.received))


def client_of(api: Api) -> Any:
    return api.client


def test_a_body_of_a_test_says_so_twice() -> None:
    told = json.loads(testing.body_of("tst_0", "alert.resolved", BEGAN_MS))
    assert told["test"] is told["data"]["test"] is True
    assert told["data"]["handling"] == "resolved"
    assert "test" not in json.loads(payload.body(payload.PING, BEGAN_MS, {}))
