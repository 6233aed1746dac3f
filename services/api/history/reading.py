"""Reads a vehicle's way for a period, and as much before and after as its trips and stops need to show their true ends."""

from dataclasses import dataclass

import asyncpg
import numpy as np

from services.api.database import Database
from services.api.history.legs import BLOCK_MS, GAP_MS, Way, joined
from services.api.history.segments import MIN_STOP_MS, Ends, Row, rows
from services.store import ways
from services.store.scope import View
from services.store.times import to_ms

PAGE = 20_000
STEP_MS = 6 * 3_600_000
FARTHEST_MS = 24 * 3_600_000
"""A trip or stop that goes on farther beyond the period than this is shown as cut."""
NONE = Way(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Seen:
    """A way around a period: its rows, the fix before it and after it (None: there is none within 31 days)."""

    way: Way
    rows: list[Row]
    before: Way
    after: Way


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose way."""

    database: Database
    view: View
    vehicle: int

    async def way(self, from_ms: int, until_ms: int) -> Way:
        """The fixes of a period, read page by page."""
        found, after_ms = [], from_ms - 1
        while True:
            async with self.database.reading(self.view.during(from_ms, until_ms)) as conn:
                page, more = await ways.page(conn, self.view, self.vehicle, after_ms, until_ms, PAGE)
            found.append(_way(page))
            if not more:
                return joined(found)
            after_ms = to_ms(page[-1]["at"])

    async def neighbours(self, from_ms: int, until_ms: int) -> tuple[Way, Way]:
        """The fix before and the fix after a period."""
        async with self.database.reading(self.view) as conn:
            before = await ways.before(conn, self.view, self.vehicle, from_ms)
            after = await ways.after(conn, self.view, self.vehicle, until_ms)
        return _way([before] if before else []), _way([after] if after else [])

    async def seen(self, from_ms: int, until_ms: int, now_ms: int) -> Seen:
        """The way and its rows, widened until the rows that touch the period have their true ends, by a day on each side at most."""
        low, high = whole_blocks(from_ms, until_ms)  # so that a ride into or out of the period is part of it
        way = await self.way(low, high)
        while True:
            before, after = await self.neighbours(low, high)
            found = rows(way, _ends(way, before, after, now_ms))
            touching = [row for row in found if touches(way, row, from_ms, until_ms)]
            back = len(before) and low > from_ms - FARTHEST_MS and any(row.loose_start for row in touching)
            forth = len(after) and high < until_ms + FARTHEST_MS and any(row.loose_end for row in touching)
            if back:
                way, low = joined([await self.way(low - STEP_MS, low), way]), low - STEP_MS
            elif forth:
                way, high = joined([way, await self.way(high, high + STEP_MS)]), high + STEP_MS
            else:
                return Seen(way, touching, before, after)


def whole_blocks(from_ms: int, until_ms: int) -> tuple[int, int]:
    """The period with more than twenty minutes on both sides, by whole blocks of `legs`, so that any part is judged as the whole is."""
    return (from_ms - GAP_MS) // BLOCK_MS * BLOCK_MS, -(-(until_ms + GAP_MS) // BLOCK_MS) * BLOCK_MS


def touches(way: Way, row: Row, from_ms: int, until_ms: int) -> bool:
    """Whether a row has a moment in the period; a stop that is too short to be one has not."""
    began, ended = int(way.time_ms[row.first]), int(way.time_ms[row.last])
    return began < until_ms and ended >= from_ms


def too_short(way: Way, row: Row) -> bool:
    """A stop of which too little is known."""
    return not row.trip and way.time_ms[row.last] - way.time_ms[row.first] < MIN_STOP_MS


def _joins(earlier: Way, later: Way) -> bool:
    return bool(len(earlier) and len(later) and later.time_ms[0] - earlier.time_ms[-1] <= GAP_MS)


def _ends(way: Way, before: Way, after: Way, now_ms: int) -> Ends:
    """What is known of the way's ends; at the very end of what there is, twenty minutes of the present's silence prove it."""
    if not len(way):
        return Ends(start=True, end=True)
    silent = now_ms - int(way.time_ms[-1]) > GAP_MS
    return Ends(start=not _joins(before, way), end=not _joins(way, after) if len(after) else silent)


def _way(page: list[asyncpg.Record]) -> Way:
    if not page:
        return NONE
    return Way(
        np.array([to_ms(row["at"]) for row in page], np.int64),
        np.array([row["lon"] for row in page], np.float64),
        np.array([row["lat"] for row in page], np.float64),
        np.array([row["speed"] for row in page], np.int64),
        np.array([row["odometer_m"] for row in page], np.int64),
    )
