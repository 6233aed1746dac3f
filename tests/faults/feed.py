"""The reports of a fault campaign: the benchmarks' fleet, made to speed, tire and leave its routes, with some bad reports among them.

The feed goes on at its pace through everything; what the broker did not acknowledge is sent again, as a gateway does.
"""

import asyncio
import re

import numpy as np

from services.cli.benchmarks.feed import drives, reports
from services.contracts.fix import Fixes
from services.contracts.topics import RAW
from services.runtime.clock import monotonic_s
from services.runtime.kafka import KafkaAway, Producer
from services.runtime.settings import Settings

BURSTS, BURST_ROWS, BURST_SPEED = 1 / 200, 3, 1300  # 130.0 km/h
DETOURS, DETOUR_ROWS, DETOUR_E7 = 1 / 400, 5, 60_000  # 0.006 degrees north: 670 m
BAD_EVERY = 89
SLICES_A_SECOND = 20
RETRY_S = 0.3
PLACE = re.compile(rb'"lon":[^,]+,"lat":[^,]+')


def journeys(vehicles: int, rounds: int, every_s: float, seed: int) -> Fixes:
    """`rounds` fixes a vehicle, one `every_s` of event time, interleaved as a fleet reports."""
    fixes = drives(vehicles, rounds, every_s=every_s)
    chance = np.random.default_rng(seed)
    for column, share, rows, value in (
        ("speed", BURSTS, BURST_ROWS, None),
        ("lat_e7", DETOURS, DETOUR_ROWS, DETOUR_E7),
    ):
        begun = chance.random((rounds, vehicles)) < share
        during = begun.copy()
        for row in range(1, rows):
            during[row:] |= begun[:-row]
        touched = during.ravel()
        fixes[column][touched] = BURST_SPEED if value is None else fixes[column][touched] + value
    return fixes


def spoilt(value: bytes, way: int) -> bytes:
    """A report that is rejected (cut short, unknown terminal), quarantined (0/0) or flagged (unknown alarm)."""
    return (
        lambda: value[:-9],
        lambda: value.replace(b'"terminal":"0139', b'"terminal":"0777'),
        lambda: PLACE.sub(b'"lon":0,"lat":0', value),
        lambda: value.replace(b'"alarms":[]', b'"alarms":["nonsense"]'),
    )[way % 4]()


class Feed:
    """Sends journeys into `gps.raw` at a pace until told to stop; `acknowledged` remembers every report by its hash."""

    def __init__(self, settings: Settings, fixes: Fixes, rate: int) -> None:
        """`rate` is reports a second."""
        self.settings, self.fixes, self.rate = settings, fixes, rate
        self.sent = 0
        self.acknowledged: set[int] = set()
        self.stopping = asyncio.Event()

    @property
    def dry(self) -> bool:
        """Whether it has nothing left: faults from here on would prove little."""
        return self.sent >= len(self.fixes)

    async def run(self) -> None:
        """Send, through outages, until the stop."""
        while not (self.stopping.is_set() or self.dry):
            try:
                async with Producer(self.settings, "feed") as producer:
                    await self._send(producer)
            except KafkaAway:
                await asyncio.sleep(RETRY_S)

    async def _send(self, producer: Producer) -> None:
        size = self.rate // SLICES_A_SECOND
        due_s = monotonic_s()
        while not (self.stopping.is_set() or self.dry):
            records = self._records(self.sent, size)
            now_s = monotonic_s()
            due_s = max(
                due_s + 1 / SLICES_A_SECOND, now_s - 1
            )  # what an outage cost is not made up for in a rush
            await asyncio.sleep(max(0.0, due_s - now_s))
            await producer.send_many(RAW, records)
            self.acknowledged.update(hash(value) for _, value in records)
            self.sent += len(records)

    def _records(self, first: int, count: int) -> list[tuple[bytes, bytes]]:
        rows = self.fixes[first : first + count]
        made = reports(rows)
        if (
            first > len(self.fixes) // 8
        ):  # a shift has ended: every fifth vehicle has a driver never seen before
            for place in np.flatnonzero(rows["vehicle"] % 5 == 0).tolist():
                key, value = made[place]
                made[place] = key, value.replace(b'"driver":"640100-', b'"driver":"640102-')
        for place in range(-first % BAD_EVERY, len(made), BAD_EVERY):
            key, value = made[place]
            made[place] = key, spoilt(value, (first + place) // BAD_EVERY)
        return made
