"""Deliveries of alerts that an account may no longer see: not told with any content, whatever their state, and told again when they are in view again."""

import json

import asyncpg

from services.api.identity import Role
from services.store import webhook_queue
from services.store.webhook_queue import Message
from tests.api.accounts import account, signed_in
from tests.api.receivers import endpoint
from tests.api.support import BEGAN_MS, Api, event, put

BASE = "/v1/webhooks"


async def queued(writer: asyncpg.Connection, states: tuple[str, ...]) -> None:
    """A message of every state, each of an alert of its own in division 640100."""
    for place, state in enumerate(states):
        name = f"alr_{state}"
        await put(writer, [event(name)])
        body = json.dumps(
            {"data": {"alert": name, "vehicle": {"plate": "宁A12345"}}}, ensure_ascii=False
        ).encode()
        message = Message(
            id=f"msg_{state}", endpoint="whe_1", seq=place + 1, event_id=f"evt_{place}", alert_id=name, type="alert.opened", body=body
        )  # fmt: skip
        await webhook_queue.insert(writer, [message], BEGAN_MS)
    await writer.execute("UPDATE webhook_message SET state = substr(id, 5)")
    await writer.execute(
        "INSERT INTO webhook_attempt (message, number, at, milliseconds, status, response) SELECT id, 1, now(), 1, 200, '宁A' FROM webhook_message"
    )


async def test_what_is_out_of_view_is_told_without_content(api: Api, writer: asyncpg.Connection) -> None:
    states = ("waiting", "held", "again", "delivered", "exhausted", "withheld")
    owner = await account(writer, "buyer", Role.PARTNER, divisions=["64"])
    await endpoint(writer, "https://receiver.example.com/", account=owner)
    await queued(writer, states)
    at = f"{BASE}/endpoints/whe_1/deliveries"

    async def told(**query: str) -> dict[str, tuple[str, str | None]]:
        answer = await client.get(at, params=query)
        assert answer.status_code == 200, answer.text
        return {one["id"]: (one["status"], one["alert"]) for one in answer.json()["items"]}

    client = await signed_in(api, "buyer")
    assert await told() == {f"msg_{state}": (state, f"alr_{state}") for state in states}
    await api.client.patch(
        f"/v1/accounts/{owner}", json={"scope": {"divisions": ["63"]}}, headers={"if-match": "*"}
    )
    after = {"delivered": "delivered", "exhausted": "exhausted"}
    assert await told() == {f"msg_{state}": (after.get(state, "withheld"), None) for state in states}
    assert await told(status="waiting,held,again") == {}
    assert len(await told(status="withheld")) == 4
    for state in states:
        answer = await client.get(f"{BASE}/deliveries/msg_{state}")
        one = answer.json()
        assert (one["body"], one["alert"], one["next_attempt"], one["tries"][0]["response"]) == (
            None,
            None,
            None,
            None,
        )
        assert "宁A" not in answer.text
        assert "alr_" not in answer.text
    await api.client.patch(
        f"/v1/accounts/{owner}", json={"scope": {"divisions": ["64"]}}, headers={"if-match": "*"}
    )
    assert (await client.get(f"{BASE}/deliveries/msg_waiting")).json()["body"]["data"][
        "alert"
    ] == "alr_waiting"
