"""Working calendars as an office edits them: hours of the week, days that differ, files, proposals.

    what a person says | checked whole | a new version of each calendar it touches, who and why
                       | open cases are recounted in the background

Promise: nothing is edited in place without a version that keeps what was before, and the `holidays`
package only proposes: its days hold once a person has said yes. What may surprise: a calendar belongs to
all, to a ward or to a unit; a ward or unit that is given a day or hours of its own gets a calendar of its
own at that moment, beginning with the hours it worked by so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from aggregator.domain import day_table
from aggregator.domain.people import Actor, Right
from aggregator.domain.shifts import ALWAYS, DayOverride, Shift
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid, NotFound, StaleWrite
from aggregator.services import calendar_book, ledger, recounts
from aggregator.services.clock import Clock
from aggregator.services.frame import require
from aggregator.services.holiday_seed import vietnam_days
from aggregator.services.ledger import SYSTEM, Draft
from aggregator.services.match_rules import reason_of
from aggregator.services.recounts import Scope
from aggregator.services.rules import Rules, calendar_of, override_of, week_row
from aggregator.services.views.calendars import (
    CalendarRow,
    CalendarView,
    DayView,
    ImportPlan,
    RecountView,
    VersionView,
)
from aggregator.storage import (
    calendar_queries,
    inbox_queries,
    place_queries,
    recount_queries,
    request_queries,
)
from aggregator.storage.db import Database, Tx

#: Versions and recounts that a page shows.
HISTORY = 30


class Calendars:
    """The calendars of the installation."""

    def __init__(self, db: Database, rules: Rules, clock: Clock) -> None:
        self._db = db
        self._rules = rules
        self._clock = clock

    # Looking ----------------------------------------------------------------------------------------

    def list(self, actor: Actor) -> tuple[CalendarRow, ...]:
        """The calendars this person sees, everybody's first."""
        with self._db.read() as tx:
            names = _Names(tx)
            rows = [_row(actor, row, names) for row in place_queries.all_calendars(tx)]
        seen = [row for row in rows if row.scope.ward is None or actor.sees(row.scope.ward)]
        return tuple(sorted(seen, key=lambda row: (row.scope.ward or "", row.unit_name or "")))

    def view(self, actor: Actor, scope: Scope, year: int) -> CalendarView:
        """The calendar that this scope works by; `NotFound` for a ward or unit the person does not see."""
        with self._db.read() as tx:
            names = _Names(tx)
            scope = _seen(actor, scope, names)
            stored, days = place_queries.all_calendars(tx), place_queries.all_days(tx)
            row = _effective(stored, scope)
            shown = [day for day in days if day.day.year == year and _holds(row, day)]
            own = {day.day for day in shown if day.calendar_id is not None}
            versions = calendar_queries.versions(tx, row.id, HISTORY)
            people = inbox_queries.officer_names(tx, (each.officer_id for each in versions))
        calendar = calendar_of(row, days)
        return CalendarView(
            row=_row(actor, row, names, scope),
            own=_scope_of(row, names) == scope,
            week={weekday: calendar.week_shifts(weekday) for weekday in range(7)},
            calendar=calendar,
            days=tuple(
                DayView(override_of(day), day.calendar_id is None and scope != Scope())
                for day in sorted(shown, key=lambda day: day.day)
                if day.calendar_id is not None or day.day not in own
            ),
            versions=tuple(
                VersionView(each.number, each.at, people.get(each.officer_id), each.why) for each in versions
            ),
        )

    def recounts(self, actor: Actor, kind: str = "calendar", limit: int = 5) -> tuple[RecountView, ...]:
        """The newest recounts that touch what this person sees."""
        with self._db.read() as tx:
            rows = recount_queries.newest(tx, kind, HISTORY)
            people = inbox_queries.officer_names(tx, (row.officer_id for row in rows))
        return tuple(
            RecountView(
                row.id, row.rule_key, row.why, people.get(row.officer_id), row.created_at, row.finished_at,
                row.total, row.seen, row.changed, row.taken_back, row.replaced,
            )
            for row in rows
            if row.ward_code is None or actor.sees(row.ward_code)
        )[:limit]  # fmt: skip

    def export(self, actor: Actor, scope: Scope, kind: str, year: int | None = None) -> str:
        """The days entered for this scope itself, as a table that `read_file` takes back."""
        with self._db.read() as tx:
            row = _own(place_queries.all_calendars(tx), _seen(actor, scope, _Names(tx)))
            days = [
                override_of(day)
                for day in place_queries.all_days(tx)
                if row is not None and day.calendar_id == _days_of(row) and year in (None, day.day.year)
            ]
        return day_table.written(sorted(days, key=lambda day: day.day), kind)

    def proposals(self, actor: Actor, year: int) -> tuple[DayOverride, ...]:
        """What the `holidays` package says of a year beyond what is entered: to be said yes to, or not."""
        if year not in day_table.YEARS:
            raise InputInvalid(f"no such year: {year}", field="year", message_vi=f"Không có năm {year}.")
        with self._db.read() as tx:
            known = {day.day for day in place_queries.all_days(tx) if day.calendar_id is None}
        return tuple(day for day in vietnam_days(year, year) if day.day not in known)

    # Changing ---------------------------------------------------------------------------------------

    def set_days(
        self, actor: Actor, scope: Scope, days: Sequence[DayOverride], *, why: str,
        version: int | None = None, once: str | None = None,
    ) -> int | None:  # fmt: skip
        """These days hold in this scope from now on; the recount's id, None where nothing is new."""
        twice = [day.day for at, day in enumerate(days) if day.day in {one.day for one in days[:at]}]
        if twice:
            raise InputInvalid(
                f"{twice[0]} is given twice", field="day",
                message_vi=f"Ngày {twice[0]:%d/%m/%Y} được nhập hai lần.",
            )  # fmt: skip
        for day in days:
            day_table.a_date(day.day)

        def write(tx: Tx, row: Any) -> dict[str, Any] | None:
            stored = _stored(tx, row)
            new = [day for day in days if stored.get(day.day) != day]
            if not new:
                return None
            calendar_queries.put_days(tx, [calendar_book.day_row(_days_of(row), day) for day in new])
            return {"days": [_told(day) for day in new]}

        return self._change(actor, scope, write, why, version, once)

    def unset_days(
        self, actor: Actor, scope: Scope, days: Sequence[date], *, why: str,
        version: int | None = None, once: str | None = None,
    ) -> int | None:  # fmt: skip
        """Nothing special is said of these days any more; `InputInvalid` where nothing was."""

        def write(tx: Tx, row: Any) -> dict[str, Any]:
            if not calendar_queries.drop_days(tx, _days_of(row), list(days)):
                raise InputInvalid(
                    "nothing is entered for these days", field="day",
                    message_vi="Những ngày này không có trong bảng ngày riêng.",
                )  # fmt: skip
            return {"days_removed": [day.isoformat() for day in days]}

        return self._change(actor, scope, write, why, version, once)

    def set_week(
        self, actor: Actor, scope: Scope, week: Mapping[int, Sequence[Shift]], *, why: str,
        shared_days: bool = True, version: int | None = None, once: str | None = None,
    ) -> int | None:  # fmt: skip
        """The hours of each weekday, 0 is Monday; `shared_days` False works through holidays."""

        def write(tx: Tx, row: Any) -> dict[str, Any] | None:
            told = {"week": week_row(week), "shared_days": shared_days or scope == Scope()}
            if told == {"week": row.week, "shared_days": row.shared_days}:
                return None
            calendar_queries.change_calendar(tx, row.id, **told)
            return told

        return self._change(actor, scope, write, why, version, once)

    def day_and_night(
        self, actor: Actor, scope: Scope, *, why: str, version: int | None = None, once: str | None = None
    ) -> int | None:
        """The week of a hotline: every hour of every day."""
        return self.set_week(actor, scope, ALWAYS, why=why, shared_days=False, version=version, once=once)

    def drop(
        self, actor: Actor, scope: Scope, *, why: str, version: int | None = None, once: str | None = None
    ) -> int | None:
        """The scope has no calendar of its own any more and follows the wider one."""
        if scope == Scope():
            raise InputInvalid(
                "the calendar of all cannot be given up", field="scope",
                message_vi="Lịch chung không bỏ được.",
            )  # fmt: skip

        def write(tx: Tx, row: Any) -> dict[str, Any]:
            calendar_queries.drop_calendar(tx, row.id)
            return {"dropped": True}

        return self._change(actor, scope, write, why, version, once)

    def read_file(
        self, actor: Actor, scope: Scope, text: str, kind: str, *, apply: bool = False, why: str = "",
        version: int | None = None, once: str | None = None,
    ) -> ImportPlan:  # fmt: skip
        """What the file would change; with `apply` it is done, unless the file has problems."""
        require(actor, Right.OPERATE)
        table = day_table.read(text, kind)
        with self._db.read() as tx:
            row = _own(place_queries.all_calendars(tx), _seen(actor, scope, _Names(tx)))
            stored = _stored(tx, row) if row is not None else {}
        added = tuple(day for day in table.days if day.day not in stored)
        changed = tuple(day for day in table.days if day.day in stored and stored[day.day] != day)
        plan = ImportPlan(added, changed, len(table.days) - len(added) - len(changed), table.problems)
        if apply and not plan.problems and (added or changed):
            self.set_days(actor, scope, [*added, *changed], why=why, version=version, once=once)
        return plan

    def accept(
        self, actor: Actor, year: int, days: Iterable[date], *, why: str, once: str | None = None
    ) -> int | None:
        """Say yes to these proposals: they hold for all, in the name of the person who said it."""
        wanted = set(days)
        chosen = [
            DayOverride(day.day, day.works, day.note, day.decision, "person", day.shifts)
            for day in self.proposals(actor, year)
            if day.day in wanted
        ]
        if not chosen:
            raise InputInvalid(
                "no proposed day is chosen", field="day", message_vi="Hãy chọn ít nhất một ngày đề xuất."
            )
        return self.set_days(actor, Scope(), chosen, why=why, once=once)

    def _change(
        self, actor: Actor, scope: Scope, write: Callable[[Tx, Any], dict[str, Any] | None], why: str,
        version: int | None, once: str | None,
    ) -> int | None:  # fmt: skip
        """One change: its versions, its entry, its recount; None where nothing is new."""
        require(actor, Right.OPERATE)
        reason = reason_of(why)
        with self._db.write() as tx:
            ledger.lock(tx, [SYSTEM])
            done = request_queries.result_of(tx, once, actor.id)
            if done is not None:
                return int(done["result"]) if done["result"] is not None else None
            now, names = self._clock(), _Names(tx)
            scope = _mine(actor, _seen(actor, scope, names))
            row = _own(place_queries.all_calendars(tx), scope) or _make(tx, scope, names, now)
            _fresh(row, version)
            told = write(tx, row)
            job = None if told is None else self._record(tx, actor, scope, row, told, reason, now)
            request_queries.remember(tx, once, actor.id, now, {"result": job})
        return job

    def _record(
        self, tx: Tx, actor: Actor, scope: Scope, row: Any, told: dict[str, Any], why: str, now: datetime
    ) -> int:
        # A shared day changes every calendar that follows the shared days; shared hours only their own.
        of_all = scope == Scope() and ("days" in told or "days_removed" in told)
        touched = [
            each.id
            for each in place_queries.all_calendars(tx)
            if each.id == row.id or (of_all and each.shared_days)
        ]
        versions = calendar_book.keep(tx, touched, now, actor.id or None, why)
        job = recounts.order(tx, "calendar", scope, why, actor.id or None, now)
        data = {"ward": scope.ward, "unit": scope.unit_id, **told, "versions": versions, "recount": job,
                "why": why}  # fmt: skip
        ledger.append(tx, [Draft(SYSTEM, "calendar_changed", now, data, officer_id=actor.id or None)])
        return job


class _Names:
    """Wards and units by what they are called."""

    def __init__(self, tx: Tx) -> None:
        self.wards = {row.code: row.name for row in place_queries.all_wards(tx)}
        self.units = {row.id: row for row in place_queries.all_units(tx)}

    def ward_of(self, unit_id: int) -> str | None:
        unit = self.units.get(unit_id)
        return None if unit is None else str(unit.ward_code)


def _scope_of(row: Any, names: _Names) -> Scope:
    if row.unit_id is not None:
        return Scope(names.ward_of(row.unit_id), row.unit_id)
    return Scope(row.ward_code)


def _seen(actor: Actor, scope: Scope, names: _Names) -> Scope:
    """The scope with its ward filled in; `NotFound` where it is not there, or not this person's to see."""
    ward = scope.ward if scope.unit_id is None else names.ward_of(scope.unit_id)
    missing = (scope.unit_id is not None and ward is None) or (ward is not None and ward not in names.wards)
    if missing or (ward is not None and not actor.sees(ward)):
        raise NotFound("no such ward or unit", message_vi="Không có phường, xã hoặc đơn vị này.")
    return Scope(ward, scope.unit_id)


def _mine(actor: Actor, scope: Scope) -> Scope:
    if actor.ward is not None and scope.ward is None:
        raise InputInvalid(
            "only somebody of every ward changes what every ward shares", field="ward", hint="name your ward",
            message_vi="Lịch chung do quản trị toàn hệ thống đặt. Hãy chọn phường, xã của mình.",
        )  # fmt: skip
    return scope


def _own(rows: Iterable[Any], scope: Scope) -> Any | None:
    for row in rows:
        if scope.unit_id is not None:
            if row.unit_id == scope.unit_id:
                return row
        elif row.unit_id is None and row.ward_code == scope.ward:
            return row
    return None


def _effective(rows: Sequence[Any], scope: Scope) -> Any:
    """The unit's own, else the ward's, else everybody's."""
    found = None
    for wider in (scope, Scope(scope.ward), Scope()):
        found = found or _own(rows, wider)
    return found


def _days_of(row: Any) -> int | None:
    """Whose days a change writes: those that all share belong to no calendar."""
    return None if row.ward_code is None and row.unit_id is None else int(row.id)


def _holds(row: Any, day: Any) -> bool:
    return bool(day.calendar_id == row.id or (day.calendar_id is None and row.shared_days))


def _stored(tx: Tx, row: Any) -> dict[date, DayOverride]:
    return {
        day.day: override_of(day) for day in place_queries.all_days(tx) if day.calendar_id == _days_of(row)
    }


def _make(tx: Tx, scope: Scope, names: _Names, now: datetime) -> Any:
    """A calendar of the scope's own, beginning with the hours it has worked by so far."""
    rows = place_queries.all_calendars(tx)
    begun = _effective(rows, scope)
    name = names.units[scope.unit_id].name if scope.unit_id is not None else names.wards[scope.ward or ""]
    place_queries.insert_calendar(
        tx,
        {
            "ward_code": None if scope.unit_id is not None else scope.ward, "unit_id": scope.unit_id,
            "name": name, "week": begun.week, "version": 0, "changed_at": now,
            "shared_days": begun.shared_days,
        },
    )  # fmt: skip
    return _own(place_queries.all_calendars(tx), scope)


def _fresh(row: Any, version: int | None) -> None:
    if version is not None and row.version not in (version, 0):
        raise StaleWrite(
            "the calendar has changed since the page was drawn",
            message_vi="Lịch vừa được người khác sửa. Hãy xem lại rồi thực hiện tiếp.",
        )


def _told(day: DayOverride) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(), "works": day.works, "note": day.note, "decision": day.decision,
        "hours": day_table.hours_text(day.shifts),
    }  # fmt: skip


def _row(actor: Actor, row: Any, names: _Names, scope: Scope | None = None) -> CalendarRow:
    scope = scope or _scope_of(row, names)
    unit = names.units.get(scope.unit_id) if scope.unit_id is not None else None
    return CalendarRow(
        scope=scope,
        ward_name=names.wards.get(scope.ward or ""),
        unit_name=unit.name if unit else None,
        name=row.name,
        version=row.version,
        changed_at=row.changed_at,
        shared_days=row.shared_days,
        mine=actor.may(Right.OPERATE) and (actor.ward is None or actor.ward == scope.ward),
    )


def this_year(now: datetime) -> int:
    """The year as the office's clock has it."""
    return now.astimezone(VN).year
