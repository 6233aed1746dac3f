"""Which vehicle a terminal stands for, at the event time of a report; whole columns at once."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.contracts.registry import Config, Vehicle, normal_terminal
from services.ingest.tables import EVER, Table, table_of

LONGEST_TERMINAL = 20
MOST_SPELLINGS = 1_000_000
"""Spellings of known terminals remembered (leading zeros differ); more are looked up the slow way."""


class VehicleLookup:
    """Terminal and time to vehicle id, from the registrations of one config."""

    def __init__(self, config: Config) -> None:
        """Index the registrations by normalised terminal."""
        rows: dict[str, list[Vehicle]] = {}
        for vehicle in config.vehicles:
            rows.setdefault(normal_terminal(vehicle.terminal), []).append(vehicle)
        self._places = {terminal: place for place, terminal in enumerate(rows)}
        self._spellings: dict[str, int] = dict(self._places)
        self._rows = [sorted(found, key=lambda row: row.valid_from_ms or -EVER) for found in rows.values()]
        first = [found[0] for found in self._rows]
        self._vehicle = np.array([0, *(row.id for row in first)], np.int32)
        self._from_ms = np.array([EVER, *(_start(row) for row in first)], np.int64)
        self._to_ms = np.array([-EVER, *(_end(row) for row in first)], np.int64)
        self._several = np.array([False, *(len(found) > 1 for found in self._rows)])

    @cached_property
    def table(self) -> Table:
        """The same for compiled code; terminals of several registrations are left to `vehicles`."""
        return table_of(
            (terminal, rows[0].id, _start(rows[0]), _end(rows[0]))
            for terminal, rows in zip(self._places, self._rows, strict=True)
            if len(rows) == 1
        )

    def vehicles(self, terminals: Sequence[str], time_ms: NDArray[np.int64]) -> NDArray[np.int32]:
        """Vehicle id of each report, 0 where the terminal belongs to none at that time."""
        get = self._spellings.get
        places = np.fromiter((get(terminal, -1) for terminal in terminals), np.int64, len(terminals)) + 1
        for place in np.flatnonzero(places == 0).tolist():
            places[place] = self._spelled(terminals[place]) + 1
        found = np.where(
            (self._from_ms[places] <= time_ms) & (time_ms < self._to_ms[places]), self._vehicle[places], 0
        ).astype(np.int32)
        for place in np.flatnonzero(self._several[places]).tolist():
            found[place] = self._at(self._rows[int(places[place]) - 1], int(time_ms[place]))
        return found

    def _spelled(self, terminal: str) -> int:
        if len(terminal) > LONGEST_TERMINAL:
            return -1
        place = self._places.get(normal_terminal(terminal), -1)
        if place >= 0 and len(self._spellings) < MOST_SPELLINGS:
            self._spellings[terminal] = place
        return place

    @staticmethod
    def _at(rows: list[Vehicle], time_ms: int) -> int:
        return next((row.id for row in rows if _start(row) <= time_ms < _end(row)), 0)


def _start(row: Vehicle) -> int:
    return -EVER if row.valid_from_ms is None else row.valid_from_ms


def _end(row: Vehicle) -> int:
    return EVER if row.valid_to_ms is None else row.valid_to_ms
