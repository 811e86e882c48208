"""Officers' decisions about streets, and how often address fields have named which street."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, case, delete, func, insert, select, update

from aggregator.domain.street_rules import Decision
from aggregator.storage import ids
from aggregator.storage.account_tables import officers
from aggregator.storage.case_tables import cases
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import chunks
from aggregator.storage.street_tables import street_decisions, streets
from aggregator.storage.upsert import inserting

_D = street_decisions.c

#: Known streets that are kept in memory: a city has some thousands.
MOST_STREETS = 50_000

# Decisions


def mark(tx: Tx) -> tuple[int, ...]:
    """What is another after every decision and every withdrawal."""
    counts = select(func.count(), func.coalesce(func.max(_D.id), 0), func.count(_D.withdrawn_at))
    return tuple(tx.execute(counts.select_from(street_decisions)).one())


def living(tx: Tx) -> list[Decision]:
    """Every decision that nobody took back, oldest first."""
    query = (
        select(_D.report_id, _D.old_code, _D.old_name, _D.sent_to, _D.street, _D.house, _D.decided_code)
        .where(_D.withdrawn_at.is_(None))
        .order_by(_D.id)
    )
    return [
        Decision(report, (code, name) if code else None, sent_to, street, house, decided)
        for report, code, name, sent_to, street, house, decided in tx.execute(query)
    ]


def put(tx: Tx, row: Mapping[str, Any]) -> int:
    key = tx.execute(insert(street_decisions).values(**row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def decided(tx: Tx, report_ids: Iterable[int]) -> set[int]:
    """Those of the reports about whose ward a person has decided."""
    found: set[int] = set()
    for part in chunks(report_ids):
        found.update(
            tx.scalars(select(_D.report_id).where(_D.report_id.in_(part), _D.withdrawn_at.is_(None)))
        )
    return found


def decision(tx: Tx, decision_id: int) -> Row[Any] | None:
    if not ids.possible(decision_id):
        return None
    return tx.execute(select(street_decisions).where(_D.id == decision_id)).one_or_none()


def withdraw(tx: Tx, decision_id: int, at: datetime, officer_id: int) -> bool:
    """False where somebody took it back before."""
    query = update(street_decisions).where(_D.id == decision_id, _D.withdrawn_at.is_(None))
    return tx.execute(query.values(withdrawn_at=at, withdrawn_by=officer_id)).rowcount == 1


def latest(tx: Tx, ward: str | None, limit: int) -> list[Row[Any]]:
    """The newest living decisions of one ward's officers, or of all; with case code and who decided.

    `seen_in` is the ward of the case today: who decided may not see it any more.
    """
    query = (
        select(
            street_decisions, cases.c.code, cases.c.ward_code.label("seen_in"), officers.c.name.label("who")
        )
        .join(cases, cases.c.id == _D.case_id)
        .join(officers, officers.c.id == _D.officer_id)
        .where(_D.withdrawn_at.is_(None), _D.street.isnot(None))
        .order_by(_D.id.desc())
        .limit(limit)
    )
    return list(tx.execute(query if ward is None else query.where(_D.ward_code == ward)))


# Streets


def count_streets(tx: Tx, named: Mapping[tuple[str, str], int], day: date, often: int) -> None:
    """Add to how often each (ward, street) was named; from `often` times on it is known, from this day."""
    if not named:
        return
    statement = inserting(tx, streets)
    total = streets.c.reports + statement.excluded.reports
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["ward_code", "street"],
            set_={
                "reports": total,
                "last_day": statement.excluded.last_day,
                "known_day": func.coalesce(
                    streets.c.known_day, case((total >= often, statement.excluded.last_day))
                ),
            },
        ),
        [
            {
                "ward_code": ward, "street": street, "reports": count, "last_day": day,
                "known_day": day if count >= often else None,
            }
            for (ward, street), count in sorted(named.items())
        ],
    )  # fmt: skip


def known_streets(tx: Tx, before: date) -> list[tuple[str, str]]:
    """(street, ward) of what was known before that day began, at most `MOST_STREETS`, the eldest first."""
    query = (
        select(streets.c.street, streets.c.ward_code)
        .where(streets.c.known_day < before)
        .order_by(streets.c.known_day, streets.c.ward_code, streets.c.street)
        .limit(MOST_STREETS)
    )
    return [(street, ward) for street, ward in tx.execute(query)]


def forget_streets(tx: Tx, before: date) -> None:
    """Drop what never became known and was last named before that day: slips, and names read too far."""
    tx.execute(delete(streets).where(streets.c.known_day.is_(None), streets.c.last_day < before))
