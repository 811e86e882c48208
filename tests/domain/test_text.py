"""Folding, squashing, keys, phones: equal for the reader means equal for the program."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.text import (
    KEY_LENGTH,
    clean,
    content_hash,
    e164,
    fold,
    phones,
    squash,
    text_key,
    tokens,
)

SENTENCE = "Đường hẻm bị sụt lún, Ổ gà trước số nhà 12 Nguyễn Đình Chiểu; thủy điện hoà bình, QUÝ I"

# Any string at all, lone surrogates included: portals send what phones and clipboards make.
anything = st.text(st.characters(exclude_categories=()), max_size=80)
vietnamese = st.text("aăâáàảãạeêếềểễệđĐơởƯựỳ ỹYxZ09,./-", max_size=60)


@pytest.mark.parametrize(
    ("typed", "cleaned", "note"),
    [
        ("a\x00b", "ab", "NUL, which PostgreSQL refuses"),
        ("a\ud800b", "ab", "half a surrogate pair, from a cut emoji"),
        ("rác\u200b thải", "rác thải", "zero-width space from a copied web page"),
        ("\u202eabc\u202c", "abc", "bidirectional override hides the order of letters"),
        ("một\r\nhai\rba\tbốn", "một\nhai\nba\tbốn", "line ends become one kind, tabs stay"),
        (unicodedata.normalize("NFD", "Đường"), "Đường", "macOS sends decomposed letters"),
        ("\x1b[31mđỏ", "[31mđỏ", "terminal escape"),
        ("👩‍🚒 cháy", "👩🚒 cháy", "the joiner inside an emoji is a zero-width mark too"),
        ("", "", "nothing"),
    ],
)
def test_clean_leaves_only_what_can_be_seen(typed: str, cleaned: str, note: str):
    assert clean(typed) == cleaned, note


@given(anything)
def test_clean_never_raises_and_twice_is_once(text: str):
    once = clean(text)
    assert clean(once) == once
    once.encode()


@given(anything)
def test_fold_twice_is_once(text: str):
    assert fold(fold(text)) == fold(text)


@given(anything)
def test_fold_keeps_the_length_of_nfc_text(text: str):
    composed = unicodedata.normalize("NFC", text)
    assert len(fold(composed)) == len(composed)


def _without_accents(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return bare.replace("đ", "d").replace("Đ", "D")


@given(vietnamese)
def test_composed_decomposed_and_accent_free_copies_fold_alike(text: str):
    assert fold(text) == fold(unicodedata.normalize("NFD", text)) == fold(_without_accents(text))


def test_folding_a_sentence():
    assert fold(SENTENCE) == (
        "duong hem bi sut lun, o ga truoc so nha 12 nguyen dinh chieu; thuy dien hoa binh, quy i"
    )


@pytest.mark.parametrize(
    ("typed", "folded", "note"),
    [
        ("ＲÁＣ １２", "rac 12", "full-width letters of an Asian keyboard"),
        ("𝗥𝗮́𝗰", "rac", "bold letters from a phone font, with a loose accent"),
        ("5 m²", "5 m2", "superscript"),
        ("12–14", "12-14", "long dash"),
        ("İstanbul", "istanbul", "the letter whose lower case is two characters"),
        ("мусор", "мусор", "another script stays"),
    ],
)
def test_look_alikes_fold_to_plain_letters(typed: str, folded: str, note: str):
    assert fold(typed).replace("\u00ad", "") == folded, note


@given(anything)
def test_squash_is_words_with_single_spaces_and_stable(text: str):
    squashed = squash(text)
    assert squash(squashed) == squashed
    assert squashed == " ".join(squashed.split())


@pytest.mark.parametrize(
    ("typed", "spelled", "note"),
    [
        ("ko đc", "khong duoc", "the two commonest"),
        ("dduowngf cuar tooi", "duong cua toi", "telex keys left over"),
        ("nguwowif ddaauf xeem", "nguoi dau xem", "the same, all through"),
        ("box view tower new", "bo view tower new", "loans: a tone key at the end goes, for both copies"),
        ("P13, Q.3 TPHCM", "phuong 13 quan 3 thanh pho ho chi minh", "glued and dotted"),
        ("p. 13", "phuong 13", "the letter stands alone before the number"),
        ("TP.HCM", "thanh pho ho chi minh", "dotted"),
        ("CA p.13", "cong an phuong 13", "ca is công an only before a ward"),
        ("cả nhà", "ca nha", "ca otherwise stays"),
        ("ngã 4 và ngã tư", "nga tu va nga tu", "numbers of roads at a junction"),
        ("K57 Lê Hữu Trác", "kiet 57 le huu trac", "kiệt, not không"),
        ("vs ng nc wá j", "voi nguoi nuoc qua gi", "messenger spelling"),
        ("đèn hỏng", "den hong", "hong is also hỏng: never hông"),
        ("oto đỗ", "o to do", "one word or two"),
    ],
)
def test_shorthand_is_written_out(typed: str, spelled: str, note: str):
    assert " ".join(tokens(typed)) == spelled, note


def test_tone_placement_and_case_do_not_matter():
    assert tokens("HOÀ KHỎE thuỷ") == tokens("hòa khoẻ thủy")


@given(vietnamese, vietnamese)
def test_the_key_ignores_order_and_repetition(one: str, other: str):
    assert text_key(one, other) == text_key(other, one, one)


@given(st.text(max_size=2000))
def test_the_key_is_sorted_unique_and_short(text: str):
    key = text_key(text)
    assert len(key) <= KEY_LENGTH
    assert key.split(" ") == sorted(set(key.split(" ")))


def test_a_long_text_keeps_its_numbers_in_the_key():
    text = " ".join(f"w{n:04x}z" for n in range(500)) + " số nhà 129"
    assert "129" in text_key(text).split()


def test_the_key_drops_courtesy_but_not_a_text_of_courtesy():
    assert text_key("Kính mong cơ quan chức năng xử lý rác") == "rac"
    assert text_key("Xin cảm ơn") != ""


def test_long_numbers_stay_out_of_the_stored_key():
    assert text_key("CCCD 079123456789 rác") == "cccd rac"


def test_content_hash_is_equal_for_folded_copies_and_fits_the_column():
    copies = [SENTENCE, SENTENCE.upper(), unicodedata.normalize("NFD", SENTENCE), _without_accents(SENTENCE)]
    assert len({content_hash(each) for each in copies}) == 1
    assert 0 <= content_hash(SENTENCE) < 2**63
    assert content_hash("nhà 12 lê lợi") != content_hash("nhà 14 lê lợi")


def test_content_hash_never_changes_between_versions():
    assert content_hash("Rác thải", "số 12") == 4596575662819552258


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gọi 0903.123.456 nhé", ["+84903123456"]),
        ("090 312 3456 hoặc 84 28 3829 7000", ["+84903123456", "+842838297000"]),
        ("ĐT:028.3829.7000", ["+842838297000"]),
        ("tổng đài 1022", []),
        ("ngày 22/04/2026 lúc 18h47", []),
        ("số nhà 123/4/5", []),
        ("", []),
    ],
)
def test_phones_in_text(text: str, found: list[str]):
    assert [each.e164 for each in phones(text)] == found


def test_a_phone_can_be_masked_by_its_place():
    text = "Liên hệ 0903 123 456, xin cảm ơn"
    (phone,) = phones(text)
    assert text[: phone.start] + "…" + text[phone.end :] == "Liên hệ …, xin cảm ơn"


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("0903123456", "+84903123456"),
        ("+84 903 123 456", "+84903123456"),
        ("(028) 3829-7000", "+842838297000"),
        ("1022", None),
        ("không có", None),
        ("", None),
        (None, None),
        ("0" * 1000, None),
    ],
)
def test_one_phone_field(raw: str | None, number: str | None):
    assert e164(raw) == number


@given(anything)
def test_no_text_breaks_the_phone_readers(text: str):
    phones(text)
    e164(text)


@pytest.mark.parametrize(
    "hostile", ["a" * 100_000, "1" * 100_000, "0 " * 50_000, "\u0301" * 100_000, "/" * 100_000]
)
def test_a_hundred_kilobytes_of_one_letter_is_read(hostile: str):
    assert len(text_key(hostile)) <= KEY_LENGTH
    phones(hostile)
    content_hash(hostile)


@pytest.mark.parametrize("prefix", [f"0{n}" for n in range(20, 100)])
def test_plainly_written_mobile_numbers_are_read_as_the_general_reading_does(prefix: str):
    plain = f"{prefix}1234567"
    assert e164(plain) == e164(f"{plain[:4]} {plain[4:]}")
