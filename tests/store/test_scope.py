"""What the policies of history let through, held against the registry row by row: whatever period is announced, and when a vehicle changes hands."""

import random
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.store import scope
from services.store.api_queries import ALERT_PAGE, prefixes, rows_of
from services.store.scope import EVERYTHING, View
from tests.api.support import BEGAN_MS, event, fixes, put, record, register

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DIVISIONS, OPERATORS, CLASSES = ("640104", "640200"), ("甲", "乙", "丙"), ("coach", "hazmat")
VIEWS = (
    EVERYTHING,
    View(divisions=["640104"]),
    View(operators=["甲", "丙"]),
    View(classes=["hazmat"]),
    View(divisions=["640200"], operators=["乙"], classes=["coach"]),
    View(divisions=[]),
)
PERIODS = (None, (0, 60), (10, 20), (25, 35), (30, 30), (-600, 600), (50, 10))
"""Minutes that are announced, among them none, wrong ones and an empty one: they may change the way there, never what is seen."""

Registration = tuple[int, str, str, str, int | None, int | None]


def moment(minute: int | None) -> datetime | None:
    return None if minute is None else datetime.fromtimestamp((BEGAN_MS + minute * MINUTE_MS) / 1000, UTC)


async def registry(conn: asyncpg.Connection) -> list[Registration]:
    """Vehicles that are registered always, from or until a minute, one after the other with a pause, or not at all."""
    own, made = random.Random(5), []
    for number in range(40):
        cut = own.randrange(60)
        spans = own.choice((
            [(None, None)], [(cut, None)], [(None, cut)], [(None, cut), (cut, None)], [(None, cut), (cut + 5, None)], [(0, 60)],
        ))  # fmt: skip
        for place, (begin, end) in enumerate(spans):
            kind = (own.choice(DIVISIONS), own.choice(OPERATORS), own.choice(CLASSES))
            vehicle = await register(
                conn, f"宁A{number:05}", division=kind[0], operator=kind[1], vehicle_class=kind[2],
                terminal=f"T{number}-{place}", valid_from=moment(begin), valid_to=moment(end),
            )  # fmt: skip
            made.append((vehicle, *kind, begin, end))
    return made


def concerns(view: View, registered: Registration) -> bool:
    _, division, operator, vehicle_class, _, _ = registered
    return all(
        listed is None or value in listed
        for listed, value in (
            (view.divisions, division),
            (view.operators, operator),
            (view.classes, vehicle_class),
        )
    )


async def seen(conn: asyncpg.Connection, view: View, statement: str) -> set[tuple[object, ...]]:
    async with conn.transaction(readonly=True):
        await conn.execute(f"SET LOCAL ROLE {scope.ROLE}")
        await scope.restrict(conn, view)
        return {tuple(row) for row in await conn.fetch(statement)}


async def test_fixes_are_in_view_by_the_registration_of_their_moment(conn: asyncpg.Connection) -> None:
    made = await registry(conn)
    unknown = max(vehicle for vehicle, *_ in made) + 1
    for vehicle in {vehicle for vehicle, *_ in made} | {unknown}:
        await record(conn, fixes(vehicle, [BEGAN_MS + minute * MINUTE_MS for minute in range(60)]))
    for view in VIEWS:
        expected = {
            (vehicle, moment(minute))
            for registered in made
            for vehicle, begin, end in [(registered[0], *registered[4:])]
            for minute in range(60)
            if concerns(view, registered)
            and (begin is None or begin <= minute)
            and (end is None or minute < end)
        }
        for period in PERIODS:
            announced = (
                view if period is None else view.during(*(BEGAN_MS + minute * MINUTE_MS for minute in period))
            )
            found = await seen(conn, announced, "SELECT vehicle, at FROM fix")
            if view is EVERYTHING:
                assert len(found) == 60 * (len({vehicle for vehicle, *_ in made}) + 1)
            else:
                assert found == expected, (view, period)
        assert bool(expected) == (view != View(divisions=[]))


@pytest.mark.parametrize("view", VIEWS[:2])
async def test_a_search_over_all_vehicles_may_run_in_parallel(conn: asyncpg.Connection, view: View) -> None:
    """A condition that looks at the row from inside a sub-select would forbid it; found out by making it free."""
    await record(conn, fixes(1, [BEGAN_MS]))
    async with conn.transaction():
        await conn.execute(
            "SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;"
            " SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL max_parallel_workers_per_gather = 2"
        )
        await conn.execute(f"SET LOCAL ROLE {scope.ROLE}")
        await scope.restrict(conn, view.during(BEGAN_MS, BEGAN_MS + HOUR_MS))
        plan = await conn.fetch("EXPLAIN SELECT count(*) FROM fix WHERE flags & 1 = 0")
    assert any("Gather" in row[0] for row in plan), "\n".join(row[0] for row in plan)


@pytest.mark.parametrize(
    "view", [EVERYTHING, View(divisions=["640104"]), View(operators=["甲"], classes=["coach"])]
)
@pytest.mark.parametrize("divisions", [None, ["6401"]])
async def test_a_page_of_alerts_is_read_by_its_index(
    conn: asyncpg.Connection, view: View, divisions: list[str] | None
) -> None:
    """And not by sorting them all, which with a hundred thousand took a quarter of a second and grew with them."""
    if not await conn.fetchval("SELECT count(*) FROM alert"):
        alerts = [
            event(
                f"alr_{number}", began_ms=BEGAN_MS + number, division=DIVISIONS[number % 2], operator=OPERATORS[number % 3],
                vehicle_class=CLASSES[number % 2], why={"text": "x" * 1000},
            )
            for number in range(4000)
        ]  # fmt: skip
        await put(conn, alerts)
        await conn.execute("VACUUM ANALYZE alert")
    asked: list[Any] = [None] * 18
    asked[4], asked[14], asked[15:18] = prefixes(divisions), 101, rows_of(view)
    async with conn.transaction():
        await conn.execute(f"SET LOCAL ROLE {scope.ROLE}")
        await scope.restrict(conn, view)
        plan = "\n".join(row[0] for row in await conn.fetch(f"EXPLAIN {ALERT_PAGE}", *asked))
    assert "using alert_began" in plan or "using alert_operator" in plan, plan
