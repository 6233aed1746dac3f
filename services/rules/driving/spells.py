"""The running spell of driving: it begins at a moving fix and ends at its latest one."""

from services.compiled import Ints, Row, Rows, Whole, compiled, inlined
from services.rules.driving.ledger import make_room, push_spell
from services.rules.driving.night import end_night
from services.rules.driving.overtime import CONTINUOUS, close, extend
from services.rules.driving.timeline import DRIVING, REST, mark


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
    ledger.on_ms = 0


@inlined
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


@inlined
def watch_spell(ledger: Row, fix: Row, context: Row, params: Row, findings: Rows, count: Ints) -> None:
    """The spell's length at a moving fix."""
    episode, length_ms = ledger.continuous, fix.time_ms - ledger.begin_ms
    if length_ms > params.continuous_ms or episode.began_ms != 0:
        extend(
            ledger, episode, CONTINUOUS, ledger.begin_ms, length_ms, params.continuous_ms, ledger.unsure,
            fix, context, findings, count,
        )  # fmt: skip


@compiled
def end_spell(pages: Rows, page: Whole, findings: Rows, count: Ints, context: Row, now_ms: int) -> None:
    """The spell ended at its latest moving fix."""
    ledger = pages[page]
    close(ledger, ledger.continuous, ledger.begin_ms, findings, count, context, now_ms)
    end_night(ledger, findings, count, context, now_ms)
    push_spell(pages, page)


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
    ledger.stray_ms = 0
    ledger.last_ms = 0
