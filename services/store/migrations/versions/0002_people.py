"""People and partners: accounts, sessions and keys, handling, the audit chain, webhooks, jobs; the api's role and its row policies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLE = "roadwatch_api"
ID = sa.Text(collation="C")
TIME = postgresql.TIMESTAMP(timezone=True)
TEXTS = postgresql.ARRAY(sa.Text())
NOW = sa.text("now()")
EMPTY = sa.text("'{}'::jsonb")


def upgrade() -> None:
    op.add_column("alert", sa.Column("assignee", ID, nullable=True))
    op.add_column("alert", sa.Column("due_at", TIME, nullable=True))
    op.add_column("alert", sa.Column("handled", sa.Text(), nullable=True))
    _accounts()
    _handling()
    _audit()
    _webhooks()
    _jobs()
    _history()
    _role()
    _policies()


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", ID, primary_key=True),
        sa.Column("login", ID, nullable=False, unique=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("password_hash", sa.Text()),
        sa.Column("must_change", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("totp_secret", sa.Text()),
        sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("totp_pending", sa.Text()),
        sa.Column("totp_pending_until", TIME),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", TIME),
        sa.Column("oidc_subject", ID, unique=True),
        sa.Column("divisions", TEXTS),
        sa.Column("operators", TEXTS),
        sa.Column("classes", TEXTS),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
    )
    op.create_table(
        "session",
        sa.Column("token_hash", sa.LargeBinary(), primary_key=True),
        sa.Column("account", ID, sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("seen_at", TIME, server_default=NOW, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("ip", sa.Text()),
        sa.Column("agent", sa.Text()),
    )
    op.create_index("session_account", "session", ["account"])
    op.create_table(
        "api_key",
        sa.Column("id", ID, primary_key=True),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("account", ID, sa.ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", TEXTS, nullable=False),
        sa.Column("networks", TEXTS, nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("used_at", TIME),
        sa.Column("revoked_at", TIME),
    )
    op.create_index("api_key_account", "api_key", ["account"])
    op.create_table(
        "idempotency",
        sa.Column("principal", ID, primary_key=True),
        sa.Column("key", ID, primary_key=True),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("headers", postgresql.JSONB(), server_default=EMPTY, nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
    )
    op.create_index("idempotency_expires", "idempotency", ["expires_at"])


def _handling() -> None:
    op.create_table(
        "alert_action",
        sa.Column("alert_id", ID, sa.ForeignKey("alert.id"), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", ID, nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), server_default=EMPTY, nullable=False),
    )
    op.create_index("alert_action_actor", "alert_action", ["actor", "at"])
    op.create_index("alert_action_at", "alert_action", ["at"])
    op.create_index(
        "alert_unresolved",
        "alert",
        [sa.text("began DESC"), "id"],
        postgresql_where=sa.text("handling <> 'resolved'"),
    )
    op.create_index("alert_due", "alert", ["due_at", "id"], postgresql_where=sa.text("due_at IS NOT NULL"))


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", ID, nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", ID, nullable=False),
        sa.Column("purpose", sa.Text()),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text()),
        sa.Column("request_id", sa.Text()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=False),
    )
    op.create_index("audit_at", "audit", ["at"])
    op.create_index("audit_actor", "audit", ["actor", "at"])
    op.create_index("audit_object", "audit", ["object", "at"])
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="audit_head_one_row"),
        postgresql_with={"fillfactor": 10},
    )
    op.execute("INSERT INTO audit_head (id, seq, row_hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'))")
    op.execute(
        "CREATE FUNCTION roadwatch_never() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in ("audit", "alert_action"):
        op.execute(
            f"CREATE TRIGGER {table}_never BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION roadwatch_never()"
        )


def _webhooks() -> None:
    op.create_table(
        "webhook_network",
        sa.Column("network", sa.Text(), primary_key=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
    )
    op.create_table(
        "webhook_endpoint",
        sa.Column("id", ID, primary_key=True),
        sa.Column("account", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("types", TEXTS, nullable=False),
        sa.Column("filters", postgresql.JSONB(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("secrets", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("failing_since", TIME),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("resume_at", TIME),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
    )
    op.create_index("webhook_endpoint_account", "webhook_endpoint", ["account"])
    op.create_table(
        "webhook_message",
        sa.Column("id", ID, primary_key=True),
        sa.Column("endpoint", ID, sa.ForeignKey("webhook_endpoint.id", ondelete="CASCADE"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("earlier", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("done_at", TIME),
    )
    op.create_index(
        "webhook_message_due",
        "webhook_message",
        ["endpoint", "due_at", "seq"],
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index(
        "webhook_message_alert",
        "webhook_message",
        ["endpoint", "alert_id", "seq"],
        postgresql_where=sa.text("state IN ('waiting', 'held')"),
    )
    op.create_index(
        "webhook_message_oldest",
        "webhook_message",
        ["created_at"],
        postgresql_where=sa.text("state IN ('waiting', 'held')"),
    )
    op.create_index(
        "webhook_message_again",
        "webhook_message",
        ["endpoint", "seq"],
        postgresql_where=sa.text("state = 'again'"),
    )
    pings = sa.text("state = 'waiting' AND type = 'endpoint.ping'")
    op.create_index("webhook_message_ping", "webhook_message", ["endpoint"], postgresql_where=pings)
    op.create_index("webhook_message_listed", "webhook_message", ["endpoint", "created_at", "id"])
    op.create_index(
        "webhook_message_done",
        "webhook_message",
        ["done_at"],
        postgresql_where=sa.text("done_at IS NOT NULL"),
    )
    op.create_table(
        "webhook_attempt",
        sa.Column("message", ID, sa.ForeignKey("webhook_message.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("error", sa.Text()),
        sa.Column("response", sa.Text()),
    )


def _jobs() -> None:
    op.create_table(
        "job",
        sa.Column("id", ID, primary_key=True),
        sa.Column("account", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress", postgresql.DOUBLE_PRECISION(), server_default="0", nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("result", sa.LargeBinary()),
        sa.Column("media_type", sa.Text()),
        sa.Column("created_at", TIME, server_default=NOW, nullable=False),
        sa.Column("beat_at", TIME, server_default=NOW, nullable=False),
        sa.Column("done_at", TIME),
    )
    op.execute("ALTER TABLE job ALTER result SET STORAGE EXTERNAL")  # read piece by piece, and zipped already
    op.create_index("job_account", "job", ["account", "created_at"])
    op.create_index(
        "job_undone", "job", ["created_at"], postgresql_where=sa.text("state IN ('waiting', 'running')")
    )


def _history() -> None:
    """What a search over all vehicles reads of a day: the blocks of its hours. A summary of blocks, it costs a COPY nothing measurable."""
    op.create_index(
        "fix_at",
        "fix",
        ["at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    )


def _role() -> None:
    """A group role of the whole cluster: another database's migration may have made it already, or be making it now."""
    op.execute(
        f"""
        DO $$ BEGIN
            CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(
        f"""
        DO $$ BEGIN
            IF NOT pg_has_role(current_user, '{ROLE}', 'MEMBER') THEN
                EXECUTE format('GRANT {ROLE} TO %I', current_user);
            END IF;
        EXCEPTION WHEN unique_violation THEN NULL;
        END $$
        """
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {ROLE}")
    op.execute(
        f"GRANT SELECT ON operator, vehicle, terminal, registration, driver, driver_code, route, assignment, road_segment, zone, "
        f"rule_set, config_version, config_document, progress, alert, alert_event, alert_action, feed, fix, audit, audit_head TO {ROLE}"
    )
    op.execute(f"GRANT UPDATE (handling, handling_version, assignee, due_at, handled) ON alert TO {ROLE}")
    op.execute(f"GRANT INSERT ON alert_event, alert_action, audit TO {ROLE}")
    op.execute(f"GRANT UPDATE (last) ON feed TO {ROLE}")
    op.execute(f"GRANT UPDATE (seq, row_hash) ON audit_head TO {ROLE}")
    op.execute(
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON account, session, api_key, idempotency, webhook_network, webhook_endpoint, "
        f"webhook_message, webhook_attempt, job TO {ROLE}"
    )


def listed(setting: str, column: str) -> str:
    """True where everything is in view or the column is one of the setting's list; a setting that nobody made lets nothing through."""
    given = f"current_setting('roadwatch.{setting}', true)"
    return f"({given} = '*' OR {column} = ANY (string_to_array(NULLIF({given}, ''), E'\\x1f')))"


def _policies() -> None:
    everything = " AND ".join(
        f"current_setting('roadwatch.{name}', true) = '*'" for name in ("divisions", "operators", "classes")
    )
    mine = listed("operators", "name")
    rows = {
        "alert": " AND ".join(
            (
                listed("divisions", "division"),
                listed("operators", "operator"),
                listed("classes", "vehicle_class"),
            )
        ),
        "alert_event": f"({everything}) OR EXISTS (SELECT 1 FROM alert WHERE alert.id = alert_event.alert_id)",
        "alert_action": f"({everything}) OR EXISTS (SELECT 1 FROM alert WHERE alert.id = alert_action.alert_id)",
        "registration": f"({everything}) OR ({listed('divisions', 'division')} AND {listed('classes', 'vehicle_class')} "
        "AND operator_id IN (SELECT id FROM operator))",
        "vehicle": f"({everything}) OR EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = vehicle.id)",
        "assignment": f"({everything}) OR EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = assignment.vehicle_id)",
        "fix": f"(SELECT {everything}) OR vehicle IN (SELECT vehicle_id FROM registration WHERE valid_from IS NULL AND valid_to IS NULL) "
        "OR (vehicle IN (SELECT vehicle_id FROM registration WHERE valid_from IS NOT NULL OR valid_to IS NOT NULL) "
        "AND EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = fix.vehicle "
        "AND (r.valid_from IS NULL OR r.valid_from <= fix.at) AND (r.valid_to IS NULL OR fix.at < r.valid_to)))",
        "operator": mine,
        "driver": f"({everything}) OR operator_id IN (SELECT id FROM operator)",
        "webhook_endpoint": listed("account", "account"),
        "webhook_message": "current_setting('roadwatch.account', true) = '*' OR EXISTS (SELECT 1 FROM webhook_endpoint e WHERE e.id = webhook_message.endpoint)",
        "webhook_attempt": "current_setting('roadwatch.account', true) = '*' OR EXISTS (SELECT 1 FROM webhook_message m WHERE m.id = webhook_attempt.message)",
        "job": listed("account", "account"),
    }
    for table, condition in rows.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY in_view ON {table} TO {ROLE} USING ({condition})")


def downgrade() -> None:
    for table in (
        "alert", "alert_event", "registration", "vehicle", "assignment", "fix", "operator", "driver",
    ):  # fmt: skip
        op.execute(f"DROP POLICY in_view ON {table}")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table in (
        "job", "webhook_attempt", "webhook_message", "webhook_endpoint", "webhook_network", "audit_head", "audit", "alert_action",
        "idempotency", "api_key", "session", "account",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_index("fix_at", "fix")
    op.execute("DROP FUNCTION roadwatch_never()")
    op.drop_index("alert_due", "alert")
    op.drop_index("alert_unresolved", "alert")
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE}")
    op.execute(f"REVOKE UPDATE (last) ON feed FROM {ROLE}")
    op.execute(f"REVOKE USAGE ON SCHEMA public FROM {ROLE}")
    for column in ("handled", "due_at", "assignee"):
        op.drop_column("alert", column)
