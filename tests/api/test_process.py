"""The api as a process, and what it does while its database is away: says so, keeps its streams, goes on by itself."""

import asyncio
import signal
import socket
from pathlib import Path

import asyncpg
import pytest

from services.api.server import session
from services.runtime.servers import LocalServers
from services.runtime.servers.process import free_port
from services.runtime.service import Service
from services.runtime.settings import Settings
from services.store.connect import connection
from tests.api.processes import api_environment, process, status_of
from tests.api.support import TOKEN, Api, event, open_stream, put, until


async def test_sigterm_ends_the_process_within_two_seconds_with_streams_open(
    writer: asyncpg.Connection, database_url: str, tmp_path: Path
) -> None:
    port, file = free_port(), tmp_path / "run" / "api.json"
    async with process(**api_environment(database_url, port, file)) as running:
        status = await status_of(file)
        assert (status["name"], status["pid"], status["lag"]) == ("api", running.pid, 0)
        async with open_stream(port) as one, open_stream(port, "/v1/positions/stream") as other:
            await put(writer, [event("a")])
            assert await one.seqs(1) == [1]
            begun = asyncio.get_running_loop().time()
            running.send_signal(signal.SIGTERM)
            farewell = await one.event()
            assert farewell is not None
            assert farewell.event == "bye"
            assert await one.event() is None
            while await other.block() is not None:
                pass
            assert await running.wait() == 0
            assert (
                asyncio.get_running_loop().time() - begun < 3
            )  # 2 s, and what a busy machine takes for leaving
        _, errors = await running.communicate()
        assert b"Traceback" not in errors
        assert TOKEN.encode() not in errors


async def test_without_a_token_or_with_a_port_taken_it_says_what_to_do(database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for environment, said in (
            ({"ROADWATCH_TOKEN": ""}, b"ROADWATCH_TOKEN is empty"),
            (
                {"ROADWATCH_TOKEN": TOKEN, "ROADWATCH_HTTP_PORT": port},
                b"set ROADWATCH_HTTP_PORT to a free one",
            ),
        ):
            async with process(ROADWATCH_DATABASE_URL=database_url, **environment) as running:
                _, errors = await running.communicate()
                assert running.returncode == 1
                assert said in errors


async def readiness(api: Api, expected: int) -> None:
    """Until `/readyz` answers so; the process is found alive all the while."""
    async with asyncio.timeout(30):
        while (await api.get("/readyz")).status_code != expected:
            assert (await api.get("/healthz")).status_code == 200
            await asyncio.sleep(0.1)


@pytest.mark.timeout(180)
async def test_a_database_that_stops_is_said_to_be_away_and_streams_go_on_after_it(
    api: Api, writer: asyncpg.Connection, servers: LocalServers, database_url: str
) -> None:
    await put(writer, [event("a"), event("b")])
    await writer.close()
    async with open_stream(api.port, "/v1/alerts/stream?after=0") as stream:
        assert await stream.seqs(2) == [1, 2]
        await readiness(api, 200)
        servers.postgres.stop()
        try:
            await readiness(api, 503)
            for path in (
                "/v1/alerts",
                "/v1/events",
                "/v1/vehicles",
                "/v1/alerts/a",
                "/v1/vehicles/1/track",
                "/v1/alerts/stream",
            ):
                answer = await api.get(path, headers={"Accept-Language": "en"})
                assert (answer.status_code, answer.json()["type"]) == (
                    503,
                    "urn:roadwatch:problem:database-away",
                ), path
                assert int(answer.headers["retry-after"]) > 0
            assert (await api.get("/v1/positions")).status_code == 200
            assert (await api.get("/v1/meta")).status_code == 200
        finally:
            servers.start()
        await readiness(api, 200)
        again = await connection(database_url)
        await put(again, [event("c"), event("d")])
        assert await stream.seqs(2) == [3, 4]
        await again.close()
    assert [item["seq"] for item in (await api.get("/v1/events")).json()["items"]] == [1, 2, 3, 4]


async def test_a_table_locked_by_somebody_makes_it_unready_not_dead(
    api: Api, writer: asyncpg.Connection, database_url: str
) -> None:
    await put(writer, [event("a")])
    await readiness(api, 200)
    foreign = await connection(database_url, server_settings={"idle_in_transaction_session_timeout": "60000"})
    async with open_stream(api.port, "/v1/alerts/stream?after=0") as stream:
        assert await stream.seqs(1) == [1]
        transaction = foreign.transaction()
        await transaction.start()
        await foreign.execute("LOCK TABLE alert_event")
        await readiness(api, 503)
        await transaction.rollback()
        await readiness(api, 200)
        await put(writer, [event("b")])
        assert await stream.seqs(1) == [2]
    await foreign.close()


async def test_what_dies_in_the_background_ends_the_process(
    api_settings: Settings, writer: asyncpg.Connection
) -> None:
    """A reader that is dead while everything else answers would be the worst of states: streams that never say anything again."""
    service = Service("api", api_settings.model_copy(update={"http_port": free_port()}))
    serving = asyncio.create_task(session(service))
    await until(lambda: service.ready)
    (reader,) = (task for task in asyncio.all_tasks() if "Hub.run" in repr(task))
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
