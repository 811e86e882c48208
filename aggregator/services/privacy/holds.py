"""Legal holds: "giải quyết khiếu nại", "thanh tra": nothing of this case is forgotten until it is lifted."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.errors import InputInvalid, MoveNotAllowed, NotFound
from aggregator.services import ledger, legal_matters
from aggregator.services.clock import Clock
from aggregator.services.frame import require, seen
from aggregator.services.ledger import Draft
from aggregator.services.privacy.policy import words
from aggregator.storage import case_queries, inbox_queries, retention_queries
from aggregator.storage.db import Database, Tx


class HoldReason(enum.StrEnum):
    COMPLAINT = "complaint"
    INSPECTION = "inspection"
    COURT = "court"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class HoldView:
    case_id: int
    code: str
    reason: HoldReason
    note: str
    since: datetime
    who: str | None


class Holds:
    """The verbs on holds: of who answers for personal data, and of the person at the machine."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def list(self, actor: Actor) -> tuple[HoldView, ...]:
        """The living holds of the wards this person sees."""
        _may(actor)
        with self._db.read() as tx:
            rows = retention_queries.holds(tx, actor.ward)
            names = inbox_queries.officer_names(tx, [row.officer_id for row in rows])
        return tuple(_view(row, names) for row in rows)

    def put(self, actor: Actor, code: str, reason: HoldReason, note: str = "") -> None:
        """Keep the case with this code from being forgotten. `MoveNotAllowed` where it is kept already."""
        _may(actor)
        told = words(note)
        if reason is HoldReason.OTHER and not told:
            raise InputInvalid("say why", field="note", message_vi="Hãy ghi rõ lý do giữ lại.")
        with self._db.write() as tx:
            case = self._case(tx, actor, code)
            ledger.lock(tx, [case.ward_code])
            if retention_queries.hold_of(tx, case.id) is not None:
                raise MoveNotAllowed(f"case {case.code} is held", message_vi="Vụ việc này đang được giữ lại.")
            now = self._clock()
            retention_queries.insert_hold(
                tx,
                {"case_id": case.id, "reason": reason.value, "note": told, "since": now,
                 "officer_id": actor.id or None},
            )  # fmt: skip
            data = {"reason": reason.value, "note": told}
            ledger.append(tx, [Draft(case.ward_code, "hold_set", now, data, case.id, actor.id or None)])

    def lift(self, actor: Actor, case_id: int) -> None:
        """The case may be forgotten again when its time comes."""
        _may(actor)
        with self._db.write() as tx:
            case = seen(tx, actor, case_id)
            legal_matters.check_may_read(actor, case)
            ledger.lock(tx, [case.ward_code])
            row = retention_queries.hold_of(tx, case_id)
            if row is None:
                return
            now = self._clock()
            retention_queries.lift_hold(tx, row.id, now, actor.id or None)
            entry = Draft(case.ward_code, "hold_lifted", now, {}, case.id, actor.id or None)
            ledger.append(tx, [entry])

    def _case(self, tx: Tx, actor: Actor, code: str) -> Any:
        found = case_queries.by_code(tx, words(code)[:50], actor.ward)
        if found is None:
            raise NotFound(f"no case {code}", message_vi="Không tìm thấy vụ việc này.")
        case = seen(tx, actor, found)
        legal_matters.check_may_read(actor, case)
        return case


def _may(actor: Actor) -> None:
    if not actor.may(Right.OPERATE):
        require(actor, Right.PRIVACY)


def _view(row: Any, names: dict[int, str]) -> HoldView:
    return HoldView(
        row.case_id, row.code, HoldReason(row.reason), row.note, row.since, names.get(row.officer_id)
    )
