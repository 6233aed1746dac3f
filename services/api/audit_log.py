"""The audit as audit administrators read it; `roadwatch audit verify` proves that it is whole."""

from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.api.parameters import DEFAULT_LIMIT, Cursor, Limit, Text, Time, time_ms
from services.api.parameters import Query as QueryModel
from services.api.problems import answers, invalid
from services.api.schemas_people import AuditPage
from services.api.state import state_of
from services.contracts.alert import iso
from services.store import audit, scope
from services.store.times import to_ms

router = APIRouter(tags=["audit"])


class AuditParameters(QueryModel):
    """Filters and paging."""

    actor: Text | None = Field(default=None, description="账号编号 · who: an account's id, or system")
    action: Text | None = Field(
        default=None, description="动作,如 account.change · what, such as account.change"
    )
    object: Text | None = Field(default=None, description="对象编号 · to what: an id")
    credential: audit.Credential | None = Field(
        default=None,
        description="凭据类型 · by what: session, key, token (the system's own), command (on the machine), process, none",
    )
    credential_id: Text | None = Field(
        default=None, description="会话编号或密钥编号 · which session (ses_…) or key"
    )
    from_: Time | None = Field(default=None, alias="from", description="起(含)· from, inclusive")
    to: Time | None = Field(default=None, description="止(不含)· until, exclusive")
    cursor: Cursor | None = Field(default=None, description="上一页的 next · the next of the page before")
    limit: Limit = DEFAULT_LIMIT


@router.get(
    "/v1/audit",
    response_class=Response,
    responses={
        200: {"model": AuditPage},
        **answers(
            [
                "invalid-parameter", "unknown-parameter", "invalid-cursor", "cursor-mismatch", "database-away",
            ]
        ),
    },
    summary="审计记录 · the audit",
)  # fmt: skip
async def list_audit(request: Request, parameters: Annotated[AuditParameters, Query()]) -> Response:
    """Who did or looked at what, when, from where, by which session or key and why; newest first. Reading it is not written into it."""
    state = state_of(request)
    from_ms, to_ms_ = time_ms(parameters.from_), time_ms(parameters.to)
    if from_ms is not None and to_ms_ is not None and from_ms >= to_ms_:
        raise invalid("from", "from 应早于 to", "from must be before to")
    conditions = repr(parameters.model_dump(exclude={"cursor", "limit"}))
    before = int(state.audit_cursors.read(parameters.cursor, conditions)[0]) if parameters.cursor else None
    wanted = audit.Filter(
        actor=parameters.actor, action=parameters.action, object=parameters.object, from_ms=from_ms, to_ms=to_ms_,
        credential=parameters.credential, credential_id=parameters.credential_id,
    )  # fmt: skip
    async with state.database.reading(scope.EVERYTHING) as conn:
        rows = await audit.page(conn, wanted, before, parameters.limit + 1)
    items, following = state.audit_cursors.cut(rows, parameters.limit, lambda row: (row["seq"],), conditions)
    body = {"items": [_shown(row) for row in items], "next": following}
    return Response(msgspec.json.encode(body), media_type="application/json")


def _shown(row: asyncpg.Record) -> dict[str, Any]:
    names = (
        "seq",
        "actor",
        "actor_name",
        "action",
        "object",
        "outcome",
        "purpose",
        "ip",
        "request_id",
        "credential",
        "credential_id",
    )
    return {
        **{name: row[name] for name in names},
        "at": iso(to_ms(row["at"])),
        "detail": msgspec.Raw(row["detail"].encode()),
        "row_hash": row["row_hash"].hex(),
    }
