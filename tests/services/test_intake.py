"""Intake: a batch whole or not at all (I1), each thing once (I2), nothing refused (I3), counted (I15)."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.domain.runs import Counts
from aggregator.errors import LeaseLost
from aggregator.sdk.contract import Answer, Attachment
from tests.factories import MONDAY, Office, apart, batch, problem, record, together
from tests.people import WARD_A, WARD_B

TABLES = (
    "reports", "report_revisions", "reporters", "attachments", "raw_payloads", "quarantine", "cases",
    "memberships", "clock_events", "deadlines", "judgements", "match_traits", "match_keys", "case_counts",
)  # fmt: skip


def everything(office: Office) -> dict[str, Any]:
    """What a batch may touch: the number of rows of each table, the cursor, the run, the chains."""
    counts: dict[str, Any] = {table: office.count(table) for table in (*TABLES, "ledger_entries")}
    counts["cursor"] = office.rows("SELECT CAST(cursor AS TEXT) FROM channel_schedule ORDER BY channel_id")
    counts["runs"] = office.rows(
        "SELECT seen, stored, unchanged, revised, quarantined FROM poll_runs ORDER BY id"
    )
    counts["heads"] = sorted(office.rows("SELECT chain, seq, hash, case_number FROM ledger_heads"))
    return counts


def revisions(office: Office, external_id: str) -> list[int]:
    query = (
        "SELECT v.seq FROM report_revisions v JOIN reports r ON r.id = v.report_id"
        f" WHERE r.external_id = '{external_id}' ORDER BY v.seq"
    )
    return [row[0] for row in office.rows(query)]


# I1: cursor with data -------------------------------------------------------------------------


def test_a_batch_and_its_cursor_are_there_together(office: Office) -> None:
    counts = office.receives(
        "1022", *apart(3), cursor={"page": 7}, problems=[problem()], pages=[b"[whole page]"]
    )
    assert counts == Counts(seen=4, stored=3, unchanged=0, revised=0, quarantined=1)
    assert everything(office)["runs"] == [(4, 3, 0, 0, 1)]
    assert '"page": 7' in office.rows("SELECT CAST(cursor AS TEXT) FROM channel_schedule")[0][0]
    assert office.count("raw_payloads") == 2  # the page, and the bytes of the record that was not understood
    office.is_sound()


def test_a_worker_whose_lease_was_taken_over_leaves_nothing(office: Office) -> None:
    slow = office.run("1022")
    office.run("1022", owner="another", again=True)
    before = everything(office)
    with pytest.raises(LeaseLost):
        office.intake.receive(slow, batch(*apart(3), cursor={"page": 2}, problems=[problem()], pages=[b"x"]))
    assert everything(office) == before
    office.receives("1022", *apart(3))
    office.is_sound()


def test_a_failure_anywhere_in_the_batch_leaves_nothing(office: Office, subtests: pytest.Subtests) -> None:
    """The database itself refuses one table, in the middle of the batch's writing."""
    office.receives("1022", *apart(2))
    before = everything(office)
    for table in ("reports", "memberships", "deadlines", "match_keys", "ledger_entries", "quarantine"):
        with subtests.test(table):
            with refusing(office, table), pytest.raises(Exception, match="refuse"):
                office.receives(
                    "1022", *apart(3, 10), record("1", "Khác."), problems=[problem()], cursor={"page": 9}
                )
            assert everything(office) == before
    assert office.receives("1022", *apart(3, 10)).stored == 3
    office.is_sound()


@contextlib.contextmanager
def refusing(office: Office, table: str) -> Iterator[None]:
    """No row of this table is taken, by the database's own word."""
    raises = "BEGIN SELECT RAISE(ABORT, 'refused'); END"
    on, off = {
        "sqlite": (f"CREATE TRIGGER refuse BEFORE INSERT ON {table} {raises}", "DROP TRIGGER refuse"),
        "postgresql": (
            f"ALTER TABLE {table} ADD CONSTRAINT refuse CHECK (false) NOT VALID",
            f"ALTER TABLE {table} DROP CONSTRAINT refuse",
        ),
    }[office.db.dialect]
    with office.db.write() as tx:
        tx.exec_driver_sql(on)
    yield
    with office.db.write() as tx:
        tx.exec_driver_sql(off)


def test_a_replay_that_gives_no_cursor_leaves_the_cursor_where_it_was(office: Office) -> None:
    office.receives("1022", record("1"), cursor={"page": 3})
    office.receives("1022", record("2", "Cây đổ chắn ngang đường."), cursor=None)
    assert '"page": 3' in office.rows("SELECT CAST(cursor AS TEXT) FROM channel_schedule")[0][0]


# I2: once -------------------------------------------------------------------------------------


def test_the_same_batch_again_writes_nothing_at_all(office: Office) -> None:
    reports = apart(5)
    office.receives("1022", *reports, cursor={"page": 1}, pages=[b"page"])
    before = everything(office)
    counts = office.receives("1022", *reports, cursor={"page": 1}, pages=[b"page, with a view counter"])
    assert counts == Counts(seen=5, stored=0, unchanged=5)
    assert everything(office) == before | {"runs": [(10, 5, 5, 0, 0)]}


def test_content_that_goes_from_a_to_b_to_a_makes_three_revisions(office: Office) -> None:
    a, b = record("1", "Ổ gà ở 12 Lê Lợi."), record("1", "Ổ gà ở 12 Lê Lợi, thêm ảnh.")
    for one in (a, b, a):
        office.receives("1022", one)
    assert revisions(office, "1") == [1, 2, 3]
    assert office.count("cases") == 1
    office.is_sound()


@pytest.mark.parametrize(
    ("order", "kept"),
    [("aa", [1]), ("ab", [1, 2]), ("aba", [1, 2, 3]), ("aab", [1, 2])],
    ids=["twice alike", "changed on the same page", "changed there and back", "alike, then changed"],
)
def test_one_page_may_show_a_report_twice(office: Office, order: str, kept: list[int]) -> None:
    shown = {"a": record("1", "Ổ gà ở 12 Lê Lợi."), "b": record("1", "Ổ gà ở 12 Lê Lợi, thêm ảnh.")}
    counts = office.receives("1022", *(shown[name] for name in order))
    assert counts == Counts(
        seen=len(order), stored=len(kept), unchanged=len(order) - len(kept), revised=len(kept) - 1
    )
    assert revisions(office, "1") == kept
    assert office.rows("SELECT body, revision FROM reports") == [(shown[order[-1]].body, len(kept))]
    office.is_sound()


def test_a_stored_report_may_change_twice_on_one_page(office: Office) -> None:
    office.receives("1022", record("1", "A"))
    office.receives("1022", record("1", "B"), record("1", "C"), record("1", "C"))
    assert revisions(office, "1") == [1, 2, 3]
    assert office.rows("SELECT body, revision FROM reports") == [("C", 3)]
    office.is_sound()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("volatile", ("extra.views",)),
        ("answers", (Answer("Đã xử lý."),)),
        ("body", "  Ổ gà rất to giữa đường, xe máy ngã nhiều lần.\u200b "),
        ("occurred_at", MONDAY.astimezone(UTC)),
    ],
    ids=[
        "a view counter",
        "our own answer shown",
        "invisible marks and spaces",
        "the same instant, another zone",
    ],
)
def test_what_is_no_news_makes_no_revision(office: Office, field: str, value: Any) -> None:
    extra = {"views": 1} if field == "volatile" else {}
    first = record("1", extra=extra, volatile=("extra.views",) if extra else ())
    office.receives("1022", first)
    again = dataclasses.replace(first, **{field: value}, **({"extra": {"views": 2}} if extra else {}))
    assert office.receives("1022", again).unchanged == 1


def test_a_text_in_nfd_is_the_same_text_in_nfc(office: Office) -> None:
    text = "Đường Nguyễn Huệ ngập nặng"
    office.receives("1022", record("Mã-Huế", unicodedata.normalize("NFC", text)))
    again = record(unicodedata.normalize("NFD", "Mã-Huế"), unicodedata.normalize("NFD", text))
    assert office.receives("1022", again).unchanged == 1
    assert office.rows("SELECT body FROM reports") == [(text,)]


@pytest.mark.parametrize(
    "shown", [" 12 ", "1\u200b2", "12\n"], ids=["spaces", "a zero-width mark", "a line end"]
)
def test_an_id_is_the_same_however_the_portal_pads_it(office: Office, shown: str) -> None:
    office.receives("1022", record("12"))
    assert office.receives("1022", record(shown)) == Counts(seen=1, unchanged=1)
    assert office.receives("1022", record(shown, "Nội dung mới.")).revised == 1
    assert office.count("reports") == 1


@pytest.mark.postgres
def test_two_workers_with_the_same_records_store_them_once(postgres_office: Office) -> None:
    """Both hold the same lease: what a worker looks like that was slow and came back."""
    office = postgres_office
    run = office.run("1022")
    reports = apart(20)
    results = together(*(lambda: office.intake.receive(run, batch(*reports)) for _ in range(4)))
    assert sorted(one.stored for one in results) == [0, 0, 0, 20]
    assert office.count("reports") == office.count("report_revisions") == office.count("cases") == 20
    office.is_sound()


@pytest.mark.postgres
def test_two_channels_that_bring_the_same_problem_at_once_make_one_case(postgres_office: Office) -> None:
    office = postgres_office
    runs = [office.run(slug) for slug in ("1022", "app", "mail", "zalo")]
    same = "Ổ gà rất to trước số nhà 12 Lê Lợi, xe máy ngã nhiều lần, đề nghị vá gấp"
    results = together(
        *(
            lambda run=run: office.intake.receive(
                run, batch(record(run.channel_slug, same, address="12 Lê Lợi"))
            )
            for run in runs
        )
    )
    assert [one.stored for one in results] == [1, 1, 1, 1]
    assert office.rows("SELECT report_count FROM cases") == [(4,)]
    office.is_sound()


@pytest.mark.postgres
def test_wards_that_cross_do_not_hold_each_other_up_for_ever(postgres_office: Office) -> None:
    """A report of ward B is now said to lie in ward A, while another channel goes the other way."""
    office = postgres_office
    office.channel("of b", ward=WARD_B)
    for slug, ward in (("1022", WARD_B), ("of b", WARD_A)):
        office.receives(slug, *(record(f"{slug}-{n}", f"Việc {n}", ward=ward) for n in range(5)))
    for turn in range(4):
        together(
            *(
                lambda slug=slug, turn=turn: office.receives(
                    slug, *(record(f"{slug}-{n}", f"Việc {n} lần {turn}") for n in range(5))
                )
                for slug in ("1022", "of b")
            )
        )
    office.is_sound()


# I3: nothing refused --------------------------------------------------------------------------


def test_a_record_that_cannot_be_mapped_is_kept_with_its_bytes_and_the_rest_goes_on(office: Office) -> None:
    odd = '{"id": "x", "ngày": "hôm qua"}'.encode()
    counts = office.receives("1022", *apart(2), problems=[problem(odd, "no date", field="ngay", row=3)])
    assert (counts.stored, counts.quarantined) == (2, 1)
    ((digest, sealed),) = office.rows("SELECT sha256, content FROM raw_payloads")
    assert digest == hashlib.sha256(odd).hexdigest()
    assert office.vault.unpack(bytes(sealed), "payload") == odd
    assert office.rows('SELECT error, field, "row", tries, state FROM quarantine') == [
        ("no date", "ngay", 3, 1, "open")
    ]


def test_the_same_poison_again_counts_its_tries_and_does_not_pile_up(office: Office) -> None:
    for _ in range(3):
        office.clock.forward(minutes=5)
        office.receives("1022", problems=[problem(b"poison", "no date")])
    office.receives("1022", problems=[problem(b"poison", "no date"), problem(b"poison", "no date")])
    assert office.rows("SELECT tries FROM quarantine") == [(5,)]
    assert office.count("raw_payloads") == 1


def test_a_record_that_comes_whole_after_all_is_no_longer_in_quarantine(office: Office) -> None:
    (whole,) = apart(1)
    broken = [problem(b"1", "no date", external_id=whole.external_id), problem(b"2", "no id", ref="data[8]")]
    office.receives("1022", problems=broken)
    office.receives("1022", whole)
    assert office.rows("SELECT state FROM quarantine ORDER BY id") == [("superseded",), ("open",)]


def test_an_error_that_quotes_unreadable_bytes_is_no_poison_itself(office: Office) -> None:
    nasty = problem(
        b"\x00\xff", "bad value '\x00\ud800'", ref="row\x00", field="a\x00", row=2**63, external_id="\ud800"
    )
    assert office.receives("1022", record("1"), problems=[nasty]).quarantined == 1
    assert office.rows("SELECT error FROM quarantine") == [("bad value ''",)]


HOSTILE = {
    "NUL": {"body": "a\x00b", "subject": "\x00", "name": "\x00Lan", "address": "12\x00 Lê Lợi"},
    "lone surrogates": {"body": "x\ud800y", "subject": "\udfff", "name": "\ud800", "category_raw": "\ud800"},
    "only invisible marks": {"body": "\u200b\u202e", "subject": "\ufeff"},
    "nothing at all": {"body": "", "subject": ""},
    "100 kB": {"body": "ổ gà " * 25_000},
    "100 kB of one word": {"body": "ắ" * 100_000},
    "100 kB of different words": {"body": " ".join(f"chữ{n}" for n in range(12_000))},
    "a megabyte": {"body": "x y " * 250_000},
    "NaN coordinates": {"lat": float("nan"), "lng": float("inf")},
    "coordinates off the earth": {"lat": 1e300, "lng": -181.0},
    "an id of 2^63": {"external_id": str(2**63)},
    "an id with quotes": {"external_id": "'; DROP TABLE reports; --"},
    "a script for a link": {"url": "javascript:alert(1)"},
    "surrogates in what we do not know": {"extra": {"\ud800": ["\x00", {"a": float("nan")}], "s": {1, 2}}},
    "a file with a huge size": {"attachments": (Attachment("a", "a\x00.jpg", "image/\ud800", 2**63),)},
    "a file with a huge address": {"attachments": (Attachment("https://x/" + "é" * 9000, "a.jpg"),)},
    "a file with NUL in its address": {"attachments": (Attachment("a\x00b", "a.jpg"),)},
    "a deadline at the end of time": {"due_at": datetime.max.replace(tzinfo=UTC)},
    "a deadline before all time": {"due_at": datetime.min.replace(tzinfo=MONDAY.tzinfo)},
    "a phone of letters": {"phone": "gọi cho tôi\x00"},
    "unknown words everywhere": {
        "status_raw": "\x00",
        "urgency_raw": "\ud800",
        "area": "\x00",
        "kind": "proposal",
    },
}


def test_whatever_a_portal_sends_is_stored_beside_the_others(
    office: Office, subtests: pytest.Subtests
) -> None:
    for note, values in HOSTILE.items():
        with subtests.test(note):
            hostile = record(**{"external_id": f"hostile {note}"} | values)
            assert office.receives("1022", record(f"good {note}", f"{note}."), hostile).stored == 2
            page = office.page(office.case_of(hostile.external_id))
            assert page.row.title
            assert {report.url for report in page.reports} == {None}
            assert office.receives("1022", hostile).unchanged == 1
    office.is_sound()


ODD = {
    "no house number": ({"address": "không"}, None, None),
    "longitude first": ({"lat": 106.6601, "lng": 10.7626}, None, (10.7626, 106.6601)),
    "no position": ({"lat": 0.0, "lng": 0.0}, None, None),
    "one word": ({"body": "Rác"}, None, None),
    "emoji": ({"body": "🗑️🗑️ 12 Lê Lợi 😡"}, ("12", "le loi"), None),
    "mixed scripts": ({"body": "Мусор у дома 12 Lê Lợi 垃圾"}, ("12", "le loi"), None),
    "right-to-left marks": ({"body": "Rác \u202e\u200f12 Lê\u200e Lợi"}, ("12", "le loi"), None),
    "a neighbour's telephone": ({"body": "Gọi bác Tư 0903 123 456, 12 Lê Lợi"}, ("12", "le loi"), None),
    "a plate": ({"body": "Xe 51F-123.45 chắn cửa 12 Lê Lợi"}, ("12", "le loi"), None),
    "an address to write to": ({"body": "12 Lê Lợi, thư về ba.tu@vi-du.vn"}, ("12", "le loi"), None),
}


def test_what_people_write_oddly_is_compared_by_what_it_means(
    office: Office, subtests: pytest.Subtests
) -> None:
    for number, (note, (values, place, at)) in enumerate(ODD.items(), start=1):
        with subtests.test(note):
            office.receives("1022", record(str(number), **values))
            ((house, street, text, lat, lng),) = office.rows(
                "SELECT t.house, t.street, t.text, r.lat, r.lng FROM match_traits t"
                " JOIN reports r ON r.id = t.report_id ORDER BY r.id DESC LIMIT 1"
            )
            assert (house, street) == (place or (None, None))
            assert (lat, lng) == (at or (None, None))
            assert not {"0903", "123", "456", "45", "12345", "51f", "vi", "tu@vi"} & set(text.split())
    office.is_sound()


IMPOSSIBLE = {
    "no id": {"external_id": ""},
    "an id of invisible marks": {"external_id": "\u200b \x00"},
    "an id longer than an index takes": {"external_id": "é" * 3000},
    "before any portal": {"occurred_at": datetime(1900, 1, 1, tzinfo=UTC)},
    "a year nobody has seen": {"occurred_at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)},
    "the first day of all": {"occurred_at": datetime.min.replace(tzinfo=MONDAY.tzinfo)},
    "no date at all": {"occurred_at": None},
    "a number for a text": {"body": 5},
}


def test_what_cannot_be_a_report_is_quarantined_and_the_rest_goes_on(
    office: Office, subtests: pytest.Subtests
) -> None:
    newest = "SELECT tries, error_code FROM quarantine ORDER BY id DESC LIMIT 1"
    for note, values in IMPOSSIBLE.items():
        with subtests.test(note):
            page = batch(record(f"good {note}", f"{note}."), record(note))
            odd = page.items[1].content
            page = dataclasses.replace(page, records=(page.records[0], record(**values)))
            for tries in (1, 2):
                counts = office.intake.receive(office.run("1022"), page)
                assert (counts.seen, counts.stored + counts.unchanged, counts.quarantined) == (2, 1, 1)
                assert office.rows(newest) == [(tries, "bad_record")]
            ((sealed,),) = office.rows("SELECT content FROM raw_payloads ORDER BY id DESC LIMIT 1")
            assert office.vault.unpack(bytes(sealed), "payload") == odd
    office.is_sound()


def test_a_time_without_a_zone_is_read_in_the_channels_zone(office: Office) -> None:
    office.receives("1022", record("1", occurred_at=datetime(2026, 3, 2, 8, 0)))  # noqa: DTZ001
    assert office.page(office.case_of("1")).row.received_at == MONDAY


def test_a_batch_of_nothing_only_moves_the_cursor(office: Office) -> None:
    assert office.receives("1022", cursor={"page": 4}) == Counts()
    assert '"page": 4' in office.rows("SELECT CAST(cursor AS TEXT) FROM channel_schedule")[0][0]


# Revisions ------------------------------------------------------------------------------------


def test_a_changed_report_keeps_its_case_and_asks_to_be_read(office: Office) -> None:
    case = office.opens("1")
    office.cases.mark_read(office.lan, case)
    office.receives("1022", record("1", "Nội dung hoàn toàn khác, ở 99 Pasteur.", category_raw="Cây xanh"))
    page = office.page(case)
    assert page.row.unread
    assert page.reports[0].body.startswith("Nội dung hoàn toàn khác")
    assert page.reports[0].category == "cay_xanh"
    assert [entry.kind for entry in page.timeline] == ["opened", "revised"]
    office.is_sound()


def test_many_changed_reports_cost_no_more_statements_than_few(office: Office) -> None:
    def statements(count: int) -> int:
        from sqlalchemy import event

        told: list[str] = []
        event.listen(office.db.engine, "before_cursor_execute", lambda *a: told.append(a[2]))
        start = len(told)
        office.receives("1022", *(dataclasses.replace(one, body=one.body + " Thêm.") for one in apart(count)))
        return len(told) - start

    office.receives("1022", *apart(60))
    assert statements(5) + 4 >= statements(60)


def test_files_of_a_report_are_kept_once(office: Office) -> None:
    picture, other = Attachment("a", "anh.jpg", "image/jpeg", 5), Attachment("b", "b.jpg")
    office.receives("1022", record("1", attachments=(picture, picture)))
    office.receives("1022", record("1", "Thêm ảnh.", attachments=(picture, other)))
    assert [row[0] for row in office.rows("SELECT ref FROM attachments ORDER BY id")] == ["a", "b"]


# I15: an honest count -------------------------------------------------------------------------

one_of_few = st.builds(
    record,
    external_id=st.sampled_from(["1", "2", "3", " 1", ""]),
    body=st.sampled_from(["Ổ gà", "Cống nghẹt", "Ổ gà "]),
    occurred_at=st.sampled_from([MONDAY, MONDAY, datetime(1800, 1, 1, tzinfo=UTC)]),
)
pages = st.tuples(st.lists(one_of_few, max_size=5), st.lists(st.sampled_from([b"x", b"y"]), max_size=3))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(pages, max_size=4))
def test_seen_is_stored_and_unchanged_and_quarantined(office: Office, shown: list[Any]) -> None:
    total = Counts()
    before = (
        Counts(*office.rows("SELECT seen, stored, unchanged, revised, quarantined FROM poll_runs")[0])
        if office.count("poll_runs")
        else Counts()
    )
    for records, poison in shown:
        counts = office.receives("1022", *records, problems=[problem(one) for one in poison])
        assert counts.seen == len(records) + len(poison)
        assert counts.seen == counts.stored + counts.unchanged + counts.quarantined
        total += counts
    if shown:
        after = office.rows("SELECT seen, stored, unchanged, revised, quarantined FROM poll_runs")[0]
        assert Counts(*after) == before + total
        assert office.count("report_revisions") == after[1]


def test_a_deadline_far_away_is_no_reason_to_refuse(office: Office) -> None:
    office.receives("1022", record("1", due_at=MONDAY + timedelta(days=4000)))
    office.receives("1022", record("2", "Chuyện cũ.", occurred_at=datetime(1995, 1, 1, tzinfo=UTC)))
    assert office.count("cases") == 2
