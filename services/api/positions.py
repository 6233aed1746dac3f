"""Latest positions: a look at an area, and a stream of what changes in it, one frame a second; frames may be dropped, never queued.

The first frame is the whole area (`full`), later ones hold the vehicles that have moved and the ids that have left. A client that reads slowly
gets fewer frames: the next one is made when the one before is sent.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray
from pydantic import Field

from services.api.identity import Principal, Scope, principal_of, scope_of
from services.api.livemap import LiveMap
from services.api.parameters import Box, BoxText, Classes, Names, box_of
from services.api.parameters import Query as QueryModel
from services.api.problems import answers
from services.api.schemas import PositionPage
from services.api.sse import EVENT_STREAM, EventStream, retry_frame
from services.api.state import State, state_of
from services.contracts.alert import iso
from services.runtime.clock import monotonic_s, now_ms

FRAME_EVERY_S = 1.0
HEARTBEAT_S = 15.0
MOST_IN_LIST = 50_000
MOST_IN_FRAME = 20_000
MOST_IN_ROWS = 100_000

router = APIRouter(tags=["positions"])


class ViewParameters(QueryModel):
    """The area."""

    bbox: BoxText | None = Field(
        default=None,
        description="西,南,东,北,缺省为全部 · west,south,east,north in WGS-84; default: everywhere",
    )
    vehicle_class: Classes = Field(
        default=[], alias="class", description="车辆类别 · vehicle classes; none: all"
    )
    operator: Names = Field(
        default=[], description="企业名称(重复参数表示多个)· operators by name, repeat for several; none: all"
    )

    def chosen(self) -> Scope:
        """Which vehicles, of those in view."""
        return scope_of(None, self.operator or None, self.vehicle_class or None)


class StreamParameters(ViewParameters):
    """The area, and how its positions are written."""

    format: Literal["json", "rows"] = Field(
        default="json",
        description="json,或每车 24 字节的二进制行(base64)· json, or binary rows of 24 bytes a vehicle",
    )


class PositionParameters(ViewParameters):
    """The area, and how many."""

    limit: Annotated[int, Field(ge=1, le=MOST_IN_LIST)] = Field(
        default=10_000, description="至多返回的车辆数,不超过 50000 · so many vehicles; 50000 at most"
    )


@router.get(
    "/v1/positions",
    response_class=Response,
    responses={
        200: {"model": PositionPage},
        **answers(["invalid-parameter", "unknown-parameter", "unauthorized"]),
    },
    summary="最新位置 · latest positions",
)
async def list_positions(request: Request, parameters: Annotated[PositionParameters, Query()]) -> Response:
    """The latest position of every vehicle in the box. Kept in memory: it does not wait for the database."""
    livemap = state_of(request).livemap
    seen = principal_of(request).scope
    vehicles = np.flatnonzero(livemap.inside(box_of(parameters.bbox), seen, parameters.chosen()))
    items = livemap.items(vehicles[: parameters.limit])
    body = msgspec.json.encode({"items": items, "next": None, "truncated": len(vehicles) > parameters.limit})
    return Response(body, media_type="application/json")


@router.get(
    "/v1/positions/stream",
    response_class=Response,
    responses={
        200: EVENT_STREAM,
        **answers(["invalid-parameter", "unknown-parameter", "unauthorized"]),
    },
    summary="位置流 · positions as they change",
)
async def stream_positions(request: Request, parameters: Annotated[StreamParameters, Query()]) -> Response:
    """Server-sent events of type `positions`, at most one a second: `{"time", "full", "items", "left"}`. There is nothing to resume.

    With `format=rows`, for screens that show tens of thousands, `rows` stands in the place of `items`: base64 of little-endian rows `vehicle u4,
    lon i4, lat i4` (1e-7 degrees)`, time u4` (seconds since 1970)`, speed u2` (0.1 km/h)`, heading u2` (degrees; 65535: none)`, class u1` (place in
    /v1/meta)`, fixed u1, 2 spare`.
    """
    return PositionStream(
        state_of(request),
        box_of(parameters.bbox),
        principal_of(request),
        parameters.chosen(),
        rows=parameters.format == "rows",
    )


class PositionStream(EventStream):
    """One client's view."""

    def __init__(
        self, state: State, box: Box | None, principal: Principal, chosen: Scope, *, rows: bool = False
    ) -> None:
        """`box` None: everywhere; `chosen`: what the client wants of what it may see; `rows`: binary."""
        super().__init__()
        self._rows = rows
        self._authenticator, self._principal = state.authenticator, principal
        self._livemap: LiveMap = state.livemap
        self._hub = state.hub
        self._box, self._chosen = box, chosen
        self._ended = asyncio.Event()
        self._shown: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def gone(self) -> None:
        """The client has left."""
        self._ended.set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Frames, a heartbeat where nothing moves."""
        yield b": roadwatch\n" + retry_frame()
        opened = self._authenticator.opened(self._principal, self._ended.set)
        try:
            async for frame in self._frames():
                yield frame
        finally:
            self._authenticator.closed(opened)

    async def _frames(self) -> AsyncIterator[bytes]:
        seen, sent_s, full = 0, monotonic_s(), True
        while not (self._ended.is_set() or self._hub.closed):
            frame = self._frame(seen, full=full)
            seen = self._livemap.stamp
            if frame is None and monotonic_s() - sent_s >= HEARTBEAT_S:
                frame = b": heartbeat\n\n"
            if frame is not None:
                full, sent_s = False, monotonic_s()
                yield frame
            await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(FRAME_EVERY_S):
                await self._ended.wait()
        except TimeoutError:
            return

    def _frame(self, seen: int, *, full: bool) -> bytes | None:
        """What changed since update number `seen`; None: nothing."""
        inside = self._livemap.inside(self._box, self._principal.scope, self._chosen)
        shown = np.zeros(len(inside), np.bool_)
        shown[: len(self._shown)] = self._shown
        changed = np.flatnonzero(inside & (~shown | (self._livemap.stamps > seen)))
        most = MOST_IN_ROWS if self._rows else MOST_IN_FRAME
        moved, postponed = changed[:most], changed[most:]
        left = np.flatnonzero(shown & ~inside)
        inside[postponed] = False  # as not shown they are part of the next frame
        self._shown = inside
        if not full and not len(moved) and not len(left):
            return None
        body: dict[str, Any] = {"time": iso(now_ms()), "full": full, "left": left.tolist()}
        if self._rows:
            body["rows"] = base64.b64encode(self._livemap.rows(moved)).decode()
        else:
            body["items"] = self._livemap.items(moved)
        return b"event: positions\ndata: " + msgspec.json.encode(body) + b"\n\n"
