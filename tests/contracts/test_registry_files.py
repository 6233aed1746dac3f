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
    parse_rules,
    parse_vehicles,
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


def test_two_rows_of_one_driver_are_named_and_refused_however_they_are_spelled() -> None:
    data = "driver,name,operator\n640100-a,甲,客运\n640100-B,乙,客运\n\u00ff640100-A\u3000,丙,客运\n".encode()
    (error,) = refused(parse_drivers, data)
    assert (error.row, error.column, error.value) == (4, "driver", "ÿ640100-A")
    assert "640100-A, as in 第 2 行 row 2" in error.en


def test_codes_of_drivers_are_read_as_in_reports() -> None:
    drivers = parse_drivers("f", "driver,name,operator\n d-1 ,甲,客运\n007,乙,客运\n".encode()).records
    assert [driver.driver for driver in drivers] == ["D-1", "007"]
    for nobody in ("0", "000", "\u3000", "\xff"):
        assert [
            error.column
            for error in refused(parse_drivers, f"driver,name,operator\n{nobody},甲,客运\n".encode())
        ] == ["driver"]
    rows = "vehicle,route,from,to,driver\n1,R,2026-11-23,2026-11-24,d-1\xff\n1,R,2026-11-24,2026-11-25,000\n1,R,2026-11-25,2026-11-26,\n"
    assert [row.driver for row in parse_assignments("f", rows.encode()).records] == ["D-1", None, None]


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
