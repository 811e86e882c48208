"""A person's deadlines as an iCalendar feed (RFC 5545), for the calendar on their desk or telephone.

    VCALENDAR | one VEVENT a case at its deadline | VALARM at the opening of the last working day before it

It says code, title and time and nothing more: no text of the report, no place, nobody's name. What may
surprise: lines are folded by bytes, not letters (75 octets, section 3.1), and never inside a letter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

_WIDTH = 75
#: RFC 5545, 3.3.11.
_ESCAPES = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": None})


@dataclass(frozen=True, slots=True)
class Event:
    """One case of the feed. `number` makes the event's identity, `revision` grows with each change."""

    number: int
    revision: int
    summary: str
    due_at: datetime
    alarm_at: datetime | None
    made_at: datetime
    url: str = ""


def calendar(events: Iterable[Event], *, name: str, host: str) -> str:
    """The whole feed, lines ended as the standard wants them."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Mot Moi//Mot Moi//VI", "CALSCALE:GREGORIAN",
             f"X-WR-CALNAME:{_text(name)}", "REFRESH-INTERVAL;VALUE=DURATION:PT1H"]  # fmt: skip
    for event in events:
        lines += _event(event, host)
    lines.append("END:VCALENDAR")
    return "".join(folded(line) for line in lines)


def _event(event: Event, host: str) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:case-{event.number}@{host}",
        f"DTSTAMP:{_utc(event.made_at)}",
        f"SEQUENCE:{event.revision}",
        f"DTSTART:{_utc(event.due_at)}",
        f"SUMMARY:{_text(event.summary)}",
        "TRANSP:TRANSPARENT",
    ]
    if event.url:
        lines.append(f"URL:{event.url}")
    if event.alarm_at is not None:
        lines += ["BEGIN:VALARM", "ACTION:DISPLAY", f"DESCRIPTION:{_text(event.summary)}",
                  f"TRIGGER;VALUE=DATE-TIME:{_utc(event.alarm_at)}", "END:VALARM"]  # fmt: skip
    return [*lines, "END:VEVENT"]


def folded(line: str) -> str:
    """One content line in pieces of at most 75 octets, each further one begun by a blank."""
    pieces, piece, room = [], "", _WIDTH
    for letter in line:
        size = len(letter.encode())
        if size > room:
            pieces.append(piece)
            piece, room = "", _WIDTH - 1
        piece += letter
        room -= size
    return "\r\n ".join([*pieces, piece]) + "\r\n"


def _text(value: str) -> str:
    plain = "".join(letter for letter in value if letter == "\n" or letter.isprintable())
    return plain.translate(_ESCAPES)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
