"""Drivers as the registry has them, in view through what is in view.

A driver is in view whose operator is, and, where divisions or classes are limited, who is assigned to a vehicle in view or was seen on one in the
last 400 days: by a card in the history or in an alert. A vehicle is in view for as long as a registration says so that fits all three limits.
The policy of the table says the same (migration 0009).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from services.store.connect import Conn
from services.store.scope import View

DAYS = 400
"""For so long a card that was seen keeps its driver in view."""
COLUMNS = "d.driver, d.name, o.name AS operator, d.licence_class, d.qualified_for, d.valid_to, d.phone"


# $2 divisions, $3 operators, $4 classes in view; $6 since when a card that was seen counts. A page takes the first two as sets that are made once,
# one driver by his code alone; alerts are many and looked up by driver either way, where nothing else shows him.
REGISTERED = """registration r JOIN operator p ON p.id = r.operator_id
      AND ($2::text[] IS NULL OR r.division = ANY ($2)) AND ($3::text[] IS NULL OR p.name = ANY ($3))
      AND ($4::text[] IS NULL OR r.vehicle_class = ANY ($4))"""
ASSIGNED = f"""(
SELECT a.driver COLLATE "C" AS code FROM assignment a JOIN {REGISTERED} ON r.vehicle_id = a.vehicle_id
WHERE (r.valid_from IS NULL OR r.valid_from < a.to_at) AND (r.valid_to IS NULL OR r.valid_to > a.from_at))"""
SEEN = f"""(
SELECT c.code FROM driver_seen s JOIN driver_code c ON c.id = s.driver JOIN {REGISTERED} ON r.vehicle_id = s.vehicle
WHERE s.last_at >= $6 AND (r.valid_from IS NULL OR r.valid_from <= s.last_at) AND (r.valid_to IS NULL OR r.valid_to > s.first_at))"""
IN_ALERT = """(
SELECT 1 FROM alert WHERE alert.driver = d.driver COLLATE "C" AND alert.began >= $6
   AND ($2::text[] IS NULL OR alert.division = ANY ($2)) AND ($3::text[] IS NULL OR alert.operator = ANY ($3))
   AND ($4::text[] IS NULL OR alert.vehicle_class = ANY ($4)))"""
PAGE = f"""
SELECT {COLUMNS} FROM driver d JOIN operator o ON o.id = d.operator_id
WHERE ($1::text[] IS NULL OR o.name = ANY ($1)) AND ($3::text[] IS NULL OR o.name = ANY ($3))
  AND (NOT $5 OR d.driver COLLATE "C" IN {ASSIGNED} OR d.driver COLLATE "C" IN {SEEN} OR EXISTS {IN_ALERT})
ORDER BY d.driver COLLATE "C" OFFSET $7 LIMIT $8
"""
ONE = f"""
SELECT {COLUMNS} FROM driver d JOIN operator o ON o.id = d.operator_id
WHERE d.driver = $1 AND ($3::text[] IS NULL OR o.name = ANY ($3))
  AND (NOT $5 OR EXISTS (SELECT 1 FROM {ASSIGNED} found WHERE found.code = $1)
       OR EXISTS (SELECT 1 FROM {SEEN} found WHERE found.code = $1) OR EXISTS {IN_ALERT})
"""


def _seen(view: View, now: datetime) -> tuple[object, ...]:
    narrow = view.divisions is not None or view.classes is not None
    return view.divisions, view.operators, view.classes, narrow, now - timedelta(days=DAYS)


async def page(
    conn: Conn, view: View, now: datetime, after: int, limit: int, operators: Sequence[str] | None
) -> list[asyncpg.Record]:
    """Drivers in view by code after so many (a code may be an identity number, which no cursor may hold), of `operators` if they are given."""
    return await conn.fetch(PAGE, operators, *_seen(view, now), after, limit)


async def one(conn: Conn, view: View, now: datetime, driver: str) -> asyncpg.Record | None:
    """One driver in view."""
    return await conn.fetchrow(ONE, driver, *_seen(view, now))
