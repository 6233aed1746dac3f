"""`roadwatch judge` as a person meets it: no server, wrong usage told from refused input, an episode as the interfaces show one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import RunRoadwatch

HEADER = "plate,plate_color,class,terminal,operator,division\n"
BEGAN = datetime(2026, 11, 23, 2, tzinfo=UTC)
JUDGE_S = 300
"""Seconds allowed: where the rules are not compiled yet, the first run compiles them."""

pytestmark = pytest.mark.timeout(JUDGE_S + 60)


@pytest.fixture
def vehicles(tmp_path: Path) -> Path:
    path = tmp_path / "vehicles.csv"
    path.write_text(HEADER + "宁A12345,yellow,coach,13900000021,甲公司,640100\n", "utf-8")
    return path


@pytest.fixture
def positions(tmp_path: Path) -> Path:
    """41 s at 118 km/h on no road, then slow for longer than the merge window."""
    path = tmp_path / "positions.csv"
    rows = [(0, 118), (20, 118), (41, 118), (60, 60), (120, 60)]
    lines = [
        f"013900000021,{(BEGAN + timedelta(seconds=s)).isoformat()},{106.2 + 0.00037 * s:.6f},38.4,{speed}"
        for s, speed in rows
    ]
    path.write_text("\n".join(["terminal,time,lon,lat,speed_kmh", *lines, ""]), "utf-8")
    return path


def test_the_terminal_of_an_episode_is_written_as_a_report_writes_it(
    vehicles: Path, positions: Path, run_roadwatch: "RunRoadwatch"
) -> None:
    done = run_roadwatch("judge", positions, "--vehicles", vehicles, timeout_s=JUDGE_S)
    assert done.returncode == 0, done.stderr
    (episode,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert episode["terminal"] == "013900000021"
    assert (episode["began"], episode["ended"]) == ("2026-11-23T02:00:00Z", "2026-11-23T02:00:41Z")


def test_an_unknown_time_zone_is_wrong_usage(
    vehicles: Path, positions: Path, run_roadwatch: "RunRoadwatch"
) -> None:
    done = run_roadwatch("judge", positions, "--vehicles", vehicles, "--tz", "moon", timeout_s=JUDGE_S)
    assert done.returncode == 2
    assert "moon" in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_not_there_is_refused_input(
    vehicles: Path, tmp_path: Path, run_roadwatch: "RunRoadwatch"
) -> None:
    done = run_roadwatch("judge", tmp_path / "none.csv", "--vehicles", vehicles, timeout_s=JUDGE_S)
    assert done.returncode == 3
    assert "none.csv" in done.stderr
