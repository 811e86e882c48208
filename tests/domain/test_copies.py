"""One text in the shapes in which portals pass it on stays one text, at one place, with one score."""

import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.matching import judge
from aggregator.domain.traits import Traits, keys, lookup_keys, traits
from tests.benchmarks import strangers

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [row for row, _ in strangers.stream(300, seed=1)]


def read(number: int, row: dict[str, Any], body: str) -> Traits:
    return traits(
        report_id=number, received_at=NOW, subject="", body=body, address=row["address"], lat=None, lng=None,
        ward=row["ward"] or "Phường An Đông", category=row["category"], phone=None, channel="1022",
    )  # fmt: skip


def bare(text: str) -> str:
    marks = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    return "".join(c for c in marks if not unicodedata.combining(c))


@given(st.sampled_from(ROWS))
def test_composed_and_decomposed_copies_are_equal_in_all_that_is_compared(row: dict[str, Any]):
    body = unicodedata.normalize("NFC", row["body"])
    one = read(1, row, body)
    other = read(1, row, unicodedata.normalize("NFD", body))
    assert one == other


@given(st.sampled_from(ROWS), st.sampled_from([bare, str.upper, str.lower]))
def test_a_copy_without_accents_or_capitals_is_the_same_words_and_is_found(row: dict[str, Any], change: Any):
    one, copy = read(1, row, row["body"]), read(2, row, change(row["body"]))
    assert one.content == copy.content
    assert set(lookup_keys(copy)) & set(keys(one))


@given(st.sampled_from(ROWS), st.sampled_from([bare, str.upper, str.lower]))
def test_where_its_place_is_read_alike_a_copy_scores_like_the_text_itself(row: dict[str, Any], change: Any):
    """Without accents a name that no list knows may stay unread ("so nha 111, go dau")."""
    one = read(1, row, row["body"])
    itself, copy = read(2, row, row["body"]), read(2, row, change(row["body"]))
    if (copy.house, copy.street) == (one.house, one.street):
        assert judge(copy, one).score == pytest.approx(judge(itself, one).score, abs=0.05)


def test_most_places_are_read_without_accents_and_capitals():
    for change in (bare, str.upper, str.lower):
        read_alike = [
            (one.house, one.street) == (copy.house, copy.street)
            for row in ROWS
            for one, copy in [(read(1, row, row["body"]), read(2, row, change(row["body"])))]
        ]
        assert sum(read_alike) / len(read_alike) >= 0.8


@pytest.mark.parametrize("seed", [1, 2])
def test_the_strangers_stream_is_the_same_for_the_same_arguments(seed: int):
    once, again = (list(strangers.stream(400, seed)) for _ in range(2))
    assert once == again
    assert {truth.kind for _, truth in once} >= {
        "new",
        "copy",
        "other_person",
        "other_house",
        "other_problem",
    }
