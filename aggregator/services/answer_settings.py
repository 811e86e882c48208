"""How each ward answers: how long an answer can be taken back, and whether senders are told by themselves.

What may surprise: a channel's own option `acknowledge` goes over its ward's choice; it is set with the
channel (`channel_spec`). Both end with the next answer: what waits already, waits as it was told to.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.domain.people import Actor, Right
from aggregator.errors import InputInvalid
from aggregator.services import ledger
from aggregator.services.clock import Clock
from aggregator.services.frame import not_found, require
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.settings import MOST_UNDO_S, Settings
from aggregator.storage import answer_queries, place_queries, request_queries
from aggregator.storage.db import Database


@dataclass(frozen=True, slots=True)
class WardAnswers:
    """One ward's choice. `undo_s` None: as the installation says (`usual_s`)."""

    code: str
    name: str
    undo_s: int | None
    usual_s: int
    acknowledges: bool
    #: The longest that may be chosen.
    most_s: int = MOST_UNDO_S


class AnswerSettings:
    """What administrators choose for the wards they keep."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self._usual_s = int(settings.undo_s)

    def of_wards(self, actor: Actor) -> tuple[WardAnswers, ...]:
        """The wards that this person sees, by name."""
        with self._db.read() as tx:
            rows = [row for row in place_queries.all_wards(tx) if actor.sees(row.code)]
        return tuple(
            WardAnswers(row.code, row.name, row.undo_s, self._usual_s, row.acknowledges)
            for row in sorted(rows, key=lambda row: str(row.name))
        )

    def put(
        self, actor: Actor, ward: str, *, undo_s: int | None, acknowledges: bool, once: str | None = None
    ) -> None:
        """Keep a ward's choice. `undo_s` 0: answers leave at once. Raises `InputInvalid`."""
        require(actor, Right.OPERATE)
        if undo_s is not None and not 0 <= undo_s <= MOST_UNDO_S:
            raise InputInvalid(
                f"undo_s is 0 to {MOST_UNDO_S}", field="undo_s",
                message_vi=f"Thời gian hoàn tác: từ 0 đến {MOST_UNDO_S} giây.",
            )  # fmt: skip
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            if request_queries.result_of(tx, once, actor.id) is not None:
                return
            if not actor.sees(ward) or not answer_queries.set_ward(tx, ward, undo_s, acknowledges):
                raise not_found()
            now = self._clock()
            told = {"ward": ward, "undo_s": undo_s, "acknowledges": acknowledges}
            ledger.append(tx, [Draft(SYSTEM, "answers_set", now, told, officer_id=actor.id or None)])
            request_queries.remember(tx, once, actor.id, now, {"result": None})
