"""What people see of the differences between sources and us, and what they do about them.

    page of a channel | all channels | one case          what differs, both sides
    adopt | send again | reopen | take deadline | ask | not ours | automatic | known
        one transaction each: the case's frame | still open? offered here? | act | settled | ledger

What may surprise: none of these writes to a source. Sending again puts the message back to "may have
arrived", so that a worker looks at the source before it pushes (I8). Asking the source is a backfill of one
id, which a worker reads within seconds. A column of many is the same verb, one transaction each, over at
most `MOST`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from aggregator.domain.beliefs import Kind, Remedy
from aggregator.domain.delivery import Delivery
from aggregator.domain.people import Actor, Right
from aggregator.domain.text import clean, sha256_of
from aggregator.domain.workflow import Status, check_move
from aggregator.errors import AggregatorError, InputInvalid, MoveNotAllowed, NotFound
from aggregator.sdk.contract import Capabilities
from aggregator.sdk.discovery import Found
from aggregator.services import (
    belief_hints,
    beliefs,
    clock_log,
    deadlines,
    deciding,
    delivery_log,
    ledger,
    legal_matters,
    questions,
)
from aggregator.services.adoption import Adoption
from aggregator.services.backfills import Backfills
from aggregator.services.belief_views import (
    ChannelDifferences,
    DifferencePage,
    DifferenceView,
    Effect,
    Settled,
    offered,
    view,
)
from aggregator.services.channel_doors import may_look
from aggregator.services.clock import Clock
from aggregator.services.deadlines import Deadlines, Owed, case_clock, source_due
from aggregator.services.frame import Frame, seen
from aggregator.services.ledger import Draft
from aggregator.storage import (
    belief_queries,
    case_queries,
    channel_queries,
    inbox_queries,
    outbox_claims,
    tick_queries,
)
from aggregator.storage.db import Database, Tx

__all__ = ["MOST", "Beliefs"]

SIZE = 25
#: Differences that one press may settle, and that a case's box shows.
MOST, IN_A_CASE = 100, 50
LONGEST_REASON = 500

#: What is changed in the case's transaction; what the settling's entry is told besides.
_Act = Callable[[Tx, Any, Any, datetime], Mapping[str, Any]]


class Beliefs:
    """Differences between sources and us. None as the person is the command line on the machine."""

    def __init__(
        self, db: Database, clocks: Deadlines, backfills: Backfills,
        capabilities: Callable[[str], Capabilities], connectors: Mapping[str, Found], clock: Clock,
    ) -> None:  # fmt: skip
        self._db = db
        self._connectors = connectors
        self._clocks = clocks
        self._backfills = backfills
        self._capabilities = capabilities
        self._clock = clock
        self._do = Frame(db, clock).do
        self._adoption = Adoption(clocks, capabilities)

    # Looking ----------------------------------------------------------------------------------------

    def summary(self, actor: Actor | None) -> tuple[ChannelDifferences, ...]:
        """The channels with open differences that the person may see, by title."""
        may_look(actor)
        with self._db.read() as tx:
            ward, legal = _scope(actor)
            rows = belief_queries.counts(tx, ward, legal=legal)
        found: dict[str, ChannelDifferences] = {}
        for row in rows:
            before = found.get(row.slug) or ChannelDifferences(row.slug, row.title, {})
            found[row.slug] = replace(before, counts={**before.counts, Kind(row.kind): row.n})
        return tuple(found.values())

    def count(self, actor: Actor | None, slug: str) -> int:
        """Open differences of one channel that the person may see."""
        return next((one.total for one in self.summary(actor) if one.slug == slug), 0)

    def page(
        self, actor: Actor | None, slug: str, *, kind: Kind | None = None, is_open: bool = True,
        before: int | None = None, size: int = SIZE,
    ) -> DifferencePage:  # fmt: skip
        """A channel's differences, newest first. `NotFound` where neither the channel nor any of them is
        this person's."""
        may_look(actor)
        ward, legal = _scope(actor)
        with self._db.read() as tx:
            channel = channel_queries.by_slug(tx, slug)
            if channel is None:
                raise _no_channel(slug)
            counted = belief_queries.counts(tx, ward, legal=legal, channel_ids=[channel.id])
            rows = belief_queries.listed(
                tx, channel.id, ward, legal=legal, kind=kind.value if kind else None,
                is_open=is_open, before=before, limit=size + 1,
            )  # fmt: skip
            if not (actor is None or actor.sees(channel.ward_code) or counted or rows):
                raise _no_channel(slug)
            items = self._views(tx, actor, rows[:size])
        older = rows[size - 1].id if len(rows) > size else None
        return DifferencePage(
            items, {Kind(row.kind): row.n for row in counted}, older, channel.title, channel.slug
        )

    def of_case(self, actor: Actor, case_id: int) -> tuple[DifferenceView, ...]:
        """The newest differences of a case's reports, settled ones too; none of what may not be read."""
        with self._db.read() as tx:
            case = seen(tx, actor, case_id)
            if not legal_matters.may_read(actor, case):
                return ()
            return self._views(tx, actor, belief_queries.of_case(tx, case_id, IN_A_CASE))

    def preview(
        self, actor: Actor, remedy: Remedy, *, ids: Sequence[int] = (), slug: str = "",
        kind: Kind | None = None,
    ) -> tuple[Effect, ...]:  # fmt: skip
        """What the remedy would do to these differences, or to the newest of a channel and kind; at most
        `MOST`, only those that it is offered for."""
        may_look(actor)
        ward, legal = _scope(actor)
        now = self._clock()
        with self._db.read() as tx:
            if ids:
                rows = belief_queries.some(tx, list(ids)[:MOST], ward, legal=legal)
            else:
                channel = channel_queries.by_slug(tx, slug)
                rows = belief_queries.listed(
                    tx, channel.id, ward, legal=legal, kind=kind.value if kind else None, limit=MOST
                ) if channel else []  # fmt: skip
            views = [item for item in self._views(tx, actor, rows) if remedy in item.remedies]
            return tuple(self._effect(tx, item, remedy, now) for item in views)

    def _views(self, tx: Tx, actor: Actor | None, rows: Sequence[Any]) -> tuple[DifferenceView, ...]:
        names = inbox_queries.officer_names(tx, (row.settled_by for row in rows))
        now, (ward, legal) = self._clock(), _scope(actor)
        return tuple(
            view(
                row, self._capabilities(row.channel_kind), names, now,
                closing_word=belief_hints.closing_word(self._connectors, row),
                moved=belief_hints.moved(tx, row, ward, legal=legal),
            )
            for row in rows
        )  # fmt: skip

    def _effect(self, tx: Tx, item: DifferenceView, remedy: Remedy, now: datetime) -> Effect:
        case = case_queries.row(tx, item.case_id)
        if remedy is not Remedy.TAKE_DEADLINE or case is None:
            return Effect(item)
        members = [member.report_id for member in case_queries.living(tx, case.id)]
        owed = [each.owed for each in self._clocks.owed(tx, case, members, clock_log.read(tx, members))]
        after = [one for one in owed if (one.report_id, one.origin) != (item.report_id, "source")]
        if item.their_due is not None:
            due = source_due(case.received_at, item.their_due)
            after.append(Owed(item.report_id, "source", None, due))
        return Effect(item, case_clock(owed, now).due_at, case_clock(after, now).due_at)

    # Doing ------------------------------------------------------------------------------------------

    def settle(
        self, actor: Actor, difference_id: int, remedy: Remedy, *, reason: str = "", once: str | None = None
    ) -> None:
        """Do one remedy about one difference, in one transaction.

        `NotFound` where the person may not see it, `MoveNotAllowed` where it is settled already or the
        remedy is not offered for it, and whatever the act itself refuses.
        """
        if remedy is Remedy.ASK:
            self._ask(actor, [difference_id])
            return
        why = _reason(reason, needed=remedy is Remedy.KNOWN)
        acts: dict[Remedy, _Act] = {
            Remedy.ADOPT: lambda tx, case, row, now: self._adoption.adopt(tx, actor, case, row, now),
            Remedy.SEND_AGAIN: lambda tx, case, row, now: self._send_again(tx, actor, case, row, now),
            Remedy.REOPEN: lambda tx, case, row, now: self._reopen(tx, actor, case, row, now),
            Remedy.TAKE_DEADLINE: lambda tx, case, row, now: self._take_deadline(tx, case, row, now),
            Remedy.AUTOMATIC: lambda tx, case, row, now: self._automatic(tx, actor, row, now),
        }
        self._act(actor, difference_id, remedy, acts.get(remedy, _nothing), why, once)

    def settle_many(
        self, actor: Actor, difference_ids: Sequence[int], remedy: Remedy, *, reason: str = ""
    ) -> Settled:
        """The same remedy about several, each on its own: one that is refused stops no other."""
        wanted = list(dict.fromkeys(difference_ids))[:MOST]
        if remedy is Remedy.ASK:
            return Settled(self._ask(actor, wanted))
        done, refused = 0, []
        for difference_id in wanted:
            try:
                self.settle(actor, difference_id, remedy, reason=reason)
            except InputInvalid:
                raise
            except AggregatorError as error:
                refused.append((self._code(actor, difference_id), error.message_vi, error.message))
            else:
                done += 1
        return Settled(done, tuple(refused))

    def _act(
        self, actor: Actor, difference_id: int, remedy: Remedy, act: _Act, why: str, once: str | None
    ) -> None:
        with self._db.read() as tx:
            case_id = self._one(tx, actor, difference_id).case_id

        def within(tx: Tx, case: Any, now: datetime) -> None:
            row = self._one(tx, actor, difference_id)
            if row.case_id != case.id or row.settled_at is not None:
                raise _settled_already(difference_id)
            ward, legal = _scope(actor)
            moved = belief_hints.moved(tx, row, ward, legal=legal)
            if remedy not in offered(row, self._capabilities(row.channel_kind), moved=moved is not None):
                raise MoveNotAllowed(
                    f"{remedy.value} is not offered for {row.kind} at {row.slug}",
                    message_vi="Kênh này không cho làm việc đó với điểm lệch này.",
                )
            more = act(tx, case, row, now)
            if remedy is Remedy.MOVED and moved is not None:
                more = {"now": moved.report_id}
            self._close(tx, actor, [row], remedy, why, now, more)

        self._do(actor, case_id, None, once, within)

    def _close(
        self, tx: Tx, actor: Actor, rows: Sequence[Any], remedy: Remedy, why: str, now: datetime,
        more: Mapping[str, Any],
    ) -> None:  # fmt: skip
        belief_queries.settle(tx, [row.id for row in rows], remedy.value, actor.id, why, now)
        drafts = []
        for row in rows:
            told = {
                "difference": row.id, "report": row.report_id, "channel": row.slug, "what": row.kind,
                "how": remedy.value, **({"reason_sha256": sha256_of(why)} if why else {}),
                **beliefs.facts(Kind(row.kind), row.ours, row.theirs), **more,
            }  # fmt: skip
            drafts.append(
                Draft(row.ward_code, "difference_settled", now, told, row.case_id, actor.id, row.channel_id)
            )
        ledger.append(tx, drafts)
        for channel_id in sorted({row.channel_id for row in rows if row.kind == Kind.STATUS_UNMAPPED}):
            beliefs.ring(tx, channel_id, now)

    # The acts

    def _send_again(self, tx: Tx, actor: Actor, case: Any, row: Any, now: datetime) -> dict[str, Any]:
        """Back to "may have arrived": the worker looks first, and pushes only what is not there."""
        was = (Delivery.SENT, Delivery.ACKNOWLEDGED, Delivery.UNCLEAR, Delivery.MANUAL, Delivery.DEAD)
        cleared = dict.fromkeys(("error_code", "error", "error_vi"))
        again = {"state": Delivery.CONFIRMING.value, "next_attempt_at": now, "officer_id": None, **cleared}
        if row.message_id is None or not outbox_claims.decide(tx, row.message_id, was, **again):
            raise MoveNotAllowed(
                f"message {row.message_id} is on its way already",
                message_vi="Phúc đáp này đang được chuyển rồi.",
            )
        tick_queries.end(tx, row.message_id, now, actor.id)  # what a person said of it is over
        delivery_log.record(tx, [row.message_id], now, officer_id=actor.id, kept=case.id)
        return {"outbox": row.message_id}

    def _reopen(self, tx: Tx, actor: Actor, case: Any, row: Any, now: datetime) -> dict[str, Any]:
        """The source has it open (again), and so have we: the clock runs on as the rule says."""
        legal_matters.check_ordinary(case)
        check_move(Status(case.status), Status.IN_PROGRESS)
        members = [member.report_id for member in case_queries.living(tx, case.id)]
        deadlines.reopen(tx, self._clocks.book(tx), case.id, members, now, actor.id)
        case_queries.change(tx, case.id, status=Status.IN_PROGRESS.value, is_open=True, closed_at=None)
        self._clocks.refresh(tx, case.id, now)
        questions.refresh(tx, [case.id])
        told = {
            "from": case.status,
            "to": Status.IN_PROGRESS.value,
            "difference": row.id,
            "channel": row.slug,
        }
        ledger.record(tx, case, "moved", actor, now, told)
        return {}

    def _take_deadline(self, tx: Tx, case: Any, row: Any, now: datetime) -> dict[str, Any]:
        """Count what the source demands now. The case's deadline is still the earliest owed (I5)."""
        if not case.is_open:
            raise MoveNotAllowed(
                "a finished case has no deadline to move",
                message_vi="Vụ việc đã kết thúc nên không đổi hạn nữa.",
            )
        deadlines.follow_sources(tx, [row.report_id])
        derived = self._clocks.refresh(tx, case.id, now)
        return {
            "case_was": case.due_at.isoformat() if case.due_at else None,
            "case_due": derived.due_at.isoformat() if derived.due_at else None,
        }

    def _automatic(self, tx: Tx, actor: Actor, row: Any, now: datetime) -> dict[str, Any]:
        """The same words under other reports of the channel in this ward are settled with it."""
        alike = belief_queries.same_words(tx, row.channel_id, row.about, MOST)
        rest = [id_ for id_ in alike if id_ != row.id]
        others = belief_queries.some(tx, rest, row.ward_code, legal=_scope(actor)[1])
        self._close(tx, actor, others, Remedy.AUTOMATIC, "", now, {"with": row.id})
        return {"alike": len(others)}

    def _ask(self, actor: Actor, difference_ids: Sequence[int]) -> int:
        """Have these reports read again by their ids; how many. They stay open until the answer comes."""
        with self._db.read() as tx:
            rows = [self._one(tx, actor, one) for one in difference_ids]
        by_channel: dict[str, list[str]] = {}
        for row in rows:
            by_channel.setdefault(row.slug, []).append(row.external_id)
        for slug, external_ids in by_channel.items():
            self._backfills.ask(actor, slug, external_ids)
        return len(rows)

    def read_again(self, actor: Actor, message_id: int) -> None:
        """Have the report of one answer read by its id, so that it is seen what its source shows now.

        `NotFound` where the person may not see the answer, `MoveNotAllowed` where its source gives no
        single reports. A worker reads it within seconds.
        """
        with self._db.read() as tx:
            row = deciding.seen(tx, actor, message_id)
        self._backfills.ask(actor, row.slug, [row.external_id])

    def _one(self, tx: Tx, actor: Actor, difference_id: int) -> Any:
        ward, legal = _scope(actor)
        rows = belief_queries.some(tx, [difference_id], ward, legal=legal)
        if not rows:
            raise NotFound(f"no difference {difference_id}", message_vi="Không có điểm lệch này.")
        return rows[0]

    def _code(self, actor: Actor, difference_id: int) -> str:
        ward, legal = _scope(actor)
        with self._db.read() as tx:
            rows = belief_queries.some(tx, [difference_id], ward, legal=legal)
        return rows[0].case_code if rows else str(difference_id)


def _scope(actor: Actor | None) -> tuple[str | None, bool]:
    """(ward, may read restricted cases); the machine's operator sees all but those."""
    return (None, False) if actor is None else (actor.ward, actor.may(Right.LEGAL))


def _nothing(tx: Tx, case: Any, row: Any, now: datetime) -> dict[str, Any]:
    return {}


def _reason(given: str, *, needed: bool) -> str:
    why = " ".join(clean(given).split())
    if (needed and not why) or len(why) > LONGEST_REASON:
        raise InputInvalid(
            f"a reason of at most {LONGEST_REASON} letters is needed", field="reason",
            message_vi=f"Hãy ghi lý do (không quá {LONGEST_REASON} chữ).",
        )  # fmt: skip
    return why


def _no_channel(slug: str) -> NotFound:
    return NotFound(f"no channel {slug!r}", message_vi="Không có kênh này.")


def _settled_already(difference_id: int) -> MoveNotAllowed:
    return MoveNotAllowed(
        f"difference {difference_id} was settled meanwhile",
        message_vi="Điểm lệch này đã được xử lý, hoặc cổng không còn lệch nữa. Hãy tải lại trang.",
    )
