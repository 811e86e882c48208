"""Answers that need a hand: carried over, in doubt, refused."""

from __future__ import annotations

from sqlalchemy import update

from aggregator.domain.delivery import Delivery
from aggregator.domain.workflow import ReplyKind
from aggregator.sdk.contract import Location
from aggregator.services import delivery_log
from aggregator.storage.case_tables import outbox
from tests.web.office import Browser, Office, soup


def answered(office: Office, channel: str) -> int:
    """One case of `channel`, answered; the id of its message."""
    office.receive(office.report(), channel=channel)
    office.services.cases.reply(office.actor("lan"), 1, ReplyKind.RESULT, "Đã đậy nắp.\nCảm ơn ông bà.")
    return case(office).replies[0].deliveries[0].id


def case(office: Office) -> object:
    return office.services.cases.case(office.actor("lan"), 1)


def become(office: Office, message: int, state: Delivery) -> None:
    """As a worker would leave it."""
    with office.services.db.write() as tx:
        tx.execute(update(outbox).where(outbox.c.id == message).values(state=state.value, error="HTTP 422"))
        delivery_log.refresh_problems(tx, [1])


def test_an_answer_is_copied_over_and_ticked_off(office: Office, lan: Browser) -> None:
    message = answered(office, "bang-tinh")
    page = soup(lan.get("/by-hand"))
    item = page.select_one(f"#d{message}")
    copied = {field.dt.contents[0].strip(): field.textarea.text for field in item.select(".copies > div")}
    assert copied["Nội dung trả lời"].lstrip("\n") == "Đã đậy nắp.\nCảm ơn ông bà.", (
        "the very words, ready to copy"
    )
    assert item.find("a", href="https://1022.example.vn/pa/1") and "26-00001" in item.h2.text
    done = lan.submit("/by-hand", f"/deliveries/{message}/done")
    assert done.status_code == 303
    page = lan.get("/by-hand")
    assert "Đã đánh dấu" in page.text and "Không có phúc đáp nào" in page.text
    assert case(office).replies[0].deliveries[0].state is Delivery.SENT


def test_two_people_ticking_the_same_answer_is_no_error_page(
    office: Office, lan: Browser, minh: Browser
) -> None:
    message = answered(office, "bang-tinh")
    form = minh.form("/by-hand", f"/deliveries/{message}/done")
    lan.submit("/by-hand", f"/deliveries/{message}/done")
    answer = minh.client.post(f"/deliveries/{message}/done", data=form)
    assert answer.status_code == 303
    assert "vừa có thay đổi" in soup(minh.get("/by-hand")).select_one("#said .bad").text


def test_a_person_says_whether_an_unclear_answer_arrived(office: Office, lan: Browser) -> None:
    message = answered(office, "cong-1022")
    become(office, message, Delivery.UNCLEAR)
    page = soup(lan.get("/by-hand"))
    buttons = [button.text.strip() for button in page.select(f"#d{message} form button")]
    assert buttons == ["Đã có", "Chưa có, gửi lại"], "the very words that the explanation names"
    lan.submit("/by-hand", f"/deliveries/{message}/fate", arrived="no")
    assert case(office).replies[0].deliveries[0].state is Delivery.PENDING
    become(office, message, Delivery.UNCLEAR)
    lan.submit("/by-hand", f"/deliveries/{message}/fate", arrived="yes")
    assert case(office).replies[0].deliveries[0].state is Delivery.SENT


def test_a_refused_answer_shows_why_and_can_be_tried_again(office: Office, lan: Browser) -> None:
    message = answered(office, "cong-1022")
    become(office, message, Delivery.DEAD)
    assert "HTTP 422" in soup(lan.get("/cases/1")).select_one(".way.dead").text
    lan.submit("/by-hand", f"/deliveries/{message}/retry")
    assert case(office).replies[0].deliveries[0].state is not Delivery.DEAD


def test_another_wards_answers_are_not_in_the_queue(office: Office, hue: Browser) -> None:
    message = answered(office, "bang-tinh")
    assert soup(hue.get("/by-hand")).find(id=f"d{message}") is None
    token = hue.form("/", "/language")["csrf_token"]
    for act in ("done", "fate", "retry"):
        answer = hue.client.post(f"/deliveries/{message}/{act}", data={"csrf_token": token})
        assert answer.status_code == 404


def test_many_answers_of_one_case_are_each_told(office: Office, lan: Browser) -> None:
    office.receive(*(office.report(location=Location(address=f"{n} Pasteur")) for n in (1, 2)))
    actor = office.actor("lan")
    office.services.cases.merge(actor, 2, 1)
    office.services.cases.reply(actor, 1, ReplyKind.PROGRESS, "Đang làm.")
    assert len(soup(lan.get("/cases/1")).select(".way")) == 2
