"""`roadwatch simulate`: a Ningxia fleet that drives itself, into files with the truth beside them, or into Kafka.

With `--demo` it is the fleet of `roadwatch up --demo`: it brings its own registry and map, sends the hours it has been on the road,
fast, and goes on in real time. It may die and be started again: being deterministic, it drives on from where its notes say it was.
"""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from services.cli.options import run_typer
from services.cli.simulate_kafka import send
from services.contracts.alert import iso
from services.runtime.clock import monotonic_s, now_ms
from services.runtime.servers.running import adopt
from services.simulator.run import feed, write_files
from services.simulator.scenario import write_scenario
from services.simulator.simulation import Settings, Simulation, with_interval
from services.simulator.sources import MissingMapError

FAILED = 1
DAY_S = 86400
DEFAULT_FROM = "2026-11-23T00:00:00+08:00"
FILE_VEHICLES, LIVE_VEHICLES = 200, 600
PAST_S = 6 * 3600
SEEN_EVERY_S = 1.0
IMPORTS = (
    "vehicles.csv",
    "drivers.csv",
    "roads.geojson",
    "routes.geojson",
    "assignments.csv",
    "zones.geojson",
)


class Run(msgspec.Struct, frozen=True):
    """What a demo needs to drive on after a restart (`<data>/scenario/run.json`)."""

    vehicles: int
    seed: int
    from_s: int
    sent_upto_s: int


def simulate(
    vehicles: Annotated[
        int | None, typer.Option(min=1, max=90_000, help="how many 车辆数 [200; live 600]")
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="reports a second 每秒报告数")] = None,
    seed: Annotated[int, typer.Option(min=0, help="same seed, same feed 随机种子")] = 1,
    from_: Annotated[
        str | None, typer.Option("--from", help="first moment, RFC 3339 with offset 起始时间")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="the end, not included 结束时间")] = None,
    out: Annotated[Path | None, typer.Option(help="into files instead of Kafka 输出目录")] = None,
    wrong: Annotated[
        float, typer.Option(min=0, max=1, help="share of reports with a spoilt copy beside 错误数据比例")
    ] = 0.0,
    data: Annotated[Path | None, typer.Option(help="of `roadwatch up` 数据目录 [.local]")] = None,
    *,
    frank: Annotated[
        bool, typer.Option("--frank", help="no false cards, no terminal without reader or off 如实刷卡")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="with its registry, its past, then live for ever 演示")
    ] = False,
) -> None:
    """A fleet that drives itself. 模拟车队。

    With --out: a period (--from, --to; a day by default) into files. With --from and no --out: that period into Kafka, at --rate or as
    fast as it goes. Without: in real time from now on; --rate sets how often the terminals report.
    """
    start_s, end_s = _period(from_, to)
    count = vehicles or (LIVE_VEHICLES if out is None else FILE_VEHICLES)
    fleet = Settings(count, seed, start_s or 0, end_s, wrong_share=wrong, frank=frank)
    try:
        if out is not None:
            _into_files(out, fleet)
        elif demo:
            _demo(data or _data_folder(), fleet)
        else:
            adopt(data or _data_folder())
            _into_kafka(fleet, rate)
    except (MissingMapError, OSError, ValueError) as error:
        sys.stderr.write(f"roadwatch simulate: {error}\n")
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        sys.stderr.write("\n已停止 stopped\n")


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(simulate, "roadwatch simulate", arguments)


def _period(from_: str | None, to: str | None) -> tuple[int | None, int | None]:
    """Unix seconds of begin and end, each None where it was not asked for."""
    start_s, end_s = _moment(from_, "--from"), _moment(to, "--to")
    if start_s is not None and end_s is not None and end_s <= start_s:
        raise typer.BadParameter("--to must be later than --from")
    return start_s, end_s


def _moment(text: str | None, option: str) -> int | None:
    """Unix seconds of an RFC 3339 time with offset."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option} {text!r}: expected e.g. {DEFAULT_FROM}") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{option} {text!r}: an offset is needed, e.g. {DEFAULT_FROM}")
    return int(moment.timestamp())


def _data_folder() -> Path:
    """The data folder of the `roadwatch up` that started this process, told by its status file; else the default."""
    status_file = os.environ.get("ROADWATCH_STATUS_FILE")
    return Path(status_file).parent.parent if status_file else Path(".local")


def _into_files(folder: Path, fleet: Settings) -> None:
    from_s = fleet.from_s or int(datetime.fromisoformat(DEFAULT_FROM).timestamp())
    settings = replace(fleet, from_s=from_s, to_s=fleet.to_s or from_s + DAY_S)
    begun, seen = monotonic_s(), [0.0]

    def say(reports: int, upto_s: int) -> None:
        if monotonic_s() - seen[0] > SEEN_EVERY_S:
            seen[0] = monotonic_s()
            _line(f"{reports:,} reports, {iso(upto_s * 1000)}")

    written = write_files(settings, folder, say)
    seconds = monotonic_s() - begun
    _line(
        f"{written.reports:,} reports, {written.episodes:,} true episodes into {folder} in {seconds:.1f} s\n"
    )


def _into_kafka(fleet: Settings, rate: float | None) -> None:
    if fleet.from_s:
        period = replace(fleet, to_s=fleet.to_s or fleet.from_s + DAY_S)
        asyncio.run(send(feed(Simulation(period)), _line, rate=rate))
        return
    now_s = now_ms() // 1000
    live = replace(fleet, from_s=now_s - PAST_S, on_road=True)
    if rate is not None:
        live = with_interval(live, rate)
    asyncio.run(send(feed(Simulation(live), now_s), _line, live=True))


def _demo(data: Path, fleet: Settings) -> None:
    """The demo's fleet: registry, past, present."""
    folder = data / "scenario"
    notes = folder / "run.json"
    now_s = now_ms() // 1000
    run = _resumable(notes, Run(fleet.vehicles, fleet.seed, now_s - PAST_S, now_s - PAST_S))
    simulation = Simulation(replace(fleet, from_s=run.from_s, to_s=None, on_road=True))
    write_scenario(simulation, folder)
    _import(folder, data)
    sent = run

    def remember(upto_s: int) -> None:
        nonlocal sent
        sent = msgspec.structs.replace(sent, sent_upto_s=upto_s)
        partial = notes.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(sent))
        partial.replace(notes)

    asyncio.run(send(feed(simulation, run.sent_upto_s), _line, live=True, remember=remember))


def _resumable(notes: Path, fresh: Run) -> Run:
    """The run to drive on with: the noted one if it is of the same fleet and stopped no longer ago than a fresh one's past."""
    try:
        noted = msgspec.json.decode(notes.read_bytes(), type=Run)
    except (FileNotFoundError, msgspec.DecodeError):
        return fresh
    same = (noted.vehicles, noted.seed) == (fresh.vehicles, fresh.seed)
    return noted if same and noted.sent_upto_s > fresh.from_s else fresh


def _import(folder: Path, data: Path) -> None:
    """Imports the scenario by the command everybody uses, which waits until it is in force: reports sent before would know no vehicle.

    Raises:
        OSError: it failed; what it said stands on stderr.
    """
    for name in IMPORTS:
        command = [
            sys.executable,
            "-m",
            "services.cli.main",
            "import",
            name.split(".")[0],
            str(folder / name),
        ]
        done = subprocess.run([*command, "--data", str(data)], check=False)
        if done.returncode:
            raise OSError(f"importing {name} failed (exit code {done.returncode}); see above")


def _line(text: str) -> None:
    """Progress: one line that is written over on a terminal, lines of their own elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
    else:
        sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()
