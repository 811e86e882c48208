"""The production rule over reports given as JSON objects, nothing stored.

    line -> traits_of -> Matcher(LiveCandidates) -> Clustered

Promise: the same lines give the same cases, in one process or several, because only the reading of
reports is shared out; placing goes one after the other, in the order of the lines. What may surprise:
telephone numbers are compared in their international form and not as the blind index that is stored,
which gives the same answer and needs no key. A case is named after its first report, so the ids of all
reports are held to the end, about 130 bytes each; everything else of a report that is over is forgotten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from typing import Any

from aggregator.domain import legal
from aggregator.domain.matching import Judgement, Reason, Traits, traits
from aggregator.domain.text import e164
from aggregator.errors import InputInvalid
from aggregator.services.live_index import LiveCandidates
from aggregator.services.matching_index import Matcher, Placement

#: What a report may hold; all but `received_at` may be missing or null.
TEXTS = ("channel", "subject", "body", "category", "address", "ward", "reporter_phone")
NUMBERS = ("lat", "lng")
FIELDS = ("id", "received_at", *TEXTS, *NUMBERS, "closed_at")

_LINES_AT_ONCE = 400
_SAME, _UNSURE, _DIFFERENT = Judgement  # looked up once, not for each report


@dataclass(frozen=True, slots=True)
class Clustered:
    """What the rule decided for one report. `best` is the report joined, else the likeliest, else None.

    `candidates` are report ids with their scores, best first; `case` is the id of the case's first report.
    """

    id: str
    case: str
    judgement: Judgement
    score: float
    best: str | None
    candidates: tuple[tuple[str, float], ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out, counted from 1, and why."""

    line: int
    why: str


def traits_of(given: Mapping[str, Any], number: int) -> Traits:
    """What is compared of a report with the names of `FIELDS`; `InputInvalid` names the wrong field."""
    for name in TEXTS:
        if (value := given.get(name)) is not None and not isinstance(value, str):
            raise InputInvalid(f"{name} {value!r} is not a text", field=name)
    for name in NUMBERS:
        value = given.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise InputInvalid(f"{name} {value!r} is not a number", field=name)
    subject, body, category = given.get("subject") or "", given.get("body") or "", given.get("category")
    return traits(
        report_id=number,
        received_at=_instant(given, "received_at"),
        channel=given.get("channel") or "",
        subject=subject,
        body=body,
        address=given.get("address"),
        ward=given.get("ward"),
        category=category,
        legal=legal.read(subject, body, category=category) is not None,
        lat=given.get("lat"),
        lng=given.get("lng"),
        phone=e164(given.get("reporter_phone")),
        closed_at=_instant(given, "closed_at") if given.get("closed_at") else None,
    )


def _instant(given: Mapping[str, Any], name: str) -> datetime:
    try:
        at = datetime.fromisoformat(str(given.get(name)))
    except ValueError as error:
        raise InputInvalid(
            f"{name} {given.get(name)!r} is not a time", field=name,
            hint="write it as 2026-11-22T14:30:00+07:00",
        ) from error  # fmt: skip
    if at.tzinfo is None:
        raise InputInvalid(f"{name} has no time zone", field=name, hint="add +07:00 or Z")
    return at.astimezone(UTC)


def cluster(lines: Iterable[str], processes: int = 1) -> Iterator[Clustered | BadLine]:
    """One answer a line that is not blank, in their order; lines must come in the order of `received_at`."""
    index = LiveCandidates()
    matcher, ids, known = Matcher(index), [""], set[str]()  # ids by line, which is the report's number
    latest: datetime | None = None
    for line, (name, read) in enumerate(_read(lines, processes), start=1):
        ids.append(name or "")
        if name is None:
            continue
        if isinstance(read, str):
            yield BadLine(line, read)
        elif name in known:
            yield BadLine(line, f"id {name!r} came before")
        elif latest is not None and read.received_at < latest:
            yield BadLine(line, "received_at is before that of the line above: sort the file by it")
        else:
            latest = read.received_at
            known.add(name)
            placement = matcher.place(read)
            case_id = line if placement.case_id is None else placement.case_id
            matcher.settle(read, case_id)
            yield _told(name, ids, case_id, placement)


def _told(name: str, ids: Sequence[str], case_id: int, placement: Placement) -> Clustered:
    ranked = placement.ranked
    beside = next((pair for pair in ranked if pair[0].report_id == placement.beside), None)
    best = beside or (ranked[0] if ranked else None)
    judgement = _DIFFERENT
    if beside:
        judgement = _SAME
    elif placement.suggestions:
        judgement = _UNSURE
    return Clustered(
        id=name,
        case=ids[case_id],
        judgement=judgement,
        score=best[1].score if best else 0.0,
        best=ids[best[0].report_id] if best else None,
        candidates=tuple([(ids[old.report_id], verdict.score) for old, verdict in ranked]),
        reasons=best[1].reasons if best else (),
    )


# Reading, the dear part

_Read = tuple[str | None, Traits | str]


def _read(lines: Iterable[str], processes: int) -> Iterator[_Read]:
    """(id, traits or what is wrong) of each line; (None, "") for a blank one."""
    numbered = enumerate(lines, start=1)
    parts = iter(lambda: list(islice(numbered, _LINES_AT_ONCE)), [])
    with ExitStack() as stack:
        if processes > 1:
            pool = stack.enter_context(get_context("spawn").Pool(processes))
            done: Iterable[list[_Read]] = pool.imap(_read_part, parts)
        else:
            done = map(_read_part, parts)
        for part in done:
            yield from part


def _read_part(lines: list[tuple[int, str]]) -> list[_Read]:
    return [_read_line(number, line) for number, line in lines]


def _read_line(number: int, line: str) -> _Read:
    if not line.strip():
        return None, ""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        return "", f"not JSON: {error}"
    if not isinstance(given, dict):
        return "", "one JSON object expected"
    name = given.get("id")
    if not isinstance(name, str) or not name:
        return "", f"id {name!r} is not a text"
    try:
        return name, traits_of(given, number)
    except InputInvalid as error:
        return name, str(error)
