"""Sends a simulated feed into `gps.raw`: what is past at once, what is to come when its time comes, or all of it at a rate.

The next slice is computed while this one is sent. A broker that is away is waited for, visibly: what was not acknowledged is sent
again, and a report that arrives twice is what ingest and rules are made for.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import numpy as np

from services.contracts.alert import iso
from services.contracts.topics import RAW
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import KafkaAway, Producer
from services.runtime.settings import Settings
from services.runtime.status import write_status
from services.simulator.run import Batch

AT_ONCE = 20_000
TICK_S = 0.2
AGAIN_S = 2.0
SAY_EVERY_S = 5.0
STATUS_EVERY_S = 1.0

Say = Callable[[str], None]


@dataclass(slots=True)
class Told:
    """What `roadwatch status` is told: whether reports flow, how many are overdue, how many are acknowledged."""

    flowing: bool = False
    overdue: int = 0
    sent: int = 0

    async def keep(self, file: str) -> None:
        """Rewrites the status file every second, for ever."""
        while True:
            detail = {"acknowledged": self.sent}
            write_status(file, "simulator", ready=self.flowing, lag=self.overdue, detail=detail)
            await asyncio.sleep(STATUS_EVERY_S)


@dataclass(slots=True)
class Pace:
    """When the next records may go: live at their own time, at a rate by their number, or at once."""

    live: bool
    rate: float | None
    begun_s: float

    def ready(self, batch: Batch, first: int, sent: int) -> int:
        """How many records of the batch from `first` on may go now."""
        left = min(len(batch.lines) - first, AT_ONCE)
        if self.live:
            return min(left, int(np.searchsorted(batch.sent_s[first:], now_ms() // 1000, side="right")))
        if self.rate is not None:
            return min(left, max(int((monotonic_s() - self.begun_s) * self.rate) - sent, 0))
        return left


async def send(
    batches: Iterator[Batch],
    say: Say,
    *,
    live: bool = False,
    rate: float | None = None,
    remember: Callable[[int], None] | None = None,
) -> int:
    """Sends until the batches end; returns how many reports were acknowledged.

    `remember` is told the event time up to which all is acknowledged, after each slice and each few seconds within one.
    """
    told = Told()
    async with AsyncExitStack() as stack:
        if status_file := Settings().status_file:
            telling = asyncio.create_task(told.keep(status_file))
            stack.callback(telling.cancel)
        producer = await _connected(stack, say)
        pace = Pace(live, rate, monotonic_s())
        async for batch in _ahead(batches):
            await _send_batch(producer, batch, pace, told, say, remember)
            if remember:
                remember(batch.upto_s)
        say(f"{told.sent:,} reports acknowledged in {monotonic_s() - pace.begun_s:.1f} s\n")
    return told.sent


async def _send_batch(
    producer: Producer, batch: Batch, pace: Pace, told: Told, say: Say, remember: Callable[[int], None] | None
) -> None:
    """Sends one slice's reports, each when its time has come."""
    first, said = 0, monotonic_s()
    while first < len(batch.lines):
        count = pace.ready(batch, first, told.sent)
        told.overdue = count if pace.live else 0
        if count:
            await _send(producer, batch, first, first + count, told, say)
            first, told.sent = first + count, told.sent + count
        else:
            await asyncio.sleep(TICK_S)
        if first and monotonic_s() - said > SAY_EVERY_S:
            said = monotonic_s()
            upto_s = int(batch.sent_s[first - 1])
            say(f"{told.sent:,} reports, {iso(upto_s * 1000)}, {told.sent / (said - pace.begun_s):,.0f}/s")
            if remember:
                remember(upto_s)


async def _connected(stack: AsyncExitStack, say: Say) -> Producer:
    """A producer that is connected, however long that takes."""
    while True:
        try:
            return await stack.enter_async_context(Producer(Settings(), "simulator"))
        except KafkaAway as error:
            say(f"Kafka 不可用 is away, trying again: {error}")
            await asyncio.sleep(AGAIN_S)


async def _ahead(batches: Iterator[Batch]) -> AsyncIterator[Batch]:
    """The batches, the next one always being made in a thread meanwhile."""
    following = asyncio.create_task(asyncio.to_thread(next, batches, None))
    while (batch := await following) is not None:
        following = asyncio.create_task(asyncio.to_thread(next, batches, None))
        yield batch


async def _send(producer: Producer, batch: Batch, first: int, stop: int, told: Told, say: Say) -> None:
    keys, lines = batch.keys[first:stop], batch.lines[first:stop]
    records = [(key, line.encode()) for key, line in zip(keys, lines, strict=True)]
    while True:
        try:
            await producer.send_many(RAW, records)
        except KafkaAway as error:
            told.flowing = False
            say(f"Kafka 不可用 is away, trying again: {error}")
            await asyncio.sleep(AGAIN_S)
        else:
            told.flowing = True
            return
