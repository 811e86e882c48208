"""The table of named examples in docs/sla.md: what it says is what the engine and the oracle say."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from pathlib import Path

import pytest

from aggregator.domain.shifts import ALWAYS, WARD_WEEK, DayOverride, Shift
from aggregator.domain.sla import ClockEvent, ClockKind, Due, Policy, Unit, due
from aggregator.domain.sla_units import time_by_unit
from aggregator.domain.worktime import VN, Calendar, DayEnd
from aggregator.services.deadlines import Owed, ruling
from tests.oracle.minutes import Office, Oracle, wall

DOC = (Path(__file__).parents[2] / "docs" / "sla.md").read_text()
SECTION = DOC.split("## Named examples")[1].split("\n## ")[0]
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in SECTION.splitlines()
    if line.startswith("| ") and not line.startswith("| rule")
]
_INSTANT = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?)"
_KINDS = {
    "received": ClockKind.START, "begun afresh": ClockKind.START, "paused": ClockKind.PAUSE,
    "resumed": ClockKind.RESUME, "pause undone": ClockKind.VOID, "extended": ClockKind.EXTEND,
    "closed": ClockKind.STOP, "reopened": ClockKind.REOPEN, "handed to unit": ClockKind.HAND_OVER,
    "rule changed": ClockKind.POLICY_CHANGE,
}  # fmt: skip


def _days(name: str) -> list[date]:
    listed = SECTION.split(f"- {name}")[1].split("\n-")[0].split("\n\n")[0]
    return [date.fromisoformat(day) for day in re.findall(r"\d{4}-\d\d-\d\d", listed)]


DAYS = [
    *(DayOverride(day, works=False) for day in _days("off")),
    *(DayOverride(day, works=True) for day in _days("made up")),
    *(
        DayOverride(day, works=True, shifts=(Shift(time(7, 30), time(11, 30)),))
        for day in _days("half a day")
    ),
]
WARD = Calendar(WARD_WEEK, DAYS, first_year=2025, last_year=2028)
HOTLINE = Calendar(ALWAYS, first_year=2025, last_year=2028)
PAINTED = {
    WARD: Office(WARD_WEEK, DAYS, (2025, 2028), WARD_WEEK[0]),
    HOTLINE: Office(ALWAYS, (), (2025, 2028), ALWAYS[0]),
}


def instant(weekday: str, at: str) -> datetime:
    """A named instant; the weekday is there for the reader, and must be true."""
    found = datetime.fromisoformat(at).replace(tzinfo=VN)
    assert f"{found:%a}" == weekday, at
    return found


def rule(text: str) -> tuple[Policy, Calendar]:
    found = re.fullmatch(
        r"(\d+) (minute|working hour|working day|calendar day)s?( of the hotline|, same time)?", text
    )
    assert found, text
    unit = Unit(f"{found[2].replace(' ', '_')}s")
    end = DayEnd.SAME_TIME if found[3] == ", same time" else DayEnd.END_OF_DAY
    policy = Policy(1, 1, text, "result", int(found[1]), unit, date(2020, 1, 1), day_end=end)
    return policy, HOTLINE if found[3] == " of the hotline" else WARD


def event(text: str) -> ClockEvent:
    found = re.fullmatch(
        rf"({'|'.join(_KINDS)})( \d+)? {_INSTANT}(?: by (\d+) minutes| to {_INSTANT})?", text
    )
    assert found, text
    unit = int(found[2]) if found[2] else 1 if found[1] == "received" else None
    return ClockEvent(
        _KINDS[found[1]], instant(found[3], found[4]), minutes=int(found[5] or 0), unit=unit,
        due_at=instant(found[6], found[7]) if found[6] else None,
    )  # fmt: skip


def logs(text: str) -> list[list[ClockEvent]]:
    """One log a report; ' and ' stands between reports that were joined."""
    return [[event(one) for one in report.split("; ")] for report in text.split(" and ")]


def shares(policy: Policy, calendar: Calendar, log: list[ClockEvent], now: datetime) -> str:
    told = time_by_unit(policy, calendar, log, now)
    return ", ".join(f"unit {one.unit} {one.seconds // 3600}:{one.seconds // 60 % 60:02}" for one in told)


def judge(policy: Policy, calendar: Calendar, log: list[ClockEvent]) -> Due:
    """The engine's answer, which the oracle shares."""
    found = due(policy, calendar, log)
    other = Oracle(policy, PAINTED[calendar]).answer(log, wall(log[-1].at))
    assert (wall(found.due_at), wall(found.due_soon_at), found.late) == (other.due, other.soon, other.late)
    return found


def test_there_are_enough_of_them_and_each_says_why() -> None:
    assert len(ROWS) >= 30
    assert all(len(row) == 4 and all(row) for row in ROWS)
    notes = [row[3] for row in ROWS]
    assert len(set(notes)) == len(notes)


@pytest.mark.parametrize(("text", "happened", "said", "note"), ROWS, ids=[row[3] for row in ROWS])
def test_an_example_in_the_docs_is_true(text: str, happened: str, said: str, note: str) -> None:
    policy, calendar = rule(text)
    reports = logs(happened)
    judged = [judge(policy, calendar, log) for log in reports]
    first = ruling([Owed(number, "policy", 1, each) for number, each in enumerate(judged)])
    assert first is not None
    when, *more = said.split("; ")
    assert first.due.due_at == instant(*_parts(when)), note
    for fact in more:
        if fact.startswith("warned "):
            assert first.due.due_soon_at == instant(*_parts(fact.removeprefix("warned ")))
        elif fact.startswith("unit "):
            assert shares(policy, calendar, reports[0], reports[0][-1].at) == fact
        elif fact == "paused":
            assert first.due.paused
        else:
            assert first.due.late is {"late": True, "in time": False}[fact]


def _parts(text: str) -> tuple[str, str]:
    found = re.fullmatch(_INSTANT, text)
    assert found, text
    return found[1], found[2]
