"""Rows of state as bytes with their empty words left out: most of a vehicle's page is room that nothing has needed yet.

A row is taken as 64-bit words. For every 64 of them there is a mask, bit i for word i, and after it the words that are not zero. One pass
over the state where it lies; a snapshot of a fleet that has just set out is a tenth of what the state takes, and cheaper to compress.
"""

import numpy as np
from numpy.typing import NDArray

from services.compiled import Ints, Rows, Whole, compiled, inlined
from services.rules.records import as_records, give_page, take_page

WORD_BYTES, MASK_BITS = 8, 64

Words = NDArray[np.int64]
"""Rows by words."""


def words_of(rows: np.ndarray) -> Words:
    """The same memory as (rows, words); the dtype's size must be whole words."""
    return rows.view(np.int64).reshape(len(rows), rows.dtype.itemsize // WORD_BYTES)


def packed(rows: np.ndarray, order: Ints) -> bytes:
    """The rows `order` of a structured array, in that order."""
    words = words_of(rows)
    masks = -(-words.shape[1] // MASK_BITS)
    room = np.empty(len(order) * (words.shape[1] + masks), np.int64)
    return room[: pack(words, order, room)].tobytes()


def unpacked(body: bytes, count: int, dtype: np.dtype[np.void]) -> np.ndarray:
    """The `count` rows that `packed` wrote.

    Raises:
        ValueError: the bytes are not those of so many rows.
    """
    rows = np.zeros(count, dtype)
    found = np.frombuffer(body, np.int64)
    if unpack(found, words_of(rows)) != len(found):
        raise ValueError(f"{len(found)} words are not {count} rows of {dtype.itemsize} bytes")
    return rows


@compiled
def pack(words: Words, order: Ints, room: Ints) -> int:
    """Write rows into `room`; returns how many words it took."""
    end = 0
    width = words.shape[1]
    for i in range(len(order)):
        row = order[i]
        for first in range(0, width, MASK_BITS):
            at = end
            end += 1
            mask = np.uint64(0)
            for place in range(first, min(first + MASK_BITS, width)):
                word = words[row, place]
                if word != 0:
                    mask |= np.uint64(1) << np.uint64(place - first)
                    room[end] = word
                    end += 1
            room[at] = np.int64(mask)
    return end


@inlined
def unpack_row(body: Ints, start: Whole, words: Words, row: Whole) -> int:
    """Fill a row of zeros from `body[start]` on; returns where the next begins, beyond the end where words are missing."""
    end = start
    width = words.shape[1]
    for first in range(0, width, MASK_BITS):
        if end >= len(body):
            return len(body) + 1
        mask = np.uint64(body[end])
        end += 1
        for place in range(first, min(first + MASK_BITS, width)):
            if (mask >> np.uint64(place - first)) & np.uint64(1) != np.uint64(0):
                if end >= len(body):
                    return len(body) + 1
                words[row, place] = body[end]
                end += 1
    return int(end)


@compiled
def unpack(body: Ints, words: Words) -> int:
    """Fill rows of zeros; returns how many words were read."""
    end = 0
    for row in range(len(words)):
        end = unpack_row(body, end, words, row)
    return end


@compiled
def release_chains(state: Rows, pages: Rows, slots: Ints) -> None:
    """Give back every page of these vehicles."""
    for i in range(len(slots)):
        slot = slots[i]
        page = state[slot].page
        while page != 0:
            following = pages[page].next
            give_page(pages, page)
            page = following
        state[slot].page = 0


@compiled
def take_chains(state: Rows, pages: Rows, words: Words, slots: Ints, lengths: Ints, body: Ints) -> int:
    """Pages for these vehicles, `lengths[i]` for `slots[i]`, filled from `body`; `words` are the pages' own, as many free as are needed.

    Returns how many words were read.
    """
    end = 0
    for i in range(len(slots)):
        before = 0
        for _ in range(lengths[i]):
            page = take_page(pages)
            for place in range(words.shape[1]):
                words[page, place] = 0
            end = unpack_row(body, end, words, page)
            pages[page].next = 0
            if before != 0:
                pages[before].next = page
            else:
                state[slots[i]].page = page
            before = page
    return end


def relaid(state: np.ndarray, pages: np.ndarray, slots: Ints, lengths: Ints, body: bytes) -> None:
    """`take_chains` over structured arrays.

    Raises:
        ValueError: the bytes are not those of so many pages.
    """
    found = np.frombuffer(body, np.int64)
    taken = take_chains(as_records(state), as_records(pages), words_of(pages), slots, lengths, found)
    if taken != len(found):
        raise ValueError(f"{len(found)} words are not {int(lengths.sum())} pages")
