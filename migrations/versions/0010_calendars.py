"""Calendars of units, every version of a calendar, who changed a rule, and recounting in the background.

A deadline that is met keeps the calendar it was counted by, so versions are kept whole. What was there
before becomes the first version of its calendar.
"""

import json
from datetime import UTC, date, datetime

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0010_calendars"
down_revision = "0009_reminders"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def added() -> dict[str, tuple[sa.Column, ...]]:
    """The new columns of each table; a column object serves one statement only."""
    return {
        "calendars": (
            sa.Column("unit_id", ID),
            sa.Column("shared_days", sa.Boolean(), nullable=False, server_default=sa.true()),
        ),
        "sla_policies": (
            sa.Column("made_at", Instant()),
            sa.Column("made_by", ID),
            sa.Column("why", sa.Text(), nullable=False, server_default=""),
            sa.Column("retired_by", ID),
            sa.Column("retired_why", sa.Text(), nullable=False, server_default=""),
        ),
    }


def upgrade() -> None:
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)
    op.create_index("uq_calendars_unit_id", "calendars", ["unit_id"], unique=True)
    versions = op.create_table(
        "calendar_versions",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("calendar_id", ID, nullable=False),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.Column("days", sa.JSON(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("officer_id", ID),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_calendar_versions")),
    )
    op.create_index("ix_calendar_versions_calendar_id", "calendar_versions", ["calendar_id", "number"])
    op.create_table(
        "recounts",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule_key", sa.Text()),
        sa.Column("ward_code", sa.Text()),
        sa.Column("unit_id", ID),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("officer_id", ID),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("at_ward", sa.Text(), nullable=False),
        sa.Column("after_case", ID, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("taken_back", sa.Integer(), nullable=False),
        sa.Column("finished_at", Instant()),
        sa.Column("replaced", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recounts")),
    )
    op.create_index(
        "ix_recounts_unfinished",
        "recounts",
        ["id"],
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    _first_versions(op.get_bind(), versions)


def _first_versions(tx: sa.Connection, versions: sa.Table) -> None:
    """What each calendar says now, numbered by what its deadlines already name."""
    rows = tx.execute(sa.text("SELECT id, version, week FROM calendars ORDER BY id")).all()
    days = tx.execute(
        sa.text(
            "SELECT calendar_id, day, works, note, decision, source, shifts FROM calendar_days ORDER BY day"
        )
    ).all()
    taken: set[int] = set()
    for row in rows:
        number = row.version if row.version not in taken else max(taken) + 1
        taken.add(number)
        merged = {str(day.day): day for day in days if day.calendar_id is None}
        merged |= {str(day.day): day for day in days if day.calendar_id == row.id}
        tx.execute(
            sa.insert(versions).values(
                number=number,
                calendar_id=row.id,
                week=_value(row.week),
                days=[
                    [_iso(one.day), bool(one.works), one.note, one.decision, one.source, _value(one.shifts)]
                    for one in merged.values()
                ],
                at=datetime.now(UTC),
                why="",
            )
        )
        tx.execute(
            sa.text("UPDATE calendars SET version = :number WHERE id = :id"), {"number": number, "id": row.id}
        )


def _value(stored: object) -> object:
    # SQLite hands JSON out as its text, psycopg as what it says.
    return json.loads(stored) if isinstance(stored, str) else stored


def _iso(stored: object) -> str:
    return stored.isoformat() if isinstance(stored, date) else str(stored)


def downgrade() -> None:
    op.drop_index("ix_recounts_unfinished", "recounts")
    op.drop_table("recounts")
    op.drop_index("ix_calendar_versions_calendar_id", "calendar_versions")
    op.drop_table("calendar_versions")
    op.drop_index("uq_calendars_unit_id", "calendars")
    for table, columns in added().items():
        for column in columns:
            op.execute(f'ALTER TABLE {table} DROP COLUMN "{column.name}"')
