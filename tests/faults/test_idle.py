"""Workers that have nothing to do notice that the database is away, say so, and come back by themselves."""

import time
from collections.abc import Callable
from pathlib import Path

from services.cli.benchmarks.system import Processes
from services.runtime.clock import monotonic_s
from services.runtime.servers import LocalServers
from services.runtime.settings import Settings

WORKERS = ("ingest", "recorder", "rules")


def until(true: Callable[[], bool], seconds: float) -> None:
    end_s = monotonic_s() + seconds
    while not true():
        assert monotonic_s() < end_s
        time.sleep(0.05)


def test_idle_workers_are_not_ready_while_the_database_is_away(
    settings: Settings, topics: list[str], servers: LocalServers, tmp_path: Path
) -> None:
    assert topics
    env = {
        "ROADWATCH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap, "ROADWATCH_DATABASE_URL": settings.database_url,
        "ROADWATCH_TOPIC_PREFIX": settings.topic_prefix, "ROADWATCH_LOG_FORMAT": "json",
    }  # fmt: skip
    with Processes(env, tmp_path / "run") as workers:
        workers.start(*WORKERS)
        servers.postgres.stop()
        try:
            until(lambda: not any(workers.ready(name) for name in WORKERS), 20)
        finally:
            servers.start()
        workers.wait_ready(*WORKERS)
