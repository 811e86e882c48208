"""The ledger's signed checkpoints, the subtrees that make them cheap, the signing keys, who holds what."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from aggregator.storage.types import Blob, Id, Instant, metadata

#: Complete subtrees of each chain's tree. Level 1 stands for 256 entries, level 2 for 65,536, and so on.
ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
)

ledger_keys = Table(
    "ledger_keys",
    metadata,
    Column("id", Id, primary_key=True),
    #: The first 16 hex digits of the SHA-256 of the public half.
    Column("name", Text, nullable=False, unique=True),
    Column("public", Text, nullable=False),
    #: The private half; NULL once another key has followed.
    Column("sealed", Blob),
    #: The signature of the key before over this one; NULL for the first.
    Column("signature", Text),
    Column("made_at", Instant, nullable=False),
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("root", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("key_name", Text, nullable=False),
    #: Signed on a database that is gone; known only from who holds it, and admitted in the ledger.
    Column("lost", Boolean, nullable=False),
    #: RFC 3161, base64 of the DER; and our key's signature that it belongs to this checkpoint.
    Column("token", Text),
    Column("token_signature", Text),
)

#: The chains that grew since the checkpoint before; the others stand as they stood there.
ledger_checkpoint_chains = Table(
    "ledger_checkpoint_chains",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("root", Text, nullable=False),
    Index("ix_ledger_checkpoint_chains_number", "number"),
)

ledger_places = Table(
    "ledger_places",
    metadata,
    #: "file:/mnt/share/x.jsonl", "webhook:https://...", "mail:login", "timestamp:https://...".
    Column("place", Text, primary_key=True),
    #: The newest checkpoint that is held there, and since when.
    Column("held_number", BigInteger),
    Column("held_at", Instant),
    #: The one on its way, written before it goes; NULL between deliveries.
    Column("sending_number", BigInteger),
    #: Tries since the last success.
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("lease_owner", Text),
    Column("fence", Integer, nullable=False),
    Column("error_code", Text),
    Column("error", Text),
)
