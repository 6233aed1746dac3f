"""Alembic's environment: runs on the connection it is given; GeoAlchemy2's hooks keep it from touching what PostGIS owns."""

import re

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy.schema import SchemaItem

from services.store import models_map, models_people  # noqa: F401 - their tables are part of the same metadata
from services.store.models import Base

DAY_PARTITION = re.compile(r"fix_\d{8}")


def include_object(
    item: SchemaItem,
    name: str | None,
    kind: str,
    reflected: bool,  # noqa: FBT001 - Alembic calls it so
    other: SchemaItem | None,
) -> bool:
    """Day partitions are made by the recorder; the rest is compared with the models."""
    if kind == "table" and name and DAY_PARTITION.fullmatch(name):
        return False
    return bool(alembic_helpers.include_object(item, name, kind, reflected, other))  # type: ignore[no-untyped-call]


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=include_object,
    process_revision_directives=alembic_helpers.writer,
    render_item=alembic_helpers.render_item,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
