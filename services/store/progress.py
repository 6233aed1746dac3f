"""How far a consumer has come in each partition, and the fence that keeps a worker that lost its partition from writing.

A batch is one transaction: `advance` first, then the results. If `advance` says no, somebody else owns the partition now and nothing may be
written (docs/decisions/0003).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.store.connect import Conn

CLAIM = """
INSERT INTO progress AS p (consumer, partition, epoch, owner, next_offset) VALUES ($1, $2, 1, $3, 0)
ON CONFLICT (consumer, partition) DO UPDATE SET epoch = p.epoch + 1, owner = excluded.owner, claimed_at = now()
RETURNING epoch, next_offset, had, config_version
"""
ADVANCE = """
UPDATE progress SET next_offset = $5, config_version = $6 WHERE consumer = $1 AND partition = $2 AND epoch = $3 AND next_offset = $4
"""
ADVANCE_COUNTING = """
UPDATE progress SET next_offset = $5, config_version = $6, had = had || $8, counts = (
    SELECT coalesce(jsonb_object_agg(name, total), '{}') FROM (
        SELECT name, sum(value::bigint) AS total
        FROM (SELECT * FROM jsonb_each_text(counts) UNION ALL SELECT * FROM jsonb_each_text($7)) AS both_sides (name, value)
        GROUP BY name
    ) AS sums
)
WHERE consumer = $1 AND partition = $2 AND epoch = $3 AND next_offset = $4
"""
MOVE = """
UPDATE progress SET next_offset = $4, had = CASE WHEN $4 < next_offset THEN '{}' ELSE had END
WHERE consumer = $1 AND partition = $2 AND epoch = $3
"""
READ_ALL = """
SELECT partition, epoch, owner, next_offset, counts, had, claimed_at FROM progress WHERE consumer = $1 ORDER BY partition
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A partition taken over: writing is allowed while `epoch` stands.

    Attributes:
        had: the last offset of each source partition had.
        config_version: by which the last owner decided; 0 for a consumer that decides nothing.
    """

    epoch: int
    next_offset: int
    had: dict[int, int] = field(default_factory=dict)
    config_version: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """A progress row as it is read."""

    partition: int
    epoch: int
    owner: str
    next_offset: int
    counts: dict[str, int]
    had: dict[int, int]


async def claim(conn: Conn, consumer: str, partition: int, owner: str) -> Claim:
    """Take a partition over from whoever had it; waits for a transaction of the old owner that is still open.

    Raises:
        asyncpg.LockNotAvailableError: the old owner's transaction outlives the lock timeout; try again.
    """
    (row,) = await conn.fetch(CLAIM, consumer, partition, owner)
    return Claim(row["epoch"], row["next_offset"], _numbered(row["had"]), row["config_version"])


async def advance(
    conn: Conn,
    consumer: str,
    partition: int,
    epoch: int,
    first: int,
    next_offset: int,
    counts: Mapping[str, int] | None = None,
    had: Mapping[int, int] | None = None,
    config_version: int = 0,
) -> bool:
    """Raise `next_offset` from `first`, adding `counts` and laying `had` over what stands there; False: fenced, write nothing."""
    place = (consumer, partition, epoch, first, next_offset, config_version)
    if counts or had:
        sources = {str(source): offset for source, offset in (had or {}).items()}
        done = await conn.execute(ADVANCE_COUNTING, *place, dict(counts or {}), sources)
    else:
        done = await conn.execute(ADVANCE, *place)
    return done == "UPDATE 1"


async def move(conn: Conn, consumer: str, partition: int, epoch: int, next_offset: int) -> None:
    """Put a claimed partition to another place of the log, by a person's decision; backwards means a new log, of which nothing was had."""
    await conn.execute(MOVE, consumer, partition, epoch, next_offset)


async def read_all(conn: Conn, consumer: str) -> list[Progress]:
    """All rows of a consumer, by partition."""
    return [
        Progress(
            row["partition"],
            row["epoch"],
            row["owner"],
            row["next_offset"],
            row["counts"],
            _numbered(row["had"]),
        )
        for row in await conn.fetch(READ_ALL, consumer)
    ]


def _numbered(had: Mapping[str, int]) -> dict[int, int]:
    """JSON knows no numbers for names."""
    return {int(source): offset for source, offset in had.items()}
