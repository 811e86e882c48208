"""Layouts are settings: presets, a channel's own entries, and a recorded page of a third portal."""

import re
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from aggregator.sdk.contract import BadRecord, ConfigInvalid, RawItem, SchemaDrift, SourceStatus
from aggregator.sdk.html import soup
from aggregator.sdk.html_portal import mapping
from connectors.district_html import sandbox
from connectors.district_html.sandbox import encode_1258
from tests.connectors.district_html.district_channel import CONNECTOR

SAMPLES = Path(__file__).parent / "samples"
layout = CONNECTOR.faces
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def aspx():
    return layout.load(yaml.safe_load((SAMPLES / "aspx_layout.yaml").read_text("utf-8")))


def record_of(item, of):
    return mapping.record_of(
        item, of, base_url="https://cu.example", zone=ZONE, status_of=lambda raw: SourceStatus.UNMAPPED
    )


def test_recorded_page_of_a_third_portal_needs_settings_only():
    content = (SAMPLES / "aspx_detail.html").read_bytes()
    record = record_of(RawItem(content, "text/html; charset=iso-8859-1", "report 4417"), aspx())
    assert record.external_id == "4417"
    assert record.occurred_at == datetime(2026, 10, 5, 1, 30, tzinfo=UTC)
    assert record.subject == "Nước thải đổ ra hẻm 12"
    assert record.body == "Quán ăn đổ nước thải ra hẻm mỗi tối.\nĐề nghị phường kiểm tra."
    assert (record.person.name, record.person.address) == ("Võ Thị Ví Dụ", "12/3 đường Thử Nghiệm")
    assert record.status_raw == "Đang xử lý"
    assert record.extra == {"Khu phố": "Khu phố 3"}
    assert [(a.ref, a.filename) for a in record.attachments] == [("/Files/anh%20hem.jpg", "Ảnh")]
    assert record.url == "https://cu.example/Don.aspx?id=4417"


def test_page_cut_in_half_is_no_record():
    content = (SAMPLES / "aspx_detail.html").read_bytes()
    with pytest.raises(BadRecord):
        record_of(RawItem(content[:300], "text/html", "half"), aspx())


@pytest.mark.parametrize("preset", ["table", "cards"])
def test_presets_load(preset):
    assert layout.load({"preset": preset}).detail.required


def test_channel_states_only_what_differs():
    own = layout.load(
        {"list": {"path": "/ds?p={page}"}, "detail": {"labels": {"names": {"Ngày gửi": "created"}}}}
    )
    assert own.list.path == "/ds?p={page}"
    assert own.list.container == layout.load({}).list.container
    assert own.detail.labels.names["Ngày gửi"] == own.detail.labels.names["Thời gian gửi"] == "created"


@pytest.mark.parametrize(
    ("given", "named", "note"),
    [
        ({"preset": "bang"}, "layout.preset", "no such preset"),
        ({"lst": {}}, "layout.lst", "misspelt part"),
        ({"list": {"rows": "tr"}}, "layout.list.rows", "misspelt key"),
        ({"list": {"row": "tr["}}, "layout.list.row", "broken selector"),
        ({"list": {"id": {"regex": "("}}}, "layout.list.id.regex", "broken expression"),
        ({"detail": {"fields": {"tieu_de": "h1"}}}, "tieu_de", "a field that we do not have"),
        ({"detail": {"labels": {"names": {"Ngày": "ngay"}}}}, "ngay", "a label for no field of ours"),
        ({"preset": "none"}, "not given: login", "nothing to start from"),
        ({"login": "x"}, "layout.login", "a text where a table belongs"),
    ],
)
def test_wrong_layout_is_told_by_its_path(given, named, note):
    with pytest.raises(ConfigInvalid) as caught:
        layout.load(given)
    assert named in str(caught.value), note


@pytest.mark.parametrize(
    ("text", "instant", "note"),
    [
        ("05/10/2026 08:30", datetime(2026, 10, 5, 1, 30, tzinfo=UTC), "local time without zone"),
        ("2026-10-05T08:30:00+07:00", datetime(2026, 10, 5, 1, 30, tzinfo=UTC), "ISO with zone"),
        ("2026-10-05T01:30:00Z", datetime(2026, 10, 5, 1, 30, tzinfo=UTC), "ISO in UTC"),
        ("05/10/2026", datetime(2026, 10, 4, 17, 0, tzinfo=UTC), "a day starts at midnight in Vietnam"),
        ("31/02/2026", None, "no such day"),
        ("hôm qua", None, "words"),
    ],
)
def test_times_become_instants(text, instant, note):
    assert mapping.moment(text, ["%d/%m/%Y %H:%M", "%d/%m/%Y", "iso"], ZONE) == instant, note


def test_old_windows_text_composes_to_the_letters_people_type():
    text = "Đường Nguyễn Đình Chiểu, phường Bàn Cờ – ổ gà, ngập nước"
    page = mapping.parse(
        f"<p>{'x'}</p>".encode().replace(b"x", encode_1258(text)), "text/html; charset=windows-1258"
    )
    assert page.p.get_text() == text


def test_choice_is_found_in_a_list_and_among_radio_buttons():
    form = soup(
        '<form><select name="s"><option value="1">Đang xử lý</option>'
        '<option value="2">Đã xử lý</option></select>'
        '<input type="radio" name="r" value="D" id="d"><label for="d">Đã giải quyết</label>'
        '<label><input type="radio" name="r" value="R">Từ chối</label></form>'
    ).form
    assert mapping.status_choice(form, "s", ["Đã giải quyết", "đã xử lý"]) == "2"
    assert mapping.status_choice(form, "r", ["Đã giải quyết"]) == "D"
    assert mapping.status_choice(form, "r", ["Từ chối"]) == "R"
    assert mapping.status_choice(form, "r", ["Trùng"]) is None


@pytest.mark.parametrize("face", ["table", "cards"])
def test_no_renamed_mark_of_a_page_makes_a_report_or_an_answer_vanish_silently(face):
    """Every id, class and label of both pages renamed in turn: each is noticed, or changes nothing."""
    of, portal = layout.load({"preset": face}), sandbox.build({"face": face, "reports": REPORTS})
    portal.answer("A1", "Đã xong", "Lan")
    listing = portal.face.listing([portal._shown(r) for r in portal.reports.values()], 2, None)
    detail = portal.face.detail(portal._shown(portal.reports["A1"]), "t", "", False)
    whole_list = [row.key for row in mapping.read_list(soup(listing), of.list).rows]
    whole = record_of(RawItem(detail.encode(), "text/html", "A1"), of)
    noticed = 0
    for mark in marks(listing):
        try:
            page = mapping.read_list(soup(listing.replace(mark, renamed(mark))), of.list)
        except SchemaDrift:
            noticed += 1
            continue
        unexplained = not page.rows and not page.says_empty  # `walk` refuses such a page
        assert unexplained or [row.key for row in page.rows] == whole_list, mark
    for mark in marks(detail):
        try:
            record = record_of(RawItem(detail.replace(mark, renamed(mark)).encode(), "text/html", "A1"), of)
        except BadRecord:
            noticed += 1
            continue
        told = record.extra.get("unread_labels")
        assert told or [a.ref for a in record.attachments] == [a.ref for a in whole.attachments], mark
        assert told or (record.subject, record.body) == (whole.subject, whole.body), mark
        assert told or record.person == whole.person, mark
        assert told or (record.status_raw, record.due_at) == (whole.status_raw, whole.due_at), mark
    assert noticed > 5


REPORTS = [
    {
        "id": f"A{n}",
        "subject": "Cây đổ",
        "body": "Chắn lối đi",
        "name": "Người Gửi",
        "phone": "0900 000 000",
        "due": "2026-10-05T08:00:00+07:00",
        "attachments": [{"filename": "a.png", "base64": "", "content_type": "image/png"}],
    }
    for n in (1, 2)
]


def marks(page):
    return list(dict.fromkeys(re.findall(r' (?:id|class)="[\w -]+"|<(?:th|dt)>[^<]+', page)))


def renamed(mark):
    return mark[:-1] + "-moi" + mark[-1] if mark.endswith('"') else mark.rstrip(":") + " mới"
