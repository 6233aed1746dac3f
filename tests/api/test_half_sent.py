"""Requests that do not become whole are cut after ten seconds (here: less); idle connections, answers under way and streams are not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.api import protocol
from tests.api.support import TOKEN, Api

LIMIT_S = 0.5
AUTH = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
WHOLE = f"GET /v1/alerts?limit=1 HTTP/1.1\r\n{AUTH}\r\n".encode()


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert protocol.WHOLE_S == 10
    monkeypatch.setattr(protocol, "WHOLE_S", LIMIT_S)


@asynccontextmanager
async def opened(api: Api) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the other side ends it."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionError:
            return b"HTTP/1.1 408 reset"


@pytest.mark.parametrize(
    "begun",
    [
        b"G",
        b"\r\n",
        b"GET /v1/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b",
        f"POST /v1/webhooks/endpoints HTTP/1.1\r\n{AUTH}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{{".encode(),
        f"POST /v1/webhooks/endpoints HTTP/1.1\r\n{AUTH}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n".encode(),
    ],
)
async def test_a_request_that_stops_is_cut(api: Api, begun: bytes) -> None:
    async with opened(api) as (reader, writer):
        writer.write(begun)
        assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (b"GET /v1/alerts HTTP/1.1\r\n", b"X-A: b\r\n"),
        (f"POST /v1/webhooks/endpoints HTTP/1.1\r\n{AUTH}Content-Type: application/json\r\nContent-Length: 500\r\n\r\n".encode(), b" "),
    ],
)  # fmt: skip
async def test_one_that_drips_is_cut_all_the_same(api: Api, head: bytes, drop: bytes) -> None:
    async with opened(api) as (reader, writer):
        writer.write(head)

        async def drip() -> None:
            while True:
                writer.write(drop)
                await asyncio.sleep(LIMIT_S / 10)

        dripping = asyncio.create_task(drip())
        try:
            assert (await rest(reader)).startswith(b"HTTP/1.1 408 ")
        finally:
            dripping.cancel()


async def test_a_second_request_on_a_connection_has_its_own_time(api: Api) -> None:
    async with opened(api) as (reader, writer):
        writer.write(WHOLE)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(2 * LIMIT_S)
        writer.write(WHOLE[:20])
        assert b"HTTP/1.1 408 " in await rest(reader)


async def test_an_idle_connection_is_kept(api: Api) -> None:
    async with opened(api) as (reader, writer):
        await asyncio.sleep(2 * LIMIT_S)
        for _ in range(3):
            writer.write(WHOLE)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            await asyncio.sleep(2 * LIMIT_S)


@pytest.mark.parametrize("more", [b"", b"\r\n", b"GET /v1/al"])
async def test_a_stream_is_not_cut(api: Api, more: bytes) -> None:
    async with opened(api) as (reader, writer):
        writer.write(f"GET /v1/alerts/stream HTTP/1.1\r\n{AUTH}\r\n".encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.write(more)
        reading = asyncio.create_task(rest(reader))
        done, _ = await asyncio.wait([reading], timeout=4 * LIMIT_S)
        reading.cancel()
        assert not done
