"""Thresholds by ward and category: who sets them, what they touch, what the ledger keeps."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from aggregator.domain.match_rule import DEFAULT, RULE_VERSION
from aggregator.domain.people import Actor, Role
from aggregator.errors import InputInvalid, NotAllowed, NotFound
from aggregator.services.match_rules import Scope
from tests.factories import Office, record
from tests.people import WARD_A, WARD_B

HERE = Scope(WARD_A, None)
NEVER = {"same": 0.9999, "why": "Thử gộp tay một tuần"}


def pothole(external_id: str, **more: Any) -> Any:
    """The same hole in other words; a rule joins them at .98."""
    words = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần, đề nghị vá gấp"
    if int(external_id) % 2:
        words = "truoc nha 12 le loi co o ga rat to, xe may nga nhieu lan roi, va gap gium"
    return record(external_id, words, address="12 Lê Lợi", category_raw="Giao thông", **more)


def test_a_change_touches_new_judgements_only_and_is_named_by_them(office: Office) -> None:
    office.receives("1022", pothole("1"), pothole("2"))
    joined = office.case_of("1")
    office.match_rules.set(office.minh, HERE, **NEVER)
    office.receives("app", pothole("3", occurred_at=office.clock.forward(hours=48)))
    assert office.case_of("1") == office.case_of("2") == joined, "what was joined stays joined"
    assert office.case_of("3") != joined
    _, second = office.page(joined).reports
    assert second.rule_version == RULE_VERSION
    asked = office.rows("SELECT rule_version, features FROM judgements")
    assert {row[0] for row in asked} == {f"{RULE_VERSION}.t1"}
    assert all(row[1] for row in asked), "what the score was made of is kept for training"
    office.is_sound()


def test_taken_back_the_less_specific_holds_again(office: Office) -> None:
    rules = office.match_rules
    rules.set(office.admin, Scope(None, None), same=0.95, why="Chung")
    rules.set(office.minh, HERE, **NEVER)
    assert [view.values.same for view in rules.thresholds(office.minh)] == [0.9999, 0.95]
    rules.unset(office.minh, HERE, why="Hết thử")
    assert [view.values.same for view in rules.thresholds(office.minh)] == [0.95]
    with pytest.raises(InputInvalid, match="no thresholds are set there"):
        rules.unset(office.minh, HERE, why="Lần nữa")
    changes = rules.changes(office.minh)
    assert [(one.scope.ward, one.values and one.values.same) for one in changes] == [
        (WARD_A, None), (WARD_A, 0.9999), (None, 0.95),
    ]  # fmt: skip
    kinds = office.rows("SELECT kind FROM ledger_entries WHERE kind LIKE 'thresholds%' ORDER BY id")
    assert [kind for (kind,) in kinds] == ["thresholds_set", "thresholds_set", "thresholds_taken_back"]
    office.is_sound()


def test_what_is_not_given_stays_as_it_holds_there(office: Office) -> None:
    office.match_rules.set(office.minh, HERE, same=0.95, cap=20, why="Ngõ nhỏ")
    office.match_rules.set(office.minh, HERE, unsure=0.5, why="Ít hỏi hơn")
    values = office.match_rules.holding(office.lan, HERE)
    assert (values.same, values.unsure, values.cap) == (0.95, 0.5, 20)
    assert values.window_days == DEFAULT.thresholds.window_days


def test_the_same_post_twice_is_one_change(office: Office) -> None:
    for _ in range(2):
        office.match_rules.set(office.minh, HERE, same=0.95, why="Ngõ nhỏ", once="k1")
    assert len(office.match_rules.changes(office.minh)) == 1


def test_the_categorys_own_cap_holds_at_intake(office: Office) -> None:
    office.match_rules.set(office.minh, Scope(WARD_A, "giao_thong"), cap=2, why="Xem từng vụ")
    office.receives("1022", *(pothole(str(n)) for n in range(2, 8, 2)))
    counts = office.rows("SELECT report_count FROM cases ORDER BY id")
    assert sorted(count for (count,) in counts) == [1, 2]


BOUNDS = [
    ({"same": 0.5}, "same", "fewer than half would be right"),
    ({"same": 1.0}, "same", "nothing would ever join, not even a copy"),
    ({"unsure": 0.9}, "unsure", "a suggestion needs less than a merge"),
    ({"unsure": 0.0}, "unsure", "everything would be asked"),
    ({"cap": 1}, "cap", "one report is no cap"),
    ({"cap": 501}, "cap", "more than a page can show"),
    ({"window_days": 0}, "window_days", "not even the same day"),
    ({"window_days": 401}, "window_days", "older ones are not looked up"),
    ({"why": "  "}, "why", "no reason"),
]


@pytest.mark.parametrize(("given", "field"), [row[:2] for row in BOUNDS], ids=[row[2] for row in BOUNDS])
def test_what_is_out_of_bounds_is_refused_in_words(office: Office, given: Any, field: str) -> None:
    with pytest.raises(InputInvalid) as refused:
        office.match_rules.set(office.minh, HERE, **({"why": "Thử"} | given))
    assert refused.value.field == field
    assert refused.value.message_vi != refused.value.message
    assert office.count("match_thresholds") == 0


def test_who_may_set_what(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.match_rules.set(office.lan, HERE, **NEVER)
    with pytest.raises(NotFound):
        office.match_rules.set(office.minh, Scope(WARD_B, None), **NEVER)
    with pytest.raises(InputInvalid, match="every ward"):
        office.match_rules.set(office.minh, Scope(None, "giao_thong"), **NEVER)
    with pytest.raises(NotFound):
        office.match_rules.set(office.minh, Scope(WARD_A, "khong-co"), **NEVER)
    office.match_rules.set(office.admin, Scope(WARD_B, None), **NEVER)
    assert [view.scope.ward for view in office.match_rules.thresholds(office.minh)] == [None]
    assert all(not view.mine for view in office.match_rules.thresholds(office.lan))


def test_a_wards_leader_sees_only_the_changes_that_hold_for_the_ward(office: Office) -> None:
    office.match_rules.set(office.admin, Scope(WARD_B, None), **NEVER)
    office.match_rules.set(office.admin, Scope(None, "giao_thong"), same=0.95, why="Chung")
    assert [one.scope.category for one in office.match_rules.changes(office.minh)] == ["giao_thong"]
    leader_of_b: Actor = dataclasses.replace(office.hue, role=Role.LEADER)
    assert len(office.match_rules.changes(leader_of_b)) == 2
