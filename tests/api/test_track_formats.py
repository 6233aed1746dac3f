"""Every format of a track, read back by a reader that is not ours; purpose and audit; that nothing ends early and looks complete."""

import asyncio
import csv
import io
import itertools
import json
import struct
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

import asyncpg
import httpx2
import numpy as np
import pyarrow.parquet as pq
import pytest

from services.api.history import simplify
from services.api.history.exports import file_name
from services.api.history.formats import FORMATS, Head, accepted
from services.api.history.formats.text import guarded
from services.api.identity import Role
from services.contracts.alert import iso
from services.contracts.datum import wgs84_to_gcj02
from services.contracts.fix import NO_U2, NO_U4, Fixes
from services.contracts.reasons import FLAG_BITS
from services.store.connect import connection
from tests.api.accounts import account, signed_in
from tests.api.support import BEGAN_MS, Api, Stream, fixes, open_stream, record, register

GPX = {"g": "http://www.topografix.com/GPX/1/1", "rw": "urn:roadwatch:gpx:1"}
KML = {"k": "http://www.opengis.net/kml/2.2", "gx": "http://www.google.com/kml/ext/2.2"}
GAP_AT = 4000


def ride(vehicle: int, count: int = 6500) -> Fixes:
    """One fix a second on a bent line, with a silence of 30 minutes in the middle; more than two pages."""
    times = [BEGAN_MS + 1000 * n + (30 * 60_000 if n >= GAP_AT else 0) for n in range(count)]
    made = fixes(vehicle, times)
    place = np.arange(count)
    made["lon_e7"] = 1_062_300_000 + 2000 * place
    made["lat_e7"] = 384_800_000 + (3000 * np.sin(place / 50)).astype(int)
    made["speed"] = np.where(place % 10 == 3, NO_U2, 600 + place % 100)
    made["heading"] = np.where(place % 7 == 0, NO_U2, place % 360)
    made["altitude_m"] = 1100
    made["odometer_m"] = np.where(place % 5 == 0, NO_U4, 150_000 + 17 * place)
    made["flags"][17] = FLAG_BITS["NOT_FIXED"]
    made["flags"][5000:5001] = FLAG_BITS["BACKFILL"] | FLAG_BITS["NOT_FIXED"]
    return made


def expected(made: Fixes) -> list[tuple[str, float, float]]:
    return [
        (iso(int(fix["time_ms"])), round(int(fix["lon_e7"]) / 1e7, 7), round(int(fix["lat_e7"]) / 1e7, 7))
        for fix in made
    ]


def period(made: Fixes) -> dict[str, str]:
    return {"from_": iso(int(made["time_ms"][0])), "to": iso(int(made["time_ms"][-1]) + 1)}


async def track(api: Api, vehicle: int, made: Fixes, **parameters: Any) -> httpx2.Response:
    answer = await api.get(f"/v1/vehicles/{vehicle}/track", **period(made), **parameters)
    assert answer.status_code == 200, answer.text
    return answer


def points_of_geojson(body: bytes) -> list[tuple[str, float, float]]:
    document = json.loads(body)
    places = document["geometry"]["coordinates"]
    return [
        (moment, *place) for moment, place in zip(document["properties"]["datetimes"], places, strict=True)
    ]


def points_of_mfjson(body: bytes) -> list[tuple[str, float, float]]:
    geometry = json.loads(body)["temporalGeometry"]
    assert geometry["type"] == "MovingPoint"
    return [
        (moment, *place) for moment, place in zip(geometry["datetimes"], geometry["coordinates"], strict=True)
    ]


def points_of_csv(body: bytes) -> list[tuple[str, float, float]]:
    assert body.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"))))
    return [(row["time"], float(row["lon"]), float(row["lat"])) for row in rows]


def parsed(body: bytes) -> ET.Element:
    return ET.fromstring(body)  # noqa: S314 - our own answer


def points_of_gpx(body: bytes) -> list[tuple[str, float, float]]:
    return [
        (point.findtext("g:time", "", GPX), float(point.attrib["lon"]), float(point.attrib["lat"]))
        for point in parsed(body).iterfind("g:trk/g:trkseg/g:trkpt", GPX)
    ]


def points_of_kml(body: bytes) -> list[tuple[str, float, float]]:
    """A track that begins where the one before ended repeats that position."""
    found: list[tuple[str, float, float]] = []
    for piece in parsed(body).iterfind(".//gx:Track", KML):
        whens = [when.text or "" for when in piece.iterfind("k:when", KML)]
        coords = [(coord.text or "").split() for coord in piece.iterfind("gx:coord", KML)]
        points = [(when, float(lon), float(lat)) for when, (lon, lat, _) in zip(whens, coords, strict=True)]
        found += points[1:] if found and points[0] == found[-1] else points
    return found


def points_of_parquet(body: bytes) -> list[tuple[str, float, float]]:
    table = pq.read_table(io.BytesIO(body))
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0"
    assert geo["columns"][geo["primary_column"]]["encoding"] == "WKB"
    found = []
    for moment, wkb in zip(
        table["time"].cast("int64").to_pylist(), table["geometry"].to_pylist(), strict=True
    ):
        order, kind, lon, lat = struct.unpack("<BIdd", wkb)
        assert (order, kind) == (1, 1)
        found.append((iso(moment), lon, lat))
    return found


READERS = {
    "geojson": (points_of_geojson, "application/geo+json"),
    "mfjson": (points_of_mfjson, "application/mf+json"),
    "csv": (points_of_csv, "text/csv; charset=utf-8"),
    "gpx": (points_of_gpx, "application/gpx+xml"),
    "kml": (points_of_kml, "application/vnd.google-earth.kml+xml"),
    "parquet": (points_of_parquet, "application/vnd.apache.parquet"),
}


@pytest.mark.parametrize("name", READERS)
async def test_a_format_holds_every_position(api: Api, writer: asyncpg.Connection, name: str) -> None:
    vehicle = await register(writer, "宁A12345")
    made = ride(vehicle)
    await record(writer, made)
    read, media_type = READERS[name]
    answer = await track(api, vehicle, made, format=name)
    assert answer.headers["content-type"] == media_type
    assert read(answer.content) == expected(made)
    by_accept = await track(
        api, vehicle, made, headers={"accept": f"text/html;q=0.9, {media_type.split(';')[0]}"}
    )
    assert by_accept.content == answer.content
    empty = await api.get(f"/v1/vehicles/{vehicle}/track", from_=iso(0), to=iso(1000), format=name)
    assert empty.status_code == 200
    if name not in {"geojson", "mfjson"}:
        assert read(empty.content) == []


async def test_what_stands_beside_the_positions(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A12345")
    made = ride(vehicle)
    await record(writer, made)
    mfjson = (await track(api, vehicle, made, format="mfjson")).json()
    (speed,) = (entry for entry in mfjson["temporalProperties"] if "speed" in entry)
    there = [fix for fix in made if fix["speed"] != NO_U2]
    assert speed["datetimes"] == [iso(int(fix["time_ms"])) for fix in there]
    assert speed["speed"]["values"] == [int(fix["speed"]) / 10 for fix in there]
    assert not any("recorder_speed" in entry for entry in mfjson["temporalProperties"])
    rows = list(
        csv.DictReader(
            io.StringIO((await track(api, vehicle, made, format="csv")).content.decode("utf-8-sig"))
        )
    )
    assert rows[5000]["flags"].split("|") == ["NOT_FIXED", "BACKFILL"]
    assert (rows[1]["plate"], rows[1]["odometer_km"], rows[0]["odometer_km"]) == (
        "宁A12345/yellow",
        "150.017",
        "",
    )
    assert rows[0]["time_local"].endswith("+08:00")
    assert datetime.fromisoformat(rows[0]["time_local"]) == datetime.fromisoformat(rows[0]["time"])
    kml = parsed((await track(api, vehicle, made, format="kml")).content)
    lines = [(line.text or "").split() for line in kml.iterfind(".//k:LineString/k:coordinates", KML)]
    assert [len(line) for line in lines] == [GAP_AT, len(made) - GAP_AT], "a line for each ride"
    assert (await track(api, vehicle, made)).json()["properties"]["plate"] == "宁A12345/yellow"
    gpx = parsed((await track(api, vehicle, made, format="gpx")).content)
    segments = gpx.findall("g:trk/g:trkseg", GPX)
    assert [len(segment) for segment in segments] == [GAP_AT, len(made) - GAP_AT], "a silence parts the track"
    assert segments[0][17].findtext("g:extensions/rw:flag", "", GPX) == "NOT_FIXED"
    parquet = pq.read_table(io.BytesIO((await track(api, vehicle, made, format="parquet")).content))
    assert parquet["speed_kmh"].to_pylist()[3] is None
    assert parquet["flags"].to_pylist()[5000] == ["NOT_FIXED", "BACKFILL"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1"])
def test_no_cell_is_run_by_a_spreadsheet(text: str) -> None:
    assert guarded(text) == "'" + text
    assert guarded("宁A12345") == "宁A12345"


@pytest.mark.parametrize("name", READERS)
async def test_a_simplified_track_says_so_and_keeps_what_counts(
    api: Api, writer: asyncpg.Connection, name: str
) -> None:
    vehicle = await register(writer, "宁A12345")
    made = ride(vehicle)
    await record(writer, made)
    answer = await track(api, vehicle, made, format=name, simplify_m=15)
    found = READERS[name][0](answer.content)
    full = expected(made)
    assert len(found) < len(full) / 5
    assert set(found) <= set(full)
    assert {full[0], full[17], full[5000], full[-1]} <= set(found)
    assert b"simplif" in answer.content
    assert answer.headers["x-roadwatch-simplified-m"] == "15"
    for wrong in (0, -1, "x", "inf", 1e9):
        assert (await api.get(f"/v1/vehicles/{vehicle}/track", simplify_m=wrong)).status_code == 400


@pytest.mark.parametrize("tolerance_m", [1.0, 10.0, 200.0])
def test_no_position_that_is_left_out_was_farther_away_than_the_tolerance(tolerance_m: float) -> None:
    """Measured on a flat map of our own."""
    random = np.random.default_rng(7)
    lon = 106 + np.cumsum(random.normal(0, 2e-4, 3000))
    lat = 38 + np.cumsum(random.normal(0, 2e-4, 3000))
    always = np.zeros(3000, np.bool_)
    always[[500, 501]] = True
    places = np.flatnonzero(simplify.kept(lon, lat, tolerance_m, always))
    assert {0, 500, 501, 2999} <= set(places.tolist())
    x, y = lon * 111_195 * np.cos(np.radians(lat.mean())), lat * 111_195
    for first, last in itertools.pairwise(places):
        start, end = np.array([x[first], y[first]]), np.array([x[last], y[last]])
        for place in range(first + 1, last):
            along = end - start
            part = np.clip(
                np.dot([x[place] - start[0], y[place] - start[1]], along) / max(np.dot(along, along), 1e-9),
                0,
                1,
            )
            away = np.hypot(*(np.array([x[place], y[place]]) - start - part * along))
            assert away <= tolerance_m * 1.01


async def test_gcj02_is_marked_as_no_standard(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A12345")
    made = ride(vehicle, 20)
    await record(writer, made)
    answer = await track(api, vehicle, made, crs="gcj02")
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert body["properties"]["crs"] == "GCJ-02"
    assert "not the WGS-84" in body["non_standard"]
    lon, lat = wgs84_to_gcj02(made["lon_e7"] / 1e7, made["lat_e7"] / 1e7)
    assert np.allclose(body["geometry"]["coordinates"], np.column_stack([lon, lat]), atol=1e-7)
    assert np.abs(lon - made["lon_e7"] / 1e7).min() > 1e-4
    for name in READERS:
        if name != "geojson":
            refused = await api.get(f"/v1/vehicles/{vehicle}/track", crs="gcj02", format=name)
            assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (400, "#/query/crs")


@pytest.mark.parametrize(
    ("accept", "name"),
    [("*/*", "geojson"), ("", "geojson"), ("text/csv;q=0.5,application/gpx+xml;q=x", "csv"), ("text/csv;q=0", "geojson"),
     ("application/gpx+xml;q=0.4, text/csv; q=0.8", "csv"), ("image/png", "geojson")],
)  # fmt: skip
def test_the_format_that_is_asked_for(accept: str, name: str) -> None:
    assert accepted(accept).name == name


async def test_people_say_why_and_every_look_is_written_down_first(
    api: Api, writer: asyncpg.Connection
) -> None:
    vehicle = await register(writer, "宁A12345")
    made = ride(vehicle, 20)
    await record(writer, made)
    await account(writer, "wang", Role.DISPATCHER)
    client = await signed_in(api, "wang")
    path, query = f"/v1/vehicles/{vehicle}/track", {"from": iso(BEGAN_MS), "to": iso(BEGAN_MS + 60_000)}
    refused = await client.get(path, params=query)
    assert (refused.status_code, refused.json()["type"]) == (400, "urn:roadwatch:problem:purpose-required")
    for wrong in ("x", " ", "x" * 201, "a\0b"):
        assert (await client.get(path, params={**query, "purpose": wrong})).status_code == 400
    assert (await client.get(path, params={**query, "purpose": "核查 事故"})).status_code == 200
    for header in ("投诉核查".encode().decode("latin-1"), "%E6%8A%95%E8%AF%89%E6%A0%B8%E6%9F%A5"):
        assert (
            await client.get(path, params=query, headers=[(b"x-purpose", header.encode("latin-1"))])
        ).status_code == 200
    assert (await client.get("/v1/vehicles/999/track", params={"purpose": "随便看看"})).status_code == 404
    assert (await api.get(path, from_=iso(BEGAN_MS), to=iso(BEGAN_MS + 60_000))).status_code == 200
    rows = await writer.fetch(
        "SELECT actor, object, purpose, outcome, detail FROM audit WHERE action = 'track.read' ORDER BY seq"
    )
    assert [(row["actor"], row["object"], row["purpose"], row["outcome"]) for row in rows] == [
        ("acc_wang", f"vehicle:{vehicle}", "核查 事故", "ok"),
        ("acc_wang", f"vehicle:{vehicle}", "投诉核查", "ok"),
        ("acc_wang", f"vehicle:{vehicle}", "投诉核查", "ok"),
        ("acc_wang", "vehicle:999", "随便看看", "vehicle-not-found"),
        ("system", f"vehicle:{vehicle}", None, "ok"),
    ]
    assert json.loads(rows[0]["detail"]) == {
        "from": iso(BEGAN_MS), "to": iso(BEGAN_MS + 60_000), "format": "geojson", "positions": 20,
    }  # fmt: skip


async def test_nothing_is_shown_that_could_not_be_written_down(
    api: Api, writer: asyncpg.Connection, database_url: str
) -> None:
    vehicle = await register(writer, "宁A12345")
    await record(writer, ride(vehicle, 20))
    other = await connection(database_url)
    async with other.transaction():
        await other.execute("SELECT * FROM audit_head FOR UPDATE")
        answer = await api.get(
            f"/v1/vehicles/{vehicle}/track", from_=iso(BEGAN_MS), to=iso(BEGAN_MS + 60_000)
        )
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:roadwatch:problem:database-away")
    await other.close()


async def rest(stream: Stream, body: bytearray) -> None:
    while (chunk := await stream._chunk()) is not None:
        body += chunk


@pytest.mark.parametrize("name", ["geojson", "csv", "parquet"])
async def test_a_failure_underway_breaks_the_answer_off(
    api: Api, writer: asyncpg.Connection, database_url: str, name: str
) -> None:
    """The table is locked once the first bytes are here; what waits for it runs into its deadline."""
    vehicle = await register(writer, "宁A12345")
    count = 120_000
    made = fixes(vehicle, [BEGAN_MS + 100 * n for n in range(count)])
    await record(writer, made)
    query = f"from={iso(BEGAN_MS)}&to={iso(BEGAN_MS + 100 * count)}&format={name}"
    other = await connection(database_url)
    body = bytearray()
    async with (
        open_stream(api.port, f"/v1/vehicles/{vehicle}/track?{query}", limit=1024) as stream,
        other.transaction(),
    ):
        await other.execute("LOCK TABLE fix IN ACCESS EXCLUSIVE MODE")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await rest(stream, body)
    await other.close()
    assert len(body) < 20_000_000
    if name != "csv":  # which has no end that could be missing
        with pytest.raises(ValueError):  # noqa: PT011 - each reader's own kind
            READERS[name][0](bytes(body))


def test_files_of_an_export_are_named_by_plate_and_period_and_told_apart() -> None:
    head = Head(7, "宁A12345/yellow", BEGAN_MS, BEGAN_MS + 3_600_000)
    name = file_name(head, FORMATS["kml"], [])
    assert name.startswith("宁A12345-yellow_2026")
    assert name.endswith("Z.kml")
    assert file_name(head, FORMATS["kml"], [name]) == name.replace(".kml", "_7.kml")
    strange = file_name(Head(7, "../a b:c\\d", 0, 1000), FORMATS["csv"], [])
    assert set("/\\:. ").isdisjoint(strange.removesuffix(".csv"))
