"""What follows from officers' decisions about a street, row by row, and which streets a text names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.address import addresses
from aggregator.domain.gazetteer import gazetteer, learnable
from aggregator.domain.place_table import table
from aggregator.domain.places import ASKS, AUTOMATIC, Learned, lesson, resolve
from aggregator.domain.street_rules import Decision, StreetRules, number_of, rule

X, Y = "27139", "27154"  # Xuân Hòa and Bàn Cờ, the parts of Phường 4, Quận 3
OLD = ("27148", "Phường 4, Quận 3")


def decided(*pairs: tuple[int | None, str]) -> list[Decision]:
    return [
        Decision(number, OLD, X, "cao thang", house, ward) for number, (house, ward) in enumerate(pairs, 1)
    ]


@pytest.mark.parametrize(
    ("decisions", "house", "ward", "sure", "note"),
    [
        ([(12, X)], 40, X, True, "one word is enough where nobody says otherwise"),
        ([(12, X)], None, X, True, "also for a report without a number"),
        ([(12, X), (None, X)], 40, X, True, "a decision without a number counts as any other"),
        ([(12, X), (13, Y)], 40, X, False, "they differ, and one on this side is not enough"),
        ([(12, X), (14, X), (13, Y)], 40, X, True, "even numbers are there: a border along the street"),
        ([(12, X), (14, X), (13, Y), (15, Y)], 7, Y, True, "and odd ones here"),
        ([(12, X), (14, X), (13, Y), (15, Y)], None, X, False, "without a number it asks"),
        (
            [(2, X), (40, X), (60, Y), (98, Y)],
            30,
            X,
            True,
            "a border across the street: between two that agree",
        ),
        ([(2, X), (40, X), (60, Y), (98, Y)], 70, Y, True, "the other part"),
        ([(2, X), (40, X), (60, Y), (98, Y)], 50, X, False, "between two that differ it asks"),
        ([(2, X), (40, X), (60, Y), (98, Y)], 200, X, False, "beyond all that was decided it asks"),
        ([(12, X), (12, Y)], 12, X, False, "the same house, two words"),
        ([(12, X), (12, Y), (12, Y)], 12, Y, False, "more words make it likelier, not sure"),
        ([(2, X), (8, X), (None, Y)], 4, X, True, "who gave no number does not say which side"),
    ],
)
def test_what_decisions_say_of_a_house(
    decisions: list[tuple[int | None, str]], house: int | None, ward: str, sure: bool, note: str
) -> None:
    found = rule(decided(*decisions), house)
    assert (found.ward_code, found.confidence >= AUTOMATIC) == (ward, sure), note
    assert found.confidence >= ASKS, note


def test_more_decisions_make_it_surer_and_any_that_differs_less_sure() -> None:
    one, two = (rule(decided(*[(12, X)] * count), 12).confidence for count in (1, 3))
    assert AUTOMATIC < one < two < 0.95, "a ward that the text itself names is surer still"
    assert rule(decided((12, X), (14, X), (16, X), (18, Y)), 17).confidence == ASKS


_PAIRS = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(1, 60)), st.sampled_from([X, Y])), min_size=1, max_size=12
)


@given(_PAIRS, st.one_of(st.none(), st.integers(1, 60)), st.randoms())
def test_a_rule_names_a_ward_that_was_decided_whatever_the_order(
    pairs: list[tuple[int | None, str]], house: int | None, dice: object
) -> None:
    decisions = decided(*pairs)
    found = rule(decisions, house)
    assert found.ward_code in {ward for _, ward in pairs}
    assert found.count + found.against == len(pairs)
    dice.shuffle(decisions)  # type: ignore[attr-defined]
    assert rule(decisions, house) == found
    if len({ward for _, ward in pairs}) > 1 and house is None:
        assert found.confidence < AUTOMATIC


@pytest.mark.parametrize(
    ("house", "number"), [("123/4/5", 123), ("45a", 45), ("278-280", 278), ("12/", 12), (None, None)]
)
def test_the_number_on_the_street_is_the_first_one(house: str | None, number: int | None) -> None:
    assert number_of(house) == number


def told(*texts: str, rules: list[Decision] | None = None, **more: object) -> list[tuple[str, str]]:
    """Sure guesses and what decided each."""
    learned = Learned(StreetRules(rules or []), more.pop("streets", gazetteer([])))  # type: ignore[arg-type]
    found = resolve(*texts, province="79", learned=learned, sent_to=X, **more)  # type: ignore[arg-type]
    return [(guess.ward_code, guess.by) for guess in found if guess.confidence >= AUTOMATIC]


TAUGHT = decided((12, Y))
NO_WARD = [Decision(1, None, X, "cao thang", 12, Y)]


@pytest.mark.parametrize(
    ("text", "rules", "expected", "note"),
    [
        ("40 Cao Thắng, Phường 4, Quận 3", TAUGHT, [(Y, "rule")], "a split ward"),
        ("40 cao thang p4 q3", TAUGHT, [(Y, "rule")], "without accents"),
        ("40 Cao Thắng, P.4", TAUGHT, [(Y, "rule")], "a numbered ward without its district"),
        ("40 Lê Lợi, Phường 4, Quận 3", TAUGHT, [], "another street"),
        ("40 Cao Thắng, Phường 4, Quận 8", TAUGHT, [("27418", "text")], "another old ward of that number"),
        ("40 Cao Thắng, phường Xuân Hòa", TAUGHT, [(X, "text")], "a ward of today that is named"),
        ("40 Cao Thắng, phường Xuân Hòa", NO_WARD, [(X, "text")], "the same against a rule without a ward"),
        ("40 Cao Thắng, Phường 4, Quận 3", decided((12, "27142")), [], "not a part of that old ward"),
        ("giáp phường 4, quận 3, 40 Cao Thắng", TAUGHT, [], "a neighbour is named"),
        ("40 Cao Thắng", NO_WARD, [(Y, "rule")], "no ward named: by the ward it was sent to"),
        ("40 Cao Thắng, Quận 3", NO_WARD, [(Y, "rule")], "a district that fits"),
        ("40 Cao Thắng, quận Gò Vấp", NO_WARD, [], "a district that does not"),
        ("40 Cao Thắng, Đồng Nai", NO_WARD, [], "another province"),
        ("40 Cao Thắng", TAUGHT, [], "decided of an old ward only"),
    ],
)
def test_a_rule_decides_what_the_text_leaves_open_and_nothing_else(
    text: str, rules: list[Decision], expected: list[tuple[str, str]], note: str
) -> None:
    assert told(text, rules=rules) == expected, note


def test_coordinates_decide_before_rules_do() -> None:
    places = table("79")
    assert places
    here = {"lat": places.wards[X].lat, "lng": places.wards[X].lng}
    assert told("40 Cao Thắng, Phường 4, Quận 3", rules=TAUGHT, **here) == [(X, "position")]
    assert told("40 Cao Thắng", rules=NO_WARD, **here) == []
    assert told("rác ở P.4", **here) == [(X, "position")], "they choose among wards of one number, too"


def test_a_street_known_in_one_part_alone_only_makes_it_likely() -> None:
    streets = gazetteer([("cao thang", Y)])
    (guess, other) = resolve(
        "40 Cao Thắng, Phường 4, Quận 3", province="79", learned=Learned(streets=streets), sent_to=X
    )
    assert (guess.ward_code, guess.by, guess.confidence) == (Y, "streets", ASKS)
    assert other.confidence < ASKS
    both = gazetteer([("cao thang", X), ("cao thang", Y)])
    found = resolve("40 Cao Thắng, P.4, Q.3", province="79", learned=Learned(streets=both))
    assert {guess.by for guess in found} == {"text"}


@pytest.mark.parametrize(
    ("texts", "ward", "expected", "note"),
    [
        (("12 Cao Thắng, P.4, Q.3",), Y, (OLD, "cao thang", 12), "the old ward that has land there"),
        (("12 Cao Thắng, P.4",), Y, (OLD, "cao thang", 12), "also without its district"),
        (("12 Cao Thắng",), Y, (None, "cao thang", 12), "no ward"),
        (("Cao Thắng", "P.4, Q.3"), Y, (OLD, "cao thang", None), "the ward in another field"),
        (("12 Cao Thắng, P.5, Gò Vấp",), Y, None, "the citizen was mistaken: nothing to learn"),
        (("P.4, Q.3", "Rác đầy."), Y, None, "no street"),
    ],
)
def test_what_a_decision_teaches(
    texts: tuple[str, ...], ward: str, expected: tuple[object, str, int | None] | None, note: str
) -> None:
    found = lesson(*texts, province="79", ward_code=ward)
    assert (found and (found.old, found.street, found.house)) == expected, note
    assert found is None or found.written == "Cao Thắng"


KNOWN = gazetteer([("nguyen van qua", X), ("nguyen van", X), ("tan ky tan quy", Y)])


@pytest.mark.parametrize(
    ("text", "expected", "note"),
    [
        (
            "ngay 45 nguyen van qua bi ngap",
            [("45", "nguyen van qua")],
            "no sign, no accents: the longest name",
        ),
        ("45 nguyen van qua den tat", [("45", "nguyen van qua")], "where the name ends"),
        ("duong nguyen van qua den tat", [(None, "nguyen van qua")], "after a road word, too"),
        ("45 Nguyễn Văn Quá Khứ", [("45", "nguyen van qua khu")], "capitals say themselves where it ends"),
        ("khuc tan ky tan quy ngap", [(None, "tan ky tan quy")], "in the middle of a sentence"),
        ("Rác ngay Nguyễn Văn Quá, gần chợ", [(None, "nguyen van qua")], "with its accents"),
        ("ông Nguyễn Văn Quá đổ rác", [], "a person"),
        ("trường Nguyễn Văn Quá", [], "a school"),
        ("12 Lê Lợi, sau nguyen van qua", [("12", "le loi")], "where a street is read, none is searched for"),
        ("rác đầy đường", [], "nothing known"),
    ],
)
def test_a_known_street_needs_no_word_before_it(
    text: str, expected: list[tuple[str | None, str]], note: str
) -> None:
    assert [(one.house, one.street) for one in addresses(text, KNOWN)] == expected, note


@pytest.mark.parametrize(
    ("street", "expected"),
    [("le loi", True), ("pasteur", False), (None, False), ("so 5", False), ("le loi x tran phu", False)],
)
def test_only_names_of_some_words_are_searched_for(street: str | None, expected: bool) -> None:
    assert learnable(street) is expected


@given(st.text(alphabet="nguyenvaqokt 45,.-", max_size=60))
def test_known_streets_never_raise_and_never_overlap(text: str) -> None:
    ends = 0
    for name, start, end in KNOWN.find(text):
        assert ends <= start < end <= len(text)
        assert name in KNOWN.wards
        ends = end
