"""A computer's clock that jumps, and one that stood still: no wrong breach is kept, none is told twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.domain.workflow import ReplyKind
from aggregator.services.deadlines import Deadlines
from tests.factories import MONDAY, RULES, VN, Office, apart


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN).astimezone(UTC)


#: Ten working days after Monday 2 March, at the close of the office; and four fifths of it.
DUE, SOON = vn("2026-03-16T17:00"), vn("2026-03-12T15:36")
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)


def stages(office: Office, case: int) -> list[str]:
    """What the ledger says of the case's deadline, in order; "-" before what was taken back."""
    entries = [entry.data for entry in office.page(case).timeline if entry.kind == "stage"]
    return [f"-{data['taken_back']}" if "taken_back" in data else data["stage"] for data in entries]


def true_stage(now: datetime) -> str:
    return "overdue" if now >= DUE else "due_soon" if now >= SOON else "none"


JUMPS = [
    (-1 * DAY, "a day back"),
    (-1 * SECOND, "a second back"),
    (1 * HOUR, "summer time that does not exist here"),
    (7 * DAY, "a week ahead"),
    (12 * DAY, "ahead into the warning"),
    (30 * DAY, "a month ahead, past the deadline"),
]


@pytest.mark.parametrize(("jump", "note"), JUMPS, ids=[row[1] for row in JUMPS])
def test_a_clock_that_jumps_and_is_put_right_leaves_no_wrong_breach(
    office: Office, jump: timedelta, note: str
) -> None:
    case = office.opens("1")
    office.deadlines.sweep()
    right = MONDAY + 2 * HOUR
    office.clock.at = right + jump
    office.deadlines.sweep()
    assert office.row(case).stage == true_stage(right + jump)
    office.clock.at = right + SECOND
    office.deadlines.sweep()
    assert office.row(case).stage == "none", note
    for at in (SOON, SOON + HOUR, DUE, DUE + HOUR):
        office.clock.at = at
        office.deadlines.sweep()
    told = stages(office, case)
    assert told[-2:] == ["due_soon", "overdue"]
    wrong = [true_stage(right + jump)] if true_stage(right + jump) != "none" else []
    assert told[:-2] == [*wrong, *(f"-{stage}" for stage in wrong)]
    office.is_sound()


def test_what_a_wrong_clock_opened_is_put_right_too(office: Office) -> None:
    office.clock.at = MONDAY + 30 * DAY
    case = office.opens("1")
    office.deadlines.sweep()
    assert office.row(case).stage == "overdue"
    office.clock.at = MONDAY + HOUR
    office.deadlines.sweep()
    assert office.row(case).stage == "none"
    office.clock.at = SOON
    assert office.deadlines.sweep() == 1
    office.is_sound()


def test_a_true_breach_survives_a_clock_that_goes_back_a_little(office: Office) -> None:
    case = office.opens("1")
    office.clock.at = DUE + HOUR
    office.deadlines.sweep()
    for at in (DUE + HOUR - SECOND, DUE, DUE + HOUR):
        office.clock.at = at
        assert office.deadlines.sweep() == 0
    assert stages(office, case) == ["overdue"]
    office.is_sound()


def test_overdue_by_a_leap_is_due_soon_where_the_warning_was_due_anyway(office: Office) -> None:
    case = office.opens("1")
    office.clock.at = DUE + 30 * DAY
    office.deadlines.sweep()
    office.clock.at = SOON + HOUR
    office.deadlines.sweep()
    row = office.row(case)
    assert (row.stage, row.next_at) == ("due_soon", DUE)
    assert stages(office, case) == ["overdue", "-overdue"]
    office.is_sound()


def test_a_clock_put_right_while_the_worker_was_down_is_noticed_at_its_start(office: Office) -> None:
    case = office.opens("1")
    office.clock.at = DUE + 30 * DAY
    office.deadlines.sweep()
    office.clock.at = MONDAY + HOUR
    Deadlines(office.db, RULES, office.clock).sweep()
    assert office.row(case).stage == "none"
    office.is_sound()


def test_many_wrong_warnings_are_taken_back_and_true_ones_left(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.services.clock_jumps.PART", 2)
    office.receives("1022", *apart(5))
    early = vn("2026-03-02T16:00")
    late = office.opens("9", due_at=early)
    paused, closed = office.opens("10"), office.opens("11")
    office.cases.pause(office.lan, paused, "site_visit")
    office.cases.reply(office.lan, closed, ReplyKind.RESULT, "Xong.")
    office.clock.at = DUE + DAY
    assert office.deadlines.sweep() == 6
    office.clock.at = early + HOUR
    office.deadlines.sweep()
    found = {row.stage for row in map(office.row, range(1, 6))}
    assert found == {"none"}
    assert [office.row(case).stage for case in (late, paused, closed)] == ["overdue", "paused", "done"]
    office.is_sound()


def test_two_workers_whose_clocks_are_apart_do_not_quarrel(office: Office) -> None:
    """The one ahead warns too early; the other does not take it back at every beat, else both never end."""
    case = office.opens("1")
    other = Deadlines(office.db, RULES, lambda: office.clock() + 30 * DAY)
    office.deadlines.sweep()
    for _ in range(3):
        office.clock.forward(minutes=1)
        other.sweep()
        office.deadlines.sweep()
    assert stages(office, case) == ["overdue"]


@pytest.mark.parametrize("hours", [1, 24, 24 * 30])
def test_a_process_that_stood_still_writes_what_is_true_now_and_once(office: Office, hours: int) -> None:
    """Stopped in the middle of the day (a laptop's lid, a full disk), it goes on with the time it finds."""
    case = office.opens("1")
    office.clock.at = SOON - timedelta(minutes=1)
    office.deadlines.sweep()
    office.clock.forward(hours=hours)
    for _ in range(3):
        office.deadlines.sweep()
    assert office.row(case).stage == true_stage(office.clock())
    assert stages(office, case) == [true_stage(office.clock())]
    office.is_sound()
