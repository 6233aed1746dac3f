"""On which vehicles a driver's card was seen, and when: one row for a vehicle and a card, so that who is in view is found without reading the history.

The recorder writes it in the transaction that writes the fixes. What it has written it remembers by the hour, so that a vehicle that reports every
second costs one row an hour and not one a batch: `last_at` may lag behind the last fix by as much.

A card counts for every registration that held at some time from `first_at` to `last_at`. Where a vehicle changes hands once, that is exact but for
the hour of the change; where it had three holders, a card seen with the first and the third counts for the second, too
(docs/decisions/0010-who-was-seen-on-which-vehicle.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from services.contracts.fix import Fixes
from services.store.connect import Conn
from services.store.times import to_time

HOUR_MS = 3_600_000
MOST_KNOWN = 1_000_000
NOTE = """
INSERT INTO driver_seen (vehicle, driver, first_at, last_at)
SELECT vehicle, driver, first_at, last_at
FROM unnest($1::int[], $2::int[], $3::timestamptz[], $4::timestamptz[]) AS new (vehicle, driver, first_at, last_at)
ON CONFLICT (vehicle, driver) DO UPDATE SET first_at = least(driver_seen.first_at, excluded.first_at),
                                            last_at = greatest(driver_seen.last_at, excluded.last_at)
"""
FORGET = "DELETE FROM driver_seen WHERE last_at < $1"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A card (its number in `driver_code`) on a vehicle, first and last event time, Unix ms."""

    vehicle: int
    driver: int
    first_ms: int
    last_ms: int


def sightings(fixes: Fixes) -> list[Sighting]:
    """The cards that fixes name, by vehicle and card; fixes without news of a card, or with the card removed, name none."""
    named = fixes[fixes["driver"] > 0]
    if not len(named):
        return []
    pair = named["vehicle"].astype(np.int64) << 32 | named["driver"].astype(np.int64)
    order = np.argsort(pair, kind="stable")
    pair, times = pair[order], named["time_ms"][order]
    starts = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
    first, last = np.minimum.reduceat(times, starts), np.maximum.reduceat(times, starts)
    found = zip(pair[starts].tolist(), first.tolist(), last.tolist(), strict=True)
    return [Sighting(both >> 32, both & 0xFFFF_FFFF, since, until) for both, since, until in found]


class Known:
    """What this process has written: of each vehicle and card the hours from the first to the last."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._hours: dict[tuple[int, int], tuple[int, int]] = {}

    def new(self, found: Iterable[Sighting]) -> list[Sighting]:
        """Those that reach beyond the hours written."""
        return [one for one in found if not self._covers(one)]

    def _covers(self, one: Sighting) -> bool:
        hours = self._hours.get((one.vehicle, one.driver))
        return (
            hours is not None and hours[0] <= one.first_ms // HOUR_MS and one.last_ms // HOUR_MS <= hours[1]
        )

    def keep(self, written: Iterable[Sighting]) -> None:
        """These are committed."""
        if len(self._hours) >= MOST_KNOWN:
            self._hours.clear()
        for one in written:
            first, last = one.first_ms // HOUR_MS, one.last_ms // HOUR_MS
            kept = self._hours.get((one.vehicle, one.driver), (first, last))
            self._hours[one.vehicle, one.driver] = min(kept[0], first), max(kept[1], last)


async def note(conn: Conn, found: list[Sighting]) -> None:
    """Write sightings, each vehicle and card once, in the caller's transaction."""
    if found:
        await conn.execute(
            NOTE, [one.vehicle for one in found], [one.driver for one in found], [to_time(one.first_ms) for one in found],
            [to_time(one.last_ms) for one in found],
        )  # fmt: skip


async def forget(conn: Conn, before_ms: int) -> None:
    """Remove those not seen since: nobody is shown by them any more."""
    await conn.execute(FORGET, to_time(before_ms))
