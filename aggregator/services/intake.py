"""One batch of a channel's records into the inbox: all of it, or nothing with the old cursor (I1).

    records | compare with the newest revision | new, changed or unchanged
            | store revision, person, attachments | match | open a case or join one
            | start the clock | ledger, counters | cursor with the lease's fence | commit

Fetching and mapping happened before; nothing here touches the network (I9). What cannot be used is
quarantined beside what can, with its bytes (I3): what the connector could not map, and what it mapped
to something that is no report (no id, a date of the year 1). What may surprise: a record that comes again
unchanged writes nothing at all, and content that returns to an earlier state (A, B, A) is three
revisions, because each is compared with the newest one only (I2). A report whose status word got another
meaning here is no revision: its source said nothing new. And a report that was erased on its
sender's request is known again and comes in without what was erased (`privacy.known_again`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.domain.places import Learned
from aggregator.domain.runs import BY_ITSELF, Counts, Run
from aggregator.domain.text import clean
from aggregator.sdk.contract import BadRecord, Batch, Problem, RawItem
from aggregator.services import beliefs, delivery_log, ledger, routing
from aggregator.services.admission import Admission
from aggregator.services.arrival_rows import Arrival
from aggregator.services.canonical import MAX_LINE, Canonical, line, revision_hash, understood
from aggregator.services.clock import Clock
from aggregator.services.drift import News, Watch
from aggregator.services.learning import Learning
from aggregator.services.ledger import Draft
from aggregator.services.privacy.known_again import KnownAgain, known_again
from aggregator.services.reading import Read, reread, without_erased
from aggregator.services.routing import Destination
from aggregator.services.rules import Book, Rules
from aggregator.storage import (
    backfill_queries,
    channel_queries,
    drift_queries,
    quarantine_queries,
    report_queries,
    rhythm_queries,
)
from aggregator.storage.db import Database, Tx
from aggregator.storage.report_queries import Head
from aggregator.storage.vault import Vault

#: External id and hash -> where it goes.
_Places = dict[tuple[str, str], Destination]


@dataclass(slots=True)
class _Work:
    """What one batch will write, gathered before anything is written."""

    new: dict[str, Arrival] = field(default_factory=dict)
    changed: list[tuple[Head, Canonical, str, int]] = field(default_factory=list)
    #: (external id, seq, hash, raw item)
    revisions: list[tuple[str, int, str, RawItem]] = field(default_factory=list)
    #: The same, as the watch over drift wants it: the values, and the stored head where there is one.
    news: list[tuple[Canonical, Head | None]] = field(default_factory=list)
    unchanged: int = 0


class Intake:
    """The one door for records, whichever way they came: poll, import, replay."""

    def __init__(self, db: Database, vault: Vault, rules: Rules, admission: Admission, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._rules = rules
        self._admission = admission
        self._clock = clock
        self._learning = Learning()

    def receive(self, run: Run, batch: Batch, watch: Watch | None = None) -> Counts:
        """Commit `batch` whole. Raises `LeaseLost` (and stores nothing) where another worker took over,
        and `DriftSuspected` (the same) where `watch` does not recognise the channel in it."""
        found, problems = self._read(run.zone, batch)
        with self._db.write() as tx:
            again = self._known_again(tx, run.channel_id, found, problems)
            if again:
                batch, found, problems = without_erased(again, batch, found, problems)
            stored = report_queries.heads(tx, run.channel_id, {one.values.external_id for one in found})
            found = reread(found, stored, self._vault.blind)
            if problems or _news(found, stored):
                return self._receive_news(tx, run, batch, watch, found, problems, stored)
            # Most polls bring nothing new: they wait for nobody's ward and leave the cursor alone behind.
            now = self._clock()
            if watch is not None:
                watch.take(tx, batch, News([], []), now)
            looks = beliefs.to_compare(tx, run, _looks(found, stored, _Work()), now)
            gone = _gone(tx, run, batch)
            if looks or gone:  # the chain before the rows, as everybody who writes both does
                ledger.lock(tx, sorted({one.ward for one in looks} | {head.ward_code for head in gone}))
            self._take_meanings(tx, found, stored)
            self._acknowledge(tx, run, found, now)
            beliefs.compare(tx, run, looks, now)
            beliefs.vanished(tx, run, gone, now)
            counts = Counts(len(found), 0, len(found), 0, 0)
            self._move_on(tx, run, batch, counts, now)
        return counts

    def _receive_news(
        self, tx: Tx, run: Run, batch: Batch, watch: Watch | None, found: list[Read],
        problems: list[Problem], stored: Mapping[str, Head],
    ) -> Counts:  # fmt: skip
        """A batch with something new, changed or unreadable in it."""
        book = self._rules.book(tx)
        learned = self._learning.learned(tx, self._clock())
        places = self._destinations(run, book, found, stored, learned)
        # Alone in these wards from here on: two workers matching the same problem at once would
        # each see the other's report too late and open two cases.
        gone = _gone(tx, run, batch)
        ledger.lock(tx, sorted(_wards(run, places, stored) | {head.ward_code for head in gone}))
        now = self._clock()
        work = self._sort(tx, run, book, found, places)
        if watch is not None:
            refused = watch.take(tx, batch, News(work.news, problems), now)
            if refused:
                found, problems = _parted(found, problems, work, refused)
                work = self._sort(tx, run, book, found, places)
        self._store(tx, run, book, work, learned, now)
        self._take_meanings(tx, found, stored)
        if run.kind != "replay":  # a replay settles its own items
            came = [external_id for external_id, *_ in work.revisions]
            quarantine_queries.supersede_records(tx, run.channel_id, came)
        self._quarantine(tx, run, problems, now)
        self._acknowledge(tx, run, found, now)
        beliefs.compare(tx, run, beliefs.to_compare(tx, run, _looks(found, stored, work), now), now)
        beliefs.vanished(tx, run, gone, now)
        counts = _counts(len(found), work, len(problems))
        self._archive_pages(tx, run, batch, counts, now)
        self._move_on(tx, run, batch, counts, now)
        return counts

    def would_count(self, channel_id: int, zone: ZoneInfo, batch: Batch, newest: dict[str, str]) -> Counts:
        """What `receive` would answer, without a trace.

        `newest`: external id -> hash of what earlier batches of the same dry run would have stored.
        """
        found, problems = self._read(zone, batch)
        with self._db.read() as tx:
            again = self._known_again(tx, channel_id, found, problems)
            heads = report_queries.heads(tx, channel_id, {one.values.external_id for one in found})
        found = reread(found, heads, self._vault.blind)
        stored = revised = 0
        for one in found:
            if again.is_gone(one.values.external_id):
                continue
            key = one.values.external_id
            before = newest.get(key) or (heads[key].hash if key in heads else None)
            newest[key] = one.digest
            stored += before != one.digest
            revised += before is not None and before != one.digest
        return Counts(len(found) + len(problems), stored, len(found) - stored, revised, len(problems))

    def _move_on(self, tx: Tx, run: Run, batch: Batch, counts: Counts, now: datetime) -> None:
        """The cursor of the stream that the batch belongs to, and what came by itself."""
        own = run.backfill_id is None
        channel_queries.commit_batch(tx, run, batch.next_cursor if own else None, counts)
        if run.backfill_id is not None:
            backfill_queries.took(tx, run.backfill_id, batch.next_cursor, counts, batch.source_count)
        if run.kind in BY_ITSELF and (new := counts.stored - counts.revised):
            rhythm_queries.arrived(tx, run.channel_id, now, new)

    # What came

    def _read(self, zone: ZoneInfo, batch: Batch) -> tuple[list[Read], list[Problem]]:
        """The records that are reports, and what is none beside what the connector could not map."""
        now = self._clock()
        found, problems = [], list(batch.problems)
        for record, item in zip(batch.records, batch.items, strict=True):
            try:
                values, digest = understood(record, zone, now, self._vault.blind)
            except BadRecord as error:
                problems.append(Problem(item, error))
            else:
                found.append(Read(values, digest, item, record))
        return found, problems

    def _take_meanings(self, tx: Tx, found: Sequence[Read], stored: Mapping[str, Head]) -> None:
        """What the status words of unchanged reports mean now. The revisions stay as they were read."""
        report_queries.update_reports(
            tx,
            [
                {
                    "id": stored[one.values.external_id].report_id, "source_status": one.values.status.value,
                    "revision_hash": revision_hash(one.record, self._vault.blind),
                }
                for one in found
                if one.reread and not one.gone
            ],
        )  # fmt: skip

    def _known_again(
        self, tx: Tx, channel_id: int, found: Sequence[Read], problems: Sequence[Problem]
    ) -> KnownAgain:
        named = {problem.error.external_id for problem in problems} - {None}
        ids = {one.values.external_id for one in found} | named
        return known_again(tx, self._vault, channel_id, sorted(filter(None, ids)))

    def _destinations(
        self, run: Run, book: Book, found: Sequence[Read], stored: Container[str], learned: Learned
    ) -> _Places:
        """Where each record goes that is not stored yet; most of a poll is, and needs no reading."""
        return {
            one.revision: routing.destination(book.wards, run.ward_code, one.ward, one.values, learned)
            for one in found
            if one.values.external_id not in stored and not one.gone
        }

    def _sort(self, tx: Tx, run: Run, book: Book, found: Sequence[Read], places: _Places) -> _Work:
        """Tell new, changed and unchanged apart, also where one batch shows a record twice."""
        heads = report_queries.heads(tx, run.channel_id, {one.values.external_id for one in found})
        newest = {external_id: (head.revision, head.hash) for external_id, head in heads.items()}
        work = _Work()
        for one in found:
            external_id = one.values.external_id
            seq, last = newest.get(external_id, (0, ""))
            if last == one.digest or one.gone:
                work.unchanged += 1
                continue
            newest[external_id] = (seq + 1, one.digest)
            work.news.append((one.values, heads.get(external_id)))
            work.revisions.append((external_id, seq + 1, one.digest, one.item))
            if external_id in heads:
                work.changed.append((heads[external_id], one.values, one.digest, seq + 1))
            else:
                place = places[one.revision]
                work.new[external_id] = Arrival(
                    one.values, place.ward, seq + 1, one.digest, place_guess=place.guess
                )
        return work

    # What is written

    def _store(self, tx: Tx, run: Run, book: Book, work: _Work, learned: Learned, now: datetime) -> None:
        ids = report_queries.reserve_ids(tx, len(work.new))
        for report_id, arrival in zip(ids, work.new.values(), strict=True):
            arrival.report_id = report_id
        report_ids = {external_id: arrival.report_id for external_id, arrival in work.new.items()}
        report_ids |= {values.external_id: head.report_id for head, values, *_ in work.changed}
        self._admission.admit(tx, run, book, list(work.new.values()), now)
        self._admission.revise(tx, run, book, work.changed, learned, now)
        named = ((one.ward, one.values.address) for one in work.new.values())
        self._learning.take(tx, named, learned.streets, now)
        report_queries.insert_revisions(
            tx,
            [
                {
                    "report_id": report_ids[external_id], "seq": seq, "revision_hash": digest,
                    "observed_at": now, "run_id": run.run_id, "raw_type": _word(item.content_type),
                    # Nothing of an erased report is kept, and nothing is what it looks like.
                    "raw": self._vault.pack(item.content, "revision") if item.content else b"",
                }
                for external_id, seq, digest, item in work.revisions
            ],
        )  # fmt: skip

    def _quarantine(self, tx: Tx, run: Run, problems: Sequence[Problem], now: datetime) -> None:
        rows = [
            self._payload(run, problem.item.content, problem.item.content_type, "", now)
            for problem in problems
        ]
        hashes = {row["sha256"] for row in rows}
        news = hashes - drift_queries.quarantined_before(tx, run.channel_id, hashes)
        ids = report_queries.put_payloads(tx, rows)
        report_queries.put_quarantine(
            tx,
            [
                {
                    "channel_id": run.channel_id, "run_id": run.run_id, "scope": "record",
                    "raw_payload_id": ids[row["sha256"]], "raw_ref": _word(problem.item.ref),
                    "external_id": line(problem.error.external_id), "error_code": problem.error.code,
                    "error": clean(str(problem.error))[:MAX_LINE], "field": _word(problem.error.field),
                    "row": _row(problem.error.row),
                    "tries": 1, "state": "open", "created_at": now, "seen_at": now,
                }
                for row, problem in zip(rows, problems, strict=True)
            ],
        )  # fmt: skip
        if news:  # what the source repeats is counted on its row; the ledger has it once
            told = {"channel": run.channel_slug, "run": run.run_id, "records": len(news)}
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
            "content_type": _word(kind), "url": line(url) or "", "size": len(content),
            "content": self._vault.pack(content, "payload"), "fetched_at": now,
        }  # fmt: skip

    def _acknowledge(self, tx: Tx, run: Run, found: Sequence[Read], now: datetime) -> None:
        """Answers that the source shows now confirm our deliveries (and are no news of their own)."""
        shown = {one.values.external_id: [answer.body for answer in one.answers] for one in found}
        answered = [external_id for external_id, texts in shown.items() if texts]
        heads = report_queries.heads(tx, run.channel_id, answered)
        seen = {head.report_id: shown[external_id] for external_id, head in heads.items()}
        if seen:
            delivery_log.acknowledge(tx, run.channel_id, seen, now)


def _parted(
    found: Sequence[Read], problems: Sequence[Problem], work: _Work, refused: Container[int]
) -> tuple[list[Read], list[Problem]]:
    """Those of the news that the watch refuses go where the unreadable ones go."""
    bad = {(ref, digest) for n, (ref, _, digest, _) in enumerate(work.revisions) if n in refused}
    held = [
        Problem(one.item, BadRecord("lacks what this channel's reports have", external_id=one.revision[0]))
        for one in found
        if one.revision in bad
    ]
    return [one for one in found if one.revision not in bad], [*problems, *held]


def _gone(tx: Tx, run: Run, batch: Batch) -> list[Head]:
    """Reports that the source was asked for and does not have, as far as they are stored."""
    return list(report_queries.heads(tx, run.channel_id, batch.gone).values()) if batch.gone else []


def _looks(found: Sequence[Read], stored: Mapping[str, Head], work: _Work) -> list[beliefs.Look]:
    """Each report of the batch as it shows it last."""
    changed = {external_id for external_id, *_ in work.revisions}
    looks = {}
    for one in found:
        if one.gone or one.erased:
            continue
        external_id = one.values.external_id
        head, arrival = stored.get(external_id), work.new.get(external_id)
        if head is not None:
            id_, ward = head.report_id, head.ward_code
        elif arrival is not None:
            id_, ward = arrival.report_id, arrival.ward
        else:
            continue
        is_new = external_id in changed or one.reread
        looks[external_id] = beliefs.Look(id_, ward, one.values, one.answers, head, is_new)
    return list(looks.values())


def _news(found: Sequence[Read], stored: Mapping[str, Head]) -> bool:
    """Whether any record differs from its newest revision."""
    return any(
        (head := stored.get(one.values.external_id)) is None or head.hash != one.digest
        for one in found
        if not one.gone
    )


def _wards(run: Run, places: _Places, stored: Mapping[str, Head]) -> set[str]:
    """Every ward whose chain a batch may write to. A stored report stays in the ward it came to."""
    new, old = (place.ward for place in places.values()), (head.ward_code for head in stored.values())
    return {run.ward_code, *new, *old}


def _word(text: str) -> str:
    return (line(text) or "")[:300]


def _row(number: int | None) -> int | None:
    return number if number is not None and 0 <= number < 2**31 else None


def _counts(understood: int, work: _Work, quarantined: int) -> Counts:
    stored = len(work.revisions)
    return Counts(
        seen=understood + quarantined,
        stored=stored,
        unchanged=work.unchanged,
        revised=stored - len(work.new),
        quarantined=quarantined,
    )
