"""The surface as a whole: problems, tokens, hosts, headers, the frozen OpenAPI document and what answers hold against it."""

import json
import re
from pathlib import Path
from typing import Any

import asyncpg
import jsonschema
import pytest

from services.api import labels, openapi, problems
from services.api.identity import Role
from services.api.language import preferred
from services.api.pages import policy_of
from services.api.parameters import MESSAGES
from services.contracts.alert import SEVERITIES, EpisodeState, EventType
from services.contracts.handling import Action, Handling, HandlingEventType, Resolution, Supervision
from services.contracts.registry import CLASSES, PLATE_COLORS, ROAD_CLASSES, ZONE_KINDS
from services.rules.catalogue import fatigue, route_deviation, speeding
from services.rules.registry import RULES
from services.runtime.settings import Settings
from tests.api.accounts import browser
from tests.api.support import BEGAN_MS, TOKEN, Api, event, fixes, put, record, register

FROZEN = Path(__file__).parents[2] / "docs" / "openapi.json"


def test_the_document_in_the_repository_is_the_one_served() -> None:
    assert FROZEN.read_text(encoding="utf-8") == openapi.text(), (
        "run: python -m services.api.openapi > docs/openapi.json"
    )


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    document = json.loads(openapi.text())
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]


def test_every_operation_has_a_name_a_tag_an_example_and_its_problems() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert sorted(names) == sorted(set(names))
    assert {"list_alerts", "get_alert", "stream_alerts", "list_events", "list_vehicles", "get_vehicle", "get_track",
            "list_positions", "stream_positions", "get_meta", "healthz", "readyz", "metrics", "login", "logout", "get_me", "change_password",
            "list_accounts", "create_account", "get_account", "change_account", "reset_password", "unlock_account", "list_keys",
            "create_key", "get_key", "change_key", "revoke_key", "list_my_keys", "create_my_key", "get_my_key", "revoke_my_key", "begin_totp", "confirm_totp", "end_totp",
            "list_audit", "list_providers", "begin_oidc", "end_oidc",
            "acknowledge_alert", "claim_alert", "assign_alert", "comment_alert", "supervise_alert", "resolve_alert", "reopen_alert",
            "list_actions", "list_alert_groups", "acknowledge_alerts", "get_shift_summary", "view_alert", "leave_alert",
            "list_trips", "list_stops", "get_mileage", "get_vehicle_health", "search_presence", "search_near", "create_export", "list_jobs", "get_job",
            "get_job_result", "cancel_job", "list_drivers", "get_driver",
            "list_webhooks", "create_webhook", "get_webhook", "change_webhook", "delete_webhook", "rotate_webhook_secret", "ping_webhook", "send_test_event", "enable_webhook", "disable_webhook", "recover_webhook", "list_recoveries", "list_deliveries", "get_delivery", "redeliver", "list_webhook_event_types", "list_webhook_networks", "put_webhook_network", "delete_webhook_network",
            "get_alert_track", "get_system", "list_rejected", "list_rules", "list_roads", "list_zones", "list_routes", "get_route"} == set(names)  # fmt: skip
    for path, _, operation in operations():
        assert operation["tags"]
        assert operation["summary"]
        if path.startswith("/v1"):
            if done := operation["responses"].get("200") or operation["responses"].get("201"):
                assert any("example" in content for content in done["content"].values()), path
            problem_codes = {
                code
                for code in operation["responses"]
                if code not in {"200", "201", "202", "204", "303", "304"}
            }
            assert problem_codes & {"401", "404"} or operation["security"] == [], path
            for code in problem_codes:
                answers = operation["responses"][code]["content"]["application/problem+json"]
                assert answers["examples"]


def test_examples_fit_their_schemas() -> None:
    document = json.loads(openapi.text())
    checked = 0
    for _, _, operation in operations():
        for answer in operation["responses"].values():
            for content in answer.get("content", {}).values():
                given = [content["example"]] if "example" in content else []
                given += [example["value"] for example in content.get("examples", {}).values()]
                for example in given:
                    if content.get("schema"):
                        fits(document, content["schema"], example)
                        checked += 1
    assert checked > 30


def fits(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    jsonschema.validate(value, {**schema, "components": document["components"]})


async def test_answers_fit_the_document(api: Api, writer: asyncpg.Connection) -> None:
    document = (await api.get("/openapi.json")).json()
    vehicle = await register(writer, "宁A12345")
    await put(
        writer,
        [event("alr_1", vehicle=vehicle), event("alr_1", 2, state="closed", event_type="alert.closed")],
    )
    await record(writer, fixes(vehicle, [BEGAN_MS, BEGAN_MS + 1000]))
    period = "?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z"
    for path, real in (
        ("/v1/alerts", "/v1/alerts"), ("/v1/alerts/{alert_id}", "/v1/alerts/alr_1"), ("/v1/events", "/v1/events"),
        ("/v1/vehicles", "/v1/vehicles"), ("/v1/vehicles/{vehicle_id}", f"/v1/vehicles/{vehicle}"),
        ("/v1/vehicles/{vehicle_id}/track", f"/v1/vehicles/{vehicle}/track{period}"), ("/v1/positions", "/v1/positions"),
        ("/v1/meta", "/v1/meta"),
    ):  # fmt: skip
        answer = await api.get(real)
        assert answer.status_code == 200, (real, answer.text)
        content = document["paths"][path]["get"]["responses"]["200"]["content"][
            answer.headers["content-type"]
        ]
        fits(document, content["schema"], answer.json())
        for item in answer.json().get("items", ()):
            assert item.keys() <= set(content["example"]["items"][0]), real
    for path in ("/v1/alerts?x=1", "/v1/nothing", "/v1/alerts/alr_9"):
        fits(document, {"$ref": "#/components/schemas/Problem"}, (await api.get(path)).json())


def test_labels_are_complete() -> None:
    assert labels.codes(labels.CLASSES) == tuple(str(item) for item in CLASSES)
    assert labels.codes(labels.PLATE_COLORS) == PLATE_COLORS
    assert labels.codes(labels.SEVERITIES) == tuple(str(item) for item in SEVERITIES)
    assert labels.codes(labels.STATES) == tuple(str(item) for item in EpisodeState)
    assert labels.codes(labels.EVENT_TYPES) == tuple(str(item) for item in (*EventType, *HandlingEventType))
    assert labels.codes(labels.HANDLINGS) == tuple(str(item) for item in Handling)
    assert labels.codes(labels.ACTIONS) == tuple(str(item) for item in Action)
    assert labels.codes(labels.RESOLUTIONS) == tuple(str(item) for item in Resolution)
    assert labels.codes(labels.SUPERVISIONS) == tuple(str(item) for item in Supervision)
    assert labels.codes(labels.ROLES) == tuple(str(item) for item in Role)
    assert labels.codes(labels.ZONE_KINDS) == ZONE_KINDS
    assert labels.codes(labels.ROAD_CLASSES) == ROAD_CLASSES
    assert labels.codes(labels.RULES) == tuple(rule.name for rule in RULES) == tuple(labels.KINDS)
    for rule in (speeding, fatigue, route_deviation):
        assert set(rule.KINDS) <= set(labels.codes(labels.KINDS[rule.RULE.name]))


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "zh"), ("*", "zh"), ("en", "en"), ("en-GB,en;q=0.9", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("fr", "zh"),
        ("fr,en;q=0.1", "en"), ("en;q=0,*", "zh"), ("en;q=x", "zh"), ("ZH;q=0.2, EN;q=0.3", "en"), ("*;q=0.5,en;q=0.6", "en"),
    ],
)  # fmt: skip
def test_the_language_that_is_asked_for(accept: str, language: str) -> None:
    assert preferred(accept) == language


async def test_the_right_token_is_answered_and_no_other(api: Api) -> None:
    for path in ("/v1/alerts", "/v1/meta", "/metrics", "/openapi.json"):
        bare = await browser(api).get(path)
        assert bare.status_code == 401, path
        assert bare.json()["type"] == "urn:roadwatch:problem:login-required"
        assert (await api.get(path, headers={"Authorization": f"Bearer {TOKEN}"})).status_code == 200, path
        for wrong in ("Bearer x", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer \u00e9"):
            answer = await api.get(path, headers={"Authorization": wrong.encode()})
            assert answer.status_code == 401, (path, wrong)
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
    for path in ("/healthz", "/readyz", "/", "/docs"):
        assert (await api.get(path, headers={"Authorization": "Bearer x"})).status_code == 200, path


async def test_a_page_from_elsewhere_cannot_read_through_a_browser(api: Api) -> None:
    foreign = {"Host": "attacker.example:8080"}
    assert (await api.get("/", headers=foreign)).status_code == 403
    assert (
        await api.get("/v1/alerts", headers={**foreign, "Authorization": f"Bearer {TOKEN}"})
    ).status_code == 200
    assert (await api.get("/healthz", headers=foreign)).status_code == 200
    for own in ("localhost:1", "[::1]:1", "127.0.0.1"):
        assert (await api.get("/v1/alerts", headers={"Host": own})).status_code == 200, own
    assert (
        "access-control-allow-origin"
        not in (await api.get("/v1/alerts", headers={"Origin": "http://x.example"})).headers
    )


async def test_every_answer_carries_its_request_id_and_protecting_headers(api: Api) -> None:
    for path in ("/", "/docs", "/v1/alerts", "/v1/nothing", "/console/console.css"):
        answer = await api.get(path, headers={"X-Request-Id": "abc-1"})
        assert answer.headers["x-request-id"] == "abc-1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in answer.headers["content-security-policy"]
    assert (await api.get("/healthz", headers={"X-Request-Id": "a b\tc"})).headers["x-request-id"] != "a b\tc"


async def test_paths_and_methods_that_do_not_exist_are_problems(api: Api) -> None:
    missing = await api.get("/v1/nothing", headers={"Accept-Language": "en"})
    assert (missing.status_code, missing.json()["detail"]) == (
        404,
        "There is no /v1/nothing; /docs lists the paths there are.",
    )
    posted = await api.client.post("/v1/alerts", json={})
    assert (posted.status_code, posted.json()["type"], posted.headers["allow"]) == (
        405, "urn:roadwatch:problem:method-not-allowed", "GET, HEAD",
    )  # fmt: skip


async def test_metrics_count_requests_by_operation_and_name_no_vehicle(
    api: Api, writer: asyncpg.Connection
) -> None:
    await register(writer, "宁A12345")
    await api.get("/v1/vehicles/1")
    text = (await api.get("/metrics")).text
    assert 'roadwatch_http_requests_total{operation="get_vehicle",status="200"}' in text
    assert "roadwatch_sse_clients" in text
    assert "宁" not in text
    assert "/v1/vehicles/1" not in text


def test_problems_are_said_in_both_languages_and_stand_once() -> None:
    assert len(problems.BY_CODE) == len(problems.KINDS)
    for kind in problems.KINDS:
        assert kind.zh != kind.en
        assert not kind.zh.isascii()
        for language in ("zh", "en"):
            body = problems.document(problems.Problem(kind.code, problems.EXAMPLE_WORDS), language, "r")
            assert body["status"] == kind.status
            assert "{" not in body["detail"]
        assert kind.zh != kind.detail_zh.rstrip("。")
        assert re.search("请|应|须|不得|只接受|至多", kind.detail_zh), f"{kind.code} does not say what to do"
        assert len(kind.detail_en.split()) >= 5, f"{kind.code} does not say what to do"
        assert (kind.detail_zh[-1], kind.detail_en[-1]) == ("。", ".")


def test_every_label_is_said_in_both_languages() -> None:
    tables = [value for value in vars(labels).values() if isinstance(value, tuple)]
    said = [
        label
        for table in (*tables, *labels.KINDS.values())
        for label in table
        if isinstance(label, labels.Label)
    ]
    assert len(said) > 50
    for label in said:
        assert not label.zh.isascii(), label.code
        assert label.en.strip(), label.code
        assert label.en.isascii(), label.code
    for code, (zh, en) in MESSAGES.items():
        assert not zh.isascii(), code
        assert en != zh, code
        assert re.findall(r"\{(\w+)\}", zh) == re.findall(r"\{(\w+)\}", en), code
    for operation in operations():
        zh, _, en = operation[2]["summary"].partition(" · ")
        assert not zh.isascii(), operation[2]["operationId"]
        assert en, operation[2]["operationId"]


async def test_the_console_s_shells_are_answered_to_everyone(api: Api) -> None:
    for path in (
        "/",
        "/docs",
        "/alerts/alr_1",
        "/vehicles",
        "/vehicles/7",
        "/search",
        "/handover",
        "/govern/audit",
        "/wall",
    ):
        answer = await api.client.get(path, headers={"Authorization": ""})
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self';" in answer.headers["content-security-policy"]
    for path in ("/alert", "/vehiclesx", "/govern2/x", "/search/x"):
        assert (await api.client.get(path)).status_code == 404, path


def test_a_tile_server_s_origin_alone_joins_the_pages_policy() -> None:
    own, other = policy_of(""), policy_of("https://t0.example:8443/w/{z}/{x}/{y}?tk=1")
    assert "{" not in own + other
    assert other.replace(" https://t0.example:8443", "") == own
    assert other.count(" https://t0.example:8443") == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://t.example/{z}/{x}", "http://t.example/{z}/{x}/{y}", "ftp://t.example/{z}/{x}/{y}", "/{z}/{x}/{y}", "https:///{z}/{x}/{y}",
        "https://a b/{z}/{x}/{y}", "https://t.example; script-src */{z}/{x}/{y}", "https://t.example,x/{z}/{x}/{y}", "https://例/{z}/{x}/{y}", "https://a@t.example/{z}/{x}/{y}", "https://*/{z}/{x}/{y}",
    ],
)  # fmt: skip
def test_a_tile_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="expected https://host/path with"):
        Settings(tiles_url=url)
