"""A simulated day as others get it: files that parse, reports that are possible, and a truth that has everything in it."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.contracts.registry import CLASSES
from services.contracts.registry_files import read_config
from services.simulator import geo
from services.simulator.places import NEIGHBOURHOOD
from services.simulator.scenario import FILES

Json = dict[str, Any]
Tracks = dict[str, list[Json]]


def test_every_file_of_the_scenario_is_one_the_import_takes(day_folder: Path) -> None:
    sources = {name.split(".")[0]: (name, (day_folder / name).read_bytes()) for name in FILES}
    config = read_config(sources, check_rules=lambda _parameters: [])
    assert len(config.vehicles) == 140
    assert {vehicle.vehicle_class for vehicle in config.vehicles} == set(CLASSES)
    assert {vehicle.plate[:2] for vehicle in config.vehicles} == {"宁A", "宁B", "宁C", "宁D", "宁E"}
    assert {assignment.route for assignment in config.assignments} <= {route.route for route in config.routes}
    assert all(vehicle.division.startswith("64") for vehicle in config.vehicles)
    assert {zone.kind for zone in config.zones} == {"forbidden", "hazard_section", "parking", "dead_zone"}


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("speeding", "statutory"),
        ("speeding", "monitoring"),
        ("fatigue", "continuous"),
        ("fatigue", "night"),
        ("fatigue", "rolling_24h"),
        ("route_deviation", "off_route"),
    ],
)
def test_the_truth_has_every_kind_of_episode(truth: list[Json], rule: str, kind: str) -> None:
    assert Counter((episode["rule"], episode["kind"]) for episode in truth)[rule, kind] > 0


def test_true_episodes_are_what_the_rules_ask_for(truth: list[Json]) -> None:
    for episode in truth:
        assert episode["peak"] > episode["limit"]
        lasted = _lasted(episode)
        if episode["rule"] == "speeding":
            assert lasted is None or lasted > 30
        if episode["rule"] == "route_deviation":
            assert lasted is None or lasted >= 60


def _lasted(episode: Json) -> float | None:
    if episode["ended"] is None:
        return None
    return (
        datetime.fromisoformat(episode["ended"]) - datetime.fromisoformat(episode["began"])
    ).total_seconds()


def test_no_report_comes_from_elsewhere(tracks_by_terminal: Tracks) -> None:
    west, south, east, north = NEIGHBOURHOOD
    for reports in tracks_by_terminal.values():
        assert all(west < r["lon"] < east and south < r["lat"] < north for r in reports)


def test_reports_come_at_the_interval_of_their_terminal_while_driving(tracks_by_terminal: Tracks) -> None:
    gaps: Counter[int] = Counter()
    for reports in tracks_by_terminal.values():
        t, speed = _times(reports), np.array([r["speed_kmh"] for r in reports])
        gaps.update(np.diff(t)[speed[1:] > 10].astype(int).tolist())
    usual = sum(
        count for gap, count in gaps.items() if any(abs(gap - every) <= 1 for every in (10, 15, 20, 30))
    )
    assert usual / gaps.total() > 0.99


def test_vehicles_are_where_their_speed_takes_them(tracks_by_terminal: Tracks) -> None:
    """Over the day's driving, odometer, integrated speed and distance between reports agree within 1 %."""
    odometer, integral, apart = 0.0, 0.0, 0.0
    for reports in tracks_by_terminal.values():
        t, speed = _times(reports), np.array([r["speed_kmh"] / 3.6 for r in reports])
        line = np.array([[r["lon"], r["lat"]] for r in reports])
        steady = (np.diff(t) <= 31) & (np.minimum(speed[1:], speed[:-1]) > 8.0)
        odometer += np.diff([r["odometer_km"] * 1000 for r in reports])[steady].sum()
        integral += (np.diff(t) * (speed[1:] + speed[:-1]) / 2)[steady].sum()
        apart += np.hypot(*geo.leg_vectors(line))[steady].sum()
    assert odometer > 5_000_000
    assert integral == pytest.approx(odometer, rel=0.01)
    assert apart == pytest.approx(odometer, rel=0.01)


def test_nobody_teleports(tracks_by_terminal: Tracks) -> None:
    for reports in tracks_by_terminal.values():
        t, line = _times(reports), np.array([[r["lon"], r["lat"]] for r in reports])
        metres = np.hypot(*geo.leg_vectors(line))
        assert np.all(metres <= np.diff(t) * 40.0 + 100.0)


def test_a_driver_code_is_one_of_the_registry_or_the_card_is_out(
    tracks_by_terminal: Tracks, day_folder: Path
) -> None:
    lines = (day_folder / "drivers.csv").read_text(encoding="utf-8").splitlines()[1:]
    known = {line.split(",")[0] for line in lines} | {""}
    seen = {r["driver"] for reports in tracks_by_terminal.values() for r in reports if "driver" in r}
    assert seen <= known
    assert len(seen) > 150


def _times(reports: list[Json]) -> np.ndarray:
    return np.array([datetime.fromisoformat(r["time"]).timestamp() for r in reports])
