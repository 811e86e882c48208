"""Certificates of timely handling; the ledger's entries about outages are found by their channel."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0019_certificates"
down_revision = "0017_outages"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _of(
    column: str, target: str, *, nullable: bool = False, kind: sa.types.TypeEngine | None = None
) -> sa.Column:
    table = target.split(".")[0]
    key = sa.ForeignKey(target, name=op.f(f"fk_certificates_{column}_{table}"))
    return sa.Column(column, kind or ID, key, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "certificates",
        sa.Column("id", ID, nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        _of("case_id", "cases.id"),
        _of("ward_code", "wards.code", kind=sa.Text()),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("statement_sha256", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("bundle", sa.LargeBinary()),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", Instant(), nullable=False),
        _of("issued_by", "officers.id", nullable=True),
        sa.Column("withdrawn_at", Instant()),
        _of("withdrawn_by", "officers.id", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificates")),
        sa.UniqueConstraint("serial", name=op.f("uq_certificates_serial")),
        sa.UniqueConstraint("token", name=op.f("uq_certificates_token")),
        sa.UniqueConstraint(
            "ward_code", "year", "number", name=op.f("uq_certificates_ward_code_year_number")
        ),
    )
    op.create_index("ix_certificates_case_id", "certificates", ["case_id"])
    outages = sa.text("kind IN ('outage_began', 'outage_ended')")
    op.create_index(
        "ix_ledger_entries_outages",
        "ledger_entries",
        ["channel_id", "at"],
        sqlite_where=outages,
        postgresql_where=outages,
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_entries_outages", "ledger_entries")
    op.drop_table("certificates")
