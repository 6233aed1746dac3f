"""Short ASCII texts to numbers for compiled code: terminals and driver codes, one cache line an entry.

Open addressing, at most half full. A key of up to 24 bytes is held as three integers, so that finding it takes one look at memory where
a dictionary of strings takes several and a string has to be made first; longer keys are not held, their users know another way.
"""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from services.compiled import compiled, inlined

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Table = Ints
"""(2^n, 8): three words of key, its length (0: empty), the number, and from and to of its validity in Unix ms."""

WIDTH = 8
LONGEST = 24
LENGTH, NUMBER, FROM_MS, TO_MS = 3, 4, 5, 6
EVER = 1 << 62
LEAST = 64
MIX_1, MIX_2 = -7_046_029_254_386_353_131, -4_417_276_706_812_531_889  # odd, high entropy (Knuth; xxHash)
ABSENT = -1


@inlined
def _word(data: Bytes, at: int, first: int, length: int) -> int:
    """Eight bytes of a key from its place `first` on as one integer, 0 beyond its end."""
    word = 0
    for offset in range(first, min(first + 8, length)):
        word = word << 8 | int(data[np.uint64(at + offset)])
    return word


@inlined
def _slot(table: Table, one: int, two: int, three: int, length: int) -> int:
    mask = len(table) - 1
    mixed = (one ^ (two * MIX_1)) * MIX_2 ^ three * MIX_1 ^ length
    mixed = (mixed ^ (mixed >> 29)) * MIX_2
    slot = (mixed ^ (mixed >> 32)) & mask
    while table[slot, LENGTH] != 0:
        same = table[slot, 0] == one and table[slot, 1] == two and table[slot, 2] == three
        if same and table[slot, LENGTH] == length:
            return slot
        slot = (slot + 1) & mask
    return slot


@inlined
def find(data: Bytes, at: int, length: int, table: Table) -> int:
    """The entry of the key of `length` bytes at `at`; ABSENT if there is none."""
    if not 0 < length <= LONGEST:
        return ABSENT
    one, two, three = _word(data, at, 0, length), _word(data, at, 8, length), _word(data, at, 16, length)
    slot = _slot(table, one, two, three, length)
    return slot if table[slot, LENGTH] else ABSENT


@compiled
def _fill(words: Bytes, lengths: Ints, columns: Ints, table: Table) -> None:
    for row in range(len(lengths)):
        length, key = lengths[row], words[row]
        one, two, three = _word(key, 0, 0, length), _word(key, 0, 8, length), _word(key, 0, 16, length)
        slot = _slot(table, one, two, three, length)
        table[slot, 0], table[slot, 1], table[slot, 2], table[slot, LENGTH] = one, two, three, length
        for column in range(NUMBER, WIDTH):
            table[slot, column] = columns[row, column - NUMBER]


def holds(key: str) -> bool:
    """Whether a key can stand in a table."""
    return key.isascii() and 0 < len(key) <= LONGEST


def table_of(entries: Iterable[tuple[str, int, int, int]], room: int = 0) -> Table:
    """A table of (key, number, from, to), with room for so many entries; keys that it cannot hold are left out."""
    kept = [entry for entry in entries if holds(entry[0])]
    table = np.zeros((1 << max(LEAST, 2 * max(len(kept), room)).bit_length(), WIDTH), np.int64)
    put(table, kept)
    return table


def put(table: Table, kept: list[tuple[str, int, int, int]]) -> None:
    """Add entries whose keys it can hold; there must be room."""
    if kept:
        words = (
            np.array([key.encode() for key, *_ in kept], f"S{LONGEST}").view(np.uint8).reshape(-1, LONGEST)
        )
        lengths = np.array([len(key) for key, *_ in kept], np.int64)
        columns = np.zeros((len(kept), WIDTH - NUMBER), np.int64)
        columns[:, :3] = [entry[1:] for entry in kept]
        _fill(words, lengths, columns, table)


class DriverTable:
    """Driver codes and their numbers, as far as this process has met them; numbers are given elsewhere and never change."""

    def __init__(self, numbers: Mapping[str, int] | None = None) -> None:
        """Know these."""
        self._numbers: dict[str, int] = {}
        self._held = 0
        self.table = table_of(())
        self.learn(numbers or {})

    def __len__(self) -> int:
        """How many codes are known."""
        return len(self._numbers)

    def known(self, code: str) -> int | None:
        """The code's number, None if it is not known here."""
        return self._numbers.get(code)

    def learn(self, numbers: Mapping[str, int]) -> None:
        """Know these too."""
        new = [(code, number, 0, EVER) for code, number in numbers.items() if code not in self._numbers]
        self._numbers.update(numbers)
        held = [entry for entry in new if holds(entry[0])]
        self._held += len(held)
        if 2 * self._held > len(self.table):
            every = ((code, number, 0, EVER) for code, number in self._numbers.items())
            self.table = table_of(every, 2 * self._held)
        else:
            put(self.table, held)
