"""Inserting what may be there already, in the words of whichever database is connected.

Both databases know ``ON CONFLICT`` and say it alike; SQLAlchemy has a construct of its own for each of them.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

from aggregator.storage.db import Tx


def inserting(tx: Tx, table: Table) -> sqlite.Insert:
    """An INSERT into the table that takes `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if tx.dialect.name == "postgresql":
        return cast(sqlite.Insert, postgresql.insert(table))
    return sqlite.insert(table)
