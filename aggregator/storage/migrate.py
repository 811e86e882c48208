"""Bring a database to the newest schema, and say where it stands. Alembic does the work."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from aggregator import storage
from aggregator.storage.db import Database
from aggregator.storage.types import metadata

# A table is part of `metadata` once its module is imported; a module that nobody names here is not forgotten.
for _found in pkgutil.iter_modules(storage.__path__):
    if _found.name.endswith("_tables"):
        importlib.import_module(f"{storage.__name__}.{_found.name}")


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for this package's own migrations folder."""
    import migrations

    settings = Config()
    settings.set_main_option("script_location", str(Path(migrations.__path__[0])))
    settings.attributes["connection"] = connection
    return settings


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate `url` up to `revision`. Safe to repeat; each migration commits with its version row."""
    database = Database(url)
    try:
        with database.write() as tx:
            if database.dialect == "postgresql":
                # Two machines starting at once must not migrate at once; ends with the transaction.
                tx.exec_driver_sql("SELECT pg_advisory_xact_lock(725510221)")
            command.upgrade(config(tx), revision)
    finally:
        database.close()


def downgrade(url: str, revision: str = "base") -> None:
    """Migrate `url` down to `revision`; data of the removed tables is gone."""
    database = Database(url)
    try:
        with database.write() as tx:
            command.downgrade(config(tx), revision)
    finally:
        database.close()


def current(tx: Connection) -> str | None:
    """The revision this database is at, None where it was never migrated."""
    return MigrationContext.configure(tx).get_current_revision()


def newest() -> str | None:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(config()).get_current_head()


def is_known(revision: str) -> bool:
    """Whether this code can migrate from `revision`: one that a newer program made is unknown."""
    return any(known.revision == revision for known in ScriptDirectory.from_config(config()).walk_revisions())


def differences(tx: Connection) -> list[str]:
    """How the schema differs from the models, in words; empty where it does not."""
    context = MigrationContext.configure(
        tx, opts={"compare_type": True, "include_name": _ours, "target_metadata": metadata}
    )
    return [str(change) for change in compare_metadata(context, metadata)]


def _ours(name: str | None, kind: str, _parents: object) -> bool:
    # The full-text index is made by hand in the migration: SQLAlchemy has no words for it.
    return not (name or "").startswith("report_search")
