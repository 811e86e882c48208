"""A person is found in a text however they are written, and nobody else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.subject import GONE, Sought

ANH = Sought(
    name="Vũ Thị Hồng Ánh", phone="0912 345 678", email="Anh.Vu@thu.example", id_number="079 185 001 234",
    address="12/3 Lê Lợi",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "left", "note"),
    [
        ("Bà Vũ Thị Hồng Ánh báo", f"Bà {GONE} báo", "as it is written"),
        ("ba vu thi hong anh bao", f"ba {GONE} bao", "without accents"),
        ("VŨ  THỊ HỒNG ÁNH", GONE, "capitals, two spaces"),
        ("Vu\u0303 Thi\u0323 Hồng Ánh", GONE, "composed otherwise"),
        ("Gọi 0912.345.678 nhé", f"Gọi {GONE} nhé", "with dots"),
        ("Gọi +84 912 345 678", f"Gọi {GONE}", "from abroad"),
        ("anh.vu@thu.example", GONE, "e-mail, other case"),
        ("CCCD 079185001234.", f"CCCD {GONE}.", "ID without spaces"),
        ("nhà 12/3 lê lợi, hẻm", f"nhà {GONE}, hẻm", "her address"),
        ("Vũ Thị Hồng Ánhh", "Vũ Thị Hồng Ánhh", "a longer word is another name"),
        ("Hồng Ánh và Vũ Thị", "Hồng Ánh và Vũ Thị", "half a name is not looked for"),
        ("0912 345 679", "0912 345 679", "another number"),
        ("ban.anh.vu@thu.example", "ban.anh.vu@thu.example", "another address"),
        ("", "", "nothing"),
    ],
)
def test_the_text_without_the_person(text: str, left: str, note: str) -> None:
    assert ANH.without(text) == left, note
    assert ANH.named_in(text) == (left != text)


def test_everything_personal_goes_where_that_is_asked() -> None:
    text = "Vũ Thị Hồng Ánh, 0987 654 321, xe 51F-123.45, x@y.example"
    assert ANH.without(text, all_personal=True) == f"{GONE}, {GONE}, xe {GONE}, {GONE}"


def test_one_word_finds_identities_and_no_texts() -> None:
    assert not Sought(name="An").named_in("Bình An")
    assert Sought(name="An"), "the register of identities can still be asked"


def test_nothing_known_is_nobody() -> None:
    assert not Sought()
    assert not Sought(phone="115", id_number="12")


@given(st.text(max_size=200))
def test_what_was_taken_out_is_not_found_again(text: str) -> None:
    assert not ANH.named_in(ANH.without(f"{text} Vũ Thị Hồng Ánh {text} 0912345678 {text}"))
