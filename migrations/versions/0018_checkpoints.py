"""Signed checkpoints of the ledger, its tree's subtrees, signing keys, and the places outside."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0018_checkpoints"
down_revision = "0014_answers"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _number(name: str, kind: type = sa.BigInteger) -> sa.Column:
    return sa.Column(name, kind(), autoincrement=False, nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "ledger_tiles",
        _text("chain"),
        _number("level", sa.Integer),
        _number("number"),
        _text("root"),
        sa.PrimaryKeyConstraint("chain", "level", "number", name=op.f("pk_ledger_tiles")),
    )
    op.create_table(
        "ledger_keys",
        sa.Column("id", ID, nullable=False),
        _text("name"),
        _text("public"),
        sa.Column("sealed", sa.LargeBinary()),
        _text("signature", nullable=True),
        sa.Column("made_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_ledger_keys_name")),
    )
    op.create_table(
        "ledger_checkpoints",
        _number("number"),
        sa.Column("at", Instant(), nullable=False),
        _number("entries"),
        *(_text(name) for name in ("root", "text", "signature", "key_name")),
        sa.Column("lost", sa.Boolean(), nullable=False),
        *(_text(name, nullable=True) for name in ("token", "token_signature")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_checkpoints")),
    )
    op.create_table(
        "ledger_checkpoint_chains",
        _text("chain"),
        _number("number"),
        _number("size"),
        _text("root"),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_ledger_checkpoint_chains")),
    )
    op.create_index("ix_ledger_checkpoint_chains_number", "ledger_checkpoint_chains", ["number"])
    op.create_table(
        "ledger_places",
        _text("place"),
        sa.Column("held_number", sa.BigInteger()),
        sa.Column("held_at", Instant()),
        sa.Column("sending_number", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant(), nullable=False),
        _text("lease_owner", nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        _text("error_code", nullable=True),
        _text("error", nullable=True),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_ledger_places")),
    )


def downgrade() -> None:
    for table in ("places", "checkpoint_chains", "checkpoints", "keys", "tiles"):
        op.drop_table(f"ledger_{table}")
