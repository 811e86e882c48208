"""Absences and cover, officers' fields, several units on one case, and bodies outside the ward."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0008_cover"
down_revision = "0007_decisions"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", ID, nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("substitute_id", ID),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("entered_by", ID),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant()),
        sa.Column("ended_by", ID),
        sa.Column("version", sa.Integer(), nullable=False),
        _key("absences", "ward_code", "wards.code"),
        *(
            _key("absences", name, "officers.id")
            for name in ("officer_id", "substitute_id", "entered_by", "ended_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    where = sa.text("ended_at IS NULL")
    op.create_index(
        "ix_absences_ends_at", "absences", ["ends_at", "ward_code"],
        sqlite_where=where, postgresql_where=where,
    )  # fmt: skip
    op.create_index("ix_absences_officer_id", "absences", ["officer_id"])
    op.create_table(
        "officer_fields",
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("category_code", sa.Text(), nullable=False),
        _key("officer_fields", "officer_id", "officers.id"),
        _key("officer_fields", "category_code", "categories.code"),
        sa.PrimaryKeyConstraint("officer_id", "category_code", name=op.f("pk_officer_fields")),
    )
    _case_units()
    op.create_table(
        "bodies",
        sa.Column("id", ID, nullable=False),
        sa.Column("ward_code", sa.Text()),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _key("bodies", "ward_code", "wards.code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bodies")),
    )
    op.create_index("ix_bodies_ward_code", "bodies", ["ward_code"])


def _case_units() -> None:
    op.create_table(
        "case_units",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("unit_id", ID, nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("due_at", Instant()),
        sa.Column("joined_at", Instant(), nullable=False),
        sa.Column("joined_by", ID, nullable=False),
        sa.Column("done_at", Instant()),
        sa.Column("done_by", ID),
        sa.Column("left_at", Instant()),
        _key("case_units", "case_id", "cases.id"),
        _key("case_units", "unit_id", "units.id"),
        _key("case_units", "joined_by", "officers.id"),
        _key("case_units", "done_by", "officers.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_units")),
    )
    where = sa.text("left_at IS NULL")
    op.create_index(
        "uq_case_units_working", "case_units", ["case_id", "unit_id"],
        unique=True, sqlite_where=where, postgresql_where=where,
    )  # fmt: skip


def _key(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def downgrade() -> None:
    for table in ("bodies", "case_units", "officer_fields", "absences"):
        op.drop_table(table)
