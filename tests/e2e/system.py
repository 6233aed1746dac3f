"""A whole system for the browser: ingest, rules and api on real servers, accounts to sign in with, and a fleet that can be made to speed."""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx2

from services.api.identity import Role
from services.cli.benchmarks.system import Processes
from services.contracts.alert import iso
from services.contracts.topics import RAW
from services.runtime.clock import now_ms
from services.runtime.kafka import Message, Producer, make_topics
from services.runtime.servers.process import free_port
from services.runtime.settings import Settings
from tests.api.accounts import account
from tests.conftest import RunRoadwatch

FLEET = 60
STEP_S = 10
LIMIT_ROAD = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": [[105.9, 38.48], [106.9, 38.48]]},
            "properties": {"road_class": "expressway", "name": "京藏高速", "ref": "G6"},
        }
    ],
}


@dataclass(frozen=True)
class System:
    """A system that runs."""

    settings: Settings
    port: int
    env: dict[str, str]

    @contextmanager
    def another_api(self, folder: Path, **more: str) -> Iterator[int]:
        """A second api of the same system, with other settings; gives its port."""
        port = free_port()
        with Processes(self.env | {"ROADWATCH_HTTP_PORT": str(port)} | more, folder) as processes:
            processes.start("api")
            yield port

    def get(self, path: str, **query: str) -> Any:
        """An answer of the api, asked with the system's own token."""
        answer = httpx2.get(
            f"http://127.0.0.1:{self.port}{path}", params=query, headers={"Authorization": f"Bearer {self.settings.token}"}, timeout=20
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return answer.json()

    def send(self, reports: Sequence[dict[str, Any]]) -> int:
        """Reports into Kafka; gives when they were acknowledged, Unix ms."""
        return int(aside(self._send(reports)))

    async def _send(self, reports: Sequence[dict[str, Any]]) -> int:
        async with Producer(self.settings, "e2e") as producer:
            await producer.send_many(
                RAW, [(str(report["terminal"]).encode(), json.dumps(report).encode()) for report in reports]
            )
            return now_ms()

    def send_bytes(self, *values: Any) -> None:
        """Anything into Kafka, as somebody may send it who is no terminal; None is a tombstone."""
        aside(self._send_bytes([Message(RAW, value, b"139") for value in values]))

    async def _send_bytes(self, messages: Sequence[Message]) -> None:
        async with Producer(self.settings, "e2e") as producer:
            await producer.send_batch(messages)


def aside(work: Coroutine[Any, Any, Any]) -> Any:
    """What it gives; run in a thread of its own: Playwright's sync API keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def terminal(number: int) -> str:
    """Terminal of the fleet's vehicle `number`, from 0."""
    return f"{13900001000 + number}"


def plate(number: int) -> str:
    """Its plate."""
    return f"宁A{70000 + number}"


def speeding(number: int, steps: int, last_ms: int, kmh: float = 125.0) -> list[dict[str, Any]]:
    """Reports of a vehicle above the limit, ten seconds apart, the last at `last_ms`."""
    return [
        {
            "terminal": terminal(number), "time": iso(last_ms - 1000 * STEP_S * (steps - 1 - step)), "lon": 106.0 + 0.004 * step + 0.002 * number,
            "lat": 38.48, "speed_kmh": kmh, "heading": 90, "driver": "640100-0001",
        }
        for step in range(steps)
    ]  # fmt: skip


@contextmanager
def running(settings: Settings, folder: Path, run_roadwatch: RunRoadwatch) -> Iterator[System]:
    """The system, until the end."""
    port = free_port()
    env = {
        "ROADWATCH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ROADWATCH_DATABASE_URL": settings.database_url,
        "ROADWATCH_TOPIC_PREFIX": settings.topic_prefix,
        "ROADWATCH_TOKEN": settings.token,
        "ROADWATCH_LOG_FORMAT": "json",
        "ROADWATCH_HTTP_PORT": str(port),
        "ROADWATCH_REQUESTS_PER_MINUTE": "100000",
    }
    aside(make_topics(settings))
    aside(_accounts(settings))
    vehicles = folder / "vehicles.csv"
    rows = [f"{plate(n)},yellow,coach,{terminal(n)},银川甲客运公司,640100" for n in range(FLEET)]
    vehicles.write_text(
        "\n".join(["plate,plate_color,class,terminal,operator,division", *rows]) + "\n", "utf-8"
    )
    roads = folder / "roads.geojson"
    roads.write_text(json.dumps(LIMIT_ROAD), "utf-8")
    drivers = folder / "drivers.csv"
    drivers.write_text(
        "driver,name,operator,licence_class,phone\n640100-0001,王小明,银川甲客运公司,A1,13800005678\n",
        "utf-8",
    )
    for kind, file in (("vehicles", vehicles), ("drivers", drivers), ("roads", roads)):
        done = run_roadwatch("import", kind, file, env=env)
        assert done.returncode == 0, done.stderr
    with Processes(env, folder / "run") as processes:
        processes.start("ingest", "recorder", "rules", "api")
        yield System(settings, port, env)


async def _accounts(settings: Settings) -> None:
    conn = await asyncpg.connect(settings.database_url)
    try:
        for login, role in (
            ("zhang", Role.DISPATCHER), ("wang", Role.DISPATCHER), ("li", Role.SUPERVISOR),
            ("shi", Role.AUTHORITY), ("xi", Role.SYSTEM_ADMIN), ("an", Role.SECURITY_ADMIN), ("shen", Role.AUDIT_ADMIN),
            ("huo", Role.PARTNER),
        ):  # fmt: skip
            await account(conn, login, role, divisions=["64"] if role in SCOPED else None)
    finally:
        await conn.close()


SCOPED = (Role.DISPATCHER, Role.SUPERVISOR, Role.AUTHORITY, Role.PARTNER)


def moment() -> int:
    """Now, in whole seconds."""
    return now_ms() // 1000 * 1000
