"""Merging and splitting cases. Reports never move: memberships end and begin (I4).

Undo is a small transaction whatever happened in between. What may surprise: splitting a report out
remembers that it is *not the same* as those left behind, so no rule ever joins them again, while undoing
a merge makes it as if nobody had spoken and the question is open again;
reports that came from a merged case go back into that very case, which takes up its former status (and
where that one had swallowed another before, each goes back to its own); and a report taken out of an
answered case gets its clock back, because its citizen is owed an answer of its own. Answers already
sent stay where they are shown: at their source and in both timelines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from aggregator.domain.legal import LegalState
from aggregator.domain.matching import RULE_VERSION
from aggregator.domain.people import Actor
from aggregator.domain.sla import ClockKind
from aggregator.domain.workflow import OPEN, Status
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid, MoveNotAllowed
from aggregator.services import (
    clock_log,
    counters,
    deadlines,
    decisions,
    ledger,
    legal_matters,
    notices,
    questions,
)
from aggregator.services.arrival_rows import EXTRACT, TITLE
from aggregator.services.clock_log import carry_pause, pause_reason
from aggregator.services.deadlines import NO_DEADLINE, Deadlines
from aggregator.services.ledger import Draft
from aggregator.services.notices import Notice
from aggregator.storage import case_queries, case_unit_queries, ledger_queries, outbox_queries, report_queries
from aggregator.storage.db import Tx

#: Pairs remembered of one merge or split. Beyond that (two crowds parted) the eldest of each side
#: stand for the rest, because the rule compares with a case's best match first.
MOST_PAIRS = 200


def merge(
    tx: Tx, clocks: Deadlines, actor: Actor, case: Any, into: Any, now: datetime, *, batch: int | None = None
) -> int:
    """All living reports of `case` join `into`; the decision, for undoing it.

    Raises where they are not both open in one ward. Whoever answers for either case is told.
    """
    if case.id == into.id:
        raise _refused("a case cannot join itself", "Không thể gộp một vụ việc vào chính nó.")
    if case.ward_code != into.ward_code:
        raise _refused("cases of two wards are not merged", "Không gộp vụ việc của hai phường khác nhau.")
    for one in (case, into):
        if not one.is_open:
            raise _closed(tx, one)
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
    before = decisions.say(tx, actor, _pairs(ours, theirs), "same", now)
    decision = decisions.record(tx, actor, "same", case, into, ours, before, now, batch)
    clocks.refresh(tx, case.id, now)
    clocks.refresh(tx, into.id, now)
    questions.refresh(tx, [into.id])
    told = {"reports": ours, "from": case.code, "into": into.code, "decision": decision}
    _tell(tx, actor, "merged", case, into, told, now)
    return decision


def _tell(
    tx: Tx, actor: Actor, kind: str, case: Any, into: Any, told: Mapping[str, Any], now: datetime
) -> None:
    """Into both timelines, and to everybody who answers for either case."""
    away, held = ledger.append(tx, [
        Draft(case.ward_code, f"{kind}_away", now, told, case.id, actor.id),
        Draft(case.ward_code, kind, now, told, into.id, actor.id),
    ])  # fmt: skip
    mine, theirs = notices.owners(tx, [case], now), notices.owners(tx, [into], now)
    found = [Notice(one, f"{kind}_away", case.id, case.ward_code, entry=away) for one in mine]
    # Who answers for both is told once, of the case that went.
    found += [Notice(one, kind, into.id, case.ward_code, entry=held) for one in theirs - mine]
    notices.tell(tx, found, now, by=actor.id)


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
    homes = _part(tx, clocks, actor, case, chosen, rest, now)
    decisions.say(tx, actor, _pairs(chosen, rest), "different", now)
    questions.refresh(tx, [case.id, *homes])
    ledger.append(tx, [
        Draft(case.ward_code, "split", now, {"reports": chosen, "to": list(homes)}, case.id, actor.id),
        *(Draft(case.ward_code, "split_off", now, {"reports": group, "from": case.code}, home, actor.id)
          for home, group in homes.items()),
    ])  # fmt: skip
    return next(iter(homes))


def unmerge(tx: Tx, clocks: Deadlines, actor: Actor, decision: Any, now: datetime) -> int:
    """Undo a merge: its reports go back into their case, and the question is open again. That case.

    Raises where it cannot be undone by itself, because more was merged or taken out since.
    """
    found = case_queries.rows(tx, [decision.case_id, decision.other_id])
    case, into = found[decision.case_id], found[decision.other_id]
    members = [row.report_id for row in case_queries.living(tx, into.id)]
    chosen = [report for report in members if report in set(decision.reports)]
    rest = [report for report in members if report not in set(decision.reports)]
    if case.merged_into != into.id or not chosen or not rest:
        raise _not_by_itself(tx, case, into)
    _part(tx, clocks, actor, into, chosen, rest, now)
    decisions.take_back(tx, decision)
    questions.refresh(tx, [case.id, into.id])
    told = {"reports": chosen, "from": case.code, "into": into.code, "undone": decision.id}
    _tell(tx, actor, "unmerged", case, into, told, now)
    return int(case.id)


def _part(
    tx: Tx, clocks: Deadlines, actor: Actor, case: Any, chosen: Sequence[int], rest: Sequence[int],
    now: datetime,
) -> dict[int, list[int]]:  # fmt: skip
    """`chosen` leave `case`, `rest` stays; the cases in which they live now, each with its reports."""
    groups = _former_homes(tx, case, chosen, rest)
    homes = [_send_home(tx, clocks, actor, case, home, group, now) for home, group in groups.items()]
    case_queries.change(tx, case.id, report_count=len(rest))
    clocks.refresh(tx, case.id, now)
    outbox_queries.refresh_problem(tx, [case.id, *homes])
    new = [made for home, made in zip(groups, homes, strict=True) if home is None]
    counters.shift(tx, [], case_queries.facts(tx, new).values())
    return dict(zip(homes, groups.values(), strict=True))


def _former_homes(
    tx: Tx, case: Any, chosen: Sequence[int], rest: Sequence[int]
) -> dict[int | None, list[int]]:
    """Merged case to revive (None: a new one) -> the reports that go there."""
    earlier = case_queries.earlier_cases(tx, chosen)
    rows = case_queries.rows(tx, {home for homes in earlier.values() for home in homes})
    brought = case_queries.brought(tx, rows)

    def home_under(report: int, survivor: int) -> int | None:
        return next((one for one in earlier.get(report, []) if rows[one].merged_into == survivor), None)

    def homes(
        reports: Sequence[int], survivor: int, given: int | None
    ) -> Iterator[tuple[int | None, list[int]]]:
        groups: dict[int | None, list[int]] = defaultdict(list)
        for report in reports:
            groups[home_under(report, survivor)].append(report)
        if given is not None and (None in groups or not brought[given] & set(rest)):
            # One of these was the merged case's own, or nothing that it brought stays: they go back into it
            # together.
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
    if case_unit_queries.shared(tx, [case.id]) and not case_unit_queries.shared(tx, [home]):
        clocks.rechoose(tx, home, now, actor.id, several_units=False)
    clocks.refresh(tx, home, now)
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
    number = ledger_queries.take_case_numbers(tx, year, {case.ward_code: 1})[case.ward_code]
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


def _closed(tx: Tx, case: Any) -> MoveNotAllowed:
    if case.merged_into is None:
        return _refused(
            f"case {case.id} is closed: both must be open",
            f"Chỉ gộp được hai vụ việc đang mở; {case.code} đã kết thúc.",
        )
    holder = case_queries.rows(tx, [case.merged_into])[case.merged_into].code
    return _refused(
        f"case {case.id} was merged into {case.merged_into}: both must be open",
        f"{case.code} đã được gộp vào {holder} trước đó.",
    )


def _not_by_itself(tx: Tx, case: Any, into: Any) -> MoveNotAllowed:
    if into.merged_into is not None:
        holder = case_queries.rows(tx, [into.merged_into])[into.merged_into].code
        return _refused(
            f"{into.code} was itself merged into {holder}: undo that first",
            f"{into.code} đã được gộp tiếp vào {holder}. Hãy hoàn tác lần gộp đó trước.",
        )
    return _refused(
        f"the reports of {case.code} are no longer together with others in {into.code}",
        f"Các phản ánh của {case.code} không còn nằm chung trong {into.code}: đã được tách hoặc gộp lại.",
    )


def _refused(message: str, message_vi: str) -> MoveNotAllowed:
    return MoveNotAllowed(message, message_vi=message_vi)
