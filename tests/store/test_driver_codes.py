"""The migration that gives the spellings of one driver code one number."""

import asyncpg
import psycopg
import pytest
from alembic import command

from services.store import drivers
from services.store.migrate import _connected, alembic_config

BEFORE, AFTER = "0010", "0012_engine"
CODES = ["D-7", "d-7 ", "D-7\xff", "e-1", "000", " ", "007"]
FIX = """
INSERT INTO fix (vehicle, at, received, position, driver, alarms, status, flags, source_partition, raw_offset)
VALUES (1, %s, now(), ST_SetSRID(ST_MakePoint(106, 38), 4326), %s, 0, 0, 0, 0, %s)
"""


def upgrade(url: str, revision: str) -> None:
    """Migrate as far as a revision."""
    with _connected(url, 0, lambda _: None) as connection:
        command.upgrade(alembic_config(connection), revision)
        connection.commit()


def filled(url: str) -> None:
    """A database of before, with a fix for each spelling and sightings of three of them."""
    upgrade(url, BEFORE)
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE fix_20261123 PARTITION OF fix FOR VALUES FROM ('2026-11-23') TO ('2026-11-24')"
        )
        for place, code in enumerate(CODES):
            (number,) = connection.execute(
                "INSERT INTO driver_code (code) VALUES (%s) RETURNING id", (code,)
            ).fetchone() or (0,)
            at = f"2026-11-23T0{place}:00:00Z"
            connection.execute(FIX, (at, number, place))
            connection.execute("INSERT INTO driver_seen VALUES (1, %s, %s, %s)", (number, at, at))
        connection.execute("INSERT INTO operator (name) VALUES ('客运')")
        connection.execute(
            "INSERT INTO driver (driver, name, operator_id) SELECT 'd-7', '甲', id FROM operator"
        )


async def test_numbers_of_one_code_become_one_and_the_log_is_still_understood(
    empty_database_url: str,
) -> None:
    filled(empty_database_url)
    upgrade(empty_database_url, AFTER)
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await drivers.all_codes(connection) == {"D-7": 1, "E-1": 4, "007": 7}
        assert await drivers.codes_of(connection, [1, 2, 3, 4]) == {1: "D-7", 2: "D-7", 3: "D-7", 4: "E-1"}
        assert (await drivers.codes_by_number(connection))[3] == "D-7"
        assert [
            row["driver"] for row in await connection.fetch("SELECT driver FROM fix ORDER BY raw_offset")
        ] == [1, 1, 1, 4, -1, -1, 7]
        seen = await connection.fetch("SELECT driver, first_at, last_at FROM driver_seen ORDER BY driver")
        assert [(row["driver"], row["first_at"].hour, row["last_at"].hour) for row in seen] == [
            (1, 0, 2),
            (4, 3, 3),
            (7, 6, 6),
        ]
        assert await connection.fetchval("SELECT driver FROM driver") == "D-7"
        assert await drivers.intern(connection, ["D-7"]) == {"D-7": 1}
    finally:
        await connection.close()


def test_two_drivers_of_the_registry_with_one_code_are_named_and_nothing_is_changed(
    empty_database_url: str,
) -> None:
    filled(empty_database_url)
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(
            "INSERT INTO driver (driver, name, operator_id) SELECT 'D-7 ', '乙', id FROM operator"
        )
    with pytest.raises(RuntimeError, match="'D-7 ' \\(乙\\) , 'd-7' \\(甲\\)"):
        upgrade(empty_database_url, AFTER)
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(BEFORE,)]
