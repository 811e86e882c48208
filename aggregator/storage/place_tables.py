"""Wards, units, categories, and the calendar and deadline rules they work by."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from aggregator.storage.types import Id, Instant, Json, metadata

wards = Table(
    "wards",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    #: How long an answer waits, so that it can be taken back; NULL: as long as the installation says.
    Column("undo_s", Integer),
    #: Senders are told by themselves when an officer takes their case on.
    Column("acknowledges", Boolean, nullable=False, server_default=false()),
)

units = Table(
    "units",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("name", Text, nullable=False),
    #: Category codes this unit answers for: the suggestion when a case opens.
    Column("categories", Json, nullable=False),
    Column("active", Boolean, nullable=False, default=True),
    UniqueConstraint("ward_code", "name"),
)

categories = Table(
    "categories",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name_vi", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    #: Words as channels write them, folded, that map onto this category.
    Column("aliases", Json, nullable=False),
)

calendars = Table(
    "calendars",
    metadata,
    Column("id", Id, primary_key=True),
    #: NULL, with no unit either, is the calendar of everybody who has none of their own.
    Column("ward_code", Text, ForeignKey("wards.code"), unique=True),
    Column("name", Text, nullable=False),
    #: Weekday "0".."6" (Monday first) -> list of ["07:30", "11:30"] shifts.
    Column("week", Json, nullable=False),
    #: The number of its newest row in `calendar_versions`.
    Column("version", Integer, nullable=False),
    Column("changed_at", Instant, nullable=False),
    #: Whose hours these are, where a unit has its own. No foreign key: SQLite could not drop the column.
    Column("unit_id", Id),
    #: Whether the days that all share hold here; a hotline works through Tết.
    Column("shared_days", Boolean, nullable=False, server_default=true()),
    Index("uq_calendars_unit_id", "unit_id", unique=True),
)

calendar_versions = Table(
    "calendar_versions",
    metadata,
    #: Counts through all calendars: a deadline's `calendar_version` alone names what it was counted by.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("calendar_id", Id, nullable=False),
    Column("week", Json, nullable=False),
    #: Every day that differs, shared ones included: [day, works, note, decision, source, shifts].
    Column("days", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("officer_id", Id),
    Column("why", Text, nullable=False),
    Index("ix_calendar_versions_calendar_id", "calendar_id", "number"),
)

recounts = Table(
    "recounts",
    metadata,
    Column("id", Id, primary_key=True),
    #: calendar, policy: what changed
    Column("kind", Text, nullable=False),
    #: Which rule (policy); NULL for a calendar.
    Column("rule_key", Text),
    #: Whose cases: of one ward, of one unit, or (both NULL) of all.
    Column("ward_code", Text),
    Column("unit_id", Id),
    Column("why", Text, nullable=False),
    Column("officer_id", Id),
    Column("created_at", Instant, nullable=False),
    #: Where it stands: this ward, after this case.
    Column("at_ward", Text, nullable=False),
    Column("after_case", Id, nullable=False),
    Column("total", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    #: Warnings and overdue marks that were taken back.
    Column("taken_back", Integer, nullable=False),
    Column("finished_at", Instant),
    #: Ended early because a later change recounts the same cases.
    Column("replaced", Boolean, nullable=False),
    Index("ix_recounts_unfinished", "id", sqlite_where=Column("finished_at").is_(None),
          postgresql_where=Column("finished_at").is_(None)),
)  # fmt: skip

calendar_days = Table(
    "calendar_days",
    metadata,
    Column("id", Id, primary_key=True),
    #: NULL holds for every calendar; a calendar's own row for a date wins over it.
    Column("calendar_id", Id, ForeignKey("calendars.id")),
    Column("day", Date, nullable=False),
    Column("works", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("source", Text, nullable=False),
    #: The hours of a half day, as in `week`; empty: those of a normal day.
    Column("shifts", Json, nullable=False, server_default="[]"),
    Index("uq_calendar_days_shared", "day", unique=True, sqlite_where=Column("calendar_id").is_(None),
          postgresql_where=Column("calendar_id").is_(None)),
    UniqueConstraint("calendar_id", "day"),
)  # fmt: skip

sla_policies = Table(
    "sla_policies",
    metadata,
    Column("id", Id, primary_key=True),
    #: Names the rule through all its versions. A version is never edited (I6).
    Column("key", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("unit", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("channel", Text),
    Column("category", Text),
    Column("urgency", Text),
    Column("warn_percent", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("certainty", Text, nullable=False),
    Column("kind", Text),
    #: Only where several units (true), or one (false), have the case; NULL either.
    Column("several_units", Boolean),
    Column("day_end", Text, nullable=False, server_default="end_of_day"),
    #: Working hours after the deadline at which each next level of leaders is told.
    Column("escalate_hours", Json, nullable=False, server_default="[]"),
    #: goes_on, afresh: what reopening a finished case does to its clock.
    Column("reopening", Text, nullable=False, server_default="goes_on"),
    #: Shipped rules that nobody has said yes to yet are kept and not applied.
    Column("applied", Boolean, nullable=False, server_default=true()),
    #: When a newer version took its place, or the rule was given up.
    Column("retired_at", Instant),
    #: When and why this version was made and given up; NULL for what was shipped. Who did it is an officer's
    #: id (no foreign key: SQLite could not drop the column), NULL for the person at the machine.
    Column("made_at", Instant),
    Column("made_by", Id),
    Column("why", Text, nullable=False, server_default=""),
    Column("retired_by", Id),
    Column("retired_why", Text, nullable=False, server_default=""),
    #: Telling the sender that the report was received meets this deadline.
    Column("by_acknowledgement", Boolean, nullable=False, server_default=false()),
    Index("uq_sla_policies_key_version", "key", "version", unique=True),
)
