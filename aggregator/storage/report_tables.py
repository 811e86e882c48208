"""Reports as channels received them, their revisions, people, attachments, and matching keys."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from aggregator.storage.types import Blob, Id, Instant, Json, metadata

#: In these very words in index and query: a bound value would hide the index from SQLite.
UNMAPPED = text("source_status = 'unmapped' AND status_raw IS NOT NULL")

reports = Table(
    "reports",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("kind", Text, nullable=False),
    #: When the citizen sent it, as the source says; deadlines count from here.
    Column("received_at", Instant, nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("address", Text),
    Column("area", Text),
    Column("lat", Float),
    Column("lng", Float),
    Column("category_code", Text, ForeignKey("categories.code")),
    Column("category_raw", Text),
    #: What the text says of the ward, where that is not simply the channel's: code, name, confidence, why.
    Column("place_guess", JSON(none_as_null=True)),
    Column("urgency", Text),
    Column("status_raw", Text),
    Column("source_status", Text, nullable=False),
    Column("source_due_at", Instant),
    Column("url", Text),
    Column("anonymous", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("revision_hash", Text, nullable=False),
    #: Folded text of everything searchable but the person, and `search_marks`.
    Column("search_text", Text, nullable=False),
    UniqueConstraint("channel_id", "external_id"),
    #: Status words that nobody has given a meaning.
    Index(
        "ix_reports_unmapped", "channel_id", "status_raw", sqlite_where=UNMAPPED, postgresql_where=UNMAPPED
    ),
)

report_revisions = Table(
    "report_revisions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    #: 1, 2, 3 ...: A to B to A is three revisions though the first and last hash alike (I2).
    Column("seq", Integer, nullable=False),
    Column("revision_hash", Text, nullable=False),
    Column("observed_at", Instant, nullable=False),
    Column("run_id", Id, ForeignKey("poll_runs.id"), nullable=False),
    #: The raw item, compressed and sealed: the source's own words, whole.
    Column("raw", Blob, nullable=False),
    Column("raw_type", Text, nullable=False),
    UniqueConstraint("report_id", "seq"),
    #: Forgetting a run asks whether anything refers to it.
    Index("ix_report_revisions_run_id", "run_id"),
)

reporters = Table(
    "reporters",
    metadata,
    Column("report_id", Id, ForeignKey("reports.id"), primary_key=True),
    #: Sealed JSON: name, phone, email, address, id_number (I12).
    Column("identity", Blob, nullable=False),
    Column("phone_index", Text),
    Column("email_index", Text),
    Index("ix_reporters_phone_index", "phone_index", "report_id"),
    Index("ix_reporters_email_index", "email_index"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    Column("ref", Text, nullable=False),
    Column("filename", Text, nullable=False),
    Column("content_type", Text),
    Column("size", Integer),
    Column("sha256", Text),
    #: pending, stored, refused
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", Instant),
    Column("error", Text),
    UniqueConstraint("report_id", "ref"),
    Index(
        "ix_attachments_pending",
        "next_try_at",
        sqlite_where=Column("state") == "pending",
        postgresql_where=Column("state") == "pending",
    ),
)

match_traits = Table(
    "match_traits",
    metadata,
    Column("report_id", Id, ForeignKey("reports.id"), primary_key=True),
    Column("received_at", Instant, nullable=False),
    Column("ward", Text),
    Column("category", Text),
    Column("house", Text),
    Column("street", Text),
    Column("lat", Float),
    Column("lng", Float),
    Column("phone", Text),
    Column("text", Text, nullable=False),
    Column("content", BigInteger, nullable=False),
    Column("channel", Text, nullable=False),
    Column("legal", Boolean, nullable=False),
    Column("anonymous", Boolean, nullable=False),
    #: Bits of `domain.kinds`; 0 too for what was read before there were any.
    Column("kinds", Integer, nullable=False, server_default="0"),
    #: The past of a ward, to be judged again.
    Index("ix_match_traits_ward_received_at", "ward", "received_at", "report_id"),
)

match_keys = Table(
    "match_keys",
    metadata,
    #: A posting list: newest report first by reading the primary key backwards, from a day on.
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("report_id", Id, ForeignKey("reports.id"), primary_key=True),
    Index("ix_match_keys_report_id", "report_id"),
    sqlite_with_rowid=False,
)

judgements = Table(
    "judgements",
    metadata,
    Column("id", Id, primary_key=True),
    #: The lower report id first, so a pair has one row.
    Column("report_a", Id, ForeignKey("reports.id"), nullable=False),
    Column("report_b", Id, ForeignKey("reports.id"), nullable=False),
    Column("judgement", Text, nullable=False),
    Column("score", Float),
    Column("reasons", Json, nullable=False),
    Column("recurrence", Boolean, nullable=False),
    Column("rule_version", Text, nullable=False),
    #: What the score was made of, unscaled: what a training run learns from.
    Column("features", JSON(none_as_null=True)),
    #: NULL where the rule judged; a person's word binds for ever.
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("at", Instant, nullable=False),
    #: The ward whose officers are asked; NULL where nobody is: settled, moot, or not the best of its cases.
    #: No foreign key: SQLite could not drop the column again.
    Column("asked_in", Text),
    UniqueConstraint("report_a", "report_b"),
    Index("ix_judgements_report_b", "report_b"),
    *(
        Index(
            f"ix_judgements_asked{suffix}",
            *ward,
            "score",
            "id",
            sqlite_where=Column("asked_in").isnot(None),
            postgresql_where=Column("asked_in").isnot(None),
        )
        for suffix, ward in (("", ("asked_in",)), ("_all", ()))
    ),
)
