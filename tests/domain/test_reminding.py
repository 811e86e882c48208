"""When somebody is told of a deadline: in office hours, each moment once, the newest alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain import reminding
from aggregator.domain.reminding import Kind, Quiet, Told
from aggregator.domain.shifts import WARD_WEEK, DayOverride
from aggregator.domain.worktime import VN, Calendar

#: Tết 2026 off, the made-up Saturday of 10 January, and the Friday it was swapped with.
OFFICE = Calendar(
    WARD_WEEK,
    [
        DayOverride(date(2026, 1, 2), works=False),
        DayOverride(date(2026, 1, 10), works=True),
        *(DayOverride(date(2026, 2, day), works=False) for day in range(16, 21)),
    ],
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


OPENINGS = [
    ("2026-03-02T08:00", "2026-03-02T08:00", "Monday in office hours: at once"),
    ("2026-03-02T12:00", "2026-03-02T13:30", "lunch break: after it"),
    ("2026-03-02T11:30", "2026-03-02T13:30", "the very end of the morning is no office hour"),
    ("2026-03-02T07:30", "2026-03-02T07:30", "the very opening is"),
    ("2026-03-06T17:00", "2026-03-09T07:30", "Friday's closing time: Monday"),
    ("2026-03-07T10:00", "2026-03-09T07:30", "Saturday: Monday"),
    ("2026-03-02T03:12", "2026-03-02T07:30", "the night: the opening"),
    ("2026-01-02T09:00", "2026-01-05T07:30", "a Friday off by decision: Monday"),
    ("2026-01-09T18:00", "2026-01-10T07:30", "the made-up Saturday is a working day"),
    ("2026-02-13T17:00", "2026-02-23T07:30", "Tết: the Monday after"),
]


@pytest.mark.parametrize(("asked", "told", "note"), OPENINGS, ids=[row[2] for row in OPENINGS])
def test_nobody_is_told_outside_office_hours(asked: str, told: str, note: str) -> None:
    assert reminding.opening(OFFICE, at(asked)) == at(told), note


QUIET = [
    ("2026-03-02T08:00", None, "2026-03-02T08:00", "no quiet hours"),
    ("2026-03-02T08:00", ("21:00", "06:00"), "2026-03-02T08:00", "a night that the office sleeps through"),
    ("2026-03-02T07:45", ("21:00", "09:00"), "2026-03-02T09:00", "a late riser"),
    ("2026-03-02T11:00", ("11:00", "13:00"), "2026-03-02T13:30", "quiet until one, lunch until half past"),
    ("2026-03-02T16:30", ("16:00", "08:00"), "2026-03-03T08:00", "from four on it is tomorrow's"),
    ("2026-03-06T16:30", ("16:00", "08:00"), "2026-03-09T08:00", "and on Friday Monday's"),
    ("2026-03-02T08:00", ("06:00", "19:00"), "2026-03-02T08:00", "no office hour is left: told all the same"),
]


@pytest.mark.parametrize(("asked", "quiet", "told", "note"), QUIET, ids=[row[3] for row in QUIET])
def test_quiet_hours_put_mail_off(asked: str, quiet: tuple[str, str] | None, told: str, note: str) -> None:
    hours = Quiet(*(time.fromisoformat(one) for one in quiet)) if quiet else None
    assert reminding.mail_at(OFFICE, at(asked), hours) == at(told), note


@given(st.integers(0, 360 * 1440), st.integers(0, 1439), st.integers(0, 1439))
def test_mail_leaves_in_office_hours_and_never_in_quiet_ones_that_leave_room(
    minutes: int, start: int, end: int
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    quiet = Quiet(time(start // 60, start % 60), time(end // 60, end % 60))
    sent = reminding.mail_at(OFFICE, now, quiet)
    assert sent >= now.replace(microsecond=0) and reminding.opening(OFFICE, sent) == sent
    day = [reminding.opening(OFFICE, sent.replace(hour=0) + timedelta(minutes=5 * n)) for n in range(288)]
    if not all(quiet.holds(one.astimezone(VN).time()) for one in day):
        assert not quiet.holds(sent.astimezone(VN).time())


def told_at(due: str, soon: str, escalate: tuple[int, ...] = ()) -> list[tuple[str, int, str]]:
    found = reminding.moments(OFFICE, at(due), at(soon), escalate)
    return [(one.kind, one.level, one.tell_at.astimezone(VN).isoformat()[:16]) for one in found]


MOMENTS = [
    (
        "2026-03-06T17:00", "2026-03-05T17:00", (4, 16),
        [("due_soon", 0, "2026-03-06T07:30"), ("due_today", 0, "2026-03-06T07:30"),
         ("overdue", 0, "2026-03-09T07:30"), ("escalated", 1, "2026-03-09T13:30"),
         ("escalated", 2, "2026-03-11T08:30")],
        "closing time on Friday: overdue on Monday; four and sixteen working hours later the leaders",
    ),
    (
        "2026-03-04T10:00", "2026-03-04T09:00", (),
        [("due_soon", 0, "2026-03-04T09:00"), ("overdue", 0, "2026-03-04T10:00")],
        "a rule of hours: its warning comes after the opening, which then says nothing",
    ),
    (
        "2026-03-08T12:00", "2026-03-06T10:00", (),
        [("due_soon", 0, "2026-03-06T10:00"), ("overdue", 0, "2026-03-09T07:30")],
        "a source's Sunday: told on Friday, the last day on which something can be done",
    ),
    (
        "2026-03-08T12:00", "2026-03-05T10:00", (),
        [("due_soon", 0, "2026-03-05T10:00"), ("due_today", 0, "2026-03-06T07:30"),
         ("overdue", 0, "2026-03-09T07:30")],
        "the same Sunday, warned on Thursday",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("due", "soon", "escalate", "told", "note"), MOMENTS, ids=[row[4] for row in MOMENTS]
)
def test_the_moments_of_a_deadline(
    due: str, soon: str, escalate: tuple[int, ...], told: list, note: str
) -> None:
    assert told_at(due, soon, escalate) == told, note


DUE, SOON = at("2026-03-06T17:00"), at("2026-03-05T10:00")
FOUND = reminding.moments(OFFICE, DUE, SOON, (4,))


def look(now: str, *told: Told, step: str = "result") -> reminding.Look:
    return reminding.look(FOUND, told, DUE, step, at(now))


def kinds(found: reminding.Look) -> list[str]:
    return [one.kind.value for one in found.tell]


def test_each_moment_is_told_once_and_the_next_look_is_at_the_next_moment() -> None:
    first = look("2026-03-05T10:00")
    assert kinds(first) == ["due_soon"] and first.next_at == at("2026-03-06T07:30")
    soon = Told(Kind.DUE_SOON, 0, DUE, "result")
    assert kinds(look("2026-03-05T16:00", soon)) == []
    assert kinds(look("2026-03-06T07:30", soon)) == ["due_today"]


def test_of_what_came_together_only_the_newest_is_told_and_leaders_beside_it() -> None:
    found = look("2026-03-09T13:30")
    assert kinds(found) == ["overdue", "escalated"]
    assert [one.kind.value for one in found.passed] == ["due_soon", "due_today", "overdue", "escalated"]
    assert found.next_at is None


def test_what_was_told_of_a_moved_deadline_is_corrected_once() -> None:
    wrong = Told(Kind.OVERDUE, 0, at("2026-03-03T17:00"), "result")
    assert look("2026-03-04T08:00", wrong).correct
    assert not look("2026-03-04T08:00", wrong, Told(Kind.CHANGED, 0, DUE, "result")).correct


def test_a_new_warning_is_correction_enough() -> None:
    wrong = Told(Kind.DUE_SOON, 0, at("2026-03-03T17:00"), "result")
    found = look("2026-03-05T10:00", wrong)
    assert kinds(found) == ["due_soon"] and not found.correct


def test_the_next_steps_deadline_is_no_correction_of_the_last_ones() -> None:
    answered = Told(Kind.DUE_SOON, 0, at("2026-03-03T17:00"), "first_answer")
    assert not look("2026-03-04T08:00", answered).correct


def test_a_quarter_of_an_hour_late_is_late() -> None:
    moment = FOUND[0]
    assert not moment.late(SOON + timedelta(minutes=15))
    assert moment.late(SOON + timedelta(minutes=15, seconds=1))
