"""What is shown of people, and to whom; who is near; exports of several tracks."""

import csv
import io
import json
import zipfile
from typing import Any

import asyncpg
import numpy as np
import pytest
from msgspec import json as fast
from msgspec.structs import replace

from services.api.history.drivers import masked_code, masked_name, masked_number
from services.api.history.near import bearing
from services.api.identity import Role
from services.contracts.alert import Sentence, iso
from services.runtime.clock import now_ms
from tests.api.accounts import account, signed_in
from tests.api.support import (
    BEGAN_MS,
    Api,
    assign,
    event,
    fixes,
    open_stream,
    put,
    record,
    register,
    until,
)
from tests.api.test_presence import ended

PURPOSE = {"purpose": "事故调查"}
IDENTITY = "640102199001011234"


async def hire(writer: asyncpg.Connection) -> None:
    for code, name, operator, phone in (
        ("640100-0001", "王小明", "甲公司", "13800005678"), (IDENTITY, "欧阳娜", "甲公司", None), ("640200-0002", "李四", "乙公司", "0951-12"),
    ):  # fmt: skip
        await writer.execute("INSERT INTO operator (name) VALUES ($1) ON CONFLICT DO NOTHING", operator)
        await writer.execute(
            "INSERT INTO driver (driver, name, operator_id, phone) SELECT $1, $2, id, $4 FROM operator WHERE name = $3",
            code, name, operator, phone,
        )  # fmt: skip


async def test_drivers_are_masked_unless_role_and_purpose_allow(api: Api, writer: asyncpg.Connection) -> None:
    await hire(writer)
    await account(writer, "dis", Role.DISPATCHER)
    await account(writer, "aut", Role.AUTHORITY)
    dispatcher, authority = await signed_in(api, "dis"), await signed_in(api, "aut")
    assert (await dispatcher.get("/v1/drivers")).json()["type"].endswith("purpose-required")
    items = (await dispatcher.get("/v1/drivers", params=PURPOSE)).json()["items"]
    assert [(item["driver"], item["name"], item["phone"], item["masked"]) for item in items] == [
        ("640100-0001", "王*", "138****5678", True), ("6401**********1234", "欧*", None, True), ("640200-0002", "李*", "0****2", True),
    ]  # fmt: skip
    refused = await dispatcher.get("/v1/drivers", params={**PURPOSE, "unmask": "true"})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:roadwatch:problem:forbidden")
    assert (await authority.get("/v1/drivers/640100-0001", params={"unmask": "true"})).status_code == 400
    one = (await authority.get("/v1/drivers/640100-0001", params={**PURPOSE, "unmask": "true"})).json()
    assert (one["name"], one["phone"], one["masked"]) == ("王小明", "13800005678", False)
    assert (await authority.get("/v1/drivers/none", params=PURPOSE)).status_code == 404
    rows = await writer.fetch(
        "SELECT actor, action, object, outcome, detail FROM audit WHERE action LIKE 'driver.%' ORDER BY seq"
    )
    assert [(row["actor"], row["action"], row["object"], row["outcome"]) for row in rows] == [
        ("acc_dis", "driver.list", "drivers", "ok"), ("acc_aut", "driver.read", "driver:640100-0001", "ok"),
        ("acc_aut", "driver.read", "driver:none", "driver-not-found"),
    ]  # fmt: skip
    assert json.loads(rows[1]["detail"]) == {"unmask": True}


async def test_drivers_stay_in_view_and_pages_hold_no_identity(api: Api, writer: asyncpg.Connection) -> None:
    await hire(writer)
    vehicle = await register(writer, "宁A12345", operator="乙公司", division="640200")
    await register(writer, "宁A12346", operator="甲公司", division="640200")
    await assign(writer, vehicle, "R-1", driver="640200-0002")
    await account(writer, "jia", Role.ENTERPRISE, operators=["甲公司"])
    await account(writer, "yi", Role.AUTHORITY, divisions=["6402"])
    for login, names in (("jia", ["640100-0001", masked_code(IDENTITY)]), ("yi", ["640200-0002"])):
        client = await signed_in(api, login)
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await client.get("/v1/drivers", params={**PURPOSE, "limit": "1", **cursor})).json()
            found += [item["driver"] for item in page["items"]]
            if page["next"] is None:
                break
            assert IDENTITY[:10] not in page["next"]
            cursor = {"cursor": page["next"]}
        assert found == names, login
    client = await signed_in(api, "yi")
    assert (await client.get("/v1/drivers/640100-0001", params=PURPOSE)).status_code == 404


def test_masks() -> None:
    assert (masked_name("王"), masked_name("欧阳娜娜"), masked_name("")) == ("王*", "欧*", "*")
    assert [masked_number(text) for text in ("13812345678", "+8613812345678", "1234567", "123")] == [
        "138****5678", "+86****5678", "1****7", "****",
    ]  # fmt: skip
    assert masked_code("64010219900101123X") == "6401**********123X"
    assert masked_code("640100-0001") == "640100-0001"


async def test_a_partner_learns_of_no_driver(api: Api, writer: asyncpg.Connection) -> None:
    """Neither in lists nor in single alerts, pulled events or streams; others do."""
    made = event(
        "alr_1",
        rule="fatigue",
        kind="continuous",
        why={"timeline": [], "driver": "640100-0001", "cards": ["640100-0001"]},
    )
    alert = replace(
        made.alert,
        driver="640100-0001",
        sentence=Sentence(zh="驾驶员 640100-0001 连续驾驶", en="Driver 640100-0001: 4 h"),
    )
    made = type(made)(
        event_id=made.event_id, type=made.type, time_ms=made.time_ms, alert=alert, severity_rank=made.severity_rank,
        began_ms=made.began_ms, ended_ms=None, data=fast.encode(alert),
    )  # fmt: skip
    for login, role in (("partner", Role.PARTNER), ("dis", Role.DISPATCHER)):
        await account(writer, login, role)
    partner, dispatcher = await signed_in(api, "partner"), await signed_in(api, "dis")
    cookie = {
        "cookie": "; ".join(f"{name}={value}" for name, value in partner.cookies.items()),
        "authorization": None,
    }
    async with open_stream(api.port, headers=cookie) as stream, open_stream(api.port) as full:
        await put(writer, [made])
        (message,), (named,) = await stream.events(1), await full.events(1)
    async with open_stream(api.port, "/v1/alerts/stream?after=0", headers=cookie) as stream:
        (again,) = await stream.events(1)
    assert again.data == message.data
    assert "640100-0001" in (named.data or "")
    shown = [message.data or ""]
    for path in ("/v1/alerts", "/v1/alerts/alr_1", "/v1/events"):
        assert "640100-0001" in (await dispatcher.get(path)).text, path
        shown.append((await partner.get(path)).text)
    for text in shown:
        assert "640100-0001" not in text
        assert '"driver":null' in text
        assert "驾驶员 *** 连续驾驶" in text


async def test_a_partner_learns_of_staff_by_role_alone(api: Api, writer: asyncpg.Connection) -> None:
    """Who handled an alert has an id and a role to it, in lists, single alerts, pulled events and streams; to others a name."""
    for login, role in (("partner", Role.PARTNER), ("dis", Role.DISPATCHER), ("sup", Role.SUPERVISOR)):
        await account(writer, login, role)
    partner, dispatcher = await signed_in(api, "partner"), await signed_in(api, "dis")
    await put(writer, [event("alr_1")])
    assigned = await dispatcher.post(
        "/v1/alerts/alr_1/assign", json={"account": "sup"}, headers={"if-match": '"0"'}
    )
    assert assigned.status_code == 200, assigned.text
    cookie = {
        "cookie": "; ".join(f"{name}={value}" for name, value in partner.cookies.items()),
        "authorization": None,
    }
    async with open_stream(api.port, "/v1/alerts/stream?after=0", headers=cookie) as stream:
        shown = [(await stream.events(2))[1].data or ""]
    for path in ("/v1/alerts", "/v1/alerts/alr_1", "/v1/events"):
        assert "账号 dis" in (await dispatcher.get(path)).text, path
        shown.append((await partner.get(path)).text)
    for text in shown:
        assert "账号" not in text
        assert '"by":{"id":"acc_dis","name":"dispatcher","role":"dispatcher"}' in text
        assert '"assignee":{"id":"acc_sup","name":"supervisor","role":"supervisor"}' in text


async def test_who_is_near(api: Api, writer: asyncpg.Connection) -> None:
    """Distance and bearing by places whose distances are known: a minute of latitude is 1,853 m."""
    near, far, coach = [
        await register(writer, plate, vehicle_class=kind, division=division)
        for plate, kind, division in (("宁A1", "hazmat", "640104"), ("宁A2", "hazmat", "640200"), ("宁A3", "coach", "640104"))
    ]  # fmt: skip
    await writer.execute("UPDATE registration SET subtype = 'W2' WHERE vehicle_id = $1", near)
    at_ms = now_ms() - 30_000
    made = np.concatenate([fixes(vehicle, [at_ms], heading=[90]) for vehicle in (near, far, coach)])
    made["lon_e7"] = 1_062_000_000
    made["lat_e7"] = [385_000_000 + 166_667, 385_000_000 - 500_000, 385_000_000]
    api.state.livemap.update(made)

    def learned() -> bool:
        """The map knows what was written last: it is asked to look until it does, for it may be looking already."""
        api.state.livemap._named_s = float("-inf")
        names = api.state.livemap.names
        return near in names and names[near].subtype == "W2" and len(names) == 3

    await until(learned)
    asked = {"lon": 106.2, "lat": 38.5, "radius_m": 6000}
    body = (await api.get("/v1/search/near", **asked)).json()
    assert [(item["vehicle"], item["distance_m"], item["bearing"]) for item in body["items"]] == [
        (coach, 0, 0), (near, pytest.approx(1853, abs=3), 0), (far, pytest.approx(5560, abs=8), 180),
    ]  # fmt: skip
    hazmat = (await api.get("/v1/search/near", **asked, classes="hazmat", limit=1)).json()
    (item,) = hazmat["items"]
    assert (item["vehicle"], item["subtype"], item["hazmat"], item["heading"]) == (near, "W2", True, 90)
    assert (hazmat["total"], hazmat["truncated"]) == (2, True)
    assert 29 <= item["age_s"] <= 90
    assert (await api.get("/v1/search/near", **asked, max_age_s=5)).json()["items"] == []
    assert len((await api.get("/v1/search/near", lon=106.2, lat=38.5, radius_m=3000)).json()["items"]) == 2
    await account(writer, "city", Role.DISPATCHER, divisions=["6401"])
    client = await signed_in(api, "city")
    seen = (await client.get("/v1/search/near", params=asked)).json()["items"]
    assert {item["vehicle"] for item in seen} == {near, coach}
    for wrong in (
        {"lon": 106.2},
        {**asked, "radius_m": 50_001},
        {**asked, "lat": "nan"},
        {**asked, "classes": "tank"},
    ):
        assert (await api.get("/v1/search/near", **wrong)).status_code == 400


@pytest.mark.parametrize(
    ("there", "degrees"), [((106.3, 38.5), 90), ((106.1, 38.5), 270), ((106.2, 38.4), 180)]
)
def test_bearings(there: tuple[float, float], degrees: int) -> None:
    assert bearing(106.2, 38.5, *there) == pytest.approx(degrees, abs=1)


async def test_several_tracks_in_one_file(api: Api, writer: asyncpg.Connection) -> None:
    mine, other = (
        await register(writer, "宁A00001", division="640104"),
        await register(writer, "宁A00002", division="640200"),
    )
    for vehicle in (mine, other):
        await record(writer, fixes(vehicle, [BEGAN_MS + 1000 * n for n in range(1500)]))
    await account(writer, "city", Role.AUTHORITY, divisions=["6401"])
    await account(writer, "dis", Role.DISPATCHER)
    client = await signed_in(api, "city")
    asked = {
        "vehicles": [str(mine), "宁A00001/yellow", str(other), "宁Z99999/blue"],
        "from": iso(BEGAN_MS),
        "to": iso(BEGAN_MS + 86_400_000),
        "format": "csv",
    }
    assert (await client.post("/v1/exports", json=asked)).json()["type"].endswith("purpose-required")
    assert (
        await (await signed_in(api, "dis")).post("/v1/exports", json=asked, params=PURPOSE)
    ).status_code == 403
    taken = await client.post("/v1/exports", json=asked, params=PURPOSE)
    assert taken.status_code == 202, taken.text
    job = await ended(client, taken.json()["id"])
    assert job["state"] == "done", job
    answer = await client.get(job["result"])
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    contents = json.loads(archive.read("contents.json"))
    assert [(entry["vehicle"], entry["positions"]) for entry in contents["tracks"]] == [
        (mine, 1500),
        (mine, 1500),
        (None, 0),
        (None, 0),
    ]
    rows = list(csv.DictReader(io.StringIO(archive.read(contents["tracks"][0]["file"]).decode("utf-8-sig"))))
    assert (len(rows), rows[-1]["time"]) == (1500, iso(BEGAN_MS + 1_499_000))
    (row,) = await writer.fetch("SELECT purpose, detail FROM audit WHERE action = 'track.export'")
    assert row["purpose"] == PURPOSE["purpose"]
    changes: list[dict[str, Any]] = [
        {"vehicles": []},
        {"vehicles": ["x"]},
        {"format": "xlsx"},
        {"from": "now"},
        {"more": 1},
    ]
    for wrong in changes:
        assert (
            await client.post("/v1/exports", json={**asked, **wrong}, params=PURPOSE)
        ).status_code == 400, wrong
