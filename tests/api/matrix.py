"""Every operation of the OpenAPI document, asked as every kind of principal about every object, and what answers should have been.

The cases make themselves: an operation that is new is asked like the others as soon as its path parameters and its body are known here
(`PARAMETERS`, `BODIES`, `QUERIES`); until then `lacking` names it. A leak is any mark of an object out of scope in an answer that is not a refusal.
"""

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx2

from services.api import openapi
from services.api.identity import ACCESS, EVERYWHERE, OPEN, OWN, PERMISSIONS, SYSTEM, Role, Scope
from services.api.passwords import new_key, new_token
from services.runtime.clock import now_ms
from services.store.accounts import open_session
from tests.api.accounts import PASSWORD, account
from tests.api.support import BEARER, BEGAN_MS, Api, assign, event, fixes, open_stream, put, record, register

HOUR_MS = 3_600_000
SCOPED = {
    Role.DISPATCHER, Role.SUPERVISOR, Role.AUTHORITY, Role.ENTERPRISE, Role.PARTNER,
}  # fmt: skip
ROWS = frozenset({"alert_id", "vehicle_id", "route_id"})
"""Path parameters that name what is in somebody's scope or not."""
STREAMS = frozenset({"stream_alerts", "stream_positions"})
IN_SESSION = frozenset(
    {"list_my_keys", "create_my_key", "revoke_my_key", "begin_totp", "confirm_totp", "end_totp", "change_password"}
)  # fmt: skip
WITH_FIRST_PASSWORD = frozenset({"logout", "get_me", "change_password"})
NOT_YET = frozenset(
    {
        "acknowledge_alert",
        "claim_alert",
        "assign_alert",
        "comment_alert",
        "supervise_alert",
        "resolve_alert",
        "reopen_alert",
        "list_actions",
        "list_alert_groups",
        "acknowledge_alerts",
        "get_shift_summary",
        "list_trips",
        "list_stops",
        "get_mileage",
        "search_presence",
        "search_near",
        "create_export",
        "list_jobs",
        "get_job",
        "get_job_result",
        "cancel_job",
        "list_drivers",
        "get_driver",
        "list_webhooks",
        "create_webhook",
        "get_webhook",
        "change_webhook",
        "delete_webhook",
        "rotate_webhook_secret",
        "ping_webhook",
        "enable_webhook",
        "disable_webhook",
        "recover_webhook",
        "list_deliveries",
        "get_delivery",
        "redeliver",
        "list_webhook_event_types",
        "list_webhook_networks",
        "put_webhook_network",
        "delete_webhook_network",
    }
)
"""Operations that need more to be asked than a path and a body (a state, a purpose, a receiver): whose scope only their own tests hold so far."""
LAST = ("change_password", "logout")
"""They end sessions: asked after everything else."""


@dataclass(frozen=True)
class Thing:
    """A vehicle with an alert and a track."""

    number: int
    division: str = "640104"
    operator: str = "甲公司"
    vehicle_class: str = "coach"

    @property
    def alert(self) -> str:
        """Its alert's id."""
        return f"alr_thing{self.number}"

    @property
    def plate(self) -> str:
        """Its plate."""
        return f"宁A7777{self.number}"

    @property
    def route(self) -> str:
        """Its route, named like it."""
        return f"R-{self.plate}"

    @property
    def lon_e7(self) -> int:
        """Where it is, like no other."""
        return 1_061_111_111 + 11_111_110 * self.number

    def marks(self) -> tuple[str, ...]:
        """What no answer to somebody who does not see it holds."""
        return self.alert, self.plate, str(self.lon_e7 / 1e7)

    def seen(self, scope: Scope) -> bool:
        """Whether it is in a scope."""
        return scope.sees(self.division, self.operator, self.vehicle_class)


OWN_THING = Thing(0)
THINGS = (
    Thing(1, division="640205"),
    Thing(2, operator="乙公司"),
    Thing(3, vehicle_class="hazmat"),
    OWN_THING,
)
"""Each but the last differs from it in one part of the scope; the last is seen by everybody who sees anything, and comes last in the feed."""
SCOPES = {
    "all": EVERYWHERE,
    "division": Scope(divisions=("6401",)),
    "operator": Scope(operators=("甲公司",)),
    "class": Scope(classes=("coach",)),
    "narrow": Scope(("6401",), ("甲公司",), ("coach",)),
}


@dataclass
class Asker:
    """Somebody who asks, and how."""

    name: str
    scope: Scope
    permissions: frozenset[str]
    headers: dict[str, str]
    credential: str = "session"
    must_change: bool = False
    account: str = ""


@dataclass
class World:
    """What there is."""

    api: Api
    writer: asyncpg.Connection
    vehicles: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """An operation of the document."""

    name: str
    method: str
    path: str
    parameters: tuple[str, ...]
    has_body: bool


@dataclass(frozen=True)
class Case:
    """One question."""

    world: World
    asker: Asker
    operation: Operation
    thing: Thing


@dataclass(frozen=True)
class Finding:
    """What should not be."""

    operation: str
    asker: str
    thing: int
    what: str


async def _key(case: Case) -> str:
    """A fresh key: of the asker if it is own, of another account else."""
    mine = case.operation.name == "revoke_my_key" and case.thing is OWN_THING
    _, key_id, key_hash = new_key()
    await case.world.writer.execute(
        "INSERT INTO api_key (id, key_hash, account, name, scopes, networks, expires_at) VALUES ($1, $2, $3, $1, '{}', '{}', now() + interval '1 day')",
        key_id, key_hash, case.asker.account if mine and case.asker.account else "acc_target",
    )  # fmt: skip
    return key_id


async def _alert(case: Case) -> str:
    return case.thing.alert


async def _vehicle(case: Case) -> str:
    return str(case.world.vehicles[case.thing.number])


async def _route(case: Case) -> str:
    return case.thing.route


async def _account(case: Case) -> str:
    return "acc_target"


PARAMETERS = {
    "alert_id": _alert,
    "vehicle_id": _vehicle,
    "route_id": _route,
    "account_id": _account,
    "key_id": _key,
}
"""Path parameter to its value for a case."""
OWNED = frozenset({"revoke_my_key"})
"""Operations on what belongs to an account: another's is not there."""
QUERIES: dict[str, dict[str, str]] = {
    "get_track": {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "purpose": "test of scopes"},
    "stream_alerts": {"after": "0"},
    "list_roads": {"bbox": "106.2,38.4,106.3,38.5"},
}
"""Query parameters that are needed, or show more."""
BODIES: dict[str, Callable[[Case], dict[str, Any]]] = {
    "login": lambda _: {"login": "visitor", "password": PASSWORD},
    "change_password": lambda _: {"old": PASSWORD, "new": PASSWORD},
    "create_account": lambda _: {"login": f"n{uuid.uuid4().hex}", "name": "新", "role": "dispatcher"},
    "change_account": lambda _: {"name": "改"},
    "create_key": lambda _: {"name": uuid.uuid4().hex, "scopes": ["meta:read"]},
    "create_my_key": lambda _: {"name": uuid.uuid4().hex, "scopes": ["meta:read"]},
    "begin_totp": lambda _: {"password": PASSWORD},
    "confirm_totp": lambda _: {"code": "000000"},
    "end_totp": lambda _: {"code": "000000"},
}
"""Bodies, for operations that take one."""
OTHERWISE: dict[str, frozenset[int]] = {
    "confirm_totp": frozenset({204, 401}),
    "begin_oidc": frozenset({404}),  # no provider is set up
    "end_oidc": frozenset({404}),
}
"""Statuses of success that are not 2xx."""


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
    found = [operation for operation in found if operation.name not in NOT_YET]
    return sorted(found, key=lambda operation: LAST.index(operation.name) if operation.name in LAST else -1)


def lacking() -> list[str]:
    """Operations that cannot be asked yet: a path parameter or a body that nobody gave here."""
    return [
        operation.name
        for operation in operations()
        if not set(operation.parameters) <= PARAMETERS.keys()
        or (operation.has_body and operation.name not in BODIES)
    ]


async def furnish(conn: asyncpg.Connection) -> dict[int, int]:
    """Put the things into the database; gives the vehicles by their thing's number."""
    vehicles = {}
    for thing in THINGS:
        vehicles[thing.number] = vehicle = await register(
            conn, thing.plate, division=thing.division, operator=thing.operator, vehicle_class=thing.vehicle_class
        )  # fmt: skip
        told = event(
            thing.alert, vehicle=vehicle, plate=thing.plate, division=thing.division, operator=thing.operator,
            vehicle_class=thing.vehicle_class, lon=thing.lon_e7 / 1e7,
        )  # fmt: skip
        await put(conn, [told])
        await record(conn, fixes(vehicle, [BEGAN_MS, BEGAN_MS + 1000], lon_e7=[thing.lon_e7, thing.lon_e7]))
        await assign(conn, vehicle, thing.route)
    for login in ("target", "visitor"):
        await account(conn, login, Role.PARTNER)
    return vehicles


async def askers(conn: asyncpg.Connection) -> list[Asker]:
    """Everybody: nobody, the system, every role with every scope it can have, a first password, a key with a part."""
    found = [
        Asker("nobody", EVERYWHERE, frozenset(), {}, "none"),
        Asker("system", EVERYWHERE, SYSTEM.permissions, dict(BEARER), "token"),
    ]
    for role in Role:
        for kind, scope in SCOPES.items() if role in SCOPED else (("all", EVERYWHERE),):
            found.append(await _asker(conn, f"{role.value}-{kind}", role, scope))
    first = await _asker(conn, "first-password", Role.SUPERVISOR, EVERYWHERE)
    await conn.execute("UPDATE account SET must_change = true WHERE id = $1", first.account)
    first.must_change = True
    key, key_id, key_hash = new_key()
    owner = await _asker(conn, "key-owner", Role.SUPERVISOR, SCOPES["narrow"])
    await conn.execute(
        "INSERT INTO api_key (id, key_hash, account, name, scopes, networks) VALUES ($1, $2, $3, 'k', '{alerts:read}', '{}')",
        key_id, key_hash, owner.account,
    )  # fmt: skip
    part = Asker(
        "key", SCOPES["narrow"], frozenset({"alerts:read"}), {"authorization": f"Bearer {key}"}, "key"
    )
    return [*found, first, part]


async def _asker(conn: asyncpg.Connection, login: str, role: Role, scope: Scope) -> Asker:
    lists = [
        None if part is None else list(part) for part in (scope.divisions, scope.operators, scope.classes)
    ]
    name = await account(conn, login, role, divisions=lists[0], operators=lists[1], classes=lists[2])
    token, token_hash = new_token()
    await open_session(conn, token_hash, name, now_ms(), now_ms() + HOUR_MS, None, None)
    headers = {"cookie": f"roadwatch_session={token}", "sec-fetch-site": "same-origin"}
    return Asker(login, scope, PERMISSIONS[role], headers, account=name)


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
    if elsewhere or (name in OWNED and case.thing is not OWN_THING):
        return frozenset({404})
    return OTHERWISE.get(name)


def _permitted(asker: Asker, name: str) -> bool:
    if asker.must_change:
        return name in WITH_FIRST_PASSWORD
    if ACCESS[name] != OWN:
        return ACCESS[name] in asker.permissions
    return asker.credential == "session" or name not in IN_SESSION


def cases(world: World, everybody: list[Asker]) -> Iterator[Case]:
    """Every operation × everybody × every object it can be about."""
    for operation in operations():
        about: tuple[Thing, ...] = THINGS if set(operation.parameters) & ROWS else (OWN_THING,)
        if operation.name in OWNED:
            about = (THINGS[0], OWN_THING)
        for asker in everybody:
            for thing in about:
                yield Case(world, asker, operation, thing)


async def asked(case: Case, client: httpx2.AsyncClient) -> tuple[int, str]:
    """Status and all that was told."""
    values = {name: await PARAMETERS[name](case) for name in case.operation.parameters}
    path = case.operation.path.format_map(values)
    query = QUERIES.get(case.operation.name, {})
    if case.operation.name in STREAMS:
        return await _streamed(
            case, path + ("?" + "&".join(f"{k}={v}" for k, v in query.items()) if query else "")
        )
    headers = dict(case.asker.headers)
    if case.operation.method != "GET":
        headers |= {"if-match": "*", "idempotency-key": f'"{uuid.uuid4()}"'}
    body = BODIES[case.operation.name](case) if case.operation.has_body else None
    answer = await client.request(case.operation.method, path, params=query, headers=headers, json=body)
    return answer.status_code, answer.text


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
    wrong = [
        f"leaks {mark}"
        for thing in THINGS
        for mark in thing.marks()
        if mark in told and not thing.seen(case.asker.scope)
    ]
    if case.operation.method == "GET" and ACCESS[case.operation.name] in {
        "alerts:read",
        "vehicles:read",
        "tracks:read",
    }:
        wanted = (case.thing,) if case.operation.parameters else THINGS
        wrong += [
            f"hides {thing.plate}"
            for thing in wanted
            if thing.seen(case.asker.scope) and not any(mark in told for mark in thing.marks())
        ]
    return wrong


async def survey(world: World) -> list[Finding]:
    """Ask everything; gives what should not be."""
    found = []
    everybody = await askers(world.writer)
    client = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{world.api.port}", trust_env=False, timeout=20, cookies=None
    )
    world.api.browsers.append(client)
    for case in cases(world, everybody):
        client.cookies.clear()
        status, told = await asked(case, client)
        found += [
            Finding(case.operation.name, case.asker.name, case.thing.number, what)
            for what in judged(case, status, told)
        ]
    return found
