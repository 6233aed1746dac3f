"""Registry files as spreadsheets, pipelines and people ruin them: what cannot be is refused where it stands, what is meant is read."""

import pytest

from services.contracts.registry_files import FilesRefused, parse_assignments, parse_drivers, parse_vehicles

HEADER = "plate,plate_color,class,terminal,operator,division,inspection_due,vin\n"


def vehicles(**cells: str) -> bytes:
    """A file of one vehicle, some of its cells others."""
    usual = {"plate": "宁A18001", "plate_color": "yellow", "class": "coach", "terminal": "13900180001", "operator": "测试客运公司",
             "division": "640100", "inspection_due": "2027-01-31", "vin": "LSVNV2182E2100001"}  # fmt: skip
    row = [(usual | cells)[column] for column in HEADER.strip().split(",")]
    return (HEADER + ",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) + "\n").encode()


@pytest.mark.parametrize(
    "terminal",
    ["1.39002E+10", "1.39E10", "1,39002E+10", "1E+11", "1.39002e+010", "13900180001.0", "13900180001.", "13900180001,0", "'13900180001", "‘13900180001",
     '="13900180001"', '"13900180001"', "13900180001`", "139 0018 0001", "13900180001;13900180002", "#N/A", "#REF!", "########", "nan", "NULL", "-", "无",
     "＝１３９００１８０００１"],
)  # fmt: skip
def test_what_cannot_be_a_terminal_is_refused_where_it_stands(terminal: str) -> None:
    with pytest.raises(FilesRefused) as caught:
        parse_vehicles("v.csv", vehicles(terminal=terminal))
    (error,) = caught.value.errors
    assert (error.file, error.row, error.column) == ("v.csv", 2, "terminal")
    assert error.value


@pytest.mark.parametrize(
    ("cell", "read"),
    [("１３９００１８０００１", "13900180001"), ("013900180001", "13900180001"), (" 13900180001\u3000", "13900180001"), ("\u00a013900180001", "13900180001"),
     ("GT06-7A21", "GT06-7A21"), ("12E34", "12E34"), ("13900200000", "13900200000")],
)  # fmt: skip
def test_what_is_meant_as_a_terminal_is_read(cell: str, read: str) -> None:
    assert parse_vehicles("v.csv", vehicles(terminal=cell)).records[0].terminal == read


@pytest.mark.parametrize(
    ("column", "cell"),
    [("division", "640100.0"), ("division", "6.401E+05"), ("vin", "1.23457E+16"), ("inspection_due", "46418"), ("inspection_due", "2027/1/31"),
     ("operator", "#REF!"), ("operator", "=B2"), ("plate_color", "yellow;"), ("class", "coach,charter")],
)  # fmt: skip
def test_other_columns_are_ruined_the_same_ways(column: str, cell: str) -> None:
    with pytest.raises(FilesRefused) as caught:
        parse_vehicles("v.csv", vehicles(**{column: cell}))
    assert [error.column for error in caught.value.errors] == [column]


def test_full_width_signs_are_the_usual_ones_in_every_column() -> None:
    (vehicle,) = parse_vehicles(
        "v.csv",
        vehicles(division="６４０１００", inspection_due="２０２７-０１-３１", plate_color="ｙｅｌｌｏｗ"),
    ).records
    assert (vehicle.division, vehicle.inspection_due, vehicle.plate_color) == (
        "640100",
        "2027-01-31",
        "yellow",
    )


@pytest.mark.parametrize("code", ["6.401E+05", "640100.0", "'640100-0001"])
def test_codes_of_drivers_are_ruined_the_same_ways(code: str) -> None:
    with pytest.raises(FilesRefused) as caught:
        parse_drivers("d.csv", f'driver,name,operator\n"{code}",李试,测试客运公司\n'.encode())
    assert caught.value.errors[0].column == "driver"
    with pytest.raises(FilesRefused) as caught:
        parse_assignments(
            "a.csv",
            f'vehicle,route,from,to,driver\n宁A18001/yellow,R1,2026-11-23,2026-11-24,"{code}"\n'.encode(),
        )
    assert caught.value.errors[0].column == "driver"


@pytest.mark.parametrize(
    ("data", "said"),
    [(HEADER.replace(",", ";").encode(), "separated by ';'"), (HEADER.replace(",", "\t").encode(), "separated by '\\t'"),
     (HEADER.encode("utf-16"), "UTF-16"), (HEADER.encode() + "宁A".encode("gbk"), "not UTF-8")],
)  # fmt: skip
def test_another_encoding_or_separator_is_named_once(data: bytes, said: str) -> None:
    with pytest.raises(FilesRefused) as caught:
        parse_vehicles("v.csv", data)
    (error,) = caught.value.errors
    assert said in error.en


def test_columns_that_nobody_reads_are_named_once_with_what_may_have_been_meant() -> None:
    data = (
        (HEADER.replace("inspection_due", "inspection_dew").strip() + ",备注,\n").encode()
        + vehicles().split(b"\n", 1)[1].strip()
        + b",x,\n"
    )
    warnings = parse_vehicles("v.csv", data).warnings
    assert [(warning.row, warning.column) for warning in warnings] == [(1, "inspection_dew"), (1, "备注")]
    assert "did you mean inspection_due" in warnings[0].en
