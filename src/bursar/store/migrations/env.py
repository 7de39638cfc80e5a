"""Alembic's entry point: runs the steps on the connection that it is handed."""

from alembic import context

import bursar.store.migrations.dialects  # noqa: F401 - importing it is what teaches Alembic

context.configure(
    connection=context.config.attributes["connection"],
    version_table="bursar_schema",
    transactional_ddl=True,
)
context.run_migrations()
