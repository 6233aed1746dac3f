"""Tells when too large a share of reports is kept out, and stops ingest for it where that is wished (docs/decisions/0009).

A bad deploy, a sender's new format or a wrong registry would empty `gps.raw` into `gps.rejected` while everything looks well. The window is
this process's, over all its partitions, in the broker's time: the same records decide the same, however late they are read.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import asyncpg
import numpy as np
import structlog
from numpy.typing import NDArray

from services.ingest.pipeline import Processed
from services.runtime import metrics
from services.runtime.clock import monotonic_s
from services.runtime.interruptions import StopTaking
from services.runtime.service import Service
from services.runtime.settings import Settings
from services.store import configs, guard
from services.store.guard import HELD, OVER, QUIET, Guard

LOOK_EVERY_S = 0.5
SAY_EVERY_S = 60.0
MOST_REASONS = 5
MOST_SECONDS = 100_000
LEVELS = {QUIET: 0, OVER: 1, HELD: 2}
Taken = Sequence[tuple[NDArray[np.int64], Processed]]
"""Broker times of records and what became of them."""

log = structlog.get_logger()


@dataclass(slots=True)
class Window:
    """Reports, and those kept out, by second of the broker's time, of the newest `span_s` seconds seen."""

    span_s: int
    reports: Counter[int] = field(default_factory=Counter)
    kept_out: dict[int, Counter[str]] = field(default_factory=dict)

    def add(self, received_ms: NDArray[np.int64], kept_out: Sequence[tuple[int, str]]) -> None:
        """Count records by their broker times, and the (place, reason code) of those kept out."""
        seconds = received_ms // 1000
        for second, count in _by_second(seconds):
            self.reports[second] += count
        for place, code in kept_out:
            self.kept_out.setdefault(int(seconds[place]), Counter())[code] += 1
        newest = max(self.reports, default=0)
        for second in [second for second in self.reports if second <= newest - self.span_s]:
            del self.reports[second]
            self.kept_out.pop(second, None)

    def reasons(self) -> Counter[str]:
        """Reports kept out, by reason."""
        return sum(self.kept_out.values(), Counter())


def _by_second(seconds: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Seconds with their numbers; a batch has few, so that counting is ten times as fast as sorting."""
    if not len(seconds):
        return []
    first, last = int(seconds.min()), int(seconds.max())
    if last - first > MOST_SECONDS:
        return [
            (int(second), int(count))
            for second, count in zip(*np.unique(seconds, return_counts=True), strict=True)
        ]
    counts = np.bincount(seconds - first)
    return [(first + int(place), int(counts[place])) for place in np.flatnonzero(counts)]


def is_over(reports: int, kept_out: int, *, share: float, least: int) -> bool | None:
    """Whether too large a share is kept out; None: there are too few reports to tell."""
    return None if reports < least else kept_out > share * reports


class Guarding:
    """One ingest process's watch over what it keeps out."""

    def __init__(self, settings: Settings, pool: asyncpg.Pool) -> None:
        """Its window is empty."""
        self.settings, self.pool = settings, pool
        self.window = Window(settings.guard_window_s)
        self.row = Guard()

    async def look(self) -> None:
        """Take up how it stands, which other processes and people change, too.

        Raises:
            StopTaking: ingest is held.
        """
        async with self.pool.acquire() as conn:
            self.row = await guard.read(conn)
        metrics.INGEST_GUARD.set(LEVELS[self.row.state])
        if self.row.state == HELD and self.settings.guard_stop:
            raise StopTaking

    async def judge(self, taken: Taken, config_version: int) -> None:
        """Count what was decided, before anything of it is sent.

        Raises:
            StopTaking: too much of it is to be kept out, and ingest is to stop for that: send nothing of it.
        """
        for received_ms, processed in taken:
            self.window.add(received_ms, processed.rejected)
        reports, reasons = self.window.reports.total(), self.window.reasons()
        kept_out = reasons.total()
        metrics.INGEST_KEPT_OUT.set(kept_out / reports if reports else 0)
        over = is_over(reports, kept_out, share=self.settings.guard_share, least=self.settings.guard_reports)
        if over is None or (not over and self.row.state == QUIET and self.row.armed):
            return
        state = QUIET if not over else HELD if self.settings.guard_stop and self.row.armed else OVER
        if state == QUIET or state != self.row.state:
            await self._change(state, reports, reasons, config_version)

    async def _change(self, state: str, reports: int, reasons: Counter[str], config_version: int) -> None:
        async with self.pool.acquire() as conn:
            if state == QUIET:
                await guard.calm(conn)
                log.info("guard_quiet", reports=reports, kept_out=reasons.total())
            else:
                most = dict(reasons.most_common(MOST_REASONS))
                await guard.trip(conn, state, reports, reasons.total(), most, config_version)
                log.error("guard_tripped", state=state, reports=reports, kept_out=reasons.total(), reasons=most,
                          over_s=self.settings.guard_window_s)  # fmt: skip
        await self.look()


async def wait_while_held(service: Service, pool: asyncpg.Pool) -> None:
    """Stay not ready until a person resumes ingest, or a newer version of the registry than it was held by is in force."""
    said_s = 0.0
    while not service.stopping.is_set():
        async with pool.acquire() as conn:
            row = await guard.read(conn)
            if row.state == HELD and not service.settings.guard_stop:
                await guard.disused(conn)
            elif row.state == HELD and (record := await configs.published(conn)) is not None:
                await guard.renewed(conn, record.version)
            row = await guard.read(conn)
        if row.state != HELD:
            service.detail.pop("guard", None)
            return
        _say_held(service, row)
        if monotonic_s() - said_s >= SAY_EVERY_S or not said_s:
            said_s = monotonic_s()
            log.error("held", reports=row.reports, kept_out=row.kept_out, reasons=row.reasons,
                      go_on="roadwatch admin ingest resume, or import what is missing")  # fmt: skip
        await service.pause(LOOK_EVERY_S)


def _say_held(service: Service, row: Guard) -> None:
    service.ready = False
    metrics.READY.set(0)
    metrics.INGEST_GUARD.set(LEVELS[HELD])
    service.detail["guard"] = {
        "state": row.state,
        "reports": row.reports,
        "kept_out": row.kept_out,
        "reasons": row.reasons,
    }
