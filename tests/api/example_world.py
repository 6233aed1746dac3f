"""The world that the document's examples speak of, and each operation's example as a request."""

import json
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import asyncpg

from services.api import examples, openapi
from services.api.examples_asked import BODIES
from services.api.identity import EITHER, OWN, PERMISSIONS, Role
from services.api.parameters import parse_time
from services.api.passwords import digest, hashed, new_token
from services.api.webhooks import signing
from services.runtime.clock import now_ms
from services.store.accounts import NewAccount, add, open_session
from services.store.times import to_ms
from tests.api.conftest import EMPTY
from tests.api.support import assign, event, fixes, put, record, register

HASH = hashed(BODIES["login"]["password"])
WANG = examples.ACCOUNT["id"]
ASKERS = {Role.DISPATCHER: WANG} | {role: f"acc_{role.value}" for role in Role if role != Role.DISPATCHER}
HOUR_MS = 3_600_000
BEGAN_MS = to_ms(parse_time(examples.ALERT["began"]))


@dataclass(frozen=True)
class Asked:
    """An operation of the document, and its example as a request."""

    name: str
    method: str
    path: str
    described: dict[str, Any]
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def takes(self, name: str) -> bool:
        """Whether it has such a query parameter."""
        return any(
            one["name"] == name and one["in"] == "query" for one in self.described.get("parameters", ())
        )

    @property
    def body_schema(self) -> dict[str, Any]:
        """What it takes as a body; empty: nothing."""
        content = self.described.get("requestBody", {}).get("content", {})
        return dict(content.get("application/json", {}).get("schema", {}))


@cache
def document() -> dict[str, Any]:
    """The document."""
    found: dict[str, Any] = json.loads(openapi.text())
    return found


def asked() -> list[Asked]:
    """Every operation with its example, those that end sessions last."""
    found = [
        _asked(path, method.upper(), described)
        for path, item in document()["paths"].items()
        for method, described in item.items()
    ]
    return sorted(found, key=lambda one: one.name in {"change_password", "logout"})


def _asked(path: str, method: str, described: dict[str, Any]) -> Asked:
    given: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
    for one in described.get("parameters", ()):
        if "example" in one:
            given[one["in"]][one["name"]] = one["example"]
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    return Asked(
        described["operationId"], method, path.format_map(given["path"]), described, given["query"], given["header"], content.get("example")
    )  # fmt: skip


def asker(permission: str) -> Role:
    """A role that may: who handles alerts where there is a choice."""
    if permission in {"", OWN}:
        return Role.DISPATCHER
    order: tuple[Role, ...] = (Role.SUPERVISOR, *Role)
    return next(role for role in order if not PERMISSIONS[role].isdisjoint(permission.split(EITHER)))


async def furnish(conn: asyncpg.Connection, one: Asked) -> dict[str, str]:
    """Empty the database and put there what an example speaks of; gives the headers of a session of somebody who may ask."""
    await conn.execute(EMPTY)
    role = asker(one.described["x-permission"])
    await _people(conn, role)
    await conn.execute("UPDATE feed SET last = $1", examples.EVENT["seq"] - 1)
    await _road(conn, "resolved" if one.name == "reopen_alert" else "open")
    await _belongings(conn, ASKERS[role])
    if one.name == "create_key":  # people make their own
        await conn.execute("UPDATE account SET role = $2 WHERE id = $1", WANG, Role.PARTNER.value)
    token, token_hash = new_token()
    await open_session(conn, token_hash, ASKERS[role], now_ms(), now_ms() + HOUR_MS, None, None)
    return {"cookie": f"roadwatch_session={token}", "sec-fetch-site": "same-origin"}


async def _people(conn: asyncpg.Connection, role: Role) -> None:
    for each in {Role.DISPATCHER, role}:
        login = "wang" if each == Role.DISPATCHER else each.value
        await add(
            conn,
            NewAccount(
                id=ASKERS[each], login=login, name=login, role=each.value, password_hash=HASH, must_change=False, divisions=None,
                operators=None, classes=None,
            ),
        )  # fmt: skip
    await conn.execute("UPDATE account SET epoch = 2 WHERE id = $1", WANG)
    await conn.execute(
        "INSERT INTO api_key (id, key_hash, account, name, scopes, networks, expires_at) VALUES ($1, $2, $3, 'other', '{}', '{}', now() + interval '1 year')",
        examples.KEY["id"], digest("nobody knows it"), WANG,
    )  # fmt: skip


async def _road(conn: asyncpg.Connection, handling: str) -> None:
    """Vehicle 7 with a route, a driver, a track and an alert."""
    await conn.execute("SELECT setval(pg_get_serial_sequence('vehicle', 'id'), 6)")
    vehicle = await register(conn, examples.VEHICLE["plate"])
    assert vehicle == examples.VEHICLE["id"]
    await assign(conn, vehicle, examples.ROUTE_HEAD["route"])
    await conn.execute(
        "INSERT INTO driver (driver, name, operator_id) SELECT $1, '王某', id FROM operator LIMIT 1 ON CONFLICT (driver) DO UPDATE SET operator_id = excluded.operator_id",
        examples.DRIVER["driver"],
    )  # fmt: skip
    await put(conn, [event(examples.ALERT["id"], vehicle=vehicle, began_ms=BEGAN_MS)])
    await conn.execute("UPDATE alert SET handling_version = 2, handling = $1", handling)
    await record(conn, fixes(vehicle, range(BEGAN_MS, BEGAN_MS + 600_000, 10_000)))


async def _belongings(conn: asyncpg.Connection, owner: str) -> None:
    """A webhook endpoint with a delivery, a job, and a network that is allowed."""
    secret = signing.Secret(signing.new_key(signing.HMAC), now_ms()).kept()
    await conn.execute(
        "INSERT INTO webhook_endpoint (id, account, url, description, types, filters, algorithm, secrets, state, after, version)"
        " VALUES ($1, $2, $3, '', '{}', '{}', 'hmac-sha256', $4, 'pending', 0, 2)",
        examples.WEBHOOK["id"], owner, examples.WEBHOOK["url"], [secret],
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO webhook_message (id, endpoint, seq, event_id, alert_id, type, body, state, due_at, done_at)"
        " VALUES ($1, $2, 1, 'evt_1', $3, 'alert.opened', '{}', 'delivered', now(), now())",
        examples.DELIVERY["id"], examples.WEBHOOK["id"], examples.ALERT["id"],
    )  # fmt: skip
    await conn.execute("INSERT INTO webhook_network (network, note) VALUES ('10.64.0.0/16', '')")
    await conn.execute(
        "INSERT INTO job (id, account, kind, request, state, progress, result, media_type, done_at)"
        " VALUES ($1, $2, 'presence', '{}', 'done', 1, $3, 'application/json', now())",
        examples.JOB["id"], owner, json.dumps({"items": [], "next": None, "total": 0, "truncated": False}).encode(),
    )  # fmt: skip
