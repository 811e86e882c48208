"""What a poll of a 1022 portal brings, over real sockets."""

import json
from datetime import timedelta

import pytest

from aggregator.sdk.contract import SchemaDrift, SourceStatus
from aggregator.sdk.sandbox import reply
from connectors.portal_1022 import CONNECTOR, sandbox


def test_first_poll_brings_every_report_once_oldest_first(open_office):
    office = open_office(12)
    polled = office.poll()
    assert polled.ids == [str(n) for n in range(1001, 1013)]
    assert [len(b.records) for b in polled.batches] == [5, 5, 2, 0]
    assert [b.complete for b in polled.batches] == [False, False, False, True]
    assert polled.batches[0].source_count == 12


def test_second_poll_yields_nothing_new(open_office):
    office = open_office(12)
    again = office.poll(office.poll().cursor)
    assert again.records == [] and again.problems == []
    assert all(b.pages == () for b in again.batches)


def test_second_poll_asks_only_for_the_overlap(open_office):
    office = open_office(40)
    cursor = office.poll().cursor
    before = office.portal.requests
    office.poll(cursor)
    assert office.portal.requests - before == 3  # pages 6, 7 and 8 of 8, no details


def test_new_and_changed_reports_come_with_the_next_poll(open_office, report):
    office = open_office(12)
    cursor = office.poll().cursor
    office.portal.load([report(1013), report(1002, status="waiting")])
    polled = office.poll(cursor)
    assert sorted(polled.ids) == ["1002", "1013"]
    assert {r.external_id: r.status for r in polled.records}["1002"] is SourceStatus.WAITING


def test_answer_to_an_old_open_report_is_seen_when_it_is_due_for_another_look(open_office):
    office = open_office(60)
    cursor = office.poll().cursor
    office.portal.answer("1001", "Đã vá xong.", "UBND phường", "resolved")
    assert office.poll(cursor).ids == []  # off the overlapping pages, not due yet
    office.now += timedelta(hours=5)
    polled = office.poll(cursor)
    assert "1001" in polled.ids
    assert polled.records[polled.ids.index("1001")].answers[0].body == "Đã vá xong."


def test_watched_reports_are_read_ten_pages_a_poll_until_all_were_seen(open_office):
    office = open_office(80)
    cursor = office.poll().cursor
    for id_ in ("1001", "1040", "1079"):
        office.portal.answer(id_, "Xong.", "UBND phường", "resolved")
    office.now += timedelta(hours=5)
    first = office.poll(cursor)
    second = office.poll(first.cursor)
    assert sorted(first.ids + second.ids) == ["1001", "1040", "1079"]


def test_poll_goes_on_where_a_crash_left_it_without_loss_or_repeat(open_office):
    office = open_office(22)
    whole = office.poll().ids
    for stop_after in range(1, 6):
        batches = CONNECTOR.poll(office.context(), None)
        kept = [next(batches) for _ in range(stop_after)]
        batches.close()
        rest = office.poll(kept[-1].next_cursor)
        assert [r.external_id for b in kept for r in b.records] + rest.ids == whole


def test_cursor_is_json_and_small_once_reports_are_closed_and_old(open_office, report):
    old = "2025-01-01T00:00:00+00:00"
    office = open_office([report(n, status="resolved", created=old) for n in range(1, 61)])
    cursor = office.poll().cursor
    assert json.loads(json.dumps(cursor)) == cursor
    assert len(cursor["known"]) == 15  # the last page and the two that are read again


def test_cursor_of_another_page_size_finds_its_place(open_office, report):
    office = open_office(40)
    cursor = office.poll().cursor
    office.portal.load([report(1041)])
    polled = office.poll(cursor, office.context(config={"page_size": 8}))
    assert polled.ids == ["1041"]


def test_another_unit_is_another_list_and_begins_anew(open_office):
    office = open_office(3)
    cursor = office.poll().cursor
    assert len(office.poll(cursor, office.context(config={"unit_id": "27142"})).ids) == 3


def test_removed_reports_do_not_hide_later_ones(open_office, report):
    office = open_office(40)
    cursor = office.poll().cursor
    for number in range(1001, 1021):
        del office.portal.reports[str(number)]
    office.portal.load([report(1041)])
    assert office.poll(cursor).ids == ["1041"]


def test_portal_without_order_is_walked_whole_and_nothing_is_read_twice(open_office, monkeypatch):
    office = open_office(12)
    with monkeypatch.context() as patch:
        places = {"1001": 1007, "1012": 1001}
        patch.setattr(sandbox, "_natural", lambda id_: [(places.get(id_, int(id_)), "")])
        first = office.poll()
        assert len(set(first.ids)) == len(first.ids) == 12
        second = office.poll(first.cursor)
        assert second.ids == [] and second.cursor["ordered"] is False
    third = office.poll(second.cursor)
    assert third.ids == [] and third.cursor["ordered"] is True


def test_repeated_page_past_the_end_ends_the_poll(open_office):
    office = open_office(7)
    office.portal.route("/old/gopy")(lambda request: _without_totals(office, request))
    ctx = office.context(config={"paths": {"list": "/old/gopy"}})
    assert len(office.poll(ctx=ctx).ids) == 7


def _without_totals(office, request):
    return reply({"data": json.loads(office.portal.listing(request).get_data())["data"]})


def test_repeated_page_in_the_middle_is_drift_not_a_short_poll(open_office):
    office = open_office(22)
    office.fault("repeat_page", count=None)
    batches = CONNECTOR.poll(office.context(), None)
    assert len(next(batches).records) == 5
    with pytest.raises(SchemaDrift, match="repeats the page"):
        next(batches)


def test_bad_records_are_quarantined_and_the_rest_goes_on(open_office):
    office = open_office(3)
    office.fault("bad_record", count=None)
    polled = office.poll()
    assert polled.ids == ["1001", "1002", "1003"]
    assert [(p.error.field, p.error.external_id) for p in polled.problems] == [
        ("id", None),
        ("ngayDienRa", "hong-1"),
    ]
    assert b"B\xe1\xba\xa3n ghi kh\xc3\xb4ng c\xc3\xb3 m\xc3\xa3" in polled.problems[0].item.content
    again = office.poll(polled.cursor)
    assert again.problems == [] and again.cursor["ordered"] is True


def test_one_report_whose_detail_fails_is_quarantined_and_tried_again(open_office):
    office = open_office(3)
    office.fault("status", code=500, path="/public/gopy/1002", count=1)
    polled = office.poll()
    assert polled.ids == ["1001", "1003"]
    assert [p.error.external_id for p in polled.problems] == ["1002"]
    assert office.poll(polled.cursor).ids == ["1002"]


def test_officer_poll_reads_the_deadline_and_the_people(open_office, report):
    due = "2026-03-20T10:00:00+00:00"
    office = open_office([report(1, due=due), report(2, anonymous=True, lat=10.7626, lng=106.6601)])
    first, second = office.poll(ctx=office.officer()).records
    assert first.due_at.isoformat() == due
    assert (first.person.name, first.person.phone) == ("Trần Thị Mẫu", "0900000001")
    assert second.person.anonymous and second.person.name is None and second.person.phone is None
    assert (second.location.lat, second.location.lng) == (10.7626, 106.6601)
    assert first.location.lat is None  # the portal writes 0 where it does not know


def test_kept_item_maps_again_without_the_portal(open_office):
    office = open_office(2)
    batch = next(CONNECTOR.poll(office.context(), None))
    office.running.close()
    again = [CONNECTOR.remap(office.context(), item) for item in batch.items]
    assert tuple(again) == batch.records


def test_attachment_comes_whole_from_the_portal_alone(open_office, report):
    picture = {"filename": "o-ga.jpg", "base64": "aGluaCBhbmg=", "content_type": "image/jpeg"}
    office = open_office([report(1, attachments=[picture])])
    (record,) = office.poll().records
    file = CONNECTOR.fetch_attachment(office.context(), record.attachments[0].ref)
    assert (file.content, file.content_type, file.filename) == (b"hinh anh", "image/jpeg", "o-ga.jpg")
