"""What officers decided about streets, and the streets that address fields have named."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Integer, Table, Text

from aggregator.storage.types import Id, Instant, metadata

street_decisions = Table(
    "street_decisions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    #: The ward whose officer decided: who sees that ward's cases sees the decision.
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    #: moved, guided, confirmed, corrected: what the officer did
    Column("kind", Text, nullable=False),
    #: The old ward that the text named, code and title; both NULL where it named none.
    Column("old_code", Text),
    Column("old_name", Text),
    #: The ward of the channel that the report came by.
    Column("sent_to", Text, ForeignKey("wards.code"), nullable=False),
    #: Folded, and as people write it; NULL where no street is named: a decision that teaches nothing.
    Column("street", Text),
    Column("written", Text),
    Column("house", Integer),
    #: The ward of today it was put into; it need not be one that is served here.
    Column("decided_code", Text, nullable=False),
    Column("decided_name", Text, nullable=False),
    Column("withdrawn_at", Instant),
    Column("withdrawn_by", Id, ForeignKey("officers.id")),
    Index("ix_street_decisions_report_id", "report_id"),
    Index("ix_street_decisions_case_id", "case_id"),
    Index("ix_street_decisions_ward_code", "ward_code", "id"),
)

streets = Table(
    "streets",
    metadata,
    Column("ward_code", Text, ForeignKey("wards.code"), primary_key=True),
    #: Folded, as address fields name it.
    Column("street", Text, primary_key=True),
    #: How many address fields named it, counted until it is known.
    Column("reports", Integer, nullable=False),
    #: The day (in Viet Nam) on which it was last named, and on which it had been named often enough.
    Column("last_day", Date, nullable=False),
    Column("known_day", Date),
    Index("ix_streets_known_day", "known_day"),
)
