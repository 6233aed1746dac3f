"""What the api's tests stand on: an api that really listens, a reader of its streams, alerts to put into the database."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import httpx2
import msgspec
from fastapi import FastAPI

from services.api.app import create_app, end_streams
from services.api.server import Server, listening_socket, make_server
from services.api.state import State
from services.contracts.alert import (
    SEVERITIES,
    Alert,
    AlertVehicle,
    EpisodeState,
    Moment,
    Sentence,
    Severity,
    event_id,
    iso,
)
from services.contracts.fix import Fixes, fix_columns
from services.runtime.settings import Settings
from services.store import driver_seen
from services.store.alerts import NewEvent, append
from services.store.history import copy_fixes, days_of, make_days
from services.store.times import to_time
from tests.api.documented import check

BEGAN_MS = 1_795_363_200_000
TOKEN = "t" * 32
BEARER = {"authorization": f"Bearer {TOKEN}"}
DEADLINE_S = 20.0


@dataclass(slots=True)
class Api:
    """A listening api."""

    settings: Settings
    app: FastAPI
    server: Server
    serving: "asyncio.Task[None]"
    port: int
    client: httpx2.AsyncClient
    browsers: list[httpx2.AsyncClient] = field(default_factory=list)

    @property
    def state(self) -> State:
        """What lives in the process."""
        state: State = self.app.state.roadwatch
        return state

    async def get(self, path: str, headers: Any = None, **parameters: Any) -> httpx2.Response:
        """GET; a parameter's trailing underscore is dropped (`from_`)."""
        query = {name.rstrip("_"): value for name, value in parameters.items()}
        return await self.client.get(path, params=query or None, headers=headers)

    async def stop(self) -> None:
        """As on SIGTERM."""
        for client in (self.client, *self.browsers):
            await client.aclose()
        end_streams(self.app)
        self.server.should_exit = True
        await self.serving


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def start(settings: Settings) -> Api:
    """An api on a free port of loopback, listening."""
    app = create_app(settings)
    listening = listening_socket("127.0.0.1", 0)
    port = listening.getsockname()[1]
    server = make_server(app)
    serving = asyncio.create_task(server.serve([listening]))
    await until(lambda: server.started)
    client = httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        timeout=DEADLINE_S,
        trust_env=False,
        headers=BEARER,
        event_hooks={"response": [check]},
    )
    return Api(settings, app, server, serving, port, client)


@dataclass(slots=True)
class Message:
    """One block of a stream."""

    id: str | None = None
    event: str | None = None
    data: str | None = None
    retry: int | None = None
    comments: list[str] = field(default_factory=list)

    @property
    def body(self) -> dict[str, Any]:
        """The data, parsed."""
        body: dict[str, Any] = json.loads(self.data or "")
        return body


class Stream:
    """A client of a stream: raw, on one socket, so that a test can read slowly, cut and look at bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """After `open_stream`."""
        self.reader, self.writer = reader, writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self._buffer = b""
        self.ended = False

    async def head(self) -> None:
        """Read status and headers."""
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = text.split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
        }

    async def block(self) -> Message | None:
        """The next block; None at the stream's end."""
        async with asyncio.timeout(DEADLINE_S):
            while b"\n\n" not in self._buffer:
                chunk = await self._chunk()
                if chunk is None:
                    self.ended = True
                    return None
                self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\n\n")
        return parse(text.decode())

    async def event(self) -> Message | None:
        """The next block with data; None at the stream's end."""
        while (found := await self.block()) is not None and found.data is None:
            pass
        return found

    async def events(self, count: int) -> list[Message]:
        """The next `count` blocks with data."""
        found = [await self.event() for _ in range(count)]
        assert None not in found, f"the stream ended after {found.index(None)} of {count}"
        return [message for message in found if message is not None]

    async def seqs(self, count: int) -> list[int]:
        """The numbers of the next events, each of which has the same number as id and inside."""
        found = await self.events(count)
        assert [message.id for message in found] == [str(message.body["seq"]) for message in found]
        return [message.body["seq"] for message in found]

    async def _chunk(self) -> bytes | None:
        size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
        data = await self.reader.readexactly(size + 2)
        return data[:-2] if size else None

    async def close(self) -> None:
        """Cut the connection."""
        self.writer.transport.abort()
        await asyncio.sleep(0)


def parse(text: str) -> Message:
    """A block's fields."""
    message = Message()
    for line in text.split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not name:
            message.comments.append(value)
        elif name == "retry":
            message.retry = int(value)
        else:
            setattr(message, name, value)
    return message


@asynccontextmanager
async def open_stream(
    port: int,
    path: str = "/v1/alerts/stream",
    headers: Mapping[str, str | None] | None = None,
    *,
    limit: int = 2**20,
) -> AsyncIterator[Stream]:
    """A stream, its headers read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
    sent: dict[str, str | None] = {**BEARER, **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value is not None)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode())
    stream = Stream(reader, writer)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await stream.head()
        yield stream
    finally:
        await stream.close()


def event(
    name: str,
    sequence: int = 1,
    *,
    event_type: str = "alert.opened",
    rule: str = "speeding",
    kind: str = "monitoring",
    state: str = "open",
    severity: str = "major",
    vehicle: int = 7,
    plate: str = "宁A12345",
    plate_color: str = "yellow",
    vehicle_class: str = "coach",
    operator: str = "银川某客运公司",
    division: str = "640100",
    began_ms: int = BEGAN_MS,
    lon: float = 106.23,
    lat: float = 38.48,
    why: dict[str, Any] | None = None,
    driver: str | None = None,
) -> NewEvent:
    """A step of an alert."""
    ended_ms = began_ms + 60_000 if state == "closed" else None
    alert = Alert(
        id=name, version=sequence, rule=rule, rule_version=1, kind=kind,
        vehicle=AlertVehicle(id=vehicle, plate=plate, plate_color=plate_color, vehicle_class=vehicle_class, operator=operator,
                             division=division),
        terminal="13900000021", driver=driver, began=iso(began_ms), ended=iso(ended_ms) if ended_ms else None, state=EpisodeState(state),
        severity=Severity(severity), confidence=0.9, at=Moment(lon=lon, lat=lat, time=iso(began_ms)), limit=100, peak=118.0, unit="km/h",
        why=why or {}, late=False, handling="open", sentence=Sentence(zh="超速 118 km/h", en="speeding at 118 km/h"),
    )  # fmt: skip
    return NewEvent(
        event_id=event_id(name, sequence), type=event_type, time_ms=began_ms + 1000, alert=alert,
        severity_rank=SEVERITIES.index(Severity(severity)), began_ms=began_ms, ended_ms=ended_ms, data=msgspec.json.encode(alert),
    )  # fmt: skip


async def put(conn: asyncpg.Connection, events: Sequence[NewEvent]) -> int:
    """Commit events as the rules do; gives the last number."""
    async with conn.transaction():
        return await append(conn, events)


async def register(
    conn: asyncpg.Connection,
    plate: str,
    *,
    plate_color: str = "yellow",
    vehicle_class: str = "coach",
    operator: str = "银川某客运公司",
    division: str = "640100",
    terminal: str | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> int:
    """A registration; gives the vehicle's id."""
    named: int = await conn.fetchval(
        "INSERT INTO operator (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = $1 RETURNING id",
        operator,
    )
    vehicle: int = await conn.fetchval(
        "INSERT INTO vehicle (plate, plate_color) VALUES ($1, $2)"
        " ON CONFLICT (plate, plate_color) DO UPDATE SET plate = $1 RETURNING id",
        plate, plate_color,
    )  # fmt: skip
    number = terminal or f"T{plate}"
    await conn.execute("INSERT INTO terminal VALUES ($1) ON CONFLICT DO NOTHING", number)
    await conn.execute(
        "INSERT INTO registration (vehicle_id, vehicle_class, terminal, operator_id, division, status, valid_from, valid_to)"
        " VALUES ($1, $2, $3, $4, $5, 'active', $6, $7)",
        vehicle, vehicle_class, number, named, division, valid_from, valid_to,
    )  # fmt: skip
    return vehicle


def fixes(vehicle: int, times_ms: Sequence[int], **columns: Any) -> Fixes:
    """Fixes of one vehicle, on a line to the north-east."""
    made = fix_columns(len(times_ms))
    made["vehicle"], made["time_ms"] = vehicle, times_ms
    made["received_ms"] = made["time_ms"] + 500
    made["raw_offset"] = range(len(times_ms))
    made["lon_e7"] = [1_062_300_000 + 1000 * place for place in range(len(times_ms))]
    made["lat_e7"] = [384_800_000 + 1000 * place for place in range(len(times_ms))]
    for name, values in columns.items():
        made[name] = values
    return made


async def record(conn: asyncpg.Connection, made: Fixes) -> None:
    """Put fixes into the history, as the recorder does."""
    await make_days(conn, days_of(made))
    async with conn.transaction():
        await copy_fixes(conn, 0, made)
        await driver_seen.note(conn, driver_seen.sightings(made))


async def assign(
    conn: asyncpg.Connection,
    vehicle: int,
    route: str,
    line: Sequence[tuple[float, float]] = ((106.2, 38.4), (106.3, 38.5), (106.4, 38.5)),
    half_widths_m: Sequence[float] = (100.0, 200.0),
    *,
    driver: str | None = None,
) -> None:
    """A route with two stops, and the vehicle's duty to keep to it on the day of the alerts."""
    stops = [{"name": "起点站", "lon": line[0][0], "lat": line[0][1], "radius_m": 50.0}]
    wkt = "LINESTRING(" + ",".join(f"{lon} {lat}" for lon, lat in line) + ")"
    await conn.execute(
        "INSERT INTO route (route, name, line, leg_half_widths_m, stops) VALUES ($1, $2, ST_GeomFromText($3, 4326), $4, $5)"
        " ON CONFLICT (route) DO NOTHING",
        route, f"{route} 线", wkt, half_widths_m, stops,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO assignment (vehicle_id, route, from_at, to_at, driver, direction) VALUES ($1, $2, $3, $4, $5, 'both')",
        vehicle, route, to_time(BEGAN_MS - 3_600_000), to_time(BEGAN_MS + 3_600_000), driver,
    )  # fmt: skip
