"""Whether the database is what this program expects: its revision, its tables, its rows.

What may surprise: PostgreSQL enforces its foreign keys and checks its own pages, so there is only left
to ask for what it was told not to enforce: constraints that were never validated, broken indexes.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.exc import DatabaseError

from aggregator.storage import migrate
from aggregator.storage.db import Tx

#: A broken file has thousands of the same fault.
MOST = 50


@dataclass(frozen=True, slots=True)
class Soundness:
    """`differences` are of the schema, `faults` of what is stored; each is a sentence."""

    revision: str | None
    newest: str | None
    differences: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def findings(self) -> tuple[str, ...]:
        """All that is wrong, what to do first at the top."""
        if self.revision is None:
            return ("The database was never set up: run motmoi db upgrade.",)
        if self.revision != self.newest:
            return ("The database is at another revision: run motmoi db upgrade.", *self.faults)
        return (*self.differences, *self.faults)


def check(tx: Tx) -> Soundness:
    """Look at everything; reads all of a SQLite file."""
    revision, newest = migrate.current(tx), migrate.newest()
    # Against another revision every table would differ, and that says nothing.
    differences = migrate.differences(tx) if revision == newest else []
    return Soundness(revision, newest, tuple(differences), tuple(faults(tx)))


def faults(tx: Tx) -> list[str]:
    """What is wrong with the stored pages and rows, whatever the schema."""
    return (_sqlite_faults(tx) if tx.dialect.name == "sqlite" else _postgres_faults(tx))[:MOST]


def _sqlite_faults(tx: Tx) -> list[str]:
    try:
        told = tx.exec_driver_sql(f"PRAGMA integrity_check({MOST})").scalars().all()
        rows = tx.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MOST)
    except DatabaseError as error:  # so damaged that the check itself stumbles over it
        return [f"integrity: {error.orig}"]
    broken = [f"integrity: {line}" for line in told if line != "ok"]
    return broken + [f"table {row[0]}, row {row[1]}: points to a missing row of {row[2]}" for row in rows]


def _postgres_faults(tx: Tx) -> list[str]:
    constraints = tx.exec_driver_sql("SELECT conname FROM pg_constraint WHERE NOT convalidated").scalars()
    indexes = tx.exec_driver_sql(
        "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
    ).scalars()
    return [f"constraint {name}: never validated" for name in constraints] + [
        f"index {name}: not valid, rebuild it" for name in indexes
    ]
