"""The examples of docs/openapi.json are true: what they send is accepted by an api in which they stand, from an account that may ask."""

from typing import Any

import asyncpg
import httpx2
import jsonschema
import pytest

from services.api.examples_asked import BODIES, PARAMETERS, UNSHOWN
from services.api.handling import actions
from services.api.parameters import parse_time
from services.store.times import to_ms
from tests.api.example_world import Asked, asked, document, furnish
from tests.api.support import Api, open_stream

NOT_BY_EXAMPLE = {
    "begin_oidc": "no provider is set up",
    "end_oidc": "no provider is set up",
    "confirm_totp": "the code is the authenticator's",
}
"""Cannot succeed by an example alone, and why."""
FINDS_NOTHING = {
    "list_actions": "nobody has acted yet",
    "list_audit": "nobody has signed in by password",
    "get_job_result": "that is what it found",
    "list_positions": "no report comes in",
    "search_near": "no report comes in",
    "list_trips": "the vehicle stood",
    "list_providers": "no provider is set up",
    "list_recoveries": "none was asked for",
}
"""Lists that may well be empty by their examples, and why."""
ASKS_KAFKA = {"list_rejected"}
"""Reads from the broker, which this api has not: its own tests have one."""
STREAMS = {"stream_alerts", "stream_positions"}
THEN = "2026-11-23T00:20:00Z"
"""When the examples are; whoever judges a deadline must think so."""


def test_everything_that_is_sent_has_an_example() -> None:
    shown = set[str]()
    for one in asked():
        for parameter in one.described.get("parameters", ()):
            names = {parameter["name"], f"{one.name}.{parameter['name']}"}
            assert "example" in parameter or names & UNSHOWN, (one.name, parameter["name"])
            shown |= names
        assert one.body is not None or not one.body_schema, one.name
    assert PARAMETERS.keys() | UNSHOWN <= shown, "an example that nothing takes"
    assert BODIES.keys() <= {one.name for one in asked()}


def test_they_fit_their_schemas() -> None:
    known = document()
    for one in asked():
        if one.body is not None:
            fits(known, one.body_schema, one.body)
        for parameter in one.described.get("parameters", ()):
            if "example" in parameter:
                fits(known, parameter["schema"], parameter["example"])


def fits(known: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    jsonschema.validate(value, {**schema, "components": known["components"]})


@pytest.mark.timeout(300)
async def test_they_are_accepted(
    api: Api, writer: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "now_ms", lambda: to_ms(parse_time(THEN)))
    known, wrong = document(), list[str]()
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{api.port}", trust_env=False, timeout=20
    ) as client:
        for one in asked():
            headers = await furnish(writer, one)
            if one.name in STREAMS:
                told = await streamed(api, one, headers)
            elif one.name not in NOT_BY_EXAMPLE:
                client.cookies.clear()
                told = await answered(known, client, one, headers)
            if one.name in ASKS_KAFKA and "kafka-away" in told:
                told = ""
            wrong += [f"{one.name}: {told}"] if told else []
    assert not wrong, "\n".join(wrong)


async def streamed(api: Api, one: Asked, headers: dict[str, str]) -> str:
    path = f"{one.path}?{httpx2.QueryParams(one.query)}"
    async with open_stream(api.port, path, {"authorization": None, **one.headers, **headers}) as stream:
        return "" if stream.status == 200 else str(stream.status)


async def answered(
    known: dict[str, Any], client: httpx2.AsyncClient, one: Asked, headers: dict[str, str]
) -> str:
    """What is wrong with the answer; empty: nothing."""
    answer = await client.request(
        one.method, one.path, params=one.query, headers={**one.headers, **headers}, json=one.body
    )
    if not 200 <= answer.status_code < 300:
        return f"{answer.status_code} {answer.text[:300]}"
    described = one.described["responses"].get(str(answer.status_code))
    if described is None:
        return f"{answer.status_code} is not documented"
    media = answer.headers.get("content-type", "").partition(";")[0]
    content = described.get("content", {})
    if answer.content and media not in content:
        return f"{media} is not documented"
    if media.endswith("json") and answer.content:
        fits(known, content[media]["schema"], answer.json())
        if answer.json().get("items") == [] and one.name not in FINDS_NOTHING:
            return "finds nothing"
        if refused := answer.json().get("refused"):
            return f"{refused} refused: {answer.text[:300]}"
    return ""
