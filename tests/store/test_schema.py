"""The schema's history leads to the models, can be run by anybody at any time, and every statement of ours fits it."""

import asyncio
import importlib
import pkgutil
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, make_url, text

import services.store
from services.store import migrate

STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
RunRoadwatch = Callable[..., "subprocess.CompletedProcess[str]"]


def statements() -> Iterator[tuple[str, str]]:
    """Every SQL constant of the store's modules."""
    for module in pkgutil.iter_modules(services.store.__path__, "services.store."):
        if module.ispkg:
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if name.isupper() and isinstance(value, str) and STATEMENT.match(value):
                yield f"{module.name.rpartition('.')[2]}.{name}", value


@pytest.mark.parametrize("statement", [pytest.param(statement, id=name) for name, statement in statements()])
async def test_every_statement_fits_the_schema(conn: asyncpg.Connection, statement: str) -> None:
    await conn.prepare(statement)


def newest() -> str:
    """The revision that the migrations lead to."""
    heads = ScriptDirectory(str(Path(services.store.__path__[0]) / "migrations")).get_heads()
    assert len(heads) == 1, f"one after the other: {heads}"
    return heads[0]


def test_the_statements_were_found() -> None:
    assert {"progress.CLAIM", "alerts.APPEND_EVENTS", "history.TRACK", "registry.ROADS"} <= {
        name for name, _ in statements()
    }


def test_migrations_lead_to_the_models(database_url: str) -> None:
    migrate.check(database_url)


async def test_day_tables_do_not_count_as_a_difference(conn: asyncpg.Connection, database_url: str) -> None:
    await conn.execute(
        "CREATE TABLE fix_20200101 PARTITION OF fix FOR VALUES FROM ('2020-01-01Z') TO ('2020-01-02Z')"
    )
    await asyncio.to_thread(migrate.check, database_url)


def test_the_command_migrates_waits_and_does_nothing_twice(
    empty_database_url: str, run_roadwatch: RunRoadwatch
) -> None:
    env = {"ROADWATCH_DATABASE_URL": empty_database_url}
    first = run_roadwatch("migrate", env=env)
    assert (first.returncode, first.stdout.split()[-1]) == (0, newest()), first.stderr
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("UPDATE feed SET last = 7")
    assert run_roadwatch("migrate", env=env).returncode == 0
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT last FROM feed").fetchall() == [(7,)]


def test_two_migrations_at_once_take_turns(empty_database_url: str) -> None:
    async def both() -> list[str]:
        run = [
            asyncio.to_thread(migrate.migrate, empty_database_url, wait_s=5, say=lambda _: None)
            for _ in range(3)
        ]
        return await asyncio.gather(*run)

    assert asyncio.run(both()) == [newest()] * 3


def test_the_schema_can_be_taken_back(empty_database_url: str) -> None:
    migrate.migrate(empty_database_url, wait_s=5, say=lambda _: None)
    engine = create_engine(make_url(empty_database_url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        command.downgrade(migrate.alembic_config(connection), "base")
        connection.commit()
        left = (
            connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            .scalars()
            .all()
        )
    engine.dispose()
    assert set(left) == {"alembic_version", "spatial_ref_sys"}


def test_a_database_that_is_away_is_named_without_its_password(run_roadwatch: RunRoadwatch) -> None:
    url = "postgresql://somebody:secret@127.0.0.1:9/nowhere"
    done = run_roadwatch("migrate", "--wait", "0", env={"ROADWATCH_DATABASE_URL": url})
    assert done.returncode == 1
    assert "somebody:***@127.0.0.1:9/nowhere" in done.stderr
    assert "roadwatch up" in done.stderr
    assert "secret" not in done.stdout + done.stderr
