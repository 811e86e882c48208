"""Outages: when a channel could not be used, the failed tries that show it, and what they brought back.

A good try leaves no row: it only ends what was out. The hashes stay on the outage and in the ledger when
the tries and the kept pages are forgotten.
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

outage_pages = Table(
    "outage_pages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("outage_id", Id, ForeignKey("outages.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    #: Of the whole body; `content` may hold only its beginning.
    Column("size", Integer, nullable=False),
    #: Compressed, then sealed: an error page may greet the account by name.
    Column("content", Blob, nullable=False),
    Column("kept_at", Instant, nullable=False),
    Index("uq_outage_pages_outage_id_sha256", "outage_id", "sha256", unique=True),
    Index("ix_outage_pages_kept_at", "kept_at"),
)

outage_screenshots = Table(
    "outage_screenshots",
    metadata,
    Column("id", Id, primary_key=True),
    Column("outage_id", Id, ForeignKey("outages.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    Index("uq_outage_screenshots_outage_id_sha256", "outage_id", "sha256", unique=True),
)
