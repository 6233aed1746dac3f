"""Route deviation as the engine judges it: the worked cases, what is told when, ticks, duties that come and go, and the reference."""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from services.contracts.alert import EventType
from services.contracts.fix import fix_columns
from services.contracts.registry import Assignment, Config, Route, RuleSet, Vehicle, VehicleClass
from services.rules.assignments import assignment_key
from services.rules.catalogue import route_deviation
from services.rules.engine import Engine
from services.rules.snapshot import PartitionClock, dump, load
from services.rules.transitions import Transition
from tests.rules.cases import CASES, Case
from tests.rules.cases.building import DISTANCE_TOLERANCE
from tests.rules.generators import seeded
from tests.rules.reference import to_records
from tests.rules.test_against_reference import differences, engine_episodes, reference_episodes

START_MS = 1_763_956_800_000
LON, LAT = 106.2, 38.48
M_LON, M_LAT = 87_300.0, 111_010.0
DEVIATIONS = [case for case in CASES if case.rule == "route_deviation"]
OPENED, UPDATED, CLOSED, REVISED = EventType.OPENED, EventType.UPDATED, EventType.CLOSED, EventType.REVISED
OFF = ((0, 300), (30, 400), (60, 300))
"""Seconds and metres beside the route: the shortest run that opens."""


def spot(x_m: float, y_m: float) -> tuple[float, float]:
    """Metres east and north of the middle as degrees."""
    return round(float(LON + x_m / M_LON), 7), round(float(LAT + y_m / M_LAT), 7)


def route(name: str = "R", y_m: float = 0.0, half_m: float = 100.0) -> Route:
    """A straight line of 20 km from west to east."""
    line = (spot(-10_000, y_m), spot(0, y_m), spot(10_000, y_m))
    return Route(route=name, name=f"线路{name}", coordinates=line, leg_half_widths_m=(half_m, half_m))


def duty(from_s: float = -1000, to_s: float = 100_000, name: str = "R", **more: Any) -> Assignment:
    """An assignment of the vehicle."""
    return Assignment(
        vehicle=1,
        route=name,
        from_ms=START_MS + round(from_s * 1000),
        to_ms=START_MS + round(to_s * 1000),
        **more,
    )


def world(
    *assignments: Assignment,
    routes: Sequence[Route] = (),
    vehicle_class: str = "coach",
    version: int = 1,
    **more: Any,
) -> Config:
    """One vehicle, its routes and duties."""
    vehicle = Vehicle(
        id=1, plate="宁A00001", plate_color="yellow", vehicle_class=VehicleClass(vehicle_class), terminal="1",
        operator="o", division="640100",
    )  # fmt: skip
    return Config(
        version=version, vehicles=(vehicle,), routes=tuple(routes) or (route(),), assignments=assignments or (duty(),),
        rules=(RuleSet(parameters={"route_deviation": more}),) if more else (),
    )  # fmt: skip


def track(*rows: tuple[float, float], x_m: float = 1000.0) -> np.ndarray:
    """Fixes at (second, metres north of the line)."""
    fixes = fix_columns(len(rows))
    fixes["vehicle"], fixes["raw_offset"] = 1, np.arange(len(rows))
    for one, (second, y_m) in zip(fixes, rows, strict=True):
        lon, lat = spot(x_m, y_m)
        one["time_ms"] = START_MS + round(second * 1000)
        one["lon_e7"], one["lat_e7"] = round(lon * 1e7), round(lat * 1e7)
    return fixes


def engine(config: Config | None = None) -> Engine:
    """An engine whose drivers' codes are their numbers."""
    return Engine(config or world(), str)


def events(told: Sequence[Transition]) -> list[tuple[EventType | None, int, int | None]]:
    """(event, second it was told, second it ended)."""
    return [
        (
            t.event,
            (t.now_ms - START_MS) // 1000,
            None if t.ended_ms is None else (t.ended_ms - START_MS) // 1000,
        )
        for t in told
        if t.episode.rule == "route_deviation"
    ]


def seen(episode: dict[str, Any], told: Transition) -> dict[str, Any]:
    """An engine's episode under the names that cases use; only what the case asks for."""
    why = told.episode.why
    fields = {
        "kind": told.episode.kind, "state": str(told.episode.state), "began_ms": told.began_ms, "ended_ms": told.ended_ms,
        "severity": str(told.episode.severity), "confidence": told.episode.confidence, "peak": told.episode.peak,
        "limit": told.episode.limit, "leg": why["leg"], "fixes": why["fixes"],
        "last_ms": told.began_ms + round(why["duration_s"] * 1000),
        "driver": int(told.episode.driver) if told.episode.driver else None,
    }  # fmt: skip
    return {name: fields[name] for name in episode if name in fields}


@pytest.mark.parametrize("case", DEVIATIONS, ids=lambda case: case.name)
def test_a_case_is_judged_as_worked_out_by_hand(case: Case) -> None:
    judge = Engine(case.config, str)
    told = judge.judge(to_records(case.fixes)) + judge.open_episodes()
    last = {t.alert.id: t for t in told if t.episode.rule == case.rule}
    found = sorted(last.values(), key=lambda t: t.began_ms)
    assert len(found) == len(case.expected)
    for episode, expected in zip(found, case.expected, strict=True):
        for name, value in seen(expected, episode).items():
            wanted = expected[name]
            exact = not isinstance(wanted, float)
            assert value == (wanted if exact else pytest.approx(wanted, rel=DISTANCE_TOLERANCE)), name


def test_it_opens_at_the_fix_that_proves_it_and_closes_at_the_second_back() -> None:
    told = engine().judge(track(*OFF, (90, 300), (120, 0), (130, 0), (160, 0)))
    assert events(told) == [(OPENED, 60, None), (CLOSED, 130, 90)]
    assert told[0].alert.id == told[1].alert.id
    opened = told[0].episode
    assert opened.peak == pytest.approx(400, rel=0.005)
    assert (opened.limit, opened.unit, opened.at.time) == (115.0, "m", "2025-11-24T04:00:30Z")
    assert opened.why == {
        "route": "R", "route_name": "线路R", "basis": None, "duration_s": 60, "leg": 1, "half_width_m": 100.0, "fixes": 3,
    }  # fmt: skip
    assert opened.severity == "minor"
    assert "线路R" in told[1].alert.sentence.zh
    assert "off route" in told[1].alert.sentence.en


def test_it_is_told_again_once_a_minute_and_when_it_becomes_major() -> None:
    rows = [*OFF, *((s, 300.0) for s in range(70, 200, 10)), (205, 1500), (210, 300)]
    assert events(engine().judge(track(*rows))) == [
        (OPENED, 60, None), (UPDATED, 120, None), (UPDATED, 180, None), (UPDATED, 205, None),
    ]  # fmt: skip


def test_a_tick_closes_what_silence_has_ended_and_a_fix_in_time_goes_on_with_it() -> None:
    judge = engine()
    judge.judge(track(*OFF))
    assert events(judge.tick(START_MS + 660_000)) == []  # a fix at this moment could still belong
    assert events(judge.tick(START_MS + 660_001)) == [(CLOSED, 660, 60)]
    assert events(judge.tick(START_MS + 700_000)) == []
    told = judge.judge(track((600, 300), (630, 0), (640, 0)))  # received late, but in time
    assert events(told) == [(REVISED, 600, None), (CLOSED, 640, 600)]
    assert [t.sequence for t in told] == [3, 4]


def test_what_a_tick_closed_is_not_closed_again_by_fixes() -> None:
    judge = engine()
    judge.judge(track(*OFF))
    judge.tick(START_MS + 700_000)
    assert events(judge.judge(track((701, 300), (731, 300), (761, 300)))) == [(OPENED, 761, None)]


def test_a_tick_after_the_end_of_the_duty_closes() -> None:
    judge = engine(world(duty(to_s=100)))
    judge.judge(track(*OFF))
    assert events(judge.tick(START_MS + 99_999)) == []
    assert events(judge.tick(START_MS + 100_000)) == [(CLOSED, 100, 60)]


def test_one_fix_back_on_the_route_proves_nothing_to_a_tick() -> None:
    judge = engine()
    judge.judge(track(*OFF, (90, 0)))
    assert events(judge.tick(START_MS + 120_000)) == []


def test_a_duty_that_is_withdrawn_closes_at_the_next_fix_under_the_same_id() -> None:
    judge = engine()
    opened = judge.judge(track(*OFF))
    judge.configure(world(duty(name="S"), routes=[route("S", 300)], version=2))
    closed = judge.judge(track((90, 300), (120, 300)))
    assert events(closed) == [(CLOSED, 90, 60)]
    assert closed[0].alert.id == opened[0].alert.id
    assert closed[0].episode.why["route"] is None


def test_a_new_version_with_the_same_duty_goes_on() -> None:
    """Another line under the same name: judged by the new one from the next fix on, its last leg beyond the new end."""
    judge = engine()
    judge.judge(track(*OFF, x_m=9000))
    short = Route(
        route="R", name="线路R", coordinates=(spot(-9000, 300), spot(9000, 300)), leg_half_widths_m=(100.0,)
    )
    judge.configure(world(routes=[route("Q"), short], version=2))
    assert events(judge.judge(track((90, 300), (120, 300), x_m=1000))) == [(CLOSED, 120, 60)]


def test_a_duty_given_later_begins_with_the_next_fix() -> None:
    judge = engine(world(duty(to_s=-10)))
    assert events(judge.judge(track(*OFF))) == []
    judge.configure(world(duty(), version=2))
    assert events(judge.judge(track((90, 300), (120, 300), (149, 300)))) == []
    assert events(judge.judge(track((150, 300)))) == [(OPENED, 150, None)]


def test_an_assignment_to_a_route_that_is_gone_judges_nothing() -> None:
    assert events(engine(world(duty(name="gone"))).judge(track(*OFF))) == []


def test_duties_that_follow_one_another_have_alerts_of_their_own() -> None:
    trips = [duty(100 * n, 100 * (n + 1), trip=str(n)) for n in range(40)]
    rows = [(10.0 * s, 300.0) for s in range(400)]
    told = engine(world(*trips)).judge(track(*rows))
    assert events(told) == [
        event for n in range(40) for event in ((CLOSED, 100 * n, 100 * n - 10), (OPENED, 100 * n + 60, None))
    ][1:]  # fmt: skip
    assert len({t.alert.id for t in told}) == 40


def test_as_many_duties_at_once_as_are_judged_and_no_more() -> None:
    """Pages and findings grow as they are needed; all close together at the second fix back."""
    most = route_deviation.MOST_AT_ONCE
    trips = [duty(trip=str(n)) for n in range(most + 4)]
    for given in (trips[:most], trips):
        told = engine(world(*given)).judge(track(*OFF, (90, 0), (120, 0)))
        assert [event for event, _, _ in events(told)] == [OPENED] * most + [CLOSED] * most


def test_pages_are_returned() -> None:
    judge = engine(world(*(duty(100 * n, 100 * n + 50, trip=str(n)) for n in range(300))))
    judge.judge(track(*((10.0 * s, 300.0) for s in range(3100))))
    state = judge.states[2]
    assert state.pages["free"][0] == len(state.pages) - 1
    assert len(state.pages) <= 128


def test_a_vehicle_without_duties_costs_no_page() -> None:
    judge = engine(Config(vehicles=world().vehicles))
    assert events(judge.judge(track(*OFF))) == []
    assert judge.states[2].pages["free"][0] == len(judge.states[2].pages) - 1


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_snapshot_in_the_middle_changes_nothing(cut: int) -> None:
    config = world(duty(), duty(name="S"), routes=[route(), route("S", 600, half_m=200)])
    rows = [(s * 30.0, y) for s, y in enumerate([300, 300, 0, 300, 300, 300, 0, 0, 300, 1000])]
    whole = Engine(config, str).judge(track(*rows))
    first, second = Engine(config, str), Engine(config, str)
    told = first.judge(track(*rows)[:cut])
    load(second, dump(first, "", PartitionClock(), full=True))
    told += second.judge(track(*rows)[cut:])
    assert [msgspec.json.encode(t.alert) for t in told] == [msgspec.json.encode(t.alert) for t in whole]


def test_the_key_of_an_assignment_is_its_content() -> None:
    keys = {
        assignment_key(a)
        for a in (
            duty(),
            duty(),
            duty(to_s=1),
            duty(trip="1"),
            duty(driver="d"),
            duty(direction="forward"),
            duty(name="S"),
        )
    }
    assert len(keys) == 6
    assert 0 not in keys


def test_hazmat_and_school_buses_have_a_clause() -> None:
    for vehicle_class, basis in (
        ("hazmat", "危货办法 art. 48"),
        ("school_bus", "校车条例 art. 30"),
        ("freight", None),
    ):
        told = engine(world(vehicle_class=vehicle_class)).judge(track(*OFF))
        assert told[0].episode.why["basis"] == basis


def _winding(rng: np.random.Generator, name: str) -> Route:
    """A route that turns and comes near itself, its legs of different widths."""
    legs = int(rng.integers(2, 60))
    headings = np.cumsum(rng.normal(0, 0.7, legs))
    lengths = rng.uniform(20, 900, legs)
    xs = np.concatenate([[0], np.cumsum(np.cos(headings) * lengths)])
    ys = np.concatenate([[0], np.cumsum(np.sin(headings) * lengths)])
    widths = tuple(float(w) for w in rng.choice([30, 80, 200], legs))
    line = tuple(spot(x, y) for x, y in zip(xs, ys, strict=True))
    return Route(route=name, name=name, coordinates=line, leg_half_widths_m=widths)


def _wandering(rng: np.random.Generator, line: Sequence[tuple[float, float]], count: int) -> np.ndarray:
    """A drive along a line that strays from it, jumps, and falls silent."""
    fixes = fix_columns(count)
    fixes["vehicle"], fixes["raw_offset"] = 1, np.arange(count)
    gaps = rng.choice([5, 20, 30, 60, 599, 600, 601], count, p=[0.2, 0.3, 0.3, 0.14, 0.02, 0.02, 0.02])
    fixes["time_ms"] = START_MS + np.cumsum(gaps) * 1000
    along, away_m, course = 0.0, 0.0, 0.0
    for one in fixes:
        along = (
            (along + rng.uniform(0, 0.6)) % (len(line) - 1)
            if rng.random() > 0.02
            else rng.uniform(0, len(line) - 1)
        )
        if rng.random() < 0.25:
            away_m, course = float(rng.choice([0, 0, 40, 120, 260, 1100])), float(rng.uniform(0, 2 * math.pi))
        leg, share = int(along), along - int(along)
        (lon, lat), (to_lon, to_lat) = line[leg], line[leg + 1]
        one["lon_e7"] = round((lon + share * (to_lon - lon) + away_m * math.cos(course) / M_LON) * 1e7)
        one["lat_e7"] = round((lat + share * (to_lat - lat) + away_m * math.sin(course) / M_LAT) * 1e7)
    fixes["flags"] = np.where(rng.random(count) < 0.03, 1, 0)
    return fixes


@pytest.mark.parametrize("seed", range(40))
def test_winding_routes_are_judged_as_by_the_reference(seed: int) -> None:
    """Every leg tried for every fix, in plain Python."""
    rng = np.random.default_rng(seed)
    routes = [_winding(rng, "A"), _winding(rng, "B")]
    parameters = {
        "hold_s": int(rng.choice([0, 60])),
        "min_fixes": int(rng.choice([1, 2, 3])),
        "ends_exempt_m": int(rng.choice([0, 500])),
    }
    config = world(
        duty(name="A"),
        duty(2000, 5000, name="B"),
        routes=routes,
        vehicle_class=str(rng.choice(["coach", "hazmat"])),
        **parameters,
    )
    fixes = _wandering(rng, routes[0].coordinates, 250)
    theirs = reference_episodes(config, fixes)
    assert differences(engine_episodes(config, fixes), theirs) == []


@pytest.mark.parametrize("rule", ["route_deviation", "speeding"])
@pytest.mark.parametrize("block", range(6))
def test_drives_on_the_edges_are_judged_as_by_the_reference(rule: str, block: int) -> None:
    for seed in range(block * 15, block * 15 + 15):
        config, fixes = seeded(rule, seed)
        for vehicle in np.unique(fixes["vehicle"]):
            own = fixes[fixes["vehicle"] == vehicle]
            theirs = [row for row in reference_episodes(config, own) if row["rule"] == rule]
            ours = [row for row in engine_episodes(config, own) if row["rule"] == rule]
            assert differences(ours, theirs) == [], f"seed {seed}, vehicle {vehicle}"
