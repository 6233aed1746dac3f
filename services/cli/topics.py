"""`roadwatch topics`: makes the Kafka topics that are missing; a second run changes nothing."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.options import run_typer
from services.runtime.clock import monotonic_s
from services.runtime.kafka import KafkaAway, make_topics
from services.runtime.servers.running import adopt
from services.runtime.settings import Settings


def topics(
    replication: Annotated[int, typer.Option(help="replicas of each partition 副本数")] = 1,
    wait: Annotated[float, typer.Option(help="seconds to wait for Kafka 等待秒数")] = 30.0,
    data: Annotated[Path, typer.Option(help="of `roadwatch up` 数据目录")] = Path(".local"),
) -> None:
    """Make the topics gps.raw, gps.fixes and gps.rejected where they are missing. 创建缺少的主题。"""
    adopt(data)
    settings = Settings()
    try:
        made = asyncio.run(_made(settings, replication, wait))
    except KafkaAway as error:
        sys.stderr.write(f"Kafka does not answer 无法连接 Kafka: {error}; set ROADWATCH_KAFKA_BOOTSTRAP\n")
        raise typer.Exit(1) from error
    sys.stdout.write(f"topics made 已创建: {', '.join(made) or 'none were missing 无'}\n")


async def _made(settings: Settings, replication: int, wait_s: float) -> list[str]:
    until_s = monotonic_s() + wait_s
    while True:
        try:
            return await make_topics(settings, replication)
        except KafkaAway:
            if monotonic_s() >= until_s:
                raise
            await asyncio.sleep(0.5)


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(topics, "roadwatch topics", arguments)
