"""When an answer was brought, when it is reminded of, and when a source should show it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.errands import SHOWN_WITHIN, WAITING, Need, reminders, sight, when_done
from aggregator.domain.shifts import WARD_WEEK
from aggregator.domain.worktime import VN, Calendar
from aggregator.errors import InputInvalid

OFFICE = Calendar(WARD_WEEK, first_year=2025, last_year=2027)


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


WRITTEN, NOW = vn("2026-03-02T09:00:40"), vn("2026-03-02T16:30:20")


@pytest.mark.parametrize(
    ("said", "kept", "note"),
    [
        (None, NOW, "nothing said: just now"),
        ("2026-03-02T11:15", vn("2026-03-02T11:15"), "earlier the same day"),
        ("2026-03-02T09:00", WRITTEN, "the minute of the writing: people say minutes"),
        ("2026-03-02T16:30", vn("2026-03-02T16:30"), "this minute"),
        ("2026-03-02T08:59", None, "before it was written"),
        ("2026-03-02T16:31", None, "the minute after this one"),
        ("2025-03-02T11:15", None, "a slip in the year"),
    ],
)
def test_when_it_was_done_lies_between_the_writing_and_now(
    said: str | None, kept: datetime | None, note: str
) -> None:
    at = vn(said) if said else None
    if kept is None:
        with pytest.raises(InputInvalid):
            when_done(at, WRITTEN, NOW)
    else:
        assert when_done(at, WRITTEN, NOW) == kept, note


@pytest.mark.parametrize(
    ("since", "due", "now", "come", "ahead", "note"),
    [
        ("2026-03-02T08:00", None, "2026-03-02T09:59", None, "2026-03-02T10:00", "two hours to begin with"),
        ("2026-03-02T08:00", None, "2026-03-02T10:00", "2026-03-02T10:00", "2026-03-03T07:30", "then told"),
        ("2026-03-02T10:30", None, "2026-03-02T13:00", None, "2026-03-02T14:30", "lunch is no working time"),
        ("2026-03-06T16:00", None, "2026-03-07T12:00", None, "2026-03-09T08:30", "nobody on Saturday"),
        ("2026-03-02T08:00", None, "2026-03-04T11:00", "2026-03-04T07:30", "2026-03-05T07:30", "each day"),
        ("2026-03-02T08:00", "2026-03-03T11:00", "2026-03-03T08:59", "2026-03-03T07:30", "2026-03-03T09:00",
         "once more before the source's deadline"),
        ("2026-03-02T08:00", "2026-03-03T11:00", "2026-03-03T09:00", "2026-03-03T09:00", "2026-03-04T07:30",
         "and that is now"),
        ("2026-03-02T10:00", "2026-03-02T11:00", "2026-03-02T10:05", "2026-03-02T10:00", "2026-03-02T14:00",
         "a deadline in less than two hours is told at once"),
        ("2026-03-02T08:00", "2026-03-01T11:00", "2026-03-02T08:30", None, "2026-03-02T10:00",
         "a deadline that had passed before is told by nobody here"),
    ],
)  # fmt: skip
def test_who_has_to_bring_an_answer_is_reminded_in_office_hours(
    since: str, due: str | None, now: str, come: str | None, ahead: str, note: str
) -> None:
    turn = reminders(OFFICE, vn(since), vn(due) if due else None, vn(now))
    assert turn.come == (vn(come) if come else None), note
    assert turn.next == vn(ahead), note
    assert turn.close == (note in ("and that is now", "a deadline in less than two hours is told at once"))


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.one_of(st.none(), st.integers(0, 10**6)))
def test_reminders_come_in_order_and_never_while_the_office_is_shut(
    since: int, later: int, due: int | None
) -> None:
    start = vn("2026-03-02T00:00")
    at, now = start + timedelta(seconds=since), start + timedelta(seconds=since + later)
    turn = reminders(OFFICE, at, start + timedelta(seconds=due) if due is not None else None, now)
    assert turn.next is not None and turn.next > now
    for moment in (turn.come, turn.next):
        if moment is not None:
            assert moment >= at
            assert OFFICE.between(moment, moment + timedelta(seconds=1)) == 1, "somebody is there"


def test_a_calendar_that_ends_reminds_nobody_and_breaks_nothing() -> None:
    never = Calendar(dict.fromkeys(range(7), ()))
    assert reminders(never, WRITTEN, None, NOW).next is None


@pytest.mark.parametrize(
    ("hours", "read", "again", "note"),
    [
        (23, 22, 24, "it still has its time"),
        (25, 24.5, None, "read since, and not shown"),
        (25, 23, 26, "not read since its time was over: no witness"),
        (25, None, 26, "never read"),
    ],
)
def test_a_source_that_was_read_after_its_time_should_show_the_answer(
    hours: float, read: float | None, again: float | None, note: str
) -> None:
    def at(hour: float | None) -> datetime | None:
        return None if hour is None else NOW + timedelta(hours=hour)

    assert sight(NOW, at(read), NOW + timedelta(hours=hours)) == at(again), note
    assert timedelta(hours=24) == SHOWN_WITHIN


def test_what_waits_comes_before_what_is_done() -> None:
    assert max(WAITING) < Need.TICKED
    assert sorted(WAITING)[0] is Need.UNCLEAR, "what may be sent twice is looked at first"
    assert {need.word for need in Need} == {"unclear", "unseen", "refused", "manual", "ticked"}
