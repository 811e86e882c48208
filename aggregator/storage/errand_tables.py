"""Answers that people bring to their sources by hand: what waits, what was ticked off, and which sources
show no answers.

`errands` is derived from the messages, their ticks and their cases (`errand_queries.follow`); it is there so
that a list of ten thousand reads one page by its index.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text

from aggregator.storage.types import Id, Instant, Json, metadata

errands = Table(
    "errands",
    metadata,
    Column("message_id", Id, ForeignKey("outbox.id"), primary_key=True, autoincrement=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    #: As the case has them: they move with it.
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    #: What is asked of a person, the most pressing first (`domain.errands.Need`).
    Column("need", Integer, nullable=False),
    #: When to look at it next: to remind, or whether the source shows it; NULL: nothing to look for.
    Column("look_at", Instant),
    #: When its people were reminded last.
    Column("told_at", Instant),
    Index("ix_errands_need", "need", "message_id"),
    Index("ix_errands_ward_code", "ward_code", "need", "message_id"),
    Index("ix_errands_ward_channel", "ward_code", "channel_id", "need", "message_id"),
    Index("ix_errands_channel_id", "channel_id", "need", "message_id"),
    Index("ix_errands_officer_id", "officer_id", "need", "message_id"),
    Index("ix_errands_case_id", "case_id"),
    Index(
        "ix_errands_look_at",
        "look_at",
        "message_id",
        sqlite_where=Column("look_at").isnot(None),
        postgresql_where=Column("look_at").isnot(None),
    ),
)

ticks = Table(
    "ticks",
    metadata,
    Column("id", Id, primary_key=True),
    Column("message_id", Id, ForeignKey("outbox.id"), nullable=False),
    #: The message's state before: what undoing gives back.
    Column("was", Text, nullable=False),
    #: And why it was in that state: error_code, error, error_vi.
    Column("was_error", Json, nullable=False),
    #: NULL: the machine's operator, at the command line.
    Column("officer_id", Id, ForeignKey("officers.id")),
    #: When it was done, as that person said; and when they said it.
    Column("done_at", Instant, nullable=False),
    Column("ticked_at", Instant, nullable=False),
    #: The number that the source showed for it.
    Column("reference", Text),
    Column("file_sha256", Text),
    Column("file_type", Text),
    Column("file_size", Integer),
    #: The source has its time to show the answer from here on: the tick, or a person's look.
    Column("expected_from", Instant, nullable=False),
    #: Read since, and not shown.
    Column("unseen_at", Instant),
    #: Nothing more is asked: the source shows no answers, or it cannot be read.
    Column("settled_at", Instant),
    Column("undone_at", Instant),
    Column("undone_by", Id, ForeignKey("officers.id")),
    Index(
        "uq_ticks_living",
        "message_id",
        unique=True,
        sqlite_where=Column("undone_at").is_(None),
        postgresql_where=Column("undone_at").is_(None),
    ),
    Index("ix_ticks_message_id", "message_id"),
    #: Whether a file of this content is still named.
    Index(
        "ix_ticks_file_sha256",
        "file_sha256",
        sqlite_where=Column("file_sha256").isnot(None),
        postgresql_where=Column("file_sha256").isnot(None),
    ),
)

silent_sources = Table(
    "silent_sources",
    metadata,
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    #: Whose answers it does not show.
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("channel_id", "ward_code"),
)
