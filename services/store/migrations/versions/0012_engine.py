"""Zones by day; driver codes without padding and in capitals: the numbers of one code's spellings become one.

Zones get days of the week, dates on which they hold, and dates on which they do not.
"""

from collections import defaultdict

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.contracts.registry import normal_driver

revision = "0012_engine"
down_revision = "0010"
branch_labels = None
depends_on = None

BY_DAY = ("days", "dates", "except_dates")
CARD_REMOVED = -1

MOVE_FIXES = "UPDATE fix SET driver = :new WHERE driver = ANY (:old)"
JOIN_SIGHTINGS = """
INSERT INTO driver_seen (vehicle, driver, first_at, last_at)
SELECT vehicle, :new, min(first_at), max(last_at) FROM driver_seen WHERE driver = ANY (:old) GROUP BY vehicle
ON CONFLICT (vehicle, driver) DO UPDATE
SET first_at = least(driver_seen.first_at, excluded.first_at), last_at = greatest(driver_seen.last_at, excluded.last_at)
"""
FORGET_SIGHTINGS = "DELETE FROM driver_seen WHERE driver = ANY (:old)"


def upgrade() -> None:
    """Zones of before hold on every day.

    Raises:
        RuntimeError: two drivers of the registry have one code; nothing is changed.
    """
    for name in BY_DAY:
        op.add_column(
            "zone",
            sa.Column(name, postgresql.JSONB(), nullable=False, server_default=sa.text("'[]'::jsonb")),
        )
    op.add_column(
        "driver_code", sa.Column("same_as", sa.Integer(), sa.ForeignKey("driver_code.id"), nullable=True)
    )
    _registry()
    _numbers()


def _registry() -> None:
    """The codes of drivers.csv and assignments.csv as they are read from files."""
    run = op.get_bind().execute
    rows = run(sa.text("SELECT driver, name FROM driver ORDER BY driver")).all()
    by_code = defaultdict(list)
    for code, name in rows:
        by_code[normal_driver(code)].append(f"{code!r} ({name})")
    clashes = [
        f"{' , '.join(named)}: {code!r}" for code, named in by_code.items() if len(named) > 1 or not code
    ]
    if clashes:
        raise RuntimeError(
            "登记的驾驶员编码去除空白、统一大写后相同或为空, 请先改正或删除其一再升级 / drivers of the registry whose codes are the same, or none, "
            "without padding and in capitals; correct or delete all but one of each, then upgrade again: "
            + "; ".join(clashes)
        )
    for code, _ in rows:
        if normal_driver(code) != code:
            run(
                sa.text("UPDATE driver SET driver = :new WHERE driver = :old"),
                {"new": normal_driver(code), "old": code},
            )
    for (code,) in run(sa.text("SELECT DISTINCT driver FROM assignment WHERE driver IS NOT NULL")).all():
        if normal_driver(code) != code:
            run(
                sa.text("UPDATE assignment SET driver = :new WHERE driver = :old"),
                {"new": normal_driver(code) or None, "old": code},
            )


def _numbers() -> None:
    """One number a code; the others stay known, since the log has fixes that carry them."""
    run = op.get_bind().execute
    spellings = defaultdict(list)
    for number, code in run(sa.text("SELECT id, code FROM driver_code ORDER BY id")).all():
        spellings[normal_driver(code)].append((number, code))
    for code, rows in spellings.items():
        numbers = [number for number, _ in rows]
        if not code:
            run(sa.text(MOVE_FIXES), {"new": CARD_REMOVED, "old": numbers})
            run(sa.text(FORGET_SIGHTINGS), {"old": numbers})
            run(sa.text("UPDATE driver_code SET same_as = id WHERE id = ANY (:old)"), {"old": numbers})
            continue
        kept = next((number for number, spelled in rows if spelled == code), numbers[0])
        others = [number for number in numbers if number != kept]
        if others:
            run(sa.text(MOVE_FIXES), {"new": kept, "old": others})
            run(sa.text(JOIN_SIGHTINGS), {"new": kept, "old": others})
            run(sa.text(FORGET_SIGHTINGS), {"old": others})
            run(
                sa.text("UPDATE driver_code SET same_as = :new WHERE id = ANY (:old)"),
                {"new": kept, "old": others},
            )
        run(
            sa.text("UPDATE driver_code SET code = :code WHERE id = :kept AND code <> :code"),
            {"code": code, "kept": kept},
        )


def downgrade() -> None:
    """Forget the days; what became one stays one."""
    op.drop_column("driver_code", "same_as")
    for name in reversed(BY_DAY):
        op.drop_column("zone", name)
