"""The one row that says whether too many reports are kept out, and whether ingest has stopped taking more for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.store.connect import Conn
from services.store.times import to_ms

QUIET, OVER, HELD = "quiet", "over", "held"

READ = "SELECT state, armed, since, reports, kept_out, reasons, config_version FROM ingest_guard"
TRIP = """
UPDATE ingest_guard SET state = $1, since = CASE WHEN state = 'quiet' THEN now() ELSE since END,
                        reports = $2, kept_out = $3, reasons = $4, config_version = $5
WHERE state <> $1 AND state <> 'held'
"""
CALM = "UPDATE ingest_guard SET state = 'quiet', armed = true, since = NULL WHERE state <> 'held' AND (state <> 'quiet' OR NOT armed)"
RESUME = "UPDATE ingest_guard SET state = 'over', armed = false WHERE state = 'held'"
RENEWED = "UPDATE ingest_guard SET state = 'quiet', armed = true, since = NULL WHERE state = 'held' AND config_version < $1"
DISUSED = "UPDATE ingest_guard SET state = 'over' WHERE state = 'held'"


@dataclass(frozen=True, slots=True)
class Guard:
    """How it stands.

    Attributes:
        state: `quiet`; `over`: too many are kept out, and ingest goes on; `held`: ingest has stopped taking more.
        armed: false after a person let it go on, until the share has been within its bound.
        since_ms: since when it is not quiet, Unix ms.
        reports, kept_out: counted in the window that tripped it.
        reasons: reason codes of these, with their numbers.
        config_version: the version by which they were decided.
    """

    state: str = QUIET
    armed: bool = True
    since_ms: int | None = None
    reports: int = 0
    kept_out: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    config_version: int = 0


async def read(conn: Conn) -> Guard:
    """The row."""
    row = await conn.fetchrow(READ)
    if row is None:
        return Guard()
    since = None if row["since"] is None else to_ms(row["since"])
    return Guard(
        row["state"],
        row["armed"],
        since,
        row["reports"],
        row["kept_out"],
        row["reasons"],
        row["config_version"],
    )


async def trip(
    conn: Conn, state: str, reports: int, kept_out: int, reasons: Mapping[str, int], config_version: int
) -> None:
    """Say that too many are kept out: `OVER`, or `HELD`, which only `resume`, `renewed` and `disused` end."""
    await conn.execute(TRIP, state, reports, kept_out, dict(reasons), config_version)


async def calm(conn: Conn) -> None:
    """The share is within its bound again."""
    await conn.execute(CALM)


async def resume(conn: Conn) -> bool:
    """Let ingest go on by a person's decision; False: it was not held."""
    return await conn.execute(RESUME) == "UPDATE 1"


async def renewed(conn: Conn, config_version: int) -> None:
    """Let ingest go on if it was held for what an older version of the registry decided."""
    await conn.execute(RENEWED, config_version)


async def disused(conn: Conn) -> None:
    """Ingest is told not to stop for it."""
    await conn.execute(DISUSED)
