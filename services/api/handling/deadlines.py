"""Deadlines of supervision: an alert not resolved in time is escalated, once, by whichever api process sees it first.

What is due stands in the alert's row, so a process that was away only escalates later; two at once never take the same row (SKIP LOCKED).
"""

import asyncio

import structlog

from services.api.database import Database, DatabaseAway
from services.api.handling.acting import standing_of, written
from services.api.handling.states import Change, decide
from services.contracts.alert import iso
from services.contracts.handling import Action, Person
from services.runtime.clock import now_ms
from services.store import audit, handling, idempotency, sign_in_tries
from services.store.scope import EVERYTHING

LOOK_S = 1.0
CLEAN_EVERY = 60
SYSTEM = Person(id="system", name="system")

log = structlog.get_logger()


async def escalate_one(database: Database, at_ms: int) -> str | None:
    """Escalate the alert whose deadline passed first; its id, or None: no deadline has passed that nobody else sees to."""
    change = Change(action=Action.ESCALATE)
    async with database.writing(EVERYTHING) as conn:
        row = await handling.lock_due(conn, at_ms)
        if row is None:
            return None
        after = decide(standing_of(row), change, SYSTEM, iso(at_ms))
        if after is None:
            raise RuntimeError(f"{row['id']} has a deadline although it is {row['handling']}")
        new = written(row, change, after, SYSTEM, at_ms, None)
        await handling.change(conn, new)
        await handling.append(conn, new)
        entry = audit.Entry(
            at_ms=at_ms, actor=SYSTEM.id, actor_name=SYSTEM.name, action="alert.escalate", object=new.alert_id,
            detail=audit.detail({"version": new.version, **new.said}), credential=audit.Credential.PROCESS,
        )  # fmt: skip
        await audit.append(conn, entry)
    return new.alert_id


async def run(database: Database) -> None:
    """Look every second until cancelled; now and then forget answers whose keys have expired."""
    looks = 0
    while True:
        try:
            while alert := await escalate_one(database, now_ms()):
                log.info("escalated", alert=alert)
            if looks % CLEAN_EVERY == 0:
                async with database.writing(EVERYTHING) as conn:
                    await idempotency.expire(conn, now_ms())
                    await sign_in_tries.expire(conn, now_ms())
            looks += 1
        except DatabaseAway as error:
            log.debug("deadlines_wait", error=str(error))
        await asyncio.sleep(LOOK_S)
