"""What a rule finds: the running episode inside a vehicle's state, and the transitions of it that leave the kernel.

Every rule's state holds one or more `EPISODE` records and every rule's finding begins with `FINDING_BASE`, so that the engine can order,
number and describe findings without knowing the rule. "At most once a minute" (interfaces section 7) is event time and decided here:
mostly by a fix, and by a tick where none comes that would bring the rest.
"""

import numpy as np

from services.compiled import Ints, Row, Rows, compiled, inlined

NOT_SHOWN, SHOWN_OPEN, SHOWN_CLOSED = 0, 1, 2
"""`shown`: what the outside has been told. SHOWN_CLOSED with the rule's own state still running: a tick closed it for the screen."""

OPENED, UPDATED, CLOSED, REVISED, CURRENT, WITHDRAWN = 1, 2, 3, 4, 5, 6
"""Transitions. REVISED: an episode closed by a tick goes on. WITHDRAWN: what a tick opened has never been. CURRENT: no event, the present content of an open episode."""

UPDATE_EVERY_MS = 60_000
NO_BAND = 255

EPISODE_FIELDS = [
    ("driver", "i4"),  # driver at `began`, 0 none known
    ("shown", "u1"),
    ("kind", "u1"),  # place in the rule's KINDS
    ("severity", "u1"),  # place in contracts.alert.SEVERITIES
    ("band", "u1"),  # place in the rule's BANDS, NO_BAND none
    ("began_ms", "i8"),
    ("ended_ms", "i8"),  # last fix that belongs to it so far
    ("at_ms", "i8"),  # moment of the peak
    ("at_lon_e7", "i4"),
    ("at_lat_e7", "i4"),
    ("peak", "i4"),  # in the rule's integer unit
    ("limit", "i4"),  # in the same unit
    ("announced_ms", "i8"),  # event time of the last transition told
    ("announced_severity", "u1"),
    ("announced_band", "u1"),
    ("confidence", "u1"),  # percent
    ("untold", "u1"),  # a fix has been added since the last transition told
    ("sequence", "u4"),  # transitions told so far
]
EPISODE = np.dtype(EPISODE_FIELDS, align=True)

FINDING_BASE = [
    ("transition", "u1"),
    ("index", "i4"),  # place in the batch of the fix that showed it; -1 from a tick
    ("vehicle", "i4"),  # slot in the engine, made the vehicle's id by the engine
    ("subject", "i8"),  # ledger's driver or assignment's place; 0 for speeding
    ("now_ms", "i8"),  # event time that showed it
    *EPISODE_FIELDS,
]


@compiled
def emit(
    findings: Rows, count: Ints, transition: int, index: int, vehicle: int, subject: int, now_ms: int,
    episode: Row,
) -> Row:  # fmt: skip
    """Append one transition of `episode` and return the row, so that a rule can add its own fields.

    `count[0]` is the number of rows used; the kernel makes sure that there is room before each step.
    """
    row = findings[count[0]]
    count[0] += 1
    if transition != CURRENT:
        episode.sequence += 1
        episode.announced_ms = now_ms
        episode.announced_severity = episode.severity
        episode.announced_band = episode.band
        episode.shown = SHOWN_CLOSED if transition == CLOSED else SHOWN_OPEN
        episode.untold = 0
    row.transition = transition
    row.index = index
    row.vehicle = vehicle
    row.subject = subject
    row.now_ms = now_ms
    row.driver = episode.driver
    row.shown = episode.shown
    row.kind = episode.kind
    row.severity = episode.severity
    row.band = episode.band
    row.began_ms = episode.began_ms
    row.ended_ms = episode.ended_ms
    row.at_ms = episode.at_ms
    row.at_lon_e7 = episode.at_lon_e7
    row.at_lat_e7 = episode.at_lat_e7
    row.peak = episode.peak
    row.limit = episode.limit
    row.announced_ms = episode.announced_ms
    row.announced_severity = episode.announced_severity
    row.announced_band = episode.announced_band
    row.confidence = episode.confidence
    row.sequence = episode.sequence
    return row


@inlined
def update_due(episode: Row, now_ms: int) -> bool:
    """Whether a changed open episode is told now: its severity or band rose, or a minute of event time has passed."""
    if episode.severity > episode.announced_severity:
        return True
    if episode.band != NO_BAND and (
        episode.announced_band == NO_BAND or episode.band > episode.announced_band
    ):
        return True
    return bool(now_ms - episode.announced_ms >= UPDATE_EVERY_MS)


@inlined
def update_overdue(episode: Row, now_ms: int) -> bool:
    """Whether a tick tells of an open episode what no fix has told."""
    if episode.shown != SHOWN_OPEN or episode.untold == 0:
        return False
    return bool(now_ms - episode.announced_ms >= UPDATE_EVERY_MS)


@inlined
def clear(episode: Row) -> None:
    """Forget the episode: nothing runs and nothing is shown."""
    episode.shown = NOT_SHOWN
    episode.driver = 0
    episode.kind = 0
    episode.severity = 0
    episode.band = NO_BAND
    episode.began_ms = 0
    episode.ended_ms = 0
    episode.at_ms = 0
    episode.at_lon_e7 = 0
    episode.at_lat_e7 = 0
    episode.peak = 0
    episode.limit = 0
    episode.announced_ms = 0
    episode.announced_severity = 0
    episode.announced_band = NO_BAND
    episode.confidence = 100
    episode.untold = 0
    episode.sequence = 0
