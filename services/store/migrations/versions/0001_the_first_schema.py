"""The first schema: registry, map, config versions, progress and rule state, alerts with their feed, and history."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    op.create_table(
        "alert",
        sa.Column("id", sa.Text(collation="C"), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("vehicle_key", sa.Text(), nullable=False),
        sa.Column("vehicle_class", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("severity_rank", sa.SmallInteger(), nullable=False),
        sa.Column("began", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column(
            "place",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("handling", sa.Text(), server_default="open", nullable=False),
        sa.Column("handling_version", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        postgresql_with={"fillfactor": 80},
    )
    op.create_index("alert_began", "alert", [sa.literal_column("began DESC"), "id"], unique=False)
    op.create_index("alert_place", "alert", ["place"], unique=False, postgresql_using="gist")
    op.create_index(
        "alert_vehicle", "alert", ["vehicle_id", sa.literal_column("began DESC"), "id"], unique=False
    )
    op.create_table(
        "config_document",
        sa.Column("sha256", sa.Text(collation="C"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "driver_code",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "feed",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="feed_one_row"),
        sa.PrimaryKeyConstraint("id"),
        postgresql_with={"fillfactor": 10},
    )
    op.create_table(
        "fix",
        sa.Column("at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("odometer_m", sa.BigInteger(), nullable=True),
        sa.Column("alarms", sa.BigInteger(), nullable=False),
        sa.Column("raw_offset", sa.BigInteger(), nullable=False),
        sa.Column("vehicle", sa.Integer(), nullable=False),
        sa.Column("driver", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("source_partition", sa.SmallInteger(), nullable=False),
        sa.Column("speed", sa.SmallInteger(), nullable=True),
        sa.Column("recorder_speed", sa.SmallInteger(), nullable=True),
        sa.Column("heading", sa.SmallInteger(), nullable=True),
        sa.Column("altitude_m", sa.SmallInteger(), nullable=True),
        sa.Column(
            "position",
            Geometry(
                geometry_type="POINT",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        postgresql_partition_by="RANGE (at)",
    )
    op.create_index("fix_vehicle_at", "fix", ["vehicle", "at"], unique=False)
    op.create_table(
        "operator",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "progress",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("next_offset", sa.BigInteger(), nullable=False),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "had",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "claimed_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("consumer", "partition"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_table(
        "road_segment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("road_class", sa.Text(), nullable=False),
        sa.Column(
            "line",
            Geometry(
                geometry_type="LINESTRING",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("limit_kmh", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("night_limit_kmh", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("class_limits_kmh", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("oneway", sa.Boolean(), nullable=False),
        sa.Column("tunnel", sa.Boolean(), nullable=False),
        sa.Column("bridge", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "place"),
    )
    op.create_index(
        "road_segment_line",
        "road_segment",
        ["line"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_table(
        "route",
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "line",
            Geometry(
                geometry_type="LINESTRING",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("leg_half_widths_m", postgresql.ARRAY(sa.DOUBLE_PRECISION()), nullable=False),
        sa.Column("stops", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("route"),
    )
    op.create_table(
        "rule_set",
        sa.Column("version", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("parameters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("from_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("to_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "rule_snapshot",
        sa.Column("partition", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_full", sa.Boolean(), nullable=False),
        sa.Column("config_version", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("partition", "next_offset"),
    )
    op.create_table(
        "terminal", sa.Column("terminal", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("terminal")
    )
    op.create_table(
        "vehicle",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("plate", sa.Text(), nullable=False),
        sa.Column("plate_color", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("plate", "plate_color"),
    )
    op.create_table(
        "zone",
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "area",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column(
            "line",
            Geometry(
                geometry_type="LINESTRING",
                srid=4326,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("buffer_m", sa.DOUBLE_PRECISION(), nullable=False),
        sa.Column("classes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("limit_kmh", sa.DOUBLE_PRECISION(), nullable=True),
        sa.Column("hours", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("from_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("to_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("(area IS NULL) <> (line IS NULL)", name="zone_shape"),
        sa.PrimaryKeyConstraint("zone"),
    )
    op.create_table(
        "alert_event",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.Text(collation="C"), nullable=False),
        sa.Column("alert_id", sa.Text(collation="C"), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("time", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["alert_id"],
            ["alert.id"],
        ),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("alert_id", "sequence"),
        sa.UniqueConstraint("event_id"),
    )
    op.create_table(
        "assignment",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("from_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("to_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("driver", sa.Text(), nullable=True),
        sa.Column("trip", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.CheckConstraint("from_at < to_at", name="assignment_period"),
        sa.ForeignKeyConstraint(
            ["route"],
            ["route.route"],
        ),
        sa.ForeignKeyConstraint(
            ["vehicle_id"],
            ["vehicle.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("vehicle_id", "route", "from_at", "trip", postgresql_nulls_not_distinct=True),
    )
    op.create_table(
        "config_version",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.Text(collation="C"), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column(
            "created_at", postgresql.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("published_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["config_document.sha256"],
        ),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "driver",
        sa.Column("driver", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("licence_class", sa.Text(), nullable=True),
        sa.Column("qualified_for", sa.Text(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"],
            ["operator.id"],
        ),
        sa.PrimaryKeyConstraint("driver"),
    )
    op.create_table(
        "registration",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("vehicle_id", sa.Integer(), nullable=False),
        sa.Column("vehicle_class", sa.Text(), nullable=False),
        sa.Column("terminal", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Integer(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("vin", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("valid_from", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("valid_to", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("inspection_due", sa.Date(), nullable=True),
        sa.Column("permit", sa.Text(), nullable=True),
        sa.Column("permit_to", sa.Date(), nullable=True),
        sa.Column("scrapped_on", sa.Date(), nullable=True),
        sa.Column("subtype", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"],
            ["operator.id"],
        ),
        sa.ForeignKeyConstraint(
            ["terminal"],
            ["terminal.terminal"],
        ),
        sa.ForeignKeyConstraint(
            ["vehicle_id"],
            ["vehicle.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("registration_terminal", "registration", ["terminal"], unique=False)
    op.create_index("registration_vehicle", "registration", ["vehicle_id"], unique=False)
    op.execute("INSERT INTO feed (id, last) VALUES (1, 0)")
    # compressed already: PostgreSQL need not try again
    op.execute("ALTER TABLE config_document ALTER COLUMN body SET STORAGE EXTERNAL")
    op.execute("ALTER TABLE rule_snapshot ALTER COLUMN body SET STORAGE EXTERNAL")


def downgrade() -> None:
    op.drop_index("registration_vehicle", table_name="registration")
    op.drop_index("registration_terminal", table_name="registration")
    op.drop_table("registration")
    op.drop_table("driver")
    op.drop_table("config_version")
    op.drop_table("assignment")
    op.drop_table("alert_event")
    op.drop_table("zone")
    op.drop_table("vehicle")
    op.drop_table("terminal")
    op.drop_table("rule_snapshot")
    op.drop_table("rule_set")
    op.drop_table("route")
    op.drop_index("road_segment_line", table_name="road_segment")
    op.drop_table("road_segment")
    op.drop_table("progress")
    op.drop_table("operator")
    op.drop_index("fix_vehicle_at", table_name="fix")
    op.drop_table("fix")
    op.drop_table("feed")
    op.drop_table("driver_code")
    op.drop_table("config_document")
    op.drop_index("alert_vehicle", table_name="alert")
    op.drop_index("alert_place", table_name="alert")
    op.drop_index("alert_began", table_name="alert")
    op.drop_table("alert")
