"""District portals against the simulated ones, over real sockets, both layouts."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import requests

import connectors.district_html as package
from aggregator.sdk.contract import (
    AuthFailed,
    BotChallenge,
    ConfigInvalid,
    Permanent,
    PushCommand,
    SchemaDrift,
    SourceStatus,
    Transient,
    UnknownOutcome,
)
from aggregator.sdk.discovery import load_manifest, validate_config
from aggregator.sdk.sandbox import serve
from aggregator.sdk.testing import context_for
from connectors.district_html import CONNECTOR, sandbox

MANIFEST = load_manifest(Path(package.__file__).parent)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
START = datetime(2026, 10, 1, 1, 0, tzinfo=UTC)
PHOTO = b"\x89PNG\r\n\x1a\n invented"


def report(n, **more):
    return {
        "id": f"PA-{n:04d}",
        "subject": f"Rác chất đống ở hẻm {n}",
        "body": "Rác ba ngày chưa thu gom.\nMùi rất nặng.",
        "name": f"Người Gửi {n}",
        "phone": "0900 000 000",
        "email": "vidu@example.vn",
        "address": f"Hẻm {n} Lê Văn Sỹ",
        "area": "Phường 13, Quận 3",
        "lat": 10.7869,
        "lng": 106.6813,
        "category": "Môi trường",
        "urgency": "Khẩn",
        "created": (START + timedelta(hours=n)).isoformat(),
        "due": (START + timedelta(days=5, hours=n)).isoformat(),
        **more,
    }


class Channel:
    """A channel set up against one simulated portal, with its kept state and cursor."""

    def __init__(self, scenario):
        self.running = serve(sandbox.build(scenario))
        self.portal = self.running.portal
        self.config, self.secrets = sandbox.settings_for(self.running.url, scenario)
        self.state, self.cursor = {}, None

    def ctx(self, **more):
        return context_for(
            self.running,
            MANIFEST,
            **{"config": self.config, "secrets": self.secrets, "state": self.state, **more},
        )

    def poll(self):
        batches = list(CONNECTOR.poll(self.ctx(), self.cursor))
        assert [b.complete for b in batches] == [False] * (len(batches) - 1) + [True]
        self.cursor = json.loads(json.dumps(batches[-1].next_cursor))
        return batches

    def records(self):
        return [record for batch in self.poll() for record in batch.records]

    def fault(self, kind, **options):
        requests.post(f"{self.running.url}/_control/faults", json={"kind": kind, **options}, timeout=5)

    def edit(self, **changes):
        requests.post(f"{self.running.url}/_control/reports", json=[changes], timeout=5)

    def shown(self):
        return requests.get(f"{self.running.url}/_control/state", timeout=5).json()


@pytest.fixture(params=["table", "cards"])
def channel(request):
    yield from _channels(request.param)


@pytest.fixture
def table():
    yield from _channels("table")


def _channels(face):
    made = []

    def make(count=3, **scenario):
        reports = scenario.pop("reports", [report(n) for n in range(1, count + 1)])
        made.append(Channel({"face": face, "reports": reports, **scenario}))
        return made[-1]

    yield make
    for one in made:
        one.running.close()


def command(body="Đã thu gom rác sáng nay.", attempt=1, external_id="PA-0002", status=SourceStatus.RESOLVED):
    return PushCommand(
        idempotency_key="k1",
        external_id=external_id,
        kind="result",
        body=body,
        status=status,
        at=START,
        author_name="Lan",
        attempt=attempt,
    )


# Reading --------------------------------------------------------------------------------------


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


# Answering ------------------------------------------------------------------------------------


def test_answer_stands_on_the_page_and_the_next_poll_confirms_it(channel):
    portal = channel()
    portal.poll()
    result = CONNECTOR.push(portal.ctx(), command())
    assert result.outcome == "sent"
    assert result.remote_ref
    assert [a["body"] for a in portal.shown()["answers"]["PA-0002"]] == ["Đã thu gom rác sáng nay."]
    state = CONNECTOR.lookup(portal.ctx(), command())
    assert (state.status, state.found.remote_ref) == (SourceStatus.RESOLVED, result.remote_ref)
    (record,) = portal.records()
    assert [a.body for a in record.answers] == ["Đã thu gom rác sáng nay."]


def test_same_answer_twice_is_sent_once(channel):
    portal = channel()
    CONNECTOR.push(portal.ctx(), command())
    assert CONNECTOR.push(portal.ctx(), command()).outcome == "already_there"
    assert CONNECTOR.push(portal.ctx(), command(attempt=2)).outcome == "already_there"
    assert len(portal.shown()["answers"]["PA-0002"]) == 1


def test_same_words_with_another_status_are_another_answer(channel):
    portal = channel()
    CONNECTOR.push(portal.ctx(), command("Đang kiểm tra.", status=SourceStatus.IN_PROGRESS))
    CONNECTOR.push(portal.ctx(), command("Đang kiểm tra.", status=SourceStatus.NEEDS_INFO))
    assert len(portal.shown()["answers"]["PA-0002"]) == 2


def test_lost_answer_page_is_unknown_then_found_and_never_doubled(channel):
    portal = channel()
    portal.fault("commit_then_drop")
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(portal.ctx(), command())
    assert CONNECTOR.lookup(portal.ctx(), command()).found is not None
    assert CONNECTOR.push(portal.ctx(), command(attempt=2)).outcome == "already_there"
    assert len(portal.shown()["answers"]["PA-0002"]) == 1


def test_lookup_before_anything_was_sent_finds_nothing(channel):
    portal = channel()
    assert CONNECTOR.lookup(portal.ctx(), command()).found is None
    assert CONNECTOR.lookup(portal.ctx(), command(external_id="PA-9999")) is None


@pytest.mark.parametrize("path", ["tra-loi", None], ids=["at the form", "at the page"])
def test_session_that_ends_while_answering_is_renewed_without_doubling(channel, path):
    portal = channel()
    portal.poll()
    portal.fault("expire_sessions", path=path)
    assert CONNECTOR.push(portal.ctx(), command()).outcome == "sent"
    assert len(portal.shown()["answers"]["PA-0002"]) == 1


def test_form_that_became_too_old_is_fetched_anew(channel):
    portal = channel()
    portal.portal.forms_too_old = 1
    assert CONNECTOR.push(portal.ctx(), command()).outcome == "sent"
    assert len(portal.shown()["answers"]["PA-0002"]) == 1


def test_control_without_its_token_the_form_is_not_taken(table):
    portal = table()
    portal.portal.sessions["s"] = "canbo"
    url = f"{portal.running.url}/phan-anh/PA-0002/tra-loi"
    form = {"noi_dung": "Xong", "trang_thai": "resolved"}
    answer = requests.post(url, data=form, cookies={"PHIEN": "s"}, timeout=5)
    assert "het-hieu-luc" in answer.text
    assert portal.shown()["writes"] == 0


def test_maintenance_page_after_the_form_is_no_success(channel):
    portal = channel()
    portal.fault("maintenance", path="tra-loi")
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(portal.ctx(), command())
    assert portal.shown()["writes"] == 0


def test_closed_report_is_refused_for_good(channel):
    portal = channel(reports=[report(2, status="rejected")])
    with pytest.raises(Permanent):
        CONNECTOR.push(portal.ctx(), command())


def test_answer_that_the_form_refuses_is_refused_for_good(channel):
    portal = channel()
    with pytest.raises(Permanent, match="refused the answer"):
        CONNECTOR.push(portal.ctx(), command(body="   "))


def test_status_that_the_form_does_not_offer_is_refused_for_good(channel):
    portal = channel()
    with pytest.raises(Permanent, match="duplicate"):
        CONNECTOR.push(portal.ctx(), command(status=SourceStatus.DUPLICATE))
    assert portal.shown()["writes"] == 0


def test_report_that_is_gone_is_refused_for_good(channel):
    portal = channel()
    with pytest.raises(Permanent):
        CONNECTOR.push(portal.ctx(), command(external_id="PA-9999"))


def test_killed_portal_comes_back_as_it_was(tmp_path):
    scenario = {"reports": [report(1), report(2)]}
    file = tmp_path / "portal.json"
    with serve(sandbox.build(scenario, file)) as running:
        config, secrets = sandbox.settings_for(running.url, scenario)
        CONNECTOR.push(context_for(running, MANIFEST, config, secrets), command())
    with serve(sandbox.build(scenario, file)) as running:
        ctx = context_for(running, MANIFEST, {**config, "base_url": running.url}, secrets)
        assert CONNECTOR.lookup(ctx, command()).found is not None


# Set-up ---------------------------------------------------------------------------------------


def test_check_names_every_step_and_creates_nothing(channel):
    portal = channel()
    results = CONNECTOR.check(portal.ctx())
    assert [(r.name, r.ok) for r in results] == [
        (name, True) for name in ("settings", "sign_in", "list", "sample", "reply_form")
    ]
    assert portal.shown()["writes"] == 0


@pytest.mark.parametrize(
    ("change", "step", "word", "note"),
    [
        ({"secrets": {"password": "sai"}}, "sign_in", "mật khẩu", "wrong password"),
        ({"layout": {"list": {"container": "#khac"}}}, "list", "giao diện", "another list"),
        ({"layout": {"lsit": {}}}, "settings", "bố cục", "misspelt layout"),
    ],
)
def test_check_says_in_vietnamese_what_to_do(table, change, step, word, note):
    portal = table()
    portal.config.update({key: value for key, value in change.items() if key == "layout"})
    last = CONNECTOR.check(portal.ctx(secrets=change.get("secrets", portal.secrets)))[-1]
    assert (last.name, last.ok) == (step, False), note
    assert word in last.hint, note


def test_password_and_cookie_stay_out_of_messages(channel):
    portal = channel()
    portal.poll()
    portal.fault("status", code=403, count=None)
    with pytest.raises(AuthFailed) as caught:
        portal.poll()
    told = f"{caught.value} {caught.value.evidence}"
    assert portal.secrets["password"] not in told
    assert all(value not in told for value in portal.state.get("cookies", {}).values())
