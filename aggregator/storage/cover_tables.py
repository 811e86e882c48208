"""Absences, who handles which field, the units that work on one case, and the bodies outside the ward."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from aggregator.storage.types import Id, Instant, Json, metadata

absences = Table(
    "absences",
    metadata,
    Column("id", Id, primary_key=True),
    #: The ward it was entered in. Who is moved to another ward is there from the first day on.
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    Column("substitute_id", Id, ForeignKey("officers.id")),
    Column("starts_at", Instant, nullable=False),
    #: The first instant at which the officer is back.
    Column("ends_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    #: NULL: entered at the machine itself.
    Column("entered_by", Id, ForeignKey("officers.id")),
    Column("entered_at", Instant, nullable=False),
    #: Back sooner, or taken back before it began.
    Column("ended_at", Instant),
    Column("ended_by", Id, ForeignKey("officers.id")),
    Column("version", Integer, nullable=False),
    # Every list page asks who is away now: those to come and those that are, never the past.
    Index(
        "ix_absences_ends_at",
        "ends_at",
        "ward_code",
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
    Index("ix_absences_officer_id", "officer_id"),
)

officer_fields = Table(
    "officer_fields",
    metadata,
    Column("officer_id", Id, ForeignKey("officers.id"), primary_key=True),
    Column("category_code", Text, ForeignKey("categories.code"), primary_key=True),
)

#: Units that work on a case beside the one that leads, which stands on the case itself.
case_units = Table(
    "case_units",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("unit_id", Id, ForeignKey("units.id"), nullable=False),
    Column("task", Text, nullable=False),
    Column("due_at", Instant),
    Column("joined_at", Instant, nullable=False),
    Column("joined_by", Id, ForeignKey("officers.id"), nullable=False),
    Column("done_at", Instant),
    Column("done_by", Id, ForeignKey("officers.id")),
    Column("left_at", Instant),
    Index(
        "uq_case_units_working",
        "case_id",
        "unit_id",
        unique=True,
        sqlite_where=Column("left_at").is_(None),
        postgresql_where=Column("left_at").is_(None),
    ),
)

bodies = Table(
    "bodies",
    metadata,
    Column("id", Id, primary_key=True),
    #: NULL is offered in every ward.
    Column("ward_code", Text, ForeignKey("wards.code")),
    Column("name", Text, nullable=False),
    #: Where citizens reach it, in the office's words; empty where nobody has entered it.
    Column("contact", Text, nullable=False),
    Column("categories", Json, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_bodies_ward_code", "ward_code"),
)
