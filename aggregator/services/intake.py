"""One batch of a channel's records into the inbox: all of it, or nothing with the old cursor (I1).

    records | compare with the newest revision | new, changed or unchanged
            | store revision, person, attachments | match | open a case or join one
            | start the clock | ledger, counters | cursor with the lease's fence | commit

Fetching and mapping happened before; nothing here touches the network (I9). What cannot be used is
quarantined beside what can, with its bytes (I3). What may surprise: a record that comes again
unchanged writes nothing at all, and content that returns to an earlier state (A, B, A) is three
revisions, because each is compared with the newest one only (I2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregator.sdk.contract import Batch, Problem, RawItem, Record
from aggregator.services import delivery_log, ledger
from aggregator.services.admission import Admission
from aggregator.services.arrival_rows import Arrival
from aggregator.services.canonical import Canonical, canonical, revision_hash
from aggregator.services.clock import Clock
from aggregator.services.intake_types import Counts, Run
from aggregator.services.ledger import Draft
from aggregator.services.rules import Book, Rules
from aggregator.storage import channel_queries, report_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.report_queries import Head
from aggregator.storage.vault import Vault


@dataclass(slots=True)
class _Work:
    """What one batch will write, gathered before anything is written."""

    new: dict[str, Arrival] = field(default_factory=dict)
    changed: list[tuple[Head, Canonical, str, int]] = field(default_factory=list)
    #: (external id, seq, hash, raw item)
    revisions: list[tuple[str, int, str, RawItem]] = field(default_factory=list)
    unchanged: int = 0


class Intake:
    """The one door for records, whichever way they came: poll, import, replay."""

    def __init__(self, db: Database, vault: Vault, rules: Rules, admission: Admission, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._rules = rules
        self._admission = admission
        self._clock = clock

    def receive(self, run: Run, batch: Batch) -> Counts:
        """Commit `batch` whole. Raises `LeaseLost` (and stores nothing) where another worker took over."""
        prepared = [
            (record, item, canonical(record), revision_hash(record))
            for record, item in zip(batch.records, batch.items, strict=True)
        ]
        now = self._clock()
        with self._db.write() as tx:
            book = self._rules.book(tx)
            wards = {self._ward(book, run, record) for record, *_ in prepared} | {run.ward_code}
            # Alone in these wards from here on: two workers matching the same problem at once would
            # each see the other's report too late and open two cases.
            ledger.lock(tx, sorted(wards))
            work = self._sort(tx, run, book, prepared)
            self._store(tx, run, book, work, now)
            self._quarantine(tx, run, batch.problems, now)
            self._acknowledge(tx, run, [record for record, *_ in prepared], now)
            counts = _counts(batch, work)
            self._archive_pages(tx, run, batch, counts, now)
            channel_queries.commit_batch(tx, run, batch.next_cursor, counts)
        return counts

    # What came

    def _ward(self, book: Book, run: Run, record: Record) -> str:
        code = record.location.ward_code
        return code if code in book.wards and code is not None else run.ward_code

    def _sort(
        self, tx: Tx, run: Run, book: Book, prepared: Sequence[tuple[Record, RawItem, Canonical, str]]
    ) -> _Work:
        """Tell new, changed and unchanged apart, also where one batch shows a record twice."""
        heads = report_queries.heads(tx, run.channel_id, {record.external_id for record, *_ in prepared})
        newest = {external_id: (head.revision, head.hash) for external_id, head in heads.items()}
        work = _Work()
        for record, item, values, digest in prepared:
            external_id = values.external_id
            seq, last = newest.get(external_id, (0, ""))
            if last == digest:
                work.unchanged += 1
                continue
            newest[external_id] = (seq + 1, digest)
            work.revisions.append((external_id, seq + 1, digest, item))
            if external_id in heads:
                work.changed.append((heads[external_id], values, digest, seq + 1))
            else:
                work.new[external_id] = Arrival(values, self._ward(book, run, record), seq + 1, digest)
        return work

    # What is written

    def _store(self, tx: Tx, run: Run, book: Book, work: _Work, now: datetime) -> None:
        ids = report_queries.reserve_ids(tx, len(work.new))
        for report_id, arrival in zip(ids, work.new.values(), strict=True):
            arrival.report_id = report_id
        report_ids = {external_id: arrival.report_id for external_id, arrival in work.new.items()}
        report_ids |= {values.external_id: head.report_id for head, values, *_ in work.changed}
        self._admission.admit(tx, run, book, list(work.new.values()), now)
        self._admission.revise(tx, run, book, work.changed, now)
        report_queries.insert_revisions(
            tx,
            [
                {
                    "report_id": report_ids[external_id], "seq": seq, "revision_hash": digest,
                    "observed_at": now, "run_id": run.run_id, "raw_type": item.content_type,
                    "raw": self._vault.pack(item.content, "revision"),
                }
                for external_id, seq, digest, item in work.revisions
            ],
        )  # fmt: skip

    def _quarantine(self, tx: Tx, run: Run, problems: Sequence[Problem], now: datetime) -> None:
        rows = [
            self._payload(run, problem.item.content, problem.item.content_type, "", now)
            for problem in problems
        ]
        ids = report_queries.put_payloads(tx, rows)
        report_queries.put_quarantine(
            tx,
            [
                {
                    "channel_id": run.channel_id, "run_id": run.run_id, "scope": "record",
                    "raw_payload_id": ids[row["sha256"]], "raw_ref": problem.item.ref,
                    "external_id": problem.error.external_id, "error_code": problem.error.code,
                    "error": str(problem.error), "field": problem.error.field, "row": problem.error.row,
                    "tries": 1, "state": "open", "created_at": now, "seen_at": now,
                }
                for row, problem in zip(rows, problems, strict=True)
            ],
        )  # fmt: skip
        if problems:
            told = {"channel": run.channel_slug, "run": run.run_id, "records": len(problems)}
            entry = Draft(run.ward_code, "quarantined", now, told, channel_id=run.channel_id)
            ledger.append(tx, [entry])

    def _archive_pages(self, tx: Tx, run: Run, batch: Batch, counts: Counts, now: datetime) -> None:
        # A page that told nothing new is not kept: each revision already holds its own bytes.
        if counts.stored or counts.quarantined:
            rows = [
                self._payload(run, page.content, page.content_type, page.url, now) for page in batch.pages
            ]
            report_queries.put_payloads(tx, rows)

    def _payload(self, run: Run, content: bytes, kind: str, url: str, now: datetime) -> dict[str, Any]:
        return {
            "channel_id": run.channel_id, "sha256": hashlib.sha256(content).hexdigest(),
            "content_type": kind, "url": url, "size": len(content),
            "content": self._vault.pack(content, "payload"), "fetched_at": now,
        }  # fmt: skip

    def _acknowledge(self, tx: Tx, run: Run, records: Sequence[Record], now: datetime) -> None:
        """Answers that the source shows now confirm our deliveries (and are no news of their own)."""
        shown = {record.external_id: [answer.body for answer in record.answers] for record in records}
        answered = [external_id for external_id, texts in shown.items() if texts]
        heads = report_queries.heads(tx, run.channel_id, answered)
        seen = {head.report_id: shown[external_id] for external_id, head in heads.items()}
        if seen:
            delivery_log.acknowledge(tx, run.channel_id, seen, now)


def _counts(batch: Batch, work: _Work) -> Counts:
    stored = len(work.revisions)
    quarantined = len(batch.problems)
    return Counts(
        seen=len(batch.records) + quarantined,
        stored=stored,
        unchanged=work.unchanged,
        revised=stored - len(work.new),
        quarantined=quarantined,
    )
