"""One sentence that does a deadline's arithmetic in plain language, Vietnamese and English.

``5 ngày làm việc kể từ ngày 03/11, không tính 07-08/11 (cuối tuần): hạn 17:00 ngày 10/11``

What would surprise: days off that touch are told as one stretch ("14-22/02 (Tết Nguyên Đán, cuối tuần)"),
and of their names the longer ones that contain a shorter one are left out, or Tết would fill the line.
A deadline at midnight is told as 24:00 of the day that ends. Names of holidays are data and stay
Vietnamese in the English sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

_UNIT_VI: Final = {
    "minutes": "phút",
    "working_hours": "giờ làm việc",
    "working_days": "ngày làm việc",
    "calendar_days": "ngày",
}
_UNIT_EN: Final = {
    "minutes": "minute",
    "working_hours": "working hour",
    "working_days": "working day",
    "calendar_days": "day",
}


@dataclass(frozen=True, slots=True)
class DayNote:
    """A day that differs, and why; an empty note is the weekly day off."""

    day: date
    note: str


@dataclass(frozen=True, slots=True)
class Story:
    """The facts of one deadline, times local; `vietnamese` and `english` tell them."""

    amount: int
    unit: str
    start: datetime
    due: datetime
    skipped: tuple[DayNote, ...]
    made_up: tuple[DayNote, ...]
    rolled: bool
    paused_seconds: int
    added_minutes: int
    promised: bool
    paused_at: datetime | None
    stopped_at: datetime | None

    def vietnamese(self) -> str:
        parts = [f"{self.amount} {_UNIT_VI[self.unit]} kể từ {self._from('ngày ')}"]
        if self.skipped:
            parts.append("không tính " + ", ".join(_stretches(self.skipped, "cuối tuần", "nghỉ hằng tuần")))
        if self.made_up:
            parts.append("có tính " + ", ".join(_stretches(self.made_up, "làm bù", "làm bù")))
        if self.rolled:
            parts.append("ngày cuối là ngày nghỉ nên chuyển sang ngày làm việc tiếp theo")
        if self.paused_seconds:
            parts.append(f"tạm dừng {self._long(self.paused_seconds, _LENGTH_VI)}")
        if self.added_minutes:
            parts.append(f"gia hạn thêm {self._long(self.added_minutes * 60, _LENGTH_VI)}")
        if self.promised:
            parts.append("theo ngày do người có thẩm quyền ấn định")
        told = f"{', '.join(parts)}: hạn {self._at(self.due, 'ngày ')}"
        if self.stopped_at:
            verdict = "quá hạn" if self.stopped_at > self.due else "đúng hạn"
            return f"{told}; hoàn thành {self._at(self.stopped_at, 'ngày ')} ({verdict})"
        return f"{told}; đang tạm dừng từ {self._at(self.paused_at, 'ngày ')}" if self.paused_at else told

    def english(self) -> str:
        parts = [f"{self.amount} {_UNIT_EN[self.unit]}{'s' * (self.amount != 1)} from {self._from('on ')}"]
        if self.skipped:
            parts.append("not counting " + ", ".join(_stretches(self.skipped, "weekend", "weekly day off")))
        if self.made_up:
            parts.append("counting " + ", ".join(_stretches(self.made_up, "made up", "made up")))
        if self.rolled:
            parts.append("moved from a day off to the next working day")
        if self.paused_seconds:
            parts.append(f"paused for {self._long(self.paused_seconds, _LENGTH_EN)}")
        if self.added_minutes:
            parts.append(f"extended by {self._long(self.added_minutes * 60, _LENGTH_EN)}")
        if self.promised:
            parts.append("set by the person in charge")
        told = f"{', '.join(parts)}: due {self._at(self.due, 'on ')}"
        if self.stopped_at:
            verdict = "late" if self.stopped_at > self.due else "in time"
            return f"{told}; finished {self._at(self.stopped_at, 'on ')} ({verdict})"
        return f"{told}; paused since {self._at(self.paused_at, 'on ')}" if self.paused_at else told

    def _from(self, word: str) -> str:
        """Days begin with a day, hours and minutes with an instant."""
        if self.unit in {"working_days", "calendar_days"}:
            return f"{word if word == 'ngày ' else ''}{self._day(self.start.date())}"
        return f"{self.start:%H:%M} {word}{self._day(self.start.date())}"

    def _at(self, at: datetime, word: str) -> str:
        if at.time() == time.min:
            return f"24:00 {word}{self._day(at.date() - timedelta(days=1))}"
        return f"{at:%H:%M} {word}{self._day(at.date())}"

    def _day(self, day: date) -> str:
        """The year only where the deadline lies in another one than the start."""
        return f"{day:%d/%m/%Y}" if self.start.year != self.due.year else f"{day:%d/%m}"

    def _long(self, seconds: int, words: tuple[str, str, str, str, str]) -> str:
        """A length in the clock's own time: working hours and minutes, or days where days are counted."""
        day, hour, minute, second, working = words
        if self.unit == "calendar_days" and seconds >= 86_400:
            return f"{-(-seconds // 86_400)} {day}"
        hours, minutes = divmod(seconds // 60, 60)
        told = [f"{hours} {hour}"] * bool(hours) + [f"{minutes} {minute}"] * bool(minutes)
        return (" ".join(told) or f"{seconds} {second}") + working * self.unit.startswith("working")


_LENGTH_VI: Final = ("ngày", "giờ", "phút", "giây", " làm việc")
_LENGTH_EN: Final = ("d", "h", "min", "s", " of working time")


def _stretches(days: Sequence[DayNote], weekend: str, weekly: str) -> list[str]:
    """Neighbouring days as one, each stretch with the names of its days."""
    groups: list[list[DayNote]] = []
    for note in days:
        if groups and note.day - groups[-1][-1].day == timedelta(days=1):
            groups[-1].append(note)
        else:
            groups.append([note])
    return [f"{_range(group)} ({_names(group, weekend, weekly)})" for group in groups]


def _range(group: list[DayNote]) -> str:
    first, last = group[0].day, group[-1].day
    if first == last:
        return f"{first:%d/%m}"
    return f"{first:%d}-{last:%d/%m}" if first.month == last.month else f"{first:%d/%m}-{last:%d/%m}"


def _names(group: list[DayNote], weekend: str, weekly: str) -> str:
    named = list(dict.fromkeys(note.note for note in group if note.note))
    short = [name for name in named if not any(other != name and other in name for other in named)]
    plain = dict.fromkeys(weekend if note.day.weekday() >= 5 else weekly for note in group if not note.note)
    return ", ".join([*short, *plain])
