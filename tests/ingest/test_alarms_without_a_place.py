"""A panic button without reception is heard: what is flagged for its alarm, what is kept out all the same, and that nothing has a place then."""

from typing import Any

import numpy as np
import pytest

from services.contracts.fix import HEARD_ANYWHERE
from services.contracts.reasons import BY_CODE, FLAG_BITS, NOT_FIXED, PLACE_UNUSABLE, Verdict
from services.ingest.pipeline import process
from services.ingest.tables import DriverTable
from tests.ingest.corpus import said
from tests.ingest.test_pipeline import CHINA, LOOKUP, WORLD

BAD_PLACES: list[tuple[dict[str, Any], str]] = [
    ({"lon": 0, "lat": 0}, "ZERO_FIX"),
    ({"lon": 2.35, "lat": 48.86}, "OUT_OF_COUNTRY"),
    ({"lon": 38.48, "lat": 106.23}, "SWAPPED"),
    ({"lon": 106_230_912, "lat": 38_487_234}, "UNIT_GEO"),
    ({"lon": 10613.9, "lat": 3829.2}, "UNIT_GEO"),
    ({"lon": ..., "lat": ...}, "MISSING"),
    ({"lon": ...}, "MISSING"),
    ({"lat": None}, "MISSING"),
]


def run(*values: bytes, area: tuple[float, float, float, float] = CHINA) -> Any:
    return process(list(values), None, np.arange(len(values)), LOOKUP, DriverTable({"D-1": 1}), area)


@pytest.mark.parametrize(("place", "code"), BAD_PLACES)
def test_a_report_with_an_alarm_is_flagged_where_only_its_place_is_wrong(
    place: dict[str, Any], code: str
) -> None:
    done = run(
        said(**place, alarms=["emergency", "overspeed"], driver="D-1"),
        said(**place, alarms=["gnss_fault"]),
        said(**place),
    )
    assert done.rejected == [(1, code), (2, code)]
    (fix,) = done.fixes
    assert fix["flags"] == NOT_FIXED | PLACE_UNUSABLE
    assert (fix["lon_e7"], fix["lat_e7"], fix["driver"], fix["alarms"] & 1) == (0, 0, 1, 1)
    assert (done.verdicts[Verdict.FLAG], done.reasons["PLACE_UNUSABLE"]) == (1, 1)


@pytest.mark.parametrize("alarm", sorted(HEARD_ANYWHERE))
def test_every_alarm_that_is_told_of_is_heard(alarm: str) -> None:
    assert len(run(said(lon=0, lat=0, alarms=[alarm])).fixes) == 1


@pytest.mark.parametrize("alarm", ["gnss_fault", "overspeed", "power_lost", "no_such_alarm"])
def test_others_are_not(alarm: str) -> None:
    assert run(said(lon=0, lat=0, alarms=[alarm])).rejected == [(0, "ZERO_FIX")]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"terminal": "9999"}, "ZERO_FIX"),
        ({"time": "2004-01-01T00:00:00Z"}, "ZERO_FIX"),
        ({"datum": "Bessel"}, "DATUM"),
        ({"speed_kmh": 301}, "RANGE_SPEED"),
        ({"driver": "A\x00B"}, "CTRL_CHAR"),
    ],
)
def test_what_is_wrong_beside_the_place_keeps_it_out(fault: dict[str, Any], code: str) -> None:
    assert run(said(lon=0, lat=0, alarms=["emergency"], **fault)).rejected == [(0, code)]


def test_a_place_off_the_earth_is_no_report_of_anything() -> None:
    assert run(said(lon=200, lat=91, alarms=["emergency"])).rejected == [(0, "RANGE_GEO")]
    assert BY_CODE["RANGE_GEO"].verdict is Verdict.REJECT


def test_what_stands_in_the_area_has_its_place() -> None:
    (fix,) = run(said(lon=2.35, lat=48.86, alarms=["emergency"]), area=WORLD).fixes
    assert (fix["flags"], fix["lon_e7"]) == (0, 23_500_000)


def test_a_fix_without_a_place_keeps_its_other_flags() -> None:
    (fix,) = run(said(lon=0, lat=0, alarms=["collision"], backfill=True, fixed=True)).fixes
    assert fix["flags"] == NOT_FIXED | PLACE_UNUSABLE | FLAG_BITS["BACKFILL"]
