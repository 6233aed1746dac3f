"""What tests share: real servers of their own, a migrated database for each module, topic names nobody else uses.

Servers start when the first test asks for them and stop with the session. A database is copied from one migrated template, which takes a
tenth of a second where migrating takes several. Traffic goes to loopback only.
"""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import psycopg
import pytest
from psycopg import sql

from services.runtime.kafka import make_topics
from services.runtime.servers import Addresses, LocalServers
from services.runtime.settings import Settings

ROADWATCH = Path(sys.executable).with_name("roadwatch")
COMPILING = ("ingest", "rules", "simulator")
"""Folders whose first test compiles all it calls where a source was changed: 40 s of CPU time for the rules."""
COMPILING_TIMEOUT_S = 300

hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile(
    "busy"
)  # how long an example takes says how busy the machine is, nothing else

RunRoadwatch = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives tests that may have to compile the time for it, where they ask for none of their own."""
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in COMPILING and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(COMPILING_TIMEOUT_S))


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServers]:
    """The session's PostgreSQL and Kafka, running; tests that kill one start it again with `servers.start()`."""
    local = LocalServers(tmp_path_factory.mktemp("servers"), fast=True)
    try:
        local.start()
        yield local
    finally:
        local.remove()


@pytest.fixture(scope="session")
def addresses(servers: LocalServers) -> Addresses:
    """Where the servers answer."""
    return servers.start()


@pytest.fixture(scope="session")
def kafka_bootstrap(addresses: Addresses) -> str:
    """`host:port` of the broker."""
    return addresses.kafka_bootstrap


@pytest.fixture
def topic_prefix() -> str:
    """A prefix for topic names that no other test has."""
    return f"t{uuid.uuid4().hex[:12]}."


@pytest.fixture
def settings(addresses: Addresses, fresh_database_url: str, topic_prefix: str) -> Settings:
    """Settings of a system of one's own: a fresh database, topics (not yet made) that no other test has."""
    return Settings(
        kafka_bootstrap=addresses.kafka_bootstrap,
        database_url=fresh_database_url,
        topic_prefix=topic_prefix,
        token="t" * 32,
        log_format="json",
        oldest_days=0,  # what tests send has fixed dates
    )


@pytest.fixture
async def topics(settings: Settings) -> list[str]:
    """The topics of `settings`, made; gives their names."""
    return await make_topics(settings)


@pytest.fixture(scope="session")
def run_roadwatch() -> RunRoadwatch:
    """Runs the installed command: `run_roadwatch("judge", file, env={...})`; gives exit code, stdout, stderr."""

    def run(
        *arguments: object, env: dict[str, str] | None = None, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        command = [str(ROADWATCH), *map(str, arguments)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("ROADWATCH_")}
        return subprocess.run(
            command, env=clean | (env or {}), capture_output=True, text=True, timeout=timeout_s, check=False
        )

    return run


@pytest.fixture(scope="session")
def database_template(addresses: Addresses, run_roadwatch: RunRoadwatch) -> str:
    """Name of a migrated, empty database to copy."""
    name = "roadwatch_template"
    _create_database(addresses.database_url, name)
    done = run_roadwatch(
        "migrate", env={"ROADWATCH_DATABASE_URL": _with_database(addresses.database_url, name)}
    )
    assert done.returncode == 0, f"roadwatch migrate failed:\n{done.stdout}\n{done.stderr}"
    return name


@pytest.fixture(scope="module")
def database_url(addresses: Addresses, database_template: str) -> Iterator[str]:
    """A migrated database that only this test module writes to."""
    yield from _fresh_database(addresses.database_url, database_template)


@pytest.fixture
def fresh_database_url(addresses: Addresses, database_template: str) -> Iterator[str]:
    """A migrated database that only this test writes to."""
    yield from _fresh_database(addresses.database_url, database_template)


@pytest.fixture
def empty_database_url(addresses: Addresses) -> Iterator[str]:
    """A database without a schema: for tests of the migrations themselves."""
    yield from _fresh_database(addresses.database_url, "template1")


def _fresh_database(server_url: str, template: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex[:12]}"
    _create_database(server_url, name, template)
    yield _with_database(server_url, name)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _create_database(server_url: str, name: str, template: str = "template1") -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def _with_database(url: str, name: str) -> str:
    return urlsplit(url)._replace(path=f"/{name}").geturl()
