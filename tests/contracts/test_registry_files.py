"""The registry's files: what is taken, what is refused, and that a refusal says where, what and what instead."""

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
    normal_plate,
    parse_assignments,
    parse_drivers,
    parse_file,
    parse_roads,
    parse_routes,
    parse_rules,
    parse_vehicles,
    parse_zones,
    read_config,
)

VEHICLES = (
    "plate,plate_color,class,terminal,operator,division\n宁A12345,yellow,coach,013900000021,银川客运,640100\n"
)
HEADER = "plate,plate_color,class,terminal,operator,division,valid_from,valid_to,status\n"
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


def no_complaint(parameters: Any) -> list[str]:
    return []


def test_a_vehicle_is_read_with_and_without_a_byte_order_mark() -> None:
    plain = parse_vehicles("f", VEHICLES.encode())
    assert plain == parse_vehicles("f", b"\xef\xbb\xbf" + VEHICLES.replace("\n", "\r\n").encode())
    (vehicle,) = plain.records
    assert (vehicle.key, vehicle.vehicle_class, vehicle.terminal) == (
        "宁A12345/yellow",
        VehicleClass.COACH,
        "13900000021",
    )
    assert plain.rows == (2,)


def test_unknown_columns_any_order_and_blank_lines_do_no_harm() -> None:
    data = "note,division,terminal,class,plate_color,plate,operator\n\n,640100,T1,freight,blue,宁a·123 45,甲\n,,,\n"
    (vehicle,) = parse_vehicles("f", data.encode()).records
    assert (vehicle.plate, vehicle.terminal, vehicle.valid_from_ms) == ("宁A12345", "T1", None)


@pytest.mark.parametrize(
    ("written", "plate"), [("宁A·12345", "宁A12345"), (" 宁a 12345 ", "宁A12345"), ("宁A12345", "宁A12345"), ("宁AD12345", "宁AD12345")]
)  # fmt: skip
def test_plates_are_compared_in_one_form(written: str, plate: str) -> None:
    assert normal_plate(written) == plate


def test_every_error_of_a_file_is_told_with_line_column_value_and_what_is_expected() -> None:
    data = HEADER + (
        "宁A1,purple,bus,T1,甲,640100,,,\n"
        '"宁A2",yellow,coach,T2,"甲\n乙公司",640100,,,\n'
        ",yellow,coach,T3,甲,64x,2026-13-01,,parked\n"
    )
    errors = refused(parse_vehicles, data)
    found = [(error.row, error.column, error.value) for error in errors]
    assert found == [
        (2, "plate_color", "purple"), (2, "class", "bus"), (3, "operator", "甲\n乙公司"), (5, "plate", None),
        (5, "division", "64x"), (5, "status", "parked"), (5, "valid_from", "2026-13-01"),
    ]  # fmt: skip
    assert 'f 第 2 行 row 2 列 column class = "bus"' in str(errors[1])
    assert "coach charter hazmat freight school_bus" in errors[1].en
    assert "\n" not in str(errors[2])


def test_only_the_first_fifty_errors_are_told_and_the_rest_counted() -> None:
    with pytest.raises(FilesRefused) as caught:
        parse_vehicles("f", (HEADER + "宁A1,purple,coach,T1,甲,640100,,,\n" * 70).encode())
    assert (len(caught.value.errors), caught.value.more) == (50, 20)
    assert str(caught.value).endswith("另有 20 处错误 / and 20 more")


@pytest.mark.parametrize(
    ("data", "column"),
    [
        ("plate,plate_color,class,terminal,operator\n", "division"),
        ("plate;plate_color;class\n", "plate"),
        (HEADER.replace("status", "plate"), "plate"),
    ],
)
def test_the_header_must_have_each_required_column_once(data: str, column: str) -> None:
    assert column in {error.column for error in refused(parse_vehicles, data)}


@pytest.mark.parametrize(
    "data",
    ["", "\n\n", HEADER + "宁A1,yellow,coach,T1,甲,640100,,,,extra\n", HEADER + '宁A1,"yellow"x,coach,T1,甲,640100,,,\n',
     HEADER + "宁A1,yellow,coach,T\x001,甲,640100,,,\n", HEADER + "宁A1,yellow,coach,T\u202e1,甲,640100,,,\n",
     HEADER + "宁A1,yellow,coach,123456789012345678901,甲,640100,,,\n"],
)  # fmt: skip
def test_what_is_no_table_of_vehicles_is_refused(data: str) -> None:
    assert refused(parse_vehicles, data)


def test_a_file_in_gbk_is_told_how_to_be_saved() -> None:
    (error,) = refused(parse_vehicles, VEHICLES.encode("gbk"))
    assert error.row == 2
    assert "CSV UTF-8" in error.zh


def test_dates_are_local_midnight_and_times_need_an_offset() -> None:
    rows = HEADER + "宁A1,yellow,coach,T1,甲,640100,2026-11-23,2026-11-23T08:15:30.5+08:00,\n"
    (vehicle,) = parse_vehicles("f", rows.encode()).records
    assert (vehicle.valid_from_ms, vehicle.valid_to_ms) == (MIDNIGHT_MS, MIDNIGHT_MS + 29_730_500)
    (error,) = refused(parse_vehicles, rows.replace("T08:15:30.5+08:00", "T08:15:30"))
    assert error.column == "valid_to"
    (error,) = refused(
        parse_vehicles, rows.replace("2026-11-23,2026-11-23T08:15:30.5+08:00", "2026-11-23,2026-11-23")
    )
    assert "later" in error.en


A, B = "宁A1,yellow", "宁A2,yellow"


@pytest.mark.parametrize(
    ("first", "second", "column"),
    [
        (f"{A},coach,T1,甲,640100,,,", f"{B},coach,T1,甲,640100,,,", "terminal"),
        (f"{A},coach,001,甲,640100,,2026-02-01,", f"{B},coach,1,甲,640100,2026-01-31,,", "terminal"),
        (f"{A},coach,T1,甲,640100,,,", f"{A},coach,T1,甲,640100,,,", "terminal"),
        (f"{A},coach,T1,甲,640100,,,", f"{A},hazmat,T2,甲,640100,,,", "class"),
        (f"{A},coach,001,甲,640100,,2026-02-01,", f"{B},coach,1,甲,640100,2026-02-01,,", None),
        (f"{A},coach,T1,甲,640100,,,", f"{A},coach,T2,甲,640100,,,", None),
        (f"{A},coach,T1,甲,640100,,2026-02-01,", f"{A},charter,T1,乙,640200,2026-02-01,,", None),
        (f"{A},coach,T1,甲,640100,,,", "宁A1,blue,freight,T2,甲,640100,,,", None),
    ],
)
def test_registrations_may_follow_but_not_contradict_each_other(
    first: str, second: str, column: str | None
) -> None:
    data = f"{HEADER}{first}\n{second}\n"
    if column is None:
        assert len(parse_vehicles("f", data.encode()).records) == 2
    else:
        assert [(error.row, error.column) for error in refused(parse_vehicles, data)] == [(3, column)]


def test_a_driver_stands_once() -> None:
    data = "driver,name,operator\n640100-0001,王建国,甲\n640100-0001,李秀英,甲\n"
    assert [(error.row, error.column) for error in refused(parse_drivers, data)] == [(3, "driver")]


def test_an_assignment_names_its_vehicle_by_plate_or_by_the_terminal_it_has_then() -> None:
    vehicles = HEADER + (
        "宁A1,yellow,coach,007,甲,640100,,2026-02-01,\n宁A2,yellow,coach,7,甲,640100,2026-02-01,,\n"
    )
    assignments = (
        "vehicle,route,from,to\n宁a·1/yellow,R1,2026-01-01,2026-01-02\n"
        "07,R1,2026-01-03T00:00:00Z,2026-01-04T00:00:00Z\n7,R1,2026-02-01,2026-02-02\n"
    )
    config = read_config(
        {
            "vehicles": ("v", vehicles.encode()), "assignments": ("a", assignments.encode()),
            "routes": ("r", geojson((ROUTE, "LineString", LINE))),
        },
        check_rules=no_complaint,
    )  # fmt: skip
    assert [assignment.vehicle for assignment in config.assignments] == [1, 1, 2]
    assert config.assignments[0].to_ms - config.assignments[0].from_ms == 86_400_000


def test_an_assignment_that_leads_nowhere_is_refused_with_its_row() -> None:
    files = {
        "vehicles": ("v", VEHICLES.encode()),
        "routes": ("r", geojson((ROUTE, "LineString", LINE))),
        "assignments": ("a", (
            "vehicle,route,from,to\n宁A12345/yellow,R1,2026-01-01,2026-01-02\n宁A12345/blue,R9,2026-01-01,2026-01-02\n"
            "宁A12345/yellow,R1,2026-01-01,2026-01-03\n").encode()),
    }  # fmt: skip
    with pytest.raises(FilesRefused) as caught:
        read_config(files, check_rules=no_complaint)
    assert [(e.file, e.row, e.column) for e in caught.value.errors] == [
        ("a", 3, "vehicle"),
        ("a", 3, "route"),
        ("a", 4, "from"),
    ]


def test_an_assignment_must_end_after_it_begins() -> None:
    (error,) = refused(parse_assignments, "vehicle,route,from,to\nx,R1,2026-01-02,2026-01-02\n")
    assert (error.row, error.column) == (2, "to")


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
    ("change", "kind", "coordinates", "column"),
    [
        ({"kind": "danger"}, "Polygon", [RING], "kind"),
        ({"classes": ["bus"]}, "Polygon", [RING], "classes"),
        ({"classes": 3}, "Polygon", [RING], "classes"),
        ({"hours": "25:00-26:00"}, "Polygon", [RING], "hours"),
        ({"hours": "08:00-08:00"}, "Polygon", [RING], "hours"),
        ({"hours": [8]}, "Polygon", [RING], "hours"),
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


def test_rules_are_checked_by_whoever_knows_them() -> None:
    asked = []

    def check(parameters: Any) -> list[str]:
        asked.append(parameters)
        return ["speeding.min_duration_s = 900: expected 0-600"] if len(asked) > 1 else []

    (rules,) = parse_rules("f", b'{"speeding": {"min_duration_s": 900}}', check).records
    assert rules.parameters == {"speeding": {"min_duration_s": 900}} == asked[0]
    (error,) = refused(parse_rules, b'{"speeding": {"min_duration_s": 900}}', check)
    assert error.en == "speeding.min_duration_s = 900: expected 0-600"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        '{"speeding": 3}',
        '{"a": {}, "a": {}}',
        '{"a": {"x": 1, "x": 2}}',
        '{"a": {"x": NaN}}',
        "{" * 100_000,
    ],
)
def test_what_is_no_set_of_rules_is_refused(data: str) -> None:
    assert refused(parse_rules, data, no_complaint)


def test_the_errors_of_several_files_come_together() -> None:
    files = {"vehicles": ("v.csv", b"x\n"), "roads": ("r.geojson", b"{}"), "rules": ("p.json", b"[]")}
    with pytest.raises(FilesRefused) as caught:
        read_config(files, check_rules=no_complaint)
    assert {error.file for error in caught.value.errors} == {"v.csv", "r.geojson", "p.json"}


@given(
    st.sampled_from(["vehicles", "drivers", "assignments", "roads", "routes", "zones", "rules"]),
    st.binary(max_size=400),
)
def test_any_bytes_are_either_taken_or_refused(kind: str, data: bytes) -> None:
    with suppress(FilesRefused):
        assert parse_file(kind, "f", data, no_complaint).file == "f"


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
        assert parse_file(kind, "f", data, no_complaint).file == "f"
