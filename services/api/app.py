"""The app: routes, error answers, and what lives as long as the process does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from services.api import (
    alert_track,
    alerts,
    audit_log,
    events,
    health,
    meta,
    positions,
    rules,
    sessions,
    tracks,
    vehicles,
)
from services.api.access import Access, authorize, too_large
from services.api.accounts import keys, one_time_codes
from services.api.accounts import routes as accounts
from services.api.anchoring import Anchoring
from services.api.asking import known_parameters, well_formed
from services.api.authentication import Authenticator
from services.api.compressing import Compressing
from services.api.cursors import Cursors
from services.api.database import DatabaseAway, check_posture, connect
from services.api.documenting import TITLE, described
from services.api.handling import actions, deadlines, shifts, storms, viewing
from services.api.history import drivers, exports, jobs, journeys, near, presence
from services.api.history import health as terminal_health
from services.api.history.runner import Runner
from services.api.hub import Hub
from services.api.language import language_of
from services.api.livemap import LiveMap
from services.api.map import roads, routes, zones
from services.api.oidc import routes as oidc
from services.api.oidc.provider import Provider
from services.api.pages import add_pages
from services.api.parameters import MESSAGES, problem_of
from services.api.problems import Fault, Problem, respond
from services.api.sse import retry_frame
from services.api.state import State
from services.api.system import rejected
from services.api.system import routes as system
from services.api.system.watch import Watch
from services.api.webhooks import deliveries, endpoints, event_types, networks, testing
from services.runtime.settings import Settings

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
    terminal_health,
    presence,
    near,
    jobs,
    exports,
    drivers,
    endpoints,
    deliveries,
    event_types,
    networks,
    testing,
    roads,
    routes,
    zones,
    rules,
    system,
    rejected,
)
SEARCHES_AT_ONCE = 2  # of the pool's eight connections; the others stay for what is quick
LOOKS_AT_ONCE = 2  # each fetches some 50,000 records at most
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
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
        title=TITLE, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/openapi.json", redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name, swagger_ui_oauth2_redirect_url=None,
    )  # fmt: skip
    for module in MODULES:
        app.include_router(module.router, dependencies=[Depends(authorize), Depends(well_formed)])
    add_pages(app)
    _errors(app)
    app.openapi = document  # type: ignore[method-assign]
    app.state.parameters = known_parameters(document())
    app.add_middleware(Compressing)
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
            allowed = {"allow": ", ".join(methods_of(app, request.scope))}
            problem = Problem("method-not-allowed", {"method": request.method}, headers=allowed)
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


def methods_of(app: FastAPI, scope: Scope) -> list[str]:
    """What a path answers, of all its operations; HEAD wherever GET is."""
    found: set[str] = set()
    for method in METHODS:
        asked = {**scope, "method": method}
        found |= {method for route in app.routes if route.matches(asked)[0] is Match.FULL}
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document, made once a process: it depends on no setting."""
    return described([module.router for module in MODULES])
