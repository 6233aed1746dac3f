"""What is told of a vehicle's terminal: a clock that is steadily wrong, a speed that cannot be used, a place that is repeated."""

from typing import Any

import asyncpg
import numpy as np
import pytest

from services.api.history.health import MOST_REPORTS
from services.contracts.alert import iso
from services.contracts.fix import NO_U2, SATELLITES_UNKNOWN, STATUS_SATELLITES_SHIFT, Fixes
from services.contracts.reasons import FLAG_BITS
from tests.api.support import BEGAN_MS, Api, fixes, record, register

HOUR_MS = 3_600_000
COUNT = 120


def driven(vehicle: int, count: int = COUNT) -> Fixes:
    """A report each 30 s at 60 km/h due east, come half a second after it was taken."""
    made = fixes(vehicle, [BEGAN_MS + 30_000 * place for place in range(count)])
    made["lon_e7"] = 1_062_300_000 + np.arange(count) * 57_400
    made["lat_e7"], made["speed"] = 384_800_000, 600
    return made


async def health(api: Api, vehicle: int, **parameters: Any) -> dict[str, Any]:
    period = {"from_": iso(BEGAN_MS - HOUR_MS), "to": iso(BEGAN_MS + 20 * HOUR_MS)}
    answer = await api.get(f"/v1/vehicles/{vehicle}/health", **(period | parameters))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def of(api: Api, writer: asyncpg.Connection, made: Fixes, plate: str = "宁A12345") -> dict[str, Any]:
    made["vehicle"] = await register(writer, plate)
    await record(writer, made)
    return await health(api, int(made["vehicle"][0]))


async def test_a_good_terminal(api: Api, writer: asyncpg.Connection) -> None:
    made = driven(0)
    made["status"] = 14 << STATUS_SATELLITES_SHIFT
    made["status"][::10] = SATELLITES_UNKNOWN << STATUS_SATELLITES_SHIFT
    made["flags"][:12] = FLAG_BITS["RANGE_COURSE"]
    assert await of(api, writer, made) == {
        "from": iso(BEGAN_MS - HOUR_MS), "to": iso(BEGAN_MS + 20 * HOUR_MS), "reports": COUNT, "backfilled": 0, "truncated": False,
        "last": {"taken": iso(BEGAN_MS + 119 * 30_000), "received": iso(BEGAN_MS + 119 * 30_000 + 500)},
        "clock": "right", "clock_offset_s": 0.5, "clock_spread_s": 0.0, "interval_s": 30.0, "speed": "told", "share_without_speed": 0.0,
        "share_flagged": 0.1, "share_frozen": 0.0, "satellites": 14.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("offset_ms", "clock", "median_s"),
    [
        (8 * HOUR_MS, "behind", 28_800.0),
        (300_000, "behind", 300.0),
        (299_000, "right", 299.0),
        (-40_000, "ahead", -40.0),
        (-9_000, "right", -9.0),
    ],
)
async def test_a_clock_that_is_steadily_wrong(
    api: Api, writer: asyncpg.Connection, offset_ms: int, clock: str, median_s: float
) -> None:
    made = driven(0)
    made["received_ms"] = made["time_ms"] + offset_ms
    made["received_ms"][::15] += 45_000  # what a network does now and then
    body = await of(api, writer, made)
    assert (body["clock"], body["clock_offset_s"]) == (clock, median_s)


async def test_an_unsteady_clock_and_one_of_which_too_little_is_known(
    api: Api, writer: asyncpg.Connection
) -> None:
    made = driven(0)
    made["received_ms"] = made["time_ms"] + np.arange(COUNT) * 30_000
    assert (await of(api, writer, made))["clock"] == "unsteady"
    few = driven(0)
    few["received_ms"][9:] = 0  # as of a file
    body = await of(api, writer, few, "宁A12346")
    assert (body["clock"], body["clock_offset_s"], body["last"]["received"]) == ("unknown", None, None)


async def test_reports_uploaded_later_are_counted_and_set_aside(api: Api, writer: asyncpg.Connection) -> None:
    made = driven(0)
    made["received_ms"][40:80] += 5 * HOUR_MS
    made["flags"][40:80] = FLAG_BITS["BACKFILL"]
    body = await of(api, writer, made)
    assert (body["reports"], body["backfilled"], body["clock"], body["share_flagged"]) == (
        80,
        40,
        "right",
        0.0,
    )


async def test_speed_that_is_missing_or_stuck(api: Api, writer: asyncpg.Connection) -> None:
    missing, recorder, stuck, parked = driven(0), driven(0), driven(0), driven(0)
    missing["speed"][: COUNT // 2] = NO_U2
    recorder["speed"], recorder["recorder_speed"] = NO_U2, 590
    stuck["speed"] = 0
    parked["speed"], parked["lon_e7"] = 0, 1_062_300_000
    told = [
        await of(api, writer, made, f"宁A1000{place}")
        for place, made in enumerate((missing, recorder, stuck, parked))
    ]
    assert [body["speed"] for body in told] == ["missing", "told", "stuck", "told"]
    assert [body["share_without_speed"] for body in told] == [0.5, 0.0, 0.0, 0.0]


async def test_a_place_that_is_repeated_at_speed(api: Api, writer: asyncpg.Connection) -> None:
    made = driven(0)
    made["lon_e7"][30:60] = made["lon_e7"][30]
    made["speed"][50:60] = 0
    assert (await of(api, writer, made))["share_frozen"] == round(19 / COUNT, 4)


async def test_nothing_in_the_period_is_null_and_no_fault(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A12345")
    body = await health(api, vehicle)
    assert (body["reports"], body["last"], body["clock"], body["speed"]) == (0, None, "unknown", "unknown")
    assert body["share_frozen"] is None


async def test_no_more_than_the_newest_are_looked_at(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A12345")
    made = fixes(vehicle, [BEGAN_MS + 1_000 * place for place in range(MOST_REPORTS + 5)])
    made["lon_e7"], made["lat_e7"] = 1_062_300_000, 384_800_000
    await record(writer, made)
    body = await health(api, vehicle)
    assert (body["reports"], body["truncated"]) == (MOST_REPORTS, True)
    assert body["last"]["taken"] == iso(int(made["time_ms"][-1]))


async def test_a_period_has_sane_limits_and_a_vehicle_must_be_there(
    api: Api, writer: asyncpg.Connection
) -> None:
    vehicle = await register(writer, "宁A12345")
    long = await api.get(
        f"/v1/vehicles/{vehicle}/health", from_=iso(BEGAN_MS), to=iso(BEGAN_MS + 32 * 24 * HOUR_MS)
    )
    assert long.status_code == 400
    assert long.json()["type"].endswith("period-too-long")
    assert (await api.get("/v1/vehicles/999999/health")).status_code == 404
    looks = await writer.fetch(
        "SELECT outcome FROM audit WHERE action = 'health.read' AND object = 'vehicle:999999'"
    )
    assert [row["outcome"] for row in looks] == ["vehicle-not-found"]
