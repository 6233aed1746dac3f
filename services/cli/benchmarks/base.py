"""What the benchmarks share: a result's shape, private servers started once, and a fresh system on them for each figure."""

import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import msgspec

from services.contracts.registry import Config
from services.ingest.configs import publish
from services.runtime.kafka import Producer, make_topics
from services.runtime.servers import Addresses, LocalServers
from services.runtime.settings import WORLD, Settings
from services.store import configs, connect
from services.store.migrate import migrate


class Result(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of the table; `limit` is the bare limit measured in the same run, `ratio` value / limit."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    runs: int = 1
    min: float | None = None
    max: float | None = None
    p99: float | None = None
    note: str = ""


def result(
    name: str, unit: str, values: Sequence[float], limits: Sequence[float] = (), note: str = ""
) -> Result:
    """Medians of several runs, with the ratio to the limit's median."""
    value = statistics.median(values)
    limit = statistics.median(limits) if limits else None
    return Result(
        name=name, value=round(value, 3), unit=unit, limit=None if limit is None else round(limit, 3),
        ratio=None if not limit else round(value / limit, 3), runs=len(values), min=round(min(values), 3),
        max=round(max(values), 3), note=note,
    )  # fmt: skip


class Bench(AbstractContextManager["Bench"]):
    """Private servers for benchmarks; started by the first figure that needs them, removed at the end."""

    def __init__(self) -> None:
        """Nothing runs yet."""
        self._folder = tempfile.TemporaryDirectory(prefix="roadwatch-bench-")
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o755)
        self._servers = LocalServers(self.folder / "servers")
        self._addresses: Addresses | None = None
        self._systems = 0

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop and remove what was started."""
        if self._addresses is not None:
            self._servers.remove()
        self._folder.cleanup()

    async def system(self, config: Config, partitions: int = 4) -> Settings:
        """Settings of a fresh database with `config` in force, and fresh topics."""
        if self._addresses is None:
            self._addresses = self._servers.start()
        self._systems += 1
        name = f"bench{self._systems}"
        conn = await asyncpg.connect(self._addresses.database_url)
        await conn.execute(f"CREATE DATABASE {name}")
        await conn.close()
        url = self._addresses.database_url.rpartition("/")[0] + "/" + name
        settings = Settings(
            kafka_bootstrap=self._addresses.kafka_bootstrap, database_url=url, topic_prefix=f"b{self._systems}.",
            partitions=partitions, service_area=WORLD, oldest_days=0, token="bench",  # noqa: S106 - of a throw-away system
        )  # fmt: skip
        migrate(url, wait_s=30, say=_silent)
        await make_topics(settings)
        await put_in_force(settings, config)
        return settings

    def environment(self, settings: Settings) -> dict[str, str]:
        """The variables under which services run with these settings."""
        return {
            "ROADWATCH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "ROADWATCH_DATABASE_URL": settings.database_url,
            "ROADWATCH_TOPIC_PREFIX": settings.topic_prefix,
            "ROADWATCH_PARTITIONS": str(settings.partitions),
            "ROADWATCH_SERVICE_AREA": "world",
            "ROADWATCH_OLDEST_DAYS": str(settings.oldest_days),
            "ROADWATCH_TOKEN": settings.token,
            "ROADWATCH_LOG_FORMAT": "json",
        }


async def put_in_force(settings: Settings, config: Config) -> None:
    """Save a config document and publish it, as an import does, without the registry's tables."""
    conn = await connect.connection(settings.database_url, command_timeout_s=120)
    try:
        await configs.save(conn, config, "benchmark")
        async with Producer(settings, "bench") as producer:
            await publish(producer, conn)
    finally:
        await conn.close()


def _silent(_line: str) -> None:
    """The servers are there already."""
