"""New and changed reports into tables: matched, in a case, with a clock, in the ledger.

`admit` and `revise` are the middle of intake's transaction; they never open one. Rows are gathered
for the whole batch and written table by table, because one statement a table and batch is what keeps
intake fast. What may surprise: a revised report keeps its case. Only a person moves a report whose
text changed, and the case is marked unread so that somebody looks.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from aggregator.domain import legal, matching
from aggregator.domain.matching import Traits
from aggregator.domain.places import Learned
from aggregator.domain.runs import BY_ITSELF, Run
from aggregator.domain.text import e164, squash
from aggregator.domain.worktime import VN
from aggregator.services import (
    arrival_rows,
    beliefs,
    clock_log,
    counters,
    cover,
    deadlines,
    ledger,
    legal_matters,
    notices,
    questions,
    routing,
)
from aggregator.services.answers import TAKEN_ON, Answers
from aggregator.services.arrival_rows import Arrival
from aggregator.services.canonical import Canonical
from aggregator.services.deadlines import Deadlines, Owed, case_clock
from aggregator.services.legal_matters import Found
from aggregator.services.matching_index import Matcher
from aggregator.services.notices import Notice
from aggregator.services.rules import Book
from aggregator.services.stored_index import StoredCandidates
from aggregator.storage import (
    case_queries,
    case_unit_queries,
    ledger_queries,
    match_queries,
    report_queries,
    street_queries,
)
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import Head
from aggregator.storage.vault import Vault

#: Words of channels for urgency (1022: 1 normal, 2 urgent, 3 light), folded.
URGENCY = {
    **dict.fromkeys(("2", "khan", "khan cap", "gap", "urgent", "high"), "urgent"),
    **dict.fromkeys(("3", "nhe", "thap", "low"), "low"),
}


class Admission:
    """Turns arrivals into rows. One instance serves every batch."""

    def __init__(self, vault: Vault, clocks: Deadlines, answers: Answers) -> None:
        self._vault = vault
        self._clocks = clocks
        self._answers = answers

    # New reports

    def admit(self, tx: Tx, run: Run, book: Book, arrivals: list[Arrival], now: datetime) -> None:
        """Store, match, open a case or join one, start the clock, count, and record each report."""
        if not arrivals:
            return
        for arrival in arrivals:
            self._classify(book, arrival)
            arrival.owed = self._first_owed(book, run, arrival, now)
        traits = [self._traits(run, arrival) for arrival in arrivals]
        keys = {t.report_id: matching.keys(t) for t in traits}
        self._place(tx, book, arrivals, traits, keys)
        self._write_reports(tx, run, arrivals, now)
        match_queries.insert_traits(tx, traits, keys)
        grown = self._open_cases(tx, run, book, arrivals, now)
        stored = case_queries.rows(tx, grown)
        self._write_members(tx, book, arrivals, stored, now)
        self._grow_cases(tx, book, grown, stored, now)
        # Once they live somewhere: an officer is asked about cases.
        questions.refresh(tx, [a.case_id for a in arrivals if a.placement and a.placement.suggestions])
        entries = ledger.append(tx, [arrival_rows.entry(run, arrival, now) for arrival in arrivals])
        _tell_owners(tx, grown, dict(zip((a.report_id for a in arrivals), entries, strict=True)), now)
        legal_matters.notice(tx, self._clocks, _found(arrivals), now)
        if run.kind in BY_ITSELF:
            self._tell_senders(tx, run, stored, now)

    def _tell_senders(self, tx: Tx, run: Run, joined: Mapping[int, Any], now: datetime) -> None:
        """Who wrote of what somebody works on already learns that it came; imports and the past do not."""
        taken_on = {id_: row.ward_code for id_, row in joined.items() if row.status in TAKEN_ON}
        if taken_on:
            wards = self._answers.tells(tx, run.channel_id, set(taken_on.values()))
            chosen = [id_ for id_, ward in taken_on.items() if ward in wards]
            with counters.kept(tx, *chosen):
                self._answers.joined(tx, None, chosen, now)

    def _classify(self, book: Book, arrival: Arrival) -> None:
        values = arrival.values
        arrival.category = book.category(values.category_raw)
        arrival.urgency = URGENCY.get(squash(values.urgency_raw)) if values.urgency_raw else None
        arrival.phone_index = self._index(values, "phone")
        arrival.legal = legal.read(
            values.subject, values.body, category=values.category_raw, declared=values.declared,
            attachments=[item.filename for item in values.attachments],
        )  # fmt: skip

    def _index(self, values: Canonical, kind: str) -> str | None:
        """Blind index of the person's phone or e-mail: equal values match, none can be read.

        None for who asked to stay unknown: a search by a neighbour's number would tell who it was.
        """
        if values.person.anonymous:
            return None
        if kind == "phone":
            number = e164(values.person.phone)
            return self._vault.blind(number, "phone") if number else None
        mail = values.person.email
        return self._vault.blind(mail.lower(), "email") if mail else None

    def _first_owed(self, book: Book, run: Run, arrival: Arrival, now: datetime) -> list[Owed]:
        return self._clocks.first(
            book, report_id=arrival.report_id, ward=arrival.ward, channel=run.channel_slug,
            category=arrival.category, urgency=arrival.urgency, kind=arrival.values.kind,
            received_at=arrival.values.occurred_at, source_due_at=arrival.values.due_at, now=now,
            unit_id=arrival_rows.unit(book, arrival),
        )  # fmt: skip

    def _traits(self, run: Run, arrival: Arrival) -> Traits:
        values = arrival.values
        raw = values.category_raw
        return matching.traits(
            report_id=arrival.report_id, received_at=values.occurred_at, subject=values.subject,
            body=values.body, address=values.address, lat=values.lat, lng=values.lng, ward=arrival.ward,
            # A channel's own word still tells two problems apart where nobody has mapped it to ours.
            category=arrival.category or (squash(raw) if raw else None),
            phone=arrival.phone_index, channel=run.channel_slug, anonymous=values.person.anonymous,
            legal=arrival.legal is not None,
        )  # fmt: skip

    def _place(
        self, tx: Tx, book: Book, arrivals: Sequence[Arrival], traits: Sequence[Traits],
        keys: Mapping[int, Sequence[int]],
    ) -> None:  # fmt: skip
        matcher = Matcher(StoredCandidates(tx, traits, keys), book.matching)
        fresh = iter(case_queries.reserve_ids(tx, len(arrivals)))
        for arrival, found in zip(arrivals, traits, strict=True):
            arrival.placement = matcher.place(found)
            arrival.opens = arrival.placement.case_id is None
            arrival.case_id = next(fresh) if arrival.placement.case_id is None else arrival.placement.case_id
            matcher.settle(found, arrival.case_id)

    def _write_reports(self, tx: Tx, run: Run, arrivals: Sequence[Arrival], now: datetime) -> None:
        report_queries.insert_reports(tx, [arrival_rows.report(run, arrival, now) for arrival in arrivals])
        self._write_people(tx, arrivals, now)
        match_queries.put_rule_judgements(
            tx, [row for arrival in arrivals for row in arrival_rows.questions(arrival, now)]
        )

    def _write_people(self, tx: Tx, arrivals: Sequence[Arrival], now: datetime) -> None:
        """Who reported, sealed, and the files they gave."""
        report_queries.put_identities(
            tx, [row for a in arrivals if (row := self._identity(a.report_id, a.values))]
        )
        report_queries.insert_attachments(
            tx, [row for a in arrivals for row in arrival_rows.attachments(a.report_id, a.values, now)]
        )

    def _identity(self, report_id: int, values: Canonical) -> dict[str, Any] | None:
        person = values.person
        if person.anonymous:
            return None
        known = {
            name: value
            for name in ("name", "phone", "email", "address", "id_number")
            if (value := getattr(person, name))
        }
        if not known:
            return None
        return {
            "report_id": report_id,
            "identity": self._vault.seal_json(known, "identity"),
            "phone_index": self._index(values, "phone"),
            "email_index": self._index(values, "email"),
        }

    def _open_cases(
        self, tx: Tx, run: Run, book: Book, arrivals: Sequence[Arrival], now: datetime
    ) -> dict[int, list[Arrival]]:
        """Insert the new cases with all that joined them already; the rest joins stored ones."""
        groups: dict[int, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            groups[arrival.case_id].append(arrival)
        new = {case_id: group for case_id, group in groups.items() if group[0].opens}
        codes = _codes(tx, [group[0].ward for group in new.values()], now)
        rows = []
        for case_id, group in new.items():
            clock = case_clock([item for one in group for item in one.owed], now)
            code = next(codes[group[0].ward])
            rows.append(arrival_rows.case(run, book, case_id, code, group, clock, now))
        case_queries.insert_cases(tx, rows)
        counters.shift(tx, [], [arrival_rows.facts(row) for row in rows])
        return {case_id: group for case_id, group in groups.items() if case_id not in new}

    def _write_members(
        self, tx: Tx, book: Book, arrivals: Sequence[Arrival], stored: Mapping[int, Any], now: datetime
    ) -> None:
        case_queries.insert_memberships(tx, [arrival_rows.membership(arrival, now) for arrival in arrivals])
        units = {case_id: row.unit_id for case_id, row in stored.items()}
        for arrival in arrivals:  # the first of a new case gives it its unit
            units.setdefault(arrival.case_id, arrival_rows.unit(book, arrival))
        case_queries.insert_clock_events(
            tx,
            [
                clock_log.start_row(a.case_id, a.report_id, a.values.occurred_at, units[a.case_id])
                for a in arrivals
            ],
        )
        case_queries.insert_deadlines(
            tx,
            [
                owed.row(book.calendar(a.ward, arrival_rows.unit(book, a)).version)
                for a in arrivals
                for owed in a.owed
            ],
        )

    def _grow_cases(
        self, tx: Tx, book: Book, grown: dict[int, list[Arrival]], rows: Mapping[int, Any], now: datetime
    ) -> None:
        """Stored cases take on what joined them: one more report, unread, the earlier deadline (I5)."""
        if not grown:
            return
        before = case_queries.facts(tx, grown)
        case_queries.change_many(
            tx, ("report_count", "unread"),
            [
                {"id": case_id, "report_count": rows[case_id].report_count + len(group), "unread": True}
                for case_id, group in grown.items()
            ],
        )  # fmt: skip
        paused, shared = clock_log.pause_reasons(tx, grown), case_unit_queries.shared(tx, grown)
        for case_id, group in grown.items():
            if case_id in paused:
                reports = [arrival.report_id for arrival in group]
                clock_log.carry_pause(tx, case_id, reports, was=None, now_in=paused[case_id], at=now)
            anew = case_id in shared and self._clocks.rechoose(tx, case_id, now, None, several_units=True)
            # Its first deadline was counted by the hours of the unit that its own words suggest.
            anew = anew or rows[case_id].unit_id in book.unit_calendars
            if anew or case_id in paused or _could_come_first(rows[case_id].due_at, group):
                self._clocks.refresh(tx, case_id, now)
        counters.shift(tx, before.values(), case_queries.facts(tx, grown).values())

    # Changed reports

    def revise(
        self, tx: Tx, run: Run, book: Book, changed: Sequence[tuple[Head, Canonical, str, int]],
        learned: Learned, now: datetime,
    ) -> None:  # fmt: skip
        """Bring stored reports to their newest revision; their cases keep them and turn unread."""
        if not changed:
            return
        decided = street_queries.decided(tx, [head.report_id for head, *_ in changed])
        newest = {
            head.report_id: Arrival(
                values,
                head.ward_code,
                seq,
                digest,
                report_id=head.report_id,
                # Where a person has decided on the ward, the text is not asked again.
                place_guess=None
                if head.report_id in decided
                else routing.revised_guess(book.wards, head.ward_code, run.ward_code, values, learned),
            )
            for head, values, digest, seq in changed
        }
        redated = {head.report_id for head, values, *_ in changed if values.due_at != head.source_due_at}
        case_of = case_queries.case_of_report(tx, newest)
        rows = case_queries.rows(tx, case_of.values())
        before = case_queries.facts(tx, rows)
        for arrival in newest.values():
            self._classify(book, arrival)
        self._rewrite(tx, run, list(newest.values()), now)
        # What a source asks for after the answer changes no result; reopening takes it up.
        redated = {report_id for report_id in redated if rows[case_of[report_id]].is_open}
        redated = beliefs.brought_forward(tx, run, redated)
        deadlines.follow_sources(tx, sorted(redated))
        case_queries.mark_unread(tx, rows)
        for case_id in sorted({case_of[report_id] for report_id in redated}):
            self._clocks.refresh(tx, case_id, now)
        counters.shift(tx, before.values(), case_queries.facts(tx, rows).values())
        ledger.append(
            tx, [arrival_rows.revised_entry(run, one, case_of[id_], now) for id_, one in newest.items()]
        )
        for id_, one in newest.items():
            one.case_id = case_of[id_]
        legal_matters.notice(tx, self._clocks, _found(list(newest.values())), now)

    def _rewrite(self, tx: Tx, run: Run, arrivals: Sequence[Arrival], now: datetime) -> None:
        report_queries.update_reports(tx, [arrival_rows.revised(arrival, now) for arrival in arrivals])
        # Who asks for silence later on gets it for what was said before.
        silent = [arrival.report_id for arrival in arrivals if arrival.values.person.anonymous]
        report_queries.delete_identities(tx, silent)
        self._write_people(tx, arrivals, now)
        traits = [self._traits(run, arrival) for arrival in arrivals]
        match_queries.delete_traits(tx, [arrival.report_id for arrival in arrivals])
        match_queries.insert_traits(tx, traits, {t.report_id: matching.keys(t) for t in traits})


def _found(arrivals: Sequence[Arrival]) -> list[Found]:
    return [Found(one.report_id, one.case_id, one.legal) for one in arrivals if one.legal is not None]


def _tell_owners(
    tx: Tx, grown: Mapping[int, Sequence[Arrival]], entries: Mapping[int, int], now: datetime
) -> None:
    """Who works on a case, and who stands in for them, learns that the rule put more into it.

    One line a case, however many came.
    """
    facts = case_queries.facts(tx, grown)
    answering = cover.both(tx, {one.officer_id for one in facts.values() if one.officer_id is not None}, now)
    told = [
        Notice(
            person, "joined", case_id, facts[case_id].ward_code,
            times=len(group), entry=entries[group[-1].report_id],
        )
        for case_id, group in grown.items()
        for person in answering.get(facts[case_id].officer_id or 0, ())
    ]  # fmt: skip
    notices.tell(tx, told, now)


def _could_come_first(due_at: datetime | None, group: Sequence[Arrival]) -> bool:
    earliest = min((item.due.due_at for one in group for item in one.owed), default=None)
    return earliest is not None and (due_at is None or earliest < due_at)


def _codes(tx: Tx, wards: Iterable[str], now: datetime) -> dict[str, Iterator[str]]:
    """For each ward, the codes of its next cases: two digits of the year, then a running number."""
    wanted = Counter(wards)
    year = now.astimezone(VN).year % 100
    firsts = ledger_queries.take_case_numbers(tx, year, wanted)
    return {ward: (f"{year:02}-{number:05}" for number in count(first)) for ward, first in firsts.items()}
