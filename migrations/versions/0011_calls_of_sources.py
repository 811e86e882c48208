"""Calls of sources that push, their count a day, and tokens that renew themselves."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0011_calls_of_sources"
down_revision = "0010_calendars"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEFT = sa.text("state != 'done'")


def _channel(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["channel_id"], ["channels.id"], name=op.f(f"fk_{table}_channel_id_channels")
    )


def upgrade() -> None:
    op.create_table(
        "webhook_calls",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("handled_at", Instant()),
        _channel("webhook_calls"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_calls")),
        sa.UniqueConstraint("channel_id", "delivery", name=op.f("uq_webhook_calls_channel_id_delivery")),
    )
    op.create_index(
        "ix_webhook_calls_left",
        "webhook_calls",
        ["channel_id", "id"],
        sqlite_where=LEFT,
        postgresql_where=LEFT,
    )
    op.create_index("ix_webhook_calls_received_at", "webhook_calls", ["received_at"])
    op.create_table(
        "webhook_days",
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("taken_at", Instant()),
        sa.Column("refused_at", Instant()),
        sa.Column("refused_why", sa.Text()),
        sa.Column("refused_why_vi", sa.Text()),
        _channel("webhook_days"),
        sa.PrimaryKeyConstraint("channel_id", "day", name=op.f("pk_webhook_days")),
    )
    op.create_table(
        "channel_tokens",
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("owner", sa.Text()),
        sa.Column("until", Instant()),
        _channel("channel_tokens"),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_tokens")),
    )
    # Shown on the screen, where the source's own reason is in English or a code.
    op.add_column("outbox", sa.Column("error_vi", sa.Text()))


def downgrade() -> None:
    op.drop_column("outbox", "error_vi")
    op.drop_table("channel_tokens")
    op.drop_table("webhook_days")
    op.drop_index("ix_webhook_calls_received_at", "webhook_calls")
    op.drop_index("ix_webhook_calls_left", "webhook_calls")
    op.drop_table("webhook_calls")
