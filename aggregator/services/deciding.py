"""A person's word on a message: who may say it, alone in the ward, and what it takes with it.

    may they see it? | lock the ward's chain | is it still so? | the row, its ledger entry, its case

What may surprise: a message that a person may not see and one that does not exist raise the same error in
the same words (I13); and its fence grows, so a worker that still has it in hand finds its lease gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from aggregator.domain.delivery import Delivery
from aggregator.domain.people import Actor, Right
from aggregator.errors import NotAllowed, NotFound
from aggregator.services import delivery_log, ledger, legal_matters
from aggregator.storage import ids, outbox_claims, outbox_queries
from aggregator.storage.db import Tx


def seen(tx: Tx, actor: Actor | None, message_id: int) -> Any:
    """The message's row where this person may see it; None is the machine's operator."""
    row = outbox_queries.one(tx, message_id) if ids.possible(message_id) else None
    hidden = actor is not None and not (
        row is not None and actor.sees(row.ward_code) and legal_matters.may_read(actor, row)
    )
    if row is None or hidden:
        raise NotFound(
            f"no outbox message {message_id}", message_vi="Không có phúc đáp này, hoặc bạn không được xem."
        )
    return row


def locked(tx: Tx, actor: Actor | None, message_id: int, *rights: Right) -> Any:
    """The message as it is, its ward's chain locked; `NotAllowed` where `actor` has none of these rights."""
    row = seen(tx, actor, message_id)
    if actor is not None and not any(actor.may(right) for right in rights):
        raise NotAllowed(
            f"{actor.role.value} may not decide about deliveries",
            message_vi="Bạn không có quyền xử lý việc gửi phúc đáp.",
        )
    ledger.lock(tx, [row.ward_code])
    # Once more: before the lock somebody else may have been at it.
    return seen(tx, actor, message_id)


def decided(
    tx: Tx, actor: Actor | None, row: Any, was: Iterable[Delivery], now: datetime,
    evidence: Mapping[str, Any] | None = None, **values: Any,
) -> None:  # fmt: skip
    """Set columns of a message that is in one of the states `was`; `NotAllowed` where it no longer is."""
    states = tuple(was)
    cleared = dict.fromkeys(("error_code", "error", "error_vi"))
    if not outbox_claims.decide(tx, row.id, states, **{**cleared, **values}):
        wanted = " or ".join(state.value for state in states)
        raise NotAllowed(
            f"outbox message {row.id} is {row.state}, not {wanted}: nothing was changed",
            message_vi="Phúc đáp này đã được xử lý. Hãy tải lại trang để xem trạng thái mới.",
        )
    delivery_log.record(tx, [row.id], now, officer_id=actor.id if actor else None, evidence=evidence)
