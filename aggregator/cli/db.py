"""`motmoi db`: the database's schema and its soundness."""

from __future__ import annotations

import click

from aggregator import settings as environment
from aggregator.cli import opening
from aggregator.cli.frame import DONE, FINDING, Group, show


@click.group(cls=Group)
def db() -> None:
    """Migrate the database, and check that it is sound."""


@db.command()
def upgrade() -> None:
    """Bring the database to this program's revision.

    A new one also gets the starting set: calendar, holidays, deadline rules, categories.
    """
    done = opening.upgrade(environment.load())
    change = "was there already" if done.before == done.revision else f"came from {done.before or 'nothing'}"
    lines = [f"Revision {done.revision} ({change})."]
    if done.seeded:
        lines.append("Put in the starting set: calendar, holidays, deadline rules, categories.")
    show(done, lines)


@db.command()
def check() -> int:
    """Check revision, tables and the soundness of what is stored; exit 1 where something is wrong."""
    from aggregator.storage import integrity
    from aggregator.storage.db import Database

    database = Database(environment.load().database_url)
    try:
        with database.read() as tx:
            found = integrity.check(tx)
    finally:
        database.close()
    lines = [f"Revision {found.revision or 'none'}, the newest is {found.newest}."]
    lines += found.findings or ["The schema is as it should be, and what is stored is sound."]
    show({"ok": not found.findings, **_table(found)}, lines)
    return FINDING if found.findings else DONE


def _table(found: object) -> dict[str, object]:
    return {
        name: getattr(found, name) for name in ("revision", "newest", "differences", "faults", "findings")
    }
