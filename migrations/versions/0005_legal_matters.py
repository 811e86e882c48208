"""Complaints and denunciations: what told of them, what was decided, and who may read them."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0005_legal_matters"
down_revision = "0004_clocks"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("cases", sa.Column("legal", sa.Text()))
    op.add_column("officers", sa.Column("legal", sa.Boolean(), nullable=False, server_default=sa.false()))
    for suffix, ward in (("", ["ward_code"]), ("_all", [])):
        where = sa.text("legal IS NOT NULL")
        op.create_index(
            f"ix_cases_legal{suffix}", "cases", [*ward, "sort_at", "id"],
            sqlite_where=where, postgresql_where=where,
        )  # fmt: skip
    op.create_table(
        "legal_findings",
        sa.Column("report_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("certainty", sa.Text(), nullable=False),
        sa.Column("spans", sa.JSON(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_legal_findings_report_id")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_legal_findings")),
    )
    op.create_table(
        "legal_matters",
        sa.Column("case_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("found_at", Instant(), nullable=False),
        sa.Column("state_before", sa.Text()),
        sa.Column("decided_at", Instant()),
        sa.Column("decided_by", ID),
        sa.Column("reason", sa.Text()),
        sa.Column("handed_to", sa.Text()),
        sa.Column("register_no", sa.Text()),
        sa.Column("registered_on", sa.Date()),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_legal_matters_case_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["officers.id"], name=op.f("fk_legal_matters_decided_by")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_legal_matters")),
    )


def downgrade() -> None:
    op.drop_table("legal_matters")
    op.drop_table("legal_findings")
    op.drop_index("ix_cases_legal_all", "cases")
    op.drop_index("ix_cases_legal", "cases")
    op.drop_column("officers", "legal")
    op.drop_column("cases", "legal")
