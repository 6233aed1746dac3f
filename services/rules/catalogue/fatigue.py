"""Fatigue.

What it flags
    A driver who drives longer than the law allows: without a rest, without a rest at night, within 24 hours, within seven days.

Legal basis
    道路交通安全法实施条例 art. 62(7); 道路运输条例 art. 28; GA/T 2372-2026; 道路运输车辆动态监督管理办法 (passenger transport);
    道路旅客运输企业安全管理规范 art. 38 (44 hours in seven days).

Opens, escalates, closes
    One ledger per vehicle and driver. A spell runs from its first moving fix to its latest; a stop that is no rest counts as driving. Moving is
    a speed of `surely_kmh`, a slower one of a vehicle that leaves its place, and a place left at whatever speed. A spell longer than its limit opens, and rises to critical at 1.25 times the limit. It closes with the spell: at a proven rest of
    `min_rest_s`, at a silence that leaves room for one, at one longer than `max_silence_s`, or when the driver has been off the vehicle so long. At night a clock of its
    own runs, and ends with the window. The rolling windows add up all spells; they close at the first fix at which they are not above.

Ignores
    Fixes that are not fixed, of a frozen position, or of implausible speed, but for the driver's card, which is read from every fix. Ignition
    and the terminal's own alarm: the law asks for a stop and a rest, not for a key.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Ints, Row, Rows, Tables, Whole, compiled, inlined
from services.contracts.alert import Sentence, iso
from services.contracts.fix import Fixes
from services.contracts.registry import Config
from services.rules.driving.ledger import (
    DAY_MS,
    LEDGER,
    PAGE,
    WEEK_MS,
    bring,
    idle,
    last_of,
    open_ledger,
    release,
    spells_until_ms,
)
from services.rules.driving.night import end_night, watch_night
from services.rules.driving.overtime import KINDS, show
from services.rules.driving.rolling import below, watch_rolling
from services.rules.driving.silence import listen
from services.rules.driving.spells import come_back, end_spell, go, watch_spell
from services.rules.driving.stops import rest_due, settle_stray, stand
from services.rules.driving.switch import SWITCH_FIELDS, remember, turn
from services.rules.driving.timeline import REST, SEGMENTS, mark, timeline
from services.rules.durations import hours_en, hours_zh, seconds
from services.rules.finding import FINDING_BASE
from services.rules.parameters import milliseconds, tenths, window_ms
from services.rules.records import USE_DRIVING
from services.rules.rule import Described, Names, Parameter, Rule

PARAMETERS = (
    Parameter("moving_kmh", 5, "number", "km/h", 0, 50, "terminal accuracy 7.2 km/h, JT/T 794", "moving from this speed on, away from the standing place"),
    Parameter("still_kmh", 3, "number", "km/h", 0, 50, "terminal accuracy 7.2 km/h, JT/T 794", "still at this speed or less"),
    Parameter("surely_kmh", 20, "number", "km/h", 0, 300, "terminal accuracy 7.2 km/h, JT/T 794, nearly thrice", "moving from this speed on, wherever"),
    Parameter("leave_m", 50, "number", "m", 0, 10_000, "terminal accuracy 15 m, JT/T 794, thrice", "farther than this a place is left"),
    Parameter("stay_s", 120, "number", "s", 0, 86_400, "design", "after so long in one place only surely_kmh is moving"),
    Parameter("displaced_m", 500, "number", "m", 1, 100_000, "design: as rest_radius_m", "farther than this from where it stood it has been driven"),
    Parameter("min_rest_s", 1200, "number", "s", 1, 86_400, "实施条例 art. 62(7)", "so long a stop is a rest"),
    Parameter("max_gap_s", 1200, "number", "s", 1, 86_400, "design", "a longer silence proves nothing by itself"),
    Parameter("rest_radius_m", 500, "number", "m", 1, 10_000, "design", "within it the vehicle has not moved"),
    Parameter("stray_s", 300, "number", "s", 0, 86_400, "design", "one place farther off spoils nothing if so soon undone"),
    Parameter("max_silence_s", 3600, "number", "s", 1, 604_800, "design", "a longer silence ends the spell where it stood"),
    Parameter("silent_drive_kmh", 80, "number", "km/h", 1, 300, "危货办法 art. 46: what the slowest class may drive on expressways", "pace at which the way over a silence is reckoned"),
    Parameter("continuous_s", 14_400, "number", "s", 1, 604_800, "实施条例 art. 62(7)", "longest spell"),
    Parameter("night_window", "22:00-06:00", "window", "", 0, 24, "GA/T 2372-2026", "local hours that are night"),
    Parameter("night_continuous_s", 7200, "number", "s", 1, 604_800, "GA/T 2372-2026", "longest spell at night"),
    Parameter("rolling_24h_s", 28_800, "number", "s", 1, 86_400, "动态监督办法; GA/T 2372-2026", "most driving in 24 hours"),
    Parameter("rolling_7d_s", 158_400, "number", "s", 1, 604_800, "客运规范 art. 38", "most driving in seven days"),
)  # fmt: skip
PARAMS = np.dtype(
    [
        ("moving", "u2"),
        ("still", "u2"),
        ("surely", "u2"),
        ("leave_m", "f8"),
        ("displaced_m", "f8"),
        ("silent_drive_kmh", "f8"),
        ("stay_ms", "i8"),
        ("stray_ms", "i8"),
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

BASIS = ("实施条例 art. 62(7)", "GA/T 2372-2026", "动态监督办法; GA/T 2372-2026", "客运规范 art. 38")


FOR_EVER_MS = 1 << 62

STATE = np.dtype(
    [
        ("page", "i4"),  # ledgers, that of the driver last seen first
        ("driver", "i4"),  # driver on the vehicle
        ("wake_ms", "i8"),  # from then on a ledger of a driver who left may have something to close
        *SWITCH_FIELDS,
    ],
    align=True,
)
FINDING = np.dtype(
    [
        *FINDING_BASE,
        ("length_ms", "i8"),
        ("spell_began_ms", "i8"),
        ("segment_count", "i8"),
        ("segments", "i8", (SEGMENTS,)),  # begin << 2 | place in timeline.STATES
    ],
    align=True,
)
PAGES_PER_STEP = 2
CLOSED_AT_ONCE = 32
"""So many episodes of drivers who left are closed at one fix, others at the next; only a made-up roster has more."""
FINDINGS_PER_STEP = CLOSED_AT_ONCE + 4 + 10


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    for name in ("moving", "still", "surely"):
        row[name] = tenths(values[f"{name}_kmh"])
    row["night_from_ms"], row["night_to_ms"] = window_ms(values["night_window"])
    for name in ("rest_radius_m", "leave_m", "displaced_m", "silent_drive_kmh"):
        row[name] = values[name]
    for name in ("min_rest", "max_gap", "max_silence", "continuous", "stay", "stray"):
        row[f"{name}_ms"] = milliseconds(values[f"{name}_s"])
    row["night_ms"] = milliseconds(values["night_continuous_s"])
    row["day_ms"] = milliseconds(values["rolling_24h_s"])
    row["week_ms"] = milliseconds(values["rolling_7d_s"])


@inlined
def drive(
    state: Row, pages: Rows, page: Whole, displaced: bool, fix: Row, context: Row, params: Row, findings: Rows,
    count: Ints,
) -> None:  # fmt: skip
    """A fix of the driver on the vehicle; a displaced one moves though the switch is off."""
    ledger, time_ms, moving = pages[page], fix.time_ms, state.moving != 0 or displaced
    if ledger.away:
        come_back(pages, page, findings, count, context, time_ms, params)
    settle_stray(ledger, fix, params)
    gap_ms = time_ms - ledger.last_ms if ledger.last_ms != 0 else 0
    silent, driven = gap_ms > params.max_gap_ms or gap_ms > params.max_silence_ms, False
    if silent:
        driven = listen(state, pages, page, fix, context, params, findings, count)
    elif rest_due(ledger, fix, moving, params):
        end_spell(pages, page, findings, count, context, time_ms)
        mark(ledger, ledger.latest_ms, REST)
    if ledger.night_until_ms != 0 and time_ms >= ledger.night_until_ms:
        end_night(ledger, findings, count, context, time_ms)
    if moving or driven:
        go(pages, page, fix, silent)
        if state.moving != 0:
            ledger.on_ms = time_ms
        if driven or (displaced and time_ms - ledger.on_ms >= params.min_rest_ms):
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


@inlined
def step(
    state: Row, pages: Rows, tables: Tables, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> None:
    """One fix."""
    if context.use & USE_DRIVING == 0:
        return
    if context.driver != state.driver or state.page == 0:
        change_driver(state, pages, context.driver)
    displaced = turn(state, fix, context.speed, params)
    if fix.time_ms >= state.wake_ms:
        wake(state, pages, fix, context, params, findings, count)
    drive(state, pages, np.int64(state.page), displaced, fix, context, params, findings, count)
    remember(state, fix)


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
    now = params[0]
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
                sweep_ledger(row, pages, page, now, now_ms, final, findings, count, slot)
            page = np.int64(pages[page].next)
    return len(state)


def start(rows: np.ndarray) -> None:
    """Fresh rows."""
    rows["wake_ms"] = FOR_EVER_MS


def tables(config: Config, drawn: object) -> tuple[int]:
    """Nothing beside the context."""
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
    zh = f"驾驶员 {driver or '未识别'} {PHRASES[kind][0]} {hours_zh(length_ms)}, 限 {hours_zh(limit_ms)}"
    en = f"Driver {driver or 'unknown'}: {hours_en(length_ms)} {PHRASES[kind][1]}, limit {hours_en(limit_ms)}"
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
