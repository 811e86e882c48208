"""What is due to be forgotten, what stays and why. Nothing here changes anything of a case.

Kinds that belong to cases are asked case by case (`OWN` says what a case still has of each); the others
row by row. What may surprise: the same conditions serve the dry run and the run, so that the plan that
somebody confirmed and what is done cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, insert, literal, or_, select, update

from aggregator.domain.delivery import FINAL
from aggregator.domain.retention import WORDED, Kind, Stays
from aggregator.storage.case_tables import cases, memberships, outbox, replies
from aggregator.storage.channel_tables import quarantine, raw_payloads
from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.outage_tables import outage_evidence, outages
from aggregator.storage.privacy_tables import (
    legal_holds,
    privacy_acts,
    privacy_requests,
    retention_rules,
    retention_runs,
    retention_switches,
)
from aggregator.storage.report_tables import attachments, report_revisions, reporters, reports
from aggregator.storage.webhook_tables import webhook_calls

#: Case codes that a plan shows of each kind.
SAMPLE = 5
EMPTY = b""
_ENDED = [state.value for state in FINAL]


@dataclass(frozen=True, slots=True)
class Due:
    """What a plan says of one kind. `count`: cases, or rows of kinds that belong to none."""

    count: int
    oldest: datetime | None
    sample: tuple[str, ...]
    stays: Mapping[Stays, int]


# Rules, switch, runs ---------------------------------------------------------------------------------


def rules(tx: Tx) -> list[Row[Any]]:
    """Every rule ever set, newest first."""
    return list(tx.execute(select(retention_rules).order_by(retention_rules.c.id.desc())))


def insert_rule(tx: Tx, values: dict[str, Any]) -> int:
    return int(
        tx.execute(insert(retention_rules).values(**values).returning(retention_rules.c.id)).scalar_one()
    )


def switch(tx: Tx) -> Row[Any] | None:
    return tx.execute(select(retention_switches).order_by(retention_switches.c.id.desc()).limit(1)).first()


def put_switch(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(insert(retention_switches).values(**values))


def runs(tx: Tx, limit: int) -> list[Row[Any]]:
    return list(tx.execute(select(retention_runs).order_by(retention_runs.c.id.desc()).limit(limit)))


def begin_run(tx: Tx, values: dict[str, Any]) -> int:
    return int(
        tx.execute(insert(retention_runs).values(**values).returning(retention_runs.c.id)).scalar_one()
    )


def change_run(tx: Tx, run_id: int, **values: Any) -> None:
    tx.execute(update(retention_runs).where(retention_runs.c.id == run_id).values(**values))


# Of cases --------------------------------------------------------------------------------------------


def _member(*also: ColumnElement[bool]) -> Select[Any]:
    """The living members of the case of the query around it."""
    return (
        select(literal(1))
        .select_from(memberships)
        .join(reports, reports.c.id == memberships.c.report_id)
        .where(memberships.c.case_id == cases.c.id, memberships.c.ended_at.is_(None), *also)
        .correlate(cases)
    )


def _own(kind: Kind) -> ColumnElement[bool]:
    """Whether the case still has something of this kind."""
    report = reports.c.id
    if kind is Kind.IDENTITY:
        return exists(_member(exists().where(reporters.c.report_id == report)))
    if kind is Kind.FILES:
        left = attachments.c.state != "erased"
        return exists(_member(exists().where(attachments.c.report_id == report, left)))
    if kind is Kind.RAW:
        left = report_revisions.c.raw != EMPTY
        return exists(_member(exists().where(report_revisions.c.report_id == report, left)))
    if kind is Kind.TEXT:
        return exists(_member(or_(reports.c.body != "", reports.c.subject != "")))
    if kind is Kind.ANSWERS:
        return exists().where(replies.c.case_id == cases.c.id, replies.c.body != "")
    worded = and_(ledger_entries.c.kind.in_(WORDED), ledger_entries.c.data.isnot(None))
    return exists().where(ledger_entries.c.case_id == cases.c.id, worded)


def _held() -> dict[Stays, ColumnElement[bool]]:
    asked = (
        select(literal(1))
        .select_from(memberships)
        .join(privacy_acts, privacy_acts.c.report_id == memberships.c.report_id)
        .join(privacy_requests, privacy_requests.c.id == privacy_acts.c.request_id)
        .where(
            memberships.c.case_id == cases.c.id,
            memberships.c.ended_at.is_(None),
            privacy_requests.c.closed_at.is_(None),
        )
        .correlate(cases)
    )
    return {
        Stays.HOLD: exists().where(legal_holds.c.case_id == cases.c.id, legal_holds.c.lifted_at.is_(None)),
        Stays.LEGAL: and_(cases.c.legal.isnot(None), cases.c.legal != "dismissed"),
        Stays.SENDING: exists().where(outbox.c.case_id == cases.c.id, outbox.c.state.not_in(_ENDED)),
        Stays.REQUEST: exists(asked),
    }


def _past(kind: Kind, cutoff: datetime) -> list[ColumnElement[bool]]:
    """Closed before `cutoff`, and not changed at a source since, and still holding something."""
    since = exists(_member(reports.c.changed_at >= cutoff))
    return [cases.c.is_open.is_(False), cases.c.closed_at < cutoff, ~since, _own(kind)]


def cases_due(tx: Tx, kind: Kind, cutoff: datetime, after: int, limit: int) -> list[Row[Any]]:
    """(id, ward_code, code) of cases behind `after` of which this kind is due, in their order."""
    free = [~held for held in _held().values()]
    query = select(cases.c.id, cases.c.ward_code, cases.c.code).where(*_past(kind, cutoff), *free)
    return list(tx.execute(query.where(cases.c.id > after).order_by(cases.c.id).limit(limit)))


def plan_cases(tx: Tx, kind: Kind, cutoff: datetime, ward: str | None) -> Due:
    """The dry run of a kind that belongs to cases."""
    past = _past(kind, cutoff) + ([cases.c.ward_code == ward] if ward is not None else [])
    held = _held()
    free = [*past, *(~one for one in held.values())]
    count, oldest = tx.execute(select(func.count(), func.min(cases.c.closed_at)).where(*free)).one()
    sample = tx.scalars(
        select(cases.c.code).where(*free).order_by(cases.c.closed_at, cases.c.id).limit(SAMPLE)
    )
    stays = {
        why: int(tx.scalar(select(func.count()).select_from(cases).where(*past, one)) or 0)
        for why, one in held.items()
    }
    return Due(count, oldest, tuple(sample), {why: number for why, number in stays.items() if number})


# Of their own ----------------------------------------------------------------------------------------

_WAITING = quarantine.c.state == "open"


def _of_open_item() -> ColumnElement[bool]:
    return exists().where(quarantine.c.raw_payload_id == raw_payloads.c.id, _WAITING)


def _rows(kind: Kind, cutoff: datetime) -> tuple[Any, ColumnElement[Any], list[ColumnElement[bool]], Any]:
    """The table, its date, what is past, and what of it waits for a person."""
    if kind is Kind.PAGES:
        past = [raw_payloads.c.fetched_at < cutoff, raw_payloads.c.content != EMPTY]
        return raw_payloads, raw_payloads.c.fetched_at, past, _of_open_item()
    if kind is Kind.QUARANTINE:
        at = func.coalesce(quarantine.c.settled_at, quarantine.c.seen_at)
        left = or_(quarantine.c.error != "", quarantine.c.held.isnot(None))
        return quarantine, quarantine.c.seen_at, [at < cutoff, left], _WAITING
    if kind is Kind.CALLS:
        past = [webhook_calls.c.received_at < cutoff, webhook_calls.c.content.isnot(None)]
        return webhook_calls, webhook_calls.c.received_at, past, webhook_calls.c.state == "waiting"
    if kind is Kind.EVIDENCE:
        past = [outage_evidence.c.kept_at < cutoff]
        still_out = exists().where(outages.c.id == outage_evidence.c.outage_id, outages.c.ended_at.is_(None))
        return outage_evidence, outage_evidence.c.kept_at, past, still_out
    past = [privacy_requests.c.closed_at < cutoff, privacy_requests.c.asked.isnot(None)]
    return privacy_requests, privacy_requests.c.closed_at, past, privacy_requests.c.closed_at.is_(None)


def rows_due(tx: Tx, kind: Kind, cutoff: datetime, limit: int) -> list[int]:
    """The ids of rows of a kind that belongs to no case, oldest first."""
    table, at, past, waits = _rows(kind, cutoff)
    return list(tx.scalars(select(table.c.id).where(*past, ~waits).order_by(at, table.c.id).limit(limit)))


def plan_rows(tx: Tx, kind: Kind, cutoff: datetime) -> Due:
    table, at, past, waits = _rows(kind, cutoff)
    count, oldest = tx.execute(
        select(func.count(), func.min(at)).select_from(table).where(*past, ~waits)
    ).one()
    open_ = int(tx.scalar(select(func.count()).select_from(table).where(*past, waits)) or 0)
    return Due(count, oldest, (), {Stays.OPEN: open_} if open_ else {})


# Holds -----------------------------------------------------------------------------------------------


def hold_of(tx: Tx, case_id: int) -> Row[Any] | None:
    living = legal_holds.c.lifted_at.is_(None)
    return tx.execute(select(legal_holds).where(legal_holds.c.case_id == case_id, living)).one_or_none()


def holds(tx: Tx, ward: str | None) -> list[Row[Any]]:
    """The living holds with their cases' codes, newest first."""
    query = (
        select(legal_holds, cases.c.code, cases.c.ward_code)
        .join(cases, cases.c.id == legal_holds.c.case_id)
        .where(legal_holds.c.lifted_at.is_(None))
        .order_by(legal_holds.c.id.desc())
    )
    return list(tx.execute(query if ward is None else query.where(cases.c.ward_code == ward)))


def insert_hold(tx: Tx, values: dict[str, Any]) -> None:
    tx.execute(insert(legal_holds).values(**values))


def lift_hold(tx: Tx, hold_id: int, now: datetime, officer_id: int | None) -> None:
    tx.execute(
        update(legal_holds).where(legal_holds.c.id == hold_id).values(lifted_at=now, lifted_by=officer_id)
    )


def held_cases(tx: Tx, case_ids: Collection[int]) -> dict[int, Stays]:
    """Those of the cases that somebody holds, or of which an answer is on its way, with the reason."""
    found: dict[int, Stays] = {}
    told = _held()
    for why in (Stays.SENDING, Stays.LEGAL, Stays.HOLD):
        query = select(cases.c.id).where(cases.c.id.in_(case_ids), told[why])
        found.update(dict.fromkeys(tx.scalars(query), why))
    return found
