"""What sources showed of reports at the last look, and in what they differ from what we believe."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Table, Text, text

from aggregator.storage.types import Id, Instant, metadata

#: One row a report that was compared. No words are in it, only their names: those of a difference are kept
#: with it, and the rest are our own.
source_looks = Table(
    "source_looks",
    metadata,
    Column("report_id", Id, ForeignKey("reports.id"), primary_key=True, autoincrement=False),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    #: SHA-256 of the answers that the source showed; NULL where it showed none.
    Column("answers", Text),
    #: The name of each of them (`domain.beliefs.fingerprint`) in the source's order, by spaces.
    Column("shown", Text),
    #: When it last showed the report as done.
    Column("done_at", Instant),
    #: Answers delivered up to here had time to be shown when this was compared.
    Column("settled_to", Instant, nullable=False),
    Index(
        "ix_source_looks_answering",
        "channel_id",
        sqlite_where=Column("answers").isnot(None),
        postgresql_where=Column("answers").isnot(None),
    ),
)

#: In these very words in index and query: a bound value would hide the index from SQLite.
ASIDE = text("how IN ('automatic', 'known')")
_OPEN, _SETTLED = text("settled_at IS NULL"), text("settled_at IS NOT NULL")

discrepancies = Table(
    "discrepancies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("channel_id", Id, ForeignKey("channels.id"), nullable=False),
    Column("report_id", Id, ForeignKey("reports.id"), nullable=False),
    #: `domain.beliefs.Kind`
    Column("kind", Text, nullable=False),
    #: The name of this very difference within its report and kind.
    Column("about", Text, nullable=False),
    #: The message of ours that it is about. No foreign key: nothing is looked up by it.
    Column("message_id", BigInteger),
    Column("ours", Text, nullable=False),
    Column("theirs", Text, nullable=False),
    #: When the source says that it was written, and by whom.
    Column("written_at", Instant),
    Column("author", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("found_at", Instant, nullable=False),
    #: NULL: open.
    Column("settled_at", Instant),
    #: NULL where it went away by itself.
    Column("settled_by", Id, ForeignKey("officers.id")),
    #: agrees (the source shows no difference any more), followed, or the remedy that a person chose
    Column("how", Text),
    Column("reason", Text, nullable=False),
    #: Nobody tells the same difference twice at once.
    Index(
        "uq_discrepancies_open", "report_id", "kind", "about", unique=True,
        sqlite_where=_OPEN, postgresql_where=_OPEN,
    ),
    Index("ix_discrepancies_report_id", "report_id"),
    #: A channel's page, newest first: all kinds, one kind, and what is settled.
    Index("ix_discrepancies_list", "channel_id", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
    Index(
        "ix_discrepancies_list_kind", "channel_id", "kind", "id",
        sqlite_where=_OPEN, postgresql_where=_OPEN,
    ),
    Index("ix_discrepancies_settled", "channel_id", "id", sqlite_where=_SETTLED, postgresql_where=_SETTLED),
    #: What a person laid aside for the whole channel: words that it writes by itself, statuses.
    Index("ix_discrepancies_aside", "channel_id", "about", sqlite_where=ASIDE, postgresql_where=ASIDE),
)  # fmt: skip
