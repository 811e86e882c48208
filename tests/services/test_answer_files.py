"""Files that go with an answer: what is taken, where it lies, who may have it, how it goes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from aggregator.domain.delivery import Delivery
from aggregator.domain.retention import Kind
from aggregator.domain.workflow import ReplyKind
from aggregator.errors import InputInvalid, NotFound, Permanent
from aggregator.sdk.contract import Capabilities, PushCommand, UnknownOutcome
from aggregator.services import answer_files
from aggregator.services.answer_files import (
    MOST_BYTES,
    MOST_FILES,
    Chosen,
    Kept,
    out_files,
    sorted_out,
    taking,
)
from aggregator.settings import Settings
from aggregator.storage import reply_file_queries
from aggregator.storage.case_tables import outbox
from aggregator.storage.ledger_tables import ledger_entries
from tests.domain.test_proof_files import JPEG, NOTE, PDF, PNG
from tests.factories import Office
from tests.services.outbox_world import Counter, World, counter_found

PHOTO, DECISION = Chosen("C:\\Ảnh\\sau khi sửa.exe", JPEG), Chosen("Quyết định 12.pdf", PDF)


def answered(office: Office, *files: Chosen, once: str | None = None) -> int:
    case_id = office.opens()
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Đã đậy nắp.", files=files, once=once)
    return case_id


def on_disk(office: Office) -> list[Path]:
    return [path for path in (office.folder / "attachments").rglob("*") if path.is_file()]


def test_the_files_of_an_answer_are_kept_by_content_and_named_for_what_they_are(office: Office) -> None:
    case_id = answered(office, PHOTO, DECISION)
    photo, decision = office.page(case_id).replies[0].files
    assert (photo.filename, photo.content_type) == ("sau khi sửa.jpg", "image/jpeg")
    assert (decision.filename, decision.content_type) == ("Quyết định 12.pdf", "application/pdf")
    path, name, kind = office.cases.answer_file(office.lan, photo.id)
    content = path.read_bytes()
    assert (name, kind, len(content)) == (photo.filename, photo.content_type, photo.size)
    assert NOTE not in content, "where the telephone was is nobody's business"
    assert path.parent.name + path.name == hashlib.sha256(content).hexdigest()


def test_the_ledger_names_what_was_sent_along_and_not_what_it_was_called(office: Office) -> None:
    case_id = answered(office, PHOTO, DECISION)
    query = select(ledger_entries.c.data).where(
        ledger_entries.c.case_id == case_id, ledger_entries.c.kind == "replied"
    )
    ((data,),) = office.rows(query)
    ids = [file.id for file in office.page(case_id).replies[0].files]
    paths = [office.cases.answer_file(office.lan, id_)[0] for id_ in ids]
    assert json.loads(data)["files"] == [path.parent.name + path.name for path in paths]
    assert "sau khi" not in data and "Quyết" not in data


TOO_MANY = [Chosen(f"{number}.pdf", PDF) for number in range(MOST_FILES + 1)]
LARGE = b"%PDF-1.7" + bytes(MOST_BYTES - 20) + b"%%EOF"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (TOO_MANY, "nhiều nhất 5 tệp"),
        ([PHOTO, Chosen("ban-do.png", b"<svg onload=alert(1)>")], "“ban-do”: Tệp không phải ảnh"),
        ([Chosen("a.pdf", LARGE + bytes(20))], "lớn hơn 5 MB"),
        ([Chosen("a.pdf", LARGE)] * 4, "cộng lại lớn hơn 15 MB"),
        ([Chosen("a.png", PNG[:40])], "bị hỏng"),
    ],
)
def test_what_cannot_be_taken_is_told_and_nothing_is_answered(
    office: Office, files: list[Chosen], words: str
) -> None:
    case_id = office.opens()
    with pytest.raises(InputInvalid) as refused:
        office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Đã xong.", files=files)
    assert words in refused.value.message_vi
    assert not office.page(case_id).replies and not on_disk(office)


def test_the_same_form_sent_twice_is_one_answer_with_its_files_once(office: Office) -> None:
    case_id = answered(office, PHOTO, once="k")
    office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Đã đậy nắp.", files=(PHOTO,), once="k")
    assert [len(reply.files) for reply in office.page(case_id).replies] == [1]


def test_hue_of_ward_b_gets_no_file_and_lays_none_down(office: Office) -> None:
    file = office.page(answered(office, PHOTO)).replies[0].files[0]
    for wanted in (file.id, 4711, 2**70):
        with pytest.raises(NotFound):
            office.cases.answer_file(office.hue, wanted)
    before = on_disk(office)
    with pytest.raises(NotFound):
        office.cases.reply(office.hue, 1, ReplyKind.RESULT, "Đã xong.", files=(DECISION,))
    assert on_disk(office) == before


def test_files_go_with_the_answers_and_shared_content_with_the_last_that_names_it(office: Office) -> None:
    office.channel("1022")
    first, second = office.opens("1"), office.opens("2")
    for case_id in (first, second):
        office.cases.reply(office.lan, case_id, ReplyKind.RESULT, "Đã xong.", files=(PHOTO,))
    with office.db.write() as tx:
        tx.execute(update(outbox).values(state="acknowledged"))
    os.utime(on_disk(office)[0], (0, 0))
    with office.db.write() as tx:
        reply_file_queries.forget(tx, [office.page(first).replies[0].id])
    office.retention.run(office.admin, [Kind.FILES])
    assert len(on_disk(office)) == 1, "the other answer still has it"
    office.clock.forward(days=11 * 366)
    office.retention.run(office.admin, [Kind.ANSWERS])
    office.retention.run(office.admin, [Kind.FILES])
    assert not on_disk(office)
    for case_id in (first, second):
        (file,) = office.page(case_id).replies[0].files
        assert (file.filename, file.there) == ("", False)
        with pytest.raises(NotFound):
            office.cases.answer_file(office.lan, file.id)


PICTURE, PAPER = "image/jpeg", "application/pdf"


def kept(*files: tuple[str, int]) -> list[Kept]:
    return [Kept(f"{number}", kind, size, "c" * 64) for number, (kind, size) in enumerate(files, 1)]


ALL = {"push_attachments": True}


@pytest.mark.parametrize(
    ("can", "options", "files", "goes", "left"),
    [
        ({}, {}, [(PICTURE, 1), (PAPER, 2)], "", "1:no_files 2:no_files"),
        (ALL, {}, [(PICTURE, 1), (PAPER, 2)], "1 2", ""),
        (ALL | {"push_max_files": 1}, {}, [(PICTURE, 1), (PAPER, 2)], "1", "2:too_many"),
        # What still fits goes, whatever stood before it.
        (ALL | {"push_max_bytes": 3}, {}, [(PAPER, 2), (PAPER, 9), (PAPER, 1)], "1 3", "2:too_many"),
        (ALL | {"push_max_file_bytes": 8}, {}, [(PAPER, 9), (PAPER, 8)], "2", "1:size"),
        (ALL | {"push_file_types": (PAPER,)}, {}, [(PICTURE, 1), (PAPER, 2)], "2", "1:type"),
        # A channel takes less than its connector says, never more.
        (ALL, {"answer_files": 0}, [(PICTURE, 1)], "", "1:no_files"),
        (ALL | {"push_max_files": 1}, {"answer_files": 3}, [(PAPER, 1), (PAPER, 2)], "1", "2:too_many"),
        (ALL, {"answer_file_mb": 0.5}, [(PAPER, 500_001), (PAPER, 500_000)], "2", "1:size"),
        (ALL, {"answer_file_types": "pictures"}, [(PICTURE, 1), (PAPER, 2)], "1", "2:type"),
        (ALL | {"push_file_types": (PICTURE,)}, {"answer_file_types": "pdf"}, [(PAPER, 1)], "", "1:type"),
        ({"push_reply": False} | ALL, {}, [(PAPER, 1)], "", "1:no_files"),
    ],
)
def test_a_source_gets_what_it_takes_and_each_file_that_stays_has_its_reason(
    can: dict[str, Any], options: dict[str, Any], files: list[tuple[str, int]], goes: str, left: str
) -> None:
    take = taking(Capabilities(**{"push_reply": True, **can}), options)
    going, staying = sorted_out(take, kept(*files))
    assert " ".join(file.filename for file in going) == goes
    assert " ".join(f"{file.filename}:{file.why}" for file in staying) == left


def test_a_file_that_is_gone_or_changed_is_the_messages_trouble_and_told(tmp_path: Path) -> None:
    (file,) = out_files(tmp_path, answer_files.keep(tmp_path, [DECISION]))
    assert file.read() == PDF
    for damage in (lambda: file.path.write_bytes(PDF + b"x"), file.path.unlink):
        damage()
        with pytest.raises(Permanent) as lost:
            file.read()
        assert "Quyết định 12.pdf" in lost.value.message_vi and "Quyết" not in lost.value.message


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def world(database_url: str, counter: Counter, tmp_path: Path) -> Iterator[World]:
    found = {
        "none": counter_found(counter, "none"),
        "one": counter_found(counter, "one", push_attachments=True, push_max_files=1),
        "all": counter_found(counter, "all", push_attachments=True),
    }
    world = World(database_url, found, Settings(data_dir=tmp_path))
    yield world
    world.close()


def answers_with_files(world: World, kind: str) -> int:
    channel = world.channel(kind)
    message = world.answer(world.case(channel=channel), world.report(channel, "1"), "Đã xong.")
    kept = answer_files.keep(world.settings.data_dir / "attachments", [PHOTO, DECISION])
    with world.db.write() as tx:
        reply_file_queries.put(tx, world.view(message).reply_id, [asdict(file) for file in kept])
    return message


@pytest.mark.parametrize(("kind", "went", "left"), [("none", 0, 2), ("one", 1, 1), ("all", 2, 0)])
def test_the_text_goes_and_what_the_source_does_not_take_is_told(
    world: World, counter: Counter, kind: str, went: int, left: int
) -> None:
    message = answers_with_files(world, kind)
    assert world.view(message).files_left == 0, "nothing is left before anything went"
    world.work()
    (command,) = counter.commands
    assert [file.filename for file in command.attachments] == ["sau khi sửa.jpg", "Quyết định 12.pdf"][:went]
    assert all(hashlib.sha256(file.read()).hexdigest() == file.sha256 for file in command.attachments)
    view = world.view(message)
    assert (view.state, view.files_left) == (Delivery.SENT, left)


def test_an_answer_that_is_found_after_its_reply_was_lost_keeps_what_was_left(
    world: World, counter: Counter
) -> None:
    def lost(command: PushCommand) -> None:
        counter.take(command)
        raise UnknownOutcome("the reply was lost")

    message = answers_with_files(world, "one")
    counter.next_push = [lost]
    world.work_until_quiet()
    assert counter.pushes == 1 and len(counter.taken["1"]) == 1
    assert (world.state(message), world.view(message).files_left) == (Delivery.ACKNOWLEDGED, 1)


def test_a_file_that_was_lost_stops_its_message_and_no_other(world: World, counter: Counter) -> None:
    def reads(command: PushCommand) -> None:
        for file in command.attachments:
            file.read()

    message = answers_with_files(world, "all")
    for path in (world.settings.data_dir / "attachments").rglob("*"):
        if path.is_file():
            path.unlink()
    channel = world.rows()[0].channel_id
    other = world.answer(world.case(channel=channel), world.report(channel, "2"), "Đã xong.")
    counter.next_push = [reads, reads]
    world.work_until_quiet()
    assert (world.state(message), world.state(other)) == (Delivery.DEAD, Delivery.SENT)
    assert "Hãy khôi phục tệp" in (world.view(message).error_vi or "")
