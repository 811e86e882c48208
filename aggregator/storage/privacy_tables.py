"""How long each kind of data is kept, what was forgotten, holds, and the register of personal-data requests.

Rules, switches and runs are only ever added to: which rule held on a day can be looked up for good.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, Text

from aggregator.storage.types import Blob, Id, Instant, Json, metadata

retention_rules = Table(
    "retention_rules",
    metadata,
    Column("id", Id, primary_key=True),
    #: Of `domain.retention.Kind`. The newest row of a kind holds.
    Column("kind", Text, nullable=False),
    #: NULL: kept without an end.
    Column("days", Integer),
    #: proposal (shipped or entered without a paper), decided (the office names the paper in `source`)
    Column("certainty", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
    #: NULL is the person at the machine itself, or the starting set.
    Column("officer_id", Id, ForeignKey("officers.id")),
    Index("ix_retention_rules_kind", "kind", "id"),
)

retention_switches = Table(
    "retention_switches",
    metadata,
    Column("id", Id, primary_key=True),
    #: Whether the worker forgets at night what is due. Without any row: no.
    Column("on", Boolean, nullable=False),
    #: The dry run that the person had before their eyes: kind -> what was due.
    Column("seen", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id")),
)

retention_runs = Table(
    "retention_runs",
    metadata,
    Column("id", Id, primary_key=True),
    #: night, person
    Column("cause", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    #: When its last batch was written: a run that stands still was ended from outside.
    Column("seen_at", Instant, nullable=False),
    Column("finished_at", Instant),
    #: kind -> how many were forgotten
    Column("done", Json, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id")),
)

#: One row: what an erasure left to be written over in the database's own file.
erasure_marks = Table(
    "erasure_marks",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("erased_at", Instant, nullable=False),
    #: When the file was last written anew; later than `erased_at` where nothing is left.
    Column("compacted_at", Instant),
)

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    #: complaint, inspection, court, other
    Column("reason", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("lifted_at", Instant),
    Column("lifted_by", Id, ForeignKey("officers.id")),
    Index("ix_legal_holds_case_id", "case_id"),
    Index(
        "uq_legal_holds_living",
        "case_id",
        unique=True,
        sqlite_where=Column("lifted_at").is_(None),
        postgresql_where=Column("lifted_at").is_(None),
    ),
)

forgotten = Table(
    "forgotten",
    metadata,
    #: Keyed hash of channel and external id: enough to know a report again, and not to tell which it was.
    Column("key", Text, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    #: identity: comes back without the person; text: without words, place and files, too;
    #: named: somebody else's that named the person, comes back with its sender and the words that are left;
    #: gone: its very id named the person, so nothing of it is taken in again
    Column("mode", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_forgotten_report_id", "report_id"),
)

removed_files = Table(
    "removed_files",
    metadata,
    #: Content that no row names any more; the file goes after the commit, then this row.
    Column("sha256", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)

restrictions = Table(
    "restrictions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    Column("request_id", Id, ForeignKey("privacy_requests.id"), nullable=False),
    Column("since", Instant, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("lifted_at", Instant),
    Column("lifted_by", Id, ForeignKey("officers.id")),
    Index("ix_restrictions_report_id", "report_id"),
    Index("ix_restrictions_request_id", "request_id"),
    Index(
        "uq_restrictions_living",
        "report_id",
        unique=True,
        sqlite_where=Column("lifted_at").is_(None),
        postgresql_where=Column("lifted_at").is_(None),
    ),
)

privacy_requests = Table(
    "privacy_requests",
    metadata,
    Column("id", Id, primary_key=True),
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    #: access, correct, erase, restrict, object, withdraw
    Column("kind", Text, nullable=False),
    #: in_person, phone, post, email, portal
    Column("came_by", Text, nullable=False),
    #: Sealed JSON: who asks (name, phone, email, address, id_number, for_whom) and their words; NULL once
    #: its own retention is over.
    Column("asked", Blob),
    Column("received_at", Instant, nullable=False),
    #: Two working days by the ward's calendar, and fifteen days; the calendar they were counted by.
    Column("answer_due_at", Instant, nullable=False),
    Column("done_due_at", Instant, nullable=False),
    Column("calendar_version", Integer, nullable=False),
    #: What the person was told, sealed; how it went out.
    Column("answer", Blob),
    Column("answered_at", Instant),
    Column("answered_by", Id, ForeignKey("officers.id")),
    #: done, partly, refused, withdrawn
    Column("outcome", Text),
    Column("closed_at", Instant),
    Column("closed_by", Id, ForeignKey("officers.id")),
    Column("entered_at", Instant, nullable=False),
    Column("entered_by", Id, ForeignKey("officers.id")),
    #: The last thing that leaders were told: answer_soon, answer_late, done_soon, done_late
    Column("told", Text, nullable=False, server_default=""),
    Column("version", Integer, nullable=False),
    Index("ix_privacy_requests_ward_code", "ward_code", "id"),
    Index(
        "ix_privacy_requests_open",
        "answer_due_at",
        sqlite_where=Column("closed_at").is_(None),
        postgresql_where=Column("closed_at").is_(None),
    ),
)

#: What was done to which report because somebody asked for it.
privacy_acts = Table(
    "privacy_acts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("request_id", Id, ForeignKey("privacy_requests.id"), nullable=False),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    #: found, exported, redacted, erased, restricted, lifted, corrected
    Column("act", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Index("ix_privacy_acts_request_id", "request_id"),
    Index("ix_privacy_acts_report_id", "report_id"),
)
