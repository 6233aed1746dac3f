"""One partition of `gps.fixes` being judged: messages in, transitions out; what was already in the database is judged silently.

A function of the log: no clock but the broker's time stamps, no I/O; the worker around it fetches, loads configs and commits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from services.contracts.batch import (
    KIND_CONFIG,
    ConfigChange,
    ConfigRecord,
    FixBatch,
    Malformed,
    Tick,
    unpack,
)
from services.contracts.fix import Fixes
from services.contracts.registry import Config
from services.rules.engine import Engine
from services.rules.snapshot import PartitionClock, dump, load
from services.rules.transitions import Transition

KIND_AT = 5
"""Place of the kind in a message's header."""


def config_records(values: Sequence[bytes]) -> list[ConfigRecord]:
    """The config records among messages, so that their documents can be fetched before judging."""
    found = []
    for value in values:
        if len(value) > KIND_AT and value[KIND_AT] == KIND_CONFIG:
            try:
                change = unpack(value)
            except Malformed:
                continue
            if isinstance(change, ConfigChange):
                found.append(change.record)
    return found


@dataclass(slots=True)
class Partition:
    """State and place of one partition.

    Attributes:
        position: offset of the next message to apply.
        silent_until: transitions of messages before this offset are in the database already and are dropped.
    """

    number: int
    engine: Engine
    document: str
    position: int
    silent_until: int
    clock: PartitionClock = field(default_factory=PartitionClock)
    repeated: int = 0  # fixes dropped because their source offset had been had
    malformed: list[tuple[int, str]] = field(default_factory=list)

    def apply(
        self,
        offsets: Sequence[int],
        timestamps: Sequence[int],
        values: Sequence[bytes],
        configs: Mapping[str, Config],
        next_offset: int = 0,
    ) -> list[Transition]:
        """Judge messages in their order and return the transitions that are new to the database.

        Offsets that hold no message (runtime/kafka/batch.py) are passed over, also after the last, up to `next_offset`.
        """
        told: list[Transition] = []
        waiting: list[Fixes] = []
        for offset, timestamp, value in zip(offsets, timestamps, values, strict=True):
            if offset < self.position:
                continue
            if self.position <= self.silent_until <= offset:
                self._judge(waiting)  # the last of what the database has
            try:
                message = unpack(value)
            except Malformed as error:
                self.malformed.append((offset, str(error)))
                message = None
            if isinstance(message, FixBatch):
                self._take(message, timestamp, waiting)
            elif message is not None:
                new = self._judge(waiting) + self._control(message, timestamp, configs)
                told += new if offset >= self.silent_until else []
            self.position = offset + 1
        new = self._judge(waiting)
        told += new if self.position > self.silent_until else []
        self.position = max(self.position, next_offset)
        return told

    def _take(self, batch: FixBatch, timestamp: int, waiting: list[Fixes]) -> None:
        had = self.clock.had.get(batch.source_partition, -1)
        fixes = batch.fixes
        if not len(fixes):
            return
        if int(fixes["raw_offset"][0]) <= had:
            first = int(np.searchsorted(fixes["raw_offset"], had, side="right"))
            self.repeated += first
            fixes = fixes[first:]
            if not len(fixes):
                return
        self.clock.had[batch.source_partition] = int(fixes["raw_offset"][-1])
        self.clock.greatest_event_ms = max(self.clock.greatest_event_ms, int(fixes["time_ms"].max()))
        self.clock.last_fixes_broker_ms = timestamp
        waiting.append(fixes)

    def _judge(self, waiting: list[Fixes]) -> list[Transition]:
        if not waiting:
            return []
        fixes = np.concatenate(waiting)  # a copy: the messages' bytes are read-only
        waiting.clear()
        return self.engine.judge(fixes)

    def _control(
        self, message: Tick | ConfigChange, timestamp: int, configs: Mapping[str, Config]
    ) -> list[Transition]:
        if isinstance(message, Tick):
            now_ms = self.clock.now_ms(timestamp)
            return self.engine.tick(now_ms) if now_ms >= 0 else []
        if message.record.document != self.document:
            self.engine.configure(configs[message.record.document])
            self.document = message.record.document
        return []

    def snapshot(self, *, full: bool) -> bytes:
        """The state at `position`, as bytes."""
        return dump(self.engine, self.document, self.clock, full=full)


def restored(
    number: int,
    config: Config,
    document: str,
    snapshots: Sequence[bytes],
    *,
    position: int,
    next_offset: int,
    driver_code: Callable[[int], str | None],
) -> Partition:
    """A partition as its snapshots left it at `position`, due to be silent until `next_offset`.

    Raises:
        OtherLayout: the snapshots were made by code of another layout.
    """
    engine = Engine(config, driver_code)
    clock = PartitionClock()
    for body in snapshots:
        clock = load(engine, body)
    engine.common["changed"] = 0
    return Partition(number, engine, document, position, next_offset, clock)
