"""Who answers while somebody is away: chains, half days, cycles, and what stays open."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.cover import Absence, Rota, Why, span, unattended, until_en, until_vi
from aggregator.domain.worktime import VN
from aggregator.errors import InputInvalid

LAN, TU, HOA, MINH = 1, 2, 3, 4


def day(of: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, of, hour, minute, tzinfo=VN)


def away(officer: int, first: int, last: int, substitute: int | None = None) -> Absence:
    starts, ends = span(date(2026, 11, first), date(2026, 11, last))
    return Absence(officer, starts, ends, substitute)


@pytest.mark.parametrize(
    ("absences", "at", "answers", "why"),
    [
        ([], day(23), LAN, Why.PRESENT),  # nobody is away
        ([away(LAN, 23, 25, TU)], day(22, 23, 59), LAN, Why.PRESENT),  # the minute before
        ([away(LAN, 23, 25, TU)], day(23), TU, Why.COVERED),  # from midnight on
        ([away(LAN, 23, 25, TU)], day(25, 23, 59), TU, Why.COVERED),  # to the last minute
        ([away(LAN, 23, 25, TU)], day(26), LAN, Why.PRESENT),  # back by itself
        ([away(LAN, 23, 25)], day(24), None, Why.NO_SUBSTITUTE),  # nobody was named
        ([away(LAN, 23, 27, TU), away(TU, 24, 25, HOA)], day(23), TU, Why.COVERED),  # the first is there
        ([away(LAN, 23, 27, TU), away(TU, 24, 25, HOA)], day(24), HOA, Why.COVERED),  # the first went, too
        ([away(LAN, 23, 27, TU), away(TU, 24, 25, HOA)], day(26), TU, Why.COVERED),  # and came back
        ([away(LAN, 23, 27, TU), away(TU, 24, 25)], day(24), None, Why.NO_SUBSTITUTE),  # the chain ends
        ([away(LAN, 23, 25, TU), away(TU, 23, 25, LAN)], day(24), None, Why.CYCLE),  # each for the other
        ([away(LAN, 23, 25, TU), away(TU, 23, 25, HOA), away(HOA, 23, 25, TU)], day(24), None, Why.CYCLE),
    ],
)
def test_who_answers_for_lan(absences: list[Absence], at: datetime, answers: int | None, why: Why) -> None:
    standing = Rota(absences).at(LAN, at)
    assert (standing.answers, standing.why) == (answers, why)
    assert standing.until == (absences[0].ends_at if why is not Why.PRESENT else None)


def test_a_half_day_is_cut_at_noon() -> None:
    morning = span(date(2026, 11, 23), date(2026, 11, 23), until_noon=True)
    assert morning == (day(23), day(23, 12))
    assert span(date(2026, 11, 23), date(2026, 11, 24), from_noon=True) == (day(23, 12), day(25))


@pytest.mark.parametrize(
    ("first", "last", "halves"),
    [
        (24, 23, {}),  # back before leaving
        (23, 23, {"from_noon": True, "until_noon": True}),  # from noon until noon
    ],
)
def test_an_absence_without_time_in_it_is_refused(first: int, last: int, halves: dict[str, bool]) -> None:
    with pytest.raises(InputInvalid):
        span(date(2026, 11, first), date(2026, 11, last), **halves)


def test_the_last_in_the_chain_covers_everybody_before_them() -> None:
    rota = Rota([away(LAN, 23, 27, TU), away(TU, 24, 25, HOA)])
    assert {one.officer for one in rota.covered_by(HOA, day(24))} == {LAN, TU}
    assert rota.covered_by(TU, day(24)) == ()
    assert [one.officer for one in rota.covered_by(TU, day(26))] == [LAN]


def test_gaps_tell_when_and_where_the_chain_ends() -> None:
    rota = Rota([away(LAN, 23, 27, TU), away(TU, 25, 26)])
    (gap,) = rota.gaps(LAN, day(20), day(30))
    assert (gap.start, gap.end, gap.last) == (day(25), day(27), TU)
    assert rota.gaps(HOA, day(20), day(30)) == ()


def test_a_gap_that_others_leaving_cuts_in_two_is_told_once() -> None:
    rota = Rota([away(LAN, 23, 27), away(HOA, 24, 25, MINH)])
    (gap,) = rota.gaps(LAN, day(20), day(30))
    assert (gap.start, gap.end) == (day(23), day(28))


def test_a_field_is_open_only_where_nobody_of_it_is_there() -> None:
    rota = Rota([away(LAN, 23, 25), away(TU, 25, 26)])
    found = unattended(rota, {"ngap": (LAN, TU), "rac": (LAN,), "khac": ()}, day(20), day(30))
    assert [(gap.category, gap.start, gap.end) for gap in found] == [
        ("ngap", day(25), day(26)),  # the one day on which both are away
        ("rac", day(23), day(26)),
        ("khac", day(20), day(30)),  # nobody was ever named
    ]


@pytest.mark.parametrize(
    ("ends_at", "vi", "en"),
    [
        (day(26), "25/11", "25/11"),
        (day(25, 12), "trưa 25/11", "noon of 25/11"),
        (day(25, 15, 20), "15:20 25/11", "15:20, 25/11"),
    ],
)
def test_the_end_is_told_as_people_say_it(ends_at: datetime, vi: str, en: str) -> None:
    assert (until_vi(ends_at.astimezone(UTC)), until_en(ends_at.astimezone(UTC))) == (vi, en)


_ABSENCES = st.lists(
    st.builds(
        lambda officer, start, hours, substitute: Absence(
            officer, day(1) + timedelta(hours=start), day(1) + timedelta(hours=start + hours),
            substitute if substitute != officer else None,
        ),
        st.integers(1, 5), st.integers(0, 400), st.integers(1, 200), st.none() | st.integers(1, 5),
    ),
    max_size=12,
)  # fmt: skip


@given(_ABSENCES, st.integers(1, 5), st.integers(-10, 700))
def test_whoever_answers_is_there_and_gaps_are_exactly_the_rest(
    absences: list[Absence], officer: int, hour: int
) -> None:
    rota, at = Rota(absences), day(1) + timedelta(hours=hour, minutes=30)
    standing = rota.at(officer, at)
    if standing.answers is not None:
        assert rota.away(standing.answers, at) is None
    gaps = rota.gaps(officer, day(1) - timedelta(days=2), day(1) + timedelta(days=40))
    assert (standing.answers is None) == any(gap.start <= at < gap.end for gap in gaps)
    for gap, following in itertools.pairwise(gaps):
        assert gap.end <= following.start
