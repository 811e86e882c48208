"""Working time against tables made by hand, and against a clock that walks minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.domain.shifts import ALWAYS, WARD_WEEK, DayOverride, Shift, ShiftInvalid
from aggregator.domain.worktime import VN, Calendar, CalendarExhausted, DayEnd
from aggregator.errors import InputInvalid


def vn(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VN)


def off(*days: str) -> list[DayOverride]:
    return [DayOverride(date.fromisoformat(day), works=False, note="nghỉ") for day in days]


TET_2026 = off("2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20")
DAYS_2026 = [
    *off("2026-01-01", "2026-01-02", *(row.day.isoformat() for row in TET_2026)),
    DayOverride(date(2026, 1, 10), works=True, note="làm bù"),
    *off("2026-04-26", "2026-04-27", "2026-04-30", "2026-05-01"),
    DayOverride(date(2026, 8, 22), works=True, note="làm bù"),
    *off("2026-08-31", "2026-09-01", "2026-09-02"),
    DayOverride(date(2026, 12, 24), works=True, note="nửa ngày", shifts=(Shift(time(7, 30), time(11, 30)),)),
]
WARD = Calendar(WARD_WEEK, DAYS_2026, first_year=2025, last_year=2027)
HOTLINE = Calendar(ALWAYS, first_year=2026, last_year=2026)

WORKING_MINUTES = [
    ("2026-11-06T16:30", 240, "2026-11-09T11:00", "Friday 16:30 + 4 working hours: 30 min, then Monday 3:30"),
    ("2026-11-04T11:00", 60, "2026-11-04T14:00", "half an hour before lunch, half an hour after it"),
    ("2026-11-04T11:00", 30, "2026-11-04T11:30", "runs out as lunch begins: due at 11:30, not 13:30"),
    ("2026-11-04T12:00", 10, "2026-11-04T13:40", "received at lunch, counted from 13:30"),
    ("2026-11-06T16:30", 30, "2026-11-06T17:00", "runs out at closing time: Friday 17:00, not Monday"),
    ("2026-11-07T10:00", 1, "2026-11-09T07:31", "received on Saturday"),
    ("2026-11-04T22:00", 1, "2026-11-05T07:31", "received at night"),
    ("2026-11-04T12:00", 0, "2026-11-04T12:00", "nothing to count: the instant itself"),
    ("2026-02-13T16:00", 120, "2026-02-23T08:30", "over Tết 2026: nine days off, 14 to 22 February"),
    ("2026-01-01T09:00", 450, "2026-01-05T17:00", "2 January 2026 was swapped away, Monday is the first day"),
    ("2026-01-09T16:30", 60, "2026-01-10T08:00", "10 January 2026, a Saturday, works in its place"),
    ("2026-08-21T16:30", 90, "2026-08-22T08:30", "make-up Saturday 22 August 2026"),
    ("2026-08-28T16:30", 60, "2026-09-03T08:00", "31 August off, then National Day"),
    ("2026-12-24T11:00", 60, "2026-12-25T08:00", "half day: closes at 11:30"),
    ("2026-12-31T16:30", 60, "2027-01-01T08:00", "over the year's end, no holiday entered for 2027"),
]


@pytest.mark.parametrize(
    ("start", "minutes", "end", "note"), WORKING_MINUTES, ids=[r[3] for r in WORKING_MINUTES]
)
def test_working_minutes_end_where_the_office_clock_says(
    start: str, minutes: int, end: str, note: str
) -> None:
    assert WARD.add_working(vn(start), minutes) == vn(end), note
    assert WARD.between(vn(start), vn(end)) == minutes * 60, note


WORKING_DAYS = [
    ("2026-11-03T09:00", 5, "2026-11-10T17:00", "day of receipt not counted, weekend skipped"),
    ("2026-11-03T18:00", 5, "2026-11-10T17:00", "received after closing: still received that day"),
    ("2026-11-07T10:00", 1, "2026-11-09T17:00", "received on Saturday: Monday is day one"),
    ("2026-02-13T16:00", 2, "2026-02-24T17:00", "over Tết 2026"),
    ("2026-01-01T08:00", 1, "2026-01-05T17:00", "2 January 2026 off"),
    ("2026-01-08T08:00", 2, "2026-01-10T17:00", "Saturday 10 January 2026 counts as a whole day"),
    ("2026-08-20T08:00", 2, "2026-08-22T17:00", "make-up Saturday 22 August 2026"),
    ("2026-08-28T08:00", 1, "2026-09-03T17:00", "31 August to 2 September off"),
    ("2026-04-24T08:00", 1, "2026-04-28T17:00", "Hùng Kings on a Sunday, its Monday off in lieu"),
    ("2026-12-23T08:00", 1, "2026-12-24T11:30", "a half day is a working day and ends at 11:30"),
    ("2026-11-03T09:00", 0, "2026-11-03T09:00", "no days"),
]


@pytest.mark.parametrize(("start", "days", "end", "note"), WORKING_DAYS, ids=[r[3] for r in WORKING_DAYS])
def test_working_days_end_when_the_last_of_them_closes(start: str, days: int, end: str, note: str) -> None:
    assert WARD.add_working_days(vn(start), days) == vn(end), note


SAME_TIME = [
    ("2026-02-13T16:00", 2, "2026-02-24T16:00", "two working days later, same clock time"),
    ("2026-11-03T12:00", 1, "2026-11-04T11:30", "lunch is drawn back to the end of the morning"),
    ("2026-11-03T19:00", 1, "2026-11-04T17:00", "evening is drawn back to closing time"),
    ("2026-11-04T06:00", 1, "2026-11-04T17:00", "before opening nothing of that day is worked yet"),
    ("2026-12-23T16:00", 1, "2026-12-24T11:30", "half day"),
]


@pytest.mark.parametrize(("start", "days", "end", "note"), SAME_TIME, ids=[r[3] for r in SAME_TIME])
def test_the_same_time_rule_keeps_the_clock_time(start: str, days: int, end: str, note: str) -> None:
    assert WARD.add_working_days(vn(start), days, DayEnd.SAME_TIME) == vn(end), note


CALENDAR_DAYS = [
    ("2026-11-03T09:00", 10, True, "2026-11-13T17:00", "ends on a Friday when the office closes"),
    ("2026-11-03T09:00", 4, True, "2026-11-09T17:00", "ends on a Saturday: moves to Monday"),
    ("2026-11-03T09:00", 4, False, "2026-11-08T00:00", "not moved: Saturday's own midnight"),
    ("2026-02-10T09:00", 7, True, "2026-02-23T17:00", "ends on the first day of Tết 2026"),
    ("2026-01-01T09:00", 9, True, "2026-01-10T17:00", "ends on a Saturday that works"),
    ("2026-12-30T09:00", 2, True, "2027-01-01T17:00", "over the year's end"),
]


@pytest.mark.parametrize(
    ("start", "days", "roll", "end", "note"), CALENDAR_DAYS, ids=[r[4] for r in CALENDAR_DAYS]
)
def test_calendar_days_count_every_day_and_end_on_a_working_one(
    start: str, days: int, roll: bool, end: str, note: str
) -> None:
    assert WARD.add_calendar_days(vn(start), days, roll=roll) == vn(end), note


def test_calendar_days_can_keep_the_clock_time() -> None:
    assert WARD.add_calendar_days(vn("2026-11-03T09:00"), 4, "same_time") == vn("2026-11-09T09:00")
    assert WARD.add_calendar_days(vn("2026-11-03T09:00"), 4, "same_time", roll=False) == vn(
        "2026-11-07T09:00"
    )


def test_a_hotline_counts_day_and_night_in_one_stretch() -> None:
    start, end = vn("2026-11-06T23:58"), vn("2026-11-07T00:03")
    assert HOTLINE.add_working(start, 5) == end
    assert HOTLINE.spans(start, end) == [(start, end)]
    assert HOTLINE.add_working_days(start, 1) == vn("2026-11-08T00:00")  # 24:00 of the next day


def test_spans_show_the_stretches_that_were_counted() -> None:
    assert WARD.spans(vn("2026-11-06T16:30"), vn("2026-11-09T14:00")) == [
        (vn("2026-11-06T16:30"), vn("2026-11-06T17:00")),
        (vn("2026-11-09T07:30"), vn("2026-11-09T11:30")),
        (vn("2026-11-09T13:30"), vn("2026-11-09T14:00")),
    ]
    assert WARD.spans(vn("2026-11-07T00:00"), vn("2026-11-08T00:00")) == []


def test_results_are_utc_and_any_zone_may_ask() -> None:
    from_utc = WARD.add_working(datetime(2026, 11, 6, 9, 30, tzinfo=UTC), 240)
    assert from_utc == vn("2026-11-09T11:00")
    assert from_utc.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InputInvalid, match="without a zone"):
        WARD.add_working(datetime(2026, 11, 6, 9, 30), 1)  # noqa: DTZ001


def test_a_day_that_changes_its_clocks_has_its_real_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    calendar = Calendar(ALWAYS, zone=berlin, first_year=2026, last_year=2026)
    day = datetime(2026, 3, 29, tzinfo=berlin)  # clocks go forward, 23 hours
    assert calendar.between(day, datetime(2026, 3, 30, tzinfo=berlin)) == 23 * 3600


def test_a_make_up_saturday_works_a_normal_day_even_where_saturdays_are_short() -> None:
    week = {**WARD_WEEK, 5: (Shift(time(7, 30), time(11, 30)),)}
    calendar = Calendar(week, [DayOverride(date(2026, 8, 22), works=True)], first_year=2026, last_year=2026)
    assert calendar.shifts_on(date(2026, 8, 22)) == WARD_WEEK[0]
    assert calendar.shifts_on(date(2026, 8, 29)) == week[5]


def test_a_persons_row_stands_over_a_shipped_one_whatever_the_order() -> None:
    person = DayOverride(date(2026, 11, 24), works=True, source="person")
    package = DayOverride(date(2026, 11, 24), works=False, source="package")
    for rows in ([person, package], [package, person]):
        assert Calendar(WARD_WEEK, rows, first_year=2026, last_year=2026).is_working_day(date(2026, 11, 24))


BAD_SHIFTS = [
    ((Shift(time(8), time(8)),), "Tuesday", "empty"),
    ((Shift(time(22), time(6)),), "Tuesday", "over midnight"),
    ((Shift(time(8), time(12)), Shift(time(11), time(13))), "Tuesday", "overlap"),
    ((Shift(time(13), time.min), Shift(time(23), time.min)), "Tuesday", "overlap that ends at 24:00"),
]


@pytest.mark.parametrize(("shifts", "day", "note"), BAD_SHIFTS, ids=[r[2] for r in BAD_SHIFTS])
def test_a_bad_shift_is_refused_by_the_name_of_its_day(
    shifts: tuple[Shift, ...], day: str, note: str
) -> None:
    with pytest.raises(ShiftInvalid, match=day):
        Calendar({1: shifts})
    with pytest.raises(ValueError, match="2026-12-24"):
        Calendar(WARD_WEEK, [DayOverride(date(2026, 12, 24), works=True, shifts=shifts)])


def test_contradictory_days_are_refused() -> None:
    shift = (Shift(time(8), time(9)),)
    with pytest.raises(ShiftInvalid, match="day off cannot have shifts"):
        Calendar(WARD_WEEK, [DayOverride(date(2026, 1, 1), works=False, shifts=shift)])
    with pytest.raises(ShiftInvalid, match="neither it nor the week"):
        Calendar({}, [DayOverride(date(2026, 1, 1), works=True)])
    with pytest.raises(InputInvalid, match="no such weekday"):
        Calendar({7: shift})
    with pytest.raises(InputInvalid, match="cannot add"):
        WARD.add_working_days(vn("2026-11-03T09:00"), -1)


def test_a_calendar_without_work_says_so_instead_of_searching_for_ever() -> None:
    idle = Calendar({}, first_year=2026, last_year=2026)
    assert idle.between(vn("2026-01-01T00:00"), vn("2026-12-31T00:00")) == 0
    assert idle.spans(vn("2026-01-01T00:00"), vn("2026-12-31T00:00")) == []
    with pytest.raises(CalendarExhausted, match="no working time at all"):
        idle.add_working(vn("2026-11-03T09:00"), 1)
    with pytest.raises(CalendarExhausted, match="no working time at all"):
        idle.add_working_days(vn("2026-11-03T09:00"), 1)


def test_a_calendar_grows_to_the_years_it_is_asked_for_and_then_says_no() -> None:
    calendar = Calendar(WARD_WEEK, DAYS_2026, first_year=2026, last_year=2026)
    anchor = calendar.worked(int(vn("2026-06-01T00:00").timestamp()))
    assert calendar.add_working_days(vn("2031-11-03T09:00"), 1) == vn("2031-11-04T17:00")
    assert calendar.add_working(vn("2017-11-03T09:00"), 60) == vn("2017-11-03T10:00")
    assert calendar.worked(int(vn("2026-06-01T00:00").timestamp())) == anchor
    assert calendar.between(vn("2016-12-30T16:00"), vn("2017-01-02T08:00")) == 5400
    for ask in (
        lambda: calendar.add_working(vn("2037-01-04T09:00"), 1),
        lambda: calendar.add_working(vn("2026-01-04T09:00"), 10_000_000),
        lambda: calendar.add_working_days(vn("2026-01-04T09:00"), 10_000),
        lambda: calendar.add_calendar_days(vn("2026-01-04T09:00"), 10_000_000),
        lambda: calendar.between(vn("2015-01-04T09:00"), vn("2026-01-04T09:00")),
    ):
        with pytest.raises(CalendarExhausted, match=r"2016\.\.2036"):
            ask()


def test_a_calendar_tells_for_which_years_days_were_entered() -> None:
    assert WARD.years_decided == {2026}


# -- properties ----------------------------------------------------------------------------------------


@st.composite
def shifts(draw: st.DrawFn) -> tuple[Shift, ...]:
    """None to three shifts of one day, on any minute, up to 24:00."""
    marks = sorted(draw(st.sets(st.integers(0, 1440), min_size=0, max_size=6)))
    pairs = list(zip(marks[::2], marks[1::2], strict=False))
    return tuple(Shift(time(a // 60, a % 60), time(b // 60 % 24, b % 60)) for a, b in pairs)


FIRST = date(2026, 2, 1)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    week = {day: draw(shifts()) for day in range(7)}
    week[draw(st.integers(0, 6))] = (Shift(time(8), time(11, 17)),)  # somebody works some day
    special = draw(st.dictionaries(st.integers(0, 40), shifts(), max_size=8))
    rows = [
        DayOverride(FIRST + timedelta(days=day), works=bool(own), shifts=own) for day, own in special.items()
    ]
    return Calendar(week, rows, first_year=2026, last_year=2026)


instants = st.integers(0, 40 * 86_400).map(
    lambda second: datetime(2026, 2, 1, tzinfo=VN) + timedelta(seconds=second)
)


@settings(max_examples=150, deadline=None)
@given(calendars(), instants, st.integers(0, 20_000))
def test_between_gives_back_what_was_added(calendar: Calendar, start: datetime, minutes: int) -> None:
    end = calendar.add_working(start, minutes)
    assert end >= start
    assert calendar.between(start, end) == minutes * 60


@settings(max_examples=150, deadline=None)
@given(calendars(), instants, instants, instants)
def test_pieces_add_up_and_lead_back_to_their_end(
    calendar: Calendar, a: datetime, b: datetime, c: datetime
) -> None:
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)
    assert calendar.between(a, b) == -calendar.between(b, a)
    start, end = min(a, b), max(a, b)
    spans = calendar.spans(start, end)
    assert sum((last - first).total_seconds() for first, last in spans) == calendar.between(start, end)
    working_instant = calendar.between(end - timedelta(seconds=1), end) == 1
    if working_instant:
        assert calendar.add_seconds(start, calendar.between(start, end)) == end


@settings(max_examples=40, deadline=None)
@given(calendars(), instants, st.integers(1, 3_000))
def test_a_clock_that_walks_minute_by_minute_agrees(
    calendar: Calendar, start: datetime, minutes: int
) -> None:
    start = start.replace(second=0)
    at, left = start, minutes
    while left and at < start + timedelta(days=14):
        minute = at.hour * 60 + at.minute
        for shift in calendar.shifts_on(at.date()):
            first = shift.start.hour * 60 + shift.start.minute
            last = shift.end.hour * 60 + shift.end.minute or 1440
            left -= first <= minute < last
        at += timedelta(minutes=1)
    if not left:
        assert calendar.add_working(start, minutes) == at
    assert calendar.between(start, at) == (minutes - left) * 60


@settings(max_examples=60, deadline=None)
@given(calendars(), instants, st.integers(1, 30))
def test_the_nth_working_day_has_n_working_days_up_to_it(
    calendar: Calendar, start: datetime, days: int
) -> None:
    end = calendar.add_working_days(start, days)
    last = (end - timedelta(seconds=1)).astimezone(VN).date()
    counted = [
        start.date() + timedelta(days=n)
        for n in range(1, (last - start.date()).days + 1)
        if calendar.is_working_day(start.date() + timedelta(days=n))
    ]
    assert len(counted) == days
    assert counted[-1] == last
    assert calendar.between(end, datetime.combine(last + timedelta(days=1), time.min, VN)) == 0
