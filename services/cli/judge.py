"""`roadwatch judge`: judges a file with no server at all, by the very code that judges live.

It is how a stranger tries a rule, how an authority checks a track, and how the rules are accepted.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO, Annotated

import msgspec
import numpy as np
import typer
from numpy.typing import NDArray

from services.cli.files import opened
from services.cli.options import field_map, run_typer
from services.contracts.fix import FIX, NO_U2, Fixes
from services.contracts.positions import parse_zone, reports
from services.contracts.registry import Config, padded_terminal
from services.contracts.registry_files import FilesRefused, read_config
from services.contracts.terminal_health import Columns, speed
from services.ingest.checks import DAY_MS, ROLLOVER_DAYS
from services.ingest.lookup import VehicleLookup
from services.ingest.pipeline import process
from services.rules.engine import Engine
from services.rules.fleet import DUPLICATE, registration
from services.rules.registry import RULES, check_parameters
from services.rules.transitions import Transition
from services.runtime.clock import monotonic_s
from services.runtime.settings import Area, Settings, parse_area

REPORTS_AT_ONCE = 50_000
YEAR_DAYS = 366
REFUSED = 3
FAILED = 1
MOST_NAMED = 10
"""Terminals or vehicles named in the summary for one thing."""


class FileDrivers:
    """Driver codes numbered from 1 in order of first mention."""

    def __init__(self) -> None:
        """Know nobody yet."""
        self.numbers: dict[str, int] = {}
        self.codes: list[str] = []

    def known(self, code: str) -> int:
        """The code's number, given where there is none."""
        number = self.numbers.get(code)
        if number is None:
            self.codes.append(code)
            number = self.numbers[code] = len(self.codes)
        return number

    def code(self, number: int) -> str | None:
        """The code behind a number."""
        return self.codes[number - 1] if 0 < number <= len(self.codes) else None


SPEEDLESS = {
    "missing": "half of the vehicle's reports or more tell no speed (无速度)",
    "stuck": "the vehicle moves and tells speed 0 (移动时速度为 0)",
}


def _named(what: str, terminals: list[tuple[str, int]]) -> Iterator[str]:
    """A figure and whose it is, the most first."""
    yield f"{what} {sum(count for _, count in terminals)}"
    for terminal, count in terminals[:MOST_NAMED]:
        yield f"  of terminal {terminal} {count}"
    if len(terminals) > MOST_NAMED:
        yield f"  terminals more, not named {len(terminals) - MOST_NAMED}"


@dataclass(slots=True)
class Summary:
    """What is told on stderr when all is judged."""

    verdicts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    episodes: Counter[str] = field(default_factory=Counter)
    received: int = 0
    repeated: int = 0
    late: int = 0
    rolled: list[tuple[str, int]] = field(default_factory=list)
    """Terminals with times that look like a lost turn of the GPS week number, and how many."""
    unjudged: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """Terminals whose speed is `missing` or `stuck`, and how many fixes each has."""
    seconds: float = 0.0

    def lines(self) -> Iterator[str]:
        """One figure a line."""
        yield f"received {self.received}"
        for verdict in ("accepted", "flagged", "quarantined", "rejected"):
            yield f"{verdict} {self.verdicts[verdict]}"
        for reason, count in sorted(self.reasons.items()):
            yield f"  {reason} {count}"
        if self.repeated:
            yield f"of them at the time of another report of the vehicle, not judged {self.repeated}"
        if self.late:
            yield f"of them late, judged again in event-time order {self.late}"
        if self.rolled:
            yield from _named(
                "dated 7,168 days before others of the file (GPS week rollover, 周数翻转)", self.rolled
            )
        for state, words in SPEEDLESS.items():
            if terminals := self.unjudged.get(state):
                yield from _named(f"cannot be judged for speeding, {words}", terminals)
        for rule in RULES:
            yield f"episodes {rule.name} {self.episodes[rule.name]}"
        rate = self.received / self.seconds if self.seconds > 0 else 0.0
        yield f"{rate:,.0f} fixes/s ({self.seconds:.2f} s)"


def judge(
    positions: Annotated[Path, typer.Argument(help="JSON Lines or CSV, .gz too 轨迹文件")],
    vehicles: Annotated[Path, typer.Option(help="vehicles.csv 车辆")],
    roads: Annotated[Path | None, typer.Option(help="roads.geojson 道路")] = None,
    routes: Annotated[Path | None, typer.Option(help="routes.geojson 路线")] = None,
    assignments: Annotated[Path | None, typer.Option(help="assignments.csv 派班")] = None,
    zones: Annotated[Path | None, typer.Option(help="zones.geojson 区域")] = None,
    rules: Annotated[Path | None, typer.Option(help="rules.json 规则参数")] = None,
    drivers: Annotated[Path | None, typer.Option(help="drivers.csv 驾驶员")] = None,
    area: Annotated[str | None, typer.Option(help="W,S,E,N or world; default China's box 服务区")] = None,
    map: Annotated[  # noqa: A002 - the option's name
        list[str] | None, typer.Option(help="their_name=our_name, may be repeated 字段改名")
    ] = None,
    tz: Annotated[str | None, typer.Option(help="zone of times without an offset, e.g. +08:00 时区")] = None,
    out: Annotated[Path | None, typer.Option(help="episodes go here instead of stdout 输出文件")] = None,
    *,
    arrival: Annotated[
        bool, typer.Option("--arrival", help="judge in file order, late rows again 按到达顺序")
    ] = False,
) -> None:
    """Judge a file of positions: one JSON episode a line, a summary on stderr. 离线判定: 每行一条事件。"""
    files = {"vehicles": vehicles, "drivers": drivers, "roads": roads, "routes": routes, "assignments": assignments,
             "zones": zones, "rules": rules}  # fmt: skip
    try:
        if (routes is None) != (assignments is None):
            raise typer.BadParameter("--routes and --assignments belong together")
        box = parse_area(area) if area else Settings().service_area
        renames = field_map(map or [])
        parse_zone(tz)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    with _refusals(positions):
        config = _config(files, box)
        found, summary = judged(positions, config, box, renames=renames, tz=tz, arrival=arrival)
        with _output(out) as sink:
            sink.writelines(msgspec.json.encode(transition.episode) + b"\n" for transition in found)
    sys.stderr.writelines(line + "\n" for line in summary.lines())


def _config(files: Mapping[str, Path | None], area: Area) -> Config:
    return read_config(
        {kind: (str(path), path.read_bytes()) for kind, path in files.items() if path is not None},
        check_rules=check_parameters,
        area=area,
        warn=lambda warning: print(f"警告 warning: {warning}", file=sys.stderr),
    )


@contextmanager
def _refusals(positions: Path) -> Iterator[None]:
    """Files that cannot be read, or say what they may not, are told on stderr and end the command."""
    try:
        yield
    except FilesRefused as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(REFUSED) from error
    except (OSError, EOFError) as error:
        sys.stderr.write(f"{positions}: {error}\n" if isinstance(error, EOFError) else f"{error}\n")
        raise typer.Exit(REFUSED) from error


def main(arguments: list[str]) -> int:
    """Run the command; returns its exit code."""
    return run_typer(judge, "roadwatch judge", arguments)


def judged(
    positions: Path, config: Config, area: Area, *, renames: dict[str, str], tz: str | None, arrival: bool
) -> tuple[list[Transition], Summary]:
    """The final episodes of a file, sorted by began, vehicle and rule, and the summary.

    Raises:
        OSError: the file cannot be read.
    """
    summary, codes = Summary(), FileDrivers()
    started_s = monotonic_s()
    fixes = _read(positions, VehicleLookup(config), codes, area, summary, renames=renames, tz=tz)
    summary.unjudged = unjudged(_ordered(fixes), config)
    summary.rolled = by_terminal(fixes[rolled(fixes["time_ms"])], config)
    engine = Engine(config, codes.code)
    if arrival:
        found = _in_arrival_order(engine, fixes, summary, config, codes)
    else:
        found = _final(engine, _ordered(fixes))
    summary.repeated = int(engine.outcome[DUPLICATE])
    summary.seconds = monotonic_s() - started_s
    found.sort(key=lambda t: (t.began_ms, t.episode.vehicle, t.episode.rule, t.episode.kind))
    summary.episodes.update(transition.episode.rule for transition in found)
    return found, summary


def _read(
    positions: Path,
    lookup: VehicleLookup,
    codes: FileDrivers,
    area: Area,
    summary: Summary,
    *,
    renames: dict[str, str],
    tz: str | None,
) -> Fixes:
    parts: list[Fixes] = []
    with opened(positions) as stream:
        lines = reports(stream, renames=renames, tz=tz, name=str(positions))
        while values := list(islice(lines, REPORTS_AT_ONCE)):
            offsets = np.arange(summary.received, summary.received + len(values), dtype=np.int64)
            done = process(values, None, offsets, lookup, codes, area)
            parts.append(done.fixes)
            summary.received += len(values)
            summary.verdicts.update(done.verdicts)
            summary.reasons.update(done.reasons)
    return np.concatenate(parts) if parts else np.zeros(0, FIX)


def rolled(times_ms: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of a file's times look like a lost turn of the GPS week number: others lie 7,168 days ± 1 later, and years between have none."""
    order = np.sort(times_ms)

    def any_between(first_day: int, last_day: int) -> NDArray[np.bool_]:
        begin, end = times_ms + first_day * DAY_MS, times_ms + last_day * DAY_MS
        return np.searchsorted(order, begin) < np.searchsorted(order, end, side="right")

    return any_between(ROLLOVER_DAYS - 1, ROLLOVER_DAYS + 1) & ~any_between(
        YEAR_DAYS, ROLLOVER_DAYS - YEAR_DAYS
    )


def unjudged(fixes: Fixes, config: Config) -> dict[str, list[tuple[str, int]]]:
    """Terminals by what is wrong with their speed, where anything is; `fixes` in event-time order."""
    found: dict[str, list[tuple[str, int]]] = {}
    grouped = fixes[np.argsort(fixes["vehicle"], kind="stable")]
    edges = np.flatnonzero(np.diff(grouped["vehicle"])) + 1
    for own in np.split(grouped, edges) if len(grouped) else []:
        if (state := speed(_columns(own))) in SPEEDLESS:
            found.setdefault(state, []).extend(by_terminal(own, config))
    return {state: sorted(terminals, key=lambda pair: -pair[1]) for state, terminals in found.items()}


def _columns(fixes: Fixes) -> Columns:
    told = np.where(fixes["speed"] != NO_U2, fixes["speed"], fixes["recorder_speed"]).astype(np.int64)
    nothing = np.zeros(0, np.int64)
    return Columns(
        time_ms=fixes["time_ms"], received_ms=fixes["received_ms"], speed=np.where(told == NO_U2, -1, told),
        lon=fixes["lon_e7"] / 1e7, lat=fixes["lat_e7"] / 1e7, flags=nothing, satellites=nothing,
    )  # fmt: skip


def by_terminal(fixes: Fixes, config: Config) -> list[tuple[str, int]]:
    """How many fixes there are of each terminal, the most first; named as the registration that holds at the vehicle's first."""
    found: Counter[str] = Counter()
    for number in np.unique(fixes["vehicle"]).tolist():
        own = fixes["time_ms"][fixes["vehicle"] == number]
        rows = [vehicle for vehicle in config.vehicles if vehicle.id == number]
        found[padded_terminal(registration(rows, int(own[0])).terminal)] += len(own)
    return found.most_common()


def _ordered(fixes: Fixes) -> Fixes:
    """In event-time order, the order of the file where times are equal."""
    return fixes[np.argsort(fixes["time_ms"], kind="stable")]


def _final(engine: Engine, fixes: Fixes) -> list[Transition]:
    """Last transition of each alert, open ones with their present content."""
    last: dict[str, Transition] = {}
    for start in range(0, len(fixes), REPORTS_AT_ONCE):
        for transition in engine.judge(fixes[start : start + REPORTS_AT_ONCE].copy()):
            last[transition.alert.id] = transition
    for transition in engine.open_episodes():
        last[transition.alert.id] = transition
    return list(last.values())


def _in_arrival_order(
    engine: Engine, fixes: Fixes, summary: Summary, config: Config, codes: FileDrivers
) -> list[Transition]:
    """Judge as the rows come; a vehicle that had late ones is judged again from its whole history."""
    found = _final(engine, fixes)
    newest: dict[int, int] = {}
    late: set[int] = set()
    for vehicle, time_ms in zip(fixes["vehicle"].tolist(), fixes["time_ms"].tolist(), strict=True):
        if time_ms < newest.get(vehicle, time_ms):
            late.add(vehicle)
            summary.late += 1
        newest[vehicle] = max(time_ms, newest.get(vehicle, time_ms))
    again = Engine(config, codes.code)
    redone = _final(again, _ordered(fixes[np.isin(fixes["vehicle"], list(late))]))
    return [transition for transition in found if transition.vehicle not in late] + redone


@contextmanager
def _output(out: Path | None) -> Iterator[IO[bytes]]:
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    else:
        with out.open("wb") as stream:
            yield stream
