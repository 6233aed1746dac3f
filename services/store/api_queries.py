"""What the api reads: pages of alerts by keyset, events by their number, vehicles, pages of a track.

Every statement names whose rows it may see (`View`), although the policies of row-level security would keep the others back as well: each of the
two is tested with the other one gone. Every statement is one snapshot. A page of alerts carries the feed's position of that same snapshot, so that a client that shows the page
and then follows the stream from there sees every change once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import asyncpg

from services.contracts.reasons import PLACE_UNUSABLE
from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_ms, to_time

FEED_LAST = "SELECT last FROM feed WHERE id = 1"
EVENTS_AFTER = """
SELECT seq, event_id, type, time, alert_id, sequence, data FROM alert_event WHERE seq > $1 ORDER BY seq LIMIT $2
"""
EVENTS_IN_VIEW = """
SELECT e.seq, e.event_id, e.type, e.time, e.alert_id, e.sequence, e.data FROM alert_event e JOIN alert a ON a.id = e.alert_id
WHERE e.seq > $1
  AND ($3::text[] IS NULL OR a.division = ANY ($3))
  AND ($4::text[] IS NULL OR a.operator = ANY ($4))
  AND ($5::text[] IS NULL OR a.vehicle_class = ANY ($5))
ORDER BY e.seq LIMIT $2
"""
# coalesce: under a policy the planner may use no statistics for LIKE, takes it to find next to nothing, and would sort the whole table
ALERT_PAGE = """
SELECT feed.last, page.id, page.began, page.data, page.handling, page.handled
FROM feed LEFT JOIN LATERAL (
    SELECT id, began, data, handling, handled FROM alert
    WHERE ($1::text[] IS NULL OR rule = ANY ($1))
      AND ($2::text[] IS NULL OR kind = ANY ($2))
      AND ($3::text[] IS NULL OR vehicle_class = ANY ($3))
      AND ($4::text[] IS NULL OR operator = ANY ($4))
      AND ($5::text[] IS NULL OR coalesce(division LIKE ANY ($5), false))
      AND ($6::text[] IS NULL OR state = ANY ($6))
      AND ($7::text[] IS NULL OR handling = ANY ($7))
      AND ($8::text[] IS NULL OR severity = ANY ($8))
      AND ($9::int[] IS NULL OR vehicle_id = ANY ($9))
      AND ($10::timestamptz IS NULL OR began >= $10)
      AND ($11::timestamptz IS NULL OR began < $11)
      AND ($12::float8[] IS NULL OR place && ST_MakeEnvelope($12[1], $12[2], $12[3], $12[4], 4326))
      AND ($13::timestamptz IS NULL OR (began <= $13 AND (began < $13 OR id > $14)))
      AND ($16::text[] IS NULL OR division = ANY ($16))
      AND ($17::text[] IS NULL OR operator = ANY ($17))
      AND ($18::text[] IS NULL OR vehicle_class = ANY ($18))
    ORDER BY began DESC, id
    LIMIT $15
) AS page ON true
WHERE feed.id = 1
ORDER BY page.began DESC, page.id
"""
ALERT = """
SELECT id, data, handling, handling_version, handled FROM alert
WHERE id = $1
  AND ($2::text[] IS NULL OR division = ANY ($2))
  AND ($3::text[] IS NULL OR operator = ANY ($3))
  AND ($4::text[] IS NULL OR vehicle_class = ANY ($4))
"""
VEHICLE_IDS = """
SELECT v.id FROM unnest($1::text[], $2::text[]) AS named (plate, plate_color)
JOIN vehicle v ON v.plate = named.plate AND v.plate_color = named.plate_color
"""
VEHICLE_PAGE = """
SELECT v.id, v.plate, v.plate_color, r.vehicle_class, r.terminal, r.name AS operator, r.division, r.vin, r.status, r.valid_from,
       r.valid_to, r.inspection_due, r.permit, r.permit_to, r.scrapped_on, r.subtype
FROM vehicle v
CROSS JOIN LATERAL (
    SELECT registration.*, operator.name FROM registration JOIN operator ON operator.id = registration.operator_id
    WHERE registration.vehicle_id = v.id
      AND ($9::text[] IS NULL OR division = ANY ($9))
      AND ($10::text[] IS NULL OR operator.name = ANY ($10))
      AND ($11::text[] IS NULL OR vehicle_class = ANY ($11))
    ORDER BY ((valid_from IS NULL OR valid_from <= $1) AND (valid_to IS NULL OR valid_to > $1)) DESC, valid_from DESC NULLS LAST,
             terminal, registration.id
    LIMIT 1
) AS r
WHERE v.id > $2
  AND ($3::text[] IS NULL OR r.vehicle_class = ANY ($3))
  AND ($4::text[] IS NULL OR r.name = ANY ($4))
  AND ($5::text[] IS NULL OR r.division LIKE ANY ($5))
  AND ($6::text IS NULL OR v.plate = $6)
  AND ($7::text IS NULL OR v.plate_color = $7)
  AND ($12::text IS NULL OR v.plate ILIKE $12 OR r.name ILIKE $12 OR r.terminal ILIKE $12 OR ($13 AND EXISTS (
      SELECT 1 FROM assignment a JOIN driver d ON d.driver = a.driver JOIN operator p ON p.id = d.operator_id
      WHERE a.vehicle_id = v.id AND a.from_at <= $1 AND a.to_at > $1 AND d.name ILIKE $12
        AND (r.valid_from IS NULL OR r.valid_from <= $1) AND (r.valid_to IS NULL OR r.valid_to > $1)
        AND ($10::text[] IS NULL OR p.name = ANY ($10)))))
ORDER BY v.id LIMIT $8
"""
VEHICLE = """
SELECT v.id, v.plate, v.plate_color, r.vehicle_class, r.terminal, o.name AS operator, r.division, r.vin, r.status, r.valid_from,
       r.valid_to, r.inspection_due, r.permit, r.permit_to, r.scrapped_on, r.subtype
FROM vehicle v JOIN registration r ON r.vehicle_id = v.id JOIN operator o ON o.id = r.operator_id
WHERE v.id = $1
  AND ($3::text[] IS NULL OR r.division = ANY ($3))
  AND ($4::text[] IS NULL OR o.name = ANY ($4))
  AND ($5::text[] IS NULL OR r.vehicle_class = ANY ($5))
ORDER BY ((r.valid_from IS NULL OR r.valid_from <= $2) AND (r.valid_to IS NULL OR r.valid_to > $2)) DESC,
         r.valid_from DESC NULLS LAST, r.terminal, r.id
"""
VEHICLE_NAMES = """
SELECT DISTINCT ON (v.id) v.id, v.plate, v.plate_color, r.vehicle_class, o.name AS operator, r.division, r.subtype
FROM vehicle v JOIN registration r ON r.vehicle_id = v.id JOIN operator o ON o.id = r.operator_id
ORDER BY v.id, ((r.valid_from IS NULL OR r.valid_from <= $1) AND (r.valid_to IS NULL OR r.valid_to > $1)) DESC,
         r.valid_from DESC NULLS LAST, r.terminal, r.id
"""
# two of one moment are told apart afterwards: for DISTINCT ON PostgreSQL before 16 reads and sorts the whole period, however little is asked of it
TRACK_PAGE = f"""
SELECT at, ST_X(position) AS lon, ST_Y(position) AS lat, speed, recorder_speed, heading, flags, altitude_m, odometer_m
FROM fix WHERE vehicle = $1 AND at > $2 AND at < $3 AND flags & {PLACE_UNUSABLE} = 0 AND (NOT $5 OR EXISTS (
    SELECT 1 FROM registration r JOIN operator o ON o.id = r.operator_id
    WHERE r.vehicle_id = $1 AND (r.valid_from IS NULL OR r.valid_from <= fix.at) AND (r.valid_to IS NULL OR fix.at < r.valid_to)
      AND ($6::text[] IS NULL OR r.division = ANY ($6))
      AND ($7::text[] IS NULL OR o.name = ANY ($7))
      AND ($8::text[] IS NULL OR r.vehicle_class = ANY ($8))))
ORDER BY at, received, source_partition, raw_offset
LIMIT $4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFilter:
    """Which alerts: None asks for all; `divisions` are prefixes, times the half-open period of `began`, `box` west, south, east, north."""

    rules: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    operators: Sequence[str] | None = None
    divisions: Sequence[str] | None = None
    states: Sequence[str] | None = None
    handlings: Sequence[str] | None = None
    severities: Sequence[str] | None = None
    vehicles: Sequence[int] | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert as kept: `data` is its JSON as judged, `handling` the operators' word, which holds over the JSON's."""

    id: str
    began_ms: int
    data: str
    handling: str
    handled: str | None = None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """Rows in the order (began descending, id), and the feed's position when they were as they are."""

    feed: int
    rows: list[AlertRow]


async def feed_last(conn: Conn) -> int:
    """Number of the last event."""
    last: int = await conn.fetchval(FEED_LAST)
    return last


async def events_after(conn: Conn, seq: int, limit: int) -> list[asyncpg.Record]:
    """The next events after a number, in order: seq, event_id, type, time, alert_id, sequence, data."""
    return await conn.fetch(EVENTS_AFTER, seq, limit)


async def events_in_view(conn: Conn, view: View, seq: int, limit: int) -> list[asyncpg.Record]:
    """The next events after a number of alerts in view, in order."""
    if in_full(view):
        return await events_after(conn, seq, limit)
    return await conn.fetch(EVENTS_IN_VIEW, seq, limit, *rows_of(view))


async def alert_page(
    conn: Conn, view: View, wanted: AlertFilter, after: tuple[int, str] | None, limit: int
) -> AlertPage:
    """A page of alerts after the key (began ms, id) of the last one of the page before."""
    rows = await conn.fetch(
        ALERT_PAGE, wanted.rules, wanted.kinds, wanted.classes, wanted.operators, prefixes(wanted.divisions), wanted.states,
        wanted.handlings, wanted.severities, wanted.vehicles, to_time(wanted.from_ms), to_time(wanted.to_ms), wanted.box,
        None if after is None else to_time(after[0]), None if after is None else after[1], limit, *rows_of(view),
    )  # fmt: skip
    found = [
        AlertRow(row["id"], to_ms(row["began"]), row["data"], row["handling"], row["handled"])
        for row in rows
        if row["id"] is not None
    ]
    return AlertPage(rows[0]["last"], found)


async def alert(conn: Conn, view: View, alert_id: str) -> asyncpg.Record | None:
    """One alert: id, data, handling, handling_version, handled."""
    return await conn.fetchrow(ALERT, alert_id, *rows_of(view))


async def vehicle_ids(conn: Conn, keys: Sequence[tuple[str, str]]) -> list[int]:
    """Surrogates of vehicles named by plate and colour; unknown ones are left out."""
    plates, colors = [plate for plate, _ in keys], [color for _, color in keys]
    return [row["id"] for row in await conn.fetch(VEHICLE_IDS, plates, colors)]


async def vehicle_page(
    conn: Conn,
    view: View,
    *,
    now: datetime,
    after: int,
    classes: Sequence[str] | None,
    operators: Sequence[str] | None,
    divisions: Sequence[str] | None,
    plate: str | None,
    plate_color: str | None,
    limit: int,
    text: str | None = None,
    drivers: bool = False,
) -> list[asyncpg.Record]:
    """Vehicles by ascending id after `after`, each with the registration that holds at `now`, else its newest.

    `text` is part of a plate, an operator's name or a terminal's number; with `drivers` of the name of who is assigned to drive at `now`, too.
    """
    return await conn.fetch(
        VEHICLE_PAGE,
        now,
        after,
        classes,
        operators,
        prefixes(divisions),
        plate,
        plate_color,
        limit,
        *rows_of(view),
        None if text is None else pattern(text),
        drivers,
    )


async def vehicle(conn: Conn, view: View, vehicle_id: int, now: datetime) -> list[asyncpg.Record]:
    """All registrations in view of a vehicle, the one that holds at `now` first; empty: no such vehicle."""
    return await conn.fetch(VEHICLE, vehicle_id, now, *rows_of(view))


async def vehicle_names(conn: Conn, now: datetime) -> list[asyncpg.Record]:
    """What a map shows of every vehicle: id, plate, plate_color, vehicle_class, operator, division, subtype."""
    return await conn.fetch(VEHICLE_NAMES, now)


async def track_page(
    conn: Conn, view: View, vehicle_id: int, after_ms: int, to_ms_: int, limit: int
) -> tuple[list[asyncpg.Record], bool]:
    """Positions later than `after_ms` and before `to_ms_` in event-time order, the first received of two at one moment; whether there may be more.

    Pages instead of one open cursor: while a slow client reads, no connection and no transaction is held. Speeds 0.1 km/h.
    """
    rows = await conn.fetch(
        TRACK_PAGE, vehicle_id, to_time(after_ms), to_time(to_ms_), limit, not in_full(view), *rows_of(view)
    )
    return first_of_moments(rows), len(rows) == limit


def first_of_moments(rows: list[asyncpg.Record]) -> list[asyncpg.Record]:
    """Of rows in the order of their `at` the first of each moment."""
    return rows[:1] + [row for before, row in pairwise(rows) if row["at"] != before["at"]]


def rows_of(view: View) -> tuple[Sequence[str] | None, ...]:
    """What the statements compare: codes of divisions, names of operators, classes; None: all."""
    return view.divisions, view.operators, view.classes


def in_full(view: View) -> bool:
    """Whether no row is kept from view."""
    return all(part is None for part in rows_of(view))


def prefixes(divisions: Sequence[str] | None) -> list[str] | None:
    """Division codes, which are digits, as patterns of LIKE."""
    return None if divisions is None else [f"{division}%" for division in divisions]


def pattern(text: str) -> str:
    """What holds the text, whatever stands around it, for LIKE: its own signs mean themselves."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
