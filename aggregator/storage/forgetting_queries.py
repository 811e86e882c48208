"""Taking people's data out of rows that stay: ids, times and states remain, words and names go.

Nothing here decides; each function forgets one kind of the reports, cases or rows that it is given. Freed
bytes stay in a SQLite file until it is written anew: `Database.compact`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, exists, or_, select, update

from aggregator.domain.retention import WORDED
from aggregator.storage import reply_file_queries
from aggregator.storage.belief_tables import discrepancies
from aggregator.storage.case_tables import cases, memberships, outbox, replies, reply_files
from aggregator.storage.channel_tables import channel_canaries, quarantine, raw_payloads
from aggregator.storage.cover_tables import case_units
from aggregator.storage.db import Tx
from aggregator.storage.errand_tables import ticks
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.legal_tables import legal_matters
from aggregator.storage.match_queries import delete_traits
from aggregator.storage.outage_tables import outage_evidence
from aggregator.storage.privacy_tables import (
    erasure_marks,
    forgotten,
    privacy_requests,
    removed_files,
)
from aggregator.storage.reminder_tables import mails
from aggregator.storage.report_queries import chunks, delete_identities
from aggregator.storage.report_tables import attachments, judgements, report_revisions, reports
from aggregator.storage.street_tables import street_decisions
from aggregator.storage.upsert import inserting
from aggregator.storage.webhook_tables import webhook_calls

EMPTY = b""


def _of(tx: Tx, query: Select[Any], column: Any, values: Collection[Any]) -> list[Row[Any]]:
    found: list[Row[Any]] = []
    for part in chunks(sorted(values)):
        found += tx.execute(query.where(column.in_(part)))
    return found


def reports_of(tx: Tx, case_ids: Collection[int]) -> list[Row[Any]]:
    """(case_id, report_id) of the reports that live in these cases."""
    living = memberships.c.ended_at.is_(None)
    query = select(memberships.c.case_id, memberships.c.report_id).where(living)
    return _of(tx, query, memberships.c.case_id, case_ids)


# Identity --------------------------------------------------------------------------------------------


def identity(tx: Tx, report_ids: Sequence[int]) -> None:
    """Who reported. What the telephone matched by is the caller's, to be stored anew without it."""
    delete_identities(tx, report_ids)


# Files -----------------------------------------------------------------------------------------------


def files(tx: Tx, report_ids: Sequence[int], now: datetime) -> None:
    """The rows lose their names at once; the content goes after the commit, where nobody else has it."""
    for part in chunks(report_ids):
        mine = and_(attachments.c.report_id.in_(part), attachments.c.state != "erased")
        named = select(attachments.c.sha256).where(mine, attachments.c.sha256.isnot(None))
        _to_remove(tx, tx.scalars(named), now)
        # The reference may name the person, too, and is unique within its report.
        for row in tx.execute(select(attachments.c.id).where(mine)).all():
            tx.execute(
                update(attachments)
                .where(attachments.c.id == row.id)
                .values(
                    ref=f"erased:{row.id}", filename="", content_type=None, sha256=None, state="erased",
                    next_try_at=None, error=None,
                )
            )  # fmt: skip


def _to_remove(tx: Tx, digests: Iterable[str], now: datetime) -> None:
    rows = [{"sha256": digest, "at": now} for digest in sorted(set(digests))]
    if rows:
        tx.execute(inserting(tx, removed_files).on_conflict_do_nothing(), rows)


def files_to_remove(tx: Tx, limit: int) -> list[str]:
    query = select(removed_files.c.sha256).order_by(removed_files.c.at, removed_files.c.sha256)
    return list(tx.scalars(query.limit(limit)))


def is_named(tx: Tx, sha256: str) -> bool:
    """Whether a report still has this content or waits for it, an answer has it, or the tick of one."""
    inline = attachments.c.ref == f"sha256:{sha256}"
    waits = and_(inline, attachments.c.state == "pending")
    query = select(attachments.c.id).where(or_(attachments.c.sha256 == sha256, waits)).limit(1)
    shown = select(ticks.c.id).where(ticks.c.file_sha256 == sha256).limit(1)
    sent = select(reply_files.c.id).where(reply_files.c.sha256 == sha256).limit(1)
    return any(tx.scalar(found) is not None for found in (query, shown, sent))


def file_removed(tx: Tx, sha256: str) -> None:
    tx.execute(delete(removed_files).where(removed_files.c.sha256 == sha256))


# Raw items -------------------------------------------------------------------------------------------


def raw(tx: Tx, report_ids: Sequence[int]) -> None:
    for part in chunks(report_ids):
        tx.execute(update(report_revisions).where(report_revisions.c.report_id.in_(part)).values(raw=EMPTY))


# Words of citizens -----------------------------------------------------------------------------------


def text(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """What `rows` (with `id` and new values) say of each report; it is compared with nothing any more."""
    report_ids = [row["id"] for row in rows]
    for row in rows:
        values = {name: value for name, value in row.items() if name != "id"}
        tx.execute(update(reports).where(reports.c.id == row["id"]).values(**values))
    delete_traits(tx, report_ids)
    for part in chunks(report_ids):
        for pair in (judgements.c.report_a, judgements.c.report_b):
            _reword(tx, judgements, pair.in_(part))
        _reword(tx, memberships, or_(memberships.c.report_id.in_(part), memberships.c.beside.in_(part)))


def streets(tx: Tx, report_ids: Sequence[int]) -> None:
    """What was decided about the streets they name stays decided, and teaches nothing any more."""
    for part in chunks(report_ids):
        tx.execute(
            update(street_decisions)
            .where(street_decisions.c.report_id.in_(part))
            .values(house=None, street=None, written=None)
        )


def _reword(tx: Tx, table: Any, mine: Any) -> None:
    """Reasons quote addresses: their codes and weights stay."""
    for row in tx.execute(select(table.c.id, table.c.reasons).where(mine)).all():
        plain = [{**reason, "vi": "nội dung đã xoá", "en": "erased"} for reason in row.reasons]
        if plain != row.reasons:
            tx.execute(update(table).where(table.c.id == row.id).values(reasons=plain))


def texts(tx: Tx, report_ids: Collection[int]) -> list[Row[Any]]:
    return _of(tx, select(reports), reports.c.id, report_ids)


def faces(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """What lists show of cases: `rows` with `id` and the columns to set."""
    for row in rows:
        values = {name: value for name, value in row.items() if name != "id"}
        tx.execute(update(cases).where(cases.c.id == row["id"]).values(**values))


def faces_of(tx: Tx, case_ids: Collection[int]) -> list[Row[Any]]:
    query: Select[Any] = select(
        cases.c.id, cases.c.code, cases.c.ward_code, cases.c.title, cases.c.extract, cases.c.address
    )
    return _of(tx, query, cases.c.id, case_ids)


# Words of officers -----------------------------------------------------------------------------------


def answers(tx: Tx, case_ids: Collection[int], now: datetime) -> None:
    """What was answered, with its files; why it could not be delivered; what shows that it was brought."""
    for part in chunks(case_ids):
        tx.execute(update(replies).where(replies.c.case_id.in_(part)).values(body=""))
        tx.execute(update(outbox).where(outbox.c.case_id.in_(part)).values(error=None, error_vi=None))
        theirs = ticks.c.message_id.in_(select(outbox.c.id).where(outbox.c.case_id.in_(part)))
        shown = select(ticks.c.file_sha256).where(theirs, ticks.c.file_sha256.isnot(None))
        _to_remove(tx, tx.scalars(shown).all(), now)
        nothing: dict[str, Any] = {"reference": None, "file_sha256": None, "file_type": None, "was_error": {}}
        tx.execute(update(ticks).where(theirs).values(**nothing))
        answer_files(tx, tx.scalars(select(replies.c.id).where(replies.c.case_id.in_(part))).all(), now)
        of_these = select(memberships.c.report_id).where(memberships.c.case_id.in_(part))
        words = dict.fromkeys(("ours", "theirs", "author", "note", "reason"), "")
        tx.execute(update(discrepancies).where(discrepancies.c.report_id.in_(of_these)).values(words))


def answer_files(tx: Tx, reply_ids: Iterable[int], now: datetime) -> None:
    """What went with these answers; the rows stay, so that it is still told how many there were."""
    _to_remove(tx, reply_file_queries.forget(tx, reply_ids), now)


def beside(tx: Tx, case_ids: Collection[int]) -> None:
    """What officers wrote beside the ledger: tasks of units, reasons about legal matters."""
    for part in chunks(case_ids):
        tx.execute(update(case_units).where(case_units.c.case_id.in_(part)).values(task=""))
        tx.execute(
            update(legal_matters)
            .where(legal_matters.c.case_id.in_(part), legal_matters.c.reason.isnot(None))
            .values(reason="")
        )


def worded(tx: Tx, case_ids: Collection[int]) -> list[Row[Any]]:
    """(id, case_id, chain, seq) of the entries of these cases with officers' own words."""
    entry = ledger_entries.c
    query = select(entry.id, entry.case_id, entry.chain, entry.seq)
    return _of(tx, query.where(entry.kind.in_(WORDED), entry.data.isnot(None)), entry.case_id, case_ids)


def entries(tx: Tx, entry_ids: Iterable[int]) -> None:
    """Data and salt go together: the commitment stays, and nothing can be guessed back from it."""
    for part in chunks(entry_ids):
        tx.execute(update(ledger_entries).where(ledger_entries.c.id.in_(part)).values(data=None, salt=None))


def entries_of(tx: Tx, case_ids: Collection[int]) -> list[Row[Any]]:
    """All entries of these cases that still have their data."""
    entry = ledger_entries.c
    query = select(entry.id, entry.case_id, entry.chain, entry.seq, entry.kind, entry.data)
    return _of(tx, query.where(entry.data.isnot(None)), entry.case_id, case_ids)


# Of their own ----------------------------------------------------------------------------------------


def pages(tx: Tx, ids: Sequence[int]) -> None:
    """Pages; where a settled item still names one, its row stays without content."""
    for part in chunks(ids):
        named = exists().where(quarantine.c.raw_payload_id == raw_payloads.c.id)
        mine = raw_payloads.c.id.in_(part)
        tx.execute(delete(raw_payloads).where(mine, ~named))
        tx.execute(update(raw_payloads).where(mine).values(content=EMPTY, url=""))


def settled_items(tx: Tx, ids: Sequence[int]) -> None:
    """Items of the quarantine: what was wrong stays as a code, the bytes go unless an open one needs them."""
    for part in chunks(ids):
        mine = quarantine.c.id.in_(part)
        payloads = list(tx.scalars(select(quarantine.c.raw_payload_id).where(mine)))
        tx.execute(
            update(quarantine)
            .where(mine)
            .values(error="", external_id=None, held=None, findings=None, reason=None)
        )
        waiting = exists().where(
            quarantine.c.raw_payload_id == raw_payloads.c.id, quarantine.c.state == "open"
        )
        tx.execute(
            update(raw_payloads)
            .where(raw_payloads.c.id.in_(payloads), ~waiting)
            .values(content=EMPTY, url="")
        )


def calls(tx: Tx, ids: Sequence[int]) -> None:
    for part in chunks(ids):
        gone = {"content": None, "state": "done", "error": None}
        tx.execute(update(webhook_calls).where(webhook_calls.c.id.in_(part)).values(**gone))


def evidence(tx: Tx, ids: Sequence[int]) -> None:
    """Pages and screenshots of outages; the outage and its tries keep the hashes."""
    for part in chunks(ids):
        tx.execute(delete(outage_evidence).where(outage_evidence.c.id.in_(part)))


def requests(tx: Tx, ids: Sequence[int]) -> None:
    for part in chunks(ids):
        tx.execute(
            update(privacy_requests).where(privacy_requests.c.id.in_(part)).values(asked=None, answer=None)
        )


# Beside a person -------------------------------------------------------------------------------------


def mails_telling(tx: Tx, codes: Sequence[str]) -> None:
    """Mails to staff that name these cases quote their titles: sent ones lose their words, others go."""
    for code in codes:
        mine = or_(
            mails.c.body.contains(code, autoescape=True), mails.c.subject.contains(code, autoescape=True)
        )
        waits = mails.c.state.in_(("waiting", "sending"))
        tx.execute(
            update(mails)
            .where(mine, waits)
            .values(state="dropped", next_attempt_at=None, error_code="erased")
        )
        tx.execute(update(mails).where(mine).values(subject="", body="", html="", error=None))


def raw_of_channel(tx: Tx, channel_id: int, external_id: str) -> None:
    """What else is kept of this very record: its items in quarantine, its pin."""
    mine = and_(quarantine.c.channel_id == channel_id, quarantine.c.external_id == external_id)
    tx.execute(update(quarantine).where(mine, quarantine.c.state == "open").values(state="dismissed"))
    settled_items(tx, list(tx.scalars(select(quarantine.c.id).where(mine))))
    tx.execute(
        delete(channel_canaries).where(
            channel_canaries.c.channel_id == channel_id, channel_canaries.c.external_id == external_id
        )
    )


# Known again -----------------------------------------------------------------------------------------


def remember(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Key -> how it comes back, in place of what was said before."""
    for row in rows:
        statement = inserting(tx, forgotten).values(**row)
        tx.execute(
            statement.on_conflict_do_update(
                index_elements=["key"], set_={"mode": statement.excluded.mode, "at": statement.excluded.at}
            )
        )


def any_forgotten(tx: Tx) -> bool:
    return tx.scalar(select(forgotten.c.key).limit(1)) is not None


def known(tx: Tx, keys: Iterable[str]) -> dict[str, str]:
    """Key -> mode, of those that were forgotten."""
    found: dict[str, str] = {}
    for part in chunks(keys):
        rows = tx.execute(select(forgotten.c.key, forgotten.c.mode).where(forgotten.c.key.in_(part)))
        found.update({row.key: row.mode for row in rows})
    return found


def words_of(tx: Tx, channel_id: int, external_ids: Collection[str]) -> list[Row[Any]]:
    """The stored words of these reports of a channel."""
    query = select(reports).where(reports.c.channel_id == channel_id)
    return _of(tx, query, reports.c.external_id, external_ids)


# The file itself -------------------------------------------------------------------------------------


def mark_erased(tx: Tx, now: datetime) -> None:
    statement = inserting(tx, erasure_marks).values(id=1, erased_at=now)
    tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"erased_at": now}))


def mark_compacted(tx: Tx, now: datetime) -> None:
    tx.execute(update(erasure_marks).values(compacted_at=now))


def mark(tx: Tx) -> Row[Any] | None:
    return tx.execute(select(erasure_marks)).one_or_none()
