"""Forgetting in one transaction: the data goes, the skeleton stays, and the ledger says what went.

    lock the chains | identity, files, raw, text, answers, notes | matching kept true | "erased" entries

What stays of a report: its ids, times, states, deadlines, counts; so figures, clocks and proofs stay. What
may surprise: an "erased" entry names the (chain, seq) places whose data and salt went with it. Their
commitments stay in the chain, so every proof made before still holds, and an entry without data that no
"erased" entry names is a finding (`domain.ledger`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aggregator.domain import matching
from aggregator.domain.retention import Kind, ranges
from aggregator.domain.text import squash
from aggregator.services import ledger
from aggregator.services.ledger import Draft
from aggregator.storage import forgetting_queries, match_queries
from aggregator.storage.db import Tx
from aggregator.storage.search_queries import search_marks

#: The title of a case whose words are gone.
BLANK_TITLE = "(đã xoá nội dung)"


@dataclass(frozen=True, slots=True)
class Home:
    """A case of which something is forgotten."""

    case_id: int
    ward: str
    code: str


@dataclass(frozen=True, slots=True)
class Gone:
    """What was forgotten of one case: becomes its "erased" entry."""

    kinds: set[str] = field(default_factory=set)
    reports: set[int] = field(default_factory=set)
    places: set[tuple[str, int]] = field(default_factory=set)


def forget(tx: Tx, kind: Kind, homes: Sequence[Home], now: datetime, why: Mapping[str, Any]) -> None:
    """One kind of all of these cases. The caller holds the chains that `chains_of` names."""
    case_ids = [home.case_id for home in homes]
    reports: dict[int, set[int]] = defaultdict(set)
    for row in forgetting_queries.reports_of(tx, case_ids):
        reports[row.case_id].add(row.report_id)
    every = sorted({one for ones in reports.values() for one in ones})
    gone = {home.case_id: Gone({kind.value}) for home in homes}
    if kind is Kind.NOTES:
        for row in (found := forgetting_queries.worded(tx, case_ids)):
            gone[row.case_id].places.add((row.chain, row.seq))
        forgetting_queries.entries(tx, [row.id for row in found])
        forgetting_queries.beside(tx, case_ids)
    elif kind is Kind.ANSWERS:
        forgetting_queries.answers(tx, case_ids, now)
    else:
        _OF_REPORTS[kind](tx, every, now)
        for case_id, ones in reports.items():
            gone[case_id].reports.update(ones)
    if kind is Kind.TEXT:
        blank_faces(tx, case_ids)
    record(tx, homes, gone, now, why)


def chains_of(tx: Tx, homes: Sequence[Home]) -> list[str]:
    """Every chain that forgetting these cases touches: a case that changed its ward has entries in two."""
    found = {row.chain for row in forgetting_queries.entries_of(tx, [home.case_id for home in homes])}
    return sorted({home.ward for home in homes} | found)


def record(
    tx: Tx, homes: Sequence[Home], gone: Mapping[int, Gone], now: datetime, why: Mapping[str, Any],
    officer_id: int | None = None,
) -> None:  # fmt: skip
    """One "erased" entry a case, in its own chain."""
    drafts = []
    for home in homes:
        one = gone[home.case_id]
        told: dict[str, Any] = {"what": sorted(one.kinds), **why}
        if one.reports:
            told["reports"] = sorted(one.reports)
        if one.places:
            told["entries"] = ranges(one.places)
        drafts.append(Draft(home.ward, "erased", now, told, home.case_id, officer_id))
    ledger.append(tx, drafts)
    forgetting_queries.mark_erased(tx, now)


# One kind of some reports ----------------------------------------------------------------------------


def forget_identity(tx: Tx, report_ids: Sequence[int], now: datetime) -> None:
    """Who reported, and the telephone by which the report matched others: it is found by the rest."""
    forgetting_queries.identity(tx, report_ids)
    known = match_queries.stored_traits(tx, report_ids).values()
    changed = [replace(t, phone=None) for t in known if t.phone is not None]
    match_queries.delete_traits(tx, [t.report_id for t in changed])
    match_queries.insert_traits(tx, changed, {t.report_id: matching.keys(t) for t in changed})


def forget_files(tx: Tx, report_ids: Sequence[int], now: datetime) -> None:
    forgetting_queries.files(tx, report_ids, now)


def forget_raw(tx: Tx, report_ids: Sequence[int], now: datetime) -> None:
    forgetting_queries.raw(tx, report_ids)


def forget_text(tx: Tx, report_ids: Sequence[int], now: datetime) -> None:
    """Words and place. Found by its id alone from then on, and compared with nothing."""
    rows = [
        {
            "id": row.id, "subject": "", "body": "", "address": None, "area": None, "lat": None, "lng": None,
            "place_guess": None, "url": None,
            "search_text": f"{squash(row.external_id)} {search_marks(row.ward_code, row.id)}",
        }
        for row in forgetting_queries.texts(tx, report_ids)
    ]  # fmt: skip
    forgetting_queries.text(tx, rows)
    forgetting_queries.streets(tx, report_ids)


def blank_faces(tx: Tx, case_ids: Collection[int]) -> None:
    """Lists show no words of these cases any more, and neither do mails that told of them."""
    rows = forgetting_queries.faces_of(tx, case_ids)
    forgetting_queries.faces(
        tx, [{"id": row.id, "title": BLANK_TITLE, "extract": "", "address": None} for row in rows]
    )
    forgetting_queries.mails_telling(tx, [row.code for row in rows])


_OF_REPORTS: dict[Kind, Callable[[Tx, Sequence[int], datetime], None]] = {
    Kind.IDENTITY: forget_identity,
    Kind.FILES: forget_files,
    Kind.RAW: forget_raw,
    Kind.TEXT: forget_text,
}
