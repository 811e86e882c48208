"""Erasing one person: out of their reports, of what officers wrote, of what is archived; and never back in.

    find again | archive: pages and calls that hold their reports
               | per case one transaction: identity, raw, files, words, face, answers, ledger entries
               | archive once more: what a poll brought meanwhile | files | at night the database anew

Three ways, chosen by who answers the request: `identity` (the report stays, nobody knows whose),
`redact` (and its words no longer name anybody), `all` (and no word of it stays).

The archive comes first because it belongs to no case: who is stopped in between looks for the person again,
and finds them by what their cases still hold.

What may surprise: answers that name the person are redacted even before they are sent; one that a source may
be taking at this moment keeps its case for a later try. Redacted words are not matched anew with what the
source shows from then on: a report that was erased is known again by a keyed hash of its channel and id
(`intake`), comes in without what was erased, and its answers are not held against ours any more, which are
without the name. Of a report whose very id names the person nothing is taken in again; of one that somebody
else sent and that only named them, its state and its sender are.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain import matching
from aggregator.domain.people import Actor, Right
from aggregator.domain.retention import Stays, ranges
from aggregator.domain.subject import Sought
from aggregator.domain.text import squash
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import Draft
from aggregator.services.privacy.files import FileSweep
from aggregator.services.privacy.finding import NO_CASE, Finding, Places, stays
from aggregator.services.privacy.forgetting import (
    BLANK_TITLE,
    Gone,
    Home,
    forget_files,
    forget_identity,
    forget_raw,
    forget_text,
    record,
)
from aggregator.services.privacy.known_again import known_key, together
from aggregator.storage import (
    case_queries,
    erasing_queries,
    forgetting_queries,
    match_queries,
    reply_file_queries,
    subject_queries,
)
from aggregator.storage.db import Database, Tx
from aggregator.storage.search_queries import search_marks
from aggregator.storage.vault import SealBroken, Vault


class Way(enum.StrEnum):
    IDENTITY = "identity"
    REDACT = "redact"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done. `kept`: code of a case -> why it stays for now."""

    cases: int
    reports: int
    answers: int
    entries: int
    files: int
    kept: Mapping[str, Stays]


@dataclass(frozen=True, slots=True)
class _Job:
    actor: Actor
    sought: Sought
    way: Way
    files: bool
    request_id: int
    #: Of these reports the person is the sender; in others they are only named.
    own: frozenset[int]


class Erasing:
    """Erases people. Only on a registered request, by who answers it."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, finding: Finding, files: FileSweep) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._finding = finding
        self._files = files

    def erase(
        self, actor: Actor, request_id: int, sought: Sought, report_ids: Collection[int], way: Way, *,
        files: bool = True,
    ) -> Erased:  # fmt: skip
        """Erase the person from these reports, and from all of ours that names them.

        Done again it goes on with what stayed. `report_ids`: those of the found ones that are theirs; the
        others that were found by who sent them belong to somebody of the same name and stay whole.
        """
        require(actor, Right.PRIVACY)
        with self._db.read() as tx:
            places = self._finding.places(tx, actor.ward, sought)
            seen = {row.id for row in subject_queries.reports_in(tx, report_ids) if actor.sees(row.ward_code)}
            named = {one for one, by in places.reports.items() if by == {"text"}}
            homes = subject_queries.homes(tx, seen | set(places.reports))
            held = stays(tx, homes.values())
        job = _Job(actor, sought, way, files, request_id, frozenset(seen))
        by_case: dict[int, set[int]] = defaultdict(set)
        for report_id in sorted((seen | named) & set(homes)):
            by_case[homes[report_id]].add(report_id)
        # Somebody of the same name sent these: what we wrote in their cases was written to them.
        theirs = {homes[one] for one in set(places.reports) - seen - named if one in homes}
        theirs -= {homes[one] for one in seen if one in homes}
        todo = sorted({*by_case, *places.cases} - theirs)
        self._archive(job, {one for case_id in todo if case_id not in held for one in by_case[case_id]})
        kept: dict[str, Stays] = {}
        gone = Gone()
        cases = answers = 0
        for case_id in todo:
            done = self._case(job, case_id, by_case[case_id], places, gone, kept)
            cases += done is not None
            answers += done or 0
        self._loose(job, places.entries.get(NO_CASE, ()), gone)
        self._archive(job, gone.reports)
        return Erased(cases, len(gone.reports), answers, len(gone.places), self._files.sweep(), kept)

    # One case

    def _case(
        self, job: _Job, case_id: int, report_ids: set[int], places: Places, gone: Gone,
        kept: dict[str, Stays],
    ) -> int | None:  # fmt: skip
        """How many answers were redacted; None where the case stays as it is, told in `kept`."""
        entries = places.entries.get(case_id, ())
        with self._db.write() as tx:
            case = case_queries.row(tx, case_id)
            if case is None or not job.actor.sees(case.ward_code):
                return None
            ledger.lock(tx, sorted({case.ward_code, *(chain for _, chain, _ in entries)}))
            # Alone in these wards from here on: no worker takes an answer whose words are being changed.
            case = case_queries.row(tx, case_id, lock=True)
            assert case is not None
            if (why := stays(tx, [case_id]).get(case_id)) is not None:
                kept[case.code] = why
                return None
            now = self._clock()
            mine = Gone({job.way.value})
            self._reports(tx, job, sorted(report_ids & set(job.own)), now)
            self._named(tx, job, sorted(report_ids - set(job.own)), now)
            self._face(tx, job, case)
            answers = self._answers(tx, job, case_id)
            forgetting_queries.entries(tx, [entry_id for entry_id, _, _ in entries])
            mine.reports.update(report_ids)
            mine.places.update((chain, seq) for _, chain, seq in entries)
            home = Home(case.id, case.ward_code, case.code)
            why_told = {"why": "request", "request": job.request_id}
            record(tx, [home], {case_id: mine}, now, why_told, job.actor.id or None)
            acts = [(one, job.way.value) for one in sorted(report_ids & set(job.own))]
            erasing_queries.put_acts(tx, job.request_id, acts, now, job.actor.id or None)
        gone.reports.update(mine.reports)
        gone.places.update(mine.places)
        return answers

    def _reports(self, tx: Tx, job: _Job, report_ids: Sequence[int], now: datetime) -> None:
        """Those that the person sent."""
        forget_identity(tx, report_ids, now)
        forget_raw(tx, report_ids, now)
        if job.files:
            forget_files(tx, report_ids, now)
        if job.way is Way.ALL:
            forget_text(tx, report_ids, now)
        elif job.way is Way.REDACT:
            self._redact(tx, job.sought, report_ids, all_personal=True)
        self._remember(tx, job, report_ids, "identity" if job.way is Way.IDENTITY else "text", now)

    def _named(self, tx: Tx, job: _Job, report_ids: Sequence[int], now: datetime) -> None:
        """Those of others that name the person: their sender stays, the name goes, in words and raw bytes."""
        if job.way is not Way.IDENTITY:
            self._redact(tx, job.sought, report_ids, all_personal=False)
            forget_raw(tx, report_ids, now)
            self._remember(tx, job, report_ids, "named", now)

    def _redact(self, tx: Tx, sought: Sought, report_ids: Sequence[int], *, all_personal: bool) -> None:
        rows = []
        for row in subject_queries.reports_in(tx, report_ids):
            subject, body = (
                sought.without(text, all_personal=all_personal) for text in (row.subject, row.body)
            )
            address = None if sought.named_in(row.address) else row.address
            searched = " ".join(part for part in (row.external_id, subject, body, address, row.area) if part)
            rows.append(
                {"id": row.id, "subject": subject, "body": body, "address": address,
                 "search_text": f"{squash(searched)} {search_marks(row.ward_code, row.id)}"}
            )  # fmt: skip
        known = match_queries.stored_traits(tx, report_ids)
        forgetting_queries.text(tx, rows)
        self._match_anew(tx, known, report_ids)

    def _match_anew(self, tx: Tx, known: Mapping[int, Any], report_ids: Sequence[int]) -> None:
        """Compared from now on by the words that are left."""
        traits = [
            matching.traits(
                report_id=row.id, received_at=row.received_at, subject=row.subject, body=row.body,
                address=row.address, lat=row.lat, lng=row.lng, ward=row.ward_code,
                category=known[row.id].category, phone=known[row.id].phone, channel=row.slug,
                legal=known[row.id].legal, anonymous=row.anonymous,
            )
            for row in subject_queries.reports_in(tx, report_ids)
            if row.id in known
        ]  # fmt: skip
        match_queries.insert_traits(tx, traits, {t.report_id: matching.keys(t) for t in traits})

    def _remember(self, tx: Tx, job: _Job, report_ids: Sequence[int], mode: str, now: datetime) -> None:
        """What comes in of these reports from now on; never more than an earlier erasure let in."""
        found = forgetting_queries.texts(tx, report_ids)
        keys = {row.id: known_key(self._vault, row.channel_id, row.external_id) for row in found}
        before = forgetting_queries.known(tx, keys.values())
        rows = []
        for row in found:
            key = keys[row.id]
            forgetting_queries.raw_of_channel(tx, row.channel_id, row.external_id)
            named = job.sought.named_in(row.external_id)
            if named:
                # Only its stand-in stays: delivery to its source has ended, or goes by another way.
                erasing_queries.rename(tx, row.id, f"erased:{key[:16]}", search_marks(row.ward_code, row.id))
            now_in = together(before.get(key), "gone" if named else mode)
            rows.append({"key": key, "report_id": row.id, "mode": now_in, "at": now})
        forgetting_queries.remember(tx, rows)

    def _face(self, tx: Tx, job: _Job, case: Any) -> None:
        """What lists show of the case: of its reports that still have words, the first."""
        if job.way is Way.IDENTITY:
            return
        members = [row.report_id for row in case_queries.living(tx, case.id)]
        left = [row for row in subject_queries.reports_in(tx, members) if row.body or row.subject]
        title, extract, address = (
            (job.sought.without(case.title), job.sought.without(case.extract), case.address)
            if job.way is Way.REDACT
            else _face_of(left)
        )
        if job.sought.named_in(address):
            address = None
        if (title, extract, address) != (case.title, case.extract, case.address):
            forgetting_queries.faces(
                tx, [{"id": case.id, "title": title, "extract": extract, "address": address}]
            )
            forgetting_queries.mails_telling(tx, [case.code])

    def _answers(self, tx: Tx, job: _Job, case_id: int) -> int:
        """Our own words, sent or not: the person is not named in them any more."""
        for row in erasing_queries.tasks_of(tx, case_id):
            if job.sought.named_in(row.task):
                erasing_queries.reword_task(tx, row.id, job.sought.without(row.task))
        for row in erasing_queries.differences_of(tx, case_id):
            words = {name: getattr(row, name) for name in erasing_queries.DIFFERING}
            if any(map(job.sought.named_in, words.values())):
                left = {name: job.sought.without(text) for name, text in words.items()}
                erasing_queries.reword_difference(tx, row.id, left)
        erasing_queries.quiet(tx, case_id)
        for row in erasing_queries.bundles_of(tx, case_id):
            if job.sought.named_in(row.told):
                # It is made anew when somebody asks, of the entries as they are then; the paper holds.
                erasing_queries.drop_bundle(tx, row.id)
        done, replies = 0, subject_queries.replies_of(tx, [case_id])
        files = reply_file_queries.of_replies(tx, [row.id for row in replies])
        for row in replies:
            named = job.sought.named_in(row.body)
            if named:
                erasing_queries.reword(tx, row.id, job.sought.without(row.body))
                done += 1
            # Nobody reads papers and photos here: they go with words that name the person, or by their name.
            if named or any(job.sought.named_in(file.filename) for file in files.get(row.id, ())):
                forgetting_queries.answer_files(tx, [row.id], self._clock())
        return done

    # Beside cases

    def _loose(self, job: _Job, entries: Sequence[tuple[int, str, int]], gone: Gone) -> None:
        """Entries of no case that name the person."""
        if not entries:
            return
        with self._db.write() as tx:
            chains = sorted({chain for _, chain, _ in entries})
            ledger.lock(tx, chains)
            forgetting_queries.entries(tx, [entry_id for entry_id, _, _ in entries])
            places = [(chain, seq) for _, chain, seq in entries]
            told = {"what": ["notes"], "why": "request", "request": job.request_id, "entries": ranges(places)}
            entry = Draft(chains[0], "erased", self._clock(), told, officer_id=job.actor.id or None)
            ledger.append(tx, [entry])
            forgetting_queries.mark_erased(tx, self._clock())
        gone.places.update(places)

    def _archive(self, job: _Job, report_ids: Collection[int]) -> None:
        """Pages and kept calls of these reports' channels that hold them. A page may hold others, too:
        it goes whole, each report still has its own raw item."""
        if job.way is Way.IDENTITY:  # whom others only name stays named
            report_ids = set(report_ids) & job.own
        with self._db.read() as tx:
            rows = forgetting_queries.texts(tx, report_ids)
            channels = {row.channel_id for row in rows}
            marks = _marks(job.sought, [row.external_id for row in rows])
            pages = list(self._holding(subject_queries.pages_of(tx, channels), "payload", marks))
            calls = list(self._holding(subject_queries.calls_of(tx, channels), "webhook-call", marks))
        if pages or calls:
            with self._db.write() as tx:
                erasing_queries.dismiss_items_of(tx, pages)
                forgetting_queries.pages(tx, pages)
                forgetting_queries.calls(tx, calls)

    def _holding(self, rows: Iterator[Any], purpose: str, marks: Sequence[bytes]) -> Iterator[int]:
        for row in rows:
            try:
                content = self._vault.unpack(row.content, purpose).lower()
            except SealBroken:
                continue
            if any(mark in content for mark in marks):
                yield row.id


def _face_of(left: Sequence[Any]) -> tuple[str, str, str | None]:
    if not left:
        return BLANK_TITLE, "", None
    first = left[0]
    text = " ".join(first.body.split())
    return (first.subject or text)[:200], text[:160], first.address or first.area


def _marks(sought: Sought, external_ids: Sequence[str]) -> list[bytes]:
    """Bytes by which a page tells that it holds one of the reports, or the person, in any usual escape."""
    plain = [*external_ids, sought.name, sought.mail]
    found = {text.lower().encode() for text in plain if len(text) >= 4}
    found |= {text.lower().encode("ascii", "backslashreplace") for text in plain if len(text) >= 4}
    if sought.called:
        found.add(sought.called.removeprefix("+84").encode())
    return sorted(found)
