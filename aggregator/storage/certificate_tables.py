"""Certificates of timely handling, as they were issued.

Nothing in them is personal. The bundle is kept as it was given out, so that a second download is the same
bytes; it stays NULL for the moment between issuing and the signed checkpoint that it is proven under.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from aggregator.storage.types import Id, Instant, metadata

certificates = Table(
    "certificates",
    metadata,
    Column("id", Id, primary_key=True),
    Column("serial", Text, nullable=False, unique=True),
    #: What the QR code leads to: nobody can guess it.
    Column("token", Text, nullable=False, unique=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("year", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    #: SHA-256 of what is certified, without serial and time: the same state is certified once.
    Column("content_sha256", Text, nullable=False),
    Column("statement_sha256", Text, nullable=False),
    #: Canonical JSON.
    Column("statement", Text, nullable=False),
    Column("bundle", LargeBinary),
    #: Where the ledger says that it was issued.
    Column("chain", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("issued_at", Instant, nullable=False),
    #: NULL: at the machine itself.
    Column("issued_by", Id, ForeignKey("officers.id")),
    Column("withdrawn_at", Instant),
    Column("withdrawn_by", Id, ForeignKey("officers.id")),
    UniqueConstraint("ward_code", "year", "number"),
    Index("ix_certificates_case_id", "case_id"),
)
