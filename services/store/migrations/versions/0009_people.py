"""Drivers are in view through what is in view: assigned to a vehicle in view, or their card seen on one.

A table of who was seen on which vehicle, and the driver of an alert as a column.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLE = "roadwatch_api"
ID = sa.Text(collation="C")
TIME = postgresql.TIMESTAMP(timezone=True)


def all_of(*names: str) -> str:
    """Whether nothing is kept from view by these settings; asked once a statement."""
    return (
        "(SELECT " + " AND ".join(f"current_setting('roadwatch.{name}', true) = '*'" for name in names) + ")"
    )


EVERYTHING = all_of("divisions", "operators", "classes")
DAYS = 400
FILL = f"""
INSERT INTO driver_seen (vehicle, driver, first_at, last_at)
SELECT vehicle, driver, min(at), max(at) FROM fix WHERE driver > 0 AND at >= now() - interval '{DAYS} days' GROUP BY vehicle, driver
"""
# Vehicles registered once and for ever are looked up in a hash made once; only those that change hands are compared with each row's time.
ALWAYS = "(SELECT vehicle_id FROM registration WHERE valid_from IS NULL AND valid_to IS NULL)"


def held(vehicle: str, first: str, last: str, until: str = "<=") -> str:
    """True where a registration in view held at some time from `first` to `last`; with `until` "<" before `last`."""
    return (
        f"EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = {vehicle} "
        f"AND (r.valid_from IS NULL OR r.valid_from {until} {last}) AND (r.valid_to IS NULL OR r.valid_to > {first}))"
    )


SEEN = f"{EVERYTHING} OR vehicle IN {ALWAYS} OR {held('driver_seen.vehicle', 'driver_seen.first_at', 'driver_seen.last_at')}"
ASSIGNMENT_BEFORE = (
    f"{EVERYTHING} OR EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = assignment.vehicle_id)"
)
ASSIGNMENT = f"{EVERYTHING} OR vehicle_id IN {ALWAYS} OR {held('assignment.vehicle_id', 'assignment.from_at', 'assignment.to_at', '<')}"
DRIVER_BEFORE = f"""
{EVERYTHING} OR (operator_id IN (SELECT id FROM operator)
                 AND ({all_of("divisions", "classes")} OR operator_id IN (SELECT operator_id FROM registration)))
"""
# assignment, driver_seen and alert show here only what their own policies let through
DRIVER = f"""
{EVERYTHING} OR (operator_id IN (SELECT id FROM operator) AND ({all_of("divisions", "classes")}
    OR EXISTS (SELECT 1 FROM assignment a WHERE a.driver = driver.driver)
    OR EXISTS (SELECT 1 FROM driver_seen s JOIN driver_code c ON c.id = s.driver
               WHERE c.code = driver.driver COLLATE "C" AND s.last_at >= now() - interval '{DAYS} days')
    OR EXISTS (SELECT 1 FROM alert WHERE alert.driver = driver.driver COLLATE "C" AND alert.began >= now() - interval '{DAYS} days')))
"""


def upgrade() -> None:
    op.create_table(
        "driver_seen",
        sa.Column("vehicle", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("driver", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
    )
    op.create_index("driver_seen_driver", "driver_seen", ["driver"])
    op.execute(FILL)
    op.add_column(
        "alert", sa.Column("driver", ID, sa.Computed("(data::jsonb ->> 'driver'::text)", persisted=True))
    )
    op.create_index(
        "alert_driver", "alert", ["driver", "began"], postgresql_where=sa.text("driver IS NOT NULL")
    )
    op.create_index("assignment_driver", "assignment", ["driver"])
    op.execute(f"GRANT SELECT ON driver_seen TO {ROLE}")
    op.execute("ALTER TABLE driver_seen ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY in_view ON driver_seen TO {ROLE} USING ({SEEN})")
    _policy("assignment", ASSIGNMENT)
    _policy("driver", DRIVER)


def _policy(table: str, condition: str) -> None:
    op.execute(f"DROP POLICY in_view ON {table}")
    op.execute(f"CREATE POLICY in_view ON {table} TO {ROLE} USING ({condition})")


def downgrade() -> None:
    _policy("driver", DRIVER_BEFORE)
    _policy("assignment", ASSIGNMENT_BEFORE)
    op.drop_index("assignment_driver", "assignment")
    op.drop_index("alert_driver", "alert")
    op.drop_column("alert", "driver")
    op.drop_table("driver_seen")
