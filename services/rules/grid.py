"""A grid of cells over the map: which things lie in or near the cell of a fix.

Cells are powers of two of 1e-7 degree, so a fix finds its own by two shifts, and only cells that hold something exist: they stand in a
hash table, so a province and a hundred scattered depots cost what they hold and not what lies between. What a cell lists is never too
little: lists are made with a margin, and whoever reads one measures each entry.
"""

from typing import NamedTuple

import numpy as np

from services.compiled import Floats, Ints, Rows, Whole, compiled, inlined
from services.rules.geometry import metres_per_e7
from services.rules.records import as_records

CELL = np.dtype([("x", "i4"), ("y", "i4"), ("first", "i4"), ("count", "i4")])
"""One place of the hash table: `count` entries from `first` on; count 0 is a free place."""

MARGIN = 1.01  # cells are made a little wider than asked, for the projection's own error
STEEPEST_E7 = (
    890_000_000  # metres of a degree of longitude are taken here beyond it: a finite reach at the poles
)


class Grid(NamedTuple):
    """Cells of 2**shift units of 1e-7 degree; what a cell lists is in the owner's own array, in the order of `entries` when built."""

    cells: np.ndarray  # CELL, a power of two of them
    shift: int


@inlined
def place_of(x: np.int64, y: np.int64, mask: np.int64) -> np.int64:
    """Where the search for a cell begins. No product exceeds 64 bits: x and y have at most 31, the factors 32 bits."""
    mixed = x * np.int64(0x9E3779B1) + y * np.int64(0x85EBCA77)
    return (mixed ^ (mixed >> np.int64(17))) & mask


@inlined
def find_cell(cells: Rows, shift: int, lon_e7: int, lat_e7: int) -> tuple[Whole, Whole]:
    """First entry and number of entries of the cell of a position: (0, 0) where there is none."""
    x = np.int64(lon_e7) >> np.int64(shift)
    y = np.int64(lat_e7) >> np.int64(shift)
    mask = np.int64(len(cells) - 1)
    place = place_of(x, y, mask)
    while True:
        cell = cells[place]
        if cell.count == 0:
            return np.int64(0), np.int64(0)
        if cell.x == x and cell.y == y:
            return np.int64(cell.first), np.int64(cell.count)
        place = (place + np.int64(1)) & mask


@compiled
def _fill(cells: Rows, xs: Ints, ys: Ints, firsts: Ints, counts: Ints) -> None:
    mask = np.int64(len(cells) - 1)
    for i in range(len(xs)):
        place = place_of(xs[i], ys[i], mask)
        while cells[place].count != 0:
            place = (place + np.int64(1)) & mask
        cell = cells[place]
        cell.x = xs[i]
        cell.y = ys[i]
        cell.first = firsts[i]
        cell.count = counts[i]


@compiled
def _cover(lines: Floats, reaches_m: Floats, shift: int, xs: Ints, ys: Ints, owners: Ints) -> int:
    """Cells within reach of each leg, written out when there is room; returns their number.

    Row by row of cells: the part of the leg within reach of the row, widened by the reach.
    """
    total = 0
    size = np.int64(1) << np.int64(shift)
    for leg in range(len(lines)):
        a_lon, a_lat, b_lon, b_lat = lines[leg, 0], lines[leg, 1], lines[leg, 2], lines[leg, 3]
        if a_lat > b_lat:
            a_lon, a_lat, b_lon, b_lat = b_lon, b_lat, a_lon, a_lat
        east, north = metres_per_e7(min(max(abs(a_lat), abs(b_lat)), float(STEEPEST_E7)))
        wide, high = MARGIN * reaches_m[leg] / east + 1.0, MARGIN * reaches_m[leg] / north + 1.0
        bottom = np.int64(np.floor(a_lat - high)) >> np.int64(shift)
        top = np.int64(np.floor(b_lat + high)) >> np.int64(shift)
        slope = (b_lon - a_lon) / (b_lat - a_lat) if b_lat > a_lat else 0.0
        for y in range(bottom, top + 1):
            low, up = float(y * size) - high, float((y + 1) * size) + high
            left = a_lon if b_lat <= a_lat or low <= a_lat else a_lon + (low - a_lat) * slope
            right = b_lon if b_lat <= a_lat or up >= b_lat else a_lon + (up - a_lat) * slope
            if left > right:
                left, right = right, left
            for x in range(
                np.int64(np.floor(left - wide)) >> np.int64(shift),
                (np.int64(np.floor(right + wide)) >> np.int64(shift)) + 1,
            ):
                if len(xs) > 0:
                    xs[total], ys[total], owners[total] = x, y, leg
                total += 1
    return total


def cells_of_legs(
    lines: np.ndarray, reaches_m: np.ndarray, shift: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every (x, y, leg) of a cell that some point of comes within `reaches_m[leg]` of the leg, and a few more.

    Args:
        lines: float64 (n, 4): lon, lat of both ends in 1e-7 degrees.
        reaches_m: float64 (n).
        shift: cells are 2**shift units of 1e-7 degree wide.
    """
    none = np.zeros(0, np.int64)
    total = _cover(lines, reaches_m, shift, none, none, none)
    xs, ys, legs = (np.zeros(total, np.int64) for _ in range(3))
    if total:
        _cover(lines, reaches_m, shift, xs, ys, legs)
    return xs, ys, legs


def cells_of_boxes(boxes: np.ndarray, shift: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every (x, y, box) of a cell that touches a box; float64 (n, 4): west, south, east, north in 1e-7 degrees."""
    edges = np.floor(boxes).astype(np.int64) >> shift
    wide = edges[:, 2] - edges[:, 0] + 1
    counts = wide * (edges[:, 3] - edges[:, 1] + 1)
    owners = np.repeat(np.arange(len(boxes)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return edges[owners, 0] + within % wide[owners], edges[owners, 1] + within // wide[owners], owners


def make_grid(xs: np.ndarray, ys: np.ndarray, shift: int) -> tuple[Grid, np.ndarray]:
    """A grid over entries that lie in cells (xs, ys), and the order in which the owner is to keep them: by cell, then as given."""
    order = np.lexsort((ys, xs)) if len(xs) else np.zeros(0, np.int64)
    xs, ys = xs[order], ys[order]
    begins = np.ones(len(xs), np.bool_)
    begins[1:] = (xs[1:] != xs[:-1]) | (ys[1:] != ys[:-1])
    firsts = np.flatnonzero(begins)
    counts = np.diff(np.append(firsts, len(xs)))
    places = 1 << max(2, int(2 * len(firsts)).bit_length())  # at most half full: a search ends soon
    cells = np.zeros(places, CELL)
    _fill(as_records(cells), xs[firsts], ys[firsts], firsts, counts)
    return Grid(as_records(cells), shift), order
