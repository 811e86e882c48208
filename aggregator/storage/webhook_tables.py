"""Calls of sources to us, kept before they are answered; and tokens that renew themselves."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, literal_column

from aggregator.storage.types import Blob, Id, Instant, metadata

# As a literal, not a parameter: SQLite uses a partial index only where it can prove that it fits.
_LEFT = literal_column("state") != literal_column("'done'")

webhook_calls = Table(
    "webhook_calls",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("received_at", Instant, nullable=False),
    #: SHA-256 of the source's own name of this delivery.
    Column("delivery", Text, nullable=False),
    #: The whole call, compressed and sealed; NULL once its records are stored with their own bytes.
    Column("content", Blob),
    Column("size", Integer, nullable=False),
    #: waiting; done; kept (it cannot be read: waits for a replay)
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
    Column("handled_at", Instant),
    UniqueConstraint("channel_id", "delivery"),
    Index("ix_webhook_calls_left", "channel_id", "id", sqlite_where=_LEFT, postgresql_where=_LEFT),
    Index("ix_webhook_calls_received_at", "received_at"),
)

webhook_days = Table(
    "webhook_days",
    metadata,
    Column("channel_id", Id, ForeignKey("channels.id"), primary_key=True),
    #: The office's day, as 2026-11-10.
    Column("day", Text, primary_key=True),
    Column("taken", Integer, nullable=False),
    Column("repeated", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("taken_at", Instant),
    Column("refused_at", Instant),
    #: Why the last one was refused; never anything of the call itself.
    Column("refused_why", Text),
    Column("refused_why_vi", Text),
)

channel_tokens = Table(
    "channel_tokens",
    metadata,
    Column("channel_id", Id, ForeignKey("channels.id"), primary_key=True),
    #: Sealed JSON.
    Column("sealed", Blob),
    Column("owner", Text),
    Column("until", Instant),
)
