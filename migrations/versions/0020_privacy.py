"""Retention, erasure, restrictions, holds, and the register of personal-data requests."""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0020_privacy"
down_revision = "0018_checkpoints"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "erasure_marks",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("erased_at", Instant(), nullable=False),
        sa.Column("compacted_at", Instant()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_marks")),
    )
    op.create_table(
        "removed_files",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_removed_files")),
    )
    op.create_table(
        "forgotten",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_forgotten_report_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_forgotten")),
    )
    op.create_index("ix_forgotten_report_id", "forgotten", ["report_id"])
    op.create_table(
        "privacy_requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("came_by", sa.Text(), nullable=False),
        sa.Column("asked", sa.LargeBinary()),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("answer_due_at", Instant(), nullable=False),
        sa.Column("done_due_at", Instant(), nullable=False),
        sa.Column("calendar_version", sa.Integer(), nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("answered_at", Instant()),
        sa.Column("answered_by", ID),
        sa.Column("outcome", sa.Text()),
        sa.Column("closed_at", Instant()),
        sa.Column("closed_by", ID),
        sa.Column("entered_at", Instant(), nullable=False),
        sa.Column("entered_by", ID),
        sa.Column("told", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["officers.id"], name=op.f("fk_privacy_requests_answered_by")
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["officers.id"], name=op.f("fk_privacy_requests_closed_by")),
        sa.ForeignKeyConstraint(["entered_by"], ["officers.id"], name=op.f("fk_privacy_requests_entered_by")),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_privacy_requests_ward_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_requests")),
    )
    op.create_index(
        "ix_privacy_requests_open",
        "privacy_requests",
        ["answer_due_at"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_privacy_requests_ward_code", "privacy_requests", ["ward_code", "id"])
    op.create_table(
        "retention_rules",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer()),
        sa.Column("certainty", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("officer_id", ID),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_retention_rules_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_rules")),
    )
    op.create_index("ix_retention_rules_kind", "retention_rules", ["kind", "id"])
    op.create_table(
        "retention_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant()),
        sa.Column("done", sa.JSON(), nullable=False),
        sa.Column("officer_id", ID),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_retention_runs_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_runs")),
    )
    op.create_table(
        "retention_switches",
        sa.Column("id", ID, nullable=False),
        sa.Column("on", sa.Boolean(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("officer_id", ID),
        sa.ForeignKeyConstraint(
            ["officer_id"], ["officers.id"], name=op.f("fk_retention_switches_officer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_switches")),
    )
    op.create_table(
        "legal_holds",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("officer_id", ID),
        sa.Column("lifted_at", Instant()),
        sa.Column("lifted_by", ID),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_legal_holds_case_id")),
        sa.ForeignKeyConstraint(["lifted_by"], ["officers.id"], name=op.f("fk_legal_holds_lifted_by")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_legal_holds_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_index("ix_legal_holds_case_id", "legal_holds", ["case_id"])
    op.create_index(
        "uq_legal_holds_living",
        "legal_holds",
        ["case_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.create_table(
        "privacy_acts",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("officer_id", ID),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_privacy_acts_officer_id")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_privacy_acts_report_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["privacy_requests.id"], name=op.f("fk_privacy_acts_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_privacy_acts")),
    )
    op.create_index("ix_privacy_acts_report_id", "privacy_acts", ["report_id"])
    op.create_index("ix_privacy_acts_request_id", "privacy_acts", ["request_id"])
    op.create_table(
        "restrictions",
        sa.Column("id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("since", Instant(), nullable=False),
        sa.Column("officer_id", ID),
        sa.Column("lifted_at", Instant()),
        sa.Column("lifted_by", ID),
        sa.ForeignKeyConstraint(["lifted_by"], ["officers.id"], name=op.f("fk_restrictions_lifted_by")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_restrictions_officer_id")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_restrictions_report_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["privacy_requests.id"], name=op.f("fk_restrictions_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restrictions")),
    )
    op.create_index("ix_restrictions_report_id", "restrictions", ["report_id"])
    op.create_index("ix_restrictions_request_id", "restrictions", ["request_id"])
    op.create_index(
        "uq_restrictions_living",
        "restrictions",
        ["report_id"],
        unique=True,
        sqlite_where=sa.text("lifted_at IS NULL"),
        postgresql_where=sa.text("lifted_at IS NULL"),
    )


def downgrade() -> None:
    for table in (
        "restrictions", "privacy_acts", "privacy_requests", "legal_holds", "retention_switches",
        "retention_runs", "retention_rules", "forgotten", "removed_files", "erasure_marks",
    ):  # fmt: skip
        op.drop_table(table)
