"""The bus's items as records: a recorded list, and a row for each oddity."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from aggregator.sdk.contract import BadRecord, ConfigInvalid, PushCommand, SourceStatus
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.echo import find_answer
from connectors.national_bus import mapping, settings

HERE = Path(__file__).parent
MANIFEST = load_manifest(Path(settings.__file__).parent)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SEEN_AT = datetime(2026, 10, 5, 1, 30, tzinfo=UTC)
GIVEN = {
    "adapter_url": "http://bus.example",
    "integration_endpoint": "/g",
    "username": "u",
    "dstcode": "d",
    "madonvi": "000.00.00.H29",
}


def read(**more):
    return settings.read({**GIVEN, **more})


def status_of(raw):
    return SourceStatus(MANIFEST.status_map.get(raw, "unmapped"))


def record_of(entry, config=None, categories=None):
    return mapping.record_of(
        mapping.raw_item(entry, SEEN_AT),
        config or read(),
        zone=ZONE,
        status_of=status_of,
        categories=categories or {},
    )


def one(**item):
    return mapping.entries([{"HOIDAPID": 1, "NOIDUNG": "Đèn đường hỏng", **item}], read())[0]


def sample():
    return json.loads((HERE / "samples" / "questions.json").read_text("utf-8"))["result"]


def test_recorded_list_becomes_one_record_for_each_question():
    first, second, third = mapping.entries(sample(), read())
    pothole = record_of(first, categories={"G06-GT01": "Giao thông"})
    assert pothole.external_id == "510001"
    assert pothole.subject == "Vỉa hè trước số 45 đường Lê Văn Sỹ bị đào lên rồi bỏ dở."
    assert pothole.body.endswith("quay lại.")
    assert (pothole.person.name, pothole.person.email) == ("Phan Thị Ví Dụ", "vidu@example.vn")
    assert (pothole.category_raw, pothole.extra["category_code"]) == ("Giao thông", "G06-GT01")
    assert pothole.status is SourceStatus.NEW
    assert pothole.answers == ()
    rubbish = record_of(second)
    assert [answer.remote_ref for answer in rubbish.answers] == ["9901", "9902"]
    assert (rubbish.status_raw, rubbish.status) == ("7", SourceStatus.UNMAPPED)
    assert rubbish.extra["procedure"] == "1.000001"
    with pytest.raises(BadRecord) as caught:
        record_of(third)
    assert (caught.value.field, caught.value.external_id) == ("NOIDUNG", "510003")


def test_instant_is_the_first_observation_and_never_news():
    record = record_of(one())
    assert record.occurred_at == SEEN_AT
    assert record.volatile == ("occurred_at",)
    assert record.extra["occurred_at_from"] == "first observed"


@pytest.mark.parametrize(
    ("text", "instant", "note"),
    [
        ("05/10/2026 08:30", datetime(2026, 10, 5, 1, 30, tzinfo=UTC), "minutes, Vietnam time"),
        ("20261005083000", datetime(2026, 10, 5, 1, 30, tzinfo=UTC), "the dossier services' form"),
        ("05/10/2026", datetime(2026, 10, 4, 17, 0, tzinfo=UTC), "a day alone starts at midnight there"),
    ],
)
def test_instant_comes_from_the_source_where_a_field_is_set(text, instant, note):
    config = read(fields={"created": "NGAYGUI"})
    record = record_of(one(NGAYGUI=text), config)
    assert record.occurred_at == instant, note
    assert record.volatile == ()


def test_unreadable_date_is_a_bad_record():
    with pytest.raises(BadRecord) as caught:
        record_of(one(NGAYGUI="hôm qua"), read(fields={"created": "NGAYGUI"}))
    assert caught.value.field == "NGAYGUI"


def test_digest_ignores_key_order_and_sees_every_value():
    plain = mapping.entries([{"HOIDAPID": 1, "NOIDUNG": "a"}], read())[0]
    turned = mapping.entries([{"NOIDUNG": "a", "HOIDAPID": 1}], read())[0]
    other = mapping.entries([{"HOIDAPID": 1, "NOIDUNG": "b"}], read())[0]
    assert plain.digest == turned.digest != other.digest


def test_rows_in_another_order_are_no_news():
    rows = sample()
    assert [e.digest for e in mapping.entries(rows, read())][1] == [
        e.digest for e in mapping.entries([rows[0], rows[2], rows[1], rows[3]], read())
    ][1]


def test_lower_case_keys_are_met_too():
    item = {"hoidapid": 7, "noidung": "Ngập nước"}
    (entry,) = mapping.entries([item], read())
    assert record_of(entry).external_id == "7"


def test_item_that_is_no_object_is_bad_and_keeps_its_own_place():
    first, second = mapping.entries(["lạ", {"HOIDAPID": 1, "NOIDUNG": "a"}], read())
    with pytest.raises(BadRecord):
        record_of(first)
    assert record_of(second).external_id == "1"


def test_answer_carries_the_six_fields_with_the_day_in_vietnam():
    command = PushCommand(
        idempotency_key="k",
        external_id="510001",
        kind="result",
        body="Đã xong",
        status=SourceStatus.RESOLVED,
        at=datetime(2026, 10, 5, 18, 0, tzinfo=UTC),
        author_title="Chuyên viên",
    )
    assert mapping.answer_item(command, read(answerer_name="Tổ tiếp nhận"), ZONE) == {
        "HOIDAPID": "510001",
        "MADONVI": "000.00.00.H29",
        "NGUOITRALOI": "Tổ tiếp nhận",
        "CHUCVUNGUOITRALOI": "Chuyên viên",
        "NGAYTRALOI": "06/10/2026",
        "NOIDUNGTRALOI": "Đã xong",
    }


def test_answer_is_found_however_the_portal_folded_it():
    rows = [{"TRALOIID": 5, "NOIDUNGTRALOI": "Đa\u0303 xử lý  &amp; thông báo\n"}]
    answers = mapping.answers_of(rows, read(), ZONE)
    assert find_answer(answers, "Đã xử lý & thông báo").remote_ref == "5"
    assert find_answer(answers, "Đã xử lý") is None


def test_defaults_in_code_and_in_the_form_are_the_same():
    shown = MANIFEST.config_schema["properties"]
    for name, defaults in [
        ("services", settings.SERVICES),
        ("paths", settings.PATHS),
        ("fields", settings.FIELDS),
        ("answer_fields", settings.ANSWER_FIELDS),
        ("category_fields", settings.CATEGORY_FIELDS),
    ]:
        rules = shown[name]["properties"]
        assert {key: rule["default"] for key, rule in rules.items()} == defaults, name
    assert tuple(shown["date_formats"]["default"]) == settings.DATE_FORMATS


def test_settings_name_what_is_missing_or_unknown():
    with pytest.raises(ConfigInvalid, match="madonvi"):
        settings.read({**GIVEN, "madonvi": ""})
    with pytest.raises(ConfigInvalid, match="tieu_de"):
        read(fields={"tieu_de": "X"})
