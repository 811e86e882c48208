"""Deadlines from logs: tables made by hand, and a clock that walks minute by minute."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.domain.shifts import WARD_WEEK, DayOverride
from aggregator.domain.sla import (
    ClockEvent,
    ClockKind,
    Policy,
    Stage,
    Unit,
    choose,
    due,
    explain,
    next_change,
    stage,
)
from aggregator.domain.worktime import VN, Calendar, CalendarExhausted, DayEnd
from aggregator.errors import InputInvalid


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN)


TET_NAMES = ("Giao thừa Tết Nguyên Đán", "Tết Nguyên Đán", *(f"Mùng {n} Tết Nguyên Đán" for n in (2, 3, 4)))
DAYS = [
    *(DayOverride(date(2026, 2, 16 + n), works=False, note=name) for n, name in enumerate(TET_NAMES)),
    DayOverride(date(2026, 1, 1), works=False, note="Tết Dương lịch"),
    DayOverride(date(2026, 1, 2), works=False, note="Nghỉ hoán đổi"),
    DayOverride(date(2026, 1, 10), works=True, note="Làm bù cho 02/01"),
]
WARD = Calendar(WARD_WEEK, DAYS, first_year=2025, last_year=2027)


def rule(amount: int, unit: Unit, **more: object) -> Policy:
    return dataclasses.replace(
        Policy(1, 1, "Kết quả", "result", amount, unit, valid_from=date(2025, 1, 1)),
        **more,  # type: ignore[arg-type]
    )


def log(*lines: str) -> list[ClockEvent]:
    """'start 2026-11-03T09:00' a line; 'extend … +60' adds minutes, 'extend … =2026-…' sets the date."""
    events = []
    for line in lines:
        kind, at, *rest = line.split()
        minutes, due_at = 0, None
        if rest:
            minutes, due_at = (int(rest[0]), None) if rest[0][0] == "+" else (0, vn(rest[0][1:]))
        events.append(ClockEvent(ClockKind(kind), vn(at), minutes=minutes, due_at=due_at))
    return events


HOURS, DAYS_5, CALENDAR, MINUTES = (
    rule(8, Unit.WORKING_HOURS),
    rule(5, Unit.WORKING_DAYS),
    rule(10, Unit.CALENDAR_DAYS),
    rule(5, Unit.MINUTES),
)
START = "start 2026-11-03T09:00"  # a Tuesday

TABLE: list[tuple[Policy, list[str], str, str]] = [
    (MINUTES, ["start 2026-11-07T23:58"], "2026-11-08T00:03", "minutes run by the clock, Saturday night too"),
    (HOURS, [START], "2026-11-04T09:30", "6 working hours on Tuesday, 2 on Wednesday"),
    (rule(4, Unit.WORKING_HOURS), ["start 2026-11-06T16:30"], "2026-11-09T11:00", "Friday 16:30 + 4 hours"),
    (DAYS_5, [START], "2026-11-10T17:00", "five working days, a weekend between"),
    (DAYS_5, ["start 2026-02-12T09:00"], "2026-02-26T17:00", "five working days over Tết 2026"),
    (DAYS_5, ["start 2026-01-05T09:00"], "2026-01-10T17:00", "the fifth day is make-up Saturday 10 January"),
    (DAYS_5, ["start 2025-12-31T09:00"], "2026-01-09T17:00", "year's end, 1 and 2 January off"),
    (CALENDAR, [START], "2026-11-13T17:00", "ten days, weekends counted"),
    (rule(4, Unit.CALENDAR_DAYS), [START], "2026-11-09T17:00", "ends on a Saturday, moves to Monday"),
    (
        HOURS,
        [START, "pause 2026-11-03T10:00", "resume 2026-11-03T11:00"],
        "2026-11-04T10:30",
        "an hour's pause moves the deadline by a working hour",
    ),
    (
        HOURS,
        [START, "pause 2026-11-03T17:30", "resume 2026-11-04T07:00"],
        "2026-11-04T09:30",
        "a pause at night pauses nothing",
    ),
    (
        HOURS,
        [START, "pause 2026-11-03T10:00:20", "resume 2026-11-03T10:00:50"],
        "2026-11-04T09:30:30",
        "pauses count to the second",
    ),
    (
        HOURS,
        [START, "pause 2026-11-03T16:00", "resume 2026-11-09T08:30"],
        "2026-11-09T11:30",
        "a pause over the weekend: three hours were left, three hours are left",
    ),
    (
        DAYS_5,
        [START, "pause 2026-11-04T10:00", "resume 2026-11-06T10:00"],
        "2026-11-12T17:00",
        "two whole working days paused, still due at closing time",
    ),
    (
        DAYS_5,
        [START, "pause 2026-11-04T10:00", "resume 2026-11-04T11:00"],
        "2026-11-11T08:30",
        "an hour paused is an hour given back, not a day",
    ),
    (
        CALENDAR,
        [START, "pause 2026-11-04T10:00", "resume 2026-11-06T09:00"],
        "2026-11-16T17:00",
        "two midnights paused: the 15th, a Sunday, moves to Monday",
    ),
    (
        rule(4, Unit.CALENDAR_DAYS),
        [START, "pause 2026-11-08T10:00", "resume 2026-11-18T09:00"],
        "2026-11-18T17:00",
        "paused on the Sunday before a moved deadline: never due before it resumed",
    ),
    (
        MINUTES,
        ["start 2026-11-03T09:00", "pause 2026-11-03T09:02", "resume 2026-11-03T12:00"],
        "2026-11-03T12:03",
        "minutes pause in minutes",
    ),
    (HOURS, [START, "pause 2026-11-03T10:00"], "2026-11-04T09:30", "open pause: as if it resumed at once"),
    (
        HOURS,
        [START, "pause 2026-11-03T10:00", "pause 2026-11-03T11:00", "resume 2026-11-03T14:00"],
        "2026-11-04T11:30",
        "a second pause changes nothing",
    ),
    (HOURS, [START, "resume 2026-11-03T14:00"], "2026-11-04T09:30", "a resume without a pause neither"),
    (
        HOURS,
        [START, "pause 2026-11-03T10:00", "resume 2026-11-03T10:00"],
        "2026-11-04T09:30",
        "pause and resume in one instant: the clock runs",
    ),
    (HOURS, [START, "extend 2026-11-03T15:00 +120"], "2026-11-04T11:30", "two working hours more"),
    (CALENDAR, [START, "extend 2026-11-10T15:00 +4320"], "2026-11-16T17:00", "three calendar days more"),
    (CALENDAR, [START, "extend 2026-11-10T15:00 +1"], "2026-11-16T17:00", "a begun day counts as a day"),
    (DAYS_5, [START, "extend 2026-11-05T09:00 =2026-11-20T20:00"], "2026-11-20T20:00", "a promised evening"),
    (
        DAYS_5,
        [
            START,
            "extend 2026-11-05T09:00 =2026-11-20T16:00",
            "pause 2026-11-06T09:00",
            "resume 2026-11-06T10:00",
        ],
        "2026-11-20T17:00",
        "a later pause moves the promised date by its working time",
    ),
    (
        DAYS_5,
        [
            START,
            "extend 2026-11-05T09:00 =2026-11-06T16:00",
            "pause 2026-11-09T09:00",
            "resume 2026-11-09T10:00",
        ],
        "2026-11-06T16:00",
        "a pause after the promised date moves nothing",
    ),
    (
        HOURS,
        [START, "stop 2026-11-03T10:00", "reopen 2026-11-05T10:00"],
        "2026-11-06T09:30",
        "reopened: the seven hours left go on, two days later",
    ),
    (
        HOURS,
        [START, "stop 2026-11-05T10:00", "reopen 2026-11-09T10:00"],
        "2026-11-04T09:30",
        "reopened after it was late: still late",
    ),
    (
        HOURS,
        [START, "stop 2026-11-03T10:00", "start 2026-11-05T09:00"],
        "2026-11-06T09:30",
        "started afresh after a stop: a new clock",
    ),
    (
        HOURS,
        [START, "start 2026-11-05T09:00"],
        "2026-11-04T09:30",
        "a second start of a running clock is none",
    ),
    (
        HOURS,
        [START, "pause 2026-11-03T10:00", "stop 2026-11-03T14:00", "reopen 2026-11-03T15:00"],
        "2026-11-04T14:30",
        "pause, closing and reopening: 10:00 to 15:00 pauses three working hours",
    ),
    (
        HOURS,
        [START, "stop 2026-11-03T10:00", "extend 2026-11-03T11:00 +600"],
        "2026-11-04T09:30",
        "nothing extends a stopped clock",
    ),
    (
        HOURS,
        [START, "extend 2026-11-03T10:00 =2026-11-20T09:00", "policy_change 2026-11-03T11:00"],
        "2026-11-04T09:30",
        "a new rule drops the date set under the old one",
    ),
    (
        HOURS,
        [
            START,
            "pause 2026-11-03T09:30",
            "resume 2026-11-03T10:30",
            "extend 2026-11-03T10:45 +60",
            "policy_change 2026-11-03T11:00",
        ],
        "2026-11-04T11:30",
        "and keeps its pauses and added time",
    ),
    (
        HOURS,
        [START, "policy_change 2026-11-03T11:00 =2026-11-12T09:00"],
        "2026-11-12T09:00",
        "a new rule may bring its own date",
    ),
    (
        rule(2, Unit.WORKING_DAYS, day_end=DayEnd.SAME_TIME),
        ["start 2026-02-13T16:00"],
        "2026-02-24T16:00",
        "same clock time two working days on",
    ),
    (
        rule(4, Unit.CALENDAR_DAYS, day_end=DayEnd.SAME_TIME),
        [START],
        "2026-11-09T09:00",
        "same clock time, moved off the weekend",
    ),
]


@pytest.mark.parametrize(("policy", "lines", "end", "note"), TABLE, ids=[row[3] for row in TABLE])
def test_a_log_gives_its_deadline(policy: Policy, lines: list[str], end: str, note: str) -> None:
    assert due(policy, WARD, log(*lines)).due_at.astimezone(VN) == vn(end), note


def test_events_of_one_save_give_the_same_deadline_in_any_order() -> None:
    events = log(
        START,
        "pause 2026-11-03T10:00",
        "resume 2026-11-03T14:00",
        "extend 2026-11-03T14:00 +30",
        "stop 2026-11-03T14:00",
    )
    results = {due(HOURS, WARD, list(order)) for order in permutations(events)}
    assert len(results) == 1
    assert results.pop().stopped_at == vn("2026-11-03T14:00")


def test_paused_then_resolved_counts_the_pause() -> None:
    clock = due(HOURS, WARD, log(START, "pause 2026-11-03T10:00", "stop 2026-11-10T10:00"))
    assert clock.used_seconds == 3600
    assert not clock.paused
    assert clock.late is False  # the pause is given back by the stop, as if it had resumed in that instant


def test_answering_in_the_second_of_the_deadline_is_in_time() -> None:
    assert due(HOURS, WARD, log(START, "stop 2026-11-04T09:30")).late is False
    assert due(HOURS, WARD, log(START, "stop 2026-11-04T09:30:01")).late is True
    assert due(HOURS, WARD, log(START)).late is None


def test_a_clock_is_due_soon_when_its_share_of_working_time_is_used() -> None:
    assert due(rule(10, Unit.WORKING_HOURS), WARD, log(START)).due_soon_at == vn("2026-11-04T09:30")
    over_the_weekend = due(rule(4, Unit.WORKING_HOURS), WARD, log("start 2026-11-06T16:30"))
    assert over_the_weekend.due_soon_at == vn("2026-11-09T10:12")  # 48 working minutes before, not Sunday
    assert due(rule(1, Unit.CALENDAR_DAYS), WARD, log("start 2026-11-06T16:30")).due_soon_at == vn(
        "2026-11-09T15:24"
    )
    promised = due(HOURS, WARD, log(START, "extend 2026-11-03T10:00 =2026-11-03T02:00"))
    assert promised.due_soon_at == promised.due_at  # a date before the start: nothing to warn of


def test_stages_follow_one_another_at_the_instants_the_sweep_is_told() -> None:
    clock = due(HOURS, WARD, log(START))
    now, seen = vn("2026-11-03T09:00"), []
    while True:
        seen.append(stage(clock, now))
        following = next_change(clock, now)
        if following is None:
            break
        assert stage(clock, following - timedelta(seconds=1)) == seen[-1]
        now = following
    assert seen == [Stage.NONE, Stage.DUE_SOON, Stage.OVERDUE]


def test_paused_and_finished_clocks_change_by_nobodys_doing() -> None:
    paused = due(HOURS, WARD, log(START, "pause 2026-11-03T10:00"))
    stopped = due(HOURS, WARD, log(START, "stop 2026-11-03T10:00"))
    much_later = vn("2027-01-01T00:00")
    assert (stage(paused, much_later), next_change(paused, much_later)) == (Stage.PAUSED, None)
    assert (stage(stopped, much_later), next_change(stopped, much_later)) == (Stage.DONE, None)


def test_pausing_does_not_hide_that_a_case_was_overdue() -> None:
    clock = due(HOURS, WARD, log(START, "pause 2026-11-05T10:00"))
    assert stage(clock, vn("2026-11-05T11:00")) is Stage.OVERDUE


def test_a_log_without_a_start_is_refused() -> None:
    with pytest.raises(InputInvalid, match="START"):
        due(HOURS, WARD, log("pause 2026-11-05T10:00"))
    with pytest.raises(InputInvalid, match="extension"):
        due(HOURS, WARD, log(START, "extend 2026-11-05T10:00"))


def test_a_calendar_without_work_has_no_deadline() -> None:
    idle = Calendar({}, first_year=2026, last_year=2026)
    for unit in (Unit.WORKING_HOURS, Unit.WORKING_DAYS, Unit.CALENDAR_DAYS):
        with pytest.raises(CalendarExhausted):
            due(rule(1, unit), idle, log(START))
    assert due(MINUTES, idle, log(START)).due_at == vn("2026-11-03T09:05")


def test_an_unusable_rule_is_refused_by_name() -> None:
    for wrong in ({"amount": 0}, {"warn_percent": 0}, {"valid_to": date(2024, 1, 1)}):
        with pytest.raises(InputInvalid, match="Kết quả"):
            dataclasses.replace(HOURS, **wrong)  # type: ignore[arg-type]


# -- which rule holds ------------------------------------------------------------------------------------

GENERAL = rule(10, Unit.CALENDAR_DAYS, id=1)
TRASH = rule(5, Unit.WORKING_DAYS, id=2, category="trash")
HOTLINE = rule(7, Unit.WORKING_DAYS, id=3, channel="hotline")
URGENT = rule(4, Unit.WORKING_HOURS, id=4, urgency="urgent")
TRASH_HOTLINE = rule(3, Unit.WORKING_DAYS, id=5, category="trash", channel="hotline")
NEWER = rule(9, Unit.CALENDAR_DAYS, id=6, valid_from=date(2026, 6, 1))
ENDED = rule(1, Unit.CALENDAR_DAYS, id=7, category="trash", valid_to=date(2026, 3, 31), version=9)
OTHER_STEP = rule(1, Unit.WORKING_HOURS, id=8, step="first_answer", category="trash")
RULES = [GENERAL, TRASH, HOTLINE, URGENT, TRASH_HOTLINE, NEWER, ENDED, OTHER_STEP]

CHOICES = [
    ("web", "noise", None, "2026-05-31", 1, "only the general rule speaks"),
    ("web", "noise", None, "2026-06-01", 6, "a later rule replaces it on its first day"),
    ("web", "trash", None, "2026-07-01", 2, "a category's rule before the general one"),
    ("hotline", "noise", None, "2026-07-01", 3, "a channel's rule before the general one"),
    ("hotline", "trash", None, "2026-07-01", 5, "both before either"),
    ("hotline", "trash", "urgent", "2026-07-01", 4, "urgent before everything"),
    ("web", "trash", None, "2026-03-31", 7, "valid on its last day, higher version wins"),
    ("web", "trash", None, "2026-04-01", 2, "and no longer on the next"),
    ("web", None, None, "2026-07-01", 6, "a report without a category gets no category's rule"),
]


@pytest.mark.parametrize(
    ("channel", "category", "urgency", "on", "expected", "note"), CHOICES, ids=[r[5] for r in CHOICES]
)
def test_the_most_specific_valid_rule_is_chosen(
    channel: str, category: str | None, urgency: str | None, on: str, expected: int, note: str
) -> None:
    for rules in (RULES, RULES[::-1]):
        chosen = choose(
            rules,
            step="result",
            channel=channel,
            category=category,
            urgency=urgency,
            on=date.fromisoformat(on),
        )
        assert chosen is not None and chosen.id == expected, note


def test_no_rule_for_the_step_is_no_deadline() -> None:
    asked = {"channel": "web", "category": None, "urgency": None, "on": date(2026, 7, 1)}
    assert choose(RULES, step="progress", **asked) is None  # type: ignore[arg-type]


# -- explaining ------------------------------------------------------------------------------------------

SENTENCES: list[tuple[Policy, list[str], str, str]] = [
    (
        DAYS_5,
        [START],
        "5 ngày làm việc kể từ ngày 03/11, không tính 07-08/11 (cuối tuần): hạn 17:00 ngày 10/11",
        "5 working days from 03/11, not counting 07-08/11 (weekend): due 17:00 on 10/11",
    ),
    (
        DAYS_5,
        ["start 2026-02-12T09:00"],
        "5 ngày làm việc kể từ ngày 12/02, không tính 14-22/02 (Tết Nguyên Đán, cuối tuần): "
        "hạn 17:00 ngày 26/02",
        "5 working days from 12/02, not counting 14-22/02 (Tết Nguyên Đán, weekend): due 17:00 on 26/02",
    ),
    (
        DAYS_5,
        ["start 2026-01-05T09:00"],
        "5 ngày làm việc kể từ ngày 05/01, có tính 10/01 (Làm bù cho 02/01): hạn 17:00 ngày 10/01",
        "5 working days from 05/01, counting 10/01 (Làm bù cho 02/01): due 17:00 on 10/01",
    ),
    (
        rule(1, Unit.WORKING_DAYS),
        ["start 2025-12-31T09:00"],
        "1 ngày làm việc kể từ ngày 31/12/2025, không tính 01-04/01 (Tết Dương lịch, Nghỉ hoán đổi, "
        "cuối tuần): hạn 17:00 ngày 05/01/2026",
        "1 working day from 31/12/2025, not counting 01-04/01 (Tết Dương lịch, Nghỉ hoán đổi, weekend): "
        "due 17:00 on 05/01/2026",
    ),
    (
        HOURS,
        [START, "pause 2026-11-03T10:00", "resume 2026-11-03T11:10", "extend 2026-11-03T15:00 +120"],
        "8 giờ làm việc kể từ 09:00 ngày 03/11, tạm dừng 1 giờ 10 phút làm việc, "
        "gia hạn thêm 2 giờ làm việc: hạn 14:40 ngày 04/11",
        "8 working hours from 09:00 on 03/11, paused for 1 h 10 min of working time, "
        "extended by 2 h of working time: due 14:40 on 04/11",
    ),
    (
        rule(4, Unit.CALENDAR_DAYS),
        [START],
        "4 ngày kể từ ngày 03/11, ngày cuối là ngày nghỉ nên chuyển sang ngày làm việc tiếp theo: "
        "hạn 17:00 ngày 09/11",
        "4 days from 03/11, moved from a day off to the next working day: due 17:00 on 09/11",
    ),
    (
        CALENDAR,
        [START, "pause 2026-11-04T10:00", "resume 2026-11-07T09:00"],
        "10 ngày kể từ ngày 03/11, tạm dừng 3 ngày: hạn 17:00 ngày 16/11",
        "10 days from 03/11, paused for 3 d: due 17:00 on 16/11",
    ),
    (
        DAYS_5,
        [START, "extend 2026-11-03T15:00 =2026-11-06T00:00", "pause 2026-11-04T08:00"],
        "5 ngày làm việc kể từ ngày 03/11, theo ngày do người có thẩm quyền ấn định: hạn 24:00 ngày 05/11; "
        "đang tạm dừng từ 08:00 ngày 04/11",
        "5 working days from 03/11, set by the person in charge: due 24:00 on 05/11; "
        "paused since 08:00 on 04/11",
    ),
    (
        DAYS_5,
        [
            START,
            "extend 2026-11-05T09:00 =2026-11-06T16:00",
            "pause 2026-11-05T10:00",
            "resume 2026-11-05T10:30",
        ],
        "5 ngày làm việc kể từ ngày 03/11, tạm dừng 30 phút làm việc, "
        "theo ngày do người có thẩm quyền ấn định: hạn 16:30 ngày 06/11",
        "5 working days from 03/11, paused for 30 min of working time, "
        "set by the person in charge: due 16:30 on 06/11",
    ),
    (
        MINUTES,
        [START, "stop 2026-11-03T09:06"],
        "5 phút kể từ 09:00 ngày 03/11: hạn 09:05 ngày 03/11; hoàn thành 09:06 ngày 03/11 (quá hạn)",
        "5 minutes from 09:00 on 03/11: due 09:05 on 03/11; finished 09:06 on 03/11 (late)",
    ),
]


@pytest.mark.parametrize(
    ("policy", "lines", "vietnamese", "english"), SENTENCES, ids=[row[3][:60] for row in SENTENCES]
)
def test_a_sentence_does_the_arithmetic(
    policy: Policy, lines: list[str], vietnamese: str, english: str
) -> None:
    told = explain(policy, WARD, log(*lines))
    assert told.sentence_vi == vietnamese
    assert told.sentence_en == english


def test_an_explanation_shows_what_was_counted_and_what_was_not() -> None:
    told = explain(
        DAYS_5, WARD, log("start 2026-02-12T16:00", "pause 2026-02-13T08:00", "resume 2026-02-13T09:00")
    )
    assert told.due.spans[:3] == (
        (vn("2026-02-12T16:00"), vn("2026-02-12T17:00")),
        (vn("2026-02-13T07:30"), vn("2026-02-13T08:00")),
        (vn("2026-02-13T09:00"), vn("2026-02-13T11:30")),
    )
    assert [(pause.seconds, pause.end) for pause in told.pauses] == [(3600, vn("2026-02-13T09:00"))]
    assert (date(2026, 2, 17), "Tết Nguyên Đán") in [(skip.day, skip.note) for skip in told.skipped]
    assert told.unknown_years == ()


def test_an_explanation_admits_years_without_entered_holidays() -> None:
    assert explain(DAYS_5, WARD, log("start 2026-12-30T09:00")).unknown_years == (2027,)


# -- properties ------------------------------------------------------------------------------------------

UNITS = st.sampled_from(list(Unit))
MOMENTS = st.lists(st.integers(0, 14 * 1440), min_size=1, max_size=9, unique=True).map(sorted)


@st.composite
def paused_logs(draw: st.DrawFn) -> list[ClockEvent]:
    """A start, then pauses and resumes in turn on whole minutes, over Tết."""
    moments = [vn("2026-02-09T00:00") + timedelta(minutes=minute) for minute in draw(MOMENTS)]
    kinds = (ClockKind.START, *(ClockKind.PAUSE, ClockKind.RESUME) * 4)
    return [ClockEvent(kind, at) for kind, at in zip(kinds, moments, strict=False)]


FIRST_MINUTE = vn("2026-02-09T00:00")
#: For each minute from 9 February to the end of May 2026: does the ward work in it?
OPEN = [
    any(shift.start <= at.time() < shift.end for shift in WARD.shifts_on(at.date()))
    for at in (FIRST_MINUTE + timedelta(minutes=minute) for minute in range(110 * 1440))
]


def walk(policy: Policy, events: list[ClockEvent]) -> datetime:
    """The oracle: one minute at a time, asking only whether the office works and the clock runs."""
    moments = [int((event.at - FIRST_MINUTE).total_seconds()) // 60 for event in events]
    at = moments[0]
    left = policy.amount if policy.unit is Unit.MINUTES else policy.amount * 60
    if policy.unit is Unit.WORKING_DAYS:
        days, closed = 0, at
        while days < policy.amount:  # every working day of this ward closes at 17:00
            closed += 1
            days += OPEN[closed - 1] and closed % 1440 == 17 * 60 and closed // 1440 > at // 1440
        left = sum(OPEN[at:closed])
    while left:
        running = sum(moment <= at for moment in moments) % 2  # start, pause, resume, pause, ...
        left -= bool(running and (policy.unit is Unit.MINUTES or OPEN[at]))
        at += 1
    return FIRST_MINUTE + timedelta(minutes=at)


@settings(max_examples=60, deadline=None)
@given(
    paused_logs(),
    st.sampled_from([Unit.MINUTES, Unit.WORKING_HOURS, Unit.WORKING_DAYS]),
    st.integers(1, 12),
)
def test_a_clock_that_walks_minute_by_minute_agrees(
    events: list[ClockEvent], unit: Unit, amount: int
) -> None:
    policy = rule(amount, unit)
    if events[-1].kind is ClockKind.PAUSE:
        events = events[:-1]
    assert due(policy, WARD, events).due_at == walk(policy, events)


@settings(max_examples=150, deadline=None)
@given(paused_logs(), UNITS, st.integers(1, 40), st.randoms(use_true_random=False))
def test_a_deadline_depends_on_the_log_and_not_on_its_order(
    events: list[ClockEvent], unit: Unit, amount: int, random: object
) -> None:
    policy = rule(amount, unit)
    told = due(policy, WARD, events)
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert due(policy, WARD, shuffled) == told
    assert events[0].at <= told.due_soon_at <= told.due_at
    assert explain(policy, WARD, events).due.due_at == told.due_at


@st.composite
def any_logs(draw: st.DrawFn) -> list[ClockEvent]:
    """Whatever people and programs may append, senseless things too, many in the same instant."""
    hours = st.integers(0, 60).map(lambda hour: vn("2026-02-12T00:00") + timedelta(hours=hour * 4))
    event = st.builds(
        ClockEvent,
        st.sampled_from(list(ClockKind)),
        at=hours,
        reason=st.sampled_from(["", "chờ bổ sung"]),
        minutes=st.integers(1, 3000),
        due_at=st.none() | hours,
    )
    return [ClockEvent(ClockKind.START, vn("2026-02-12T00:00")), *draw(st.lists(event, max_size=8))]


@settings(max_examples=200, deadline=None)
@given(any_logs(), UNITS, st.integers(1, 12), st.randoms(use_true_random=False))
def test_any_log_has_one_deadline_whatever_its_order(
    events: list[ClockEvent], unit: Unit, amount: int, random: object
) -> None:
    policy = rule(amount, unit)
    told = explain(policy, WARD, events)
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert explain(policy, WARD, shuffled) == told
    assert told.due.due_soon_at <= told.due.due_at
    assert told.due.paused == (told.due.paused_at is not None)
    following = next_change(told.due, events[0].at)
    assert following is None or stage(told.due, following) != stage(told.due, events[0].at)


@settings(max_examples=150, deadline=None)
@given(paused_logs(), UNITS, st.integers(1, 40))
def test_pausing_never_brings_a_deadline_forward(events: list[ClockEvent], unit: Unit, amount: int) -> None:
    policy = rule(amount, unit)
    dues = [due(policy, WARD, events[: count + 1]).due_at for count in range(len(events))]
    assert dues == sorted(dues)


@settings(max_examples=100, deadline=None)
@given(paused_logs(), st.sampled_from([Unit.WORKING_HOURS, Unit.WORKING_DAYS]), st.integers(1, 20))
def test_the_spans_explained_last_as_long_as_the_rule(
    events: list[ClockEvent], unit: Unit, amount: int
) -> None:
    policy = rule(amount, unit)
    told = explain(policy, WARD, events)
    counted = sum((last - first).total_seconds() for first, last in told.due.spans)
    unpaused = due(policy, WARD, events[:1])
    assert counted == WARD.between(events[0].at, unpaused.due_at)
