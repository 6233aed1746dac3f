"""One world for all tests of the simulator (it takes some seconds to build), and one simulated day read by many of them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from services.simulator.run import write_files
from services.simulator.simulation import Settings
from services.simulator.world import World, build_world

Json = dict[str, Any]


@pytest.fixture(scope="session")
def world() -> World:
    return build_world()


@pytest.fixture(scope="session")
def midnight_s() -> int:
    return int(datetime.fromisoformat("2026-11-23T00:00:00+08:00").timestamp())


@pytest.fixture(scope="session")
def day_folder(tmp_path_factory: pytest.TempPathFactory, midnight_s: int, world: World) -> Path:
    """A day of 140 vehicles in files: enough for ten true episodes of each kind that is not rare."""
    folder = tmp_path_factory.mktemp("day")
    write_files(
        Settings(140, 7, midnight_s, midnight_s + 86_400), folder, lambda _reports, _upto: None, world
    )
    return folder


@pytest.fixture(scope="session")
def tracks_by_terminal(day_folder: Path) -> dict[str, list[Json]]:
    """The day's reports by terminal, in event-time order, repeats left out."""
    found: dict[str, dict[str, Json]] = {}
    for report in read(day_folder / "positions.jsonl"):
        found.setdefault(report["terminal"], {}).setdefault(report["time"], report)
    return {terminal: [of[time] for time in sorted(of)] for terminal, of in found.items()}


@pytest.fixture(scope="session")
def truth(day_folder: Path) -> list[Json]:
    return read(day_folder / "truth.jsonl")


def read(path: Path) -> list[Json]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
