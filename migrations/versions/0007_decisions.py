"""Decisions about two cases that can be undone, recurrences, notices, and the list of open questions.

A question that was open before stays open: the best of each two cases of one ward, at least one of them
still worked on.
"""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0007_decisions"
down_revision = "0006_kinds_of_problem"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

#: Each open question, and its place among those between the same two cases.
ASK = """
UPDATE judgements SET asked_in = (SELECT ward_code FROM reports WHERE id = judgements.report_a)
WHERE id IN (
    SELECT id FROM (
        SELECT j.id, row_number() OVER (
            PARTITION BY CASE WHEN a.id < b.id THEN a.id ELSE b.id END,
                         CASE WHEN a.id < b.id THEN b.id ELSE a.id END
            ORDER BY j.score DESC, j.id
        ) AS place
        FROM judgements j
        JOIN memberships ma ON ma.report_id = j.report_a AND ma.ended_at IS NULL
        JOIN memberships mb ON mb.report_id = j.report_b AND mb.ended_at IS NULL
        JOIN cases a ON a.id = ma.case_id
        JOIN cases b ON b.id = mb.case_id
        WHERE j.judgement = 'unsure' AND a.id <> b.id AND a.ward_code = b.ward_code
          AND (a.is_open OR b.is_open)
    ) AS ranked
    WHERE place = 1
)
"""


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_batches_officer_id_officers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=True),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("reports", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("undone_at", Instant(), nullable=True),
        sa.Column("undone_by", ID, nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_decisions_batch_id_batches")),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_decisions_ward_code_wards")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_decisions_case_id_cases")),
        sa.ForeignKeyConstraint(["other_id"], ["cases.id"], name=op.f("fk_decisions_other_id_cases")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_decisions_officer_id_officers")
        ),
        sa.ForeignKeyConstraint(["undone_by"], ["officers.id"], name=op.f("fk_decisions_undone_by_officers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_case_id", "decisions", ["case_id"])
    op.create_index("ix_decisions_other_id", "decisions", ["other_id"])
    op.create_index("ix_decisions_batch_id", "decisions", ["batch_id"])
    op.create_table(
        "recurrences",
        sa.Column("case_id", ID, autoincrement=False, nullable=False),
        sa.Column("earlier_id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_recurrences_case_id_cases")),
        sa.ForeignKeyConstraint(["earlier_id"], ["cases.id"], name=op.f("fk_recurrences_earlier_id_cases")),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_recurrences_officer_id_officers")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_recurrences")),
    )
    op.create_index("ix_recurrences_earlier_id", "recurrences", ["earlier_id"])
    op.create_table(
        "notices",
        sa.Column("id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("entry_seq", sa.BigInteger(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_notices_officer_id_officers")),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_notices_ward_code_wards")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_notices_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_list", "notices", ["officer_id", "at", "id"])
    op.create_index("ix_notices_case_id", "notices", ["case_id"])
    op.create_index("ix_notices_at", "notices", ["at"])
    unread = sa.text("read_at IS NULL")
    op.create_index(
        "uq_notices_unread", "notices", ["officer_id", "kind", "case_id"],
        unique=True, sqlite_where=unread, postgresql_where=unread,
    )  # fmt: skip
    op.add_column("judgements", sa.Column("asked_in", sa.Text(), nullable=True))
    asked = sa.text("asked_in IS NOT NULL")
    for name, columns in (
        ("ix_judgements_asked", ["asked_in", "score", "id"]),
        ("ix_judgements_asked_all", ["score", "id"]),
    ):
        op.create_index(name, "judgements", columns, sqlite_where=asked, postgresql_where=asked)
    op.execute(ASK)


def downgrade() -> None:
    op.drop_index("ix_judgements_asked_all", "judgements")
    op.drop_index("ix_judgements_asked", "judgements")
    op.drop_column("judgements", "asked_in")
    op.drop_table("notices")
    op.drop_table("recurrences")
    op.drop_table("decisions")
    op.drop_table("batches")
