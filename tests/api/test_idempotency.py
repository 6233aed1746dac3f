"""Idempotency-Key: sent again is answered again and not done again, whatever happens in between."""

import asyncio
import json
from inspect import isawaitable

import asyncpg
import httpx2
import pytest

from services.api import openapi
from services.api.idempotency import LOOKS, SECRET_ANSWERS, key_of
from services.api.identity import EVERYWHERE, SYSTEM, Role
from services.api.problems import Problem
from services.store import idempotency
from services.store.idempotency import KEPT_MS, LEASE_MS, Claim
from tests.api.accounts import account, signed_in
from tests.api.matrix import operations
from tests.api.matrix_recipes import BEFORE, BODIES, PARAMETERS, QUERIES, version
from tests.api.matrix_world import OWN_THING, Asker, Case, World, furnish
from tests.api.support import BEARER, Api, event, put


async def comment(
    client: httpx2.AsyncClient, key: str, text: str = "x", name: str = "alr_1", **headers: str
) -> httpx2.Response:
    return await client.post(
        f"/v1/alerts/{name}/comment", json={"text": text}, headers={"idempotency-key": key, **headers}
    )


async def test_the_same_key_is_done_once_and_answered_the_same(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1"), event("alr_2")])
    first = await comment(api.client, '"k-1"')
    assert (first.status_code, "idempotency-replayed" in first.headers) == (200, False)
    assert first.headers["idempotency-expires"].endswith("Z")
    await comment(api.client, "other")
    for key in ('"k-1"', "k-1"):
        again = await comment(api.client, key)
        assert (again.content, again.headers["etag"], again.headers["content-type"]) == (
            first.content, first.headers["etag"], first.headers["content-type"],
        )  # fmt: skip
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["idempotency-expires"] == first.headers["idempotency-expires"]
    for other in (await comment(api.client, "k-1", "y"), await comment(api.client, "k-1", name="alr_2")):
        assert (other.status_code, other.json()["type"]) == (
            422,
            "urn:roadwatch:problem:idempotency-mismatch",
        )
    assert await writer.fetchval("SELECT count(*) FROM alert_action") == 2


async def test_a_key_is_its_principal_s(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    await account(writer, "wang", Role.DISPATCHER)
    wang = await signed_in(api, "wang")
    assert (await comment(api.client, "k")).headers["etag"] == '"1"'
    assert (await comment(wang, "k")).headers["etag"] == '"2"'
    await writer.execute("UPDATE account SET role = 'partner', epoch = epoch + 1")
    api.state.authenticator.forget()
    assert (await comment(wang, "k")).status_code == 403, (
        "what was answered is not told to who may no longer ask"
    )


async def test_a_problem_changes_nothing_and_gives_the_key_back(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    path, key = "/v1/alerts/alr_1/claim", {"idempotency-key": "k"}
    for tag, status in (('"7"', 412), ('"0"', 200), ('"1"', 200)):
        answer = await api.client.post(path, headers={**key, "if-match": tag})
        assert answer.status_code == status
    assert answer.headers["idempotency-replayed"] == "true"
    assert (answer.headers["etag"], await writer.fetchval("SELECT count(*) FROM alert_action")) == ('"1"', 1)


async def test_two_at_once_are_one(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    answers = await asyncio.gather(*(comment(api.client, "k") for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert await writer.fetchval("SELECT count(*) FROM alert_action") == 1


async def test_a_request_that_still_runs_is_409_until_its_lease_is_over(
    api: Api, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("alr_1")])
    await comment(api.client, "k")
    await writer.execute("UPDATE idempotency SET status = NULL, body = NULL")
    running = await comment(api.client, "k")
    assert (running.status_code, running.json()["type"]) == (409, "urn:roadwatch:problem:idempotency-running")
    await writer.execute("UPDATE idempotency SET created_at = created_at - interval '61 s'")
    assert (await comment(api.client, "k")).headers["etag"] == '"2"'


async def test_a_key_expires_after_a_day(writer: asyncpg.Connection) -> None:
    old = Claim("p", "k", 1_800_000_000_000)
    assert await idempotency.claim(writer, old, b"1")
    assert await idempotency.keep(writer, old, 200, {}, b"")
    assert not await idempotency.claim(writer, Claim("p", "k", old.expires_ms - 1), b"1")
    await idempotency.expire(writer, old.expires_ms - 1)
    assert await idempotency.found(writer, old) is not None
    assert await idempotency.claim(writer, Claim("p", "k", old.expires_ms), b"2")
    await idempotency.expire(writer, old.expires_ms + KEPT_MS)
    assert await idempotency.found(writer, old) is None


async def test_who_lost_its_claim_can_neither_keep_nor_release(writer: asyncpg.Connection) -> None:
    slow, quick = Claim("p", "k", 1_800_000_000_000), Claim("p", "k", 1_800_000_000_000 + LEASE_MS)
    assert await idempotency.claim(writer, slow, b"1")
    assert await idempotency.claim(writer, quick, b"1")
    assert not await idempotency.keep(writer, slow, 200, {}, b"slow")
    await idempotency.release(writer, slow)
    assert await idempotency.keep(writer, quick, 200, {}, b"quick")
    await idempotency.release(writer, quick)
    kept = await idempotency.found(writer, quick)
    assert kept is not None
    assert kept["body"] == b"quick"


async def test_work_and_answer_are_committed_together(api: Api, writer: asyncpg.Connection) -> None:
    """The audit comes last in the transaction; when it fails, neither the action nor its answer is there."""
    await put(writer, [event("alr_1")])
    await writer.execute("ALTER TABLE audit ADD CONSTRAINT never CHECK (action <> 'alert.comment')")
    try:
        assert (await comment(api.client, "k")).status_code == 500
    finally:
        await writer.execute("ALTER TABLE audit DROP CONSTRAINT never")
    counts = await writer.fetchrow(
        "SELECT (SELECT count(*) FROM alert_action) AS actions, (SELECT count(*) FROM idempotency) AS keys, (SELECT last FROM feed)"
    )
    assert tuple(counts or ()) == (0, 0, 1)
    assert (await comment(api.client, "k")).status_code == 200


async def test_a_list_is_answered_again_as_a_whole(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    body = {"items": [{"id": "alr_1", "version": 0}, {"id": "alr_2", "version": 0}]}
    first, again = [
        await api.client.post("/v1/alerts/acknowledge", json=body, headers={"idempotency-key": "k"})
        for _ in range(2)
    ]
    assert (first.json()["done"], again.content) == (1, first.content)


@pytest.mark.parametrize(
    ("given", "key"),
    [("a", "a"), ('"a"', "a"), (' "a-b" ', "a-b"), ('"a\\"b"', 'a"b'), ("x" * 255, "x" * 255)],
)
def test_keys_come_quoted_or_bare(given: str, key: str) -> None:
    assert key_of(given) == key


@pytest.mark.parametrize("given", ["", '""', "a b", "x" * 256, "键", "\x7f"])
def test_what_is_no_key_is_refused(given: str) -> None:
    with pytest.raises(Problem) as caught:
        key_of(given)
    assert caught.value.code == "invalid-idempotency-key"


def test_every_post_takes_a_key_or_answers_with_a_secret() -> None:
    posts = {
        operation["operationId"]: {one["name"] for one in operation.get("parameters", ())}
        for path in json.loads(openapi.text())["paths"].values()
        for method, operation in path.items()
        if method == "post"
    }
    assert {
        name for name, parameters in posts.items() if "Idempotency-Key" not in parameters
    } == SECRET_ANSWERS


async def test_every_post_that_takes_a_key_is_done_once(api: Api, writer: asyncpg.Connection) -> None:
    world = World(api, writer, await furnish(writer))
    asker = Asker("system", EVERYWHERE, SYSTEM.permissions, dict(BEARER), "token")
    asked = 0
    for operation in operations():
        if operation.method != "POST" or operation.name in SECRET_ANSWERS | LOOKS:
            continue
        case = Case(world, asker, operation, OWN_THING)
        if operation.name in BEFORE:
            await BEFORE[operation.name](case)
        path = operation.path.format_map(
            {name: await PARAMETERS[name](case) for name in operation.parameters}
        )
        query = QUERIES[operation.name](case) if operation.name in QUERIES else {}
        body = BODIES[operation.name](case) if operation.has_body else None
        body = await body if isawaitable(body) else body
        headers = {"idempotency-key": f"once-{operation.name}", "if-match": await version(case)}
        first, again = [
            await api.client.post(path, params=query, headers=headers, json=body) for _ in range(2)
        ]
        assert first.status_code < 300, (operation.name, first.text)
        assert (again.status_code, again.content) == (first.status_code, first.content), operation.name
        assert ("idempotency-replayed" in first.headers, "idempotency-replayed" in again.headers) == (
            False,
            True,
        )
        asked += 1
    assert asked >= 14


async def test_a_look_is_looked_at_again_and_a_job_taken_on_once(
    api: Api, writer: asyncpg.Connection
) -> None:
    body = {
        "polygon": [[106, 38.4], [107, 38.4], [107, 38.5]],
        "from": "2026-11-22T15:30:00Z",
        "to": "2026-11-22T16:30:00Z",
    }
    for query, actions in (({}, 2), ({"job": "true"}, 1)):
        headers = {"idempotency-key": f"k{len(query)}"}
        answers = [
            await api.client.post("/v1/search/presence", params=query, json=body, headers=headers)
            for _ in range(2)
        ]
        assert {answer.status_code for answer in answers} == {202 if query else 200}
        action = "presence.job" if query else "presence.search"
        assert await writer.fetchval("SELECT count(*) FROM audit WHERE action = $1", action) == actions
