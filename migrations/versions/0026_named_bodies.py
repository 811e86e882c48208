"""The few answers that name the body which goes on with a matter are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0026_named_bodies"
down_revision = "0025_alarms_by_word"

_NAMED = sa.text("transfer_to <> ''")


def upgrade() -> None:
    op.create_index("ix_replies_named", "replies", ["id"], sqlite_where=_NAMED, postgresql_where=_NAMED)


def downgrade() -> None:
    op.drop_index("ix_replies_named", "replies")
