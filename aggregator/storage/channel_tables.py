"""Channels, their schedule and health, what each poll did, and what it could not use.

The schedule is a row, not a job in a scheduler: any number of workers claim it by conditional
update with a lease and a growing fence (I10). Lease and health live on the same row because a
poll's end writes both.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from aggregator.storage.types import Blob, Id, Instant, Json, metadata

channels = Table(
    "channels",
    metadata,
    Column("id", Id, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    #: Where reports go that do not say their ward.
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("config", Json, nullable=False),
    #: Sealed JSON of secret settings; write-only on screen.
    Column("secrets", Blob),
    #: allow_private, verify, hosts, retry_first_s, retry_cap_s, settle_s, shown_within_h, timezone,
    #: status_map.
    Column("options", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
)

channel_schedule = Table(
    "channel_schedule",
    metadata,
    Column("channel_id", Id, ForeignKey("channels.id"), primary_key=True),
    Column("paused", Boolean, nullable=False),
    Column("interval_s", Integer, nullable=False),
    #: NULL is never due: the channel is fed by hand (imports), or its portal cannot be read.
    Column("next_due_at", Instant),
    Column("host_key", Text, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("fence", BigInteger, nullable=False),
    #: ok, throttled, degraded, parsing_problem; held until a person acts: needs_reauth,
    #: misconfigured, broken
    Column("state", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("last_error_code", Text),
    Column("last_error", Text),
    Column("last_error_vi", Text),
    #: The first failed try since the last success.
    Column("down_since", Instant),
    Column("last_try_at", Instant),
    Column("last_success_at", Instant),
    Column("last_item_at", Instant),
    Column("write_failures", Integer, nullable=False),
    Column("write_open_until", Instant),
    Column("write_error_code", Text),
    Column("write_error", Text),
    Column("last_write_at", Instant),
    Column("cursor", Json),
    #: Sealed small values of the connector: login session, ETags.
    Column("connector_state", Blob),
    #: closed, open (nobody asks the portal before `breaker_until`), half_open (one probe at a time).
    Column("breaker", Text, nullable=False, server_default="closed"),
    #: Tries in a row in which the portal could not be reached.
    Column("breaker_failures", Integer, nullable=False, server_default="0"),
    #: Good tries since it is half open.
    Column("breaker_probes", Integer, nullable=False, server_default="0"),
    Column("breaker_until", Instant),
    #: Runs up to this one stand in `channel_days`.
    Column("folded_run_id", BigInteger, nullable=False, server_default="0"),
    Index("ix_channel_schedule_next_due_at", "next_due_at"),
    #: Never two polls on one host at once, whatever workers race: a check before the claim could not
    #: promise that under READ COMMITTED.
    Index(
        "uq_channel_schedule_host_leased",
        "host_key",
        unique=True,
        sqlite_where=Column("lease_owner").isnot(None),
        postgresql_where=Column("lease_owner").isnot(None),
    ),
)

poll_runs = Table(
    "poll_runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    #: poll, import, replay, backfill or count
    Column("kind", Text, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    #: running, ok, failed, abandoned
    Column("outcome", Text, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("stored", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("revised", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("source_count", Integer),
    Column("requests", Integer, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("cursor_before", Json),
    Column("cursor_after", Json),
    Column("error_code", Text),
    Column("error", Text),
    Index("ix_poll_runs_channel_id_id", "channel_id", "id"),
    Index("ix_poll_runs_channel_id_started_at", "channel_id", "started_at"),
    Index(
        "ix_poll_runs_running",
        "channel_id",
        sqlite_where=text("outcome = 'running'"),
        postgresql_where=text("outcome = 'running'"),
    ),
)

raw_payloads = Table(
    "raw_payloads",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("size", Integer, nullable=False),
    #: Compressed, then sealed: payloads carry people's names and phones.
    Column("content", Blob, nullable=False),
    Column("fetched_at", Instant, nullable=False),
    Index("uq_raw_payloads_channel_id_sha256", "channel_id", "sha256", unique=True),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("run_id", Id, ForeignKey("poll_runs.id"), nullable=False),
    #: record: one item; page: a whole page that the connector did not understand
    Column("scope", Text, nullable=False),
    Column("raw_payload_id", Id, ForeignKey("raw_payloads.id"), nullable=False),
    Column("raw_ref", Text, nullable=False),
    Column("external_id", Text),
    Column("error_code", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("row", Integer),
    Column("tries", Integer, nullable=False),
    #: open, replayed, accepted (taken in as it is), dismissed (with a reason), superseded
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    #: Of a batch held for drift: what was found (see `domain.drift`), and its items, packed and sealed.
    Column("findings", JSON(none_as_null=True)),
    Column("held", Blob),
    Column("settled_at", Instant),
    Column("settled_by", BigInteger),
    Column("reason", Text),
    Index("uq_quarantine_item", "channel_id", "raw_payload_id", "raw_ref", unique=True),
    Index("ix_quarantine_list", "channel_id", "state", "id"),
    #: Forgetting a run asks whether anything refers to it.
    Index("ix_quarantine_run_id", "run_id"),
)

channel_baselines = Table(
    "channel_baselines",
    metadata,
    Column("channel_id", Id, ForeignKey("channels.id"), primary_key=True, autoincrement=False),
    #: How the channel's polls have looked so far: `domain.drift_baseline.Baseline`. One row a channel, and
    #: not one a field, because a batch reads and writes all of it or nothing.
    Column("data", Json, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

channel_canaries = Table(
    "channel_canaries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    #: A known report that is read again by its id now and then: it must still be what is stored.
    Column("external_id", Text, nullable=False),
    Column("pinned_by", BigInteger),
    Column("pinned_at", Instant, nullable=False),
    Column("checked_at", Instant),
    Index("uq_channel_canaries", "channel_id", "external_id", unique=True),
)

channel_alarms = Table(
    "channel_alarms",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    #: reconnect, settings, defect: the channel stopped for a person; silence: nothing new for too long;
    #: drift: what it shows is not as it was; status_word: a word of it has no meaning here, one a word
    Column("kind", Text, nullable=False),
    #: Which of several of one kind it is, by a name that says nothing (a hash); empty where there is but one.
    Column("about", Text, nullable=False, server_default=""),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("data", Json, nullable=False),
    Index(
        "uq_channel_alarms_open",
        "channel_id",
        "kind",
        "about",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

#: Words whose meaning a person has changed, until every stored report that shows one has the new one.
restatements = Table(
    "restatements",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("word", Text, nullable=False),
    #: Reports up to this id are done.
    Column("after_id", BigInteger, nullable=False),
    Index("uq_restatements", "channel_id", "word", unique=True),
)

#: Reports that came by themselves in each hour: the channel's rhythm.
channel_hours = Table(
    "channel_hours",
    metadata,
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("hour", Instant, nullable=False),
    Column("arrived", Integer, nullable=False),
    PrimaryKeyConstraint("channel_id", "hour"),
)

#: What the runs of a day counted, kept after the runs themselves are forgotten.
channel_days = Table(
    "channel_days",
    metadata,
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("runs", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("stored", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("revised", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("requests", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    PrimaryKeyConstraint("channel_id", "day"),
)

#: A day as its source counts it, beside what we held of it at that moment.
source_counts = Table(
    "source_counts",
    metadata,
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("day", Date, nullable=False),
    Column("source", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("counted_at", Instant, nullable=False),
    PrimaryKeyConstraint("channel_id", "day"),
)

backfills = Table(
    "backfills",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    #: A span of days (half open), or the reports of these ids.
    Column("since", Instant),
    Column("until", Instant),
    Column("ids", Json),
    #: active, stopped, done, failed
    Column("state", Text, nullable=False),
    #: Of this stream alone; the polls' cursor is another.
    Column("cursor", Json),
    #: NULL where no worker is to take it.
    Column("next_due_at", Instant),
    #: Failed tries in a row.
    Column("failures", Integer, nullable=False),
    #: How many reports the source has of it, where it says so.
    Column("total", Integer),
    Column("seen", Integer, nullable=False),
    Column("stored", Integer, nullable=False),
    Column("unchanged", Integer, nullable=False),
    Column("revised", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
    Column("error_vi", Text),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Index("ix_backfills_channel_id", "channel_id", "id"),
    Index(
        "ix_backfills_next_due_at",
        "next_due_at",
        sqlite_where=text("next_due_at IS NOT NULL"),
        postgresql_where=text("next_due_at IS NOT NULL"),
    ),
)
