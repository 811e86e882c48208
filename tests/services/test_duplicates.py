"""What an officer says of two cases, its undoing, who is told, and that later reports are matched right."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.differences import differences
from aggregator.domain.joint_plan import Joinable, Refusal, plan
from aggregator.domain.sketch import Apart, Sketch, apart, sketch
from aggregator.domain.workflow import ReplyKind, Status
from aggregator.errors import MoveNotAllowed, NotFound, StaleWrite
from aggregator.sdk.contract import Record
from aggregator.services.views.questions import QuestionFilter
from tests.factories import MONDAY, Office, record
from tests.factories import apart as unlike
from tests.people import WARD_B

RISKY = "Tụ tập mua bán ma túy trước số nhà 12 Lê Lợi mỗi tối, đề nghị kiểm tra"


def risky(external_id: str, **more: Any) -> Record:
    """A matter of which the rule asks rather than joins, when who tells stays unknown."""
    return record(external_id, RISKY, address="12 Lê Lợi", anonymous=True, **more)


def two(office: Office) -> tuple[int, int]:
    office.receives("1022", risky("1"))
    office.clock.forward(hours=1)
    office.receives("app", risky("2", occurred_at=MONDAY + timedelta(hours=1)))
    return office.case_of("1"), office.case_of("2")


def asked(office: Office) -> int:
    return office.review.page(office.lan, QuestionFilter()).total


def words(office: Office) -> list[Any]:
    return office.rows("SELECT report_a, report_b, judgement, officer_id, recurrence FROM judgements")


# One decision -----------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["same", "different"])
def test_undoing_a_decision_leaves_everything_as_it_was(office: Office, verb: str) -> None:
    one, other = two(office)
    before = words(office), asked(office), office.row(one).report_count, office.row(other).status
    decision = getattr(office.duplicates, verb)(office.lan, other, one)
    assert asked(office) == 0
    office.clock.forward(days=1)
    office.duplicates.undo(office.minh, decision.id)
    after = words(office), asked(office), office.row(one).report_count, office.row(other).status
    assert after == before
    with pytest.raises(MoveNotAllowed):
        office.duplicates.undo(office.lan, decision.id)
    office.is_sound()


def test_a_later_word_on_a_pair_outlives_the_undoing_of_an_earlier_one(office: Office) -> None:
    one, other = two(office)
    first = office.duplicates.different(office.lan, other, one)
    office.clock.forward(hours=1)
    office.duplicates.different(office.minh, other, one)
    office.duplicates.undo(office.lan, first.id)
    assert [(row[2], row[3]) for row in words(office)] == [("different", office.minh.id)]
    assert asked(office) == 0


def test_what_a_merge_was_built_on_is_undone_the_last_first(office: Office) -> None:
    office.receives("1022", *unlike(3))
    one, two_, three = (office.case_of(str(n)) for n in (1, 2, 3))
    first = office.duplicates.merge(office.lan, one, two_)
    second = office.duplicates.merge(office.lan, two_, three)
    with pytest.raises(MoveNotAllowed, match="undo that first"):
        office.duplicates.undo(office.lan, first.id)
    office.duplicates.undo(office.lan, second.id)
    office.duplicates.undo(office.lan, first.id)
    assert [office.case_of(str(n)) for n in (1, 2, 3)] == [one, two_, three]
    office.is_sound()


def test_a_decision_makes_a_colleagues_page_stale(office: Office) -> None:
    one, other = two(office)
    seen = office.row(other).version, office.row(one).version
    office.duplicates.different(office.minh, one, other)
    for verb in ("same", "different"):
        with pytest.raises(StaleWrite):
            getattr(office.duplicates, verb)(office.lan, other, one, version=seen[0])
        with pytest.raises(StaleWrite):
            getattr(office.duplicates, verb)(office.lan, other, one, other_version=seen[1])


def test_another_ward_neither_decides_nor_undoes_nor_compares(office: Office) -> None:
    one, other = two(office)
    decision = office.duplicates.different(office.lan, one, other)
    for attempt in (
        lambda: office.duplicates.same(office.hue, one, other),
        lambda: office.duplicates.different(office.hue, one, other),
        lambda: office.duplicates.undo(office.hue, decision.id),
        lambda: office.comparing.cases(office.hue, one, other),
    ):
        with pytest.raises(NotFound):
            attempt()
    office.channel("of b", ward=WARD_B)
    theirs = office.opens("9", slug="of b")
    for attempt in (
        lambda: office.duplicates.same(office.hue, theirs, one),
        lambda: office.duplicates.recurs(office.hue, theirs, one),
        lambda: office.comparing.cases(office.hue, theirs, one),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert office.review.page(office.hue, QuestionFilter(ward="27142")).rows == ()


# Come back --------------------------------------------------------------------------------------


def test_a_problem_that_comes_back_twice_is_one_family(office: Office) -> None:
    cases = []
    for n in range(3):
        office.receives("1022", risky(str(n), occurred_at=office.clock()))
        cases.append(office.case_of(str(n)))
        if n:
            office.duplicates.recurs(office.lan, cases[n], cases[n - 1])
        if n < 2:
            office.clock.forward(days=2)
            office.cases.reply(office.lan, cases[n], ReplyKind.RESULT, "Xong.")
            office.clock.forward(days=20)
    for case in cases:
        assert [one.case_id for one in office.page(case).family] == cases
    assert office.row(cases[2]).is_open and asked(office) == 0
    with pytest.raises(MoveNotAllowed):
        office.duplicates.recurs(office.lan, cases[2], cases[0])
    office.is_sound()


@pytest.mark.parametrize("closed", ["neither", "the later one"])
def test_only_an_open_case_comes_back_after_a_closed_earlier_one(office: Office, closed: str) -> None:
    one, other = two(office)
    if closed == "the later one":
        office.cases.reply(office.lan, other, ReplyKind.RESULT, "Xong.")
    with pytest.raises(MoveNotAllowed):
        office.duplicates.recurs(office.lan, other, one)
    assert office.count("recurrences") == 0


# Which questions are asked ----------------------------------------------------------------------


def test_two_cases_are_asked_about_once_however_many_pairs_there_are(office: Office) -> None:
    one, other = two(office)
    office.receives("app", risky("3", occurred_at=MONDAY + timedelta(hours=2)))
    assert asked(office) == 3
    office.duplicates.same(office.lan, office.case_of("3"), other)
    assert asked(office) == 1
    assert [each.case_id for each in office.page(one).suggestions] == [other]


def test_a_question_goes_when_both_cases_are_closed_and_returns_with_one(office: Office) -> None:
    one, other = two(office)
    office.cases.reply(office.lan, one, ReplyKind.RESULT, "Xong.")
    assert asked(office) == 1, "it may have come back"
    office.cases.reply(office.lan, other, ReplyKind.RESULT, "Xong.")
    assert asked(office) == 0
    office.cases.move(office.lan, one, Status.IN_PROGRESS)
    assert asked(office) == 1


# Matching goes on with what the cases are now ---------------------------------------------------

HOLE = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần"


def hole(external_id: str, **more: Any) -> Record:
    return record(external_id, HOLE, address="12 Lê Lợi", **more)


def test_after_a_merge_new_reports_join_the_case_that_stayed(office: Office) -> None:
    office.receives("1022", hole("1"), *unlike(1, 5))
    gone, stayed = office.case_of("1"), office.case_of("5")
    decision = office.duplicates.merge(office.lan, gone, stayed)
    office.receives("app", hole("2"))
    assert office.case_of("2") == stayed
    office.cases.split(office.lan, stayed, [office.report("2")])
    office.duplicates.undo(office.lan, decision.id)
    office.receives("app", hole("3"))
    assert office.case_of("3") in (gone, office.case_of("2"))
    assert office.case_of("3") != stayed


def test_after_closing_a_new_report_opens_a_case_and_asks_whether_it_came_back(office: Office) -> None:
    office.receives("1022", hole("1"))
    office.cases.reply(office.lan, office.case_of("1"), ReplyKind.RESULT, "Đã vá.")
    office.clock.forward(days=3)
    office.receives("app", hole("2", occurred_at=office.clock()))
    (suggestion,) = office.page(office.case_of("2")).suggestions
    assert suggestion.recurrence and suggestion.case_id == office.case_of("1")


def test_who_asks_for_silence_leaves_no_telephone_to_match_by(office: Office) -> None:
    office.receives("1022", hole("1", phone="0901234567"))
    assert office.rows("SELECT count(*) FROM match_traits WHERE phone IS NOT NULL") == [(1,)]
    office.receives("1022", hole("1", anonymous=True))
    assert office.rows("SELECT count(*) FROM match_traits WHERE phone IS NOT NULL") == [(0,)]


# Notices ----------------------------------------------------------------------------------------


def test_owners_are_told_once_each_and_what_is_old_is_forgotten(office: Office) -> None:
    one, other = two(office)
    office.cases.assign(office.minh, one, unit_id=None, officer_id=office.lan.id)
    office.cases.assign(office.minh, other, unit_id=None, officer_id=office.lan.id)
    decision = office.duplicates.same(office.minh, other, one)
    (told,) = office.notices.page(office.lan).rows
    assert (told.kind, told.case_id, told.decision_id) == ("merged_away", other, decision.id)
    assert office.notices.page(office.minh).rows == office.notices.page(office.hue).rows == ()
    assert office.notices.prune() == 0
    office.clock.forward(days=91)
    assert office.notices.prune() == 1


# Many at once -----------------------------------------------------------------------------------


def joinable(number: int, **more: Any) -> Joinable:
    day = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=number)
    values = {"ward": "27142", "is_open": True, "legal": False, "size": 1, "due_at": day + timedelta(days=9)}
    return Joinable(id=number, received_at=day, **{**values, **more})


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"is_open": False}, Refusal.CLOSED),
        ({"ward": "26740"}, Refusal.OTHER_WARD),
        ({"legal": True}, Refusal.LEGAL),
        ({"size": 50}, Refusal.CAP),
    ],
)
def test_what_forbids_a_merge_is_named(other: dict[str, Any], why: Refusal) -> None:
    assert plan([(joinable(1), joinable(2, **other))], set(), 50).refused == {0: why}


def test_a_chain_of_pairs_becomes_one_case_with_the_earliest_deadline() -> None:
    cases = [joinable(n, due_at=MONDAY - timedelta(days=n)) for n in range(1, 5)]
    found = plan(list(itertools.pairwise(cases)), set(), 50)
    (group,) = found.groups
    assert (group.stays.id, [case.id for case in group.goes], group.size) == (1, [2, 3, 4], 4)
    assert group.ruling.id == 4


@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=30),
    st.sets(st.tuples(st.integers(1, 12), st.integers(1, 12)), max_size=8),
    st.integers(2, 6),
)
def test_no_group_breaks_the_cap_or_joins_what_was_told_apart(
    pairs: list[tuple[int, int]], apart_: set[tuple[int, int]], cap: int
) -> None:
    told = {(min(pair), max(pair)) for pair in apart_}
    cases = {n: joinable(n) for n in range(1, 13)}
    found = plan([(cases[a], cases[b]) for a, b in pairs if a != b], told, cap)
    seen = [case.id for group in found.groups for case in group.cases]
    assert len(seen) == len(set(seen)), "each case in one group"
    for group in found.groups:
        ids = sorted(case.id for case in group.cases)
        assert group.size <= cap and not set(itertools.combinations(ids, 2)) & told


# Side by side -----------------------------------------------------------------------------------


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_parts_of_a_text_are_the_text(one: str, other: str) -> None:
    mine, theirs = differences(one, other)
    assert "".join(part.text for part in mine) == one
    assert "".join(part.text for part in theirs) == other


@pytest.mark.parametrize(
    ("one", "other", "marked"),
    [
        ("Cống nghẹt ở 12 Lê Lợi", "cong nghet o 12 le loi", []),  # accents and capitals
        ("Cống nghẹt.", "Cống nghẹt", []),  # a full stop
        ("số nhà 12 Lê Lợi", "số nhà 14 Lê Lợi", ["12"]),  # the one word that matters
        ("nắp cống vỡ nát", "ổ gà cống rất sâu", ["nắp cống vỡ nát"]),  # an island of one word is none
    ],
)
def test_only_what_the_other_lacks_is_marked(one: str, other: str, marked: list[str]) -> None:
    assert [part.text.strip() for part in differences(one, other)[0] if part.only] == marked


@pytest.mark.parametrize(
    ("other", "metres", "direction"),
    [
        ((10.7771, 106.7), 11, "n"),
        ((10.777, 106.701), 109, "e"),
        ((10.776, 106.699), 156, "sw"),
        ((10.777, 106.7), 0, ""),
    ],
)
def test_distance_and_direction(other: tuple[float, float], metres: int, direction: str) -> None:
    assert apart((10.777, 106.7), other) == Apart(metres, direction)


@given(st.floats(-0.02, 0.02), st.floats(-0.02, 0.02))
def test_both_points_lie_inside_the_sketch_with_a_round_scale(north: float, east: float) -> None:
    found = sketch((10.777, 106.7), (10.777 + north, 106.7 + east))
    for x, y in (found.one, found.other):
        assert 11 <= x <= Sketch.WIDTH - 11 and 11 <= y <= Sketch.HEIGHT - 25
    assert str(found.bar_metres).rstrip("0") in ("1", "2", "5") and 0 < found.bar <= 95
