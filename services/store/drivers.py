"""Numbers for driver card codes: given once, kept for ever, committed before any fix that carries one is sent."""

from collections.abc import Iterable

from services.store.connect import Conn

INTERN = """
INSERT INTO driver_code (code) SELECT code FROM unnest($1::text[]) AS new (code)
WHERE NOT EXISTS (SELECT FROM driver_code WHERE driver_code.code = new.code)
ON CONFLICT (code) DO NOTHING
"""
NUMBERS = "SELECT code, id FROM driver_code WHERE code = ANY($1::text[])"
CODES = """
SELECT coalesce(kept.code, given.code) AS code, given.id
FROM driver_code given LEFT JOIN driver_code kept ON kept.id = given.same_as WHERE given.id = ANY($1::int[])
"""
"""A number that was given to another spelling of a code stands in the log for ever: it is that code's."""
ALL = "SELECT code, id FROM driver_code WHERE same_as IS NULL"
EVERY_NUMBER = """
SELECT coalesce(kept.code, given.code) AS code, given.id
FROM driver_code given LEFT JOIN driver_code kept ON kept.id = given.same_as
"""


async def intern(conn: Conn, codes: Iterable[str]) -> dict[str, int]:
    """The number of each code, new ones numbered; call it outside a transaction, so that the numbers are durable on return."""
    wanted = sorted(set(codes))
    await conn.execute(INTERN, wanted)
    return {row["code"]: row["id"] for row in await conn.fetch(NUMBERS, wanted)}


async def all_codes(conn: Conn) -> dict[str, int]:
    """Every code with its number."""
    return {row["code"]: row["id"] for row in await conn.fetch(ALL)}


async def codes_by_number(conn: Conn) -> dict[int, str]:
    """The code behind every number that was ever given."""
    return {row["id"]: row["code"] for row in await conn.fetch(EVERY_NUMBER)}


async def codes_of(conn: Conn, numbers: Iterable[int]) -> dict[int, str]:
    """The codes behind numbers, of those that were given."""
    return {row["id"]: row["code"] for row in await conn.fetch(CODES, sorted(numbers))}
