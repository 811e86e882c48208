"""Breaker, alarms, rhythm, daily totals, the source's own counts, and backfills of channels."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0013_channel_health"
down_revision = "0011_calls_of_sources"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COUNTS = ("seen", "stored", "unchanged", "revised", "quarantined")


def breaker() -> tuple[sa.Column, ...]:
    return (
        sa.Column("breaker", sa.Text(), nullable=False, server_default="closed"),
        sa.Column("breaker_failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("breaker_probes", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("breaker_until", Instant()),
        sa.Column("folded_run_id", sa.BigInteger(), nullable=False, server_default="0"),
    )


def _of_channel(table: str) -> sa.Column:
    key = sa.ForeignKey("channels.id", name=op.f(f"fk_{table}_channel_id_channels"))
    return sa.Column("channel_id", ID, key, nullable=False)


def _numbers(*names: str, kind: type = sa.Integer) -> list[sa.Column]:
    return [sa.Column(name, kind(), nullable=False) for name in names]


def upgrade() -> None:
    for column in breaker():
        op.add_column("channel_schedule", column)
    op.create_index("ix_report_revisions_run_id", "report_revisions", ["run_id"])
    op.create_index("ix_quarantine_run_id", "quarantine", ["run_id"])
    op.create_table(
        "channel_alarms",
        sa.Column("id", ID, nullable=False),
        _of_channel("channel_alarms"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant()),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_alarms")),
    )
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_channel_alarms_open",
        "channel_alarms",
        ["channel_id", "kind"],
        unique=True,
        sqlite_where=still_open,
        postgresql_where=still_open,
    )
    op.create_table(
        "channel_hours",
        _of_channel("channel_hours"),
        sa.Column("hour", Instant(), nullable=False),
        *_numbers("arrived"),
        sa.PrimaryKeyConstraint("channel_id", "hour", name=op.f("pk_channel_hours")),
    )
    op.create_table(
        "channel_days",
        _of_channel("channel_days"),
        sa.Column("day", sa.Date(), nullable=False),
        *_numbers("runs", "failures", *_COUNTS),
        *_numbers("requests", "bytes", kind=sa.BigInteger),
        sa.PrimaryKeyConstraint("channel_id", "day", name=op.f("pk_channel_days")),
    )
    op.create_table(
        "source_counts",
        _of_channel("source_counts"),
        sa.Column("day", sa.Date(), nullable=False),
        *_numbers("source", "held", "quarantined"),
        sa.Column("counted_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "day", name=op.f("pk_source_counts")),
    )
    _make_backfills()


def _make_backfills() -> None:
    officer = sa.ForeignKey("officers.id", name=op.f("fk_backfills_officer_id_officers"))
    op.create_table(
        "backfills",
        sa.Column("id", ID, nullable=False),
        _of_channel("backfills"),
        sa.Column("since", Instant()),
        sa.Column("until", Instant()),
        sa.Column("ids", sa.JSON()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("cursor", sa.JSON()),
        sa.Column("next_due_at", Instant()),
        *_numbers("failures"),
        sa.Column("total", sa.Integer()),
        *_numbers(*_COUNTS),
        sa.Column("error_code", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("error_vi", sa.Text()),
        sa.Column("officer_id", ID, officer),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backfills")),
    )
    op.create_index("ix_backfills_channel_id", "backfills", ["channel_id", "id"])
    waiting = sa.text("next_due_at IS NOT NULL")
    op.create_index(
        "ix_backfills_next_due_at",
        "backfills",
        ["next_due_at"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def downgrade() -> None:
    for table in ("backfills", "source_counts", "channel_days", "channel_hours", "channel_alarms"):
        op.drop_table(table)
    op.drop_index("ix_quarantine_run_id", "quarantine")
    op.drop_index("ix_report_revisions_run_id", "report_revisions")
    for column in reversed(breaker()):
        op.drop_column("channel_schedule", column.name)
