"""Which vehicle a terminal stands for, at the event time of a report; whole columns at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from services.contracts.registry import Config, Vehicle, normal_terminal
from services.ingest.compiled import compiled

EVER = 1 << 62
LONGEST_TERMINAL = 20
MOST_SPELLINGS = 1_000_000
"""Spellings of known terminals remembered (leading zeros differ); more are looked up the slow way."""

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
FNV_BASIS, FNV_PRIME = -3_750_763_034_362_895_579, 1_099_511_628_211  # FNV-1a of 64 bits


@compiled
def slot_of(data: Bytes, at: int, length: int, keys: Bytes, lengths: Ints) -> int:
    """Where a key stands in an open-addressing table, or the empty slot (length 0) where it would."""
    mixed = FNV_BASIS
    for offset in range(length):
        mixed = (mixed ^ data[at + offset]) * FNV_PRIME
    mask = len(lengths) - 1
    slot = (mixed ^ (mixed >> 32)) & mask
    while lengths[slot] != 0:
        if lengths[slot] == length:
            offset = 0
            while offset < length and keys[slot, offset] == data[at + offset]:
                offset += 1
            if offset == length:
                return slot
        slot = (slot + 1) & mask
    return slot


@compiled
def _fill(
    words: Bytes, word_lengths: Ints, word_places: Ints, keys: Bytes, lengths: Ints, places: Ints
) -> None:
    for row in range(len(word_lengths)):
        length = word_lengths[row]
        slot = slot_of(words[row], 0, length, keys, lengths)
        keys[slot, :length] = words[row, :length]
        lengths[slot] = length
        places[slot] = word_places[row]


@dataclass(frozen=True, slots=True)
class TerminalTable:
    """The registry's terminals for compiled code: normalised ASCII numbers to places in the arrays of periods.

    Attributes:
        keys, lengths, places: open addressing; a length of 0 is an empty slot.
        vehicle, from_ms, to_ms: by place; a vehicle of 0 stands for "several, look closely".
    """

    keys: Bytes
    lengths: Ints
    places: Ints
    vehicle: NDArray[np.int32]
    from_ms: Ints
    to_ms: Ints


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
    def table(self) -> TerminalTable:
        """The same for compiled code."""
        known = [
            (word, place + 1)
            for word, place in self._places.items()
            if word.isascii() and 0 < len(word) <= LONGEST_TERMINAL
        ]
        size = 1 << max(4, (2 * len(known)).bit_length())
        table = TerminalTable(
            np.zeros((size, LONGEST_TERMINAL), np.uint8), np.zeros(size, np.int64), np.zeros(size, np.int64),
            np.where(self._several, 0, self._vehicle).astype(np.int32), self._from_ms, self._to_ms,
        )  # fmt: skip
        words = np.array([word.encode() for word, _ in known], f"S{LONGEST_TERMINAL}")
        lengths = np.array([len(word) for word, _ in known], np.int64)
        places = np.array([place for _, place in known], np.int64)
        _fill(
            words.view(np.uint8).reshape(-1, LONGEST_TERMINAL),
            lengths,
            places,
            table.keys,
            table.lengths,
            table.places,
        )
        return table

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
