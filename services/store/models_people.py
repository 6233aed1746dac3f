"""The schema of people and partners: accounts, sessions, keys, the audit, webhooks, jobs; beside `models.py`, of the same metadata."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, text
from sqlalchemy.orm import Mapped, mapped_column

from services.store.models import EMPTY_OBJECT, NOW, Base, Id


class Account(Base):
    """Somebody who may sign in: role, scope (null: all), credentials. `epoch` rises with every change of what it may do."""

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    login: Mapped[str] = mapped_column(Id, unique=True)
    name: Mapped[str]
    role: Mapped[str]
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    password_hash: Mapped[str | None]
    must_change: Mapped[bool] = mapped_column(server_default=text("true"))
    totp_secret: Mapped[str | None]
    totp_step: Mapped[int] = mapped_column(BigInteger, server_default="0")
    totp_pending: Mapped[str | None]
    totp_pending_until: Mapped[datetime | None]
    oidc_subject: Mapped[str | None] = mapped_column(Id, unique=True)
    divisions: Mapped[list[str] | None]
    operators: Mapped[list[str] | None]
    classes: Mapped[list[str] | None]
    epoch: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Session(Base):
    """A browser signed in: SHA-256 of its cookie's token."""

    __tablename__ = "session"
    __table_args__ = (Index("session_account", "account"),)

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(Id, ForeignKey("account.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]
    ip: Mapped[str | None]
    agent: Mapped[str | None]


class SignInFailure(Base):
    """Wrong tries in a row of one login as it was typed (its SHA-256), whether there is such an account or not."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index("sign_in_failure_at", "at"),)

    login_hash: Mapped[bytes] = mapped_column(primary_key=True)
    tries: Mapped[int]
    locked_until: Mapped[datetime | None]
    at: Mapped[datetime]


class ApiKey(Base):
    """A program's key: its public id and the SHA-256 of the whole key; `scopes` is the part of its account's permissions it has."""

    __tablename__ = "api_key"
    __table_args__ = (Index("api_key_account", "account"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    key_hash: Mapped[bytes]
    account: Mapped[str] = mapped_column(Id, ForeignKey("account.id", ondelete="CASCADE"))
    name: Mapped[str]
    scopes: Mapped[list[str]]
    networks: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Idempotency(Base):
    """What a POST with an Idempotency-Key was answered, kept a day; `status` null: it still runs."""

    __tablename__ = "idempotency"
    __table_args__ = (Index("idempotency_expires", "expires_at"),)

    principal: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(Id, primary_key=True)
    request_hash: Mapped[bytes]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any]] = mapped_column(server_default=EMPTY_OBJECT)
    body: Mapped[bytes | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    expires_at: Mapped[datetime]


class Audit(Base):
    """Who did or looked at what and why; each row's hash covers the one before. Rows are added, never changed (triggers see to it)."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_at", "at"),
        Index("audit_actor", "actor", "at"),
        Index("audit_object", "object", "at"),
        Index("audit_credential", "credential_id", "at", postgresql_where=text("credential_id IS NOT NULL")),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(Id)
    actor_name: Mapped[str]
    action: Mapped[str]
    object: Mapped[str] = mapped_column(Id)
    purpose: Mapped[str | None]
    outcome: Mapped[str]
    ip: Mapped[str | None]
    request_id: Mapped[str | None]
    detail: Mapped[str]
    row_hash: Mapped[bytes]
    format: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    credential: Mapped[str | None]
    credential_id: Mapped[str | None] = mapped_column(Id)


class AuditHead(Base):
    """The one row that ends the audit chain: number and hash of its last row."""

    __tablename__ = "audit_head"
    __table_args__ = (
        CheckConstraint("id = 1", name="audit_head_one_row"),
        {"postgresql_with": {"fillfactor": 10}},
    )

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    row_hash: Mapped[bytes]


class WebhookNetwork(Base):
    """A network that deliveries may go to although it is not public: the system administrator's allow-list."""

    __tablename__ = "webhook_network"

    network: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Viewing(Base):
    """Who looks at an alert, and until when that was said to hold. Unlogged: a crash may empty it."""

    __tablename__ = "viewing"
    __table_args__ = (Index("viewing_alert", "alert_id"), {"prefixes": ["UNLOGGED"]})

    account: Mapped[str] = mapped_column(Id, primary_key=True)
    alert_id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]


class WebhookEndpoint(Base):
    """Where a partner receives events: `account` is the owner's id, or "system" for the holder of the system's token.

    `after` is the feed position up to which its messages are made, `numbered` the number of the last one; secrets newest first. `failures` counts in a row, `resume_at` is when
    it may be tried again as a whole.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (Index("webhook_endpoint_account", "account"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id)
    url: Mapped[str]
    description: Mapped[str]
    types: Mapped[list[str]]
    filters: Mapped[dict[str, Any]]
    algorithm: Mapped[str]
    secrets: Mapped[list[Any]]
    state: Mapped[str]
    reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    resume_at: Mapped[datetime | None]
    after: Mapped[int] = mapped_column(BigInteger)
    numbered: Mapped[int] = mapped_column(BigInteger, server_default="0")
    version: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)


class WebhookMessage(Base):
    """One event on its way to one endpoint: the very bytes that every attempt sends.

    Of one alert's messages one at most is `waiting`, the later ones are `held`. `earlier` is how many attempts were made before it was asked
    for again. `number` counts an endpoint's messages from 1; what carries no event (pings, tests, notes: `seq` 0) has none.
    """

    __tablename__ = "webhook_message"
    __table_args__ = (
        Index("webhook_message_due", "endpoint", "due_at", "seq", postgresql_where=text("state = 'waiting'")),
        Index(
            "webhook_message_alert",
            "endpoint",
            "alert_id",
            "seq",
            postgresql_where=text("state IN ('waiting', 'held')"),
        ),
        Index("webhook_message_oldest", "created_at", postgresql_where=text("state IN ('waiting', 'held')")),
        Index("webhook_message_again", "endpoint", "seq", postgresql_where=text("state = 'again'")),
        Index("webhook_message_eventless", "endpoint", "created_at", postgresql_where=text("seq = 0")),
        Index("webhook_message_listed", "endpoint", "created_at", "id"),
        Index("webhook_message_done", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    endpoint: Mapped[str] = mapped_column(Id, ForeignKey("webhook_endpoint.id", ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[str] = mapped_column(Id)
    alert_id: Mapped[str] = mapped_column(Id)
    number: Mapped[int | None] = mapped_column(BigInteger)
    type: Mapped[str]
    body: Mapped[bytes]
    state: Mapped[str]
    attempts: Mapped[int] = mapped_column(server_default="0")
    earlier: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    done_at: Mapped[datetime | None]


class WebhookAttempt(Base):
    """One try: what came back."""

    __tablename__ = "webhook_attempt"

    message: Mapped[str] = mapped_column(
        Id, ForeignKey("webhook_message.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    milliseconds: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None]
    response: Mapped[str | None]


class Job(Base):
    """A long piece of work asked for over the api: its state, progress (0 to 1) and, when done, its result."""

    __tablename__ = "job"
    __table_args__ = (
        Index("job_account", "account", "created_at"),
        Index("job_undone", "created_at", postgresql_where=text("state IN ('waiting', 'running')")),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    account: Mapped[str] = mapped_column(Id)
    kind: Mapped[str]
    request: Mapped[dict[str, Any]]
    state: Mapped[str]
    progress: Mapped[float] = mapped_column(server_default="0")
    error: Mapped[str | None]
    result: Mapped[bytes | None]
    media_type: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    beat_at: Mapped[datetime] = mapped_column(server_default=NOW)
    done_at: Mapped[datetime | None]
