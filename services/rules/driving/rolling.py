"""The rolling windows of a ledger: driving within 24 hours and within seven days."""

from services.compiled import Ints, Row, Rows, Whole, compiled, inlined
from services.rules.driving.ledger import DAY_MS, WEEK_MS, window_of
from services.rules.driving.overtime import DAY, DAY_CLASSES, WEEK, WEEK_CLASSES, close, extend


@inlined
def running_ms(ledger: Row, from_ms: int) -> int:
    """How much of the running spell lies in a window."""
    if ledger.running:
        return int(max(ledger.latest_ms - max(ledger.begin_ms, from_ms), 0))
    return 0


@inlined
def watch(
    pages: Rows, page: Whole, window: Row, span_ms: int, kind: int, limit_ms: int, moving: bool,
    named: bool, fix: Row, context: Row, findings: Rows, count: Ints,
) -> None:  # fmt: skip
    """A rolling window at a fix of the vehicle; `named`: the kind is for its class."""
    ledger, episode = pages[page], window.episode
    if episode.began_ms == 0:
        if not (moving and named) or window.sum_ms + fix.time_ms - ledger.begin_ms <= limit_ms:
            return
        window.spell_ms = ledger.begin_ms
    from_ms = fix.time_ms - span_ms
    window.head, window.sum_ms, finished_ms = window_of(pages, page, window, from_ms)
    length_ms = finished_ms + running_ms(ledger, from_ms)
    if length_ms <= limit_ms:
        close(ledger, episode, window.spell_ms, findings, count, context, fix.time_ms)
    elif moving:
        unsure = ledger.unsure_ms > from_ms or (ledger.unsure and running_ms(ledger, from_ms) > 0)
        extend(
            ledger, episode, kind, window.spell_ms, length_ms, limit_ms, unsure, fix, context, findings, count
        )


@inlined
def watch_rolling(
    pages: Rows, page: Whole, moving: bool, fix: Row, context: Row, params: Row, findings: Rows, count: Ints
) -> None:
    """Both rolling windows at a fix."""
    ledger, place = pages[page], context.vehicle_class
    watch(
        pages, page, ledger.day, DAY_MS, DAY, params.day_ms, moving, DAY_CLASSES[place],
        fix, context, findings, count,
    )  # fmt: skip
    watch(
        pages, page, ledger.week, WEEK_MS, WEEK, params.week_ms, moving, WEEK_CLASSES[place],
        fix, context, findings, count,
    )  # fmt: skip


@compiled
def below(pages: Rows, page: Whole, window: Row, from_ms: int, limit_ms: int) -> bool:
    """Whether a rolling window that begins at `from_ms` is not above its limit when nothing is driven any more."""
    _, _, finished_ms = window_of(pages, page, window, from_ms)
    return finished_ms + running_ms(pages[page], from_ms) <= limit_ms
