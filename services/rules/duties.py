"""What route deviation remembers of each assignment of a vehicle: a page for each that holds."""

import numpy as np

from services.compiled import Row, Rows, Whole, compiled, inlined
from services.rules.finding import EPISODE, clear
from services.rules.records import PAGE_HEAD

IDLE, RUN, RUNNING = 0, 1, 2
"""Phases of a page: on the route; a run of fixes off that may open; an episode that has opened."""

STATE = np.dtype([("until_ms", "i8"), ("stamp", "i8"), ("page", "i4")], align=True)
"""`page` holds what is true until `until_ms` under the tables of this `stamp`; then the assignments are looked up again."""

PAGE = np.dtype(
    [
        *PAGE_HEAD,
        ("key", "i8"),  # of the assignment
        ("to_ms", "i8"),  # its end
        ("last_ms", "i8"),  # last fix that took part; valid when seen
        ("max_gap_ms", "i8"),  # in force at that fix
        ("peak_m", "f8"),
        ("peak_half_m", "f8"),
        ("peak_leg", "i4"),
        ("route", "i4"),  # place in Corridors.routes under the state's stamp
        ("hint", "i4"),  # leg last matched
        ("fixes", "i4"),  # off, of the run or episode
        ("approach_ms", "i8"),  # first fix, while on the way from a depot to the route; 0 not so
        ("seen", "u1"),
        ("phase", "u1"),
        ("on", "u1"),  # consecutive fixes not off, of an episode
        ("vehicle_class", "u1"),  # at the last fix off
        ("episode", EPISODE),
    ],
    align=True,
)


@compiled
def rest(page: Row) -> None:
    """Nothing runs."""
    clear(page.episode)
    page.phase = IDLE
    page.fixes = 0
    page.on = 0
    page.peak_m = 0.0
    page.peak_half_m = 0.0
    page.peak_leg = 0
    page.vehicle_class = 0


@compiled
def page_of(pages: Rows, page: Whole, key: int) -> Whole:
    """The page with a key in a chain, 0 none."""
    while page != 0 and pages[page].key != key:
        page = pages[page].next
    return page


@inlined
def approaching(page: Row, off: bool, time_ms: int, param: Row) -> bool:
    """Whether the vehicle is still on its way from a depot to the route, where it is neither off nor not off."""
    if page.approach_ms == 0:
        return False
    if off and time_ms - page.approach_ms < param.approach_ms:
        return True
    page.approach_ms = 0
    return False
