"""People who sign in, their sessions, and the one-time keys of their form posts."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text, false

from aggregator.storage.types import Id, Instant, Json, metadata

officers = Table(
    "officers",
    metadata,
    Column("id", Id, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    #: NULL sees every ward of the installation (administrators and city leaders only).
    Column("ward_code", Text, ForeignKey("wards.code")),
    Column("unit_id", Id, ForeignKey("units.id")),
    #: Named by a leader to read complaints and denunciations. Leaders may without it.
    Column("legal", Boolean, nullable=False, server_default=false()),
    Column("password_hash", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Index("ix_officers_ward_code", "ward_code"),
)

sessions = Table(
    "sessions",
    metadata,
    #: SHA-256 of the cookie's token: reading the table does not let anybody in.
    Column("token_hash", Text, primary_key=True),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_sessions_officer_id", "officer_id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    #: SHA-256 of login and origin. Kept for logins that do not exist, too: otherwise the back-off
    #: would tell which ones do. A digest, because people type passwords into the wrong field.
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("retry_at", Instant, nullable=False),
    Index("ix_sign_in_failures_last_at", "last_at"),
)

done_requests = Table(
    "done_requests",
    metadata,
    #: One-time key of a form post: a second arrival of the same post does nothing and says the same.
    Column("key", Text, primary_key=True),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("result", Json, nullable=False),
    Index("ix_done_requests_at", "at"),
)
