"""Of each report the names of the answers that its source showed last, for who must say if ours is there."""

import sqlalchemy as sa
from alembic import op

revision = "0024_shown_answers"
down_revision = "0023_status_words"


def upgrade() -> None:
    op.add_column("source_looks", sa.Column("shown", sa.Text()))


def downgrade() -> None:
    op.drop_column("source_looks", "shown")
