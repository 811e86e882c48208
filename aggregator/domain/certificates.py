"""What a certificate of timely handling says: its numbers, its verdict, and the one sentence that tells it.

    entries of the ledger -> facts -> verdict (in time, late, no deadline, not provable) -> sentence

Principles
    - The paper says "late" as plainly as "in time": one that could only praise would prove nothing.
    - Who answers in the very second of the deadline is in time, as everywhere in the product.
    - The verdict is about the result that was due first (I5) and rests on one entry, that of the answer
      which closed the case: it holds the deadlines as they stood then. What an older entry does not hold is
      "not provable", never filled in from tables that could have been edited since.
    - Times are told to the minute, as people read them, but never so that a late answer looks as if it had
      been in time: where the minute is the same, seconds are told.

Known exception: a source that could not be reached on the day of the deadline changes no verdict. The ward
is measured by when it answered; when each source got the answer is told beside it.

Dropped: a verdict for every step in the sentence (nobody reads it; the table of deadlines says which of
them were missed); a certificate of a case that is still open (it would certify that nothing happened yet).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from aggregator.domain.local_time import moment_vi
from aggregator.domain.worktime import VN

#: Without the letters that people take for digits.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: 40 bits that a guess must meet, beside a limit on how often one may ask.
_TAIL = 8


class Outcome(StrEnum):
    """How the case was handled."""

    IN_TIME = "in_time"
    LATE = "late"
    NO_DEADLINE = "no_deadline"
    UNPROVEN = "unproven"


def serial(ward: str, year: int, number: int) -> str:
    """The name of a certificate: ward, two digits of the year, number, and letters that nobody can guess."""
    tail = "".join(secrets.choice(_LETTERS) for _ in range(_TAIL))
    return f"{ward}-{year % 100:02}-{number:04}-{tail}"


def typed(code: str) -> str:
    """A serial as somebody typed it off the paper: in capitals, without spaces."""
    return "".join(code.upper().split())


def outcome(answered_at: datetime, due_at: datetime | None) -> Outcome:
    """In the deadline's very second is in time."""
    if due_at is None:
        return Outcome.NO_DEADLINE
    return Outcome.LATE if answered_at.replace(microsecond=0) > due_at else Outcome.IN_TIME


@dataclass(frozen=True, slots=True)
class Interruption:
    """A source that could not be used, by failed tries: the first, the last, and the first good one after.

    `back` None: not seen to be back. `how`: read, sign_in, write. `ours_maybe`: perhaps our own network.
    """

    source: str
    since: datetime
    last: datetime
    back: datetime | None
    how: str = "read"
    ours_maybe: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a source had the answer; `at` None where it has not got it yet."""

    source: str
    at: datetime | None
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Handling:
    """What the sentence is made of."""

    office: str
    outcome: Outcome
    answered_at: datetime
    #: For `UNPROVEN` the deadline by the office's own tables, where there is one.
    due_at: datetime | None
    interruptions: Sequence[Interruption] = ()
    arrivals: Sequence[Arrival] = ()
    #: Answered at the source itself: there, and when we saw it. The time is then the source's word.
    seen_at: tuple[str, datetime] | None = None

    def sentence(self) -> str:
        """All of it in one plain Vietnamese sentence, with the verdict at its end."""
        parts = [f"{self.office} trả lời lúc {moment_vi(self.answered_at)}{self._against()}"]
        if self.seen_at:
            source, seen = self.seen_at
            parts.append(
                f"trả lời ngay trên {source}, giờ theo {source}, hệ thống ghi nhận lúc {moment_vi(seen)}"
            )
        parts += [_broken(one) for one in self.interruptions]
        parts += _arrived(self.arrivals)
        return f"{'; '.join(parts)}; kết luận: {_VERDICTS[self.outcome]}."

    def _against(self) -> str:
        if self.due_at is None:
            return ", không có quy định thời hạn nào áp dụng" * (self.outcome is Outcome.NO_DEADLINE)
        exact = _minute(self.answered_at) == _minute(self.due_at)
        answered, due = _local(self.answered_at), _local(self.due_at)
        told = _clock(self.due_at, seconds=exact) + (
            "" if answered.date() == due.date() and not _midnight(due) else f" ngày {_day(self.due_at)}"
        )
        if self.outcome is Outcome.UNPROVEN:
            return f", hạn {told} theo dữ liệu của đơn vị nhưng nhật ký khi đó chưa ghi hạn"
        if self.outcome is Outcome.LATE:
            over = self.answered_at.replace(microsecond=0) - self.due_at
            return f", sau hạn {told} (quá {_length(over)})"
        at = answered.strftime(" (%H:%M:%S)") if exact else ""
        return f"{at}, {'đúng' if exact and answered.second == due.second else 'trước'} hạn {told}"


_VERDICTS = {
    Outcome.IN_TIME: "xử lý trong hạn",
    Outcome.LATE: "xử lý quá hạn",
    Outcome.NO_DEADLINE: "không có thời hạn để so sánh",
    Outcome.UNPROVEN: "chưa đủ căn cứ trong nhật ký để xác nhận trong hạn hay quá hạn",
}


_BROKEN = {
    "read": "không truy cập được",
    "sign_in": "không đăng nhập được",
    "write": "không nhận được phúc đáp",
}


def _broken(one: Interruption) -> str:
    """Only what was tried is told: between the last failed try and the first good one nobody knows."""
    many = f"trong các lần thử từ {moment_vi(one.since)} đến {moment_vi(one.last)}"
    tried = many if one.last > one.since else f"lúc {moment_vi(one.since)}"
    back = f", dùng lại được lúc {moment_vi(one.back)}" if one.back else ", chưa thấy dùng lại được"
    return f"{one.source} {_BROKEN[one.how]} {tried}{back}{' (có thể do mạng của đơn vị)' * one.ours_maybe}"


def _arrived(arrivals: Sequence[Arrival]) -> list[str]:
    told = []
    for one in arrivals:
        if one.at is None:
            told.append(f"phúc đáp chưa tới {one.source}, hệ thống đang tiếp tục chuyển")
        else:
            how = "cán bộ chuyển" if one.by_hand else "được chuyển"
            told.append(f"phúc đáp {how} tới {one.source} lúc {moment_vi(one.at)}")
    return told


def _local(at: datetime) -> datetime:
    return at.astimezone(VN)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _midnight(local: datetime) -> bool:
    return (local.hour, local.minute, local.second) == (0, 0, 0)


def _clock(at: datetime, *, seconds: bool) -> str:
    """A deadline at midnight is 24:00 of the day that ends."""
    local = _local(at)
    if _midnight(local):
        return "24:00"
    return f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"


def _day(at: datetime) -> str:
    local = _local(at)
    return f"{local - timedelta(days=1) if _midnight(local) else local:%d/%m/%Y}"


def _length(span: timedelta) -> str:
    """How much too late, in plain time: days and hours, hours and minutes, or less."""
    seconds = int(span.total_seconds())
    parts = [
        (seconds // 86_400, "ngày"), (seconds // 3600 % 24, "giờ"), (seconds // 60 % 60, "phút"),
        (seconds % 60, "giây"),
    ]  # fmt: skip
    told = [f"{amount} {word}" for amount, word in parts if amount]
    return " ".join(told[:2])
