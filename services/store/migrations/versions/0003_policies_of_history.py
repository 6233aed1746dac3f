"""The policies of fixes, which now let a search run in parallel, and of drivers, who are in view as the api's own filter has it."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLE = "roadwatch_api"
EVERYTHING = " AND ".join(
    f"current_setting('roadwatch.{name}', true) = '*'" for name in ("divisions", "operators", "classes")
)
EVERYWHERE = " AND ".join(
    f"current_setting('roadwatch.{name}', true) = '*'" for name in ("divisions", "classes")
)
FROM, UNTIL = (
    f"NULLIF(current_setting('roadwatch.{name}', true), '')::timestamptz" for name in ("from", "until")
)

REGISTERED = """
CREATE FUNCTION registered_in_view(vehicle integer, moment timestamptz) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = registered_in_view.vehicle
                   AND (r.valid_from IS NULL OR r.valid_from <= moment) AND (r.valid_to IS NULL OR moment < r.valid_to))
$$
"""
# What costs nothing for a row comes first: everything is in view; a vehicle that is registered in view through the whole of the period that the
# reader announced; only then the moment itself. A condition on the row inside a sub-select would keep PostgreSQL from searching in parallel.
FIX = f"""
(SELECT {EVERYTHING})
OR (at >= (SELECT {FROM}) AND at < (SELECT {UNTIL})
    AND vehicle IN (SELECT vehicle_id FROM registration
                    WHERE (valid_from IS NULL OR valid_from <= {FROM}) AND (valid_to IS NULL OR valid_to >= {UNTIL})))
OR (vehicle IN (SELECT vehicle_id FROM registration) AND registered_in_view(vehicle, at))
"""
DRIVER = f"""
({EVERYTHING}) OR (operator_id IN (SELECT id FROM operator)
                   AND (({EVERYWHERE}) OR operator_id IN (SELECT operator_id FROM registration)))
"""
FIX_BEFORE = (
    f"(SELECT {EVERYTHING}) OR vehicle IN (SELECT vehicle_id FROM registration WHERE valid_from IS NULL AND valid_to IS NULL) "
    "OR (vehicle IN (SELECT vehicle_id FROM registration WHERE valid_from IS NOT NULL OR valid_to IS NOT NULL) "
    "AND EXISTS (SELECT 1 FROM registration r WHERE r.vehicle_id = fix.vehicle "
    "AND (r.valid_from IS NULL OR r.valid_from <= fix.at) AND (r.valid_to IS NULL OR fix.at < r.valid_to)))"
)
DRIVER_BEFORE = f"({EVERYTHING}) OR operator_id IN (SELECT id FROM operator)"


def upgrade() -> None:
    op.execute(REGISTERED)
    _replace(FIX, DRIVER)


def downgrade() -> None:
    _replace(FIX_BEFORE, DRIVER_BEFORE)
    op.execute("DROP FUNCTION registered_in_view")


def _replace(fix: str, driver: str) -> None:
    for table, condition in (("fix", fix), ("driver", driver)):
        op.execute(f"DROP POLICY in_view ON {table}")
        op.execute(f"CREATE POLICY in_view ON {table} TO {ROLE} USING ({condition})")
