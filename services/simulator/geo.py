"""Plane geometry on lines of longitude and latitude, in metres, for building roads and for placing vehicles on them.

Lines are arrays of shape (n, 2), lon then lat in WGS-84 degrees. Between two vertices a line is straight *in degrees*; legs are kept
short, so lengths by the local scale of the ellipsoid are right to a few parts in 10,000 and a vehicle is exactly on the line it follows.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Line = NDArray[np.float64]


def metres_per_degree(lat_deg: Floats | float) -> tuple[Floats, Floats]:
    """Metres per degree of longitude and of latitude at a latitude, WGS-84."""
    phi = np.radians(lat_deg)
    per_lat = 111132.954 - 559.822 * np.cos(2 * phi) + 1.175 * np.cos(4 * phi)
    per_lon = 111412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi)
    return np.asarray(per_lon), np.asarray(per_lat)


def leg_vectors(line: Line) -> tuple[Floats, Floats]:
    """East and north extent of every leg in metres."""
    per_lon, per_lat = metres_per_degree((line[1:, 1] + line[:-1, 1]) / 2)
    delta = np.diff(line, axis=0)
    return delta[:, 0] * per_lon, delta[:, 1] * per_lat


def arcs(line: Line) -> Floats:
    """Distance of every vertex from the line's start, in metres."""
    return np.concatenate(([0.0], np.cumsum(np.hypot(*leg_vectors(line)))))


def bearings(line: Line) -> Floats:
    """Direction of every leg, degrees clockwise from north, 0 to 360."""
    east, north = leg_vectors(line)
    return np.degrees(np.arctan2(east, north)) % 360.0


def points_at(line: Line, arc: Floats, at_m: Floats | list[float]) -> Line:
    """Points of the line at the given distances from its start."""
    return np.column_stack((np.interp(at_m, arc, line[:, 0]), np.interp(at_m, arc, line[:, 1])))


def cut(line: Line, from_m: float, to_m: float) -> Line:
    """The part of a line between two distances from its start, ends included."""
    arc = arcs(line)
    inside = line[(arc > from_m + 0.5) & (arc < to_m - 0.5)]
    ends = points_at(line, arc, [from_m, to_m])
    return np.vstack((ends[:1], inside, ends[1:]))


def join(lines: list[Line]) -> Line:
    """Lines that follow one another as one line; a vertex that ends one and starts the next stands once."""
    parts = [lines[0], *(line[1:] for line in lines[1:])]
    return np.vstack(parts)


def subdivide(line: Line, leg_m: float) -> Line:
    """The same line with no leg longer than `leg_m`."""
    lengths = np.diff(arcs(line))
    parts = [
        start + (end - start) * np.linspace(0, 1, max(1, math.ceil(length / leg_m)), endpoint=False)[:, None]
        for start, end, length in zip(line[:-1], line[1:], lengths, strict=True)
    ]
    return np.vstack((*parts, line[-1:]))


def round_corners(line: Line, reach_m: float, pieces: int = 6) -> Line:
    """Every inner vertex replaced by a curve that leaves the line at most `reach_m` before it; the ends stay.

    The road source rounds to 0.001 degree and has few vertices; a coach that turns on the spot on a motorway would be no coach.
    """
    if len(line) < 3:
        return line
    lengths = np.diff(arcs(line))
    t = np.linspace(0, 1, pieces + 1)[:, None]
    parts = [line[:1]]
    for i in range(1, len(line) - 1):
        before, corner, after = line[i - 1], line[i], line[i + 1]
        start = corner + (before - corner) * min(0.45, reach_m / lengths[i - 1])
        end = corner + (after - corner) * min(0.45, reach_m / lengths[i])
        parts.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end)
    return np.vstack((*parts, line[-1:]))


def distances(points: Line, line: Line) -> Floats:
    """Least distance of each point to a line, in metres (equirectangular at the point's latitude)."""
    out = np.empty(len(points))
    for first in range(0, len(points), 256):
        block = points[first : first + 256]
        per_lon, per_lat = (scale[:, None] for scale in metres_per_degree(block[:, 1]))
        ax, ay = (line[:-1, 0] - block[:, :1]) * per_lon, (line[:-1, 1] - block[:, 1:]) * per_lat
        dx, dy = np.diff(line[:, 0]) * per_lon, np.diff(line[:, 1]) * per_lat
        along = np.clip(-(ax * dx + ay * dy) / np.maximum(dx * dx + dy * dy, 1e-9), 0, 1)
        out[first : first + 256] = np.hypot(ax + along * dx, ay + along * dy).min(axis=1)
    return out


def simplify(line: Line, tolerance_m: float) -> Line:
    """Douglas-Peucker: the fewest vertices that keep the line within `tolerance_m`; the ends stay."""
    if len(line) < 3:
        return line
    away = distances(line[1:-1], line[[0, -1]])
    worst = int(np.argmax(away))
    if away[worst] <= tolerance_m:
        return line[[0, -1]]
    left, right = simplify(line[: worst + 2], tolerance_m), simplify(line[worst + 1 :], tolerance_m)
    return np.vstack((left, right[1:]))
