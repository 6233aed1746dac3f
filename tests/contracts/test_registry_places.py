"""Coordinates that cannot be: exchanged where both readings are possible, far from their neighbours, outlines that cross themselves."""

import json
from typing import Any

import pytest

from services.contracts.registry_files import FilesRefused, Parsed, parse_file

CHINA = (73.5, 3.8, 135.1, 53.6)
WORLD = (-180.0, -90.0, 180.0, 90.0)
URUMQI = [[87.60, 43.80], [87.60, 43.98], [87.65, 44.02]]
RING = [[87.59, 43.80], [87.61, 43.80], [87.61, 43.90], [87.59, 43.90], [87.59, 43.80]]
PROPERTIES: dict[str, dict[str, Any]] = {
    "roads": {"road_class": "urban"},
    "routes": {"route": "R1"},
    "zones": {"zone": "Z", "kind": "school", "buffer_m": 20},
}


def parsed(kind: str, geometry: str, coordinates: Any, area: Any = CHINA, **properties: Any) -> Parsed[Any]:
    feature = {
        "type": "Feature",
        "properties": PROPERTIES[kind] | properties,
        "geometry": {"type": geometry, "coordinates": coordinates},
    }
    document = {"type": "FeatureCollection", "features": [feature]}
    return parse_file(kind, "f", json.dumps(document).encode(), lambda _: [], area)


def refusal(*given: Any, **more: Any) -> tuple[str | None, str]:
    with pytest.raises(FilesRefused) as caught:
        parsed(*given, **more)
    (error,) = caught.value.errors
    assert error.row == 1
    return error.column, error.en


def swapped(positions: list[list[float]]) -> list[list[float]]:
    return [position[::-1] for position in positions]


@pytest.mark.parametrize("kind", PROPERTIES)
def test_exchanged_coordinates_are_refused_also_where_both_readings_are_on_earth(kind: str) -> None:
    column, said = refusal(kind, "LineString", swapped(URUMQI))
    assert column == "geometry"
    assert "position 1 [43.8, 87.6] lies outside the service area" in said
    assert "looks swapped" in said
    assert parsed(kind, "LineString", URUMQI).records


def test_a_latitude_of_the_poles_is_an_exchanged_longitude_whatever_the_area() -> None:
    assert "looks swapped" in refusal("roads", "LineString", swapped(URUMQI), WORLD)[1]
    assert "looks swapped" in refusal("roads", "LineString", swapped(URUMQI), None)[1]


@pytest.mark.parametrize(
    ("word", "yes"),
    [("是", True), ("Y", True), ("building_passage", True), ("否", False), ("N", False), ("F", False)],
)
def test_yes_and_no_as_people_write_them(word: str, yes: bool) -> None:
    assert parsed("roads", "LineString", URUMQI, tunnel=word).records[0].tunnel is yes


@pytest.mark.parametrize(
    ("name", "value"), [("tunnel", "null"), ("tunnel", "nan"), ("limit_kmh", "6_0"), ("limit_kmh", "1e999")]
)
def test_what_is_no_value_is_refused(name: str, value: str) -> None:
    assert refusal("roads", "LineString", URUMQI, **{name: value})[0] == name


def test_one_exchanged_point_of_a_line_a_ring_or_a_hole_is_enough() -> None:
    assert "position 2" in refusal("roads", "LineString", [URUMQI[0], URUMQI[1][::-1], URUMQI[2]])[1]
    hole = [[87.595, 43.82], [43.83, 87.60], [87.60, 43.82], [87.595, 43.82]]
    assert "geometry" in refusal("zones", "Polygon", [RING, hole])
    assert (
        "position 2" in refusal("zones", "MultiPolygon", [[RING], [[*RING[:1], RING[1][::-1], *RING[2:]]]])[1]
    )


def test_stops_are_held_against_area_and_route() -> None:
    stop = {"name": "站", "lon": 43.9, "lat": 87.6}
    assert refusal("routes", "LineString", URUMQI, stops=[stop])[0] == "stops"
    assert (
        refusal(
            "routes",
            "LineString",
            [[20.0, 40.0], [20.2, 40.1]],
            WORLD,
            stops=[stop | {"lon": 40.0, "lat": 20.0}],
        )[0]
        == "stops"
    )
    assert parsed("routes", "LineString", URUMQI, stops=[stop | {"lon": 87.6, "lat": 43.9}]).records


def test_what_crosses_a_continent_is_refused_whatever_the_area() -> None:
    column, said = refusal("routes", "LineString", [[20.0, 40.0], [40.0, 20.0], [20.2, 40.1]], WORLD)
    assert column == "geometry"
    assert "positions 1 and 2" in said
    assert parsed("routes", "LineString", [[100.0, 30.0], [104.0, 30.0]]).records


@pytest.mark.parametrize(
    "ring",
    [
        [RING[0], RING[2], RING[1], RING[3], RING[0]],  # a bow tie
        [
            RING[0],
            [87.60, 43.85],
            RING[2],
            RING[1],
            [87.60, 43.85],
            RING[3],
            RING[0],
        ],  # with its knot as a point
        [RING[0], RING[1], RING[2], [87.605, 43.80], RING[3], RING[0]],  # touches its own edge
        [RING[0], RING[1], RING[0], RING[1], RING[2], RING[0]],  # goes to and fro
        [[87.59, 43.80], [87.60, 43.80], [87.61, 43.80], [87.59, 43.80]],  # encloses nothing
    ],
)
def test_an_outline_that_crosses_itself_is_refused(ring: list[list[float]]) -> None:
    column, said = refusal("zones", "Polygon", [ring])
    assert column == "geometry"
    assert "crosses or touches itself" in said


def test_a_hole_lies_inside_its_outline() -> None:
    far = [[87.70, 43.82], [87.71, 43.82], [87.71, 43.83], [87.70, 43.82]]
    assert "hole" in refusal("zones", "Polygon", [RING, far])[1]


def test_the_direction_of_rings_and_points_that_stand_twice_do_not_matter() -> None:
    hole = [[87.595, 43.82], [87.605, 43.82], [87.605, 43.83], [87.595, 43.82]]
    for outline in (RING, RING[::-1], [RING[0], *RING]):
        for inner in (hole, hole[::-1]):
            assert parsed("zones", "Polygon", [outline, inner]).records
    assert "closed" in refusal("zones", "Polygon", [RING[:-1]])[1]


def test_properties_that_nobody_reads_are_named_once() -> None:
    warnings = parsed("zones", "Polygon", [RING], spped_limit=30, limit_kph=40).warnings
    assert [warning.column for warning in warnings] == ["spped_limit", "limit_kph"]
    assert "did you mean limit_kmh" in warnings[1].en
