"""A track as pages: read by keyset, thinned where that is asked for; no connection is held while a page is being sent."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from services.api.database import Database
from services.api.history.formats import Pages, Rows
from services.api.history.simplify import kept
from services.store import api_queries
from services.store.scope import View
from services.store.times import to_ms

FIRST_PAGE, PAGE = 200, 5000
"""Of the first: a vehicle's fixes lie apart, nearly each in a block of its own, and what is to be seen at once should not wait for a thousand."""


@dataclass(frozen=True, slots=True)
class First:
    """The first page, and whether there may be more."""

    rows: Rows
    more: bool


async def first_page(database: Database, view: View, vehicle: int, from_ms: int, until_ms: int) -> First:
    """The first page, perhaps empty: what can fail fails before anything is sent."""
    async with database.reading(view.during(from_ms, until_ms)) as conn:
        return First(*await api_queries.track_page(conn, view, vehicle, from_ms - 1, until_ms, FIRST_PAGE))


async def pages(database: Database, view: View, vehicle: int, first: First, until_ms: int) -> Pages:
    """The first page and those after it.

    Raises:
        DatabaseAway: a later page cannot be read; what streams it must end visibly unfinished.
    """
    rows, more = first.rows, first.more
    while rows:
        yield rows
        if not more:
            return
        after_ms = to_ms(rows[-1]["at"])
        async with database.reading(view.during(after_ms, until_ms)) as conn:
            rows, more = await api_queries.track_page(conn, view, vehicle, after_ms, until_ms, PAGE)


async def simplified(found: Pages, tolerance_m: float) -> AsyncIterator[Rows]:
    """Each page thinned by itself: its first and last and every flagged position stay, the others lie within the tolerance."""
    async for rows in found:
        keep = await asyncio.to_thread(_kept, rows, tolerance_m)
        yield [rows[place] for place in keep]


def _kept(rows: Rows, tolerance_m: float) -> list[int]:
    lon = np.array([row["lon"] for row in rows])
    lat = np.array([row["lat"] for row in rows])
    flagged = np.array([row["flags"] != 0 for row in rows])
    places: list[int] = np.flatnonzero(kept(lon, lat, tolerance_m, flagged)).tolist()
    return places
