"""Positions files become reports that say exactly what the file says, right or wrong."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.positions import UnknownZone, UnreadableFile, reports
from services.ingest.protocols.json_report import decode

HEAD = b"terminal,time,lon,lat,speed_kmh,fixed,doors,driver\n"


def rows(data: bytes, **options: object) -> list[bytes]:
    return list(reports(io.BytesIO(data), **options))  # type: ignore[arg-type]


def csv_row(line: bytes, **options: object) -> bytes:
    (row,) = rows(HEAD + line + b"\n", **options)
    return row


def code_of(value: bytes) -> str | None:
    return dict(decode([value]).bad).get(0)


@pytest.mark.parametrize(
    ("line", "report"),
    [
        (b"1,2026-01-01T00:00:00Z,1.5,2,60.0,true,front|rear,A-1",
         b'{"terminal":"1","time":"2026-01-01T00:00:00Z","lon":1.5,"lat":2,"speed_kmh":60.0,"fixed":true,"doors":["front", "rear"],"driver":"A-1"}'),
        (b"1,t,1,2,,,,", b'{"terminal":"1","time":"t","lon":1,"lat":2}'),
        (b"1,t,1,2", b'{"terminal":"1","time":"t","lon":1,"lat":2}'),
        (b"1,t,1", b'{"terminal":"1","time":"t","lon":1}'),
        (b"1,t,1,2,3,0,,", b'{"terminal":"1","time":"t","lon":1,"lat":2,"speed_kmh":3,"fixed":false}'),
        (b"1, t, 1, 2 ,3", b'{"terminal":"1","time":"t","lon":1,"lat":2,"speed_kmh":3}'),
        (b'"a""b",t,1,2,3', b'{"terminal":"a\\"b","time":"t","lon":1,"lat":2,"speed_kmh":3}'),
        (b'"a\nb",t,1,2,3', b'{"terminal":"a\\nb","time":"t","lon":1,"lat":2,"speed_kmh":3}'),
        ("宁,t,1,2".encode(), '{"terminal":"宁","time":"t","lon":1,"lat":2}'.encode()),
    ],
)  # fmt: skip
def test_a_csv_row_is_the_report_it_describes(line: bytes, report: bytes) -> None:
    assert csv_row(line) == report


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"1,t,NaN,2", "NOT_FINITE"),
        (b"1,t,1,-inf", "NOT_FINITE"),
        (b"1,t,1e400,2", "NOT_FINITE"),
        (b"1,t,+1,2", "TYPE"),
        (b"1,t,01,2", "TYPE"),
        (b"1,t,.5,2", "TYPE"),
        (b"1,t,x,2", "TYPE"),
        (b"1,t,1,2,3,perhaps", "TYPE"),
        (b"1,,1,2", "MISSING"),
        (b",t,1,2", "MISSING"),
        (b"1,t,1,2,3,1,,,surplus", "SYNTAX"),
        (b'1,"t,1,2', "SYNTAX"),
        (b'a"b,"t,1,2', "SYNTAX"),
        (b"\xd6\xd0,t,1,2", "ENCODING"),
        (b"1" * 70_000 + b",t,1,2", "SIZE"),
        (b'"' + b"1" * 200_000 + b'",t,1,2', "SIZE"),
        (b"1,t,1," + b"9" * 30, "RANGE_INT"),
    ],
)
def test_a_wrong_row_keeps_its_fault_for_the_check(line: bytes, code: str) -> None:
    assert code_of(csv_row(line)) == code


@pytest.mark.parametrize(
    "bad", [b'1,"t,1,2', b'a"b,"t,1,2', b"\xff\xff\xff", b'"' + b"1" * 200_000 + b'",t', b"a\rb,c"]
)
def test_a_wrong_row_leaves_its_neighbours_alone(bad: bytes) -> None:
    good = b"7,2026-01-01T00:00:00Z,1,2"
    found = rows(HEAD + good + b"\n" + bad + b"\n" + good + b"\n" + good + b"\n")
    assert [row == found[0] for row in found] == [True, False, True, True]
    assert code_of(found[0]) is None


def test_renamed_columns_stand_before_ours_and_others_are_ignored() -> None:
    (row,) = rows(b"bus,terminal,x,time,lon,lat\n7,8,9,t,1,2\n", renames={"bus": "terminal"})
    assert row == b'{"terminal":"7","time":"t","lon":1,"lat":2}'


@pytest.mark.parametrize(
    ("tz", "time", "completed"),
    [
        ("+08:00", "2026-06-26T15:57:02", "2026-06-26T15:57:02+08:00"),
        ("Z", "2026-06-26 15:57:02.5", "2026-06-26 15:57:02.5Z"),
        ("Europe/London", "2026-06-26T15:57:02", "2026-06-26T15:57:02+01:00"),
        ("Europe/London", "2026-01-26T15:57:02", "2026-01-26T15:57:02+00:00"),
        ("America/St_Johns", "2026-01-26T15:57:02", "2026-01-26T15:57:02-03:30"),
        ("+08:00", "2026-06-26T15:57:02Z", "2026-06-26T15:57:02Z"),
        ("Asia/Shanghai", "2026-02-31T00:00:00", "2026-02-31T00:00:00"),
        (None, "2026-06-26T15:57:02", "2026-06-26T15:57:02"),
    ],
)
def test_times_without_an_offset_are_completed(tz: str | None, time: str, completed: str) -> None:
    assert f'"time":"{completed}"'.encode() in csv_row(f"1,{time},1,2".encode(), tz=tz)
    (line,) = rows(f'{{"terminal":"1","time":"{time}","lon":1,"lat":2}}\n'.encode(), tz=tz)
    assert f'"time":"{completed}"'.encode() in line


def test_an_unknown_zone_is_refused_before_anything_is_read() -> None:
    with pytest.raises(UnknownZone, match="Atlantis"):
        rows(HEAD, tz="Europe/Atlantis")


def test_a_csv_without_any_field_of_ours_is_no_positions_file() -> None:
    with pytest.raises(UnreadableFile, match="--map"):
        rows(b"a,b\n1,2\n")


def test_json_lines_pass_untouched_with_or_without_mark_and_blank_lines() -> None:
    good, bad = b'{"terminal": "1"}', b"not json"
    assert rows(b"\xef\xbb\xbf" + good + b"\r\n\n  \n" + bad + b"\n" + good, name="x") == [good, bad, good]
    assert rows(bad + b"\n" + good, name="x.jsonl.gz") == [bad, good]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"id":"1","time":"t","lon":1,"lat":2}', None),
        (b'{"id":"1","time":"t","lon":NaN,"lat":2}', "NOT_FINITE"),
        (b'{"id":"1","id":"2","time":"t","lon":1,"lat":2}', "DUP_KEY"),
        (b'{"id":"1","time":"t","lon":1,"lon":1,"lat":2}', "DUP_KEY"),
        (b'{"id":"1","time":"t","lon":1,"lat":' + b"9" * 30 + b"}", "RANGE_INT"),
        (b'{"id":"1","time":"t","lon":1,"lat":2,"x":{"lon":1,"lon":2}}', None),
        (b'{"id":"1","time":7,"lon":1,"lat":2}', "TYPE"),
        (b"[1]", "TYPE"),
        (b'{"id":', "SYNTAX"),
    ],
)
def test_json_lines_are_renamed_and_keep_their_faults(line: bytes, code: str | None) -> None:
    (value,) = rows(line, renames={"id": "terminal"}, tz="Z", name="x.jsonl")
    assert code_of(value) == code


def test_an_empty_file_has_no_reports() -> None:
    assert rows(b"") == rows(b"\n\n") == rows(HEAD) == []


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_header_become_rows_without_an_error(data: bytes) -> None:
    found = rows(HEAD + data)
    assert len(found) <= data.count(b"\n") + 1
    assert all(isinstance(row, bytes) for row in found)
