"""The app: routes, error answers, the OpenAPI document, and what lives as long as the process does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from services.api import (
    alert_track,
    alerts,
    audit_log,
    events,
    examples,
    examples_asked,
    health,
    meta,
    positions,
    rules,
    sessions,
    tracks,
    vehicles,
)
from services.api import schemas as shapes
from services.api.access import Access, authorize, too_large
from services.api.accounts import keys, one_time_codes
from services.api.accounts import routes as accounts
from services.api.anchoring import Anchoring
from services.api.authentication import COOKIE, Authenticator
from services.api.cursors import Cursors
from services.api.database import DatabaseAway, check_posture, connect
from services.api.handling import actions, deadlines, shifts, storms, viewing
from services.api.history import drivers, exports, jobs, journeys, near, presence
from services.api.history.runner import Runner
from services.api.hub import Hub
from services.api.idempotency import PARAMETER, PROBLEMS, IdempotentRoute
from services.api.identity import ACCESS, OPEN, OWN
from services.api.language import language_of
from services.api.livemap import LiveMap
from services.api.map import roads, routes, zones
from services.api.map import shapes as map_shapes
from services.api.oidc import routes as oidc
from services.api.oidc.provider import Provider
from services.api.pages import add_pages
from services.api.parameters import MESSAGES, problem_of
from services.api.problems import MEDIA_TYPE, Fault, Problem, answers, respond
from services.api.sse import retry_frame
from services.api.state import State
from services.api.system import rejected
from services.api.system import routes as system
from services.api.system.watch import Watch
from services.api.webhooks import deliveries, endpoints, event_types, networks
from services.runtime.settings import Settings

DESCRIPTION = """\
路哨的接口:告警、事件流、车辆、轨迹与位置。Alerts, their stream, vehicles, tracks and positions of Roadwatch.

Times are RFC 3339 UTC; what is sent in may carry any offset, never none. Positions are WGS-84, `[lon, lat]`. Lists are paged by opaque cursors:
`{"items": [...], "next": cursor or null}`, the other parameters unchanged. Errors are RFC 9457 problems in Chinese or English by `Accept-Language`.
Every operation but health and signing in asks who you are: `Authorization: Bearer <key or token>`, or a session (`POST /v1/session`).
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
MODULES = (
    events,
    storms,
    alerts,
    alert_track,
    tracks,
    vehicles,
    positions,
    meta,
    sessions,
    health,
    accounts,
    keys,
    one_time_codes,
    audit_log,
    oidc,
    actions,
    shifts,
    viewing,
    journeys,
    presence,
    near,
    jobs,
    exports,
    drivers,
    endpoints,
    deliveries,
    event_types,
    networks,
    roads,
    routes,
    zones,
    rules,
    system,
    rejected,
)
SEARCHES_AT_ONCE = 2  # of the pool's eight connections; the others stay for what is quick
LOOKS_AT_ONCE = 2  # each fetches some 50,000 records at most
FAREWELL = b": the server is stopping\n" + b"event: bye\ndata: {}\n\n"

log = structlog.get_logger()


def create_app(settings: Settings) -> FastAPI:
    """The app of a process; `app.state.roadwatch` is its State while it runs."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        state = await _state(settings)
        app.state.roadwatch = state
        tasks = [
            asyncio.create_task(state.hub.run()),
            asyncio.create_task(state.livemap.run()),
            asyncio.create_task(state.watch.run()),
            asyncio.create_task(state.authenticator.run()),
            asyncio.create_task(check_posture(state.database, wait=True)),
            asyncio.create_task(Anchoring(state.database, settings.audit_anchor_file).run()),
            asyncio.create_task(deadlines.run(state.database)),
            asyncio.create_task(Runner(state.database, state.authenticator, state.jobs_waiting).run()),
        ]
        app.state.background = tasks
        try:
            yield
        finally:
            state.hub.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            state.database.close()

    app = FastAPI(
        title="Roadwatch 路哨", version=version("roadwatch"), description=DESCRIPTION, openapi_tags=TAGS, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url="/openapi.json", generate_unique_id_function=lambda route: route.name,
        swagger_ui_oauth2_redirect_url=None,
    )  # fmt: skip
    for module in MODULES:
        app.include_router(module.router, dependencies=[Depends(authorize)])
    add_pages(app)
    _errors(app)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]
    app.add_middleware(Access, settings=settings)
    return app


async def _state(settings: Settings) -> State:
    database = await connect(settings)
    return State(
        settings=settings,
        database=database,
        authenticator=Authenticator(database, settings.token),
        hub=Hub(database, settings.sse_queue_events),
        livemap=LiveMap(settings, database),
        watch=Watch(settings, database),
        alert_cursors=Cursors(settings.token, "alerts"),
        event_cursors=Cursors(settings.token, "events"),
        vehicle_cursors=Cursors(settings.token, "vehicles"),
        account_cursors=Cursors(settings.token, "accounts"),
        audit_cursors=Cursors(settings.token, "audit"),
        provider=Provider(settings),
        driver_cursors=Cursors(settings.token, "drivers"),
        jobs_waiting=asyncio.Event(),
        searches=asyncio.Semaphore(SEARCHES_AT_ONCE),
        rejected_cursors=Cursors(settings.token, "rejected", rejected.LONGEST_CURSOR),
        rejected_looks=asyncio.Semaphore(LOOKS_AT_ONCE),
    )


def end_streams(app: FastAPI) -> None:
    """Say goodbye on every stream; called before the server closes its connections."""
    state: State | None = getattr(app.state, "roadwatch", None)
    if state is not None:
        state.hub.close(retry_frame() + FAREWELL)


def _errors(app: FastAPI) -> None:
    """Every exception a request may end with, as a problem."""

    def answer(request: Request, problem: Problem) -> Response:
        return respond(problem, language_of(request.scope), request.scope.get("request_id"))

    @app.exception_handler(Problem)
    async def known(request: Request, error: Problem) -> Response:
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return answer(request, problem_of(list(error.errors())))

    @app.exception_handler(DatabaseAway)
    async def away(request: Request, error: DatabaseAway) -> Response:
        log.debug("database_away", error=str(error))  # the hub says it aloud, once in a while
        return answer(request, Problem("database-away"))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if error.status_code == 405:
            problem = Problem(
                "method-not-allowed", {"method": request.method}, headers=dict(error.headers or {})
            )
        elif error.status_code == 413:
            problem = too_large()
        elif error.status_code == 400:  # a body that is no text at all, or nested beyond reason
            problem = Problem("invalid-body", faults=(Fault("#/body", *MESSAGES["json_invalid"]),))
        else:
            problem = Problem("not-found", {"path": request.url.path})
        return answer(request, problem)

    @app.exception_handler(Exception)
    async def unknown(request: Request, _: Exception) -> Response:
        return answer(request, Problem("internal"))  # the server logs the exception itself


def openapi(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made once."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes, tags=TAGS
        )
        _complete(found)
        _idempotent(found)
        _exemplify(found)
        app.openapi_schema = found
    return app.openapi_schema


def _complete(document: dict[str, Any]) -> None:
    """What FastAPI does not know: shapes it has not met, examples with their nulls, tokens that may be left out."""
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
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        if MEDIA_TYPE not in operation["responses"].get("422", {}).get("content", {}):
            operation["responses"].pop("422", None)  # FastAPI's own; ours are 400
        permission = ACCESS[operation["operationId"]]
        operation["x-permission"] = permission
        _may_end(operation, _common(permission, has_body="requestBody" in operation))
        if permission == OPEN:
            operation["security"] = []
        if operation["operationId"] in examples.OF_OPERATION:
            responses = operation["responses"]
            done = next(responses[status] for status in ("200", "201", "202") if status in responses)
            content = next(iter(done["content"].values()))
            content["example"] = examples.OF_OPERATION[operation["operationId"]]


def _common(permission: str, *, has_body: bool) -> list[str]:
    """The problems of the layer that every request passes (`access.py`)."""
    found = ["body-too-large", "quota-exceeded"] if has_body else []
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
    for operation in (operation for path in document["paths"].values() for operation in path.values()):
        name = operation["operationId"]
        for parameter in operation.get("parameters", ()):
            if (example := examples_asked.parameter(name, parameter["name"])) is not None:
                parameter["example"] = example
        if name in examples_asked.BODIES:
            operation["requestBody"]["content"]["application/json"]["example"] = examples_asked.BODIES[name]


def _idempotent(document: dict[str, Any]) -> None:
    """Name the header on every POST that honours it."""
    for route in (route for module in MODULES for route in module.router.routes):
        if isinstance(route, IdempotentRoute) and route.takes_key:
            operation = document["paths"][route.path]["post"]
            operation.setdefault("parameters", []).append(PARAMETER)
            _may_end(operation, list(PROBLEMS))
