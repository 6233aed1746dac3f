"""A ledger's timeline: what the driver did, in segments that end where the next begins, and the words for it.

A segment is one integer, its begin in ms << 2 | its state.
"""

import numpy as np

from services.compiled import Ints, Row, compiled
from services.contracts.alert import iso

SEGMENTS = 64
"""Most segments of a timeline (docs/semantics.md, Timeline)."""
DRIVING, STOPPED, REST, SILENT = range(4)
STATES = ("driving", "stopped", "rest", "silent")


@compiled
def mark(ledger: Row, time_ms: int, state: int) -> None:
    """From `time_ms` on the timeline says `state`; what it said of later times is forgotten."""
    count = ledger.segments
    while count > 0 and ledger.cells[count - 1] >> 2 >= time_ms:
        count -= 1
    if count > 0 and ledger.cells[count - 1] & 3 == state:
        ledger.segments = count
        return
    if count == SEGMENTS:
        count = merge_shortest(ledger)
    ledger.cells[count] = (time_ms << 2) | state
    ledger.segments = count + 1


@compiled
def merge_shortest(ledger: Row) -> int:
    """Take the shortest stop out of a full timeline (where there is none: the shortest other segment that is not driving)."""
    cells = ledger.cells
    shortest, which, stop = np.int64(1) << 62, 1, False
    for place in range(1, SEGMENTS - 1):
        state = cells[place] & 3
        if state == DRIVING or (stop and state != STOPPED):
            continue
        length = (cells[place + 1] >> 2) - (cells[place] >> 2)
        if length < shortest or (state == STOPPED and not stop):
            shortest, which, stop = length, place, state == STOPPED
    width = 2 if cells[which - 1] & 3 == cells[which + 1] & 3 else 1
    if width == 1 and cells[which + 1] & 3 == DRIVING:
        cells[which + 1] = cells[which] & ~3  # what is no rest counts as driving
    for place in range(which, SEGMENTS - width):
        cells[place] = cells[place + width]
    return SEGMENTS - width


@compiled
def copy_timeline(ledger: Row, from_ms: int, to_ms: int, segments: Ints) -> int:
    """The timeline between two moments into `segments`, begin << 2 | state each; returns their number."""
    count = 0
    for place in range(ledger.segments):
        begin_ms = max(ledger.cells[place] >> 2, from_ms)
        end_ms = to_ms
        if place + 1 < ledger.segments:
            end_ms = min(ledger.cells[place + 1] >> 2, to_ms)
        if begin_ms < end_ms:
            segments[count] = (begin_ms << 2) | (ledger.cells[place] & 3)
            count += 1
    return count


def timeline(segments: list[int], ended_ms: int) -> list[dict[str, str]]:
    """Segments as others read them."""
    edges = [*(segment >> 2 for segment in segments), ended_ms]
    return [
        {"state": STATES[segment & 3], "from": iso(segment >> 2), "to": iso(end_ms)}
        for segment, end_ms in zip(segments, edges[1:], strict=True)
    ]
