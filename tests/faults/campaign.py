"""A fault campaign: a system under load, attacked as a plan says, then held against what its logs say must have come out.

Everything random comes from one seed. Each attack is a method; a plan is their order. Work flows during all of them: an attack on an idle
system proves little, so the feed must not have run dry before the last.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from services.cli.benchmarks.base import put_in_force
from services.cli.benchmarks.feed import fleet
from services.contracts.topics import FIXES, RAW
from services.runtime.clock import monotonic_s
from services.runtime.kafka import KafkaAway, end_offsets, make_topics
from services.runtime.servers import LocalServers
from services.runtime.settings import Settings
from services.store import progress
from tests.faults.expected import Expected, expected
from tests.faults.feed import Feed, journeys
from tests.faults.found import differences, known, unbounded, unheard
from tests.faults.frozen import UNFENCED
from tests.faults.listener import Listener
from tests.faults.transactional import TransactionalFeed, litter
from tests.faults.workers import FROZEN, Workers

WORKERS = ("ingest", "recorder", "rules")
SERVICES = (*WORKERS, "api")
RULES = {"speeding", "fatigue", "route_deviation"}
REFUSED = {"rules": '"fence_lost"', "recorder": '"fence_lost"', "ingest": '"claimed"'}
"""What a woken worker says. Ingest has sent its batch, which its readers have had, and may hear of its loss before it writes of it."""
PATIENCE_S = 240.0
VISIBLE_WITHIN_S = 60.0
"""A call's deadline and a round of watching are 12 s; the rest is for a busy machine."""
LOOK_S = 0.1


class Failed(AssertionError):
    """The system did not do what it must."""


@dataclass(frozen=True, slots=True)
class Load:
    """The feed: `rounds` reports of each vehicle, `every_s` of event time apart, `rate` a second in all, `least` in any case.

    Fatigue begins after four hours of event time, so there is a least.
    """

    vehicles: int
    rounds: int
    every_s: float
    rate: int
    least: int


Attacks = Callable[["Campaign"], Awaitable[None]]


@dataclass(slots=True)
class Campaign:
    """One system, one feed, one seed."""

    settings: Settings
    servers: LocalServers
    folder: Path
    load: Load
    seed: int
    say: Callable[[str], None]
    env: dict[str, str] = field(default_factory=dict)
    transactional: bool = False
    figures: Counter[str] = field(default_factory=Counter)
    recovered_s: dict[str, list[float]] = field(default_factory=dict)
    chance: random.Random = field(init=False)
    workers: Workers = field(init=False)
    feed: Feed = field(init=False)
    listener: Listener = field(init=False)
    begun_s: float = field(init=False)

    def __post_init__(self) -> None:
        """Nothing is started."""
        self.chance = random.Random(self.seed)
        self.begun_s = monotonic_s()
        self.workers = Workers(environment(self.settings) | self.env, self.folder, self.tell)

    def tell(self, line: str) -> None:
        """A progress line with the time since the beginning."""
        self.say(f"{monotonic_s() - self.begun_s:6.1f} s  {line}")

    async def run(self, attacks: "Attacks") -> Expected:
        """Start, feed, attack, come to rest, compare; gives what was expected and found.

        Raises:
            Failed: with every difference.
        """
        await make_topics(self.settings)
        await put_in_force(self.settings, fleet(self.load.vehicles))
        self.tell(f"seed {self.seed}: {self.load.vehicles} vehicles, {self.load.rate} reports/s")
        fixes = journeys(self.load.vehicles, self.load.rounds, self.load.every_s, self.seed)
        self.feed = (TransactionalFeed if self.transactional else Feed)(self.settings, fixes, self.load.rate)
        with self.workers, contextlib.ExitStack() as stack:
            stack.callback(self.workers.thaw_all)
            self.workers.start(*SERVICES, wait=False)
            await self.workers.settled(*SERVICES)
            self.listener = Listener(
                self.workers.ports["api"], self.settings.token, random.Random(self.seed + 1)
            )
            async with asyncio.TaskGroup() as tasks:
                feeding = tasks.create_task(self.feed.run())
                others = [tasks.create_task(self.workers.keep()), tasks.create_task(self.listener.run())]
                if self.transactional:
                    others.append(tasks.create_task(litter(self.settings)))
                await attacks(self)
                while self.feed.sent < self.load.least:  # noqa: ASYNC110 - told by nobody
                    await asyncio.sleep(LOOK_S)
                if self.feed.dry:
                    raise Failed("the feed ran dry before the last attack: give it more rounds")
                self.feed.stopping.set()
                await feeding
                for task in others[2:]:
                    task.cancel()
                    await asyncio.wait([task])
                await self._rest()
                for task in others:
                    task.cancel()
        return await self._judge()

    async def _rest(self) -> None:
        """Everything sent is through, everything told is heard; then ingest ends first, so that no tick comes after the rest."""
        begun_s = monotonic_s()
        await self.workers.settled(*SERVICES)
        await self.caught_up()
        code = await self.workers.leave("ingest")
        await self.caught_up()
        codes = [code] + [await self.workers.leave(name) for name in ("recorder", "rules")]
        if any(codes):
            raise Failed(f"exit codes {codes} after SIGTERM")
        last = await self._ask("SELECT last FROM feed")
        async with asyncio.timeout(PATIENCE_S):
            while self.listener.position < last:  # noqa: ASYNC110 - told by nobody
                await asyncio.sleep(LOOK_S)
        self.tell(f"at rest after {monotonic_s() - begun_s:.1f} s")

    async def _judge(self) -> Expected:
        conn = await unbounded(self.settings.database_url)
        documents, drivers = await known(conn)
        await conn.close()
        wanted = await expected(self.settings, documents, drivers)
        found = await differences(self.settings, wanted, WORKERS)
        found += self.listener.faults + await unheard(self.settings, self.listener.heard)
        if not self.feed.acknowledged <= wanted.values:
            found.append(
                f"{len(self.feed.acknowledged - wanted.values)} acknowledged reports are not in gps.raw"
            )
        if (rules := {str(row[1]) for row in wanted.alerts.values()}) != RULES:
            found.append(f"the feed raised alerts of {rules} only")
        self.figures.update({
            "reports": wanted.reports.total(), "fixes": sum(map(len, wanted.fixes.values())),
            "fixes twice in gps.fixes": wanted.repeated, "alerts": len(wanted.alerts),
            "events": sum(map(len, wanted.events.values())), "vehicles": len(wanted.state),
            "stream cuts": self.listener.cuts, "stream refusals": self.listener.refusals,
            "ended by themselves": len(self.workers.ended),
        })  # fmt: skip
        self.tell(", ".join(f"{name} {count}" for name, count in self.figures.items()))
        for what, seconds in self.recovered_s.items():
            self.tell(f"{what}: {len(seconds)} times, longest {max(seconds):.1f} s")
        if found:
            raise Failed(f"seed {self.seed}:\n" + "\n".join(found))
        return wanted

    # what is asked of the system

    async def _ask(self, query: str) -> int:
        conn = await asyncpg.connect(self.settings.database_url, timeout=10)
        try:
            return int(await conn.fetchval(query) or 0)
        finally:
            await conn.close()

    async def rows(self, consumer: str) -> list[progress.Progress]:
        """Its progress."""
        conn = await unbounded(self.settings.database_url)
        try:
            return await progress.read_all(conn, consumer)
        finally:
            await conn.close()

    async def caught_up(self) -> float:
        """Seconds until all that was in gps.raw at the call is decided, recorded and judged."""
        begun_s = monotonic_s()
        await self._passed("ingest", await self._ends(RAW))
        ends = await self._ends(FIXES)
        for consumer in ("recorder", "rules"):
            await self._passed(consumer, ends)
        return monotonic_s() - begun_s

    async def _ends(self, topic: str) -> dict[int, int]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                with contextlib.suppress(KafkaAway):
                    return await end_offsets(self.settings, topic)

    async def _passed(self, consumer: str, ends: dict[int, int]) -> None:
        until_s = monotonic_s() + PATIENCE_S
        while any(at < ends[number] for number, at in (await self._positions(consumer)).items()):
            if monotonic_s() > until_s:
                at = await self._positions(consumer)
                raise Failed(f"{consumer} stands at {at}, ends are {ends}\n{self.workers.log(consumer)}")
            await asyncio.sleep(LOOK_S)

    async def _positions(self, consumer: str) -> dict[int, int]:
        found = {row.partition: row.next_offset for row in await self.rows(consumer)}
        return {number: found.get(number, 0) for number in range(self.settings.partitions)}

    async def at_work(self, *names: str) -> None:
        """Wait until these are ready and their progress moves."""
        await self.workers.settled(*names)
        for name in names:
            if name in WORKERS:
                before = await self._positions(name)
                until_s = monotonic_s() + PATIENCE_S
                while await self._positions(name) == before:
                    if monotonic_s() > until_s:
                        raise Failed(f"{name} does not move\n{self.workers.log(name)}")
                    await asyncio.sleep(LOOK_S / 2)

    async def owned(self, kind: str, names: Sequence[str], within_s: float = 90.0) -> float:
        """Seconds until the partitions of a consumer belong to exactly these processes."""
        begun_s, wanted = monotonic_s(), {self.workers.owner(name) for name in names}
        while {row.owner for row in await self.rows(kind)} != wanted:
            if monotonic_s() - begun_s > within_s:
                logs = "\n".join(self.workers.log(name) for name in names)
                raise Failed(f"partitions of {kind} are not {names}'s after {within_s:.0f} s\n{logs}")
            await asyncio.sleep(LOOK_S)
        return monotonic_s() - begun_s

    # attacks

    async def kills(self, count: int, *, api_every: int) -> None:
        """SIGKILL workers at work at random moments, now and then two at once, now and then again while they come up."""
        for number in range(1, count + 1):
            victims = self.chance.sample(WORKERS, 2 if self.chance.random() < 0.25 else 1)
            if number % api_every == 0:
                victims.append("api")
            await self.at_work(*victims)
            await asyncio.sleep(self.chance.uniform(0.0, 1.0))
            self.workers.kill_and_start(*victims)
            self.figures["kills"] += len(victims)
            self.tell(f"kill {number} of {count}: {', '.join(victims)}; {self.feed.sent} reports sent")
            if self.chance.random() < 0.25:
                await asyncio.sleep(self.chance.uniform(1.0, 4.0))
                self.workers.kill_and_start(victims[0])
                self.figures["kills while starting"] += 1
        begun_s = monotonic_s()
        await self.workers.settled(*SERVICES)
        await self.caught_up()
        self._note("caught up after kills", monotonic_s() - begun_s)

    async def outage(self, server: str, seconds: float, *, crash: bool) -> None:
        """Stop the broker or the database; every service that needs it must say that it waits, and go on by itself afterwards."""
        waiting = WORKERS if server == "kafka" else SERVICES
        await self.workers.settled(*SERVICES)
        marks = {name: len(self.workers.text(name)) for name in waiting}
        begun_s = monotonic_s()
        self._stop(server, crash=crash)
        for name in waiting:
            await self._visible(name, marks[name], begun_s + VISIBLE_WITHIN_S)
        self._note(f"{server} away, said by all", monotonic_s() - begun_s)
        await asyncio.sleep(max(0.0, begun_s + seconds - monotonic_s()))
        self.tell(f"{server} was away for {monotonic_s() - begun_s:.0f} s, comes back")
        self.servers.start()
        begun_s = monotonic_s()
        await self.workers.settled(*SERVICES)
        self._note(f"{server} back, all ready", monotonic_s() - begun_s)
        await self.caught_up()
        self._note(f"{server} back, caught up", monotonic_s() - begun_s)

    def _stop(self, server: str, *, crash: bool) -> None:
        self.tell(f"{server} is {'killed' if crash else 'stopped'}")
        running = self.servers.kafka if server == "kafka" else self.servers.postgres
        if crash and running.pid is not None:
            os.kill(running.pid, signal.SIGKILL)
        running.stop()
        self.figures[f"{server} outages"] += 1

    async def _visible(self, name: str, log_from: int, until_s: float) -> None:
        while lacking := await self.workers.waits(name, log_from):
            if monotonic_s() > until_s:
                raise Failed(
                    f"{name} does not show that it waits, lacking: {lacking}\n{self.workers.log(name)}"
                )
            await asyncio.sleep(LOOK_S)

    async def company(self, kind: str, stay_s: float, how: signal.Signals) -> None:
        """A second worker joins, works, and leaves."""
        other = f"{kind}-two"
        await self.workers.settled(kind)
        self.workers.start(other, wait=False)
        self._note("second worker has its share", await self.owned(kind, (kind, other)))
        await asyncio.sleep(stay_s)
        await self.workers.leave(other, how)
        self._note(f"first worker has all after {how.name}", await self.owned(kind, (kind,)))
        self.figures["rebalances"] += 2
        self.tell(f"a second {kind} joined and left by {how.name}")

    async def fenced(self, kind: str) -> None:
        """One of two workers freezes with a batch in its hands; the other takes over; the frozen one wakes and is refused."""
        other = f"{kind}-{FROZEN}"
        await self.workers.settled(kind)
        self.workers.start(other, wait=False)
        await self.owned(kind, (kind, other))
        await self.workers.freeze(other)
        mark, begun_s = len(self.workers.text(other)), monotonic_s()
        self._note("frozen worker's partitions taken over", await self.owned(kind, (kind,)))
        await asyncio.sleep(self.chance.uniform(0.5, 3.0))
        self.workers.thaw(other)
        self.tell(f"{other} was frozen for {monotonic_s() - begun_s:.0f} s, wakes")
        if UNFENCED not in self.env:
            async with asyncio.timeout(PATIENCE_S):
                while REFUSED[kind] not in self.workers.text(other)[mark:]:  # noqa: ASYNC110 - told by nobody
                    await asyncio.sleep(LOOK_S)
        self._note("woken worker works again", await self.owned(kind, (kind, other)))
        await self.workers.leave(other)
        await self.owned(kind, (kind,))
        self.figures["fenced"] += 1

    def _note(self, what: str, seconds: float) -> None:
        self.recovered_s.setdefault(what, []).append(seconds)
        self.tell(f"{what}: {seconds:.1f} s")


def environment(settings: Settings) -> dict[str, str]:
    """The variables under which services run with these settings."""
    given = ("kafka_bootstrap", "database_url", "topic_prefix", "token", "partitions", "snapshot_every_s", "tick_every_s",
             "deadline_s", "stall_s", "oldest_days")  # fmt: skip
    return {f"ROADWATCH_{name.upper()}": str(getattr(settings, name)) for name in given} | {
        "ROADWATCH_LOG_FORMAT": "json"
    }
