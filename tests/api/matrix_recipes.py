"""How each operation of the access matrix is asked: path parameters, query, headers, body, what must stand before, and what right answers are.

An operation that is new needs a line here when it has a path parameter, a body or a required parameter; `matrix.lacking` names those that have none.
"""

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from services.api.passwords import new_key
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from tests.api.accounts import PASSWORD
from tests.api.matrix_world import HOUR_MS, OWN_THING, TARGET, THINGS, Case, Thing, job, webhook

PERIOD = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z", "purpose": "test of scopes"}
BRIEF = {"from": "2026-11-22T15:30:00Z", "to": "2026-11-22T19:00:00Z"}


def _owner(case: Case) -> str:
    return case.asker.owner if case.thing is OWN_THING else TARGET


async def _key(case: Case) -> str:
    """A fresh key: of the asker if it is own, of another account else."""
    mine = case.operation.name in OWNED and case.thing is OWN_THING
    _, key_id, key_hash = new_key()
    await case.world.writer.execute(
        "INSERT INTO api_key (id, key_hash, account, name, scopes, networks, expires_at) VALUES ($1, $2, $3, $1, '{meta:read}', '{}', now() + interval '1 day')",
        key_id, key_hash, case.asker.account if mine and case.asker.account else "acc_target",
    )  # fmt: skip
    return key_id


async def _alert(case: Case) -> str:
    return case.thing.alert


async def _vehicle(case: Case) -> str:
    return str(case.world.vehicles[case.thing.number])


async def _route(case: Case) -> str:
    return case.thing.route


async def _driver(case: Case) -> str:
    """One of its drivers, by turns."""
    return case.thing.drivers[(case.thing.number + len(case.asker.name)) % 2]


async def _job(case: Case) -> str:
    """Of a kind that the asker may look at."""
    kind = "presence" if "tracks:read" in case.asker.permissions else "webhook.recover"
    return await job(case.world.writer, _owner(case), kind)


async def _webhook(case: Case) -> str:
    return (await webhook(case.world.writer, _owner(case)))[0]


async def _delivery(case: Case) -> str:
    return (await webhook(case.world.writer, _owner(case)))[1]


async def _network(case: Case) -> str:
    return "10.64.0.0/16"


async def _account(case: Case) -> str:
    return "acc_target"


PARAMETERS = {
    "alert_id": _alert,
    "vehicle_id": _vehicle,
    "route_id": _route,
    "account_id": _account,
    "key_id": _key,
    "code": _driver,
    "job_id": _job,
    "webhook_id": _webhook,
    "delivery_id": _delivery,
    "network": _network,
}
"""Path parameter to its value for a case."""
OWNED_PARAMETERS = frozenset({"job_id", "webhook_id", "delivery_id"})
OWNED = frozenset({"get_my_key", "revoke_my_key"})
"""Operations on what belongs to an account, besides those with such parameters: another's is not there."""
ROWS = frozenset({"alert_id", "vehicle_id", "route_id", "code"})
"""Path parameters that name what is in somebody's scope or not."""
ABOUT: dict[str, tuple[Thing, ...]] = {"search_near": THINGS}
"""Objects to be asked about where path parameters do not say which."""
QUERIES: dict[str, Callable[[Case], dict[str, str]]] = {
    "get_track": lambda _: PERIOD,
    "list_trips": lambda _: PERIOD,
    "list_stops": lambda _: PERIOD,
    "get_mileage": lambda _: PERIOD,
    "get_vehicle_health": lambda _: PERIOD,
    "search_near": lambda case: {"lon": str(case.thing.lon_e7 / 1e7), "lat": "38.48", "radius_m": "50000"},
    "search_presence": lambda _: {"purpose": "test of scopes"},
    "create_export": lambda _: {"purpose": "test of scopes"},
    "list_drivers": lambda _: {"purpose": "test of scopes"},
    "get_driver": lambda _: {"purpose": "test of scopes"},
    "get_shift_summary": lambda _: BRIEF,
    "stream_alerts": lambda _: {"after": "0"},
    "list_roads": lambda _: {"bbox": "106.2,38.4,106.3,38.5"},
    "list_rejected": lambda _: {"purpose": "test of scopes"},
}
"""Query parameters that are needed, or show more."""


def _soon() -> str:
    return (datetime.fromtimestamp(now_ms() / 1000, UTC) + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _seen(case: Case) -> dict[str, Any]:
    rows = await case.world.writer.fetch("SELECT id, handling_version FROM alert ORDER BY id")
    return {"items": [{"id": row["id"], "version": row["handling_version"]} for row in rows]}


BODIES: dict[str, Callable[[Case], dict[str, Any] | Awaitable[dict[str, Any]]]] = {
    "login": lambda _: {"login": "visitor", "password": PASSWORD},
    "change_password": lambda _: {"old": PASSWORD, "new": "another long phrase 7"},
    "create_account": lambda _: {"login": f"n{uuid.uuid4().hex}", "name": "新", "role": "dispatcher"},
    "change_account": lambda _: {"name": "改"},
    "create_key": lambda _: {"name": uuid.uuid4().hex, "scopes": ["meta:read"]},
    "change_key": lambda _: {"scopes": ["meta:read"]},
    "reset_password": lambda _: {"revoke_keys": True},
    "create_my_key": lambda _: {"name": uuid.uuid4().hex, "scopes": ["meta:read"]},
    "begin_totp": lambda _: {"password": PASSWORD},
    "confirm_totp": lambda _: {"code": "000000"},
    "end_totp": lambda _: {"code": "000000"},
    "acknowledge_alert": lambda _: {},
    "claim_alert": lambda _: {},
    "assign_alert": lambda _: {"account": "helper"},
    "comment_alert": lambda _: {"text": "已联系"},
    "supervise_alert": lambda _: {"level": "normal", "due": _soon()},
    "resolve_alert": lambda _: {"reason": "handled"},
    "reopen_alert": lambda _: {"text": "又超速"},
    "acknowledge_alerts": _seen,
    "search_presence": lambda _: {"polygon": [[106, 38.4], [110, 38.4], [110, 38.5], [106, 38.5]], **BRIEF},
    "create_export": lambda case: {"vehicles": [str(one) for one in case.world.vehicles.values()], **BRIEF},
    "create_webhook": lambda _: {"url": "https://receiver.example/in"},
    "change_webhook": lambda _: {"description": "改"},
    "enable_webhook": lambda _: {},
    "send_test_event": lambda _: {},
    "recover_webhook": lambda _: {"since": iso(now_ms() - HOUR_MS), "until": iso(now_ms())},
    "put_webhook_network": lambda _: {"note": "视频专网"},
}
"""Bodies, for operations that take one."""
OTHERWISE: dict[str, frozenset[int]] = {
    "confirm_totp": frozenset({204, 401}),
    "begin_oidc": frozenset({404}),  # no provider is set up
    "end_oidc": frozenset({404}),
    "list_rejected": frozenset({503}),  # the world has no Kafka
}
"""Statuses of success that are not 2xx."""


def _handled(handling: str) -> Callable[[Case], Awaitable[None]]:
    async def prepare(case: Case) -> None:
        await case.world.writer.execute("UPDATE alert SET handling = $1", handling)

    return prepare


async def _room(case: Case) -> None:
    """An account has so many endpoints at most."""
    await case.world.writer.execute("DELETE FROM webhook_endpoint WHERE account = $1", case.asker.owner)


async def _allowed(case: Case) -> None:
    await case.world.writer.execute(
        "INSERT INTO webhook_network (network, note) VALUES ('10.64.0.0/16', '') ON CONFLICT DO NOTHING"
    )


BEFORE: dict[str, Callable[[Case], Awaitable[None]]] = {
    **{
        name: _handled("open")
        for name in (
            "acknowledge_alert", "claim_alert", "assign_alert", "comment_alert", "supervise_alert", "resolve_alert",
            "acknowledge_alerts", "list_alert_groups", "get_shift_summary",
        )
    },
    "reopen_alert": _handled("resolved"),
    "create_webhook": _room,
    "delete_webhook_network": _allowed,
}  # fmt: skip
"""What must stand before an operation is asked."""


async def version(case: Case) -> str:
    """The version of the handling of an alert that is acted on; anything else may be of any version."""
    if "alert_id" not in case.operation.parameters:
        return "*"
    found = await case.world.writer.fetchval(
        "SELECT handling_version FROM alert WHERE id = $1", case.thing.alert
    )
    return f'"{found}"'


ALSO_SHOWS = frozenset({"search_presence", "create_export", "list_drivers"})
"""Operations that must show what is in scope, besides all that read alerts, vehicles and tracks…"""
NOT_OF_THINGS = frozenset(
    {
        "list_trips",
        "get_mileage",
        "get_vehicle_health",
        "list_jobs",
        "get_job",
        "get_job_result",
        "cancel_job",
    }
)
"""…without those whose answers hold no mark of a thing that is there."""
ECHOES = frozenset({"acknowledge_alerts"})
"""Answers that name the alerts they were asked about."""


def _each_for_itself(case: Case, told: str) -> list[str]:
    done = {item["id"]: item["problem"] is None for item in json.loads(told)["items"]}
    return [
        f"{thing.alert}: {done.get(thing.alert)}"
        for thing in THINGS
        if done.get(thing.alert) is not thing.seen(case.asker.scope)
    ]


def _counts_what_is_seen(case: Case, told: str) -> list[str]:
    found, right = json.loads(told), sum(thing.seen(case.asker.scope) for thing in THINGS)
    wrong = {"open": found["open"]["alerts"], "began": found["began"]}
    return [f"{name} counts {count}, not {right}" for name, count in wrong.items() if count != right]


def _every_driver(case: Case, told: str) -> list[str]:
    found = {item["driver"] for item in json.loads(told)["items"]}
    right = {code for thing in THINGS if thing.seen(case.asker.scope) for code in thing.drivers}
    return [f"drivers differ: {code}" for code in sorted(found ^ right)]


VERDICTS: dict[str, Callable[[Case, str], list[str]]] = {
    "acknowledge_alerts": _each_for_itself,
    "list_drivers": _every_driver,
    "get_shift_summary": _counts_what_is_seen,
}
"""What else must be true of an answer."""
