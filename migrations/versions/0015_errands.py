"""What people bring to sources by hand: the list of it, what was ticked off, sources that show no answers.

Messages that wait for a person already are put into the list.
"""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0015_errands"
down_revision = "0019_certificates"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key(table: str, column: str, to: str, *, required: bool = True, kind: type | sa.types.TypeEngine = ID):
    target = sa.ForeignKey(to, name=op.f(f"fk_{table}_{column}_{to.split('.')[0]}"))
    return sa.Column(column, kind, target, nullable=not required)


def upgrade() -> None:
    _make_errands()
    _make_ticks()
    op.create_table(
        "silent_sources",
        key("silent_sources", "channel_id", "channels.id"),
        key("silent_sources", "ward_code", "wards.code", kind=sa.Text()),
        key("silent_sources", "officer_id", "officers.id"),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("channel_id", "ward_code", name=op.f("pk_silent_sources")),
    )
    op.execute(
        "INSERT INTO errands (message_id, case_id, ward_code, officer_id, channel_id, need, look_at)"
        " SELECT outbox.id, outbox.case_id, cases.ward_code, cases.officer_id, outbox.channel_id,"
        " CASE outbox.state WHEN 'unclear' THEN 1 WHEN 'dead' THEN 3 ELSE 4 END, outbox.created_at"
        " FROM outbox JOIN cases ON cases.id = outbox.case_id"
        " WHERE outbox.state IN ('unclear', 'dead', 'manual')"
    )


def _make_errands() -> None:
    op.create_table(
        "errands",
        sa.Column(
            "message_id",
            ID,
            sa.ForeignKey("outbox.id", name=op.f("fk_errands_message_id_outbox")),
            autoincrement=False,
            nullable=False,
        ),
        key("errands", "case_id", "cases.id"),
        key("errands", "ward_code", "wards.code", kind=sa.Text()),
        key("errands", "officer_id", "officers.id", required=False),
        key("errands", "channel_id", "channels.id"),
        sa.Column("need", sa.Integer(), nullable=False),
        sa.Column("look_at", Instant()),
        sa.Column("told_at", Instant()),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_errands")),
    )
    for name, columns in (
        ("ix_errands_need", ["need", "message_id"]),
        ("ix_errands_ward_code", ["ward_code", "need", "message_id"]),
        ("ix_errands_ward_channel", ["ward_code", "channel_id", "need", "message_id"]),
        ("ix_errands_channel_id", ["channel_id", "need", "message_id"]),
        ("ix_errands_officer_id", ["officer_id", "need", "message_id"]),
        ("ix_errands_case_id", ["case_id"]),
    ):
        op.create_index(name, "errands", columns)
    looked = sa.text("look_at IS NOT NULL")
    op.create_index(
        "ix_errands_look_at",
        "errands",
        ["look_at", "message_id"],
        sqlite_where=looked,
        postgresql_where=looked,
    )


def _make_ticks() -> None:
    op.create_table(
        "ticks",
        sa.Column("id", ID, nullable=False),
        key("ticks", "message_id", "outbox.id"),
        sa.Column("was", sa.Text(), nullable=False),
        sa.Column("was_error", sa.JSON(), nullable=False),
        key("ticks", "officer_id", "officers.id", required=False),
        sa.Column("done_at", Instant(), nullable=False),
        sa.Column("ticked_at", Instant(), nullable=False),
        sa.Column("reference", sa.Text()),
        sa.Column("file_sha256", sa.Text()),
        sa.Column("file_type", sa.Text()),
        sa.Column("file_size", sa.Integer()),
        sa.Column("expected_from", Instant(), nullable=False),
        sa.Column("unseen_at", Instant()),
        sa.Column("settled_at", Instant()),
        sa.Column("undone_at", Instant()),
        key("ticks", "undone_by", "officers.id", required=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticks")),
    )
    living = sa.text("undone_at IS NULL")
    op.create_index(
        "uq_ticks_living",
        "ticks",
        ["message_id"],
        unique=True,
        sqlite_where=living,
        postgresql_where=living,
    )
    op.create_index("ix_ticks_message_id", "ticks", ["message_id"])
    named = sa.text("file_sha256 IS NOT NULL")
    op.create_index(
        "ix_ticks_file_sha256", "ticks", ["file_sha256"], sqlite_where=named, postgresql_where=named
    )


def downgrade() -> None:
    for table in ("silent_sources", "ticks", "errands"):
        op.drop_table(table)
