"""Answering through district portals' forms, and setting them up: over real sockets, both layouts."""

import pytest
import requests

from aggregator.sdk.contract import AuthFailed, Permanent, SchemaDrift, SourceStatus, UnknownOutcome
from aggregator.sdk.sandbox import serve
from aggregator.sdk.testing import context_for
from connectors.district_html import sandbox
from tests.connectors.district_html.district_channel import CONNECTOR, MANIFEST, command, report

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


@pytest.mark.parametrize("moved", [{"container": "#a", "row": "#a li"}, {"body": "#a"}], ids=["list", "text"])
def test_answers_that_cannot_be_read_are_never_taken_for_none(channel, moved):
    portal = channel()
    CONNECTOR.push(portal.ctx(), command())
    portal.config["layout"] = {**portal.config["layout"], "detail": {"answers": moved}}
    with pytest.raises(SchemaDrift):
        CONNECTOR.push(portal.ctx(), command(attempt=2))
    assert portal.shown()["writes"] == 1


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
        (name, True)
        for name in ("Thiết lập", "Đăng nhập", "Đọc danh sách", "Đọc thử một phản ánh", "Biểu mẫu trả lời")
    ]
    assert portal.shown()["writes"] == 0


@pytest.mark.parametrize(
    ("change", "step", "word", "note"),
    [
        ({"secrets": {"password": "sai"}}, "Đăng nhập", "mật khẩu", "wrong password"),
        ({"layout": {"list": {"container": "#khac"}}}, "Đọc danh sách", "giao diện", "another list"),
        ({"layout": {"lsit": {}}}, "Thiết lập", "bố cục", "misspelt layout"),
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
