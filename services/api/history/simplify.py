"""Douglas-Peucker in metres: positions that lie within a tolerance of the line through the kept ones are left out.

Pure. Distances are measured on a local flat projection of the piece (error under 0.5 % within a few hundred kilometres of its middle).
"""

import numpy as np
from numpy.typing import NDArray

METRES_A_DEGREE = 111_195.0
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def kept(lon: Floats, lat: Floats, tolerance_m: float, always: Bools) -> Bools:
    """Which positions to keep: first, last and `always` in any case; every other lies within `tolerance_m` of the line through its kept neighbours."""
    count = len(lon)
    keep = always.copy()
    if not count:
        return keep
    keep[0] = keep[-1] = True
    y = lat * METRES_A_DEGREE
    x = lon * METRES_A_DEGREE * np.cos(np.radians((lat.min() + lat.max()) / 2))
    places = np.flatnonzero(keep)
    pieces = list(zip(places[:-1].tolist(), places[1:].tolist(), strict=True))
    while pieces:
        first, last = pieces.pop()
        if last - first < 2:
            continue
        away = distances(x[first : last + 1], y[first : last + 1])
        farthest = int(away.argmax())
        if away[farthest] > tolerance_m:
            middle = first + 1 + farthest
            keep[middle] = True
            pieces += [(first, middle), (middle, last)]
    return keep


def distances(x: Floats, y: Floats) -> Floats:
    """How far each inner point is from the segment between the first and the last, in the units given."""
    along_x, along_y = x[-1] - x[0], y[-1] - y[0]
    from_x, from_y = x[1:-1] - x[0], y[1:-1] - y[0]
    square = along_x * along_x + along_y * along_y
    part = (
        np.zeros(len(from_x))
        if square == 0
        else np.clip((from_x * along_x + from_y * along_y) / square, 0, 1)
    )
    found: Floats = np.hypot(from_x - part * along_x, from_y - part * along_y)
    return found
