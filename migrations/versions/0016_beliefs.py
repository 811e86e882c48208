"""What sources showed at the last look, and in what they differ from what we believe."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0016_beliefs"
down_revision = "0021_batches"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"))


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    only = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=only, postgresql_where=only)


def upgrade() -> None:
    op.create_table(
        "source_looks",
        sa.Column("report_id", ID, autoincrement=False, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("answers", sa.Text()),
        sa.Column("done_at", Instant()),
        sa.Column("settled_to", Instant(), nullable=False),
        _key("source_looks", "report_id", "reports"),
        _key("source_looks", "channel_id", "channels"),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_source_looks")),
    )
    _index("ix_source_looks_answering", "source_looks", ["channel_id"], "answers IS NOT NULL")
    op.create_table(
        "discrepancies",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("message_id", sa.BigInteger()),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("written_at", Instant()),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("settled_at", Instant()),
        sa.Column("settled_by", ID),
        sa.Column("how", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        _key("discrepancies", "channel_id", "channels"),
        _key("discrepancies", "report_id", "reports"),
        _key("discrepancies", "settled_by", "officers"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancies")),
    )
    still_open = "settled_at IS NULL"
    _index("uq_discrepancies_open", "discrepancies", ["report_id", "kind", "about"], still_open, unique=True)
    op.create_index("ix_discrepancies_report_id", "discrepancies", ["report_id"])
    _index("ix_discrepancies_list", "discrepancies", ["channel_id", "id"], still_open)
    _index("ix_discrepancies_list_kind", "discrepancies", ["channel_id", "kind", "id"], still_open)
    _index("ix_discrepancies_settled", "discrepancies", ["channel_id", "id"], "settled_at IS NOT NULL")
    aside = "how IN ('automatic', 'known')"
    _index("ix_discrepancies_aside", "discrepancies", ["channel_id", "about"], aside)


def downgrade() -> None:
    op.drop_table("discrepancies")
    op.drop_table("source_looks")
