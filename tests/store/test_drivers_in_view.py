"""Which drivers are in view, held against brute force over a made-up registry: by the statement alone, by the policy alone, and with any one condition gone."""

import importlib
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.runtime.clock import now_ms
from services.store import driver_list, driver_seen, drivers, scope
from services.store.connect import connection
from services.store.driver_seen import Sighting
from services.store.scope import View
from services.store.times import to_time
from tests.api.support import event, fixes, put, register

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_MS = 24 * 3_600_000
MINUTE_MS = 60_000
DIVISIONS, OPERATORS, CLASSES = (
    ("640104", "640205", "640302"),
    ("甲", "乙", "丙"),
    ("coach", "hazmat", "freight"),
)
VIEWS = [
    View(
        divisions=None if divisions is None else list(divisions),
        operators=None if operators is None else list(operators),
        classes=None if classes is None else list(classes),
    )
    for divisions, operators, classes in product(
        (None, DIVISIONS[:1], DIVISIONS[1:]),
        (None, OPERATORS[:1], OPERATORS[1:]),
        (None, CLASSES[:1], CLASSES[1:]),
    )
]
EXISTING = 200  # drivers
POLICIES: dict[str, str] = importlib.import_module(
    "services.store.migrations.versions.0003_policies_and_plans"
).POLICIES
LISTED: Callable[[str, str], str] = importlib.import_module(
    "services.store.migrations.versions.0003_policies_and_plans"
).listed


@dataclass(frozen=True)
class Held:
    """A registration of a vehicle, minutes of the test's day; None: open."""

    vehicle: int
    kind: tuple[str, str, str]
    begin: int | None
    end: int | None

    def in_view(self, view: View) -> bool:
        """Whether it fits all three limits."""
        return fits(view, *self.kind)

    def during(self, first: int, until: int) -> bool:
        """Whether it held at some minute from `first` until before `until`."""
        return (self.begin is None or self.begin < until) and (self.end is None or first < self.end)


@dataclass
class World:
    """What there is: of each driver the operator, and why somebody may see him."""

    conn: asyncpg.Connection
    base_ms: int
    held: list[Held]
    operator: dict[str, str]
    assigned: list[tuple[str, int, int, int]]  # driver, vehicle, first minute, until
    seen: list[tuple[str, int, int, int]]  # driver, vehicle, first minute, last
    alerts: list[tuple[str, tuple[str, str, str], int]]  # driver, the vehicle as registered then, minute

    def expected(self, view: View) -> set[str]:
        """Brute force: one driver after the other, one reason after the other."""
        return {
            driver
            for driver, operator in self.operator.items()
            if (view.operators is None or operator in view.operators)
            and ((view.divisions is None and view.classes is None) or self._through(driver, view))
        }

    def _through(self, driver: str, view: View) -> bool:
        """Whether the driver is assigned to, or was seen on, something in view."""
        on = [(vehicle, first, until) for name, vehicle, first, until in self.assigned if name == driver]
        on += [
            (vehicle, first, last + 1)
            for name, vehicle, first, last in self.seen
            if name == driver and last > -driver_list.DAYS * 24 * 60
        ]
        return any(
            held.vehicle == vehicle and held.in_view(view) and held.during(first, until)
            for vehicle, first, until in on
            for held in self.held
        ) or any(
            name == driver and fits(view, *kind) and minute > -driver_list.DAYS * 24 * 60
            for name, kind, minute in self.alerts
        )

    def moment(self, minute: int | None) -> datetime | None:
        """A minute of the test's day."""
        return to_time(None if minute is None else self.base_ms + minute * MINUTE_MS)


def fits(view: View, division: str, operator: str, vehicle_class: str) -> bool:
    return all(
        allowed is None or value in allowed
        for allowed, value in (
            (view.divisions, division), (view.operators, operator), (view.classes, vehicle_class),
        )
    )  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(database_url: str) -> AsyncIterator[World]:
    """Vehicles of every operator, city and class, some of which change hands; drivers with one reason each to be seen, or none, or one too old."""
    conn = await connection(database_url)
    own = random.Random(20261201)
    made = World(conn, (now_ms() // DAY_MS - 2) * DAY_MS, [], {}, [], [], [])
    await _vehicles(made, own)
    await _drivers(made, own)
    await conn.execute("ANALYZE")
    yield made
    await conn.close()


async def _vehicles(world: World, own: random.Random) -> None:
    for number, kind in enumerate(product(DIVISIONS, OPERATORS, CLASSES)):
        cut = own.randrange(10, 50)
        spans = own.choice(([(None, None)], [(None, cut), (cut, None)], [(None, cut)]))
        for place, (begin, end) in enumerate(spans):
            now = kind if place == 0 else (own.choice(DIVISIONS), own.choice(OPERATORS), own.choice(CLASSES))
            vehicle = await register(
                world.conn, f"宁D{number:05}", division=now[0], operator=now[1], vehicle_class=now[2],
                terminal=f"D{number}-{place}", valid_from=world.moment(begin), valid_to=world.moment(end),
            )  # fmt: skip
            world.held.append(Held(vehicle, now, begin, end))


async def _drivers(world: World, own: random.Random) -> None:
    codes = [f"D{number:03}" for number in range(EXISTING)]
    numbers = await drivers.intern(world.conn, codes)
    await world.conn.execute(
        "INSERT INTO route (route, name, line, leg_half_widths_m, stops) VALUES ('R', 'R', ST_GeomFromText('LINESTRING(106 38,106.1 38)', 4326), '{1}', '[]')"
    )
    for code in codes:
        held, minute = own.choice(world.held), own.randrange(60)
        # mostly of the operator whose vehicle it is; some are lent
        world.operator[code] = held.kind[1] if own.random() < 0.7 else own.choice(OPERATORS)
        await world.conn.execute(
            "INSERT INTO driver (driver, name, operator_id) SELECT $1, '某', id FROM operator WHERE name = $2",
            code, world.operator[code],
        )  # fmt: skip
        await REASONS[own.choice(list(REASONS))](world, code, held, minute, numbers[code])


async def _none(world: World, code: str, held: Held, minute: int, number: int) -> None:
    """Nothing but his operator's name."""


async def _assigned(world: World, code: str, held: Held, minute: int, number: int) -> None:
    await world.conn.execute(
        "INSERT INTO assignment (vehicle_id, route, from_at, to_at, driver, trip, direction) VALUES ($1, 'R', $2, $3, $4, $4, 'both')",
        held.vehicle, world.moment(minute), world.moment(minute + 5), code,
    )  # fmt: skip
    world.assigned.append((code, held.vehicle, minute, minute + 5))


async def _seen(world: World, code: str, held: Held, minute: int, number: int) -> None:
    times = [world.base_ms + minute * MINUTE_MS, world.base_ms + (minute + 3) * MINUTE_MS]
    await driver_seen.note(world.conn, driver_seen.sightings(fixes(held.vehicle, times, driver=[number, 0])))
    world.seen.append((code, held.vehicle, minute, minute))


async def _seen_long_ago(world: World, code: str, held: Held, minute: int, number: int) -> None:
    at_ms = world.base_ms - 401 * DAY_MS
    await driver_seen.note(world.conn, [Sighting(held.vehicle, number, at_ms, at_ms)])
    world.seen.append((code, held.vehicle, -401 * 24 * 60, -401 * 24 * 60))


async def _in_an_alert(world: World, code: str, held: Held, minute: int, number: int) -> None:
    await put(world.conn, [_alert(world, code, held, minute)])
    world.alerts.append((code, held.kind, minute))


async def _in_an_old_alert(world: World, code: str, held: Held, minute: int, number: int) -> None:
    await put(world.conn, [_alert(world, code, held, minute - 401 * 24 * 60)])
    world.alerts.append((code, held.kind, minute - 401 * 24 * 60))


def _alert(world: World, code: str, held: Held, minute: int) -> Any:
    return event(
        f"alr_{code}", vehicle=held.vehicle, division=held.kind[0], operator=held.kind[1], vehicle_class=held.kind[2],
        began_ms=world.base_ms + minute * MINUTE_MS, driver=code,
    )  # fmt: skip


REASONS = {
    "none": _none,
    "assigned": _assigned,
    "seen": _seen,
    "seen long ago": _seen_long_ago,
    "in an alert": _in_an_alert,
    "in an old alert": _in_an_old_alert,
}


async def by_statement(world: World, view: View) -> set[str]:
    """As the database's owner, whom no policy binds."""
    rows = await driver_list.page(world.conn, view, to_time(now_ms()), 0, EXISTING + 1, None)
    return {row["driver"] for row in rows}


async def by_policy(world: World, view: View) -> set[str]:
    """As the api's role, with no condition in the statement."""
    async with world.conn.transaction(readonly=True):
        await world.conn.execute(f"SET LOCAL ROLE {scope.ROLE}")
        await scope.restrict(world.conn, view)
        return {row["driver"] for row in await world.conn.fetch("SELECT driver FROM driver")}


@pytest.mark.parametrize("way", [by_statement, by_policy])
async def test_drivers_are_in_view_through_what_is_in_view(world: World, way: Any) -> None:
    for view in VIEWS:
        assert await way(world, view) == world.expected(view), view


async def test_every_view_hides_some_and_shows_some(world: World) -> None:
    """Else the comparison would prove nothing."""
    for view in VIEWS:
        assert 0 < len(world.expected(view)) < EXISTING or view == View(), view


async def test_one_driver_is_in_view_as_in_the_list(world: World) -> None:
    for view in VIEWS[:: len(VIEWS) // 6]:
        found = {
            code
            for code in world.operator
            if await driver_list.one(world.conn, view, to_time(now_ms()), code) is not None
        }
        assert found == world.expected(view), view


CONDITIONS = list(re.finditer(r"\(\$[234]::text\[\] IS NULL OR", driver_list.PAGE))


@pytest.mark.parametrize("place", range(len(CONDITIONS)))
async def test_each_condition_of_the_statement_is_needed(
    world: World, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    found = CONDITIONS[place]
    text = driver_list.PAGE
    mutated = text[: found.start()] + found.group().replace("(", "(true OR ", 1) + text[found.end() :]
    monkeypatch.setattr(driver_list, "PAGE", mutated)
    assert [view for view in VIEWS if await by_statement(world, view) != world.expected(view)]


def policies_without_one() -> Iterator[tuple[str, str]]:
    """Table and policy, one limit let go."""
    yield "operator", "true"
    for column in ("division", "operator", "vehicle_class"):
        setting = {"division": "divisions", "operator": "operators", "vehicle_class": "classes"}[column]
        yield "alert", POLICIES["alert"].replace(LISTED(setting, column), "true")
    yield "registration", POLICIES["registration"].replace(LISTED("divisions", "division"), "true")
    yield "registration", POLICIES["registration"].replace(LISTED("classes", "vehicle_class"), "true")
    yield "registration", POLICIES["registration"].replace("operator_id IN (SELECT id FROM operator)", "true")
    for table in ("assignment", "driver_seen", "driver"):
        yield table, "true"


@pytest.mark.parametrize(("table", "policy"), list(policies_without_one()))
async def test_each_condition_of_the_policies_is_needed(world: World, table: str, policy: str) -> None:
    assert policy != POLICIES.get(table)
    transaction = world.conn.transaction()
    await transaction.start()
    try:
        await world.conn.execute(f"ALTER POLICY in_view ON {table} USING ({policy})")
        wrong = []
        for view in VIEWS:
            await world.conn.execute(f"SET LOCAL ROLE {scope.ROLE}")
            await scope.restrict(world.conn, view)
            found = {row["driver"] for row in await world.conn.fetch("SELECT driver FROM driver")}
            await world.conn.execute("RESET ROLE")
            wrong += [view] if found != world.expected(view) else []
        assert wrong
    finally:
        await transaction.rollback()
