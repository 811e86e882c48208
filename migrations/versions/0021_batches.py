"""Answers that wait behind an older one of their report leave the queue; hosts are written to in turns."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0021_batches"
down_revision = "0015_errands"

_DUE = ["channel_id", "next_attempt_at", "id"]
_QUEUED = {
    "sqlite_where": sa.text("next_attempt_at IS NOT NULL AND behind = 0"),
    "postgresql_where": sa.text("next_attempt_at IS NOT NULL AND NOT behind"),
}
_ALL_DUE = sa.text("next_attempt_at IS NOT NULL")


def upgrade() -> None:
    op.add_column(
        "outbox", sa.Column("behind", sa.Boolean(), nullable=False, server_default=sa.text("false"))
    )
    op.execute(
        "UPDATE outbox SET behind = true WHERE state IN ('pending', 'leased', 'confirming') AND EXISTS ("
        "SELECT 1 FROM outbox AS older WHERE older.report_id = outbox.report_id AND older.seq < outbox.seq "
        "AND older.state NOT IN ('sent', 'acknowledged', 'dead'))"
    )
    op.drop_index("ix_outbox_due", "outbox")
    op.create_index("ix_outbox_due", "outbox", _DUE, **_QUEUED)
    op.create_table(
        "write_turns",
        sa.Column("host_key", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("free_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("host_key", name=op.f("pk_write_turns")),
    )


def downgrade() -> None:
    op.drop_table("write_turns")
    op.drop_index("ix_outbox_due", "outbox")
    op.create_index("ix_outbox_due", "outbox", _DUE, sqlite_where=_ALL_DUE, postgresql_where=_ALL_DUE)
    op.drop_column("outbox", "behind")
