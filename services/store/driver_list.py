"""Drivers as the registry has them, in view by their operator."""

from collections.abc import Sequence

import asyncpg

from services.store.connect import Conn
from services.store.scope import View

PAGE = """
SELECT d.driver, d.name, o.name AS operator, d.licence_class, d.qualified_for, d.valid_to, d.phone
FROM driver d JOIN operator o ON o.id = d.operator_id
WHERE ($3::text[] IS NULL OR o.name = ANY ($3)) AND (NOT $4 OR o.id IN (
    SELECT r.operator_id FROM registration r
    WHERE ($5::text[] IS NULL OR r.division = ANY ($5)) AND ($6::text[] IS NULL OR r.vehicle_class = ANY ($6))))
  AND ($7::text[] IS NULL OR o.name = ANY ($7))
ORDER BY d.driver COLLATE "C" OFFSET $1 LIMIT $2
"""
ONE = """
SELECT d.driver, d.name, o.name AS operator, d.licence_class, d.qualified_for, d.valid_to, d.phone
FROM driver d JOIN operator o ON o.id = d.operator_id
WHERE d.driver = $1 AND ($2::text[] IS NULL OR o.name = ANY ($2)) AND (NOT $3 OR o.id IN (
    SELECT r.operator_id FROM registration r
    WHERE ($4::text[] IS NULL OR r.division = ANY ($4)) AND ($5::text[] IS NULL OR r.vehicle_class = ANY ($5))))
"""


def _narrow(view: View) -> bool:
    return view.divisions is not None or view.classes is not None


async def page(
    conn: Conn, view: View, after: int, limit: int, operators: Sequence[str] | None
) -> list[asyncpg.Record]:
    """Drivers by code after so many (a code may be an identity number, which no cursor may hold), of operators in view: those named, or those with a vehicle of a division and class in view."""
    return await conn.fetch(
        PAGE, after, limit, view.operators, _narrow(view), view.divisions, view.classes, operators
    )


async def one(conn: Conn, view: View, driver: str) -> asyncpg.Record | None:
    """One driver in view."""
    return await conn.fetchrow(ONE, driver, view.operators, _narrow(view), view.divisions, view.classes)
