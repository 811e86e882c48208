"""Weights change only by a recorded run on the office's own decisions, compared before it is taken."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from aggregator.domain.match_rule import HAND_SET, RULE_VERSION, Model
from aggregator.domain.match_score import FEATURES
from aggregator.domain.people import Role
from aggregator.domain.training import Decision, Source
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, NotAllowed
from aggregator.services import match_training
from aggregator.services.match_comparison import figures_of
from aggregator.services.match_decisions import decisions
from aggregator.services.match_training import TooFewDecisions
from tests.factories import Office, apart, record
from tests.services.test_match_rules import pothole

TRAINED = Model(f"{RULE_VERSION}+candidate", shift=0.4, scales={"time": 1.3})


def known(office: Office) -> list[Decision]:
    with office.db.read() as tx:
        return decisions(tx, HAND_SET)


def hole(number: int, house: int, **more: Any) -> Any:
    """One of the two tellings of a hole at this house; the rule joins them."""
    texts = (
        f"Ổ gà rất to trước số nhà {house} Lê Lợi, xe máy ngã nhiều lần, đề nghị vá gấp",
        f"truoc nha {house} le loi co o ga rat to, xe may nga nhieu lan roi, va gap gium",
    )
    place = {"address": f"{house} Lê Lợi", "category_raw": "Giao thông"}
    return record(f"{house}.{number}", texts[number], **place, **more)


def test_a_persons_word_is_one_decision_whatever_it_settles(office: Office) -> None:
    office.receives("1022", *apart(5))
    office.cases.merge(office.lan, office.case_of("1"), office.case_of("2"))
    office.clock.forward(minutes=1)
    office.cases.merge(office.lan, office.case_of("1"), office.case_of("3"))
    office.clock.forward(minutes=1)
    office.duplicates.different(office.lan, office.case_of("4"), office.case_of("5"))
    told = known(office)
    assert [(one.same, one.source) for one in told] == [
        (True, Source.MERGED), (True, Source.MERGED), (False, Source.PARTED),
    ]  # fmt: skip
    assert all(set(one.contributions) <= FEATURES and one.contributions for one in told)


def test_what_the_rule_joined_is_right_once_closed_and_wrong_once_undone(office: Office) -> None:
    holes = [hole(number, house) for house in (200, 300) for number in (0, 1)]
    office.receives("1022", pothole("1"), pothole("2"), *holes)
    office.cases.reply(office.lan, office.case_of("1"), ReplyKind.RESULT, "Đã vá.")
    office.cases.split(office.lan, office.case_of("200.0"), [office.report("200.1")])
    told = known(office)
    assert {(one.same, one.source, one.report) for one in told} == {
        (True, Source.KEPT, office.report("2")),
        (False, Source.PARTED, office.report("200.1")),
    }, "the split is the person's word; the third case is still open and says nothing yet"


def test_what_an_older_version_judged_is_compared_anew(office: Office) -> None:
    office.receives("1022", *apart(2))
    office.duplicates.different(office.lan, office.case_of("1"), office.case_of("2"))
    fresh = known(office)
    with office.db.write() as tx:
        tx.exec_driver_sql("UPDATE judgements SET rule_version = '2020.1', features = NULL")
    again = known(office)
    assert again[0].contributions.keys() >= fresh[0].contributions.keys()
    for name, value in fresh[0].contributions.items():
        assert again[0].contributions[name] == pytest.approx(value, abs=1e-4)


def test_too_few_decisions_are_refused_with_their_number(office: Office) -> None:
    office.receives("1022", *apart(2))
    office.duplicates.different(office.lan, office.case_of("1"), office.case_of("2"))
    with pytest.raises(TooFewDecisions, match=r"1 decisions .*\(0 same, 1 different\); .* 200, and 30"):
        office.training.train()


def test_a_run_compares_and_changes_nothing(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(match_training, "LEAST_DECISIONS", 10)
    monkeypatch.setattr(match_training, "LEAST_OF_A_KIND", 3)
    for house in range(100, 112):
        at = office.clock()
        office.receives("1022", hole(0, house, occurred_at=at), hole(1, house, occurred_at=at))
        case = office.case_of(f"{house}.0")
        office.clock.forward(hours=1)
        if house % 3:
            office.cases.reply(office.lan, case, ReplyKind.RESULT, "Đã vá.")
        else:
            office.cases.split(office.lan, case, [office.report(f"{house}.1")])
    before = office.count("ledger_entries")
    run = office.training.train()
    assert (run.trained_on, run.comparison.decisions) == (8, 4)
    assert run.comparison.since is not None and run.comparison.since > office.clock() - timedelta(hours=5)
    assert run.comparison.now.log_loss > run.comparison.then.log_loss, "a third of its joins was undone"
    assert run.model.shift < 0
    assert run.comparison.cases_now is not None
    assert run.comparison.cases_now.reports == 6, "those that came in the held-out time"
    assert run.comparison.cases_now.b_cubed_recall == 1.0, "nothing that belongs together is apart"
    assert office.count("ledger_entries") == before
    assert office.training.present() == HAND_SET
    assert figures_of(run.comparison)["now"]["joins"]["count"] == 4


def test_an_adopted_model_judges_what_comes_and_the_old_one_can_come_back(office: Office) -> None:
    at = office.clock()
    never = Model(f"{RULE_VERSION}+candidate", shift=-3.0, scales={"place": 0.5})
    first = office.training.adopt(office.admin, never, {"decisions": 250}, at, "Nhiều lần gộp nhầm")
    assert first.version == f"{RULE_VERSION}+m1"
    office.receives("1022", pothole("1"), pothole("2"))
    assert office.case_of("1") != office.case_of("2"), "the model holds at intake"
    assert office.rows("SELECT rule_version FROM judgements") == [(f"{RULE_VERSION}+m1",)]
    office.training.adopt(office.admin, TRAINED, {}, at, "Quý hai")
    back = office.training.go_back(office.admin, HAND_SET.version, "Chờ kiểm tra")
    assert back == HAND_SET == office.training.present()
    views = office.training.models()
    assert [(one.version, one.in_force) for one in views] == [
        (RULE_VERSION, True), (f"{RULE_VERSION}+m1", False), (f"{RULE_VERSION}+m2", False),
    ]  # fmt: skip
    assert [one.why for one in views] == ["Chờ kiểm tra", "Nhiều lần gộp nhầm", "Quý hai"]
    office.receives("1022", hole(0, 200), hole(1, 200))
    assert office.case_of("200.0") == office.case_of("200.1")
    kinds = office.rows("SELECT count(*) FROM ledger_entries WHERE kind = 'model_adopted'")
    assert kinds == [(3,)]
    office.is_sound()


REFUSED = [
    (dataclasses.replace(TRAINED, base="2020.1"), "trained over the weights 2020.1", "an older program's"),
    (dataclasses.replace(TRAINED, scales={"time": -1.0}), "scale time", "turned against its sense"),
    (dataclasses.replace(TRAINED, scales={"moon": 1.0}), "scale moon", "a feature nobody knows"),
    (dataclasses.replace(TRAINED, shift=9.0), "shift 9", "everything would join"),
]


@pytest.mark.parametrize(("model", "said"), [row[:2] for row in REFUSED], ids=[row[2] for row in REFUSED])
def test_what_is_no_sane_model_is_not_adopted(sqlite_office: Office, model: Model, said: str) -> None:
    with pytest.raises(InputInvalid, match=said):
        sqlite_office.training.adopt(sqlite_office.admin, model, {}, sqlite_office.clock(), "Thử")
    assert sqlite_office.count("match_models") == 0


def test_only_somebody_of_every_ward_adopts_with_a_reason(sqlite_office: Office) -> None:
    office, at = sqlite_office, sqlite_office.clock()
    for person in (office.lan, office.minh, dataclasses.replace(office.hue, role=Role.ADMIN)):
        with pytest.raises(NotAllowed):
            office.training.adopt(person, TRAINED, {}, at, "Thử")
    with pytest.raises(InputInvalid, match="no reason"):
        office.training.adopt(office.admin, TRAINED, {}, at, " ")
    with pytest.raises(InputInvalid, match="no model 2020"):
        office.training.go_back(office.admin, "2020.1+m7", "Thử")
