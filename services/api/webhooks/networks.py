"""The allow-list of networks that are not public and may still be delivered to; the system administrator's, since it opens the inside to others."""

from typing import Annotated

import asyncpg
from fastapi import APIRouter, Path, Query, Request, Response

from services.api.cursors import Cursors
from services.api.parameters import Paging
from services.api.problems import Fault, Problem, answers
from services.api.state import state_of
from services.api.webhooks.addresses import allowable
from services.api.webhooks.endpoints import COMMON, answer
from services.api.webhooks.schemas import Network, Networks, NewNetwork
from services.contracts.alert import iso
from services.runtime.clock import now_ms
from services.store import webhooks
from services.store.times import to_ms

Subnet = Annotated[str, Path(max_length=64, description="网段,如 10.64.0.0/16 · a network")]

router = APIRouter(prefix="/v1/webhooks/networks", tags=["webhooks"])


def _network(text: str) -> str:
    try:
        return str(allowable(text))
    except ValueError as error:
        zh, en = (
            "应为网段,如 10.64.0.0/16,主机位为零;链路本地、组播等地址不可放行",
            "expected a network such as 10.64.0.0/16 without host bits; link-local, multicast and the like cannot be opened",
        )
        raise Problem("invalid-parameter", faults=(Fault("#/path/network", zh, en),)) from error


def _shown(row: asyncpg.Record) -> dict[str, str]:
    return {"network": row["network"], "note": row["note"], "created": iso(to_ms(row["created_at"]))}


@router.get(
    "",
    response_class=Response,
    responses={
        200: {"model": Networks},
        **answers(["invalid-parameter", "unknown-parameter", "invalid-cursor", *COMMON]),
    },
    summary="网段白名单 · the allow-list",
)
async def list_webhook_networks(request: Request, parameters: Annotated[Paging, Query()]) -> Response:
    """Networks that are allowed although they are not public."""
    state = state_of(request)
    cursors = Cursors(state.settings.token, "networks")
    after = str(cursors.read(parameters.cursor)[0]) if parameters.cursor else None
    async with state.database.reading(await state.view(request)) as conn:
        rows = await webhooks.network_page(conn, after, parameters.limit + 1)
    items, following = cursors.cut(rows, parameters.limit, lambda row: (row["network"],))
    return answer({"items": [_shown(row) for row in items], "next": following})


@router.put(
    "/{network:path}",
    response_class=Response,
    responses={200: {"model": Network}, **answers(["invalid-parameter", "invalid-body", "not-found", "cross-site", *COMMON])},
    summary="放行网段 · allow a network",
)  # fmt: skip
async def put_webhook_network(request: Request, network: Subnet, body: NewNetwork) -> Response:
    """Deliveries may go there within a second."""
    state, at_ms, named = state_of(request), now_ms(), _network(network)
    async with state.database.writing(await state.view(request)) as conn:
        await webhooks.put_network(conn, named, body.note, at_ms)
        await state.audit(conn, request, "webhook.network.allow", named, detail={"note": body.note})
        (row,) = [row for row in await webhooks.networks(conn) if row["network"] == named]
    return answer(_shown(row))


@router.delete(
    "/{network:path}",
    status_code=204,
    responses={204: {"description": "no longer allowed"}, **answers(["invalid-parameter", "network-not-found", "cross-site", *COMMON])},
    summary="取消放行 · allow a network no longer",
)  # fmt: skip
async def delete_webhook_network(request: Request, network: Subnet) -> Response:
    """From the next attempt on nothing goes there."""
    state, named = state_of(request), _network(network)
    async with state.database.writing(await state.view(request)) as conn:
        if not await webhooks.delete_network(conn, named):
            raise Problem("network-not-found", {"id": named})
        await state.audit(conn, request, "webhook.network.refuse", named)
    return Response(status_code=204)
