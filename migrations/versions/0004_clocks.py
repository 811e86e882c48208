"""Deadlines in steps, rules in versions, extensions, and half days.

Rules get a key and are never edited any more: a change adds a version and retires the last. Clock
events say what an extension gives, which step they are about and which unit has the work.

Columns are added and dropped in place: rebuilding `cases` would copy a city's whole history.
"""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0004_clocks"
down_revision = "0003_streets"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def added() -> dict[str, tuple[sa.Column, ...]]:
    """The new columns of each table; a column object serves one statement only."""
    return {
        "sla_policies": (
            sa.Column("key", sa.Text(), nullable=False, server_default=""),
            sa.Column("kind", sa.Text()),
            sa.Column("several_units", sa.Boolean()),
            sa.Column("day_end", sa.Text(), nullable=False, server_default="end_of_day"),
            sa.Column("escalate_hours", sa.JSON(), nullable=False, server_default="[]"),
            sa.Column("reopening", sa.Text(), nullable=False, server_default="goes_on"),
            sa.Column("applied", sa.Boolean(), nullable=False, server_default=sa.true()),
            sa.Column("retired_at", Instant()),
        ),
        "calendar_days": (sa.Column("shifts", sa.JSON(), nullable=False, server_default="[]"),),
        "clock_events": (
            sa.Column("minutes", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("due_at", Instant()),
            sa.Column("step", sa.Text()),
            sa.Column("unit_id", ID),
        ),
        "cases": (sa.Column("due_step", sa.Text(), nullable=False, server_default="result"),),
    }


def upgrade() -> None:
    for table, columns in added().items():
        for column in columns:
            op.add_column(table, column)
    # What was there before is one rule a row.
    op.execute("UPDATE sla_policies SET key = 'rule-' || id")
    op.create_index("uq_sla_policies_key_version", "sla_policies", ["key", "version"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_sla_policies_key_version", "sla_policies")
    for table, columns in added().items():
        for column in columns:
            op.execute(f'ALTER TABLE {table} DROP COLUMN "{column.name}"')
