"""`python -m services.cli.afresh ingest|recorder|rules`: let a consumer go on where the log is, by a person's decision.

For the incidents that docs/operating.md names: the log no longer holds what comes next, Kafka's data are lost, or the rules cannot go on
with the state they have. What lies between is left out, and said; the rules begin with empty state. A worker that runs meanwhile is
fenced and claims again, from the new place.
"""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import asyncpg
import typer

from services.cli.options import run_typer
from services.contracts.registry import Config
from services.contracts.topics import FIXES, RAW
from services.rules.engine import Engine
from services.rules.snapshot import PartitionClock, dump
from services.runtime.kafka import KafkaAway, log_bounds
from services.runtime.servers.running import adopt
from services.runtime.settings import Settings
from services.store import configs, progress, snapshots
from services.store.connect import Conn, connection

FAILED = 1
OWNER = "services.cli.afresh"


class Consumer(StrEnum):
    """Who keeps its place in `progress`."""

    INGEST = "ingest"
    RECORDER = "recorder"
    RULES = "rules"


def afresh(
    consumer: Annotated[Consumer, typer.Argument(help="who goes on 消费者")],
    data: Annotated[Path, typer.Option(help="of `roadwatch up` 数据目录")] = Path(".local"),
    *,
    new_log: Annotated[
        bool,
        typer.Option("--new-log", help="Kafka's data were lost: begin at the start of the log 日志已重建"),
    ] = False,
) -> None:
    """Go on where the log is; the rules with empty state. 从日志现有位置继续, 规则状态清空。"""
    adopt(data)
    try:
        asyncio.run(_afresh(Settings(), consumer, new_log=new_log))
    except (KafkaAway, OSError, TimeoutError, asyncpg.PostgresError) as error:
        sys.stderr.write(
            f"{error}\n以上已输出的分区已完成 what is said above is done; 可重复执行 run it again\n"
        )
        raise typer.Exit(FAILED) from error


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(afresh, "python -m services.cli.afresh", arguments)


async def _afresh(settings: Settings, consumer: Consumer, *, new_log: bool) -> None:
    bounds = await log_bounds(settings, RAW if consumer is Consumer.INGEST else FIXES)
    conn = await connection(settings.database_url, name=OWNER)
    try:
        for partition, (first, end) in sorted(bounds.items()):
            async with conn.transaction():
                line = await _partition(conn, consumer, partition, first, end, new_log=new_log)
            sys.stdout.write(line + "\n")
    finally:
        await conn.close(timeout=5)


async def _partition(
    conn: Conn, consumer: Consumer, partition: int, first: int, end: int, *, new_log: bool
) -> str:
    """Move one partition and say what that means; claiming it stops whoever still holds it from writing."""
    claimed = await progress.claim(conn, consumer, partition, OWNER)
    place = place_of(claimed.next_offset, first, end, new_log=new_log)
    await progress.move(conn, consumer, partition, claimed.epoch, place)
    said = f"{consumer} {partition}: {claimed.next_offset} -> {place}"
    if place > claimed.next_offset:
        said += f", 跳过 left out {place - claimed.next_offset}"
    if consumer is Consumer.RULES:
        record = await configs.published(conn)
        document, version = (record.document, record.version) if record else ("", 0)
        body = dump(Engine(Config(), str), document, PartitionClock(), full=True)
        await snapshots.replace_all(conn, partition, place, version, body)
        said += ", 状态清空 state emptied"
    return said


def place_of(next_offset: int, first: int, end: int, *, new_log: bool) -> int:
    """Where to go on: the present place if the log (offsets `first` to before `end`) has it, else the log's beginning."""
    return next_offset if first <= next_offset <= end and not new_log else first


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
