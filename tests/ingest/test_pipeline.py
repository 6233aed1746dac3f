"""Every report ends in exactly one verdict, whatever it holds and whoever stands beside it."""

import json
from collections import Counter
from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.fix import FIX, NO_I2, NO_U2, NO_U4
from services.contracts.reasons import BY_CODE, FLAG_BITS, FLAGS, REASONS, Verdict
from services.contracts.registry import Config, Vehicle, VehicleClass
from services.ingest.lookup import VehicleLookup
from services.ingest.pipeline import Processed, process
from services.ingest.protocols.json_report import decode
from tests.ingest.corpus import CASES, DATED, GOOD, KNOWN, NOW, said

CHINA = (73.5, 3.8, 135.1, 53.6)
WORLD = (-180.0, -90.0, 180.0, 90.0)
MIDNIGHT = 1_795_363_200_000  # 2026-11-22T16:00:00Z


def vehicle(number: int, terminal: str, from_ms: int | None = None, to_ms: int | None = None) -> Vehicle:
    return Vehicle(
        id=number, plate=f"宁A{number:05d}", plate_color="yellow", vehicle_class=VehicleClass.COACH,
        terminal=terminal, operator="企业", division="640100", valid_from_ms=from_ms, valid_to_ms=to_ms,
    )  # fmt: skip


LOOKUP = VehicleLookup(
    Config(
        vehicles=(
            vehicle(1, KNOWN),
            vehicle(2, DATED, MIDNIGHT - 10 * 86_400_000, MIDNIGHT - 86_400_000),
            vehicle(3, DATED, MIDNIGHT),
        )
    )
)


class Codes:
    """Numbers drivers as they come."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def known(self, code: str) -> int:
        """The code's number, a new one if it has none."""
        return self.numbers.setdefault(code, len(self.numbers) + 1)


def run(
    values: list[bytes | None],
    *,
    area: tuple[float, ...] = CHINA,
    file: bool = False,
    codes: Codes | None = None,
) -> Processed:
    received = None if file else np.full(len(values), NOW, np.int64)
    offsets = np.arange(100, 100 + len(values), dtype=np.int64)
    return process(values, received, offsets, LOOKUP, codes or Codes(), area)  # type: ignore[arg-type]


def codes_of(done: Processed, count: int) -> list[tuple[str, ...]]:
    """For each record its code, its flags, or nothing."""
    found: list[tuple[str, ...]] = [("?",)] * count
    for place, code in done.rejected:
        found[place] = (code,)
    for fix in done.fixes:
        flags = int(fix["flags"])
        found[int(fix["raw_offset"]) - 100] = tuple(
            code for bit, code in enumerate(FLAGS) if flags >> bit & 1
        )
    return found


def conserved(done: Processed, count: int) -> None:
    assert sum(done.verdicts.values()) == count
    assert done.verdicts[Verdict.ACCEPT] + done.verdicts[Verdict.FLAG] == len(done.fixes)
    assert len({place for place, _ in done.rejected}) == len(done.rejected) == count - len(done.fixes)
    assert done.verdicts[Verdict.REJECT] + done.verdicts[Verdict.QUARANTINE] == len(done.rejected)


def test_the_corpus_is_broad_and_its_names_tell_cases_apart() -> None:
    names = [name for name, _, _ in CASES]
    assert len(names) == len(set(names)) >= 200
    told = {code for _, _, code in CASES}
    # the last two: test_clocks, test_alarms_without_a_place
    elsewhere = {"CONTENT_TYPE", "ALARM_CONFLICT", "CLOCK_ROLLOVER", "PLACE_UNUSABLE"}
    assert {reason.code for reason in REASONS} - elsewhere == told - {None}


@pytest.mark.parametrize(("value", "code"), [pytest.param(v, c, id=name) for name, v, c in CASES])
def test_each_case_gets_its_code_and_leaves_its_neighbours_alone(
    value: bytes | None, code: str | None
) -> None:
    done = run([said(), value, said()])
    conserved(done, 3)
    assert codes_of(done, 3) == [(), (code,) if code else (), ()]
    expected = BY_CODE[code].verdict if code else Verdict.ACCEPT
    assert done.verdicts[expected] == (3 if code is None else 1)
    assert done.reasons == ({code: 1} if code else {})


def test_a_batch_is_its_halves_however_it_is_cut_and_shuffled() -> None:
    values = [value for _, value, _ in CASES] * 2
    Random(5).shuffle(values)
    whole = codes_of(run(values), len(values))
    assert whole == [codes_of(run([value]), 1)[0] for value in values]
    for cut in (1, 7, 200, len(values) - 1):
        halves = codes_of(run(values[:cut]), cut) + codes_of(run(values[cut:]), len(values) - cut)
        assert whole == halves


def test_fixes_keep_the_order_and_the_offsets_of_their_reports() -> None:
    values = [value for _, value, _ in CASES]
    done = run(values)
    conserved(done, len(values))
    assert np.all(np.diff(done.fixes["raw_offset"]) > 0)
    assert [place for place, _ in done.rejected] == sorted(place for place, _ in done.rejected)
    assert done.fixes.dtype == FIX


def test_nothing_is_in_the_future_of_a_file_and_received_is_zero() -> None:
    done = run([said(time="2049-12-31T23:59:59Z"), said(time="2050-01-01T00:00:00Z")], file=True)
    assert codes_of(done, 2) == [(), ("BAD_CLOCK",)]
    assert done.fixes["received_ms"].tolist() == [0]


def test_no_reports_are_no_fixes() -> None:
    done = run([])
    conserved(done, 0)
    assert len(done.fixes) == 0


def test_two_malformed_reports_do_not_pass_as_one_good_one() -> None:
    good = said()
    for cut in range(1, len(good)):
        done = run([good[:cut], good[cut:], good])
        assert len(done.fixes) == 1
        assert len(done.rejected) == 2


def test_every_field_travels_in_its_unit() -> None:
    codes = Codes()
    done = run(
        [
            said(
                speed_kmh=83.45, recorder_speed_kmh=0.04, heading=359.5, altitude_m=-0.5, odometer_km=153204.3155, satellites=11,
                fixed=False, acc=True, in_service=False, load="half", doors=["front", "other"], pupils=True,
                alarms=["emergency", "illegal_door_opening"], driver="640100-0001", backfill=False, lon=106.12345675, lat=38.00000004,
            )
        ],
        codes=codes,
    )  # fmt: skip
    (fix,) = done.fixes
    assert (fix["vehicle"], fix["driver"], fix["raw_offset"], fix["received_ms"]) == (
        1,
        codes.numbers["640100-0001"],
        100,
        NOW,
    )
    assert (fix["speed"], fix["recorder_speed"], fix["heading"], fix["altitude_m"]) == (835, 0, 0, 0)
    assert (fix["lon_e7"], fix["lat_e7"], fix["odometer_m"]) == (1_061_234_568, 380_000_000, 153_204_316)
    assert fix["time_ms"] == NOW - 30_000
    assert fix["alarms"] == 1 | 1 << 31
    assert (
        fix["status"]
        == 0b11 | 0b01 << 2 | 2 << 4 | 1 << 6 | 0b10001 << 7 | 0b11 << 12 | 0b01 << 14 | 11 << 16
    )
    assert fix["flags"] == FLAG_BITS["NOT_FIXED"] | FLAG_BITS["SPEED_CONFLICT"]


def test_absent_and_null_travel_as_absent() -> None:
    everything_null = next(value for name, value, _ in CASES if name == "everything null")
    for fix in run([said(), everything_null]).fixes:
        assert (fix["speed"], fix["recorder_speed"], fix["heading"]) == (NO_U2, NO_U2, NO_U2)
        assert (fix["altitude_m"], fix["odometer_m"], fix["driver"], fix["alarms"]) == (NO_I2, NO_U4, 0, 0)
        assert fix["status"] == 127 << 16


def test_values_out_of_range_are_dropped_and_their_report_kept() -> None:
    (fix,) = run([said(heading=400, altitude_m=99_999, odometer_km=-1, satellites=99, driver="x" * 65)]).fixes
    assert (fix["heading"], fix["altitude_m"], fix["odometer_m"], fix["driver"]) == (NO_U2, NO_I2, NO_U4, 0)
    assert fix["status"] == 127 << 16
    codes = ("RANGE_COURSE", "RANGE_ALT", "ODOMETER", "SATELLITES", "DRIVER_ID")
    assert fix["flags"] == sum(FLAG_BITS[code] for code in codes)


def test_speeds_of_two_decimals_are_rounded_half_up_as_written() -> None:
    written = range(5, 16_000, 10)
    done = run([said(speed_kmh=hundredths / 100) for hundredths in written])
    assert done.fixes["speed"].tolist() == [(hundredths + 5) // 10 for hundredths in written]


@pytest.mark.parametrize(
    ("fraction", "ms"),
    [
        ("", 0),
        (".5", 500),
        (".0005", 1),
        (".00049", 0),
        (".123", 123),
        (".9994", 999),
        (".9995", 1000),
        (".99999999", 1000),
    ],
)
def test_times_are_kept_to_the_millisecond_half_up(fraction: str, ms: int) -> None:
    (fix,) = run([said(time=f"2026-11-22T20:00:00{fraction}Z")]).fixes
    assert fix["time_ms"] == NOW - 4 * 3_600_000 + ms


def test_a_leap_second_is_clamped() -> None:
    (fix,) = run([said(time="2026-11-22T23:59:60.25Z")]).fixes
    assert fix["time_ms"] == NOW - 1


def test_a_card_removed_is_not_no_news() -> None:
    assert run([said(driver=""), said(), said(driver=None)]).fixes["driver"].tolist() == [-1, 0, 0]


def test_drivers_not_yet_numbered_are_named_and_those_of_reports_kept_out_are_not() -> None:
    class Nobody:
        def known(self, code: str) -> None:
            assert code == "A"

    values = [said(driver="A"), said(driver="B", lon=0, lat=0), said(driver="x" * 65), said(driver="")]
    done = process(values, None, np.arange(4), LOOKUP, Nobody(), CHINA)
    assert done.missing_drivers == {"A"}
    assert done.fixes["driver"].tolist() == [0, 0, -1]


def test_a_terminal_stands_for_the_vehicle_it_was_in_at_that_time() -> None:
    times = [
        "2026-11-20T00:00:00Z",
        "2026-11-21T15:59:59.999Z",
        "2026-11-22T15:59:59.999Z",
        "2026-11-22T16:00:00Z",
    ]
    done = run([said(terminal=DATED, time=time) for time in times])
    assert codes_of(done, 4) == [(), (), ("UNKNOWN_VEHICLE",), ()]
    assert done.fixes["vehicle"].tolist() == [2, 2, 3]


@pytest.mark.parametrize(
    ("lon", "lat", "code"),
    [
        (38.4, 106.2, "RANGE_GEO"),  # nothing is certainly swapped in the whole world
        (-97.7, 30.2, None),
        (180, 90, None),
        (0, 0, "ZERO_FIX"),
        (200, 38, "RANGE_GEO"),
        (200, 91, "RANGE_GEO"),
        (106230912, 38487234, "UNIT_GEO"),
        (-9773.4, 3013.9, "RANGE_GEO"),
        (-9744.0, 3013.9, "UNIT_GEO"),
    ],
)
def test_the_whole_world_as_service_area(lon: float, lat: float, code: str | None) -> None:
    assert codes_of(run([said(lon=lon, lat=lat)], area=WORLD), 1) == [(code,) if code else ()]


def test_a_great_number_in_one_report_changes_no_other() -> None:
    values: list[bytes | None] = [said(odometer_km=1.5) for _ in range(50)]
    values[20] = said().replace(b"106.230912", str(2**70).encode())
    assert Counter(codes_of(run(values), 50)) == {(): 49, ("RANGE_INT",): 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
reports = st.dictionaries(
    st.sampled_from(
        [*GOOD, *(name for name in json.loads(next(v for n, v, _ in CASES if n == "everything") or b""))]
    ),
    json_values,
).map(lambda changes: json.dumps({**GOOD, **changes}).encode())
pieces = st.sampled_from(
    [
        piece
        for _, value, _ in CASES
        if value and len(value) < 2000
        for piece in (value[:40], value[40:], value)
    ]
)
anything = st.binary(max_size=60) | reports | st.lists(pieces, max_size=3).map(b"".join)


@given(st.lists(anything, max_size=6), st.integers(0, 6))
def test_any_bytes_end_in_one_verdict_and_leave_their_neighbours_alone(values: list[bytes], cut: int) -> None:
    batch: list[bytes | None] = [said(), *values, said()]
    done = run(batch)
    conserved(done, len(batch))
    found = codes_of(done, len(batch))
    assert found[0] == found[-1] == ()
    assert ("?",) not in found
    assert found == codes_of(run(batch[:cut]), len(batch[:cut])) + codes_of(
        run(batch[cut:]), len(batch[cut:])
    )


@given(st.binary(max_size=200).map(lambda tail: said()[:-1] + tail))
def test_what_one_strict_parser_refuses_is_refused(value: bytes) -> None:
    """Python's own parser, made strict, is the second opinion."""

    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(value.decode("utf-8"), parse_constant=refuse)
        readable = True
    except (ValueError, RecursionError):
        readable = False
    if not readable:
        assert decode([value]).bad


def mutations(random: Random) -> Callable[[bytes], bytes]:
    def mutate(value: bytes) -> bytes:
        data = bytearray(value)
        for _ in range(random.randint(1, 4)):
            place = random.randrange(len(data) + 1)
            match random.randrange(3):
                case 0:
                    data[place:place] = bytes([random.randrange(256)])
                case 1:
                    del data[place : place + random.randint(1, 5)]
                case _:
                    data[place : place + 1] = random.choice(
                        [b'"', b"{", b"}", b",", b":", b"\\", b"9", b"\xff", b"e", b"-"]
                    )
        return bytes(data)

    return mutate


def test_ten_thousand_mutated_reports_conserve_the_count() -> None:
    random = Random(20261123)
    mutate = mutations(random)
    sources = [value for _, value, _ in CASES if value and len(value) < 2000]
    values: list[bytes | None] = [mutate(random.choice(sources)) for _ in range(10_000)]
    done = run(values)
    conserved(done, len(values))
    alone = random.sample(range(len(values)), 300)
    whole = codes_of(done, len(values))
    assert [whole[place] for place in alone] == [codes_of(run([values[place]]), 1)[0] for place in alone]
