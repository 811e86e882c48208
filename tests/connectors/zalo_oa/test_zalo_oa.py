"""Zalo OA over real sockets: people's messages into reports, answers in seven days, tokens used once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

import connectors.zalo_oa as package
from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import AuthFailed, Transient
from aggregator.sdk.discovery import Found, load_manifest
from aggregator.sdk.sandbox import Fault, Running, serve
from aggregator.services.connections import Connections
from aggregator.storage.report_tables import reports
from connectors.zalo_oa import CONNECTOR, login, sandbox
from connectors.zalo_oa.sandbox import APP, APP_SECRET, FIRST_TOKEN, OA, OA_SECRET, Zalo
from tests.served import served
from tests.services.polling_world import World

MANIFEST = load_manifest(Path(package.__file__).parent)
ROOT = Path(package.__file__).parents[2]
VN = ZoneInfo("Asia/Ho_Chi_Minh")
MINH, HOA = "1111111111111111111", "2222222222222222222"


class Office:
    """An installation with one OA."""

    def __init__(self, world: World, url: str, running: Running) -> None:
        self.world, self.running, self.address = world, running, f"{url}/intake/zalo"
        assert isinstance(running.portal, Zalo)
        self.zalo = running.portal
        self.zalo.clock = world.clock
        world.app.connectors["zalo_oa"] = Found("zalo_oa", MANIFEST, "tests", _loaded=CONNECTOR)  # type: ignore[index]
        world.channels.add(self.spec())

    def spec(self) -> dict[str, Any]:
        return {
            "slug": "zalo", "kind": "zalo_oa", "ward": "27142",
            "config": {
                "app_id": APP, "oa_id": OA, "base_url": self.running.url, "oauth_url": self.running.url,
            },
            "secrets": {"oa_secret": OA_SECRET, "app_secret": APP_SECRET, "refresh_token": FIRST_TOKEN},
            "options": {"allow_private": True, "settle_s": 0, "retry_first_s": 0.1},
        }  # fmt: skip

    def say(self, text: str, user: str = MINH, **more: Any) -> Any:
        return self.zalo.say(self.address, user, text, **more)

    def tick(self) -> int:
        return int(self.world.app.webhooks.tick("test"))

    def rows(self) -> list[Any]:
        with self.world.app.db.read() as tx:
            return list(tx.execute(select(reports).order_by(reports.c.id)))

    def reply(self, body: str = "Đã vá ổ gà.", case: int = 1) -> None:
        self.world.app.cases.reply(self.world.lan, case, ReplyKind.RESULT, body)

    def drain(self) -> Any:
        return self.world.app.outbox.drain("w")

    def message(self) -> Any:
        with self.world.app.db.read() as tx:
            return tx.exec_driver_sql("SELECT * FROM outbox ORDER BY id").mappings().first()

    def tokens(self) -> Any:
        """The context of one call, as a worker gets it."""
        connections = Connections(
            self.world.app.db, self.world.app.vault, self.world.app.connectors, self.world.clock,
            self.world.app.settings,
        )  # fmt: skip
        return connections.open(self.world.row("zalo"), deadline=self.world.clock() + timedelta(minutes=1))


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    yield from _office(database_url, tmp_path)


@pytest.fixture
def sqlite_office(sqlite_url: str, tmp_path: Path) -> Iterator[Office]:
    yield from _office(sqlite_url, tmp_path)


def _office(url: str, folder: Path) -> Iterator[Office]:
    world = World(url, folder)
    running = serve(sandbox.build({}))
    with served(world.app) as address, running:
        yield Office(world, address, running)
    world.app.close()


# What people write ------------------------------------------------------------------------------------


def test_what_one_person_writes_in_a_day_is_one_report_and_the_answer_reaches_them(office: Office) -> None:
    assert office.say("Ổ gà lớn trước số 12 Lê Lợi").status_code == 200
    office.zalo.event(office.address, "user_send_image", MINH, {
        "attachments": [{"type": "image", "payload": {"url": f"{office.running.url}/anh/a.jpg"}}]
    })  # fmt: skip
    office.tick()
    office.say("Xe máy ngã sáng nay")
    office.say("Đèn đường hỏng cả tuần", user=HOA)
    office.tick()
    first, second = office.rows()
    assert first.subject == "Ổ gà lớn trước số 12 Lê Lợi"
    assert first.body == "Ổ gà lớn trước số 12 Lê Lợi\n[Ảnh]\nXe máy ngã sáng nay"
    assert second.subject == "Đèn đường hỏng cả tuần"
    assert MINH not in first.external_id and MINH not in first.search_text
    [photo] = office.world.files()
    assert photo.filename.startswith("anh-")
    office.world.app.polling.attachments.tick()
    assert office.world.files()[0].state == "stored"
    office.reply()
    assert office.drain().sent == 1
    assert [answer.body for answer in office.zalo.answers[MINH]] == ["Đã vá ổ gà."]
    assert HOA not in office.zalo.answers


def test_messages_that_come_late_or_twice_stand_once_and_in_the_order_they_were_written(
    office: Office,
) -> None:
    at = office.world.clock()
    office.say("hai", at=at + timedelta(seconds=20), msg_id="m2")
    office.say("một", at=at + timedelta(seconds=10), msg_id="m1")
    office.say("hai", at=at + timedelta(seconds=20), msg_id="m2")
    office.tick()
    [row] = office.rows()
    assert (row.body, row.subject) == ("một\nhai", "một")
    assert office.world.app.webhooks.view(office.world.admin, "zalo").repeated == 1


@pytest.mark.parametrize(
    ("times", "found", "note"),
    [
        (("08:00", "21:00"), 1, "one day, however long the pause"),
        (("23:50", "00:10"), 1, "over midnight, still the same story"),
        (("17:00", "00:10"), 2, "the evening's silence was longer than the hours that join"),
        (("23:50", "07:00"), 2, "a new morning"),
    ],
)
def test_which_messages_are_one_report(
    sqlite_office: Office, times: tuple[str, str], found: int, note: str
) -> None:
    day = datetime(2026, 11, 10, tzinfo=VN)
    for number, time in enumerate(times):
        hour, minute = map(int, time.split(":"))
        at = day.replace(hour=hour, minute=minute)
        if number and at <= sqlite_office.world.clock.at:
            at += timedelta(days=1)
        sqlite_office.world.clock.at = at.astimezone(UTC)
        sqlite_office.say(f"tin {number}")
        sqlite_office.tick()
    assert len(sqlite_office.rows()) == found, note


def test_a_place_that_was_sent_is_the_reports_place(sqlite_office: Office) -> None:
    office = sqlite_office
    place = {"coordinates": {"latitude": "10.7769", "longitude": "106.7009"}}
    office.zalo.event(office.address, "user_send_location", MINH, {"attachments": [{"payload": place}]})
    office.tick()
    [row] = office.rows()
    assert (row.lat, row.lng, row.subject) == (10.7769, 106.7009, "Tin nhắn Zalo không có chữ")


def test_a_wish_to_be_forgotten_is_a_case_of_its_own_that_no_answer_goes_to(office: Office) -> None:
    office.say("Ổ gà trước nhà")
    for user in (MINH, HOA):
        assert office.zalo.event(office.address, "user_withdraw", user).status_code == 200
    office.tick()
    rows = office.rows()
    assert [row.external_id.startswith("xoa-") for row in rows] == [False, True, True]
    assert all("xoá dữ liệu cá nhân" in row.subject for row in rows[1:])
    with office.world.app.db.read() as tx:
        cases = tx.exec_driver_sql("SELECT count(*) FROM cases").scalar()
    assert cases == 3, "two people's wishes are two tasks"
    assert rows[0].external_id.split("-")[0] in rows[1].body, "and says which reports are meant"


def test_other_events_are_answered_and_leave_nothing(sqlite_office: Office) -> None:
    for name in ("follow", "unfollow", "user_click_chatnow", "oa_send_text"):
        assert sqlite_office.zalo.event(sqlite_office.address, name, MINH).status_code == 200
    assert sqlite_office.tick() == 0 and sqlite_office.rows() == []


# Whose call it is -------------------------------------------------------------------------------------


def test_a_call_with_another_signature_is_refused_until_the_setting_says_to_log_first(
    sqlite_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office = sqlite_office
    assert office.say("Ổ gà", key="khoa-cua-ung-dung").status_code == 401
    lights = {light.name: light for light in office.world.channels.view(office.world.admin, "zalo").lights}
    assert office.tick() == 0
    assert office.world.app.webhooks.view(office.world.admin, "zalo").refused == 1
    assert lights["writing"].state == "unknown"
    office.world.channels.change("zalo", {"config": {"signature": "log"}})
    assert office.say("Ổ gà", key="khoa-cua-ung-dung").status_code == 200
    assert "whose signature does not fit" in caplog.text and "Ổ gà" not in caplog.text
    office.tick()
    assert len(office.rows()) == 1


@pytest.mark.parametrize("age", [timedelta(hours=14), timedelta(minutes=-11)])
def test_a_copied_call_is_refused_when_zalo_repeats_no_more(sqlite_office: Office, age: timedelta) -> None:
    assert sqlite_office.say("Ổ gà", at=sqlite_office.world.clock() - age).status_code == 401


def test_what_zalo_never_sends_is_refused(sqlite_office: Office) -> None:
    import requests

    for body in (b"", b"[]", b"\xff", b'{"event_name":"user_send_text"}', b'{"timestamp":"x"}'):
        assert requests.post(sqlite_office.address, data=body, timeout=10).status_code == 401
    assert requests.get(sqlite_office.address, timeout=10).status_code == 200


# Answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "state", "why"),
    [
        (-230, Delivery.MANUAL, "7 ngày"),
        (-213, Delivery.MANUAL, "bỏ quan tâm"),
        (-224, Delivery.DEAD, "không có tính năng"),
        (-999, Delivery.DEAD, "-999"),
    ],
)
def test_what_zalo_refuses_goes_to_a_person_with_the_reason(
    sqlite_office: Office, code: int, state: Delivery, why: str
) -> None:
    office = sqlite_office
    office.say("Ổ gà")
    office.tick()
    office.zalo.store["refused"][MINH] = code
    office.reply()
    assert office.drain().failed == 1
    [item] = office.world.app.errands.page(office.world.lan).rows
    assert item.delivery.state is state and why in (item.delivery.error_vi or "")
    assert MINH not in str(dict(office.message()))


def test_after_seven_days_a_person_is_asked(office: Office) -> None:
    office.say("Ổ gà")
    office.tick()
    office.world.clock.wait(days=8)
    office.reply()
    office.drain()
    [item] = office.world.app.errands.page(office.world.lan).rows
    assert item.delivery.state is Delivery.MANUAL and "7 ngày" in (item.delivery.error_vi or "")


def test_a_lost_answer_of_zalo_asks_a_person_and_never_sends_twice(sqlite_office: Office) -> None:
    office = sqlite_office
    office.say("Ổ gà")
    office.tick()
    office.reply()
    office.zalo.faults.append(Fault("commit_then_drop", path="message/cs"))
    office.drain()
    office.world.clock.wait(hours=1)
    office.drain()
    assert office.message()["state"] == Delivery.UNCLEAR
    assert len(office.zalo.answers[MINH]) == 1


# Tokens -----------------------------------------------------------------------------------------------


def test_a_token_that_zalo_refuses_is_renewed_once_and_the_answer_goes(office: Office) -> None:
    office.say("Ổ gà")
    office.tick()
    office.reply()
    with office.tokens() as (_, ctx):
        login.access(ctx)
    office.zalo.store["access"].clear()  # Zalo forgets the token before its time
    assert office.drain().sent == 1
    assert office.zalo.store["renewals"] == 2


def test_a_hundred_answers_and_workers_renew_once(office: Office) -> None:
    found: list[str] = []

    def worker() -> None:
        with office.tokens() as (_, ctx):
            found.append(login.access(ctx))

    threads = [threading.Thread(target=worker) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1 and len(found) == 6
    assert office.zalo.store["renewals"] == 1


def test_the_poll_keeps_the_sign_in_alive_for_a_year(sqlite_office: Office) -> None:
    office = sqlite_office
    for _ in range(20):
        assert office.world.poll_when_due("zalo").outcome == "ok"
        office.world.clock.wait(hours=20)
    assert office.zalo.store["renewals"] >= 15
    lights = {light.name: light for light in office.world.channels.view(office.world.admin, "zalo").lights}
    assert "Mã làm mới: đến" in lights["signed_in"].cause_vi and lights["signed_in"].state == "good"


def test_a_dead_refresh_token_stops_the_channel_and_says_who_must_act_while_messages_come_in(
    office: Office,
) -> None:
    office.zalo.store["refresh"].append("den-tu-noi-khac")  # somebody else used it
    assert office.world.poll_when_due("zalo").error_code == AuthFailed.code
    lights = {light.name: light for light in office.world.channels.view(office.world.admin, "zalo").lights}
    assert lights["signed_in"].state == "bad" and "cấp quyền lại" in lights["signed_in"].cause_vi
    office.say("Ổ gà")
    assert office.tick() == 1 and len(office.rows()) == 1
    office.reply()
    assert office.drain().total == 0, "held, not lost"
    # The administrator gives consent again and enters the new token: it takes over from what was stored.
    office.world.channels.change("zalo", {"secrets": {"refresh_token": "den-tu-noi-khac"}})
    office.world.poll_when_due("zalo")
    assert office.drain().sent == 1


def test_a_refresh_token_near_its_end_turns_the_light_before_it_is_too_late(sqlite_office: Office) -> None:
    office = sqlite_office
    office.world.poll_when_due("zalo")
    office.world.channels.pause(office.world.admin, "zalo")
    office.world.clock.wait(days=80)
    office.world.channels.resume(office.world.admin, "zalo")
    light = next(
        one
        for one in office.world.channels.view(office.world.admin, "zalo").lights
        if one.name == "signed_in"
    )
    assert light.state == "slow" and "Mã làm mới hết hạn" in light.cause_vi


def test_changed_settings_do_not_lose_the_tokens(office: Office) -> None:
    office.world.poll_when_due("zalo")
    office.world.channels.change("zalo", {"config": {"join_hours": 3}})
    office.world.clock.wait(hours=30)
    assert office.world.poll_when_due("zalo").outcome == "ok", "the spent token of the settings was not used"


def test_tokens_are_sealed_and_in_no_log(sqlite_office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    office = sqlite_office
    office.world.poll_when_due("zalo")
    with office.world.app.db.read() as tx:
        sealed = tx.exec_driver_sql("SELECT sealed FROM channel_tokens").scalar()
    assert b"ma-lam-moi" not in sealed
    assert "ma-lam-moi" not in caplog.text and "ma-truy-cap" not in caplog.text


_WORKER = """
import sys
from aggregator import bootstrap
from aggregator.sdk.discovery import Found, load_manifest
from aggregator.settings import Settings
from pathlib import Path
import connectors.zalo_oa as package
from datetime import datetime
at = datetime.fromisoformat(sys.argv[3])
app = bootstrap.build(Settings(database_url=sys.argv[1], data_dir=Path(sys.argv[2]), undo_s=0), lambda: at)
manifest = load_manifest(Path(package.__file__).parent)
app.connectors["zalo_oa"] = Found("zalo_oa", manifest, "tests", _loaded=package.CONNECTOR)
app.outbox.drain("w")
"""


def test_a_worker_killed_between_the_renewal_and_its_use_loses_no_token(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    office.say("Ổ gà")
    office.tick()
    office.reply()
    reached = threading.Event()
    original = office.zalo.take

    def watched(kind: str, path: str) -> Fault | None:
        if path.endswith("message/cs"):
            reached.set()
        return original(kind, path)

    office.zalo.take = watched  # type: ignore[method-assign]
    office.zalo.faults.append(Fault("latency", path="message/cs", options={"seconds": 20}))
    arguments = [sys.executable, "-c", _WORKER, database_url, str(tmp_path), office.world.clock().isoformat()]
    worker = subprocess.Popen(arguments, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        assert reached.wait(60), "the worker had its token and was about to use it"
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert office.zalo.store["renewals"] == 1
    office.zalo.closing.set()
    with office.tokens() as (_, ctx):
        assert login.access(ctx) == "ma-truy-cap-2", "saved before it was used"
    assert office.zalo.store["renewals"] == 1


def test_a_renewal_that_does_not_end_holds_the_others_back_and_spends_nothing(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.services.channel_tokens.PATIENCE_S", 0.0)
    office = sqlite_office
    with office.tokens() as (_, one), office.tokens() as (_, other):
        with one.tokens.alone(), pytest.raises(Transient, match="renewed elsewhere"):
            login.access(other)
        assert office.zalo.store["renewals"] == 0
        with one.tokens.alone():
            office.world.clock.wait(minutes=5)  # its worker died: the others need not wait for ever
            with office.tokens() as (_, third):
                assert login.access(third)
