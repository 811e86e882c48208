"""The rows that one arriving report becomes: values in, dictionaries for the tables out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aggregator.domain.legal import LegalReading
from aggregator.domain.matching import RULE_VERSION, Verdict
from aggregator.domain.runs import Run
from aggregator.domain.sla import Step
from aggregator.domain.text import sha256_of, squash
from aggregator.domain.workflow import Status
from aggregator.services.canonical import UNUSABLE_REF, Canonical
from aggregator.services.deadlines import NO_DEADLINE, CaseClock, Owed
from aggregator.services.ledger import Draft
from aggregator.services.matching_index import Placement
from aggregator.services.rules import Book
from aggregator.storage.case_queries import CaseFacts
from aggregator.storage.search_queries import search_marks

TITLE = 200
EXTRACT = 160
#: Numbers as portals give them: with a digit, without "@", and without what could be a telephone's or an
#: identity card's number (nine to twelve digits that begin with 0 or 84).
_NUMBER = re.compile(r"(?=.*\d)(?!.*(?<!\d)(?:0\d{8,11}|84\d{9})(?!\d))[A-Za-z0-9][\w./:-]{0,39}", re.ASCII)


@dataclass(slots=True, eq=False)
class Arrival:
    """One report on its way in; the later fields fill up as it goes."""

    values: Canonical
    ward: str
    revision: int
    hash: str
    report_id: int = 0
    category: str | None = None
    urgency: str | None = None
    phone_index: str | None = None
    case_id: int = 0
    opens: bool = False
    owed: list[Owed] = field(default_factory=list)
    placement: Placement | None = None
    #: The ward that its text names for sure, where that is not its channel's (new) or its own (revised).
    place_guess: dict[str, Any] | None = None
    #: What its words make of it, where they tell of a complaint or denunciation.
    legal: LegalReading | None = None


def report(run: Run, arrival: Arrival, now: datetime) -> dict[str, Any]:
    """A new row of `reports`."""
    values = arrival.values
    return {
        "id": arrival.report_id, "channel_id": run.channel_id, "external_id": values.external_id,
        "ward_code": arrival.ward, "received_at": values.occurred_at, "first_seen_at": now,
        **_content(arrival, now),
    }  # fmt: skip


def revised(arrival: Arrival, now: datetime) -> dict[str, Any]:
    """What a revision sets on the stored row; identity, ward and receipt stay."""
    return {"id": arrival.report_id, **_content(arrival, now)}


def _content(arrival: Arrival, now: datetime) -> dict[str, Any]:
    values = arrival.values
    searched = (values.external_id, values.subject, values.body, values.address, values.area)
    text = " ".join(part for part in searched if part)
    return {
        "kind": values.kind, "changed_at": now, "subject": values.subject, "body": values.body,
        "address": values.address, "area": values.area, "lat": values.lat, "lng": values.lng,
        "category_code": arrival.category, "category_raw": values.category_raw,
        "place_guess": arrival.place_guess,
        "urgency": arrival.urgency, "status_raw": values.status_raw, "source_status": values.status.value,
        "source_due_at": values.due_at, "url": values.url, "anonymous": values.person.anonymous,
        "revision": arrival.revision, "revision_hash": arrival.hash,
        "search_text": f"{squash(text)} {search_marks(arrival.ward, arrival.report_id)}",
    }  # fmt: skip


def attachments(report_id: int, values: Canonical, now: datetime) -> Iterator[dict[str, Any]]:
    """Files to be fetched; one whose reference cannot be used is listed as refused."""
    for item in values.attachments:
        usable = not item.ref.startswith(UNUSABLE_REF)
        yield {
            "report_id": report_id, "ref": item.ref, "filename": item.filename,
            "content_type": item.content_type, "size": item.size, "tries": 0,
            "state": "pending" if usable else "refused", "next_try_at": now if usable else None,
            "error": None if usable else "its address cannot be used",
        }  # fmt: skip


def questions(arrival: Arrival, now: datetime) -> Iterator[dict[str, Any]]:
    """What the rule was unsure of, as pairs for the officer: the lower report id first."""
    if arrival.placement is None:
        return
    for other, verdict in arrival.placement.suggestions:
        first, second = sorted((arrival.report_id, other.report_id))
        yield {
            "report_a": first, "report_b": second, "judgement": "unsure", "score": verdict.score,
            "reasons": reasons(verdict), "recurrence": verdict.recurrence,
            "rule_version": verdict.rule_version, "features": features(verdict), "officer_id": None,
            "at": now, "asked_in": None,
        }  # fmt: skip


def reasons(verdict: Verdict | None) -> list[dict[str, Any]]:
    if verdict is None:
        return []
    return [
        {"code": reason.code, "vi": reason.text_vi, "en": reason.text_en, "weight": round(reason.weight, 3)}
        for reason in verdict.reasons
    ]


def features(verdict: Verdict) -> dict[str, float]:
    """What the score was made of, as it is stored: to four digits, what added nothing left out."""
    return {name: round(value, 4) for name, value in verdict.features.items() if value}


def case(
    run: Run, book: Book, case_id: int, code: str, group: Sequence[Arrival], clock: CaseClock, now: datetime
) -> dict[str, Any]:
    """A new row of `cases`; the first report of the group gives it its face."""
    lead = group[0]
    values = lead.values
    text = " ".join(values.body.split())
    urgent = "urgent" if any(one.urgency == "urgent" for one in group) else lead.urgency
    return {
        "id": case_id, "code": code, "ward_code": lead.ward,
        "title": (values.subject or text)[:TITLE] or values.external_id, "extract": text[:EXTRACT],
        "address": values.address or values.area, "category_code": lead.category, "urgency": urgent,
        "channel_id": run.channel_id, "status": Status.NEW.value, "is_open": True,
        "unit_id": unit(book, lead),
        "officer_id": book.officer_for(lead.ward, lead.category),
        "received_at": values.occurred_at, "opened_at": now, "closed_at": None,
        "late": None, "due_at": clock.due_at, "due_step": clock.due_step, "stage": clock.stage,
        "next_at": clock.next_at, "remind_at": clock.remind_at,
        "sort_at": clock.due_at or values.occurred_at + NO_DEADLINE, "report_count": len(group),
        "unread": True, "delivery_problem": False, "legal": None,
        "merged_into": None, "version": 1,
    }  # fmt: skip


def unit(book: Book, arrival: Arrival) -> int | None:
    """The unit of its ward that answers for its category, None where nobody does."""
    return book.unit_for.get((arrival.ward, arrival.category)) if arrival.category else None


def facts(row: dict[str, Any]) -> CaseFacts:
    """What the counters count of a case row that is being inserted."""
    return CaseFacts(**{name: row[name] for name in CaseFacts.__dataclass_fields__})


def membership(arrival: Arrival, now: datetime) -> dict[str, Any]:
    placement = arrival.placement
    verdict = placement.verdict if placement else None
    return {
        "case_id": arrival.case_id, "report_id": arrival.report_id,
        "cause": "opened" if arrival.opens else "rule",
        "score": verdict.score if verdict else None, "reasons": reasons(verdict),
        "rule_version": verdict.rule_version if verdict else RULE_VERSION,
        "beside": placement.beside if placement else None,
        "features": features(verdict) if verdict else None, "officer_id": None, "started_at": now,
    }  # fmt: skip


def entry(run: Run, arrival: Arrival, now: datetime) -> Draft:
    """The ledger's word on one arrival: what came, from where, and what it is owed."""
    told: dict[str, Any] = {
        "report": arrival.report_id,
        "channel": run.channel_slug,
        "revision": arrival.hash,
        "received_at": arrival.values.occurred_at.isoformat(),
        "due": {_due_name(item): item.due.due_at.isoformat() for item in arrival.owed},
        "source_id": plain_id(arrival.values.external_id),
    }
    if arrival.placement and arrival.placement.verdict:
        told["score"] = round(arrival.placement.verdict.score, 4)
        told["beside"] = arrival.placement.beside
        told["reasons"] = [reason.code for reason in arrival.placement.verdict.reasons]
    kind = "opened" if arrival.opens else "joined"
    return Draft(arrival.ward, kind, now, told, case_id=arrival.case_id, channel_id=run.channel_id)


def plain_id(external_id: str) -> str:
    """The source's own number, or a hash of one that could name a person: an address, a telephone (I12)."""
    if _NUMBER.fullmatch(external_id):
        return external_id
    return "sha256:" + sha256_of(external_id)[:16]


def _due_name(item: Owed) -> str:
    return item.origin if item.step == Step.RESULT else item.step


def revised_entry(run: Run, arrival: Arrival, case_id: int, now: datetime) -> Draft:
    """The ledger's word on a report that changed at its source."""
    told = {
        "report": arrival.report_id,
        "revision": arrival.revision,
        "hash": arrival.hash,
        "channel": run.channel_slug,
        "status": arrival.values.status.value,
    }
    if arrival.values.withheld:
        told["withheld"] = arrival.values.withheld
    return Draft(arrival.ward, "revised", now, told, case_id=case_id, channel_id=run.channel_id)
