"""Odometers that do not count as they should, and positions and speeds that do not say what they should: the journey is the same."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest

from services.api.history.legs import ABSENT, Ints, Way, doubts, legs
from services.api.history.segments import Ends, rows

MINUTE_MS = 60_000
BEGAN_MS = 1_795_392_000_000
WHOLE = Ends(start=True, end=True)
Odometer = Callable[[Ints], Ints]


def journey(step_s: int = 30) -> Way:
    """An hour parked, reports each five minutes, then an hour at 60 km/h due east; the odometer counts metres."""
    seconds = np.concatenate([np.arange(0, 3600, 300), np.arange(3600, 7201, step_s)])
    metres = np.maximum(seconds - 3600, 0) / 3.6 * 60
    speed = np.where(seconds >= 3600, 600, 0)
    lon = 103.0 + metres / (111_195 * np.cos(np.radians(39.5)))
    return Way(
        BEGAN_MS + seconds * 1000, lon, np.full(len(lon), 39.5), speed.astype(np.int64),
        153_204_300 + np.round(metres).astype(np.int64),
    )  # fmt: skip


def but(way: Way, odometer: Odometer) -> Way:
    return Way(way.time_ms, way.lon, way.lat, way.speed, odometer(way.odometer_m.copy()))


def moment_of_zero(read: Ints) -> Ints:
    read[40] = 0
    return read


def stuck(read: Ints, part: float) -> Ints:
    found: Ints = np.minimum(read, read[0] + round(60_000 * part))
    return found


def leapt(read: Ints) -> Ints:
    return read + np.where(read - read[0] > 20_000, 250_000, 0)


def replaced(read: Ints) -> Ints:
    return np.where(read - read[0] > 20_000, read - read[0] - 20_000, read)


ODOMETERS: dict[str, tuple[Odometer, list[str]]] = {
    "right": (lambda read: read, []),
    "zero": (lambda read: read * 0, ["too_little"]),
    "constant": (lambda read: read * 0 + read[0], ["too_little"]),
    "hundreds of km": (lambda read: read // 100_000 * 100_000, ["too_little"]),
    "hundreds of m": (lambda read: read // 100 * 100, []),
    "km": (lambda read: read // 1000 * 1000, ["too_little"]),
    "metres taken for km": (lambda read: (read - read[0]) * 1000, ["leap"]),
    "a moment of 0": (moment_of_zero, ["backwards", "leap"]),
    "replaced": (replaced, ["backwards"]),
    "250 km at once": (leapt, ["leap"]),
    "stuck from half-way": (lambda read: stuck(read, 0.5), ["too_little"]),
    "stuck in five minutes": (lambda read: stuck(read, 0.46), ["too_little"]),
    "backwards": (lambda read: 2 * read[0] - read, ["backwards"]),
    "absent": (lambda read: read * 0 + ABSENT, ["absent"]),
    "too fast": (lambda read: read[0] + (read - read[0]) * 3, ["too_much"]),
}


def checked(way: Way, trips: int, stops: int) -> float:
    """The number of trips and stops, and that nothing contradicts the track; the kilometres of the trips."""
    found, walked = rows(way, WHOLE), legs(way)
    assert [sum(row.trip for row in found), sum(not row.trip for row in found)] == [trips, stops], found
    for one, following in itertools.pairwise(found):
        assert one.last <= following.first
    total = sum(walked.distance_m[row.first : row.last].sum() for row in found if row.trip)
    assert total <= walked.distance_m.sum() + 1
    return float(total) / 1000


@pytest.mark.parametrize("step_s", [1, 5, 10, 30, 120])
@pytest.mark.parametrize("name", ODOMETERS)
def test_a_wrong_odometer_changes_no_journey(name: str, step_s: int) -> None:
    odometer, expected = ODOMETERS[name]
    way = but(journey(step_s), odometer)
    assert checked(way, 1, 1) == pytest.approx(60, abs=1.0)
    (stop, trip) = rows(way, WHOLE)
    assert (way.time_ms[stop.last] - BEGAN_MS, way.time_ms[trip.last] - BEGAN_MS) == (
        60 * MINUTE_MS,
        120 * MINUTE_MS,
    )
    found = doubts(legs(way).doubt)
    if step_s == 30:
        assert set(expected) <= set(found), found
        assert bool(found) == bool(expected)


@pytest.mark.parametrize("speed", [0, ABSENT])
@pytest.mark.parametrize("step_s", [1, 10, 30, 200])
def test_without_a_speed_the_positions_say_what_moves(speed: int, step_s: int) -> None:
    made = journey(step_s)
    for odometer in (made.odometer_m, np.full(len(made), ABSENT)):
        way = Way(made.time_ms, made.lon, made.lat, np.full(len(made), speed, np.int64), odometer)
        assert checked(way, 1, 1) == pytest.approx(60, abs=1.5)


@pytest.mark.parametrize("every_s", [240, 900])
@pytest.mark.parametrize("seed", range(5))
def test_a_parked_vehicle_that_drifts_is_one_stop(seed: int, every_s: int) -> None:
    """Nine hours within 17 m, a report of 6 km/h now and then."""
    random = np.random.default_rng(seed)
    seconds = np.arange(0, 9 * 3600, 30)
    away = random.uniform(-8, 8, (2, len(seconds))) / 111_195
    speed = np.where(seconds % every_s == 0, 60, 0)
    way = Way(
        BEGAN_MS + seconds * 1000,
        103 + away[0],
        39.5 + away[1],
        speed.astype(np.int64),
        np.full(len(seconds), ABSENT),
    )
    checked(way, 0, 1)
    assert legs(way).distance_m.sum() == 0


@pytest.mark.parametrize("step_s", [10, 300])
def test_one_stray_position_is_no_trip(step_s: int) -> None:
    seconds = np.arange(0, 3601, step_s)
    lon = np.full(len(seconds), 103.0)
    lon[5] += 0.035
    way = Way(
        BEGAN_MS + seconds * 1000,
        lon,
        np.full(len(lon), 39.5),
        np.zeros(len(lon), np.int64),
        np.full(len(lon), ABSENT),
    )
    checked(way, 0, 1)
    assert legs(way).distance_m.sum() == 0


def test_what_was_carried_in_a_silence_is_told_with_it() -> None:
    seconds = np.concatenate([np.arange(0, 1800, 30), np.arange(10_800, 12_600, 30)])
    lon = np.where(seconds < 1800, 103.0, 103.0 + 20_000 / (111_195 * np.cos(np.radians(39.5))))
    way = Way(
        BEGAN_MS + seconds * 1000,
        lon,
        np.full(len(lon), 39.5),
        np.zeros(len(lon), np.int64),
        np.full(len(lon), 5_000),
    )
    checked(way, 0, 2)
    walked = legs(way)
    assert walked.distance_m[walked.gap].sum() == pytest.approx(20_000, rel=0.01)
    assert doubts(walked.doubt) == ["too_little"]
