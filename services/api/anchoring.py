"""Anchors of the audit: the chain's end goes to a file outside the database every five minutes, so that the database's owner cannot rewrite the past.

Best is a file on another machine, or one that is carried away (docs/people.md); a chain that was cut or made anew then differs from it.
"""

import asyncio
from pathlib import Path

import structlog

from services.api.database import Database, DatabaseAway
from services.runtime.clock import now_ms
from services.store import audit_proof
from services.store.scope import EVERYTHING

EVERY_S = 300.0
RETRY_S = 5.0

log = structlog.get_logger()


class Anchoring:
    """Writes an anchor whenever the chain has grown."""

    def __init__(self, database: Database, file: str) -> None:
        """`file` empty: writes nothing."""
        self._database = database
        self._file = Path(file) if file else None
        self._last: bytes | None = None

    async def run(self) -> None:
        """Anchor until cancelled; what cannot be written is said in the log and tried again."""
        if self._file is None:
            await asyncio.Event().wait()
        while True:
            try:
                await self.anchor()
            except DatabaseAway as error:
                log.debug("anchoring_waits", error=str(error))
                await asyncio.sleep(RETRY_S)
            except OSError as error:
                log.warning("anchor_not_written", file=str(self._file), error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                await asyncio.sleep(EVERY_S)

    async def anchor(self) -> None:
        """Write the chain's end if it is not the one that was written last.

        Raises:
            DatabaseAway: it cannot be read.
            OSError: it cannot be written.
        """
        if self._file is None:
            return
        async with self._database.reading(EVERYTHING) as conn:
            seq, row_hash = await audit_proof.head(conn)
        if row_hash != self._last:
            anchor = audit_proof.anchor_of(seq, row_hash, now_ms())
            await asyncio.to_thread(audit_proof.append_anchor, self._file, anchor)
            self._last = row_hash
