"""Answers that go into the citizen's conversation, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aggregator.sdk.contract import ConfigInvalid, Permanent, Transient, UnknownOutcome
from connectors.email import CONNECTOR
from tests.connectors.email.conftest import OWN
from tests.domain.test_proof_files import JPEG, PDF
from tests.out_files import laid_down


def test_answer_stands_in_the_citizens_conversation(office, letter, answer):
    office.comes(letter("a@x", headers={"Reply-To": "tra-loi@thu.example.vn"}))
    office.poll()
    result = CONNECTOR.push(office.context(), answer("a@x"))
    (mail,) = office.relay.mails
    assert result.outcome == "sent" and mail["Message-ID"] == f"<{result.remote_ref}>"
    assert mail["To"] == "tra-loi@thu.example.vn" and mail["Subject"] == "Re: Phản ánh ổ gà"
    assert mail["From"] == f"UBND phường Mẫu <{OWN}>"
    assert mail["In-Reply-To"] == "<a@x>" and mail["References"] == "<a@x>"
    assert mail.get_content().strip() == "Đã vá xong, cảm ơn bà."
    assert office.relay.envelopes == [(OWN, ["tra-loi@thu.example.vn", OWN])]
    assert "bcc" not in mail


def test_files_are_attached_to_the_answer_and_are_no_files_of_the_citizens(office, letter, answer, tmp_path):
    office.comes(letter("a@x", files={"o-ga.jpg": b"anh cua ba"}))
    cursor = office.poll().cursor
    files = laid_down(tmp_path, ("Ảnh sau khi sửa.jpg", JPEG), ("QĐ 12.pdf", PDF))
    CONNECTOR.push(office.context(), answer("a@x", attachments=files))
    again = CONNECTOR.push(office.context(), answer("a@x", attachments=files, attempt=2))
    assert again.outcome == "already_there"
    (mail,) = office.relay.mails
    assert mail.get_body(("plain",)).get_content().strip() == "Đã vá xong, cảm ơn bà."
    assert [(file.get_filename(), file.get_content()) for file in mail.iter_attachments()] == [
        ("Ảnh sau khi sửa.jpg", JPEG), ("QĐ 12.pdf", PDF),
    ]  # fmt: skip
    (record,) = office.poll(cursor).records
    assert [file.filename for file in record.attachments] == ["o-ga.jpg"]
    assert record.answers[0].body == "Đã vá xong, cảm ơn bà."
    assert CONNECTOR.lookup(office.context(), answer("a@x")).found is not None


@pytest.mark.parametrize("told", ["552 5.3.4 too big", "its size, before the text"])
def test_a_mail_that_is_too_large_for_the_server_goes_without_its_files(
    office, letter, answer, tmp_path, told
):
    office.comes(letter("a@x"))
    files = laid_down(tmp_path, ("Ảnh.jpg", JPEG + bytes(40_000_000)))
    if told.startswith("552"):
        files = laid_down(tmp_path, ("Ảnh.jpg", JPEG))
        office.relay.answers = [told]
    result = CONNECTOR.push(office.context(), answer("a@x", attachments=files))
    assert (result.outcome, result.files_left) == ("sent", 1)
    (mail,) = office.relay.mails
    assert not list(mail.iter_attachments()) and "Đã vá xong" in mail.get_body(("plain",)).get_content()


def test_a_file_that_is_gone_is_told_before_anything_is_sent(office, letter, answer, tmp_path):
    office.comes(letter("a@x"))
    (file,) = laid_down(tmp_path, ("QĐ 12.pdf", PDF))
    file.path.unlink()
    with pytest.raises(Permanent, match="cannot be read"):
        CONNECTOR.push(office.context(), answer("a@x", attachments=(file,)))
    assert not office.relay.mails


def test_a_correction_stands_under_the_mail_that_it_corrects(office, letter, answer):
    office.comes(letter("a@x"))
    first = CONNECTOR.push(office.context(), answer("a@x"))
    later = answer("a@x", "Đính chính.", idempotency_key="mm-2", kind="correction", corrects=first.remote_ref)
    CONNECTOR.push(office.context(), later)
    mail = office.relay.mails[1]
    assert mail["In-Reply-To"] == f"<{first.remote_ref}>"
    assert mail["References"] == f"<a@x> <{first.remote_ref}>"


def test_copy_proves_the_answer_and_comes_with_the_next_poll(office, letter, answer):
    office.comes(letter("a@x"))
    cursor = office.poll().cursor
    CONNECTOR.push(office.context(), answer("a@x"))
    (again,) = office.poll(cursor).records
    assert again.external_id == "a@x" and again.body == "Đường hẻm 12 có ổ gà lớn."
    assert again.answers[0].body == "Đã vá xong, cảm ơn bà."
    assert CONNECTOR.lookup(office.context(), answer("a@x")).found is not None


def test_same_answer_twice_is_one_mail(office, letter, answer):
    office.comes(letter("a@x"))
    CONNECTOR.push(office.context(), answer("a@x"))
    again = CONNECTOR.push(office.context(), answer("a@x", attempt=2))
    assert again.outcome == "already_there" and len(office.relay.mails) == 1


def test_silence_after_the_text_leaves_it_open_until_the_copy_is_seen(office, letter, answer):
    office.comes(letter("a@x"))
    office.relay.answers = ["silence"]
    with pytest.raises(UnknownOutcome):
        CONNECTOR.push(office.context(), answer("a@x"))
    assert CONNECTOR.lookup(office.context(), answer("a@x")).found is not None
    assert CONNECTOR.push(office.context(), answer("a@x", attempt=2)).outcome == "already_there"
    assert len(office.relay.mails) == 1


@pytest.mark.parametrize(
    ("said", "error", "note"),
    [
        ("451 try later", Transient, "the server is busy"),
        ("552 mailbox full", Permanent, "the mail is refused for good"),
    ],
)
def test_what_the_server_says_decides_what_comes_next(office, letter, answer, said, error, note):
    office.comes(letter("a@x"))
    office.relay.answers = [said]
    with pytest.raises(error):
        CONNECTOR.push(office.context(), answer("a@x"))
    assert office.relay.mails == []


def test_unknown_recipient_is_for_a_person(office, letter, answer):
    office.comes(letter("a@x"))
    office.relay.refused.add("mau@thu.example.vn")
    with pytest.raises(Permanent, match="refuses the recipient"):
        CONNECTOR.push(office.context(), answer("a@x"))


def test_conversation_that_is_gone_is_for_a_person(office, answer):
    with pytest.raises(Permanent, match="no longer in the mailbox"):
        CONNECTOR.push(office.context(), answer("a@x"))
    assert CONNECTOR.lookup(office.context(), answer("a@x")) is None


def test_without_a_sending_server_the_channel_is_read_only(office, letter, answer):
    office.comes(letter("a@x"))
    with pytest.raises(ConfigInvalid, match="read only"):
        CONNECTOR.push(office.context(config={"smtp_url": ""}), answer("a@x"))


def test_answer_to_our_answer_belongs_to_the_first_mail_even_without_references(office, letter, answer):
    office.comes(letter("a@x", "Ổ gà."))
    office.poll()
    sent = CONNECTOR.push(office.context(), answer("a@x"))
    cursor = office.poll().cursor
    office.now += timedelta(days=1)
    office.comes(letter("d@x", "Lại hỏng rồi.", headers={"In-Reply-To": f"<{sent.remote_ref}>"}))
    (again,) = office.poll(cursor).records
    assert again.external_id == "a@x" and again.body.endswith("Lại hỏng rồi.")
