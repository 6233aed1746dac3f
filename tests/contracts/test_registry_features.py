"""The registry's maps: roads, routes and zones as GeoJSON, what is taken and what is refused, and where."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.registry import VehicleClass
from services.contracts.registry_files import (
    FileError,
    FilesRefused,
    parse_file,
    parse_roads,
    parse_routes,
    parse_zones,
)

ROUTE = {"route": "R1", "name": "银川—中卫"}
LINE = [[106.2, 38.4], [106.3, 38.4], [106.4, 38.5]]
RING = [[106.2, 38.4], [106.3, 38.4], [106.3, 38.5], [106.2, 38.4]]
MIDNIGHT_MS = 1_795_363_200_000  # 2026-11-23T00:00:00+08:00


def geojson(*features: tuple[dict[str, Any], str, Any]) -> bytes:
    made = [
        {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}
        for properties, kind, coordinates in features
    ]
    return json.dumps({"type": "FeatureCollection", "features": made}, ensure_ascii=False).encode()


def refused(parse: Any, data: bytes | str, *more: Any) -> tuple[FileError, ...]:
    with pytest.raises(FilesRefused) as caught:
        parse("f", data.encode() if isinstance(data, str) else data, *more)
    return caught.value.errors


@pytest.mark.parametrize(
    ("value", "expected", "turned"),
    [(True, True, False), (False, False, False), ("yes", True, False), ("no", False, False), ("-1", True, True),
     (-1, True, True), (1, True, False), (0, False, False), (None, False, False)],
)  # fmt: skip
def test_oneway_is_read_as_maps_write_it(value: object, expected: bool, turned: bool) -> None:
    (road,) = parse_roads(
        "f", geojson(({"road_class": "highway", "oneway": value}, "LineString", LINE))
    ).records
    assert road.oneway is expected
    assert road.coordinates[0] == tuple(LINE[-1] if turned else LINE[0])


def test_a_road_keeps_its_limits_and_a_multi_line_is_several_roads() -> None:
    properties = {"road_class": "expressway", "name": "京藏高速", "ref": "G6", "limit_kmh": "120", "limit_kmh_hazmat": 80,
                  "night_limit_kmh": 90.5, "tunnel": "building_passage", "bridge": 0, "lanes": 4}  # fmt: skip
    roads = parse_roads("f", geojson((properties, "MultiLineString", [LINE, LINE[:2]]))).records
    assert [len(road.coordinates) for road in roads] == [3, 2]
    assert (roads[0].limit_kmh, roads[0].night_limit_kmh, roads[0].class_limits_kmh) == (
        120.0,
        90.5,
        {"hazmat": 80.0},
    )
    assert (roads[0].tunnel, roads[0].bridge) == (True, False)


@pytest.mark.parametrize(
    ("properties", "kind", "coordinates", "column"),
    [
        ({}, "LineString", LINE, "road_class"),
        ({"road_class": "motorway"}, "LineString", LINE, "road_class"),
        ({"road_class": "rural", "limit_kmh": 0}, "LineString", LINE, "limit_kmh"),
        ({"road_class": "rural", "limit_kmh": "fast"}, "LineString", LINE, "limit_kmh"),
        ({"road_class": "rural", "limit_kmh_bus": 60}, "LineString", LINE, "limit_kmh_bus"),
        ({"road_class": "rural", "oneway": "maybe"}, "LineString", LINE, "oneway"),
        ({"road_class": "rural"}, "Point", LINE[0], "geometry"),
        ({"road_class": "rural"}, "LineString", [LINE[0]], "geometry"),
        ({"road_class": "rural"}, "LineString", [LINE[0], LINE[0]], "geometry"),
        ({"road_class": "rural"}, "LineString", [LINE[0], [106.3]], "geometry"),
        ({"road_class": "rural"}, "LineString", [LINE[0], [106.3, "38"]], "geometry"),
        ({"road_class": "rural"}, "LineString", [LINE[0], [181, 38]], "geometry"),
        ({"road_class": "rural"}, "LineString", None, "geometry"),
    ],
)
def test_a_road_that_cannot_be_judged_is_refused(
    properties: dict[str, Any], kind: str, coordinates: Any, column: str
) -> None:
    data = geojson(({"road_class": "urban"}, "LineString", LINE), (properties, kind, coordinates))
    assert [(error.row, error.column) for error in refused(parse_roads, data)] == [(2, column)]


def test_swapped_coordinates_get_a_hint() -> None:
    (error,) = refused(parse_roads, geojson(({"road_class": "urban"}, "LineString", [p[::-1] for p in LINE])))
    assert "swapped" in error.en
    assert "颠倒" in error.zh


@pytest.mark.parametrize(
    "data",
    [b"", b"[1]", b"{}", b'{"type": "FeatureCollection"}', b"\xff", b'{"type":\n\n"Feature', b"[" * 5000],
)
def test_what_is_no_geojson_is_refused(data: bytes) -> None:
    assert refused(parse_roads, data)


def test_a_syntax_error_is_placed_by_line() -> None:
    (error,) = refused(parse_roads, b'{"type":\n\n"Feature"')
    assert error.row == 3


def test_a_foreign_reference_system_is_refused() -> None:
    document = json.loads(geojson(({"road_class": "urban"}, "LineString", LINE)))
    document["crs"] = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    (error,) = refused(parse_roads, json.dumps(document))
    assert error.column == "crs"


def test_a_route_has_one_half_width_a_leg() -> None:
    given = {
        "stops": [
            {"name": "中卫", "lon": 106.4, "lat": 38.5, "radius_m": 80},
            {"name": "银川", "lon": 106.2, "lat": 38.4},
        ]
    }
    (route,) = parse_routes("f", geojson((ROUTE | given, "LineString", LINE))).records
    assert route.leg_half_widths_m == (100.0, 100.0)
    assert [stop.radius_m for stop in route.stops] == [80.0, 50.0]
    (route,) = parse_routes("f", geojson(({"route": 71, "width_m": 30}, "LineString", LINE))).records
    assert (route.route, route.name, route.leg_half_widths_m) == ("71", "71", (30.0, 30.0))
    (route,) = parse_routes("f", geojson((ROUTE | {"leg_widths_m": [20, 50.5]}, "LineString", LINE))).records
    assert route.leg_half_widths_m == (20.0, 50.5)


@pytest.mark.parametrize(
    ("change", "kind", "column"),
    [
        ({"width_m": 0}, "LineString", "width_m"),
        ({"width_m": True}, "LineString", "width_m"),
        ({"leg_widths_m": [20]}, "LineString", "leg_widths_m"),
        ({"leg_widths_m": [20, -1]}, "LineString", "leg_widths_m"),
        ({"leg_widths_m": 20}, "LineString", "leg_widths_m"),
        ({"stops": [{"name": "x", "lon": 200, "lat": 1}]}, "LineString", "lon"),
        ({"stops": "x"}, "LineString", "stops"),
        ({"route": None}, "LineString", "route"),
        ({}, "MultiLineString", "geometry"),
    ],
)
def test_a_route_that_cannot_be_judged_is_refused(change: dict[str, Any], kind: str, column: str) -> None:
    data = geojson((ROUTE | change, kind, [LINE] if kind.startswith("Multi") else LINE))
    assert [(error.row, error.column) for error in refused(parse_routes, data)] == [(1, column)]


def test_a_route_or_zone_stands_once() -> None:
    route = (ROUTE, "LineString", LINE)
    assert [(e.row, e.column) for e in refused(parse_routes, geojson(route, route))] == [(2, "route")]
    zone = ({"zone": "Z", "kind": "school"}, "Polygon", [RING])
    assert [(e.row, e.column) for e in refused(parse_zones, geojson(zone, zone))] == [(2, "zone")]


def test_a_zone_is_polygons_or_a_line_with_a_buffer() -> None:
    properties = {"zone": "Z1", "name": "学校", "kind": "school", "classes": "freight|hazmat", "limit_kmh": 30,
                  "hours": ["07:00-08:30", "22:00-06:00"], "from": "2026-11-23", "to": "2026-11-24", "reason": "x"}  # fmt: skip
    line = {"zone": "Z2", "kind": "hazard_section", "buffer_m": 40, "hours": "00:00-24:00"}
    first, second, third = parse_zones(
        "f",
        geojson((properties, "Polygon", [RING]), (line, "LineString", LINE),
                ({"zone": "Z3", "kind": "dead_zone", "classes": ["coach"]}, "MultiPolygon", [[RING], [RING]])),
    ).records  # fmt: skip
    assert first.classes == (VehicleClass.HAZMAT, VehicleClass.FREIGHT)
    assert first.hours == ((25_200, 30_600), (79_200, 21_600))
    assert (first.from_ms, first.to_ms, first.polygons[0][0][0]) == (
        MIDNIGHT_MS,
        MIDNIGHT_MS + 86_400_000,
        (106.2, 38.4),
    )
    assert (second.buffer_m, len(second.line), second.polygons, second.hours) == (40.0, 3, (), ((0, 86_400),))
    assert len(third.polygons) == 2


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("Mo-Fr", (0, 1, 2, 3, 4)),
        ("Sa,Su", (5, 6)),
        ("Fr-Mo", (0, 4, 5, 6)),
        ("Mo-We, Fr", (0, 1, 2, 4)),
        ("We", (2,)),
        ("mo–tu", (0, 1)),
        ("Mo-Su", (0, 1, 2, 3, 4, 5, 6)),
        ("Tu-Tu", (1,)),
        (["Mo", "Sa-Su"], (0, 5, 6)),
        ("", ()),
    ],
)
def test_days_of_a_zone_are_openstreetmaps_words(days: Any, expected: tuple[int, ...]) -> None:
    zone = ({"zone": "Z", "kind": "depot", "days": days}, "Polygon", [RING])
    assert parse_zones("f", geojson(zone)).records[0].days == expected


def test_dates_of_a_zone_are_spans_of_local_days() -> None:
    given = {"dates": [["2026-09-01", "2027-01-15"], ["2027-03-01", "2027-03-01"]], "except_dates": [["2026-10-01", "2026-10-07"]]}  # fmt: skip
    zone = parse_zones("f", geojson(({"zone": "Z", "kind": "school"} | given, "Polygon", [RING]))).records[0]
    assert zone.dates == (("2026-09-01", "2027-01-15"), ("2027-03-01", "2027-03-01"))
    assert zone.except_dates == (("2026-10-01", "2026-10-07"),)


@pytest.mark.parametrize(
    ("change", "kind", "coordinates", "column"),
    [
        ({"kind": "danger"}, "Polygon", [RING], "kind"),
        ({"classes": ["bus"]}, "Polygon", [RING], "classes"),
        ({"classes": 3}, "Polygon", [RING], "classes"),
        ({"hours": "25:00-26:00"}, "Polygon", [RING], "hours"),
        ({"hours": "08:00-08:00"}, "Polygon", [RING], "hours"),
        ({"hours": [8]}, "Polygon", [RING], "hours"),
        ({"days": "Mon-Fri"}, "Polygon", [RING], "days"),
        ({"days": "PH"}, "Polygon", [RING], "days"),
        ({"days": "Mo-"}, "Polygon", [RING], "days"),
        ({"days": "Mo,,Tu"}, "Polygon", [RING], "days"),
        ({"days": [1, 2]}, "Polygon", [RING], "days"),
        ({"days": 5}, "Polygon", [RING], "days"),
        ({"dates": "2026-10-01"}, "Polygon", [RING], "dates"),
        ({"dates": ["2026-10-01", "2026-10-07"]}, "Polygon", [RING], "dates"),
        ({"dates": [["2026-10-07", "2026-10-01"]]}, "Polygon", [RING], "dates"),
        ({"dates": [["2026-10-01"]]}, "Polygon", [RING], "dates"),
        ({"except_dates": [["2026-02-30", "2026-03-01"]]}, "Polygon", [RING], "except_dates"),
        ({"except_dates": [[20261001, 20261007]]}, "Polygon", [RING], "except_dates"),
        ({"from": "2026-11-24", "to": "2026-11-24"}, "Polygon", [RING], "to"),
        ({}, "LineString", LINE, "buffer_m"),
        ({"buffer_m": -1}, "LineString", LINE, "buffer_m"),
        ({}, "Polygon", [RING[:3]], "geometry"),
        ({}, "Polygon", [], "geometry"),
        ({}, "Point", LINE[0], "geometry"),
    ],
)
def test_a_zone_that_cannot_be_judged_is_refused(
    change: dict[str, Any], kind: str, coordinates: Any, column: str
) -> None:
    data = geojson(({"zone": "Z", "kind": "school"} | change, kind, coordinates))
    assert (1, column) in [(error.row, error.column) for error in refused(parse_zones, data)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from(["type", "coordinates", "x"]), children, max_size=3),
    max_leaves=12,
)  # fmt: skip
properties = st.dictionaries(
    st.sampled_from(["road_class", "route", "zone", "kind", "oneway", "limit_kmh", "hours", "classes", "stops", "leg_widths_m", "name"]),
    json_values,
)  # fmt: skip
geometries = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["LineString", "MultiLineString", "Polygon", "MultiPolygon", "Point"]),
        "coordinates": json_values,
    }
)


@given(st.sampled_from(["roads", "routes", "zones"]), properties, geometries | json_values)
def test_any_feature_is_either_taken_or_refused(kind: str, given_properties: Any, geometry: Any) -> None:
    feature = {"type": "Feature", "properties": given_properties, "geometry": geometry}
    data = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    with suppress(FilesRefused):
        assert parse_file(kind, "f", data, lambda _: []).file == "f"
