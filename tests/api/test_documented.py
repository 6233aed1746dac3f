"""The document says what every property, parameter and header means, where the api listens, and what each answer carries."""

import json
from typing import Any

import asyncpg
import httpx2
import pytest

from services.api import openapi
from services.api.handling import actions
from services.api.headers import COUNTED, EVERYWHERE, HEADERS
from services.api.parameters import parse_time
from services.api.property_words import WORDS, properties, undescribed
from services.store.times import to_ms
from tests.api.example_world import Asked, asked, furnish
from tests.api.support import Api, open_stream
from tests.api.test_examples import ASKS_KAFKA, NOT_BY_EXAMPLE, STREAMS, THEN

NOW_AND_THEN = {
    "Link": "where there is a next page",
    "Idempotency-Replayed": "the second time",
    "X-Roadwatch-Simplified-M": "where it is asked for",
    "Content-Disposition": "of formats that are saved",
}
"""Documented of answers that carry it only then."""


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(openapi.text())
    return found


def test_every_property_and_parameter_says_what_it_means() -> None:
    found = document()
    missing = [f"{shape}.{name}" for name, shape, _ in undescribed(found)]
    assert not missing, f"give it a description, or a line in property_words.WORDS: {missing}"
    described = [of for schema in found["components"]["schemas"].values() for _, of in properties(schema)]
    assert len(described) > 500
    assert all(of["description"].strip() for of in described)


def test_the_table_of_words_holds_nothing_that_is_not_used() -> None:
    found = document()
    names = {
        name
        for shape, schema in found["components"]["schemas"].items()
        for prop, _ in properties(schema)
        for name in (prop, f"{shape}.{prop}")
    }
    names |= {
        parameter["name"]
        for item in found["paths"].values()
        for operation in item.values()
        for parameter in operation.get("parameters", ())
    }
    assert WORDS.keys() - names == set()


def test_words_are_in_both_languages() -> None:
    for name, words in WORDS.items():
        zh, dot, en = words.partition("· ")
        assert dot, name
        assert not zh.isascii(), name
        assert en.isascii(), name
    for name, header in HEADERS.items():
        assert "· " in header.description, name


def types_of(schema: dict[str, Any]) -> set[str]:
    """The types of a schema, null aside."""
    found = [schema, *schema.get("anyOf", ())]
    return {str(each["type"]) for each in found if "type" in each} - {"null"}


def test_an_id_has_one_type_wherever_it_stands() -> None:
    """Decision 0011: a vehicle's is a number, all others are texts."""
    found = document()
    expected = dict.fromkeys(("alert", "account", "job", "webhook", "delivery", "event", "route", "zone", "driver", "terminal", "actor"), "string")  # fmt: skip
    expected["vehicle"] = "integer"
    seen = set[str]()
    for shape, schema in found["components"]["schemas"].items():
        for name, of in schema.get("properties", {}).items():
            numbered = shape in {"Vehicle", "VehicleDetail", "AlertVehicle", "RoadProperties"}
            kind = ("integer" if numbered else "string") if name == "id" else expected.get(name)
            types = types_of(of)
            if kind is not None and types and "$ref" not in of and not types & {"object", "array", "boolean"}:
                assert types == {kind}, f"{shape}.{name}"
                seen.add(name)
    assert seen >= {
        "id",
        "vehicle",
        "alert",
        "account",
        "job",
        "webhook",
        "delivery",
        "driver",
        "route",
        "terminal",
    }
    for item in found["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    kind = "integer" if parameter["name"] == "vehicle_id" else "string"
                    assert types_of(parameter["schema"]) == {kind}, (
                        operation["operationId"],
                        parameter["name"],
                    )


def test_where_the_api_listens_is_told() -> None:
    found = document()
    assert [server["url"] for server in found["servers"]] == ["/", "http://127.0.0.1:8080"]
    assert all(server["description"] for server in found["servers"])


def test_every_header_that_answers_name_is_in_the_table_and_every_one_of_the_table_is_named() -> None:
    found = document()
    assert found["components"]["headers"].keys() == HEADERS.keys()
    named = set(found["x-headers-of-every-answer"])
    for item in found["paths"].values():
        for operation in item.values():
            for answer in operation["responses"].values():
                for name, header in answer.get("headers", {}).items():
                    assert header == {"$ref": f"#/components/headers/{name}"}
                    named.add(name)
    assert named | {"Allow"} == HEADERS.keys(), "Allow: of a 405, which belongs to no operation"
    for path, method, status, header in (
        ("/v1/alerts/{alert_id}", "get", "200", "ETag"),
        ("/v1/alerts/{alert_id}/acknowledge", "post", "412", "ETag"),
        ("/v1/alerts", "get", "429", "Retry-After"),
        ("/v1/alerts", "get", "503", "Retry-After"),
        ("/v1/exports", "post", "202", "Location"),
        ("/v1/accounts", "post", "201", "Location"),
    ):
        assert header in found["paths"][path][method]["responses"][status]["headers"], (path, status)


@pytest.mark.timeout(300)
async def test_what_is_done_carries_every_header_that_is_documented_and_no_other(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each operation asked by its example; the test's own clients check all other answers (`documented.check`)."""
    monkeypatch.setattr(actions, "now_ms", lambda: to_ms(parse_time(THEN)))
    wrong = list[str]()
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{api.port}", trust_env=False, timeout=20
    ) as client:
        for one in asked():
            if one.name in NOT_BY_EXAMPLE or one.name in ASKS_KAFKA:
                continue
            client.cookies.clear()
            wrong += await differing(api, client, one, await furnish(writer, one))
    assert not wrong, "\n".join(wrong)


async def differing(api: Api, client: httpx2.AsyncClient, one: Asked, headers: dict[str, str]) -> list[str]:
    sent = {**one.headers, **headers}
    if one.name in STREAMS:
        path = f"{one.path}?{httpx2.QueryParams(one.query)}"
        async with open_stream(api.port, path, {"authorization": None, **sent}) as stream:
            status, carried = stream.status, set(stream.headers)
    else:
        answer = await client.request(one.method, one.path, params=one.query, headers=sent, json=one.body)
        status, carried = answer.status_code, {name.lower() for name in answer.headers}
    described = one.described["responses"][str(status)].get("headers", {})
    expected = {name.lower() for name in described if name not in NOW_AND_THEN}
    if "authorization" not in {name.lower() for name in sent} and "cookie" not in {
        name.lower() for name in sent
    }:
        expected -= {name.lower() for name in COUNTED} if one.name != "login" else set()
    allowed = {name.lower() for name in (*described, *EVERYWHERE)}
    of_http = {"date", "content-type", "content-length", "transfer-encoding", "connection"}
    return [f"{one.name} {status}: not sent {sorted(expected - carried)}"] * bool(expected - carried) + [
        f"{one.name} {status}: not documented {sorted(carried - allowed - of_http)}"
    ] * bool(carried - allowed - of_http)
