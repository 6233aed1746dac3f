"""Every time that comes in, found in the document: whatever is written there, no answer is a 5xx, and one out of range is refused by name."""

import json
from typing import Any

import asyncpg
import pytest

from services.api import openapi
from tests.api.support import Api, register

FAR = ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z",
       "9999-12-31T23:59:59-23:59", "2100-01-01T00:00:00Z"]  # fmt: skip
"""Times, but none of the range that is taken."""
NEVER = ["2026-11-23T24:00:00Z", "2026-12-31T23:59:60Z", "+002026-11-23T00:00:00Z", "-000001-01-01T00:00:00Z", "12026-11-23T00:00:00Z",
         "2026-11-23T00:00:00+24:00", "2026-02-30T00:00:00Z", "2026-11-23", "2026-11-23T00:00:00", "", "0000-01-01T00:00:00Z"]  # fmt: skip
"""No times at all."""
EDGES = [
    "1970-01-01T00:00:00Z",
    "2099-12-31T23:59:59.999Z",
    "2026-11-23T00:00:00+23:59",
    "2026-11-23T00:00:00-23:59",
]
METHODS = ("get", "post", "put", "patch", "delete")
ENDLESS = ("/v1/alerts/stream",)
OF_KAFKA = ("/v1/rejected",)
AREA: dict[str, Any] = {"polygon": [[106.0, 38.0], [106.1, 38.0], [106.1, 38.1]]}
BODIES: dict[str, dict[str, Any]] = {"/v1/search/presence": AREA, "/v1/exports": {"vehicles": ["1"]}}
"""What else a body needs, so that its times are what is wrong."""
PERIOD = {"from": "2026-11-23T00:00:00Z", "to": "2026-11-23T01:00:00Z"}

Entry = tuple[str, str, str, str]
"""Method, path, `query` or `body`, name."""


def entries() -> list[Entry]:
    """Every parameter and every body field that the document calls a time, in whatever operation."""
    document = json.loads(openapi.text())
    shapes = document["components"]["schemas"]
    found: list[Entry] = []
    for path, operations in document["paths"].items():
        for method in METHODS:
            operation = operations.get(method, {})
            found += [
                (method, path, parameter["in"], parameter["name"])
                for parameter in operation.get("parameters", [])
                if "date-time" in json.dumps(parameter.get("schema", {}))
            ]
            for content in operation.get("requestBody", {}).get("content", {}).values():
                shape = content["schema"]
                shape = shapes[shape["$ref"].rsplit("/", 1)[1]] if "$ref" in shape else shape
                found += [
                    (method, path, "body", name)
                    for name, field in shape.get("properties", {}).items()
                    if "date-time" in json.dumps(field)
                ]
    return found


def test_the_document_names_the_entries_that_are_known() -> None:
    found = entries()
    assert {(path, name) for _, path, _, name in found} >= {
        ("/v1/vehicles/{vehicle_id}/track", "from"), ("/v1/vehicles/{vehicle_id}/mileage", "to"), ("/v1/search/presence", "from"),
        ("/v1/exports", "to"), ("/v1/alerts", "from"), ("/v1/audit", "to"),
    }  # fmt: skip
    assert len(found) > 20


async def sent(api: Api, entry: Entry, vehicle: int, value: str) -> tuple[int, str]:
    method, path, where, name = entry
    url = path.replace("{vehicle_id}", str(vehicle)).replace("{webhook_id}", f"we_{0:032x}")
    query: dict[str, str] = {"purpose": "核查"} if "vehicles" in path or path in BODIES else {}
    body: dict[str, Any] | None = None
    if where == "query":
        query |= ({**PERIOD} if path == "/v1/shifts/summary" else {}) | {name: value}
    else:
        body = {**PERIOD, **BODIES.get(path, {}), name: value}
    answer = await api.client.request(method.upper(), url, params=query, json=body)
    return answer.status_code, answer.text


@pytest.mark.parametrize("entry", entries(), ids=" ".join)
async def test_no_time_breaks_an_entry(api: Api, writer: asyncpg.Connection, entry: Entry) -> None:
    vehicle = await register(writer, "宁A12345")
    for value in (*FAR, *NEVER):
        status, text = await sent(api, entry, vehicle, value)
        assert 400 <= status < 500, (value, status, text)
        if value in FAR and entry[0] == "get":
            assert "1970-01-01T00:00:00Z" in text, (value, text)
            assert "2100-01-01T00:00:00Z" in text, (value, text)
    if entry[1] in ENDLESS + OF_KAFKA:
        return
    for value in EDGES:
        status, text = await sent(api, entry, vehicle, value)
        assert status < 500, (value, status, text)


@pytest.mark.parametrize("what", ["track", "trips", "stops", "mileage"])
async def test_a_period_at_the_edge_of_the_range_is_answered(
    api: Api, writer: asyncpg.Connection, what: str
) -> None:
    vehicle = await register(writer, "宁A12345")
    for from_, to in (("1970-01-01T00:00:00Z", "1970-01-02T00:00:00Z"), ("2099-12-31T00:00:00Z", "2099-12-31T23:59:59.999Z")):  # fmt: skip
        answer = await api.get(f"/v1/vehicles/{vehicle}/{what}", from_=from_, to=to, purpose="核查")
        assert answer.status_code == 200, answer.text
    turned = await api.get(f"/v1/vehicles/{vehicle}/{what}", from_=to, to=from_, purpose="核查")
    assert turned.status_code == 400


async def test_a_job_out_of_range_is_refused_when_it_is_asked_for(api: Api) -> None:
    for path, body in BODIES.items():
        period = {"from": "0001-01-01T00:00:00Z", "to": "0001-01-02T00:00:00Z"}
        answer = await api.client.post(path, params={"purpose": "核查", **({"job": "true"} if "presence" in path else {})}, json=body | period)  # fmt: skip
        assert answer.status_code == 400, answer.text
