"""Outages: spans in which a channel could not be used, the failed tries and pages that show them."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0017_outages"
down_revision = "0020_privacy"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("ended_at IS NULL")


def _key(table: str, column: str, target: str) -> sa.Column:
    key = sa.ForeignKey(f"{target}.id", name=op.f(f"fk_{table}_{column}_{target}"))
    return sa.Column(column, ID, key, nullable=False)


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
        "outage_pages",
        sa.Column("id", ID, nullable=False),
        _key("outage_pages", "outage_id", "outages"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage_pages")),
    )
    op.create_index("uq_outage_pages_outage_id_sha256", "outage_pages", ["outage_id", "sha256"], unique=True)
    op.create_index("ix_outage_pages_kept_at", "outage_pages", ["kept_at"])
    op.create_table(
        "outage_screenshots",
        sa.Column("id", ID, nullable=False),
        _key("outage_screenshots", "outage_id", "outages"),
        sa.Column("at", Instant(), nullable=False),
        _key("outage_screenshots", "officer_id", "officers"),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage_screenshots")),
    )
    op.create_index(
        "uq_outage_screenshots_outage_id_sha256", "outage_screenshots", ["outage_id", "sha256"], unique=True
    )


def downgrade() -> None:
    for table in ("outage_screenshots", "outage_pages", "outage_attempts", "outages"):
        op.drop_table(table)
