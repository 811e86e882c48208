"""Merging and splitting cases. Reports never move: memberships end and begin (I4).

Undo is a split, and a small transaction whatever happened in between. What may surprise: splitting a
report out remembers that it is *not the same* as those left behind, so no rule ever joins them again;
reports that came from a merged case go back into that very case, which takes up its former status (and
where that one had swallowed another before, each goes back to its own); and a report taken out of an
answered case gets its clock back, because its citizen is owed an answer of its own. Answers already
sent stay where they are shown: at their source and in both timelines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from aggregator.domain import matching
from aggregator.domain.legal import LegalState
from aggregator.domain.matching import RULE_VERSION, Traits
from aggregator.domain.people import Actor
from aggregator.domain.sla import ClockKind
from aggregator.domain.workflow import OPEN, Status
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.services import clock_log, counters, deadlines, ledger, legal_matters
from aggregator.services.arrival_rows import EXTRACT, TITLE, features
from aggregator.services.clock_log import carry_pause, pause_reason
from aggregator.services.deadlines import NO_DEADLINE, Deadlines
from aggregator.services.ledger import Draft
from aggregator.storage import case_queries, ledger_queries, match_queries, outbox_queries, report_queries
from aggregator.storage.db import Tx

#: Pairs remembered of one merge or split. Beyond that (two crowds parted) the eldest of each side
#: stand for the rest, because the rule compares with a case's best match first.
MOST_PAIRS = 200


def merge(tx: Tx, clocks: Deadlines, actor: Actor, case: Any, into: Any, now: datetime) -> None:
    """All living reports of `case` join `into`. Raises where they are not both open in one ward."""
    if case.id == into.id:
        raise _refused("a case cannot join itself", "Không thể gộp một vụ việc vào chính nó.")
    if case.ward_code != into.ward_code:
        raise _refused("cases of two wards are not merged", "Không gộp vụ việc của hai phường khác nhau.")
    if not (case.is_open and into.is_open):
        raise _refused("both cases must be open", "Chỉ gộp được hai vụ việc đang mở.")
    for one in (case, into):
        legal_matters.check_decided(one)
    theirs = [row.report_id for row in case_queries.living(tx, into.id)]
    ours = [row.report_id for row in case_queries.living(tx, case.id)]
    was, now_in = pause_reason(tx, case.id), pause_reason(tx, into.id)
    _move(tx, actor, case.id, into.id, ours, now, "person")
    carry_pause(tx, into.id, ours, was=was, now_in=now_in, at=now)
    case_queries.change(
        tx, case.id, status=Status.MERGED.value, status_before=case.status, is_open=False, closed_at=now,
        merged_into=into.id, report_count=0, unread=False,
    )  # fmt: skip
    case_queries.change(tx, into.id, report_count=into.report_count + len(ours), unread=True)
    judge(tx, actor, _pairs(ours, theirs), "same", now)
    clocks.refresh(tx, case.id, now)
    clocks.refresh(tx, into.id, now)
    told = {"reports": ours, "from": case.code, "into": into.code}
    ledger.append(tx, [
        Draft(case.ward_code, "merged_away", now, told, case.id, actor.id),
        Draft(case.ward_code, "merged", now, told, into.id, actor.id),
    ])  # fmt: skip


def split(
    tx: Tx, clocks: Deadlines, actor: Actor, case: Any, report_ids: Sequence[int], now: datetime
) -> int:
    """Take `report_ids` out of `case`; the id of the (first) case they live in now."""
    if legal_matters.state_of(case) is LegalState.CONFIRMED:
        legal_matters.check_ordinary(case)
    members = [row.report_id for row in case_queries.living(tx, case.id)]
    chosen = [report for report in members if report in set(report_ids)]
    rest = [report for report in members if report not in set(report_ids)]
    if not chosen or len(chosen) != len(set(report_ids)):
        raise InputInvalid(
            "these reports are not in the case", field="reports",
            message_vi="Hãy chọn ít nhất một phản ánh đang thuộc vụ việc này để tách.",
        )  # fmt: skip
    if not rest:
        raise InputInvalid(
            "one report must stay", field="reports",
            message_vi="Phải để lại ít nhất một phản ánh trong vụ việc này.",
        )  # fmt: skip
    groups = _former_homes(tx, case, chosen)
    homes = [_send_home(tx, clocks, actor, case, home, group, now) for home, group in groups.items()]
    case_queries.change(tx, case.id, report_count=len(rest))
    clocks.refresh(tx, case.id, now)
    judge(tx, actor, _pairs(chosen, rest), "different", now)
    outbox_queries.refresh_problem(tx, [case.id, *homes])
    told = {"reports": chosen, "to": homes}
    ledger.append(tx, [Draft(case.ward_code, "split", now, told, case.id, actor.id)])
    new = [made for home, made in zip(groups, homes, strict=True) if home is None]
    counters.shift(tx, [], case_queries.facts(tx, new).values())
    return homes[0]


def judge(tx: Tx, actor: Actor, pairs: Sequence[tuple[int, int]], judgement: str, now: datetime) -> None:
    """Keep a person's word on pairs of reports, the lower id first, with what a rule sees of them now.

    The features are for training runs only, and for pairs that the rule had not asked about: what it
    saw when it asked is kept.
    """
    known = match_queries.stored_traits(tx, {report for pair in pairs for report in pair})
    for pair in pairs:
        first, second = sorted(pair)
        match_queries.put_person_judgement(tx, {
            "report_a": first, "report_b": second, "judgement": judgement, "score": None, "reasons": [],
            "recurrence": False, "rule_version": RULE_VERSION, "officer_id": actor.id, "at": now,
            "features": _features(known.get(first), known.get(second)),
        })  # fmt: skip


def _features(one: Traits | None, other: Traits | None) -> dict[str, float] | None:
    if one is None or other is None:
        return None
    old, new = sorted((one, other), key=lambda t: (t.received_at, t.report_id))
    return features(matching.judge(new, old))


def _former_homes(tx: Tx, case: Any, chosen: Sequence[int]) -> dict[int | None, list[int]]:
    """Merged case to revive (None: a new one) -> the reports that go there."""
    earlier = case_queries.earlier_cases(tx, chosen)
    rows = case_queries.rows(tx, {home for homes in earlier.values() for home in homes})

    def home_under(report: int, survivor: int) -> int | None:
        return next((one for one in earlier.get(report, []) if rows[one].merged_into == survivor), None)

    def homes(
        reports: Sequence[int], survivor: int, given: int | None
    ) -> Iterator[tuple[int | None, list[int]]]:
        groups: dict[int | None, list[int]] = defaultdict(list)
        for report in reports:
            groups[home_under(report, survivor)].append(report)
        if given is not None and None in groups:
            # One of these was the merged case's own: all that it brought go back into it together.
            yield given, list(reports)
            return
        for home, group in groups.items():
            if home is None:
                yield None, group
            else:
                yield from homes(group, home, home)

    return dict(homes(chosen, case.id, None))


def _send_home(
    tx: Tx, clocks: Deadlines, actor: Actor, case: Any, home: int | None, reports: list[int], now: datetime
) -> int:
    was = pause_reason(tx, case.id)
    if home is None:
        home = _new_case(tx, case, reports, now)
        _move(tx, actor, case.id, home, reports, now, "person")
        now_in = None
    else:
        _revive(tx, home, len(reports), now)
        _move(tx, actor, case.id, home, reports, now, "undo")
        now_in = pause_reason(tx, home)
    if legal_matters.is_restricted(case):
        now_in = was  # the report's clock stands still in the one as in the other
    if case.is_open:
        carry_pause(tx, home, reports, was=was, now_in=now_in, at=now)
    else:
        _reopen_clocks(tx, home, reports, now, actor)
        # Of a reopening and a pause in the same instant the reopening would count.
        carry_pause(tx, home, reports, was=None, now_in=now_in, at=now + timedelta(microseconds=1))
    legal_matters.inherit(tx, case, home, reports, now)
    clocks.refresh(tx, home, now)
    told = {"reports": reports, "from": case.code}
    ledger.append(tx, [Draft(case.ward_code, "split_off", now, told, home, actor.id)])
    return home


def _revive(tx: Tx, home: int, count: int, now: datetime) -> None:
    row = case_queries.row(tx, home)
    assert row is not None, f"merged case {home}"
    if row.status == Status.MERGED:
        case_queries.change(
            tx, home, status=row.status_before or Status.IN_PROGRESS.value, status_before=None, is_open=True,
            closed_at=None, merged_into=None, report_count=count, unread=True,
        )  # fmt: skip


def _new_case(tx: Tx, case: Any, reports: Sequence[int], now: datetime) -> int:
    """A case of its own for what was split off; unit and officer stay with the work."""
    lead = report_queries.in_case_ids(tx, reports)[0]
    text = " ".join(lead.body.split())
    year = now.astimezone(VN).year % 100
    number = ledger_queries.take_case_numbers(tx, case.ward_code, year, 1)
    case_id = case_queries.reserve_ids(tx, 1)[0]
    # Its clock runs, whatever the other case waits for.
    working = case.status in OPEN and case.status != Status.NEEDS_INFO
    status = case.status if working else Status.IN_PROGRESS.value
    case_queries.insert_cases(tx, [{
        "id": case_id, "code": f"{year:02}-{number:05}", "ward_code": case.ward_code,
        "title": (lead.subject or text)[:TITLE] or lead.external_id, "extract": text[:EXTRACT],
        "address": lead.address or lead.area, "category_code": lead.category_code or case.category_code,
        "urgency": lead.urgency, "channel_id": lead.channel_id, "status": status, "is_open": True,
        "unit_id": case.unit_id, "officer_id": case.officer_id, "received_at": lead.received_at,
        "opened_at": now, "stage": "none", "sort_at": lead.received_at + NO_DEADLINE,
        "report_count": len(reports), "unread": True, "delivery_problem": False, "version": 1,
    }])  # fmt: skip
    return case_id


def _move(
    tx: Tx, actor: Actor, out_of: int, into: int, reports: Sequence[int], now: datetime, cause: str
) -> None:
    case_queries.end_memberships(tx, out_of, reports, now, actor.id)
    case_queries.insert_memberships(tx, [
        {"case_id": into, "report_id": report, "cause": cause, "score": None, "reasons": [],
         "rule_version": RULE_VERSION, "officer_id": actor.id, "started_at": now}
        for report in reports
    ])  # fmt: skip


def _reopen_clocks(tx: Tx, case_id: int, reports: Sequence[int], now: datetime, actor: Actor) -> None:
    clock_log.append_for(tx, case_id, reports, ClockKind.REOPEN, now, actor.id)
    deadlines.owe_again(tx, reports)


def _pairs(ones: Sequence[int], others: Sequence[int]) -> list[tuple[int, int]]:
    pairs = list(product(ones, others))
    if len(pairs) <= MOST_PAIRS:
        return pairs
    side = int(MOST_PAIRS**0.5)
    return list(product(ones[:side], others[:side]))


def _refused(message: str, message_vi: str) -> MoveNotAllowed:
    return MoveNotAllowed(message, message_vi=message_vi)
