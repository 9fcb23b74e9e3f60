"""Runs the migrations on the connection that `api.database.engine.migrate` gives."""

from __future__ import annotations

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    compare_type=False,
)
context.run_migrations()
