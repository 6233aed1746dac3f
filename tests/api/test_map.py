"""The map's layers: what a screen asks for comes, coarse from afar, and only what is in view; an ETag that lasts as long as the registry."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.api.identity import Role
from services.api.map.roads import classes_at
from services.store.map_layers import runs
from tests.api.accounts import account, signed_in
from tests.api.support import Api, assign, register

ROAD = """
INSERT INTO road_segment (source, place, road_class, line, name, ref, limit_kmh, night_limit_kmh, class_limits_kmh, oneway, tunnel, bridge)
VALUES ('test', $1, $2, ST_GeomFromText($3, 4326), $4, $5, $6, NULL, $7, false, false, false)
"""
ZONE = """
INSERT INTO zone (zone, name, kind, area, line, buffer_m, classes, limit_kmh, hours, from_at, to_at, reason)
VALUES ($1, $1, $2, ST_GeomFromText($3, 4326), ST_GeomFromText($4, 4326), $5, $6, 30, $7, $8, NULL, NULL)
"""
YINCHUAN = "106.1,38.4,106.4,38.6"


@pytest.fixture(autouse=True)
async def empty(writer: asyncpg.Connection) -> None:
    await writer.execute("TRUNCATE road_segment, zone, route CASCADE")
    await writer.execute("DELETE FROM config_version")


async def road(conn: asyncpg.Connection, place: int, road_class: str, line: str, **told: Any) -> None:
    values = {"name": None, "ref": None, "limit_kmh": None, "class_limits_kmh": {}} | told
    await conn.execute(ROAD, place, road_class, f"LINESTRING({line})", *values.values())


async def test_roads_come_with_their_limits_and_class_by_class(api: Api, writer: asyncpg.Connection) -> None:
    await road(writer, 0, "urban", "106.2 38.5, 106.21 38.5", limit_kmh=50.0)
    await road(
        writer, 1, "expressway", "106.2 38.5, 106.3 38.55", name="京藏高速", ref="G6", limit_kmh=120.0, class_limits_kmh={"freight": 90.0},
    )  # fmt: skip
    await road(writer, 2, "highway", "110 38.5, 110.1 38.5")
    near = await api.get("/v1/map/roads", bbox=YINCHUAN, zoom=12)
    assert near.status_code == 200
    assert near.headers["content-type"] == "application/geo+json"
    assert [one["properties"]["class"] for one in near.json()["features"]] == ["expressway", "urban"]
    assert near.json()["truncated"] is False
    first = near.json()["features"][0]
    assert first["geometry"] == {"type": "LineString", "coordinates": [[106.2, 38.5], [106.3, 38.55]]}
    told = first["properties"]
    assert (told["name"], told["ref"], told["limit_kmh"], told["class_limits_kmh"]) == (
        "京藏高速",
        "G6",
        120.0,
        {"freight": 90.0},
    )
    far = await api.get("/v1/map/roads", bbox=YINCHUAN, zoom=8)
    assert [one["properties"]["class"] for one in far.json()["features"]] == ["expressway"]


async def test_a_line_is_simplified_to_the_screen(api: Api, writer: asyncpg.Connection) -> None:
    await road(writer, 0, "expressway", "106.2 38.5, 106.25 38.5001, 106.3 38.5")
    coarse = await api.get("/v1/map/roads", bbox=YINCHUAN, zoom=9)
    fine = await api.get("/v1/map/roads", bbox="106.2,38.49,106.21,38.51", zoom=16)
    assert len(coarse.json()["features"][0]["geometry"]["coordinates"]) == 2
    assert len(fine.json()["features"][0]["geometry"]["coordinates"]) == 3


async def test_no_more_roads_than_a_screen_can_show(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.api.map.roads.MOST_ROADS", 2)
    for place in range(3):
        await road(
            writer, place, "urban" if place < 2 else "highway", f"106.2 38.5{place}, 106.21 38.5{place}"
        )
    body = (await api.get("/v1/map/roads", bbox=YINCHUAN, zoom=12)).json()
    assert body["truncated"] is True
    assert [one["properties"]["class"] for one in body["features"]] == ["highway", "urban"]


@pytest.mark.parametrize(
    ("parameters", "where"),
    [({}, "bbox"), ({"bbox": "100,30,120,45", "zoom": "12"}, "bbox"), ({"bbox": YINCHUAN, "zoom": "40"}, "zoom"),
     ({"bbox": "1,2,3"}, "bbox"), ({"bbox": YINCHUAN, "zoom": "nan"}, "zoom")],
)  # fmt: skip
async def test_a_box_must_fit_a_screen(api: Api, parameters: dict[str, str], where: str) -> None:
    answer = await api.get("/v1/map/roads", **parameters)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"#/query/{where}"


def test_classes_appear_as_the_map_comes_nearer() -> None:
    assert classes_at(3) == ["expressway"]
    assert classes_at(10) == ["expressway", "highway", "urban_expressway", "rural", "mountain"]
    assert len(classes_at(11)) == 6


async def test_an_etag_lasts_as_long_as_the_registry(api: Api, writer: asyncpg.Connection) -> None:
    await road(writer, 0, "expressway", "106.2 38.5, 106.3 38.5")
    for path in (f"/v1/map/roads?bbox={YINCHUAN}", "/v1/map/zones", "/v1/map/routes"):
        first = await api.get(path)
        again = await api.get(path, {"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = await api.get(
            path + ("&" if "?" in path else "?") + "bbox=106,38,107,39",
            {"if-none-match": first.headers["etag"]},
        )
        assert other.status_code == (400 if "roads" in path else 200)
    await writer.execute(
        "INSERT INTO config_document (sha256, body) VALUES ('aa', '') ON CONFLICT DO NOTHING"
    )
    await writer.execute("INSERT INTO config_version (version, sha256, summary) VALUES (7, 'aa', '')")
    changed = await api.get("/v1/map/zones", {"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"].startswith('"7-')


async def test_zones_are_areas_whatever_they_were_drawn_as(api: Api, writer: asyncpg.Connection) -> None:
    area = "MULTIPOLYGON(((106.2 38.4, 106.3 38.4, 106.3 38.5, 106.2 38.4)))"
    await writer.execute(
        ZONE,
        "S-1",
        "school",
        area,
        None,
        0.0,
        ["school_bus"],
        [[25_200, 30_600]],
        datetime(2026, 9, 1, tzinfo=UTC),
    )
    await writer.execute(
        ZONE, "H-1", "hazard_section", None, "LINESTRING(106.2 38.4, 106.3 38.4)", 50.0, [], [], None
    )
    await writer.execute(
        "UPDATE zone SET days = '[0, 5]', dates = '[[\"2026-09-01\", \"2027-01-15\"]]' WHERE zone = 'S-1'"
    )
    found = {one["properties"]["zone"]: one for one in (await api.get("/v1/map/zones")).json()["features"]}
    assert found["S-1"]["properties"] == {
        "zone": "S-1", "name": "S-1", "kind": "school", "drawn": "area", "buffer_m": 0.0, "classes": ["school_bus"], "limit_kmh": 30.0,
        "hours": [["07:00", "08:30"]], "days": ["Mo", "Sa"], "dates": [["2026-09-01", "2027-01-15"]], "except_dates": [],
        "from": "2026-09-01T00:00:00Z", "to": None, "reason": None,
    }  # fmt: skip
    assert found["H-1"]["properties"]["drawn"] == "line"
    (ring,) = found["H-1"]["geometry"]["coordinates"]
    wide_m = (max(lat for _, lat in ring) - min(lat for _, lat in ring)) * 111_000
    assert wide_m == pytest.approx(100, rel=0.05)
    only = await api.get("/v1/map/zones", kind="school", bbox="106,38,107,39")
    assert [one["properties"]["zone"] for one in only.json()["features"]] == ["S-1"]
    assert (await api.get("/v1/map/zones", kind="park")).status_code == 400


async def test_a_route_is_told_with_its_corridor_and_stops(api: Api, writer: asyncpg.Connection) -> None:
    await assign(writer, await register(writer, "宁A00001"), "R/1 线")
    listed = (await api.get("/v1/map/routes")).json()["features"]
    assert [(one["properties"]["route"], one["properties"]["stops"]) for one in listed] == [("R/1 线", 1)]
    one = await api.get("/v1/routes/R%2F1%20线")
    assert one.status_code == 404  # a slash is no part of a path; such an id is found in the list alone
    await assign(writer, await register(writer, "宁A00002"), "R-2")
    one = await api.get("/v1/routes/R-2")
    assert one.headers["content-type"] == "application/geo+json"
    told = one.json()["properties"]
    assert (told["half_width_m"], told["leg_half_widths_m"]) == ([100.0, 200.0], [100.0, 200.0])
    assert told["stops"] == [{"name": "起点站", "lon": 106.2, "lat": 38.4, "radius_m": 50.0}]
    points = [point for ring in told["corridor"]["coordinates"] for point in ring]
    north_m = (max(lat for _, lat in points) - 38.5) * 111_000
    assert north_m == pytest.approx(200, rel=0.05)
    assert 17_000 < told["length_m"] < 25_000
    missing = await api.get("/v1/routes/none", {"accept-language": "zh"})
    assert (missing.status_code, missing.json()["title"]) == (404, "没有此路线")


async def test_a_route_is_seen_with_the_vehicles_that_drive_it(api: Api, writer: asyncpg.Connection) -> None:
    await assign(writer, await register(writer, "宁A00001", operator="甲公司"), "R-1")
    await assign(writer, await register(writer, "宁A00002", operator="乙公司"), "R-2")
    await account(writer, "jia", Role.ENTERPRISE, operators=["甲公司"])
    browser = await signed_in(api, "jia")
    listed = (await browser.get("/v1/map/routes")).json()["features"]
    assert [one["properties"]["route"] for one in listed] == ["R-1"]
    assert (await browser.get("/v1/routes/R-2")).status_code == 404


def test_a_line_is_cut_where_its_width_changes() -> None:
    line = [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0)]
    assert runs(line, [5.0, 5.0, 9.0]) == [(line[:3], 5.0), (line[2:], 9.0)]
    assert runs(line, [5.0, 5.0, 5.0]) == [(line, 5.0)]
