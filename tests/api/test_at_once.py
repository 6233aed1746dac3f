"""Many hands on one alert: two dispatchers at once, and the rules writing while people act. Nothing is lost, doubled or left between.

ROADWATCH_ROUNDS sets how often the two act at once; a release runs 1,000.
"""

import asyncio
import json
import os
import random
from collections import Counter
from typing import Any

import asyncpg
import httpx2

from services.api.handling.states import TRANSITIONS
from services.api.identity import Role
from services.contracts.alert import iso
from services.contracts.handling import Action, Handling
from services.runtime.clock import now_ms
from services.store.connect import connection
from tests.api.accounts import account, signed_in
from tests.api.support import Api, event, put

ROUNDS = int(os.environ.get("ROADWATCH_ROUNDS", "100"))
SEED = 20261126
ACTIONS = [action for action in Action if action is not Action.ESCALATE]


def body_of(action: Action) -> dict[str, Any]:
    due = iso(now_ms() + 86_400_000)
    return {
        Action.ASSIGN: {"account": "wang"},
        Action.COMMENT: {"text": "备注"},
        Action.SUPERVISE: {"level": "normal", "due": due},
        Action.RESOLVE: {"reason": "handled"},
        Action.REOPEN: {"text": "再查"},
    }.get(action, {})


async def sent(client: httpx2.AsyncClient, action: Action, etag: str) -> httpx2.Response:
    headers = {} if action is Action.COMMENT else {"if-match": etag}
    return await client.post(f"/v1/alerts/alr_1/{action}", json=body_of(action), headers=headers)


async def test_two_dispatchers_at_once_lose_no_action(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    clients = {}
    for login in ("wang", "li"):
        name = await account(writer, login, Role.SUPERVISOR)
        clients[name] = await signed_in(api, login)
    chance, accepted, refused = random.Random(SEED), [], 0
    for _ in range(ROUNDS):
        read = await api.get("/v1/alerts/alr_1")
        etag, state = read.headers["etag"], Handling(read.json()["handling"])
        possible = [action for action in ACTIONS if TRANSITIONS[state, action] is not None]
        asked = [(name, chance.choice(possible)) for name in clients]
        answers = await asyncio.gather(*(sent(clients[name], action, etag) for name, action in asked))
        for (name, action), answer in zip(asked, answers, strict=True):
            if answer.status_code == 200:
                accepted.append((answer.json()["handled"]["version"], name, str(action)))
                continue
            refused += 1
            assert answer.status_code == 412, (action, answer.text)
            other = next(each for each in asked if each[0] != name)
            assert (answer.json()["changes"][0]["by"]["id"], answer.json()["changes"][0]["action"]) == other
    print(f"{ROUNDS} rounds: {len(accepted)} accepted, {refused} refused")
    assert len(accepted) + refused == 2 * ROUNDS
    assert refused > ROUNDS // 4, "they did not meet"
    assert len(accepted) >= ROUNDS
    rows = await writer.fetch("SELECT version, actor, action FROM alert_action ORDER BY version")
    assert [tuple(row) for row in rows] == sorted(accepted)
    assert [row["version"] for row in rows] == list(range(1, len(accepted) + 1))
    await whole(writer, judged=1, acted=len(accepted))


async def whole(writer: asyncpg.Connection, judged: int, acted: int) -> None:
    """Events, actions and audit are of one piece: no gap, no double, each event tells both versions it stands at."""
    events = await writer.fetch("SELECT seq, sequence, event_id, type, data FROM alert_event ORDER BY seq")
    count = judged + acted
    assert [row["seq"] for row in events] == list(range(1, count + 1))
    assert [row["sequence"] for row in events] == list(range(1, count + 1))
    assert len({row["event_id"] for row in events}) == count
    for row in events:
        data = json.loads(row["data"])
        assert row["sequence"] == data["version"] + data.get("handled", {"version": 0})["version"], row[
            "type"
        ]
    acts = await writer.fetch(
        "SELECT d.version, d.seq, e.data FROM alert_action d JOIN alert_event e ON e.seq = d.seq"
    )
    assert sorted(row["version"] for row in acts) == list(range(1, acted + 1))
    assert all(json.loads(row["data"])["handled"]["version"] == row["version"] for row in acts)
    written = await writer.fetchval("SELECT count(*) FROM audit WHERE object = 'alr_1'")
    assert written == acted
    kept = await writer.fetchrow("SELECT version, handling_version, handled FROM alert WHERE id = 'alr_1'")
    assert kept is not None
    assert (kept["version"], kept["handling_version"]) == (judged, acted)
    assert json.loads(kept["handled"])["version"] == acted


async def test_judging_and_people_write_one_alert_without_a_gap(
    api: Api, writer: asyncpg.Connection, database_url: str
) -> None:
    await put(writer, [event("alr_1"), event("alr_2")])
    rules = await connection(database_url)
    judged, hands, each, others = 41, 3, 20, 1

    async def judge() -> None:
        nonlocal others
        for version in range(2, judged + 1):
            batch = [event("alr_1", version, event_type="alert.updated")]
            if version % 5 == 0:
                others += 1
                batch.insert(0, event("alr_2", others, event_type="alert.updated"))
            await put(rules, batch)

    statuses: Counter[int] = Counter()

    async def comment() -> None:
        for _ in range(each):
            answer = await api.client.post("/v1/alerts/alr_1/comment", json={"text": "x"})
            statuses[answer.status_code] += 1

    await asyncio.gather(judge(), *(comment() for _ in range(hands)))
    await rules.close()
    assert statuses == {200: hands * each}
    events = await writer.fetch("SELECT alert_id, sequence, data FROM alert_event ORDER BY seq")
    mine = [row for row in events if row["alert_id"] == "alr_1"]
    assert [row["sequence"] for row in mine] == list(range(1, judged + hands * each + 1))
    versions = [json.loads(row["data"]) for row in mine]
    stood = [(data["version"], data.get("handled", {"version": 0})["version"]) for data in versions]
    assert all(sum(pair) == row["sequence"] for pair, row in zip(stood, mine, strict=True))
    assert stood == sorted(stood), "neither version ever goes back"
    mixed = sum(
        (one[0] == two[0]) != (two[0] == three[0])
        for one, two, three in zip(stood, stood[1:], stood[2:], strict=False)
    )
    assert mixed > 5, "they did not meet"
    assert await writer.fetchval("SELECT last FROM feed") == len(events)
    assert [row["sequence"] for row in events if row["alert_id"] == "alr_2"] == list(range(1, others + 1))
