"""The short way answers only where the long way gives the same fix, byte for byte."""

import json
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.benchmarks.feed import drives, fleet, reports
from services.contracts.fix import ALARMS, DOORS
from services.contracts.registry import normal_driver
from services.ingest.lookup import VehicleLookup
from services.ingest.pipeline import decide, process
from services.ingest.plain import take
from services.ingest.tables import DriverTable
from tests.ingest.corpus import CASES, GOOD, KNOWN, NOW, said
from tests.ingest.test_pipeline import CHINA, LOOKUP, WORLD, mutations

Area = tuple[float, float, float, float]


def agrees(values: list[bytes], *, area: Area = CHINA, file: bool = False) -> np.ndarray:
    """Which of them the short way took, having compared those with the long way."""
    received = None if file else np.full(len(values), NOW, np.int64)
    short = take(values, received, LOOKUP, area)
    taken = np.flatnonzero(short.taken)
    fixes, codes, rejected = decide(values, received, np.arange(len(values)), LOOKUP, area)
    by_place = {int(fix["raw_offset"]): fix for fix in fixes}
    for place in taken.tolist():
        assert place in by_place, (values[place], dict(rejected).get(place))
        long = by_place[place]
        mine = short.fixes[place].copy()
        mine["raw_offset"] = place
        code = None if codes.get(place) is None else normal_driver(codes[place])
        if code == "":
            long["driver"] = -1  # a card removed needs no look
            code = None
        assert mine.tobytes() == long.tobytes(), (values[place], mine, long)
        mine_code = short.codes.get(place)
        assert (None if mine_code is None else normal_driver(mine_code)) == code
    return short.taken


def test_it_agrees_on_every_case_of_the_corpus_and_takes_no_rejected_one() -> None:
    values = [value or b"" for _, value, _ in CASES]
    for area in (CHINA, WORLD):
        for file in (False, True):
            taken = agrees(values, area=area, file=file)
            assert taken.any()
    taken = agrees(values)
    kept_out = {"NOT_FIXED", "SPEED_IMPLAUSIBLE", "SPEED_CONFLICT", "BACKFILL", None}
    assert all(code in kept_out for was, (_, _, code) in zip(taken.tolist(), CASES, strict=True) if was)


def test_it_takes_what_a_fleet_sends() -> None:
    config = fleet(200)
    values = [value for _, value in reports(drives(200, 5))]
    assert take(values, None, VehicleLookup(config), CHINA).taken.all()


@pytest.mark.parametrize(
    "value",
    [
        said(),
        said(
            v=1,
            speed_kmh=0,
            recorder_speed_kmh=299.95,
            heading=0,
            altitude_m=-12.5,
            odometer_km=0.0005,
            satellites=64,
        ),
        said(
            fixed=False,
            acc=True,
            in_service=False,
            pupils=None,
            backfill=True,
            load="half",
            datum="WGS-84",
            driver="A B",
        ),
        said(doors=list(DOORS), alarms=list(ALARMS)),
        said(driver="", plate="A-1", extra=5, more=[], none=None, yes=True),
        said(driver="  D-7   "),
        said(driver="d-7"),
        said(driver="   "),
        said(driver=" 000 "),
        said(driver="00012"),
        json.dumps(GOOD, separators=(",", ":")).encode(),
        said(time="2026-11-22T23:59:30Z"),
        said(time="2026-11-22T23:59:30.250Z"),
        said(time="2026-11-22T15:59:30.999-08:00"),
        said(lon=106, lat=38),
        said(lon=106.23091234567891, terminal=KNOWN),
    ],
)
def test_it_takes_the_usual_forms(value: bytes) -> None:
    assert agrees([value]).all()


SPELLINGS = [
    ("D-7", "D-7"), (" D-7", "D-7"), ("d-7  ", "D-7"), ("D-7\x00\x00", "D-7"), ("\xff\xffd-7\xff", "D-7"), ("\u3000D-7\t", "D-7"), ("\x00 \xff D-7 \x00", "D-7"),
    ("D 7", "D 7"), ("007", "007"), ("0007 ", "0007"), ("é-1", "é-1"), ("ÿA", "A"), ("AÿB", "AÿB"), ("7" * 64 + "   ", "7" * 64),
    ("0", ""), (" 000 ", ""), ("\x00\x00", ""), ("\xff", ""), ("  ", ""), ("", ""), ("00\x00", ""), ("\u00a0", ""),
]  # fmt: skip
"""What a report says, and the driver's code that it is."""


@pytest.mark.parametrize("table", [True, False])
def test_a_drivers_code_is_one_whatever_it_is_padded_with_on_either_way(table: bool) -> None:
    """By the compiled pass where it may, by the definition else: the same number, and nothing flagged."""
    known = {
        code: number for number, code in enumerate(sorted({code for _, code in SPELLINGS if code}), start=1)
    }
    drivers: Any = DriverTable(known) if table else Known(known)
    values = [said(driver=spelled) for spelled, _ in SPELLINGS]
    done = process(values, None, np.arange(len(values)), LOOKUP, drivers, CHINA)
    assert done.fixes["driver"].tolist() == [known[code] if code else -1 for _, code in SPELLINGS]
    assert not done.fixes["flags"].any()
    assert not done.missing_drivers


class Known:
    """Codes with numbers, without a table for compiled code."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self.numbers = numbers

    def known(self, code: str) -> int | None:
        """The code's number."""
        return self.numbers.get(code)


def test_what_is_to_be_numbered_is_the_code_and_not_its_spelling() -> None:
    values = [said(driver=spelled) for spelled in ("d-9", " D-9", "D-9\x00")]
    done = process(values, None, np.arange(3), LOOKUP, DriverTable(), CHINA)
    assert done.missing_drivers == {"D-9"}


@pytest.mark.parametrize("inside", ["A\x00B", "A\nB", " \x00A\x1bB", "\ufeffA"])
def test_what_no_padding_may_be_is_refused_inside(inside: str) -> None:
    done = process([said(driver=inside)], None, np.arange(1), LOOKUP, DriverTable(), CHINA)
    assert done.rejected == [(0, "CTRL_CHAR")]


@pytest.mark.parametrize(
    "value",
    [said(terminal=""), said(terminal="0"), b"{}", b"{", b'{"', b'{"a', b'{"a"', b'{"a":', b'{"a":1', b'{"a":"', b'{"a":[', b'{"a":["b"',
     b'{"a":-', b'{"a":1.', b'{"a":t', b'{"a":tru', b'{"a":1,', b'{"a":1,}', b" ", b'{"lon":1 }', b'{"lon":1.'],
)  # fmt: skip
def test_it_stays_inside_a_record_that_breaks_off(value: bytes) -> None:
    assert not agrees([value, said(), value])[[0, 2]].any()


numbers = st.decimals(
    allow_nan=False, allow_infinity=False, min_value=-500, max_value=10_000, places=None
).map(str) | st.from_regex(r"\A-?[0-9]{1,10}(\.[0-9]{1,19})?\Z")
halves = st.builds(
    "{}.{}5{}".format,
    st.integers(-3, 360),
    st.integers(0, 9_999_999),
    st.sampled_from(["", "0", "00001", "000000000001"]),
)
near = st.builds(
    "{}.{}49999{}".format, st.integers(0, 300), st.integers(0, 9_999_999), st.sampled_from(["", "9", "99999"])
)
NUMERIC = (
    "speed_kmh",
    "recorder_speed_kmh",
    "heading",
    "altitude_m",
    "odometer_km",
    "satellites",
    "lon",
    "lat",
    "v",
)


@given(
    st.dictionaries(st.sampled_from(NUMERIC), numbers | halves | near, min_size=1),
    st.sampled_from([CHINA, WORLD]),
)
def test_it_rounds_and_ranges_numbers_as_the_long_way_does(fields: dict[str, str], area: Area) -> None:
    value = said(**dict.fromkeys(fields, "@"))
    for literal in (fields[name] for name in json.loads(value) if name in fields):
        value = value.replace(b'"@"', literal.encode(), 1)
    agrees([value], area=area)


@given(
    st.from_regex(
        r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{3})?(Z|[+-][0-2][0-9]:[0-6][0-9])\Z"
    )
)
def test_it_reads_times_as_the_long_way_does(time: str) -> None:
    agrees([said(time=time)], file=True)


def test_it_reads_every_day_of_a_century() -> None:
    days = np.arange("2005-01-01", "2050-01-01", dtype="datetime64[D]")
    taken = agrees([said(time=f"{day}T23:59:59+08:00") for day in days[1:].astype(str).tolist()], file=True)
    assert taken.all()


def test_it_agrees_on_twenty_thousand_mutated_reports() -> None:
    random = Random(3)
    mutate = mutations(random)
    sources = [value for _, value, _ in CASES if value and len(value) < 2000]
    everything = next(value for name, value, _ in CASES if name == "everything")
    assert everything is not None
    values = [mutate(random.choice(sources)) for _ in range(10_000)] + [
        mutate(everything) for _ in range(10_000)
    ]
    assert agrees(values).sum() > 100
