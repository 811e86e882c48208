"""What people were told of deadlines, how they want to be told, their digests, and mails on their way."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from aggregator.storage.types import Id, Instant, metadata

reminders = Table(
    "reminders",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    #: due_soon, due_today, overdue, escalated, deadline_changed
    Column("kind", Text, nullable=False),
    #: 0: who has the work; 1 and more: the leaders of that level.
    Column("level", Integer, nullable=False),
    #: The deadline it was told of, and the step that was due then.
    Column("due_at", Instant, nullable=False),
    Column("step", Text, nullable=False),
    #: The instant of office hours from which on it was to be told.
    Column("tell_at", Instant, nullable=False),
    Column("told_at", Instant, nullable=False),
    #: told; late: waits for its person's summary; folded: was in one; outdone: a newer one was told instead
    Column("state", Text, nullable=False),
    #: Each fires once for one deadline and person, whoever looks.
    UniqueConstraint("case_id", "kind", "level", "due_at", "officer_id", name="uq_reminders_once"),
    Index(
        "ix_reminders_late",
        "officer_id",
        "id",
        sqlite_where=Column("state") == "late",
        postgresql_where=Column("state") == "late",
    ),
)

reminder_choices = Table(
    "reminder_choices",
    metadata,
    Column("officer_id", Id, ForeignKey("officers.id"), primary_key=True, autoincrement=False),
    Column("email", Text),
    Column("in_app", Boolean, nullable=False),
    Column("by_mail", Boolean, nullable=False),
    Column("daily", Boolean, nullable=False),
    Column("weekly", Boolean, nullable=False),
    #: "21:00": hours of the day without mail, local time.
    Column("quiet_from", Text),
    Column("quiet_to", Text),
    #: SHA-256 of the calendar feed's token: reading the table opens no feed.
    Column("feed_hash", Text, unique=True),
    Column("feed_at", Instant),
    Column("changed_at", Instant, nullable=False),
)

digests = Table(
    "digests",
    metadata,
    #: "" is the whole installation: its leaders have no ward.
    Column("ward_code", Text, primary_key=True),
    #: daily, weekly
    Column("kind", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("mails", Integer, nullable=False),
)

mails = Table(
    "mails",
    metadata,
    Column("id", Id, primary_key=True),
    #: What the mail is, so that it is never written twice: "daily:27142:2026-11-23:5".
    Column("key", Text, nullable=False, unique=True),
    #: Mail goes to staff only: there is no other addressee.
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    #: reminder, summary, daily, weekly
    Column("kind", Text, nullable=False),
    #: Of a reminder: sent only while the case still has this deadline.
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("due_at", Instant),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("html", Text, nullable=False),
    #: Made once and kept: a mail that arrives twice can be told by it.
    Column("message_id", Text, nullable=False, unique=True),
    #: waiting, sending, sent, dropped (no longer true), dead
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    #: When a worker may take it; of one being sent, when it is taken over. NULL where none may.
    Column("next_attempt_at", Instant),
    Column("lease_owner", Text),
    Column("fence", BigInteger, nullable=False),
    #: An earlier try may have reached the server, though nobody heard its answer.
    Column("possible_repeat", Boolean, nullable=False),
    #: After that it is no longer worth sending.
    Column("expires_at", Instant, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Index(
        "ix_mails_due",
        "next_attempt_at",
        "id",
        sqlite_where=Column("next_attempt_at").isnot(None),
        postgresql_where=Column("next_attempt_at").isnot(None),
    ),
    Index("ix_mails_officer_id", "officer_id", "id"),
    Index("ix_mails_case_id", "case_id"),
    Index("ix_mails_created_at", "created_at"),
)
