"""What a request finds: the process's database, hub and live map, made once when the app starts; and the pen of the audit."""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from services.api.authentication import Authenticator
from services.api.cursors import Cursors
from services.api.database import Database
from services.api.hub import Hub
from services.api.identity import principal_of
from services.api.livemap import LiveMap
from services.api.oidc.provider import Provider
from services.api.system.watch import Watch
from services.runtime.clock import now_ms
from services.runtime.settings import Settings
from services.store import audit
from services.store.connect import Conn
from services.store.scope import View


@dataclass(frozen=True, slots=True)
class State:
    """Shared by all requests of the process."""

    settings: Settings
    database: Database
    authenticator: Authenticator
    hub: Hub
    livemap: LiveMap
    watch: Watch
    alert_cursors: Cursors
    event_cursors: Cursors
    vehicle_cursors: Cursors
    account_cursors: Cursors
    audit_cursors: Cursors
    provider: Provider
    driver_cursors: Cursors
    jobs_waiting: asyncio.Event
    searches: asyncio.Semaphore
    rejected_cursors: Cursors
    rejected_looks: asyncio.Semaphore

    async def view(self, request: Request) -> View:
        """The rows that this request may see."""
        return await self.authenticator.view(principal_of(request))

    async def audit(
        self,
        conn: Conn,
        request: Request,
        action: str,
        target: str,
        *,
        outcome: str = "ok",
        purpose: str | None = None,
        detail: dict[str, Any] | None = None,
        actor: tuple[str, str] | None = None,
        session: str | None = None,
    ) -> None:
        """Write down in this transaction who did what, and by which session or key; `actor` (id, name) where nobody is signed in yet, `session` the one just begun."""
        principal = principal_of(request)
        who = actor or (principal.id, principal.name)
        credential, credential_id = principal.credential, principal.credential_name
        if session is not None:
            credential, credential_id = audit.Credential.SESSION, session
        entry = audit.Entry(
            at_ms=now_ms(), actor=who[0], actor_name=who[1], action=action, object=target, outcome=outcome, purpose=purpose,
            ip=request.client.host if request.client else None, request_id=request.scope.get("request_id"),
            detail=audit.detail(detail or {}), credential=credential, credential_id=credential_id,
        )  # fmt: skip
        await audit.append(conn, entry)


def state_of(request: Request) -> State:
    """The process's state."""
    state: State = request.app.state.roadwatch
    return state
