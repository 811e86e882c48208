"""Reports that officers take down: one form, one report, one receipt, on the path of all others."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import connectors.walk_in as package
from aggregator.sdk.discovery import Found, load_manifest
from aggregator.services import turns
from aggregator.services.walk_in import Came, Form, Photo
from connectors.walk_in import CONNECTOR
from tests.services.polling_world import World
from tests.web.office import Browser, Office

PHOTO = b"\xff\xd8\xff\xe0 anh cua nguoi dan"
MANIFEST = load_manifest(Path(package.__file__).parent)


def install(services: Any) -> None:
    services.connectors["walk_in"] = Found("walk_in", MANIFEST, "tests", _loaded=CONNECTOR)


@pytest.fixture
def app(office: Office) -> Flask:
    install(office.services)
    return office.app()


def fill(browser: Browser, **more: Any) -> Any:
    form = browser.form("/entries/new", "/entries")
    filled = {
        "came": "walk_in", "body": "Cây xanh trước nhà sắp đổ, rất nguy hiểm.", "address": "12 Lê Lợi",
        "name": "Đặng Thị Thử", "phone": "0901 000 001",
    }  # fmt: skip
    return browser.client.post("/entries", data={**form, **filled, **more}), form


def test_an_officer_takes_a_report_down_and_lands_on_its_case(office: Office, lan: Browser) -> None:
    answer, _ = fill(lan, category="cay_xanh", photos=(io.BytesIO(PHOTO), "cay.jpg"))
    assert answer.status_code == 303
    page = lan.get(answer.location).text
    assert "Cây xanh trước nhà sắp đổ" in page and "12 Lê Lợi" in page and "Tiếp nhận trực tiếp" in page
    assert "Phiếu tiếp nhận" in page
    assert "0901 000" not in page and "0901000" not in page, "who it was stays hidden"
    office.services.polling.attachments.tick()
    assert "cay.jpg" in lan.get(answer.location).text
    with office.services.db.read() as tx:
        state, sha = tx.exec_driver_sql("SELECT state, sha256 FROM attachments").one()
    assert state == "stored" and office.services.settings.data_dir.joinpath("attachments", sha[:2]).exists()


def test_the_same_form_twice_is_one_report_and_other_words_are_another(office: Office, lan: Browser) -> None:
    first, form = fill(lan)
    given = {**form, "came": "walk_in", "body": "Cây xanh trước nhà sắp đổ, rất nguy hiểm.",
             "address": "12 Lê Lợi", "name": "Đặng Thị Thử", "phone": "0901 000 001"}  # fmt: skip
    again = lan.client.post("/entries", data=given)
    assert first.location == again.location
    other = lan.client.post("/entries", data={**given, "body": "Nắp cống ở chợ bị vỡ.", "address": "Chợ"})
    assert other.location != first.location, "Back, and the next citizen on the same page"
    with office.services.db.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM reports").scalar() == 2


def test_the_same_problem_of_another_channel_is_found(office: Office, lan: Browser) -> None:
    office.receive(office.report(subject="Cây xanh sắp đổ", body="Cây xanh trước nhà sắp đổ, rất nguy hiểm."))
    answer, _ = fill(lan, address="10 Lê Lợi")
    page = lan.get(answer.location).text
    assert "26-00001" in page, "joined it, or asks whether it is the same"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"body": "   "}, "Hãy ghi nội dung"),
        ({"phone": "chín không một"}, "không phải là số điện thoại"),
        ({"received_at": "hôm qua"}, "không phải là thời điểm"),
        ({"received_at": "2020-01-01T08:00"}, "trong vòng một tháng"),
        ({"came": "bồ câu"}, "chọn một mục"),
        ({"address": "x" * 301}, "dài quá 300"),
    ],
)
def test_a_refused_form_keeps_what_was_typed(lan: Browser, wrong: dict[str, str], why: str) -> None:
    answer, _ = fill(lan, **wrong)
    assert answer.status_code == 422 and why in answer.text
    assert "Đặng Thị Thử" in answer.text and "Nội dung đã nhập vẫn còn" in answer.text


def test_a_file_that_is_no_photo_is_refused_by_its_bytes(lan: Browser) -> None:
    answer, _ = fill(lan, photos=(io.BytesIO(b"MZ\x90 khong phai anh"), "anh.jpg"))
    assert answer.status_code == 422 and "không phải là ảnh" in answer.text
    many = [(io.BytesIO(PHOTO), f"{n}.jpg") for n in range(7)]
    answer, _ = fill(lan, photos=many)
    assert answer.status_code == 422 and "Tối đa 6" in answer.text


def test_a_photo_larger_than_a_form_is_taken_and_one_larger_than_the_limit_is_told(
    office: Office, lan: Browser
) -> None:
    answer, _ = fill(lan, photos=(io.BytesIO(PHOTO + b"\0" * 1_500_000), "to.jpg"))
    assert answer.status_code == 303
    answer, _ = fill(lan, photos=(io.BytesIO(PHOTO + b"\0" * 31_000_000), "qua-to.jpg"))
    assert answer.status_code == 413 and "các tệp gửi kèm cộng lại quá lớn" in answer.text


def test_the_receipt_names_the_citizen_and_the_look_is_logged(office: Office, lan: Browser) -> None:
    answer, _ = fill(lan)
    receipt = lan.get(f"{answer.location}/reports/1/receipt").text
    for words in ("Phiếu tiếp nhận", "26-00001", "Đặng Thị Thử", "Cây xanh trước nhà", "Nguyễn Thị Lan"):
        assert words in receipt
    assert "In phiếu tiếp nhận" in lan.get(answer.location).text, "in the case's timeline"


def test_an_anonymous_citizen_is_kept_nowhere(office: Office, lan: Browser) -> None:
    answer, _ = fill(lan, anonymous="1")
    assert "Đặng Thị Thử" not in lan.get(f"{answer.location}/reports/1/receipt").text
    with office.services.db.read() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM reporters").scalar() == 0


def test_only_officers_of_the_ward_see_it(office: Office, lan: Browser, hue: Browser, admin: Browser) -> None:
    answer, _ = fill(lan)
    assert hue.get(answer.location).status_code == 404
    assert hue.get(f"{answer.location}/reports/1/receipt").status_code == 404
    assert admin.get("/entries/new").status_code == 403
    office.receive(office.report())
    assert lan.get("/cases/2/reports/2/receipt").status_code == 404, (
        "a portal's report has no receipt of ours"
    )


def test_its_answer_goes_to_a_person_who_is_told_how(office: Office, lan: Browser) -> None:
    answer, _ = fill(lan, came="phone")
    lan.submit(answer.location, f"{answer.location}/reply", kind="result", body="Đã cắt cây.")
    page = lan.get("/by-hand").text
    assert "gọi điện" in page and "Tiếp nhận qua điện thoại" in page


def test_the_menu_leads_to_it_for_those_who_may(lan: Browser, admin: Browser) -> None:
    assert 'href="/entries/new"' in lan.get("/").text
    assert 'href="/entries/new"' not in admin.get("/").text


# On both databases ----------------------------------------------------------------------------------------


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    world = World(database_url, tmp_path)
    install(world.app)
    yield world
    world.app.close()


def test_many_officers_at_once_each_have_their_report(world: World) -> None:
    def form(number: int) -> Form:
        return Form(
            came=Came.PHONE, received_at=world.clock(), body=f"Ổ gà thứ {number} trên đường số {number}"
        )

    def enter(number: int) -> None:
        world.app.walk_in.register(
            world.lan, form(number), [Photo("a.jpg", PHOTO)], once=f"khoa-{number % 6}"
        )

    # Six forms, each sent twice, all in the same moment, before the channel is even there.
    threads = [threading.Thread(target=enter, args=(n % 6,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(world.stored().values()) == [1] * 6
    assert [run.kind for run in world.runs()] == ["entry"]


def test_a_channel_that_is_busy_says_so_and_stores_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = Form(came=Came.WALK_IN, received_at=world.clock(), body="Ổ gà")
    world.app.walk_in.register(world.lan, form, once="1")
    monkeypatch.setattr("aggregator.services.walk_in.PATIENCE_S", 0.0)
    row, lease = world.row("tai-cho-27142"), world.clock() - world.clock()
    held = turns.take(world.app.db, row.id, "entry", "somebody", world.clock(), lease.resolution * 10**9)
    assert held is not None
    refused: Callable[[], Any] = lambda: world.app.walk_in.register(world.lan, form, once="2")  # noqa: E731
    with pytest.raises(Exception, match="busy"):
        refused()
    assert len(world.stored()) == 1
