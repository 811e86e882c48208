"""Thresholds by ward and category, trained models, and the features that each judgement was made of."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0002_rules_of_matching"
down_revision = "0001_first_tables"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "match_thresholds",
        sa.Column("id", ID, nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=True),
        sa.Column("category_code", sa.Text(), nullable=True),
        sa.Column("same", sa.Float(), nullable=True),
        sa.Column("unsure", sa.Float(), nullable=True),
        sa.Column("cap", sa.Integer(), nullable=True),
        sa.Column("window_days", sa.Integer(), nullable=True),
        sa.Column("valid_from", Instant(), nullable=False),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_code"], ["categories.code"], name=op.f("fk_match_thresholds_category_code")
        ),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_match_thresholds_officer_id")),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_match_thresholds_ward_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_thresholds")),
    )
    op.create_index("ix_match_thresholds_scope", "match_thresholds", ["ward_code", "category_code", "id"])
    op.create_table(
        "match_models",
        sa.Column("id", ID, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("shift", sa.Float(), nullable=False),
        sa.Column("scales", sa.JSON(), nullable=False),
        sa.Column("trained_at", Instant(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_models")),
        sa.UniqueConstraint("version", name=op.f("uq_match_models_version")),
    )
    op.create_table(
        "match_adoptions",
        sa.Column("id", ID, nullable=False),
        sa.Column("model_id", ID, nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["match_models.id"], name=op.f("fk_match_adoptions_model_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_match_adoptions_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_adoptions")),
    )
    op.create_index("ix_match_traits_ward_received_at", "match_traits", ["ward", "received_at", "report_id"])
    # Plain columns, which both engines add without rewriting the table.
    op.add_column("judgements", sa.Column("features", sa.JSON(), nullable=True))
    op.add_column("memberships", sa.Column("features", sa.JSON(), nullable=True))
    op.add_column("memberships", sa.Column("beside", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("memberships", "beside")
    op.drop_column("memberships", "features")
    op.drop_column("judgements", "features")
    op.drop_index("ix_match_traits_ward_received_at", "match_traits")
    op.drop_table("match_adoptions")
    op.drop_table("match_models")
    op.drop_index("ix_match_thresholds_scope", "match_thresholds")
    op.drop_table("match_thresholds")
