"""A driver's ledger on one vehicle: what fatigue remembers - the running spell, the stop, finished spells of seven days, a timeline.

A ledger is a page; its spells run over into further pages that follow it in the vehicle's chain. Nothing but the chain refers to a page,
so a snapshot may number pages anew; the ledger of the driver last seen stands first. Finished spells are kept as begin and length in
one integer each, oldest first, and never overlap: a rolling window cuts at most its first one, and its sum is carried, not summed.
"""

import numpy as np

from services.compiled import Row, Rows, Whole, compiled, inlined
from services.rules.driving.timeline import SEGMENTS
from services.rules.finding import EPISODE, clear
from services.rules.records import PAGE_HEAD, give_page, take_page

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
INLINE = 64
"""Spells in the ledger's own page: eight a day for eight days. A second page for the few of a busier week would cost more than the room."""
CELLS = SEGMENTS + INLINE

LEDGER, OVERFLOW = 1, 2

WINDOW = np.dtype(
    [
        ("head", "i8"),  # first finished spell that reaches into the window, as far as it was looked
        ("sum_ms", "i8"),  # lengths of the finished spells from `head` on, uncut
        ("spell_ms", "i8"),  # begin of the spell in which the episode opened
        ("episode", EPISODE),
    ],
    align=True,
)
"""A rolling window over a ledger's spells and its episode."""

PAGE = np.dtype(
    [
        *PAGE_HEAD,
        ("role", "u1"),
        ("away", "u1"),  # the driver left since the ledger's last fix
        ("running", "u1"),  # a spell runs
        ("stop", "u1"),  # a stop has a first still fix
        ("spoiled", "u1"),  # a still fix of the stop was too far off
        ("unsure", "u1"),  # the running spell has driving inferred from a silence or from places alone
        ("pad", "u2"),
        ("driver", "i4"),
        ("odometer_m", "u4"),  # at the ledger's last fix
        ("last_ms", "i8"),  # the ledger's last fix since the driver came; 0 none
        ("begin_ms", "i8"),  # first moving fix of the spell
        ("latest_ms", "i8"),  # latest moving fix of the spell
        ("on_ms", "i8"),  # latest fix of the spell at which the switch was on; 0 none
        (
            "stray_ms",
            "i8",
        ),  # the fix before a still one out of the radius, until the next says what that was; 0 none
        ("latest_lon_e7", "i4"),
        ("latest_lat_e7", "i4"),
        ("centre_lon_e7", "i4"),  # the stop's first still fix
        ("centre_lat_e7", "i4"),
        ("night_begin_ms", "i8"),  # first moving fix inside the night window
        ("night_until_ms", "i8"),  # end of that window; 0 no clock runs
        ("unsure_ms", "i8"),  # end of the latest finished spell with driving inferred so
        ("base_ms", "i8"),  # what the spells' begins are counted from
        ("spells", "i4"),
        ("segments", "i4"),
        ("continuous", EPISODE),
        ("night", EPISODE),
        ("day", WINDOW),
        ("week", WINDOW),
        ("cells", "i8", (CELLS,)),  # ledger: timeline, then spells; overflow: spells
    ],
    align=True,
)


@compiled
def last_of(pages: Rows, page: Whole) -> Whole:
    """Last page of a ledger."""
    while pages[page].next != 0 and pages[pages[page].next].role == OVERFLOW:
        page = pages[page].next
    return page


@compiled
def bring(state: Row, pages: Rows, driver: int) -> bool:
    """Put a driver's ledger first in the chain; whether there is one."""
    before, page = np.int64(0), np.int64(state.page)
    while page != 0 and (pages[page].role != LEDGER or pages[page].driver != driver):
        before, page = page, np.int64(pages[page].next)
    if page == 0:
        return False
    if before != 0:
        last = last_of(pages, page)
        pages[before].next = pages[last].next
        pages[last].next = state.page
        state.page = page
    return True


@compiled
def open_ledger(state: Row, pages: Rows, driver: int) -> None:
    """A new ledger, first in the chain."""
    page = take_page(pages)
    ledger = pages[page]
    ledger.role = LEDGER
    ledger.driver = driver
    ledger.away = ledger.running = ledger.stop = ledger.spoiled = 0
    ledger.last_ms = ledger.begin_ms = ledger.latest_ms = ledger.on_ms = ledger.stray_ms = 0
    ledger.unsure = 0
    ledger.night_begin_ms = ledger.night_until_ms = ledger.unsure_ms = ledger.base_ms = 0
    ledger.spells = ledger.segments = 0
    clear(ledger.continuous)
    clear(ledger.night)
    ledger.day.head = ledger.day.sum_ms = ledger.day.spell_ms = 0
    clear(ledger.day.episode)
    ledger.week.head = ledger.week.sum_ms = ledger.week.spell_ms = 0
    clear(ledger.week.episode)
    ledger.next = state.page
    state.page = page


@compiled
def release(state: Row, pages: Rows, before: Whole, page: Whole) -> None:
    """Give a ledger's pages back; `before` is the page before it in the chain, 0 none."""
    following = np.int64(pages[last_of(pages, page)].next)
    if before == 0:
        state.page = following
    else:
        pages[before].next = following
    while page != following:
        after = np.int64(pages[page].next)
        give_page(pages, page)
        page = after


@inlined
def idle(ledger: Row) -> bool:
    """Whether nothing of the ledger is going on; what it has finished may still count."""
    return bool(
        ledger.running == 0
        and ledger.continuous.began_ms == 0
        and ledger.night.began_ms == 0
        and ledger.day.episode.began_ms == 0
        and ledger.week.episode.began_ms == 0
    )


@compiled
def spot(pages: Rows, page: Whole, place: Whole) -> tuple[Whole, Whole]:
    """Page and cell of the ledger's spell number `place`."""
    if place < INLINE:
        return page, SEGMENTS + place
    place -= INLINE
    page = np.int64(pages[page].next)
    while place >= CELLS:
        place -= CELLS
        page = np.int64(pages[page].next)
    return page, place


@compiled
def spell_at(pages: Rows, page: Whole, place: Whole) -> tuple[int, int]:
    """Begin and end of a finished spell, ms."""
    where, cell = spot(pages, np.int64(page), np.int64(place))
    packed = pages[where].cells[cell]
    begin_ms = pages[page].base_ms + (packed >> 32)
    return begin_ms, begin_ms + (packed & 0xFFFFFFFF)


@compiled
def spells_until_ms(pages: Rows, page: Whole) -> Whole:
    """When the last finished spell leaves the longest window; 0 without any."""
    if pages[page].spells == 0:
        return np.int64(0)
    _, end_ms = spell_at(pages, page, pages[page].spells - 1)
    return end_ms + WEEK_MS


@compiled
def put_spell(pages: Rows, page: Whole, place: Whole, base_ms: int, begin_ms: int, end_ms: int) -> None:
    """Write a spell; begins are at most a fortnight after the base, lengths at most a week."""
    where, cell = spot(pages, np.int64(page), np.int64(place))
    pages[where].cells[cell] = ((begin_ms - base_ms) << 32) | (end_ms - begin_ms)


@compiled
def window_of(pages: Rows, page: Whole, window: Row, from_ms: int) -> tuple[int, int, int]:
    """Of the window that begins at `from_ms`: its first finished spell, the uncut sum from there on, and the sum with that spell cut."""
    head, sum_ms = window.head, window.sum_ms
    while head < pages[page].spells:
        begin_ms, end_ms = spell_at(pages, page, head)
        if end_ms > from_ms:
            return head, sum_ms, sum_ms - max(from_ms - begin_ms, 0)
        sum_ms -= end_ms - begin_ms
        head += 1
    return head, sum_ms, sum_ms


@compiled
def trim(pages: Rows, page: Whole, now_ms: int) -> None:
    """Forget the spells that ended seven days ago or longer."""
    ledger = pages[page]
    head, sum_ms, _ = window_of(pages, page, ledger.day, now_ms - DAY_MS)
    ledger.day.head, ledger.day.sum_ms = head, sum_ms
    gone, sum_ms, _ = window_of(pages, page, ledger.week, now_ms - WEEK_MS)
    ledger.week.head, ledger.week.sum_ms = gone, sum_ms
    if gone == 0:
        return
    kept = ledger.spells - gone
    base_ms = ledger.base_ms
    if kept > 0:
        base_ms, _ = spell_at(pages, page, gone)
    for place in range(kept):
        begin_ms, end_ms = spell_at(pages, page, place + gone)
        put_spell(pages, page, place, base_ms, begin_ms, end_ms)
    ledger.base_ms = base_ms
    ledger.spells = kept
    ledger.day.head -= gone
    ledger.week.head = 0


@compiled
def push_spell(pages: Rows, page: Whole) -> None:
    """The running spell is finished; room for it was made when it began."""
    ledger = pages[page]
    end_ms = ledger.latest_ms
    begin_ms = ledger.begin_ms
    if begin_ms < end_ms - WEEK_MS:
        begin_ms = end_ms - WEEK_MS
        trim(pages, page, end_ms)  # all before it is older than any window, and too far back to count from
    if ledger.spells == 0:
        ledger.base_ms = begin_ms
    put_spell(pages, page, ledger.spells, ledger.base_ms, begin_ms, end_ms)
    ledger.spells += 1
    ledger.day.sum_ms += end_ms - begin_ms
    ledger.week.sum_ms += end_ms - begin_ms
    ledger.running = 0
    if ledger.unsure and end_ms > begin_ms:
        ledger.unsure_ms = end_ms


@compiled
def make_room(pages: Rows, page: Whole, now_ms: int) -> None:
    """See to it that one more spell fits, taking at most one page, and that no page stands empty."""
    trim(pages, page, now_ms)
    wanted = (pages[page].spells + CELLS - INLINE) // CELLS
    has, last = 0, np.int64(page)
    while pages[last].next != 0 and pages[pages[last].next].role == OVERFLOW:
        last = np.int64(pages[last].next)
        has += 1
    if wanted > has:
        fresh = take_page(pages)
        pages[fresh].role = OVERFLOW
        pages[fresh].next = pages[last].next
        pages[last].next = fresh
    else:
        drop_surplus(pages, page, wanted)


@compiled
def drop_surplus(pages: Rows, page: Whole, wanted: int) -> None:
    """Give back a ledger's overflow pages beyond the first `wanted`."""
    keep = np.int64(page)
    for _ in range(wanted):
        keep = np.int64(pages[keep].next)
    while pages[keep].next != 0 and pages[pages[keep].next].role == OVERFLOW:
        surplus = np.int64(pages[keep].next)
        pages[keep].next = pages[surplus].next
        give_page(pages, surplus)
