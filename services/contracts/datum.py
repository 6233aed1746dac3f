"""GCJ-02 and BD-09 to WGS-84: Chinese web maps shift positions by 100-700 m, more than any corridor is wide.

The forward shift is the published approximation that map libraries share; its inverse is found by iteration to well under a metre.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Degrees = NDArray[np.float64]
Shift = Callable[[Degrees, Degrees], tuple[Degrees, Degrees]]

KRASOVSKY_A_M = 6_378_245.0
KRASOVSKY_E2 = 0.00669342162296594323
BD_PI = np.pi * 3000.0 / 180.0
SHIFTED = (72.004, 0.8293, 137.8347, 55.8271)
"""West, south, east, north of where map libraries apply the shift; elsewhere GCJ-02 is WGS-84."""
ROUNDS = 6
"""Each round shrinks the error by about three orders of magnitude; six leave rounding only."""


def _wave(x: Degrees, y: Degrees) -> tuple[Degrees, Degrees]:
    root = np.sqrt(np.abs(x))
    common = (20 * np.sin(6 * x * np.pi) + 20 * np.sin(2 * x * np.pi)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    north += (20 * np.sin(y * np.pi) + 40 * np.sin(y / 3 * np.pi)) * 2 / 3
    north += (160 * np.sin(y / 12 * np.pi) + 320 * np.sin(y * np.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    east += (20 * np.sin(x * np.pi) + 40 * np.sin(x / 3 * np.pi)) * 2 / 3
    east += (150 * np.sin(x / 12 * np.pi) + 300 * np.sin(x / 30 * np.pi)) * 2 / 3
    return east, north


def wgs84_to_gcj02(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """The shift that Chinese maps apply in and around China."""
    west, south, east_end, north_end = SHIFTED
    inside = (lon >= west) & (lon <= east_end) & (lat >= south) & (lat <= north_end)
    east, north = _wave(lon - 105.0, lat - 35.0)
    radians = np.radians(lat)
    magic = 1 - KRASOVSKY_E2 * np.sin(radians) ** 2
    d_lat = north * 180 / ((KRASOVSKY_A_M * (1 - KRASOVSKY_E2)) / (magic * np.sqrt(magic)) * np.pi)
    d_lon = east * 180 / (KRASOVSKY_A_M / np.sqrt(magic) * np.cos(radians) * np.pi)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def gcj02_to_bd09(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Baidu's second shift."""
    z = np.sqrt(lon * lon + lat * lat) + 2e-5 * np.sin(lat * BD_PI)
    theta = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * BD_PI)
    return z * np.cos(theta) + 0.0065, z * np.sin(theta) + 0.006


def _inverse(shift: Shift, lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    x, y = lon.copy(), lat.copy()
    for _ in range(ROUNDS):
        shifted_x, shifted_y = shift(x, y)
        x, y = x + lon - shifted_x, y + lat - shifted_y
    return x, y


def gcj02_to_wgs84(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Positions drawn on a GCJ-02 map, in WGS-84."""
    return _inverse(wgs84_to_gcj02, lon, lat)


def bd09_to_wgs84(lon: Degrees, lat: Degrees) -> tuple[Degrees, Degrees]:
    """Positions drawn on a Baidu map, in WGS-84."""
    return gcj02_to_wgs84(*_inverse(gcj02_to_bd09, lon, lat))


TO_WGS84: dict[str, Shift] = {"GCJ-02": gcj02_to_wgs84, "BD-09": bd09_to_wgs84}
