"""A fix kept for its alarm alone, without a usable place, has no position in answers: no track, no map, no area has it."""

import asyncpg
import pytest

from services.contracts.alert import iso
from services.contracts.fix import ALARM_BITS, Fixes
from services.contracts.reasons import NOT_FIXED, PLACE_UNUSABLE
from tests.api.support import BEGAN_MS, Api, fixes, record, register

TIMES = [BEGAN_MS, BEGAN_MS + 10_000, BEGAN_MS + 20_000, BEGAN_MS + 30_000]
NOWHERE = "-1,-1,1,1"


def panic(vehicle: int, *times_ms: int) -> Fixes:
    """Fixes with the panic button pressed and no place."""
    return fixes(
        vehicle,
        times_ms,
        lon_e7=0,
        lat_e7=0,
        flags=NOT_FIXED | PLACE_UNUSABLE,
        alarms=ALARM_BITS["emergency"],
    )


@pytest.mark.parametrize(
    ("form", "said"), [("geojson", 1), ("csv", 1), ("gpx", 1), ("kml", 2), ("mfjson", 1)]
)
async def test_a_track_passes_over_it(api: Api, writer: asyncpg.Connection, form: str, said: int) -> None:
    """`said`: how often the form says each place; KML once with its time and once in the line."""
    vehicle = await register(writer, f"宁A1{len(form)}{form[0].upper()}{form[1].upper()}1")
    await record(writer, fixes(vehicle, [TIMES[0], TIMES[2]]))
    await record(writer, panic(vehicle, TIMES[1], TIMES[3]))
    period = {"from_": iso(BEGAN_MS - 1000), "to": iso(BEGAN_MS + 60_000)}
    answer = await api.get(f"/v1/vehicles/{vehicle}/track", **period, format=form)
    assert answer.status_code == 200, answer.text
    assert "PLACE_UNUSABLE" not in answer.text
    assert answer.text.count("106.23") == 2 * said
    if form == "geojson":
        assert len(answer.json()["geometry"]["coordinates"]) == 2


async def test_the_map_keeps_the_last_place_there_was(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A20001")
    livemap = api.state.livemap
    livemap._named_s = float("-inf")
    await livemap._learn_names()
    await record(writer, fixes(vehicle, TIMES[:1]))
    await record(writer, panic(vehicle, TIMES[1]))
    await livemap._positions_from_history()
    assert await shown(api, vehicle) == (iso(TIMES[0]), 106.23)
    livemap.update(panic(vehicle, TIMES[2]))
    assert await shown(api, vehicle) == (iso(TIMES[0]), 106.23)
    livemap.update(fixes(vehicle, TIMES[3:]))
    assert await shown(api, vehicle) == (iso(TIMES[3]), 106.23)
    assert (await api.get("/v1/positions", bbox=NOWHERE)).json()["items"] == []


async def shown(api: Api, vehicle: int) -> tuple[str, float]:
    """When and at what longitude the map shows a vehicle."""
    (item,) = [one for one in (await api.get("/v1/positions")).json()["items"] if one["vehicle"] == vehicle]
    return item["time"], item["lon"]
