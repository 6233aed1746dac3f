"""The worker of jobs in each api process: takes one at a time, tells how far it is, survives restarts of itself and of the database.

A process that stops gives its job back; one that dies is noticed by its silence, and the job begins anew elsewhere. Work has no effect but its
result, so that doing it twice does no harm.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from services.api.authentication import Authenticator, principal_of_row
from services.api.database import Database, DatabaseAway
from services.api.history import exports, presence
from services.api.history.jobs import PURPOSE, Ended, Failed, Result, Task
from services.api.identity import SYSTEM
from services.api.problems import Problem, document
from services.runtime.clock import monotonic_s, now_ms
from services.store import accounts, jobs
from services.store.scope import EVERYTHING, View

LOOK_EVERY_S = 5.0
BEAT_EVERY_S = 5.0
SILENT_MS = 60_000
KEPT_MS = 7 * 24 * 3_600_000
RETRY_S = 2.0

Work = Callable[[Task], Awaitable[Result]]
WORK: Mapping[str, tuple[str, Work]] = {
    "presence": ("tracks:read", presence.work),
    "export": ("tracks:export", exports.work),
}
"""Of each kind: the permission it asks of its account when it runs, and the work."""

log = structlog.get_logger()


class Runner:
    """Works on jobs until cancelled."""

    def __init__(self, database: Database, authenticator: Authenticator, waiting: asyncio.Event) -> None:
        """`waiting` is set when this process has taken a job on."""
        self._database, self._authenticator, self._waiting = database, authenticator, waiting

    async def run(self) -> None:
        """Take jobs as they come."""
        while True:
            try:
                if await self._one():
                    continue
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._waiting.wait()
            except TimeoutError:
                continue
            except DatabaseAway as error:
                log.debug("jobs_wait", error=str(error))
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("jobs_wait")
                await asyncio.sleep(RETRY_S)

    async def _one(self) -> bool:
        """Do one job, if there is one."""
        self._waiting.clear()
        async with self._database.writing(EVERYTHING) as conn:
            await jobs.forget(conn, now_ms() - KEPT_MS)
            row = await jobs.take(conn, now_ms(), SILENT_MS, tuple(WORK))
        if row is None:
            return False
        held = Held(self._database, row)
        begun_s = monotonic_s()
        try:
            result = await self._done(row, held)
        except Ended:
            log.info("job_ended", job=row["id"], reason="cancelled or taken over")
        except DatabaseAway as error:
            if not isinstance(error.__cause__, asyncpg.QueryCanceledError):
                await held.release()
                raise
            await held.end("failed", error="a part of it took too long; ask for less · 用时过长,请缩小范围")
        except (Failed, Problem) as error:
            await held.end("failed", error=_words(error))
        except asyncio.CancelledError:
            await held.release()
            raise
        except Exception as error:
            log.exception("job_failed", job=row["id"])
            await held.end("failed", error=f"internal: {type(error).__name__}")
        else:
            await held.end("done", result=result)
            log.info("job_done", job=row["id"], kind=row["kind"], seconds=round(monotonic_s() - begun_s, 1))
        return True

    async def _done(self, row: asyncpg.Record, held: "Held") -> Result:
        permission, work = WORK[row["kind"]]
        asked = {name: value for name, value in row["request"].items() if name != PURPOSE}
        view = await self._view(row["account"], permission)
        working = asyncio.ensure_future(work(Task(asked, self._database, view, held.progress)))
        beating = asyncio.create_task(held.beating())
        try:
            await asyncio.wait({working, beating}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise Ended
            return working.result()
        finally:
            held.stopped.set()  # not cancelled: a beat that is underway must be known before the end is written
            working.cancel()
            await asyncio.gather(working, beating, return_exceptions=True)

    async def _view(self, account: str, permission: str) -> View:
        if account == SYSTEM.id:
            return await self._authenticator.view(SYSTEM)
        async with self._database.reading(EVERYTHING) as conn:
            row = await accounts.active(conn, account)
        principal = None if row is None else principal_of_row(row, "job", "")
        if principal is None or not principal.may(permission):
            raise Failed(f"the account may not do this any more ({permission}) · 账号已无此权限")
        return await self._authenticator.view(principal)


class Held:
    """A job that this process holds."""

    def __init__(self, database: Database, row: asyncpg.Record) -> None:
        """As it was taken."""
        self._database, self._job = database, row["id"]
        self._beat: datetime = row["beat_at"]
        self._progress, self._told_s = 0.0, monotonic_s()
        self._lock = asyncio.Lock()
        self.stopped = asyncio.Event()

    async def progress(self, part: float) -> None:
        """Say how far it is.

        Raises:
            Ended: it is not ours any more.
        """
        self._progress = part
        if monotonic_s() - self._told_s >= 1:
            await self._tell()

    async def beating(self) -> None:
        """Say that it is being worked on, also while nothing advances; returns when it is not ours any more."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_EVERY_S):
                    await self.stopped.wait()
            if self.stopped.is_set():
                return
            try:
                await self._tell()
            except Ended:
                return
            except DatabaseAway as away:
                log.debug("job_beat_missed", job=self._job, error=str(away))

    async def _tell(self) -> None:
        async with self._lock:
            async with self._database.writing(EVERYTHING) as conn:
                beat = await jobs.beat(conn, self._job, self._beat, now_ms(), self._progress)
            if beat is None:
                raise Ended
            self._beat, self._told_s = beat, monotonic_s()

    async def end(self, state: str, *, error: str | None = None, result: Result | None = None) -> None:
        """It is done, or failed."""
        body, media_type = (None, None) if result is None else (result.body, result.media_type)
        async with self._database.writing(EVERYTHING) as conn:
            await jobs.end(
                conn, self._job, self._beat, state, now_ms(), error=error, result=body, media_type=media_type
            )

    async def release(self) -> None:
        """Give it back."""
        try:
            async with self._database.writing(EVERYTHING) as conn:
                await jobs.release(conn, self._job, self._beat)
        except DatabaseAway as away:
            log.debug("job_not_released", job=self._job, error=str(away))  # its silence will tell


def _words(error: Exception) -> str:
    if isinstance(error, Problem):
        said: Any = document(error, "zh")["detail"], document(error, "en")["detail"]
        return " · ".join(said)
    return str(error)[:500]
