"""What the access matrix asks about: vehicles with an alert and a track, each out of somebody's scope, and everybody who asks."""

import json
import uuid
from dataclasses import dataclass, field

import asyncpg

from services.api.identity import EVERYWHERE, PERMISSIONS, SYSTEM, Role, Scope
from services.api.passwords import new_key, new_token
from services.api.webhooks import signing
from services.runtime.clock import now_ms
from services.store import driver_seen, drivers
from services.store.accounts import open_session
from tests.api.accounts import account
from tests.api.support import BEARER, BEGAN_MS, Api, assign, event, fixes, put, record, register

HOUR_MS = 3_600_000
STOOD_MS = 600_000
SCOPED = {
    Role.DISPATCHER, Role.SUPERVISOR, Role.AUTHORITY, Role.ENTERPRISE, Role.PARTNER,
}  # fmt: skip
TARGET = "acc_target"
"""Somebody else, who owns what belongs to nobody that asks."""
SECRET = "外人不该看见"
"""Stands in everything that the target owns."""


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
    def drivers(self) -> tuple[str, str]:
        """Its drivers' codes, both of its operator: one is assigned to it, the other's card was seen on it."""
        return f"DRV-{self.plate}", f"CRD-{self.plate}"

    @property
    def lon_e7(self) -> int:
        """Where it is, like no other."""
        return 1_061_111_111 + 11_111_110 * self.number

    def marks(self) -> tuple[str, ...]:
        """What no answer to somebody who does not see it holds."""
        return self.alert, self.plate, str(self.lon_e7 / 1e7), *self.drivers

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

    @property
    def owner(self) -> str:
        """Whose jobs and webhooks are its own."""
        return "system" if self.credential == "token" else self.account or "nobody"


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
        times = range(BEGAN_MS, BEGAN_MS + STOOD_MS + 1, 60_000)
        await record(conn, fixes(vehicle, list(times), lon_e7=[thing.lon_e7] * len(times)))
        await assign(conn, vehicle, thing.route, driver=thing.drivers[0])
        for code in thing.drivers:
            await conn.execute(
                "INSERT INTO driver (driver, name, operator_id) SELECT $1, '张三', id FROM operator WHERE name = $2",
                code, thing.operator,
            )  # fmt: skip
        card = (await drivers.intern(conn, [thing.drivers[1]]))[thing.drivers[1]]
        await driver_seen.note(conn, [driver_seen.Sighting(vehicle, card, now_ms(), now_ms())])
    for login in ("target", "visitor"):
        await account(conn, login, Role.PARTNER)
    await account(conn, "helper", Role.SUPERVISOR)
    await webhook(conn, TARGET)
    for kind in ("presence", "webhook.recover"):
        await job(conn, TARGET, kind)
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
        "key",
        SCOPES["narrow"],
        frozenset({"alerts:read"}),
        {"authorization": f"Bearer {key}"},
        "key",
        account=owner.account,
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


async def webhook(conn: asyncpg.Connection, owner: str) -> tuple[str, str]:
    """An endpoint of an account with a delivery; gives both ids."""
    endpoint, message, said = (
        f"whe_{uuid.uuid4().hex[:12]}",
        f"msg_{uuid.uuid4().hex}",
        SECRET if owner == TARGET else "",
    )
    secret = signing.Secret(signing.new_key(signing.HMAC), now_ms()).kept()
    await conn.execute(
        "INSERT INTO webhook_endpoint (id, account, url, description, types, filters, algorithm, secrets, state, after)"
        " VALUES ($1, $2, 'https://receiver.example/in', $3, '{}', '{}', 'hmac-sha256', $4, 'pending', 0)",
        endpoint, owner, said, [secret],
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO webhook_message (id, endpoint, seq, event_id, alert_id, type, body, state, due_at, done_at)"
        " VALUES ($1, $2, 1, $1, 'alr_x', 'alert.opened', $3, 'delivered', now(), now())",
        message, endpoint, json.dumps({"said": said}, ensure_ascii=False).encode(),
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO webhook_attempt (message, number, at, milliseconds, status, response) VALUES ($1, 1, now(), 1, 200, $2)", message, said
    )  # fmt: skip
    return endpoint, message


async def job(conn: asyncpg.Connection, owner: str, kind: str = "presence") -> str:
    """A job of an account that is done; gives its id."""
    name, said = f"job_{uuid.uuid4().hex}", SECRET if owner == TARGET else ""
    await conn.execute(
        "INSERT INTO job (id, account, kind, request, state, progress, result, media_type, done_at)"
        " VALUES ($1, $2, $5, $3, 'done', 1, $4, 'application/json', now())",
        name, owner, {"purpose": "核查", "said": said}, json.dumps({"items": [], "said": said}, ensure_ascii=False).encode(), kind,
    )  # fmt: skip
    return name
