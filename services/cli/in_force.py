"""Waiting until what was imported is in force: every partition's ingest decides by it, and every partition's rules judge by it.

A version's record in the log is not enough. Ingest looks for new versions now and then, rules come to the record in its turn; a report sent
before they have would be decided by the version before.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from services.runtime.clock import monotonic_s
from services.runtime.kafka import KafkaAway, members
from services.runtime.settings import Settings
from services.store import configs
from services.store.connect import Conn

DECIDERS = ("ingest", "rules")
"""Consumers whose progress names the version they decide by."""
WITHIN_S = 30.0
LOOK_S, ASK_EVERY_S = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class Lacking:
    """Who has not taken the version up: partitions that have it by consumer, of how many, and who does not run at all."""

    taken: Mapping[str, int]
    partitions: int
    idle: frozenset[str]

    def told(self) -> str:
        """In both languages, with what to do."""
        parts = [
            f"{name} 未运行 is not running"
            if name in self.idle
            else f"{name} {self.taken[name]}/{self.partitions} 分区 partitions"
            for name in DECIDERS
            if self.taken[name] < self.partitions
        ]
        do = (
            "启动后自动生效 takes effect when it starts (roadwatch up)"
            if self.idle
            else "随后自动生效 takes effect by itself; roadwatch status 显示积压 shows the lag"
        )
        return f"{', '.join(parts)}\n  {do}"


async def wait_in_force(
    settings: Settings, conn: Conn, version: int, within_s: float = WITHIN_S
) -> Lacking | None:
    """Wait until the version, or a later one, is in force; what is lacking where nobody runs, or after so long.

    Raises:
        OSError, TimeoutError, asyncpg.PostgresError: the database does not answer.
    """
    begun_s = monotonic_s()
    asked_s = begun_s - ASK_EVERY_S
    while True:
        taken = await configs.taken(conn, version, DECIDERS, settings.partitions)
        if min(taken.values()) == settings.partitions:
            return None
        now_s = monotonic_s()
        late = now_s - begun_s >= within_s
        if late or (now_s - begun_s >= ASK_EVERY_S / 2 and now_s - asked_s >= ASK_EVERY_S):
            asked_s = now_s
            lacking = frozenset(name for name in DECIDERS if taken[name] < settings.partitions)
            idle = await _idle(settings, lacking)
            if late or idle:
                return Lacking(taken, settings.partitions, idle)
        await asyncio.sleep(LOOK_S)


async def _idle(settings: Settings, names: frozenset[str]) -> frozenset[str]:
    """Those of whom no process runs; a broker that does not answer says nothing of anybody."""
    try:
        found = await members(settings, sorted(names))
    except KafkaAway:
        return frozenset()
    return frozenset(name for name in names if not found.get(name))
