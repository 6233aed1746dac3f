"""Who was there: equal to looking at every row, whatever the view; as a job the same; limits that are told."""

import asyncio
import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx2
import numpy as np
import pytest
import shapely

from services.api.history import jobs as job_routes
from services.api.history import presence as search
from services.api.identity import Role
from services.contracts.alert import iso
from services.contracts.fix import Fixes
from services.contracts.reasons import FLAG_BITS
from services.store import jobs
from tests.api.accounts import account, signed_in
from tests.api.support import BEGAN_MS, DEADLINE_S, Api, fixes, record, register, start

HOUR_MS = 3_600_000
CITY = [[106.20, 38.45], [106.30, 38.45], [106.32, 38.50], [106.25, 38.47], [106.20, 38.52]]
STRIP = [[106.0, 38.48], [106.6, 38.48], [106.6, 38.481], [106.0, 38.481]]
ROAD = [[106.15, 38.40], [106.25, 38.48], [106.40, 38.49]]
PURPOSE = {"purpose": "事故排查"}
EARTH_M = 6_371_008.7714


@dataclass(frozen=True)
class Seen:
    """A fix as the brute force reads it."""

    at_ms: int
    received_ms: int
    offset: int
    lon: float
    lat: float


def away_m(one: Seen, other: Seen) -> float:
    d_lat, d_lon = math.radians(other.lat - one.lat) / 2, math.radians(other.lon - one.lon) / 2
    square = (
        math.sin(d_lat) ** 2
        + math.cos(math.radians(one.lat)) * math.cos(math.radians(other.lat)) * math.sin(d_lon) ** 2
    )
    return 2 * EARTH_M * math.asin(math.sqrt(square))


def brute(
    rows: dict[int, list[Seen]], area: shapely.Geometry, period: tuple[int, int], gap_s: int
) -> dict[int, tuple[int, int, int]]:
    """Of each vehicle (fixes inside, first, last): every fix and every leg looked at, in Python."""
    found = {}
    for vehicle, seen in rows.items():
        way = sorted(seen, key=lambda fix: (fix.at_ms, fix.received_ms, fix.offset))
        inside = [
            fix.at_ms
            for fix in way
            if period[0] <= fix.at_ms < period[1] and area.intersects(shapely.Point(fix.lon, fix.lat))
        ]
        if inside:
            found[vehicle] = (len(inside), min(inside), max(inside))
            continue
        legs = list(crossing(way, area, period, gap_s))
        if legs:
            found[vehicle] = (0, min(leg[0] for leg in legs), max(leg[1] for leg in legs))
    return found


def crossing(
    way: list[Seen], area: shapely.Geometry, period: tuple[int, int], gap_s: int
) -> Iterator[tuple[int, int]]:
    for one, other in itertools.pairwise(way):
        took_s = (other.at_ms - one.at_ms) / 1000
        if (
            one.at_ms < period[1]
            and other.at_ms >= period[0]
            and took_s <= gap_s
            and away_m(one, other) <= took_s * 160 / 3.6 + 200
            and area.intersects(shapely.LineString([(one.lon, one.lat), (other.lon, other.lat)]))
        ):
            yield one.at_ms, other.at_ms


def wander(vehicle: int, random: np.random.Generator) -> Fixes:
    """Two hours around the city: sparse, with jumps, fixes without a position, and two at one moment."""
    count = 120
    step_ms = random.choice([10_000, 30_000, 60_000, 90_000, 120_000, 150_000], count)
    times = (BEGAN_MS - HOUR_MS // 2 + np.cumsum(step_ms)).tolist()
    made = fixes(vehicle, times)
    made["lon_e7"] = (
        1_062_500_000
        + np.cumsum(random.normal(0, 60_000, count)).astype(int)
        + int(random.normal(0, 400_000))
    )
    made["lat_e7"] = (
        384_800_000 + np.cumsum(random.normal(0, 60_000, count)).astype(int) + int(random.normal(0, 300_000))
    )
    spikes = random.random(count) < 0.03
    made["lat_e7"][spikes] += 9_000_000
    made["flags"][random.random(count) < 0.05] = FLAG_BITS["NOT_FIXED"]
    doubles = np.flatnonzero(random.random(count) < 0.05)[1:]
    made["time_ms"][doubles] = made["time_ms"][doubles - 1]
    made["received_ms"] = made["time_ms"] + random.integers(0, 5000, count)
    return made


def rows_of(made: list[Fixes]) -> dict[int, list[Seen]]:
    found: dict[int, list[Seen]] = {}
    for fix in np.concatenate(made):
        if not fix["flags"]:
            found.setdefault(int(fix["vehicle"]), []).append(
                Seen(int(fix["time_ms"]), int(fix["received_ms"]), int(fix["raw_offset"]), int(fix["lon_e7"]) / 1e7, int(fix["lat_e7"]) / 1e7)
            )  # fmt: skip
    return found


def answered(answer: httpx2.Response) -> dict[int, tuple[int, str, str]]:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["truncated"], body["total"]) == (False, len(body["items"]))
    for item in body["items"]:
        assert item["between_fixes"] == (item["fixes"] == 0)
    return {item["vehicle"]: (item["fixes"], item["first"], item["last"]) for item in body["items"]}


def told(found: dict[int, tuple[int, int, int]]) -> dict[int, tuple[int, str, str]]:
    return {vehicle: (count, iso(first), iso(last)) for vehicle, (count, first, last) in found.items()}


async def fleet(writer: asyncpg.Connection, count: int = 60) -> list[Fixes]:
    random = np.random.default_rng(11)
    made = []
    for number in range(count):
        vehicle = await register(
            writer, f"宁A{number:05}", vehicle_class=("coach", "hazmat", "freight")[number % 3],
            division=("640104", "640200")[number % 2], operator=f"企业{number % 5}",
        )  # fmt: skip
        made.append(wander(vehicle, random))
    await record(writer, np.concatenate(made))
    return made


def body(**changes: Any) -> dict[str, Any]:
    return {"polygon": CITY, "from": iso(BEGAN_MS), "to": iso(BEGAN_MS + HOUR_MS), **changes}


async def test_it_equals_looking_at_every_row(api: Api, writer: asyncpg.Connection) -> None:
    rows = rows_of(await fleet(writer))
    marked = 0
    for hours, ring in itertools.product(((0, 1), (0, 2), (0.25, 0.3), (-0.5, 2)), (CITY, STRIP)):
        period = BEGAN_MS + round(hours[0] * HOUR_MS), BEGAN_MS + round(hours[1] * HOUR_MS)
        for gap_s in (20, 120):
            asked = {"polygon": ring, "from": iso(period[0]), "to": iso(period[1]), "max_gap_s": gap_s}
            answer = await api.client.post("/v1/search/presence", json=asked)
            expected = brute(rows, shapely.Polygon(ring), period, gap_s)
            assert answered(answer) == told(expected), (hours, gap_s)
            marked += sum(not count for count, _, _ in expected.values())
    assert marked > 50, "the case that matters was among them"


async def test_a_stretch_of_road_takes_in_what_is_within_its_buffer(
    api: Api, writer: asyncpg.Connection
) -> None:
    """Against a corridor of our own, which may differ by half a percent: only those clearly inside or outside decide."""
    rows = rows_of(await fleet(writer))
    asked = body(line=ROAD, buffer_m=800)
    del asked["polygon"]
    found = answered(await api.client.post("/v1/search/presence", json=asked))
    squeeze = math.cos(math.radians(38.45))
    flat = shapely.LineString([(lon * squeeze, lat) for lon, lat in ROAD])

    def inside(metres: float) -> set[int]:
        corridor = flat.buffer(metres / 111_195, quad_segs=64)
        return {
            vehicle
            for vehicle, seen in rows.items()
            if any(
                BEGAN_MS <= fix.at_ms < BEGAN_MS + HOUR_MS
                and corridor.intersects(shapely.Point(fix.lon * squeeze, fix.lat))
                for fix in seen
            )
        }

    with_fixes = {vehicle for vehicle, (count, _, _) in found.items() if count}
    assert inside(780) <= with_fixes <= inside(820)
    assert len(with_fixes) > 5


async def test_conditions_and_views_bound_it(api: Api, writer: asyncpg.Connection) -> None:
    made = await fleet(writer)
    rows = rows_of(made)
    await writer.execute("UPDATE registration SET valid_to = $1 WHERE vehicle_id % 7 = 0", datetime.fromtimestamp(BEGAN_MS / 1000 + 900, UTC))  # fmt: skip
    expected = brute(rows, shapely.Polygon(CITY), (BEGAN_MS, BEGAN_MS + HOUR_MS), 120)
    kept = {
        row["vehicle_id"]: row
        for row in await writer.fetch(
            "SELECT r.*, o.name FROM registration r JOIN operator o ON o.id = r.operator_id WHERE valid_to IS NULL"
        )
    }
    await account(writer, "city", Role.AUTHORITY, divisions=["6401"])
    await account(writer, "firm", Role.ENTERPRISE, operators=["企业2"])
    for login, asked, sees in (
        (None, {"classes": ["hazmat"]}, lambda row: row["vehicle_class"] == "hazmat"),
        (None, {"operators": ["企业1", "企业2"], "divisions": ["64"]}, lambda row: row["name"] in {"企业1", "企业2"}),
        ("city", {}, lambda row: row["division"].startswith("6401")),
        ("city", {"divisions": ["6402"]}, lambda _: False),
        ("firm", {"classes": ["coach"]}, lambda row: row["name"] == "企业2" and row["vehicle_class"] == "coach"),
    ):  # fmt: skip
        client = api.client if login is None else await signed_in(api, login)
        answer = await client.post("/v1/search/presence", params=PURPOSE, json=body(**asked))
        found = answered(answer)
        assert {vehicle: stay for vehicle, stay in found.items() if vehicle in kept} == told(
            {vehicle: stay for vehicle, stay in expected.items() if vehicle in kept and sees(kept[vehicle])}
        ), (login, asked)
        for vehicle in found.keys() - kept.keys():
            assert found[vehicle][1] < iso(BEGAN_MS + 900_000), "a registration that was over by then"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"polygon": CITY[:2]}, "invalid-body"),
        ({"polygon": [[0, 0], [1, 1], [0, 1], [1, 0]]}, "area-invalid"),
        ({"polygon": [[0, 0], [1, 1], [0, 0]]}, "area-invalid"),
        ({"polygon": [[100, 20], [120, 20], [120, 40], [100, 40]]}, "area-invalid"),
        ({"polygon": [[106, 38], [108, 38], [108, 40], [106, 40]]}, "search-too-large"),
        ({"polygon": [[106, 91], [107, 38], [108, 40]]}, "invalid-body"),
        ({"line": ROAD}, "invalid-body"),
        ({"buffer_m": 5}, "invalid-body"),
        ({"polygon": None}, "invalid-body"),
        ({"from": "yesterday"}, "invalid-body"),
        ({"to": iso(BEGAN_MS)}, "invalid-body"),
        ({"to": iso(BEGAN_MS + 7 * HOUR_MS)}, "search-too-large"),
        ({"to": iso(BEGAN_MS + 32 * 24 * HOUR_MS)}, "period-too-long"),
        ({"classes": ["tank"]}, "invalid-body"),
        ({"colour": "red"}, "invalid-body"),
        ({"max_gap_s": 0}, "invalid-body"),
    ],
)
async def test_what_cannot_be_searched_is_said(api: Api, change: dict[str, Any], problem: str) -> None:
    asked = {name: value for name, value in body(**change).items() if value is not None}
    answer = await api.client.post("/v1/search/presence", json=asked)
    assert (answer.status_code, answer.json()["type"]) == (400, f"urn:roadwatch:problem:{problem}"), (
        answer.text
    )


async def test_a_search_is_written_down_and_tells_when_it_is_cut(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await fleet(writer)
    total = len(brute(rows_of(made), shapely.Polygon(CITY), (BEGAN_MS, BEGAN_MS + HOUR_MS), 120))
    await account(writer, "wang", Role.AUTHORITY)
    client = await signed_in(api, "wang")
    assert (await client.post("/v1/search/presence", json=body())).json()["type"].endswith("purpose-required")
    monkeypatch.setattr(search, "AT_ONCE_ROWS", 3)
    cut = (await client.post("/v1/search/presence", params=PURPOSE, json=body())).json()
    assert (len(cut["items"]), cut["total"], cut["truncated"]) == (3, total, True)
    (row,) = await writer.fetch("SELECT * FROM audit WHERE action = 'presence.search'")
    assert (row["actor"], row["purpose"]) == ("acc_wang", PURPOSE["purpose"])
    detail = json.loads(row["detail"])
    assert (detail["vehicles"], detail["request"]["polygon"]) == (total, CITY)


async def ended(client: httpx2.AsyncClient, job: str) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found: dict[str, Any] = (await client.get(f"/v1/jobs/{job}")).json()
            if found["state"] not in {"waiting", "running"}:
                return found
            await asyncio.sleep(0.05)


async def test_a_job_finds_the_same(api: Api, writer: asyncpg.Connection) -> None:
    await fleet(writer)
    await account(writer, "city", Role.AUTHORITY, divisions=["6401"])
    client = await signed_in(api, "city")
    asked = body(to=iso(BEGAN_MS + 6 * HOUR_MS))
    at_once = await client.post("/v1/search/presence", params=PURPOSE, json=asked)
    taken = await client.post("/v1/search/presence", params={**PURPOSE, "job": "true"}, json=asked)
    assert (taken.status_code, taken.headers["location"]) == (202, f"/v1/jobs/{taken.json()['id']}")
    job = await ended(client, taken.json()["id"])
    assert (job["state"], job["progress"], job["error"]) == ("done", 1.0, None)
    result = await client.get(job["result"])
    assert result.content == at_once.content
    assert [item["id"] for item in (await client.get("/v1/jobs")).json()["items"]] == [job["id"]]
    again = (await client.post("/v1/search/presence", params={**PURPOSE, "job": "true"}, json=asked)).json()
    first = (await client.get("/v1/jobs?limit=1")).json()
    rest = (await client.get("/v1/jobs", params={"cursor": first["next"]})).json()
    assert [item["id"] for item in first["items"] + rest["items"]] == [again["id"], job["id"]]
    assert rest["next"] is None
    other = await signed_in(api, "city")
    assert (await other.get(job["result"])).status_code == 200, "the account's, not the session's"
    await account(writer, "else", Role.AUTHORITY)
    stranger = await signed_in(api, "else")
    for path in (f"/v1/jobs/{job['id']}", job["result"]):
        assert (await stranger.get(path)).json()["type"] == "urn:roadwatch:problem:job-not-found"
    assert (await stranger.delete(f"/v1/jobs/{job['id']}")).status_code == 404
    actions = [
        row["action"]
        for row in await writer.fetch("SELECT action FROM audit WHERE object = $1 ORDER BY seq", job["id"])
    ]
    assert actions == ["presence.job", "job.read", "job.read"]


async def waiting_job(
    writer: asyncpg.Connection, name: str, request: dict[str, Any], who: str = "system"
) -> str:
    job = f"job_{name:0>32}"
    await jobs.add(writer, job, who, "presence", request, BEGAN_MS)
    return job


async def test_a_job_outlives_the_process_that_had_it(api: Api, writer: asyncpg.Connection) -> None:
    """Whoever had taken it is silent for more than a minute; it begins anew, and the old worker can write no more."""
    await fleet(writer, 5)
    job = f"job_{'a' * 32}"
    async with writer.transaction():
        await jobs.add(writer, job, "system", "presence", body(), BEGAN_MS)
        taken = await jobs.take(writer, BEGAN_MS, 60_000, ["presence"])
    assert taken is not None
    api.state.jobs_waiting.set()
    assert (await ended(api.client, job))["state"] == "done"
    assert await jobs.beat(writer, job, taken["beat_at"], BEGAN_MS, 0.5) is None
    await jobs.end(writer, job, taken["beat_at"], "failed", BEGAN_MS, error="too late")
    assert (await api.get(f"/v1/jobs/{job}")).json()["error"] is None


async def test_two_processes_share_the_jobs_and_a_stopped_one_gives_its_own_back(
    api: Api, writer: asyncpg.Connection
) -> None:
    await fleet(writer, 5)
    other = await start(api.settings)
    names = [f"job_{n:032x}" for n in range(6)]
    for name in names:
        await jobs.add(writer, name, "system", "presence", body(to=iso(BEGAN_MS + 48 * HOUR_MS)), BEGAN_MS)
    api.state.jobs_waiting.set()
    other.state.jobs_waiting.set()
    await asyncio.sleep(0.05)
    await other.stop()
    for name in names:
        assert (await ended(api.client, name))["state"] == "done"


async def test_a_cancelled_job_stops_and_an_account_without_the_permission_gets_nothing(
    api: Api, writer: asyncpg.Connection
) -> None:
    await account(writer, "li", Role.AUTHORITY)
    client = await signed_in(api, "li")
    taken = (
        await client.post(
            "/v1/search/presence",
            params={**PURPOSE, "job": "true"},
            json=body(to=iso(BEGAN_MS + 31 * 24 * HOUR_MS)),
        )
    ).json()
    await client.delete(f"/v1/jobs/{taken['id']}")
    assert (await ended(client, taken["id"]))["state"] in {"cancelled", "done"}
    await writer.execute("UPDATE account SET role = 'partner' WHERE id = 'acc_li'")
    job = await waiting_job(writer, "b", body(), "acc_li")
    api.state.jobs_waiting.set()
    failed = await ended(api.client, job)
    assert failed["state"] == "failed"
    assert "tracks:read" in failed["error"]
    assert (await api.get(f"/v1/jobs/{job}/result")).json()["type"] == "urn:roadwatch:problem:job-not-done"


async def test_not_too_many_at_a_time(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_routes, "MOST_UNDONE", 0)
    answer = await api.client.post("/v1/search/presence", params={"job": "true"}, json=body())
    assert (answer.status_code, answer.json()["type"]) == (429, "urn:roadwatch:problem:too-many-jobs")
