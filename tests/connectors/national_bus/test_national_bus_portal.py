"""The national bus against its simulated portal, over real sockets."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

import connectors.national_bus as package
from aggregator.sdk.contract import (
    AuthFailed,
    Permanent,
    PushCommand,
    SchemaDrift,
    SourceStatus,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.discovery import load_manifest
from aggregator.sdk.sandbox import serve
from aggregator.sdk.testing import context_for
from connectors.national_bus import CONNECTOR, sandbox

MANIFEST = load_manifest(Path(package.__file__).parent)
NOW = datetime(2026, 10, 5, 1, 30, tzinfo=UTC)


def reports(count=3):
    return [
        {
            "id": str(510000 + n),
            "subject": f"Ổ gà số {n} trên đường Lê Văn Sỹ",
            "body": "Xe máy dễ ngã.",
            "name": f"Người Gửi {n}",
            "phone": "0900 000 000",
            "email": "vidu@example.vn",
            "category": "Giao thông",
            "created": f"2026-10-0{1 + n % 4}T08:00:00+07:00",
        }
        for n in range(1, count + 1)
    ]


class Channel:
    """A channel set up against one simulated bus, with its kept state and cursor."""

    def __init__(self, scenario):
        self.running = serve(sandbox.build(scenario))
        self.config, self.secrets = sandbox.settings_for(self.running.url, scenario)
        self.state, self.cursor, self.now = {}, None, NOW

    def ctx(self, **more):
        given = {"config": self.config, "secrets": self.secrets, "now": self.now, "state": self.state}
        return context_for(self.running, MANIFEST, **{**given, **more})

    def poll(self, **more):
        batches = list(CONNECTOR.poll(self.ctx(**more), self.cursor))
        assert [b.complete for b in batches] == [False] * (len(batches) - 1) + [True]
        self.cursor = json.loads(json.dumps(batches[-1].next_cursor))
        return batches

    def records(self, **more):
        return [record for batch in self.poll(**more) for record in batch.records]

    def fault(self, kind, **options):
        requests.post(f"{self.running.url}/_control/faults", json={"kind": kind, **options}, timeout=5)

    def state_of_portal(self):
        return requests.get(f"{self.running.url}/_control/state", timeout=5).json()

    def edit(self, **report):
        requests.post(f"{self.running.url}/_control/reports", json=[report], timeout=5)


@pytest.fixture
def channel():
    made = []

    def make(**scenario):
        made.append(Channel({"reports": reports(), **scenario}))
        return made[-1]

    yield make
    for one in made:
        one.running.close()


def command(body="Đã vá ổ gà.", attempt=1, external_id="510001", kind="result"):
    return PushCommand(
        idempotency_key="a1",
        external_id=external_id,
        kind=kind,
        body=body,
        status=SourceStatus.RESOLVED,
        at=NOW,
        author_name="Lan",
        author_title="Chuyên viên",
        attempt=attempt,
    )


# Reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dstcode_in", ["header", "query"])
@pytest.mark.parametrize("codes_as", ["int", "string"])
def test_every_question_arrives_once(channel, dstcode_in, codes_as):
    bus = channel(dstcode_in=dstcode_in, codes_as=codes_as)
    assert [r.external_id for r in bus.records()] == ["510001", "510002", "510003"]
    assert bus.records() == []


def test_category_shows_its_name_from_the_shared_dictionary(channel):
    bus = channel()
    assert {r.category_raw for r in bus.records()} == {"Giao thông"}


def test_missing_dictionary_holds_up_no_report(channel):
    bus = channel()
    bus.config["services"] = {"categories": "KhongCoDichVuNay"}
    assert {r.category_raw[:2] for r in bus.records()} == {"LV"}


def test_edited_question_is_the_same_report_with_the_same_instant(channel):
    bus = channel()
    before = {r.external_id: r for r in bus.records()}
    bus.edit(**{**reports()[1], "body": "Đã có người ngã."})
    bus.now = NOW + timedelta(days=3)
    (after,) = bus.records()
    assert after.external_id == "510002"
    assert after.body != before["510002"].body
    assert after.occurred_at == before["510002"].occurred_at == NOW


def test_question_that_left_the_list_and_returned_keeps_its_instant(channel):
    bus = channel()
    bus.poll()
    gone = bus.running.portal.reports.pop("510002")
    assert bus.records() == []
    bus.running.portal.reports["510002"] = gone
    gone.body = "Mới sửa"
    bus.now = NOW + timedelta(days=3)
    assert [(r.external_id, r.occurred_at) for r in bus.records()] == [("510002", NOW)]


def test_list_with_dates_is_read_oldest_first(channel):
    bus = channel(dated=True, reports=reports(4))
    found = bus.records()
    assert [r.occurred_at.day for r in found] == sorted(r.occurred_at.day for r in found)
    assert found[0].external_id == "510004"


def test_large_list_comes_in_batches_that_can_be_resumed(channel):
    bus = channel(reports=reports(230))
    stream = CONNECTOR.poll(bus.ctx(), None)
    bus.cursor = next(stream).next_cursor
    stream.close()
    assert len(bus.records()) == 130


def test_one_bad_item_does_not_stop_the_batch_and_is_told_once(channel):
    bus = channel()
    bus.fault("bad_record", count=2)
    (batch,) = bus.poll()
    assert len(batch.records) == 2
    (problem,) = batch.problems
    assert problem.error.external_id == "510002"
    assert bus.poll()[0].problems == ()
    assert [r.external_id for r in bus.records()] == ["510002"]


def test_kept_item_maps_again_without_network(channel):
    bus = channel()
    (batch,) = bus.poll()
    bus.running.portal.closing.set()
    ctx = bus.ctx(now=NOW + timedelta(days=400))
    assert [CONNECTOR.remap(ctx, item) for item in batch.items] == list(batch.records)
    assert ctx.http.requests == 0


@pytest.mark.parametrize("said", ["code", "no_result", "empty"])
def test_session_that_ended_is_renewed_once(channel, said):
    bus = channel(expired_as=said)
    bus.poll()
    bus.fault("expire_sessions")
    bus.edit(**{**reports()[0], "body": "Sửa"})
    assert [r.external_id for r in bus.records()] == ["510001"]


def test_session_is_kept_over_polls(channel):
    bus = channel()
    bus.poll()
    bus.poll()
    assert bus.running.portal.store["signed_in"] == 1


def test_session_refused_at_once_is_an_authentication_failure(channel):
    bus = channel()
    bus.fault("expire_sessions", count=None)
    with pytest.raises(AuthFailed, match="error_code 9"):
        bus.poll()


def test_code_that_means_busy_is_tried_later_without_a_new_sign_in(channel):
    bus = channel()
    bus.poll()
    bus.config["busy_codes"] = ["9"]
    bus.fault("expire_sessions")
    with pytest.raises(Transient):
        bus.poll()
    assert bus.running.portal.store["signed_in"] == 1


def test_emptied_list_is_believed_only_from_a_fresh_session(channel):
    bus = channel()
    bus.poll()
    bus.running.portal.reports.clear()
    assert bus.records() == []
    assert bus.running.portal.store["signed_in"] == 2


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"id": "MAPAKN"}, "no item carries the id field"),
        ({"body": "NOIDUNGPAKN"}, "every item lacks its text"),
    ],
)
def test_changed_fields_are_never_an_empty_success(channel, fields, note):
    bus = channel()
    bus.config["fields"] = fields
    with pytest.raises(SchemaDrift):
        bus.poll()
    assert bus.cursor is None, note


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "outage"}, Transient),
        ({"kind": "status", "code": 502}, Transient),
        ({"kind": "status", "code": 403}, AuthFailed),
        ({"kind": "truncate"}, Transient),
        ({"kind": "login_page"}, AuthFailed),
        ({"kind": "maintenance"}, Transient),
    ],
)
def test_each_trouble_has_its_class(channel, fault, error):
    bus = channel()
    bus.poll()
    bus.fault(**fault, path="/share")
    with pytest.raises(error):
        bus.poll()


# Answering ------------------------------------------------------------------------------------


def test_answer_reaches_the_citizen_and_the_next_poll_confirms_it(channel):
    bus = channel()
    bus.poll()
    assert CONNECTOR.push(bus.ctx(), command()).outcome == "sent"
    shown = bus.state_of_portal()["answers"]["510001"]
    assert [(a["body"], a["author"]) for a in shown] == [("Đã vá ổ gà.", "Lan")]
    state = CONNECTOR.lookup(bus.ctx(), command())
    assert state.found.body == "Đã vá ổ gà."
    assert state.status is SourceStatus.RESOLVED
    (record,) = bus.records()
    assert [a.body for a in record.answers] == ["Đã vá ổ gà."]


def test_same_answer_twice_is_sent_once(channel):
    bus = channel()
    CONNECTOR.push(bus.ctx(), command())
    assert CONNECTOR.push(bus.ctx(), command(attempt=2)).outcome == "already_there"
    assert bus.state_of_portal()["writes"] == 1


def test_lost_reply_is_unknown_then_found_and_never_doubled(channel):
    bus = channel()
    bus.fault("commit_then_drop")
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(bus.ctx(), command())
    assert CONNECTOR.lookup(bus.ctx(), command()).found is not None
    assert CONNECTOR.push(bus.ctx(), command(attempt=2)).outcome == "already_there"
    assert len(bus.state_of_portal()["answers"]["510001"]) == 1


def test_control_a_blind_repeat_doubles_the_answer_at_this_portal(channel):
    bus = channel()
    bus.poll()
    envelope = {
        "session": bus.state["session"],
        "madonvi": "000.00.00.H29",
        "service": "DongBoKetQuaHoiDapGuiTuDVCQG",
        "data": [{"HOIDAPID": 510001, "NGUOITRALOI": "Lan", "NOIDUNGTRALOI": "Đã vá ổ gà."}],
    }
    for _ in range(2):
        url = bus.running.url + sandbox.INTEGRATION
        requests.post(url, json=envelope, headers={"dstcode": bus.config["dstcode"]}, timeout=5)
    assert len(bus.state_of_portal()["answers"]["510001"]) == 2


def test_maintenance_page_after_a_write_is_no_success(channel):
    bus = channel()
    bus.fault("maintenance", path="/mapi/g$")
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(bus.ctx(), command())


@pytest.mark.parametrize("said", ["code", "no_result", "empty"])
def test_answer_is_sent_though_the_kept_session_has_ended(channel, said):
    bus = channel(expired_as=said)
    bus.poll()
    bus.fault("expire_sessions")
    assert CONNECTOR.push(bus.ctx(), command()).outcome == "sent"
    assert len(bus.state_of_portal()["answers"]["510001"]) == 1


def test_answers_that_cannot_be_read_are_never_taken_for_none(channel):
    bus = channel()
    CONNECTOR.push(bus.ctx(), command())
    bus.config["fields"] = {"answer": "NOIDUNGKHAC"}
    with pytest.raises(SchemaDrift):
        CONNECTOR.push(bus.ctx(), command(attempt=2))
    assert bus.state_of_portal()["writes"] == 1


def test_unknown_question_is_refused_for_good(channel):
    bus = channel()
    with pytest.raises(Permanent, match="error_code 5"):
        CONNECTOR.push(bus.ctx(), command(external_id="999"))


def test_progress_note_is_not_passed_off_as_the_answer(channel):
    bus = channel()
    with pytest.raises(Permanent):
        CONNECTOR.push(bus.ctx(), command(kind="progress"))
    assert bus.state_of_portal()["writes"] == 0


def test_killed_bus_comes_back_as_it_was(tmp_path):
    scenario = {"reports": reports()}
    file = tmp_path / "bus.json"
    with serve(sandbox.build(scenario, file)) as running:
        config, secrets = sandbox.settings_for(running.url, scenario)
        CONNECTOR.push(context_for(running, MANIFEST, config, secrets), command())
    with serve(sandbox.build(scenario, file)) as running:
        ctx = context_for(running, MANIFEST, {**config, "adapter_url": running.url}, secrets)
        assert CONNECTOR.lookup(ctx, command()).found is not None


# Set-up ---------------------------------------------------------------------------------------


def test_check_names_every_step_and_creates_nothing(channel):
    bus = channel()
    results = CONNECTOR.check(bus.ctx())
    assert [(r.name, r.ok) for r in results] == [
        (name, True)
        for name in ("Thiết lập", "Đăng nhập", "Đọc danh sách", "Đọc thử một mục", "Đọc lại câu trả lời")
    ]
    assert bus.state_of_portal()["writes"] == 0


def test_check_with_a_wrong_password_says_so_in_vietnamese(channel):
    bus = channel()
    last = CONNECTOR.check(bus.ctx(secrets={"password": "sai-mat-khau"}))[-1]
    assert (last.name, last.ok) == ("Đăng nhập", False)
    assert "từ chối đăng nhập" in last.detail
    assert "mật khẩu" in last.hint


def test_password_and_session_stay_out_of_messages(channel):
    bus = channel()
    bus.poll()
    bus.fault("status", code=403)
    with pytest.raises(AuthFailed) as caught:
        bus.poll()
    told = f"{caught.value} {caught.value.evidence}"
    assert bus.secrets["password"] not in told
    assert bus.state["session"] not in told
