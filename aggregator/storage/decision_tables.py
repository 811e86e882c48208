"""What people decided about two cases, which cases came back, and who is to be told of what.

A decision keeps what it changed, so that it can be undone at any time after; it is never deleted. A
notice is an errand: unread until its person has read it, one line for all that happened to one case in
the meantime, gone ninety days after.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text

from aggregator.storage.types import Id, Instant, Json, metadata

decisions = Table(
    "decisions",
    metadata,
    Column("id", Id, primary_key=True),
    #: Set where it was one of many, decided together.
    Column("batch_id", Id, ForeignKey("batches.id")),
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    #: same, different, recurrence
    Column("kind", Text, nullable=False),
    #: The case that was merged away, that came back, or (different) was looked at.
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    #: The case that holds the reports, came first, or was told apart.
    Column("other_id", Id, ForeignKey("cases.id"), nullable=False),
    #: The reports that moved (same), else the two that were compared.
    Column("reports", Json, nullable=False),
    #: What was said of each pair before: [report_a, report_b, judgement or null, officer, at, recurrence].
    Column("before", Json, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Column("undone_at", Instant),
    Column("undone_by", Id, ForeignKey("officers.id")),
    Index("ix_decisions_case_id", "case_id"),
    Index("ix_decisions_other_id", "other_id"),
    Index("ix_decisions_batch_id", "batch_id"),
)

batches = Table(
    "batches",
    metadata,
    Column("id", Id, primary_key=True),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    #: same, different
    Column("kind", Text, nullable=False),
    #: What was refused: [question, case, other case, why].
    Column("refused", Json, nullable=False),
    Column("at", Instant, nullable=False),
)

recurrences = Table(
    "recurrences",
    metadata,
    #: The case that came back; it has one forerunner, which may itself have one.
    Column("case_id", Id, ForeignKey("cases.id"), primary_key=True, autoincrement=False),
    Column("earlier_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_recurrences_earlier_id", "earlier_id"),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Id, primary_key=True),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    #: The ward of the case, whose chain holds the entry.
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    #: How often it happened since the person last read it.
    Column("times", Integer, nullable=False),
    #: The newest ledger entry that it tells of, in the ward's chain.
    Column("entry_seq", BigInteger),
    Column("created_at", Instant, nullable=False),
    #: When it happened last.
    Column("at", Instant, nullable=False),
    Column("read_at", Instant),
    Index("ix_notices_list", "officer_id", "at", "id"),
    Index("ix_notices_case_id", "case_id"),
    Index("ix_notices_at", "at"),
    #: One unread notice of a kind for each case: what happens again is added to it.
    Index(
        "uq_notices_unread",
        "officer_id",
        "kind",
        "case_id",
        unique=True,
        sqlite_where=Column("read_at").is_(None),
        postgresql_where=Column("read_at").is_(None),
    ),
)
