"""Alerts and their events written in the caller's transaction, numbered by the one `feed` row that is taken last.

The row's lock is held until the transaction ends, so numbers are handed out in commit order and without gaps; a sequence would give
them out before commit, and a reader's cursor would pass over events for ever. There is no ON CONFLICT: an event that
is there already means that something upstream is wrong, and must fail loudly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from services.contracts.alert import Alert
from services.store.connect import Conn
from services.store.times import to_time

INSERT_ALERTS = """
INSERT INTO alert (id, rule, kind, vehicle_id, vehicle_key, vehicle_class, operator, division, state, severity, severity_rank,
                   began, ended, late, version, rule_version, place, data)
SELECT id, rule, kind, vehicle_id, vehicle_key, vehicle_class, operator, division, state, severity, severity_rank,
       began, ended, late, version, rule_version, ST_SetSRID(ST_MakePoint(lon, lat), 4326), data
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::smallint[], $12::timestamptz[], $13::timestamptz[], $14::boolean[], $15::int[], $16::int[],
            $17::float8[], $18::float8[], $19::text[])
     AS new (id, rule, kind, vehicle_id, vehicle_key, vehicle_class, operator, division, state, severity, severity_rank,
             began, ended, late, version, rule_version, lon, lat, data)
"""
UPDATE_ALERTS = """
UPDATE alert SET kind = new.kind, vehicle_class = new.vehicle_class, operator = new.operator, division = new.division,
       state = new.state, severity = new.severity, severity_rank = new.severity_rank, began = new.began, ended = new.ended,
       late = new.late, version = new.version, rule_version = new.rule_version,
       place = ST_SetSRID(ST_MakePoint(new.lon, new.lat), 4326), data = new.data
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[], $11::smallint[], $12::timestamptz[], $13::timestamptz[], $14::boolean[], $15::int[], $16::int[],
            $17::float8[], $18::float8[], $19::text[])
     AS new (id, rule, kind, vehicle_id, vehicle_key, vehicle_class, operator, division, state, severity, severity_rank,
             began, ended, late, version, rule_version, lon, lat, data)
WHERE alert.id = new.id AND alert.rule = new.rule AND alert.vehicle_id = new.vehicle_id
"""
APPEND_EVENTS = """
WITH taken AS (UPDATE feed SET last = last + $1 WHERE id = 1 RETURNING last),
written AS (
    INSERT INTO alert_event (seq, event_id, alert_id, sequence, type, time, data)
    SELECT taken.last - $1 + new.place, new.event_id, new.alert_id, new.sequence + alert.handling_version, new.type, new.time,
           CASE WHEN alert.handling_version = 0 THEN new.data
                ELSE (new.data::jsonb || jsonb_build_object('handling', alert.handling, 'handled', alert.handled::jsonb))::text END
    FROM taken, unnest($2::text[], $3::text[], $4::int[], $5::text[], $6::timestamptz[], $7::text[])
         WITH ORDINALITY AS new (event_id, alert_id, sequence, type, time, data, place)
    JOIN alert ON alert.id = new.alert_id
)
SELECT last FROM taken
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """One step of an alert's judging: the `alert.version`th.

    What people did with it counts in the event's `sequence` too, and stands in the `data` told: the alert's row, which `append` has locked by
    then, knows how often and what.
    """

    event_id: str
    type: str
    time_ms: int
    alert: Alert
    severity_rank: int
    began_ms: int
    ended_ms: int | None
    data: bytes


class UnknownAlert(RuntimeError):
    """An event continues alerts that are not there: the database does not belong to this log."""


async def append(conn: Conn, events: Sequence[NewEvent]) -> int:
    """Write events in their order and what they make of their alerts; call it last in a transaction. Gives the last number taken.

    Raises:
        UnknownAlert: an alert that should be there is not.
        asyncpg.UniqueViolationError: an event or a new alert is there already.
    """
    last = {event.alert.id: event for event in events}
    new = {event.alert.id for event in events if event.alert.version == 1}
    if new:
        await conn.execute(INSERT_ALERTS, *_columns([event for name, event in last.items() if name in new]))
    known = [event for name, event in last.items() if name not in new]
    if known:
        done = await conn.execute(UPDATE_ALERTS, *_columns(known))
        if done != f"UPDATE {len(known)}":
            raise UnknownAlert(f"{done} of {len(known)} alerts; first {known[0].alert.id}")
    numbered = [
        (
            event.event_id,
            event.alert.id,
            event.alert.version,
            event.type,
            to_time(event.time_ms),
            event.data.decode(),
        )
        for event in events
    ]
    seq: int = await conn.fetchval(APPEND_EVENTS, len(events), *_transposed(numbered))
    return seq


def _columns(events: Sequence[NewEvent]) -> list[list[Any]]:
    return _transposed([_row(event) for event in events])


def _row(event: NewEvent) -> tuple[Any, ...]:
    alert, vehicle = event.alert, event.alert.vehicle
    return (
        alert.id, alert.rule, alert.kind, vehicle.id, f"{vehicle.plate}/{vehicle.plate_color}", vehicle.vehicle_class,
        vehicle.operator, vehicle.division, str(alert.state), str(alert.severity), event.severity_rank,
        to_time(event.began_ms), to_time(event.ended_ms), alert.late, alert.version, alert.rule_version,
        alert.at.lon, alert.at.lat, event.data.decode(),
    )  # fmt: skip


def _transposed(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as columns, which is how arrays travel."""
    return list(starmap(lambda *cells: list(cells), zip(*rows, strict=True)))
