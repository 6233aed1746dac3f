"""Fatigue.

What it flags
    A driver who drives longer than the law allows: without a rest, without a rest at night, within 24 hours, within seven days.

Legal basis
    道路交通安全法实施条例 art. 62(7); 道路运输条例 art. 28; GA/T 2372-2026; 道路运输车辆动态监督管理办法 (passenger transport);
    道路旅客运输企业安全管理规范 art. 38 (44 hours in seven days).

Opens, escalates, closes
    One ledger per vehicle and driver. A spell runs from its first moving fix to its latest; a stop that is no rest counts as driving. A
    spell longer than its limit opens, and rises to critical at 1.25 times the limit. It closes with the spell: at a proven rest of
    `min_rest_s`, at a silence longer than `max_silence_s`, or when the driver has been off the vehicle so long. At night a clock of its
    own runs, and ends with the window. The rolling windows add up all spells; they close at the first fix at which they are not above.

Ignores
    Fixes that are not fixed, without a speed, or of implausible speed, but for the driver's card, which is read from every fix. Ignition
    and the terminal's own alarm: the law asks for a stop and a rest, not for a key.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.contracts.alert import Sentence, iso
from services.contracts.fix import NO_U4, Fixes
from services.contracts.registry import CLASSES, Config, VehicleClass
from services.rules.compiled import Ints, Row, Rows, Tables, Whole, compiled, inlined
from services.rules.finding import (
    CLOSED,
    CURRENT,
    FINDING_BASE,
    OPENED,
    REVISED,
    SHOWN_CLOSED,
    SHOWN_OPEN,
    UPDATED,
    clear,
    emit,
    update_due,
)
from services.rules.geometry import distance_m
from services.rules.ledger import (
    DAY_MS,
    DRIVING,
    LEDGER,
    PAGE,
    REST,
    SEGMENTS,
    SILENT,
    STOPPED,
    WEEK_MS,
    bring,
    copy_timeline,
    idle,
    last_of,
    make_room,
    mark,
    open_ledger,
    push_spell,
    release,
    spells_until_ms,
    window_of,
)
from services.rules.parameters import milliseconds, tenths, window_ms
from services.rules.records import USE_SPEED
from services.rules.rule import Described, Names, Parameter, Rule
from services.rules.zones import inside_hours

PARAMETERS = (
    Parameter(
        "moving_kmh",
        5,
        "number",
        "km/h",
        0,
        50,
        "terminal accuracy 7.2 km/h, JT/T 794",
        "moving from this speed on",
    ),
    Parameter(
        "still_kmh",
        3,
        "number",
        "km/h",
        0,
        50,
        "terminal accuracy 7.2 km/h, JT/T 794",
        "still at this speed or less",
    ),
    Parameter(
        "min_rest_s", 1200, "number", "s", 1, 86_400, "实施条例 art. 62(7)", "so long a stop is a rest"
    ),
    Parameter(
        "max_gap_s", 1200, "number", "s", 1, 86_400, "design", "a longer silence proves nothing by itself"
    ),
    Parameter(
        "rest_radius_m", 500, "number", "m", 1, 10_000, "design", "within it the vehicle has not moved"
    ),
    Parameter("max_silence_s", 3600, "number", "s", 1, 604_800, "design", "a longer silence ends the spell"),
    Parameter("continuous_s", 14_400, "number", "s", 1, 604_800, "实施条例 art. 62(7)", "longest spell"),
    Parameter(
        "night_window", "22:00-06:00", "window", "", 0, 24, "GA/T 2372-2026", "local hours that are night"
    ),
    Parameter(
        "night_continuous_s", 7200, "number", "s", 1, 604_800, "GA/T 2372-2026", "longest spell at night"
    ),
    Parameter(
        "rolling_24h_s",
        28_800,
        "number",
        "s",
        1,
        86_400,
        "动态监督办法; GA/T 2372-2026",
        "most driving in 24 hours",
    ),
    Parameter(
        "rolling_7d_s", 158_400, "number", "s", 1, 604_800, "客运规范 art. 38", "most driving in seven days"
    ),
)

PARAMS = np.dtype(
    [
        ("moving", "u2"),
        ("still", "u2"),
        ("night_from_ms", "i4"),
        ("night_to_ms", "i4"),
        ("rest_radius_m", "f8"),
        ("min_rest_ms", "i8"),
        ("max_gap_ms", "i8"),
        ("max_silence_ms", "i8"),
        ("continuous_ms", "i8"),
        ("night_ms", "i8"),
        ("day_ms", "i8"),
        ("week_ms", "i8"),
    ],
    align=True,
)

CONTINUOUS, NIGHT, DAY, WEEK = range(4)
KINDS = ("continuous", "night", "rolling_24h", "rolling_7d")
BASIS = ("实施条例 art. 62(7)", "GA/T 2372-2026", "动态监督办法; GA/T 2372-2026", "客运规范 art. 38")
SEGMENT_STATES = ("driving", "stopped", "rest", "silent")
MINOR, MAJOR, CRITICAL = 1, 2, 3

PASSENGERS = (VehicleClass.COACH, VehicleClass.CHARTER, VehicleClass.SCHOOL_BUS)
NIGHT_CLASSES = np.array([name in PASSENGERS for name in CLASSES])
DAY_CLASSES = np.array([name in (*PASSENGERS, VehicleClass.HAZMAT) for name in CLASSES])
WEEK_CLASSES = np.array([name in (VehicleClass.COACH, VehicleClass.CHARTER) for name in CLASSES])

ODOMETER_M = 1000
"""So far the odometer may differ over a silence in which the vehicle stood."""
NEAR_E7 = 0.0111320
"""No more metres than this has 1e-7 degree anywhere (a degree of longitude on the equator)."""
FOR_EVER_MS = 1 << 62
MOST_MS = 0x7FFF_FFFF
UNSURE = 50
"""Percent: driving was inferred from a silence."""

STATE = np.dtype(
    [
        ("page", "i4"),  # ledgers, that of the driver last seen first
        ("driver", "i4"),  # driver on the vehicle
        ("wake_ms", "i8"),  # from then on a ledger of a driver who left may have something to close
        ("moving", "i8"),
    ],
    align=True,
)
FINDING = np.dtype(
    [
        *FINDING_BASE,
        ("length_ms", "i8"),
        ("spell_began_ms", "i8"),
        ("segment_count", "i8"),
        ("segments", "i8", (SEGMENTS,)),  # begin << 2 | place in SEGMENT_STATES
    ],
    align=True,
)
PAGES_PER_STEP = 2
CLOSED_AT_ONCE = 32
"""So many episodes of drivers who left are closed at one fix, others at the next; only a made-up roster has more."""
FINDINGS_PER_STEP = CLOSED_AT_ONCE + 4 + 10


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    row["moving"], row["still"] = tenths(values["moving_kmh"]), tenths(values["still_kmh"])
    row["night_from_ms"], row["night_to_ms"] = window_ms(values["night_window"])
    row["rest_radius_m"] = values["rest_radius_m"]
    for name in ("min_rest", "max_gap", "max_silence", "continuous"):
        row[f"{name}_ms"] = milliseconds(values[f"{name}_s"])
    row["night_ms"] = milliseconds(values["night_continuous_s"])
    row["day_ms"] = milliseconds(values["rolling_24h_s"])
    row["week_ms"] = milliseconds(values["rolling_7d_s"])


@compiled
def within(lon_a: int, lat_a: int, lon_b: int, lat_b: int, radius_m: float) -> bool:
    """Whether two positions lie at most so far apart; a standing vehicle is told by two subtractions."""
    east, north = abs(np.int64(lon_a) - np.int64(lon_b)), abs(np.int64(lat_a) - np.int64(lat_b))
    return bool((east + north) * NEAR_E7 <= radius_m) or distance_m(lon_a, lat_a, lon_b, lat_b) <= radius_m


@compiled
def tell(
    ledger: Row, episode: Row, spell_ms: int, findings: Rows, count: Ints, transition: int, index: int,
    slot: int, now_ms: int,
) -> None:  # fmt: skip
    """Emit a transition with spell and timeline."""
    row = emit(findings, count, transition, index, slot, ledger.driver, now_ms, episode)
    row.spell_began_ms = spell_ms
    row.length_ms = episode.peak
    if episode.kind == CONTINUOUS:
        row.length_ms = episode.ended_ms - spell_ms
    elif episode.kind == NIGHT:
        row.length_ms = episode.ended_ms - ledger.night_begin_ms
    row.segment_count = copy_timeline(ledger, spell_ms, episode.ended_ms, row.segments)


@compiled
def extend(
    ledger: Row, episode: Row, kind: int, spell_ms: int, length_ms: int, limit_ms: int, unsure: bool,
    fix: Row, context: Row, findings: Rows, count: Ints,
) -> None:  # fmt: skip
    """The moving fix is beyond the limit: the episode opens or goes on."""
    time_ms = fix.time_ms
    opens = episode.began_ms == 0
    if opens:
        clear(episode)
        episode.driver = ledger.driver
        episode.kind = kind
        episode.began_ms = time_ms
    episode.ended_ms = time_ms
    episode.at_ms = time_ms
    episode.at_lon_e7 = fix.lon_e7
    episode.at_lat_e7 = fix.lat_e7
    episode.peak = min(length_ms, MOST_MS)
    episode.limit = limit_ms
    if kind >= DAY:
        episode.severity = MINOR
    else:
        episode.severity = CRITICAL if 4 * length_ms >= 5 * limit_ms else MAJOR
    if unsure:
        episode.confidence = UNSURE
    if opens:
        tell(ledger, episode, spell_ms, findings, count, OPENED, context.index, context.slot, time_ms)
    elif episode.shown == SHOWN_CLOSED:
        tell(ledger, episode, spell_ms, findings, count, REVISED, context.index, context.slot, time_ms)
    elif update_due(episode, time_ms):
        tell(ledger, episode, spell_ms, findings, count, UPDATED, context.index, context.slot, time_ms)


@compiled
def close(
    ledger: Row, episode: Row, spell_ms: int, findings: Rows, count: Ints, context: Row, now_ms: int
) -> None:
    """The episode, if one is open, is proven ended; a tick may have closed it for the screen already, with the same content."""
    if episode.began_ms == 0:
        return
    if episode.shown == SHOWN_OPEN:
        tell(ledger, episode, spell_ms, findings, count, CLOSED, context.index, context.slot, now_ms)
    clear(episode)


@compiled
def end_night(ledger: Row, findings: Rows, count: Ints, context: Row, now_ms: int) -> None:
    """The night clock stops: its window or its spell is over."""
    close(ledger, ledger.night, ledger.begin_ms, findings, count, context, now_ms)
    ledger.night_until_ms = 0


@compiled
def end_spell(pages: Rows, page: Whole, findings: Rows, count: Ints, context: Row, now_ms: int) -> None:
    """The spell ended at its latest moving fix."""
    ledger = pages[page]
    close(ledger, ledger.continuous, ledger.begin_ms, findings, count, context, now_ms)
    end_night(ledger, findings, count, context, now_ms)
    push_spell(pages, page)


@compiled
def begin_spell(pages: Rows, page: Whole, time_ms: int) -> None:
    """A spell begins; the timeline goes on only while an episode that may span spells is open."""
    make_room(pages, page, time_ms)
    ledger = pages[page]
    if ledger.day.episode.began_ms == 0 and ledger.week.episode.began_ms == 0:
        ledger.segments = 0
    ledger.running = 1
    ledger.begin_ms = time_ms
    ledger.unsure = 0


@compiled
def come_back(
    pages: Rows, page: Whole, findings: Rows, count: Ints, context: Row, now_ms: int, params: Row
) -> None:
    """The driver is on the vehicle again: rested by time alone, or in the same spell with rest to be proven anew."""
    ledger = pages[page]
    if ledger.running and now_ms - ledger.latest_ms >= params.min_rest_ms:
        end_spell(pages, page, findings, count, context, now_ms)
        mark(ledger, ledger.latest_ms, REST)
    elif ledger.running:
        mark(ledger, ledger.last_ms, REST)
    ledger.away = 0
    ledger.stop = 0
    ledger.spoiled = 0
    ledger.last_ms = 0


@compiled
def found_again(ledger: Row, fix: Row, radius_m: float) -> bool:
    """Whether a vehicle heard of again after a silence is where it was, by position and odometer."""
    driven_m = np.int64(fix.odometer_m) - np.int64(ledger.odometer_m)
    if abs(driven_m) > ODOMETER_M and max(fix.odometer_m, ledger.odometer_m) != NO_U4:
        return False
    if ledger.stop:
        return within(ledger.centre_lon_e7, ledger.centre_lat_e7, fix.lon_e7, fix.lat_e7, radius_m)
    return within(ledger.latest_lon_e7, ledger.latest_lat_e7, fix.lon_e7, fix.lat_e7, radius_m)


@compiled
def at_stop(ledger: Row, fix: Row, moving: bool, radius_m: float) -> bool:
    """Whether a fix lies where the stop is: a lone still fix does, a moving one without any near the latest moving one."""
    if ledger.stop:
        return within(ledger.centre_lon_e7, ledger.centre_lat_e7, fix.lon_e7, fix.lat_e7, radius_m)
    return not moving or within(ledger.latest_lon_e7, ledger.latest_lat_e7, fix.lon_e7, fix.lat_e7, radius_m)


@compiled
def listen(
    pages: Rows, page: Whole, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> bool:
    """After a silence: whether it was driving; where the vehicle was standing, whether that proved a rest."""
    ledger, time_ms = pages[page], fix.time_ms
    if time_ms - ledger.last_ms > params.max_silence_ms:
        if ledger.running:
            end_spell(pages, page, findings, count, context, time_ms)
        mark(ledger, ledger.last_ms, SILENT)
        mark(ledger, time_ms, REST)
        ledger.stop = 0
        ledger.spoiled = 0
        return False
    if not found_again(ledger, fix, params.rest_radius_m):
        mark(ledger, ledger.last_ms, SILENT)
        return True
    if ledger.running and not ledger.spoiled and time_ms - ledger.latest_ms >= params.min_rest_ms:
        end_spell(pages, page, findings, count, context, time_ms)
        mark(ledger, ledger.latest_ms, REST)
    elif ledger.running:
        mark(ledger, ledger.last_ms, SILENT)
        mark(ledger, time_ms, STOPPED)
    return False


@compiled
def stand(ledger: Row, fix: Row, silent: bool, radius_m: float) -> None:
    """A still fix."""
    if ledger.stop == 0:
        ledger.stop = 1
        ledger.centre_lon_e7 = fix.lon_e7
        ledger.centre_lat_e7 = fix.lat_e7
        if ledger.running:
            mark(ledger, fix.time_ms if silent or ledger.last_ms == 0 else ledger.latest_ms, STOPPED)
    elif not within(ledger.centre_lon_e7, ledger.centre_lat_e7, fix.lon_e7, fix.lat_e7, radius_m):
        ledger.spoiled = 1


@compiled
def go(pages: Rows, page: Whole, fix: Row, silent: bool) -> None:
    """A moving fix."""
    ledger = pages[page]
    if ledger.running == 0:
        begin_spell(pages, page, fix.time_ms)
        mark(ledger, fix.time_ms, DRIVING)
    elif ledger.stop or silent or ledger.last_ms == 0:
        mark(ledger, fix.time_ms, DRIVING)
    ledger.latest_ms = fix.time_ms
    ledger.latest_lon_e7 = fix.lon_e7
    ledger.latest_lat_e7 = fix.lat_e7
    ledger.stop = 0
    ledger.spoiled = 0


@compiled
def watch_night(ledger: Row, fix: Row, context: Row, params: Row, findings: Rows, count: Ints) -> None:
    """The night clock at a moving fix. It starts inside the window, for any class, and its end is fixed then."""
    if ledger.night_until_ms == 0:
        if not inside_hours(context.local_ms, params.night_from_ms, params.night_to_ms):
            return
        ledger.night_begin_ms = fix.time_ms
        left_ms = np.int64(params.night_to_ms) - np.int64(context.local_ms)
        ledger.night_until_ms = fix.time_ms + (left_ms if left_ms > 0 else left_ms + DAY_MS)
    episode, length_ms = ledger.night, fix.time_ms - ledger.night_begin_ms
    if episode.began_ms != 0 or (length_ms > params.night_ms and NIGHT_CLASSES[context.vehicle_class]):
        extend(
            ledger, episode, NIGHT, ledger.begin_ms, length_ms, params.night_ms, ledger.unsure,
            fix, context, findings, count,
        )  # fmt: skip


@compiled
def watch_spell(ledger: Row, fix: Row, context: Row, params: Row, findings: Rows, count: Ints) -> None:
    """The spell's length at a moving fix."""
    episode, length_ms = ledger.continuous, fix.time_ms - ledger.begin_ms
    if length_ms > params.continuous_ms or episode.began_ms != 0:
        extend(
            ledger, episode, CONTINUOUS, ledger.begin_ms, length_ms, params.continuous_ms, ledger.unsure,
            fix, context, findings, count,
        )  # fmt: skip


@inlined
def running_ms(ledger: Row, from_ms: int) -> int:
    """How much of the running spell lies in a window."""
    if ledger.running:
        return int(max(ledger.latest_ms - max(ledger.begin_ms, from_ms), 0))
    return 0


@compiled
def watch(
    pages: Rows, page: Whole, window: Row, span_ms: int, kind: int, limit_ms: int, moving: bool,
    named: bool, fix: Row, context: Row, findings: Rows, count: Ints,
) -> None:  # fmt: skip
    """A rolling window at a fix of the vehicle; `named`: the kind is for its class."""
    ledger, episode = pages[page], window.episode
    if episode.began_ms == 0:
        if not (moving and named) or window.sum_ms + fix.time_ms - ledger.begin_ms <= limit_ms:
            return
        window.spell_ms = ledger.begin_ms
    from_ms = fix.time_ms - span_ms
    window.head, window.sum_ms, finished_ms = window_of(pages, page, window, from_ms)
    length_ms = finished_ms + running_ms(ledger, from_ms)
    if length_ms <= limit_ms:
        close(ledger, episode, window.spell_ms, findings, count, context, fix.time_ms)
    elif moving:
        unsure = ledger.unsure_ms > from_ms or (ledger.unsure and running_ms(ledger, from_ms) > 0)
        extend(
            ledger, episode, kind, window.spell_ms, length_ms, limit_ms, unsure, fix, context, findings, count
        )


@compiled
def watch_rolling(
    pages: Rows, page: Whole, moving: bool, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> None:
    """Both rolling windows at a fix."""
    ledger, place = pages[page], context.vehicle_class
    watch(
        pages, page, ledger.day, DAY_MS, DAY, params.day_ms, moving, DAY_CLASSES[place],
        fix, context, findings, count,
    )  # fmt: skip
    watch(
        pages, page, ledger.week, WEEK_MS, WEEK, params.week_ms, moving, WEEK_CLASSES[place],
        fix, context, findings, count,
    )  # fmt: skip


@compiled
def rest_due(ledger: Row, fix: Row, moving: bool, params: Row) -> bool:
    """Whether this fix, heard without a silence before it, completes a proven rest."""
    if ledger.running == 0 or ledger.spoiled or fix.time_ms - ledger.latest_ms < params.min_rest_ms:
        return False
    return at_stop(ledger, fix, moving, params.rest_radius_m)


@compiled
def drive(
    pages: Rows, page: Whole, moving: bool, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> None:
    """A fix of the driver on the vehicle."""
    ledger, time_ms = pages[page], fix.time_ms
    if ledger.away:
        come_back(pages, page, findings, count, context, time_ms, params)
    gap_ms = time_ms - ledger.last_ms if ledger.last_ms != 0 else 0
    silent, driven = gap_ms > params.max_gap_ms or gap_ms > params.max_silence_ms, False
    if silent:
        driven = listen(pages, page, fix, context, params, findings, count)
    elif rest_due(ledger, fix, moving, params):
        end_spell(pages, page, findings, count, context, time_ms)
        mark(ledger, ledger.latest_ms, REST)
    if ledger.night_until_ms != 0 and time_ms >= ledger.night_until_ms:
        end_night(ledger, findings, count, context, time_ms)
    if moving or driven:
        go(pages, page, fix, silent)
        if driven:
            ledger.unsure = 1
        watch_spell(ledger, fix, context, params, findings, count)
        watch_night(ledger, fix, context, params, findings, count)
    else:
        stand(ledger, fix, silent, params.rest_radius_m)
    watch_rolling(pages, page, moving or driven, fix, context, params, findings, count)
    ledger.last_ms = time_ms
    ledger.odometer_m = fix.odometer_m


@compiled
def settle(
    pages: Rows, page: Whole, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> None:
    """What a fix under another driver proves of a driver who left: rested by time alone, night and windows over."""
    ledger, time_ms = pages[page], fix.time_ms
    if ledger.running and time_ms - ledger.latest_ms >= params.min_rest_ms:
        end_spell(pages, page, findings, count, context, time_ms)
        mark(ledger, ledger.latest_ms, REST)
    if ledger.night_until_ms != 0 and time_ms >= ledger.night_until_ms:
        end_night(ledger, findings, count, context, time_ms)
    watch_rolling(pages, page, False, fix, context, params, findings, count)


@compiled
def wake(state: Row, pages: Rows, fix: Row, context: Row, params: Row, findings: Rows, count: Ints) -> None:
    """See to the ledgers of drivers who left; one in which nothing is going on and nothing of the last week stands is released."""
    first = count[0]
    state.wake_ms = FOR_EVER_MS
    before, page = np.int64(0), np.int64(state.page)
    while page != 0:
        last = np.int64(last_of(pages, page))
        following = np.int64(pages[last].next)
        if pages[page].driver != state.driver:
            if count[0] - first >= CLOSED_AT_ONCE:
                state.wake_ms = fix.time_ms
                return
            settle(pages, page, fix, context, params, findings, count)
            if not idle(pages[page]):
                state.wake_ms = fix.time_ms
            elif spells_until_ms(pages, page) <= fix.time_ms:
                release(state, pages, before, page)
                page = following
                continue
            else:
                state.wake_ms = min(state.wake_ms, spells_until_ms(pages, page))
        before, page = last, following


@compiled
def change_driver(state: Row, pages: Rows, driver: int) -> None:
    """Another card, or none: the driver before is away from here on; the new one's ledger comes first."""
    if state.page != 0:
        pages[state.page].away = 1
    state.wake_ms = 0
    state.driver = driver
    if not bring(state, pages, driver):
        open_ledger(state, pages, driver)


@compiled
def step(
    state: Row, pages: Rows, tables: Tables, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> None:
    """One fix."""
    if context.use & USE_SPEED == 0:
        return
    if context.driver != state.driver or state.page == 0:
        change_driver(state, pages, context.driver)
    if context.speed >= params.moving:
        state.moving = 1
    elif context.speed <= params.still:
        state.moving = 0
    if fix.time_ms >= state.wake_ms:
        wake(state, pages, fix, context, params, findings, count)
    drive(pages, np.int64(state.page), state.moving != 0, fix, context, params, findings, count)


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
def show(
    ledger: Row, episode: Row, spell_ms: int, over: bool, final: bool, findings: Rows, count: Ints,
    slot: int, now_ms: int,
) -> None:  # fmt: skip
    """One episode at a sweep; `over`: a tick may close it for the screen."""
    if episode.began_ms == 0:
        return
    if final:
        tell(ledger, episode, spell_ms, findings, count, CURRENT, -1, slot, now_ms)
    elif over and episode.shown == SHOWN_OPEN:
        tell(ledger, episode, spell_ms, findings, count, CLOSED, -1, slot, now_ms)


@compiled
def below(pages: Rows, page: Whole, window: Row, from_ms: int, limit_ms: int) -> bool:
    """Whether a rolling window that begins at `from_ms` is not above its limit when nothing is driven any more."""
    _, _, finished_ms = window_of(pages, page, window, from_ms)
    return finished_ms + running_ms(pages[page], from_ms) <= limit_ms


@compiled
def sweep_ledger(
    state: Row, pages: Rows, page: Whole, params: Row, now_ms: int, final: bool, findings: Rows,
    count: Ints, slot: int,
) -> None:  # fmt: skip
    """The episodes of one ledger. While a vehicle is merely silent it may have been driven: only `max_silence_s` ends that doubt."""
    ledger = pages[page]
    if ledger.driver == state.driver:
        gone = now_ms - ledger.last_ms > params.max_silence_ms
    else:
        gone = now_ms - ledger.latest_ms >= params.min_rest_ms
    night_over = gone or now_ms >= ledger.night_until_ms
    show(ledger, ledger.continuous, ledger.begin_ms, gone, final, findings, count, slot, now_ms)
    show(ledger, ledger.night, ledger.begin_ms, night_over, final, findings, count, slot, now_ms)
    quiet = gone or not ledger.running
    over = quiet and not final and below(pages, page, ledger.day, now_ms - DAY_MS, params.day_ms)
    show(ledger, ledger.day.episode, ledger.day.spell_ms, over, final, findings, count, slot, now_ms)
    over = quiet and not final and below(pages, page, ledger.week, now_ms - WEEK_MS, params.week_ms)
    show(ledger, ledger.week.episode, ledger.week.spell_ms, over, final, findings, count, slot, now_ms)


@compiled
def sweep(
    state: Rows, pages: Rows, tables: Tables, params: Rows, now_ms: int, final: bool, findings: Rows,
    count: Ints, start: int,
) -> int:  # fmt: skip
    """See `rule.Sweep`."""
    last = params[len(params) - 1]
    for slot in range(start, len(state)):
        row = state[slot]
        ledgers, page = 0, np.int64(row.page)
        while page != 0:
            ledgers += 1 if pages[page].role == LEDGER else 0
            page = np.int64(pages[page].next)
        if count[0] > 0 and count[0] + 4 * ledgers > len(findings):
            return slot
        page = np.int64(row.page)
        while page != 0 and count[0] + 4 <= len(findings):
            if pages[page].role == LEDGER:
                sweep_ledger(row, pages, page, last, now_ms, final, findings, count, slot)
            page = np.int64(pages[page].next)
    return len(state)


def start(rows: np.ndarray) -> None:
    """Fresh rows."""
    rows["wake_ms"] = FOR_EVER_MS


def tables(config: Config) -> tuple[int]:
    """Nothing beside the context."""
    del config
    return (0,)


def describe(finding: np.void, names: Names) -> Described:
    """The finding in words."""
    kind = int(finding["kind"])
    length_ms, limit_ms = int(finding["length_ms"]), int(finding["limit"])
    driver = names.driver_code(int(finding["subject"])) if int(finding["subject"]) else None
    why = {
        "spell_began": iso(int(finding["spell_began_ms"])),
        "basis": BASIS[kind],
        "timeline": timeline(
            finding["segments"][: int(finding["segment_count"])].tolist(), int(finding["ended_ms"])
        ),
    }
    zh = f"驾驶员 {driver or '未识别'} {PHRASES[kind][0]} {spoken_zh(length_ms)}, 限 {spoken_zh(limit_ms)}"
    en = f"Driver {driver or 'unknown'}: {spoken_en(length_ms)} {PHRASES[kind][1]}, limit {spoken_en(limit_ms)}"
    return Described(
        driver or "",
        KINDS[kind],
        KINDS[kind],
        seconds(limit_ms),
        seconds(length_ms),
        "s",
        why,
        Sentence(zh=zh, en=en),
    )


PHRASES = (
    ("连续驾驶", "of driving without a rest"),
    ("夜间连续驾驶", "of night driving without a rest"),
    ("24 小时内累计驾驶", "of driving within 24 hours"),
    ("7 日内累计驾驶", "of driving within seven days"),
)


def timeline(segments: list[int], ended_ms: int) -> list[dict[str, str]]:
    """Segments as others read them."""
    edges = [*(segment >> 2 for segment in segments), ended_ms]
    return [
        {"state": SEGMENT_STATES[segment & 3], "from": iso(segment >> 2), "to": iso(end_ms)}
        for segment, end_ms in zip(segments, edges[1:], strict=True)
    ]


def seconds(duration_ms: int) -> float:
    """Milliseconds as seconds, whole ones without a fraction."""
    return duration_ms // 1000 if duration_ms % 1000 == 0 else duration_ms / 1000


def spoken_zh(duration_ms: int) -> str:
    """How long, in Chinese."""
    hours, minutes = divmod(duration_ms // 60_000, 60)
    return (
        f"{hours} 小时 {minutes} 分" if hours and minutes else f"{hours} 小时" if hours else f"{minutes} 分"
    )


def spoken_en(duration_ms: int) -> str:
    """How long, in English."""
    hours, minutes = divmod(duration_ms // 60_000, 60)
    return f"{hours} h {minutes} min" if hours and minutes else f"{hours} h" if hours else f"{minutes} min"


RULE = Rule(
    name="fatigue",
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
