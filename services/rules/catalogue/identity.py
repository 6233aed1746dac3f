"""One plate in two places (套牌).

What it flags
    A vehicle whose reports jump to and fro between two places, faster than anything drives: two terminals report in turn under one number.

Legal basis
    道路交通安全法 art. 96 (forged and borrowed plates); 道路运输车辆动态监督管理办法 art. 26: data true.

Opens, escalates, closes
    A jump is two neighbouring fixes more than `jump_m` apart at more than `jump_kmh`. A return ends within `near_m` of where the jump before set out, at most
    `window_s` after that jump. The `min_returns`-th return of a chain, no two more than `window_s` apart, opens; the first fix more than `window_s` after
    the last return closes. Always major.

Ignores
    Fixes that are not fixed. One or two glitches of a receiver, which are no second vehicle.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Ints, Row, Rows, Tables, compiled, inlined
from services.contracts.alert import Sentence
from services.contracts.fix import Fixes
from services.contracts.registry import Config
from services.rules.durations import seconds
from services.rules.finding import (
    CLOSED,
    CURRENT,
    EPISODE,
    FINDING_BASE,
    NO_BAND,
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
from services.rules.parameters import milliseconds
from services.rules.records import PAGE_HEAD, USE_POSITION
from services.rules.rule import Described, Names, Parameter, Rule
from services.rules.run_rules import ENABLED

KINDS = ("two_places",)
MAJOR = 2
BASIS = "道路交通安全法 art. 96"
PARAMETERS = (
    ENABLED,
    Parameter("jump_m", 2000, "number", "m", 1, 1_000_000, "design", "neighbours farther apart may be a jump"),
    Parameter("jump_kmh", 300, "number", "km/h", 1, 100_000, "design: faster than any road vehicle", "and are one when that asks for more than this speed"),
    Parameter("near_m", 2000, "number", "m", 1, 1_000_000, "design", "a return ends so near to where the jump before set out"),
    Parameter("window_s", 600, "number", "s", 1, 86_400, "design", "returns so near in time are of one chain"),
    Parameter("min_returns", 6, "integer", "", 1, 1000, "design: a second terminal, no glitch", "so many returns open"),
)  # fmt: skip
PARAMS = np.dtype(
    [("jump_m", "f8"), ("jump_kmh", "f8"), ("near_m", "f8"), ("window_ms", "i8"), ("min_returns", "i8"), ("enabled", "u1")], align=True
)  # fmt: skip
STATE = np.dtype(
    [
        ("last_ms", "i8"),  # the newest fixed fix; 0 none
        ("jump_ms", "i8"),  # moment of the newest jump's g; 0 none
        ("return_ms", "i8"),  # of the newest return of the chain; 0 none
        ("lon_e7", "i4"),
        ("lat_e7", "i4"),
        ("from_lon_e7", "i4"),  # f of the newest jump
        ("from_lat_e7", "i4"),
        ("returns", "i4"),  # of the chain
        ("running", "u1"),
        ("room", "u1"),
        ("places", "i4", (4,)),  # f and g of the last return
        ("episode", EPISODE),
    ],
    align=True,
)
FINDING = np.dtype([*FINDING_BASE, ("places", "i4", (4,))], align=True)
PAGE = np.dtype(PAGE_HEAD)
FINDINGS_PER_STEP = 2


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    for name in ("jump_m", "jump_kmh", "near_m", "min_returns", "enabled"):
        row[name] = values[name]
    row["window_ms"] = milliseconds(values["window_s"])


@compiled
def tell(
    state: Row, findings: Rows, count: Ints, transition: int, index: int, slot: int, now_ms: int
) -> None:
    """Emit a transition with the two places."""
    row = emit(findings, count, transition, index, slot, 0, now_ms, state.episode)
    for part in range(4):
        row.places[part] = state.places[part]


@compiled
def over(state: Row, findings: Rows, count: Ints, index: int, slot: int, now_ms: int) -> None:
    """The chain is over, and with it what runs; a tick may have closed it for the screen already."""
    if state.running and state.episode.shown == SHOWN_OPEN:
        tell(state, findings, count, CLOSED, index, slot, now_ms)
    clear(state.episode)
    state.running = 0
    state.returns = 0
    state.return_ms = 0


@compiled
def comes_back(state: Row, fix: Row, context: Row, param: Row, findings: Rows, count: Ints) -> None:
    """A return."""
    episode = state.episode
    if state.returns == 0:
        clear(episode)
        episode.driver = context.driver
        episode.began_ms = fix.time_ms
        episode.at_ms = fix.time_ms
        episode.at_lon_e7 = fix.lon_e7
        episode.at_lat_e7 = fix.lat_e7
        episode.severity = MAJOR
        episode.confidence = 100
    state.returns += 1
    state.return_ms = fix.time_ms
    state.places[0] = state.lon_e7
    state.places[1] = state.lat_e7
    state.places[2] = fix.lon_e7
    state.places[3] = fix.lat_e7
    episode.ended_ms = fix.time_ms
    episode.untold = 1
    episode.peak = state.returns
    episode.limit = param.min_returns
    if not state.running:
        if state.returns >= param.min_returns:
            state.running = 1
            tell(state, findings, count, OPENED, context.index, context.slot, fix.time_ms)
    elif episode.shown == SHOWN_CLOSED:
        tell(state, findings, count, REVISED, context.index, context.slot, fix.time_ms)
    elif update_due(episode, fix.time_ms):
        tell(state, findings, count, UPDATED, context.index, context.slot, fix.time_ms)


@inlined
def step(state: Row, fix: Row, context: Row, param: Row, findings: Rows, count: Ints) -> None:
    """One fix that takes part."""
    if state.returns != 0 and fix.time_ms - state.return_ms > param.window_ms:
        over(state, findings, count, context.index, context.slot, fix.time_ms)
    if state.last_ms != 0 and param.enabled:
        apart_m = distance_m(state.lon_e7, state.lat_e7, fix.lon_e7, fix.lat_e7)
        # metres in milliseconds, as km/h: x 3600
        if apart_m > param.jump_m and apart_m * 3600.0 > param.jump_kmh * (fix.time_ms - state.last_ms):
            soon = state.jump_ms != 0 and fix.time_ms - state.jump_ms <= param.window_ms
            if (
                soon
                and distance_m(state.from_lon_e7, state.from_lat_e7, fix.lon_e7, fix.lat_e7) <= param.near_m
            ):
                comes_back(state, fix, context, param, findings, count)
            state.jump_ms = fix.time_ms
            state.from_lon_e7 = state.lon_e7
            state.from_lat_e7 = state.lat_e7
    state.last_ms = fix.time_ms
    state.lon_e7 = fix.lon_e7
    state.lat_e7 = fix.lat_e7


@compiled
def run(
    state: Rows, pages: Rows, tables: Tables, fixes: Fixes, context: Rows, params: Rows, findings: Rows,
    count: Ints, start: int,
) -> int:  # fmt: skip
    """`step` over `fixes[start:]`; see `rule.Kernel`."""
    for i in range(start, len(fixes)):
        if count[0] + FINDINGS_PER_STEP > len(findings):
            return i
        row = context[i]
        if row.use & USE_POSITION:
            step(state[row.slot], fixes[i], row, params[row.period], findings, count)
    return len(fixes)


@compiled
def sweep(
    state: Rows, pages: Rows, tables: Tables, params: Rows, now_ms: int, final: bool, findings: Rows,
    count: Ints, start: int,
) -> int:  # fmt: skip
    """See `rule.Sweep`."""
    for slot in range(start, len(state)):
        if count[0] + FINDINGS_PER_STEP > len(findings):
            return slot
        own = state[slot]
        if not own.running:
            continue
        if final:
            tell(own, findings, count, CURRENT, -1, slot, now_ms)
        elif own.episode.shown == SHOWN_OPEN and now_ms - own.return_ms > params[0].window_ms:
            tell(own, findings, count, CLOSED, -1, slot, now_ms)
        elif update_overdue(own.episode, now_ms):
            tell(own, findings, count, UPDATED, -1, slot, now_ms)
    return len(state)


def start(rows: np.ndarray) -> None:
    """Fresh rows."""
    rows["episode"]["band"] = NO_BAND


def tables(_config: Config, _map: Any) -> tuple[int]:
    """Nothing beside the context."""
    return (0,)


def describe(finding: np.void, _names: Names) -> Described:
    """The finding in words."""
    returns = int(finding["peak"])
    places = [place / 1e7 for place in finding["places"].tolist()]
    why = {
        "places": [places[:2], places[2:]],
        "duration_s": seconds(int(finding["ended_ms"]) - int(finding["began_ms"])),
        "basis": BASIS,
    }
    zh = f"同一号牌在两地来回 {returns} 次, 疑似套牌"
    en = f"One plate back and forth between two places {returns} times: two vehicles may carry it"
    return Described(
        "", KINDS[0], KINDS[0], int(finding["limit"]), returns, "count", why, Sentence(zh=zh, en=en)
    )


RULE = Rule(
    name="identity", parameters=PARAMETERS, params_dtype=PARAMS, pack=pack, state_dtype=STATE, finding_dtype=FINDING, page_dtype=PAGE,
    pages_per_step=0, findings_per_step=FINDINGS_PER_STEP, start=start, tables=tables, run=run, sweep=sweep, describe=describe,
)  # fmt: skip
