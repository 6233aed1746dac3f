"""The truth is read off the seconds as the interfaces page defines it: tried here on seconds made by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from services.contracts.registry import CLASSES, RoadClass, VehicleClass
from services.simulator import truth
from services.simulator.limits import DAY
from services.simulator.motion import Seconds
from services.simulator.truth import Observer, rolling
from services.simulator.world import World

COACH = CLASSES.index(VehicleClass.COACH)
LIMIT_KMH = 100.0
Made = Callable[..., Seconds]


@pytest.fixture
def seconds(world: World) -> Made:
    """Seconds of one coach on an expressway: a list of (how many seconds, km/h), driver and card 0 unless given."""
    section = next(i for i, s in enumerate(world.network.sections) if s.road_class is RoadClass.EXPRESSWAY)
    assert world.in_force[section, COACH, DAY] == LIMIT_KMH

    def made(
        from_s: int, parts: list[tuple[int, float]], driver: int = 0, card: int = 0, track: int = 0
    ) -> Seconds:
        kmh = np.concatenate([np.full(count, speed) for count, speed in parts])
        shape = (1, len(kmh))
        zero = np.zeros(shape, np.int32)
        return Seconds(
            from_s, (kmh / 3.6)[None, :].astype(np.float32), np.zeros(shape), zero + track, zero.astype(np.int8),
            zero + section, np.full(shape, COACH, np.int8), np.full(shape, driver, np.int8),
            np.full(shape, card, np.int8), np.zeros(shape), zero,
        )  # fmt: skip

    return made


def watched(world: World, *slices: Seconds) -> np.ndarray:
    observer = Observer(world, np.ones(1, np.bool_))
    for part in slices:
        observer.see(part)
    return observer.finish()


def of(rows: np.ndarray, what: int) -> list[tuple[int, int]]:
    return [(int(row["began_s"]), int(row["ended_s"])) for row in rows[rows["what"] == what]]


NOON_S = 12 * 3600 - 8 * 3600


@pytest.mark.parametrize(("above_s", "episodes"), [(30, 0), (31, 0), (32, 1), (300, 1)])
def test_a_burst_must_last_more_than_30_s(world: World, seconds: Made, above_s: int, episodes: int) -> None:
    """N seconds above span n - 1 seconds from the first to the last."""
    rows = watched(world, seconds(NOON_S, [(50, 95), (above_s, 104), (120, 95)]))
    assert len(of(rows, truth.SPEEDING)) == episodes
    assert of(rows, truth.RUN) == [(NOON_S + 50, NOON_S + 50 + above_s - 1)]


@pytest.mark.parametrize(("below_s", "episodes"), [(59, 1), (60, 2)])
def test_bursts_up_to_60_s_apart_are_one_episode(
    world: World, seconds: Made, below_s: int, episodes: int
) -> None:
    rows = watched(world, seconds(NOON_S, [(40, 110), (below_s, 90), (40, 120), (100, 90)]))
    found = rows[rows["what"] == truth.SPEEDING]
    assert len(found) == episodes
    assert found[-1]["peak"] == pytest.approx(120)
    assert found[-1]["ended_s"] == NOON_S + 80 + below_s - 1


def test_slices_do_not_matter(world: World, seconds: Made) -> None:
    whole = watched(world, seconds(NOON_S, [(40, 110), (50, 90), (40, 120), (5000, 90)]))
    cut = watched(
        world, seconds(NOON_S, [(40, 110), (20, 90)]), seconds(NOON_S + 60, [(30, 90), (40, 120), (5000, 90)])
    )
    assert np.array_equal(np.sort(whole), np.sort(cut))


def test_a_speed_at_the_limit_is_none_above_it(world: World, seconds: Made) -> None:
    assert of(watched(world, seconds(NOON_S, [(500, 100.0)])), truth.RUN) == []


@pytest.mark.parametrize(("stop_s", "spells"), [(1198, 1), (1199, 2), (5000, 2)])
def test_rest_of_20_minutes_ends_a_spell(world: World, seconds: Made, stop_s: int, spells: int) -> None:
    """The last second at the wheel and the first one after it lie stop_s + 1 s apart."""
    rows = watched(world, seconds(NOON_S, [(600, 80), (stop_s, 0), (600, 80)]))
    assert len(of(rows, truth.SPELL)) == spells


def test_four_hours_at_the_wheel_with_a_stop_of_ten_minutes_is_too_long(world: World, seconds: Made) -> None:
    rows = watched(world, seconds(NOON_S, [(10_000, 80), (600, 0), (3802, 80), (2000, 0)]))
    (spell,) = rows[rows["what"] == truth.SPELL]
    assert spell["over_s"] == NOON_S + 14_401
    assert spell["ended_s"] == NOON_S + 14_401
    shorter = watched(world, seconds(NOON_S, [(10_000, 80), (600, 0), (3801, 80), (2000, 0)]))
    assert not shorter["over_s"].any()


def test_the_night_has_a_clock_of_its_own(world: World, seconds: Made) -> None:
    """Domain check 3: 21:00 to past midnight; the night's two hours start at 22:00."""
    nine_pm_s = 13 * 3600
    rows = watched(world, seconds(nine_pm_s, [(3 * 3600 + 60, 75), (2000, 0)]))
    (night,) = rows[rows["what"] == truth.NIGHT_SPELL]
    assert night["began_s"] == nine_pm_s + 3600
    assert night["over_s"] == nine_pm_s + 3 * 3600 + 1
    assert not rows[rows["what"] == truth.SPELL]["over_s"].any()


def test_drivers_have_spells_of_their_own(world: World, seconds: Made) -> None:
    rows = watched(
        world, seconds(NOON_S, [(9000, 80)], driver=0), seconds(NOON_S + 9000, [(9000, 80)], driver=1, card=0)
    )
    spells = rows[rows["what"] == truth.SPELL]
    assert spells["driver"].tolist() == [0, 1]
    assert not spells["over_s"].any()
    assert of(rows, truth.OTHER_CARD) == [(NOON_S + 9000, NOON_S + 17_999)]


def test_an_excursion_is_off_the_route_only_where_it_is_far(world: World, seconds: Made) -> None:
    route = next(route for route in world.routes if route.excursions)
    excursion = route.excursions[0]
    driven = seconds(NOON_S, [(2000, 50)], track=excursion.track)
    driven.at_m[0] = excursion.at_m - 5000 + np.arange(2000) * 13.9
    rows = watched(world, driven)
    (found,) = rows[rows["what"] == truth.DEVIATION]
    left_s = NOON_S + 5000 / 13.9
    assert left_s + 5 < found["began_s"] < left_s + 120
    assert found["peak"] >= 500
    assert found["limit"] == 115


def test_sums_over_a_day_are_cut_to_the_window() -> None:
    hour = 3600
    spells = [(0, 5 * hour), (6 * hour, 10 * hour)]
    assert list(rolling(spells, 8 * hour, 24 * hour)) == [(9 * hour + 1, 10 * hour, 9 * hour)]
    next_day = [(0, 5 * hour), (25 * hour, 31 * hour)]
    assert list(rolling(next_day, 8 * hour, 24 * hour)) == []
    later = [(0, 5 * hour), (20 * hour, 26 * hour)]
    ((began_s, ended_s, _),) = rolling(later, 8 * hour, 24 * hour)
    assert (began_s, ended_s) == (23 * hour + 1, 26 * hour)


def test_a_sum_stays_above_over_a_break() -> None:
    hour = 3600
    spells = [(0, 9 * hour), (10 * hour, 11 * hour)]
    assert list(rolling(spells, 8 * hour, 24 * hour)) == [(8 * hour + 1, 11 * hour, 10 * hour)]
