"""Who asks, what they may do and which rows they may see: pure values and one table; nothing here reads a clock or a database.

Permission is by operation (`ACCESS`, every operation once), row scope by division, operator and vehicle class. Both are held twice more: the
scope by PostgreSQL's row-level security (`store/scope.py`), the table by a test that asks every operation as every role.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request


class Role(StrEnum):
    """What an account is for. The three administrators are apart: none of them sees an alert or a track (GB/T 22239, 三员分立)."""

    DISPATCHER = "dispatcher"
    SUPERVISOR = "supervisor"
    AUTHORITY = "authority"
    ENTERPRISE = "enterprise"
    PARTNER = "partner"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"


READS = frozenset({"alerts:read", "vehicles:read", "meta:read", "drivers:read", "map:read"})
UNMASK = "drivers:unmask"
"""To see drivers' names and numbers in full."""
HANDLES = frozenset({"alerts:ack", "alerts:assign", "alerts:close"})
PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.DISPATCHER: READS | HANDLES | {"tracks:read", "alerts:reopen"},
    Role.SUPERVISOR: READS
    | HANDLES
    | {"tracks:read", "tracks:export", "alerts:reopen", "alerts:supervise", "drivers:unmask"},
    Role.AUTHORITY: READS
    | {"alerts:ack", "alerts:supervise", "tracks:read", "tracks:export", "drivers:unmask"},
    Role.ENTERPRISE: READS | {"alerts:ack", "alerts:close", "tracks:read"},
    Role.PARTNER: frozenset({"alerts:read", "meta:read", "webhooks:manage"}),
    Role.SYSTEM_ADMIN: frozenset({"meta:read", "map:read", "system:manage", "metrics:read"}),
    Role.SECURITY_ADMIN: frozenset({"meta:read", "accounts:manage"}),
    Role.AUDIT_ADMIN: frozenset({"meta:read", "audit:read"}),
}
"""What each role may do. An API key has the part of its account's permissions that it was given."""

EVERYTHING = frozenset().union(*PERMISSIONS.values())
OPEN = ""
"""Permission of an operation that answers anybody."""
OWN = "own"
"""Permission of an operation on oneself: any signed-in account, even one that must change its password first."""
EITHER = " or "
"""Between permissions of which any one is enough."""
BEGINS_JOBS = "tracks:read or tracks:export or webhooks:manage"
"""Whoever may begin some kind of job may look at jobs; which kinds, `history/jobs.py` says (`SEEN_BY`)."""

ACCESS: dict[str, str] = {
    "healthz": OPEN,
    "readyz": OPEN,
    "login": OPEN,
    "metrics": "metrics:read",
    "logout": OWN,
    "get_me": OWN,
    "change_password": OWN,
    "get_meta": "meta:read",
    "list_alerts": "alerts:read",
    "get_alert": "alerts:read",
    "stream_alerts": "alerts:read",
    "list_events": "alerts:read",
    "list_vehicles": "vehicles:read",
    "get_vehicle": "vehicles:read",
    "list_positions": "vehicles:read",
    "stream_positions": "vehicles:read",
    "get_track": "tracks:read",
    "list_accounts": "accounts:manage",
    "create_account": "accounts:manage",
    "get_account": "accounts:manage",
    "change_account": "accounts:manage",
    "reset_password": "accounts:manage",
    "unlock_account": "accounts:manage",
    "list_keys": "accounts:manage",
    "create_key": "accounts:manage",
    "get_key": "accounts:manage",
    "change_key": "accounts:manage",
    "revoke_key": "accounts:manage",
    "list_my_keys": OWN,
    "create_my_key": OWN,
    "get_my_key": OWN,
    "revoke_my_key": OWN,
    "begin_totp": OWN,
    "confirm_totp": OWN,
    "end_totp": OWN,
    "list_audit": "audit:read",
    "list_providers": OPEN,
    "begin_oidc": OPEN,
    "end_oidc": OPEN,
    "acknowledge_alert": "alerts:ack",
    "claim_alert": "alerts:assign",
    "assign_alert": "alerts:assign",
    "comment_alert": "alerts:ack",
    "supervise_alert": "alerts:supervise",
    "resolve_alert": "alerts:close",
    "reopen_alert": "alerts:reopen",
    "list_actions": "alerts:ack",
    "list_alert_groups": "alerts:read",
    "acknowledge_alerts": "alerts:ack",
    "get_shift_summary": "alerts:ack",
    "view_alert": "alerts:assign",
    "leave_alert": "alerts:assign",
    "list_trips": "tracks:read",
    "list_stops": "tracks:read",
    "get_mileage": "tracks:read",
    "get_vehicle_health": "tracks:read",
    "search_presence": "tracks:read",
    "search_near": "vehicles:read",
    "create_export": "tracks:export",
    "list_jobs": BEGINS_JOBS,
    "get_job": BEGINS_JOBS,
    "get_job_result": BEGINS_JOBS,
    "cancel_job": BEGINS_JOBS,
    "list_drivers": "drivers:read",
    "get_driver": "drivers:read",
    "list_webhooks": "webhooks:manage",
    "create_webhook": "webhooks:manage",
    "get_webhook": "webhooks:manage",
    "change_webhook": "webhooks:manage",
    "delete_webhook": "webhooks:manage",
    "rotate_webhook_secret": "webhooks:manage",
    "ping_webhook": "webhooks:manage",
    "send_test_event": "webhooks:manage",
    "enable_webhook": "webhooks:manage",
    "disable_webhook": "webhooks:manage",
    "recover_webhook": "webhooks:manage",
    "list_recoveries": "webhooks:manage",
    "list_deliveries": "webhooks:manage",
    "get_delivery": "webhooks:manage",
    "redeliver": "webhooks:manage",
    "list_webhook_event_types": "webhooks:manage",
    "list_webhook_networks": "system:manage",
    "put_webhook_network": "system:manage",
    "delete_webhook_network": "system:manage",
    "get_alert_track": "tracks:read",
    "get_system": "system:manage",
    "list_rejected": "system:manage",
    "list_rules": "meta:read",
    "list_roads": "map:read",
    "list_zones": "map:read",
    "list_routes": "vehicles:read",
    "get_route": "vehicles:read",
}
"""Operation id to the permission it asks for, or to several with `EITHER` between them; an operation that is not here does not start (`app.create_app` checks)."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which rows: prefixes of division codes (GB/T 2260), operators by name, vehicle classes; None: all of them. All three must hold."""

    divisions: tuple[str, ...] | None = None
    operators: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is kept from view."""
        return self == Scope()

    def sees(self, division: str, operator: str, vehicle_class: str) -> bool:
        """Whether a row of these is in view."""
        return (
            (self.divisions is None or division.startswith(self.divisions))
            and (self.operators is None or operator in self.operators)
            and (self.classes is None or vehicle_class in self.classes)
        )


EVERYWHERE = Scope()


def scope_of(
    divisions: Sequence[str] | None, operators: Sequence[str] | None, classes: Sequence[str] | None
) -> Scope:
    """A scope as the database keeps it."""
    return Scope(*(None if part is None else tuple(sorted(part)) for part in (divisions, operators, classes)))


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: an account, through a session or a key, or the system's own token.

    Attributes:
        id: `acc_…` of the account; "system" for the token.
        name: what others read of it: "张三", "省厅接口".
        permissions: what it may do here (a key may have fewer than its account).
        epoch: number of the account's last change; a stream begun under an older one is cut.
        credential: `session`, `key` or `token`: where the request came from, for the audit.
        must_change: the password is a first one; only OWN operations answer.
    """

    id: str
    name: str
    role: Role | None
    permissions: frozenset[str]
    scope: Scope
    epoch: int
    credential: str
    credential_id: str = ""
    must_change: bool = False

    @property
    def credential_name(self) -> str | None:
        """What the audit calls the session or key; None: there is neither. Nobody can sign in with it."""
        if self.credential == "session" and self.credential_id:
            return session_name(self.credential_id)
        return self.credential_id or None

    @property
    def sees_drivers(self) -> bool:
        """Whether alerts name the driver to it: not to a partner."""
        return self.role is not Role.PARTNER

    def may(self, permission: str) -> bool:
        """Whether it may do that; of permissions with `EITHER` between them, one is enough."""
        if permission in (OPEN, OWN):
            return permission == OPEN or bool(self.id)
        return not self.must_change and not self.permissions.isdisjoint(permission.split(EITHER))


def session_name(token_hash: str) -> str:
    """A session as the audit names it, of the hash of its token (hex)."""
    return f"ses_{token_hash[:16]}"


NOBODY = Principal("", "", None, frozenset(), Scope(), 0, "none")
"""Whoever asks an open operation."""
SYSTEM = Principal("system", "system", None, EVERYTHING, Scope(), 0, "token")
"""The holder of ROADWATCH_TOKEN: whoever runs the system."""


def principal_of(request: Request) -> Principal:
    """Who asks; the access layer has put it there."""
    found: Principal = request.scope["principal"]
    return found
