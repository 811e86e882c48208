"""Posting lists and stored traits: candidates for a batch of new reports in two statements.

Each key's list is read newest first and cut at `PER_KEY`, inside the database, by walking the
primary key backwards: cost follows the number of keys asked for, never the number of reports stored.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Row,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import LateralFromClause

from aggregator.domain.matching import Traits
from aggregator.domain.traits import PER_KEY, day_of
from aggregator.storage.bulk import insert_rows
from aggregator.storage.case_tables import cases, memberships
from aggregator.storage.db import Tx
from aggregator.storage.report_queries import chunks
from aggregator.storage.report_tables import judgements, match_keys, match_traits
from aggregator.storage.upsert import inserting

_POSTINGS_SQLITE = text(
    "SELECT q.key, (SELECT json_group_array(report_id) FROM (SELECT report_id FROM match_keys"
    " WHERE key = q.key AND day >= q.since ORDER BY day DESC, report_id DESC LIMIT :per_key))"
    " FROM (SELECT value ->> 0 AS key, value ->> 1 AS since FROM json_each(:keys)) AS q"
)
_POSTINGS_POSTGRES = text(
    "SELECT q.key, ARRAY(SELECT report_id FROM match_keys WHERE key = q.key AND day >= q.since"
    " ORDER BY day DESC, report_id DESC LIMIT :per_key)"
    " FROM unnest(CAST(:keys AS bigint[]), CAST(:since AS int[])) AS q(key, since)"
)


def postings(tx: Tx, keys: Mapping[int, int]) -> dict[int, list[int]]:
    """Key -> report ids, newest first, at most `PER_KEY` each. `keys`: key -> the oldest day wanted."""
    wanted = sorted(keys.items())
    if not wanted:
        return {}
    if tx.dialect.name == "sqlite":
        rows = tx.execute(_POSTINGS_SQLITE, {"keys": json.dumps(wanted), "per_key": PER_KEY})
        return {key: json.loads(ids) for key, ids in rows.all() if ids != "[]"}
    parts = {"keys": [key for key, _ in wanted], "since": [day for _, day in wanted], "per_key": PER_KEY}
    return {key: ids for key, ids in tx.execute(_POSTINGS_POSTGRES, parts).all() if ids}


def _compared(t: Any, c: Any) -> list[Any]:
    """In the order of the fields of `Traits`; `t` and `c` stand for `match_traits` and `cases`."""
    return [
        t.report_id, t.received_at, t.ward, t.category, t.house, t.street, t.lat, t.lng, t.phone, t.text,
        t.content, t.channel, t.legal, t.anonymous, t.kinds, null().label("written"),
        c.id, c.is_open, c.closed_at, c.report_count,
    ]  # fmt: skip


def _stored_sqlite() -> Select[Any]:
    t, wanted = match_traits.c, func.json_each(bindparam("ids")).table_valued("value").c
    return (
        select(*_compared(t, cases.c))
        .join(memberships, (memberships.c.report_id == t.report_id) & memberships.c.ended_at.is_(None))
        .join(cases, cases.c.id == memberships.c.case_id)
        .where(t.report_id.in_(select(wanted.value)))
    )


def _stored_postgres() -> Select[Any]:
    """One by one by their indexes, whatever the statistics say: else it reads all memberships of a table
    that is not yet large."""
    wanted = func.unnest(cast(bindparam("ids"), ARRAY(BigInteger))).table_valued("id").render_derived()
    t = _one(select(match_traits).where(match_traits.c.report_id == wanted.c.id))
    living = memberships.c.ended_at.is_(None)
    m = _one(select(memberships.c.case_id).where(memberships.c.report_id == wanted.c.id, living))
    c = _one(select(cases).where(cases.c.id == m.c.case_id))
    return select(*_compared(t.c, c.c)).select_from(wanted, t, m, c)


def _one(query: Select[Any]) -> LateralFromClause:
    return query.limit(1).lateral()


_STORED = {"sqlite": _stored_sqlite(), "postgresql": _stored_postgres()}


def stored_traits(tx: Tx, report_ids: Iterable[int]) -> dict[int, Traits]:
    """Report id -> what is compared, with the state of the case it lives in now."""
    wanted = sorted(report_ids)
    if not wanted:
        return {}
    dialect = tx.dialect.name
    rows = tx.execute(_STORED[dialect], {"ids": json.dumps(wanted) if dialect == "sqlite" else wanted})
    return {row[0]: Traits(*row) for row in rows.all()}


def insert_traits(tx: Tx, traits: Sequence[Traits], keys: Mapping[int, Sequence[int]]) -> None:
    """Store what a report is compared by, and the keys under which it is found."""
    if not traits:
        return
    insert_rows(
        tx, match_traits,
        [
            {
                "report_id": t.report_id, "received_at": t.received_at, "ward": t.ward,
                "category": t.category, "house": t.house, "street": t.street, "lat": t.lat, "lng": t.lng,
                "phone": t.phone, "text": t.text, "content": t.content, "channel": t.channel,
                "legal": t.legal, "anonymous": t.anonymous, "kinds": t.kinds,
            }
            for t in traits
        ],
    )  # fmt: skip
    # Sorted, neighbours in the index are inserted together.
    rows = sorted((key, day_of(t.received_at), t.report_id) for t in traits for key in set(keys[t.report_id]))
    insert_rows(tx, match_keys, [{"key": key, "day": day, "report_id": one} for key, day, one in rows])


def delete_traits(tx: Tx, report_ids: Sequence[int]) -> None:
    for part in chunks(report_ids):
        tx.execute(delete(match_keys).where(match_keys.c.report_id.in_(part)))
        tx.execute(delete(match_traits).where(match_traits.c.report_id.in_(part)))


def legal_cases(tx: Tx, case_ids: Iterable[int]) -> set[int]:
    """Those of the cases in which a report is a legal matter."""
    found: set[int] = set()
    for part in chunks(sorted(set(case_ids))):
        query = (
            select(memberships.c.case_id)
            .join(match_traits, match_traits.c.report_id == memberships.c.report_id)
            .where(memberships.c.case_id.in_(part), memberships.c.ended_at.is_(None), match_traits.c.legal)
        )
        found.update(tx.scalars(query))
    return found


def put_rule_judgements(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """Keep what the rule was unsure of; a pair that anybody judged before stays as it is."""
    if rows:
        tx.execute(inserting(tx, judgements).on_conflict_do_nothing(), rows)


def put_person_judgements(tx: Tx, rows: list[dict[str, Any]]) -> None:
    """A person's word replaces the rule's, what the rule saw of the pair stays."""
    if not rows:
        return
    statement = inserting(tx, judgements)
    said = ("judgement", "officer_id", "at", "recurrence", "asked_in")
    changed: dict[str, Any] = {name: statement.excluded[name] for name in said}
    changed["features"] = func.coalesce(judgements.c.features, statement.excluded.features)
    tx.execute(statement.on_conflict_do_update(index_elements=["report_a", "report_b"], set_=changed), rows)


def said_of(tx: Tx, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Row[Any]]:
    """Pair of reports -> what is said of it now, by the rule or a person."""
    table, found = judgements, {}
    wanted = set(pairs)
    for part in chunks(sorted({first for first, _ in pairs})):
        for row in tx.execute(select(table).where(table.c.report_a.in_(part))):
            if (row.report_a, row.report_b) in wanted:
                found[row.report_a, row.report_b] = row
    return found


def unsay(tx: Tx, said: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Give back what was said of pairs before `at`, where nobody has spoken since.

    Each dict has report_a, report_b, and judgement (None: nothing was said), officer_id, at, recurrence.
    """
    table = judgements
    mine = and_(table.c.report_a == bindparam("a"), table.c.report_b == bindparam("b"), table.c.at == at)
    new = [{"a": row["report_a"], "b": row["report_b"]} for row in said if row["judgement"] is None]
    if new:
        tx.execute(delete(table).where(mine), new)
    old = [
        {"a": row["report_a"], "b": row["report_b"], "was": row["judgement"], "by": row["officer_id"],
         "since": row["at"], "again": row["recurrence"]}
        for row in said if row["judgement"] is not None
    ]  # fmt: skip
    if old:
        values: dict[str, Any] = {
            "judgement": bindparam("was"), "officer_id": bindparam("by"), "at": bindparam("since"),
            "recurrence": bindparam("again"),
        }  # fmt: skip
        tx.execute(update(table).where(mine).values(**values), old)


def settled_pairs(tx: Tx, report_ids: Sequence[int]) -> set[tuple[int, int]]:
    """Pairs among or around these reports of which a person said: different, or come back."""
    table = judgements
    pairs: set[tuple[int, int]] = set()
    for part in chunks(report_ids):
        query = select(table.c.report_a, table.c.report_b).where(
            or_(table.c.report_a.in_(part), table.c.report_b.in_(part)),
            or_(table.c.judgement == "different", and_(table.c.judgement == "same", table.c.recurrence)),
            table.c.officer_id.isnot(None),
        )
        pairs.update((row[0], row[1]) for row in tx.execute(query))
    return pairs
