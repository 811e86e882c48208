"""The first tables, and the full-text index over reports.

SQLite: FTS5 over the folded text, kept by triggers. PostgreSQL: a GIN index on the same folded text
with the `simple` configuration, so that no extension is needed on either.
"""

import sqlalchemy as sa
from alembic import op

from aggregator.storage.types import Instant

revision = "0001_first_tables"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

FTS = (
    "CREATE VIRTUAL TABLE report_search USING fts5(search_text, content='reports', content_rowid='id',"
    " tokenize='unicode61', prefix='2 3')",
    "CREATE TRIGGER report_search_insert AFTER INSERT ON reports BEGIN"
    " INSERT INTO report_search(rowid, search_text) VALUES (new.id, new.search_text); END",
    "CREATE TRIGGER report_search_delete AFTER DELETE ON reports BEGIN"
    " INSERT INTO report_search(report_search, rowid, search_text)"
    " VALUES ('delete', old.id, old.search_text); END",
    "CREATE TRIGGER report_search_update AFTER UPDATE OF search_text ON reports"
    " WHEN old.search_text <> new.search_text BEGIN"
    " INSERT INTO report_search(report_search, rowid, search_text)"
    " VALUES ('delete', old.id, old.search_text);"
    " INSERT INTO report_search(rowid, search_text) VALUES (new.id, new.search_text); END",
)


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_vi", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
    )
    op.create_table(
        "ledger_heads",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("case_year", sa.Integer(), nullable=False),
        sa.Column("case_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_ledger_heads")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.Column("retry_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_failures")),
    )
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_failures_last_at", ["last_at"], unique=False)

    op.create_table(
        "sla_policies",
        sa.Column("id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=True),
        sa.Column("warn_percent", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("certainty", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sla_policies")),
    )
    op.create_table(
        "wards",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_wards")),
    )
    op.create_table(
        "calendars",
        sa.Column("id", ID, nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("week", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_calendars_ward_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendars")),
        sa.UniqueConstraint("ward_code", name=op.f("uq_calendars_ward_code")),
    )
    op.create_table(
        "case_counts",
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("dim", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_case_counts_ward_code")),
        sa.PrimaryKeyConstraint("ward_code", "dim", "key", "bucket", name=op.f("pk_case_counts")),
    )
    op.create_table(
        "channels",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_channels_ward_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
        sa.UniqueConstraint("slug", name=op.f("uq_channels_slug")),
    )
    op.create_table(
        "units",
        sa.Column("id", ID, nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_units_ward_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint("ward_code", "name", name=op.f("uq_units_ward_code_name")),
    )
    op.create_table(
        "calendar_days",
        sa.Column("id", ID, nullable=False),
        sa.Column("calendar_id", ID, nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("works", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["calendar_id"], ["calendars.id"], name=op.f("fk_calendar_days_calendar_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_days")),
        sa.UniqueConstraint("calendar_id", "day", name=op.f("uq_calendar_days_calendar_id_day")),
    )
    with op.batch_alter_table("calendar_days", schema=None) as batch_op:
        batch_op.create_index(
            "uq_calendar_days_shared",
            ["day"],
            unique=True,
            sqlite_where=sa.text("calendar_id IS NULL"),
            postgresql_where=sa.text("calendar_id IS NULL"),
        )

    op.create_table(
        "channel_schedule",
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("next_due_at", Instant(), nullable=True),
        sa.Column("host_key", sa.Text(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error_code", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("last_error_vi", sa.Text(), nullable=True),
        sa.Column("down_since", Instant(), nullable=True),
        sa.Column("last_try_at", Instant(), nullable=True),
        sa.Column("last_success_at", Instant(), nullable=True),
        sa.Column("last_item_at", Instant(), nullable=True),
        sa.Column("write_failures", sa.Integer(), nullable=False),
        sa.Column("write_open_until", Instant(), nullable=True),
        sa.Column("write_error_code", sa.Text(), nullable=True),
        sa.Column("write_error", sa.Text(), nullable=True),
        sa.Column("last_write_at", Instant(), nullable=True),
        sa.Column("cursor", sa.JSON(), nullable=True),
        sa.Column("connector_state", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_channel_schedule_channel_id")),
        sa.PrimaryKeyConstraint("channel_id", name=op.f("pk_channel_schedule")),
    )
    with op.batch_alter_table("channel_schedule", schema=None) as batch_op:
        batch_op.create_index("ix_channel_schedule_next_due_at", ["next_due_at"], unique=False)
        batch_op.create_index(
            "uq_channel_schedule_host_leased",
            ["host_key"],
            unique=True,
            sqlite_where=sa.text("lease_owner IS NOT NULL"),
            postgresql_where=sa.text("lease_owner IS NOT NULL"),
        )

    op.create_table(
        "officers",
        sa.Column("id", ID, nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=True),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_officers_unit_id")),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_officers_ward_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_officers")),
        sa.UniqueConstraint("login", name=op.f("uq_officers_login")),
    )
    with op.batch_alter_table("officers", schema=None) as batch_op:
        batch_op.create_index("ix_officers_ward_code", ["ward_code"], unique=False)

    op.create_table(
        "poll_runs",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("stored", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("revised", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("source_count", sa.Integer(), nullable=True),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("cursor_before", sa.JSON(), nullable=True),
        sa.Column("cursor_after", sa.JSON(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_poll_runs_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_poll_runs")),
    )
    with op.batch_alter_table("poll_runs", schema=None) as batch_op:
        batch_op.create_index("ix_poll_runs_channel_id_id", ["channel_id", "id"], unique=False)
        batch_op.create_index(
            "ix_poll_runs_channel_id_started_at", ["channel_id", "started_at"], unique=False
        )
        batch_op.create_index(
            "ix_poll_runs_running",
            ["channel_id"],
            unique=False,
            sqlite_where=sa.text("outcome = 'running'"),
            postgresql_where=sa.text("outcome = 'running'"),
        )

    op.create_table(
        "raw_payloads",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("fetched_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_raw_payloads_channel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_payloads")),
    )
    with op.batch_alter_table("raw_payloads", schema=None) as batch_op:
        batch_op.create_index("uq_raw_payloads_channel_id_sha256", ["channel_id", "sha256"], unique=True)

    op.create_table(
        "reports",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("first_seen_at", Instant(), nullable=False),
        sa.Column("changed_at", Instant(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("area", sa.Text(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lng", sa.Float(), nullable=True),
        sa.Column("category_code", sa.Text(), nullable=True),
        sa.Column("category_raw", sa.Text(), nullable=True),
        sa.Column("place_guess", sa.JSON(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=True),
        sa.Column("status_raw", sa.Text(), nullable=True),
        sa.Column("source_status", sa.Text(), nullable=False),
        sa.Column("source_due_at", Instant(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("revision_hash", sa.Text(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_code"], ["categories.code"], name=op.f("fk_reports_category_code")
        ),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_reports_channel_id")),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_reports_ward_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("channel_id", "external_id", name=op.f("uq_reports_channel_id_external_id")),
    )
    op.create_table(
        "attachments",
        sa.Column("id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", Instant(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_attachments_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        sa.UniqueConstraint("report_id", "ref", name=op.f("uq_attachments_report_id_ref")),
    )
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.create_index(
            "ix_attachments_pending",
            ["next_try_at"],
            unique=False,
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    op.create_table(
        "cases",
        sa.Column("id", ID, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("ward_code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("extract", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("category_code", sa.Text(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=True),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("unit_id", ID, nullable=True),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("opened_at", Instant(), nullable=False),
        sa.Column("closed_at", Instant(), nullable=True),
        sa.Column("late", sa.Boolean(), nullable=True),
        sa.Column("due_at", Instant(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("sort_at", Instant(), nullable=False),
        sa.Column("report_count", sa.Integer(), nullable=False),
        sa.Column("unread", sa.Boolean(), nullable=False),
        sa.Column("delivery_problem", sa.Boolean(), nullable=False),
        sa.Column("merged_into", ID, nullable=True),
        sa.Column("status_before", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["category_code"], ["categories.code"], name=op.f("fk_cases_category_code")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_cases_channel_id")),
        sa.ForeignKeyConstraint(["merged_into"], ["cases.id"], name=op.f("fk_cases_merged_into")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_cases_officer_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_cases_unit_id")),
        sa.ForeignKeyConstraint(["ward_code"], ["wards.code"], name=op.f("fk_cases_ward_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(
            "ix_cases_late",
            ["ward_code", "sort_at", "id"],
            unique=False,
            sqlite_where=sa.text("late"),
            postgresql_where=sa.text("late"),
        )
        batch_op.create_index(
            "ix_cases_late_all",
            ["sort_at", "id"],
            unique=False,
            sqlite_where=sa.text("late"),
            postgresql_where=sa.text("late"),
        )
        batch_op.create_index("ix_cases_list", ["ward_code", "is_open", "sort_at", "id"], unique=False)
        batch_op.create_index("ix_cases_list_all", ["is_open", "sort_at", "id"], unique=False)
        batch_op.create_index(
            "ix_cases_list_category", ["ward_code", "is_open", "category_code", "sort_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_cases_list_category_all", ["is_open", "category_code", "sort_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_cases_list_channel", ["ward_code", "is_open", "channel_id", "sort_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_cases_list_channel_all", ["is_open", "channel_id", "sort_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_cases_list_officer", ["ward_code", "is_open", "officer_id", "sort_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_cases_list_officer_all", ["is_open", "officer_id", "sort_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_cases_list_stage", ["ward_code", "is_open", "stage", "sort_at", "id"], unique=False
        )
        batch_op.create_index("ix_cases_list_stage_all", ["is_open", "stage", "sort_at", "id"], unique=False)
        batch_op.create_index(
            "ix_cases_list_status", ["ward_code", "is_open", "status", "sort_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_cases_list_status_all", ["is_open", "status", "sort_at", "id"], unique=False
        )
        batch_op.create_index(
            "ix_cases_list_unit", ["ward_code", "is_open", "unit_id", "sort_at", "id"], unique=False
        )
        batch_op.create_index("ix_cases_list_unit_all", ["is_open", "unit_id", "sort_at", "id"], unique=False)
        batch_op.create_index(
            "ix_cases_next_at",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_cases_problem",
            ["ward_code", "sort_at", "id"],
            unique=False,
            sqlite_where=sa.text("delivery_problem"),
            postgresql_where=sa.text("delivery_problem"),
        )
        batch_op.create_index(
            "ix_cases_problem_all",
            ["sort_at", "id"],
            unique=False,
            sqlite_where=sa.text("delivery_problem"),
            postgresql_where=sa.text("delivery_problem"),
        )
        batch_op.create_index("uq_cases_code_ward_code", ["code", "ward_code"], unique=True)

    op.create_table(
        "deadlines",
        sa.Column("id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("policy_id", ID, nullable=True),
        sa.Column("calendar_version", sa.Integer(), nullable=True),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("due_soon_at", Instant(), nullable=False),
        sa.Column("met_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["policy_id"], ["sla_policies.id"], name=op.f("fk_deadlines_policy_id")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_deadlines_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadlines")),
        sa.UniqueConstraint("report_id", "step", "origin", name=op.f("uq_deadlines_report_id_step_origin")),
    )
    op.create_table(
        "done_requests",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_done_requests_officer_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_done_requests")),
    )
    with op.batch_alter_table("done_requests", schema=None) as batch_op:
        batch_op.create_index("ix_done_requests_at", ["at"], unique=False)

    op.create_table(
        "judgements",
        sa.Column("id", ID, nullable=False),
        sa.Column("report_a", ID, nullable=False),
        sa.Column("report_b", ID, nullable=False),
        sa.Column("judgement", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("recurrence", sa.Boolean(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_judgements_officer_id")),
        sa.ForeignKeyConstraint(["report_a"], ["reports.id"], name=op.f("fk_judgements_report_a")),
        sa.ForeignKeyConstraint(["report_b"], ["reports.id"], name=op.f("fk_judgements_report_b")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgements")),
        sa.UniqueConstraint("report_a", "report_b", name=op.f("uq_judgements_report_a_report_b")),
    )
    with op.batch_alter_table("judgements", schema=None) as batch_op:
        batch_op.create_index("ix_judgements_report_b", ["report_b"], unique=False)

    op.create_table(
        "match_keys",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_match_keys_report_id")),
        sa.PrimaryKeyConstraint("key", "day", "report_id", name=op.f("pk_match_keys")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("match_keys", schema=None) as batch_op:
        batch_op.create_index("ix_match_keys_report_id", ["report_id"], unique=False)

    op.create_table(
        "match_traits",
        sa.Column("report_id", ID, nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("ward", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("house", sa.Text(), nullable=True),
        sa.Column("street", sa.Text(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lng", sa.Float(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("content", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("legal", sa.Boolean(), nullable=False),
        sa.Column("anonymous", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_match_traits_report_id")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_match_traits")),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("raw_payload_id", ID, nullable=False),
        sa.Column("raw_ref", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_quarantine_channel_id")),
        sa.ForeignKeyConstraint(
            ["raw_payload_id"], ["raw_payloads.id"], name=op.f("fk_quarantine_raw_payload_id")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["poll_runs.id"], name=op.f("fk_quarantine_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.create_index("ix_quarantine_channel_id_state", ["channel_id", "state"], unique=False)
        batch_op.create_index("uq_quarantine_item", ["channel_id", "raw_payload_id", "raw_ref"], unique=True)

    op.create_table(
        "report_revisions",
        sa.Column("id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("revision_hash", sa.Text(), nullable=False),
        sa.Column("observed_at", Instant(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("raw_type", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_report_revisions_report_id")),
        sa.ForeignKeyConstraint(["run_id"], ["poll_runs.id"], name=op.f("fk_report_revisions_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_revisions")),
        sa.UniqueConstraint("report_id", "seq", name=op.f("uq_report_revisions_report_id_seq")),
    )
    op.create_table(
        "reporters",
        sa.Column("report_id", ID, nullable=False),
        sa.Column("identity", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.Text(), nullable=True),
        sa.Column("email_index", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_reporters_report_id")),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_reporters")),
    )
    with op.batch_alter_table("reporters", schema=None) as batch_op:
        batch_op.create_index("ix_reporters_email_index", ["email_index"], unique=False)
        batch_op.create_index("ix_reporters_phone_index", ["phone_index", "report_id"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_sessions_officer_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index("ix_sessions_expires_at", ["expires_at"], unique=False)
        batch_op.create_index("ix_sessions_officer_id", ["officer_id"], unique=False)

    op.create_table(
        "clock_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("officer_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_clock_events_case_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_clock_events_officer_id")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_clock_events_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_events")),
    )
    with op.batch_alter_table("clock_events", schema=None) as batch_op:
        batch_op.create_index("ix_clock_events_case_id", ["case_id"], unique=False)
        batch_op.create_index("ix_clock_events_report_id", ["report_id"], unique=False)

    op.create_table(
        "ledger_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("case_id", ID, nullable=True),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("channel_id", ID, nullable=True),
        sa.Column("data", sa.Text(), nullable=True),
        sa.Column("salt", sa.Text(), nullable=True),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_ledger_entries_case_id")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_ledger_entries_channel_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_ledger_entries_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("chain", "seq", name=op.f("uq_ledger_entries_chain_seq")),
    )
    with op.batch_alter_table("ledger_entries", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_entries_case_id", ["case_id"], unique=False)

    op.create_table(
        "memberships",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("officer_id", ID, nullable=True),
        sa.Column("started_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.Column("ended_by", ID, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_memberships_case_id")),
        sa.ForeignKeyConstraint(["ended_by"], ["officers.id"], name=op.f("fk_memberships_ended_by")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_memberships_officer_id")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_memberships_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.create_index("ix_memberships_case_id", ["case_id"], unique=False)
        batch_op.create_index("ix_memberships_report_id", ["report_id"], unique=False)
        batch_op.create_index(
            "uq_memberships_living",
            ["report_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "replies",
        sa.Column("id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_replies_case_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_replies_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
    )
    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.create_index("ix_replies_case_id", ["case_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", ID, nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("reply_id", ID, nullable=False),
        sa.Column("report_id", ID, nullable=False),
        sa.Column("channel_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Instant(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("remote_ref", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("sent_at", Instant(), nullable=True),
        sa.Column("acknowledged_at", Instant(), nullable=True),
        sa.Column("officer_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_outbox_case_id")),
        sa.ForeignKeyConstraint(["channel_id"], ["channels.id"], name=op.f("fk_outbox_channel_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name=op.f("fk_outbox_officer_id")),
        sa.ForeignKeyConstraint(["reply_id"], ["replies.id"], name=op.f("fk_outbox_reply_id")),
        sa.ForeignKeyConstraint(["report_id"], ["reports.id"], name=op.f("fk_outbox_report_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_outbox_idempotency_key")),
        sa.UniqueConstraint("report_id", "seq", name=op.f("uq_outbox_report_id_seq")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_case_id", ["case_id"], unique=False)
        batch_op.create_index("ix_outbox_channel_id_state", ["channel_id", "state"], unique=False)
        batch_op.create_index(
            "ix_outbox_due",
            ["channel_id", "next_attempt_at", "id"],
            unique=False,
            sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
            postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        )

    if op.get_bind().dialect.name == "sqlite":
        for statement in FTS:
            op.execute(statement)
    else:
        op.execute("CREATE INDEX report_search ON reports USING gin (to_tsvector('simple', search_text))")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER report_search_{name}")
        op.execute("DROP TABLE report_search")
    else:
        op.execute("DROP INDEX report_search")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_outbox_due",
            sqlite_where=sa.text("next_attempt_at IS NOT NULL"),
            postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_outbox_channel_id_state")
        batch_op.drop_index("ix_outbox_case_id")

    op.drop_table("outbox")
    with op.batch_alter_table("replies", schema=None) as batch_op:
        batch_op.drop_index("ix_replies_case_id")

    op.drop_table("replies")
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_memberships_living",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_memberships_report_id")
        batch_op.drop_index("ix_memberships_case_id")

    op.drop_table("memberships")
    with op.batch_alter_table("ledger_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_entries_case_id")

    op.drop_table("ledger_entries")
    with op.batch_alter_table("clock_events", schema=None) as batch_op:
        batch_op.drop_index("ix_clock_events_report_id")
        batch_op.drop_index("ix_clock_events_case_id")

    op.drop_table("clock_events")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_sessions_officer_id")
        batch_op.drop_index("ix_sessions_expires_at")

    op.drop_table("sessions")
    with op.batch_alter_table("reporters", schema=None) as batch_op:
        batch_op.drop_index("ix_reporters_phone_index")
        batch_op.drop_index("ix_reporters_email_index")

    op.drop_table("reporters")
    op.drop_table("report_revisions")
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index("uq_quarantine_item")
        batch_op.drop_index("ix_quarantine_channel_id_state")

    op.drop_table("quarantine")
    op.drop_table("match_traits")
    with op.batch_alter_table("match_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_match_keys_report_id")

    op.drop_table("match_keys")
    with op.batch_alter_table("judgements", schema=None) as batch_op:
        batch_op.drop_index("ix_judgements_report_b")

    op.drop_table("judgements")
    with op.batch_alter_table("done_requests", schema=None) as batch_op:
        batch_op.drop_index("ix_done_requests_at")

    op.drop_table("done_requests")
    op.drop_table("deadlines")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index("uq_cases_code_ward_code")
        batch_op.drop_index(
            "ix_cases_problem_all",
            sqlite_where=sa.text("delivery_problem"),
            postgresql_where=sa.text("delivery_problem"),
        )
        batch_op.drop_index(
            "ix_cases_problem",
            sqlite_where=sa.text("delivery_problem"),
            postgresql_where=sa.text("delivery_problem"),
        )
        batch_op.drop_index(
            "ix_cases_next_at",
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
        batch_op.drop_index("ix_cases_list_unit_all")
        batch_op.drop_index("ix_cases_list_unit")
        batch_op.drop_index("ix_cases_list_status_all")
        batch_op.drop_index("ix_cases_list_status")
        batch_op.drop_index("ix_cases_list_stage_all")
        batch_op.drop_index("ix_cases_list_stage")
        batch_op.drop_index("ix_cases_list_officer_all")
        batch_op.drop_index("ix_cases_list_officer")
        batch_op.drop_index("ix_cases_list_channel_all")
        batch_op.drop_index("ix_cases_list_channel")
        batch_op.drop_index("ix_cases_list_category_all")
        batch_op.drop_index("ix_cases_list_category")
        batch_op.drop_index("ix_cases_list_all")
        batch_op.drop_index("ix_cases_list")
        batch_op.drop_index(
            "ix_cases_late_all", sqlite_where=sa.text("late"), postgresql_where=sa.text("late")
        )
        batch_op.drop_index("ix_cases_late", sqlite_where=sa.text("late"), postgresql_where=sa.text("late"))

    op.drop_table("cases")
    with op.batch_alter_table("attachments", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_attachments_pending",
            sqlite_where=sa.text("state = 'pending'"),
            postgresql_where=sa.text("state = 'pending'"),
        )

    op.drop_table("attachments")
    op.drop_table("reports")
    with op.batch_alter_table("raw_payloads", schema=None) as batch_op:
        batch_op.drop_index("uq_raw_payloads_channel_id_sha256")

    op.drop_table("raw_payloads")
    with op.batch_alter_table("poll_runs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_poll_runs_running",
            sqlite_where=sa.text("outcome = 'running'"),
            postgresql_where=sa.text("outcome = 'running'"),
        )
        batch_op.drop_index("ix_poll_runs_channel_id_started_at")
        batch_op.drop_index("ix_poll_runs_channel_id_id")

    op.drop_table("poll_runs")
    with op.batch_alter_table("officers", schema=None) as batch_op:
        batch_op.drop_index("ix_officers_ward_code")

    op.drop_table("officers")
    with op.batch_alter_table("channel_schedule", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_channel_schedule_host_leased",
            sqlite_where=sa.text("lease_owner IS NOT NULL"),
            postgresql_where=sa.text("lease_owner IS NOT NULL"),
        )
        batch_op.drop_index("ix_channel_schedule_next_due_at")

    op.drop_table("channel_schedule")
    with op.batch_alter_table("calendar_days", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_calendar_days_shared",
            sqlite_where=sa.text("calendar_id IS NULL"),
            postgresql_where=sa.text("calendar_id IS NULL"),
        )

    op.drop_table("calendar_days")
    op.drop_table("units")
    op.drop_table("channels")
    op.drop_table("case_counts")
    op.drop_table("calendars")
    op.drop_table("wards")
    op.drop_table("sla_policies")
    with op.batch_alter_table("sign_in_failures", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_in_failures_last_at")

    op.drop_table("sign_in_failures")
    op.drop_table("ledger_heads")
    op.drop_table("categories")
