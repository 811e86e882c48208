"""The statement of one case: received, owed, done, delivered, interrupted, and the verdict.

    entries of the case and of its sources' outages | one list a topic | verdict | sentence

Everything with a time comes from the ledger alone; tables only lend names (of channels, units, rules).
What may surprise: the deadline is read from the entry of the answer that closed the case, where it was
written down at that moment. Pauses, extensions and changes of rule are in it, and no later edit is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain import timeliness
from aggregator.domain.certificates import Arrival, Handling, Interruption, Outcome, outcome
from aggregator.domain.delivery import DELIVERED, Delivery
from aggregator.domain.sla import Step
from aggregator.domain.timeliness import Kind
from aggregator.domain.workflow import CLOSING, OPEN
from aggregator.services.certificate_facts import Kept, Statement, kept
from aggregator.services.certificate_outages import (
    ends_at,
    instant_of,
    interruption,
    lay_over,
    paired,
    span_of,
    touches,
)
from aggregator.services.ledger import SYSTEM
from aggregator.services.rules import Book
from aggregator.storage import case_queries, certificate_queries, inbox_queries, report_queries
from aggregator.storage.db import Tx

#: What a reader of a paper can take in; a flood's case has hundreds. The others are counted.
MOST_REPORTS, MOST_DELIVERIES, MOST_ACTS, MOST_OUTAGES = 40, 120, 80, 20
#: No outage that touches a case began longer before it was told of.
LONGEST = timedelta(days=120)
#: Kinds that say nothing of how the case was handled.
BESIDE = ("certified", "certificate_withdrawn", "legal_read", "unmasked", "noted", "revised", "escalated")
#: Kinds that the timeline of the paper tells. Arrivals and deliveries have lists of their own.
_ACTS = (
    "assigned", "moved", "paused", "resumed", "extended", "replied", "answer_adopted", "reply_withdrawn",
    "recounted", "merged", "unmerged", "split", "split_off", "ward_came",
)  # fmt: skip
#: Entries of answers: we gave it, or found it given at the source itself.
ANSWERED = ("replied", "answer_adopted")
#: What the timeline says beside the time, where the entry may be shown.
_ACT_WORDS = {
    "assigned": {"unit": "data.unit", "officer": "data.officer"},
    "moved": {"to": "data.to"},
    "paused": {"reason": "data.reason"},
    "answer_adopted": {
        "answer": "data.kind",
        "text_sha256": "data.body_sha256",
        "answered_at": "data.answered_at",
    },
    "replied": {"answer": "data.kind", "text_sha256": "data.body_sha256", "reply": "data.reply"},
}


@dataclass(frozen=True, slots=True)
class Content:
    """What is certified, before it has a number; `closing` is the answer that it is about."""

    statement: Statement
    closing: Kept
    outcome: Outcome


def closing_answer(entries: Iterable[Kept]) -> Kept | None:
    """The entry of the answer that finished the case, None where it was never, or is no longer, finished."""
    found: Kept | None = None
    for entry in entries:
        after = entry.get("to")
        if entry.kind in ANSWERED and entry.get("kind") in CLOSING:
            found = found or entry
        elif after in OPEN and entry.get("from") not in OPEN and after is not None:
            found = None
    return found


def content(tx: Tx, book: Book, case: Any, now: datetime, *, names: bool) -> Content | None:
    """The statement of a case's row as it stands now; None where no answer has closed it."""
    members = [row.report_id for row in case_queries.living(tx, case.id)]
    entries = [kept(row) for row in certificate_queries.entries_of(tx, [case.id], BESIDE)]
    closing = closing_answer(entries)
    if closing is None or case.is_open:
        return None
    told = _Teller(tx, book, case, members, entries, closing, names)
    return told.all(now)


@dataclass(frozen=True, slots=True)
class Way:
    """One message's way to its source by its entries; `sent` is the one since which the source has it."""

    message: int
    slug: str
    #: None in entries from before it was told.
    reply: int | None
    entries: Sequence[Kept]
    sent: Kept | None

    @property
    def by_hand(self) -> bool:
        return self.sent is not None and self.sent.officer_id is not None


def ways_of(entries: Iterable[Kept]) -> list[Way]:
    """Every message that was not taken back before it left."""
    found: dict[int, list[Kept]] = {}
    for entry in entries:
        if entry.kind == "delivery" and entry.data:
            found.setdefault(entry.data["outbox"], []).append(entry)
    return [
        Way(
            message, way[-1].get("channel"), way[-1].get("reply"), way,
            next((one for one in way if one.get("state") in DELIVERED), None),
        )
        for message, way in found.items() if way[-1].get("state") != Delivery.WITHDRAWN
    ]  # fmt: skip


def _latest(ways: Iterable[Way], at_least: datetime) -> datetime:
    return max([at_least, *(way.sent.at for way in ways if way.sent is not None)])


class _Teller:
    """Fills one statement, list by list."""

    def __init__(
        self, tx: Tx, book: Book, case: Any, members: Sequence[int], entries: Sequence[Kept], closing: Kept,
        names: bool,
    ) -> None:  # fmt: skip
        self._tx = tx
        self._book = book
        self._case = case
        self._members = members
        self._entries = entries
        self._closing = closing
        self._told = Statement(names)
        self._reports = {row.id: row for row in report_queries.in_case_ids(tx, members)}
        self._titles = {row.slug: row.title for row in self._reports.values()}
        self._ways = ways_of(entries)
        # Found given at one source, it answered the reports of others only when it was found.
        alone = closing.kind == "answer_adopted" and not closing.get("also_to")
        self._given = "data.answered_at" if alone else "at"
        self._answered_at = datetime.fromisoformat(closing.at_field(self._given))

    def all(self, now: datetime) -> Content:
        document = self._told.document
        units = inbox_queries.unit_names(self._tx, [self._case.unit_id] if self._case.unit_id else [])
        document |= {
            "format": "motmoi/statement/1", "case": self._case.code, "case_id": self._case.id,
            "ward": {"code": self._case.ward_code, "name": self._book.wards[self._case.ward_code]},
            "unit": units.get(self._case.unit_id),
            "category": self._book.category_names.get(self._case.category_code or "", (None, None))[0],
            "reports_in_all": len(self._members), "rules": {},
            **{name: [] for name in ("reports", "deadlines", "acts", "deliveries", "outages")},
        }  # fmt: skip
        self._tell_reports()
        self._tell_acts()
        self._tell_deliveries()
        found = self._tell_deadlines()
        self._tell_outages()
        self._tell_verdict(found, now)
        return Content(self._told, self._closing, found)

    # Received

    def _tell_reports(self) -> None:
        arrivals = self._arrivals()
        members = sorted(self._members, key=lambda one: (self._reports[one].received_at, one))
        for report_id in members[:MOST_REPORTS]:
            row, entry = self._reports[report_id], arrivals.get(report_id)
            plain = {"report": report_id, "channel": row.slug, "title": row.title}
            self._told.say(
                "reports", entry, plain,
                received_at="data.received_at", recorded_at="at", source_id="data.source_id",
            )  # fmt: skip

    def _arrivals(self) -> dict[int, Kept]:
        """Report -> the entry of its coming, also where that was into another case."""
        homes = certificate_queries.homes_of(self._tx, self._members) - {self._case.id}
        elsewhere = [kept(row) for row in certificate_queries.entries_of(self._tx, homes, BESIDE)]
        found: dict[int, Kept] = {}
        for entry in (*self._entries, *elsewhere):
            if entry.kind in ("opened", "joined") and entry.get("report") is not None:
                found.setdefault(entry.get("report"), entry)
        return found

    # Done

    def _tell_acts(self) -> None:
        acts = [entry for entry in self._entries if entry.kind in _ACTS]
        staff = certificate_queries.staff(self._tx, {one.officer_id for one in acts if one.officer_id})
        self._told.document["acts_in_all"] = len(acts)
        for entry in acts[-MOST_ACTS:]:
            words = _ACT_WORDS.get(entry.kind, {})
            if entry.kind == "assigned" and not self._told.names:
                words = {"unit": "data.unit"}
            by = who(staff.get(entry.officer_id or 0), names=self._told.names)
            self._told.say("acts", entry, {"who": by}, kind="kind", at="at", **words)

    # Delivered

    def _tell_deliveries(self) -> None:
        """One line a message: its failed tries, and when the source had it. Those that wait come first."""
        order = sorted(self._ways, key=lambda way: (way.sent is not None, way.message))
        for way in order[:MOST_DELIVERIES]:
            self._tell_way(way)

    def _tell_way(self, way: Way) -> None:
        last, failed = way.entries[-1], [one for one in way.entries if one.get("error")]
        seen = next((one for one in way.entries if one.get("state") == Delivery.ACKNOWLEDGED), None)
        plain = {
            "message": way.message,
            "title": self._titles.get(way.slug, way.slug),
            "by_hand": way.by_hand,
        }
        row = self._told.say(
            "deliveries", last, plain,
            channel="data.channel", report="data.report", reply="data.reply", state="data.state",
            attempts="data.attempt",
        )  # fmt: skip
        path = f"deliveries.{len(self._told.document['deliveries']) - 1}"
        first = failed[0] if failed else None
        self._told.prove(row, path, first, first_failed_at="at", error="data.error")
        self._told.prove(row, path, failed[-1] if failed else None, last_failed_at="at")
        self._told.prove(row, path, way.sent, sent_at="at")
        self._told.prove(row, path, seen, seen_at="at")

    # Owed

    def _tell_deadlines(self) -> Outcome:
        """The deadlines as the closing answer has them, and what they make of it."""
        if self._closing.get("deadlines") is None:
            return Outcome.UNPROVEN
        self._told.prove(self._told.document, "", self._closing, deadlines="data.deadlines")
        rows = self._told.document["deadlines"]
        for row in rows:
            if row["rule"]:
                key, version = row["rule"]
                self._told.document["rules"][f"{key}/{version}"] = _rule(self._book, key, version)
        return outcome(self._answered_at, _first_due(rows))

    # Interrupted

    def _tell_outages(self) -> None:
        channels = {row.channel_id for row in self._reports.values()}
        received = min((row.received_at for row in self._reports.values()), default=self._closing.at)
        rows = certificate_queries.outage_entries(self._tx, SYSTEM, channels, received - LONGEST)
        titles = {row.channel_id: row.title for row in self._reports.values()}
        waiting = any(way.sent is None for way in self._ways)
        until = None if waiting else _latest(self._ways, self._closing.at)
        touching = [
            (began, ended)
            for began, ended in paired([kept(row) for row in rows])
            if touches(began, ended, received, until)
        ]
        for began, ended in touching[-MOST_OUTAGES:]:
            self._tell_outage(titles[began.channel_id or 0], began, ended)

    def _tell_outage(self, title: str, began: Kept, ended: Kept | None) -> None:
        row = self._told.say(
            "outages", began, {"title": title},
            outage="data.outage", channel="data.channel", capability="data.capability", began_at="data.at",
            code="data.code", status="data.status", body_sha256="data.body_sha256",
        )  # fmt: skip
        path = f"outages.{len(self._told.document['outages']) - 1}"
        self._told.prove(
            row, path, ended, last_failed_at="data.last_failed_at", ended_at="data.ended_at",
            attempts="data.attempts", gaps="data.gaps", ours_maybe="data.ours_maybe",
        )  # fmt: skip
        if ended is None:
            row["last_failed_at"] = self._last_failure(began)

    def _last_failure(self, began: Kept) -> str:
        """Of an outage that lasts: when an answer of this case last failed to get through."""
        failed: list[str] = [
            row["last_failed_at"]
            for row in self._told.document["deliveries"]
            if row["last_failed_at"] and row["channel"] == began.get("channel")
        ]
        return max([str(began.get("at")), *failed])

    # The verdict

    def _tell_verdict(self, found: Outcome, now: datetime) -> None:
        document = self._told.document
        verdict: dict[str, Any] = {"code": found.value, "due_at": None}
        document["verdict"] = verdict
        self._told.prove(verdict, "verdict", self._closing, answered_at=self._given, answer="data.kind")
        if found in (Outcome.IN_TIME, Outcome.LATE):
            self._told.prove(verdict, "verdict", self._closing, due_at="data.deadlines.0.due_at")
        due_at = instant_of(verdict["due_at"]) or (self._case.due_at if found is Outcome.UNPROVEN else None)
        self._prove_told(verdict)
        verdict["sources"] = self._sources(due_at, now)
        verdict["unreachable"] = any(one["kind"] == Kind.UNREACHABLE for one in verdict["sources"])
        verdict["sentence"] = Handling(
            office=document["ward"]["name"], outcome=found, answered_at=self._answered_at, due_at=due_at,
            seen_at=self._seen(), interruptions=self._interruptions(due_at), arrivals=self._arrived(),
        ).sentence()  # fmt: skip

    def _prove_told(self, verdict: dict[str, Any]) -> None:
        """Times that the sentence tells and that may stand in no list, where lists are cut short."""
        if self._seen():
            self._told.prove(verdict, "verdict", self._closing, seen_at="at")
        verdict["arrivals"] = []
        for number, slug in enumerate(self._slugs()):
            row: dict[str, Any] = {"channel": slug}
            verdict["arrivals"].append(row)
            self._told.prove(row, f"verdict.arrivals.{number}", self._sent(slug), at="at")

    def _sources(self, due_at: datetime | None, now: datetime) -> list[dict[str, Any]]:
        """What became of the deadline at each source, by the same rule that marks the case's own page."""
        answered_at = self._answered_at.replace(microsecond=0)
        told = []
        for slug, arrival in zip(self._slugs(), self._arrived(), strict=True):
            due = self._due_of(slug) or due_at
            if due is not None:
                spans = [span_of(row) for row in self._told.document["outages"] if row["channel"] == slug]
                found = timeliness.verdict(due, answered_at, arrival.at, spans, as_of=now)
                told.append({"title": arrival.source, "kind": found.kind.value, "label": found.label_vi})
        return told

    def _due_of(self, slug: str) -> datetime | None:
        """When the result was first owed to the reports of this source."""
        mine = {row.id for row in self._reports.values() if row.slug == slug}
        due = [
            datetime.fromisoformat(row["due_at"])
            for row in self._told.document["deadlines"]
            if row["step"] == Step.RESULT and row["report"] in mine
        ]
        return min(due, default=None)

    def _seen(self) -> tuple[str, datetime] | None:
        """Where and when an answer was found that somebody had given at the source."""
        slug = self._closing.get("channel")
        return (self._titles.get(slug, slug), self._closing.at) if slug else None

    def _slugs(self) -> list[str]:
        """The sources that were owed the closing answer; where it was found given, the others."""
        return list(dict.fromkeys(self._closing.get("sources") or self._closing.get("also_to") or ()))

    def _of_closing(self) -> list[Way]:
        """The messages that carry the closing answer."""
        return [way for way in self._ways if way.reply in (self._closing.get("reply"), None)]

    def _sent(self, slug: str) -> Kept | None:
        """The entry since which the source has the closing answer for all of its reports; None: not yet."""
        mine = [way for way in self._of_closing() if way.slug == slug]
        sent = [way.sent for way in mine if way.sent is not None]
        return max(sent, key=lambda one: one.at) if mine and len(sent) == len(mine) else None

    def _arrived(self) -> list[Arrival]:
        """For each source when it had the answer."""
        told = []
        for slug in self._slugs():
            sent = self._sent(slug)
            by_hand = any(way.by_hand for way in self._of_closing() if way.slug == slug)
            told.append(Arrival(self._titles.get(slug, slug), sent.at if sent else None, by_hand))
        return told

    def _interruptions(self, due_at: datetime | None) -> list[Interruption]:
        """Those that lay over the deadline, or between the answer and its delivery; one a source."""
        last = _latest(self._of_closing(), self._closing.at)
        waiting = any(arrival.at is None for arrival in self._arrived())
        found: dict[str, list[Mapping[str, Any]]] = {}
        for row in self._told.document["outages"]:
            begun = waiting or datetime.fromisoformat(row["began_at"]) <= last
            if (begun and ends_at(row) > self._closing.at) or lay_over(row, due_at):
                found.setdefault(row["title"], []).append(row)
        return [interruption(title, rows) for title, rows in found.items()]


def who(officer: Any, *, names: bool) -> dict[str, Any] | None:
    """An officer as a paper tells of them: role and unit, by name only where the office wants that."""
    if officer is None:
        return None
    return {"role": officer.role, "unit": officer.unit} | ({"name": officer.name} if names else {})


def _rule(book: Book, key: str, version: int) -> dict[str, Any] | None:
    """The rule's words, as the office keeps them; its key and version are what the ledger proves."""
    for policy in book.policies.values():
        if (policy.key, policy.version) == (key, version):
            return {"name": policy.name, "amount": policy.amount, "unit": policy.unit.value,
                    "source": policy.source}  # fmt: skip
    return None


def _first_due(rows: Sequence[Mapping[str, Any]]) -> datetime | None:
    """The first row is the result that was due first, where any result was."""
    return datetime.fromisoformat(rows[0]["due_at"]) if rows and rows[0]["step"] == Step.RESULT else None
