"""Decisions from a file that tells the truth, to measure a model on data from elsewhere.

    {"id": ..., "received_at": ..., "body": ..., "case": "c7"}     a stream in time order, with its true cases
    {"a": {...}, "b": {...}, "same": true}                         labelled pairs

What may surprise: of a stream, each question that the rule would ask itself is one decision: a new report
and another open case, by its best pair. Pairs that nobody would compare are not counted; they would
flatter any model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.domain import matching
from aggregator.domain.match_score import contributions
from aggregator.domain.matching import Traits, Verdict
from aggregator.domain.training import Decision, Source
from aggregator.errors import InputInvalid
from aggregator.services.clustering import traits_of
from aggregator.services.live_index import LiveCandidates
from aggregator.services.matching_index import Matcher, Placement
from aggregator.services.replay import Lived


@dataclass(frozen=True, slots=True)
class Labelled:
    """The decisions, and of a stream its reports with their true cases."""

    decisions: tuple[Decision, ...]
    lived: tuple[Lived, ...]


def read(lines: Iterable[str], name: str) -> Labelled:
    """The decisions of the file; `InputInvalid` names the first line that cannot be used."""
    rows = list(_rows(lines, name))
    if rows and "a" in rows[0][1]:
        return Labelled(tuple(_pair(number, row, name) for number, row in rows), ())
    return _stream(rows, name)


def _rows(lines: Iterable[str], name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputInvalid(f"{name}:{number}: not JSON: {error}", field="file") from error
            if not isinstance(row, dict):
                raise InputInvalid(f"{name}:{number}: one JSON object expected", field="file")
            yield number, row


def _pair(number: int, row: Mapping[str, Any], name: str) -> Decision:
    one, other, same = row.get("a"), row.get("b"), row.get("same")
    if not (isinstance(one, dict) and isinstance(other, dict) and isinstance(same, bool)):
        raise InputInvalid(
            f"{name}:{number}: no labelled pair", field="file",
            hint='a pair is {"a": {...}, "b": {...}, "same": true}',
        )  # fmt: skip
    both = [_traits(given, at, number, name) for given, at in ((one, 2 * number), (other, 2 * number + 1))]
    old, new = sorted(both, key=lambda t: t.received_at)
    return _decision(new, old, matching.judge(new, old), same=same)


def _stream(rows: Iterable[tuple[int, Mapping[str, Any]]], name: str) -> Labelled:
    matcher, decisions, lived = Matcher(LiveCandidates()), list[Decision](), list[Lived]()
    truth: dict[int, int] = {}
    names: dict[str, int] = {}
    for number, row in rows:
        true = row.get("case")
        if not isinstance(true, str) or not true:
            raise InputInvalid(f"{name}:{number}: case {true!r} is not a text", field="case",
                               hint="each report needs its true case")  # fmt: skip
        t = _traits(row, number, number, name)
        if lived and t.received_at < lived[-1][0].received_at:
            raise InputInvalid(f"{name}:{number}: received_at is before that of the line above", field="file",
                               hint="sort the file by it")  # fmt: skip
        truth[number] = names.setdefault(true, number)
        placed = matcher.place(t)
        decisions += _questions(t, placed, truth)
        lived.append((t, truth[number]))
        matcher.settle(t, number if placed.case_id is None else placed.case_id)
    return Labelled(tuple(decisions), tuple(lived))


def _questions(t: Traits, placed: Placement, truth: Mapping[int, int]) -> Iterator[Decision]:
    """The best pair of each open case that was compared."""
    asked: set[int | None] = set()
    for old, verdict in placed.ranked:
        closed = old.closed_at is not None and old.closed_at <= t.received_at
        if old.case_id not in asked and not closed:
            asked.add(old.case_id)
            yield _decision(t, old, verdict, same=truth[old.report_id] == truth[t.report_id])


def _decision(new: Traits, old: Traits, verdict: Verdict, *, same: bool) -> Decision:
    vetoes = verdict.evidence.vetoes if verdict.evidence else ()
    return Decision(
        new.received_at, new.report_id, old.report_id, same, Source.FILE,
        contributions(verdict.features), bool(vetoes), new.ward, new.category,
    )  # fmt: skip


def _traits(given: Mapping[str, Any], report_id: int, number: int, name: str) -> Traits:
    try:
        return traits_of(given, report_id)
    except InputInvalid as error:
        raise InputInvalid(f"{name}:{number}: {error.message}", field=error.field, hint=error.hint) from error
