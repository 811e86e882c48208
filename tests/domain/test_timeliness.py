"""Deadlines beside outages: what counts as handled in time, and what no outage excuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.outages import Capability, Span
from aggregator.domain.timeliness import Kind, Why, verdict

DUE = datetime(2026, 11, 10, 10, 0, tzinfo=UTC)  # 17:00 at the office


def at(hour: float, day: int = 10) -> datetime:
    """An hour of a day in November, at the office."""
    return datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hour - 7)


def out(began: datetime, last: datetime, ended: datetime | None = None, **more: object) -> Span:
    span = Span(Capability.WRITE, Capability.WRITE, began, last, ended, attempts=3)
    return replace(span, **more)  # type: ignore[arg-type]


STORY = out(at(14), at(16.5, 12), at(16.75, 12))
NIGHT_OFF = ((at(16.9), at(7.5, 11)),)


@pytest.mark.parametrize(
    ("answered", "delivered", "spans", "expected", "note"),
    [
        (at(16), at(16.1), [], Kind.IN_TIME, "answered and delivered before the deadline"),
        (at(16.66), at(16.75, 12), [STORY], Kind.UNREACHABLE, "answered 16:40, portal away for two days"),
        (at(16.66), None, [out(at(14), at(9, 12))], Kind.UNREACHABLE, "and still away"),
        (at(17), at(17, 12), [STORY], Kind.UNREACHABLE, "answered at the very deadline"),
        (at(17.01), at(17, 12), [STORY], Kind.LATE, "answered late stays late, outage or not"),
        (None, None, [STORY], Kind.LATE, "and so does what was never answered"),
        (at(16.66), at(18), [], Kind.DELIVERED_LATE, "nothing explains it"),
        (at(16), at(18), [out(at(15), at(16.5), at(16.6))], Kind.DELIVERED_LATE, "over before the deadline"),
        (at(16), at(18), [out(at(17.1), at(17.5), at(17.9))], Kind.DELIVERED_LATE, "it began later"),
        (
            at(16.95), at(8, 11), [out(at(16), at(7.5, 11), at(8, 11), gaps=NIGHT_OFF)],
            Kind.DELIVERED_LATE, "our worker was off from 16:54: nobody tried after the answer",
        ),
        (
            at(16.66), at(8, 11), [out(at(16), at(7.5, 11), at(8, 11), gaps=NIGHT_OFF)],
            Kind.UNREACHABLE, "it was tried after the answer, before the worker was switched off",
        ),
        (
            at(16.66), at(8, 11), [out(at(16), at(7, 11), at(8, 11), ours_maybe=True)],
            Kind.DELIVERED_LATE, "every portal was silent: perhaps our own network",
        ),
        (
            at(16.66), at(8, 11), [out(at(9), at(9), at(8, 11), capability=Capability.SIGN_IN)],
            Kind.DELIVERED_LATE, "the account was refused in the morning and nobody signed in again",
        ),
        (
            at(16.66), at(8, 11), [out(at(16.8), at(16.8), at(8, 11), sure=False)],
            Kind.DELIVERED_LATE, "being asked to wait for a moment is no outage",
        ),
    ],
)  # fmt: skip
def test_a_deadline_is(
    answered: datetime | None, delivered: datetime | None, spans: list[Span], expected: Kind, note: str
) -> None:
    assert verdict(DUE, answered, delivered, spans, as_of=at(9, 20)).kind is expected, note


def test_before_it_is_due_nothing_is_late() -> None:
    assert verdict(DUE, None, None, [STORY], as_of=at(16)).kind is Kind.OPEN
    assert verdict(DUE, at(16), None, [STORY], as_of=at(16.5)).kind is Kind.ON_ITS_WAY


def test_it_says_why_an_outage_does_not_count() -> None:
    ours = replace(STORY, ours_maybe=True)
    told = verdict(DUE, at(16), at(17, 12), [ours], as_of=at(9, 20))
    assert [one.why for one in told.weighed] == [Why.OURS_MAYBE]


HOURS = st.integers(0, 24 * 60 * 4).map(lambda minutes: at(0, 9) + timedelta(minutes=minutes))


@given(HOURS, HOURS, st.lists(st.tuples(HOURS, HOURS, HOURS), max_size=4))
def test_no_outage_ever_makes_a_late_answer_timely(
    answered: datetime, delivered: datetime, times: list[tuple[datetime, datetime, datetime]]
) -> None:
    spans = [out(*sorted(three)) for three in times]
    bare = verdict(DUE, answered, max(answered, delivered), [], as_of=at(9, 30))
    told = verdict(DUE, answered, max(answered, delivered), spans, as_of=at(9, 30))
    assert (told.kind is Kind.LATE) is (answered > DUE) is (bare.kind is Kind.LATE)
    if bare.kind is not Kind.DELIVERED_LATE:
        assert told.kind is bare.kind, "an outage matters only where the delivery was late"
