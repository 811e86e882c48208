"""How a channel's polls look, pinned reports, and what people decided about what is in quarantine."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0012_drift"
down_revision = "0013_channel_health"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def decisions() -> tuple[sa.Column, ...]:
    return (
        sa.Column("findings", sa.JSON()),
        sa.Column("held", sa.LargeBinary()),
        sa.Column("settled_at", Instant()),
        sa.Column("settled_by", sa.BigInteger()),
        sa.Column("reason", sa.Text()),
    )


def upgrade() -> None:
    for column in decisions():
        op.add_column("quarantine", column)
    op.drop_index("ix_quarantine_channel_id_state", "quarantine")
    op.create_index("ix_quarantine_list", "quarantine", ["channel_id", "state", "id"])
    op.create_table(
        "channel_baselines",
        sa.Column("channel_id", ID, autoincrement=False, nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("updated_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_channel_baselines_channel_id_channels")
        ),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_baselines")),
    )
    op.create_table(
        "channel_canaries",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("pinned_by", sa.BigInteger()),
        sa.Column("pinned_at", Instant(), nullable=False),
        sa.Column("checked_at", Instant()),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_channel_canaries_channel_id_channels")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_canaries")),
    )
    op.create_index("uq_channel_canaries", "channel_canaries", ["channel_id", "external_id"], unique=True)


def downgrade() -> None:
    op.drop_table("channel_canaries")
    op.drop_table("channel_baselines")
    op.drop_index("ix_quarantine_list", "quarantine")
    op.create_index("ix_quarantine_channel_id_state", "quarantine", ["channel_id", "state"])
    for column in reversed(decisions()):
        op.drop_column("quarantine", column.name)
