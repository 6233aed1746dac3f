"""`roadwatch import`: one file of the registry, the map or the rules into the running system, all or nothing.

The tables and the new version of the config document are written in one transaction; then its record goes into the log, from which
running services take it up. "In force" is said when every partition's ingest and rules have. If Kafka is away the import stands all the same: ingest publishes
what it finds unpublished.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import typer

from services.cli.in_force import wait_in_force
from services.cli.options import run_typer
from services.contracts.batch import ConfigRecord
from services.contracts.registry_files import FilesRefused, Parsed, parse_file
from services.ingest.configs import publish
from services.runtime.kafka import KafkaAway, Producer
from services.runtime.servers.running import adopt
from services.runtime.settings import Settings
from services.store import configs
from services.store.connect import Conn, connection
from services.store.registry_import import Imported, import_file

FAILED, REFUSED = 1, 3
LIMIT_S = 600  # a province's roads take a minute
SERVER_LIMITS = {
    "statement_timeout": f"{LIMIT_S}s",
    "idle_in_transaction_session_timeout": f"{LIMIT_S}s",
    "lock_timeout": "30s",
}


class Kind(StrEnum):
    """What a file may hold (interfaces section 2)."""

    VEHICLES = "vehicles"
    DRIVERS = "drivers"
    ROADS = "roads"
    ROUTES = "routes"
    ASSIGNMENTS = "assignments"
    ZONES = "zones"
    RULES = "rules"


class Failed(RuntimeError):
    """The import could not be made; says what to do."""


def import_(
    kind: Annotated[Kind, typer.Argument(help="what the file holds 类型")],
    file: Annotated[Path, typer.Argument(help="CSV, GeoJSON or JSON, UTF-8 文件")],
    source: Annotated[
        str,
        typer.Option(help="name of this map (else the file's); roads of the same name are replaced 地图名"),
    ] = "",
    data: Annotated[Path, typer.Option(help="of `roadwatch up` 数据目录")] = Path(".local"),
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check everything, keep nothing 只检查")] = False,
) -> None:
    """Import a file, all or nothing. 导入文件, 有错则全部不导入。

    vehicles: the rows of a plate and colour replace those it had. drivers, routes, zones, assignments: by their id. roads: the file
    replaces the roads of the same --source. rules: the file replaces the parameters in force. Other records stay.
    """
    adopt(data)
    try:
        parsed = parse_file(kind.value, str(file), file.read_bytes(), _check_rules, Settings().service_area)
        sys.stderr.writelines(f"警告 warning: {warning}\n" for warning in parsed.warnings)
    except OSError as error:
        raise _ended(REFUSED, f"{file}: {error.strerror}") from error
    except FilesRefused as error:
        raise _refused(error) from error
    try:
        asyncio.run(_import(Settings(), kind.value, parsed, source or file.name, dry_run=dry_run))
    except FilesRefused as error:
        raise _refused(error) from error
    except Failed as error:
        raise _ended(FAILED, str(error)) from error


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(import_, "roadwatch import", arguments)


def _check_rules(parameters: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    """Asked only for rules: knowing them loads their compiler."""
    from services.rules.registry import check_parameters  # noqa: PLC0415

    return check_parameters(parameters)


async def _import(settings: Settings, kind: str, parsed: Parsed[Any], source: str, *, dry_run: bool) -> None:
    try:
        conn = await connection(
            settings.database_url,
            name="roadwatch import",
            command_timeout_s=LIMIT_S,
            server_settings=SERVER_LIMITS,
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise Failed(f"数据库不可达 the database does not answer: {error}; roadwatch up") from error
    try:
        done = await import_file(conn, kind, parsed, source=source, dry_run=dry_run)
        print(_told(kind, done, dry_run=dry_run))
        if not dry_run:
            await _put_in_force(settings, conn, done.record)
    except asyncpg.LockNotAvailableError as error:
        raise Failed("另一个导入正在进行 another import is running; 请稍后重试 try again") from error
    except asyncpg.UndefinedTableError as error:
        raise Failed(f"数据库结构不完整 the schema is missing ({error}); roadwatch migrate") from error
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
        raise Failed(
            f"数据库连接中断 lost the database: {error}; 请重试 try again, 导入可重复 importing twice does no harm"
        ) from error
    finally:
        await conn.close(timeout=5)


async def _put_in_force(settings: Settings, conn: Conn, made: ConfigRecord | None) -> None:
    """Publish the version and wait until it is in force, the newest where nothing was new; without Kafka it is published later, by ingest."""
    record = made or await configs.latest(conn)
    if record is None:
        return
    try:
        async with Producer(settings, "import") as producer:
            await publish(producer, conn)
    except (KafkaAway, asyncpg.LockNotAvailableError) as error:
        sys.stderr.write(
            f"版本 version {record.version} 已保存, 尚未发布 saved, not yet published: {error}\n"
            "  ingest 运行后自动发布 ingest publishes it once it runs (roadwatch up)\n"
        )
        return
    if made:
        print(f"版本 version {record.version} 已发布 published", flush=True)
    lacking = await wait_in_force(settings, conn, record.version)
    if lacking is None:
        print(f"版本 version {record.version} 已生效 in force")
    else:
        sys.stderr.write(f"版本 version {record.version} 尚未生效 not yet in force: {lacking.told()}\n")


def _told(kind: str, done: Imported, *, dry_run: bool) -> str:
    counts = f"新增 added {done.added}, 修改 changed {done.changed}, 删除 removed {done.removed}, 未变 unchanged {done.unchanged}"
    if dry_run:
        return f"{kind}: {counts} (试运行, 未保存 dry run, nothing kept)"
    if done.record is None:
        return f"{kind}: {counts} (无变化 nothing new)"
    return f"{kind}: {counts}"


def _refused(error: FilesRefused) -> typer.Exit:
    return _ended(REFUSED, f"{error}\n未导入任何内容 nothing was imported")


def _ended(code: int, message: str) -> typer.Exit:
    sys.stderr.write(message + "\n")
    return typer.Exit(code)
