"""Kinds of answers, taking an answer back, correcting one, and telling senders that their report came."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0014_answers"
down_revision = "0012_drift"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def columns() -> tuple[tuple[str, sa.Column], ...]:
    return (
        ("replies", sa.Column("transfer_to", sa.Text(), nullable=False, server_default="")),
        ("replies", sa.Column("due_at", Instant())),
        ("replies", sa.Column("corrects", ID)),
        ("replies", sa.Column("undo_until", Instant())),
        ("replies", sa.Column("undo", sa.JSON())),
        ("replies", sa.Column("withdrawn_at", Instant())),
        ("replies", sa.Column("withdrawn_by", ID)),
        ("wards", sa.Column("undo_s", sa.Integer())),
        ("wards", sa.Column("acknowledges", sa.Boolean(), nullable=False, server_default=sa.false())),
        (
            "sla_policies",
            sa.Column("by_acknowledgement", sa.Boolean(), nullable=False, server_default=sa.false()),
        ),
    )


def upgrade() -> None:
    for table, column in columns():
        op.add_column(table, column)
    op.create_index("ix_outbox_reply_id", "outbox", ["reply_id"])


def downgrade() -> None:
    op.drop_index("ix_outbox_reply_id", "outbox")
    for table, column in reversed(columns()):
        op.drop_column(table, column.name)
