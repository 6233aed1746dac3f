"""The schema's history (Alembic); `roadwatch migrate` runs it."""
