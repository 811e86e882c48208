"""The list: a ward's own, every case once, found by what people type, and never broken by it."""

from __future__ import annotations

import random
import re
import unicodedata
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert

from aggregator.domain.workflow import ReplyKind, Status
from aggregator.services.views.inbox import MORE_VIEWS, VIEWS, InboxFilter, InboxPage
from aggregator.storage.case_tables import cases
from tests.factories import MONDAY, Office, apart, record
from tests.people import WARD_A, WARD_B


def page(office: Office, actor: Any = None, **wanted: Any) -> InboxPage:
    return office.inbox.page(actor or office.lan, InboxFilter(**wanted))


def ids(found: InboxPage) -> list[int]:
    return [row.id for row in found.rows]


# Order and pages ------------------------------------------------------------------------------


def test_the_most_urgent_stands_first(office: Office) -> None:
    late = office.opens("1", occurred_at=MONDAY - timedelta(days=30))
    new = office.opens("2")
    source = office.opens("3", due_at=MONDAY + timedelta(days=1))
    assert ids(page(office)) == [late, source, new]


def test_every_case_comes_once_while_others_arrive(office: Office) -> None:
    days = random.Random(5)
    office.receives(
        "1022",
        *(one for n in range(1, 61) for one in apart(1, n, occurred_at=MONDAY - timedelta(days=n % 9))),
    )
    there = {row[0] for row in office.rows("SELECT id FROM cases")}
    seen: list[int] = []
    after, number = "", 100
    while True:
        found = page(office, after=after, size=7)
        seen += ids(found)
        for _ in range(3):
            office.receives(
                "1022", *apart(1, number, occurred_at=MONDAY - timedelta(days=days.randrange(12)))
            )
            number += 1
        after = found.next
        if not after:
            break
    assert len(seen) == len(set(seen))
    assert there <= set(seen)


def test_cases_of_the_very_same_deadline_are_paged_by_number(office: Office) -> None:
    office.receives("1022", *apart(20))
    first = page(office, size=10)
    second = page(office, size=10, after=first.next)
    assert ids(first) + ids(second) == sorted(ids(first) + ids(second))
    assert (len(ids(second)), second.next) == (10, "")


def test_closed_cases_come_newest_first_and_page(office: Office) -> None:
    office.receives("1022", *apart(9))
    numbers = [office.case_of(str(n)) for n in range(1, 10)]
    for number in numbers:
        office.clock.forward(minutes=1)
        office.cases.reply(office.lan, number, ReplyKind.RESULT, "Xong.")
    first = page(office, view="closed", size=5)
    assert ids(first) + ids(page(office, view="closed", size=5, after=first.next)) == numbers[::-1]


TOKENS = {
    "a letter": "x", "padding": "=", "not ASCII": "é", "no place": "MjAyNg==",
    "before all time": "MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMHw1",
    "after all time": "OTk5OS0xMi0zMVQyMzo1OTo1OS0xMjowMHw1",
    "no zone": "MjAyNi0wMy0wMlQwMTowMDowMHw1", "NUL": "\x00", "a lone surrogate": "\ud800",
    "10 kB": "A" * 10_000,
}  # fmt: skip


def test_a_page_token_that_was_tampered_with_is_the_first_page(
    office: Office, subtests: pytest.Subtests
) -> None:
    case = office.opens("1")
    for note, token in TOKENS.items():
        with subtests.test(note):
            assert ids(page(office, after=token)) == [case]


# Views and filters ----------------------------------------------------------------------------


def test_each_view_shows_what_its_number_says(office: Office) -> None:
    office.channel("letters", kind="paper")
    office.receives("1022", *apart(8))
    numbers = [office.case_of(str(n)) for n in range(1, 9)]
    office.cases.assign(office.lan, numbers[0], unit_id=None, officer_id=office.lan.id)
    office.cases.move(office.lan, numbers[1], Status.WAITING_UNIT)
    office.cases.pause(office.lan, numbers[2], "needs_info")
    office.cases.reply(office.lan, numbers[3], ReplyKind.RESULT, "Xong.")
    office.cases.merge(office.lan, numbers[4], numbers[5])
    answered = office.opens("50", slug="letters")
    office.cases.reply(office.lan, answered, ReplyKind.RESULT, "Xong.")
    office.clock.forward(days=11)
    office.deadlines.sweep()
    late = office.opens("60", occurred_at=MONDAY - timedelta(days=30))
    office.cases.reply(office.lan, late, ReplyKind.RESULT, "Xong.")
    for actor in (office.lan, office.minh, office.admin, office.hue):
        shown = page(office, actor)
        for view in VIEWS:
            assert len(page(office, actor, view=view).rows) == shown.counts[view], (actor.login, view)
    assert ids(page(office, view="mine")) == [numbers[0]]
    assert ids(page(office, view="problem")) == [answered]
    assert ids(page(office, view="paused")) == [numbers[2]]
    assert ids(page(office, view="closed_late")) == [late]
    office.is_sound()


def test_numbers_follow_the_ward_that_is_looked_at(office: Office) -> None:
    office.channel("of b", ward=WARD_B)
    office.receives("1022", *apart(3))
    office.receives("of b", *apart(2, 10))
    assert page(office, office.admin).counts["open"] == 5
    chosen = page(office, office.admin, ward=WARD_B)
    assert (len(chosen.rows), chosen.counts["open"]) == (2, 2)


def test_filters_narrow_the_list(office: Office) -> None:
    unit = office.accounts.ensure_unit(WARD_A, "Tổ cây xanh", ["cay_xanh"])
    tree = office.opens("1", category_raw="Cây xanh")
    other = office.opens("2", slug="app")
    office.cases.assign(office.lan, other, unit_id=None, officer_id=office.minh.id)
    for wanted, found in (
        ({"channel": "app"}, [other]), ({"channel": "1022"}, [tree]), ({"channel": "none"}, []),
        ({"category": "cay_xanh"}, [tree]), ({"category": "-"}, [other]), ({"unit": unit}, [tree]),
        ({"unit": 0}, [other]), ({"officer": office.minh.id}, [other]), ({"officer": 0}, [tree]),
        ({"status": "accepted"}, [other]), ({"status": "nonsense"}, []), ({"unit": 2**63}, []),
        ({"officer": -(2**70)}, []), ({"channel": "\x00"}, []), ({"category": "\ud800"}, []),
        ({"status": "a\x00"}, []), ({"view": "no such view"}, [tree, other]),
    ):  # fmt: skip
        assert ids(page(office, **wanted)) == found, wanted


def test_the_next_case_is_the_next_most_urgent_also_after_the_answer(office: Office) -> None:
    first = office.opens("1", occurred_at=MONDAY - timedelta(days=30))
    second = office.opens("2", occurred_at=MONDAY - timedelta(days=29))
    third = office.opens("3")
    assert [office.inbox.next_after(office.lan, one) for one in (first, second, third)] == [
        second,
        third,
        None,
    ]
    office.cases.reply(office.lan, first, ReplyKind.RESULT, "Xong.")
    assert office.inbox.next_after(office.lan, first) == second
    assert office.inbox.next_after(office.hue, first) is None
    assert office.inbox.next_after(office.lan, 2**63) is None


# I13: a ward sees its own ---------------------------------------------------------------------


def test_hue_finds_nothing_of_lans_ward(office: Office) -> None:
    office.receives("1022", record("bí-mật-1", "Chuyện riêng của phường A.", phone="0903 123 456"))
    case = office.case_of("bí-mật-1")
    code = office.page(case).row.code
    words = ("", "chuyen rieng", "0903123456", "+84903123456", code, str(case), "bi mat")
    for q in words:
        for view in (*VIEWS, *MORE_VIEWS):
            found = page(office, office.hue, q=q, view=view, ward=WARD_A)
            assert found.rows == ()
    assert set(page(office, office.hue).counts.values()) == {0}
    assert office.inbox.arrived(office.hue, 0) == 0
    assert office.inbox.arrived(office.lan, 0) == 1
    offered = office.inbox.choices(office.hue)
    assert {choice.value for choice in offered.wards} == {WARD_B}
    assert offered.channels == offered.units == ()
    assert {choice.label for choice in offered.officers} == {"Ngô Thị Huệ"}


# Search ---------------------------------------------------------------------------------------


@pytest.fixture
def searched(office: Office) -> Office:
    office.receives(
        "1022",
        record(
            "HCM-2026/77",
            "Cây đổ chắn ngang đường Nguyễn Huệ sau cơn bão.",
            subject="Cây đổ",
            phone="0903 123 456",
        ),
        record("HCM-2026/78", "Cống nghẹt ở 9 Pasteur.", subject="Thoát nước", address="9 Pasteur"),
    )
    return office


FINDS = [
    ("nguyen hue", "without diacritics"),
    ("NGUYỄN HUỆ", "in capitals"),
    (unicodedata.normalize("NFD", "Nguyễn Huệ"), "in NFD"),
    ("huệ nguyễn", "in another order"),
    ("nguyen hu", "as far as typed"),
    ("cay", "one word"),
    ("0903123456", "by telephone"),
    ("+84 903 123 456", "by telephone with country code"),
    ("HCM-2026/77", "by the source's number"),
    ("26-00001", "by the case's code"),
    (" 26-00001 ", "by the code with spaces"),
    ("“cây” (đổ)", "with punctuation around"),
]


def test_a_case_is_found(searched: Office, subtests: pytest.Subtests) -> None:
    for q, note in FINDS:
        with subtests.test(note):
            assert ids(page(searched, q=q)) == [searched.case_of("HCM-2026/77")]


HOSTILE = [
    '"', '"" ""', "'", "''; DROP TABLE cases; --", "NEAR(a b, 5)", "a NEAR b", "a AND", "OR", "NOT a", "*",
    "a*b*", "%", "_", "\\", "^a", "search_text:a", "{a b}:c", "-a", "(", "a & | !", ":*", "<->", "x\x00y",
    "\x00", "\ud800",
    "\ud800 cay", "!?.,;", "…", "🌳", "ⅷ ² ½", "中文", "กข", "𞤀𞤁", "ﬁ", "\u200b", "\u0301", "0" * 400,
    "9" * 60, "1e5 2.5 -3", "a" * 10_000, "cay " * 2_500, "đ" * 10_000, "\n\t", "26-00001'", "+84" * 50,
]  # fmt: skip


@pytest.mark.parametrize("view", ["open", "closed"])
def test_whatever_is_typed_is_a_search(searched: Office, view: str) -> None:
    for q in HOSTILE:
        assert isinstance(page(searched, q=q, view=view), InboxPage), q


def test_random_typing_is_a_search(searched: Office) -> None:
    typed = random.Random(1)
    letters = "aăđ 0'\"*:()&|!<>-\\%_\u0300\u200b\x00中🌳^~{}[]"
    for _ in range(150):
        q = "".join(typed.choice(letters) for _ in range(typed.randrange(1, 12)))
        assert isinstance(page(searched, q=q), InboxPage), q


def test_a_changed_report_is_found_by_its_new_words_only(searched: Office) -> None:
    searched.receives("1022", record("HCM-2026/78", "Đèn hỏng ở 9 Pasteur.", subject="Chiếu sáng"))
    assert ids(page(searched, q="den hong")) == [searched.case_of("HCM-2026/78")]
    assert ids(page(searched, q="nghet")) == []


def test_nobody_is_found_by_the_telephone_who_asked_to_stay_unknown(office: Office) -> None:
    office.opens("1", phone="0903 123 456", anonymous=True)
    assert ids(page(office, q="0903123456")) == []


def test_a_busy_ward_does_not_hide_what_another_finds(office: Office) -> None:
    office.receives("1022", record("1", "Cây đổ ở 3 Lê Lợi.", phone="0903 123 456"))
    mine = office.case_of("1")
    office.channel("of b", ward=WARD_B)
    office.receives("of b", *(record(f"b{n}", f"Cây đổ việc {n}", phone="0903 123 456") for n in range(320)))
    assert ids(page(office, q="cay do")) == [mine]
    assert ids(page(office, q="0903123456")) == [mine]


# Work -----------------------------------------------------------------------------------------


def test_a_list_takes_few_statements(office: Office) -> None:
    office.receives("1022", *apart(30))
    told: list[str] = []
    event.listen(
        office.db.reader, "before_cursor_execute", lambda *a: None if a[2] == "BEGIN" else told.append(a[2])
    )
    page(office)
    office.inbox.choices(office.lan)
    assert len(told) <= 5  # the session's own is the sixth
    page(office, q="lê lợi")
    assert len(told) <= 9


SINGLE: list[dict[str, Any]] = [
    *({"view": view} for view in (*VIEWS, *MORE_VIEWS)),
    {"channel": "1022"}, {"category": "cay_xanh"}, {"category": "-"}, {"unit": 1}, {"unit": 0},
    {"officer": 1}, {"officer": 0}, {"status": "accepted"}, {"view": "closed", "status": "resolved"},
    {"view": "closed", "channel": "1022"}, {"view": "closed", "unit": 1},
    {"view": "closed", "category": "khac"},
]  # fmt: skip


@pytest.mark.parametrize("who", ["lan", "admin"])
def test_each_list_is_read_in_the_order_of_an_index(sqlite_office: Office, who: str) -> None:
    """Never through all cases, and never sorted: flat work, however many there are."""
    office = sqlite_office
    many_cases(office, 3000)
    told: list[tuple[str, Any]] = []
    event.listen(office.db.reader, "before_cursor_execute", lambda *a: told.append((a[2], a[3])))
    first = page(office, getattr(office, who), size=10).next
    for wanted in SINGLE:
        for after in ("", first):
            told.clear()
            page(office, getattr(office, who), after=after, **wanted)
            ((statement, values),) = [each for each in told if "ORDER BY" in each[0] and "cases" in each[0]]
            with office.db.read() as tx:
                plan = [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            assert not [step for step in plan if re.search(r"SCAN cases(?! USING INDEX)|B-TREE", step)], (
                wanted,
                plan,
            )
            assert any("cases USING" in step and "INDEX" in step for step in plan), (wanted, plan)


def many_cases(office: Office, count: int) -> None:
    """Rows like those of one real case, straight into the table."""
    like = office.row(office.opens("1"))._asdict()
    odd = random.Random(3)
    rows = [
        {
            **like, "id": n, "code": f"x-{n}", "sort_at": MONDAY + timedelta(minutes=odd.randrange(9999)),
            "is_open": n % 3 > 0, "status": odd.choice(["new", "accepted", "resolved"]),
            "stage": odd.choice(["none", "overdue", "due_soon"]),
        }
        for n in range(10, count)
    ]  # fmt: skip
    with office.db.write() as tx:
        tx.execute(insert(cases), rows)
