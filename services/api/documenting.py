"""The OpenAPI document: what FastAPI finds, and what it does not know: examples, problems, headers, what each property means.

Made of the routes alone; `docs/openapi.json` is this, frozen.
"""

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from services.api import examples, examples_asked, headers
from services.api import schemas as shapes
from services.api.asking import OTHERS_PARAMETERS
from services.api.authentication import COOKIE
from services.api.idempotency import PARAMETER, PROBLEMS, IdempotentRoute
from services.api.identity import ACCESS, OPEN, OWN
from services.api.map import shapes as map_shapes
from services.api.problems import MEDIA_TYPE, answers
from services.api.property_words import describe
from services.api.webhooks import event_types

TITLE = "Roadwatch 路哨"
SERVERS = [
    {"url": "/", "description": "此文档所在的服务 · the server that this document came from"},
    {
        "url": "http://127.0.0.1:8080",
        "description": "roadwatch up 的缺省地址 · where `roadwatch up` listens by default",
    },
]
DONE = ("200", "201", "202")
DESCRIPTION = """\
路哨的接口:告警、事件流、车辆、轨迹与位置。Alerts, their stream, vehicles, tracks and positions of Roadwatch.

Times are RFC 3339 UTC; what is sent in may carry any offset, never none. Positions are WGS-84, `[lon, lat]`. Lists are paged by opaque cursors:
`{"items": [...], "next": cursor or null}`, the other parameters unchanged. Errors are RFC 9457 problems in Chinese or English by `Accept-Language`.
Every operation but health and signing in asks who you are: `Authorization: Bearer <key or token>`, or a session (`POST /v1/session`).
HEAD is answered wherever GET is. A parameter that an operation does not have is refused (400), never ignored. JSON of a kilobyte and more is sent
compressed to clients that take gzip; an ETag is the same with and without. Besides the headers that its answers name, every answer may carry those of
`x-headers-of-every-answer`.
"""
TAGS = [
    {"name": "alerts", "description": "告警 · alerts"},
    {"name": "handling", "description": "告警处理 · what people do with alerts"},
    {"name": "events", "description": "告警事件 · steps of alerts, streamed and pulled"},
    {"name": "vehicles", "description": "车辆与轨迹 · vehicles and tracks"},
    {"name": "positions", "description": "位置 · latest positions"},
    {"name": "map", "description": "地图图层 · layers of the map"},
    {"name": "search", "description": "谁曾在场、谁在附近 · who was there, who is near"},
    {"name": "jobs", "description": "任务与导出 · jobs and exports"},
    {"name": "drivers", "description": "驾驶员 · drivers"},
    {"name": "meta", "description": "代码表 · codes"},
    {"name": "session", "description": "登录与账号 · signing in, oneself"},
    {"name": "accounts", "description": "账号与密钥 · accounts, keys, one-time codes"},
    {"name": "audit", "description": "审计 · who did what"},
    {"name": "health", "description": "运行状态 · health"},
    {"name": "webhooks", "description": "事件推送 · events delivered to partners (Standard Webhooks)"},
]
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "an API key `rw_…`, or ROADWATCH_TOKEN, which `roadwatch up` writes to <data>/token",
}
COOKIE_SCHEME = {
    "type": "apiKey",
    "in": "cookie",
    "name": COOKIE,
    "description": "a session, begun by POST /v1/session",
}


def described(routers: Sequence[APIRouter]) -> dict[str, Any]:
    """The document of these routers' operations."""
    everything = APIRouter(generate_unique_id_function=lambda route: route.name)
    for router in routers:
        everything.include_router(router)
    found = get_openapi(
        title=TITLE, version=version("roadwatch"), description=DESCRIPTION, routes=everything.routes, tags=TAGS, servers=SERVERS,
    )  # fmt: skip
    _complete(found)
    _idempotent(found, routers)
    _exemplify(found)
    headers.document(found)
    describe(found)
    return found


def operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation."""
    return (operation for item in document["paths"].values() for operation in item.values())


def _complete(document: dict[str, Any]) -> None:
    """Shapes that FastAPI has not met, examples with their nulls, tokens that may be left out."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    made: tuple[type[BaseModel], ...] = (shapes.Problem, shapes.Track, *map_shapes.all_shapes())
    for shape in made:
        schema = shape.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(schema.pop("$defs", {}))
        schemas[shape.__name__] = schema
    document["components"]["securitySchemes"] = {"bearer": BEARER, "session": COOKIE_SCHEME}
    document["security"] = [{"bearer": []}, {"session": []}]
    document["webhooks"] = event_types.openapi_webhooks()
    for operation in operations(document):
        if MEDIA_TYPE not in operation["responses"].get("422", {}).get("content", {}):
            operation["responses"].pop("422", None)  # FastAPI's own; ours are 400
        name = operation["operationId"]
        operation["x-permission"] = ACCESS[name]
        _may_end(operation, _common(name, has_body="requestBody" in operation))
        if ACCESS[name] == OPEN:
            operation["security"] = []
        if name in examples.OF_OPERATION:
            responses = operation["responses"]
            done = next(responses[status] for status in DONE if status in responses)
            _shown(done["content"])["example"] = examples.OF_OPERATION[name]


def _shown(content: dict[str, Any]) -> dict[str, Any]:
    """The content that an example is of: the first that is JSON, else the first."""
    json = next((name for name in content if name.endswith("json")), next(iter(content)))
    found: dict[str, Any] = content[json]
    return found


def _common(name: str, *, has_body: bool) -> list[str]:
    """The problems of the layers that every request passes (`access.py`, `asking.py`)."""
    permission = ACCESS[name]
    found = [] if name in OTHERS_PARAMETERS else ["unknown-parameter"]
    if has_body:
        found += ["body-too-large", "unsupported-media-type", "unsupported-encoding", "quota-exceeded"]
    if permission == OPEN:
        return found
    found += ["login-required", "unauthorized", "password-change-required", "quota-exceeded", "stopping"]
    return found if permission == OWN else [*found, "forbidden"]


def _may_end(operation: dict[str, Any], codes: list[str]) -> None:
    """Document problems that the operation itself did not name."""
    for status, answer in answers(codes).items():
        known = operation["responses"].setdefault(str(status), answer)
        examples = known["content"][MEDIA_TYPE]["examples"]
        for code, example in answer["content"][MEDIA_TYPE]["examples"].items():
            examples.setdefault(code, example)


def _exemplify(document: dict[str, Any]) -> None:
    """Examples of what is sent."""
    for operation in operations(document):
        name = operation["operationId"]
        for parameter in operation.get("parameters", ()):
            if (example := examples_asked.parameter(name, parameter["name"])) is not None:
                parameter["example"] = example
        if name in examples_asked.BODIES:
            operation["requestBody"]["content"]["application/json"]["example"] = examples_asked.BODIES[name]


def _idempotent(document: dict[str, Any], routers: Sequence[APIRouter]) -> None:
    """Name the header on every POST that honours it."""
    for route in (route for router in routers for route in router.routes):
        if isinstance(route, IdempotentRoute) and route.takes_key:
            operation = document["paths"][route.path]["post"]
            operation.setdefault("parameters", []).append(PARAMETER)
            _may_end(operation, list(PROBLEMS))
