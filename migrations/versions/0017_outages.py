"""Outages: when a channel could not be used, what shows it, and whose deadlines fell inside."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0017_outages"
down_revision = "0020_privacy"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("ended_at IS NULL")


def _key(table: str, column: str, target: str, *, nullable: bool = False) -> sa.Column:
    key = sa.ForeignKey(f"{target}.id", name=op.f(f"fk_{table}_{column}_{target}"))
    return sa.Column(column, ID, key, nullable=nullable)


def _seen(name: str) -> list[sa.Column]:
    return [
        sa.Column(f"{name}_code", sa.Text(), nullable=False),
        sa.Column(f"{name}_status", sa.Integer()),
        sa.Column(f"{name}_sha256", sa.Text()),
    ]


def upgrade() -> None:
    op.create_table(
        "outages",
        sa.Column("id", ID, nullable=False),
        _key("outages", "channel_id", "channels"),
        sa.Column("capability", sa.Text(), nullable=False),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.Column("ok_before", Instant()),
        sa.Column("began_at", Instant(), nullable=False),
        sa.Column("last_failed_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.Column("sure", sa.Boolean(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("ours_maybe", sa.Boolean(), nullable=False),
        *_seen("first"),
        *_seen("last"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outages")),
    )
    op.create_index(
        "uq_outages_open",
        "outages",
        ["channel_id", "capability"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("ix_outages_channel_id_ended_at", "outages", ["channel_id", "ended_at"])
    op.create_index("ix_outages_channel_id_began_at", "outages", ["channel_id", "began_at"])
    _make_evidence()
    _make_marks()


def _make_evidence() -> None:
    op.create_table(
        "outage_attempts",
        sa.Column("id", ID, nullable=False),
        _key("outage_attempts", "outage_id", "outages"),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("tried", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("url", sa.Text()),
        sa.Column("body_sha256", sa.Text()),
        sa.Column("body_size", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage_attempts")),
    )
    op.create_index("ix_outage_attempts_outage_id_at", "outage_attempts", ["outage_id", "at"])
    op.create_index("ix_outage_attempts_at", "outage_attempts", ["at"])
    op.create_table(
        "outage_evidence",
        sa.Column("id", ID, nullable=False),
        _key("outage_evidence", "outage_id", "outages"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", Instant(), nullable=False),
        _key("outage_evidence", "officer_id", "officers", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage_evidence")),
    )
    op.create_index(
        "uq_outage_evidence_outage_id_sha256", "outage_evidence", ["outage_id", "sha256"], unique=True
    )
    op.create_index("ix_outage_evidence_kept_at", "outage_evidence", ["kept_at"])


def _make_marks() -> None:
    table = "unreachable_deadlines"
    op.create_table(
        table,
        sa.Column("id", ID, nullable=False),
        _key(table, "report_id", "reports"),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        _key(table, "case_id", "cases"),
        sa.Column("ward_code", sa.Text(), nullable=False),
        _key(table, "outage_id", "outages"),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("answered_at", Instant(), nullable=False),
        sa.Column("delivered_at", Instant()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unreachable_deadlines")),
    )
    op.create_index("uq_unreachable_deadlines", table, ["report_id", "step", "origin"], unique=True)
    op.create_index("ix_unreachable_deadlines_case_id", table, ["case_id"])
    op.create_index("ix_unreachable_deadlines_due_at", table, ["due_at"])


def downgrade() -> None:
    for table in ("unreachable_deadlines", "outage_evidence", "outage_attempts", "outages"):
        op.drop_table(table)
