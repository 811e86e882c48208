"""What differs is marked, nobody can be read in what is masked, and no page is too much."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.side_by_side import LETTERS, LINES, beside, lines, shape

JSON, HTML = "application/json", "text/html"


def shown(old: bytes, new: bytes, kind: str) -> list[tuple[str, str, str]]:
    rows = beside(lines(old, kind, masked=True), lines(new, kind, masked=True))
    return [(row.mark, row.old.strip(), row.new.strip()) for row in rows if row.mark != "same"]


def test_a_field_that_changed_its_form_is_what_stands_out() -> None:
    old = json.dumps({"id": 7, "ngay": "10/11/2026", "ten": "Lan"}).encode()
    new = json.dumps({"id": 8, "ngay": "2026-11-10", "ten": "Huệ"}).encode()
    assert shown(old, new, JSON) == [("changed", '"ngay": "99/99/9999",', '"ngay": "9999-99-99",')]


def test_a_page_shows_its_structure_and_no_values() -> None:
    old = b'<ul class="list"><li data-ten="Minh"><b>Minh</b> 0912345678</li></ul>'
    new = b'<ul class="list"><li data-ten="Minh"><i>Minh</i> 0912345678</li></ul>'
    found = shown(old, new, HTML)
    assert {row[2] for row in found} == {"<i>", "</i>"}
    assert "Minh" not in str(lines(old, HTML, masked=True))


@given(st.text(max_size=40))
def test_nothing_of_a_value_but_its_form_is_left(value: str) -> None:
    assert not any(letter.isalnum() and letter not in "x9" for letter in shape(value))
    (line,) = lines(json.dumps([value]).encode(), JSON, masked=True)[1:2]
    assert not any(letter.isalnum() and letter not in "x9" for letter in line)


def test_a_decomposed_name_does_not_show_through_its_marks() -> None:
    assert shape(unicodedata.normalize("NFD", "Huệ Đỗ 0912")) == "xxx xx 9999"


@given(st.binary(max_size=3000), st.binary(max_size=3000), st.sampled_from([JSON, HTML, "text/plain", ""]))
def test_any_two_pages_can_be_shown_beside_each_other(old: bytes, new: bytes, kind: str) -> None:
    for masked in (True, False):
        left, right = lines(old, kind, masked=masked), lines(new, kind, masked=masked)
        rows = beside(left, right)
        assert sum(row.skipped for row in rows) + sum(row.old_number is not None for row in rows) == len(left)


def test_a_page_of_megabytes_shows_its_beginning_and_says_so() -> None:
    huge = b"<p>" + b"x" * 900_000 + b"</p>" + b"<p>y</p>\n" * 90_000
    found = lines(huge, HTML, masked=True)
    assert found[-1] == "…" and len(found) <= LINES + 1
    assert max(map(len, found)) <= LETTERS + 30
