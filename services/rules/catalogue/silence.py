"""Silence.

What it flags
    A vehicle whose reports stopped: while it was moving, with its power cut, or to be heard again somewhere else.

Legal basis
    道路运输车辆动态监督管理办法 art. 26 (terminals work and are online), art. 37 and 38 (shutting off, destroying or disturbing them); 道路运输安全 R5: dropped trajectories.

Opens, escalates, closes
    Two neighbouring reports more than `silence_s` apart, the first of which says power_lost, or tells a speed of at least `moving_kmh`, or which lie more than
    `moved_m` apart: the first that holds. While the silence lasts the clock alone opens it and raises its severity with its length; the next report ends it.

Ignores
    Silence in a `dead_zone` or a tunnel up to `excused_s`. A parked vehicle that cuts its main switch and is found where it was.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from services.compiled import Ints, Row, Rows, Tables, compiled, inlined
from services.contracts.alert import Sentence
from services.contracts.fix import ALARM_BITS, NO_U2, STATUS_ACC, STATUS_ACC_KNOWN, Fixes
from services.contracts.reasons import NOT_FIXED
from services.contracts.registry import Config
from services.rules.durations import minutes_en, minutes_zh, seconds
from services.rules.finding import (
    CLOSED,
    CURRENT,
    EPISODE,
    FINDING_BASE,
    NO_BAND,
    OPENED,
    SHOWN_OPEN,
    UPDATED,
    WITHDRAWN,
    clear,
    emit,
)
from services.rules.geometry import distance_m
from services.rules.parameters import milliseconds, tenths
from services.rules.records import NO_ROAD, PAGE_HEAD, USE_SPEED
from services.rules.rule import Described, Names, Parameter, Rule
from services.rules.run_rules import ENABLED
from services.rules.zones import ZoneTables, build_zones, inside_any

POWER_LOST, MOVING, MOVED = range(3)
KINDS = ("power_lost", "moving", "moved")
INFO, MINOR, MAJOR = range(3)
MINOR_FROM_MS, MAJOR_FROM_MS = 1_800_000, 7_200_000
POWER = ALARM_BITS["power_lost"]
LONGEST_MS = 0x7FFF_FFFF
BASIS = "动态监督办法 arts 26, 37, 38"
PARAMETERS = (
    ENABLED,
    Parameter("silence_s", 600, "number", "s", 1, 604_800, "R5", "a longer gap between two reports is a silence"),
    Parameter("moving_kmh", 20, "number", "km/h", 0, 300, "design", "the vehicle drove when it fell silent, from this speed on"),
    Parameter("moved_m", 5000, "number", "m", 1, 1_000_000, "design: a terminal takes minutes to wake", "found so far away it has moved"),
    Parameter("far_m", 20_000, "number", "m", 1, 10_000_000, "design", "moved so far is graver"),
    Parameter("excused_s", 3600, "number", "s", 0, 604_800, "design", "so long a silence is excused in dead zones and tunnels"),
)  # fmt: skip
PARAMS = np.dtype(
    [("silence_ms", "i8"), ("excused_ms", "i8"), ("moved_m", "f8"), ("far_m", "f8"), ("moving", "i4"), ("enabled", "u1")], align=True
)  # fmt: skip

FIXED, POWERLESS, ENGINE_OFF, TUNNEL = 1, 2, 4, 8
STATE = np.dtype(
    [
        ("last_ms", "i8"),  # the newest report; 0 none
        ("lon_e7", "i4"),
        ("lat_e7", "i4"),
        ("place_lon_e7", "i4"),  # of the newest fixed fix
        ("place_lat_e7", "i4"),
        ("driver", "i4"),
        ("speed", "i4"),  # -1 none
        ("said", "u1"),  # FIXED | POWERLESS | ENGINE_OFF | TUNNEL
        ("vehicle_class", "u1"),
        ("episode", EPISODE),  # opened by a tick
    ],
    align=True,
)
FINDING = np.dtype([*FINDING_BASE, ("moved_m", "f8")], align=True)
"""`moved_m`: below 0 unknown."""
PAGE = np.dtype(PAGE_HEAD)
FINDINGS_PER_STEP = 2


class SilenceTables(NamedTuple):
    """What silence reads beside the context."""

    dead_zones: ZoneTables
    tunnel: np.ndarray  # bool by road


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    row["silence_ms"], row["excused_ms"] = (
        milliseconds(values["silence_s"]),
        milliseconds(values["excused_s"]),
    )
    row["moved_m"], row["far_m"] = values["moved_m"], values["far_m"]
    row["moving"], row["enabled"] = tenths(values["moving_kmh"]), values["enabled"]


@compiled
def severity(kind: int, gap_ms: int, moved_m: float, param: Row) -> int:
    """How grave a silence is."""
    if kind == POWER_LOST:
        return MAJOR
    if kind == MOVED:
        return MAJOR if moved_m >= param.far_m else MINOR
    if gap_ms < MINOR_FROM_MS:
        return INFO
    return MINOR if gap_ms < MAJOR_FROM_MS else MAJOR


@compiled
def excused(state: Row, tables: Tables, gap_ms: int, param: Row) -> bool:
    """Whether where the vehicle fell silent explains that it did."""
    if gap_ms > param.excused_ms or state.said & FIXED == 0:
        return False
    if state.said & TUNNEL:
        return True
    return bool(inside_any(tables.dead_zones, state.lon_e7, state.lat_e7, state.vehicle_class, state.last_ms))


@compiled
def kind_of(state: Row, tables: Tables, gap_ms: int, moved_m: float, param: Row) -> int:
    """Which kind of silence a gap is; -1 none. `moved_m` below 0: it is not known yet, or never."""
    moving = state.speed >= param.moving
    moved = moved_m > param.moved_m
    if state.said & POWERLESS and (state.said & ENGINE_OFF == 0 or (not moving and moved)):
        return POWER_LOST
    if not (moving or moved) or excused(state, tables, gap_ms, param):
        return -1
    return MOVING if moving else MOVED


@compiled
def fill(state: Row, kind: int, now_ms: int, moved_m: float, param: Row) -> None:
    """The episode as it stands at a moment."""
    episode, gap_ms = state.episode, now_ms - state.last_ms
    episode.driver = state.driver
    episode.kind = kind
    episode.band = NO_BAND
    episode.began_ms = state.last_ms
    episode.ended_ms = now_ms
    episode.at_ms = state.last_ms
    placed = state.place_lon_e7 != 0 or state.place_lat_e7 != 0
    episode.at_lon_e7 = state.place_lon_e7 if placed else state.lon_e7
    episode.at_lat_e7 = state.place_lat_e7 if placed else state.lat_e7
    episode.peak = min(gap_ms, LONGEST_MS)
    episode.limit = param.silence_ms
    episode.confidence = 100
    episode.severity = severity(kind, gap_ms, moved_m, param)


@compiled
def tell(
    state: Row, moved_m: float, findings: Rows, count: Ints, transition: int, index: int, slot: int, now_ms: int
) -> None:  # fmt: skip
    """Emit a transition with how far the vehicle moved meanwhile."""
    row = emit(findings, count, transition, index, slot, 0, now_ms, state.episode)
    row.moved_m = moved_m


@compiled
def take_back(state: Row, findings: Rows, count: Ints, context: Row, now_ms: int) -> None:
    """A tick opened what the next report shows to be none."""
    tell(state, -1.0, findings, count, WITHDRAWN, context.index, context.slot, now_ms)
    clear(state.episode)


@inlined
def remember(state: Row, tables: Tables, fix: Row, context: Row, flags: int) -> None:
    """What the next report, or a tick, asks of this one."""
    state.last_ms = fix.time_ms
    state.lon_e7 = fix.lon_e7
    state.lat_e7 = fix.lat_e7
    state.driver = context.driver
    state.speed = -1 if context.speed == NO_U2 else np.int64(context.speed)
    state.vehicle_class = context.vehicle_class
    said = 0
    if flags & NOT_FIXED == 0:
        said |= FIXED
        state.place_lon_e7 = fix.lon_e7
        state.place_lat_e7 = fix.lat_e7
    if fix.alarms & POWER:
        said |= POWERLESS
    if fix.status & (STATUS_ACC_KNOWN | STATUS_ACC) == STATUS_ACC_KNOWN:
        said |= ENGINE_OFF
    if context.use & USE_SPEED and context.matched != NO_ROAD and tables.tunnel[context.matched]:
        said |= TUNNEL
    state.said = said


@compiled
def heard(
    state: Row, tables: Tables, fix: Row, context: Row, flags: int, param: Row, findings: Rows, count: Ints
) -> None:
    """A report after a silence."""
    gap_ms = fix.time_ms - state.last_ms
    moved_m = -1.0
    if state.said & FIXED and flags & NOT_FIXED == 0:
        moved_m = distance_m(state.lon_e7, state.lat_e7, fix.lon_e7, fix.lat_e7)
    kind = kind_of(state, tables, gap_ms, moved_m, param) if param.enabled else -1
    shown = state.episode.began_ms != 0
    if kind < 0:
        if shown:
            take_back(state, findings, count, context, fix.time_ms)
        return
    fill(state, kind, fix.time_ms, moved_m, param)
    if not shown:
        tell(state, moved_m, findings, count, OPENED, context.index, context.slot, fix.time_ms)
    tell(state, moved_m, findings, count, CLOSED, context.index, context.slot, fix.time_ms)
    clear(state.episode)


@compiled
def run(
    state: Rows, pages: Rows, tables: Tables, fixes: Fixes, context: Rows, params: Rows, findings: Rows,
    count: Ints, start: int,
) -> int:  # fmt: skip
    """Every report in turn; see `rule.Kernel`."""
    for i in range(start, len(fixes)):
        if count[0] + FINDINGS_PER_STEP > len(findings):
            return i
        row, fix = context[i], fixes[i]
        own, param = state[row.slot], params[row.period]
        if own.last_ms != 0 and fix.time_ms - own.last_ms > param.silence_ms:
            heard(own, tables, fix, row, fix["flags"], param, findings, count)
        elif own.episode.began_ms != 0:  # the tick was ahead of the vehicle's own time
            take_back(own, findings, count, row, fix.time_ms)
        remember(own, tables, fix, row, fix["flags"])
    return len(fixes)


@compiled
def sweep(
    state: Rows, pages: Rows, tables: Tables, params: Rows, now_ms: int, final: bool, findings: Rows,
    count: Ints, start: int,
) -> int:  # fmt: skip
    """See `rule.Sweep`. What is known of a silence before it ends: the vehicle was moving, or lost its power."""
    param = params[0]
    for slot in range(start, len(state)):
        if count[0] + FINDINGS_PER_STEP > len(findings):
            return slot
        own = state[slot]
        episode = own.episode
        if final:
            if episode.began_ms != 0:
                tell(own, -1.0, findings, count, CURRENT, -1, slot, now_ms)
            continue
        gap_ms = now_ms - own.last_ms
        if own.last_ms == 0 or gap_ms <= param.silence_ms or not param.enabled:
            continue
        if episode.began_ms == 0:
            kind = kind_of(own, tables, gap_ms, -1.0, param)
            if kind >= 0:
                clear(episode)
                fill(own, kind, now_ms, -1.0, param)
                tell(own, -1.0, findings, count, OPENED, -1, slot, now_ms)
        elif episode.shown == SHOWN_OPEN and severity(episode.kind, gap_ms, -1.0, param) > episode.severity:
            fill(own, episode.kind, now_ms, -1.0, param)
            tell(own, -1.0, findings, count, UPDATED, -1, slot, now_ms)
    return len(state)


def start(rows: np.ndarray) -> None:
    """Fresh rows."""
    rows["episode"]["band"] = NO_BAND


def tables(config: Config, _map: Any) -> SilenceTables:
    """Dead zones and tunnels."""
    return SilenceTables(
        build_zones([zone for zone in config.zones if zone.kind == "dead_zone"]),
        np.array([road.tunnel for road in config.roads], np.bool_),
    )


WORDS = {
    "power_lost": ("断电后失联", "Power lost, then silent"),
    "moving": ("行驶中失联", "Fell silent while moving"),
    "moved": ("失联后在别处出现", "Silent, then found elsewhere"),
}


def describe(finding: np.void, _names: Names) -> Described:
    """The finding in words."""
    kind, gap_ms, moved_m = KINDS[int(finding["kind"])], int(finding["peak"]), float(finding["moved_m"])
    why = {
        "duration_s": seconds(gap_ms),
        "moved_m": None if moved_m < 0 else round(moved_m, 1),
        "basis": BASIS,
    }
    zh, en = WORDS[kind]
    zh, en = f"{zh} {minutes_zh(gap_ms)}", f"{en} for {minutes_en(gap_ms)}"
    if moved_m >= 0:
        zh, en = f"{zh}, 位移 {moved_m / 1000:.1f} km", f"{en}, {moved_m / 1000:.1f} km away"
    return Described(
        "", "", kind, seconds(int(finding["limit"])), seconds(gap_ms), "s", why, Sentence(zh=zh, en=en)
    )


RULE = Rule(
    name="silence", parameters=PARAMETERS, params_dtype=PARAMS, pack=pack, state_dtype=STATE, finding_dtype=FINDING, page_dtype=PAGE,
    pages_per_step=0, findings_per_step=FINDINGS_PER_STEP, start=start, tables=tables, run=run, sweep=sweep, describe=describe,
)  # fmt: skip
