"""The webhook operations: who may, what is refused and why, secrets shown once, states, logs, the allow-list, another account's endpoints."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import jsonschema
import pytest

from services.api import labels
from services.api.identity import Role
from services.api.webhooks import payload, signing
from services.api.webhooks.recovering import recover
from services.runtime.settings import Settings
from services.store import webhooks
from tests.api.accounts import account, signed_in
from tests.api.receivers import Delivering, Receiver, allow_loopback, delivering, endpoint, listening
from tests.api.support import TOKEN, Api, event, put

BASE = "/v1/webhooks/endpoints"
GOOD = {"url": "https://receiver.example/in"}


@pytest.fixture
def api_settings(database_url: str) -> Settings:
    """Receivers of tests speak plain http on ports of their own."""
    return Settings(
        database_url=database_url, kafka_bootstrap="127.0.0.1:9", token=TOKEN, deadline_s=5, webhook_http=True, webhook_ports=frozenset()
    )  # fmt: skip


@pytest.fixture
async def receiver(writer: asyncpg.Connection) -> AsyncIterator[Receiver]:
    await allow_loopback(writer)
    async with listening() as made:
        yield made


@pytest.fixture
async def run(database_url: str, writer: asyncpg.Connection) -> AsyncIterator[Delivering]:
    async with delivering(database_url) as made:
        yield made


async def create(client: httpx2.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post(BASE, json={**GOOD, **body})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_from_making_an_endpoint_to_its_first_event(
    api: Api, receiver: Receiver, run: Delivering, writer: asyncpg.Connection
) -> None:
    made = await create(
        api.client, url=receiver.url("/in"), types=["alert.opened"], filters={"classes": ["coach"]}
    )
    key, name = made["secret"], made["id"]
    assert key.startswith("whsec_")
    assert (made["state"], made["filters"]["classes"]) == ("pending", ["coach"])
    told = await api.client.get(f"{BASE}/{name}")
    assert "secret" not in told.json()
    assert key not in told.text + (await api.client.get(BASE)).text
    await put(writer, [event("alr_1")])
    asked = await api.client.post(f"{BASE}/{name}/enable", json={"begin": "waiting"})
    assert asked.status_code == 202
    await run.until(lambda: len(receiver.received) == 2)
    await run.quiet()
    assert (await api.client.get(f"{BASE}/{name}")).json()["state"] == "active"
    ping, opened = receiver.received
    assert ping.id == asked.json()["delivery"]
    for one in (ping, opened):
        assert signing.verify(key, one.headers, one.body, int(one.headers["webhook-timestamp"]))
    log = (await api.client.get(f"{BASE}/{name}/deliveries", params={"status": "delivered"})).json()["items"]
    assert {item["id"] for item in log} == {ping.id, opened.id}
    detail = (await api.client.get(f"/v1/webhooks/deliveries/{opened.id}")).json()
    assert detail["body"]["data"]["alert"] == "alr_1"
    assert [(one["number"], one["status"], one["response"]) for one in detail["tries"]] == [(1, 200, "ok")]
    again = await api.client.post(f"/v1/webhooks/deliveries/{opened.id}/redeliver")
    assert again.status_code == 202
    too_soon = await api.client.post(f"/v1/webhooks/deliveries/{opened.id}/redeliver")
    assert (too_soon.status_code, too_soon.json()["type"].rpartition(":")[2]) == (409, "delivery-under-way")
    run.pass_(1)
    await run.until(lambda: len(receiver.received) == 3)
    assert receiver.received[2].body == opened.body


async def test_ed25519_shows_its_public_key_and_no_secret(api: Api) -> None:
    made = await create(api.client, algorithm="ed25519")
    assert made["secret"] is None
    assert made["secrets"][0]["public_key"].startswith("whpk_")
    assert "whsk_" not in str(made)


async def test_a_rotation_overlaps_for_a_day(
    api: Api, receiver: Receiver, run: Delivering, writer: asyncpg.Connection
) -> None:
    made = await create(api.client, url=receiver.url())
    await api.client.post(f"{BASE}/{made['id']}/enable")
    await run.until(lambda: receiver.received)
    rotated = (await api.client.post(f"{BASE}/{made['id']}/secret/rotate")).json()
    assert rotated["secret"] != made["secret"]
    assert [one["until"] is None for one in rotated["secrets"]] == [True, False]
    run.pass_(1)
    await put(writer, [event("alr_1")])
    await run.until(lambda: len(receiver.received) == 2)
    await run.quiet()
    one = receiver.received[1]
    for key in (made["secret"], rotated["secret"]):
        assert signing.verify(key, one.headers, one.body, int(one.headers["webhook-timestamp"]))
    run.pass_(86_400)
    await put(writer, [event("alr_2")])
    await run.until(lambda: len(receiver.received) == 3)
    one = receiver.received[2]
    at_s = int(one.headers["webhook-timestamp"])
    assert not signing.verify(made["secret"], one.headers, one.body, at_s)
    assert signing.verify(rotated["secret"], one.headers, one.body, at_s)


async def test_paused_it_keeps_its_place_and_can_be_told_to_skip(
    api: Api, receiver: Receiver, run: Delivering, writer: asyncpg.Connection
) -> None:
    made = await create(api.client, url=receiver.url())
    at = f"{BASE}/{made['id']}"
    await api.client.post(f"{at}/enable")
    await run.until(lambda: receiver.received)
    await run.quiet()
    for begin, expected in (("waiting", ["alr_a", "alr_waiting"]), ("now", ["alr_waiting_b"])):
        paused = await api.client.post(f"{at}/disable")
        assert (paused.json()["state"], paused.json()["reason"]) == ("paused", "owner")
        run.pass_(1)
        await run.turn(2)
        receiver.received.clear()
        await put(writer, [event(f"alr_a{'' if begin == 'waiting' else '_skipped'}")])
        await run.turn(5)
        assert receiver.received == []
        await api.client.post(f"{at}/enable", json={"begin": begin})
        await put(writer, [event(f"alr_waiting{'' if begin == 'waiting' else '_b'}")])
        await run.until(lambda expected=expected: len(receiver.received) == 1 + len(expected))  # type: ignore[misc]
        await run.quiet()
        assert [one.data.get("alert") for one in receiver.received] == [None, *expected]


async def test_a_change_of_url_must_be_proved_and_versions_are_compared(api: Api) -> None:
    made = await create(api.client)
    at = f"{BASE}/{made['id']}"
    answer = await api.client.patch(at, json={"description": "x"}, headers={"if-match": '"0"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    stale = await api.client.patch(at, json={"description": "y"}, headers={"if-match": '"0"'})
    assert (stale.status_code, stale.json()["type"].rpartition(":")[2]) == (412, "webhook-changed")
    assert stale.headers["etag"] == (await api.client.get(str(stale.request.url))).headers["etag"]
    moved = await api.client.patch(at, json={"url": "https://other.example/", "types": ["alert.closed"]})
    assert (moved.json()["state"], moved.json()["reason"], moved.json()["types"]) == (
        "pending",
        "url",
        ["alert.closed"],
    )
    assert moved.json()["description"] == "x"
    gone = await api.client.delete(at)
    assert gone.status_code == 204
    assert (await api.client.get(at)).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/body/url"), ({"url": "x"}, "#/body/url"), ({"url": "https://127.0.0.1/"}, "#/body/url"), ({"url": "https://2130706433/"}, "#/body/url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "#/body/url"), ({"url": "ftp://a.example/"}, "#/body/url"), ({"url": "https://u@a.example/"}, "#/body/url"),
        ({**GOOD, "types": ["alert.nothing"]}, "#/body/types/0"), ({**GOOD, "filters": {"classes": ["tank"]}}, "#/body/filters/classes/0"),
        ({**GOOD, "filters": {"divisions": ["x"]}}, "#/body/filters/divisions/0"), ({**GOOD, "filters": {"x": []}}, "#/body/filters/x"),
        ({**GOOD, "algorithm": "none"}, "#/body/algorithm"), ({**GOOD, "secret": "whsec_x"}, "#/body/secret"), ({**GOOD, "state": "active"}, "#/body/state"),
        ({**GOOD, "description": "x" * 201}, "#/body/description"), ({"url": 5}, "#/body/url"), ({**GOOD, "types": "alert.opened"}, "#/body/types"),
    ],
)  # fmt: skip
async def test_a_wrong_endpoint_is_refused_and_said_why(api: Api, body: dict[str, Any], pointer: str) -> None:
    for language in ("zh", "en"):
        answer = await api.client.post(BASE, json=body, headers={"accept-language": language})
        assert answer.status_code == 400, answer.text
        problem = answer.json()
        assert problem["type"] == "urn:roadwatch:problem:invalid-body"
        assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
        assert problem["errors"][0]["detail"].isascii() == (language == "en")


@pytest.mark.parametrize(
    "body",
    [{}, {"since": "2026-11-23T00:00:00Z"}, {"since": "x", "until": "y"}, {"since": "2026-11-23T00:00:00", "until": "2026-11-24T00:00:00Z"},
     {"since": "2026-11-24T00:00:00Z", "until": "2026-11-23T00:00:00Z"}],
)  # fmt: skip
async def test_a_wrong_range_is_refused(api: Api, body: dict[str, str]) -> None:
    made = await create(api.client)
    assert (await api.client.post(f"{BASE}/{made['id']}/recover", json=body)).status_code == 400


async def test_a_recovery_is_a_job(api: Api, writer: asyncpg.Connection) -> None:
    made = await create(api.client)
    body = {"since": "2026-11-23T08:00:00+08:00", "until": "2026-11-24T00:00:00Z"}
    answer = await api.client.post(f"{BASE}/{made['id']}/recover", json=body)
    assert answer.status_code == 202
    row = await writer.fetchrow(
        "SELECT kind, account, state, request FROM job WHERE id = $1", answer.json()["job"]
    )
    assert row is not None
    assert (row["kind"], row["account"], row["state"]) == ("webhook.recover", "system", "waiting")
    assert row["request"]["until_ms"] - row["request"]["since_ms"] == 86_400_000
    (listed,) = (await api.client.get(f"{BASE}/{made['id']}/recoveries")).json()["items"]
    assert (listed["id"], listed["kind"], listed["state"], listed["progress"]) == (
        answer.json()["job"], "webhook.recover", "waiting", 0,
    )  # fmt: skip
    assert (await api.client.get(f"/v1/jobs/{listed['id']}")).json() == listed
    await writer.execute("UPDATE job SET state = 'done', done_at = now()")
    assert (await api.client.get(f"/v1/jobs/{listed['id']}")).json()["result"] is None
    refused = await api.client.get(f"/v1/jobs/{listed['id']}/result")
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (404, "no-result")


async def test_a_recovery_has_an_end(api: Api) -> None:
    made = await create(api.client)
    body = {"since": "2026-10-01T00:00:00Z", "until": "2026-11-01T00:00:01Z"}
    refused = await api.client.post(f"{BASE}/{made['id']}/recover", json=body)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (400, "period-too-long")


async def test_a_partner_sees_how_far_a_recovery_is(
    api: Api, receiver: Receiver, run: Delivering, writer: asyncpg.Connection
) -> None:
    await account(writer, "p1", Role.PARTNER)
    partner = await signed_in(api, "p1")
    await endpoint(writer, receiver.url(), account="acc_p1")
    body = {"since": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"}
    job = (await partner.post(f"{BASE}/whe_1/recover", json=body)).json()["job"]
    await run.until(lambda: run.deliverer.held)
    await recover(run.deliverer, run.now_ms())
    (told,) = (await partner.get(f"{BASE}/whe_1/recoveries")).json()["items"]
    assert (told["id"], told["state"], told["progress"]) == (job, "done", 1)


async def test_nobody_sees_or_touches_another_s(
    api: Api, writer: asyncpg.Connection, run: Delivering
) -> None:
    for login in ("p1", "p2"):
        await account(writer, login, Role.PARTNER)
    one, other = await signed_in(api, "p1"), await signed_in(api, "p2")
    mine = await create(one)
    theirs = (await one.post(f"{BASE}/{mine['id']}/ping")).json()["delivery"]
    assert [item["id"] for item in (await one.get(BASE)).json()["items"]] == [mine["id"]]
    assert (await other.get(BASE)).json()["items"] == []
    at = f"{BASE}/{mine['id']}"
    for method, path, body in (
        ("GET", at, None), ("PATCH", at, {"description": "x"}), ("DELETE", at, None), ("POST", f"{at}/secret/rotate", None),
        ("POST", f"{at}/ping", None), ("POST", f"{at}/enable", None), ("POST", f"{at}/disable", None), ("GET", f"{at}/deliveries", None),
        ("GET", f"{at}/recoveries", None), ("POST", f"{at}/recover", {"since": "2026-11-23T00:00:00Z", "until": "2026-11-24T00:00:00Z"}),
        ("GET", f"/v1/webhooks/deliveries/{theirs}", None), ("POST", f"/v1/webhooks/deliveries/{theirs}/redeliver", None),
    ):  # fmt: skip
        answer = await other.request(method, path, json=body)
        assert answer.status_code == 404, (method, path, answer.text)
        assert (await api.client.request("GET", at)).json()["version"] == mine["version"]
    row = await writer.fetchrow(
        "SELECT url, description, state FROM webhook_endpoint WHERE id = $1", mine["id"]
    )
    assert row is not None
    assert tuple(row) == (mine["url"], "", "pending")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PARTNER])
async def test_only_partners_have_endpoints_and_only_the_system_s_administrator_opens_networks(
    api: Api, writer: asyncpg.Connection, role: Role
) -> None:
    await account(writer, "somebody", role)
    client = await signed_in(api, "somebody")
    assert (await client.get(BASE)).status_code == 403
    assert (await client.post(BASE, json=GOOD)).status_code == 403
    expected = 200 if role is Role.SYSTEM_ADMIN else 403
    assert (await client.get("/v1/webhooks/networks")).status_code == expected


async def test_the_allow_list(api: Api, writer: asyncpg.Connection) -> None:
    await writer.execute("DELETE FROM webhook_network")
    networks = "/v1/webhooks/networks"
    put_ = await api.client.put(f"{networks}/10.64.0.0/16", json={"note": "公安视频专网"})
    assert (put_.status_code, put_.json()["network"], put_.json()["note"]) == (
        200,
        "10.64.0.0/16",
        "公安视频专网",
    )
    assert [one["network"] for one in (await api.client.get(networks)).json()["items"]] == ["10.64.0.0/16"]
    assert (await api.client.post(BASE, json={"url": "https://10.64.3.4/in"})).status_code == 201
    for wrong in ("10.64.0.1/16", "169.254.169.254/32", "0.0.0.0/0", "x"):
        refused = await api.client.put(f"{networks}/{wrong}", json={"note": "x"})
        assert refused.status_code == 400, wrong
    assert (await api.client.delete(f"{networks}/10.64.0.0/16")).status_code == 204
    assert (await api.client.delete(f"{networks}/10.64.0.0/16")).status_code == 404
    assert (await api.client.post(BASE, json={"url": "https://10.64.3.4/in"})).status_code == 400
    actions = [row["action"] for row in await writer.fetch("SELECT action FROM audit ORDER BY seq")]
    assert actions == ["webhook.network.allow", "webhook.create", "webhook.network.refuse"]


async def test_an_account_has_an_end_of_endpoints(api: Api, writer: asyncpg.Connection) -> None:
    for number in range(200):
        await endpoint(writer, "https://a.example/", f"whe_{number}")
    answer = await api.client.post(BASE, json=GOOD)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "too-many-webhooks")


async def test_logs_and_lists_are_paged(api: Api, writer: asyncpg.Connection) -> None:
    for number in range(5):
        await endpoint(writer, "https://a.example/", f"whe_{number}")
    first = (await api.client.get(BASE, params={"limit": 3})).json()
    second = (await api.client.get(BASE, params={"limit": 3, "cursor": first["next"]})).json()
    assert [one["id"] for one in first["items"] + second["items"]] == [f"whe_{n}" for n in range(5)]
    assert second["next"] is None
    for number in range(5):
        await webhooks.add_eventless(
            writer, f"msg_{number}", "whe_0", f"png_{number}", payload.PING, b"{}", 1000 + number // 2
        )
    log = f"{BASE}/whe_0/deliveries"
    seen: list[str] = []
    wanted = {"limit": "2", "status": "waiting,held"}
    while "cursor" not in wanted or wanted["cursor"]:
        page = (
            await api.client.get(log, params={name: value for name, value in wanted.items() if value})
        ).json()
        seen += [one["id"] for one in page["items"]]
        wanted["cursor"] = page["next"]
    assert seen == ["msg_4", "msg_3", "msg_2", "msg_1", "msg_0"]
    first = (await api.client.get(log, params={"limit": 2})).json()
    other = await api.client.get(log, params={"cursor": first["next"], "status": "delivered"})
    assert other.json()["type"].endswith("cursor-mismatch")
    await writer.execute("DELETE FROM webhook_network")
    for number in range(3):
        await webhooks.put_network(writer, f"10.{number}.0.0/16", "", 0)
    first = (await api.client.get("/v1/webhooks/networks", params={"limit": 2})).json()
    rest = (await api.client.get("/v1/webhooks/networks", params={"cursor": first["next"]})).json()
    assert [one["network"] for one in first["items"] + rest["items"]] == [f"10.{n}.0.0/16" for n in range(3)]
    assert (len(first["items"]), rest["next"]) == (2, None)


async def test_every_type_has_a_schema_that_its_deliveries_fit(
    api: Api, receiver: Receiver, run: Delivering, writer: asyncpg.Connection
) -> None:
    types = {one["type"]: one for one in (await api.client.get("/v1/webhooks/event-types")).json()["items"]}
    assert set(labels.codes(labels.EVENT_TYPES)) < set(types)
    for one in types.values():
        jsonschema.Draft202012Validator(one["schema"]).validate(one["example"])
        assert one["zh"] != one["en"]
    await endpoint(writer, receiver.url(), state="pending")
    await put(writer, [event("alr_1"), event("alr_1", 2, event_type="alert.closed", state="closed")])
    await api.client.post(f"{BASE}/whe_1/enable")
    await run.until(lambda: len(receiver.received) == 3)
    for one in receiver.received:
        body = json.loads(one.body)
        jsonschema.Draft202012Validator(types[body["type"]]["schema"]).validate(body)
        assert "driver" not in one.body.decode()


async def test_answers_fit_the_document(api: Api, writer: asyncpg.Connection) -> None:
    document = (await api.get("/openapi.json")).json()
    made = await create(api.client)
    delivery = (await api.client.post(f"{BASE}/{made['id']}/ping")).json()["delivery"]
    await api.client.put("/v1/webhooks/networks/10.64.0.0/16", json={"note": "x"})
    for path, real in (
        (BASE, BASE), (f"{BASE}/{{webhook_id}}", f"{BASE}/{made['id']}"),
        (f"{BASE}/{{webhook_id}}/deliveries", f"{BASE}/{made['id']}/deliveries"),
        ("/v1/webhooks/deliveries/{delivery_id}", f"/v1/webhooks/deliveries/{delivery}"),
        ("/v1/webhooks/event-types", "/v1/webhooks/event-types"), ("/v1/webhooks/networks", "/v1/webhooks/networks"),
    ):  # fmt: skip
        answer = await api.client.get(real)
        assert answer.status_code == 200, answer.text
        (content,) = document["paths"][path]["get"]["responses"]["200"]["content"].values()
        jsonschema.validate(answer.json(), {**content["schema"], "components": document["components"]})
        if "items" not in answer.json():
            assert answer.json().keys() == content["example"].keys()
