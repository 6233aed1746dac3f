"""Rule state kept with the progress it belongs to: saved in the transaction that advances, loaded by the next owner.

A full snapshot starts a chain, later ones hold only what changed; the chain before a full one is deleted with its saving.
"""

from dataclasses import dataclass

from services.store.connect import Conn

SAVE = """
INSERT INTO rule_snapshot (partition, next_offset, config_version, is_full, body) VALUES ($1, $2, $3, $4, $5)
"""
FORGET = "DELETE FROM rule_snapshot WHERE partition = $1 AND next_offset < $2"
FORGET_ALL = "DELETE FROM rule_snapshot WHERE partition = $1"
LOAD = """
SELECT next_offset, config_version, is_full, body FROM rule_snapshot
WHERE partition = $1 AND next_offset <= $2 AND next_offset >= (
    SELECT max(next_offset) FROM rule_snapshot WHERE partition = $1 AND next_offset <= $2 AND is_full
)
ORDER BY next_offset
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """State before `offset`: of all vehicles, or of those changed since the snapshot before."""

    offset: int
    config_version: int
    is_full: bool
    body: bytes


async def save(
    conn: Conn,
    partition: int,
    offset: int,
    config_version: int,
    is_full: bool,  # noqa: FBT001 - a column like the others
    body: bytes,
) -> None:
    """Add a snapshot to the partition's chain; a full one deletes what it makes superfluous."""
    await conn.execute(SAVE, partition, offset, config_version, is_full, body)
    if is_full:
        await conn.execute(FORGET, partition, offset)


async def load(conn: Conn, partition: int, at_most: int) -> list[Snapshot]:
    """The newest full snapshot at or before offset `at_most` and those after it, oldest first; [] if there is none."""
    return [Snapshot(*row) for row in await conn.fetch(LOAD, partition, at_most)]


async def replace_all(conn: Conn, partition: int, offset: int, config_version: int, body: bytes) -> None:
    """One full snapshot in the place of every one the partition has."""
    await conn.execute(FORGET_ALL, partition)
    await conn.execute(SAVE, partition, offset, config_version, True, body)
