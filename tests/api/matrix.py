"""Every operation of the OpenAPI document, asked as every kind of principal about every object, and what answers should have been.

The cases make themselves: an operation that is new is asked like the others as soon as `matrix_recipes` knows its path parameters and its body;
until then `lacking` names it. A leak is any mark of an object out of scope, or of another account's belongings, in an answer that is not a refusal.
"""

import asyncio
import io
import json
import uuid
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import httpx2

from services.api import openapi
from services.api.identity import ACCESS, EITHER, OPEN, OWN
from tests.api.matrix_recipes import (
    ABOUT,
    ALSO_SHOWS,
    BEFORE,
    BODIES,
    ECHOES,
    NOT_OF_THINGS,
    OTHERWISE,
    OWNED,
    OWNED_PARAMETERS,
    PARAMETERS,
    QUERIES,
    ROWS,
    VERDICTS,
    version,
)
from tests.api.matrix_world import OWN_THING, SECRET, THINGS, Asker, Case, Operation, Thing, World, askers
from tests.api.support import DEADLINE_S, open_stream

READS = frozenset({"alerts:read", "vehicles:read", "tracks:read"})
STREAMS = frozenset({"stream_alerts", "stream_positions"})
IN_SESSION = frozenset(
    {"list_my_keys", "create_my_key", "get_my_key", "revoke_my_key", "begin_totp", "confirm_totp", "end_totp", "change_password"}
)  # fmt: skip
WITH_FIRST_PASSWORD = frozenset({"logout", "get_me", "change_password"})
FEW = ("supervisor", "partner")
LAST = ("change_password", "logout")
"""They end sessions: asked after everything else."""


@dataclass(frozen=True)
class Finding:
    """What should not be."""

    operation: str
    asker: str
    thing: int
    what: str


def operations() -> list[Operation]:
    """All of them, those that end sessions last."""
    document = json.loads(openapi.text())
    found = [
        Operation(
            operation["operationId"],
            method.upper(),
            path,
            tuple(one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"),
            "requestBody" in operation,
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    return sorted(found, key=lambda operation: LAST.index(operation.name) if operation.name in LAST else -1)


def lacking() -> list[str]:
    """Operations that cannot be asked yet: a path parameter or a body that nobody gave here."""
    return [
        operation.name
        for operation in operations()
        if not set(operation.parameters) <= PARAMETERS.keys()
        or (operation.has_body and operation.name not in BODIES)
    ]


def expected(case: Case) -> frozenset[int] | None:
    """The statuses that are right; None: any 2xx."""
    name = case.operation.name
    if ACCESS[name] == OPEN:
        return OTHERWISE.get(name)
    if case.asker.credential == "none":
        return frozenset({401})
    if not _permitted(case.asker, name):
        return frozenset({403})
    elsewhere = bool(set(case.operation.parameters) & ROWS) and not case.thing.seen(case.asker.scope)
    if elsewhere or (
        _owned(case.operation) and case.thing is not OWN_THING and case.asker.credential != "token"
    ):
        return frozenset({404})
    return OTHERWISE.get(name)


def _owned(operation: Operation) -> bool:
    return operation.name in OWNED or bool(set(operation.parameters) & OWNED_PARAMETERS)


def _permitted(asker: Asker, name: str) -> bool:
    if asker.must_change:
        return name in WITH_FIRST_PASSWORD
    if ACCESS[name] != OWN:
        return not asker.permissions.isdisjoint(ACCESS[name].split(EITHER))
    return asker.credential == "session" or name not in IN_SESSION


def cases(world: World, everybody: list[Asker]) -> Iterator[Case]:
    """Every operation × everybody × every object it can be about."""
    for operation in operations():
        about: tuple[Thing, ...] = THINGS if set(operation.parameters) & ROWS else (OWN_THING,)
        if _owned(operation):
            about = (THINGS[0], OWN_THING)
        about = ABOUT.get(operation.name, about)
        for asker in everybody:
            for thing in about:
                yield Case(world, asker, operation, thing)


async def asked(case: Case, client: httpx2.AsyncClient) -> tuple[int, str]:
    """Status and all that was told, what came out of an export included."""
    name = case.operation.name
    if name in BEFORE:
        await BEFORE[name](case)
    values = {each: await PARAMETERS[each](case) for each in case.operation.parameters}
    path = case.operation.path.format_map(values)
    query = QUERIES[name](case) if name in QUERIES else {}
    if name in STREAMS:
        return await _streamed(
            case, path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        )
    headers = dict(case.asker.headers)
    if case.operation.method != "GET":
        headers |= {"if-match": await version(case), "idempotency-key": f'"{uuid.uuid4()}"'}
    body: Any = BODIES[name](case) if case.operation.has_body else None
    if isawaitable(body):
        body = await body
    answer = await client.request(case.operation.method, path, params=query, headers=headers, json=body)
    told = answer.text
    if name == "create_export" and answer.status_code == 202:
        told += await _exported(case, client, answer.json()["id"])
    return answer.status_code, told


async def _exported(case: Case, client: httpx2.AsyncClient, job: str) -> str:
    """Everything in an export, once it is done."""
    async with asyncio.timeout(DEADLINE_S):
        while await case.world.writer.fetchval("SELECT state FROM job WHERE id = $1", job) != "done":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    answer = await client.get(f"/v1/jobs/{job}/result", headers=case.asker.headers)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


async def _streamed(case: Case, path: str) -> tuple[int, str]:
    """A stream, read until the thing that everybody sees who sees anything."""
    headers: dict[str, str | None] = {"authorization": None, **case.asker.headers}
    told = ""
    async with open_stream(case.world.api.port, path, headers) as stream:
        if stream.status != 200:
            return stream.status, ""
        async with asyncio.timeout(5):
            while OWN_THING.plate not in told and (found := await stream.event()) is not None:
                told += found.data or ""
    return 200, told


def judged(case: Case, status: int, told: str) -> list[str]:
    """What is wrong with an answer."""
    right = expected(case)
    if status not in right if right is not None else not 200 <= status < 300:
        return [f"{status} where {sorted(right) if right else '2xx'} is right"]
    if not 200 <= status < 300:
        return []
    name = case.operation.name
    wrong = [
        f"leaks {mark}"
        for thing in THINGS
        for mark in thing.marks()
        if mark in told and not thing.seen(case.asker.scope) and not (name in ECHOES and mark == thing.alert)
    ]
    if SECRET in told and case.asker.credential != "token":
        wrong.append("leaks what another account owns")
    wrong += [
        f"hides {thing.plate}"
        for thing in _shown(case)
        if thing.seen(case.asker.scope) and not any(mark in told for mark in thing.marks())
    ]
    return wrong + (VERDICTS[name](case, told) if name in VERDICTS else [])


def _shown(case: Case) -> tuple[Thing, ...]:
    """What an answer must tell of if it is in scope."""
    name = case.operation.name
    reads = case.operation.method == "GET" and ACCESS[name] in READS and name not in NOT_OF_THINGS
    if not reads and name not in ALSO_SHOWS:
        return ()
    return (case.thing,) if case.operation.parameters or name in ABOUT else THINGS


async def survey(world: World, *, whole: bool, only: Collection[str] | None = None) -> list[Finding]:
    """Ask everything, as everybody or, not `whole`, as those two roles that may do most with what is in scope; gives what should not be.

    `only` names the operations that are asked.
    """
    found = []
    everybody = [one for one in await askers(world.writer) if whole or one.name.startswith(FEW)]
    client = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{world.api.port}", trust_env=False, timeout=20, cookies=None
    )
    world.api.browsers.append(client)
    for case in cases(world, everybody):
        if only is not None and case.operation.name not in only:
            continue
        client.cookies.clear()
        status, told = await asked(case, client)
        found += [
            Finding(case.operation.name, case.asker.name, case.thing.number, what)
            for what in judged(case, status, told)
        ]
    return found
