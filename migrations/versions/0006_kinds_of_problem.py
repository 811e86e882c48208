"""The kinds of problem that a report's words name, for reports without a telling category."""

import sqlalchemy as sa
from alembic import op

revision = "0006_kinds_of_problem"
down_revision = "0005_legal_matters"


def upgrade() -> None:
    op.add_column("match_traits", sa.Column("kinds", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("match_traits", "kinds")
