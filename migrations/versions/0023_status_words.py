"""Status words that nobody has given a meaning are found by an index, and given one in batches."""

import sqlalchemy as sa
from alembic import op

revision = "0023_status_words"
down_revision = "0022_reply_files"

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_UNMAPPED = sa.text("source_status = 'unmapped' AND status_raw IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_reports_unmapped", "reports", ["channel_id", "status_raw"],
        sqlite_where=_UNMAPPED, postgresql_where=_UNMAPPED,
    )  # fmt: skip
    op.create_table(
        "restatements",
        sa.Column("id", _ID, nullable=False),
        sa.Column("channel_id", _ID, nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("after_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_restatements_channel_id_channels")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restatements")),
    )
    op.create_index("uq_restatements", "restatements", ["channel_id", "word"], unique=True)


def downgrade() -> None:
    op.drop_table("restatements")
    op.drop_index("ix_reports_unmapped", "reports")
