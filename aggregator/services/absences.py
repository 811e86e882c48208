"""Absences: entered, given another substitute, ended early. Each is one transaction with its ledger entry.

    may this person? | lock the ward's chain | same post again? same answer | is the page fresh? | change

An officer enters their own, a leader everybody's of the ward. The answer to entering one is the list of
stretches in which nobody would answer, so that it is seen before it hurts. What may surprise: none of
this is refused for want of a substitute, because people fall ill whether or not somebody stands in; and
the ledger keeps who is away and until when, never why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from aggregator.domain.cover import AbsenceReason
from aggregator.domain.people import Actor, Role
from aggregator.domain.text import clean
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid, MoveNotAllowed, NotAllowed, NotFound, StaleWrite
from aggregator.services import cover, ledger
from aggregator.services.clock import Clock
from aggregator.services.cover_views import AbsenceView, CoverBoard, GapView, PersonView
from aggregator.services.ledger import Draft
from aggregator.storage import cover_queries, request_queries
from aggregator.storage.db import Database, Tx

#: Longer than this is no absence but another job; the account is deactivated instead.
LONGEST = timedelta(days=400)
#: How far ahead warnings look, and how far back the page.
AHEAD, BACK = timedelta(days=14), timedelta(days=60)
MOST_PAST = 50
MOST_NOTE = 300
_FAR = timedelta(days=3650)


class Absences:
    """The verbs on absences, and their page."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def add(
        self, actor: Actor, officer_id: int, starts_at: datetime, ends_at: datetime, *,
        reason: AbsenceReason = AbsenceReason.LEAVE, substitute_id: int | None = None, note: str = "",
        once: str | None = None,
    ) -> tuple[GapView, ...]:  # fmt: skip
        """The officer is away between these instants; when nobody would answer because of it.

        `InputInvalid` where it is over already, too long, shares time with another one of theirs, or the
        substitute is not of the ward.
        """

        def act(tx: Tx, person: Any, now: datetime) -> int:
            _check_span(tx, officer_id, starts_at, ends_at, now)
            _check_substitute(tx, person.ward_code, officer_id, substitute_id)
            absence_id = cover_queries.insert_absence(tx, {
                "ward_code": person.ward_code, "officer_id": officer_id, "substitute_id": substitute_id,
                "starts_at": starts_at, "ends_at": ends_at, "reason": reason.value,
                "note": " ".join(clean(note).split())[:MOST_NOTE], "entered_by": actor.id or None,
                "entered_at": now,
            })  # fmt: skip
            told = {"absence": absence_id, "officer": officer_id, "substitute": substitute_id,
                    "from": starts_at.isoformat(), "until": ends_at.isoformat()}  # fmt: skip
            _record(tx, person.ward_code, "absence_entered", actor, now, told)
            return absence_id

        with self._db.write() as tx:
            person = _person(tx, actor, officer_id)
            self._once(tx, actor, person.ward_code, once, lambda now: act(tx, person, now))
            return _gaps(tx, person.ward_code, officer_id, max(starts_at, self._clock()), ends_at)

    def substitute(
        self, actor: Actor, absence_id: int, substitute_id: int | None, *,
        version: int | None = None, once: str | None = None,
    ) -> tuple[GapView, ...]:  # fmt: skip
        """Somebody else stands in from now on; when nobody would answer all the same."""

        def change(tx: Tx, row: Any, now: datetime) -> None:
            _check_substitute(tx, row.ward_code, row.officer_id, substitute_id)
            cover_queries.change_absence(tx, absence_id, substitute_id=substitute_id)
            told = {"absence": absence_id, "officer": row.officer_id, "substitute": substitute_id}
            _record(tx, row.ward_code, "absence_substitute", actor, now, told)

        with self._db.write() as tx:
            row = self._change(tx, actor, absence_id, version, once, change)
            now = self._clock()
            return _gaps(tx, row.ward_code, row.officer_id, max(row.starts_at, now), row.ends_at)

    def end(
        self, actor: Actor, absence_id: int, *, version: int | None = None, once: str | None = None
    ) -> None:
        """The officer is back now; one that has not begun is taken back."""

        def change(tx: Tx, row: Any, now: datetime) -> None:
            cover_queries.change_absence(tx, absence_id, ended_at=now, ended_by=actor.id or None)
            told = {"absence": absence_id, "officer": row.officer_id}
            _record(tx, row.ward_code, "absence_ended", actor, now, told)

        with self._db.write() as tx:
            self._change(tx, actor, absence_id, version, once, change)

    def board(self, actor: Actor, on: datetime | None = None) -> CoverBoard:
        """Who is away and will be, in the wards that this person sees, and when nobody answers."""
        at = on or self._clock()
        with self._db.read() as tx:
            rows = cover_queries.living(tx, actor.ward, at, at + _FAR)
            past = cover_queries.past(tx, actor.ward, at, at - BACK, MOST_PAST)
            people = cover_queries.people(tx, None if actor.ward is None else [actor.ward])
        duty = cover.Duty(rows, at)
        views = [_view(actor, row, duty) for row in rows]
        return CoverBoard(
            at=at,
            until=at + AHEAD,
            away=tuple(view for view in views if view.starts_at <= at),
            coming=tuple(view for view in views if view.starts_at > at),
            past=tuple(_view(actor, row, None) for row in past),
            gaps=_told(duty, {row.officer_id for row in rows}, at, at + AHEAD),
            people=tuple(
                PersonView(one.id, one.login, one.name, one.role, one.ward_code, one.unit_id, one.unit)
                for one in people
            ),
        )

    def find(self, login: str) -> int:
        """The officer of this login, `InputInvalid` where there is none; for the command line."""
        with self._db.read() as tx:
            for person in cover_queries.people(tx, None):
                if person.login == login.strip().casefold():
                    return int(person.id)
        raise InputInvalid(f"no officer of a ward has the login {login!r}", field="login")

    def _change(
        self, tx: Tx, actor: Actor, absence_id: int, version: int | None, once: str | None,
        act: Callable[[Tx, Any, datetime], None],
    ) -> Any:  # fmt: skip
        """The absence as it was, after `act` has changed it (once)."""
        row = cover_queries.absence(tx, absence_id)
        if row is None or not actor.sees(row.ward_code):
            raise NotFound(f"no absence {absence_id}", message_vi="Không có đợt nghỉ này.")
        _check_may(actor, row.officer_id, row.ward_code)

        def fresh(now: datetime) -> int:
            # Read again: the chain is locked only now.
            found = cover_queries.absence(tx, absence_id)
            assert found is not None
            if found.ended_at is not None or found.ends_at <= now:
                raise MoveNotAllowed("the absence is over", message_vi="Đợt nghỉ này đã kết thúc.")
            if version is not None and found.version != version:
                raise StaleWrite(
                    f"absence {absence_id} has changed since the page was drawn",
                    message_vi="Đợt nghỉ này vừa được người khác sửa. Hãy xem lại rồi thực hiện tiếp.",
                )
            act(tx, found, now)
            return absence_id

        self._once(tx, actor, row.ward_code, once, fresh)
        return row

    def _once(
        self, tx: Tx, actor: Actor, ward: str, once: str | None, act: Callable[[datetime], int]
    ) -> None:
        """Alone in the ward, and for one post once."""
        ledger.lock(tx, [ward])
        if request_queries.result_of(tx, once, actor.id) is None:
            now = self._clock()
            request_queries.remember(tx, once, actor.id, now, {"result": act(now)})


def _person(tx: Tx, actor: Actor, officer_id: int) -> Any:
    people = cover_queries.people(tx, None if actor.ward is None else [actor.ward])
    found = next((one for one in people if one.id == officer_id), None)
    if found is None:
        raise NotFound("no such officer", message_vi="Không có cán bộ này.")
    _check_may(actor, officer_id, found.ward_code)
    return found


def _check_may(actor: Actor, officer_id: int, ward: str) -> None:
    if actor.id != officer_id and (actor.role is Role.OFFICER or not actor.sees(ward)):
        raise NotAllowed(
            "officers enter their own absences", message_vi="Bạn chỉ nhập được ngày nghỉ của chính mình."
        )


def _check_span(tx: Tx, officer_id: int, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if starts_at >= ends_at or ends_at - starts_at > LONGEST:
        raise InputInvalid(
            f"an absence lasts up to {LONGEST.days} days", field="last",
            message_vi=f"Đợt nghỉ phải kết thúc sau khi bắt đầu và dài không quá {LONGEST.days} ngày.",
        )  # fmt: skip
    if ends_at <= now:
        raise InputInvalid(
            "the absence is over already", field="last",
            message_vi="Đợt nghỉ này đã qua rồi, không cần người trực thay nữa.",
        )  # fmt: skip
    other = cover_queries.overlapping(tx, officer_id, starts_at, ends_at)
    if other is not None:
        first = other.starts_at.astimezone(VN)
        last = (other.ends_at - timedelta(seconds=1)).astimezone(VN)
        raise InputInvalid(
            f"there is an absence from {first:%d/%m/%Y} to {last:%d/%m/%Y}", field="first",
            hint="end that one first",
            message_vi=f"Đã có đợt nghỉ từ {first:%d/%m/%Y} đến {last:%d/%m/%Y} trùng với đợt này. "
            "Hãy kết thúc đợt đó trước.",
        )  # fmt: skip


def _check_substitute(tx: Tx, ward: str, officer_id: int, substitute_id: int | None) -> None:
    if substitute_id is None:
        return
    if substitute_id == officer_id:
        raise InputInvalid(
            "nobody stands in for themselves", field="substitute_id",
            message_vi="Không ai trực thay cho chính mình. Hãy chọn người khác.",
        )  # fmt: skip
    if all(one.id != substitute_id for one in cover_queries.people(tx, [ward])):
        raise InputInvalid(
            "the substitute is not an active officer of this ward", field="substitute_id",
            message_vi="Người trực thay phải là cán bộ đang làm việc ở cùng phường, xã.",
        )  # fmt: skip


def _gaps(tx: Tx, ward: str, officer_id: int, start: datetime, end: datetime) -> tuple[GapView, ...]:
    """When nobody answers for this officer, or for those whose chain leads through them."""
    rows = cover_queries.living(tx, ward, start, end)
    duty = cover.Duty(rows, start)
    through = {
        one
        for one in {row.officer_id for row in rows}
        for begin, _ in duty.rota.stretches(start, end)
        if officer_id in duty.rota.at(one, begin).chain
    }
    return _told(duty, through, start, end)


def _told(duty: cover.Duty, officers: Iterable[int], start: datetime, end: datetime) -> tuple[GapView, ...]:
    found = [gap for one in sorted(officers) for gap in duty.rota.gaps(one, start, end)]
    found.sort(key=lambda gap: (gap.start, gap.officer))
    return tuple(
        GapView(duty.name(gap.officer), gap.start, gap.end, gap.why, duty.name(gap.last)) for gap in found
    )


def _view(actor: Actor, row: Any, duty: cover.Duty | None) -> AbsenceView:
    mine = actor.id == row.officer_id or actor.role is not Role.OFFICER
    holds = duty.cover(row.officer_id) if duty is not None and row.starts_at <= duty.at else None
    return AbsenceView(
        id=row.id, ward_code=row.ward_code, officer_id=row.officer_id, officer=row.officer, login=row.login,
        substitute_id=row.substitute_id, substitute=row.substitute, starts_at=row.starts_at,
        ends_at=row.ends_at, reason=row.reason if mine else "", note=row.note if mine else "",
        who=row.who, entered_at=row.entered_at, ended_at=row.ended_at, version=row.version, mine=mine,
        answers=holds.name if holds else None,
    )  # fmt: skip


def _record(tx: Tx, ward: str, kind: str, actor: Actor, now: datetime, told: dict[str, Any]) -> None:
    ledger.append(tx, [Draft(ward, kind, now, told, officer_id=actor.id or None)])
