"""Alembic's entry point: the connection comes from `aggregator.storage.migrate`."""

from alembic import context

from aggregator.storage.types import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    transactional_ddl=True,
)
# The caller's transaction is the migration's: schema and version row commit together or not at all.
context.run_migrations()
