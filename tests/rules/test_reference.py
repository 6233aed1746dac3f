"""The reference finds what the worked cases say, no more and no less; generated drives ask nothing that two right answers differ in."""

from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.cases import CASES, Case, differences
from tests.rules.generators import POOLS, ROADS, ROUTES, RULES, at, drives, seeded
from tests.rules.reference import Episode, from_records, judge, to_records
from tests.rules.reference.geometry import distance_m, distance_to_leg_m


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_judged_as_worked_out_by_hand(case: Case) -> None:
    assert differences(judge(case.config, case.fixes), case) == []


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fixes_survive_packing(case: Case) -> None:
    assert from_records(to_records(case.fixes)) == case.fixes


def _near(distance_m: float, threshold_m: float) -> bool:
    return abs(distance_m - threshold_m) <= 0.005 * threshold_m


def test_generated_places_keep_clear_of_the_radius_of_rest() -> None:
    spots = [at(*spot) for spot in POOLS["fatigue"].spots]
    for radius_m in POOLS["fatigue"].parameters["rest_radius_m"]:
        assert not any(_near(distance_m(a, b), radius_m) for a in spots for b in spots)


def test_generated_places_keep_clear_of_the_edges_of_corridors() -> None:
    parameters = POOLS["route_deviation"].parameters
    for spot in POOLS["route_deviation"].spots:
        for route in ROUTES:
            line = route.coordinates
            least = min(distance_to_leg_m(at(*spot), a, b) for a, b in pairwise(line))
            for width_m, margin_m in product(route.leg_half_widths_m, parameters["margin_m"]):
                assert not _near(least, width_m + margin_m), (spot, route.route, least)
            for end, exempt_m in product((line[0], line[-1]), parameters["ends_exempt_m"]):
                assert not (exempt_m and _near(distance_m(at(*spot), end), exempt_m)), (spot, route.route)


def test_generated_places_keep_clear_of_the_radius_of_roads_and_of_near_ties() -> None:
    for spot in POOLS["speeding"].spots:
        found = [
            min(distance_to_leg_m(at(*spot), a, b) for a, b in pairwise(road.coordinates)) for road in ROADS
        ]
        for distance, radius_m in product(found, POOLS["speeding"].parameters["match_radius_m"]):
            assert not _near(distance, radius_m), (spot, distance)
        for (a, preferred_a), (b, preferred_b) in product(product(found, (0, 10)), repeat=2):
            apart_m = abs((a - preferred_a) - (b - preferred_b))
            assert apart_m < 0.001 or apart_m > 0.05 or min(a, b) > 60, (spot, a, b)


@pytest.mark.parametrize("rule", RULES)
def test_seeded_drives_come_from_the_seed_alone_and_find_something(rule: str) -> None:
    found: list[Episode] = []
    for seed in range(12):
        config, fixes = seeded(rule, seed)
        assert fixes.tobytes() == seeded(rule, seed)[1].tobytes()
        found += judge(config, from_records(fixes))
    assert {episode["state"] for episode in found if episode["rule"] == rule} == {"open", "closed"}


@pytest.mark.parametrize("rule", RULES)
@given(data=st.data())
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_episodes_of_a_drive_that_ends_early_begin_as_those_of_the_whole(
    rule: str, data: st.DataObject
) -> None:
    """What has begun stays begun: the reference, too, judges by what came before and by nothing after."""
    config, fixes = data.draw(drives(rule))
    whole, part = (judge(config, from_records(rows)) for rows in (fixes, fixes[: len(fixes) * 2 // 3]))
    began = {(e["vehicle"], e["rule"], e["driver"], e["began_ms"]) for e in whole}
    assert {(e["vehicle"], e["rule"], e["driver"], e["began_ms"]) for e in part} <= began
