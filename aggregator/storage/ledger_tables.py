"""The ledger: one row for every state change, chained by hash per ward.

It is also the case's timeline and the audit log: `data` is what a person reads, `salt` and `data`
give the commitment that `hash` covers, so erasing both leaves the chain provable (I11).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, text

from aggregator.storage.types import Id, Instant, metadata

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("id", Id, primary_key=True),
    #: The ward whose chain this is; "*" is the installation's own.
    Column("chain", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("kind", Text, nullable=False),
    Column("case_id", Id, ForeignKey("cases.id")),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("channel_id", Id, ForeignKey("channels.id")),
    Column("data", Text),
    Column("salt", Text),
    Column("commitment", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("chain", "seq"),
    Index("ix_ledger_entries_case_id", "case_id"),
    # A certificate asks what became of its sources among all that the installation's chain holds.
    Index(
        "ix_ledger_entries_outages",
        "channel_id",
        "at",
        sqlite_where=text("kind IN ('outage_began', 'outage_ended')"),
        postgresql_where=text("kind IN ('outage_began', 'outage_ended')"),
    ),
)

ledger_heads = Table(
    "ledger_heads",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
    #: The last case number given out in this ward, and the two-digit year that it counts in.
    Column("case_year", Integer, nullable=False),
    Column("case_number", Integer, nullable=False),
)
