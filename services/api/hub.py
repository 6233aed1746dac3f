"""The one reader of the feed in this process, and the fan-out to its streams: every event is read once, encoded once, told to all.

The reader asks the table by its cursor, every 10 ms while anybody listens (half of that is what it adds to an alert's way) and every 250 ms
otherwise; an indexed look that finds nothing costs the server a tenth of a millisecond. Numbers are gapless and in commit order (the `feed`
row), so `seq > cursor` misses nothing; a number that does not follow means that the database was set back, and is told as `reset`.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import asyncpg
import structlog

from services.api.database import Database, DatabaseAway
from services.api.filters import FACTS, Facts, Wanted
from services.contracts.alert import event_body, iso, without_driver
from services.runtime import metrics
from services.runtime.clock import monotonic_s
from services.store.api_queries import events_after, feed_last
from services.store.times import to_ms

POLL_S, IDLE_S = 0.01, 0.25
LOOK_BACK_EVERY_S = 1.0
PAGE = 200
RING = 2048
HEARTBEAT_S = 15.0
ALIVE_S = 3.0
SAY_EVERY_S = 10.0
RETRY_S = 0.2

log = structlog.get_logger()


class Event:
    """An event as it goes out: its number, its frame (encoded once), and the facts that filters ask for (decoded when first asked)."""

    __slots__ = ("_data", "_facts", "_row", "_thin", "frame", "seq")

    def __init__(self, row: asyncpg.Record) -> None:
        """`row` is one of `events_after`."""
        self.seq: int = row["seq"]
        self._data: str = row["data"]
        self._facts: Facts | None = None
        self._row, self._thin = row, b""
        self.frame = self._framed(body_of(row))

    def _framed(self, body: bytes) -> bytes:
        kind: str = self._row["type"]
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (self.seq, kind.encode(), body)

    def frame_for(self, wanted: Wanted) -> bytes:
        """The frame, for those who may not know the driver one without (encoded when first asked)."""
        if wanted.drivers:
            return self.frame
        if not self._thin:
            self._thin = self._framed(body_of(self._row, driver=False))
        return self._thin

    def wanted_by(self, wanted: Wanted) -> bool:
        """Whether the event meets the conditions."""
        if wanted.everything:
            return True
        if self._facts is None:
            self._facts = FACTS.decode(self._data)
        return wanted.matches(self._facts)


def body_of(row: asyncpg.Record, *, driver: bool = True) -> bytes:
    """The event's JSON, the same bytes on every way it goes; `driver` False: without who was driving."""
    return event_body(
        event=row["event_id"],
        seq=row["seq"],
        event_type=row["type"],
        time=iso(to_ms(row["time"])),
        alert=row["alert_id"],
        sequence=row["sequence"],
        data=row["data"].encode() if driver else without_driver(row["data"]),
    )


class Listener:
    """A client's queue: bounded, ended when the client falls behind; what was queued before that is still delivered."""

    def __init__(self, wanted: Wanted, most: int) -> None:
        """`most` events may wait."""
        self.wanted = wanted
        self.key = wanted.text  # equal for equal conditions, and a text's hash is kept
        self.after = 0  # events up to this number the client has already
        self.passed = 0  # number up to which everything was queued or did not concern it
        self.told = 0  # last number the client has seen as an id
        self.sent_s = monotonic_s()
        self.ended = False
        self.lagged = False
        self._most = most
        self._waiting = 0
        self._queue: deque[bytes] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, chunk: bytes, count: int) -> bool:
        """Queue `count` events; False: too many wait already, the listener is at its end."""
        if self._waiting and self._waiting + count > self._most:
            self.lagged = True
            self.end(b'event: lagged\ndata: {"after":%d}\n\n' % self.told)
            return False
        self._waiting += count
        self.say(chunk)
        return True

    def say(self, chunk: bytes) -> None:
        """Queue something that is no event."""
        self._queue.append(chunk)
        self._wake()

    def end(self, farewell: bytes = b"") -> None:
        """Deliver what is queued and then the farewell, and no more."""
        if not self.ended:
            self.ended = True
            self.say(farewell)

    def drop(self) -> None:
        """The client is gone: deliver nothing."""
        self.ended = True
        self._queue.clear()
        self._wake()

    def _wake(self) -> None:
        """A bare future, not an Event: this is done for every client and event."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def take(self) -> bytes:
        """Everything queued, waiting for it; empty only at the end."""
        if not self._queue and not self.ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._waiting = 0
        if len(self._queue) == 1:
            return self._queue.pop()
        chunk = b"".join(self._queue)
        self._queue.clear()
        return chunk


class Hub:
    """Reads the feed and tells its listeners."""

    def __init__(self, database: Database, most_waiting: int) -> None:
        """`most_waiting` events may wait for a client."""
        self.position = 0
        self.known = asyncio.Event()
        self.closed = False
        self.listeners: set[Listener] = set()
        self._database = database
        self._most = most_waiting
        self._ring: deque[Event] = deque(maxlen=RING)
        self._polled_s = float("-inf")
        self._wanted = asyncio.Event()

    @property
    def alive(self) -> bool:
        """Whether the reader has looked into the table within the last seconds."""
        return not self.closed and monotonic_s() - self._polled_s < ALIVE_S

    def listener(self, wanted: Wanted) -> Listener:
        """A queue that is not yet fed; `join` feeds it."""
        return Listener(wanted, self._most)

    def join(self, listener: Listener, after: int) -> list[Event] | None:
        """Feed the listener from now on and give the events it lacks until now; None: they are too long ago, read the table first.

        What is given and what is fed follow each other without a gap, since nothing else runs in between.
        """
        if after < self.position and (not self._ring or self._ring[0].seq > after + 1):
            return None
        listener.after = after
        listener.passed = max(after, self.position)
        self.listeners.add(listener)
        metrics.SSE_CLIENTS.set(len(self.listeners))
        self._wanted.set()
        if self.closed:
            listener.end()
        return [event for event in self._ring if event.seq > after] if after < self.position else []

    def leave(self, listener: Listener) -> None:
        """Feed it no more."""
        self.listeners.discard(listener)
        metrics.SSE_CLIENTS.set(len(self.listeners))

    def close(self, farewell: bytes = b"") -> None:
        """End all streams; the reader ends by itself."""
        self.closed = True
        self._wanted.set()
        for listener in self.listeners:
            listener.end(farewell)

    async def run(self) -> None:
        """Read until closed; while the database is away, say so now and then and try again."""
        said_s = float("-inf")
        while not self.closed:
            try:
                await self._follow()
            except DatabaseAway as error:
                if monotonic_s() - said_s >= SAY_EVERY_S:
                    said_s = monotonic_s()
                    log.warning("waiting", server="postgresql", error=str(error))
                await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        looked_back_s = float("-inf")
        async with self._database.following() as conn:
            while not self.closed:
                if monotonic_s() - looked_back_s >= LOOK_BACK_EVERY_S:
                    ahead = max((listener.after for listener in self.listeners), default=0)
                    self._look_back(await feed_last(conn), ahead)
                    looked_back_s = monotonic_s()
                    self._keep_awake()
                rows = await events_after(conn, self.position, PAGE)
                self._polled_s = monotonic_s()
                if rows:
                    self.publish([Event(row) for row in rows])
                if len(rows) < PAGE:
                    await self._pause()

    def _look_back(self, last: int, ahead: int) -> None:
        """Begin at the feed's end; later, see whether the feed has been set back, also behind a client who was `ahead` of us."""
        if not self.known.is_set():
            self.position = last
            self.known.set()
        elif last < max(self.position, ahead):
            log.error("feed_set_back", position=self.position, last=last)
            self._reset(last)

    async def _pause(self) -> None:
        if self.listeners:
            await asyncio.sleep(POLL_S)
            return
        self._wanted.clear()
        try:
            async with asyncio.timeout(IDLE_S):
                await self._wanted.wait()
        except TimeoutError:
            return

    def publish(self, events: Sequence[Event]) -> None:
        """Tell everybody the next events."""
        if events[0].seq != self.position + 1 or events[-1].seq - events[0].seq != len(events) - 1:
            log.error("feed_not_contiguous", position=self.position, first=events[0].seq, last=events[-1].seq)
            self._reset(events[-1].seq)
            return
        self._ring.extend(events)
        self.position = events[-1].seq
        chunks: dict[tuple[str, int], tuple[bytes, int, int]] = {}
        told = 0
        for listener in tuple(self.listeners):
            begin = min(max(listener.after + 1 - events[0].seq, 0), len(events))
            key = (listener.key, begin)
            if key not in chunks:
                chosen = [event for event in events[begin:] if event.wanted_by(listener.wanted)]
                chunks[key] = (
                    b"".join(event.frame_for(listener.wanted) for event in chosen),
                    len(chosen),
                    chosen[-1].seq if chosen else 0,
                )
            told += self._tell(listener, *chunks[key])
        if told:
            metrics.SSE_EVENTS.inc(told)

    def _tell(self, listener: Listener, chunk: bytes, count: int, last: int) -> int:
        if count:
            if not listener.put(chunk, count):
                metrics.SSE_LAGGED.inc()
                self.leave(listener)
                return 0
            listener.told = last
        listener.passed = max(listener.passed, self.position)
        return count

    def _reset(self, last: int) -> None:
        self.position = last
        self._ring.clear()
        for listener in self.listeners:
            listener.after, listener.passed, listener.told = 0, last, last
            listener.say(reset_frame(last))

    def _keep_awake(self) -> None:
        """A comment for those who have heard nothing for a while; with it the position, so that a rare listener resumes near the end."""
        now_s = monotonic_s()
        for listener in self.listeners:
            if now_s - listener.sent_s >= HEARTBEAT_S:
                listener.sent_s = now_s
                if listener.passed > listener.told and not listener.wanted.everything:
                    listener.told = listener.passed
                    listener.say(heartbeat(listener.passed) + b"id: %d\n\n" % listener.told)
                else:
                    listener.say(heartbeat(listener.passed) + b"\n")


def heartbeat(through: int) -> bytes:
    """Comment lines: the stream lives, and everything that concerns its client up to number `through` was said before."""
    return b": heartbeat\n: through %d\n" % through


def reset_frame(last: int) -> bytes:
    """Tells a client that its position means nothing here: load a first page, go on from `last`."""
    return b'id: %d\nevent: reset\ndata: {"last":%d,"first_page":"/v1/alerts"}\n\n' % (last, last)
