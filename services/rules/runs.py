"""Runs of hits: the machine that most rules share (docs/semantics.md, The run machine).

A rule of this kind says of each fix that takes part which subjects it hits - a zone, a ban, an alarm, a driver, or just the vehicle - and names its
parameters; all else is here. A run is consecutive hits of one subject, no two neighbours more than `max_gap_s` apart. One that lasts `hold_s` over
`min_fixes` hits opens an episode; a hit within `merge_s` of the episode's last one, or one that carries its run on, belongs to it.

Each subject of a vehicle that something is going on with has a machine of its own, a page in the vehicle's chain; where nothing goes on there is none,
and a fix that hits nothing costs one look.
"""

import numpy as np

from services.compiled import Ints, Row, Rows, Whole, compiled, inlined
from services.contracts.fix import Fixes
from services.contracts.registry import CLASSES
from services.rules.finding import (
    CLOSED,
    CURRENT,
    EPISODE,
    FINDING_BASE,
    OPENED,
    REVISED,
    SHOWN_CLOSED,
    SHOWN_OPEN,
    UPDATED,
    clear,
    emit,
    update_due,
    update_overdue,
)
from services.rules.geometry import distance_m
from services.rules.records import PAGE_HEAD, give_page, take_page

MOST_KINDS = 32
MOST_HITS = 64
"""Subjects that one fix may hit under one rule."""
MOST_MACHINES = 96
"""Subjects of one vehicle that something may be going on with at a time, under one rule."""
HITS_AT_ONCE = 4096
LONGEST_MS = 0x7FFF_FFFF
NEVER_MS = 1 << 62
RUN, RUNNING = 1, 2
"""Phases of a machine: hits that may open an episode; an episode that has opened."""
BY_DURATION, BY_VALUE = 0, 1
"""What an episode's peak is: how long it lasted, or the greatest value of a hit."""

HIT = np.dtype(
    [
        ("subject", "i8"),
        ("aux", "i8"),  # whatever the rule wants back in the finding; that of the first hit is kept
        ("index", "i4"),  # place of the fix in the batch
        ("value", "i4"),  # what the peak is the greatest of, BY_VALUE
        ("kind", "u1"),
        ("graver", "u1"),  # makes the whole episode graver
        ("taken", "u1"),  # a machine has had it
    ],
    align=True,
)
RUN_PARAMS = np.dtype(
    [
        ("hold_ms", "i8", (MOST_KINDS,)),
        ("min_fixes", "i8", (MOST_KINDS,)),
        ("merge_ms", "i8", (MOST_KINDS,)),
        ("max_gap_ms", "i8", (MOST_KINDS,)),
        ("long_ms", "i8"),  # an episode so long is graver
        ("reach_m", "f8"),  # a hit farther from its run's first one begins another run; 0: never
        ("limit", "i4", (MOST_KINDS,)),
        ("peak", "u1"),  # BY_*
        ("enabled", "u1"),
        ("severity", "u1", (MOST_KINDS, len(CLASSES), 2, 2)),  # by kind, class at `began`, long, graver
    ],
    align=True,
)
STATE = np.dtype([("page", "i4"), ("room", "i4")], align=True)
PAGE = np.dtype(
    [
        *PAGE_HEAD,
        ("subject", "i8"),
        ("aux", "i8"),
        ("last_ms", "i8"),  # last hit
        ("run_lon_e7", "i4"),  # first hit of the run that goes on
        ("run_lat_e7", "i4"),
        ("fixes", "i4"),  # hits of the run or episode
        ("run_kind", "u1"),  # that of its first hit
        ("phase", "u1"),
        ("going", "u1"),  # nothing that takes part has come since the last hit
        ("graver", "u1"),
        ("vehicle_class", "u1"),  # at `began`
        ("episode", EPISODE),
    ],
    align=True,
)
FINDING = np.dtype(
    [*FINDING_BASE, ("aux", "i8"), ("fixes", "i4"), ("graver", "u1"), ("vehicle_class", "u1")], align=True
)
FINDINGS_PER_STEP = 2 * (MOST_MACHINES + MOST_HITS)
PAGES_PER_STEP = MOST_HITS


@inlined
def hit(hits: Rows, count: Ints, index: int, subject: Whole, kind: Whole, aux: Whole = 0, value: Whole = 0, graver: Whole = 0) -> None:  # fmt: skip
    """Say that a fix hits a subject; the caller has made sure that there is room."""
    row = hits[count[0]]
    count[0] += 1
    row.index = index
    row.subject = subject
    row.kind = kind
    row.aux = aux
    row.value = value
    row.graver = graver
    row.taken = 0


@compiled
def tell(page: Row, findings: Rows, count: Ints, transition: int, index: int, slot: int, now_ms: int) -> None:
    """Emit a transition with what the machine knows."""
    row = emit(findings, count, transition, index, slot, page.subject, now_ms, page.episode)
    row.aux = page.aux
    row.fixes = page.fixes
    row.graver = page.graver
    row.vehicle_class = page.vehicle_class


@compiled
def begin(page: Row, fix: Row, context: Row, found: Row) -> None:
    """A run begins at this fix, and with it what may become an episode."""
    episode = page.episode
    clear(episode)
    episode.driver = context.driver
    episode.kind = found.kind
    episode.began_ms = fix.time_ms
    episode.at_ms = fix.time_ms
    episode.at_lon_e7 = context.place_lon_e7
    episode.at_lat_e7 = context.place_lat_e7
    page.phase = RUN
    page.subject = found.subject
    page.aux = found.aux
    page.fixes = 0
    page.graver = 0
    page.vehicle_class = context.vehicle_class
    begin_run(page, fix, found)


@inlined
def begin_run(page: Row, fix: Row, found: Row) -> None:
    """A run begins at this fix, of what has begun before or of something new."""
    page.run_kind = found.kind
    page.run_lon_e7 = fix.lon_e7
    page.run_lat_e7 = fix.lat_e7


@compiled
def add(page: Row, fix: Row, context: Row, found: Row, param: Row) -> None:
    """A hit belongs to the run or episode."""
    episode = page.episode
    page.fixes += 1
    page.last_ms = fix.time_ms
    page.going = 1
    page.graver |= found.graver
    episode.ended_ms = fix.time_ms
    episode.untold = 1
    length_ms = fix.time_ms - episode.began_ms
    if param.peak == BY_DURATION:
        episode.peak = min(length_ms, LONGEST_MS)
    elif page.fixes == 1 or found.value > episode.peak:
        episode.peak = found.value
        episode.at_ms = fix.time_ms
        episode.at_lon_e7 = context.place_lon_e7
        episode.at_lat_e7 = context.place_lat_e7
    episode.limit = param.limit[episode.kind]
    long = 1 if length_ms >= param.long_ms else 0
    episode.severity = param.severity[episode.kind, page.vehicle_class, long, page.graver]


@compiled
def end(page: Row, findings: Rows, count: Ints, index: int, slot: int, now_ms: int) -> None:
    """What runs is over; a tick may have closed it for the screen already, with the same content."""
    if page.phase == RUNNING and page.episode.shown == SHOWN_OPEN:
        tell(page, findings, count, CLOSED, index, slot, now_ms)


@compiled
def carries_on(page: Row, fix: Row, param: Row) -> bool:
    """Whether a hit carries on the run of the hit before it."""
    if page.going == 0 or fix.time_ms - page.last_ms > param.max_gap_ms[page.run_kind]:
        return False
    if param.reach_m <= 0.0:
        return True
    return bool(distance_m(page.run_lon_e7, page.run_lat_e7, fix.lon_e7, fix.lat_e7) <= param.reach_m)


@compiled
def join(page: Row, fix: Row, context: Row, found: Row, param: Row, findings: Rows, count: Ints) -> None:
    """A hit of a machine's subject."""
    time_ms, kind = fix.time_ms, page.episode.kind
    if not carries_on(page, fix, param):
        if page.phase == RUN:
            begin(page, fix, context, found)
        elif time_ms - page.last_ms > param.merge_ms[kind]:
            end(page, findings, count, context.index, context.slot, time_ms)
            begin(page, fix, context, found)
        else:
            begin_run(page, fix, found)
    add(page, fix, context, found, param)
    episode = page.episode
    kind = episode.kind
    if page.phase == RUN:
        if time_ms - episode.began_ms >= param.hold_ms[kind] and page.fixes >= param.min_fixes[kind]:
            page.phase = RUNNING
            tell(page, findings, count, OPENED, context.index, context.slot, time_ms)
    elif episode.shown == SHOWN_CLOSED:
        tell(page, findings, count, REVISED, context.index, context.slot, time_ms)
    elif update_due(episode, time_ms):
        tell(page, findings, count, UPDATED, context.index, context.slot, time_ms)


@inlined
def hit_of(hits: Rows, first: int, last: int, subject: Whole) -> int:
    """Which of the hits `first` to `last` is of a subject; -1 none."""
    for place in range(first, last):
        if hits[place].subject == subject:
            return place
    return -1


@compiled
def step(
    state: Row, pages: Rows, fix: Row, context: Row, hits: Rows, first: int, last: int, param: Row,
    findings: Rows, count: Ints,
) -> None:  # fmt: skip
    """A fix that takes part, of a vehicle with machines or with hits."""
    before, place, machines = np.int64(0), np.int64(state.page), 0
    while place != 0:
        page = pages[place]
        following = np.int64(page.next)
        found = hit_of(hits, first, last, page.subject)
        if found >= 0:
            hits[found].taken = 1
            join(page, fix, context, hits[found], param, findings, count)
        else:
            page.going = 0
            over = page.phase == RUN or fix.time_ms - page.last_ms > param.merge_ms[page.episode.kind]
            if over:
                end(page, findings, count, context.index, context.slot, fix.time_ms)
                if before == 0:
                    state.page = following
                else:
                    pages[before].next = following
                give_page(pages, place)
                place = following
                continue
        machines += 1
        before, place = place, following
    for found in range(first, last):
        if (
            hits[found].taken
            or machines >= MOST_MACHINES
            or hit_of(hits, first, found, hits[found].subject) >= 0
        ):
            continue
        place = np.int64(take_page(pages))
        pages[place].next = state.page
        state.page = place
        pages[place].going = 0
        begin(pages[place], fix, context, hits[found])
        join(pages[place], fix, context, hits[found], param, findings, count)
        machines += 1


@compiled
def advance(
    state: Rows, pages: Rows, fixes: Fixes, context: Rows, takes_part: int, hits: Rows, hit_count: int, params: Rows,
    findings: Rows, count: Ints, start: int, stop: int,
) -> int:  # fmt: skip
    """Every machine over `fixes[start:stop]`, whose hits stand in their order; returns the first fix not stepped for want of room."""
    at = 0
    for i in range(start, stop):
        row = context[i]
        first = at
        while at < hit_count and hits[at].index == i:
            at += 1
        if row.use & takes_part == 0 or (first == at and state[row.slot].page == 0):
            continue
        if count[0] + FINDINGS_PER_STEP > len(findings) or pages[0].free < PAGES_PER_STEP:
            return i
        if not params[row.period].enabled:
            first = at
        step(state[row.slot], pages, fixes[i], row, hits, first, at, params[row.period], findings, count)
    return stop


@compiled
def sweep_machines(
    state: Rows, pages: Rows, params: Rows, now_ms: int, final: bool, findings: Rows, count: Ints, start: int
) -> int:
    """See `rule.Sweep`. While nothing has taken part since the last hit the run may still go on until `max_gap_s`."""
    param = params[0]
    for slot in range(start, len(state)):
        place = np.int64(state[slot].page)
        if place != 0 and count[0] + MOST_MACHINES > len(findings):
            return slot
        while place != 0:
            page = pages[place]
            place = np.int64(page.next)
            if page.phase != RUNNING:
                continue
            if final:
                tell(page, findings, count, CURRENT, -1, slot, now_ms)
            elif page.episode.shown == SHOWN_OPEN:
                patience_ms = param.merge_ms[page.episode.kind]
                if page.going:
                    patience_ms = max(patience_ms, param.max_gap_ms[page.run_kind])
                if now_ms - page.last_ms > patience_ms:
                    tell(page, findings, count, CLOSED, -1, slot, now_ms)
                elif update_overdue(page.episode, now_ms):
                    tell(page, findings, count, UPDATED, -1, slot, now_ms)
    return len(state)
