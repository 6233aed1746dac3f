"""Everything that is asked for has an end: lists a `limit`, bodies a size, periods a length; beyond it the answer says what to do.

The cases make themselves from docs/openapi.json: an operation that is new must have such an end, or stand here with what bounds it instead.
"""

from dataclasses import replace
from typing import Any

import asyncpg
import httpx2
import pytest

from services.api.access import MOST_BODY
from tests.api.example_world import Asked, asked, document, furnish
from tests.api.support import Api

BOUNDED_OTHERWISE = {
    "list_alert_groups": "5,000 latest",
    "list_trips": "31 days",
    "list_stops": "31 days",
    "list_rules": "last 100",
    "list_webhook_event_types": "each type",
    "list_providers": "one provider at most",
    "list_roads": "at most 4000",
    "list_zones": "at most 2000",
    "list_routes": "at most 2000",
    "search_presence": "20,000 km",
    "get_job_result": "a job that is done",
    "acknowledge_alerts": "Each alert",
}
"""Lists that take no `limit`, and the words of their own descriptions that say what bounds them."""
PERIODS = (("from", "to"), ("since", "until"))
PAGED_PERIODS = {
    "list_alerts": "limit",
    "list_audit": "limit",
    "list_rejected": "limit",
    "stream_alerts": "what happens from now on",
    "list_alert_groups": "5,000 latest",
}
"""Periods that may be of any length, since something else bounds the answer."""
DAYS = 31


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    known = document()["components"]["schemas"]
    while "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    return schema


def lists() -> list[Asked]:
    """Operations whose answer has a member for each of many things."""
    found = []
    for one in asked():
        contents = one.described["responses"].get("200", {}).get("content", {}).values()
        if any(
            {"items", "features"} & resolved(each.get("schema", {})).get("properties", {}).keys()
            for each in contents
        ):
            found.append(one)
    return found


def parameter(one: Asked, name: str) -> dict[str, Any]:
    (found,) = (
        each for each in one.described["parameters"] if each["name"] == name and each["in"] == "query"
    )
    return dict(found)


def said(one: Asked) -> str:
    """All that the document says of an operation and its parameters."""
    return " ".join(
        [
            one.described["description"],
            *(each.get("description", "") for each in one.described.get("parameters", ())),
        ]
    )


def with_body() -> list[Asked]:
    return [one for one in asked() if one.body_schema]


def period_of(one: Asked) -> tuple[str, str, bool] | None:
    """The names of its period, and whether they stand in the body."""
    members = resolved(one.body_schema).get("properties", {})
    for names in PERIODS:
        if all(one.takes(name) for name in names):
            return (*names, False)
        if all(name in members for name in names):
            return (*names, True)
    return None


def with_period() -> list[Asked]:
    return [one for one in asked() if period_of(one) is not None]


async def answer(api: Api, writer: asyncpg.Connection, one: Asked, **more: Any) -> httpx2.Response:
    headers = {**one.headers, **await furnish(writer, one), "accept-language": "en"}
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{api.port}", trust_env=False, timeout=20
    ) as client:
        return await client.request(one.method, one.path, params=one.query, headers=headers, **more)


def problem(found: httpx2.Response) -> tuple[int, str]:
    assert found.headers["content-type"] == "application/problem+json", found.text
    assert len(found.json()["detail"].split()) >= 5, "it does not say what to do"
    return found.status_code, found.json()["type"].rpartition(":")[2]


def test_every_list_has_an_end() -> None:
    for one in lists():
        if not one.takes("limit"):
            assert BOUNDED_OTHERWISE.get(one.name, "?") in said(one), one.name
            continue
        assert one.name not in BOUNDED_OTHERWISE
        schema = parameter(one, "limit")["schema"]
        assert schema["minimum"] == 1
        assert schema["default"] <= schema["maximum"] <= 50_000, one.name
        assert str(schema["maximum"]) in said(one), one.name


@pytest.mark.parametrize("one", [one for one in lists() if one.takes("limit")], ids=lambda one: one.name)
async def test_a_limit_holds(api: Api, writer: asyncpg.Connection, one: Asked) -> None:
    most = parameter(one, "limit")["schema"]["maximum"]
    for wrong in (0, -1, "all"):
        found = await answer(api, writer, replace(one, query={**one.query, "limit": wrong}))
        assert problem(found) == (400, "invalid-parameter")
        assert [fault["pointer"] for fault in found.json()["errors"]] == ["#/query/limit"]
    found = await answer(api, writer, replace(one, query={**one.query, "limit": most + 1}))
    if found.status_code == 200:  # taken for the most there is
        assert len(found.json()["items"]) <= most
    else:
        assert problem(found) == (400, "invalid-parameter")
        assert str(most) in found.json()["errors"][0]["detail"]


@pytest.mark.parametrize("one", with_body(), ids=lambda one: one.name)
async def test_a_body_beyond_the_most_is_refused(api: Api, writer: asyncpg.Connection, one: Asked) -> None:
    async def pieces() -> Any:
        for _ in range(MOST_BODY // 1000 + 1):
            yield b" " * 1000

    assert "413" in one.described["responses"]
    for content in (b" " * (MOST_BODY + 1), pieces()):
        found = await answer(api, writer, one, content=content)
        assert problem(found) == (413, "body-too-large")
        assert str(MOST_BODY) in found.json()["detail"]


@pytest.mark.parametrize("one", with_period(), ids=lambda one: one.name)
async def test_a_period_has_an_order_and_a_length(api: Api, writer: asyncpg.Connection, one: Asked) -> None:
    found = period_of(one)
    assert found is not None
    begin, end, in_body = found

    async def asked_for(begins: str, ends: str) -> httpx2.Response:
        period = {begin: begins, end: ends}
        if in_body:
            return await answer(api, writer, one, json={**one.body, **period})
        return await answer(api, writer, replace(one, query={**one.query, **period}))

    for times in (
        ("2026-11-23T00:00:00Z",) * 2,
        ("2026-11-24T00:00:00Z", "2026-11-23T00:00:00Z"),
        ("yesterday", "2026-11-23T00:00:00Z"),
    ):
        refused = await asked_for(*times)
        assert problem(refused) == (400, "invalid-body" if in_body else "invalid-parameter"), times
        pointers = [fault["pointer"] for fault in refused.json()["errors"]]
        assert pointers[0].startswith("#/body" if in_body else "#/query"), pointers
    long = ("2026-10-01T00:00:00Z", "2026-11-01T00:00:01Z")
    if one.name in PAGED_PERIODS:
        assert one.takes("limit") or one.name.startswith("stream") or PAGED_PERIODS[one.name] in said(one)
        return
    members = resolved(one.body_schema).get("properties", {}).values() if in_body else ()
    assert f"{DAYS} days" in said(one) + " ".join(each.get("description", "") for each in members)
    refused = await asked_for(*long)
    assert problem(refused) == (400, "period-too-long")
    assert (
        "period-too-long"
        in one.described["responses"]["400"]["content"]["application/problem+json"]["examples"]
    )
    assert f"{DAYS} days" in refused.json()["detail"]
