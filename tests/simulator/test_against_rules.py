"""The rules against the truth: a day of 140 vehicles judged by `roadwatch judge`, every miss and every false episode with a reason."""

import json
import subprocess
from collections.abc import Callable
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


def test_nothing_is_missed_or_false_without_a_reason(scores: dict[str, Score]) -> None:
    assert [found for score in scores.values() for found in score.unexplained] == []


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
