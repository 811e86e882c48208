"""Expressions of a manifest: what they read, what they refuse, and that no content breaks them."""

from __future__ import annotations

import contextlib
import string
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.sdk.contract import BadRecord, ConfigInvalid
from aggregator.sdk.expressions import Env, Words, compile_expression
from aggregator.sdk.filters import FILTERS
from aggregator.sdk.safe_regex import compile_pattern

TABLES = {"words": {"1": "Bình thường", "2": "Khẩn"}}
WORDS = Words(TABLES, {"moment": "replace('--', '-') | date('%d-%m-%Y')"})
ENV = Env(ZoneInfo("Asia/Ho_Chi_Minh"), TABLES)
WHERE = "source.streams[0].map.body"

DATA: dict[str, Any] = {
    "a": {"b": {"c": 3}},
    "zero": 0,
    "empty": "",
    "none": None,
    "day": "05--01-2026",
    "when": "20/01/2026 14:30",
    "net": "/Date(1767571200000+0700)/",
    "html": "<p>Rác&nbsp;thải<br>ở hẻm</p>",
    "files": [{"u": "a.jpg"}, {"u": None}, {"u": "b.jpg"}],
    "Mã số": 41,
    "level": 2,
    "price": "1.234,5",
    "hidden": "Có",
    "open": "không",
    "inner": '{"x": [1, 2]}',
    "words": "Mã hồ sơ: 000.01.G22-26 (lần 2)",
}

READS: list[tuple[str, Any, str]] = [
    ("a.b.c", 3, "a plain path"),
    ("a.x.c", None, "a path that is not there is empty, not an error"),
    ("none || empty || a.b.c", 3, "the first that is not empty"),
    ("none || zero", 0, "a zero is a value"),
    ('"Mã số"', 41, "a name with Vietnamese letters"),
    ("'proposal'", "proposal", "a fixed text"),
    ("files[].u | join(', ')", "a.jpg, b.jpg", "JMESPath's own projections; nothing is left out of the list"),
    ("(files | [0]).u | upper", "A.JPG", "JMESPath's own pipe in brackets"),
    ("day | replace('--', '-') | date('%d-%m-%Y')", datetime(2026, 1, 4, 17, tzinfo=UTC), "a doubled dash"),
    (
        "when | date('%d/%m/%Y', '%d/%m/%Y %H:%M')",
        datetime(2026, 1, 20, 7, 30, tzinfo=UTC),
        "the form that fits",
    ),
    (
        "day | replace('--', '-') | date('%d-%m-%Y') | end_of_day",
        datetime(2026, 1, 5, 16, 59, tzinfo=UTC),
        "its end",
    ),
    (
        "when | date('%d/%m/%Y %H:%M') | end_of_day",
        datetime(2026, 1, 20, 7, 30, tzinfo=UTC),
        "an hour that was said",
    ),
    ("net | epoch_ms", datetime(2026, 1, 5, tzinfo=UTC), "how ASP.NET writes an instant"),
    ("zero | epoch", None, "0 is how portals write no date"),
    ("html | html", "Rác thải\nở hẻm", "the words of markup"),
    ("price | number(',')", 1234.5, "a decimal comma"),
    ("level | lookup('words')", "Khẩn", "a table of the manifest, whatever the number's type"),
    ("zero | lookup('words', 'khác')", "khác", "a word that the table lacks"),
    ("hidden | yes('có', 'x')", True, "accents and capitals do not matter"),
    ("open | yes", False, "a clear no"),
    ("words | yes", True, "what is not clearly a no guards a name"),
    ("day | moment | end_of_day", datetime(2026, 1, 5, 16, 59, tzinfo=UTC), "filters under one name"),
    ("none | default('?')", "?", "a value for what is empty"),
    ("inner | json | join('-')", {"x": [1, 2]}, "join leaves what is no list"),
    ("words | regex('lần (\\d+)')", "2", "a group of a pattern"),
    ("words | cut(2)", "Mã", "the first letters"),
    ("empty | strip | upper", None, "nothing passes every filter"),
]


@pytest.mark.parametrize(("text", "value", "note"), READS, ids=[row[2] for row in READS])
def test_an_expression_reads_what_it_says(text: str, value: Any, note: str) -> None:
    assert compile_expression(text, WHERE, WORDS)(DATA, ENV) == value


REFUSED: list[tuple[str, str]] = [
    ("", "an expression expected"),
    ("a.[", "not closed"),
    ("a..b", "no JMESPath expression"),
    ("a | dat('x')", "did you mean 'date'?"),
    ("a | date('%Q')", "no form of a date"),
    ("a | lookup('word')", "did you mean 'words'?"),
    ("a | regex('(a+)+$')", "a repeat inside a repeat"),
    ("a | regex('(ab|cde)*')", "a choice inside a repeat"),
    ("a | regex('(.)\\1')", "a reference back"),
    ("a | regex('.*.*.*.*x')", "4 repeats"),
    ("a | cut('2')", "a number of letters"),
    ("a | replace('', 'x')", "is empty"),
    ("a | upper(1)", "takes no arguments"),
    ("a | default(x)", "arguments are texts in quotes"),
    ("a | __import__('os')", "no filter"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=[row[0] for row in REFUSED])
def test_a_slip_is_told_with_its_place_when_the_manifest_is_loaded(text: str, why: str) -> None:
    with pytest.raises(ConfigInvalid) as error:
        compile_expression(text, WHERE, WORDS)
    assert why in str(error.value) and WHERE in str(error.value)


def test_a_value_of_another_form_names_the_field() -> None:
    with pytest.raises(BadRecord) as error:
        compile_expression("a | date('%d/%m/%Y')", WHERE)({"a": {"b": 1}}, ENV)
    assert error.value.field == "body"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
ARGS = {
    "cut": "(3)",
    "date": "('%d/%m/%Y')",
    "default": "('x')",
    "lookup": "('words')",
    "none_if": "('-')",
    "regex": "('a(.*)b')",
    "replace": "('a', 'b')",
    "split": "(',')",
}
PATHS = [
    *("a", "a.b", "a || b", "a[].b", "length(a)", "a[?b > `1`]", "sort(a)", "ceil(a)", "to_number(a)"),
    *("sum(a)", "join(',', a)", "max_by(a, &b)", "keys(@)", "a[::2]", "*"),
]


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(PATHS), st.lists(st.sampled_from(sorted(FILTERS)), max_size=3))
def test_no_content_breaks_an_expression(data: Any, path: str, filters: list[str]) -> None:
    text = " | ".join([path, *(name + ARGS.get(name, "") for name in filters)])
    run = compile_expression(text, WHERE, WORDS)
    try:
        run({"a": data, "b": data}, ENV)
        run(data, ENV)
    except BadRecord as error:
        assert error.field == "body"


@pytest.mark.filterwarnings("ignore:deprecated string literal")
@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=40)
    | st.text(alphabet="ab.|'\"`()[]{}&?*@,:-019 \\" + string.ascii_lowercase, max_size=25)
)
def test_no_text_breaks_the_compiler(text: str) -> None:
    try:
        run = compile_expression(text, WHERE, WORDS)
    except ConfigInvalid:
        return
    with contextlib.suppress(BadRecord):
        run(DATA, ENV)


def test_a_pattern_with_more_repeats_is_shown_less_of_a_text() -> None:
    reach = [compile_pattern(pattern).reach for pattern in ("abc", "a+", "a+b*", "a+b*c?")]
    assert reach == sorted(reach, reverse=True) and compile_pattern("a+b").first("x" * 5000 + "ab") is None
