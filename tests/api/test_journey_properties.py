"""Whatever a vehicle does and its odometer says: trips, stops and gaps are in order and apart, and distances do not contradict the positions."""

import itertools

import numpy as np
import pytest

from services.api.history.legs import ABSENT, Way, apart, legs
from services.api.history.segments import Ends, rows

BEGAN_MS = 1_795_392_000_000
WHOLE = Ends(start=True, end=True)


def wandered(seed: int) -> Way:
    """Stretches of driving and standing, reports each 10 s, silences between some, driven through or not; an odometer of a random kind."""
    random = np.random.default_rng(seed)
    time_s, metres, speed = [0], [0.0], [0]
    for _ in range(int(random.integers(2, 9))):
        drives, count = bool(random.random() < 0.6), int(random.integers(5, 200))
        km_h = float(random.uniform(10, 100)) if drives else 0.0
        silence_s = int(random.choice([0, 0, 600, 1800, 7200]))
        for step_s in ([silence_s] if silence_s else []) + [10] * count:
            time_s.append(time_s[-1] + step_s)
            metres.append(metres[-1] + km_h / 3.6 * step_s)
            speed.append(round(km_h * 10))
    way_m = np.array(metres)
    odometer = (
        way_m + 1e6, way_m * 0, way_m * 0 + ABSENT, way_m // 1e5 * 1e5, way_m * 3, np.where(way_m > way_m[-1] / 2, way_m + 250_000, way_m),
        way_m[-1] - way_m, np.minimum(way_m, way_m[-1] / 2),
    )[seed % 8]  # fmt: skip
    lon = 103.0 + way_m / (111_195 * np.cos(np.radians(39.5)))
    return Way(
        BEGAN_MS + np.array(time_s) * 1000, lon, np.full(len(lon), 39.5), np.array(speed), np.round(odometer).astype(np.int64)
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(160))
def test_nothing_contradicts_the_track(seed: int) -> None:
    way = wandered(seed)
    found, walked = rows(way, WHOLE), legs(way)
    gaps = [(int(at), int(at) + 1) for at in np.flatnonzero(walked.gap)]
    spans = sorted([(row.first, row.last) for row in found] + gaps)
    assert [(row.first, row.last) for row in found] == sorted((row.first, row.last) for row in found)
    assert all(first <= last for first, last in spans)
    assert all(one[1] <= following[0] for one, following in itertools.pairwise(spans)), spans
    mileage_m = float(walked.distance_m.sum())
    trips_m = sum(float(walked.distance_m[row.first : row.last].sum()) for row in found if row.trip)
    assert trips_m <= mileage_m + 1
    displacement_m = float(apart(way.lon[:1], way.lat[:1], way.lon[-1:], way.lat[-1:])[0])
    assert mileage_m >= 0.9 * displacement_m - 30 * (1 + (way.time_ms[-1] - BEGAN_MS) / 300_000), (
        mileage_m,
        displacement_m,
    )
