"""The night clock of a ledger: it starts inside the window and ends with it, or with the spell."""

import numpy as np

from services.compiled import Ints, Row, Rows, compiled, inlined
from services.rules.driving.ledger import DAY_MS
from services.rules.driving.overtime import NIGHT, NIGHT_CLASSES, close, extend
from services.rules.zones import inside_hours


@inlined
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
def end_night(ledger: Row, findings: Rows, count: Ints, context: Row, now_ms: int) -> None:
    """The night clock stops: its window or its spell is over."""
    close(ledger, ledger.night, ledger.begin_ms, findings, count, context, now_ms)
    ledger.night_until_ms = 0
