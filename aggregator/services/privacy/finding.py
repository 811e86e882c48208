"""Where a person's data is: by blind indexes, by sealed identities, and by the words of texts.

    telephone, e-mail (indexes) | name, ID (identities, one by one) | texts, notes, answers, differences

Promise: who looks has the right for it and gives a reason, and the look is in the ledger without a word of
the person. What may surprise: all of the ward is read, however long that takes; a search that stops at the
first few hundred would make "nothing more is kept" untrue.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.domain.retention import Stays
from aggregator.domain.subject import Sought
from aggregator.domain.text import squash
from aggregator.errors import InputInvalid
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.privacy.policy import words
from aggregator.storage import case_queries, retention_queries, subject_queries
from aggregator.storage.db import Database, Tx
from aggregator.storage.vault import SealBroken, Vault

#: Entries that belong to no case: a look for somebody, a note of an absence.
NO_CASE = 0


@dataclass(frozen=True, slots=True)
class FoundReport:
    """`by`: phone, email, name, id_number, text, code."""

    id: int
    channel: str
    received_at: datetime
    by: tuple[str, ...]
    anonymous: bool
    has_identity: bool
    files: int


@dataclass(frozen=True, slots=True)
class FoundCase:
    """One case in which the person is. `entries`, `answers`: how many of ours name them; `differences`: how
    many notes of what a source shows otherwise."""

    case_id: int
    code: str
    title: str
    is_open: bool
    reports: tuple[FoundReport, ...]
    entries: int
    answers: int
    differences: int
    waiting: int
    #: Why it is not erased now; None where it can be.
    stays: Stays | None


@dataclass(frozen=True, slots=True)
class Places:
    """Where the person is, by ids. `reports`: report -> by what."""

    reports: Mapping[int, set[str]]
    #: case (or `NO_CASE`) -> (entry id, chain, seq) of entries that name the person
    entries: Mapping[int, tuple[tuple[int, str, int], ...]]
    #: case -> ids of answers that name the person
    answers: Mapping[int, tuple[int, ...]]
    #: case -> ids of differences beside a source whose words, on either side, name the person
    differences: Mapping[int, tuple[int, ...]]

    @property
    def cases(self) -> set[int]:
        """The cases where our own words name the person, or what was noted beside a source does."""
        return {*self.entries, *self.answers, *self.differences} - {NO_CASE}


class Finding:
    """Looks for a person in the wards that the asker sees."""

    def __init__(self, db: Database, vault: Vault, clock: Clock) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    def find(
        self, actor: Actor, sought: Sought, reason: str, codes: Collection[str] = ()
    ) -> tuple[FoundCase, ...]:
        """The cases in which the person is. `codes`: cases of which the person says that they are theirs."""
        require(actor, Right.PRIVACY)
        why = words(reason)
        if not sought and not codes:
            raise InputInvalid(
                "nobody is named", field="name",
                message_vi="Hãy nhập họ tên, số điện thoại, thư điện tử hoặc số giấy tờ của người yêu cầu.",
            )  # fmt: skip
        if not why:
            raise InputInvalid("no reason is given", field="reason", message_vi="Hãy nhập lý do tra cứu.")
        with self._db.read() as tx:
            places = self.places(tx, actor.ward, sought, codes)
            found = _cases(tx, places)
        self._tell(actor, sought, why, places)
        return found

    def places(self, tx: Tx, ward: str | None, sought: Sought, codes: Collection[str] = ()) -> Places:
        """Where the person is, in the ward or (None) everywhere."""
        reports: dict[int, set[str]] = defaultdict(set)
        phone = self._vault.blind(sought.called, "phone") if sought.called else None
        email = self._vault.blind(sought.mail, "email") if sought.mail else None
        for report_id, by in subject_queries.by_index(tx, phone, email, ward).items():
            reports[report_id] |= by
        if sought.squashed_name or sought.digits:
            for row in subject_queries.identities(tx, ward):
                reports[row.report_id] |= self._by_identity(sought, row.identity)
        for row in subject_queries.texts(tx, ward):
            if any(map(sought.named_in, (row.subject, row.body, row.address, row.external_id))):
                reports[row.id].add("text")
        for case_id in filter(None, (case_queries.by_code(tx, words(code)[:50], ward) for code in codes)):
            for member in case_queries.living(tx, case_id):
                reports[member.report_id].add("code")
        entries: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
        for row in subject_queries.words_of_officers(tx, ward):
            if sought.named_in(row.data):
                entries[row.case_id or NO_CASE].append((row.id, row.chain, row.seq))
        answers: dict[int, list[int]] = defaultdict(list)
        for row in subject_queries.answers(tx, ward):
            if sought.named_in(row.body):
                answers[row.case_id].append(row.id)
        differences: dict[int, list[int]] = defaultdict(list)
        for row in subject_queries.differences(tx, ward):
            if any(map(sought.named_in, (row.ours, row.theirs, row.author, row.note, row.reason))):
                differences[row.case_id].append(row.id)
        return Places(
            {one: by for one, by in reports.items() if by},
            {case_id: tuple(found) for case_id, found in entries.items()},
            {case_id: tuple(found) for case_id, found in answers.items()},
            {case_id: tuple(found) for case_id, found in differences.items()},
        )

    def _by_identity(self, sought: Sought, sealed: bytes) -> set[str]:
        try:
            person = self._vault.open_json(sealed, "identity") or {}
        except SealBroken:
            return set()
        same = {
            "name": bool(sought.squashed_name) and squash(person.get("name") or "") == sought.squashed_name,
            "id_number": bool(sought.digits)
            and "".join(filter(str.isdigit, person.get("id_number") or "")) == sought.digits,
        }
        return {name for name, is_same in same.items() if is_same}

    def _tell(self, actor: Actor, sought: Sought, why: str, places: Places) -> None:
        by = [name for name in ("name", "phone", "email", "id_number") if getattr(sought, name)]
        told = {"by": by, "reason": why, "reports": sorted(places.reports)}
        with self._db.write() as tx:
            entry = Draft(actor.ward or SYSTEM, "person_sought", self._clock(), told, officer_id=actor.id)
            ledger.append(tx, [entry])


def _cases(tx: Tx, places: Places) -> tuple[FoundCase, ...]:
    homes = subject_queries.homes(tx, places.reports)
    ids = {*homes.values(), *places.cases}
    files: dict[int, int] = defaultdict(int)
    for row in subject_queries.files_of(tx, places.reports):
        files[row.report_id] += 1
    reports: dict[int, list[FoundReport]] = defaultdict(list)
    for row in subject_queries.reports_in(tx, places.reports):
        reports[homes[row.id]].append(_report(row, places.reports[row.id], files[row.id]))
    held, waiting = stays(tx, ids), subject_queries.waiting(tx, ids)
    return tuple(
        FoundCase(
            row.id, row.code, row.title, row.is_open, tuple(reports[row.id]),
            len(places.entries.get(row.id, ())), len(places.answers.get(row.id, ())),
            len(places.differences.get(row.id, ())), waiting.get(row.id, 0), held.get(row.id),
        )
        for row in subject_queries.cases_of(tx, ids)
    )  # fmt: skip


def stays(tx: Tx, case_ids: Collection[int]) -> dict[int, Stays]:
    """Cases of which nothing is erased now. An answer that only waits for its time does not hinder."""
    held = {
        case_id: why
        for case_id, why in retention_queries.held_cases(tx, case_ids).items()
        if why is not Stays.SENDING
    }
    return {**dict.fromkeys(subject_queries.under_way(tx, case_ids), Stays.SENDING), **held}


def _report(row: Any, by: set[str], files: int) -> FoundReport:
    return FoundReport(
        row.id, row.title, row.received_at, tuple(sorted(by)), row.anonymous, row.known is not None, files
    )
