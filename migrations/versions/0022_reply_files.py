"""Files that go with answers, and how many of them a source did not take."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Id

revision = "0022_reply_files"
down_revision = "0016_beliefs"

_NAMED = sa.text("sha256 IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "reply_files",
        sa.Column("id", Id, nullable=False),
        sa.Column("reply_id", Id, nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_files")),
        sa.ForeignKeyConstraint(["reply_id"], ["replies.id"], name=op.f("fk_reply_files_reply_id_replies")),
    )
    op.create_index("ix_reply_files_reply_id", "reply_files", ["reply_id"])
    op.create_index(
        "ix_reply_files_sha256", "reply_files", ["sha256"], sqlite_where=_NAMED, postgresql_where=_NAMED
    )
    op.add_column(
        "outbox", sa.Column("files_left", sa.Integer(), nullable=False, server_default=sa.text("0"))
    )


def downgrade() -> None:
    op.drop_column("outbox", "files_left")
    op.drop_table("reply_files")
