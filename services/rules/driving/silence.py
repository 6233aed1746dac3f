"""What a silence of a driver on a vehicle proves: a rest, driving, or nothing (catalogue section 8, "Fatigue, silences")."""

import numpy as np

from services.compiled import Ints, Row, Rows, Whole, compiled, inlined
from services.contracts.fix import NO_U4
from services.rules.driving.spells import end_spell
from services.rules.driving.stops import found_again
from services.rules.driving.timeline import REST, SILENT, STOPPED, mark
from services.rules.geometry import distance_m

FASTEST_KMH = 120.0
"""A way that would have been made faster is none: a place or an odometer that jumps."""
MS_AN_HOUR_KM = 3600.0
"""A metre at 1 km/h takes so many ms."""


@inlined
def grown_m(ledger: Row, fix: Row) -> Whole:
    """Metres by which the odometer grew over the silence, below 0 where it went back; 0 where either side tells none."""
    if max(fix.odometer_m, ledger.odometer_m) == NO_U4:
        return np.int64(0)
    return np.int64(fix.odometer_m) - np.int64(ledger.odometer_m)


@compiled
def no_room_for_rest(state: Row, fix: Row, odometer_m: Whole, gap_ms: int, params: Row) -> bool:
    """Whether the way over a silence takes longer than the silence less a rest; `state` has the fix before it."""
    way_m, most = 0.0, FASTEST_KMH * gap_ms
    line_m = distance_m(state.last_lon_e7, state.last_lat_e7, fix.lon_e7, fix.lat_e7)
    if line_m * MS_AN_HOUR_KM <= most:
        way_m = line_m
    if odometer_m > way_m and odometer_m * MS_AN_HOUR_KM <= most:
        way_m = float(odometer_m)
    return bool(way_m * MS_AN_HOUR_KM > (gap_ms - params.min_rest_ms) * params.silent_drive_kmh)


@compiled
def listen(
    state: Row, pages: Rows, page: Whole, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> bool:
    """After a silence: whether it was driving; where the vehicle was standing, whether that proved a rest."""
    ledger, time_ms = pages[page], fix.time_ms
    gap_ms = time_ms - ledger.last_ms
    ends = gap_ms > params.max_silence_ms
    if gap_ms > params.max_gap_ms:
        odometer_m = grown_m(ledger, fix)
        if not found_again(ledger, fix, odometer_m, params.rest_radius_m):
            if no_room_for_rest(state, fix, odometer_m, gap_ms, params):
                mark(ledger, ledger.last_ms, SILENT)
                return True
            ends = True
    if ends:
        if ledger.running:
            end_spell(pages, page, findings, count, context, time_ms)
        mark(ledger, ledger.last_ms, SILENT)
        mark(ledger, time_ms, REST)
        ledger.stop = 0
        ledger.spoiled = 0
        return False
    if ledger.running and not ledger.spoiled and time_ms - ledger.latest_ms >= params.min_rest_ms:
        end_spell(pages, page, findings, count, context, time_ms)
        mark(ledger, ledger.latest_ms, REST)
    elif ledger.running:
        mark(ledger, ledger.last_ms, SILENT)
        mark(ledger, time_ms, STOPPED)
    return False
