"""The portal's JSON in our words: recorded shapes (people invented) and the quirks one by one."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.sdk.contract import Answer, BadRecord, RawItem, Record
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.echo import find_answer
from aggregator.sdk.testing import context_for
from connectors import portal_1022
from connectors.portal_1022.mapping import digest, id_of, to_raw, to_record

SAMPLES = Path(__file__).parent / "samples"
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
CTX = context_for("http://127.0.0.1:1", load_manifest(Path(portal_1022.__file__).parent), now=NOW)


def shown(record: Record) -> dict:
    person, place = record.person, record.location
    return {
        "external_id": record.external_id,
        "occurred_at": record.occurred_at.isoformat(),
        "subject": record.subject,
        "body": record.body,
        "person": [person.name, person.phone, person.email, person.anonymous],
        "location": [place.address, place.lat, place.lng, place.area],
        "category_raw": record.category_raw,
        "status_raw": record.status_raw,
        "status": record.status.value,
        "due_at": record.due_at and record.due_at.isoformat(),
        "attachments": [[a.ref, a.filename] for a in record.attachments],
        "answers": [[a.body, a.at and a.at.isoformat(), a.author, a.remote_ref] for a in record.answers],
        "extra": dict(record.extra),
    }


NAMES = sorted(p.stem for p in SAMPLES.glob("*.json") if ".expected" not in p.name)


@pytest.mark.parametrize("name", NAMES)
def test_recorded_report_maps_as_written_down(name):
    expected = json.loads((SAMPLES / f"{name}.expected.json").read_text("utf-8"))
    assert shown(to_record(CTX, RawItem((SAMPLES / f"{name}.json").read_bytes()))) == expected


LINE = {
    "id": 1,
    "tieuDe": "Ổ gà",
    "noiDung": "Ổ gà lớn",
    "ngayDienRa": "05/03/2026",
    "thoiGianDienRa": "08:00",
}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": None}, "id"),
        ({"id": True}, "id"),
        ({"ngayDienRa": "31/02/2026"}, "ngayDienRa"),
        ({"ngayDienRa": ""}, "ngayDienRa"),
        ({"ngayDienRa": "05/03/0026"}, "ngayDienRa"),
        ({"ngayDienRa": "05/03/2027"}, "ngayDienRa"),  # a year ahead
        ({"thoiGianDienRa": "25:61"}, "thoiGianDienRa"),
        ({"tieuDe": " ", "noiDung": ""}, "tieuDe"),
        ({"ngayHetHan": 9**30}, "ngayHetHan"),
    ],
)
def test_record_that_cannot_be_read_names_its_field(changes, field):
    with pytest.raises(BadRecord) as caught:
        to_record(CTX, to_raw({**LINE, **changes}, None, "data[0]"))
    assert caught.value.field == field
    assert caught.value.external_id == (None if field == "id" else "1")


@pytest.mark.parametrize(
    ("data", "id_"),
    [
        ({"id": 7}, "7"),
        ({"id": " 7 "}, "7"),
        ({"yKienId": 7}, "7"),
        ({"data": {"id": 7}}, "7"),
        ({"data": {"yKienId": "PA-7"}}, "PA-7"),
        ({"msg": "OK"}, None),
        ({"id": ""}, None),
        ({"data": [1]}, None),
    ],
)
def test_id_is_found_under_each_of_its_names(data, id_):
    assert id_of(data) == id_


def test_counters_are_no_news():
    assert digest({**LINE, "quanTam": 5, "thongBaoThoiHan": "Còn 2 ngày"}) == digest({**LINE, "quanTam": 6})
    assert digest({**LINE, "tieuDe": "Hố ga"}) != digest(LINE)


@pytest.mark.parametrize(
    ("remote", "found", "note"),
    [
        ("Đã vá xong.\nCảm ơn bà con.", True, "the same"),
        ("  Đã vá   xong.\r\n\r\nCảm ơn bà con. ", True, "white space folded by the portal"),
        ("<p>Đã vá xong.</p><p>Cảm ơn&nbsp;bà con.</p>", True, "wrapped in markup"),
        (unicodedata.normalize("NFD", "Đã vá xong. Cảm ơn bà con."), True, "letters taken apart"),
        ("Đã vá xong.", False, "only the beginning"),
        ("Đã vá xong. Cảm ơn bà con. Trân trọng.", False, "more than ours"),
    ],
)
def test_our_answer_is_known_by_its_words(remote, found, note):
    answers = (Answer("Đã tiếp nhận.", NOW), Answer(remote, NOW, remote_ref="9"))
    hit = find_answer(answers, "Đã vá xong.\nCảm ơn bà con.", NOW)
    assert (hit is not None) is found, note


def test_same_words_from_long_before_are_somebody_elses():
    answer = Answer("Đã xử lý.", NOW - timedelta(days=3))
    assert find_answer((answer,), "Đã xử lý.", NOW) is None
    assert find_answer((answer,), "Đã xử lý.", NOW - timedelta(days=3)) is answer


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(LINE)), inner, max_size=3)
    ),
    max_leaves=6,
)
FIELDS = [
    *LINE,
    "thongTinXuLy",
    "thongTinLienHe",
    "hinhAnh",
    "ngayHetHan",
    "hanPhanHoi",
    "latitude",
    "gopY",
    "data",
]


@settings(max_examples=200, deadline=None)
@given(
    line=st.dictionaries(st.sampled_from(FIELDS), json_values),
    detail=st.dictionaries(st.sampled_from(FIELDS), json_values),
)
def test_any_json_becomes_a_record_or_a_bad_record(line, detail):
    try:
        record = to_record(CTX, to_raw({**LINE, **line}, detail, "data[0]"))
    except BadRecord:
        return
    assert record.external_id and record.subject and record.occurred_at.tzinfo is not None
