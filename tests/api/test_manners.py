"""How the api keeps to HTTP: HEAD, content types, compression, unknown parameters, where to find what was made, paths that there are not."""

import asyncio
import gzip
import json
from typing import Any

import asyncpg
import httpx2
import pytest

from services.api import openapi
from services.api.asking import OTHERS_PARAMETERS
from services.api.compressing import LEAST_BYTES, Answer, takes_gzip
from services.api.idempotency import SECRET_ANSWERS
from services.api.identity import Role
from tests.api.accounts import account, browser, signed_in
from tests.api.example_world import Asked, asked, furnish
from tests.api.support import BEARER, BEGAN_MS, TOKEN, Api, event, fixes, put, record, register
from tests.api.test_examples import ASKS_KAFKA, NOT_BY_EXAMPLE, STREAMS

PLAIN = {"accept-encoding": "identity"}
OF_EACH = {"x-request-id", "date", "ratelimit", "transfer-encoding"}
"""Headers that no two answers share, and how a body without a known length is sent."""


async def sent(api: Api, text: str) -> bytes:
    """The bytes that come back for a request as it stands, until the connection ends or is silent for a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(text.encode())
    found = b""
    try:
        while True:
            async with asyncio.timeout(1.0):
                piece = await reader.read(65_536)
            if not piece:
                break
            found += piece
    except TimeoutError:
        pass
    writer.transport.abort()
    return found


@pytest.mark.timeout(300)
async def test_head_is_get_without_its_body(api: Api, writer: asyncpg.Connection) -> None:
    """Of every operation that is read, of the console's pages, and of what fails; streams end after their head."""
    vehicle = await register(writer, "宁A12345")
    await put(writer, [event("alr_1", vehicle=vehicle)])
    await record(writer, fixes(vehicle, [BEGAN_MS, BEGAN_MS + 1000]))
    paths = ["/", "/docs", "/healthz", "/openapi.json", "/v1/nothing", "/v1/alerts/none", "/v1/alerts?x=1"]
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{api.port}", trust_env=False, timeout=20
    ) as client:
        for one in asked():
            if one.method != "GET" or one.name in NOT_BY_EXAMPLE or one.name in ASKS_KAFKA | STREAMS | {"readyz", "metrics", "list_audit", "get_system", "get_alert_track"}:  # fmt: skip
                continue
            client.cookies.clear()
            headers = {**one.headers, **await furnish(writer, one)}
            got = await client.get(one.path, params=one.query, headers=headers)
            headed = await client.head(one.path, params=one.query, headers=headers)
            assert headed.status_code == got.status_code == 200, one.name
            assert {n: v for n, v in headed.headers.items() if n not in OF_EACH} == {n: v for n, v in got.headers.items() if n not in OF_EACH}, one.name  # fmt: skip
            assert headed.content == b"", one.name
    for path in paths:
        got, headed = await api.get(path), await api.client.head(path)
        assert (headed.status_code, headed.content) == (got.status_code, b""), path
        assert headed.headers.get("content-length") == got.headers.get("content-length"), path


async def test_the_head_of_a_stream_comes_at_once_and_leaves_nobody_listening(api: Api) -> None:
    for path in ("/v1/alerts/stream", "/v1/positions/stream"):
        answer = await api.client.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["x-accel-buffering"] == "no"
    assert not api.state.hub.listeners
    assert not api.state.authenticator._streams


async def test_a_connection_goes_on_after_head(api: Api) -> None:
    """Not one byte of a body, or the next answer on the same connection would be read wrongly."""
    lines = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
    found = await sent(
        api, f"HEAD /v1/meta HTTP/1.1\r\n{lines}\r\nGET /healthz HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
    )
    first, second, body = found.split(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200")
    assert second.startswith(b"HTTP/1.1 200")
    assert body == b'{"alive":true}'


def with_bodies() -> list[Asked]:
    return [one for one in asked() if one.body is not None]


@pytest.mark.timeout(300)
async def test_a_body_that_is_not_json_is_415_everywhere(api: Api) -> None:
    assert len(with_bodies()) > 20
    for one in with_bodies():
        if one.name == "login":
            continue
        for given in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "",
        ):
            headers = {**BEARER, "content-type": given, "accept-language": "en"}
            if not given:
                del headers["content-type"]
            answer = await api.client.request(
                one.method, one.path, params=one.query, content=json.dumps(one.body), headers=headers
            )
            assert answer.status_code == 415, (one.name, given, answer.text)
            problem = answer.json()
            assert problem["type"] == "urn:roadwatch:problem:unsupported-media-type"
            assert "Content-Type: application/json" in problem["detail"]
            assert answer.headers["accept"] == "application/json"
            assert answer.headers["content-type"] == "application/problem+json"
    zh = await api.client.post(
        "/v1/exports?purpose=核查", content="a=1", headers={"content-type": "text/plain"}
    )
    assert "请加 Content-Type: application/json" in zh.json()["detail"]


@pytest.mark.parametrize(
    "given",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/vnd.api+json"],
)
async def test_json_by_any_of_its_names_is_taken(api: Api, writer: asyncpg.Connection, given: str) -> None:
    await account(writer, "boss", Role.SECURITY_ADMIN)
    body = json.dumps({"login": "boss", "password": "wrong"})
    answer = await browser(api).post("/v1/session", content=body, headers={"content-type": given})
    assert answer.json()["type"] == "urn:roadwatch:problem:wrong-credentials"


async def test_no_body_needs_no_type_and_a_compressed_one_is_refused(
    api: Api, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("alr_1")])
    headers = {"if-match": '"0"'}
    done = await api.client.post("/v1/alerts/alr_1/acknowledge", headers=headers)
    assert done.status_code == 200, done.text
    packed = gzip.compress(b'{"text": "x"}')
    answer = await api.client.post(
        "/v1/alerts/alr_1/comment", content=packed, headers={"content-encoding": "gzip", "content-type": "application/json"}
    )  # fmt: skip
    assert (answer.status_code, answer.json()["type"]) == (415, "urn:roadwatch:problem:unsupported-encoding")
    assert answer.headers["accept-encoding"] == "identity"


async def many(writer: asyncpg.Connection) -> None:
    await put(writer, [event(f"alr_{number}") for number in range(40)])


async def test_json_of_a_kilobyte_is_compressed_for_who_takes_it(
    api: Api, writer: asyncpg.Connection
) -> None:
    await many(writer)
    plain = await api.client.get("/v1/alerts", headers=PLAIN)
    packed = await api.client.get("/v1/alerts", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content) / 3
    assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding", (
        "also of the plain one: a cache must know"
    )
    small = await api.client.get("/v1/alerts?limit=1&rule=fatigue", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers


async def test_an_etag_is_the_same_with_and_without(api: Api, writer: asyncpg.Connection) -> None:
    vehicle = await register(writer, "宁A12345")
    for number in range(30):
        await writer.execute(
            "INSERT INTO registration (vehicle_id, vehicle_class, terminal, operator_id, division, status, valid_from, valid_to)"
            " SELECT $1, 'coach', terminal, operator_id, division, 'active', make_timestamptz(1990 + $2, 1, 1, 0, 0, 0),"
            " make_timestamptz(1991 + $2, 1, 1, 0, 0, 0) FROM registration LIMIT 1",
            vehicle, number,
        )  # fmt: skip
    path = f"/v1/vehicles/{vehicle}"
    plain = await api.client.get(path, headers=PLAIN)
    packed = await api.client.get(path, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] == plain.headers["etag"]
    again = await api.client.get(
        path, headers={"if-none-match": packed.headers["etag"], "accept-encoding": "gzip"}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert "Accept-Encoding" in again.headers["vary"]
    long = "这是一段很长的说明" * 60
    await put(writer, [event("alr_1", why={"note": long})])
    read = await api.client.get("/v1/alerts/alr_1", headers={"accept-encoding": "gzip"})
    assert (read.headers["content-encoding"], read.headers["etag"]) == ("gzip", '"0"')
    done = await api.client.post("/v1/alerts/alr_1/acknowledge", headers={"if-match": read.headers["etag"]})
    assert (done.status_code, done.headers["etag"]) == (200, '"1"')


async def test_streams_secrets_and_what_is_compressed_already_are_left_alone(
    api: Api, writer: asyncpg.Connection
) -> None:
    vehicle = await register(writer, "宁A12345")
    await record(writer, fixes(vehicle, [BEGAN_MS + 1000 * n for n in range(500)]))
    period = "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z"
    packed = {"accept-encoding": "gzip"}
    for name, compressed in (
        ("geojson", True),
        ("mfjson", True),
        ("csv", True),
        ("gpx", True),
        ("kml", True),
        ("parquet", False),
    ):
        answer = await api.client.get(f"/v1/vehicles/{vehicle}/track?{period}&format={name}", headers=packed)
        assert ("content-encoding" in answer.headers) == compressed, name
        plain = await api.client.get(f"/v1/vehicles/{vehicle}/track?{period}&format={name}", headers=PLAIN)
        assert name == "parquet" or answer.content == plain.content, name
    stream = await sent(
        api,
        f"GET /v1/alerts/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\nAccept-Encoding: gzip\r\n\r\n",
    )
    assert b"content-encoding" not in stream
    assert b": roadwatch" in stream
    await account(writer, "boss", Role.SECURITY_ADMIN)
    boss = await signed_in(api, "boss")
    networks = [f"10.{n}.0.0/16" for n in range(40)]
    key = {"name": "k", "scopes": ["alerts:read"], "networks": networks}
    await account(writer, "partner", Role.PARTNER)
    made = await boss.post("/v1/accounts/acc_partner/keys", json=key, headers=packed)
    assert made.status_code == 201, made.text
    assert len(made.content) > 600
    assert "content-encoding" not in made.headers
    assert {"create_key", "create_account", "create_webhook", "login"} <= SECRET_ANSWERS


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("gzip", True), ("gzip, deflate, br", True), ("br;q=1.0, gzip;q=0.8", True), ("*", True), ("GZIP", True), ("x-gzip", True),
        ("", False), ("identity", False), ("gzip;q=0", False), ("gzip;q=0.000, *", False), ("*;q=0", False), ("br", False), ("gzipped", False),
    ],
)  # fmt: skip
def test_who_takes_gzip(given: str, taken: bool) -> None:
    assert takes_gzip(given) is taken


async def test_an_answer_that_breaks_off_does_not_look_complete_because_it_was_compressed() -> None:
    """What was announced as 5,000 bytes and ends after 2,000 has no end here either."""
    told = list[Any]()

    async def send(message: Any) -> None:
        told.append(message)

    answer = Answer({"type": "http", "headers": [(b"accept-encoding", b"gzip")]}, send)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"5000")]
    await answer.send({"type": "http.response.start", "status": 200, "headers": headers})
    await answer.send({"type": "http.response.body", "body": b"x" * (LEAST_BYTES + 976), "more_body": True})
    with pytest.raises(RuntimeError, match="2000 bytes, not 5000"):
        await answer.send({"type": "http.response.body", "body": b"", "more_body": False})
    assert all(message.get("more_body", True) for message in told)
    assert b"content-length" not in {name for name, _ in told[0]["headers"]}


@pytest.mark.timeout(300)
async def test_a_parameter_that_there_is_not_is_400_of_every_operation(api: Api) -> None:
    """Over the whole document, and the problem names it and those there are."""
    tried = 0
    for one in asked():
        if one.name in OTHERS_PARAMETERS:
            continue
        answer = await api.client.request(
            one.method, one.path, params={**one.query, "colour": "red"}, headers={"accept-language": "en"}, json=one.body
        )  # fmt: skip
        assert (answer.status_code, answer.json()["type"]) == (
            400,
            "urn:roadwatch:problem:unknown-parameter",
        ), one.name
        problem = answer.json()
        known = [p["name"] for p in one.described.get("parameters", ()) if p["in"] == "query"]
        assert problem["known"] == known, one.name
        assert problem["errors"] == [{"pointer": "#/query/colour", "detail": "there is no such parameter"}]
        assert "There is no parameter colour here" in problem["detail"]
        assert (
            all(name in problem["detail"] for name in known) if known else problem["detail"].endswith("none.")
        )
        assert "unknown-parameter" in json.dumps(one.described["responses"]["400"])
        tried += 1
    assert tried > 80
    zh = await api.get("/v1/meta?颜色=红&x=1")
    assert zh.json()["detail"] == "没有参数 颜色, x。此操作的参数应为其中之一: 无。"


async def test_a_provider_s_own_parameters_are_its_business(api: Api) -> None:
    answer = await browser(api).get("/v1/session/oidc/callback?code=x&state=y&session_state=z")
    assert answer.json()["type"] != "urn:roadwatch:problem:unknown-parameter"


async def test_what_is_made_or_taken_on_says_where_it_is(api: Api, writer: asyncpg.Connection) -> None:
    """Every 201 and 202, and the place answers whoever made it."""
    document = json.loads(openapi.text())
    naming = [
        (operation["operationId"], status)
        for item in document["paths"].values()
        for operation in item.values()
        for status in operation["responses"]
        if status in ("201", "202")
    ]
    assert len(naming) > 7
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{api.port}", trust_env=False, timeout=20
    ) as client:
        for one in asked():
            if one.name not in {name for name, _ in naming}:
                continue
            client.cookies.clear()
            headers = {**one.headers, **await furnish(writer, one)}
            query = {**one.query, **({"job": "true"} if one.name == "search_presence" else {})}
            made = await client.request(one.method, one.path, params=query, headers=headers, json=one.body)
            assert made.status_code in (201, 202), (one.name, made.text)
            place = made.headers["location"]
            found = await client.get(
                place,
                headers={
                    name: value
                    for name, value in headers.items()
                    if name.lower() in {"authorization", "cookie"}
                },
            )
            assert found.status_code == 200, (one.name, place, found.text)


async def test_a_slash_too_many_is_no_redirect_but_a_problem(api: Api) -> None:
    for path in ("/v1/alerts/", "/v1/vehicles/7/", "/v1//alerts", "/healthz/"):
        answer = await api.get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:roadwatch:problem:not-found"), path
        assert "location" not in answer.headers


async def test_a_method_that_a_path_has_not_names_all_that_it_has(api: Api) -> None:
    for method, path, allow in (
        ("DELETE", "/v1/accounts", "GET, HEAD, POST"),
        ("PUT", "/v1/webhooks/endpoints/whe_1", "DELETE, GET, HEAD, PATCH"),
        ("OPTIONS", "/v1/alerts", "GET, HEAD"),
        ("GET", "/v1/alerts/alr_1/acknowledge", "POST"),
        ("HEAD", "/v1/alerts/alr_1/acknowledge", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
    ):
        answer = await api.client.request(method, path)
        assert (answer.status_code, answer.headers.get("allow")) == (405, allow), (method, path)
        if method != "HEAD":
            assert answer.json()["type"] == "urn:roadwatch:problem:method-not-allowed"


async def test_every_401_says_what_to_try(api: Api) -> None:
    nobody = browser(api)
    for answer in (
        await nobody.get("/v1/alerts"),
        await nobody.post("/v1/session", json={"login": "x", "password": "y"}),
        await nobody.get("/v1/alerts", headers={"authorization": "Bearer x"}),
    ):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="roadwatch"'
