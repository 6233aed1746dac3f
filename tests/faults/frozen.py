"""A worker with a failpoint: `python -m tests.faults.frozen rules|recorder|ingest` freezes itself with a batch decided and nothing of it written.

It happens once the file named by FAILPOINT is there, which is then removed. Frozen at this instant longer than its session lasts, a worker
wakes up believing that the partition is still its own, and only the fence keeps its batch out. `UNFENCED` takes the fence away, to see
whether a campaign notices.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from services.contracts.fix import FIX_BYTES
from services.ingest import recorder
from services.ingest import worker as ingest
from services.rules import worker as rules
from services.runtime.kafka import Message, Producer
from services.runtime.service import main
from services.store import progress
from services.store.partition_worker import PartitionWorker

FAILPOINT, UNFENCED = "FAULTS_FAILPOINT", "FAULTS_UNFENCED"
TAKEN = """
UPDATE progress SET next_offset = greatest(next_offset, $3) WHERE consumer = $1 AND partition = $2
"""
Write = Callable[..., Awaitable[Any]]


def freezing(write: Write, full: Callable[..., bool], file: Path) -> Write:
    """`write` with the failpoint before it; `full` says whether there is something to write."""

    async def frozen(self: Any, *arguments: Any) -> Any:
        if file.exists() and full(self, *arguments):
            file.unlink()
            os.kill(os.getpid(), signal.SIGSTOP)
        return await write(self, *arguments)

    return frozen


async def advance_unfenced(conn: Any, consumer: str, partition: int, *rest: Any) -> bool:
    """`progress.advance` of a system that has no fence."""
    await conn.execute(TAKEN, consumer, partition, rest[2])
    return True


def run(kind: str, file: Path) -> None:
    """The service, armed."""
    if os.environ.get(UNFENCED):
        setattr(progress, "advance", advance_unfenced)  # noqa: B010 - replaced, which a type checker is right to dislike
    armed: dict[str, tuple[Any, Any, str, Callable[..., bool]]] = {
        "rules": (rules.session, PartitionWorker, "commit", waiting),
        "recorder": (recorder.session, PartitionWorker, "commit", waiting),
        "ingest": (ingest.session, Producer, "send_batch", carrying),
    }
    service, owner, method, full = armed[kind]
    setattr(owner, method, freezing(getattr(owner, method), full, file))
    main(kind, service)


def waiting(worker: Any) -> bool:
    """Whether it has something to write."""
    return any(waiting_in(held.state) for held in worker.held.values())


def waiting_in(state: Any) -> Any:
    """The recorder's state is what waits; the rules' has it."""
    return state if isinstance(state, list) else state.waiting


def carrying(_producer: Any, messages: Sequence[Message]) -> bool:
    """Whether there are fixes in what is to be sent, not ticks alone."""
    return any(len(message.value) > FIX_BYTES for message in messages)


if __name__ == "__main__":
    run(sys.argv[1], Path(os.environ[FAILPOINT]))
