"""What officers decided about streets, and the streets that address fields have named."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0003_streets"
down_revision = "0002_rules_of_matching"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "street_decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("old_code", sa.Text(), nullable=True),
        sa.Column("old_name", sa.Text(), nullable=True),
        sa.Column("sent_to", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=True),
        sa.Column("written", sa.Text(), nullable=True),
        sa.Column("house", sa.Integer(), nullable=True),
        sa.Column("decided_code", sa.Text(), nullable=False),
        sa.Column("decided_name", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", Instant(), nullable=True),
        sa.Column("withdrawn_by", ID, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_street_decisions_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_street_decisions_officer_id_officers")
        ),
        sa.ForeignKeyConstraint(
            ["report_id"], ["reports.id"], name=op.f("fk_street_decisions_report_id_reports")
        ),
        sa.ForeignKeyConstraint(["sent_to"], ["wards.code"], name=op.f("fk_street_decisions_sent_to_wards")),
        sa.ForeignKeyConstraint(
            ["ward_code"], ["wards.code"], name=op.f("fk_street_decisions_ward_code_wards")
        ),
        sa.ForeignKeyConstraint(
            ["withdrawn_by"], ["officers.id"], name=op.f("fk_street_decisions_withdrawn_by_officers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_street_decisions")),
    )
    op.create_index("ix_street_decisions_report_id", "street_decisions", ["report_id"])
    op.create_index("ix_street_decisions_case_id", "street_decisions", ["case_id"])
    op.create_index("ix_street_decisions_ward_code", "street_decisions", ["ward_code", "id"])
    op.create_table(
        "streets",
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("known_day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_streets_ward_code_wards")),
        sa.PrimaryKeyConstraint("ward_code", "street", name=op.f("pk_streets")),
    )
    op.create_index("ix_streets_known_day", "streets", ["known_day"])


def downgrade() -> None:
    op.drop_table("streets")
    op.drop_table("street_decisions")
