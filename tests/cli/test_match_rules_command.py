"""`motmoi match thresholds|preview|train|evaluate|adopt|models` as a script meets them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.domain.match_rule import RULE_VERSION
from tests.benchmarks import streams
from tests.cli.test_match_command import line

WARD = "27142"


@pytest.fixture
def ward(motmoi: Any) -> Any:
    motmoi("user", "add", "minh", "--role", "leader", "--ward", WARD)
    return motmoi


def test_thresholds_are_set_listed_and_taken_back(ward: Any) -> None:
    assert ward.json("match", "thresholds", "list")[0]["same"] == 0.9
    given = ("--ward", WARD, "--same", "0.95", "--cap", "20", "--why", "Ngõ nhỏ", "--as", "minh")
    ran = ward("match", "thresholds", "set", *given)
    assert ran.code == 0, ran.err
    assert f"ward {WARD}, category every: same 0.95, unsure 0.35, at most 20 reports, 60 days" in ran.out
    listed = ward.json("match", "thresholds", "list")
    assert [(one["ward"], one["same"], one["who"], one["why"]) for one in listed] == [
        (WARD, 0.95, "minh", "Ngõ nhỏ"), (None, 0.9, None, ""),
    ]  # fmt: skip
    assert ward("match", "thresholds", "unset", "--ward", WARD, "--why", "Hết thử").code == 0
    assert [one["ward"] for one in ward.json("match", "thresholds", "list")] == [None]
    assert ward("ledger", "verify").code == 0


WRONG = [
    (("--why", "x"), "nothing to set", "no value"),
    (("--same", "0.5", "--why", "x"), "same 0.5 is not between 0.7", "below the floor"),
    (("--same", "0.95"), "--why", "no reason"),
    (("--ward", "99999", "--same", "0.95", "--why", "x"), "no ward 99999", "unknown ward"),
    (("--category", "ma", "--same", "0.95", "--why", "x"), "no category ma", "unknown category"),
    (("--same", "0.95", "--why", "x", "--as", "minh"), "name your ward", "a ward's leader for every ward"),
]


@pytest.mark.parametrize(("given", "said"), [row[:2] for row in WRONG], ids=[row[2] for row in WRONG])
def test_what_cannot_be_set_is_refused_with_the_way_out(ward: Any, given: Any, said: str) -> None:
    ran = ward("match", "thresholds", "set", *given)
    assert ran.code == 2 and said in ran.err.lower()


def test_the_preview_is_one_document(ward: Any) -> None:
    found = ward.json("match", "preview", "--ward", WARD, "--same", "0.85", "--days", "30")
    assert (found["ward"], found["same"], found["judged"], found["rows"]) == (WARD, 0.85, 0, [])
    assert "0 reports" in ward("match", "preview", "--ward", WARD, "--same", "0.85").out
    assert ward("match", "preview", "--days", "1000").code == 2


def test_training_without_decisions_says_how_many_are_needed(motmoi: Any) -> None:
    for command in ("train", "evaluate"):
        ran = motmoi("match", command)
        assert ran.code == 2 and "a run needs 200, and 30 of either kind" in ran.err


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    path = tmp_path / "ung-vien.json"
    path.write_text(
        json.dumps(
            {"base": RULE_VERSION, "shift": -0.5, "scales": {"time": 1.2}, "trained_on": 300,
             "trained_at": "2026-05-04T08:00:00+07:00", "figures": {"decisions": 120}}
        )
    )  # fmt: skip
    return path


def test_a_candidate_is_adopted_listed_and_gone_back_from(motmoi: Any, candidate: Path) -> None:
    adopted = motmoi.json("match", "adopt", candidate, "--why", "Quý hai")
    assert adopted == {"version": f"{RULE_VERSION}+m1"}
    assert [one["in_force"] for one in motmoi.json("match", "models")] == [False, True]
    assert motmoi("match", "adopt", "--version", RULE_VERSION, "--why", "Chờ").code == 0
    assert [one["in_force"] for one in motmoi.json("match", "models")] == [True, False]
    assert "+m1" in motmoi("match", "models").out
    assert motmoi("match", "adopt", "--why", "x").code == 2
    assert motmoi("match", "adopt", "--version", "2020.1+m3", "--why", "x").code == 2


def test_what_is_no_candidate_is_refused(motmoi: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    for content in ("{", "[]", "{}", '{"base": "x"}'):
        wrong.write_text(content)
        ran = motmoi("match", "adopt", wrong, "--why", "x")
        assert (ran.code == 2 and "wrong.json" in ran.err) or "no trained model" in ran.err, content


def test_a_stream_from_elsewhere_measures_the_score(motmoi: Any, tmp_path: Path, candidate: Path) -> None:
    given = tmp_path / "stream.jsonl"
    rows = [{**one.row, "case": f"c{one.truth}"} for one in streams.stream(streams.BUILDERS, 400, 5)]
    given.write_text("\n".join(json.dumps(row) for row in rows))
    found = motmoi.json("match", "evaluate", given, "--model", candidate)
    assert found["decisions"] > 100 and 0 < found["same"] < found["decisions"]
    assert found["cases_now"]["reports"] == 400
    assert found["now"]["joins"]["precision"] > 0.95
    assert [one["low"] for one in found["now"]["bins"]] == sorted(one["low"] for one in found["now"]["bins"])
    printed = motmoi("match", "evaluate", given).out
    assert "What a score means" in printed and "0 of" in printed, "the present model beside itself"


def test_labelled_pairs_measure_it_too_and_bad_lines_are_named(motmoi: Any, tmp_path: Path) -> None:
    one, other = (json.loads(line(name, day)) for name, day in (("a", 1), ("b", 2)))
    far = json.loads(line("c", 2, "Đèn đường hỏng ở 45 Trần Phú", category="den"))
    given = tmp_path / "pairs.jsonl"
    pairs = [{"a": other, "b": one, "same": True}, {"a": one, "b": far, "same": False}]
    given.write_text("\n".join(json.dumps(pair) for pair in pairs))
    found = motmoi.json("match", "evaluate", given)
    assert (found["decisions"], found["same"], found["cases_now"]) == (2, 1, None)
    assert found["now"]["joins"] == {"precision": 1.0, "recall": 1.0, "count": 1}
    for bad, said in (('{"a": 1, "b": {}, "same": true}', "no labelled pair"), ("{", "not JSON"),
                      (line("a", 1), "case None is not a text")):  # fmt: skip
        given.write_text(bad)
        ran = motmoi("match", "evaluate", given)
        assert ran.code == 2 and f"pairs.jsonl:1: {said}" in ran.err
