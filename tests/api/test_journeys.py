"""Trips, stops and mileage: worked out by hand, and the same rows whatever period is asked for."""

import itertools
import json
from typing import Any

import asyncpg
import httpx2
import numpy as np
import pytest

from services.api.history.legs import ABSENT, Way, legs
from services.api.history.segments import Ends, rows
from services.api.identity import Role
from services.contracts.alert import iso
from services.contracts.fix import NO_U2, NO_U4, Fixes
from services.contracts.reasons import FLAG_BITS
from services.runtime.clock import now_ms
from tests.api.accounts import account, signed_in
from tests.api.support import BEGAN_MS, Api, fixes, record, register

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
METRE_E7 = 90  # about a metre of latitude

Part = tuple[float, float]
"""Minutes, and km/h; None as speed: silence, with the distance still driven."""


def drive(
    vehicle: int, parts: list[tuple[float, float | None]], *, start_ms: int = BEGAN_MS, odometer: bool = True
) -> Fixes:
    """A fix every 10 s, due north; a silence goes on at 60 km/h."""
    times, speeds, metres = [], [], []
    at_ms, away = start_ms, 0.0
    for minutes, speed in parts:
        end_ms = at_ms + round(minutes * MINUTE_MS)
        if speed is None:
            away += (end_ms - at_ms) / HOUR_MS * 60_000
            at_ms = end_ms
            continue
        while at_ms < end_ms:
            times.append(at_ms)
            speeds.append(round(speed * 10))
            metres.append(away)
            away += speed / 3.6 * 10
            at_ms += 10_000
    made = fixes(vehicle, times)
    made["speed"] = speeds
    made["lon_e7"] = 1_062_300_000
    made["lat_e7"] = 384_800_000 + np.round(np.array(metres) / 111_195 * 1e7).astype(int)
    made["odometer_m"] = 50_000 + np.round(np.array(metres)).astype(int) if odometer else NO_U4
    return made


DAY = [
    (30.0, 0.0), (60.0, 60.0), (3.0, 0.0), (20.0, 60.0), (12.0, 0.0), (1.0, 4.0), (40.0, 80.0), (45.0, None), (10.0, 50.0), (90.0, 0.0), (0.5, 6.0),
    (30.0, 0.0), (15.0, 30.0),
]  # fmt: skip
"""Trips: 30-113 min (the stop of 3 min is part of it), 126-166 (at 4 km/h it stands on), 211-221, 341.5-356.5 (50 m at 6 km/h are none)."""


def way(made: Fixes) -> Way:
    return Way(
        made["time_ms"].astype(np.int64), made["lon_e7"] / 1e7, made["lat_e7"] / 1e7,
        np.where(made["speed"] == NO_U2, ABSENT, made["speed"].astype(np.int64)),
        np.where(made["odometer_m"] == NO_U4, ABSENT, made["odometer_m"].astype(np.int64)),
    )  # fmt: skip


def minutes(moment_ms: int) -> float:
    return round((moment_ms - BEGAN_MS) / MINUTE_MS, 2)


def test_a_day_worked_out_by_hand() -> None:
    made = way(drive(1, DAY))
    found = [
        (row.trip, minutes(int(made.time_ms[row.first])), minutes(int(made.time_ms[row.last])))
        for row in rows(made, Ends(start=True, end=True))
    ]
    last = minutes(int(made.time_ms[-1]))
    assert found == [
        (False, 0, 30), (True, 30, 113), (False, 113, 126), (True, 126, 165.83), (True, 211, 221), (False, 221, 341.5),
        (True, 341.5, last),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(30))
def test_the_inner_rows_of_a_part_are_those_of_the_whole(seed: int) -> None:
    """Random driving, cut anywhere: what is not loose is exactly what the whole shows."""
    random = np.random.default_rng(seed)
    speeds = [0.0, 0.0, 2.0, 4.0, 6.0, 40.0, 80.0, None]
    parts = [
        (float(random.choice([0.5, 1, 2, 4, 6, 10, 25])), speeds[random.integers(len(speeds))])
        for _ in range(60)
    ]
    made = drive(1, parts)
    made["speed"][random.random(len(made)) < 0.05] = NO_U2
    whole = way(made)
    expected = {
        (row.trip, int(whole.time_ms[row.first]), int(whole.time_ms[row.last]))
        for row in rows(whole, Ends(start=True, end=True))
    }
    compared = 0
    for _ in range(40):
        first, last = sorted(random.integers(0, len(made), 2))
        part = whole.part(first, last + 1)
        ends = Ends(
            start=first == 0 or bool(whole.time_ms[first] - whole.time_ms[first - 1] > 20 * MINUTE_MS),
            end=last == len(made) - 1 or bool(whole.time_ms[last + 1] - whole.time_ms[last] > 20 * MINUTE_MS),
        )
        for row in rows(part, ends):
            if not (row.loose_start or row.loose_end):
                compared += 1
                assert (row.trip, int(part.time_ms[row.first]), int(part.time_ms[row.last])) in expected
    assert compared > 10


async def asked(
    api: Api, vehicle: int, what: str, from_ms: int, to_ms: int, **parameters: Any
) -> dict[str, Any]:
    answer = await api.get(f"/v1/vehicles/{vehicle}/{what}", from_=iso(from_ms), to=iso(to_ms), **parameters)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("what", ["trips", "stops"])
async def test_any_period_shows_the_same_rows(api: Api, writer: asyncpg.Connection, what: str) -> None:
    vehicle = await register(writer, "宁A12345")
    made = drive(vehicle, DAY)
    made["flags"][5::100] = FLAG_BITS["NOT_FIXED"]
    made["lat_e7"][5::100] = 0
    await record(writer, made)
    whole = (await asked(api, vehicle, what, BEGAN_MS - HOUR_MS, BEGAN_MS + 8 * HOUR_MS))["items"]
    assert len(whole) == {"trips": 4, "stops": 3}[what]
    assert not any(item["cut"] for item in whole)
    for begin, length in itertools.product(range(0, 360, 23), (7, 60, 200)):
        from_ms, to_ms = BEGAN_MS + begin * MINUTE_MS, BEGAN_MS + (begin + length) * MINUTE_MS
        found = (await asked(api, vehicle, what, from_ms, to_ms))["items"]
        assert found == [
            item for item in whole if item["began"] < iso(to_ms) and item["ended"] >= iso(from_ms)
        ], (begin, length)


async def test_what_a_trip_says(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A12345")
    await record(writer, drive(vehicle, DAY))
    body = await asked(api, vehicle, "trips", BEGAN_MS, BEGAN_MS + 8 * HOUR_MS)
    first = body["items"][0]
    assert (first["distance_source"], first["max_speed_kmh"], first["open"], first["cut"]) == (
        "odometer",
        60.0,
        False,
        False,
    )
    assert first["distance_km"] == pytest.approx(80, abs=0.2)
    (inner, open_end) = body["gaps"]
    assert (inner["began"], inner["ended"]) == (
        iso(BEGAN_MS + 166 * MINUTE_MS - 10_000),
        iso(BEGAN_MS + 211 * MINUTE_MS),
    )
    assert inner["displacement_km"] == pytest.approx(45.2, abs=0.3)
    assert (open_end["ended"], open_end["displacement_km"]) == (None, None)


async def test_what_goes_on_is_open_and_what_is_longer_than_a_day_is_cut(
    api: Api, writer: asyncpg.Connection
) -> None:
    going, endless = await register(writer, "宁A00001"), await register(writer, "宁A00002")
    present_ms = now_ms() // 10_000 * 10_000
    await record(writer, drive(going, [(20, 0.0), (30, 60.0)], start_ms=present_ms - 50 * MINUTE_MS))
    (trip,) = (await asked(api, going, "trips", present_ms - HOUR_MS, present_ms))["items"]
    assert (trip["open"], trip["cut"]) == (True, False)
    await record(writer, drive(endless, [(80 * 60, 40.0)]))
    (trip,) = (await asked(api, endless, "trips", BEGAN_MS + 40 * HOUR_MS, BEGAN_MS + 41 * HOUR_MS))["items"]
    assert (trip["open"], trip["cut"]) == (False, True)
    assert trip["began"] < iso(BEGAN_MS + 17 * HOUR_MS)


async def test_the_parts_of_a_period_add_up(api: Api, writer: asyncpg.Connection) -> None:
    """Also where the odometer is set back, is away, or leaps."""
    vehicle = await register(writer, "宁A12345")
    made = drive(vehicle, DAY)
    made["odometer_m"][400:] -= 40_000
    made["odometer_m"][500:600] = NO_U4
    made["odometer_m"][650] += 900_000
    await record(writer, made)
    whole = await asked(api, vehicle, "mileage", BEGAN_MS, BEGAN_MS + 8 * HOUR_MS)
    assert whole["source"] == "mixed"
    assert whole["distance_km"] == pytest.approx(whole["odometer_km"] + whole["positions_km"], abs=0.002)
    assert whole["distance_km"] == pytest.approx(194.5, rel=0.01)
    assert whole["by_positions_km"] == pytest.approx(whole["distance_km"], rel=0.01)
    assert whole["gaps_km"] == pytest.approx(45.2, abs=0.3)
    assert sum(day["distance_km"] for day in whole["days"]) == pytest.approx(whole["distance_km"], abs=0.003)
    for cuts in ([10.5], [100, 190, 200], list(range(7, 470, 41))):
        edges = [BEGAN_MS, *(BEGAN_MS + round(cut * MINUTE_MS) for cut in cuts), BEGAN_MS + 8 * HOUR_MS]
        parts = [await asked(api, vehicle, "mileage", *pair) for pair in itertools.pairwise(edges)]
        assert sum(part["fixes"] for part in parts) == whole["fixes"]
        for name in ("distance_km", "odometer_km", "positions_km", "gaps_km"):
            assert sum(part[name] for part in parts) == pytest.approx(whole[name], abs=0.001 * len(parts)), (
                name
            )


def test_a_parked_vehicle_drives_nothing_and_an_impossible_leap_counts_nothing() -> None:
    random = np.random.default_rng(3)
    made = drive(1, [(60, 0.0)], odometer=False)
    made["lat_e7"] += random.integers(-30 * METRE_E7, 30 * METRE_E7, len(made))
    assert legs(way(made)).distance_m.sum() == 0
    leap = drive(1, [(10, 60.0)], odometer=False)
    straight = legs(way(leap)).distance_m.sum()
    leap["lat_e7"][30] += 1_000_000
    assert legs(way(leap)).distance_m.sum() == pytest.approx(straight, rel=0.05)


@pytest.mark.parametrize("what", ["trips", "stops", "mileage"])
async def test_a_look_asks_why_is_written_down_and_stays_in_view(
    api: Api, writer: asyncpg.Connection, what: str
) -> None:
    vehicle = await register(writer, "宁A12345", division="640200")
    await record(writer, drive(vehicle, [(10, 60.0)]))
    await account(writer, "here", Role.AUTHORITY, divisions=["6402"])
    await account(writer, "there", Role.AUTHORITY, divisions=["6401"])
    period = {"from": iso(BEGAN_MS), "to": iso(BEGAN_MS + HOUR_MS)}
    path = f"/v1/vehicles/{vehicle}/{what}"
    here, there = await signed_in(api, "here"), await signed_in(api, "there")
    assert (await here.get(path, params=period)).json()["type"].endswith("purpose-required")
    found: httpx2.Response = await here.get(path, params={**period, "purpose": "投诉核查"})
    assert found.status_code == 200
    assert (await there.get(path, params={**period, "purpose": "投诉核查"})).status_code == 404
    (row,) = await writer.fetch(
        "SELECT actor, object, purpose, detail FROM audit WHERE action = $1 AND outcome = 'ok'",
        f"{what}.read",
    )
    assert (row["actor"], row["object"], row["purpose"]) == ("acc_here", f"vehicle:{vehicle}", "投诉核查")
    assert json.loads(row["detail"])["from"] == iso(BEGAN_MS)
    assert (
        (await api.get(path, from_=iso(BEGAN_MS), to=iso(BEGAN_MS + 32 * 24 * HOUR_MS)))
        .json()["type"]
        .endswith("period-too-long")
    )
