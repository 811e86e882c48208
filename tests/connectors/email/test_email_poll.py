"""What polls of a real mailbox bring."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from aggregator.sdk.contract import AuthFailed, ConfigInvalid, Span, Transient
from connectors.email import CONNECTOR
from tests.connectors.email.conftest import NOW, OWN


def test_each_conversation_is_one_report(office, letter):
    office.comes(letter("a@x", "Ổ gà.", files={"ảnh ổ gà.jpg": b"\xff\xd8anh"}))
    office.comes(letter("b@x", "Rác.", sender="Nguyễn Văn Thử <thu@thu.example.vn>"))
    polled = office.poll()
    assert polled.ids == ["a@x", "b@x"] and polled.batches[-1].complete
    first, second = polled.records
    assert (first.subject, first.body) == ("Phản ánh ổ gà", "Ổ gà.")
    assert (first.person.name, first.person.email) == ("Trần Thị Mẫu", "mau@thu.example.vn")
    assert first.occurred_at == NOW - timedelta(minutes=5)
    assert first.attachments[0].filename == "ảnh ổ gà.jpg" and second.attachments == ()
    file = CONNECTOR.fetch_attachment(office.context(), first.attachments[0].ref)
    assert (file.content, file.filename) == (b"\xff\xd8anh", "ảnh ổ gà.jpg")


def test_reading_leaves_mails_unread_and_in_their_place(office, letter):
    office.comes(letter())
    office.poll()
    with office.dovecot.session(office.user) as client:
        assert client.search(None, "UNSEEN")[1] == [b"1"]


def test_next_poll_brings_only_what_came_since(office, letter):
    office.comes(letter("a@x"))
    cursor = json.loads(json.dumps(office.poll().cursor))
    assert office.poll(cursor).ids == []
    office.comes(letter("b@x"))
    assert office.poll(cursor).ids == ["b@x"]


def test_later_mail_of_a_conversation_makes_a_new_revision_of_the_same_report(office, letter):
    office.comes(letter("a@x", "Ổ gà."))
    cursor = office.poll().cursor
    quoted = "Vẫn chưa ai đến.\n\nVào Th 3, 10 thg 3, 2026 lúc 09:00 UBND <ubnd@x> đã viết:\n> Ổ gà.\n"
    office.now += timedelta(hours=2)
    office.comes(
        letter("c@x", quoted, subject="Re: Phản ánh ổ gà", at=office.now, headers={"References": "<a@x>"})
    )
    (again,) = office.poll(cursor).records
    assert again.external_id == "a@x" and again.subject == "Phản ánh ổ gà"
    assert again.body.startswith("Ổ gà.") and again.body.endswith("Vẫn chưa ai đến.")
    assert "đã viết" not in again.body and again.occurred_at == NOW - timedelta(minutes=5)


def test_mails_of_an_outage_of_days_all_come_in_batches(office, letter):
    for number in range(45):
        office.comes(letter(f"{number}@x", at=NOW - timedelta(days=20), subject=f"Số {number}"), at=NOW)
    polled = office.poll()
    assert len(set(polled.ids)) == 45
    assert [len(batch.records) for batch in polled.batches] == [20, 20, 5, 0]
    rest = office.poll(polled.batches[0].next_cursor)
    assert len(rest.ids) == 25


def test_mailbox_numbered_anew_is_read_whole_under_the_same_ids(office, letter):
    old = NOW - timedelta(days=90)
    office.comes(letter("a@x", at=old), at=old)
    office.comes(letter("b@x"))
    cursor = office.poll(config={"since_days": 365}).cursor
    before = cursor["folders"]["INBOX"]["validity"]
    office.dovecot.renumber(office.user)
    polled = office.poll(cursor)
    assert polled.ids == ["a@x", "b@x"]
    assert polled.cursor["folders"]["INBOX"]["validity"] != before


def test_first_poll_reads_back_as_far_as_set(office, letter):
    office.comes(letter("alt@x"), at=NOW - timedelta(days=60))
    office.comes(letter("neu@x"))
    assert office.poll().ids == ["neu@x"]
    assert office.poll(config={"since_days": 90}).ids == ["alt@x", "neu@x"]


def test_several_folders_one_with_a_vietnamese_name(office, letter):
    with office.dovecot.session(office.user) as client:
        client.create('"Ph&AOM-n &Ocs- 1022"')  # Phãn ổ... as IMAP writes it
    name = "Phãn 㧋 1022"
    with office.dovecot.session(office.user) as client:
        client.append('"Ph&AOM-n &Ocs- 1022"', "", None, letter("f@x").as_bytes())
    office.comes(letter("i@x"))
    polled = office.poll(config={"folders": ["INBOX", name]})
    assert sorted(polled.ids) == ["f@x", "i@x"]
    with pytest.raises(ConfigInvalid, match="no folder"):
        office.poll(config={"folders": ["Không có"]})


def test_one_bad_mail_stops_nothing(office, letter):
    office.comes(b"\xff\xfe\x00 this is no mail at all\r\n\r\n")
    office.comes(letter("to@x", "x" * 60_000))
    office.comes(letter("a@x"))
    polled = office.poll(config={"max_mail_bytes": 50_000})
    assert "a@x" in polled.ids
    large = [p for p in polled.problems if p.error.external_id == "to@x"]
    assert len(large) == 1 and "larger than the limit" in large[0].error.message
    assert len(large[0].item.content) < 5_000  # its headers


def test_bounce_of_our_answer_is_put_before_a_person(office, letter, answer):
    office.comes(letter("a@x"))
    office.poll()
    CONNECTOR.push(office.context(), answer("a@x"))
    ours = office.relay.mails[0]
    returned = (
        f"From: MAILER-DAEMON@thu.example.vn\r\nTo: {OWN}\r\nSubject: Undelivered\r\n"
        "Message-ID: <bounce@x>\r\n"
        f"References: <a@x> {ours['Message-ID']}\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nuser unknown\r\n--b--\r\n"
    )
    cursor = office.poll().cursor
    office.comes(returned.encode())
    polled = office.poll(cursor)
    assert polled.records == [] and polled.problems[0].error.external_id == "a@x"
    assert "came back" in polled.problems[0].error.message


def test_one_conversation_by_its_id_and_its_kept_bytes_map_again(office, letter):
    office.comes(letter("a@x"))
    record, item = CONNECTOR.fetch(office.context(), "a@x")
    assert CONNECTOR.remap(office.context(), item) == record
    assert CONNECTOR.fetch(office.context(), "khong-co@x") is None
    assert CONNECTOR.fetch(office.context(), 'x" OR ALL "') is None


def test_backfill_by_days_and_by_ids(office, letter):
    for number in range(25):
        office.comes(letter(f"{number}@x"), at=NOW - timedelta(days=50))
    office.comes(letter("neu@x"))
    span = Span(NOW - timedelta(days=52), NOW - timedelta(days=48))
    batches = list(CONNECTOR.backfill(office.context(), span, None))
    assert len({r.external_id for b in batches for r in b.records}) == 25 and batches[-1].complete
    rest = list(CONNECTOR.backfill(office.context(), span, batches[0].next_cursor))
    assert len([r for b in rest for r in b.records]) == 5
    ids = list(CONNECTOR.backfill(office.context(), Span(ids=("3@x", "neu@x", "fehlt@x")), None))
    assert [r.external_id for b in ids for r in b.records] == ["3@x", "neu@x"]


def test_encrypted_connection_and_a_certificate_nobody_signed(office, letter):
    office.comes(letter("a@x"))
    url = f"imaps://localhost:{office.dovecot.tls_port}"
    trusted = office.poll(config={"imap_url": url}, verify=str(office.dovecot.cert))
    assert trusted.ids == ["a@x"]
    with pytest.raises(Transient, match="no secure connection"):
        office.poll(config={"imap_url": url})


def test_connection_that_is_upgraded(office, letter):
    office.comes(letter("a@x"))
    config = {"plain": False, "imap_url": f"imap://localhost:{office.dovecot.port}"}
    hosts = [f"localhost:{office.dovecot.port}"]
    polled = office.poll(config=config, verify=False, extra_hosts=hosts)
    assert polled.ids == ["a@x"]


@pytest.mark.parametrize(
    ("change", "error", "note"),
    [
        ({"secrets": {"password": "sai"}}, AuthFailed, "a wrong password"),
        ({"config": {"imap_url": ""}}, ConfigInvalid, "no server"),
        ({"config": {"imap_url": "imap://127.0.0.1:9"}}, ConfigInvalid, "a server that is not the channel's"),
        ({"config": {"address": "x"}}, ConfigInvalid, "no address of the office"),
    ],
)
def test_what_is_wrong_says_what_to_do_next(office, letter, change, error, note):
    office.comes(letter())
    with pytest.raises(error):
        office.poll(**change)


def test_server_that_is_not_there_is_tried_again(office):
    with pytest.raises(Transient):
        office.poll(config={"imap_url": "imap://127.0.0.1:9"}, extra_hosts=["127.0.0.1:9"])


def test_check_names_each_step(office, letter):
    office.comes(letter())
    assert [step.ok for step in CONNECTOR.check(office.context())] == [True] * 4
    wrong = CONNECTOR.check(office.context(secrets={"password": "sai"}))
    assert [step.ok for step in wrong] == [False] and "mật khẩu" in wrong[0].hint
    assert office.relay.mails == []
