"""An episode of driving too long: the four kinds, what a moving fix beyond the limit adds, and how each step of it is told."""

import numpy as np

from services.compiled import Ints, Row, Rows, compiled
from services.contracts.registry import CLASSES, VehicleClass
from services.rules.driving.timeline import copy_timeline
from services.rules.finding import (
    CLOSED,
    CURRENT,
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

CONTINUOUS, NIGHT, DAY, WEEK = range(4)
KINDS = ("continuous", "night", "rolling_24h", "rolling_7d")
MINOR, MAJOR, CRITICAL = 1, 2, 3
MOST_MS = 0x7FFF_FFFF
PASSENGERS = (VehicleClass.COACH, VehicleClass.CHARTER, VehicleClass.SCHOOL_BUS)
NIGHT_CLASSES = np.array([name in PASSENGERS for name in CLASSES])
DAY_CLASSES = np.array([name in (*PASSENGERS, VehicleClass.HAZMAT) for name in CLASSES])
WEEK_CLASSES = np.array([name in (VehicleClass.COACH, VehicleClass.CHARTER) for name in CLASSES])

UNSURE = 50
"""Percent: driving was inferred from a silence, or from places against the speed."""


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
    episode.untold = 1
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
    elif update_overdue(episode, now_ms):
        tell(ledger, episode, spell_ms, findings, count, UPDATED, -1, slot, now_ms)
