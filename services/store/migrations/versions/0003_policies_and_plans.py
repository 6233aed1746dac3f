"""Policies that the planner can work with: a page of alerts by its index, a search of history in parallel. Drivers are in view as the api's own filter has it.

And a table of who looks at which alert.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLE = "roadwatch_api"
ID = sa.Text(collation="C")
TIME = postgresql.TIMESTAMP(timezone=True)


def setting(name: str) -> str:
    """One of the transaction's settings; null: nobody made it."""
    return f"current_setting('roadwatch.{name}', true)"


def all_of(*names: str) -> str:
    """Whether nothing is kept from view by these settings; asked once a statement."""
    return "(SELECT " + " AND ".join(f"{setting(name)} = '*'" for name in names) + ")"


def listed(name: str, column: str) -> str:
    """True where everything is in view or the column is one of the setting's list; a setting that nobody made lets nothing through.

    Each part is a sub-select of its own: it is computed once, and the planner, which cannot know what it gives, does not take for granted that
    next to nothing is in view (it would read and sort a whole table for a page of a hundred).
    """
    members = f"(SELECT string_to_array(NULLIF({setting(name)}, ''), E'\\x1f'))"
    return f"({all_of(name)} OR {column} = ANY ({members}::text[]))"


EVERYTHING = all_of("divisions", "operators", "classes")
FROM, UNTIL = (f"NULLIF({setting(name)}, '')::timestamptz" for name in ("from", "until"))

REGISTERED = """
CREATE FUNCTION registered_in_view(vehicle integer, moment timestamptz) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = registered_in_view.vehicle
                   AND (r.valid_from IS NULL OR r.valid_from <= moment) AND (r.valid_to IS NULL OR moment < r.valid_to))
$$
"""
# What costs nothing for a row comes first: everything is in view; a vehicle that is registered in view through the whole of the period that the
# reader announced; only then the moment itself. A condition on the row inside a sub-select would keep PostgreSQL from searching in parallel.
FIX = f"""
{EVERYTHING}
OR (at >= (SELECT {FROM}) AND at < (SELECT {UNTIL})
    AND vehicle IN (SELECT vehicle_id FROM registration
                    WHERE (valid_from IS NULL OR valid_from <= {FROM}) AND (valid_to IS NULL OR valid_to >= {UNTIL})))
OR (vehicle IN (SELECT vehicle_id FROM registration) AND registered_in_view(vehicle, at))
"""
DRIVER = f"""
{EVERYTHING} OR (operator_id IN (SELECT id FROM operator)
                 AND ({all_of("divisions", "classes")} OR operator_id IN (SELECT operator_id FROM registration)))
"""
FIX_BEFORE = (
    "EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = fix.vehicle "
    "AND (r.valid_from IS NULL OR r.valid_from <= fix.at) AND (r.valid_to IS NULL OR fix.at < r.valid_to))"
)
POLICIES = {
    "alert": f"{listed('divisions', 'division')} AND {listed('operators', 'operator')} AND {listed('classes', 'vehicle_class')}",
    "alert_event": f"{EVERYTHING} OR EXISTS (SELECT 1 FROM alert WHERE alert.id = alert_event.alert_id)",
    "alert_action": f"{EVERYTHING} OR EXISTS (SELECT 1 FROM alert WHERE alert.id = alert_action.alert_id)",
    "registration": f"{EVERYTHING} OR ({listed('divisions', 'division')} AND {listed('classes', 'vehicle_class')} "
    "AND operator_id IN (SELECT id FROM operator))",
    "vehicle": f"{EVERYTHING} OR EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = vehicle.id)",
    "assignment": f"{EVERYTHING} OR EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = assignment.vehicle_id)",
    "fix": FIX,
    "operator": listed("operators", "name"),
    "driver": DRIVER,
    "webhook_endpoint": listed("account", "account"),
    "webhook_message": f"{all_of('account')} OR EXISTS (SELECT 1 FROM webhook_endpoint e WHERE e.id = webhook_message.endpoint)",
    "webhook_attempt": f"{all_of('account')} OR EXISTS (SELECT 1 FROM webhook_message m WHERE m.id = webhook_attempt.message)",
    "job": listed("account", "account"),
}


def upgrade() -> None:
    op.execute(REGISTERED)
    for table, condition in POLICIES.items():
        op.execute(f"DROP POLICY in_view ON {table}")
        op.execute(f"CREATE POLICY in_view ON {table} TO {ROLE} USING ({condition})")
    _viewing()
    op.create_index("alert_operator", "alert", ["operator", sa.literal_column("began DESC"), "id"])


def _viewing() -> None:
    op.create_table(
        "viewing",
        sa.Column("account", ID, primary_key=True),
        sa.Column("alert_id", ID, primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
        prefixes=["UNLOGGED"],
    )
    op.create_index("viewing_alert", "viewing", ["alert_id"])
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON viewing TO {ROLE}")
    op.execute("ALTER TABLE viewing ENABLE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY in_view ON viewing TO {ROLE} USING ({EVERYTHING} OR EXISTS (SELECT 1 FROM alert WHERE alert.id = viewing.alert_id))"
    )


def downgrade() -> None:
    """The function and the index go; the policies stay, but for that of fixes: they say the same as before."""
    op.drop_index("alert_operator", "alert")
    op.drop_table("viewing")
    op.execute("DROP POLICY in_view ON fix")
    op.execute(
        f"CREATE POLICY in_view ON fix TO {ROLE} USING ({FIX.replace('registered_in_view(vehicle, at)', FIX_BEFORE)})"
    )
    op.execute("DROP FUNCTION registered_in_view")
