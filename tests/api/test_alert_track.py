"""The stretch around an alert: what its charts need, for whoever may see the alert, and written down as a look."""

import asyncpg
import pytest

from services.api.identity import Role
from tests.api.accounts import account, signed_in
from tests.api.support import BEGAN_MS, Api, assign, event, fixes, put, record, register

TIMES = [BEGAN_MS + 10_000 * place for place in range(-3, 12)]
"""From 30 s before the alert to 110 s after its beginning; it ends after 60 s."""


async def test_speeds_and_the_limit_of_the_episode(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A12345")
    await record(writer, fixes(vehicle, TIMES, speed=[900 + 10 * place for place in range(len(TIMES))]))
    await put(writer, [event("alr_1", vehicle=vehicle, state="closed", event_type="alert.opened")])
    body = (await api.get("/v1/alerts/alr_1/track", margin_s=20)).json()
    assert (
        len(body["times"]) == len(body["coordinates"]) == len(body["speeds_kmh"]) == len(body["flags"]) == 10
    )
    assert body["in_episode"] == [False] * 2 + [True] * 7 + [False]
    assert body["limits_kmh"] == [None] * 2 + [100] * 7 + [None]
    assert body["speeds_kmh"][:2] == [91.0, 92.0]
    assert (body["stride"], body["truncated"], body["off_route_m"]) == (1, False, None)


async def test_how_far_off_the_route(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A12345")
    await assign(writer, vehicle, "R-1", [(106.29, 38.4), (106.31, 38.4)])
    north_e7 = [384_000_000, 384_090_000]  # on the line, and 0.009 degrees, a kilometre, beside it
    await record(writer, fixes(vehicle, TIMES[3:5], lon_e7=[1_063_000_000] * 2, lat_e7=north_e7))
    told = [
        event(
            name,
            rule="route_deviation",
            kind="off_route",
            vehicle=vehicle,
            state="closed",
            why={"route": route},
        )
        for name, route in (("alr_1", "R-1"), ("alr_2", "gone"))
    ]
    await put(writer, told)
    body = (await api.get("/v1/alerts/alr_1/track")).json()
    assert body["off_route_m"] == [pytest.approx(0, abs=2), pytest.approx(1000, rel=0.02)]
    assert body["limits_kmh"] == [None, None]
    assert (await api.get("/v1/alerts/alr_2/track")).json()["off_route_m"] is None


async def test_a_long_stretch_is_thinned_and_says_so(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    vehicle = await register(writer, "宁A12345")
    await record(writer, fixes(vehicle, TIMES))
    await put(writer, [event("alr_1", vehicle=vehicle, state="closed")])
    monkeypatch.setattr("services.api.alert_track.MOST_SHOWN", 4)
    body = (await api.get("/v1/alerts/alr_1/track")).json()
    assert (body["stride"], len(body["times"]), body["truncated"]) == (4, 4, False)
    monkeypatch.setattr("services.api.alert_track.MOST_READ", 8)
    body = (await api.get("/v1/alerts/alr_1/track")).json()
    assert (body["stride"], len(body["times"]), body["truncated"]) == (2, 4, True)


async def test_who_sees_the_alert_sees_its_stretch_and_it_is_written_down(
    api: Api, writer: asyncpg.Connection
) -> None:
    vehicle = await register(writer, "宁A12345", operator="甲公司")
    await record(writer, fixes(vehicle, TIMES))
    await put(writer, [event("alr_1", vehicle=vehicle, operator="甲公司", state="closed")])
    await account(writer, "wang", Role.DISPATCHER, operators=["甲公司"])
    await account(writer, "li", Role.DISPATCHER, operators=["乙公司"])
    wang, li = await signed_in(api, "wang"), await signed_in(api, "li")
    assert len((await wang.get("/v1/alerts/alr_1/track")).json()["times"]) == len(TIMES)
    assert (await li.get("/v1/alerts/alr_1/track")).status_code == 404
    looks = await writer.fetch("SELECT actor, object, purpose FROM audit WHERE action = 'track.read'")
    assert [tuple(look) for look in looks] == [("acc_wang", f"vehicle:{vehicle}", "告警 alr_1")]
