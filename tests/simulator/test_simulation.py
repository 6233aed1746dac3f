"""What a run depends on (its seed alone), and what it is made of: the map, the limits, the wrong records."""

import json

import numpy as np
import pytest

from services.contracts.registry import CLASSES, RoadClass, VehicleClass
from services.simulator import geo
from services.simulator.fleet import build_fleet
from services.simulator.limits import DAY, EMPTY_SCHOOL_BUS, NIGHT, is_night
from services.simulator.run import feed
from services.simulator.simulation import Settings, Simulation, with_interval
from services.simulator.world import World
from services.simulator.wrong import spoil

GOOD = '{"v":1,"terminal":"013900000001","time":"2026-11-23T08:00:00+08:00","lon":106.2,"lat":38.4,"speed_kmh":80.0}'


def lines(world: World, settings: Settings, from_s: int | None = None) -> list[str]:
    return [line for batch in feed(Simulation(settings, world), from_s) for line in batch.lines]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(world: World, midnight_s: int) -> None:
    settings = Settings(30, 3, midnight_s + 25_000, midnight_s + 28_600, on_road=True)
    first, again = lines(world, settings), lines(world, settings)
    assert first == again
    other = Settings(30, 4, midnight_s + 25_000, midnight_s + 28_600, on_road=True)
    assert lines(world, other) != first


def test_a_run_taken_up_later_goes_on_as_it_would_have(world: World, midnight_s: int) -> None:
    settings = Settings(30, 3, midnight_s, midnight_s + 3 * 3600, on_road=True)
    whole, rest = lines(world, settings), lines(world, settings, midnight_s + 5000)
    assert 0 < len(rest) < len(whole)
    assert whole[-len(rest) :] == rest


def test_wrong_records_travel_beside_the_good_ones(world: World, midnight_s: int) -> None:
    period = (midnight_s, midnight_s + 3600)
    good = lines(world, Settings(30, 3, *period, on_road=True))
    mixed = lines(world, Settings(30, 3, *period, on_road=True, wrong_share=0.05))
    assert len(mixed) > len(good) * 1.02
    left = iter(mixed)
    assert all(line in left for line in good), "the good reports, in their order"


@pytest.mark.parametrize("turn", range(10))
def test_a_spoilt_copy_is_never_a_good_report(turn: int) -> None:
    spoilt = spoil(GOOD, turn)
    try:
        report = json.loads(spoilt, parse_constant=lambda _name: "not finite")
    except json.JSONDecodeError:
        return
    assert isinstance(report, dict)
    assert report != json.loads(GOOD)


def test_a_rate_sets_the_interval_and_an_impossible_one_says_what_to_ask_for(midnight_s: int) -> None:
    assert with_interval(Settings(3000, 1, midnight_s), 300.0).interval_s == 10
    with pytest.raises(ValueError, match="--vehicles 500"):
        with_interval(Settings(100, 1, midnight_s), 500.0)


@pytest.mark.parametrize(
    ("road", "vehicle", "posted", "part", "expected"),
    [
        (RoadClass.EXPRESSWAY, VehicleClass.COACH, 120, DAY, 100),
        (RoadClass.EXPRESSWAY, VehicleClass.COACH, 120, NIGHT, 80),
        (RoadClass.EXPRESSWAY, VehicleClass.HAZMAT, 120, DAY, 80),
        (RoadClass.EXPRESSWAY, VehicleClass.HAZMAT, 120, NIGHT, 80),
        (RoadClass.EXPRESSWAY, VehicleClass.FREIGHT, 120, DAY, 90),
        (RoadClass.HIGHWAY, VehicleClass.HAZMAT, 80, DAY, 60),
        (RoadClass.HIGHWAY, VehicleClass.CHARTER, 80, NIGHT, 64),
        (RoadClass.RURAL, VehicleClass.SCHOOL_BUS, 60, DAY, 60),
    ],
)
def test_true_limits_are_those_of_the_law(
    world: World, road: RoadClass, vehicle: VehicleClass, posted: float, part: int, expected: float
) -> None:
    section = next(
        i for i, s in enumerate(world.network.sections)
        if (s.road_class, s.limit_kmh, s.zone_kmh, s.night_limit_kmh) == (road, posted, None, None)
    )  # fmt: skip
    assert world.in_force[section, CLASSES.index(vehicle), part] == expected


def test_a_school_bus_without_pupils_is_held_to_a_coachs_figures(world: World) -> None:
    section = next(i for i, s in enumerate(world.network.sections) if s.limit_kmh == 120)
    assert world.in_force[section, EMPTY_SCHOOL_BUS, DAY] == 100
    assert world.in_force[section, EMPTY_SCHOOL_BUS, NIGHT] == 100
    assert world.in_force[section, CLASSES.index(VehicleClass.SCHOOL_BUS), DAY] == 80


def test_night_is_from_ten_to_six(midnight_s: int) -> None:
    hours = {22: True, 23: True, 0: True, 5: True, 6: False, 12: False, 21: False}
    moments = np.array([midnight_s + hour * 3600 for hour in hours])
    assert is_night(moments).tolist() == list(hours.values())
    assert not is_night(np.array([midnight_s - 2 * 3600 - 1]))[0]


def test_a_route_runs_on_the_roads_of_the_map(world: World) -> None:
    """Every 500 m of some routes: the nearest road that runs the same way is the section the vehicle is held to."""
    right = asked = 0
    for route in world.routes[:36:12]:
        at = np.arange(250.0, route.length_m, 500.0)
        track = np.full(len(at), route.track, np.int32)
        lon, lat, bearing = world.tracks.locate(track, at)
        first, stop = world.tracks.piece_at[route.track : route.track + 2]
        piece = first + np.searchsorted(world.tracks.piece_m[first:stop], at, side="right") - 1
        for point, heading, own in zip(
            np.column_stack((lon, lat)), bearing, world.tracks.piece_section[piece], strict=True
        ):
            away = [_distance(point, heading, section.line) for section in world.network.sections]
            assert away[own] < 1.0
            nearest = min(away)
            right += away[own] <= nearest + 5.0
            asked += 1
    assert asked > 300
    assert right / asked > 0.99


def _distance(point: np.ndarray, heading: float, line: np.ndarray) -> float:
    """Metres to the legs that run the way of `heading` (either direction), roughly and fast."""
    if np.abs(line - point).max(axis=1).min() > 0.02:
        return float("inf")
    turn = np.abs((geo.bearings(line) - heading + 90.0) % 180.0 - 90.0)
    legs = np.flatnonzero(turn <= 45.0)
    if not len(legs):
        return float("inf")
    return float(min(geo.distances(point[None, :], line[i : i + 2])[0] for i in legs))


def test_a_frank_fleet_swaps_its_cards_and_hides_nothing(world: World) -> None:
    usual, frank = (build_fleet(world, 300, 3, frank=frank).vehicles for frank in (False, True))
    assert any(v.lends_card or v.swaps_card < 1 or not v.terminal.card_reader for v in usual)
    assert all(v.swaps_card == 1 and not v.lends_card and v.terminal.card_reader for v in frank)
    assert [v.plate for v in usual] == [v.plate for v in frank]


def test_nobody_is_to_stop_in_a_tunnel(world: World) -> None:
    tracks, sections = world.tracks, world.network.sections
    tunnels = [place for place, section in enumerate(tracks.piece_section) if sections[section].tunnel]
    assert tunnels
    for place in tunnels[:40]:
        track = int(np.searchsorted(tracks.piece_at, place, side="right") - 1)
        at_m = world.out_of_tunnels(track, float(tracks.piece_m[place]) + 1.0)
        assert at_m <= tracks.length_m[track]
        starts = tracks.piece_m[tracks.piece_at[track] : tracks.piece_at[track + 1]]
        piece = tracks.piece_at[track] + np.searchsorted(starts, at_m, side="right") - 1
        assert not sections[tracks.piece_section[piece]].tunnel
