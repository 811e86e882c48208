"""Reminders of deadlines: when to look, what was told, how people want it, digests, and mails.

Cases that are open now are looked at when their next stage comes. Those overdue already are not told
one by one: they stand in the next digest.
"""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0009_reminders"
down_revision = "0008_cover"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [target], name=op.f(f"fk_{table}_{column}_{target.split('.')[0]}")
    )


def upgrade() -> None:
    op.add_column("cases", sa.Column("remind_at", Instant()))
    op.execute("UPDATE cases SET remind_at = next_at WHERE next_at IS NOT NULL")
    op.create_index(
        "ix_cases_remind_at",
        "cases",
        ["remind_at"],
        sqlite_where=sa.text("remind_at IS NOT NULL"),
        postgresql_where=sa.text("remind_at IS NOT NULL"),
    )
    op.create_table(
        "reminders",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("tell_at", Instant(), nullable=False),
        sa.Column("told_at", Instant(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _key("reminders", "case_id", "cases.id"),
        _key("reminders", "officer_id", "officers.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint(
            "case_id", "kind", "level", "due_at", "officer_id", name=op.f("uq_reminders_once")
        ),
    )
    op.create_index(
        "ix_reminders_late",
        "reminders",
        ["officer_id", "id"],
        sqlite_where=sa.text("state = 'late'"),
        postgresql_where=sa.text("state = 'late'"),
    )
    op.create_table(
        "reminder_choices",
        sa.Column("officer_id", ID, autoincrement=False, nullable=False),
        sa.Column("email", sa.Text()),
        sa.Column("in_app", sa.Boolean(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("daily", sa.Boolean(), nullable=False),
        sa.Column("weekly", sa.Boolean(), nullable=False),
        sa.Column("quiet_from", sa.Text()),
        sa.Column("quiet_to", sa.Text()),
        sa.Column("feed_hash", sa.Text()),
        sa.Column("feed_at", Instant()),
        sa.Column("changed_at", Instant(), nullable=False),
        _key("reminder_choices", "officer_id", "officers.id"),
        sa.PrimaryKeyConstraint("officer_id", name=op.f("pk_reminder_choices")),
        sa.UniqueConstraint("feed_hash", name=op.f("uq_reminder_choices_feed_hash")),
    )
    op.create_table(
        "digests",
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("mails", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("ward_code", "kind", "day", name=op.f("pk_digests")),
    )
    op.create_table(
        "mails",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", ID),
        sa.Column("due_at", Instant()),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant()),
        sa.Column("lease_owner", sa.Text()),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("possible_repeat", sa.Boolean(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("error_code", sa.Text()),
        sa.Column("error", sa.Text()),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant()),
        _key("mails", "officer_id", "officers.id"),
        _key("mails", "case_id", "cases.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("key", name=op.f("uq_mails_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mails_message_id")),
    )
    op.create_index(
        "ix_mails_due",
        "mails",
        ["next_attempt_at", "id"],
        sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )
    op.create_index("ix_mails_officer_id", "mails", ["officer_id", "id"])
    op.create_index("ix_mails_case_id", "mails", ["case_id"])
    op.create_index("ix_mails_created_at", "mails", ["created_at"])


def downgrade() -> None:
    for table in ("mails", "digests", "reminder_choices", "reminders"):
        op.drop_table(table)
    op.drop_index("ix_cases_remind_at", "cases")
    op.drop_column("cases", "remind_at")
