"""Legal matters: the words that told, and what people decided. `cases.legal` holds the state for lists."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Table, Text

from aggregator.storage.types import Id, Instant, Json, metadata

legal_findings = Table(
    "legal_findings",
    metadata,
    Column("report_id", Id, ForeignKey("reports.id"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("certainty", Text, nullable=False),
    #: field, start, end, reason, kind, certainty of each; the words themselves stay in the report.
    Column("spans", Json, nullable=False),
    Column("found_at", Instant, nullable=False),
)

legal_matters = Table(
    "legal_matters",
    metadata,
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    #: The state that an undo gives back; NULL while nobody has decided.
    Column("state_before", Text),
    Column("decided_at", Instant),
    Column("decided_by", Id, ForeignKey("officers.id")),
    #: Why it is feedback after all.
    Column("reason", Text),
    #: Handed over: to whom, under which number of the receiving book, on which day.
    Column("handed_to", Text),
    Column("register_no", Text),
    Column("registered_on", Date),
)
