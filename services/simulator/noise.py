"""Chance without a sequence: numbers that depend only on (seed, vehicle, second, stream), whatever was asked before.

A generator's numbers depend on how often it was called, so cutting a run differently would change it; a hash does not. The hash is
splitmix64's finisher, good enough to disturb a position.
"""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

KNOT_S = 60


def _hash(seed: int, vehicle: Ints, second: Ints, stream: int) -> NDArray[np.uint64]:
    start = (seed * 0x9E3779B97F4A7C15 + stream * 0xD1B54A32D192ED03) % 2**64
    x = np.asarray(vehicle).astype(np.uint64) * np.uint64(0xA24BAED4963EE407)
    x += np.asarray(second).astype(np.uint64) * np.uint64(0x9FB21C651E98DF25) + np.uint64(start)
    for _ in range(2):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    return x


def uniform(seed: int, vehicle: Ints, second: Ints, stream: int) -> Floats:
    """Evenly distributed in [0, 1)."""
    return np.asarray((_hash(seed, vehicle, second, stream) >> np.uint64(11)).astype(np.float64) / 2.0**53)


def normal(seed: int, vehicle: Ints, second: Ints, stream: int) -> Floats:
    """About normally distributed with mean 0 and deviation 1, never beyond 3.5: the sum of four 16-bit uniforms."""
    x = _hash(seed, vehicle, second, stream)
    total = sum(((x >> np.uint64(16 * i)) & np.uint64(0xFFFF)).astype(np.float64) for i in range(4))
    return np.asarray((total / 65535.0 - 2.0) * 1.7320508)


def smooth(seed: int, vehicle: Ints, second: Ints, stream: int) -> Floats:
    """The like of `normal`, but changing slowly: drawn once a minute per vehicle and joined by straight lines."""
    knot = np.asarray(second) // KNOT_S
    part = (np.asarray(second) % KNOT_S) / KNOT_S
    here, following = (normal(seed, vehicle, knot + step, stream + 1000) for step in (0, 1))
    return np.asarray(here * (1 - part) + following * part)
