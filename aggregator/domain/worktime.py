"""Working time: which seconds of the year an office works, and instants counted along them.

What it promises
    `Calendar.between` and `Calendar.add_working` are two readings of one table, so they can never
    disagree: ``between(start, add_working(start, n)) == n minutes`` always, and
    ``add_seconds(start, between(start, end)) == end`` whenever `end` is a working instant.

How it works
    For a span of years every shift of every working day becomes one row (start, end, working seconds
    before it), in seconds since 1970 UTC. One bisect answers "how much was worked until t"
    (`worked`), one bisect the reverse (`instant`); all else is subtraction. Nothing walks day by day,
    so ten years cost what ten minutes cost, and no calendar can loop for ever.

What would surprise
    - Every instant is read to its whole second, the fraction dropped. Then pieces always add up:
      ``between(a, b) + between(b, c) == between(a, c)``. Nothing is cut to minutes.
    - A *working instant* lies after the start of a shift, up to and including its end. Time that runs
      out exactly at the end of a shift is due there, not at the next opening: Friday 17:00, not Monday
      07:30. At 07:30 itself nothing has been worked yet.
    - Days: the day of receipt is not counted (Civil Code 91/2015/QH13, art. 147), so the first working
      day is the first one *after* the local date of receipt, whatever the hour of receipt was.
    - Calendar days: a last day that is a weekend or holiday moves to the next working day (art. 148).
      The article lets a day end at 24:00; we end it when the office closes, the earlier of the two.
    - Results are UTC (stored UTC, shown in local time).
    - Years grow on demand up to `EXTRA_YEARS` on either side; `years_decided` says for which years
      anybody entered days at all, so that a deadline in 2031 can say that its holidays are not known.

Dropped
    `holidays` here (rules stay on the standard library; the rows are seeded by
    `aggregator.services.holiday_seed` and edited by people); counting in minutes; a walk from day to
    day with a step limit; day lengths as a unit (a half day would then be a whole one).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from aggregator.domain.shifts import (
    WEEKDAYS,
    DayOverride,
    Shift,
    ShiftInvalid,
    checked_shifts,
    clock_seconds,
    one_per_day,
)
from aggregator.errors import AggregatorError, InputInvalid

VN: Final = ZoneInfo("Asia/Ho_Chi_Minh")
#: How far a calendar follows a question beyond its years before it says no.
EXTRA_YEARS: Final = 10

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY: Final = timedelta(days=1)
#: Seconds that every zone can tell: outside of them a date is a slip of a computer, not a deadline.
_TOLD: Final = range(-62_000_000_000, 253_300_000_000)  # the years 6 to 9996
_LAST_DAY: Final = date.max.toordinal()


class CalendarExhausted(AggregatorError):
    """The calendar has no working time left to count: none at all, or none within its years."""

    code = "calendar_exhausted"


class DayEnd(StrEnum):
    """At what time of its last day a deadline in days is due."""

    END_OF_DAY = "end_of_day"
    SAME_TIME = "same_time"


def to_second(instant: datetime) -> int:
    """Whole seconds since 1970 UTC, the fraction dropped; a time without a zone is refused."""
    if instant.tzinfo is None:
        raise InputInvalid(
            f"time without a zone: {instant!r}",
            hint="Give it a zone, for example +07:00",
            message_vi="Thời điểm này thiếu múi giờ; hãy ghi thêm, ví dụ +07:00",
        )
    since = instant - _EPOCH
    return since.days * 86_400 + since.seconds


def from_second(second: int) -> datetime:
    """The UTC instant of `to_second`; raises CalendarExhausted outside of the years that can be told."""
    if second not in _TOLD:
        raise CalendarExhausted(
            f"second {second} is in no year that can be told",
            hint="Check the date and the amount",
            message_vi="Ngày này không có thật (quá xa); hãy kiểm tra ngày và thời hạn",
        )
    return datetime.fromtimestamp(second, UTC)


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of some whole years; replaced as one value, so threads never see half of it."""

    first_year: int
    last_year: int
    low: int  # the second the first year begins
    high: int  # the second after the last year
    first_day: int  # ordinal of the first day of all, worked or not
    midnights: list[int]  # the second each day begins
    starts: list[int]
    ends: list[int]
    before: list[int]  # worked when the shift starts, counted from the calendar's own first year
    after: list[int]  # worked when it ends
    days: list[int]  # ordinals of working days
    closings: list[int]


class Calendar:
    """One office's working time, version by version; immutable, safe to share between threads."""

    def __init__(
        self,
        week: Mapping[int, Sequence[Shift]],
        overrides: Iterable[DayOverride] = (),
        zone: tzinfo = VN,
        first_year: int = 2020,
        last_year: int = 2030,
        version: int = 1,
    ) -> None:
        if not 1970 < first_year <= last_year < 9980:
            raise InputInvalid(
                f"calendar years {first_year}..{last_year} cannot be used",
                field="first_year",
                message_vi=f"Lịch làm việc không thể tính từ năm {first_year} đến năm {last_year}.",
            )
        if unknown := [day for day in week if day not in range(7)]:
            raise InputInvalid(
                f"no such weekday: {unknown[0]} (0 is Monday, 6 Sunday)",
                field="week",
                message_vi=f"Không có thứ {unknown[0]} trong tuần (0 là Thứ Hai, 6 là Chủ nhật).",
            )
        self.zone = zone
        self.version = version
        self.first_year = first_year
        self.last_year = last_year
        self._week = {day: checked_shifts(week.get(day, ()), WEEKDAYS[day]) for day in range(7)}
        self._overrides = one_per_day(overrides)
        self._special = {day: self._override_shifts(row) for day, row in self._overrides.items()}
        self.years_decided = frozenset(day.year for day in self._overrides)
        self._table = self._build(first_year, last_year)

    # -- days ---------------------------------------------------------------------------------------

    def shifts_on(self, day: date) -> tuple[Shift, ...]:
        """The shifts worked that day, none on a day off."""
        special = self._special.get(day)
        return self._week[day.weekday()] if special is None else special

    def week_shifts(self, weekday: int) -> tuple[Shift, ...]:
        """The shifts of an ordinary Monday (0) to Sunday (6)."""
        return self._week[weekday]

    def is_working_day(self, day: date) -> bool:
        """Whether anybody works that day, if only for an hour."""
        return bool(self.shifts_on(day))

    def override_on(self, day: date) -> DayOverride | None:
        """The row that makes this day differ from its weekday, where there is one."""
        return self._overrides.get(day)

    # -- instants -----------------------------------------------------------------------------------

    def add_working(self, start: datetime, minutes: int) -> datetime:
        """The first instant at which `minutes` of working time have passed since `start`.

        Lands at the end of a shift rather than at the next opening; 0 minutes give `start` itself.
        Raises CalendarExhausted where the working time does not exist.
        """
        return self.add_seconds(start, minutes * 60)

    def add_seconds(self, start: datetime, seconds: int) -> datetime:
        """As `add_working`, in seconds of working time."""
        if seconds < 0:
            raise InputInvalid(f"cannot add {seconds} seconds of working time", field="seconds")
        second = to_second(start)
        return from_second(self.instant(self.worked(second) + seconds) if seconds else second)

    def between(self, start: datetime, end: datetime) -> int:
        """Working *seconds* from `start` to `end`; negative where `end` comes first."""
        return self.worked(to_second(end)) - self.worked(to_second(start))

    def add_working_days(self, start: datetime, days: int, end: DayEnd | str = DayEnd.END_OF_DAY) -> datetime:
        """The end of the `days`-th working day after the local day of `start`, which is not counted.

        ``end_of_day``: when that day's last shift ends. ``same_time``: at the clock time of `start`,
        drawn back to the last working instant where that time is not worked. 0 days give `start`.
        """
        _not_negative(days)
        if not days:
            return from_second(to_second(start))
        local = from_second(to_second(start)).astimezone(self.zone)
        ordinal, closing = self.nth_working_day(local.toordinal(), days)
        if DayEnd(end) is DayEnd.END_OF_DAY:
            return from_second(closing)
        wanted = self._second_of(date.fromordinal(ordinal), clock_seconds(local.time()))
        return from_second(self.instant(self.worked(wanted)))

    def add_calendar_days(
        self, start: datetime, days: int, end: DayEnd | str = DayEnd.END_OF_DAY, *, roll: bool = True
    ) -> datetime:
        """The end of the `days`-th day after the local day of `start`, weekends and holidays counted.

        ``end_of_day``: when the office closes that day. A last day off moves to the close of the next
        working day; with ``roll=False`` it ends at its own midnight. ``same_time`` keeps the clock time
        and moves, where it rolls, to that time of the next working day.
        """
        _not_negative(days)
        local = from_second(to_second(start)).astimezone(self.zone)
        ordinal = local.toordinal() + days
        if DayEnd(end) is DayEnd.END_OF_DAY:
            return from_second(self.day_close(ordinal, roll=roll))
        if roll:
            ordinal, _ = self.nth_working_day(ordinal - 1, 1)
        return from_second(self._second_of(self._date(ordinal), clock_seconds(local.time())))

    def spans(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The stretches of work between two instants, in order; together they last `between`."""
        low, high = to_second(start), to_second(end)
        self.worked(low), self.worked(high)  # grows the table, or says why not
        table = self._table
        found: list[tuple[datetime, datetime]] = []
        row = max(bisect_right(table.starts, low) - 1, 0)
        while row < len(table.starts) and table.starts[row] < high:
            first, last = max(table.starts[row], low), min(table.ends[row], high)
            if first < last:
                found.append((from_second(first), from_second(last)))
            row += 1
        return found

    # -- the two readings of the table ----------------------------------------------------------------

    def worked(self, second: int) -> int:
        """Working seconds from the calendar's first day to `second`; only differences mean anything."""
        table = self._table
        if not table.low <= second < table.high:
            table = self._grow_to(second)
        row = bisect_right(table.starts, second) - 1
        if row < 0:
            return table.before[0] if table.before else 0
        if second >= table.ends[row]:
            return table.after[row]
        return table.before[row] + second - table.starts[row]

    def instant(self, worked: int) -> int:
        """The first second at which `worked` is reached: the reverse of `worked()`."""
        table = self._table
        while True:
            if table.after and table.before[0] < worked <= table.after[-1]:
                row = bisect_left(table.after, worked)
                return table.starts[row] + worked - table.before[row]
            later = not table.after or worked > table.after[-1]
            table = self._grow_years(table.first_year - (not later), table.last_year + later)

    def day_close(self, ordinal: int, *, roll: bool) -> int:
        """When the office closes on that day; a day off rolls to the next working day's close, or
        (not `roll`) ends at its own midnight."""
        if not roll and not self.is_working_day(day := self._date(ordinal)):
            return self._second_of(day, 86_400)
        return self.nth_working_day(ordinal - 1, 1)[1]

    def ordinal(self, second: int) -> int:
        """The number of the local day that holds this second."""
        table = self._table
        if not table.low <= second < table.high:
            table = self._grow_to(second)
        return table.first_day + bisect_right(table.midnights, second) - 1

    def nth_working_day(self, ordinal: int, number: int) -> tuple[int, int]:
        """The `number`-th working day after day `ordinal`, and the second its last shift ends."""
        table = self._table
        if ordinal + 1 < table.first_day:  # of the first day that can count
            table = self._grow_years(self._date(ordinal + 1).year, table.last_year)
        row = bisect_right(table.days, ordinal) + number - 1
        while row >= len(table.days):
            year = self._date(ordinal + 1).year
            table = self._grow_years(table.first_year, max(table.last_year + 1, year))
            row = bisect_right(table.days, ordinal) + number - 1
        return table.days[row], table.closings[row]

    # -- inside ---------------------------------------------------------------------------------------

    def _date(self, ordinal: int) -> date:
        if not 0 < ordinal < _LAST_DAY:
            self._grow_years(self._table.first_year, 9999)  # says in words how far the calendar goes
        return date.fromordinal(ordinal)

    def _override_shifts(self, row: DayOverride) -> tuple[Shift, ...]:
        if not row.works:
            if row.shifts:
                raise ShiftInvalid(
                    f"{row.day}: a day off cannot have shifts",
                    field=str(row.day),
                    message_vi=f"{row.day:%d/%m/%Y}: ngày nghỉ thì không có ca làm việc",
                )
            return ()
        shifts = checked_shifts(row.shifts, str(row.day)) or self._normal_shifts(row.day)
        if not shifts:
            raise ShiftInvalid(
                f"{row.day}: works, but neither it nor the week has a shift",
                field=str(row.day),
                hint="Give the day its shifts",
                message_vi=f"{row.day:%d/%m/%Y}: ngày làm việc này chưa có ca nào; hãy nhập giờ làm việc",
            )
        return shifts

    def _normal_shifts(self, day: date) -> tuple[Shift, ...]:
        """A make-up Saturday replaces a whole day, so it works Monday's hours even where the office
        has short Saturdays."""
        own = self._week[day.weekday()]
        if day.weekday() < 5 and own:
            return own
        return next((self._week[weekday] for weekday in range(5) if self._week[weekday]), own)

    def _second_of(self, day: date, second_of_day: int) -> int:
        days, rest = divmod(second_of_day, 86_400)
        at = time(rest // 3600, rest // 60 % 60, rest % 60)
        return to_second(datetime.combine(day + days * _DAY, at, self.zone))

    def _seconds_of(
        self, day: date, shifts: tuple[Shift, ...], midnight: int, next_midnight: int
    ) -> list[tuple[int, int]]:
        """Where the shifts of one day begin and end; on a day that changes its clocks, each by itself."""
        bounds = [(clock_seconds(shift.start), clock_seconds(shift.end) or 86_400) for shift in shifts]
        if next_midnight - midnight == 86_400:
            return [(midnight + start, midnight + end) for start, end in bounds]
        return [(self._second_of(day, start), self._second_of(day, end)) for start, end in bounds]

    def _build(self, first_year: int, last_year: int) -> _Table:
        starts: list[int] = []
        ends: list[int] = []
        days: list[int] = []
        closings: list[int] = []
        first_day, end_day = date(first_year, 1, 1).toordinal(), date(last_year + 1, 1, 1).toordinal()
        all_days = range(first_day, end_day)
        midnights = [self._second_of(date.fromordinal(day), 0) for day in range(first_day, end_day + 1)]
        for ordinal, (midnight, next_midnight) in zip(all_days, pairwise(midnights), strict=True):
            day = date.fromordinal(ordinal)
            shifts = self.shifts_on(day)
            for start, end in self._seconds_of(day, shifts, midnight, next_midnight):
                if ends and ends[-1] == start:  # day and night: one stretch, not one a day
                    ends[-1] = end
                else:
                    starts.append(start)
                    ends.append(end)
            if shifts:
                days.append(ordinal)
                closings.append(ends[-1])
        *midnights, high = midnights
        before, after = self._sums(starts, ends)
        return _Table(
            first_year, last_year, midnights[0], high, first_day, midnights, starts, ends, before, after,
            days, closings,
        )  # fmt: skip

    def _sums(self, starts: list[int], ends: list[int]) -> tuple[list[int], list[int]]:
        """Prefix sums that read zero at the calendar's own first day, so that growing the table
        backwards leaves every sum already handed out valid."""
        zero = self._second_of(date(self.first_year, 1, 1), 0)
        total = -sum(min(end, zero) - start for start, end in zip(starts, ends, strict=True) if start < zero)
        before: list[int] = []
        after: list[int] = []
        for start, end in zip(starts, ends, strict=True):
            before.append(total)
            total += end - start
            after.append(total)
        return before, after

    def _grow_to(self, second: int) -> _Table:
        year = from_second(second).astimezone(self.zone).year
        return self._grow_years(min(year, self._table.first_year), max(year, self._table.last_year))

    def _grow_years(self, first_year: int, last_year: int) -> _Table:
        low, high = self.first_year - EXTRA_YEARS, self.last_year + EXTRA_YEARS
        if first_year < low or last_year > high:
            if not self._table.starts:
                raise CalendarExhausted(
                    f"the calendar has no working time at all in {low}..{high}",
                    hint="Give at least one weekday a shift",
                    message_vi="Lịch làm việc không có giờ làm việc nào; hãy nhập ít nhất một ca làm việc",
                )
            raise CalendarExhausted(
                f"the calendar knows working time in {low}..{high} only, asked for "
                f"{first_year if first_year < low else last_year}",
                hint="Check the date and the amount, or widen the calendar's years",
                message_vi=f"Lịch làm việc chỉ tính được từ {low} đến {high}; hãy kiểm tra ngày và thời hạn",
            )
        table = self._table
        if first_year < table.first_year or last_year > table.last_year:
            table = self._build(min(first_year, table.first_year), max(last_year, table.last_year))
            self._table = table
        return table


def _not_negative(days: int) -> None:
    if days < 0:
        raise InputInvalid(f"cannot add {days} days", field="days")
