"""Speeding.

What it flags
    A vehicle faster than the limit in force for its class, road, place and hour, for longer than `min_duration_s` without a break.

Legal basis
    道路交通安全法 art. 42; 实施条例 arts 45, 78; 危险货物道路运输安全管理办法 art. 46; 校车安全管理条例 art. 35; the night factor from
    道路运输车辆动态监督管理办法; bands from 道路交通安全违法行为记分管理办法; "> 30 s is one, reports within a minute are one" from the
    official assessment form.

Opens, escalates, closes
    A burst is a run of consecutive fixes above the limit, no two neighbours more than `max_gap_s` apart; its proven length is last minus
    first. A burst longer than `min_duration_s` opens; later bursts that begin within `merge_window_s` of the last fix above belong to
    it. Severity follows the band of the peak against the statutory part of the limit. It closes when a later fix of the vehicle
    proves that no burst can join any more.

Ignores
    Fixes that are not fixed, of a frozen position, without a speed, or of implausible speed (above 160 km/h): as though absent, they break no run.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.compiled import Ints, Row, Rows, Tables, compiled, inlined
from services.contracts.alert import Sentence
from services.contracts.fix import Fixes
from services.contracts.registry import CLASSES, ROAD_CLASSES, Config
from services.rules.durations import minutes_en, minutes_zh, seconds, whole
from services.rules.finding import (
    CLOSED,
    CURRENT,
    EPISODE,
    FINDING_BASE,
    NO_BAND,
    NOT_SHOWN,
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
from services.rules.limit_sources import SOURCES, basis
from services.rules.limits import MOST_DOUBTS, MapTables, doubtful
from services.rules.parameters import milliseconds, tenths, window_ms
from services.rules.records import NO_LIMIT, NO_ROAD, PAGE_HEAD, USE_SPEED
from services.rules.rule import Described, Names, Parameter, Rule

ART_78 = "实施条例 art. 78; 危货办法 art. 46; 校车条例 art. 35"
PARAMETERS = (
    Parameter(
        "statutory_kmh",
        {
            "coach": {"expressway": 100},
            "charter": {"expressway": 100},
            "freight": {"expressway": 100},
            "hazmat": {road.value: 80 if road == "expressway" else 60 for road in ROAD_CLASSES},
            "school_bus": {road.value: 80 if road == "expressway" else 60 for road in ROAD_CLASSES},
        },
        "by_class_and_road", "km/h", 1, 300, ART_78, "limit of the class on the road class, whatever is posted",
    ),
    Parameter(
        "unmatched_limit_kmh", {"coach": 100, "charter": 100, "hazmat": 80, "freight": 100, "school_bus": 80},
        "by_class", "km/h", 1, 300, ART_78, "limit on no known road",
    ),
    Parameter(
        "night_factor", {"coach": 0.8, "charter": 0.8}, "by_class", "", 0.1, 1.0, "动态监督办法",
        "share of the day limit that is monitored at night",
    ),
    Parameter("night_window", "22:00-06:00", "window", "", 0, 24, "GA/T 2372-2026", "local hours that are night"),
    Parameter("tolerance_kmh", 0, "number", "km/h", 0, 50, "design", "excess that is not yet above"),
    Parameter("min_duration_s", 30, "number", "s", 0, 600, "official form, note 2", "a burst must be longer"),
    Parameter("merge_window_s", 60, "number", "s", 0, 600, "official form, note 2", "bursts so near are one"),
    Parameter("max_gap_s", 180, "number", "s", 1, 3600, "design", "neighbours farther apart break a burst"),
)  # fmt: skip

CEILING_KMH = {"coach": 100, "charter": 100, "hazmat": 80, "freight": 100, "school_bus": 80}
"""The statutory part on no road, but for zones and orders: the highest a class may ever drive (实施条例 art. 78, 危货办法 art. 46, 校车条例 art. 35)."""

PARAMS = np.dtype(
    [
        ("statutory", "u2", (len(CLASSES), len(ROAD_CLASSES))),  # 0.1 km/h, 0 none
        ("unmatched", "u2", (len(CLASSES),)),
        ("ceiling", "u2", (len(CLASSES),)),
        ("night_factor", "f8", (len(CLASSES),)),  # 0 none
        ("night_from_ms", "i4"),
        ("night_to_ms", "i4"),
        ("tolerance", "i4"),
        ("min_duration_ms", "i8"),
        ("merge_window_ms", "i8"),
        ("max_gap_ms", "i8"),
    ],
    align=True,
)

MONITORING, STATUTORY = 0, 1
KINDS = ("monitoring", "statutory")
BANDS = ("0-10%", "10-20%", "20-50%", "50%+")
INFO, MINOR, MAJOR, CRITICAL = range(4)

DOUBTS = [
    ("doubts", "u4"),  # roads that fitted equally at the first doubtful fix, 0 none
    ("doubt_roads", "i4", (MOST_DOUBTS,)),
    ("doubt_limits", "u2", (MOST_DOUBTS,)),  # 0.1 km/h, in force on each
]
STATE = np.dtype(
    [
        ("burst_began_ms", "i8"),
        ("last_ms", "i8"),  # last participating fix
        ("above", "u1"),  # a burst is running
        ("running", "u1"),  # an episode is running (opened and not proven ended)
        ("peak_statutory", "u2"),
        ("peak_source", "u1"),
        ("peak_class", "u1"),
        ("peak_road", "i4"),
        ("episode", EPISODE),  # of the burst while it is too short to open, then of the episode
        *DOUBTS,
    ],
    align=True,
)
FINDING = np.dtype(
    [
        *FINDING_BASE,
        ("source", "u1"),
        ("vehicle_class", "u1"),
        ("statutory", "u2"),
        ("road", "i4"),
        *DOUBTS,
    ],
    align=True,
)
PAGE = np.dtype(PAGE_HEAD)
FINDINGS_PER_STEP = 3


def pack(values: Mapping[str, Any], row: np.void) -> None:
    """Checked values of all parameters into one row of PARAMS."""
    for place, vehicle_class in enumerate(CLASSES):
        roads = values["statutory_kmh"].get(vehicle_class.value) or {}
        for road_place, road in enumerate(ROAD_CLASSES):
            limit = roads.get(road.value)
            row["statutory"][place, road_place] = 0 if limit is None else tenths(limit)
        unmatched = values["unmatched_limit_kmh"].get(vehicle_class.value)
        row["unmatched"][place] = NO_LIMIT if unmatched is None else tenths(unmatched)
        row["ceiling"][place] = tenths(CEILING_KMH[vehicle_class.value])
        row["night_factor"][place] = values["night_factor"].get(vehicle_class.value) or 0.0
    row["night_from_ms"], row["night_to_ms"] = window_ms(values["night_window"])
    row["tolerance"] = tenths(values["tolerance_kmh"])
    for name in ("min_duration", "merge_window", "max_gap"):
        row[f"{name}_ms"] = milliseconds(values[f"{name}_s"])


@inlined
def band_of(speed: np.int64, against: np.int64) -> int:
    """Band of a speed over a limit, lower edges inclusive; NO_BAND when it is not above it."""
    excess = speed - against
    if excess <= 0:
        return NO_BAND
    if 10 * excess < against:
        return 0
    if 5 * excess < against:
        return 1
    if 2 * excess < against:
        return 2
    return 3


@compiled
def tell(
    state: Row, findings: Rows, count: Ints, transition: int, index: int, slot: int, now_ms: int
) -> None:
    """Emit a transition with what only speeding knows."""
    row = emit(findings, count, transition, index, slot, 0, now_ms, state.episode)
    row.source = state.peak_source
    row.vehicle_class = state.peak_class
    row.statutory = state.peak_statutory
    row.road = state.peak_road
    row.doubts = state.doubts
    for place in range(state.doubts):
        row.doubt_roads[place] = state.doubt_roads[place]
        row.doubt_limits[place] = state.doubt_limits[place]


@compiled
def begin(state: Row, fix: Row, context: Row) -> None:
    """A new burst begins at this fix, and with it what may become an episode."""
    episode = state.episode
    clear(episode)
    episode.driver = context.driver
    episode.began_ms = fix.time_ms
    episode.kind = MONITORING
    state.running = 0
    if state.doubts:
        state.doubts = 0
        for place in range(MOST_DOUBTS):
            state.doubt_roads[place] = NO_ROAD
            state.doubt_limits[place] = 0


@inlined
def add(state: Row, tables: MapTables, fix: Row, context: Row, params: Row) -> None:
    """A fix above belongs to the burst or episode: peak, kind, band, severity, confidence, and the first doubt of its road."""
    episode = state.episode
    speed, limit, law = np.int64(context.speed), np.int64(context.limit), np.int64(context.statutory)
    if episode.limit == 0 or speed * np.int64(episode.limit) > np.int64(episode.peak) * limit:
        episode.peak = speed
        episode.limit = limit
        episode.at_ms = fix.time_ms
        episode.at_lon_e7 = fix.lon_e7
        episode.at_lat_e7 = fix.lat_e7
        episode.band = band_of(speed, law)
        state.peak_statutory = context.statutory
        state.peak_source = context.source
        state.peak_class = context.vehicle_class
        state.peak_road = context.road
    episode.ended_ms = fix.time_ms
    episode.untold = 1
    if speed > law:
        episode.kind = STATUTORY
    if context.confidence < episode.confidence:
        episode.confidence = context.confidence
        state.doubts = doubtful(tables, fix, context, params, state.doubt_roads, state.doubt_limits)
    if episode.kind == MONITORING:
        episode.severity = INFO
    elif episode.band == NO_BAND or episode.band <= 1:
        episode.severity = MINOR
    else:
        episode.severity = MAJOR if episode.band == 2 else CRITICAL


@compiled
def close(state: Row, findings: Rows, count: Ints, index: int, slot: int, now_ms: int) -> None:
    """The episode is proven ended; a tick may have closed it for the screen already, with the same content."""
    if state.episode.shown == SHOWN_OPEN:
        tell(state, findings, count, CLOSED, index, slot, now_ms)
    state.running = 0
    state.episode.shown = NOT_SHOWN


@inlined
def step(
    state: Row, pages: Rows, tables: Tables, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> None:
    """One fix."""
    if context.use & USE_SPEED == 0:
        return
    time_ms = fix.time_ms
    above = np.int64(context.speed) > np.int64(context.limit) + params.tolerance
    goes_on = above and state.above and time_ms - state.last_ms <= params.max_gap_ms
    state.last_ms = time_ms
    if state.running and not goes_on and time_ms - state.episode.ended_ms > params.merge_window_ms:
        close(state, findings, count, context.index, context.slot, time_ms)
    if not above:
        state.above = 0
        return
    if not goes_on:
        state.above = 1
        state.burst_began_ms = time_ms
        if not state.running:
            begin(state, fix, context)
    add(state, tables, fix, context, params)
    episode = state.episode
    if not state.running:
        if time_ms - state.burst_began_ms > params.min_duration_ms:
            state.running = 1
            tell(state, findings, count, OPENED, context.index, context.slot, time_ms)
    elif episode.shown == SHOWN_CLOSED:
        tell(state, findings, count, REVISED, context.index, context.slot, time_ms)
    elif update_due(episode, time_ms):
        tell(state, findings, count, UPDATED, context.index, context.slot, time_ms)


@compiled
def run(
    state: Rows, pages: Rows, tables: Tables, fixes: Fixes, context: Rows, params: Rows, findings: Rows,
    count: Ints, start: int,
) -> int:  # fmt: skip
    """`step` over `fixes[start:]`; see `rule.Kernel`."""
    for i in range(start, len(fixes)):
        if count[0] + FINDINGS_PER_STEP > len(findings):
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
    """See `rule.Sweep`. A running burst may still go on until `max_gap_s`, a merge until `merge_window_s` has passed."""
    for slot in range(start, len(state)):
        if count[0] + FINDINGS_PER_STEP > len(findings):
            return slot
        row = state[slot]
        if not row.running:
            continue
        if final:
            tell(row, findings, count, CURRENT, -1, slot, now_ms)
        elif row.episode.shown == SHOWN_OPEN:
            patience_ms = params[0].merge_window_ms
            if row.above and params[0].max_gap_ms > patience_ms:
                patience_ms = params[0].max_gap_ms
            if now_ms - row.episode.ended_ms > patience_ms:
                tell(row, findings, count, CLOSED, -1, slot, now_ms)
            elif update_overdue(row.episode, now_ms):
                tell(row, findings, count, UPDATED, -1, slot, now_ms)
    return len(state)


def start(rows: np.ndarray) -> None:
    """Fresh rows."""
    rows["episode"]["band"] = NO_BAND
    rows["peak_road"] = NO_ROAD
    rows["doubt_roads"] = NO_ROAD


def tables(config: Config, drawn: MapTables) -> MapTables:
    """The map, for the roads of a doubtful fix."""
    return drawn


def describe(finding: np.void, names: Names) -> Described:
    """The finding in words."""
    speed, limit = int(finding["peak"]) / 10, int(finding["limit"]) / 10
    source = SOURCES[int(finding["source"])]
    road = names.road_name(int(finding["road"])) if int(finding["road"]) != NO_ROAD else None
    duration_ms = int(finding["ended_ms"]) - int(finding["began_ms"])
    band = None if int(finding["band"]) == NO_BAND else BANDS[int(finding["band"])]
    why: dict[str, Any] = {
        "limit_from": source.en,
        "basis": basis(int(finding["source"]), int(finding["vehicle_class"])),
        "band": band,
        "road": road,
        "duration_s": seconds(duration_ms),
        "statutory_kmh": whole(int(finding["statutory"]) / 10),
    }
    if finding["doubts"]:
        why["doubt"] = [
            {"road": names.road_name(int(road)), "limit": whole(int(kmh) / 10)}
            for road, kmh in zip(finding["doubt_roads"], finding["doubt_limits"], strict=True)
        ][: int(finding["doubts"])]
    zh = f"{road + ', ' if road else ''}{speed:g} km/h, 限速 {limit:g} ({source.zh}), 持续 {minutes_zh(duration_ms)}"
    en = f"{road + ', ' if road else ''}{speed:g} km/h in a {limit:g} zone ({source.en}) for {minutes_en(duration_ms)}"
    return Described(
        "", "", KINDS[int(finding["kind"])], whole(limit), whole(speed), "km/h", why, Sentence(zh=zh, en=en)
    )


RULE = Rule(
    name="speeding",
    parameters=PARAMETERS,
    params_dtype=PARAMS,
    pack=pack,
    state_dtype=STATE,
    finding_dtype=FINDING,
    page_dtype=PAGE,
    pages_per_step=0,
    findings_per_step=FINDINGS_PER_STEP,
    start=start,
    tables=tables,
    run=run,
    sweep=sweep,
    describe=describe,
    roads=("peak_road", "doubt_roads"),
)
