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
from services.simulator.run import Batch

AT_ONCE = 20_000
TICK_S = 0.2
AGAIN_S = 2.0
SAY_EVERY_S = 5.0

Say = Callable[[str], None]


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
    wait_s: float = 0.0,
) -> int:
    """Sends until the batches end; returns how many reports were acknowledged.

    `remember` is told the event time up to which all is acknowledged, after each slice and each few seconds within one.
    """
    await asyncio.sleep(wait_s)
    async with AsyncExitStack() as stack:
        producer = await _connected(stack, say)
        pace, sent, said = Pace(live, rate, monotonic_s()), 0, monotonic_s()
        async for batch in _ahead(batches):
            first = 0
            while first < len(batch.lines):
                count = pace.ready(batch, first, sent)
                if not count:
                    await asyncio.sleep(TICK_S)
                    continue
                await _send(producer, batch, first, first + count, say)
                first, sent = first + count, sent + count
                if monotonic_s() - said > SAY_EVERY_S:
                    said = monotonic_s()
                    upto_s = int(batch.sent_s[first - 1])
                    say(f"{sent:,} reports, {iso(upto_s * 1000)}, {sent / (said - pace.begun_s):,.0f}/s")
                    if remember:
                        remember(upto_s)
            if remember:
                remember(batch.upto_s)
        say(f"{sent:,} reports acknowledged in {monotonic_s() - pace.begun_s:.1f} s\n")
        return sent


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


async def _send(producer: Producer, batch: Batch, first: int, stop: int, say: Say) -> None:
    records = [
        (key, line.encode())
        for key, line in zip(batch.keys[first:stop], batch.lines[first:stop], strict=True)
    ]
    while True:
        try:
            await producer.send_many(RAW, records)
        except KafkaAway as error:
            say(f"Kafka 不可用 is away, trying again: {error}")
            await asyncio.sleep(AGAIN_S)
        else:
            return
