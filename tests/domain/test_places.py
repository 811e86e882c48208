"""Which ward a text speaks of: old names, new names, and everything that must stay open."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aggregator.domain import place_table
from aggregator.domain.places import AUTOMATIC, SCANNED, resolve
from aggregator.domain.text import fold

CITY = "79"


def sure(*texts: str, **more: object) -> list[str]:
    """The codes of guesses that may act without a person."""
    found = resolve(*texts, province=CITY, **more)  # type: ignore[arg-type]
    return [guess.ward_code for guess in found if guess.confidence >= AUTOMATIC]


def codes(*texts: str) -> set[str]:
    return {guess.ward_code for guess in resolve(*texts, province=CITY)}


@pytest.mark.parametrize(
    ("text", "code", "note"),
    [
        ("Phường 13, Quận 3, TP.HCM", "27142", "merged into Phường 12 in January, then into Nhiêu Lộc"),
        ("xã Bà Điểm, huyện Hóc Môn", "27592", "a name that lives on"),
        ("phường Hiệp Bình Chánh, Thủ Đức", "26809", "a district without its word"),
        ("123/4/5 hẻm Lê Văn Sỹ, P13, Q3, TPHCM", "27142", "glued letters, a slash chain before"),
        ("P.Hiep Binh Chanh, Q. Thu Duc, tp hcm", "26809", "no accents, the district under its older kind"),
        ("xa ba diem hoc mon", "27592", "nothing but lower case: not today's xã Hóc Môn"),
        ("hẻm 45 Nguyễn Văn Đậu p.6 q.bthanh", "26944", "a district in initials"),
        ("UBND Q.3, phường 13", "27142", "the only district of the text, named before"),
        ("phường 013 Q 03", "27142", "leading zeros"),
        ("phường Bình Thạnh", "26929", "an old district's name, now a ward"),
        ("phường Gò Vấp", "26884", "the same"),
        ("Phường Thủ Đức", "26824", "the same"),
        ("xã Hóc Môn", "27559", "the same, a commune"),
        ("thị trấn Hóc Môn, huyện Hóc Môn", "27559", "the old town of that name"),
        ("phường 5 quận Gò Vấp", "26876", "quận Gò Vấp is the district, not the ward"),
        ("phường Nhiêu Lộc, quận 3", "27142", "a new name with the old district that it has land of"),
        ("phường Tân Phú, quận 7", "27487", "not today's Tân Phú, which has no land of quận 7"),
        ("phường Tân Phú, Q9", "26842", "quận 9 was in Thủ Đức at the end"),
        ("P. 7, TP. Vũng Tàu", "26526", "a numbered ward of another old province of the same new one"),
        ("phường Tân Hiệp, tỉnh Bình Dương", "25920", "the old province that is part of the city"),
    ],
)
def test_a_ward_that_is_named_beyond_doubt_is_the_only_sure_guess(text: str, code: str, note: str) -> None:
    assert sure(text) == [code], note


@pytest.mark.parametrize(
    ("text", "possible", "note"),
    [
        ("Xã Phạm Văn Hai, huyện Bình Chánh", {"27601", "27604"}, "split; no default is taken"),
        ("phường 4 quận 3", {"27139", "27154"}, "split"),
        ("phường Tân Phú", {"27031", "26842", "27487"}, "today's, or two old ones elsewhere"),
        ("xa thanh an", {"25807", "27676"}, "Thanh An and Thạnh An"),
        ("giáp phường 5 quận 3", {"27154"}, "the neighbour"),
        ("phường 13 quận 3 hay phường 5 quận Gò Vấp", {"27142", "26876"}, "two places"),
        ("phường Nhiêu Lộc, Gò Vấp", {"27142"}, "the ward has no land of that district"),
        ("Phường Tân Hiệp, TP Biên Hòa", {"25920"}, "another province's city"),
        ("Phường Tân Hiệp, Đồng Nai", {"25920"}, "another province"),
    ],
)
def test_what_may_mean_several_places_is_never_sure(text: str, possible: set[str], note: str) -> None:
    assert codes(text) == possible, note
    assert not sure(text), note


def test_a_number_without_its_district_is_every_ward_of_that_number() -> None:
    found = resolve("rác ở p.13", province=CITY)
    assert len(found) > 5
    assert max(guess.confidence for guess in found) < 0.2


@pytest.mark.parametrize(
    "text",
    [
        "", "Quận 3", "Gò Vấp", "TP Thủ Đức", "Nguyễn Tri Phương 5, quận 10", "địa phương 5 quận 10",
        "P.13/5 q3", "phường kiểm tra giúp", "xa lộ Hà Nội", "xả rác bừa bãi",
    ],
)  # fmt: skip
def test_a_text_that_names_no_ward_gives_no_guess(text: str) -> None:
    assert resolve(text, province=CITY) == ()


def test_the_reason_names_the_old_unit_and_what_became_of_it() -> None:
    (guess,) = resolve("P13, Q3", province=CITY)
    assert guess.reason_vi == "Phường 12, Quận 3 cũ nay thuộc Phường Nhiêu Lộc"
    assert guess.old_unit == "Phường 12, Quận 3"


def test_coordinates_decide_between_the_parts_of_a_split_ward_only_where_they_clearly_lie_in_one() -> None:
    text = "xã Phạm Văn Hai, huyện Bình Chánh"
    places = place_table.table(CITY)
    assert places
    one, two = places.wards["27601"], places.wards["27604"]
    assert sure(text, lat=one.lat, lng=one.lng) == ["27601"]
    assert sure(text, lat=one.lng, lng=one.lat) == ["27601"]  # longitude first: put right
    assert not sure(text, lat=(one.lat + two.lat) / 2, lng=(one.lng + two.lng) / 2)
    for lat, lng in ((0.0, 0.0), (float("nan"), 106.0), (10.0, 105.0)):
        assert not sure(text, lat=lat, lng=lng)


def test_coordinates_far_from_the_named_ward_take_the_certainty_away() -> None:
    assert sure("Phường 13, Quận 3", lat=10.785, lng=106.68) == ["27142"]
    assert not sure("Phường 13, Quận 3", lat=10.97, lng=106.67)


def test_every_ward_of_before_goes_somewhere_in_the_country() -> None:
    old: set[tuple[str, str]] = set()
    new = 0
    for province in set(place_table._provinces().values()):
        places = place_table.table(province)
        assert places
        new += len(places.wards)
        wards = {one.ward for named in places.old.values() for one in named}
        assert all(set(ward.targets) <= places.wards.keys() for ward in wards)
        old |= {(ward.district.province, ward.code) for ward in wards}
    assert (new, len(old)) == (3_321, 10_035)  # and five island districts that had no wards


def test_a_whole_old_ward_with_its_district_is_always_its_one_ward_of_today_or_open() -> None:
    """Every one of the former city's 273, by its own full name."""
    places = place_table.table(CITY)
    assert places
    wards = {one.ward for named in places.old.values() for one in named}
    city = [ward for ward in wards if ward.district.province == "Thành phố Hồ Chí Minh"]
    assert len(city) == 273
    wrong = [ward.title for ward in city if not set(sure(ward.title)) <= set(ward.targets)]
    opened = [ward.title for ward in city if not sure(ward.title)]
    assert wrong == []
    assert len(opened) <= 36  # the 31 that were split, and a name that means two things


_PIECES = st.sampled_from(
    [
        "phường ", "P.", "p", "xã ", "q.", "Quận ", "huyện ", "TP ", "13", "3", "Nhiêu Lộc", "Tân Phú",
        "Hóc Môn", "Bà Điểm", ", ", " ", "-", "/", "giáp ", "Thủ Đức", "Đồng Nai", "\n",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES, max_size=20).map("".join))
@example("Phường Hiệp Bình Chánh, Thủ Đức")
def test_copies_in_nfd_and_without_accents_give_the_same_guesses(text: str) -> None:
    expected = resolve(text, province=CITY)
    assert resolve(unicodedata.normalize("NFD", text), province=CITY) == expected
    assert resolve(fold(text), province=CITY) == expected
    assert sum(guess.confidence >= AUTOMATIC for guess in expected) <= 1


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200), st.floats(), st.floats())
def test_no_text_and_no_coordinates_raise(text: str, lat: float, lng: float) -> None:
    resolve(text, f"phường {text} quận 3", province=CITY, lat=lat, lng=lng)


@pytest.mark.parametrize("piece", ["phường ", "p.13 ", "p ", "phuong tan ", ", ", "quận 3 ", "p1", "- "])
def test_a_hostile_text_is_read_once_and_only_its_beginning(
    piece: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work is counted, not timed: names are tried a fixed number of times an anchor."""
    from aggregator.domain import place_mentions

    tried = 0
    real = place_mentions._name_at

    def counted(*args: object) -> object:
        nonlocal tried
        tried += 1
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(place_mentions, "_name_at", counted)
    resolve(piece * 100_000, province=CITY)
    assert tried <= 3 * SCANNED


def test_an_unknown_province_has_no_guesses() -> None:
    assert resolve("Phường 13, Quận 3", province="99") == ()
    assert place_table.province_of("demo") is None
    assert place_table.province_of("27142") == CITY
