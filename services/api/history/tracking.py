"""A track as pages: read by keyset, thinned where that is asked for; no connection is held while a page is being sent."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from services.api.database import Database
from services.api.history.formats import Pages, Rows
from services.api.history.simplify import kept
from services.store import api_queries
from services.store.scope import View
from services.store.times import to_ms

FIRST_PAGE, PAGE = 1000, 5000


async def first_page(database: Database, view: View, vehicle: int, from_ms: int, until_ms: int) -> list[Rows]:
    """The first page, or none: what can fail fails before anything is sent."""
    async with database.reading(view.during(from_ms, until_ms)) as conn:
        rows = await api_queries.track_page(conn, view, vehicle, from_ms - 1, until_ms, FIRST_PAGE)
    return [rows] if rows else []


async def pages(database: Database, view: View, vehicle: int, first: list[Rows], until_ms: int) -> Pages:
    """The first page and those after it.

    Raises:
        DatabaseAway: a later page cannot be read; what streams it must end visibly unfinished.
    """
    asked = FIRST_PAGE
    rows = first[0] if first else ()
    while rows:
        yield rows
        if len(rows) < asked:
            return
        asked = PAGE
        after_ms = to_ms(rows[-1]["at"])
        async with database.reading(view.during(after_ms, until_ms)) as conn:
            rows = await api_queries.track_page(conn, view, vehicle, after_ms, until_ms, asked)


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
