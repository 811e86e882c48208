"""Counts of cases that never scan: every change of a case moves its numbers in the same transaction.

A case is counted under its ward, unit, officer, category, the channel of its first report, and its
status. What may surprise: a merged case counts nowhere, its reports are counted in the survivor; but an
answer given before the merge, that its source never got, stays a problem that somebody must see to. A
complaint or denunciation is no feedback: it has numbers of its own and is in none of the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from aggregator.domain.legal import LegalState
from aggregator.domain.workflow import Status
from aggregator.storage import case_queries, count_queries
from aggregator.storage.case_queries import CaseFacts
from aggregator.storage.count_queries import Cell
from aggregator.storage.db import Tx

#: Key of "nobody", "no unit", "no category".
NONE = "-"


def buckets(facts: CaseFacts) -> list[str]:
    """What one case adds one to."""
    found = ["problem"] if facts.delivery_problem else []
    if facts.status == Status.MERGED:
        return found
    state = LegalState(facts.legal) if facts.legal else None
    if state is not None and state.undecided:
        found.append("legal")
    if state is LegalState.CONFIRMED:
        found.append("legal_done")
    if state is not None and state.restricted:
        return found
    if facts.is_open:
        found.append("open")
        if facts.stage in ("due_soon", "overdue", "paused"):
            found.append(facts.stage)
    else:
        found.append("done")
        if facts.late:
            found.append("done_late")
    return found


def cells(facts: CaseFacts) -> Iterator[Cell]:
    """Every cell that one case adds one to."""
    keys = (
        ("all", ""),
        ("unit", _key(facts.unit_id)),
        ("officer", _key(facts.officer_id)),
        ("category", facts.category_code or NONE),
        ("channel", str(facts.channel_id)),
    )
    for bucket in buckets(facts):
        for dim, key in keys:
            yield facts.ward_code, dim, key, bucket
    if "open" in buckets(facts):
        yield facts.ward_code, "status", facts.status, "open"


def shift(tx: Tx, before: Iterable[CaseFacts], after: Iterable[CaseFacts]) -> None:
    """Move the numbers from what cases were to what they are."""
    deltas: Counter[Cell] = Counter()
    for facts in after:
        deltas.update(cells(facts))
    for facts in before:
        deltas.subtract(cells(facts))
    count_queries.add(tx, deltas)


@contextmanager
def kept(tx: Tx, *case_ids: int) -> Iterator[None]:
    """Whatever the block does to these cases, their numbers follow."""
    before = case_queries.facts(tx, case_ids)
    yield
    after = case_queries.facts(tx, case_ids)
    shift(tx, before.values(), after.values())


def recount(tx: Tx) -> Counter[Cell]:
    """The numbers counted afresh from the cases themselves. Reads every case."""
    counted: Counter[Cell] = Counter()
    for facts in count_queries.every_case(tx):
        counted.update(cells(facts))
    return counted


def _key(value: int | None) -> str:
    return NONE if value is None else str(value)
