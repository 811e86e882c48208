"""Clustering a file of reports: one answer a line, the rule of intake, nothing stored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import streams

HOUSE = "Rác thải chất đống trước số nhà 129 Tôn Đức Thắng mấy ngày nay, bốc mùi hôi thối"


def line(name: str, day: int, body: str = HOUSE, **given: Any) -> str:
    report = {
        "id": name, "channel": "1022", "received_at": f"2026-05-{day:02}T08:00:00+07:00", "subject": "",
        "body": body, "category": "rac", "address": None, "ward": "27142", "lat": None, "lng": None,
        "reporter_phone": None, "closed_at": None,
    }  # fmt: skip
    return json.dumps({**report, **given}, ensure_ascii=False)


@pytest.fixture
def clustered(motmoi: Any, tmp_path: Path) -> Any:
    def run(lines: list[str], *options: str) -> tuple[Any, list[dict[str, Any]]]:
        given, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
        given.write_text("\n".join(lines) + "\n", encoding="utf-8")
        ran = motmoi("match", "cluster", str(given), "--out", str(out), *options)
        return ran, [json.loads(each) for each in out.read_text(encoding="utf-8").splitlines()]

    return run


def test_repeats_get_the_case_of_the_first_with_reasons_as_people_write(clustered: Any) -> None:
    ran, out = clustered(
        [
            line("a", 1),
            line("b", 2, "rac nhieu lam truoc nha 129 ton duc thang, hoi qua", channel="zalo"),
            line("c", 2, HOUSE.replace("129", "131")),
            line("d", 3, "Đống rác to ở số 129 đường Tôn Đức Thắng"),
        ]
    )
    assert ran.code == 0, ran.err
    assert [one["case"] for one in out] == ["a", "a", "c", "a"]
    assert [one["judgement"] for one in out][:2] == ["different", "same"]
    assert out[0] == {
        "id": "a", "case": "a", "judgement": "different", "score": 0.0, "best": None, "candidates": [],
        "reasons": [],
    }  # fmt: skip
    scores = [each["score"] for each in out[3]["candidates"]]
    assert {each["id"] for each in out[3]["candidates"]} >= {"a", "b"}
    assert scores == sorted(scores, reverse=True)
    assert out[3]["reasons"][0]["text_vi"] == "cùng số nhà 129 Tôn Đức Thắng"


def test_closing_counts_from_its_instant_on(clustered: Any) -> None:
    closed = {"closed_at": "2026-05-10T08:00:00+07:00"}
    _, out = clustered([line("a", 1, **closed), line("b", 9, **closed), line("c", 11)])
    assert [one["case"] for one in out] == ["a", "a", "c"]
    assert out[2]["judgement"] == "unsure", "a recurrence is offered"


def test_several_processes_give_the_same_answers(clustered: Any, tmp_path: Path) -> None:
    lines = [json.dumps(one.row) for one in streams.stream(streams.BUILDERS, 900, 5)]
    _, alone = clustered(lines)
    ran, shared = clustered(lines, "--threads", "2", "--json")
    assert shared == alone
    assert ran.document == {
        "reports": 900,
        "cases": len({one["case"] for one in alone}),
        "bad_lines": 0,
    }


def test_bad_lines_are_named_and_the_rest_goes_on(clustered: Any) -> None:
    ran, out = clustered(
        [
            line("a", 2),
            "{broken",
            "[]",
            line("", 3),
            line("a", 3),
            line("b", 1),
            line("c", 3, lat="16"),
            line("d", 3, received_at="2026-05-03T08:00:00"),
            "",
            line("e", 4),
        ]
    )
    assert ran.code == 1
    assert [one["id"] for one in out] == ["a", "e"]
    named = [said.split(":")[1] for said in ran.err.splitlines() if said.startswith("in.jsonl:")]
    assert named == ["2", "3", "4", "5", "6", "7", "8"]


ODD: dict[str, dict[str, Any]] = {
    "no house number": {"address": "không"},
    "longitude first": {"lat": 106.6601, "lng": 10.7626},
    "no position": {"lat": 0, "lng": 0},
    "half a position": {"lat": 10.7626},
    "nothing": {"body": ""},
    "one word": {"body": "Rác"},
    "100 kB of one letter": {"body": "ắ" * 100_000},
    "emoji": {"body": "🗑️😡🗑️"},
    "mixed scripts": {"body": "Мусор 垃圾 ขยะ rác"},
    "right-to-left marks": {"body": "\u202erác\u200f"},
    "another's telephone": {"body": "Gọi bác Tư 0903 123 456"},
}


def test_odd_reports_are_answered_like_any_other(clustered: Any) -> None:
    """Nothing that one of them writes is taken for the same problem as another's."""
    ran, out = clustered([line(note, 3, **given | {"ward": None}) for note, given in ODD.items()])
    assert ran.code == 0, ran.err
    assert [one["id"] for one in out] == list(ODD)
    same = {one["id"] for one in out if one["judgement"] == "same"}
    assert same <= {"longitude first", "no position", "half a position"}  # one text about one house


def test_swapped_coordinates_are_the_same_point(clustered: Any) -> None:
    text = "Đống rác to, hôi thối, mấy ngày nay không ai dọn, ruồi nhặng bay khắp nơi"
    _, out = clustered(
        [line("a", 1, text, lat=10.7626, lng=106.6601), line("b", 1, text, lat=106.6601, lng=10.7626)]
    )
    assert [one["case"] for one in out] == ["a", "a"]


def test_the_file_read_is_never_written_over(motmoi: Any, tmp_path: Path) -> None:
    given = tmp_path / "in.jsonl"
    given.write_text(line("a", 1))
    assert motmoi("match", "cluster", str(given), "--out", str(given)).code == 2
    assert given.read_text() == line("a", 1)
