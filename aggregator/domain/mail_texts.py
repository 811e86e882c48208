"""The words of mails to staff: subject, plain text, and the same as simple HTML. Vietnamese.

What a mail holds: codes, titles without telephone numbers and plates, deadlines, links. What it never
holds: who reported, and the text of a report; that is read behind the sign-in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from html import escape
from typing import Final

from aggregator.domain import countdown
from aggregator.domain.local_time import near_moment_vi
from aggregator.domain.personal import hidden
from aggregator.domain.privacy import Asks, Owed
from aggregator.domain.reminding import Kind

#: Cases that one list of a mail names; the rest is counted.
MOST: Final = 20
TITLE: Final = 90


@dataclass(frozen=True, slots=True)
class Line:
    """One case in a mail. `note` stands where a deadline says too little."""

    code: str
    title: str
    due_at: datetime | None
    url: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One list; `total` counts also what it does not name."""

    heading: str
    lines: tuple[Line, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it has an address."""

    subject: str
    body: str
    html: str


@dataclass(frozen=True, slots=True)
class Week:
    """A leader's week in numbers."""

    place: str
    first: date
    last: date
    numbers: Sequence[tuple[str, int]] = field(default_factory=tuple)


_SUBJECTS: Final = {
    Kind.DUE_SOON: "Sắp đến hạn: {code}",
    Kind.DUE_TODAY: "Hạn hôm nay: {code}",
    Kind.OVERDUE: "Quá hạn: {code}",
    Kind.ESCALATED: "Báo lãnh đạo, quá hạn: {code}",
    Kind.CHANGED: "Hạn đã đổi: {code}",
}
_OPENINGS: Final = {
    Kind.DUE_SOON: "Vụ việc sau sắp đến hạn xử lý.",
    Kind.DUE_TODAY: "Vụ việc sau đến hạn trong ngày làm việc hôm nay.",
    Kind.OVERDUE: "Vụ việc sau đã quá hạn xử lý.",
    Kind.ESCALATED: "Vụ việc sau đã quá hạn và được báo lên lãnh đạo theo quy định thời hạn.",
    Kind.CHANGED: "Hạn của vụ việc sau đã đổi. Nhắc việc gửi trước đây theo hạn cũ không còn đúng.",
}
_FOOT: Final = "Thư tự động của Một Mối. Đổi cách nhắc hoặc tắt thư tại: {url}"


def reminder(kind: Kind, line: Line, now: datetime, settings_url: str) -> Letter:
    """One case, told on its own."""
    subject = _SUBJECTS[kind].format(code=line.code)
    if line.due_at is not None:
        subject += f", hạn {near_moment_vi(line.due_at)}"
    return _letter(subject, [_OPENINGS[kind]], [Section("", (line,), 1)], now, settings_url)


def summary(lines: Sequence[Line], total: int, now: datetime, inbox_url: str, settings_url: str) -> Letter:
    """Reminders that could not be told in time, in one mail."""
    opening = (
        f"Có {total} vụ việc đến hạn, quá hạn hoặc đổi hạn trong lúc hệ thống chưa gửi được nhắc việc. "
        "Thư này gộp lại một lần."
    )
    section = Section("Gấp nhất trước", tuple(lines[:MOST]), total)
    return _letter(f"Tổng hợp nhắc việc: {total} vụ việc", [opening], [section], now, settings_url, inbox_url)


def by_hand(lines: Sequence[Line], now: datetime, list_url: str, settings_url: str) -> Letter:
    """Answers that are written and not yet at their source, whose deadline is near."""
    opening = "Phúc đáp của các vụ việc sau đã viết nhưng chưa được chuyển lên cổng, và hạn của cổng sắp đến."
    section = Section("Cần chuyển ngay", tuple(lines[:MOST]), len(lines))
    subject = f"Chưa chuyển phúc đáp lên cổng: {len(lines)} vụ việc sắp đến hạn"
    return _letter(subject, [opening], [section], now, settings_url, list_url)


def daily(
    whose: str, day: date, sections: Sequence[Section], now: datetime, inbox_url: str, settings_url: str
) -> Letter:
    """The work of a day, most urgent first."""
    told = ", ".join(f"{section.total} {section.heading.lower()}" for section in sections)
    opening = f"Công việc đầu ngày {day:%d/%m/%Y} – {whose}."
    return _letter(f"Đầu ngày {day:%d/%m}: {told}", [opening], sections, now, settings_url, inbox_url)


def weekly(
    week: Week, oldest: Sequence[Line], total: int, now: datetime, board_url: str, settings_url: str
) -> Letter:
    """A leader's week: numbers, and what is overdue for the longest time."""
    span = f"{week.first:%d/%m}–{week.last:%d/%m/%Y}"
    opening = [f"Số liệu tuần {span} – {week.place}.", *(f"{name}: {n}" for name, n in week.numbers)]
    sections = [Section("Quá hạn lâu nhất", tuple(oldest), total)] if oldest else []
    return _letter(f"Tuần {span}: {week.place}", opening, sections, now, settings_url, board_url)


_ASKED: Final = {
    Asks.ACCESS: "xem dữ liệu", Asks.CORRECT: "chỉnh sửa dữ liệu", Asks.ERASE: "xoá dữ liệu",
    Asks.RESTRICT: "hạn chế xử lý", Asks.OBJECT: "phản đối xử lý", Asks.WITHDRAW: "rút lại sự đồng ý",
}  # fmt: skip
_OWED: Final = {
    Owed.ANSWER_SOON: ("Sắp đến hạn trả lời", "phải được trả lời trước"),
    Owed.ANSWER_LATE: ("Quá hạn trả lời", "đã quá hạn trả lời từ"),
    Owed.DONE_SOON: ("Sắp đến hạn thực hiện", "phải thực hiện xong trước"),
    Owed.DONE_LATE: ("Quá hạn thực hiện", "đã quá hạn thực hiện từ"),
}


def personal_data(
    number: int, asks: Asks, what: Owed, due_at: datetime, now: datetime, url: str, settings_url: str
) -> Letter:
    """A personal-data request that is due or overdue; nothing of who asks."""
    heading, words = _OWED[what]
    opening = f"Yêu cầu về dữ liệu cá nhân số {number} ({_ASKED[asks]}) {words} {near_moment_vi(due_at)}."
    subject = f"{heading}: yêu cầu về dữ liệu cá nhân số {number}"
    return _letter(subject, [opening], [], now, settings_url, url)


def test(now: datetime, settings_url: str) -> Letter:
    """Shows that mail arrives."""
    opening = ["Đây là thư thử của Một Mối. Nhận được thư này nghĩa là máy chủ thư đã được cài đặt đúng."]
    return _letter("Thư thử từ Một Mối", opening, [], now, settings_url)


def checkpoint(number: int, text: str, signature: str, now: datetime, settings_url: str) -> Letter:
    """A checkpoint of the ledger to be kept; the verifier reads its text from the saved mail."""
    opening = [
        f"Đây là điểm chốt số {number} của nhật ký Một Mối. Hãy giữ thư này, đừng sửa: nó chứng minh được mọi"
        " việc đã ghi trước thời điểm này không bị sửa về sau, kể cả bởi người quản trị máy chủ.",
        "",
        *text.splitlines(),
        f"signature: {signature}",
        "",
        "Cách kiểm tra: lưu thư thành tệp văn bản, rồi chạy motmoi_check.py với --checkpoint và tệp đó.",
    ]
    return _letter(f"Điểm chốt nhật ký số {number}", opening, [], now, settings_url)


def _letter(
    subject: str, opening: Sequence[str], sections: Sequence[Section], now: datetime, settings_url: str,
    more_url: str = "",
) -> Letter:  # fmt: skip
    return Letter(
        subject,
        "\n".join(_plain(opening, sections, now, settings_url, more_url)),
        "".join(_html(opening, sections, now, settings_url, more_url)),
    )


def _plain(
    opening: Sequence[str], sections: Sequence[Section], now: datetime, settings_url: str, more_url: str
) -> Iterable[str]:
    yield from opening
    for section in sections:
        yield ""
        if section.heading:
            yield f"{section.heading} ({section.total})"
        for line in section.lines:
            yield f"- {line.code}: {_title(line)}"
            yield f"  {_deadline(line, now)}"
            yield f"  {line.url}"
        if section.total > len(section.lines):
            yield f"… và {section.total - len(section.lines)} vụ việc nữa"
    if more_url:
        yield from ("", f"Xem tất cả: {more_url}")
    yield from ("", "-- ", _FOOT.format(url=settings_url))


def _html(
    opening: Sequence[str], sections: Sequence[Section], now: datetime, settings_url: str, more_url: str
) -> Iterable[str]:
    yield '<!doctype html><html lang="vi"><head><meta charset="utf-8"></head>'
    yield '<body style="font-family:sans-serif;font-size:15px;color:#1c1f23;max-width:42em">'
    yield from (f"<p>{escape(text)}</p>" for text in opening)
    for section in sections:
        if section.heading:
            yield f'<h2 style="font-size:16px">{escape(section.heading)} ({section.total})</h2>'
        yield "<ul>"
        for line in section.lines:
            yield f'<li style="margin-bottom:8px"><a href="{escape(line.url)}">{escape(line.code)}</a>: '
            yield f'{escape(_title(line))}<br><span style="color:#555">'
            yield f"{escape(_deadline(line, now))}</span></li>"
        if section.total > len(section.lines):
            yield f"<li>… và {section.total - len(section.lines)} vụ việc nữa</li>"
        yield "</ul>"
    if more_url:
        yield f'<p><a href="{escape(more_url)}">Xem tất cả</a></p>'
    foot = escape(_FOOT.format(url=""))
    url = escape(settings_url)
    yield f'<p style="color:#555;font-size:13px">{foot}<a href="{url}">{url}</a></p></body></html>'


def _title(line: Line) -> str:
    title = " ".join(hidden(line.title).split())
    return title if len(title) <= TITLE else f"{title[: TITLE - 1]}…"


def _deadline(line: Line, now: datetime) -> str:
    if line.note or line.due_at is None:
        return line.note or "Chưa có hạn"
    return f"Hạn {near_moment_vi(line.due_at)} ({countdown.words(line.due_at, now).lower()})"
