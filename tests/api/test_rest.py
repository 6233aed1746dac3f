"""Lists, single objects, tracks and positions: what they hold, how they are paged, what they refuse."""

import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import numpy as np
import pytest

from services.contracts.alert import iso
from services.contracts.reasons import FLAG_BITS
from tests.api.support import BEGAN_MS, Api, event, fixes, put, record, register

MINUTE_MS = 60_000


async def ids(api: Api, path: str = "/v1/alerts", **parameters: Any) -> list[Any]:
    answer = await api.get(path, **parameters)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_alerts_are_listed_latest_first_and_paged_without_gap_or_double(
    api: Api, writer: asyncpg.Connection
) -> None:
    """Seven at the same moment: the id decides among them."""
    began = [BEGAN_MS + MINUTE_MS * (n // 7) for n in range(40)]
    await put(writer, [event(f"a{n:02}", began_ms=began_ms) for n, began_ms in enumerate(began)])
    expected = sorted((f"a{n:02}" for n in range(40)), key=lambda name: (-began[int(name[1:])], name))
    found: list[str] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = (await api.get("/v1/alerts", limit=6, **cursor)).json()
        found += [item["id"] for item in page["items"]]
        pages += 1
        assert page["feed"] == 40
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        if pages == 2:  # a new one comes first and moves no later page
            await put(writer, [event("new", began_ms=BEGAN_MS + 10**9)])
            await writer.execute("UPDATE feed SET last = 40")
    assert found == expected
    assert pages == 7


async def test_every_filter_of_the_list(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁B22222", plate_color="green")
    await put(
        writer,
        [
            event("plain"),
            event("other", rule="fatigue", kind="night", vehicle=vehicle, plate="宁B22222", plate_color="green",
                  vehicle_class="charter", operator="中卫,某旅游公司", division="640500", state="closed", severity="minor",
                  began_ms=BEGAN_MS + MINUTE_MS, lon=105.2, lat=37.5),
        ],
    )  # fmt: skip
    began = iso(BEGAN_MS + MINUTE_MS)
    for query in (
        {"rule": "fatigue"}, {"kind": "night"}, {"class": "charter"}, {"operator": "中卫,某旅游公司"}, {"division": "6405"},
        {"state": "closed"}, {"severity": "minor,info"}, {"vehicle": vehicle}, {"vehicle": "宁b·22222/green"}, {"from": began},
        {"bbox": "105,37,106,38"}, {"rule": ["fatigue", "fatigue"], "class": "charter,coach", "state": "closed"},
    ):  # fmt: skip
        assert await ids(api, **query) == ["other"], query
    assert await ids(api, to=began) == ["plain"], "the period is half-open"
    assert await ids(api, from_="2026-11-23T00:00:00 08:00") == ["other", "plain"], "a + that nobody escaped"
    assert await ids(api, handling="acknowledged") == []
    assert await ids(api, vehicle="宁Z99999/blue") == []
    assert await ids(api, state="withdrawn") == []
    await writer.execute(
        "UPDATE alert SET handling = 'acknowledged', handling_version = 3 WHERE id = 'plain'"
    )
    (item,) = (await api.get("/v1/alerts", handling="acknowledged")).json()["items"]
    assert (item["id"], item["handling"]) == ("plain", "acknowledged")


async def test_a_limit_too_large_is_coerced_one_too_small_refused(
    api: Api, writer: asyncpg.Connection
) -> None:
    await put(writer, [event(f"a{n}") for n in range(1005)])
    assert len(await ids(api, limit=5000)) == 1000
    assert len(await ids(api)) == 100
    for wrong in ("0", "-1", "many"):
        assert (await api.get("/v1/alerts", limit=wrong)).status_code == 400


async def test_a_cursor_is_bound_to_its_path_and_conditions_and_cannot_be_bent(
    api: Api, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("a"), event("b"), event("c")])
    page = (await api.get("/v1/alerts", limit=1, rule="speeding,fatigue")).json()
    cursor = page["next"]
    link = (await api.get("/v1/alerts", limit=1, rule="speeding,fatigue")).headers["link"]
    assert cursor in link
    assert link.endswith('rel="next"')
    assert (
        await api.get("/v1/alerts", limit=2, rule=["fatigue", "speeding"], cursor=cursor)
    ).status_code == 200
    other = await api.get("/v1/alerts", limit=1, rule="speeding", cursor=cursor)
    assert (other.status_code, other.json()["type"]) == (400, "urn:roadwatch:problem:cursor-mismatch")
    bent = [
        cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB"),
        "A" + cursor[1:],
        "x",
        "-",
        "é",
        "=",
        cursor[:10],
        "A" * 512,
    ]
    for wrong in bent:
        answer = await api.get("/v1/alerts", limit=1, rule="speeding,fatigue", cursor=wrong)
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:roadwatch:problem:invalid-cursor"), (
            wrong
        )
    events = (await api.get("/v1/events", limit=1)).json()["next"]
    assert (await api.get("/v1/alerts", cursor=events)).status_code == 400


async def test_one_alert_has_its_handlings_version_as_etag(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("alr_1")])
    answer = await api.get("/v1/alerts/alr_1")
    assert (answer.status_code, answer.headers["etag"], answer.json()["handling"]) == (200, '"0"', "open")
    await put(writer, [event("alr_1", 2, event_type="alert.closed", state="closed")])
    await writer.execute("UPDATE alert SET handling = 'resolved', handling_version = 4")
    answer = await api.get("/v1/alerts/alr_1", headers={"If-None-Match": '"0"'})
    assert (answer.headers["etag"], answer.json()["state"], answer.json()["handling"]) == (
        '"4"',
        "closed",
        "resolved",
    )
    for missing in ("alr_2", "%00", "x" * 60):
        answer = await api.get(f"/v1/alerts/{missing}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:roadwatch:problem:alert-not-found")


async def test_events_are_pulled_by_number_and_by_cursor(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("a"), event("b"), event("a", 2, event_type="alert.closed", state="closed")])
    first = (await api.get("/v1/events", limit=2)).json()
    assert [item["seq"] for item in first["items"]] == [1, 2]
    assert first["last"] == 2
    for follow in ({"after": 2}, {"after": first["next"]}, {"cursor": first["next"]}):
        rest = (await api.get("/v1/events", None, **follow)).json()
        assert [(item["seq"], item["type"], item["sequence"]) for item in rest["items"]] == [
            (3, "alert.closed", 2)
        ]
        assert rest["next"] is None
        assert rest["last"] == 3
    end = (await api.get("/v1/events", after=3)).json()
    assert end == {"items": [], "next": None, "through": 3, "last": 3}
    beyond = await api.get("/v1/events", after=4)
    assert (beyond.status_code, beyond.json()["type"]) == (400, "urn:roadwatch:problem:beyond-feed")
    assert (await api.get("/v1/events", after="four")).status_code == 400


async def test_vehicles_are_listed_by_what_holds_now(api: Api, writer: asyncpg.Connection) -> None:
    changed = datetime(2024, 1, 1, tzinfo=UTC)
    first = await register(writer, "宁A00001", vehicle_class="coach", valid_to=changed, terminal="T1")
    await register(
        writer, "宁A00001", vehicle_class="charter", operator="后来的公司", valid_from=changed, terminal="T2"
    )
    second = await register(writer, "宁B00002", vehicle_class="hazmat", division="640300", plate_color="blue")
    gone = await register(writer, "宁C00003", vehicle_class="freight", valid_to=changed)
    listed = (await api.get("/v1/vehicles")).json()["items"]
    assert [(item["id"], item["class"]) for item in listed] == [
        (first, "charter"),
        (second, "hazmat"),
        (gone, "freight"),
    ]
    for query, expected in (
        ({"class": "coach"}, []),
        ({"class": "charter"}, [first]),
        ({"operator": "后来的公司"}, [first]),
        ({"division": "6403"}, [second]),
        ({"plate": "宁b00002"}, [second]),
        ({"plate": "宁B00002/blue"}, [second]),
        ({"plate": "宁B00002/yellow"}, []),
    ):
        assert await ids(api, "/v1/vehicles", **query) == expected, query
    page = (await api.get("/v1/vehicles", limit=2)).json()
    assert await ids(api, "/v1/vehicles", limit=2, cursor=page["next"]) == [gone]
    answer = await api.get(f"/v1/vehicles/{first}")
    found = answer.json()
    assert (found["terminal"], [row["terminal"] for row in found["registrations"]]) == ("T2", ["T2", "T1"])
    assert found["valid_from"] == "2024-01-01T00:00:00Z"
    again = await api.get(f"/v1/vehicles/{first}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert (await api.get("/v1/vehicles/99999")).json()["type"] == "urn:roadwatch:problem:vehicle-not-found"
    for wrong in ("0", "x", "99999999999999999999"):
        assert (await api.get(f"/v1/vehicles/{wrong}")).status_code == 400


async def track(api: Api, vehicle: int, from_ms: int, to_ms: int) -> dict[str, Any]:
    answer = await api.get(
        f"/v1/vehicles/{vehicle}/track", from_=iso(from_ms), to=iso(to_ms), format="geojson"
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/geo+json"
    found: dict[str, Any] = answer.json()
    return found


async def test_a_track_is_a_feature_with_a_time_for_each_position(
    api: Api, writer: asyncpg.Connection
) -> None:
    """Over two midnights and several pages, two reports of one moment among them."""
    vehicle = await register(writer, "宁A00001")
    count = 6500
    times = np.arange(count) * 20_000 + BEGAN_MS
    times[1] = times[0]  # the second is of the same moment, received as late, with a greater offset
    speed = np.arange(count) % 1200
    speed[5] = 0xFFFF
    flags = np.zeros(count, int)
    flags[7] = FLAG_BITS["NOT_FIXED"] | FLAG_BITS["BACKFILL"]
    await record(writer, fixes(vehicle, times.tolist(), speed=speed, flags=flags, heading=90))
    found = await track(api, vehicle, BEGAN_MS, int(times[-1]) + 1)
    properties = found["properties"]
    assert (found["type"], found["geometry"]["type"]) == ("Feature", "LineString")
    assert len(found["geometry"]["coordinates"]) == count - 1
    assert found["geometry"]["coordinates"][:2] == [[106.23, 38.48], [106.2302, 38.4802]]
    assert properties["datetimes"] == [iso(int(time)) for time in np.delete(times, 1)]
    expected: list[float | None] = [value / 10 for value in np.delete(speed, 1).tolist()]
    expected[4] = None
    assert properties["speeds_kmh"] == expected
    assert properties["recorder_speeds_kmh"] == [None] * (count - 1)
    assert properties["headings"] == [90] * (count - 1)
    assert properties["flags"] == {"NOT_FIXED": [6], "BACKFILL": [6]}
    half_open = await track(api, vehicle, int(times[2]), int(times[4]))
    assert half_open["properties"]["datetimes"] == [iso(int(times[2])), iso(int(times[3]))]


async def test_two_reports_of_each_moment_end_no_page_early(api: Api, writer: asyncpg.Connection) -> None:
    """Pages are counted before the second of a moment is left out, also where a page ends between the two."""
    vehicle = await register(writer, "宁A00009")
    times = sorted([BEGAN_MS + 1000 * number for number in range(301)] * 2 + [BEGAN_MS + 500])
    made = fixes(vehicle, times)
    made["received_ms"] = made["time_ms"] + np.tile([900, 400], 302)[: len(times)]
    await record(writer, made)
    found = await track(api, vehicle, BEGAN_MS, BEGAN_MS + 400_000)
    assert found["properties"]["datetimes"] == [iso(time_ms) for time_ms in sorted(set(times))]


async def test_a_track_of_one_position_and_of_none_is_valid(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A00001")
    await record(writer, fixes(vehicle, [BEGAN_MS]))
    one = await track(api, vehicle, BEGAN_MS, BEGAN_MS + 1)
    assert one["geometry"] == {"type": "Point", "coordinates": [106.23, 38.48]}
    assert one["properties"]["datetimes"] == [iso(BEGAN_MS)]
    none = await track(api, vehicle, BEGAN_MS + 1, BEGAN_MS + 2)
    assert none["geometry"] is None
    assert none["properties"] == {
        "vehicle": vehicle, "plate": "宁A00001/yellow", "datetimes": [], "speeds_kmh": [], "recorder_speeds_kmh": [], "headings": [], "flags": {},
    }  # fmt: skip


async def test_a_track_asked_for_wrongly(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A00001")
    path = f"/v1/vehicles/{vehicle}/track"
    assert (await api.get(path)).json()["geometry"] is None, "the last 24 hours"
    assert (await api.get("/v1/vehicles/999/track")).status_code == 404
    long = await api.get(path, from_="2026-01-01T00:00:00Z", to="2026-02-01T00:00:01Z")
    assert (long.status_code, long.json()["type"]) == (400, "urn:roadwatch:problem:period-too-long")
    for query in (
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-02T00:00:00Z"},
        {"from": "2026-01-02T00:00:00"},
        {"from": "1700000000"},
        {"format": "shp"},
    ):
        assert (await api.get(path, **query)).status_code == 400, query


async def test_positions_come_from_history_first_and_then_from_what_is_sent(
    api: Api, writer: asyncpg.Connection
) -> None:
    livemap = api.state.livemap
    vehicle = await register(writer, "宁A00001")
    other = await register(writer, "宁A00002")
    await livemap._learn_names()
    if len(livemap.names) < 2:
        livemap._named_s = float("-inf")
        await livemap._learn_names()
    await record(writer, fixes(vehicle, [BEGAN_MS - 5000, BEGAN_MS], speed=[800, 815], heading=45))
    await livemap._positions_from_history()
    (item,) = (await api.get("/v1/positions", bbox="106,38,107,39")).json()["items"]
    assert item == {
        "vehicle": vehicle, "plate": "宁A00001", "plate_color": "yellow", "class": "coach", "operator": "银川某客运公司",
        "division": "640100", "time": iso(BEGAN_MS), "lon": 106.2301, "lat": 38.4801, "speed_kmh": 81.5, "heading": 45, "fixed": True,
    }  # fmt: skip
    moved = fixes(
        vehicle, [BEGAN_MS + 2000, BEGAN_MS + 3000, BEGAN_MS + 3000, BEGAN_MS + 1000], speed=[1, 2, 3, 4]
    )
    livemap.update(moved)
    livemap.update(fixes(other, [BEGAN_MS + 500], lon_e7=1_200_000_000))
    livemap.update(fixes(other, [BEGAN_MS + 400], lon_e7=0))
    page = (await api.get("/v1/positions", bbox="106,38,107,39")).json()
    assert [(item["time"], item["speed_kmh"]) for item in page["items"]] == [(iso(BEGAN_MS + 3000), 0.2)], (
        "the newest, first received"
    )
    everywhere = (await api.get("/v1/positions", limit=1)).json()
    assert (len(everywhere["items"]), everywhere["truncated"]) == (1, True)
    assert [
        item["lon"] for item in (await api.get("/v1/positions", bbox="119,38,121,39")).json()["items"]
    ] == [120.0]


async def test_meta_tells_every_code_in_both_languages(api: Api) -> None:
    found = (await api.get("/v1/meta")).json()
    assert {row["code"] for row in found["classes"]} == {
        "coach",
        "charter",
        "hazmat",
        "freight",
        "school_bus",
    }
    assert {"code": "NOT_FIXED", "verdict": "flagged", "zh": "未定位", "en": "position not fixed"} in found[
        "reasons"
    ]
    assert all(row["zh"] and row["en"] for row in found["rules"] + found["severities"] + found["states"])


@pytest.mark.parametrize(
    ("path", "pointer", "english"),
    [
        ("/v1/alerts?colour=red", "#/query/colour", "there is no such parameter"),
        ("/v1/alerts?rule=flying", "#/query/rule/0", "expected one of: speeding fatigue route_deviation"),
        ("/v1/alerts?limit=x", "#/query/limit", "expected a whole number"),
        ("/v1/alerts?bbox=1,2,3", "#/query/bbox", "expected west,south,east,north"),
        ("/v1/alerts?bbox=nan,nan,nan,nan", "#/query/bbox", "expected west,south,east,north"),
        ("/v1/alerts?from=2026-11-23T08:00:00", "#/query/from", "expected RFC 3339 with an offset"),
        ("/v1/alerts?from=2026-02-30T08:00:00Z", "#/query/from", "expected RFC 3339 with an offset"),
        ("/v1/alerts?from=2026-11-23T08:00:00Z&to=2026-11-23T08:00:00Z", "#/query", "from must be before to"),
        ("/v1/alerts?vehicle=12345678901", "#/query/vehicle/0", "expected a vehicle's id"),
        ("/v1/alerts?division=64%25", "#/query/division/0", "expected a division code"),
        ("/v1/alerts?operator=", "#/query/operator/0", "must not be empty"),
        ("/v1/alerts/x?verbose=1", "#/query/verbose", "there is no such parameter"),
        ("/v1/meta?x=1", "#/query/x", "there is no such parameter"),
        ("/v1/vehicles?plate=%00", "#/query/plate", "expected a plate"),
        ("/v1/positions?limit=0", "#/query/limit", "must not be less than 1"),
    ],
)  # fmt: skip
async def test_a_wrong_parameter_is_named_in_both_languages(
    api: Api, path: str, pointer: str, english: str
) -> None:
    answer = await api.get(path, headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (answer.headers["content-language"], answer.headers["vary"]) == ("en", "Accept-Language")
    problem = answer.json()
    assert (problem["status"], problem["request_id"]) == (400, answer.headers["x-request-id"])
    (fault,) = problem["errors"]
    assert fault["pointer"] == pointer
    assert english in fault["detail"]
    chinese = (await api.get(path)).json()
    assert (chinese["type"], chinese["errors"][0]["pointer"]) == (problem["type"], pointer)
    assert chinese["title"] != problem["title"]
    assert not chinese["errors"][0]["detail"].isascii()


async def test_texts_that_no_database_takes_are_no_error_of_ours(api: Api) -> None:
    for query in ("operator=%00", "operator=a%00b", "cursor=%00"):
        assert (await api.get(f"/v1/alerts?{query}")).status_code == 400, query
    assert (await api.get("/v1/alerts", operator="'; DROP TABLE alert; --")).json()["items"] == []


async def test_bodies_are_the_same_bytes_on_every_way(api: Api, writer: asyncpg.Connection) -> None:
    await put(writer, [event("a", why={"road": "G6 京藏高速"})])
    pulled = (await api.get("/v1/events")).content
    (row,) = await writer.fetch("SELECT data FROM alert_event")
    assert row["data"].encode() in pulled
    assert row["data"].encode() in (await api.get("/v1/alerts")).content
    assert json.loads(pulled)["items"][0]["data"]["why"] == {"road": "G6 京藏高速"}
