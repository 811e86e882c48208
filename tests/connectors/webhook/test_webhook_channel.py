"""An agency that pushes, over real sockets: from its signed call to the inbox, and the answer back to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import connectors.webhook as package
from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import (
    AuthFailed,
    ByHand,
    PushCommand,
    SourceStatus,
    UnknownOutcome,
)
from aggregator.sdk.discovery import Found, load_manifest
from aggregator.sdk.sandbox import Fault, Response, Running, serve
from aggregator.sdk.testing import context_for
from aggregator.services.answer_files import Chosen
from aggregator.storage.report_tables import reports
from connectors.webhook import CONNECTOR, sandbox
from connectors.webhook.sandbox import SECRET, Agency
from tests.domain.test_proof_files import JPEG, PDF
from tests.out_files import laid_down
from tests.served import served
from tests.services.polling_world import World

MANIFEST = load_manifest(Path(package.__file__).parent)
OLD = "khoa-cu-thu-nghiem-dai-hon-ba-muoi-hai-ky-tu!"
FIRST = {
    "id": "HS-1",
    "sent_at": "2026-11-10T08:15:00+07:00",
    "subject": "Cây đổ chắn đường",
    "body": "Cây xà cừ trước số 12 Lê Lợi đổ, xe không qua được.",
    "person": {"name": "Đặng Văn Thử", "phone": "0901000001"},
    "location": {"address": "12 Lê Lợi"},
    "status": "new",
}


class Town:
    """An installation with one channel that an agency pushes to."""

    def __init__(self, world: World, url: str, running: Running) -> None:
        self.world, self.running = world, running
        assert isinstance(running.portal, Agency)
        self.agency = running.portal
        self.agency.clock = world.clock
        self.address = f"{url}/intake/co-quan"

    def open(self, **config: Any) -> None:
        self.world.app.connectors["webhook"] = Found("webhook", MANIFEST, "tests", _loaded=CONNECTOR)
        secrets = {"secret": SECRET}
        if "key_id_old" in config:
            secrets["secret_old"] = OLD
        self.world.channels.add(
            {"slug": "co-quan", "kind": "webhook", "ward": "27142", "secrets": secrets,
             "config": config, "options": {"allow_private": True, "settle_s": 0, "retry_first_s": 0.1}}
        )  # fmt: skip

    def call(self, body: Any, **more: Any) -> Any:
        return self.agency.call(self.address, body, **more)

    def tick(self) -> int:
        return int(self.world.app.webhooks.tick("test"))

    def row(self, number: str = "HS-1") -> Any:
        with self.world.app.db.read() as tx:
            return tx.execute(select(reports).where(reports.c.external_id == number)).one()

    def answer(self, body: str = "Đã cắt dọn cây đổ.", **more: Any) -> None:
        with self.world.app.db.read() as tx:
            case = tx.exec_driver_sql("SELECT id, version FROM cases ORDER BY id").first()
        assert case is not None
        self.world.app.cases.reply(self.world.lan, case[0], ReplyKind.RESULT, body, **more)


@pytest.fixture
def town(database_url: str, tmp_path: Path) -> Iterator[Town]:
    world = World(database_url, tmp_path)
    running = serve(sandbox.build({"reports": [{"id": "HS-1", "subject": "Cây đổ"}]}))
    with served(world.app) as url, running:
        yield Town(world, url, running)
    world.app.close()


def test_a_signed_report_is_in_the_inbox_and_its_answer_reaches_the_agency_once(town: Town) -> None:
    town.open(callback_url=f"{town.running.url}/answers")
    reply = town.call(FIRST)
    assert reply.status_code == 200 and reply.json() == {"status": "kept", "reports": 1, "problems": []}
    assert town.tick() == 1
    assert town.row().subject == "Cây đổ chắn đường"
    town.answer()
    assert town.world.app.outbox.drain("w").sent == 1
    [given] = town.agency.answers["HS-1"]
    assert given.body == "Đã cắt dọn cây đổ."
    assert town.agency.reports["HS-1"].status == "resolved"
    # The agency shows it, and says so with its next change: delivered and seen.
    town.call({"id": "HS-1", "status": "resolved", "answers": [{"body": given.body}]})
    town.tick()
    with town.world.app.db.read() as tx:
        assert tx.exec_driver_sql("SELECT state FROM outbox").scalar() == Delivery.ACKNOWLEDGED


def test_an_answer_whose_reply_was_lost_is_sent_again_under_its_key_and_stands_once(town: Town) -> None:
    town.open(callback_url=f"{town.running.url}/answers")
    town.call(FIRST)
    town.tick()
    town.answer()
    town.agency.faults.append(Fault("commit_then_drop", path="/answers"))
    assert town.world.app.outbox.drain("w").waiting == 1
    town.world.clock.wait(minutes=10)
    assert town.world.app.outbox.drain("w").sent == 1
    assert len(town.agency.answers["HS-1"]) == 1


def test_the_files_of_an_answer_stand_at_the_agency_once_whatever_is_lost(town: Town) -> None:
    town.open(callback_url=f"{town.running.url}/answers")
    town.call(FIRST)
    town.tick()
    town.answer(files=(Chosen("truoc.jpg", JPEG), Chosen("QĐ 12.pdf", PDF)))
    town.agency.faults.append(Fault("commit_then_drop", path="/answers"))
    assert town.world.app.outbox.drain("w").waiting == 1
    town.world.clock.wait(minutes=10)
    assert town.world.app.outbox.drain("w").sent == 1
    [given] = town.agency.answers["HS-1"]
    reply = town.world.app.cases.case(town.world.lan, 1).replies[0]
    folder = town.world.app.settings.data_dir / "attachments"
    assert [file.filename for file in given.files] == ["truoc.jpg", "QĐ 12.pdf"]
    assert all((folder / file.sha256[:2] / file.sha256[2:]).is_file() for file in given.files)
    assert (reply.deliveries[0].files_left, reply.deliveries[0].error) == (0, None)


def test_without_a_callback_the_answer_waits_for_a_person_who_is_told_why(town: Town) -> None:
    town.open()
    town.call(FIRST)
    town.tick()
    town.answer()
    town.world.app.outbox.drain("w")
    [item] = town.world.app.errands.page(town.world.lan).rows
    assert item.delivery.state is Delivery.MANUAL
    assert "không có địa chỉ nhận phúc đáp" in (item.delivery.error_vi or "")
    assert "Báo cho người dân" in item.delivery.hint_vi


def test_only_what_changed_is_laid_over_what_is_known(town: Town) -> None:
    town.open()
    town.call(FIRST)
    town.call({"id": "HS-1", "status": "in_progress"})  # before the first was even read
    town.call({"id": "HS-1", "location": {"area": "Phường A"}, "body": "Cây đã nghiêng hẳn."})
    town.tick()
    row = town.row()
    assert (row.revision, row.source_status, row.address, row.area) == (
        3, "in_progress", "12 Lê Lợi", "Phường A",
    )  # fmt: skip
    town.call({"id": "HS-1", "location": None})
    town.tick()
    assert town.row().address is None and town.row().subject == "Cây đổ chắn đường"


def test_a_delivery_that_was_overtaken_changes_nothing(town: Town) -> None:
    town.open()
    town.call({**FIRST, "updated_at": "2026-11-10T09:00:00+07:00", "status": "resolved"})
    town.call({**FIRST, "updated_at": "2026-11-10T08:30:00+07:00", "status": "new"})
    town.tick()
    assert (town.row().source_status, town.row().revision) == ("resolved", 1)


def test_the_same_call_again_and_the_same_report_signed_anew_are_nothing_twice(town: Town) -> None:
    town.open()
    at = town.world.clock()
    for moment in (at, at, at + timedelta(seconds=5)):
        assert town.call(FIRST, at=moment).status_code == 200
    town.tick()
    assert town.row().revision == 1
    view = town.world.app.webhooks.view(town.world.admin, "co-quan")
    assert (view.taken, view.repeated) == (2, 1)


def test_reports_that_cannot_be_used_are_named_and_kept_and_the_others_come_in(town: Town) -> None:
    town.open()
    sent = [FIRST, {"id": "HS-2", "status": "new"}, {"id": "HS-3", "statuss": "new"}, "text"]
    told = town.call({"reports": sent}).json()
    assert told["reports"] == 1
    assert [problem["at"] for problem in told["problems"]] == ["reports[1]", "reports[2]", "reports[3]"]
    assert told["problems"][0]["field"] == "sent_at" and "send it whole first" in told["problems"][0]["error"]
    assert "did you mean 'status'" in told["problems"][1]["error"]
    town.tick()
    assert town.world.stored() == {"HS-1": 1}
    assert len(town.world.quarantined()) == 3
    # The change that came too early is read again once its report is there.
    town.call({**FIRST, "id": "HS-2"})
    town.tick()
    assert town.world.stored()["HS-2"] == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 202),  # the source's own, and nobody can read it: kept, and not asked for again
        (b"[]", 202),
        (b"\xff\xfe", 202),
        (b"[" * 100_000, 202),
        (json.dumps({"reports": [], "extra": 1}).encode(), 202),
        (json.dumps({"reports": []}).encode(), 200),  # a sign of life
    ],
)
def test_a_body_of_another_form(town: Town, body: bytes, status: int) -> None:
    import requests

    town.open()
    headers = town.agency.headers(body)
    assert requests.post(town.address, data=body, headers=headers, timeout=10).status_code == status
    assert town.world.stored() == {}


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"X-Motmoi-Signature": "sha256=" + "0" * 64}, "is not that of this body"),
        ({"X-Motmoi-Signature": ""}, "is missing"),
        ({"X-Motmoi-Timestamp": ""}, "is missing"),
        ({"X-Motmoi-Timestamp": "mai"}, "no number of seconds"),
        ({"X-Motmoi-Timestamp": "1"}, "is not that of this body"),  # signed with another time
        ({"X-Motmoi-Key": "la"}, "not valid here"),
    ],
)
def test_what_is_not_signed_right_is_refused_with_the_reason(
    town: Town, headers: dict[str, str], why: str
) -> None:
    town.open()
    reply = town.call(FIRST, **headers)
    assert reply.status_code == 401 and why in reply.json()["error"]
    assert SECRET not in reply.text
    town.tick()
    assert town.world.stored() == {}
    assert town.world.app.webhooks.view(town.world.admin, "co-quan").refused == 1


@pytest.mark.parametrize("apart_s", [-301, 301])
def test_a_recorded_call_is_refused_after_five_minutes(town: Town, apart_s: int) -> None:
    town.open()
    reply = town.call(FIRST, at=town.world.clock() - timedelta(seconds=apart_s))
    assert reply.status_code == 401 and "300 s are allowed" in reply.json()["error"]


def test_two_keys_are_valid_while_they_are_changed(town: Town) -> None:
    town.open(key_id="2", key_id_old="1")
    town.agency.secret = OLD
    assert town.call(FIRST).status_code == 200
    town.agency.secret, town.agency.key_id = SECRET, "2"
    assert town.call({**FIRST, "id": "HS-2"}).status_code == 200
    town.world.channels.change("co-quan", {"config": {"key_id_old": ""}, "secrets": {"secret_old": ""}})
    town.agency.secret, town.agency.key_id = OLD, "1"
    assert town.call({**FIRST, "id": "HS-3"}).status_code == 401
    town.tick()
    assert set(town.world.stored()) == {"HS-1", "HS-2"}, "what was taken under the old key stays taken"


def test_a_get_is_told_to_post(town: Town) -> None:
    import requests

    town.open()
    assert requests.get(town.address, timeout=10).status_code == 400


# The connector by itself ----------------------------------------------------------------------------------


@pytest.fixture
def agency() -> Iterator[Running]:
    with serve(sandbox.build({"reports": [{"id": "HS-1", "subject": "Cây đổ"}]})) as running:
        yield running


def answer(**given: Any) -> PushCommand:
    values = {
        "idempotency_key": "k-1", "external_id": "HS-1", "kind": "result", "body": "Đã xong",
        "status": SourceStatus.RESOLVED, "at": datetime(2026, 11, 10, tzinfo=UTC), **given,
    }  # fmt: skip
    return PushCommand(**values)


def context(agency: Running, secret: str = SECRET, **config: Any) -> Any:
    config = {"callback_url": f"{agency.url}/answers", **config}
    return context_for(agency, MANIFEST, config, {"secret": secret})


def test_an_answer_that_is_there_already_is_a_success(agency: Running) -> None:
    ctx = context(agency)
    assert CONNECTOR.push(ctx, answer()).remote_ref == "TL-1"
    assert CONNECTOR.push(ctx, answer(attempt=2)).outcome == "already_there"


def test_the_agency_learns_who_goes_on_until_when_and_what_was_wrong(agency: Running) -> None:
    ctx, due = context(agency), datetime(2026, 12, 1, 10, tzinfo=UTC)
    first = CONNECTOR.push(ctx, answer(kind="progress")).remote_ref
    for number, more in enumerate(
        (
            {"kind": "transfer", "transfer_to": "Công ty Cây xanh", "status": SourceStatus.REJECTED},
            {"kind": "extension", "due_at": due},
            {"kind": "correction", "corrects": first},
        )
    ):
        CONNECTOR.push(ctx, answer(idempotency_key=f"k-{number + 2}", **more))
    told = agency.portal.store["answers/HS-1"]
    assert [set(one) - {"key", "body", "kind"} for one in told] == [
        set(), {"transfer_to"}, {"due_at"}, {"corrects"},
    ]  # fmt: skip
    assert (told[1]["transfer_to"], told[2]["due_at"]) == ("Công ty Cây xanh", "2026-12-01T10:00:00+00:00")
    assert told[3]["corrects"] == first == "TL-1"


def test_an_agency_that_does_not_confirm_the_files_is_told_to_the_officer(
    agency: Running, tmp_path: Path
) -> None:
    files = laid_down(tmp_path, ("QĐ 12.pdf", PDF))
    told = CONNECTOR.push(context(agency), answer(attachments=files))
    assert (told.outcome, told.warning) == ("sent", "")
    agency.portal.rewrite = lambda _request, _response: Response('{"ref": "TL-9"}', 201)
    told = CONNECTOR.push(context(agency), answer(attachments=files, idempotency_key="k-2"))
    assert (told.outcome, told.remote_ref) == ("sent", "TL-9")
    assert "did not confirm the 1 files" in told.warning and "hãy hỏi lại" in told.warning_vi


@pytest.mark.parametrize(("took", "left"), [(2, 0), (1, 1), (0, 2)])
def test_an_agency_that_took_fewer_files_is_told_by_their_number(
    agency: Running, tmp_path: Path, took: int, left: int
) -> None:
    agency.portal.rewrite = lambda _request, _response: Response(f'{{"files": {took}}}', 201)
    files = laid_down(tmp_path, ("QĐ 12.pdf", PDF), ("sau.jpg", JPEG))
    told = CONNECTOR.push(context(agency), answer(attachments=files))
    assert (told.outcome, told.files_left, told.warning) == ("sent", left, "")


def test_an_agency_whose_server_finds_the_files_too_large_gets_the_words(
    agency: Running, tmp_path: Path
) -> None:
    agency.portal.most = 1_000
    (file,) = laid_down(tmp_path, ("QĐ 12.pdf", PDF + bytes(2_000)))
    told = CONNECTOR.push(context(agency), answer(attachments=(file,)))
    assert (told.outcome, told.files_left) == ("sent", 1)
    ((given,),) = agency.portal.answers.values()
    assert (given.body, given.files) == (answer().body, ())


def test_the_agency_is_asked_where_it_can_be(agency: Running) -> None:
    ctx = context(agency, readback_url=f"{agency.url}/reports/{{id}}/answers")
    state = CONNECTOR.lookup(ctx, answer())
    assert state is not None and state.found is None
    CONNECTOR.push(ctx, answer())
    state = CONNECTOR.lookup(ctx, answer())
    assert state is not None and state.found is not None and state.status is SourceStatus.RESOLVED
    assert CONNECTOR.lookup(ctx, answer(external_id="không có")) is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("outage"), UnknownOutcome),
        (Fault("status", options={"code": 500}), UnknownOutcome),
        (Fault("status", options={"code": 403}), AuthFailed),
        (Fault("maintenance"), UnknownOutcome),
    ],
)
def test_what_goes_wrong_at_the_agency_says_what_to_do(
    agency: Running, fault: Fault, error: type[Exception]
) -> None:
    agency.portal.faults.append(fault)
    with pytest.raises(error):
        CONNECTOR.push(context(agency), answer())


def test_a_wrong_key_at_the_callback_stops_the_channel_and_no_callback_asks_a_person(agency: Running) -> None:
    with pytest.raises(AuthFailed):
        CONNECTOR.push(context(agency, secret="x" * 40), answer())
    with pytest.raises(ByHand):
        CONNECTOR.push(context(agency, callback_url=""), answer())


def test_the_check_tells_the_key_and_the_callback(agency: Running) -> None:
    assert [step.ok for step in CONNECTOR.check(context(agency))] == [True, True]
    assert [step.ok for step in CONNECTOR.check(context(agency, secret="ngắn"))] == [False, True]
    agency.portal.faults.append(Fault("outage"))
    assert [step.ok for step in CONNECTOR.check(context(agency))] == [True, False]
