"""Entries of the ledger hold what a certificate is made of, and nothing personal."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from aggregator.domain.workflow import ReplyKind
from aggregator.services.arrival_rows import plain_id
from tests.factories import MONDAY, Office


def _entry(office: Office, case_id: int, kind: str) -> dict[str, Any]:
    (found,) = office.rows(f"SELECT data FROM ledger_entries WHERE case_id = {case_id} AND kind = '{kind}'")
    data: dict[str, Any] = json.loads(found[0])
    return data


def test_an_answer_says_what_was_owed_when_it_was_given(office: Office) -> None:
    case_id = office.opens("7", due_at=MONDAY + timedelta(days=3))
    office.clock.forward(hours=3)
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Đã thay nắp hố ga.")
    told = _entry(office, case_id, "replied")
    first, *others = told["deadlines"]
    assert first["step"] == "result"
    assert first["due_at"] == min(row["due_at"] for row in told["deadlines"] if row["step"] == "result")
    assert {row["origin"] for row in told["deadlines"]} == {"policy", "source"}
    ours = next(row for row in told["deadlines"] if row["origin"] == "policy" and row["step"] == "result")
    assert ours["rule"][1] >= 1 and ours["calendar"] >= 1
    assert all(row["met_at"] for row in told["deadlines"]), "a result meets every step"
    assert others


def test_an_answer_is_told_by_its_hash_never_by_its_words(office: Office) -> None:
    case_id = office.opens()
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Kính gửi ông Nguyễn Văn Thử.")
    told = _entry(office, case_id, "replied")
    assert told["body_sha256"] == hashlib.sha256("Kính gửi ông Nguyễn Văn Thử.".encode()).hexdigest()
    assert "Nguyễn" not in json.dumps(told, ensure_ascii=False)


def test_an_arrival_says_its_number_at_the_source(office: Office) -> None:
    assert _entry(office, office.opens("PA-0001"), "opened")["source_id"] == "PA-0001"


@pytest.mark.parametrize(
    ("number", "kept", "note"),
    [
        ("PA-0001", True, "a portal's own number"),
        ("20261120000123", True, "a long number that begins with a date"),
        ("91001", True, "a short one"),
        ("nguyenvanthu@example.vn", False, "a mail's number may hold an address"),
        ("<CAF+12@mail.example.vn>", False, "so may this"),
        ("0901000123", False, "a telephone number"),
        ("zalo:84901000123", False, "one with its country"),
        ("079090001234", False, "an identity card"),
        ("Đặng Văn Thử", False, "a name"),
        ("thu", False, "a word without a digit"),
        ("1" * 41, False, "longer than any number"),
    ],
)
def test_only_a_plain_number_is_told_as_it_is(number: str, kept: bool, note: str) -> None:
    told = plain_id(number)
    assert (told == number) == kept, note
    assert kept or told.startswith("sha256:"), note
