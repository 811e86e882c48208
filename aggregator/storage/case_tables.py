"""Cases, which reports they are made of, their clocks, answers, deliveries and counters.

`cases` holds what lists need and nothing else; every derived column (`due_at`, `stage`, `next_at`,
`report_count`, `delivery_problem`) can be rebuilt from the rows beside it.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from aggregator.storage.types import Id, Instant, Json, metadata

#: What a list may be filtered by: name of the index, column.
_FILTERS = {
    "stage": "stage", "status": "status", "unit": "unit_id", "officer": "officer_id",
    "category": "category_code", "channel": "channel_id",
}  # fmt: skip
#: Marks that few cases have.
_MARKS = {"problem": "delivery_problem", "late": "late"}

cases = Table(
    "cases",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", Text, nullable=False),
    Column("ward_code", Text, ForeignKey("wards.code"), nullable=False),
    Column("title", Text, nullable=False),
    Column("extract", Text, nullable=False),
    Column("address", Text),
    Column("category_code", Text, ForeignKey("categories.code")),
    Column("urgency", Text),
    #: The channel of the case's first report.
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("status", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("unit_id", Id, ForeignKey("units.id")),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("received_at", Instant, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("late", Boolean),
    #: The earliest deadline still owed (I5).
    Column("due_at", Instant),
    #: Which step that deadline is of: classify, forward, first_answer, progress, result.
    Column("due_step", Text, nullable=False, server_default="result"),
    #: none, due_soon, overdue, paused, done
    Column("stage", Text, nullable=False),
    #: When the stage changes by itself next; NULL needs no watching.
    Column("next_at", Instant),
    #: When to look next whether somebody is to be told of the deadline; NULL: nobody is.
    Column("remind_at", Instant),
    #: Open: the deadline; closed: when it closed. The order of every list.
    Column("sort_at", Instant, nullable=False),
    Column("report_count", Integer, nullable=False),
    Column("unread", Boolean, nullable=False),
    Column("delivery_problem", Boolean, nullable=False),
    Column("merged_into", Id, ForeignKey("cases.id")),
    #: suspected, recognised, confirmed, dismissed; NULL where nothing tells of a complaint or denunciation.
    Column("legal", Text),
    #: The status that undoing the merge, or the handing over, gives back.
    Column("status_before", Text),
    Column("version", Integer, nullable=False),
    # The code first: somebody who sees every ward looks a code up without one.
    Index("uq_cases_code_ward_code", "code", "ward_code", unique=True),
    # Every list reads its page in index order: of one ward, or (a city's leaders) of all, each with one
    # filter. Without its own index a rare value would be looked for through all the others.
    Index("ix_cases_list", "ward_code", "is_open", "sort_at", "id"),
    Index("ix_cases_list_all", "is_open", "sort_at", "id"),
    *(
        Index(f"ix_cases_list_{name}{suffix}", *ward, "is_open", column, "sort_at", "id")
        for name, column in _FILTERS.items()
        for suffix, ward in (("", ("ward_code",)), ("_all", ()))
    ),
    *(
        Index(
            f"ix_cases_{name}{suffix}",
            *ward,
            "sort_at",
            "id",
            sqlite_where=text(column),
            postgresql_where=text(column),
        )
        for name, column in _MARKS.items()
        for suffix, ward in (("", ("ward_code",)), ("_all", ()))
    ),
    *(
        Index(
            f"ix_cases_legal{suffix}",
            *ward,
            "sort_at",
            "id",
            sqlite_where=Column("legal").isnot(None),
            postgresql_where=Column("legal").isnot(None),
        )
        for suffix, ward in (("", ("ward_code",)), ("_all", ()))
    ),
    Index(
        "ix_cases_next_at",
        "next_at",
        sqlite_where=Column("next_at").isnot(None),
        postgresql_where=Column("next_at").isnot(None),
    ),
    Index(
        "ix_cases_remind_at",
        "remind_at",
        sqlite_where=Column("remind_at").isnot(None),
        postgresql_where=Column("remind_at").isnot(None),
    ),
)

memberships = Table(
    "memberships",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    #: opened, rule, person, undo: why this row exists
    Column("cause", Text, nullable=False),
    Column("score", Float),
    Column("reasons", Json, nullable=False),
    Column("rule_version", Text, nullable=False),
    #: Joined by rule: the report that decided it, and what the score was made of, unscaled.
    Column("beside", BigInteger),
    Column("features", JSON(none_as_null=True)),
    Column("officer_id", Id, ForeignKey("officers.id")),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", Id, ForeignKey("officers.id")),
    #: One living membership a report (I4).
    Index(
        "uq_memberships_living",
        "report_id",
        unique=True,
        sqlite_where=Column("ended_at").is_(None),
        postgresql_where=Column("ended_at").is_(None),
    ),
    Index("ix_memberships_case_id", "case_id"),
    Index("ix_memberships_report_id", "report_id"),
)

clock_events = Table(
    "clock_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    #: Set where the event is one report's alone (its start, joining a paused case).
    Column("report_id", Id, ForeignKey("reports.id")),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id")),
    #: What an extension gives, in the rule's own time, or the date that it sets.
    Column("minutes", Integer, nullable=False, server_default="0"),
    Column("due_at", Instant),
    #: The step an extension or a change of rule is about; NULL is all of them.
    Column("step", Text),
    #: Who has the work from then on (start, hand_over). No foreign key: SQLite could not drop the column.
    Column("unit_id", Id),
    Index("ix_clock_events_case_id", "case_id"),
    Index("ix_clock_events_report_id", "report_id"),
)

deadlines = Table(
    "deadlines",
    metadata,
    Column("id", Id, primary_key=True),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    Column("step", Text, nullable=False),
    #: policy: ours; source: what the portal itself demands
    Column("origin", Text, nullable=False),
    Column("policy_id", Id, ForeignKey("sla_policies.id")),
    Column("calendar_version", Integer),
    Column("due_at", Instant, nullable=False),
    Column("due_soon_at", Instant, nullable=False),
    Column("met_at", Instant),
    UniqueConstraint("report_id", "step", "origin"),
)

_NAMED = text("transfer_to <> ''")

replies = Table(
    "replies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    Column("officer_id", Id, ForeignKey("officers.id"), nullable=False),
    #: result, progress, refusal, acknowledgement, transfer, extension, correction
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Instant, nullable=False),
    #: The body that has the matter now (transfer), and the date that was promised (extension).
    Column("transfer_to", Text, nullable=False, server_default=""),
    Column("due_at", Instant),
    #: The answer that this one corrects. No foreign key: SQLite could not drop the column.
    Column("corrects", Id),
    #: Until then nothing of it leaves, and it may be taken back; what it changed, for giving that back.
    Column("undo_until", Instant),
    Column("undo", JSON(none_as_null=True)),
    Column("withdrawn_at", Instant),
    Column("withdrawn_by", Id),
    Index("ix_replies_case_id", "case_id"),
    #: The few that name a body, newest first: names are suggested on every case's page.
    Index("ix_replies_named", "id", sqlite_where=_NAMED, postgresql_where=_NAMED),
)

reply_files = Table(
    "reply_files",
    metadata,
    Column("id", Id, primary_key=True),
    Column("reply_id", Id, ForeignKey("replies.id"), nullable=False),
    #: As whoever answered called it, with the ending of what its bytes are.
    Column("filename", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    #: The content lies in the attachments folder; NULL once it was forgotten.
    Column("sha256", Text),
    Index("ix_reply_files_reply_id", "reply_id"),
    #: Whether a file of this content is still named.
    Index(
        "ix_reply_files_sha256",
        "sha256",
        sqlite_where=text("sha256 IS NOT NULL"),
        postgresql_where=text("sha256 IS NOT NULL"),
    ),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("idempotency_key", Text, nullable=False, unique=True),
    Column("reply_id", Id, ForeignKey("replies.id"), nullable=False),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("case_id", Id, ForeignKey("cases.id"), nullable=False),
    #: 1, 2, 3 ... per report: the order in which the source must get them (I8).
    Column("seq", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("fence", BigInteger, nullable=False),
    Column("remote_ref", Text),
    Column("error_code", Text),
    Column("error", Text),
    #: The same for who reads Vietnamese, where the connector said it.
    Column("error_vi", Text),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("acknowledged_at", Instant),
    #: Who ticked it off, where a person carried it over by hand.
    Column("officer_id", Id, ForeignKey("officers.id")),
    #: An older message of its report is not final: it is nobody's turn yet, and claims never meet it.
    Column("behind", Boolean, nullable=False, server_default=text("false")),
    #: Files of the answer that do not go with it, because its source takes none, fewer, smaller or others.
    Column("files_left", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("report_id", "seq"),
    Index("ix_outbox_case_id", "case_id"),
    Index("ix_outbox_reply_id", "reply_id"),
    Index(
        "ix_outbox_due",
        "channel_id",
        "next_attempt_at",
        "id",
        # As SQLAlchemy writes it for either, or SQLite would not see that the index fits.
        sqlite_where=text("next_attempt_at IS NOT NULL AND behind = 0"),
        postgresql_where=text("next_attempt_at IS NOT NULL AND NOT behind"),
    ),
    Index("ix_outbox_channel_id_state", "channel_id", "state"),
)

write_turns = Table(
    "write_turns",
    metadata,
    #: As in `channel_schedule`: one worker at a time writes to a host, whatever channels it has there.
    Column("host_key", Text, primary_key=True),
    #: Grows with every turn: a worker that stalled past its own finds that it is over.
    Column("fence", BigInteger, nullable=False),
    #: The turn's end while somebody has it; afterwards when the next may begin (the host's polite pause).
    Column("free_at", Instant, nullable=False),
)

case_counts = Table(
    "case_counts",
    metadata,
    Column("ward_code", Text, ForeignKey("wards.code"), primary_key=True),
    #: all, unit, officer, category, channel, status, day
    Column("dim", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("bucket", Text, primary_key=True),
    Column("n", Integer, nullable=False),
)
