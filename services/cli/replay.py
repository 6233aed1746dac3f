"""`roadwatch replay`: sends a file of positions into `gps.raw`, as recorded or in the order of time, at any pace, with progress."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.files import opened
from services.cli.options import field_map, run_typer
from services.contracts.alert import iso
from services.contracts.positions import reports
from services.contracts.topics import RAW
from services.ingest.protocols.times import parse_time
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.kafka import KafkaAway, Producer
from services.runtime.servers.running import adopt
from services.runtime.settings import Settings

FAILED, REFUSED = 1, 3
AT_ONCE = 2_000
WINDOW_S = 0.1
DAY_MS = 86_400_000
SPEED = re.compile(r"(\d+(?:\.\d+)?)x?", re.ASCII)
UNKNOWN_KEY = b""


class Named(msgspec.Struct):
    """What replay must know of a report; a bad one is sent all the same."""

    terminal: str | None = None
    time: str | None = None


_NAMED = msgspec.json.Decoder(Named)


def replay(
    positions: Annotated[Path, typer.Argument(help="JSON Lines or CSV, .gz too 轨迹文件")],
    map: Annotated[  # noqa: A002 - the option's name
        list[str] | None, typer.Option(help="their_name=our_name, may be repeated 字段改名")
    ] = None,
    tz: Annotated[str | None, typer.Option(help="zone of times without an offset 时区")] = None,
    speed: Annotated[str, typer.Option(help="60x: sixty times as fast as recorded; max 回放速度")] = "max",
    order: Annotated[Literal["time", "recorded"], typer.Option(help="发送顺序")] = "recorded",
    data: Annotated[Path, typer.Option(help="of `roadwatch up` 数据目录")] = Path(".local"),
    *,
    shift_to_now: Annotated[
        bool, typer.Option(help="move all times so that the first is now 平移到当前时间")
    ] = False,
) -> None:
    """Send a file of positions into Kafka. 回放轨迹文件到 Kafka。"""
    adopt(data)
    try:
        pace = _pace(speed)
        with opened(positions) as stream:
            rows = [
                (*_named(value), value)
                for value in reports(stream, renames=field_map(map or []), tz=tz, name=str(positions))
            ]
    except (OSError, EOFError) as error:
        sys.stderr.write(f"{positions}: {error}\n")
        raise typer.Exit(REFUSED) from error
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    settings = Settings()
    if shift_to_now:
        rows = _shifted(rows)
    elif warning := too_old([time_ms for _, time_ms, _ in rows if time_ms], now_ms(), settings.oldest_days):
        sys.stderr.write(warning)
    if order == "time":
        rows.sort(key=lambda row: row[1])
    try:
        sent = asyncio.run(_send(settings, rows, pace))
    except KafkaAway as error:
        sys.stderr.write(f"Kafka 不可达 does not answer: {error}; start the system: roadwatch up\n")
        raise typer.Exit(FAILED) from error
    sys.stdout.write(f"acknowledged 已确认 {sent}\n")


def too_old(times_ms: list[int], now_ms: int, oldest_days: int) -> str:
    """What is to be said of times that ingest will not believe, as they come so late; empty: nothing."""
    old = [time_ms for time_ms in times_ms if time_ms < now_ms - oldest_days * DAY_MS]
    if not old or not oldest_days:
        return ""
    return (
        f"{len(old)} 条报文早于接收时间 {oldest_days} 天以上,接入将隔离它们: --shift-to-now 平移到当前时间,或以 ROADWATCH_OLDEST_DAYS=0 启动接入\n"
        f"{len(old)} of {len(times_ms)} reports are older than {oldest_days} days (the first of {iso(min(old))}): ingest will quarantine them as a wrong clock "
        "(BAD_CLOCK, CLOCK_ROLLOVER). Send them as of now with --shift-to-now, or start ingest with ROADWATCH_OLDEST_DAYS=0\n"
    )


Row = tuple[bytes, int, bytes]
"""key, event time in ms (that of the row before where it has none), report"""


def _pace(speed: str) -> float | None:
    if speed == "max":
        return None
    match = SPEED.fullmatch(speed)
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"--speed {speed!r}: expected for example 60x, or max")
    return float(match[1])


def _named(value: bytes) -> tuple[bytes, int]:
    try:
        found = _NAMED.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return UNKNOWN_KEY, 0
    time = parse_time(found.time) if found.time else None
    return (found.terminal or "").encode("utf-8", "replace"), time[0] if time else 0


def _shifted(rows: list[Row]) -> list[Row]:
    known = [time_ms for _, time_ms, _ in rows if time_ms]
    if not known:
        return rows
    by_ms = now_ms() - min(known)
    return [
        (key, time_ms + by_ms if time_ms else 0, _moved(value, time_ms + by_ms) if time_ms else value)
        for key, time_ms, value in rows
    ]


def _moved(value: bytes, time_ms: int) -> bytes:
    fields = msgspec.json.decode(value, type=dict[str, msgspec.Raw])
    fields["time"] = msgspec.Raw(msgspec.json.encode(iso(time_ms)))
    return msgspec.json.encode(fields)


async def _send(settings: Settings, rows: list[Row], pace: float | None) -> int:
    sent = 0
    async with Producer(settings, "replay") as producer:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, disable=not sys.stderr.isatty(), transient=True) as progress:
            task = progress.add_task("回放 replay", total=len(rows))
            async for part in _paced(rows, pace):
                sent += await producer.send_many(RAW, [(key, value) for key, _, value in part])
                progress.update(task, completed=sent)
    return sent


async def _paced(rows: list[Row], pace: float | None) -> AsyncIterator[list[Row]]:
    todo = iter(rows)
    if pace is None:
        while part := list(islice(todo, AT_ONCE)):
            yield part
        return
    begun_s, first_ms = monotonic_s(), next((time_ms for _, time_ms, _ in rows if time_ms), 0)
    for part in _windows(todo, pace):
        wait_s = (max(time_ms for _, time_ms, _ in part) - first_ms) / 1000 / pace - (monotonic_s() - begun_s)
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        yield part


def _windows(rows: Iterator[Row], pace: float) -> Iterator[list[Row]]:
    """Rows whose times lie within a tenth of a second of the replay, at most AT_ONCE."""
    part: list[Row] = []
    for row in rows:
        if part and (row[1] - part[0][1] > WINDOW_S * 1000 * pace or len(part) >= AT_ONCE):
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(replay, "roadwatch replay", arguments)
