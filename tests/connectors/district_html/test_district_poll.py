"""Reading district portals: the simulated ones, over real sockets, both layouts."""

import base64
import json
from datetime import timedelta

import pytest

from aggregator.sdk.contract import (
    AuthFailed,
    BotChallenge,
    ConfigInvalid,
    Permanent,
    SchemaDrift,
    SourceStatus,
    Transient,
)
from aggregator.sdk.discovery import validate_config
from tests.connectors.district_html.district_channel import CONNECTOR, MANIFEST, START, ZONE, report

PHOTO = b"\x89PNG\r\n\x1a\n invented"


def test_every_report_arrives_once_with_all_that_the_page_says(channel):
    portal = channel(reports=[report(1), report(2, anonymous=True, status="in_progress"), report(3)])
    first, second, third = portal.records()
    assert [r.external_id for r in (first, second, third)] == ["PA-0001", "PA-0002", "PA-0003"]
    assert first.subject == "Rác chất đống ở hẻm 1"
    assert first.body == "Rác ba ngày chưa thu gom.\nMùi rất nặng."
    assert first.occurred_at == START + timedelta(hours=1)
    due = START + timedelta(days=5, hours=1)
    end_of_that_day = due.astimezone(ZONE).replace(hour=23, minute=59, second=59)
    assert first.due_at in (due, end_of_that_day), "one face gives the hour, the other the day"
    assert (first.person.name, first.person.phone) == ("Người Gửi 1", "0900 000 000")
    assert (first.location.address, first.location.area) == ("Hẻm 1 Lê Văn Sỹ", "Phường 13, Quận 3")
    assert (first.location.lat, first.location.lng) == (10.7869, 106.6813)
    assert (first.category_raw, first.urgency_raw) == ("Môi trường", "Khẩn")
    assert (first.status, second.status) == (SourceStatus.NEW, SourceStatus.IN_PROGRESS)
    assert (second.person.anonymous, second.person.name, second.person.phone) == (True, None, None)
    assert portal.records() == []


def test_settings_of_both_faces_are_valid(channel):
    portal = channel()
    assert validate_config(MANIFEST, portal.config, portal.secrets) == []


def test_renamed_label_is_told_and_carries_no_number_past_the_encryption(channel):
    portal = channel()
    portal.portal.redesigned = "label"
    first = portal.records()[0]
    assert first.person.phone is None
    assert first.extra["unread_labels"] == ["Số máy"]
    assert "0900" not in repr(first.extra)


def test_label_is_kept_where_the_layout_asks_for_it(table):
    assert table().records()[0].extra == {"Tổ dân phố": "Tổ 5"}


def test_many_pages_are_read_whole_oldest_first_and_counted(channel):
    portal = channel(count=47)
    batches = portal.poll()
    ids = [r.external_id for b in batches for r in b.records]
    assert ids == [f"PA-{n:04d}" for n in range(1, 48)]
    assert batches[-1].source_count == 47
    assert portal.records() == []


def test_poll_broken_off_between_batches_loses_and_doubles_nothing(channel):
    portal = channel(count=47)
    stream = CONNECTOR.poll(portal.ctx(), None)
    first = next(stream)
    portal.cursor = json.loads(json.dumps(first.next_cursor))
    stream.close()
    rest = [r.external_id for r in portal.records()]
    assert sorted([r.external_id for r in first.records] + rest) == [f"PA-{n:04d}" for n in range(1, 48)]


def test_edited_report_comes_again_under_the_same_id(channel):
    portal = channel(count=25)
    portal.poll()
    portal.edit(**report(4, body="Nay đã lan ra lòng đường."))
    (changed,) = portal.records()
    assert (changed.external_id, changed.body) == ("PA-0004", "Nay đã lan ra lòng đường.")
    assert changed.occurred_at == START + timedelta(hours=4)


def test_old_report_that_does_not_move_up_is_found_by_the_sweep(table):
    portal = table(count=45, order="created")
    portal.poll()
    portal.edit(**report(3, status="in_progress"))
    found, polls = [], 0
    while not found:
        found, polls = portal.records(), polls + 1
        assert polls < 6
    assert [r.external_id for r in found] == ["PA-0003"]


def test_view_counter_is_no_news(table):
    portal = table()
    portal.poll()
    before = portal.portal.requests
    assert portal.records() == []
    assert portal.portal.requests - before <= 3, "list pages only, no report opened"


def test_session_that_ends_in_the_middle_of_a_poll_is_renewed(channel):
    portal = channel(count=23, session_requests=7)
    assert len(portal.records()) == 23
    assert portal.portal.store["session"] > 3


def test_login_is_kept_over_polls(channel):
    portal = channel()
    portal.poll()
    portal.poll()
    assert portal.portal.store["session"] == 1


def test_foreign_login_page_with_status_200_is_met_with_one_sign_in(channel):
    portal = channel()
    portal.poll()
    portal.fault("login_page")
    assert portal.records() == []
    assert portal.portal.store["session"] == 2


def test_login_page_that_stays_is_an_authentication_failure(channel):
    portal = channel()
    portal.poll()
    portal.fault("login_page", count=None, path="phan-anh|tiep-nhan")
    with pytest.raises(AuthFailed):
        portal.poll()


@pytest.mark.parametrize("part", ["list", "detail"])
def test_changed_page_is_never_a_success_with_nothing_new(channel, part):
    portal = channel()
    portal.portal.redesigned = part
    with pytest.raises(SchemaDrift):
        portal.poll()


def test_list_that_turns_empty_is_not_believed(channel):
    portal = channel()
    portal.poll()
    portal.portal.redesigned = "empty"
    with pytest.raises(SchemaDrift):
        portal.poll()


def test_paging_that_stands_still_is_noticed(channel):
    portal = channel(count=35)
    portal.fault("repeat_page", count=None)
    with pytest.raises(SchemaDrift, match="10 of 35"):
        portal.poll()


def test_captcha_is_its_own_error(table):
    portal = table()
    portal.poll()
    portal.config["layout"] = {"challenge": "#danh-sach"}
    with pytest.raises(BotChallenge):
        portal.poll()


def test_one_bad_report_is_quarantined_with_its_page_and_maps_again_later(channel):
    portal = channel()
    portal.fault("bad_record", path="xem|PA-0002")
    (batch,) = portal.poll()
    assert len(batch.records) == 2
    (problem,) = batch.problems
    assert problem.error.field == "created"
    assert "<html" in problem.item.content.decode().lower()
    assert portal.poll()[0].problems == (), "told once, not at every poll"


def test_row_without_an_id_is_quarantined_and_the_rest_goes_on(channel):
    portal = channel()
    portal.fault("bad_record", path="(phan-anh|danh-sach/.)$", count=None)
    (batch,) = portal.poll()
    assert len(batch.records) == 2
    assert [p.error.field for p in batch.problems] == ["id"]
    assert portal.poll()[0].problems == (), "told once, not at every poll"
    portal.portal.faults.clear()
    assert len(portal.records()) == 1


def test_kept_page_maps_again_without_network(channel):
    portal = channel()
    (batch,) = portal.poll()
    ctx = portal.ctx()
    assert [CONNECTOR.remap(ctx, item) for item in batch.items] == list(batch.records)
    assert ctx.http.requests == 0


def test_report_that_crashes_the_portal_holds_up_no_other(table):
    portal = table()
    portal.fault("status", code=500, path="PA-0002", count=None)
    (first,) = portal.poll()
    assert [r.external_id for r in first.records] == ["PA-0001", "PA-0003"]
    assert portal.poll()[0].problems == (), "tried a second time"
    (third,) = portal.poll()
    assert [p.error.external_id for p in third.problems] == ["PA-0002"]
    assert portal.poll()[0].problems == ()


def test_report_put_off_is_read_when_it_answers_again_wherever_it_stands(table):
    portal = table(count=45, order="created")
    portal.fault("status", code=500, path="PA-0001")
    assert len(portal.records()) == 44
    assert [r.external_id for r in portal.records()] == ["PA-0001"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "outage"}, Transient),
        ({"kind": "status", "code": 503}, Transient),
        ({"kind": "truncate"}, Transient),
        ({"kind": "maintenance"}, Transient),
        ({"kind": "status", "code": 404}, ConfigInvalid),
    ],
)
def test_each_trouble_of_the_list_has_its_class(channel, fault, error):
    portal = channel()
    portal.poll()
    cursor = portal.cursor
    portal.fault(**fault)
    with pytest.raises(error):
        portal.poll()
    assert portal.cursor == cursor


@pytest.mark.parametrize("text", [{"charset": "windows-1258"}, {"nfd": True}], ids=["windows-1258", "nfd"])
def test_old_encodings_read_as_composed_text(channel, text):
    portal = channel(**text)
    first = portal.records()[0]
    assert first.subject == "Rác chất đống ở hẻm 1"
    assert first.location.address == "Hẻm 1 Lê Văn Sỹ"
    assert first.status is SourceStatus.NEW


def test_attachment_is_fetched_signed_in(channel):
    file = {"filename": "hẻm 1.png", "base64": base64.b64encode(PHOTO).decode(), "content_type": "image/png"}
    portal = channel(reports=[report(1, attachments=[file])])
    (record,) = portal.records()
    (attachment,) = record.attachments
    portal.fault("expire_sessions")
    fetched = CONNECTOR.fetch_attachment(portal.ctx(), attachment.ref)
    assert (fetched.content, fetched.content_type) == (PHOTO, "image/png")
    with pytest.raises(Permanent):
        CONNECTOR.fetch_attachment(portal.ctx(), attachment.ref.replace("/0", "/7", 1))
