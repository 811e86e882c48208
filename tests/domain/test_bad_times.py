"""What no calendar and no clock can mean: refused in words of both languages, or flagged; never a guess."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest

from aggregator.domain.shifts import ALWAYS, WARD_WEEK, DayOverride, Shift
from aggregator.domain.sla import ClockEvent, ClockKind, Policy, Stage, Unit, due, explain, next_change, stage
from aggregator.domain.worktime import VN, Calendar, DayEnd
from aggregator.errors import AggregatorError

WARD = Calendar(WARD_WEEK, first_year=2025, last_year=2027)
NEVER = Calendar({}, first_year=2025, last_year=2027)
ONCE = Calendar(
    {}, [DayOverride(date(2026, 11, 5), works=True, shifts=(Shift(time(8), time(9)),))],
    first_year=2025, last_year=2027,
)  # fmt: skip
START = datetime(2026, 11, 3, 9, tzinfo=VN)
LAST = datetime.max.replace(tzinfo=UTC)


def rule(amount: Any = 5, unit: Any = Unit.WORKING_DAYS, **more: Any) -> Policy:
    return Policy(1, 1, "Kết quả", "result", amount, unit, date(2025, 1, 1), **more)


def asked(policy: Policy, calendar: Calendar, *events: ClockEvent) -> datetime:
    return due(policy, calendar, events or [ClockEvent(ClockKind.START, START)]).due_at


def began(at: datetime) -> ClockEvent:
    return ClockEvent(ClockKind.START, at)


def extended(**more: Any) -> ClockEvent:
    return ClockEvent(ClockKind.EXTEND, START + timedelta(hours=1), **more)


def week(*shifts: Shift) -> Calendar:
    return Calendar({1: shifts})


CALENDARS: list[tuple[Callable[[], Any], str, str]] = [
    (
        lambda: asked(rule(1, Unit.WORKING_HOURS), NEVER),
        "no working time at all",
        "không có giờ làm việc nào",
    ),
    (lambda: asked(rule(), NEVER), "no working time at all", "ít nhất một ca"),
    (lambda: asked(rule(5, Unit.CALENDAR_DAYS), NEVER), "no working time at all", "ít nhất một ca"),
    (lambda: asked(rule(5, day_end=DayEnd.SAME_TIME), NEVER), "no working time at all", "ít nhất một ca"),
    (lambda: asked(rule(2), ONCE), "knows working time in 2015..2037 only", "từ 2015 đến 2037"),
    (
        lambda: week(Shift(time(8), time(12)), Shift(time(11), time(17))),
        "Tuesday: shift 11:00-17:00 overlaps",
        "Thứ Ba: ca 11:00-17:00 chồng lên",
    ),
    (lambda: week(Shift(time(17), time(8))), "runs backwards", "Thứ Ba: ca 17:00-08:00 rỗng hoặc ngược"),
    (lambda: week(Shift(time(8), time(8))), "is empty", "Thứ Ba: ca 08:00-08:00 rỗng"),
    (lambda: Calendar({7: ALWAYS[0]}), "no such weekday: 7", "Không có thứ 7"),
    (
        lambda: Calendar(WARD_WEEK, first_year=2030, last_year=2020),
        "years 2030..2020",
        "từ năm 2030 đến năm 2020",
    ),
    (
        lambda: Calendar(WARD_WEEK, [DayOverride(date(2026, 1, 1), False, shifts=ALWAYS[0])]),
        "day off cannot have shifts",
        "01/01/2026: ngày nghỉ",
    ),
    (
        lambda: Calendar({}, [DayOverride(date(2026, 1, 10), True)]),
        "neither it nor the week has a shift",
        "10/01/2026: ngày làm việc này chưa có ca",
    ),
    (
        lambda: Calendar(
            WARD_WEEK, [DayOverride(date(2026, 12, 24), True, shifts=(Shift(time(9), time(8)),))]
        ),
        "2026-12-24",
        "24/12/2026: ca 09:00-08:00",
    ),
]

POLICIES: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: rule(0), "above 0", "lớn hơn 0"),
    (lambda: rule(-1), "above 0", "lớn hơn 0"),
    (lambda: rule(1.5), "whole number", "số nguyên"),
    (lambda: rule(float("nan")), "whole number", "số nguyên"),
    (lambda: rule("5"), "whole number", "số nguyên"),
    (lambda: rule(None), "whole number", "số nguyên"),
    (lambda: rule(10**9), "beyond ten years", "mười năm"),
    (lambda: rule(10**12, Unit.MINUTES), "beyond ten years", "mười năm"),
    (lambda: rule(5, "weeks"), "no such unit: 'weeks'", "Đơn vị tính thời hạn"),
    (lambda: rule(5, "minutes"), "no such unit: 'minutes'", "Đơn vị tính thời hạn"),
    (lambda: rule(warn_percent=0), "1 to 100", "Mức báo trước"),
    (lambda: rule(warn_percent=101), "1 to 100", "Mức báo trước"),
    (lambda: rule(valid_to=date(2024, 12, 31)), "ends before it begins", "Ngày hết hiệu lực"),
]

DATES: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: asked(rule(), WARD, began(datetime(2026, 11, 3, 9))), "time without a zone", "thiếu múi giờ"),  # noqa: DTZ001
    (lambda: asked(rule(), WARD, began(LAST)), "no year that can be told", "không có thật"),
    (lambda: asked(rule(5, Unit.MINUTES), WARD, began(LAST)), "no year that can be told", "không có thật"),
    (
        lambda: asked(rule(5, Unit.CALENDAR_DAYS), WARD, began(LAST)),
        "no year that can be told",
        "không có thật",
    ),
    (
        lambda: asked(rule(5, day_end=DayEnd.SAME_TIME), WARD, began(LAST)),
        "no year that can be told",
        "không có thật",
    ),
    (
        lambda: asked(rule(), WARD, began(LAST.replace(tzinfo=timezone(timedelta(hours=-12))))),
        "no year",
        "không có thật",
    ),
    (lambda: asked(rule(), WARD, began(datetime.min.replace(tzinfo=UTC))), "no year", "không có thật"),
    (
        lambda: asked(rule(), WARD, began(datetime(1026, 11, 3, tzinfo=UTC))),
        "2015..2037 only",
        "từ 2015 đến 2037",
    ),
    (
        lambda: asked(rule(), WARD, began(datetime(2226, 11, 3, tzinfo=UTC))),
        "2015..2037 only",
        "từ 2015 đến 2037",
    ),
    (
        lambda: asked(rule(2_600), WARD, began(datetime(2037, 1, 3, tzinfo=UTC))),
        "asked for 2038",
        "từ 2015 đến 2037",
    ),
    (
        lambda: asked(rule(5, Unit.MINUTES), WARD, began(START), extended(minutes=10**15)),
        "no year",
        "không có thật",
    ),
    (
        lambda: asked(rule(), WARD, began(START), extended(due_at=LAST)),
        "no year that can be told",
        "không có thật",
    ),
    (lambda: asked(rule(), WARD, began(START), extended(minutes=-5)), "minutes above 0", "ít nhất một phút"),
    (lambda: asked(rule(), WARD, began(START), extended()), "minutes above 0", "ngày hạn mới"),
    (lambda: asked(rule(), WARD, extended(minutes=5)), "without a START", "chưa ghi lúc bắt đầu"),
]


@pytest.mark.parametrize(
    ("ask", "english", "vietnamese"), [*CALENDARS, *POLICIES, *DATES],
    ids=[f"{n} {row[1]}" for n, row in enumerate([*CALENDARS, *POLICIES, *DATES])],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_both_languages(
    ask: Callable[[], Any], english: str, vietnamese: str
) -> None:
    with pytest.raises(AggregatorError) as refused:
        ask()
    assert english in str(refused.value)
    assert vietnamese in refused.value.message_vi


def test_a_pause_never_closed_is_told_and_changes_by_nobodys_doing() -> None:
    log = [began(START), ClockEvent(ClockKind.PAUSE, START + timedelta(hours=1), reason="needs_info")]
    found = explain(rule(), WARD, log)
    years_later = START + timedelta(days=2_000)
    assert (stage(found.due, years_later), next_change(found.due, years_later)) == (Stage.PAUSED, None)
    assert found.pauses[0].end is None
    assert "đang tạm dừng" in found.sentence_vi.lower()


JUMPS = [
    ([ClockKind.PAUSE, ClockKind.START], "paused before it began"),
    ([ClockKind.STOP, ClockKind.START], "closed before it began"),
    ([ClockKind.RESUME, ClockKind.START, ClockKind.PAUSE], "resumed before it was paused"),
    ([ClockKind.START, ClockKind.REOPEN, ClockKind.STOP], "reopened before it was closed"),
    ([ClockKind.VOID, ClockKind.HAND_OVER, ClockKind.START, ClockKind.VOID], "an undoing of nothing"),
]


@pytest.mark.parametrize(("kinds", "note"), JUMPS, ids=[row[1] for row in JUMPS])
def test_a_log_from_a_clock_that_jumped_has_the_deadline_of_what_fits(
    kinds: list[ClockKind], note: str
) -> None:
    log = [ClockEvent(kind, START + timedelta(minutes=n)) for n, kind in enumerate(kinds)]
    plain = asked(rule(), WARD, began(log[kinds.index(ClockKind.START)].at))
    assert asked(rule(), WARD, *log) == plain, note


def test_years_nobody_decided_are_flagged_and_not_taken_for_known() -> None:
    assert explain(rule(), WARD, [began(START)]).unknown_years == (2026,)
