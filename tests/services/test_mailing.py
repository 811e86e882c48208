"""Mail leaves as it was stored, once; what nobody heard an answer to is sent again and says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from aggregator.domain.reminding import Kind
from aggregator.errors import MoveNotAllowed
from aggregator.services.postman import MailDelayed, MailRefused
from aggregator.settings import Settings
from aggregator.storage.reminder_tables import mails
from tests.factories import Office, record
from tests.services.smtp_world import Inboxes, mail_server
from tests.services.test_reminders import opens, runs, vn, wants

World = tuple[Office, Inboxes]


@pytest.fixture
def world(sqlite_office: Office) -> Iterator[World]:
    with mail_server() as (server, settings):
        sqlite_office.mailed(Settings(**settings))
        yield sqlite_office, server


def warned(office: Office, count: int = 1) -> None:
    """So many cases of Lan's are near their deadline, and the mails that say so wait."""
    wants(office, office.lan)
    for number in range(1, count + 1):
        opens(office, str(number))
    runs(office, "2026-03-05T14:24")


def states(office: Office) -> list[tuple[str, bool]]:
    return office.rows(select(mails.c.state, mails.c.possible_repeat).order_by(mails.c.id))


def test_a_reminder_arrives_as_vietnamese_text_and_html_with_a_link(world: World) -> None:
    office, server = world
    warned(office)
    assert office.mailing.drain("worker") == {"sent": 1}
    (mail,) = server.mails
    assert mail["To"] == "lan@phuong-a.test" and mail["From"] == "Một Mối <motmoi@phuong-a.test>"
    assert mail["Subject"] == "Sắp đến hạn: 26-00001, hạn 10:00 ngày 06/03"
    assert mail["Message-ID"] == office.rows(select(mails.c.message_id))[0][0]
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None and html is not None
    assert "https://motmoi.phuong-a.test/cases/1" in plain.get_content()
    assert 'href="https://motmoi.phuong-a.test/cases/1"' in html.get_content()
    assert office.mailing.drain("worker") == {}


def test_no_mail_holds_who_reported_or_a_number_in_a_title(world: World) -> None:
    office, server = world
    wants(office, office.lan, daily=True)
    told = record(
        "1", "Nội dung đầy đủ của phản ánh không được vào thư.",
        subject="Gọi 0903 123 456, xe 51F-123.45 <b>",
        name="Người Gửi Tin", phone="0903123456", due_at=vn("2026-03-06T10:00"),
    )  # fmt: skip
    office.receives("1022", told)
    office.cases.assign(office.lan, office.case_of("1"), unit_id=None, officer_id=office.lan.id)
    runs(office, "2026-03-05T14:24")
    runs(office, "2026-03-06T07:30")
    office.mailing.drain("worker")
    assert len(server.mails) == 2
    for mail in server.mails:
        words = "".join(part.get_content() for part in mail.walk() if not part.is_multipart())
        assert "26-00001" in words
        for secret in ("0903", "123.45", "Người Gửi", "Nội dung đầy đủ"):
            assert secret not in words
        html = mail.get_body(("html",))
        assert html is not None and "&lt;b&gt;" in html.get_content()


def test_a_lost_answer_is_sent_again_under_the_same_id_and_marked(world: World) -> None:
    office, server = world
    server.answers = ["silence"]
    warned(office)
    assert office.mailing.drain("worker") == {"waiting": 1}
    assert states(office) == [("waiting", True)]
    office.clock.forward(minutes=1)
    assert office.mailing.drain("worker") == {"sent": 1}
    assert len({mail["Message-ID"] for mail in server.mails}) == 1 and len(server.mails) == 2
    assert states(office) == [("sent", True)]


def test_a_worker_that_died_with_a_mail_in_hand_leaves_a_marked_mail_and_no_loss(world: World) -> None:
    office, server = world
    warned(office)
    assert office.mailing.claim("the-dead") is not None
    assert office.mailing.drain("worker") == {}
    office.clock.forward(seconds=121)
    assert office.mailing.drain("worker") == {"sent": 1}
    assert len(server.mails) == 1 and states(office) == [("sent", True)]


def test_a_refused_address_is_dead_and_the_next_mail_goes_on(world: World) -> None:
    office, server = world
    server.refused = {"lan@phuong-a.test"}
    wants(office, office.minh, "minh@phuong-a.test")
    warned(office)
    opens(office, "2", to=office.minh)
    runs(office, "2026-03-05T14:25")
    assert office.mailing.drain("worker") == {"dead": 1, "sent": 1}
    (dead,) = office.mailing.list(["dead"])
    assert dead.login == "lan" and "550" in str(dead.error)
    server.refused = set()
    assert office.mailing.retry(dead.id).state == "waiting"
    assert office.mailing.drain("worker") == {"sent": 1}
    with pytest.raises(MoveNotAllowed):
        office.mailing.retry(dead.id)


def test_a_busy_server_is_asked_again_and_one_mail_holds_no_other(world: World) -> None:
    office, server = world
    server.answers = ["451 come again"]
    warned(office, 2)
    assert office.mailing.drain("worker") == {"waiting": 1, "sent": 1}
    assert states(office) == [("waiting", False), ("sent", False)]


def test_a_server_that_is_away_is_tried_by_one_mail_alone(sqlite_office: Office) -> None:
    warned(sqlite_office, 3)
    assert sqlite_office.mailing.drain("worker") == {"waiting": 1}
    attempts = sqlite_office.rows(select(mails.c.attempts).order_by(mails.c.id))
    assert attempts == [(1,), (0,), (0,)]
    with pytest.raises(MailDelayed, match="cannot be used"):
        sqlite_office.mailing.test("lan@phuong-a.test")


def test_what_its_person_switched_off_meanwhile_is_dropped(world: World) -> None:
    office, server = world
    warned(office)
    wants(office, office.lan, by_mail=False)
    assert office.mailing.drain("worker") == {"dropped": 1} and server.mails == []


def test_a_mail_too_late_to_be_worth_reading_is_dropped(world: World) -> None:
    office, server = world
    wants(office, office.lan, daily=True)
    opens(office, due="2026-03-06T16:00")
    runs(office, "2026-03-06T07:30")
    office.clock.forward(days=1)
    assert office.mailing.drain("worker") == {"dropped": 1} and server.mails == []


def test_the_office_can_keep_mail_to_its_own_domains(sqlite_office: Office) -> None:
    from aggregator.errors import InputInvalid

    mine: dict[str, Any] = {"smtp_host": "x", "smtp_from": "a@b.test", "public_url": "http://b.test"}
    sqlite_office.mailed(Settings(**mine, smtp_domains=("phuong-a.test",)))
    wants(sqlite_office, sqlite_office.lan, "lan@Phuong-A.test")
    with pytest.raises(InputInvalid, match="only go to"):
        wants(sqlite_office, sqlite_office.lan, "lan@elsewhere.test")


def test_signing_in_to_the_mail_server(sqlite_office: Office) -> None:
    with mail_server(auth_required=True) as (server, settings):
        signed = {**settings, "smtp_user": "motmoi", "smtp_password": "dung-mat-khau"}
        sqlite_office.mailed(Settings(**signed))
        sqlite_office.mailing.test("lan@phuong-a.test")
        assert server.logins == ["motmoi"] and server.mails[0]["Subject"] == "Thư thử từ Một Mối"
        sqlite_office.mailed(Settings(**{**signed, "smtp_password": "sai"}))
        with pytest.raises(MailDelayed, match="does not let motmoi in"):
            sqlite_office.mailing.test("lan@phuong-a.test")
        server.refused = {"x@phuong-a.test"}
        sqlite_office.mailed(Settings(**signed))
        with pytest.raises(MailRefused):
            sqlite_office.mailing.test("x@phuong-a.test")


def test_without_a_mail_server_nobody_is_written_to(sqlite_office: Office) -> None:
    sqlite_office.mailed(Settings())
    warned(sqlite_office)
    assert sqlite_office.count("mails") == 0
    assert [one.kind for one in sqlite_office.notices.page(sqlite_office.lan).rows] == [Kind.DUE_SOON]
