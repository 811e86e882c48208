"""What polls of an Open311 endpoint bring, over real sockets, in both formats."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.sdk.contract import ConfigInvalid, SchemaDrift, SourceStatus, Span
from aggregator.sdk.open311 import Open311Endpoint
from tests.connectors.open311.conftest import CONNECTOR, MANIFEST, NOW, a_report


def narrowed(**source):
    return Open311Endpoint(replace(MANIFEST, source={**MANIFEST.source, **source}))


def test_first_poll_brings_every_request_once_oldest_first(city):
    polled = city(12).poll()
    assert polled.ids == [str(n) for n in range(1001, 1013)]
    assert [batch.complete for batch in polled.batches][-1] is True
    one = polled.records[0]
    assert one.subject == "Ổ gà số 1001" and one.body == "Đường hẻm 1001 có ổ gà lớn & sâu"
    assert (one.location.address, one.location.lat) == ("1001 đường Mẫu", 10.78)
    assert one.category_raw == "Hạ tầng đô thị" and one.status is SourceStatus.NEW


def test_both_formats_give_the_same_records(city):
    files = [{"filename": "anh.jpg", "base64": "", "content_type": "image/jpeg"}]
    office = city([a_report(7, area="Phường 9, Quận 3", attachments=files, anonymous=True)])
    (one,) = office.poll().records
    assert one.external_id == "7" and one.person.anonymous
    assert one.attachments[0].filename == "7.jpg"
    assert one.extra == {"agency_responsible": "UBND phường", "service_code": one.extra["service_code"]}


def test_second_poll_brings_nothing_that_is_new(city):
    office = city(12)
    first = office.poll()
    again = office.poll(json.loads(json.dumps(first.cursor)))
    known = {record.external_id: record for record in first.records}
    assert all(known[record.external_id] == record for record in again.records)


def test_answer_as_long_as_the_limit_is_never_believed(city):
    spread = [a_report(n, created=(NOW - timedelta(hours=60 - n)).isoformat()) for n in range(1, 51)]
    polled = city(spread, limit=10).poll(connector=narrowed(limit=10))
    assert sorted(set(polled.ids), key=int) == [str(n) for n in range(1, 51)]


def test_full_minute_is_asked_kind_by_kind(city):
    crowd = [a_report(n, category=f"Loại {n % 4}", created=NOW.isoformat()) for n in range(1, 33)]
    polled = city(crowd, limit=10).poll(connector=narrowed(limit=10))
    assert len(set(polled.ids)) == 32


def test_full_minute_of_one_kind_fails_aloud(city):
    crowd = [a_report(n, created=NOW.isoformat()) for n in range(1, 33)]
    office = city(crowd, limit=10)
    with pytest.raises(SchemaDrift, match="would be lost"):
        office.poll(connector=narrowed(limit=10))


def test_poll_goes_on_where_a_crash_left_it(city):
    spread = [a_report(n, created=(NOW - timedelta(hours=60 - n)).isoformat()) for n in range(1, 51)]
    office, connector = city(spread, limit=10), narrowed(limit=10)
    count = len(office.poll(connector=connector).batches)
    for stop in range(1, count, 3):
        batches = connector.poll(office.context(), None)
        kept = [next(batches) for _ in range(stop)]
        batches.close()
        rest = office.poll(kept[-1].next_cursor, connector)
        came = [record.external_id for batch in kept for record in batch.records] + rest.ids
        assert set(came) == {str(n) for n in range(1, 51)}


def test_old_open_request_that_changed_is_found_by_its_id(city):
    old = (NOW - timedelta(days=20)).isoformat()
    office = city([a_report(1, created=old), a_report(2)])
    cursor = office.poll().cursor
    office.portal.load([a_report(1, created=old, status="in_progress")])
    changed = office.poll(cursor).one("1")
    assert changed.status is SourceStatus.IN_PROGRESS


def test_update_leads_to_a_request_that_nothing_else_would_show(city):
    old = (NOW - timedelta(days=20)).isoformat()
    office = city([a_report(1, created=old, status="resolved"), a_report(2)])
    cursor = office.poll().cursor
    assert "1" not in cursor["open"]  # closed ones are not watched
    office.portal.answer("1", "Mở lại để kiểm tra.", "UBND phường", "reopened")
    seen = office.poll(cursor).one("1")
    assert seen.status is SourceStatus.REOPENED and seen.answers[0].body == "Mở lại để kiểm tra."


def test_watched_requests_take_turns(city):
    old = [a_report(n, created=(NOW - timedelta(days=20)).isoformat()) for n in range(1, 61)]
    office, connector = city([*old, a_report(99)]), narrowed(refresh=25)
    cursor = office.poll(connector=connector).cursor
    read = []
    for _ in range(3):
        polled = office.poll(cursor, connector)
        read += [id_ for id_ in polled.ids if id_ != "99"]
        cursor = polled.cursor
    assert len(set(read)) == 60


def test_request_without_a_number_holds_the_cursor_until_it_has_one(city):
    office = city([a_report(1), a_report(2), a_report(3)], tokens=["2"])
    office.portal.reports["2"].created = NOW - timedelta(hours=3)
    first = office.poll()
    assert "2" not in first.ids and first.cursor["newest"] <= (NOW - timedelta(hours=3)).isoformat()
    office.portal.number("2")
    assert "2" in office.poll(first.cursor).ids


def test_request_without_a_number_is_waited_for_a_day_at_most(city):
    office = city([a_report(1)], tokens=["1"])  # five days old
    polled = office.poll()
    assert polled.ids == [] and polled.problems[0].error.field == "service_request_id"


def test_one_bad_row_stops_nothing(city):
    office = city(5)
    office.fault("bad_record", path="requests")
    polled = office.poll()
    assert len(polled.ids) == 5 and polled.problems[0].error.external_id == "hong-1"


def test_discovery_finds_the_endpoint_once_a_day(city):
    office = city(2)
    found = {"discovery_url": f"{office.running.url}/discovery.{office.format}", "base_url": ""}
    assert office.poll(config=found).ids == ["1001", "1002"]
    before = office.portal.requests
    office.poll(config=found)
    asked = office.portal.requests - before
    office.now += timedelta(days=2)
    office.poll(config=found)
    assert office.portal.requests - before > 2 * asked  # discovery and wider windows


def test_discovery_without_such_an_endpoint_says_so(city):
    office = city(1)
    config = {
        "discovery_url": f"{office.running.url}/discovery.{office.format}",
        "base_url": "",
        "endpoint_type": "test",
    }
    with pytest.raises(ConfigInvalid, match="no GeoReport v2 endpoint of type 'test'"):
        office.poll(config=config)


def test_private_endpoint_shows_people_to_who_has_the_key(city):
    office = city(1, api_key="khoá-thử", private=True)
    (one,) = office.poll(secrets={"api_key": "khoá-thử"}).records
    assert one.person.phone == "0900000001" and not one.person.anonymous


def test_one_request_by_its_id(city):
    office = city(2)
    record, item = CONNECTOR.fetch(office.context(), "1002")
    assert record.external_id == "1002" and CONNECTOR.remap(office.context(), item) == record
    assert CONNECTOR.fetch(office.context(), "9999") is None


def test_backfill_of_a_span_can_be_cut_anywhere(city):
    spread = [a_report(n, created=(NOW - timedelta(days=30 - n)).isoformat()) for n in range(1, 25)]
    office, span = city(spread), Span(NOW - timedelta(days=31), NOW)
    whole = list(CONNECTOR.backfill(office.context(), span, None))
    # What was made at the very seam of two windows comes with both.
    came = dict.fromkeys(r.external_id for b in whole for r in b.records)
    assert list(came) == [str(n) for n in range(1, 25)]
    for stop in range(1, len(whole)):
        rest = list(CONNECTOR.backfill(office.context(), span, whole[stop - 1].next_cursor))
        came = [r.external_id for b in (*whole[:stop], *rest) for r in b.records]
        assert set(came) == {str(n) for n in range(1, 25)}
    assert whole[-1].complete


def test_backfill_of_ids_brings_those_alone(city):
    office = city(30)
    span = Span(ids=tuple(str(n) for n in range(1001, 1031)))
    batches = list(CONNECTOR.backfill(office.context(), span, None))
    assert len([r for b in batches for r in b.records]) == 30
    rest = list(CONNECTOR.backfill(office.context(), span, batches[0].next_cursor))
    assert len([r for b in rest for r in b.records]) == 10


def test_check_names_each_step(city):
    office = city(3)
    assert all(step.ok for step in CONNECTOR.check(office.context()))
    closed = city(1, api_key="x", private=True)
    steps = CONNECTOR.check(closed.context())
    assert [step.ok for step in steps] == [True, True, False] and "api_key" in steps[-1].hint


def test_a_channels_own_status_word_counts_as_it_came(city):
    office = city(1)
    (item,) = (item for batch in office.poll().batches for item in batch.items)
    context = office.context(status_map={"On Hold": "waiting"})
    for word, status in (("On Hold", "waiting"), ("OPEN", "new"), ("on hold", "unmapped")):
        strange = replace(item, content=item.content.replace(b'"open"', f'"{word}"'.encode()))
        assert CONNECTOR.remap(context, strange).status == status
