"""The latest position of every vehicle, in memory: begun from history, kept up to date from the tail of `gps.fixes`; may drop, never waits.

One array indexed by the vehicle's surrogate: a batch of fixes is taken over by a few numpy steps, a look at an area is one comparison of
columns. It is a view for screens; nothing is judged by it and nothing depends on it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from services.api.database import Database, DatabaseAway
from services.api.identity import EVERYWHERE, Scope
from services.contracts.alert import iso
from services.contracts.batch import FixBatch, Malformed, unpack
from services.contracts.fix import FIX, NO_U2, Fixes
from services.contracts.reasons import NOT_FIXED, PLACE_UNUSABLE
from services.contracts.registry import CLASSES
from services.contracts.topics import FIXES
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import KafkaAway, Tail
from services.runtime.settings import Settings
from services.store.api_queries import vehicle_names
from services.store.history import latest_positions
from services.store.scope import EVERYTHING
from services.store.times import to_ms, to_time

MOST_VEHICLES = 4_000_000  # surrogates are handed out from 1; what is beyond this is no vehicle
SEED_VEHICLES = 500
MOST_SCOPES = 256  # kept at a time: clients choose filters as they like
NAMES_EVERY_S = 30.0
POLL_S = 0.5
RETRY_S = 2.0
E7 = 10_000_000
NO_CLASS = 255
ROW = np.dtype(
    [
        ("vehicle", "<u4"), ("lon_e7", "<i4"), ("lat_e7", "<i4"), ("time_s", "<u4"), ("speed", "<u2"), ("heading", "<u2"),
        ("class", "u1"), ("fixed", "u1"), ("pad", "<u2"),
    ]
)  # fmt: skip
"""A position for a screen that shows tens of thousands: 24 bytes; speed in 0.1 km/h and heading in degrees, 65535 none; class as in /v1/meta."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Name:
    """What a map shows of a vehicle beside its position."""

    plate: str
    plate_color: str
    vehicle_class: str
    operator: str
    division: str
    subtype: str | None = None


class LiveMap:
    """Latest positions."""

    def __init__(self, settings: Settings, database: Database) -> None:
        """Empty until `run`."""
        self.latest: Fixes = np.zeros(1024, FIX)
        self.stamps: NDArray[np.int64] = np.zeros(
            1024, np.int64
        )  # number of the update that brought it; 0: none
        self.stamp = 0
        self.names: dict[int, Name] = {}
        self._in_view: dict[Scope, NDArray[np.bool_]] = {}
        self._classes: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self.connected = False
        self._settings, self._database = settings, database
        self._named_s = float("-inf")

    def update(self, fixes: Fixes) -> None:
        """Take fixes over: of each vehicle the newest with a place, of two at one moment the first received."""
        vehicle = fixes["vehicle"]
        placed = (fixes["flags"] & PLACE_UNUSABLE) == 0
        fixes = fixes[(vehicle > 0) & (vehicle < MOST_VEHICLES) & placed]
        if not len(fixes):
            return
        vehicle, time_ms = fixes["vehicle"], fixes["time_ms"]
        self._grow(int(vehicle.max()))
        before = self.latest["time_ms"][vehicle]
        newest = np.zeros(int(vehicle.max()) + 1, np.int64)
        np.maximum.at(newest, vehicle, time_ms)
        chosen = np.flatnonzero((time_ms > before) & (time_ms == newest[vehicle]))[::-1]
        self.stamp += 1
        self.latest[vehicle[chosen]] = fixes[chosen]
        self.stamps[vehicle[chosen]] = self.stamp

    def _grow(self, vehicle: int) -> None:
        if vehicle >= len(self.latest):
            size = max(vehicle + 1, 2 * len(self.latest))
            latest, stamps = np.zeros(size, FIX), np.zeros(size, np.int64)
            latest[: len(self.latest)], stamps[: len(self.stamps)] = self.latest, self.stamps
            self.latest, self.stamps = latest, stamps

    def in_view(self, scope: Scope) -> NDArray[np.bool_]:
        """Which vehicles a scope sees, by surrogate; kept until the names are learned anew."""
        found = self._in_view.get(scope)
        if found is None or len(found) != len(self.stamps):
            found = np.zeros(len(self.stamps), np.bool_)
            for vehicle, name in self.names.items():
                if vehicle < len(found) and scope.sees(name.division, name.operator, name.vehicle_class):
                    found[vehicle] = True
            if len(self._in_view) >= MOST_SCOPES:
                self._in_view.clear()
            self._in_view[scope] = found
        return found

    def inside(
        self, box: tuple[float, float, float, float] | None, scope: Scope, chosen: Scope = EVERYWHERE
    ) -> NDArray[np.bool_]:
        """Which vehicles in view, of those chosen, are in the box (None: anywhere), by surrogate."""
        known = self.stamps > 0
        for part in (scope, chosen):
            if not part.everything:
                known &= self.in_view(part)
        if box is None:
            return known
        west, south, east, north = (round(edge * E7) for edge in box)
        lon, lat = self.latest["lon_e7"], self.latest["lat_e7"]
        inside: NDArray[np.bool_] = known & (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        return inside

    def items(self, vehicles: NDArray[np.intp]) -> list[dict[str, Any]]:
        """The positions of these vehicles as the api tells them; vehicles without a name are left out."""
        rows = zip(vehicles.tolist(), self.latest[vehicles].tolist(), strict=True)
        return [
            _item(vehicle, row, name)
            for vehicle, row in rows
            if (name := self.names.get(vehicle)) is not None
        ]

    def rows(self, vehicles: NDArray[np.intp]) -> bytes:
        """The positions of these vehicles as `ROW`s; vehicles without a name are left out."""
        known = vehicles[vehicles < len(self._classes)]
        known = known[self._classes[known] != NO_CLASS]
        latest = self.latest[known]
        rows = np.zeros(len(known), ROW)
        rows["vehicle"], rows["class"] = known, self._classes[known]
        rows["lon_e7"], rows["lat_e7"], rows["heading"] = (
            latest["lon_e7"],
            latest["lat_e7"],
            latest["heading"],
        )
        rows["time_s"] = latest["time_ms"] // 1000
        rows["speed"] = np.where(latest["speed"] == NO_U2, latest["recorder_speed"], latest["speed"])
        rows["fixed"] = (latest["flags"] & NOT_FIXED) == 0
        return rows.tobytes()

    async def run(self) -> None:
        """Keep up to date until cancelled."""
        await asyncio.gather(self._seed(), self._follow())

    async def _seed(self) -> None:
        """Learn who there is and where each was last; then keep the names fresh."""
        seeded = False
        while True:
            try:
                await self._learn_names()
                if not seeded:
                    await self._positions_from_history()
                    seeded = True
            except DatabaseAway as error:
                log.debug("live_map_waits", error=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            await asyncio.sleep(RETRY_S)

    async def _learn_names(self) -> None:
        unnamed = any(int(vehicle) not in self.names for vehicle in np.flatnonzero(self.stamps))
        if not unnamed and monotonic_s() - self._named_s < NAMES_EVERY_S:
            return
        async with self._database.reading(EVERYTHING) as conn:
            rows = await vehicle_names(conn, to_time(now_ms()))
        self.names = {
            row["id"]: Name(
                row["plate"],
                row["plate_color"],
                row["vehicle_class"],
                row["operator"],
                row["division"],
                row["subtype"],
            )
            for row in rows
        }
        self._classes = np.full(max(self.names, default=0) + 1, NO_CLASS, np.uint8)
        for vehicle, name in self.names.items():
            self._classes[vehicle] = CLASSES.index(name.vehicle_class)
        self._in_view.clear()
        self._named_s = monotonic_s()

    async def _positions_from_history(self) -> None:
        vehicles = sorted(self.names)
        for start in range(0, len(vehicles), SEED_VEHICLES):
            async with self._database.reading(EVERYTHING) as conn:
                rows = await latest_positions(conn, vehicles[start : start + SEED_VEHICLES], 0)
            fixes = np.zeros(len(rows), FIX)
            for fix, row in zip(fixes, rows, strict=True):
                fix["vehicle"], fix["time_ms"] = row["vehicle"], to_ms(row["at"])
                fix["lon_e7"], fix["lat_e7"] = round(row["lon"] * E7), round(row["lat"] * E7)
                for column in ("speed", "recorder_speed", "heading"):
                    fix[column] = NO_U2 if row[column] is None else row[column]
                fix["flags"] = row["flags"]
            self.update(fixes)

    async def _follow(self) -> None:
        """Read what is sent to everybody; after an absence of Kafka what was missed stays missed."""
        while True:
            try:
                async with Tail(self._settings, FIXES, "api-map") as tail:
                    self.connected = True
                    while True:
                        for value in await tail.values(POLL_S):
                            self._take(value)
            except (KafkaAway, OSError) as error:
                log.debug("live_map_waits", error=str(error))
            finally:
                self.connected = False
            await asyncio.sleep(RETRY_S)

    def _take(self, value: bytes) -> None:
        try:
            message = unpack(value)
        except Malformed as error:
            log.debug("malformed_batch", error=str(error))  # the rules name it as an error
            return
        if isinstance(message, FixBatch):
            self.update(message.fixes)


PLACES = {name: place for place, name in enumerate(FIX.names or ())}


def _item(vehicle: int, row: tuple[Any, ...], name: Name) -> dict[str, Any]:
    speed, heading = row[PLACES["speed"]], row[PLACES["heading"]]
    if speed == NO_U2:
        speed = row[PLACES["recorder_speed"]]
    return {
        "vehicle": vehicle,
        "plate": name.plate,
        "plate_color": name.plate_color,
        "class": name.vehicle_class,
        "operator": name.operator,
        "division": name.division,
        "time": iso(row[PLACES["time_ms"]]),
        "lon": row[PLACES["lon_e7"]] / E7,
        "lat": row[PLACES["lat_e7"]] / E7,
        "speed_kmh": None if speed == NO_U2 else speed / 10,
        "heading": None if heading == NO_U2 else heading,
        "fixed": not row[PLACES["flags"]] & NOT_FIXED,
    }
