"""Route deviation.

What it flags
    A vehicle that has left the corridor of the route it is assigned to, while the assignment holds.

Legal basis
    School buses keep to the approved route (校车条例 art. 30); some hazardous goods move only on the approved one (危货办法 art. 48);
    a charter or scheduled coach keeps to the route of its plan, which is the assignment itself. The 15 m margin is the accuracy that
    JT/T 794 asks of a terminal.

Opens, escalates, closes
    Off is a fix farther from the route than the half width of the nearest leg and `margin_m`. A run of consecutive fixes off, no two
    neighbours more than `max_gap_s` apart, that lasts `hold_s` over `min_fixes` opens. Major from 10 minutes or 1 km, hazmat one step
    higher. Two consecutive fixes not off close, a silence longer than `max_gap_s`, or the end of the assignment.

Ignores
    Fixes that are not fixed or of a frozen position; what lies within `ends_exempt_m` of either end of the route (stations); the way to the
    route of a vehicle whose first fix of the assignment lies in a depot, for `approach_s` at most; the direction of travel.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Ints, Row, Rows, Whole, compiled, inlined
from services.contracts.alert import Sentence
from services.contracts.fix import Fixes
from services.contracts.registry import CLASSES, VehicleClass
from services.rules.assignments import Tables, row_of, tables
from services.rules.corridor import near_an_end, off_by
from services.rules.durations import seconds
from services.rules.duties import IDLE, PAGE, RUN, RUNNING, STATE, approaching, page_of, rest
from services.rules.finding import (
    CLOSED,
    CURRENT,
    FINDING_BASE,
    OPENED,
    REVISED,
    SHOWN_CLOSED,
    SHOWN_OPEN,
    UPDATED,
    emit,
    update_due,
    update_overdue,
)
from services.rules.parameters import milliseconds
from services.rules.records import USE_POSITION, give_page, take_page
from services.rules.rule import Described, Names, Parameter, Rule
from services.rules.zones import in_a_zone

PARAMETERS = (
    Parameter("margin_m", 15, "number", "m", 0, 1000, "terminal accuracy 15 m, JT/T 794", "allowed beyond the half width"),
    Parameter("ends_exempt_m", 500, "number", "m", 0, 50_000, "design", "not judged so near either end of the route"),
    Parameter("approach_s", 1800, "number", "s", 0, 86_400, "design", "from a depot to the route, at most"),
    Parameter("max_gap_s", 600, "number", "s", 1, 86_400, "design", "a longer silence breaks a run and closes"),
    Parameter("hold_s", 60, "number", "s", 0, 3600, "design", "a run must last so long"),
    Parameter("min_fixes", 3, "integer", "", 1, 100, "design", "and have so many fixes"),
)  # fmt: skip
PARAMS = np.dtype(
    [
        ("margin_m", "f8"),
        ("ends_exempt_m", "f8"),
        ("max_gap_ms", "i8"),
        ("approach_ms", "i8"),
        ("hold_ms", "i8"),
        ("min_fixes", "i8"),
    ],
    align=True,
)

KINDS = ("off_route",)
INFO, MINOR, MAJOR, CRITICAL = range(4)
MAJOR_MS, MAJOR_M = 600_000, 1000.0
FIXES_ON_TO_CLOSE = 2
MOST_AT_ONCE = 16
"""So many assignments of one vehicle are judged at a time, the earliest first."""
PAGES_PER_STEP = MOST_AT_ONCE
FINDINGS_PER_STEP = 3 * MOST_AT_ONCE  # an old assignment closes; a silence closes and the same fix opens
HAZMAT = CLASSES.index(VehicleClass.HAZMAT)
FOR_EVER_MS = 1 << 62

FINDING = np.dtype(
    [*FINDING_BASE, ("peak_half_m", "f8"), ("leg", "i4"), ("fixes", "i4"), ("vehicle_class", "u1")],
    align=True,
)


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    for name in ("margin_m", "ends_exempt_m", "min_fixes"):
        row[name] = values[name]
    for name in ("max_gap", "approach", "hold"):
        row[f"{name}_ms"] = milliseconds(values[f"{name}_s"])


@compiled
def tell(page: Row, findings: Rows, count: Ints, transition: int, index: int, slot: int, now_ms: int) -> None:
    """Emit a transition with what only route deviation knows."""
    row = emit(findings, count, transition, index, slot, page.key, now_ms, page.episode)
    row.peak_half_m = page.peak_half_m
    row.leg = page.peak_leg
    row.fixes = page.fixes
    row.vehicle_class = page.vehicle_class


@compiled
def end(page: Row, findings: Rows, count: Ints, index: int, slot: int, now_ms: int) -> None:
    """What runs is over; a tick may have closed it for the screen already, with the same content."""
    if page.phase == RUNNING and page.episode.shown == SHOWN_OPEN:
        tell(page, findings, count, CLOSED, index, slot, now_ms)
    if page.phase != IDLE:
        rest(page)


@compiled
def add(
    page: Row, fix: Row, context: Row, distance_m: float, half_m: float, leg: Whole, margin_m: float
) -> None:
    """A fix off belongs to the run or episode: peak, end, severity."""
    episode = page.episode
    if page.phase == IDLE:
        page.phase = RUN
        episode.driver = context.driver
        episode.began_ms = fix.time_ms
    episode.ended_ms = fix.time_ms
    episode.untold = 1
    page.vehicle_class = context.vehicle_class
    page.fixes += 1
    page.on = 0
    if page.fixes == 1 or distance_m > page.peak_m:
        page.peak_m = distance_m
        page.peak_half_m = half_m
        page.peak_leg = leg
        episode.at_ms = fix.time_ms
        episode.at_lon_e7 = fix.lon_e7
        episode.at_lat_e7 = fix.lat_e7
        episode.peak = np.int64(np.floor(distance_m * 10.0 + 0.5))
        episode.limit = np.int64(np.floor((half_m + margin_m) * 10.0 + 0.5))
    severity = MINOR
    if episode.ended_ms - episode.began_ms >= MAJOR_MS or page.peak_m >= MAJOR_M:
        severity = MAJOR
    episode.severity = severity + 1 if page.vehicle_class == HAZMAT else severity


@inlined
def hear(page: Row, tables: Tables, fix: Row, context: Row, param: Row, findings: Rows, count: Ints) -> None:
    """A fix under an assignment, wherever it lies: it may end a silence, or be the first, in a depot."""
    time_ms = fix.time_ms
    if page.seen == 0:
        page.seen = 1
        if in_a_zone(tables.depots, fix, context):
            page.approach_ms = time_ms
    elif time_ms - page.last_ms > param.max_gap_ms:
        end(page, findings, count, context.index, context.slot, time_ms)
    page.last_ms = time_ms
    page.max_gap_ms = param.max_gap_ms


@inlined
def judge(page: Row, tables: Tables, fix: Row, context: Row, param: Row, findings: Rows, count: Ints) -> None:
    """One fix under one assignment."""
    time_ms, corridors = fix.time_ms, tables.corridors
    hear(page, tables, fix, context, param, findings, count)
    route = corridors.routes[page.route]
    off, distance_m, leg = off_by(corridors, route, page.hint, fix.lon_e7, fix.lat_e7, param.margin_m)
    page.hint = leg
    if approaching(page, off, time_ms, param):
        return
    if off and near_an_end(corridors, route, fix.lon_e7, fix.lat_e7, param.ends_exempt_m):
        off = False
    if not off:
        if page.phase == RUNNING:
            page.on += 1
        if page.phase == RUN or page.on >= FIXES_ON_TO_CLOSE:
            end(page, findings, count, context.index, context.slot, time_ms)
        return
    add(page, fix, context, distance_m, corridors.half_m[route.first + leg], leg, param.margin_m)
    episode = page.episode
    if page.phase == RUN:
        if time_ms - episode.began_ms >= param.hold_ms and page.fixes >= param.min_fixes:
            page.phase = RUNNING
            tell(page, findings, count, OPENED, context.index, context.slot, time_ms)
    elif episode.shown == SHOWN_CLOSED:
        tell(page, findings, count, REVISED, context.index, context.slot, time_ms)
    elif update_due(episode, time_ms):
        tell(page, findings, count, UPDATED, context.index, context.slot, time_ms)


@compiled
def drop(
    state: Row, pages: Rows, tables: Tables, first: int, last: int, context: Row, time_ms: int,
    findings: Rows, count: Ints,
) -> int:  # fmt: skip
    """Close and return the pages whose assignment no longer holds; tell the others their route. Returns how many stay."""
    before, page, kept = 0, state.page, 0
    while page != 0:
        following = pages[page].next
        row = row_of(tables, first, last, pages[page].key, time_ms)
        if row >= 0:
            pages[page].route = tables.route[row]
            legs = tables.corridors.routes[tables.route[row]].legs
            pages[page].hint = min(pages[page].hint, legs - 1)
            before = page
            kept += 1
        else:
            end(pages[page], findings, count, context.index, context.slot, time_ms)
            if before == 0:
                state.page = following
            else:
                pages[before].next = following
            give_page(pages, page)
        page = following
    return kept


@compiled
def look_up(
    state: Row, pages: Rows, tables: Tables, fix: Row, context: Row, findings: Rows, count: Ints
) -> None:
    """Which assignments hold at this fix, and until when that stays so."""
    time_ms = fix.time_ms
    first, last = 0, 0
    if fix.vehicle < len(tables.first) - 1:
        first, last = tables.first[fix.vehicle], tables.first[fix.vehicle + 1]
    kept = drop(state, pages, tables, first, last, context, time_ms, findings, count)
    until_ms = np.int64(FOR_EVER_MS)
    for row in range(first, last):
        if tables.from_ms[row] > time_ms:
            until_ms = min(until_ms, tables.from_ms[row])
            break
        if time_ms >= tables.to_ms[row]:
            continue
        until_ms = min(until_ms, tables.to_ms[row])
        if kept < MOST_AT_ONCE and page_of(pages, state.page, tables.key[row]) == 0:
            page = take_page(pages)
            pages[page].next = state.page
            state.page = page
            pages[page].key = tables.key[row]
            pages[page].to_ms = tables.to_ms[row]
            pages[page].route = tables.route[row]
            pages[page].hint = 0
            pages[page].seen = 0
            pages[page].last_ms = 0
            pages[page].max_gap_ms = 0
            pages[page].approach_ms = 0
            rest(pages[page])
            kept += 1
    state.until_ms = until_ms
    state.stamp = tables.stamp


@inlined
def step(
    state: Row, pages: Rows, tables: Tables, fix: Row, context: Row, param: Row, findings: Rows, count: Ints
) -> None:
    """One fix."""
    if context.use & USE_POSITION == 0:
        return
    if fix.time_ms >= state.until_ms or state.stamp != tables.stamp:
        look_up(state, pages, tables, fix, context, findings, count)
    page = state.page
    while page != 0:
        judge(pages[page], tables, fix, context, param, findings, count)
        page = pages[page].next


@compiled
def run(
    state: Rows, pages: Rows, tables: Tables, fixes: Fixes, context: Rows, params: Rows, findings: Rows,
    count: Ints, start: int,
) -> int:  # fmt: skip
    """`step` over `fixes[start:]`; see `rule.Kernel`."""
    for i in range(start, len(fixes)):
        if count[0] + FINDINGS_PER_STEP > len(findings) or pages[0].free < PAGES_PER_STEP:
            return i
        step(
            state[context[i].slot],
            pages,
            tables,
            fixes[i],
            context[i],
            params[context[i].period],
            findings,
            count,
        )
    return len(fixes)


@compiled
def sweep(
    state: Rows, pages: Rows, tables: Tables, params: Rows, now_ms: int, final: bool, findings: Rows,
    count: Ints, start: int,
) -> int:  # fmt: skip
    """See `rule.Sweep`. Time alone proves an end by a silence longer than `max_gap_s`, or by the assignment's."""
    for slot in range(start, len(state)):
        if count[0] + FINDINGS_PER_STEP > len(findings):
            return slot
        chained = state[slot].page
        while chained != 0:
            page = pages[chained]
            if page.phase == RUNNING and page.episode.shown == SHOWN_OPEN:
                if final:
                    tell(page, findings, count, CURRENT, -1, slot, now_ms)
                elif now_ms - page.last_ms > page.max_gap_ms or now_ms >= page.to_ms:
                    tell(page, findings, count, CLOSED, -1, slot, now_ms)
                elif update_overdue(page.episode, now_ms):
                    tell(page, findings, count, UPDATED, -1, slot, now_ms)
            chained = page.next
    return len(state)


def start(rows: np.ndarray) -> None:
    """Fresh rows: the first fix looks the assignments up."""
    rows["until_ms"] = rows["stamp"] = rows["page"] = 0


BASIS = {VehicleClass.HAZMAT: "危货办法 art. 48", VehicleClass.SCHOOL_BUS: "校车条例 art. 30"}


def describe(finding: np.void, names: Names) -> Described:
    """The finding in words."""
    subject = int(finding["subject"])
    route, name = names.assignment(subject)
    peak_m, limit_m = int(finding["peak"]) / 10, int(finding["limit"]) / 10
    duration_ms = int(finding["ended_ms"]) - int(finding["began_ms"])
    minutes, rest_s = divmod(round(duration_ms / 1000), 60)
    why = {
        "route": route or None,
        "route_name": name or None,
        "basis": BASIS.get(CLASSES[int(finding["vehicle_class"])]),
        "duration_s": seconds(duration_ms),
        "leg": int(finding["leg"]),
        "half_width_m": float(finding["peak_half_m"]),
        "fixes": int(finding["fixes"]),
    }
    called = name or route
    zh = f"偏离路线 {called} {peak_m:.0f} m (允许 {limit_m:.0f} m), 持续 {minutes} 分 {rest_s} 秒"
    en = f"{peak_m:.0f} m off route {called} ({limit_m:.0f} m allowed) for {minutes} min {rest_s} s"
    # the key, not the text: the assignment may be gone from the registry when its episode closes, and the id must stay
    return Described(
        f"{subject & 0xFFFFFFFFFFFFFFFF:016x}", KINDS[int(finding["kind"])], KINDS[int(finding["kind"])],
        limit_m, peak_m, "m", why, Sentence(zh=zh, en=en),
    )  # fmt: skip


RULE = Rule(
    name="route_deviation",
    parameters=PARAMETERS,
    params_dtype=PARAMS,
    pack=pack,
    state_dtype=STATE,
    finding_dtype=FINDING,
    page_dtype=PAGE,
    pages_per_step=PAGES_PER_STEP,
    findings_per_step=FINDINGS_PER_STEP,
    start=start,
    tables=tables,
    run=run,
    sweep=sweep,
    describe=describe,
)
