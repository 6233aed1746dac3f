"""The records that rules are stepped over beside the fix itself: the context of one fix, and the pages that hold what grows with a vehicle."""

import numpy as np

from services.compiled import NUMBA, Ints, Rows, Whole, compiled, inlined
from services.contracts.fix import NO_U2

USE_POSITION = 1
"""The position may be used: fixed, and not frozen."""
USE_SPEED = 2
"""The fix takes part in speeding: its position may be used, its speed is plausible and present."""
USE_DRIVING = 4
"""The fix takes part in fatigue: its position may be used, its speed is plausible or absent."""

USE_REPORT = 8
"""Every fix that is judged."""
USE_FIXED_SPEED = 16
"""Fixed, frozen or not, its speed plausible and present."""
USE_BOTH_SPEEDS = 32
"""Fixed, frozen or not, both of its speeds present, plausible or not."""

NO_ROAD = -1
NO_LIMIT = NO_U2

CONTEXT = np.dtype(
    [
        ("index", "i4"),  # place of the fix in the batch
        ("slot", "i4"),  # place of the vehicle in the engine's state arrays
        ("driver", "i4"),  # driver on the vehicle at this fix, this fix's own card included; 0 none known
        ("period", "i4"),  # row of the rule's parameters in force at the fix's event time
        ("local_ms", "i4"),  # local time of day, ms since midnight Asia/Shanghai
        ("speed", "u2"),  # GNSS speed, else recorder speed, 0.1 km/h; NO_U2 none
        ("vehicle_class", "u1"),  # place in contracts.registry.CLASSES
        ("use", "u1"),  # USE_*
        ("place_lon_e7", "i4"),  # of the vehicle's newest fixed fix up to here, else the reported place
        ("place_lat_e7", "i4"),
        # what the map says (services/rules/limits.py); only where USE_SPEED
        ("road", "i4"),  # matched road, NO_ROAD none (or one that gives no limit)
        ("matched", "i4"),  # matched road, whether or not it gives a limit
        ("limit", "u2"),  # limit in force, 0.1 km/h
        ("statutory", "u2"),  # statutory part of it, 0.1 km/h, with which kind and band compare
        ("source", "u1"),  # place in limits.SOURCES: what gave the limit in force
        ("confidence", "u1"),  # percent, of the match
    ],
    align=True,
)

PAGE_HEAD = [("next", "i4"), ("free", "i4")]
"""First fields of every rule's page. Page 0 is the head of the free list: its `next` is the first free page, its `free` their number."""


@inlined
def take_page(pages: Rows) -> int:
    """Index of a page for use, its `next` 0; the kernel has made sure that one is free. The caller clears its own fields."""
    page: int = pages[0].next
    pages[0].next = pages[page].next
    pages[0].free -= 1
    pages[page].next = 0
    return page


@inlined
def give_page(pages: Rows, page: Whole) -> None:
    """Return a page to the free list; the caller has unlinked it."""
    pages[page].next = pages[0].next
    pages[0].next = page
    pages[0].free += 1


def new_pages(dtype: np.dtype[np.void], count: int) -> np.ndarray:
    """`count` pages (page 0 included), all free."""
    pages = np.zeros(count, dtype)
    pages["next"][:-1] = np.arange(1, count)
    pages["next"][-1] = 0
    pages["free"][0] = count - 1
    return pages


def grown_pages(pages: np.ndarray) -> np.ndarray:
    """The same pages and as many free ones again."""
    old = len(pages)
    grown = np.zeros(2 * old, pages.dtype)
    grown[:old] = pages
    grown["next"][old:-1] = np.arange(old + 1, 2 * old)
    grown["next"][-1] = pages["next"][0]
    grown["next"][0] = old
    grown["free"][0] = pages["free"][0] + old
    return grown


@compiled
def chain_of(state: Rows, pages: Rows, slots: Ints, order: Ints, lengths: Ints) -> int:
    """Pages reachable from `state[slot].page` for each slot, into `order`; their number per slot into `lengths`; returns the total.

    `order` may be empty to count only.
    """
    total = 0
    for i in range(len(slots)):
        page = state[slots[i]].page
        length = 0
        while page != 0:
            if len(order) > 0:
                order[total] = page
            total += 1
            length += 1
            page = pages[page].next
        lengths[i] = length
    return total


def as_records(array: np.ndarray) -> np.ndarray:
    """The same rows with fields as attributes: numba reads structured arrays so, plain Python only record arrays."""
    return array.view(np.recarray) if NUMBA.config.DISABLE_JIT else array
