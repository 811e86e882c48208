"""A calendar feed reads back what was written, whatever a title holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from aggregator.domain import ics
from aggregator.domain.ics import Event

DUE = datetime(2026, 3, 6, 10, 0, tzinfo=UTC)


def event(summary: str = "26-00001 Ổ gà") -> Event:
    return Event(
        7, 3, summary, DUE, DUE - timedelta(hours=9), DUE - timedelta(days=4), "https://m.test/cases/7"
    )


def test_an_event_tells_code_title_and_deadline_and_rings_before() -> None:
    read = Calendar.from_ical(ics.calendar([event()], name="Một Mối – Lan", host="m.test"))
    (found,) = read.walk("VEVENT")
    assert found["SUMMARY"] == "26-00001 Ổ gà" and found["UID"] == "case-7@m.test"
    assert found.decoded("DTSTART") == DUE and found["SEQUENCE"] == 3
    (alarm,) = found.walk("VALARM")
    assert alarm.decoded("TRIGGER") == DUE - timedelta(hours=9)


@given(st.text(max_size=200))
def test_any_title_reads_back_and_no_line_is_longer_than_75_octets(title: str) -> None:
    text = ics.calendar([event(title)], name=title, host="m.test")
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    (found,) = Calendar.from_ical(text).walk("VEVENT")
    kept = "".join(letter for letter in title if letter == "\n" or letter.isprintable())
    assert str(found["SUMMARY"]) == kept
    assert len(Calendar.from_ical(text).walk()) == 3


def test_a_title_cannot_add_lines_of_its_own() -> None:
    text = ics.calendar([event("a\r\nATTENDEE:mailto:x@y.test\nb;c,d\\e")], name="x", host="m.test")
    assert "\r\nATTENDEE" not in text and "a\\nATTENDEE:mailto:x@y.test\\nb\\;c\\,d\\\\e" in text.replace(
        "\r\n ", ""
    )
