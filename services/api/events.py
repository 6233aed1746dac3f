"""Alert events: the stream for consoles and the pull feed, one order, one body, the same numbers.

A client says where it is by `Last-Event-ID` or `?after=` and gets what follows: first from the table, page by page as fast as it reads, then from
the memory of the last events, then as they happen; between these nothing is missed or told twice.
"""

from collections.abc import AsyncIterator
from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field

from services.api.database import DatabaseAway
from services.api.filters import AlertConditions, Wanted
from services.api.hub import Event, Listener, body_of, reset_frame
from services.api.identity import Principal, principal_of
from services.api.parameters import DEFAULT_LIMIT, Cursor, Limit
from services.api.parameters import Query as QueryModel
from services.api.problems import Problem, answers, invalid
from services.api.schemas import EventPage
from services.api.sse import EVENT_STREAM, EventStream, retry_frame
from services.api.state import State, state_of
from services.store.api_queries import events_after, events_in_view, feed_last
from services.store.scope import EVERYTHING

CATCH_UP_PAGE = 500
LONGEST_NUMBER = 18  # digits; bigint has 19

log = structlog.get_logger()
router = APIRouter(tags=["events"])


class StreamParameters(AlertConditions):
    """Filters, and where to begin."""

    after: str | None = Field(
        default=None, max_length=512,
        description="从此序号之后开始;缺省为此后发生的事件 · begin after this number; default: with what comes next",
    )  # fmt: skip


class FeedParameters(QueryModel):
    """Where to go on, and how much."""

    after: str | None = Field(
        default=None, max_length=512,
        description="此序号之后,或上一页的 next;缺省从头 · after this number, or the next of the page before; default: from the beginning",
    )  # fmt: skip
    cursor: Cursor | None = Field(default=None, description="上一页的 next · the next of the page before")
    limit: Limit = DEFAULT_LIMIT


def number(text: str | None) -> int | None:
    """A feed position as a client writes it; None: it is no number."""
    if text is not None and text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER:
        return int(text)
    return None


class AlertStream(EventStream):
    """One client's stream of alert events."""

    def __init__(
        self, state: State, principal: Principal, wanted: Wanted, after: int, opening: bytes
    ) -> None:
        """Begins after number `after`; `opening` is sent at once."""
        super().__init__()
        hub = state.hub
        self._hub, self._database, self._wanted = hub, state.database, wanted
        self._authenticator, self._principal = state.authenticator, principal
        self._after, self._opening = after, opening
        self._listener: Listener = hub.listener(wanted)

    def gone(self) -> None:
        """The client has left."""
        self._listener.drop()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The opening, what is lacking, what happens."""
        yield self._opening
        opened = self._authenticator.opened(self._principal, self._listener.drop)
        try:
            async for chunk in self._lacking():
                yield chunk
            while chunk := await self._listener.take():
                yield chunk
        except DatabaseAway as error:
            log.info("stream_cut", error=str(error), after=self._after)
        finally:
            self._authenticator.closed(opened)
            self._hub.leave(self._listener)

    async def _lacking(self) -> AsyncIterator[bytes]:
        """Events between the client's position and the present; joined to the present at the end."""
        await self._hub.known.wait()
        while not self._listener.ended:
            events = self._hub.join(self._listener, self._after)
            if events is not None:
                self._listener.told = events[-1].seq if events else self._after
                yield self._frames(events)
                return
            async with self._database.reading(
                EVERYTHING
            ) as conn:  # filtered by `wanted`, the numbers must be seen
                rows = await events_after(conn, self._after, CATCH_UP_PAGE)
            if not rows or rows[0]["seq"] != self._after + 1:
                self._after = self._hub.position
                yield reset_frame(self._after)
            else:
                self._after = rows[-1]["seq"]
                yield self._frames([Event(row) for row in rows])

    def _frames(self, events: list[Event]) -> bytes:
        return b"".join(event.frame_for(self._wanted) for event in events if event.wanted_by(self._wanted))


@router.get(
    "/v1/alerts/stream",
    response_class=Response,
    responses={
        200: EVENT_STREAM,
        **answers(["invalid-parameter", "unknown-parameter", "beyond-feed", "unauthorized", "database-away"]),
    },
    summary="告警事件流 · alert events as they happen",
)
async def stream_alerts(
    request: Request,
    parameters: Annotated[StreamParameters, Query()],
    last_event_id: Annotated[
        str | None, Header(description="上次收到的 id · the last id received; wins over after")
    ] = None,
) -> Response:
    """Server-sent events: `id` is the feed position, `event` the type, `data` the event of `/v1/events`.

    Resume with `Last-Event-ID` (browsers do it by themselves) or `?after=`: nothing is skipped or doubled.
    A comment is sent every 15 s, with `: through N`: everything of yours up to `seq` N was sent before it, what is lacking up to it concerns others.
    A client that falls behind is told `event: lagged` and closed; it resumes. `event: reset` says that the position means nothing here
    (the database was set back, or the position is older than what is kept): load a first page anew.
    """
    state = state_of(request)
    if state.hub.closed:
        raise Problem("stopping")
    async with state.database.reading(EVERYTHING) as conn:
        last = await feed_last(conn)
    after, opening = _beginning(parameters.after, last_event_id, last)
    principal = principal_of(request)
    wanted = parameters.wanted().within(principal.scope, drivers=principal.sees_drivers)
    return AlertStream(state, principal, wanted, after, opening)


def _beginning(after: str | None, last_event_id: str | None, last: int) -> tuple[int, bytes]:
    """Where a stream begins, and its first bytes.

    A wrong `after` is the caller's mistake and refused. A `Last-Event-ID` is sent by a browser on its own, which would never come back after
    a refusal, so a wrong one is answered by a reset.
    """
    opening = b": roadwatch\n" + retry_frame()
    if last_event_id:
        position = number(last_event_id)
        if position is None or position > last:
            return last, opening + reset_frame(last)
        return position, opening
    if after is not None:
        position = number(after)
        if position is None:
            raise invalid("after", "应为事件序号", "expected an event's number")
        if position > last:
            raise Problem("beyond-feed", {"after": position, "last": last})
        return position, opening
    return last, opening + b"id: %d\n\n" % last


@router.get(
    "/v1/events",
    response_class=Response,
    responses={
        200: {"model": EventPage},
        **answers(
            [
                "invalid-parameter",
                "unknown-parameter",
                "invalid-cursor",
                "beyond-feed",
                "unauthorized",
                "database-away",
            ]
        ),
    },
    summary="拉取告警事件 · alert events, pulled",
)
async def list_events(request: Request, parameters: Annotated[FeedParameters, Query()]) -> Response:
    """The same events as the stream in the same order; `next` is null at the end of what there is.

    `through`: everything of yours up to this `seq` is here or on the pages before. Numbers that are lacking up to it are of events that you may
    not see; nothing was lost. `last` is the same number, where to go on later by `after`.
    """
    state = state_of(request)
    after = _feed_position(state, parameters)
    view = await state.view(request)
    async with state.database.reading(view) as conn:
        last = await feed_last(conn)  # before the rows: what comes between them is told the next time
        rows = await events_in_view(conn, view, after, parameters.limit + 1)
    if after > last and not rows:
        raise Problem("beyond-feed", {"after": after, "last": last})
    shown = rows[: parameters.limit]
    position = shown[-1]["seq"] if shown else after
    if len(rows) == len(shown):
        position = max(position, last)  # what is between concerns others
    following = f'"{state.event_cursors.write((position,))}"' if len(rows) > len(shown) else "null"
    body = b'{"items":[%s],"next":%s,"through":%d,"last":%d}' % (
        b",".join(body_of(row, driver=principal_of(request).sees_drivers) for row in shown), following.encode(), position, position,
    )  # fmt: skip
    return Response(body, media_type="application/json")


def _feed_position(state: State, parameters: FeedParameters) -> int:
    given = parameters.cursor or parameters.after
    if given is None:
        return 0
    position = None if parameters.cursor else number(given)
    return int(state.event_cursors.read(given)[0]) if position is None else position
