"""What must be in a database, whatever was killed or cut off: the judge's three questions.

Each yields a sentence a fault, and nothing where all is well.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set

from sqlalchemy import func, select

from aggregator.storage import request_queries
from aggregator.storage.case_tables import outbox, replies
from aggregator.storage.db import Tx
from aggregator.storage.ledger_tables import ledger_entries
from aggregator.storage.report_tables import reports
from tests.chaos import errands


def lost(tx: Tx, done: Set[int], officer_id: int) -> Iterator[str]:
    """Of the errands that were acknowledged: reports, answers and one-time keys that are not there."""
    stored = set(tx.scalars(select(reports.c.external_id)))
    said = set(tx.scalars(select(replies.c.body)))
    for number in sorted(done):
        if number % errands.ROUND == 0 and not set(errands.ids(number)) <= stored:
            yield f"errand {number}: its reports"
        if errands.answers(number) and errands.body(number) not in said:
            yield f"errand {number}: its answer"
        once = errands.key(number)
        if errands.has_key(number) and request_queries.result_of(tx, once, officer_id) is None:
            yield f"errand {number}: its key"


def doubled(tx: Tx) -> Iterator[str]:
    """Reports and answers that are there more than once."""
    for column in (reports.c.external_id, replies.c.body):
        query = select(column, func.count()).group_by(column).having(func.count() > 1)
        yield from (f"{value}: {count} times" for value, count in tx.execute(query))


def torn(tx: Tx) -> Iterator[str]:
    """An answer without its ledger entry or messages, or the other way round."""
    answers = set(tx.scalars(select(replies.c.id)))
    entries = select(ledger_entries.c.data).where(ledger_entries.c.kind == "replied")
    told = Counter(json.loads(data)["reply"] for data in tx.scalars(entries))
    queued = set(tx.scalars(select(outbox.c.reply_id)))
    yield from (f"answer {one}: {told[one]} ledger entries" for one in answers if told[one] != 1)
    yield from (f"answer {one}: no message" for one in answers - queued)
    yield from (f"ledger tells of answer {one}, which is not there" for one in set(told) - answers)


def show(faults: Mapping[str, Sequence[str]]) -> None:
    """Print how many there are of each kind, and the first of them."""
    for name, found in faults.items():
        print(f"  {name.replace('_', ' ')}: {len(found)}", *found[:5], sep="\n    ")
