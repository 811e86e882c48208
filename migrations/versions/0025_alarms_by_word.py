"""A channel has one open alarm a kind and name, so that a second unknown status word is told, too."""

import sqlalchemy as sa
from alembic import op

revision = "0025_alarms_by_word"
down_revision = "0024_shown_answers"

_OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    op.add_column("channel_alarms", sa.Column("about", sa.Text(), nullable=False, server_default=""))
    _index("channel_id", "kind", "about")


def downgrade() -> None:
    # Of several open alarms of one kind the old index takes one; the next poll opens that again.
    op.execute("UPDATE channel_alarms SET closed_at = opened_at WHERE about <> '' AND closed_at IS NULL")
    _index("channel_id", "kind")
    op.drop_column("channel_alarms", "about")


def _index(*columns: str) -> None:
    op.drop_index("uq_channel_alarms_open", "channel_alarms")
    op.create_index(
        "uq_channel_alarms_open", "channel_alarms", [*columns], unique=True,
        sqlite_where=_OPEN, postgresql_where=_OPEN,
    )  # fmt: skip
