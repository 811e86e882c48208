"""Outages: when a channel could not be used, the failed tries and pages that show it, and whose deadlines
fell inside.

A good try leaves no row: it only ends what was out. The hashes stay on the outage and in the ledger when
the kept pages are forgotten.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, text

from aggregator.storage.types import Blob, Id, Instant, Json, metadata

outages = Table(
    "outages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    #: read, sign_in, write
    Column("capability", Text, nullable=False),
    #: What was being done when it failed, the strongest of it.
    Column("tried", Text, nullable=False),
    #: The last good try before; NULL where none is known.
    Column("ok_before", Instant),
    Column("began_at", Instant, nullable=False),
    Column("last_failed_at", Instant, nullable=False),
    #: The first good try after; NULL while there was none.
    Column("ended_at", Instant),
    Column("attempts", Integer, nullable=False),
    #: Pairs of instants between which we did not try ourselves.
    Column("gaps", Json, nullable=False),
    #: False while all there was is being asked to wait: nobody is told of it yet.
    Column("sure", Boolean, nullable=False),
    #: At least one failed try was an answer of the source's server.
    Column("answered", Boolean, nullable=False),
    #: Sources on other hosts were silent at the same time.
    Column("ours_maybe", Boolean, nullable=False),
    Column("first_code", Text, nullable=False),
    Column("first_status", Integer),
    Column("first_sha256", Text),
    Column("last_code", Text, nullable=False),
    Column("last_status", Integer),
    Column("last_sha256", Text),
    Index(
        "uq_outages_open",
        "channel_id",
        "capability",
        unique=True,
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
    Index("ix_outages_channel_id_ended_at", "channel_id", "ended_at"),
    Index("ix_outages_channel_id_began_at", "channel_id", "began_at"),
)

outage_attempts = Table(
    "outage_attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("outage_id", Id, ForeignKey("outages.id"), nullable=False),
    Column("at", Instant, nullable=False),
    #: read, sign_in, write: what was being done
    Column("tried", Text, nullable=False),
    Column("code", Text, nullable=False),
    #: HTTP status; NULL where no answer came, or none over HTTP.
    Column("status", Integer),
    #: What was asked, without query values.
    Column("url", Text),
    #: Of the whole body, also where only its beginning is kept.
    Column("body_sha256", Text),
    Column("body_size", Integer),
    Index("ix_outage_attempts_outage_id_at", "outage_id", "at"),
    Index("ix_outage_attempts_at", "at"),
)

outage_evidence = Table(
    "outage_evidence",
    metadata,
    Column("id", Id, primary_key=True),
    Column("outage_id", Id, ForeignKey("outages.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    #: Of the whole body; `content` may hold only its beginning.
    Column("size", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    #: Compressed, then sealed: an error page may greet the account by name.
    Column("content", Blob, nullable=False),
    Column("kept_at", Instant, nullable=False),
    #: Who attached it, where it is a screenshot; NULL where a try brought it.
    Column("officer_id", Id, ForeignKey("officers.id")),
    Index("uq_outage_evidence_outage_id_sha256", "outage_id", "sha256", unique=True),
    Index("ix_outage_evidence_kept_at", "kept_at"),
)

unreachable_deadlines = Table(
    "unreachable_deadlines",
    metadata,
    Column("id", Id, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("ward_code", Text, nullable=False),
    Column("outage_id", Id, ForeignKey("outages.id"), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("answered_at", Instant, nullable=False),
    #: NULL while the source does not have the answer.
    Column("delivered_at", Instant),
    Index("uq_unreachable_deadlines", "report_id", "step", "origin", unique=True),
    Index("ix_unreachable_deadlines_case_id", "case_id"),
    Index("ix_unreachable_deadlines_due_at", "due_at"),
)
