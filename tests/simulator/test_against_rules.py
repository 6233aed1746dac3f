"""The rules against the truth: a day of 140 vehicles judged by `roadwatch judge`, every miss and every false episode with a reason."""

import json
import math
import subprocess
from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from services.simulator.compare import Score, compare

FILES = ("vehicles.csv", "roads.geojson", "routes.geojson", "assignments.csv", "zones.geojson", "rules.json")


@pytest.fixture(scope="module")
def scores(
    day_folder: Path, tmp_path_factory: pytest.TempPathFactory,
    run_roadwatch: Callable[..., "subprocess.CompletedProcess[str]"],
) -> dict[str, Score]:  # fmt: skip
    judged = tmp_path_factory.mktemp("judged") / "judged.jsonl"
    options = [part for name in FILES for part in (f"--{name.split('.')[0]}", day_folder / name)]
    done = run_roadwatch("judge", day_folder / "positions.jsonl", *options, "--out", judged, timeout_s=240)
    assert done.returncode == 0, done.stderr
    found = compare(_read(day_folder / "truth.jsonl"), _read(judged), _read(day_folder / "notes.jsonl"))
    return {score.rule: score for score in found}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_nothing_is_missed_or_false_without_a_reason(
    scores: dict[str, Score], day_folder: Path, tracks_by_terminal: dict[str, list[dict[str, Any]]]
) -> None:
    """One reason needs the map: where a report fits several roads equally, the highest of their limits counts (docs/semantics.md)."""
    roads = json.loads((day_folder / "roads.geojson").read_text(encoding="utf-8"))["features"]
    found = [found for score in scores.values() for found in score.unexplained]
    assert [one for one in found if not _missed_in_doubt(one, roads, tracks_by_terminal)] == []


def _missed_in_doubt(
    episode: dict[str, Any], roads: list[Any], tracks: dict[str, list[dict[str, Any]]]
) -> bool:
    """Whether it is a missed speeding during which some report lay as near to a road of another class or limit as to its own."""
    if (episode["what"], episode["rule"]) != ("missed", "speeding"):
        return False
    since, to = (datetime.fromisoformat(episode[name]) for name in ("began", "ended"))
    reports = [
        one for one in tracks[episode["terminal"]] if since <= datetime.fromisoformat(one["time"]) <= to
    ]
    return any(len(_roads_at(one["lon"], one["lat"], roads)) > 1 for one in reports)


def _roads_at(lon: float, lat: float, roads: list[Any]) -> set[tuple[str, float | None]]:
    """Class and limit of the roads within 30 m that are no more than 15 m farther than the nearest."""
    far = [(_away_m(lon, lat, road["geometry"]["coordinates"]), road["properties"]) for road in roads]
    near = min(distance for distance, _ in far)
    return {(p["road_class"], p.get("limit_kmh")) for distance, p in far if distance <= min(near + 15, 30)}


def _away_m(lon: float, lat: float, line: list[list[float]]) -> float:
    east, north = 111_320 * math.cos(math.radians(lat)), 111_000
    least = math.inf
    for a, b in pairwise(line):
        ax, ay = (a[0] - lon) * east, (a[1] - lat) * north
        dx, dy = (b[0] - a[0]) * east, (b[1] - a[1]) * north
        length = dx * dx + dy * dy
        share = min(max(-(ax * dx + ay * dy) / length, 0.0), 1.0) if length else 0.0
        least = min(least, math.hypot(ax + share * dx, ay + share * dy))
    return least


@pytest.mark.parametrize(
    ("rule", "least", "recall", "precision"),
    [
        ("speeding", 300, 0.75, 0.99),
        ("route_deviation", 20, 0.95, 0.99),
        ("fatigue continuous", 10, 0.85, 0.65),
        ("fatigue night", 1, 0.75, 0.65),
        ("fatigue rolling_24h", 10, 0.85, 0.65),
    ],
)
def test_most_is_found_and_most_of_it_true(
    scores: dict[str, Score], rule: str, least: int, recall: float, precision: float
) -> None:
    """Reports every 30 s cannot prove short bursts, and a lent card points at the wrong driver: hence no more than this."""
    score = scores[rule]
    assert score.true >= least
    assert score.recall >= recall
    assert score.precision >= precision
