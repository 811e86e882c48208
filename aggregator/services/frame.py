"""The frame of every verb on a case: who may, once, alone in the ward, and the numbers follow.

    may this person? | lock the ward's chain | same post again? same answer | is the page fresh? | act
                     | counters | remember the post | commit

What may surprise: a case that a person may not see and one that does not exist raise the same error in
the same words (I13); and `now` is read after the lock, so that it is later than all that the log holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from aggregator.domain.people import Actor, Right
from aggregator.errors import NotAllowed, NotFound, StaleWrite
from aggregator.services import counters, ledger, legal_matters
from aggregator.services.clock import Clock
from aggregator.storage import case_queries, request_queries
from aggregator.storage.db import Database, Tx

__all__ = ["Frame", "not_found", "require", "seen"]


class Frame:
    """One transaction a verb."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def do(
        self, actor: Actor, case_id: int, version: int | None, once: str | None,
        act: Callable[[Tx, Any, datetime], Any], also: Callable[[Tx], Iterable[int]] = lambda tx: (),
        wards: Iterable[str] = (),
    ) -> Any:  # fmt: skip
        """What `act` returns, or returned when this post came first.

        `also`: other cases that `act` may change, so that their numbers are kept, too. `wards`: others
        whose chains it writes to.
        """
        require(actor, Right.HANDLE)
        with self._db.write() as tx:
            ledger.lock(tx, [seen(tx, actor, case_id).ward_code, *wards])
            # Only now is nobody else at work in this ward: the same post's first arrival has ended, and
            # what follows is later than all that the log holds.
            done = request_queries.result_of(tx, once, actor.id)
            if done is not None:
                return done["result"]
            now = self._clock()
            case = seen(tx, actor, case_id, lock=True)
            legal_matters.check_may_read(actor, case)
            if version is not None and case.version != version:
                raise StaleWrite(
                    f"case {case_id} has changed since the page was drawn",
                    message_vi="Vụ việc vừa được người khác cập nhật. Hãy xem lại rồi thực hiện tiếp.",
                )
            with counters.kept(tx, case_id, *also(tx)):
                result = act(tx, case, now)
            request_queries.remember(tx, once, actor.id, now, {"result": result})
        return result


def seen(tx: Tx, actor: Actor, case_id: int, *, lock: bool = False) -> Any:
    """The case's row where this person may see it, `NotFound` in the same words otherwise (I13)."""
    case = case_queries.row(tx, case_id, lock=lock)
    if case is None or not actor.sees(case.ward_code):
        raise not_found()
    return case


def not_found() -> NotFound:
    return NotFound("no such case", message_vi="Không tìm thấy vụ việc này.")


def require(actor: Actor, right: Right) -> None:
    if not actor.may(right):
        raise NotAllowed(
            f"{actor.role.value} may not {right.value}", message_vi="Vai trò của bạn không có quyền này."
        )
