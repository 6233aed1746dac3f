"""The book of true episodes: rows of `truth` put into the words of the interfaces page, section 4, and the notes that explain misses.

Beside the fields of an episode, `why` says how many reports of it were sent and over how long: what nobody reported, nobody can judge.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.contracts.alert import iso
from services.contracts.registry import VehicleClass
from services.simulator import truth
from services.simulator.fleet import Vehicle
from services.simulator.simulation import Silences, Simulation

WEEK_S = 7 * 86400
CEILING_BANDS = (
    (1.5, "50%+", "critical"),
    (1.2, "20-50%", "major"),
    (1.1, "10-20%", "minor"),
    (1.0, "0-10%", "minor"),
)
NIGHT_CLASSES = (VehicleClass.COACH, VehicleClass.CHARTER, VehicleClass.SCHOOL_BUS)
DAY_SUM_CLASSES = (*NIGHT_CLASSES, VehicleClass.HAZMAT)
WEEK_SUM_CLASSES = (VehicleClass.COACH, VehicleClass.CHARTER)

Episode = dict[str, Any]


class Heard:
    """Event times of all reports made, and whether they tell of a speed above the limit: what was reported of an episode."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        self._parts: list[NDArray[np.int64]] = []
        self._above: list[NDArray[np.bool_]] = []
        self._sorted: tuple[NDArray[np.int64], NDArray[np.bool_]] | None = None

    def add(self, rows: NDArray[np.void]) -> None:
        """Adds a slice's reports."""
        self._parts.append(_keys(rows["vehicle"], rows["time_s"]))
        self._above.append(rows["above"].copy())

    def within(self, vehicle: int, from_s: int, to_s: int) -> tuple[int, int]:
        """How many reports lie in a closed span of a vehicle's time, and the seconds from the first to the last."""
        times, _ = self._between(vehicle, from_s, to_s)
        return len(times), int(times[-1] - times[0]) if len(times) else 0

    def proven_s(self, vehicle: int, from_s: int, to_s: int) -> int:
        """The longest time within a span of which consecutive reports all tell of a speed above the limit."""
        times, above = self._between(vehicle, from_s, to_s)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], above.astype(np.int8), [0])))).reshape(-1, 2)
        return max((int(times[stop - 1] - times[first]) for first, stop in edges), default=0)

    def _between(self, vehicle: int, from_s: int, to_s: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        if self._sorted is None:
            keys, place = np.unique(np.concatenate([*self._parts, np.zeros(0, np.int64)]), return_index=True)
            self._sorted = keys, np.concatenate([*self._above, np.zeros(0, np.bool_)])[place]
        keys, above = self._sorted
        ends = _keys(np.array([vehicle, vehicle]), np.array([from_s, to_s + 1]))
        first, stop = np.searchsorted(keys, ends)
        return keys[first:stop], above[first:stop]


def _keys(vehicle: NDArray[np.int32], time_s: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray((vehicle.astype(np.int64) << 36) | time_s)


def episodes(simulation: Simulation, rows: NDArray[np.void], heard: Heard) -> list[Episode]:
    """All true episodes, sorted by began, vehicle and rule."""
    book = _Book(simulation, heard, _runs(rows))
    found = [book.speeding(row) for row in rows[rows["what"] == truth.SPEEDING]]
    found += [book.deviation(row) for row in rows[rows["what"] == truth.DEVIATION]]
    found += book.fatigue(rows)
    return sorted(found, key=lambda e: (e["began"], e["vehicle"], e["rule"], e["kind"]))


def notes(simulation: Simulation, rows: NDArray[np.void], silences: Silences) -> Iterator[dict[str, Any]]:
    """What reports alone cannot tell: bursts too short to count, foreign cards, terminals off or without a card reader."""
    vehicles = simulation.fleet.vehicles
    for row in rows[rows["what"] == truth.OTHER_CARD]:
        yield _note(vehicles[row["vehicle"]], "other_card", int(row["began_s"]), int(row["ended_s"]))
    counted = rows[rows["what"] == truth.SPEEDING]
    for index, runs in _runs(rows).items():
        own = counted[counted["vehicle"] == index]
        for from_s, to_s in runs:
            if not np.any((own["began_s"] <= from_s) & (from_s <= own["ended_s"])):
                yield _note(vehicles[index], "short_burst", from_s, to_s)
    for name, windows in (("terminal_off", silences.off), ("uploaded_later", silences.held)):
        for index, from_s, to_s in windows:
            yield _note(vehicles[index], name, from_s, to_s)
    for vehicle in vehicles:
        if not vehicle.terminal.card_reader:
            yield {"vehicle": vehicle.key, "note": "no_card_reader", "from": None, "to": None}


def _runs(rows: NDArray[np.void]) -> dict[int, list[tuple[int, int]]]:
    """Every run of seconds above the limit, by vehicle."""
    found: dict[int, list[tuple[int, int]]] = {}
    for row in rows[rows["what"] == truth.RUN]:
        found.setdefault(int(row["vehicle"]), []).append((int(row["began_s"]), int(row["ended_s"])))
    return found


def _note(vehicle: Vehicle, note: str, from_s: int, to_s: int) -> dict[str, Any]:
    return {"vehicle": vehicle.key, "note": note, "from": iso(from_s * 1000), "to": iso(to_s * 1000)}


class _Book:
    def __init__(self, simulation: Simulation, heard: Heard, runs: dict[int, list[tuple[int, int]]]) -> None:
        self.runs = runs
        self.world, self.vehicles, self.heard = simulation.world, simulation.fleet.vehicles, heard

    def _episode(self, row: np.void, rule: str, kind: str, severity: str, why: dict[str, Any]) -> Episode:
        vehicle = self.vehicles[int(row["vehicle"])]
        track = np.array([row["track"]], np.int32)
        lon, lat, _ = self.world.tracks.locate(track, np.array([row["at_m"]]))
        began_s, ended_s = int(row["began_s"]), int(row["ended_s"])
        count, span_s = self.heard.within(vehicle.index, began_s, ended_s)
        driver = int(row["driver"])
        return {
            "rule": rule, "kind": kind, "vehicle": vehicle.key, "terminal": vehicle.terminal.number,
            "driver": vehicle.crew[driver] if 0 <= driver < len(vehicle.crew) else None,
            "began": iso(began_s * 1000), "ended": None if row["open"] else iso(ended_s * 1000),
            "state": "open" if row["open"] else "closed", "severity": severity, "confidence": 1.0,
            "at": {"lon": round(float(lon[0]), 6), "lat": round(float(lat[0]), 6), "time": iso(int(row["at_s"]) * 1000)},
            "limit": round(float(row["limit"]), 1), "peak": round(float(row["peak"]), 1), "unit": "km/h",
            "why": {**why, "duration_s": ended_s - began_s, "reports": count, "reported_s": span_s},
        }  # fmt: skip

    def speeding(self, row: np.void) -> Episode:
        law = float(row["statutory_kmh"])
        ratio = float(row["peak"]) / law
        band, severity = next(
            ((b, s) for edge, b, s in CEILING_BANDS if ratio > 1.0 and ratio >= edge), (None, "minor")
        )
        kind = "statutory" if row["statutory"] else "monitoring"
        section = self.world.network.sections[int(row["section"])]
        road = f"{section.ref} {section.name}".strip()
        vehicle, began_s, ended_s = int(row["vehicle"]), int(row["began_s"]), int(row["ended_s"])
        inside = [run for run in self.runs[vehicle] if began_s <= run[0] and run[1] <= ended_s]
        proven_s = max(self.heard.proven_s(vehicle, *run) for run in inside)
        return self._episode(
            row,
            "speeding",
            kind,
            severity if row["statutory"] else "info",
            {"band": band, "road": road, "proven_s": proven_s},
        )

    def deviation(self, row: np.void) -> Episode:
        long_or_far = row["ended_s"] - row["began_s"] >= 600 or row["peak"] >= 1000.0
        severity = "major" if long_or_far else "minor"
        if self.vehicles[int(row["vehicle"])].vehicle_class is VehicleClass.HAZMAT:
            severity = "critical" if long_or_far else "major"
        return self._episode(row, "route_deviation", "off_route", severity, {}) | {"unit": "m"}

    def fatigue(self, rows: NDArray[np.void]) -> list[Episode]:
        """Continuous and night episodes of each spell, and sums over a day and a week of each driver's spells."""
        over = rows[rows["over_s"] > 0]
        found = [
            self._spell(row, "continuous", truth.CONTINUOUS_S) for row in over[over["what"] == truth.SPELL]
        ]
        found += [
            self._spell(row, "night", truth.NIGHT_S)
            for row in over[over["what"] == truth.NIGHT_SPELL]
            if self.vehicles[int(row["vehicle"])].vehicle_class in NIGHT_CLASSES
        ]
        spells = np.sort(rows[rows["what"] == truth.SPELL], order=["vehicle", "driver", "began_s"])
        owner = spells["vehicle"].astype(np.int64) * truth.CREW + spells["driver"]
        for group in np.split(spells, np.flatnonzero(np.diff(owner)) + 1) if len(spells) else []:
            found += self._sums(group)
        return found

    def _spell(self, row: np.void, kind: str, limit_s: int) -> Episode:
        length_s = int(row["ended_s"] - row["began_s"])
        own = row.copy()
        own["began_s"] = row["over_s"]
        severity = "critical" if length_s >= 1.25 * limit_s else "major"
        why = {"spell_began": iso(int(row["began_s"]) * 1000)}
        return self._episode(own, "fatigue", kind, severity, why) | {
            "peak": length_s,
            "limit": limit_s,
            "unit": "s",
        }

    def _sums(self, group: NDArray[np.void]) -> Iterator[Episode]:
        cls = self.vehicles[int(group[0]["vehicle"])].vehicle_class
        spells = [(int(row["began_s"]), int(row["ended_s"])) for row in group]
        for kind, classes, limit_s, window_s in (
            ("rolling_24h", DAY_SUM_CLASSES, 28_800, 86_400),
            ("rolling_7d", WEEK_SUM_CLASSES, 158_400, WEEK_S),
        ):
            for began_s, ended_s, length_s in (
                truth.rolling(spells, limit_s, window_s) if cls in classes else ()
            ):
                own = group[np.searchsorted(group["began_s"], ended_s, side="right") - 1].copy()
                own["open"] = own["open"] and own["ended_s"] == ended_s
                own["began_s"], own["ended_s"], own["at_s"] = began_s, ended_s, ended_s
                within = sum(1 for _, to_s in spells if ended_s - window_s < to_s)
                yield self._episode(own, "fatigue", kind, "minor", {"spells": within}) | {
                    "peak": length_s, "limit": limit_s, "unit": "s",
                }  # fmt: skip
